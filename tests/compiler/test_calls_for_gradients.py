"""Small calls for a gradient that are bound, and their way back, give what the ordinary way gives."""

import threading
from collections.abc import Callable
from typing import Any

import cases
import pytest
import torch
from calling import KINDS, WAYS, Ordinary, leaves, ordinary
from torch import Tensor, nn

from elman.compiler import plan
from elman.compiler.reading import read
from elman.layers import GRU, LSTM
from elman.testing import assert_close

__all__ = ["ordinary"]

Run = Callable[[Tensor], Any]


def gradients(run: Callable[..., Any], *given: Tensor, of: nn.Module | None = None) -> list[Tensor]:
    """Outputs and last states, and the gradients of all that requires one, from random cotangents."""
    found = leaves(run(*given))
    random = torch.Generator().manual_seed(0)
    cotangents = [torch.randn(t.shape, generator=random, dtype=t.dtype) for t in found]
    wanted = [t for t in (*given, *(of.parameters() if of else ())) if t.requires_grad]
    return [*found, *torch.autograd.grad(found, wanted, cotangents, materialize_grads=True)]


def assert_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)


@pytest.mark.parametrize(
    ("kind", "hidden", "layers", "bidirectional", "bias", "batch_first", "given", "time", "batch", "dtype"), WAYS
)
def test_a_bound_call_gives_the_gradients_that_the_ordinary_way_gives(
    kind: str, hidden: int, layers: int, bidirectional: bool, bias: bool, batch_first: bool, given: bool,
    time: int, batch: int, dtype: torch.dtype, ordinary: Ordinary,
) -> None:  # fmt: skip
    size = 4 * hidden + 1
    layer = KINDS[kind](2, size, layers, bidirectional=bidirectional, bias=bias, batch_first=batch_first, dtype=dtype)
    cells, shape = layers * (1 + bidirectional), (batch, time, 2) if batch_first else (time, batch, 2)
    widths = (3, size) if kind == "projected" else (size, size) if kind == "lstm" else (size,)
    for unbatched in (False, True) if batch == 1 else (False,):
        x = torch.randn(shape, dtype=dtype).reshape((time, 2) if unbatched else shape).requires_grad_()
        states = [torch.randn(cells, batch, width, dtype=dtype) for width in widths] if given else []
        states = [(h.squeeze(1) if unbatched else h).requires_grad_() for h in states]

        def run(x: Tensor, *states: Tensor) -> Any:
            return layer(x, states[0] if len(states) == 1 else states or None)

        expected = [gradients(run, x, *states, of=layer) for _ in range(2)]
        ordinary.count = 0
        found = gradients(run, x, *states, of=layer)
        assert ordinary.count == (cells > 1)
        assert_equal(found, expected[0])
        assert_equal(found, expected[1])
        with plan.use("eager"):
            loop = gradients(run, x, *states, of=layer)
        for a, b in zip(found, loop, strict=True):
            assert_close(a, b, "a bound call")


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_a_bound_call_of_a_cell_gives_the_gradients_that_the_ordinary_way_gives(
    variant: cases.Variant, ordinary: Ordinary
) -> None:
    cell = variant.make(3, 6)
    if cell.extra_inputs:
        pytest.skip("it has inputs beside x")
    x = torch.randn(2, 4, 3, requires_grad=True)
    states = [torch.randn(2, size, requires_grad=True) for size in cell.state_sizes]

    def run(x: Tensor, *states: Tensor) -> Any:
        return cell(x, states)

    expected = [gradients(run, x, *states, of=cell) for _ in range(2)]
    ordinary.count = 0
    assert_equal(gradients(run, x, *states, of=cell), expected[0])
    assert ordinary.count == (read(cell).prologue is not None)  # which PyTorch computes before kernels run


def bound(ordinary: Ordinary, kind: type[nn.Module] = LSTM, **options: Any) -> tuple[nn.Module, Tensor]:
    """A layer in float64 whose calls with such an input are bound."""
    layer, x = kind(4, 6, dtype=torch.float64, **options), torch.randn(5, 3, 4, dtype=torch.float64, requires_grad=True)
    for _ in range(2):
        layer(x)
    ordinary.count = 0
    layer(x)
    assert ordinary.count == 0
    return layer, x


LOSSES: dict[str, Callable[[Any], Tensor]] = {
    "the sum of the outputs": lambda made: made[0].sum(),
    "the last outputs": lambda made: made[0][-1].square().sum(),
    "outputs turned": lambda made: (made[0].transpose(0, 1) * torch.arange(90.0).view(3, 5, 6)).sum(),
    "a last state": lambda made: made[1][1].square().sum(),
    "a negative view": lambda made: (torch._neg_view(made[0]) * 2).sum(),  # pyright: ignore[reportPrivateImportUsage]
    "a complex number": lambda made: torch.complex(made[0], made[0]).conj().imag.square().sum(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_whatever_the_cotangents_are(loss: str, ordinary: Ordinary) -> None:
    layer, x = bound(ordinary)
    wanted = [x, *layer.parameters()]
    found = torch.autograd.grad(LOSSES[loss](layer(x)), wanted)
    assert ordinary.count == 0
    with plan.use("eager"):
        expected = torch.autograd.grad(LOSSES[loss](layer(x)), wanted)
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, loss)


@pytest.mark.parametrize("kind", [LSTM, GRU])
@pytest.mark.parametrize("options", [{}, {"batch_first": True, "bias": False}])
def test_derivatives_beyond_the_first(kind: type[nn.Module], options: dict[str, Any], ordinary: Ordinary) -> None:
    layer, x = bound(ordinary, kind, **options)
    names = list(dict(layer.named_parameters()))

    def run(x: Tensor, *parameters: Tensor) -> Tensor:
        with torch.no_grad():
            for own, given in zip(layer.parameters(), parameters, strict=True):
                assert own is given
        return layer(x)[0]

    given = (x, *layer.parameters())
    assert len(names) == len(given) - 1
    assert torch.autograd.gradgradcheck(run, given, nondet_tol=1e-12, fast_mode=True)
    outputs = layer(x)[0]
    many = torch.eye(outputs.numel(), dtype=x.dtype)[:5].view(5, *outputs.shape)
    (found,) = torch.autograd.grad(outputs, x, many, is_grads_batched=True)
    each = torch.stack([torch.autograd.grad(layer(x)[0], x, one)[0] for one in many])
    assert_close(found, each, "many cotangents at once")
    assert ordinary.count == 0


def test_only_what_is_wanted_has_a_gradient(ordinary: Ordinary) -> None:
    layer, x = bound(ordinary)
    layer.get_parameter("weight_ih_l0").requires_grad_(False)
    ordinary.count = 0
    for _ in range(3):
        gradients(layer, x.detach(), of=layer)
    assert ordinary.count == 1  # it is bound by itself
    layer(x.detach())[0].sum().backward()
    given = {name for name, p in layer.named_parameters() if p.grad is not None}
    assert given == {"weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}


def test_what_is_kept_may_be_packed(ordinary: Ordinary) -> None:
    layer, x = bound(ordinary)
    expected = gradients(layer, x, of=layer)
    count = 0

    def pack(t: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return t.detach().repeat_interleave(2, -1)

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t[..., ::2]):  # strided where it was in one piece
        found = gradients(layer, x, of=layer)
    assert count == 6  # the input, four parameters, the tape
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, "from what was packed")
    assert ordinary.count == 0


def test_a_graph_may_be_used_twice_but_not_once_weights_have_changed(ordinary: Ordinary) -> None:
    layer, x = bound(ordinary)
    outputs = layer(x)[0]
    first, second = (torch.autograd.grad(outputs.sum(), x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()
    twice = layer(x)[0].sum()
    twice.backward()
    with pytest.raises(RuntimeError, match="second time"):
        twice.backward()
    assert ordinary.count == 0


def test_threads_may_learn_with_one_module_at_once(ordinary: Ordinary) -> None:
    layer, x = bound(ordinary)
    xs = [(n + 1) * x.detach() for n in range(4)]
    for each in xs:
        each.requires_grad_()
    expected = [gradients(layer, each, of=layer) for each in xs]
    wrong: list[str] = []

    def learn(n: int) -> None:
        for _ in range(50):
            for a, b in zip(gradients(layer, xs[n], of=layer), expected[n], strict=True):
                if not torch.equal(a, b):
                    wrong.append(f"thread {n}")

    workers = [threading.Thread(target=learn, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert ordinary.count == 0
