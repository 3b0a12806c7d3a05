"""The walks of CONTRIBUTING.md lead to what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"\b(?:src|tests|docs|examples)/[\w/.]*", TEXT)))
NAMED = {
    "PINNED": "tests/laws/test_cells.py",
    "OPS": "src/elman/compiler/ops.py",
    "_HANDLERS": "src/elman/compiler/vocabulary.py",
    "SUBSET": "src/elman/compiler/vocabulary.py",
    "EXECUTOR": "src/elman/compiler/executors/eager.py",
    "Executor": "src/elman/compiler/executor.py",
    "Compiled": "src/elman/compiler/compiled.py",
    "TaskOptions": "src/elman/training/options.py",
    "Predictor": "src/elman/training/task.py",
    "measures": "src/elman/tasks/classify/target.py",
    "FORMAT": "src/elman/data/formats/tsf.py",
    "Table": "src/elman/data/tables.py",
    "Example": "tests/formats.py",
    "BadRows": "src/elman/data/bad.py",
    "check_cell": "src/elman/testing/__init__.py",
    "check_task": "src/elman/testing/__init__.py",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_there(path: str) -> None:
    known = path.split("NAME")[0].removesuffix("test_")  # what the walk makes has the name of what is added
    assert (ROOT / known.rstrip(".")).exists()


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_where_it_is_said_to_be(name: str) -> None:
    assert re.search(rf"\b{name}\b", TEXT)
    assert re.search(
        rf"^(?:class |    def |def )?{name}\b|^    \"{name}\"", (ROOT / NAMED[name]).read_text(encoding="utf-8"), re.M
    )
