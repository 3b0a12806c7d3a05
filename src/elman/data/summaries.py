"""The last rows of a table where they sum up those above, as spreadsheets have them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from elman.data.columns import is_named
from elman.data.dialect import Notation
from elman.data.numbers.cells import as_numbers
from elman.data.tables import Table
from elman.errors import ElmanError, brief, quoted

LAST = 5  # rows at the end of a table that sum up those above at most
NEAR = 1e-3  # of what it sums up a row of such a name is off at most, since it is rounded
KINDS: dict[str, tuple[str, Callable[[np.ndarray], float]]] = {
    "total": ("the sum", np.sum),
    "average": ("the mean", np.mean),
    "minimum": ("the least", np.min),
    "maximum": ("the most", np.max),
}


def without_summary(table: Table) -> Table:
    """The table without the last rows that are named as sums, means or ends of those above, and are it; said in notes.

    Example:
        >>> from elman.data.bad import BadRows
        >>> from elman.data.reading import read_table
        >>> table = read_table({"shop": ["a", "b", "Total"], "sold": ["2", "3", "5"]}, BadRows())
        >>> table["shop"], table.notes
        (['a', 'b'], ("row 3, 'Total', is the sum of those above and left out",))
    """
    named = []
    while len(named) < LAST and len(table) - len(named) > 2 and (said := _kind(table, len(table) - 1 - len(named))):
        named.append(said)
    if not named:
        return table
    size = len(table) - len(named)
    body = table.take(np.arange(size))
    numbers = {c: as_numbers(table.frame[c], n).to_numpy() for c in table.columns if (n := _notation(body, c))}
    notes, kept = [], list(range(size))
    for row, (cell, kind) in zip(range(size, len(table)), reversed(named), strict=True):
        what, measure = KINDS[kind]
        if _sums_up(numbers, row, size, measure):
            notes.append(f"{table.place(row)}, {quoted(brief(cell, 30))}, is {what} of those above and left out")
        else:
            kept.append(row)
    return replace(table.take(np.array(kept)), notes=(*table.notes, *notes)) if notes else table


def _kind(table: Table, row: int) -> tuple[str, str] | None:
    """The cell of a row that names it as one that sums up others, and as what."""
    texts = (name for name, kind in table.frame.schema.items() if kind == pl.String)
    for cell in (table.frame[name][row] for name in texts):
        if cell is not None:
            plain = cell.strip(" :*=")
            if kind := next((each for each in KINDS if is_named(plain, each)), ""):
                return cell.strip(), kind
    return None


def _notation(table: Table, column: str) -> Notation | None:
    """How the numbers of a column are written; None where it has no numbers, or where nothing tells."""
    try:
        return table.notation(column) if table.is_numeric(column) else None
    except ElmanError:  # which is said where the column is used
        return None


def _sums_up(numbers: dict[str, np.ndarray], row: int, size: int, measure: Callable[[np.ndarray], float]) -> bool:
    """Whether half of the numbers of a row, or more, are what a measure makes of those above."""
    found = []
    for cells in numbers.values():
        above = cells[:size][np.isfinite(cells[:size])]
        if np.isfinite(cells[row]) and len(above) > 1:
            wanted = measure(above)
            found.append(abs(cells[row] - wanted) <= NEAR * max(abs(wanted), abs(cells[row])))
    return bool(found) and 2 * sum(found) >= len(found)
