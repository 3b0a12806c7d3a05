"""Small calls that are bound give what the ordinary way gives, and whatever is not as it was goes the ordinary way."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import cases
import pytest
import torch
import torch.autograd.forward_ad as forward_mode
from calling import KINDS, WAYS, Ordinary, leaves, ordinary
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from elman.compiler import calls, plan
from elman.compiler.reading import read
from elman.layers import GRU, LSTM, Recurrent
from elman.remedies import Zoneout
from elman.testing import assert_close

__all__ = ["ordinary"]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.no_grad():
        yield


def assert_same(found: Any, expected: Any) -> None:
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        assert torch.equal(a, b)
        assert (a.shape, a.dtype, a.is_contiguous()) == (b.shape, b.dtype, b.is_contiguous())
        assert a.requires_grad == b.requires_grad


@pytest.mark.parametrize(
    ("kind", "hidden", "layers", "bidirectional", "bias", "batch_first", "given", "time", "batch", "dtype"), WAYS
)
def test_a_bound_call_gives_what_the_ordinary_way_gives(
    kind: str, hidden: int, layers: int, bidirectional: bool, bias: bool, batch_first: bool, given: bool,
    time: int, batch: int, dtype: torch.dtype, ordinary: Ordinary,
) -> None:  # fmt: skip
    size = 4 * hidden + 1
    layer = KINDS[kind](2, size, layers, bidirectional=bidirectional, bias=bias, batch_first=batch_first, dtype=dtype)
    cells, shape = layers * (1 + bidirectional), (batch, time, 2) if batch_first else (time, batch, 2)
    for unbatched in (False, True) if batch == 1 else (False,):
        x = torch.randn(shape, dtype=dtype)
        widths = (3, size) if kind == "projected" else (size, size) if kind == "lstm" else (size,)
        hx: Any = tuple(torch.randn(cells, batch, width, dtype=dtype) for width in widths)
        if unbatched:
            x, hx = x.reshape(time, 2), tuple(h.squeeze(1) for h in hx)
        hx = None if not given else hx if len(hx) > 1 else hx[0]
        expected = [layer(x, hx), layer(x, hx)]
        before = ordinary.count
        found = layer(x, hx)
        assert ordinary.count == before
        other = layer(2 * x, hx)  # in its own memory
        with plan.use("eager"):
            loop = layer(x, hx)
        for a, b in zip(leaves(found), leaves(loop), strict=True):
            assert_close(a, b, "a bound call")
        for each in expected:
            assert_same(found, each)
        assert not torch.equal(other[0], found[0])


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_a_bound_call_of_a_cell_gives_what_the_ordinary_way_gives(variant: cases.Variant, ordinary: Ordinary) -> None:
    cell = variant.make(3, 6)
    if cell.extra_inputs:
        pytest.skip("it has inputs beside x")
    for x in (torch.randn(2, 4, 3), torch.randn(4, 2, 3).transpose(0, 1)):
        state = tuple(torch.randn(2, size) for size in cell.state_sizes)
        expected = [cell(x, state) for _ in range(2)]
        ordinary.count = 0
        found = cell(x, state)
        assert_same(found, expected[0])
        assert found[0].stride() == expected[0][0].stride()
        assert ordinary.count == (read(cell).prologue is not None)  # which PyTorch computes before kernels run


X = torch.randn(5, 3, 4)


def bound(**options: Any) -> GRU:
    layer = GRU(4, 6, **options)
    for _ in range(2):
        layer(X)
    assert layer._calls.known == 1
    return layer


class Function(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


class Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


class Named(Tensor):
    """A class of its own."""


def threads(count: int) -> None:
    torch.set_num_threads(count)


AROUND: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "gradients": torch.enable_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "a function mode": Function,
    "a dispatch mode": Dispatch,
    "a device": lambda: torch.device("cpu"),
    "forward mode": forward_mode.dual_level,
    "another executor": lambda: plan.use("eager"),
}


@pytest.mark.parametrize("around", AROUND)
def test_other_surroundings_go_the_ordinary_way(around: str, ordinary: Ordinary) -> None:
    layer = bound()
    expected = layer(X)
    ordinary.count = 0
    with AROUND[around]():
        found = layer(X)
    assert ordinary.count == 1
    assert_close(found[0].float(), expected[0], "outputs", None if around != "autocast" else found[0].float())
    assert found[0].requires_grad == (around == "gradients")
    assert_same(layer(X), expected)
    assert ordinary.count == 1


TRANSFORMS: dict[str, Callable[[Callable[[Tensor], Tensor]], Tensor]] = {
    "vmap": lambda f: torch.func.vmap(lambda s: s * f(X))(torch.ones(1))[0],
    "grad": lambda f: torch.func.grad(lambda s: (s * f(X)).sum())(torch.ones(5, 3, 6)),
    "functionalize": lambda f: torch.func.functionalize(f)(X),
    "jvp": lambda f: torch.func.jvp(lambda s: s * f(X), (torch.ones(()),), (torch.ones(()),))[0],
    "a trace": lambda f: torch.jit.trace(f, (X,), check_trace=False)(X),  # type: ignore[operator]
    "a graph": lambda f: make_fx(f)(X)(X),
    "a graph before dispatch": lambda f: make_fx(f, pre_dispatch=True)(X)(X),
    "a compiler": lambda f: torch.compile(f, backend="eager")(X),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_transforms_go_the_ordinary_way(transform: str, ordinary: Ordinary) -> None:
    layer = bound().requires_grad_(False)
    layer(X)
    expected = layer(X)[0]
    ordinary.count = 0
    torch._dynamo.reset()
    found = TRANSFORMS[transform](lambda x: layer(x)[0])
    assert_close(found, expected, "outputs")
    assert ordinary.count >= (transform != "a compiler")  # which reads the ordinary way and does not call it


def replaced(layer: GRU, other: Tensor) -> None:
    layer.weight_hh_l0.data = other


def swapped(layer: GRU, other: Any) -> None:
    layer._parameters["weight_hh_l0"] = other


CHANGES: dict[str, Callable[[GRU], Any]] = {
    "another dtype": lambda layer: layer.double(),
    "transposed": lambda layer: replaced(layer, torch.randn(6, 18).t()),
    "a negative view": lambda layer: replaced(layer, torch._neg_view(torch.randn(18, 6))),  # type: ignore[attr-defined]
    "a gradient": lambda layer: layer.weight_hh_l0.requires_grad_(False),
    "a tensor for a parameter": lambda layer: swapped(layer, torch.randn(18, 6)),
    "a parametrization": lambda layer: parametrize.register_parametrization(layer, "weight_hh_l0", nn.Tanh()),
    "another class": lambda layer: swapped(layer, torch.randn(18, 6).as_subclass(Named)),
    "evaluation": lambda layer: layer.eval(),
    "batch first": lambda layer: setattr(layer, "batch_first", True),
    "a remedy": lambda layer: layer._cells[0].attach(Zoneout(0.0)),
    "another parameter": lambda layer: layer.register_parameter("more", nn.Parameter(torch.zeros(1))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_module_that_was_changed_goes_the_ordinary_way(change: str, ordinary: Ordinary) -> None:
    layer = bound()
    CHANGES[change](layer)
    ordinary.count = 0
    x = X.double() if change == "another dtype" else X
    found = layer(x)
    assert ordinary.count >= 1
    with plan.use("eager"):
        expected = layer(x)
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        assert_close(a.as_subclass(Tensor), b.as_subclass(Tensor), "outputs")


@pytest.mark.parametrize(
    "x",
    [
        X[:, :, ::2].repeat_interleave(2, 2)[..., :4],
        torch.randn(5, 4, 3).transpose(1, 2),
        torch.randn(3, 5, 4).transpose(0, 1),
        torch._neg_view(torch.randn(5, 3, 4)),  # pyright: ignore[reportPrivateImportUsage]
        torch.randn(5, 3, 4).as_subclass(Named),
        torch.randn(5, 3, 4).requires_grad_(),
        torch.randn(1, 1, 4).expand(5, 3, 4),
    ],
    ids=["contiguous", "turned", "rows apart", "negative", "a class", "a gradient", "expanded"],
)
def test_an_input_of_the_same_shape_gives_what_the_loop_gives(x: Tensor) -> None:
    layer = bound()
    with plan.use("eager"):
        expected = layer(x)
    for _ in range(3):
        assert_close(layer(x)[0].as_subclass(Tensor), expected[0].as_subclass(Tensor), "outputs")


def test_numbers_may_change_without_a_trace(ordinary: Ordinary) -> None:
    layer = bound()
    for change in (
        lambda w: w.data.mul_(2),
        lambda w: w.detach().numpy().fill(0.25),
        lambda w: w.copy_(torch.randn(18, 6)),
        lambda w: setattr(w, "data", torch.randn(18, 6)),
        lambda w: layer.register_parameter("weight_hh_l0", nn.Parameter(torch.randn(18, 6))),
    ):
        change(layer.weight_hh_l0)
        ordinary.count = 0
        found = layer(X)
        assert ordinary.count == 0
        with plan.use("eager"):
            assert_close(found[0], layer(X)[0], "outputs")


def test_a_state_may_stand_twice_and_is_held_to_its_form(ordinary: Ordinary) -> None:
    layer, x, h = LSTM(4, 6), X, torch.randn(1, 3, 6)
    expected = [layer(x, (h, h)) for _ in range(2)]
    ordinary.count = 0
    assert_same(layer(x, (h, h)), expected[0])
    assert ordinary.count == 0
    turned = torch.randn(1, 6, 3).transpose(1, 2)
    with plan.use("eager"):
        right = layer(x, (turned, h))
    assert_close(layer(x, (turned, h))[0], right[0], "outputs")
    with pytest.raises(Exception, match="the state must be"):
        layer(x, (torch.randn(1, 2, 6), h))
    with pytest.raises(Exception, match="two, "):
        layer(x, h)


def test_memory_that_was_freed_is_refused() -> None:
    layer, x = GRU(4, 6, batch_first=True), X.clone()
    for _ in range(2):
        layer(x)
    assert layer._calls.known == 1
    x.untyped_storage().resize_(0)
    with pytest.raises(Exception, match="has no memory"):
        layer(x)


def test_fake_tensors_are_not_read() -> None:
    layer = bound()
    with FakeTensorMode(), pytest.raises(Exception, match=r"[Ff]ake"):
        layer(torch.empty(5, 3, 4))


def test_calls_with_a_gradient_and_without_are_bound_apart() -> None:
    layer = GRU(4, 6)
    with torch.enable_grad():
        for _ in range(9):
            layer(X)[0].sum().backward()
        assert layer._calls.known == 1
        layer.requires_grad_(False)
        for _ in range(3):
            assert not layer(X)[0].requires_grad
        assert layer._calls.known == 2
        layer.weight_hh_l0.requires_grad_()
        assert layer(X)[0].requires_grad


def test_dropout_between_layers_is_drawn_anew() -> None:
    layer = GRU(4, 6, 2, dropout=0.5)
    found = [layer(X)[0] for _ in range(4)]
    assert not torch.equal(found[2], found[3])
    layer.eval()
    expected = [layer(X) for _ in range(3)]
    assert_same(expected[2], expected[0])
    layer.train()
    assert not torch.equal(layer(X)[0], layer(X)[0])


def test_hooks_of_a_cell_are_called() -> None:
    layer = Recurrent("gru", 4, 6)
    seen: list[Any] = []
    for _ in range(3):
        layer(X)
    layer.cells[0].register_forward_hook(lambda *call: seen.append(call))
    layer(X)
    assert len(seen) == 1


def test_hooks_of_all_modules_are_called(ordinary: Ordinary) -> None:
    layer, seen = bound(), list[str]()
    ordinary.count = 0
    handle = nn.modules.module.register_module_forward_hook(lambda module, *_: seen.append(type(module).__name__))
    try:
        layer(X)
    finally:
        handle.remove()
    assert seen == ["GRU"]  # as of a twin, which has no cells that are modules
    assert ordinary.count == 1


def test_threads_may_call_one_module_at_once() -> None:
    layer, x = LSTM(16, 32), torch.randn(40, 2, 16)
    inputs = [x * n for n in range(1, 5)]
    with torch.no_grad():
        expected = [layer(each) for each in inputs]
    found: list[list[Any]] = [[] for _ in inputs]

    def work(n: int) -> None:
        with torch.no_grad():
            found[n].extend(layer(inputs[n]) for _ in range(60))

    workers = [threading.Thread(target=work, args=(n,)) for n in range(len(inputs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for own, right in zip(found, expected, strict=True):
        assert len(own) == 60
        for each in own:
            assert_same(each, right)


def test_a_copy_begins_with_no_calls() -> None:
    layer = bound()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other._calls is not layer._calls
        assert other._calls.known == 0
        assert_same(other(X), layer(X))
    assert not any("calls" in name for name in layer.state_dict())


def test_few_shapes_are_kept() -> None:
    layer = GRU(2, 3)
    for time in range(1, 300):
        for _ in range(3):
            layer(torch.zeros(time, 1, 2))
    assert 0 < layer._calls.known <= calls.SHAPES + 1


@pytest.mark.parametrize("missing", [True, False])
def test_without_guards_all_go_the_ordinary_way(
    missing: bool, ordinary: Ordinary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_guards", (lambda: None) if missing else calls._guards)
    layer = GRU(4, 6)
    for _ in range(5):
        layer(X)
    assert ordinary.count == (5 if missing else 2)


def test_guards_that_refuse_nothing_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def __init__(self, *tensors: Tensor, **forms: Any) -> None: ...

        def check(self, *tensors: Tensor) -> bool:
            return True

    assert calls._guards() is not None
    calls._guards.cache_clear()
    monkeypatch.setattr("torch._C._dynamo.guards.TensorGuards", Blind)
    try:
        assert calls._guards() is None
    finally:
        calls._guards.cache_clear()
