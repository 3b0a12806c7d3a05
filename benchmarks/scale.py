"""How much is measured, and the beginning of a row of figures."""

from dataclasses import dataclass

from contenders import Size
from targets import Figure
from timing import Effort

MICRO = 1e6


@dataclass(frozen=True)
class Scale:
    """How much is measured, and how long."""

    grid: tuple[Size, ...]
    text: Size  # for a language model
    cell: Size  # for a cell against its loop
    heads: Size  # for a cell of several heads
    sequences: Size  # for ragged batches, memory and double backward
    steps: tuple[int, ...]  # units for one step
    effort: Effort


def row(cell: str, size: Size) -> Figure:
    """What was measured: the cell and how much of it."""
    return {"cell": cell, "T": size.time, "B": size.batch, "H": size.hidden}
