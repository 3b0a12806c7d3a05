"""What the Tab key offers; PyTorch is not imported for it."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def cell_names() -> list[str]:
    """The cells, and that which stands in for one."""
    from elman import cells

    return [*cells.names(), "transformer", "convolution"]


def one_cell(incomplete: str) -> list[str]:
    """The cells that a word may become."""
    return [name for name in cell_names() if name.startswith(incomplete)]


def several_cells(incomplete: str) -> list[str]:
    """The same for the last of several words with commas between them.

    >>> several_cells("lstm,transf")
    ['lstm,transformer']
    """
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in one_cell(last) if name not in before.split(",")]


def model_folders(incomplete: str) -> list[str]:
    """The model folders that a path may become, those in folders of it too."""
    before = incomplete[: incomplete.rfind("/") + 1]
    base, begun = Path(before or "."), glob.escape(incomplete[len(before) :])
    found = {path.parent for depth in ("", "*/", "*/*/") for path in base.glob(f"{begun}*/{depth}options.json")}
    return sorted(f"{before}{path.relative_to(base)}" for path in found)


ModelFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The model folder.", autocompletion=model_folders)]
BY_METAVAR: dict[str, Callable[[str], list[str]]] = {"CELL": one_cell, "CELLS": several_cells}
