"""Every task is held to the laws of ``elman.testing``, and the command line does with each what it says.

The example of a task is in the test file of its own name.
"""

import importlib
import io
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from elman import tasks
from elman.cli.main import main
from elman.data.tables import table_text
from elman.testing import Check, task_checks
from elman.testing.tasks import Example, laws
from elman.training.folders import read_json
from elman.training.task import BadRows, Predictor

READ = {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}
LAWS = [(name, law.holds.__name__) for name in tasks.names() for law in laws(tasks.load(name))]
PREDICTORS = [name for name in tasks.names() if issubclass(tasks.load(name), Predictor)]


def given(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file that a task learns from in seconds, and options that suit it."""
    return importlib.import_module(f"tests.tasks.{name}.test_{name}").example(folder)


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Check]]:
    """The checks of a task by the names of their laws; all of one task share what is trained once."""

    @cache
    def of(name: str) -> dict[str, Check]:
        source, options = importlib.import_module(f"tests.tasks.{name}.test_{name}").example(
            tmp_path_factory.mktemp(name)
        )
        return {check.name: check for check in task_checks(tasks.load(name), source, options)}

    return of


@pytest.mark.parametrize(("name", "law"), LAWS)
def test_every_law_holds(name: str, law: str, checks: Callable[[str], dict[str, Check]]) -> None:
    checks(name)[law].run()


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    name = request.param
    source, options = given(name, tmp_path_factory.mktemp(name))
    made = Example(tasks.load(name), source, options)
    flags = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    assert main(["train", name, "--data", str(source), "--out", str(made.folder), "--steps", "5", *flags]) == 0
    return made


def predictor(example: Example) -> Predictor:
    task = tasks.restore(example.folder)
    assert isinstance(task, Predictor)
    return task


@pytest.mark.parametrize("example", PREDICTORS, indirect=True)
@pytest.mark.parametrize("suffix", list(READ))
def test_answers_are_written_in_any_format(suffix: str, example: Example, tmp_path: Path) -> None:
    answers, out = predictor(example).predict(example.source), tmp_path / f"answers{suffix}"
    assert main(["predict", str(example.folder), "--data", str(example.source), "--out", str(out)]) == 0
    written = READ[suffix](out)
    assert written.columns == answers.columns
    assert len(written) == len(answers) > 0
    for name in (name for name, kind in answers.schema.items() if kind.is_float()):
        assert written[name].to_list() == pytest.approx(answers[name].to_list(), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("example", PREDICTORS, indirect=True)
def test_each_line_of_standard_input_is_answered_before_the_next_is_read(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = predictor(example)
    lines = task.lines(task.evaluation(example.source, tmp_path, BadRows()), 5)
    said, read = io.StringIO(), []

    class Typed(io.StringIO):
        """Standard input that notes how much was answered when a line is asked for."""

        def readline(self, *size: int) -> str:
            read.append(said.getvalue().count("\n"))
            return super().readline(*size)

    monkeypatch.setattr(sys, "stdin", Typed("".join(f"{line}\r\n" for line in lines)))
    monkeypatch.setattr(sys, "stdout", said)
    assert main(["predict", str(example.folder), "--stream"]) == 0
    assert read == list(range(len(lines) + 1))
    answers = said.getvalue().splitlines()
    assert answers == list(task.stream(lines))
    assert all(not answer or json.loads(answer) for answer in answers)


@pytest.mark.parametrize("example", PREDICTORS, indirect=True)
def test_answers_go_to_the_screen_where_no_file_is_named(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    answers = predictor(example).predict(example.source)
    predict = ["predict", str(example.folder), "--data", str(example.source)]
    for more, suffix in (([], ".csv"), (["--out", "-"], ".csv"), (["--format", "jsonl"], ".jsonl")):
        capsys.readouterr()
        assert main([*predict, *more]) == 0
        said = capsys.readouterr()
        assert said.out == table_text(answers, suffix)
        assert said.err.splitlines()[-1] == f"{len(answers):,} rows"


@pytest.mark.parametrize("example", tasks.names(), indirect=True)
def test_the_data_of_a_task_is_told_to_suit_it(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(example.source), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tasks"][0]["task"] == example.make.name(), found["tasks"]
    assert found["next"][:3] == ["elman", "train", example.make.name()]


@pytest.mark.parametrize("example", PREDICTORS, indirect=True)
def test_what_is_wrong_is_said_in_one_line(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, folder = str(tmp_path / "out.csv"), str(example.folder)
    nowhere = str(tmp_path / "nowhere.csv")
    for arguments, message in [
        (["--data", nowhere, "--out", out], "there is no file"),
        (["--data", str(example.source), "--out", str(tmp_path / "out.xls")], "name it *.csv"),
        (["--out", out], "give --data FILE, or --stream"),
        (["--stream", "--out", out], "leave --data and --out out"),
    ]:
        assert main(["predict", folder, *arguments]) == 2
        said = capsys.readouterr().err.splitlines()
        assert said[-1].startswith("elman: ")
        assert message in said[-1]
    name = example.make.name()
    assert main(["train", name, "--data", nowhere, "--out", str(tmp_path / "new")]) == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("example", tasks.names(), indirect=True)
def test_the_command_trains_every_task_with_what_it_is_given(example: Example) -> None:
    result = read_json(example.folder / "result.json")
    assert result["task"] == example.make.name()
    assert result["steps"] == 5
    chosen = {**result["options"], **result["training"]}
    assert {name: chosen[name] for name in example.options} == example.options
