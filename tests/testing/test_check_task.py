"""``check_task`` for people who write their own: a good task passes, and what is wrong is caught by its law."""

import json
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import torch
from torch import nn

from elman.errors import ElmanError
from elman.testing import LawBroken, check_task, killed, task_checks
from elman.training.task import BadRows, Loss, Task
from tests.testing.vowels import LETTERS, VowelsTask


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, path = Random(0), tmp_path_factory.mktemp("words") / "words.csv"
    words = ["".join(random.choices(LETTERS[:12], k=random.randrange(2, 8))) for _ in range(150)]
    rows = [f"{word},{sum(letter in 'aei' for letter in word)}\n" for word in words]
    path.write_text("word,vowels\n" + "".join(rows), encoding="utf-8")
    return path


class Unlearning(VowelsTask):
    """Its loss does not depend on its weights."""

    def loss(self, batch: Any, state: Any) -> Loss:
        found = super().loss(batch, state)
        return found._replace(value=0 * found.value + 1)


class Scattered(VowelsTask):
    """What is loaded is not what was saved."""

    def load_state_dict(self, *given: Any, **options: Any) -> Any:
        found = super().load_state_dict(*given, **options)
        with torch.no_grad():
            self.readout.bias.add_(1)
        return found


class Traceback(VowelsTask):
    """It lets through what Python says of a file that is not there."""

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        if isinstance(data, Path):
            data.stat()
        return super().answers(data, bad)


class OtherStream(VowelsTask):
    """A stream is answered otherwise than a file."""

    def session(self) -> Callable[[str], str]:
        answer = super().session()
        return lambda line: json.dumps({"predicted": json.loads(answer(line))["predicted"] + 1})


class Fewer(VowelsTask):
    """The last row of a table gets no answer."""

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        return super().answers(data, bad)[:-1]


class LosesBad(VowelsTask):
    """A row that is bad gets no answer, and nothing stands in its place."""

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        return super().answers(data, bad).drop_nulls()


class ByPlace(VowelsTask):
    """What it answers hangs on the order of the columns."""

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        found = super().answers(data, bad)
        return found.with_columns(pl.col("predicted") + found.columns.index("word"))


class ReadsAhead(VowelsTask):
    """It reads two lines before it answers the first."""

    def stream(self, lines: Iterable[str], *, skip_bad: bool = False) -> Iterator[str]:
        return iter(list(super().stream(lines, skip_bad=skip_bad)))


class Alone(VowelsTask):
    """It has nothing to be compared with."""

    def baselines(self, data: Any, evaluation: Any) -> dict[str, Callable[[], dict[str, float]]]:
        return {}


def broken(task: type[Task], source: Path) -> dict[str, str]:
    """What of a task's checks fails, but for the killed run: by the name of the law, the message."""
    found = {}
    for check in task_checks(task, source):
        try:
            if not check.name.startswith("a_killed_run"):
                check.run()
        except LawBroken as error:
            found[check.name] = str(error)
    return found


def test_a_good_task_passes(source: Path) -> None:
    check_task(VowelsTask, source)


@pytest.mark.parametrize(
    ("task", "law", "says"),
    [
        (Unlearning, "the_loss_falls", "the loss goes from 1 to 1"),
        (Scattered, "what_is_saved_is_judged_as_before", "what was saved is judged"),
        (Traceback, "a_mistake_is_said_in_one_line", "FileNotFoundError"),
        (OtherStream, "a_file_memory_and_a_stream_get_the_same_answers", "predicted of row 1 is"),
        (Fewer, "a_file_memory_and_a_stream_get_the_same_answers", "a row in gives a row out"),
        (LosesBad, "a_row_in_is_a_row_out", "nothing in word of row 1: 60 rows from memory get 59 answers"),
        (ByPlace, "the_same_rows_get_the_same_answers_from_any_table", "turned round: predicted of row 1"),
        (ReadsAhead, "each_line_is_answered_before_the_next_is_read", "[0, 0, 0, 0, 0, 0]"),
        (Alone, "the_baselines_stand_beside_it", "no simple method"),
    ],
)
def test_what_is_wrong_is_caught_by_the_law_that_it_breaks(task: type[Task], law: str, says: str, source: Path) -> None:
    found = broken(task, source)
    assert says in found.get(law, ""), found
    assert found[law].startswith(f"{task.__name__} breaks the law {law.replace('_', ' ')!r}: ")
    assert len(found) <= 2, found


@pytest.mark.parametrize("task", [nn.Linear, "classify"], ids=str)
def test_what_is_no_task_is_refused(task: Any, source: Path) -> None:
    with pytest.raises(ElmanError, match="a subclass of"):
        check_task(task, source)


def test_an_example_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="there is no file"):
        check_task(VowelsTask, tmp_path / "nowhere.csv")


@pytest.mark.parametrize("number", killed.signals.ENDING)
def test_a_run_hears_signals_that_a_shell_lets_it_ignore(number: int) -> None:
    usual = {each: signal.getsignal(each) for each in killed.signals.ENDING}
    signal.signal(number, signal.SIG_IGN)
    try:
        killed.heard()
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)
