"""Rows of cells with a separator between them: CSV, TSV and their like, and columns with blanks between them."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.around import bounds
from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.formats import Beginning, Format
from elman.data.headers import check_width, has_header
from elman.data.hollow import empty_lines, of_separators, placed, within
from elman.data.preamble import DEEPEST, Above, above_data
from elman.data.roles import counts
from elman.data.separators import (
    BLANKS,
    COLONS,
    MOST,
    SAID,
    SAMPLE,
    SEPARATORS,
    allow_cells_of,
    between_blanks,
    fixed_width,
    guess_separator,
    has_columns,
    names_apart,
    remark,
)
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, brief, counted, quoted

AT_ONCE = 1 << 24  # characters of lines that are split at once: for each of them polars asks for sixteen bytes
NAMES = (".csv", ".tsv")  # how the names of such files end
KEPT_TEXT = re.compile(r'^\s*="([^"]*)"\s*$')  # as a spreadsheet writes a cell that is to stay a text
FIELDS = re.compile(r"#\s*fields:?\s+(.+)", re.IGNORECASE)
ROW = "row"  # the column of names that stand before rows, as R writes them, without a name of its own


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, whose table says with what separator and whether with a header."""
    text, kind = read_whole(path, dialect.encoding), suffix(path)
    separator = dialect.separator or guess_separator(text, kind)
    empty = empty_lines(text, separator) if bad.answers else np.zeros(0, int)
    mark = remark(text.partition("\n")[2] if SAID.match(text) else text) or "#"
    text, remarks = _without_remarks(text, separator, kind, mark)
    text, apart = _with_names_alike(text, separator) if dialect.header is not False else (text, "")
    plain = separator in (" ", COLONS) or '"' not in text or (separator == "\t" and not _is_quoted(text))
    lines, cells = _split(text, separator) if plain else _parse(text, str(path), separator, bad)
    empty = empty if plain else np.intersect1d(empty, lines)  # others stand within a cell
    lines, cells = _without_empty_lines(lines, cells)
    alone = of_separators(text, separator, lines, cells)
    hollow = lines[alone]
    lines, cells = lines[~alone], cells.filter(pl.Series(~alone))
    if '="' in text:
        cells = cells.list.eval(pl.element().str.replace(KEPT_TEXT.pattern, "$1"))
    lines, cells, around = (
        _without_notes(text, separator, lines, cells) if dialect.header is not False else (lines, cells, ())
    )
    hollow = hollow[hollow < lines[-1]] if around else hollow
    filled = lines
    if not len(cells):
        raise ElmanError(f"{path} has no rows")
    if not len(cells[0]):  # and nothing tells what the columns are
        raise ElmanError(f"{path}, line {lines[0]}: the first row cannot be read, and is wanted for the columns")
    above = above_data(cells[:SAMPLE].to_list()) if dialect.header is not False else None
    lines, cells, found = _without_units(path, lines, cells, above, bad) if above else (lines, cells, ())
    known = True if above else dialect.header
    header = has_header(cells[:SAMPLE].to_list(), kind) if known is None else known
    names = _names(path, cells, header)
    again = _repeats(cells) if header else np.zeros(0, int)
    told = ", ".join(f"{line}" for line in lines[again][:3]) + (" and others" if len(again) > 3 else "")
    kept = np.setdiff1d(np.arange(int(header), len(cells)), again)
    lines, cells = lines[kept], cells.gather(kept)
    cells, trailing = _without_trailing(cells, len(names))
    widths = cells.list.len().to_numpy()
    expected = "the header has" if header else "the first row has"
    hint = _after_a_title(widths, len(names))
    for row in np.flatnonzero((widths != len(names)) & (widths > 0)):  # one of no cells has been told
        bad.add(
            f"{path}, line {lines[row]}", f"has {counted(widths[row], 'columns')} where {expected} {len(names)}{hint}"
        )
    index = np.flatnonzero(widths == len(names))
    if not len(index):
        raise ElmanError(_no_row(path, lines, widths, len(names)) + hint)
    cells = cells.gather(index).list.to_struct(fields=names).struct.unnest()
    frame = cells.with_columns(pl.all().replace("", None))
    frame, unnamed = _without_empty_columns(frame, header)
    size, numbers, left_out = len(lines), lines[index], len(hollow)
    if bad.answers and len(names) > 1:
        empty = within(empty, np.union1d(filled, hollow))
        hollow = np.concatenate([hollow[hollow > (filled[0] if header else 0)], empty[empty > lines[0]]])
        frame, numbers, index = placed(frame, lines, index, hollow)
        size, left_out = size + len(hollow), max(0, left_out - len(hollow))
    notes = [
        f"lines that begin with {mark} are remarks: {remarks:,}" if remarks else "",
        _apart(apart, separator) if apart else "",
        f"rows without any value are left out: {left_out:,}" if left_out else "",
        *around,
        *found,
        f"the header stands again, and is left out there, in line {told}" if told else "",
        "columns without a name and without a value are left out" if unnamed or trailing else "",
        f"the first column has no name; it is called {ROW}" if header and names[0] == ROW else "",
    ]
    dialect = replace(dialect, separator=separator, header=header)
    return Table(str(path), frame, numbers, index, size, bad, dialect, notes=tuple(filter(None, notes)))


def _without_notes(
    text: str, separator: str, lines: np.ndarray, cells: pl.Series
) -> tuple[np.ndarray, pl.Series, tuple[str, ...]]:
    """The rows of the table in a file, without titles above it and notes below it; and what is to be said of them."""
    raw, last = text.split("\n"), lines[-DEEPEST:].tolist()
    blank = [line > 1 and not raw[line - 2].strip(f'{separator} \t\r"') for line in last]
    first, end = bounds(cells, blank)
    said = []
    if first:
        said.append(f"lines before the header, which is in line {lines[first]}, are left out: {first:,}")
    if end < len(cells):
        shown = quoted(brief(" ".join(filter(None, cells[end].to_list())), 40))
        said.append(f"lines below the table are left out: {len(cells) - end:,}, from line {lines[end]} on, {shown}")
    return lines[first:end], cells[first:end], tuple(said)


def _without_units(
    path: Path, lines: np.ndarray, cells: pl.Series, above: Above, bad: BadRows
) -> tuple[np.ndarray, pl.Series, tuple[str, ...]]:
    """The rows from the header on, without those of units below it; and what is to be said of them."""
    header, data = above.header, above.data
    if above.rival >= 0 and not bad.skip:
        raise ElmanError(
            f"{path}, line {lines[above.rival]}: has no numbers where the rows below have some, and stands below line "
            f"{lines[header]}, which has names too; remove the one that does not name the columns"
        )
    if above.rival >= 0:  # one of the rows that are left out as bad ones
        return lines, cells, ()
    said = []
    if header:
        said.append(f"lines before the header, which is in line {lines[header]}, are left out: {header:,}")
    if data > header + 1:
        units = ", ".join(filter(None, cells[header + 1].to_list()))
        said.append(f"below the header stand units ({brief(units, 60)}), which are left out: line {lines[header + 1]}")
    kept = [header, *range(data, len(cells))]
    return lines[kept], cells.gather(kept), tuple(said)


def _repeats(cells: pl.Series) -> np.ndarray:
    """Where the first row of several names stands again, as in files that were put together."""
    first = cells[0].to_list()
    if len(first) < 2:
        return np.zeros(0, int)
    alike = (cells.list.first() == first[0]).fill_null(False).arg_true().to_list()
    return np.array([row for row in alike[1:] if cells[row].to_list() == first], int)


def _after_a_title(widths: np.ndarray, width: int) -> str:
    """What to do where most rows are of one width and the first is of another, as a title above a table is."""
    usual, number = next(iter(Counter(widths.tolist()).most_common(1)), (width, 0))
    if usual in (1, width) or number < 3 or number <= len(widths) / 2:
        return ""
    return f"; most lines have {usual:,}: remove the lines before the header, if there are such"


def _is_quoted(text: str) -> bool:
    """Whether cells between tabs are quoted, as R writes them; as a rule a quotation mark there is only that.

    Then a column has them around all of its cells, and no cell has one but around it.

    >>> _is_quoted('"text"\\t"n"\\n"so so"\\t1\\n'), _is_quoted('text\\tn\\n"No," he said\\t1\\n"Yes!"\\t2\\n')
    (True, False)
    """
    rows = [line.split("\t") for line in text.split("\n", SAMPLE)[:SAMPLE] if line.strip()]
    around = [[len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in row] for row in rows]
    if any(
        '"' in cell
        for row, own in zip(rows, around, strict=True)
        for cell, is_so in zip(row, own, strict=True)
        if not is_so
    ):
        return False
    return any(all(column) for column in zip(*around, strict=False))


def _names(path: Path, cells: pl.Series, header: bool) -> list[str]:
    """The names of the columns: those of the first row, or their numbers."""
    check_width(path, len(cells[0]))
    first = cells[0].to_list()
    if not header:
        return [str(n) for n in range(1, len(first) + 1)]
    names = [cell.strip() or f"column {n}" for n, cell in enumerate(first, 1)]
    widths = cells[1:].list.len()
    rest = cells[1:].filter(widths == len(names) + 1)
    if len(rest) == len(cells) - 1 > 1 and counts(rest.list.first().str.strip_chars('"')):
        names = [ROW, *names]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ElmanError(f"{path} has two columns named {twice[0]!r}; rename one")
    return names


def _without_trailing(cells: pl.Series, width: int) -> tuple[pl.Series, bool]:
    """The rows without empty cells behind the last column, and whether there were such."""
    wide = cells.list.len() > width
    if not wide.any():
        return cells, False
    rest = cells.list.slice(width).list.eval(pl.element().str.strip_chars() != "").list.any()
    empty = wide & ~rest.fill_null(False)
    return cells.zip_with(~empty, cells.list.head(width)), bool(empty.any())


def _without_empty_columns(frame: pl.DataFrame, header: bool) -> tuple[pl.DataFrame, bool]:
    """The table without columns that have neither name nor value; of those without a header, the last ones."""
    empty = [name for name in frame.columns if frame[name].null_count() == len(frame)]
    if header:
        left = [name for n, name in enumerate(frame.columns, 1) if name in empty and name == f"column {n}"]
    else:
        filled = [n for n, name in enumerate(frame.columns) if name not in empty]
        left = frame.columns[filled[-1] + 1 :] if filled else []
    return (frame.drop(left), bool(left)) if len(left) < frame.width else (frame, False)


def _without_remarks(text: str, separator: str, kind: str, mark: str) -> tuple[str, int]:
    """The text with empty lines in the place of remarks and of Excel's word on the separator; and how many remarks.

    A remark begins with a mark and has not as many cells as rows have, or stands before a header. What is as wide and
    stands right above the rows is the header, if it looks like one without the mark. Marks other than # make remarks
    only before all rows.
    """
    if SAID.match(text) and SAID.fullmatch(text.partition("\n")[0]):
        text = text[text.find("\n") :] if "\n" in text else ""
    if not text.lstrip("\n").startswith(mark):
        return text, 0
    lines = text.split("\n")
    rows = [line for line in lines[:SAMPLE] if line.strip() and not line.startswith(mark)]
    width = Counter(len(_cells(line, separator)) for line in rows).most_common(1)[0][0] if rows else 0
    if width < 2:
        return text, 0
    first = next(n for n, line in enumerate(lines) if line.strip() and not line.startswith(mark))
    below = [_cells(line, separator) for line in rows]
    headed = has_header(below, kind)
    remarks = [
        n
        for n, line in enumerate(lines if mark == "#" else lines[:first])
        if line.startswith(mark) and (len(_cells(line, separator)) != width or (n < first and headed))
    ]
    heading = first - 1
    below_names = heading > 0 and len(_cells(lines[heading - 1], separator)) == width == len(
        _cells(lines[heading], separator)
    )
    if below_names and all(lines[n].startswith(mark) for n in (heading - 1, heading)) and not headed:  # one of units
        remarks, heading = [*remarks, heading], heading - 1
    if (named := _fields(lines[:first], width)) and not headed:
        lines[heading] = separator.join(named)
        remarks = [n for n in remarks if n != heading]
    elif (
        heading >= 0
        and lines[heading].startswith(mark)
        and (separator == " " or lines[heading][len(mark) :][:1] != separator)
    ):
        bare = lines[heading].removeprefix(mark).strip() if separator == " " else lines[heading].removeprefix(mark)
        named = _cells(bare, separator)
        if len(named) == width and has_header([named, *below], kind) and not headed:
            lines[heading] = bare.lstrip()
            remarks = [n for n in remarks if n != heading]
    for n in remarks:
        lines[n] = ""
    return "\n".join(lines), len(remarks)


def _fields(lines: Sequence[str], width: int) -> list[str]:
    """The names of columns in a remark that has them, as in logs of the W3C's form, of CloudFront and of Zeek.

    >>> _fields(["#Version: 1.0", "#Fields: date time cs-uri"], 3)
    ['date', 'time', 'cs-uri']
    """
    found = (BLANKS.split(match[1].strip()) for line in lines if (match := FIELDS.match(line)))
    return next((names for names in found if len(names) == width), [])


def _with_names_alike(text: str, separator: str) -> tuple[str, str]:
    """The text with a header that is written as the rows below it; and what stood between its names, or ""."""
    head = [line for line in text.split("\n", SAMPLE)[:SAMPLE] if line.strip()]
    apart = names_apart(head, separator)
    if apart is None:
        return text, ""
    before, _, rest = text.partition(head[0])
    return f"{before}{separator.join(apart[0])}{rest}", apart[1]


def _apart(header: str, below: str) -> str:
    return f"{SEPARATORS[header]} stand between the names of the header, and {SEPARATORS.get(below, below)} below"


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return between_blanks(line)
    quoted = '"' in line and separator != COLONS
    return next(csv.reader([line], delimiter=separator), []) if quoted else line.split(separator)


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
    """The number of each line of a text without quotations, and its cells, none where it is empty.

    Between blanks empty lines are left out where there are columns.
    """
    lines = text.removesuffix("\n").split("\n")
    rows = pl.Series(lines, dtype=pl.String)
    if separator == " ":
        rows = rows.str.strip_chars()
        filled = (rows != "").arg_true()
        cells = _between_blanks([lines[n] for n in filled])
        if any(len(row) > 1 for row in cells):  # of which an empty line is none
            return filled.to_numpy() + 1, pl.Series(cells, dtype=pl.List(pl.String))
    sizes = np.array([len(line) + 1 for line in lines])
    long, ends = np.flatnonzero(sizes > AT_ONCE), sizes.cumsum()
    even = np.searchsorted(ends, np.arange(0, ends[-1], AT_ONCE))
    cuts = np.unique(np.concatenate([even, long, long + 1, [len(rows)]])).tolist()
    parts = [_at_once(rows[low:high], separator) for low, high in itertools.pairwise(cuts)]
    return np.arange(1, len(rows) + 1), pl.concat(parts)


def _at_once(rows: pl.Series, separator: str) -> pl.Series:
    """The cells of lines, none of an empty one."""
    if len(rows) == 1:  # which may be of any size
        return pl.Series([line.split(separator) if line else [] for line in rows], dtype=pl.List(pl.String))
    return pl.select(
        pl.when(rows != "").then(rows.str.split(separator)).otherwise(pl.lit([], pl.List(pl.String)))
    ).to_series()


def _between_blanks(lines: Sequence[str]) -> list[list[str]]:
    """The cells of lines with any number of blanks between them, or in columns of fixed width; no line is empty."""
    rows = [between_blanks(line) for line in lines]
    if rows and Counter(map(len, rows)).most_common(1)[0][1] < MOST * len(rows):
        fixed = fixed_width(lines)
        rows = rows if fixed is None else fixed
    return rows


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


def is_table(begun: Beginning) -> bool:
    """Whether a file is such a table, by its name or by its lines."""
    return begun.name.endswith(NAMES) or has_columns("\n".join(begun.lines))


FORMAT = Format("lines of text", lambda begun: True, read, rank=9)
