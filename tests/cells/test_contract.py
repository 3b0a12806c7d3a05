"""A cell that does not keep to its contract is refused with the file and the line where it is written."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from elman import ElmanError, cells
from elman.cells import Cell
from elman.compiler import plan
from elman.errors import ElmanWarning

HERE = Path(__file__)


def line_of(text: str) -> str:
    """The file and number of the first line that begins so, as an error gives them."""
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return f"{HERE}:{next(i for i, line in enumerate(lines, 1) if line.strip().startswith(text))}"


class Wrong(Cell):
    """A step that returns what it is told to."""

    gates = ("h",)

    def __init__(self, results: Callable[..., Any], compiles: bool = True) -> None:
        super().__init__(3, 4)
        self.results, self.compiles = results, compiles

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
        h = torch.tanh(x + self.recurrent(h))
        if not self.compiles:
            h = torch.sort(h).values
        return self.results(self, h, c)


RESULTS: dict[str, tuple[Callable[..., Any], str]] = {
    "a row": (lambda cell, h, c: h, "gives one value and no tuple"),
    "a state forgotten": (lambda cell, h, c: (h, h), "gives 2 values where 3 are right"),
    "too many": (lambda cell, h, c: (h, h, c, c), "gives 4 values where 3 are right"),
    "the state too wide": (lambda cell, h, c: (h, h, torch.cat([c, c], -1)), "gives the new c of [B, 8] where"),
    "the state one column": (lambda cell, h, c: (h, h.sum(-1, keepdim=True), c), "gives the new h of [B, 1] where"),
    "the output too narrow": (lambda cell, h, c: (h[..., :2], h, c), "gives the output of [B, 2] where"),
}


@pytest.mark.parametrize("compiles", [True, False], ids=["compiles", "runs in a loop"])
@pytest.mark.parametrize("executor", ["eager", "llvm"])
@pytest.mark.parametrize("batch", [2, 3])  # a row of the batch may be taken for a state
@pytest.mark.parametrize("wrong", RESULTS)
@pytest.mark.filterwarnings("ignore:sort is not among:elman.errors.ElmanWarning")
def test_a_step_returns_its_output_and_its_states(wrong: str, batch: int, executor: str, compiles: bool) -> None:
    results, says = RESULTS[wrong]
    kept = "batch" if executor == "llvm" and compiles else str(batch)  # a Program has any batch
    message = f"{line_of('def step(')}: Wrong.step returns (output, new h, new c), and this one {says}"
    for _ in range(2):
        with plan.use(executor), pytest.raises(ElmanError, match=re.escape(message.replace("[B,", f"[{kept},"))):
            Wrong(results, compiles)(torch.randn(batch, 5, 3))


@pytest.mark.filterwarnings("ignore:sort is not among:elman.errors.ElmanWarning")
def test_a_state_that_is_no_tensor_is_named() -> None:
    for compiles, says in ((True, "what is not a row for each sequence"), (False, "gives float as the new c")):
        with pytest.raises(ElmanError, match=f"Wrong.step returns .*{says}"):
            Wrong(lambda cell, h, c: (h, h, 0.5), compiles)(torch.randn(2, 5, 3))
    for compiles, says in ((True, "what is not a row for each sequence"), (False, r"the new c of \[4\]")):
        with pytest.raises(ElmanError, match=f"Wrong.step returns .*{says}"):
            Wrong(lambda cell, h, c: (h, h, cell.bias_hh), compiles)(torch.randn(2, 5, 3))


@pytest.mark.parametrize("compiles", [True, False], ids=["compiles", "runs in a loop"])
@pytest.mark.filterwarnings("ignore:sort is not among:elman.errors.ElmanWarning")
def test_a_generator_is_no_tuple(compiles: bool) -> None:
    with pytest.raises(ElmanError, match=re.escape(f"{line_of('def step(')}: Wrong.step returns") + ".* a generator"):
        Wrong(lambda cell, h, c: (v for v in (h, h, c)), compiles)(torch.randn(2, 5, 3))


@pytest.mark.filterwarnings("ignore:(sort|long) is not among:elman.errors.ElmanWarning")
def test_whole_numbers_are_refused() -> None:
    with pytest.raises(ElmanError, match=r"Wrong.step returns .* gives the output of torch.int64"):
        Wrong(lambda cell, h, c: (h.long(), h, c))(torch.randn(2, 5, 3))


class Still(Cell):
    """A step without any product, which does not read its input."""

    gates = ("h",)

    def __init__(self, results: Callable[[Tensor], tuple[Tensor, Tensor]], dtype: torch.dtype) -> None:
        super().__init__(3, 4, dtype=dtype)
        self.results = results

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.results(h)


STILL: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "the state itself": lambda h: (h, h),
    "a sum": lambda h: (h + 1, h + 1),
    "a multiple": lambda h: (h * 2, h),
    "a curve": lambda h: (h.sin(), h.cos()),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("save", ["fast", 2])
@pytest.mark.parametrize("results", STILL.values(), ids=STILL)
def test_a_step_may_use_neither_a_product_nor_its_input(
    results: Callable[[Tensor], tuple[Tensor, Tensor]], save: int | str, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    cell, found = Still(results, dtype), []
    x, lengths = torch.randn(3, 5, 3, dtype=dtype), torch.tensor([5, 0, 2])
    for executor in ("eager", "llvm"):
        h0 = torch.linspace(-1, 1, 12, dtype=dtype).view(3, 4).requires_grad_()
        with plan.use(executor):
            y, h = cell(x, h0, lengths=lengths, save=save)
            (y.sin().sum() + h.cos().sum()).backward()
            with torch.no_grad():
                torch.testing.assert_close(cell(x, h0, lengths=lengths)[0], y)
        found.append((y.detach(), h.detach(), h0.grad))
    torch.testing.assert_close(found[1], found[0])


class NoGates(Cell):
    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return h, h


class OneGate(NoGates):
    gates = "reset"  # type: ignore[assignment]


class TwoAlike(NoGates):
    gates = ("a", "a")


class Numbered(NoGates):
    gates = (1, 2)  # type: ignore[assignment]


class NoStep(Cell):
    gates = ("h",)


class NoState(Cell):
    gates = ("h",)

    def step(self, x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        return x, *rest


@pytest.mark.parametrize(
    ("kind", "line", "says"),
    [
        (NoGates, "class NoGates", "NoGates has no gates; gates are a tuple of names, such as gates = ('h',)"),
        (OneGate, "class OneGate", "OneGate has gates 'reset'; gates are a tuple of names"),
        (TwoAlike, "class TwoAlike", "TwoAlike has gates ('a', 'a'); each gate has a name of its own"),
        (Numbered, "class Numbered", "Numbered has gates (1, 2); each gate has a name of its own"),
        (NoStep, "class NoStep", "NoStep has no step; write step(self, x, h)"),
        (NoState, "def step(self, x: Tensor, *rest", "NoState.step takes no state; write step(self, x, h)"),
    ],
)
def test_a_class_has_gates_and_a_step(kind: type[Cell], line: str, says: str) -> None:
    with pytest.raises(ElmanError, match=re.escape(f"{line_of(line)}: {says}")):
        kind(3, 4)


ONE = """
from elman.cells.cell import Cell

class {name}(Cell):
    gates = ("h",)

    def step(self, x, h):
        return h, h
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ONE.format(name="A") + ONE.format(name="B"), "pair.py has A, B; a file of this folder has one cell"),
        ("", "pair.py has no cell; a file of this folder has one cell"),
    ],
)
def test_a_file_of_cells_has_one(text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pair.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(cells, "__path__", [*cells.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "elman.cells.pair", raising=False)
    with pytest.raises(ElmanError, match=re.escape(says)):
        cells.load("pair")


def test_the_warning_that_it_runs_in_a_loop_points_at_the_call() -> None:
    cell = Wrong(lambda cell, h, c: (h, h, c), compiles=False)
    with pytest.warns(ElmanWarning, match="It runs in a loop") as caught:
        cell(torch.randn(2, 5, 3))  # here
    (warning,) = caught
    assert f"{warning.filename}:{warning.lineno}" == line_of("cell(torch.randn(2, 5, 3))  # here")
