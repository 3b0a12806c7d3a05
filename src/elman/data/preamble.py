"""What stands above the first row of data: lines about a device, the names of the columns, a row of their units."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from elman.data.numbers.cells import has_value
from elman.data.separators import is_number

DEEPEST = 30  # rows above the data at most
FEWEST = 3  # rows of data, and numbers of a column, that tell what it has
MOST = 0.9  # of the filled cells of a column of numbers
# a unit, alone or in brackets; the form of a date; what a logger did with its values
UNIT = re.compile(
    r"\[.*\]|\(.*\)|-|[YMDhms][YMDHhms:/. T-]+|.{0,8}[°%‰/²³].{0,8}|(?i:deg ?[cfk]?)"
    r"|[num\u00b5kMGT]?(?:m|g|s|A|V|W|Wh|Hz|Pa|bar|J|N|l|L|K|VA|mol|Ohm)|[CF]|min|h|d|ppm|ppb|rpm|lux|psi|mbar|dB|pH|rad"
    r"|TS|RN|Avg|Smp|Min|Max|Tot|Std|(?i:volts?|amps?|watts?|seconds?|minutes?|hours?|sec|degt|nmi|ft|knots?|kts?|mph)"
    r"|(?:in )?(?:[A-Z]{3}|[Ee]uros?|%|[$\u20ac\u00a3\u00a5])|(?i:yr|mo|dy|hr|mn|date|time|datetime)"
    r"|(?i:string|number|anzahl|count|index)"
    r"|[A-Za-z\u00b5\u00b0%]{1,5}(?:[/*\u00b7^][A-Za-z\d\u00b2\u00b3-]{1,5}){1,2}"
)


@dataclass(frozen=True)
class Above:
    """Which rows are the header, and which others stand above the data.

    Args:
        header: its place among the rows.
        data: the place of the first row of data; those between have units.
        rival: the place of a row below the header that may be one too; -1 for none.
    """

    header: int
    data: int
    rival: int = -1


def above_data(rows: Sequence[Sequence[str]]) -> Above | None:
    """What stands above the first row of data; None where that is the header alone, or nothing, or cannot be told.

    The header is the last row that has a name for each column, before a row of units, if there is such.

    Args:
        rows: the first ones of a file, as texts.

    Example:
        >>> data = [["0", "10.5"], ["1", "11.0"], ["2", "9.5"]]
        >>> above_data([["Device: X"], ["Time", "Temp"], ["[s]", "[°C]"], *data])
        Above(header=1, data=3, rival=-1)
        >>> above_data([["Time", "Temp"], *data]) is None
        True
    """
    width = Counter(map(len, rows)).most_common(1)[0][0]
    numeric = _columns_of_numbers([row for row in rows[len(rows) // 2 :] if len(row) == width], width)
    full = next((n for n, row in enumerate(rows) if len(row) == width and all(is_number(row[c]) for c in numeric)), 0)
    data = 1 + max((n for n in range(full) if len(rows[n]) == width and _has_texts(rows[n], numeric)), default=0)
    if width < 2 or not numeric or not 2 <= data <= DEEPEST or len(rows) < data + FEWEST:
        return None
    below = [row for row in rows[data:] if len(row) == width]
    last = data - 1
    while last > 0 and _are_units(rows[last], width):
        last -= 1
    if last < data - 1 and not _are_names(rows[last], below, width):
        last += 1  # what looks like units has the names
    if not _are_names(rows[last], below, width):
        return None
    if last and len(rows[last - 1]) == width and len(numeric) < 2:
        return None  # a row whose only number is wrong
    if last and _are_names(rows[last - 1], below, width):
        return Above(last - 1, data, last)
    return Above(last, data)


def _columns_of_numbers(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    columns = [[cell for row in rows if (cell := row[n].strip())] for n in range(width)]
    return [
        n
        for n, column in enumerate(columns)
        if len(column) >= FEWEST and sum(map(is_number, column)) >= MOST * len(column)
    ]


def _has_texts(row: Sequence[str], numeric: Sequence[int]) -> bool:
    """Whether a row has something in columns of numbers, and no number."""
    cells = pl.Series([row[n].strip() for n in numeric], dtype=pl.String)
    return bool(has_value(cells).any()) and not any(map(is_number, cells))


def _are_units(row: Sequence[str], width: int) -> bool:
    cells = [cell for each in row if (cell := each.strip())]
    return len(row) == width and bool(cells) and all(map(UNIT.fullmatch, cells))


def _are_names(row: Sequence[str], below: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a row has a name for each column, none of which looks like the cells below it."""
    cells = [cell.strip() for cell in row]
    if len(cells) != width or len(set(cells)) < width or not all(re.match(r"[^\W\d]|\W*[^\W\d]", c) for c in cells):
        return False
    return not any(_form(cell) in {_form(each[n]) for each in below} for n, cell in enumerate(cells))


def _form(cell: str) -> str:
    """A cell with all numbers alike."""
    return re.sub(r"\d+", "0", cell.strip())
