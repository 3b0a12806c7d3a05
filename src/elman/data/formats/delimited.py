"""Rows of cells with a separator between them: CSV, TSV and their like."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import is_named
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
SAMPLE = 200  # rows from which separator and header are guessed


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, whose table says with what separator and whether with a header."""
    if len(dialect.separator) > 1:
        raise ElmanError(f"a separator is one character such as , or ;, not {dialect.separator!r}")
    text, kind = read_whole(path), suffix(path)
    separator = dialect.separator or guess_separator(text, kind)
    # between tabs a quotation mark is, as a rule, only that
    plain = separator == "\t" or '"' not in text
    lines, cells = _split(text, separator) if plain else _parse(text, str(path), separator, bad)
    lines, cells = _without_empty_lines(lines, cells)
    if not len(cells):
        raise ElmanError(f"{path} has no rows")
    first = cells[0].to_list()
    header = _has_header(cells[:SAMPLE].to_list(), kind) if dialect.header is None else dialect.header
    names = [cell.strip() or f"column {n}" for n, cell in enumerate(first, 1)] if header else None
    names = names or [str(n) for n in range(1, len(first) + 1)]
    if len(set(names)) < len(names):
        doubled = next(name for name, count in Counter(names).items() if count > 1)
        raise ElmanError(f"{path} has two columns named {doubled!r}; rename one")
    lines, cells = (lines[1:], cells[1:]) if header else (lines, cells)
    widths = cells.list.len().to_numpy()
    expected = "the header has" if header else "the first row has"
    for row in np.flatnonzero((widths != len(names)) & (widths > 0)):  # one of no cells has been told
        bad.add(f"{path}, line {lines[row]}", f"has {widths[row]} columns where {expected} {len(names)}")
    index = np.flatnonzero(widths == len(names))
    if not len(index):
        raise ElmanError(_no_row(path, lines, widths, len(names)))
    cells = cells.gather(index).list.to_struct(fields=names).struct.unnest()
    frame = cells.with_columns(pl.all().replace("", None))
    dialect = replace(dialect, separator=separator, header=header)
    return Table(str(path), frame, lines[index], index, len(lines), bad, dialect)


def _no_row(path: Path, lines: np.ndarray, widths: np.ndarray, width: int) -> str:
    """Why none of the rows behind the first can be used."""
    if not len(lines):
        return f"{path} has no rows but its header"
    ragged = np.flatnonzero(widths > 0)
    if not len(ragged):
        return f"{path} has no row that can be read; the first is in line {lines[0]}"
    first = ragged[0]
    return (
        f"{path} has no row with as many columns as its header, which has {width}; line {lines[first]} has "
        f"{widths[first]}"
    )


def _split(text: str, separator: str) -> tuple[np.ndarray, pl.Series]:
    """The lines of a text without quotations, as lists of cells, of none where it is empty; and the number of each."""
    rows = pl.Series(text.removesuffix("\n").split("\n"), dtype=pl.String)
    return np.arange(1, len(rows) + 1), pl.select(
        pl.when(rows != "").then(rows.str.split(separator)).otherwise(pl.lit([], pl.List(pl.String)))
    ).to_series()


def _without_empty_lines(lines: np.ndarray, cells: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """The rows without empty lines, unless there is one column: then such a line, if others stand before it, is a row.

    A row that could not be read is null, and becomes one of no cells.
    """
    widths = cells.list.len()
    some = np.flatnonzero((widths.fill_null(1) > 0).to_numpy())
    if len(some) and not (widths > 1).any():
        cells = pl.select(pl.when(widths == 0).then(pl.lit([""], pl.List(pl.String))).otherwise(cells)).to_series()
        some = np.arange(some[0], len(cells))
    return lines[some], cells.gather(some).fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def _parse(text: str, name: str, separator: str, bad: BadRows) -> tuple[np.ndarray, pl.Series]:
    """The rows of a text with quotations, as ``_split`` gives them."""
    allow_cells_of(len(text))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines, rows = [], []
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return np.array(lines), pl.Series(rows, dtype=pl.List(pl.String))
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise ElmanError(
                    f'{name}, line {line}: a quotation mark opens a cell that never ends; write " within a cell as ""'
                ) from error
            bad.add(f"{name}, line {line}", 'a cell goes on after its closing quotation mark; write " within as ""')
            lines.append(line)
            rows.append(None)  # still one of the file's rows
            continue
        lines.append(line)
        rows.append(row)


def allow_cells_of(length: int) -> None:
    """Let Python's reader take a cell as long as a whole text; its limit is one for all readers."""
    csv.field_size_limit(max(csv.field_size_limit(), length + 1))


def guess_separator(text: str, kind: str = "") -> str:
    """What stands between the columns of a text: what gives the most rows the same number of columns, two or more.

    Example:
        >>> guess_separator("a;b,c\\n1;2,5\\n3;4\\n")
        ';'
    """
    head = text[: 1 << 20].split("\n")[:SAMPLE]
    found = {}
    for separator in SEPARATORS:
        widths = [line.count(separator) + 1 for line in head if line.strip()]
        if '"' in text[: 1 << 20] and separator != "\t":
            reader = csv.reader(io.StringIO("\n".join(head), newline=""), delimiter=separator)
            allow_cells_of(len(text))
            widths = [len(cells) for cells in reader if cells]
        usual = max(set(widths), key=widths.count, default=1)
        if usual > 1:
            found[separator] = (widths.count(usual) / len(widths), usual)
    if kind == ".tsv":
        return "\t"
    return max(found, key=lambda separator: found[separator]) if found else ","


def has_columns(text: str) -> bool:
    """Whether a text is a table: every line has as many columns, two or more.

    >>> has_columns("a,b\\n1,2\\n3,4\\n5,6\\n"), has_columns("Well, well.\\nWho knows?\\n")
    (True, False)
    """
    separator = guess_separator(text)
    widths = {line.count(separator) for line in text.split("\n")[:2000] if line.strip()}
    return len(widths) == 1 and widths != {0} and (separator == "\t" or text.count("\n") > 3)


def _has_header(rows: Sequence[list[str]], kind: str) -> bool:
    """Whether the first row has names, and not values like those below it."""
    first, *below = ([cell.strip() for cell in row] for row in rows)
    if any(_is_number(cell) for cell in first if cell) or len(set(first)) < len(first) or not any(first):
        return False
    columns = [[row[n] for row in below if n < len(row) and row[n]] for n in range(len(first))]
    if any(column and all(map(_is_number, column)) for column in columns):
        return True
    if any(cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    if any(is_named(cell, "heading") for cell in first):
        return True
    return kind == ".csv" and all(len(cell) <= 30 and len(cell.split()) <= 3 for cell in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
