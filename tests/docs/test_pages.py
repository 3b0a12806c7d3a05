"""What the pages of the site show runs as it stands."""

import re
from pathlib import Path

import pytest

import elman
from elman.layers import GRU

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = ("Darts", "Flair")  # code of libraries that are not installed here, shown beside ours
PYTHON = re.compile(r"^```python(?: title=\"([^\"]+)\")?\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(path: Path) -> list[tuple[str, str]]:
    """The Python of a page, each with its title."""
    return PYTHON.findall(path.read_text(encoding="utf-8"))


def pages() -> list[Path]:
    return [path for path in sorted(DOCS.rglob("*.md")) if blocks(path)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, on PyTorch
@pytest.mark.parametrize("page", pages(), ids=lambda path: path.stem)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for title, code in blocks(page):
        if title.endswith(".py"):
            (tmp_path / title).write_text(code, encoding="utf-8")
        elif title not in ELSEWHERE:
            exec(compile(code, str(page), "exec"), names)


def test_every_page_is_in_the_menu_and_nothing_else_is() -> None:
    menu = set(re.findall(r"[\w/]+\.md", (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")))
    made = {f"reference/{name}.md" for name in ("command_line", "tasks", "cells")}
    assert menu == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} | made


def test_what_is_shown_of_a_gru_is_what_explain_prints() -> None:
    shown = (DOCS / "explanation" / "explain_gru.txt").read_text(encoding="utf-8").strip()
    assert shown in str(elman.explain(GRU(64, 128), batch=8, time=50, training=False))


def test_every_public_name_is_in_the_reference() -> None:
    pages = [*(DOCS / "reference").glob("*.md"), DOCS / "hooks" / "reference.py"]  # which makes the page of the cells
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"^::: [\w.]+\.(\w+)$", text, re.MULTILINE))
    assert set(elman.__all__) - shown == set()
