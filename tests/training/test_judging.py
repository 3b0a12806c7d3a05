"""How much is judged: all there is, unless that takes long beside what is asked for."""

from pathlib import Path
from typing import Any

import pytest

from elman.training.judging import affordable, affordable_beside, at_the_end, in_part
from elman.training.loop import train
from elman.training.settings import Budget, Training
from tests.tasks.language.test_language import RHYME, prepared


class Rows:
    """What can be divided, of which only the number is looked at."""

    def __init__(self, number: int) -> None:
        self.number = number

    def part(self, most: int) -> "Rows":
        return Rows(min(most, self.number))


@pytest.mark.parametrize(
    ("there", "judged", "learnt", "right"),
    [(1000, 100, 40, 100), (1000, 100, 2000, 500), (1000, 100, 9999, 1000), (100, 100, 40, 100)],
)
def test_at_the_end_as_much_is_judged_as_is_cheap_beside_what_was_learnt(
    there: int, judged: int, learnt: int, right: int
) -> None:
    rows: list[Any] = [Rows(number) for number in (there, judged)]
    found: Any = at_the_end(rows[0], rows[1], learnt)
    assert found.number == right


def test_what_cannot_be_divided_is_judged_whole() -> None:
    rows: Any = [1, 2, 3]
    assert in_part(rows, 0.1) is rows
    assert at_the_end(rows, rows, 0) is rows
    task: Any = None
    assert affordable(task, rows, 0.0) == affordable_beside(rows, 0) == 1.0


@pytest.mark.parametrize(("learnt", "right"), [(50, 0.1), (50_000, 0.2), (250_000, 1.0), (10**9, 1.0)])
def test_a_run_of_few_steps_is_judged_on_what_is_cheap_beside_them(learnt: int, right: float) -> None:
    rows: Any = Rows(100_000)
    assert affordable_beside(rows, learnt) == right


@pytest.mark.parametrize(("budget", "share"), [(Budget(minutes=0.02), 0.24), (Budget(steps=2), 0.25)])
def test_a_slow_judgement_is_one_of_a_part(
    budget: Budget, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elman.training.judging._seconds", lambda task, evaluation: 1.0)
    task, data = prepared(tmp_path, RHYME * 800, held_out=0.5)
    held_out: Any = data.held_out
    monkeypatch.setattr("elman.training.judging.QUICK", held_out.number // 4)
    counted: list[int] = []
    learn = task.loss

    def loss(batch: Any, state: Any) -> Any:
        found = learn(batch, state)
        counted.append(found.number)
        return found

    monkeypatch.setattr(task, "loss", loss)
    progress = train(task, data, tmp_path, Training(batch=4, bptt=17), budget)
    assert progress.share == pytest.approx(share)
    first = counted[: len(data.held_out)]  # the windows of a part are as many, of fewer streams
    whole = sum(window.targets.numel() for window in data.held_out)
    assert sum(first) == pytest.approx(share * whole, rel=0.15)
