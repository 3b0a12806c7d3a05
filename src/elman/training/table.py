"""The table of a comparison as plain text: a line for each measure, a column for each method."""

import textwrap
from collections.abc import Mapping, Sequence

from elman.training.measures import Measures, label
from elman.training.numbers import alike, digits_of

NAME = 18  # characters of a method's name side by side; a longer one goes on in the next line
GAP = "  "

Table = Mapping[str, Mapping[str, float]]  # the measures of each method by its name, the model first


def numbers(table: Table, measures: Measures, rows: int | None) -> dict[str, list[str]]:
    """The lines of a table: what each method reaches, for each measure by its name for people."""
    names = dict.fromkeys(name for row in table.values() for name in row)
    return {
        label(measures, name): written(measures, name, [r.get(name) for r in table.values()], rows) for name in names
    }


def written(measures: Measures, name: str, values: Sequence[float | None], rows: int | None) -> list[str]:
    """Values of one measure, with as many digits as so many rows allow."""
    is_share = name in measures and measures[name].share
    return alike(values, digits_of(rows), 1.0 if is_share else None)


def in_columns(table: Table, measures: Measures, rows: int | None, width: int = 0) -> str:
    """The table as text.

    Args:
        table: the methods.
        measures: of the task.
        rows: that were judged, where that is known: few rows deserve few digits.
        width: of the screen; what is wider stands in parts, one below the other. 0 for any width.

    Example:
        >>> print(in_columns({"model": {"loss": 0.5}, "a very simple method": {"loss": 12.25}}, {}, None))
                      a very simple
               model         method
        loss  0.5000        12.2500
    """
    lines = numbers(table, measures, rows)
    first = max((len(name) for name in lines), default=0)
    columns = [_column(name, [cells[n] for cells in lines.values()]) for n, name in enumerate(table)]
    height = max((len(head) for head, _ in columns), default=0)
    blocks = []
    for part in _parts([len(GAP) + len(head[0]) for head, _ in columns], width - first if width else 0):
        shown = [[" " * len(head[0])] * (height - len(head)) + head + cells for head, cells in columns[part]]
        names = [""] * height + list(lines)
        rest = zip(names, *shown, strict=True)
        blocks.append("\n".join(GAP.join([f"{name:{first}}", *cells]).rstrip() for name, *cells in rest))
    return "\n\n".join(blocks)


def _column(name: str, cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of a name, and the cells below it with one decimal point below the other, all of one width."""
    head = textwrap.wrap(name, NAME) or [""]
    behind = max((len(cell.partition(".")[2]) + ("." in cell) for cell in cells), default=0)
    cells = [cell + " " * (behind - len(cell.partition(".")[2]) - ("." in cell)) for cell in cells]
    width = max(map(len, [*head, *cells]))
    return [f"{line:>{width}}" for line in head], [f"{cell:>{width}}" for cell in cells]


def _parts(widths: Sequence[int], width: int) -> list[slice]:
    """Columns that stand side by side within a width, at least one of them."""
    starts, used = [0], 0
    for n, each in enumerate(widths):
        if width and used and used + each > width:
            starts.append(n)
            used = 0
        used += each
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(widths)], strict=True)]
