"""A cell of the user's own goes where one of Elman's does, and a model folder says what it needs of it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import refused
from torch import Tensor

from elman import ElmanError, cells
from elman.cells import Cell, name_of
from elman.cli.main import main
from elman.layers import Recurrent
from elman.layers.encoder import encoder
from elman.tasks import load as load_task
from elman.tasks import restore
from elman.training.runs import fit

LEAKY = '''
import torch

from elman import Cell


class Leaky(Cell):
    """A leaky unit."""

    gates = ("a", "h")

    def step(self, x, h):
        a, n = (x + self.recurrent(h)).chunk(2, -1)
        a = torch.sigmoid(a)
        h = (1 - a) * h + a * torch.tanh(n)
        return h, h


class Other:
    class Inner(Leaky):
        """One that is within another class."""


class Gap(Cell):
    gates = ("h",)

    def step(self, x, h, *, gap):
        h = torch.exp(-gap) * h + torch.tanh(x)
        return h, h


not_a_cell = 3
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a package of the user's own in it."""
    (tmp_path / "mycells").mkdir()
    (tmp_path / "mycells" / "__init__.py").touch()
    (tmp_path / "mycells" / "leaky.py").write_text(LEAKY, encoding="utf-8")
    (tmp_path / "mycells" / "broken.py").write_text("import nowhere_to_be_found", encoding="utf-8")
    (tmp_path / "mycells" / "wrong.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "mycells"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["lstm", "mycells.leaky:Leaky", "mycells.leaky:Other.Inner"])
def test_a_name_gives_a_class_and_a_class_its_name(name: str, here: Path) -> None:
    assert name_of(cells.load(name)) == name
    assert cells.load(name).reference() == name
    outputs, _ = Recurrent(name, 3, 5)(torch.randn(2, 4, 3))
    assert outputs.shape == (2, 4, 5)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mycells.leaky:Leeky", r"leaky.py has no cell Leeky; the cells in it: Leaky, Gap"),
        ("mycells.leaky:not_a_cell", "has no cell not_a_cell"),
        ("mycells.nothing:Leaky", "needs the module mycells.nothing, and there is no mycells.nothing; install it, or"),
        ("nobody.cells:Leaky", "needs the module nobody.cells, and there is no nobody; install it, or name the folder"),
        ("mycells.broken:Leaky", "the module of the cell mycells.broken:Leaky needs nowhere_to_be_found"),
        ("mycells.wrong:Leaky", "cannot be imported: ZeroDivisionError: division by zero"),
        ("./mycells/leaky.py:Leaky", "module:Class, such as mypackage.cells:Leaky, not './mycells/leaky.py:Leaky'"),
        ("mycells.leaky:", "module:Class"),
        ("__main__:Leaky", "put Leaky into a module and import it from there"),
        ("leaky", "there is no cell 'leaky'; .*a cell of your own is module:Class"),
    ],
)
def test_what_cannot_be_had_is_said(name: str, says: str, here: Path) -> None:
    with pytest.raises(ElmanError, match=says):
        cells.load(name)


def test_a_class_that_no_other_process_finds_has_no_name() -> None:
    class Local(Cell):
        gates = ("h",)

        def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            return x, h

    with pytest.raises(ElmanError, match=r"test_own_cells.py:\d+: Local is known to this process alone"):
        name_of(Local)
    Local.__module__ = "__main__"
    with pytest.raises(ElmanError, match=r"Local is known to this process alone.* such as local.py"):
        name_of(Local)


def test_an_encoder_takes_it_and_has_the_time_alone_to_give(here: Path) -> None:
    assert encoder(cells.load("mycells.leaky:Leaky"), 3, 8).output_size == 8
    assert encoder("mycells.leaky:Leaky", 3, 8, bidirectional=True).output_size == 16
    with pytest.raises(ElmanError, match="Gap takes gap beside its input, and there is nothing here to give but dt"):
        encoder("mycells.leaky:Gap", 3, 8)


TABLE = {"text": ["so good", "so bad"] * 20, "label": ["yes", "no"] * 20}


@pytest.fixture
def model(here: Path) -> Any:
    return fit(load_task("classify"), TABLE, cell=cells.load("mycells.leaky:Leaky"), steps=2, hidden=8, embedding=8)


def test_a_model_of_it_is_kept_and_says_what_it_needs(model: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.save(here / "model")
    assert json.loads((here / "model" / "options.json").read_text())["options"]["cell"] == "mycells.leaky:Leaky"
    answers = model.predict(["so good", "so so"])
    again: Any = restore(here / "model")
    assert again.predict(["so good", "so so"]).equals(answers)
    (here / "mycells" / "leaky.py").unlink()
    del sys.modules["mycells.leaky"]
    with pytest.raises(ElmanError, match=r"the cell mycells.leaky:Leaky needs the module mycells.leaky"):
        restore(here / "model")


def test_a_model_of_one_that_nobody_finds_is_not_kept(model: Any, here: Path) -> None:
    (here / "mycells" / "leaky.py").unlink()
    del sys.modules["mycells.leaky"]
    assert model.predict(["so good"]).height == 1  # it goes on working in memory
    with pytest.raises(ElmanError, match="Leaky is known to this process alone, and a model of it cannot be saved"):
        model.save(here / "model")
    assert not (here / "model").exists()


def test_the_command_line_finds_it_in_the_current_folder(here: Path) -> None:
    script = "import sys; from elman.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", script, "explain", "mycells.leaky:Leaky", "--json"]  # -P: not by Python
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout
    assert json.loads(told)["parts"][0]["name"] == "Leaky"


def test_the_command_line_says_what_it_lacks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.path)
    assert "needs the module mycells.nothing" in refused(capsys, "explain", "mycells.nothing:Leaky")
    assert sys.path == before
    assert main(["explain", "mycells.leaky:Leaky", "--hidden", "8"]) == 0
    assert re.search("Leaky, 128 features to 8 units", capsys.readouterr().out)
