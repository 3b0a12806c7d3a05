"""Where PyTorch looks at what a module is exactly, a drop-in is taken for what is right there.

- ``torch.compile`` goes around every RNN, LSTM and GRU, since it cannot compile the call of PyTorch's own. It can
  compile a drop-in's, and is let into those alone (``torch._dynamo.config.allow_rnn`` would let it into all).
- ``torch.fx`` knows a leaf of its graphs by the package of its class.
- Code looks for the words of PyTorch's errors.

The first has no other door than its function, which is wrapped here. Quantisation is in ``quantization.py``.
"""

from typing import Any

import torch._dynamo.config
from torch import Tensor, nn
from torch._dynamo.variables.builder import VariableBuilder
from torch.fx import Proxy, Tracer
from torch.nn.utils.rnn import PackedSequence


def twin_of(module: Any, kind: type[nn.Module]) -> Any:
    """A module of PyTorch's ``kind``, of the sizes and with the very parameters that ``module`` has."""
    options = ("num_layers", "bias", "batch_first", "dropout", "bidirectional")
    given = {name: getattr(module, name) for name in options}
    if kind is nn.RNN:
        given["nonlinearity"] = module.mode.removeprefix("RNN_").lower()
    if module.proj_size:
        given["proj_size"] = module.proj_size
    twin: Any = kind(module.input_size, module.hidden_size, device="meta", **given)
    for name in module._flat_weights_names:
        value = getattr(module, name)
        setattr(twin, name, value if isinstance(value, nn.Parameter) else nn.Parameter(value.detach()))
    return twin.train(module.training)


def words_of_twin(module: Any, input: Any, hx: Any) -> str:
    """What the twin says is wrong with a call, for code that looks for its words; "" where it finds nothing."""
    x, sizes = (input.data, input.batch_sizes) if isinstance(input, PackedSequence) else (input, None)
    try:
        if sizes is None and x.dim() == 2:
            x = x.unsqueeze(0 if module.batch_first else 1)
            if hx is not None:
                hx = hx.unsqueeze(1) if isinstance(hx, Tensor) else tuple(part.unsqueeze(1) for part in hx)
        module.check_input(x, sizes)
        if hx is not None:
            module.check_forward_args(x, hx, sizes)
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
        return str(error)
    return ""


def dtypes_of_twin(module: Any, x: Tensor, hx: Any, packed: bool) -> tuple[torch.dtype, ...]:
    """Those of the twin's outputs and last states under autocast: of its products, or of what these are added to."""
    asked, states = torch.get_autocast_dtype(x.device.type), (hx,) if isinstance(hx, Tensor) else hx
    begun = x.dtype if states is None else states[-1].dtype
    wide = torch.promote_types(asked, begun)
    if module.mode == "LSTM":
        if module.proj_size:
            return asked, asked, wide
        return (wide if packed else asked,) * 3  # a padded input goes to one operation, which autocast rounds whole
    return (wide if module.mode == "GRU" else asked,) * 2


def as_leaf(module: nn.Module, input: Proxy, *args: Any, **options: Any) -> Any:
    """The call of a module as a node of the graph that is being traced; None where the module is its root."""
    tracer = input.tracer
    path = tracer.path_of_module(module) if isinstance(tracer, Tracer) else ""
    return tracer.create_proxy("call_module", path, (input, *args), options) if path else None


def compile_as_code(kind: type[nn.Module]) -> None:
    """Let ``torch.compile`` into modules of this kind, though they are an ``nn.RNNBase``."""
    wrap = VariableBuilder.wrap_module

    def wrap_module(self: VariableBuilder, value: nn.Module) -> Any:
        if not isinstance(value, kind):
            return wrap(self, value)
        with torch._dynamo.config.patch(allow_rnn=True):
            return wrap(self, value)

    VariableBuilder.wrap_module = wrap_module
