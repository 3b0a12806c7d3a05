"""What is seen while a model trains, in a notebook and without a terminal."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from elman import Regressor
from elman.training import progress

X = [[0.1, 0.2, 0.3], [0.3, 0.1, 0.2]] * 10
Y = [0.1, 0.4] * 10


class Handle:
    """As much of what ``display`` of IPython gives as is used."""

    def __init__(self) -> None:
        self.pictures: list[str] = []

    def update(self, picture: str) -> None:
        self.pictures.append(picture)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Handle:
    handle, shell, shown = Handle(), ModuleType("IPython"), ModuleType("IPython.display")
    vars(shell).update(get_ipython=lambda: SimpleNamespace(kernel=None), display=shown)
    vars(shown).update(HTML=str, display=lambda first, display_id: handle)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return handle


def test_a_notebook_has_a_bar_of_its_own(notebook: Handle, capsys: Any) -> None:
    assert progress.in_notebook()
    Regressor(hidden=4, steps=5).fit(X, Y)
    assert 'value="1.000"' in notebook.pictures[-1]
    assert "step 5  loss" in notebook.pictures[-1]
    assert "held-out" in notebook.pictures[-1]
    assert "step 5" not in capsys.readouterr().err


def test_elsewhere_a_line_is_written_for_each_judgement(capsys: Any) -> None:
    assert not progress.in_notebook()
    Regressor(hidden=4, steps=40).fit(X, Y)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("step")] == [
        "step 8", "step 16", "step 24", "step 32",
    ]  # fmt: skip


def test_a_notebook_shows_what_came_of_it() -> None:
    model = Regressor(hidden=4, steps=5, verbose=False)
    assert "Regressor(hidden=4, steps=5" in model._repr_html_()
    shown = model.fit(X, Y)._repr_mimebundle_()["text/html"]
    assert "data:image/png;base64," in shown
    assert "<td>rmse</td>" in shown
    assert "<script" not in shown
