"""A person adds a recurrence: one new file, and it is everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from elman import cells
from elman.layers import Recurrent

LEAKY = '''
"""A leaky unit."""

import torch

from elman.cells.cell import Cell


class LeakyCell(Cell):
    """A unit that forgets as time passes: h' = exp(-gap) h + tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    gates = ("h",)

    def step(self, x, h, *, gap):
        h = torch.exp(-gap) * h + torch.tanh(x + self.recurrent(h))
        return h, h
'''

# stands for the package with the new file in its folder
LAWS = """
import sys
import pytest
import elman.cells
elman.cells.__path__.append(sys.argv[1])
sys.exit(pytest.main([sys.argv[2], "-k", "leaky", "-p", "no:cacheprovider"]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "leaky.py").write_text(LEAKY, encoding="utf-8")
    monkeypatch.setattr(cells, "__path__", [*cells.__path__, str(tmp_path)])
    return tmp_path


def test_it_is_found_by_its_name_and_stacked(folder: Path) -> None:
    assert "leaky" in cells.names()
    layer = Recurrent("leaky", 3, 5, num_layers=2, bidirectional=True)
    outputs, state = layer(torch.randn(4, 7, 3), gap=torch.rand(4, 7, 1), lengths=torch.tensor([7, 2, 0, 1]))
    assert outputs.shape == (4, 7, 10)
    assert isinstance(state, torch.Tensor)
    assert state.shape == (4, 4, 5)


def test_every_law_holds_it_and_asks_for_its_parameters(folder: Path) -> None:
    laws = Path(__file__).with_name("test_cells.py")
    command = [sys.executable, "-c", LAWS, str(folder), str(laws)]
    told = subprocess.run(command, cwd=laws.parents[2], capture_output=True, text=True, check=False).stdout
    failed = [line for line in told.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1, told
    assert all("test_names_and_shapes_of_parameters_are_pinned" in line for line in failed), told
    assert "add the parameters of 'leaky' to PINNED" in told
    passed = re.search(r"1 failed, (\d+) passed", told)
    assert passed, told
    assert int(passed[1]) > 100, told
    assert str(laws) in told


def test_a_wrong_name_gets_the_nearest(folder: Path) -> None:
    with pytest.raises(cells.ElmanError, match="did you mean 'leaky'"):
        Recurrent("leeky", 3, 5)
