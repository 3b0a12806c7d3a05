"""What holds of products by heads, over awkward numbers of units a head: they are those of a loop over the heads."""

from collections.abc import Sequence
from typing import Any, ClassVar

import cases
import pytest
import torch
from cases import Case
from programs import Small, Throwaway
from torch import Tensor

import elman
from elman.cells import Cell
from elman.cells.slstm import SLSTMCell
from elman.compiler import plan
from elman.compiler.executors.llvm import run, threads
from elman.compiler.ops import block_linear
from elman.compiler.reading import read
from elman.runtime.stepper import Stepper
from elman.testing import assert_close

UNITS = [1, 3, 5, 8, 12, 16, 24, 64]  # a head
CASES = [
    Case(5, 1, 3, torch.float32, reverse=False, lengths=False, resets=True, bias=True),
    Case(4, 3, 5, torch.float64, reverse=True, lengths=True, resets=False, bias=True),
    Case(3, 17, 4, torch.float32, reverse=False, lengths=True, resets=True, bias=False),
]


class Gates(Small):
    """Heads with the columns of two gates in each matrix, and their own matrices as they are and turned."""

    dense = False
    heads = 3
    own: ClassVar = {
        "both": lambda n: (3, 2 * n // 3, n // 3),
        "turned": lambda n: (3, n // 3, n // 3),
        "slim": lambda n: (3, 1, n // 3),
    }

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        gate, value = block_linear(h, self.both).unflatten(-1, (3, 2, -1)).unbind(-2)
        c = torch.sigmoid(gate.flatten(-2)) * c + torch.tanh(x + value.flatten(-2))
        u = torch.tanh(block_linear(c * h, self.turned.mT)) + block_linear(c, self.slim).sum(-1, keepdim=True)
        return u, u + block_linear(h, self.turned), c


class ByHeads:
    """An sLSTM of so many heads for ``cases.given``, whose hidden size is that of one."""

    def __init__(self, units: int, kind: str = "slstm") -> None:
        self.units, self.kind = units, kind

    def make(self, input_size: int = 3, hidden_size: int = 4, **options: Any) -> Cell:
        if self.kind == "slstm":
            return SLSTMCell(input_size, hidden_size * self.units, heads=hidden_size, **options)
        return Throwaway(Gates).make(input_size, 3 * self.units, **options)


@pytest.mark.parametrize("kind", ["slstm", "gates"])
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_products_by_heads_equal_the_loop(units: int, kind: str, case: Case) -> None:
    cases.assert_equal_to_the_loop(cases.given(ByHeads(units, kind), case))


@pytest.mark.parametrize("units", [3, 8, 40])
def test_their_second_derivatives_are_right(units: int) -> None:
    case = Case(3, 2, 2, torch.float64, reverse=False, lengths=True, resets=False, bias=True)
    some = cases.given(ByHeads(units), case)
    names = list(some.leaves)

    def function(*leaves: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(names, leaves, strict=True))
        state = [values[f"state {name}"] for name in some.cell.states]
        outputs, final = some.cell(values["x"], state, **some.run)
        return outputs, *final

    with plan.use("llvm"):
        assert torch.autograd.gradgradcheck(function, tuple(some.leaves.values()), fast_mode=True)


@pytest.mark.parametrize("units", UNITS)
def test_steps_and_parts_of_a_batch_or_of_time_are_bit_for_bit_the_whole(units: int) -> None:
    torch.manual_seed(0)
    cell, x = SLSTMCell(3, 5 * units, heads=5), torch.randn(17, 6, 3)
    with torch.no_grad():
        whole, last = cell(x)
        first, state = cell(x[:, :2])
        second, end = cell(x[:, 2:], state)
        assert torch.equal(torch.cat([first, second], 1), whole)
        assert all(map(torch.equal, end, last))
        for rows in (slice(0, 1), slice(3, 8), slice(4, 17)):
            assert torch.equal(cell(x[rows])[0], whole[rows]), rows
        stepper = Stepper(cell, batch=17)
        assert torch.equal(torch.stack([stepper.step(x[:, t]).clone() for t in range(6)], 1), whole)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_team_of_threads_gives_the_same(units: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    cell, x = SLSTMCell(3, 7 * units, heads=7), torch.randn(batch, 4, 3, requires_grad=True)

    def found() -> Sequence[Tensor]:
        outputs, last = cell(x)
        return [outputs, *last, *torch.autograd.grad(outputs.square().sum(), [x, *cell.parameters()])]

    alone = found()
    monkeypatch.setattr(run, "WORTH_A_MEETING", 0)
    for count in (2, 3):
        monkeypatch.setattr(threads, "available", lambda count=count: count)
        assert all(map(torch.equal, found(), alone)), count


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("bad", [-float("inf"), float("nan")])
def test_nothing_passes_from_one_head_to_another(units: int, bad: float) -> None:
    torch.manual_seed(0)
    cell, x = SLSTMCell(3, 4 * units, heads=4), torch.randn(2, 3, 3)
    with torch.no_grad(), plan.use("llvm"):
        state = tuple(torch.rand(2, 4 * units) for _ in cell.states)
        clean, _ = cell(x, state)
        state[0][:, units : 2 * units] = bad
        spoilt, _ = cell(x, state)
    others = torch.ones(4 * units, dtype=torch.bool)
    others[units : 2 * units] = False
    assert torch.equal(spoilt[..., others], clean[..., others])
    if bad != bad:
        assert spoilt[:, 0, units : 2 * units].isnan().all()


@pytest.mark.parametrize("units", UNITS)
def test_of_matrices_in_bfloat16_the_blocks_are_rounded(units: int) -> None:
    torch.manual_seed(0)
    cell, x = SLSTMCell(3, 4 * units, heads=4), torch.randn(2, 5, 3)
    stepper = Stepper(cell, batch=2, weights=torch.bfloat16)
    found = torch.stack([stepper.step(x[:, t]).clone() for t in range(5)], 1)
    with torch.no_grad(), plan.use("eager"):
        for name in ("weight_ih", "weight_hh"):
            weight = cell.get_parameter(name)
            weight.copy_(weight.bfloat16().float())
        assert_close(found, cell(x)[0], "the outputs")


def test_eight_heads_take_an_eighth_of_the_memory_and_of_the_operations() -> None:
    kept, operations = [], []
    for heads in (1, 8):
        cell = SLSTMCell(64, 512, heads=heads)
        kernels = run.Kernels(read(cell, ()).program, torch.float32)
        rows = kernels.place(2, 3, 64, None, 1)
        kept.append([kernels.workspace(kind, 64, rows).bytes for kind in ("training", "backward")])
        work = elman.explain(cell, 2, 3).parts[0].kernel
        operations.append([work.forward.products, work.backward.products])
    matrices = 4 * 4 * 512 * 512  # bytes
    assert [a - b for a, b in zip(*kept, strict=True)] == [matrices * 7 // 8] * 2
    assert [a / b for a, b in zip(*operations, strict=True)] == [8, 8]


def test_explain_says_the_heads() -> None:
    text = str(elman.explain(SLSTMCell(3, 40, heads=5), 2, 3))
    assert "@ h  # by 5 heads, 8 x 8 each" in text
