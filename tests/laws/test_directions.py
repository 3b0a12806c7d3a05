"""Which room of the house may import which; there is no way back and no circle."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src"
BELOW_LEARNING = {"layers", "remedies", "cells", "compiler"}

# What each room may import: rooms, or single modules of them. Any room may import itself, elman.errors, elman.system.
MAY_IMPORT = {
    "errors": set(),
    "system": set(),
    "__main__": {"cli"},
    "compiler": set(),
    "data": set(),
    "cells": {"compiler"},
    "remedies": {"cells", "compiler"},
    "layers": {"remedies", "cells", "compiler"},
    "learning": BELOW_LEARNING,
    "diagnose": BELOW_LEARNING,
    "runtime": BELOW_LEARNING,
    "weights": {"layers", "cells"},
    "training": {"learning", "data"},
    "tasks": {"training", "layers", "learning", "data"},
    "testing": {"training", "tasks", "runtime", "learning", "data", *BELOW_LEARNING},
    "estimators": {"training", "tasks", "runtime", "diagnose", "learning", "data", *BELOW_LEARNING},
    "cli": {"estimators", "training", "tasks", "runtime", "diagnose", "learning", "data", *BELOW_LEARNING},
}


class Arrow(NamedTuple):
    """An import of one of our modules by another."""

    source: str
    target: str
    line: int


def modules() -> dict[str, Path]:
    """All our modules by name; a folder stands for its ``__init__``."""
    found = {}
    for path in sorted((SOURCE / "elman").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(source: str, code: str, known: set[str], is_folder: bool = False) -> Iterator[Arrow]:
    """The imports of ours in ``code``, those inside functions too, as far as they name a module of ``known``."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = source.split(".") if is_folder else source.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            inside = [f"{base}.{alias.name}" for alias in node.names]
            targets = [name if name in known else base for name in inside]
        else:
            continue
        for target in dict.fromkeys(targets):
            if target.split(".")[0] == "elman":
                yield Arrow(source, target, node.lineno)


def room(module: str) -> str:
    return module.split(".")[1]


def allowed(arrow: Arrow) -> bool:
    """Whether the arrow goes in a direction that ``MAY_IMPORT`` has."""
    if arrow.source == "elman" or arrow.target in ("elman.errors", "elman.system"):
        return True
    if arrow.target == "elman":  # the list of all public names is all rooms at once
        return False
    here = room(arrow.source)
    if here == room(arrow.target) == "tasks" and not same_task(arrow):
        return False
    name = arrow.target.removeprefix("elman.")
    return room(arrow.target) == here or any(
        name == other or name.startswith(f"{other}.") for other in MAY_IMPORT[here]
    )


def same_task(arrow: Arrow) -> bool:
    """Whether an arrow within ``tasks`` stays in the folder of one task, or leads to or from none."""
    source, target = (name.split(".")[2:3] for name in (arrow.source, arrow.target))
    return not source or not target or source == target


def all_arrows() -> list[Arrow]:
    known = modules()
    return [
        arrow
        for name, path in known.items()
        for arrow in arrows(name, path.read_text(encoding="utf-8"), set(known), path.name == "__init__.py")
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in done:
            for target in sorted(graph.get(module, ())):
                if found := visit(target, [*way, module]):
                    return found
            done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := visit(module, []))), [])


def names_in(code: str) -> Iterator[tuple[str, int]]:
    """The names and the texts of ``code``, without docstrings and comments, each with its line."""
    tree = ast.parse(code)
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias):
            yield node.name.split(".")[-1], node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value, node.lineno


def cell_names() -> set[str]:
    """What the cells are called: their files and their classes."""
    files = [path for path in (SOURCE / "elman" / "cells").glob("*.py") if path.stem not in ("__init__", "cell")]
    classes = {
        node.name
        for path in files
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    return classes | {path.stem for path in files} - {"elman"}  # the name of the package too


def test_every_room_is_in_the_table() -> None:
    rooms = {room(name) for name in modules() if name != "elman"}
    assert rooms <= set(MAY_IMPORT), f"say in MAY_IMPORT what {sorted(rooms - set(MAY_IMPORT))} may import"


def test_imports_go_one_way() -> None:
    wrong = [a for a in all_arrows() if not allowed(a)]
    assert not wrong, "\n".join(f"{modules()[a.source]}:{a.line} imports {a.target}" for a in wrong)


def test_there_is_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for arrow in all_arrows():
        graph.setdefault(arrow.source, set()).add(arrow.target)
    found = circle(graph)
    assert not found, " -> ".join(found)


def test_the_compiler_knows_no_cell_by_name() -> None:
    cells = cell_names()
    assert {"lstm", "LSTMCell"} <= cells
    wrong = [
        f"{path}:{line} names {name}"
        for module, path in modules().items()
        if module.startswith("elman.compiler")
        for name, line in names_in(path.read_text(encoding="utf-8"))
        if name in cells
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "code", "right"),
    [
        ("elman.cells.lstm", "from elman.cells.cell import Cell", True),
        ("elman.cells.lstm", "from elman.compiler import executor", True),
        ("elman.compiler.plan", "from elman.errors import ElmanError", True),
        ("elman.tasks.language.task", "from elman.training.task import Task", True),
        ("elman.training.loop", "from elman.training import task", True),
        ("elman.cells.lstm", "from elman import LSTM", False),
        ("elman.cells.lstm", "import elman.layers.recurrent", False),
        ("elman.compiler.plan", "def f():\n    from elman.cells import gru", False),
        ("elman.compiler.plan", "from ..cells import gru", False),
        ("elman.data.text", "from elman.training import task", False),
        ("elman.training.loop", "from elman.tasks import language", False),
        ("elman.training.runs", "from elman.tasks import load", False),
        ("elman.layers.recurrent", "from elman.cli.main import main", False),
    ],
)
def test_the_law_tells_right_from_wrong(source: str, code: str, right: bool) -> None:
    known = {*modules(), "elman.training.task", "elman.tasks.language.task"}
    (arrow,) = arrows(source, code, known)
    assert allowed(arrow) is right, arrow


def test_a_relative_import_is_resolved() -> None:
    known = set(modules())
    assert [a.target for a in arrows("elman.cells.lstm", "from .cell import Cell", known)] == ["elman.cells.cell"]
    assert [a.target for a in arrows("elman.cells", "from . import cell", known, True)] == ["elman.cells.cell"]
    assert [a.target for a in arrows("elman.cells", "from ..layers import x", known, True)] == ["elman.layers"]


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert not circle({"a": {"b", "c"}, "b": {"c"}})


def test_a_name_is_found_and_prose_is_not() -> None:
    code = '"""An LSTMCell."""\nfrom x import GRUCell\nif type(y).__name__ == "lstm": z.LEMCell'
    assert {"GRUCell", "lstm", "LEMCell"} <= {name for name, _ in names_in(code)}
    assert not any("An" in name for name, _ in names_in(code))
