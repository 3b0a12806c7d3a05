"""Tables: rows of named columns from CSV, TSV, JSON lines or Parquet, each row knowing where in its file it stands."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, is_named
from elman.data.files import suffix, written_aside
from elman.data.text import read_whole
from elman.errors import ElmanError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")  # of tables that are written
OBJECTS = (".jsonl", ".ndjson", ".json")  # of files with an object a line
TABLES = (".csv", ".tsv", *OBJECTS, ".parquet")  # of tables that are read
SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
SAMPLE = 200  # rows from which separator and header are guessed
NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "?", "-")  # in lower case, in a column of numbers


@dataclass(frozen=True)
class Table:
    """Rows of named columns, and where they come from.

    Args:
        name: of the file, for people.
        frame: the rows; what comes from a text file is text until ``numeric`` makes it numbers.
        lines: ``[N]``, the line of the file in which each row begins.
        index: ``[N]``, which of the file's rows each is, counted from 0; some may have been left out.
        size: rows of the file.
        bad: what is done about rows that cannot be used.
        separator: what stands between two columns, where that was found out.
    """

    name: str
    frame: pl.DataFrame
    lines: np.ndarray
    index: np.ndarray
    size: int
    bad: BadRows
    separator: str | None = None
    header: bool = True

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column; None where there is none."""
        return self.frame[self.known(column)].to_list()

    def known(self, column: str) -> str:
        """The same name of a column, if there is such a column."""
        if column not in self.columns:
            raise ElmanError(f"{self.name} has no column {column!r}; its columns are {', '.join(self.columns)}")
        return column

    def column(self, wish: str, *roles: str, among: Sequence[str] | None = None) -> str:
        """The column that the user names, or the one that is named as those of some roles usually are, or ""."""
        return self.known(wish) if wish else find(self.columns if among is None else among, *roles)

    def where(self, row: int) -> str:
        """The file and the line of a row; nothing for a line of a stream, whose reader knows which it is."""
        return f"{self.name}, line {self.lines[row]}" if self.name else ""

    def reject(self, wrong: Mapping[int, str]) -> "Table":
        """The table without some rows, which are bad.

        Args:
            wrong: what is wrong with each of them, by its place in this table.

        Raises:
            ElmanError: the first of them, unless bad rows are left out.
        """
        for row in sorted(wrong):
            self.bad.add(self.where(row), wrong[row])
        if not wrong:
            return self
        keep = np.ones(len(self), bool)
        keep[list(wrong)] = False
        return self.take(np.flatnonzero(keep))

    def take(self, rows: np.ndarray) -> "Table":
        """Some rows of the table, in a given order."""
        return replace(self, frame=self.frame[rows.tolist()], lines=self.lines[rows], index=self.index[rows])

    def spread(self) -> pl.DataFrame:
        """The rows at their places in the file; those left out are empty."""
        places = pl.DataFrame({"\0row": np.arange(self.size)})
        rows = self.frame.with_columns(pl.Series("\0row", self.index))
        return places.join(rows, on="\0row", how="left", maintain_order="left").drop("\0row")

    def text(self, *columns: str) -> "Table":
        """The table with these columns as text, null where there is no value; each cell by itself: 1.0 is 1."""
        frame = self.frame
        for column in columns:
            cells = frame[self.known(column)]
            if cells.dtype.is_nested():
                raise ElmanError(f"{self.name}{': ' if self.name else ''}{column} holds lists or objects, not texts")
            frame = frame.with_columns(as_text(cells))
        return replace(self, frame=frame)

    def numeric(self, *columns: str) -> "Table":
        """The table with these columns as numbers, null where there is no value; other text and infinity are bad."""
        table = self
        for column in columns:
            cells = table.frame[table.known(column)]
            numbers = as_numbers(cells)
            failed = has_value(cells) & ~numbers.is_finite().fill_null(False)
            wrong = {row: f"{column} is {cells[row]!r}, not a number" for row in failed.arg_true().to_list()}
            table = replace(table, frame=table.frame.with_columns(numbers.alias(column))).reject(wrong)
        return table


def read_table(
    source: Path | pl.DataFrame | Mapping[str, Any],
    bad: BadRows,
    *,
    separator: str | None = None,
    header: bool | None = None,
) -> Table:
    """A table from a file, a data frame of polars or pandas, or lists by name.

    Args:
        source: text with separators, JSON lines (``.jsonl``, ``.ndjson``, ``.json``) or Parquet; in UTF-8, with or
            without a byte order mark, lines ending as on any system, packed with gzip or not.
        bad: what is done about rows that cannot be used.
        separator: what stands between two columns; found out if not given.
        header: whether the first row has the names of the columns, which are ``1, 2, ...`` if it has not; found out if
            not given.

    Raises:
        ElmanError: no such file, no rows, a row with too many or too few columns, a quotation that does not end.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "few.csv"
        >>> _ = path.write_text("text,label\\nfine,good\\n\\"not, so\\",bad\\n")
        >>> table = read_table(path, BadRows())
        >>> table["text"], table.where(1).endswith("few.csv, line 3")
        (['fine', 'not, so'], True)
    """
    if not isinstance(source, str | Path):
        frame = source if isinstance(source, pl.DataFrame) else columns_of(source)
        return _whole(frame, "the table", bad, first=0)
    path = Path(source)
    kind = suffix(path)
    if kind == ".parquet":
        return _whole(_parquet(path), str(path), bad, first=0)
    text = read_whole(path)
    if kind in OBJECTS:
        return _json_lines(text, str(path), bad)
    if separator is not None and len(separator) != 1:
        raise ElmanError(f"a separator is one character such as , or ;, not {separator!r}")
    return _delimited(text, path, kind, bad, separator, header)


def _whole(frame: pl.DataFrame, name: str, bad: BadRows, first: int) -> Table:
    if not len(frame):
        raise ElmanError(f"{name} has no rows")
    index = np.arange(len(frame))
    return Table(name, frame, index + first, index, len(frame), bad)


def columns_of(columns: Mapping[str, Any]) -> pl.DataFrame:
    """A table from its columns by name, each a list or an array; NaN among other things than numbers is nothing.

    >>> columns_of({"a": [1, None], "b": [[1, 2], [3]]}).schema.names()
    ['a', 'b']
    """
    found = []
    each_once([str(name) for name in columns])
    for name, values in ((str(name), columns[name]) for name in columns):
        if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufM":
            column = pl.Series(name, values)
            found.append(column.fill_nan(None) if column.dtype.is_float() else column)
            continue
        cells = [_cell(v) for v in (values.tolist() if hasattr(values, "tolist") else values)]
        found.append(column_of(name, [None if isinstance(v, float) and v != v else v for v in cells]))
    if len({len(each) for each in found}) > 1:
        lengths = ", ".join(f"{each.name} {len(each):,}" for each in found)
        raise ElmanError(f"the columns of a table are of one length, not {lengths}")
    return pl.DataFrame(found)


def each_once(names: Sequence[str]) -> None:
    """Refuse names of columns, or of an index beside them, of which one stands twice.

    Raises:
        ElmanError: the name.
    """
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise ElmanError(f"the table has several columns (or an index) named {twice[0]!r}; give each its own name")


def _cell(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _parquet(path: Path) -> pl.DataFrame:
    if not path.exists():
        raise ElmanError(f"there is no file {path}")
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise ElmanError(f"{path} is no Parquet file, or was cut short: {error}") from error


def _json_lines(text: str, name: str, bad: BadRows) -> Table:
    rows, lines, index, size = [], [], [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = read_object(line)
        except ValueError as error:
            bad.add(f"{name}, line {number}", f"is no JSON object: {error}")
        else:
            rows.append(row)
            lines.append(number)
            index.append(size)
        size += 1
    if not rows:
        raise ElmanError(f"{name} has no rows")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    frame = pl.DataFrame({c: column_of(c, [row.get(c) for row in rows]) for c in columns})
    return Table(name, frame, np.array(lines), np.array(index), size, bad)


def read_object(line: str) -> dict[str, Any]:
    """An object of JSON from a line.

    Raises:
        ValueError: what is no JSON, no object, nested without end, or text that is no text.
    """
    try:
        row = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError('a line is one object, such as {"text": "..."}')
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("it has half of a pair of surrogates, which is no character") from error
    return row


def column_of(name: str, values: list[Any]) -> pl.Series:
    """A column of JSON values; where they are of several kinds, as text."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        kinds = {type(value) for value in values if value is not None}
        if kinds <= {int, float}:
            return pl.Series(name, values, dtype=pl.Float64, strict=False)
        return pl.Series(name, [v if v is None or isinstance(v, str) else _as_cell(v) for v in values])


def _as_cell(value: Any) -> str:
    """A value of JSON as text, as ``as_text`` has it in a column of its kind."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else json.dumps(value)


def _delimited(text: str, path: Path, kind: str, bad: BadRows, separator: str | None, header: bool | None) -> Table:
    separator = separator or guess_separator(text, kind)
    # between tabs a quotation mark is, as a rule, only that
    plain = separator == "\t" or '"' not in text
    lines, cells = _split(text, separator) if plain else _parse(text, str(path), separator, bad)
    lines, cells = _without_empty_lines(lines, cells)
    if not len(cells):
        raise ElmanError(f"{path} has no rows")
    first = cells[0].to_list()
    header = _has_header(cells[:SAMPLE].to_list(), kind) if header is None else header
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
        raise ElmanError(f"{path} has no rows but its header")
    cells = cells.gather(index).list.to_struct(fields=names).struct.unnest()
    frame = cells.with_columns(pl.all().replace("", None))
    return Table(str(path), frame, lines[index], index, len(lines), bad, separator, header)


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


def has_value(column: pl.Series) -> pl.Series:
    """Which cells of a column hold something, and not one of the usual words for nothing."""
    if column.dtype == pl.String:
        return ~column.str.strip_chars().str.to_lowercase().is_in(NO_VALUE).fill_null(True)
    if column.dtype.is_float():
        return column.is_not_null() & column.is_not_nan()
    return column.is_not_null()


def as_numbers(column: pl.Series) -> pl.Series:
    """A column as numbers, null where it holds none; a decimal comma is read too where no cell has a point."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        if not text.str.contains(".", literal=True).any() and text.str.contains(r"^[-+]?\d+,\d+$").any():
            text = text.str.replace(",", ".", literal=True)
        column = text
    if not (column.dtype == pl.String or column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    numbers = column.cast(pl.Float64, strict=False)
    return numbers.fill_nan(None)


def as_text(column: pl.Series) -> pl.Series:
    """A column as text, each cell by itself, so that a row alone reads as it does among others.

    Example:
        >>> as_text(pl.Series([1.0, 2.5, None])).to_list(), as_text(pl.Series([True])).to_list()
        (['1', '2.5', None], ['true'])
    """
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with((whole == column).fill_null(False), column.cast(pl.String))


def is_numeric(column: pl.Series) -> bool:
    """Whether a column is one of numbers, give or take a few cells that are wrong."""
    given = column.filter(has_value(column))
    return len(given) > 0 and as_numbers(given).is_not_null().sum() >= 0.95 * len(given)


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as what the file's name says: CSV, TSV, JSON lines or Parquet; lists in CSV are written as JSON.

    Raises:
        ElmanError: a name that ends otherwise.
    """
    check_suffix(path)
    with written_aside(path) as aside:
        if path.suffix == ".parquet":
            frame.write_parquet(aside)
        else:
            aside.write_text(table_text(frame, path.suffix), encoding="utf-8", newline="")


def table_text(frame: pl.DataFrame, suffix: str) -> str:
    """A table as the text of a file whose name ends so: CSV, TSV or JSON lines.

    >>> table_text(pl.DataFrame({"text": ["a, b"], "tags": [["x", "y"]]}), ".csv")
    'text,tags\\n"a, b","[""x"", ""y""]"\\n'
    """
    if suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False, default=str) for row in frame.iter_rows(named=True))
        return "".join(f"{line}\n" for line in lines)
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    flat = frame.with_columns(
        pl.Series(name, [None if v is None else json.dumps(v, ensure_ascii=False) for v in frame[name].to_list()])
        for name in nested
    )
    return flat.write_csv(separator="\t" if suffix == ".tsv" else ",")


def check_suffix(path: Path) -> None:
    """Refuse the name of a file that does not say how a table is to be written."""
    if path.suffix not in SUFFIXES:
        raise ElmanError(f"{path} is to be written; name it *{', *'.join(SUFFIXES[:-1])} or *{SUFFIXES[-1]}")
