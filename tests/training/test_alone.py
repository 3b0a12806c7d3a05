"""A model folder has one run at a time: a second one, in another process, is refused and changes nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from commands import refused

from elman import tasks
from elman.cli.main import main
from elman.system import held_alone
from elman.training.folders import replaced
from elman.training.runs import fit
from tests.tasks.classify.test_classify import example

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be held there")
HOLD = """
import sys
from pathlib import Path
from elman.system import held_alone
with held_alone(Path(sys.argv[1])) as own:
    print(own, flush=True)
    sys.stdin.read()
"""
SMALL = {"hidden": 8, "embedding": 8, "batch": 16, "steps": 2, "baselines": False}


class Holder:
    """Another process that is at work in a folder, until it is ended."""

    def __init__(self, folder: Path) -> None:
        self.process = Popen([sys.executable, "-c", HOLD, str(folder)], stdin=PIPE, stdout=PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "True\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return example(tmp_path)[0]


@pytest.fixture
def model(data: Path, tmp_path: Path) -> Path:
    fit(tasks.load("classify"), data, folder=tmp_path / "model", **SMALL)
    return tmp_path / "model"


@pytest.fixture
def holder(model: Path) -> Iterator[Holder]:
    found = Holder(model)
    yield found
    found.end()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_second_run_is_refused_until_the_first_has_ended(data: Path, model: Path, holder: Holder, capsys) -> None:
    before = contents(model.parent)
    more = ["train", "classify", "--out", str(model)]
    for how in (["--resume", "--steps", "3"], ["--overwrite", "--data", str(data), "--steps", "1"]):
        said = refused(capsys, *more, *how)
        assert said == f"elman: another run is at work in {model}; wait until it ends, or give another folder\n"
    assert contents(model.parent) == before
    assert main(["predict", str(model), "--data", str(data)]) == 0  # which only reads
    holder.end()  # by a signal that no process can handle
    assert main([*more, "--resume", "--steps", "3"]) == 0


def test_a_second_run_that_begins_as_well_is_refused(data: Path, tmp_path: Path, capsys) -> None:
    with replaced(tmp_path / "model") as new:
        (new / "options.json").write_text("{}")
        said = refused(capsys, "train", "classify", "--out", str(tmp_path / "model"), "--data", str(data))
        assert "another run is at work in" in said
        assert (new / "options.json").exists()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["options.json"]


def test_a_folder_is_free_once_nobody_holds_it(tmp_path: Path) -> None:
    with held_alone(tmp_path) as first, held_alone(tmp_path) as second:
        assert (first, second) == (True, False)
    with held_alone(tmp_path) as third:
        assert third
