"""The examples run, and print what their tutorials show; run as a script, this file writes what they print again."""

import contextlib
import io
import re
import runpy
import tempfile
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
BEFORE = {"first_hour": ["make_series"]}  # scripts that make what another reads
DRAWN = {"write_names"}  # what they print is drawn at random, and rounding may change it from machine to machine


def printed(name: str, folder: Path) -> str:
    """What an example prints, run in a folder of its own."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        for each in BEFORE.get(name, []):
            runpy.run_path(str(EXAMPLES / f"{each}.py"))
        said.truncate(0)
        said.seek(0)
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return said.getvalue()


def without_numbers(text: str) -> list[str]:
    """The lines of a text without numbers, which may differ in their last digits, and the spaces beside them."""
    return [re.sub(r"[\s─]*-?\d[\d.,]*(e-?\d+)?[\s─]*", "#", line).strip() for line in text.splitlines()]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_runs_and_prints_what_its_tutorial_shows(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    found, shown = printed(name, tmp_path), (EXAMPLES / "output" / f"{name}.txt").read_text(encoding="utf-8")
    if name in DRAWN:
        assert len(found.splitlines()) == len(shown.splitlines())
    else:
        assert without_numbers(found) == without_numbers(shown)


def test_every_example_is_shown_by_a_tutorial() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (EXAMPLES.parent / "docs" / "tutorials").glob("*.md"))
    assert {name for name in SCRIPTS if f'"examples/{name}.py"' not in pages} == set()


if __name__ == "__main__":
    for name in SCRIPTS:
        with tempfile.TemporaryDirectory() as folder:
            (EXAMPLES / "output" / f"{name}.txt").write_text(printed(name, Path(folder)), encoding="utf-8")
