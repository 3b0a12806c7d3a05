"""Whoever traces, fakes, records or changes what a layer does gets the layer's own result, for any length."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from elman.errors import ElmanError
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.testing import assert_close

MAKES = {
    "rnn": lambda: RNN(3, 5),
    "gru": lambda: GRU(3, 5, batch_first=True),
    "lstm": lambda: LSTM(3, 5, 2, bidirectional=True),
    "a stack": lambda: Recurrent("lstm_layer_norm", 3, 5, num_layers=2),
}
every_kind = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
X, OTHER = torch.linspace(-1, 1, 7 * 4 * 3).view(7, 4, 3), torch.linspace(-2, 1, 9 * 2 * 3).view(9, 2, 3)


@every_kind
@pytest.mark.parametrize("ran", [False, True], ids=["fresh", "has run"])
@pytest.mark.parametrize("gradients", [False, True], ids=["inference", "training"])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_is_right_for_other_lengths_and_batches(make: Any, ran: bool, gradients: bool) -> None:
    layer = make()
    if ran:
        layer(X)
    with torch.set_grad_enabled(gradients):
        traced: Any = torch.jit.trace(layer, (X,), check_trace=False)
        file = io.BytesIO()
        torch.jit.save(traced, file)
        file.seek(0)
        for one in (traced, torch.jit.load(file)):
            for x in (X, OTHER):
                assert_close(one(x)[0], layer(x)[0], "outputs")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_takes_lengths_and_refuses_wrong_ones() -> None:
    class Ragged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = GRU(3, 5)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return self.layer(x, lengths=lengths)[0]

    module = Ragged()
    with torch.no_grad():
        traced: Any = torch.jit.trace(module, (X, torch.tensor([7, 2, 0, 5])), check_trace=False)
        lengths = torch.tensor([1, 7, 3, 0])
        assert_close(traced(X, lengths), module(X, lengths), "outputs")
        with pytest.raises(RuntimeError, match="lengths go from 0 to 7, not from 1 to 8"):
            traced(X, torch.tensor([1, 8, 3, 2]))


@every_kind
def test_a_graph_of_operations_is_right_for_other_lengths(make: Any) -> None:
    layer = make()
    graph = make_fx(lambda x: layer(x)[0], tracing_mode="symbolic", _allow_non_fake_inputs=True)(X)
    assert_close(graph(OTHER), layer(OTHER)[0], "outputs")
    for pre_dispatch in (False, True):
        graph = make_fx(lambda x: layer(x)[0], pre_dispatch=pre_dispatch)(X)
        assert_close(graph(2 * X), layer(2 * X)[0], "outputs")


@pytest.mark.parametrize("transform", [lambda f: torch.func.grad(lambda x: f(x).sin().sum()), torch.func.functionalize])
def test_a_graph_of_a_transform_is_right(transform: Any) -> None:
    layer = GRU(3, 5)
    function = transform(lambda x: layer(x)[0])
    assert_close(make_fx(function)(X)(2 * X), function(2 * X), "outputs")


@every_kind
def test_fake_tensors_have_the_shapes(make: Any) -> None:
    with FakeTensorMode() as mode:
        layer = make()
        x = torch.empty(7, 4, 3, requires_grad=True)
        lengths = torch.ones(7 if getattr(layer, "batch_first", True) else 4, dtype=torch.long)
        outputs = layer(x, lengths=lengths)[0]
        outputs.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == x.shape
    assert outputs.shape == layer(x)[0].shape == make()(X)[0].shape
    real = make()
    real(X)
    with mode, pytest.raises(Exception, match=r"[Ff]ake"):  # torch's own word for real weights among fake ones
        real(x)


class Names(TorchDispatchMode):
    """The names of all operations."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


def test_a_mode_sees_one_operation_with_its_values_and_gradients() -> None:
    layer, x = GRU(3, 5), X.clone().requires_grad_()
    expected = torch.autograd.grad(layer(x)[0].sin().sum(), x)[0]
    with Names() as names:
        found = torch.autograd.grad(layer(x)[0].sin().sum(), x)[0]
    assert torch.equal(found, expected)
    assert {"elman.scan.default", "elman.scan_backward.default"} <= set(names.seen)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: torch.func.vmap(f, 1, 1),
        lambda f: torch.func.grad(lambda x: f(x).sin().sum()),
        lambda f: lambda x: torch.func.jvp(f, (x,), (x,))[1],
    ],
    ids=["vmap", "grad", "jvp"],
)
def test_a_compiled_transform_is_right(transform: Any) -> None:
    layer, x = GRU(3, 5), X[:3]
    function = transform(lambda x: layer(x)[0])
    torch._dynamo.reset()
    assert_close(torch.compile(function, backend="aot_eager")(x), function(x), "the result")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")  # of that exporter
def test_an_exporter_of_onnx_is_told_what_it_can_export(tmp_path: Path) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = GRU(3, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0]

    with torch.no_grad(), pytest.raises(ElmanError, match=r"export the torch\.nn twin"):
        torch.onnx.export(Wrapped().eval(), (X,), tmp_path / "layer.onnx", dynamo=False)


@every_kind
@pytest.mark.parametrize("gradients", [False, True], ids=["inference", "training"])
def test_results_can_be_changed_in_place(make: Any, gradients: bool) -> None:
    layer, found = make(), []
    with torch.set_grad_enabled(gradients):
        for in_place in (True, False):
            x = X.clone().requires_grad_()
            outputs, state = layer(x)
            states = (state,) if isinstance(state, Tensor) else state
            if in_place:
                outputs.relu_()
                for part in states:
                    part.mul_(2)
            else:
                outputs, states = outputs.relu(), [2 * part for part in states]
            total = outputs.sum() + torch.stack([part.sum() for part in states]).sum()
            found.append(torch.autograd.grad(total, x)[0] if gradients else total)
    assert_close(found[0], found[1], "the result")
