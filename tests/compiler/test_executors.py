"""Executors are found by their files, forced for one thread, and lack no operation without saying which."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import elman
from elman.cells import Cell, load
from elman.compiler import compiled, executors, plan
from elman.compiler.compiled import Compiled
from elman.compiler.contract import NotCompilable
from elman.compiler.executors import llvm
from elman.compiler.executors.llvm.host import unfit
from elman.compiler.executors.llvm.texts import text
from elman.compiler.ops import OPS, derived_from
from elman.errors import ElmanWarning

COMPILED = [name for name in executors.names() if isinstance(executors.load(name), Compiled)]

COUNTING = '''
"""A loop that counts its runs."""

from elman.compiler.executors.eager import Eager


class Counting:
    name = "counting"
    rank = 10
    runs = 0

    def objection(self, x):
        return "only one row" if len(x) > 1 else ""

    def refusal(self, template, mode, x):
        return ""

    def reason(self, template, mode, x):
        return "it counts"

    def run(self, *args, **inputs):
        self.runs += 1
        return Eager().run(*args, **inputs)

    def account(self, *args, **inputs):
        return None


EXECUTOR = Counting()
'''


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An executor more, in a file of its own."""

    def forget() -> None:
        executors.names.cache_clear()
        executors.ranked.cache_clear()
        executors.LOADED.pop("counting", None)

    (tmp_path / "counting.py").write_text(COUNTING, encoding="utf-8")
    forget()
    monkeypatch.setattr(executors, "__path__", [*executors.__path__, str(tmp_path)])
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("name", executors.names())
def test_an_executor_bears_the_name_of_its_file(name: str) -> None:
    assert executors.load(name).name == name


def test_a_loop_is_tried_last() -> None:
    assert executors.ranked()[-1] == "eager"


def test_a_new_file_is_an_executor(counting: None) -> None:
    cell, one, two = load("gru")(3, 4), torch.randn(1, 5, 3), torch.randn(2, 5, 3)
    own = executors.load("counting")
    assert plan.explained(cell, (True, ()), one) == (own, "it counts")
    assert plan.explained(cell, (True, ()), two)[0].name == "llvm"
    outputs, _ = cell(one)
    cell(two)
    assert own.runs == 1  # type: ignore[attr-defined]
    with plan.use("eager"):
        assert torch.equal(cell(one)[0], outputs)
    assert own.runs == 1  # type: ignore[attr-defined]


def test_another_thread_is_not_forced() -> None:
    cell, x = load("gru")(3, 4), torch.randn(2, 5, 3)
    inside, done, found = threading.Event(), threading.Event(), []

    def force() -> None:
        with plan.use("eager"):
            inside.set()
            done.wait(60)
            found.append(plan.explained(cell, (True, ()), x)[0].name)

    thread = threading.Thread(target=force)
    thread.start()
    assert inside.wait(60)
    found.append(plan.explained(cell, (True, ()), x)[0].name)
    done.set()
    thread.join()
    assert found == ["llvm", "eager"]


def test_forcing_ends_with_its_context() -> None:
    cell, x = load("gru")(3, 4), torch.randn(2, 5, 3)
    with pytest.raises(RuntimeError), plan.use("eager"), plan.use("llvm"):
        raise RuntimeError
    assert plan.explained(cell, (True, ()), x) == (executors.load("llvm"), "its step compiles")
    with (
        pytest.raises(
            ValueError, match="there is no executor 'cuda'; the executors are eager, fused, graph, inductor, llvm"
        ),
        plan.use("cuda"),
    ):
        pass


@pytest.mark.parametrize("executor", COMPILED)
@pytest.mark.parametrize("op", OPS)
def test_every_operation_has_a_text_for_every_target(op: str, executor: str) -> None:
    made = executors.load(executor)
    assert isinstance(made, Compiled)
    missing = derived_from([op]) - made.operations
    assert not missing, f"{executor} has no text for {', '.join(missing)}, of which {op} or its derivative is made"


@pytest.mark.parametrize("op", OPS)
def test_every_operation_has_a_cost_and_a_word(op: str) -> None:
    assert OPS[op].cost >= 1
    signs = [other.sign for other in OPS.values() if other.sign]
    assert not OPS[op].sign or signs.count(OPS[op].sign) == 1


@pytest.mark.parametrize("executor", COMPILED)
def test_no_target_has_a_text_for_what_is_no_operation(executor: str) -> None:
    made = executors.load(executor)
    assert isinstance(made, Compiled)
    assert made.operations <= OPS.keys()


class Curved(Cell):
    """A step whose derivative needs what the step itself does not: cos."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.sin(x + self.recurrent(h))
        return h, h


def test_an_operation_without_a_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.compiler.executors.llvm.texts.OPERATIONS", frozenset(OPS) - {"cos"})
    compiled.lacking.cache_clear()
    cell, x = Curved(3, 4), torch.randn(2, 5, 3)
    with pytest.warns(ElmanWarning, match=re.escape("llvm has no text for cos. It runs in a loop.")):
        outputs, _ = cell(x)
    assert plan.explained(cell, (True, ()), x)[1] == "llvm has no text for cos"
    monkeypatch.undo()
    compiled.lacking.cache_clear()
    torch.testing.assert_close(cell(x)[0], outputs)
    assert plan.explained(cell, (True, ()), x)[0].name == "llvm"
    with pytest.raises(NotCompilable, match="llvm has no text for sinh"):
        text("sinh")


def test_where_there_are_no_kernels_a_loop_runs_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, x = load("gru")(3, 4), torch.randn(2, 5, 3)
    expected, _ = cell(x)
    monkeypatch.setattr(llvm, "_UNFIT", unfit("s390x", "big"))
    assert plan.explained(cell, (True, ()), x) == (executors.load("eager"), unfit("s390x", "big"))
    torch.testing.assert_close(cell(x)[0], expected)
    assert "this is s390x" in str(elman.explain(cell, batch=2, time=5))
