"""Elman's layers and what they are compared with: the same weights and inputs, and the same results or no timing."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import elman
from elman.cells import Cell
from elman.compiler import plan

TOLERANCE = {
    torch.bfloat16: 2**-7,
    torch.float32: 3e-5,
    torch.float64: 1e-10,
}  # of sums of many thousand terms, in another order
FRESH = 3  # inputs that take turns, so that nothing about one of them can be kept for the next call


class Wrong(Exception):
    """A result that differs from the one it is compared with. What is not correct is not timed."""


class Size(NamedTuple):
    """How much one call does; inputs have as many features as there are units."""

    time: int
    batch: int
    hidden: int

    def __str__(self) -> str:
        return "x".join(map(str, self))


@dataclass(frozen=True)
class Kind:
    """A recurrence that Elman, PyTorch and ONNX all know."""

    ours: Callable[[int, int], nn.Module]
    theirs: Callable[[int, int], nn.Module]
    order: tuple[int, ...]  # the gates of ONNX, by their places in PyTorch's order
    attributes: dict[str, Any]  # of the ONNX node

    @property
    def gates(self) -> int:
        return len(self.order)


KINDS = {
    "rnn": Kind(elman.RNN, nn.RNN, (0,), {}),
    "gru": Kind(elman.GRU, nn.GRU, (1, 0, 2), {"linear_before_reset": 1}),
    "lstm": Kind(elman.LSTM, nn.LSTM, (0, 3, 1, 2), {}),
}


def twins(kind: str, hidden: int) -> tuple[nn.Module, nn.Module]:
    """Elman's layer and PyTorch's, with the same weights."""
    torch.manual_seed(0)
    ours, theirs = KINDS[kind].ours(hidden, hidden), KINDS[kind].theirs(hidden, hidden)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def named(ours: nn.Module, theirs: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """Both, by the names that they have in figures."""
    return ("elman", ours), ("torch", theirs)


def inputs(shape: Sequence[int], count: int = FRESH) -> list[Tensor]:
    """Random inputs that have a gradient."""
    torch.manual_seed(1)
    return [torch.randn(*shape, requires_grad=True) for _ in range(count)]


def training_step(layer: nn.Module, xs: Sequence[Tensor], run: Callable[[Tensor], Tensor]) -> Callable[[], object]:
    """Forward, and backward to the input and every parameter of ``layer``, whose outputs ``run`` gives."""
    parameters = list(layer.parameters())
    with torch.no_grad():
        share = torch.ones_like(run(xs[0]))
    turns = itertools.cycle(xs)

    def step() -> object:
        # after an optimiser's step the weights are others, so that nothing made from them can be kept
        torch.autograd.graph.increment_version(parameters)
        x = next(turns)
        return torch.autograd.grad(run(x), [x, *parameters], share)

    return step


def inference(xs: Sequence[Tensor], run: Callable[[Tensor], object]) -> Callable[[], object]:
    """Forward alone."""
    turns = itertools.cycle([x.detach() for x in xs])

    def call() -> object:
        with torch.inference_mode():
            return run(next(turns))

    return call


def outputs_of(layer: Callable[..., Any], **options: Any) -> Callable[[Tensor], Tensor]:
    """A layer's outputs, without its last state."""
    return lambda x: layer(x, **options)[0]


def in_bfloat16(layer: nn.Module) -> Callable[[Tensor], Any]:
    """A layer's call under autocast to bfloat16."""

    def run(x: Tensor) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return layer(x)

    return run


def in_a_loop(cell: Cell, **extras: Tensor) -> Callable[[Tensor], Tensor]:
    """A cell's outputs, by a Python loop over its step."""

    def run(x: Tensor) -> Tensor:
        with plan.use("eager"):
            return cell(x, **extras)[0]

    return run


class CharacterModel(nn.Module):
    """A language model around a layer: the loss of what follows each character, of those in ``texts [T + 1, B]``."""

    CHARACTERS, DROPOUT = 65, 0.4

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        size = layer.get_parameter("weight_hh_l0").shape[1]
        self.embedding, self.layer = nn.Embedding(self.CHARACTERS, size), layer
        self.dropout, self.readout = nn.Dropout(self.DROPOUT), nn.Linear(size, self.CHARACTERS)

    def forward(self, texts: Tensor) -> Tensor:
        outputs, _ = self.layer(self.dropout(self.embedding(texts[:-1])))
        return F.cross_entropy(self.readout(self.dropout(outputs)).flatten(0, 1), texts[1:].flatten())

    def gradients(self, texts: Tensor) -> dict[str, Tensor]:
        """The loss and the gradient of every parameter, with the same noise at every call."""
        torch.manual_seed(3)
        loss, named = self(texts), dict(self.named_parameters())
        grads = torch.autograd.grad(loss, list(named.values()))
        return {"the loss": loss} | {f"the gradient of {n}": g for n, g in zip(named, grads, strict=True)}

    def training_step(self, texts: Tensor) -> Callable[[], object]:
        """A whole step: forward, backward, the gradient clipped, the weights moved."""
        optimiser = torch.optim.AdamW(self.parameters(), lr=1e-4, fused=True)

        def step() -> object:
            optimiser.zero_grad()
            self(texts).backward()
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            return optimiser.step()

        return step


class Session:
    """A layer of PyTorch's in ONNX Runtime: its own weights, and as many threads as PyTorch has now."""

    def __init__(self, kind: str, layer: nn.Module, xs: Sequence[Tensor]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        model = onnx_model(kind, layer).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.turns = itertools.cycle([{"x": x.detach().numpy()} for x in xs])

    def __call__(self) -> object:
        return self.session.run(["y"], next(self.turns))

    def outputs(self, x: Tensor) -> Tensor:
        (y,) = self.session.run(["y"], {"x": x.detach().numpy()})
        return torch.from_numpy(y).squeeze(1)


def onnx_model(kind: str, layer: nn.Module) -> onnx.ModelProto:
    """One node with the weights of a layer; its outputs are ``[T, 1, B, H]``."""
    order, weights = KINDS[kind].order, layer.state_dict()

    def in_order(name: str) -> Tensor:
        parts = weights[name].chunk(len(order))
        return torch.cat([parts[k] for k in order])

    values = {
        "w": in_order("weight_ih_l0")[None],
        "r": in_order("weight_hh_l0")[None],
        "b": torch.cat([in_order("bias_ih_l0"), in_order("bias_hh_l0")])[None],
    }
    hidden = weights["weight_hh_l0"].shape[1]
    node = helper.make_node(kind.upper(), ["x", "w", "r", "b"], ["y"], hidden_size=hidden, **KINDS[kind].attributes)
    graph = helper.make_graph(
        [node],
        kind,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", hidden])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", 1, "batch", hidden])],
        [numpy_helper.from_array(value.numpy(), name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def results(layer: nn.Module, x: Tensor, run: Callable[[Tensor], Any] | None = None) -> dict[str, Tensor]:
    """Outputs, last states and, from random shares of all of them, the gradient of the input and of every parameter.

    ``run`` gives the outputs and the last state, where that is not the layer's own call.
    """
    outputs, last = (run or layer)(x)
    found = {"the outputs": outputs}
    states = (last,) if isinstance(last, Tensor) else tuple(last)
    found |= {f"last state {k}": state for k, state in enumerate(states)}
    leaves = {"the input": x, **dict(layer.named_parameters())}
    random = torch.Generator().manual_seed(2)
    shares = [torch.randn(v.shape, generator=random, dtype=torch.float64).to(v.dtype) for v in found.values()]
    grads = torch.autograd.grad(list(found.values()), list(leaves.values()), shares)
    return found | {f"the gradient of {name}": grad for name, grad in zip(leaves, grads, strict=True)}


def gradients_of_sum(layer: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The gradients of the sum of a layer's outputs, of the input and of every parameter."""
    leaves = {"the input": x, **dict(layer.named_parameters())}
    grads = torch.autograd.grad(layer(x)[0].sum(), list(leaves.values()))
    return {f"the gradient of {name}": grad for name, grad in zip(leaves, grads, strict=True)}


def error(actual: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).abs().max()) / max(1.0, float(expected.abs().max()))


def refuse(
    what: str, actual: Mapping[str, Tensor], expected: Mapping[str, Tensor], rough: Mapping[str, Tensor] | None = None
) -> None:
    """Raise ``Wrong`` where results differ by more than rounding; NaN always differs.

    ``expected`` may be finer than ``actual`` if ``rough`` is what the plainest computation gives in its place: what
    amplifies its rounding may amplify that of ``actual``.
    """
    for name, value in actual.items():
        limit = TOLERANCE[value.dtype] + (0.0 if rough is None else 8 * error(rough[name], expected[name]))
        off = error(value, expected[name])
        if not off <= limit:
            raise Wrong(f"{what}: {name} is off by {off:.1e} of its largest number, and {limit:.1e} is allowed")


def refuse_cell(cell: Cell, x: Tensor, extras: Mapping[str, Tensor]) -> None:
    """Compare a cell with its own loop in float64."""
    fine, fine_x = deepcopy(cell).double(), x.detach().double().requires_grad_()
    fine_extras = {name: extra.double() for name, extra in extras.items()}
    with plan.use("eager"):
        truth = results(fine, fine_x, lambda x: fine(x, **fine_extras))
        rough = results(cell, x, lambda x: cell(x, **extras))
    what = f"{type(cell).__name__}, {'x'.join(map(str, x.shape))}"
    if cell.smooth:
        refuse(what, results(cell, x, lambda x: cell(x, **extras)), truth, rough)
    else:  # rounding turns some of a million spikes around, so that only a finer computation can be compared
        refuse(what, results(fine, fine_x, lambda x: fine(x, **fine_extras)), truth)


class Saving(nn.Module):
    """A layer that keeps for the backward pass what ``mode`` says: ``fast`` or ``lean``."""

    def __init__(self, layer: nn.Module, mode: str) -> None:
        super().__init__()
        self.layer, self.mode = layer, mode

    def forward(self, x: Tensor) -> Any:
        return self.layer(x, save=self.mode)
