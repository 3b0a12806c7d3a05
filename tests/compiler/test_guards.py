"""Kernels and what they are given: nothing outside their buffers is written or matters, and no input is too bad."""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import cases
import programs
import pytest
import torch
from cases import Case, Variant
from guards import Guards, guarded, inference, results
from programs import Throwaway
from torch import Tensor

from elman.cells import load
from elman.compiler import plan, scan
from elman.errors import ElmanError
from elman.testing import assert_close

KINDS = [
    *(Variant(name, {}) for name in ("lstm", "gru", "gru_reset_before", "lstm_layer_norm", "lstm_projected", "mingru")),
    *(Throwaway(kind) for kind in (programs.Extras, programs.OneColumn, programs.SlicesOfState, programs.Nested)),
]
SIZES = cases.covering(
    (5, 1, 17, 33), (3, 1, 7), (9, 1, 2), (3, 1), (torch.float32, torch.float64), (1, 2), ("fast", 2), *[cases.FLAG] * 2
)
TRIALS = [(kind, *SIZES[(4 * i + j) % len(SIZES)]) for i, kind in enumerate(KINDS) for j in range(4)]


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("kind", "hidden", "batch", "time", "features", "dtype", "count", "save", "ragged", "reverse"), TRIALS, ids=str
)
def test_nothing_outside_the_buffers_is_written_or_matters(
    kind: Any, hidden: int, batch: int, time: int, features: int, dtype: torch.dtype, count: int, save: int | str,
    ragged: bool, reverse: bool, threads: Callable[[int], None],
) -> None:  # fmt: skip
    some = cases.given(kind, Case(time, batch, hidden, dtype, reverse, ragged, ragged, bias=True), features)
    with plan.use("eager"):
        rough, exact = (results(some.to(other)) for other in (torch.float32, torch.float64))
    threads(count)
    guards = Guards()
    same = guarded(some, guards)
    same.run["save"] = save
    scan._made.cache_clear()  # they keep their buffers from call to call
    inputs = len(guards.guarded)
    with plan.use("llvm"), guards:
        found, alone = results(same), inference(same)
    assert len(guards.guarded) > inputs + len(found)
    guards.check()
    assert_close(alone, exact["outputs"], "outputs of inference", rough["outputs"])
    for key, value in found.items():
        assert_close(value, exact[key], key, rough[key])


@pytest.mark.parametrize("offset", [-1, 20])
def test_guards_see_one_number_that_is_written_past_an_end(offset: int) -> None:
    guards = Guards()
    with guards:
        buffer = torch.empty(20)
    guards.check()
    ctypes.c_float.from_address(buffer.data_ptr() + 4 * offset).value = 0.0
    with pytest.raises(AssertionError, match="before" if offset < 0 else "after"):
        guards.check()


def strided(tensor: Tensor) -> list[Tensor]:
    """The same numbers in memory of every other kind: turned, every second one, between others, misaligned."""
    turned = tensor.transpose(0, -1).contiguous().transpose(0, -1)
    second = torch.stack([tensor, torch.full_like(tensor, float("nan"))], -1).flatten(-2)[..., ::2]
    rows = torch.stack([tensor, torch.full_like(tensor, float("nan"))], 1)[:, 0]
    return [turned, second, rows]


@pytest.mark.parametrize("way", range(3), ids=["turned", "every second", "rows apart"])
@pytest.mark.parametrize(
    "kind", [Variant("gru", {}), Variant("lstm_projected", {}), Throwaway(programs.Extras)], ids=str
)
def test_tensors_need_not_be_contiguous(kind: Any, way: int) -> None:
    some = cases.given(kind, Case(6, 4, 5, torch.float64, False, True, True, bias=True))
    with plan.use("eager"):
        expected = results(some)
    again: Callable[[Tensor], Tensor] = lambda t: strided(t.detach())[way].requires_grad_()  # noqa: E731
    parameters = {name: again(p) for name, p in some.cell.named_parameters()}
    x, state = again(some.x), tuple(map(again, some.state))
    extras = {name: again(value) for name, value in some.extras.items()}
    with plan.use("llvm"):
        outputs, final = some.cell(x, state, **some.run, **extras, parameters=parameters)
        final = (final,) if isinstance(final, Tensor) else final
        leaves = {"x": x, **{f"state {n}": s for n, s in zip(some.cell.states, state, strict=True)}, **extras}
        found = cases.pull({**leaves, **parameters}, outputs, *final)
    assert_close(outputs, expected["outputs"], "outputs")
    for key, value in found.items():
        assert_close(value, expected[key], f"the gradient of {key}")


def test_tensors_may_be_expanded() -> None:
    cell = load("lstm")(3, 5, dtype=torch.float64)
    x = torch.randn(1, 1, 3, dtype=torch.float64).expand(4, 6, 3).requires_grad_()
    state = tuple(torch.randn(5, dtype=torch.float64).expand(4, 5).requires_grad_() for _ in range(2))
    found = {}
    for executor in ("eager", "llvm"):
        with plan.use(executor):
            outputs, _ = cell(x, state)  # a sum's cotangent is one number, expanded
            found[executor] = torch.autograd.grad(outputs.sum(), [x, *state, *cell.parameters()])
    for a, b in zip(found["llvm"], found["eager"], strict=True):
        assert_close(a, b, "a gradient")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
@pytest.mark.parametrize("where", ["x", "state", "weight_ih", "weight_hh", "bias_ih"])
@pytest.mark.parametrize("name", ["gru", "lstm", "mingru"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_what_is_no_number_comes_out_as_from_the_loop(name: str, where: str, value: float, dtype: torch.dtype) -> None:
    some = cases.given(Variant(name, {}), Case(6, 3, 5, dtype, False, False, False, bias=True))
    target = {"x": some.x, "state": some.state[0], **dict(some.cell.named_parameters())}.get(where, some.x)
    with torch.no_grad():
        target[(1,) * target.dim()] = value
    found = {}
    for executor in ("eager", "llvm"):
        with plan.use(executor):
            found[executor] = results(some)
    for key, right in found["eager"].items():
        for test in (torch.isnan, torch.isposinf, torch.isneginf):
            assert torch.equal(test(found["llvm"][key]), test(right)), f"{key}: {test.__name__} in other places"
        finite = right.isfinite()
        assert_close(found["llvm"][key][finite], right[finite], key)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"x": torch.zeros(2, 4)}, r"takes an input of \[batch, time, 3\], not \[2, 4\]"),
        ({"x": torch.zeros(2, 4, 2)}, r"takes an input of \[batch, time, 3\], not \[2, 4, 2\]"),
        ({"x": torch.zeros(2, 4, 3).double()}, "weights of torch.float32 and was given an input of torch.float64"),
        ({"x": torch.zeros(2, 4, 3, dtype=torch.long)}, "was given an input of torch.int64"),
        ({"state": torch.zeros(3, 5)}, r"takes a state of \[2, 5\] \(h\), not \[3, 5\]"),
        ({"state": torch.zeros(2, 5).double()}, "was given a state of torch.float64"),
        ({"state": (torch.zeros(2, 5),) * 2}, r"takes a state of \[2, 5\] \(h\), not"),
        ({"lengths": torch.tensor([4, 5])}, "lengths go from 0 to 4, not from 4 to 5"),
        ({"lengths": torch.tensor([-1, 4])}, "lengths go from 0 to 4, not from -1 to 4"),
        ({"lengths": torch.tensor([4.0, 4.0])}, r"lengths are whole numbers of \[2\]"),
        ({"lengths": torch.tensor([4])}, r"lengths are whole numbers of \[2\]"),
        ({"resets": torch.zeros(2, 4)}, r"resets are bool of \[2, 4\], not torch.float32"),
        ({"resets": torch.zeros(2, 5, dtype=torch.bool)}, r"resets are bool of \[2, 4\], not torch.bool of \[2, 5\]"),
        ({"gap": torch.zeros(2, 4, 1)}, "takes no extra inputs, and was given gap"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], says: str) -> None:
    cell = load("gru")(3, 5)
    inputs = {"x": torch.zeros(2, 4, 3), **given}
    with plan.use("llvm"), pytest.raises(ElmanError, match=says):
        cell(inputs.pop("x"), inputs.pop("state", None), **inputs)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0), (0, 0)], ids=str)
def test_nothing_at_all_gives_nothing(shape: tuple[int, int]) -> None:
    cell = load("lstm")(3, 5)
    state = tuple(torch.zeros(shape[0], 5, requires_grad=True) for _ in range(2))
    with plan.use("llvm"):
        outputs, (h, c) = cell(torch.zeros(*shape, 3, requires_grad=True), state)
        gradients = torch.autograd.grad(outputs.sum() + h.sum() + c.sum(), state)
    assert outputs.shape == (*shape, 5)
    assert h.shape == c.shape == (shape[0], 5)
    assert all((g == 1).all() for g in gradients)
