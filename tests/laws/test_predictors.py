"""What holds for every task that answers rows. The example of a task is in the test file of its own name."""

import importlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from elman import tasks
from elman.cli.main import main
from elman.training.runs import fit
from elman.training.task import BadRows, Predictor, read_json

PREDICTORS = [name for name in tasks.names() if issubclass(tasks.load(name), Predictor)]
READ = {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}


class Trained:
    """A task trained for a few steps on its example."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder / "model"
        self.source, self.options = importlib.import_module(f"tasks.{name}.test_{name}").example(folder)
        make = tasks.load(name)
        assert issubclass(make, Predictor)
        self.task: Any = fit(make, self.source, folder=self.folder, steps=5, **self.options)
        self.result = read_json(self.folder / "result.json")


@pytest.fixture(scope="module", params=PREDICTORS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("suffix", list(READ))
def test_one_row_in_gives_one_row_out_in_any_format(suffix: str, trained: Trained, tmp_path: Path) -> None:
    answers = trained.task.predict(trained.source)
    out = tmp_path / f"answers{suffix}"
    assert main(["predict", str(trained.folder), "--data", str(trained.source), "--out", str(out)]) == 0
    written = READ[suffix](out)
    assert written.columns == answers.columns
    assert len(written) == len(answers) > 0
    numbers = [name for name, kind in answers.schema.items() if kind.is_float()]
    for name in numbers:
        assert written[name].to_list() == pytest.approx(answers[name].to_list(), rel=1e-6, nan_ok=True)


def test_loaded_it_answers_the_same(trained: Trained, tmp_path: Path) -> None:
    expected = trained.task.predict(trained.source)
    trained.task.save(tmp_path / "saved")
    for folder in (trained.folder, tmp_path / "saved"):
        assert tasks.restore(folder).predict(trained.source).equals(expected, null_equal=True)  # pyright: ignore


def test_each_line_of_a_stream_is_answered_before_the_next_is_read(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = trained.task.evaluation(trained.source, tmp_path, BadRows())
    lines = trained.task.lines(evaluation, 5)
    assert 0 < len(lines) <= 5
    said, read = io.StringIO(), []

    class Typed(io.StringIO):
        """Standard input that notes how much was answered when a line is asked for."""

        def readline(self, *size: int) -> str:
            read.append(said.getvalue().count("\n"))
            return super().readline(*size)

    monkeypatch.setattr(sys, "stdin", Typed("".join(f"{line}\r\n" for line in lines)))
    monkeypatch.setattr(sys, "stdout", said)
    assert main(["predict", str(trained.folder), "--stream"]) == 0
    assert read == list(range(len(lines) + 1))
    answers = said.getvalue().splitlines()
    assert answers == list(trained.task.stream(lines))
    assert all(not answer or json.loads(answer) for answer in answers)


def test_the_baselines_stand_beside_it(trained: Trained) -> None:
    name, *others = trained.result["compared"]
    assert name == trained.name
    assert others
    measures = set(trained.result["compared"][name])
    for other in others:
        assert set(trained.result["compared"][other]) <= measures
        assert len(set(trained.result["compared"][other]) - {"loss"}) > 0
    assert {f"{trained.task.unit}_per_second", "predicted_per_second", "streamed_per_second"} <= set(trained.result)


def test_the_report_needs_nothing_beside_itself(trained: Trained) -> None:
    page = (trained.folder / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']{0,40})""", page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"<(?:script|link|iframe)|@import|url\(", page)
    assert all(other in page for other in trained.result["compared"])


def test_what_is_wrong_is_said_in_one_line(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, folder = str(tmp_path / "out.csv"), str(trained.folder)
    nowhere = str(tmp_path / "nowhere.csv")
    for arguments, message in [
        (["--data", nowhere, "--out", out], "there is no file"),
        (["--data", str(trained.source), "--out", str(tmp_path / "out.xls")], "name it *.csv"),
        (["--data", str(trained.source)], "--out FILE, or --stream"),
        (["--stream", "--out", out], "leave --data and --out out"),
    ]:
        assert main(["predict", folder, *arguments]) == 2
        said = capsys.readouterr().err.splitlines()
        assert said[-1].startswith("elman: ")
        assert message in said[-1]
    assert main(["train", trained.name, "--data", nowhere, "--out", str(tmp_path / "new")]) == 2
    assert not (tmp_path / "new").exists()
