"""Tables: rows of named columns, each row knowing where in its file it stands."""

import io
import json
import logging
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, listed
from elman.data.dialect import UNKNOWN, Dialect, Notation
from elman.data.files import written_aside
from elman.data.nested import are_objects, column_of_objects
from elman.data.numbers.cells import LARGEST, as_numbers, as_text, has_value, is_numeric, without
from elman.data.numbers.notation import PLAIN, Readings, decided, either, in_words, is_plain, readings
from elman.data.numbers.stand_ins import in_one_line, stand_ins
from elman.data.numbers.sums import told_sums
from elman.data.numbers.units import LIMIT
from elman.data.plain import without_infinite
from elman.errors import ElmanError, quoted

log = logging.getLogger(__name__)

FILE = "file"  # the column of the names of files
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")  # of tables that are written


@dataclass(frozen=True)
class Table:
    """Rows of named columns, and where they come from.

    Args:
        name: of the file, for people.
        frame: the rows; what comes from a text file is text until ``numeric`` makes it numbers.
        lines: ``[N]``, the line of the file in which each row begins, counted from 1; else its number among the rows.
        index: ``[N]``, which of the file's rows each is, counted from 0; some may have been left out.
        size: rows of the file.
        bad: what is done about rows that cannot be used.
        dialect: how the file is written, as it was found out.
        unit: what ``lines`` counts: ``line``, or ``row`` of what has no lines.
        notes: what is to be said of how the file was read.
        files: ``[N]``, the file of each row, where there are several.
    """

    name: str
    frame: pl.DataFrame
    lines: np.ndarray
    index: np.ndarray
    size: int
    bad: BadRows
    dialect: Dialect = UNKNOWN
    unit: str = "line"
    notes: tuple[str, ...] = ()
    files: np.ndarray | None = None
    _readings: dict[str, Readings] = field(default_factory=dict, init=False, repr=False, compare=False)  # by column

    def __post_init__(self) -> None:
        _check_names(self.frame.columns, self.name)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def columns(self) -> list[str]:
        return self.frame.columns

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column; None where there is none."""
        return self.frame[self.known(column)].to_list()

    def tell(self) -> None:
        """Say what is to be said of how the file was read."""
        for note in self.notes:
            log.info("%s: %s", self.name, note)

    def known(self, column: str) -> str:
        """The same name of a column, if there is such a column."""
        if column not in self.columns:
            raise ElmanError(f"{self.name} has no column {column!r}; its columns are {listed(self.columns)}")
        return column

    def column(self, wish: str, *roles: str, among: Sequence[str] | None = None) -> str:
        """The column that the user names, or the one that is named as those of some roles usually are, or ""."""
        return self.known(wish) if wish else find(self.columns if among is None else among, *roles)

    def where(self, row: int) -> str:
        """The file and the line of a row; nothing for a line of a stream, whose reader knows which it is."""
        name = self.name if self.files is None else self.files[row]
        return f"{name}, {self.place(row)}" if name else ""

    def place(self, row: int) -> str:
        """The line of a row, in its file, or its number."""
        return f"{self.unit} {self.lines[row]}"

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
        files = None if self.files is None else self.files[rows]
        return replace(
            self, frame=self.frame[rows.tolist()], lines=self.lines[rows], index=self.index[rows], files=files
        )

    def only(self, columns: Sequence[str]) -> "Table":
        """The table with some of its columns."""
        return replace(self, frame=self.frame.select(columns))

    def with_files(self) -> "Table":
        """The table with the names of its files in a column ``file``, unless it has such."""
        if FILE in self.columns:
            return self
        names = [self.name] * len(self) if self.files is None else self.files.tolist()
        column = pl.Series(FILE, [Path(name).name for name in names], dtype=pl.String)
        return replace(self, frame=self.frame.with_columns(column))

    def spread(self) -> pl.DataFrame:
        """The rows at their places in the file; those left out are empty."""
        own = "\0".join(["row", *self.columns])  # which is the name of no column
        places = pl.DataFrame({own: np.arange(self.size)})
        rows = self.frame.with_columns(pl.Series(own, self.index))
        return places.join(rows, on=own, how="left", maintain_order="left").drop(own)

    def text(self, *columns: str) -> "Table":
        """The table with these columns as text, null where there is no value; each cell by itself: 1.0 is 1."""
        frame = self.frame
        for column in columns:
            cells = frame[self.known(column)]
            if cells.dtype.is_nested() or cells.dtype == pl.Object:
                raise ElmanError(f"{self.name}{': ' if self.name else ''}{column} holds lists or objects, not texts")
            frame = frame.with_columns(as_text(cells))
        return replace(self, frame=frame)

    def numeric(self, *columns: str) -> "Table":
        """The table with these columns as numbers, null where there is no value; what is none or too large is bad."""
        made, wrong = [], {}
        for column in dict.fromkeys(columns):
            cells = self.frame[self.known(column)]
            numbers = as_numbers(cells, self.notation(column))
            if not (np.abs(numbers.to_numpy()) <= LARGEST).all():  # null is NaN there
                failed = has_value(cells) & ~(numbers.abs() <= LARGEST).fill_null(False)
                others = cells.filter(failed).unique(maintain_order=True).head(3).to_list()
                for row in failed.arg_true().to_list():
                    wrong.setdefault(row, self._no_number(column, cells[row], [] if self.bad.skip else others[1:]))
            made.append(without(numbers.alias(column), self.dialect.missing))  # -9,999 too, which was no -9999 as text
        # at once: a table of other columns is made in a time that grows with all of them
        return replace(self, frame=self.frame.with_columns(made)).reject(wrong)

    def _no_number(self, column: str, cell: Any, others: Sequence[Any]) -> str:
        known = self.notation(column)
        if isinstance(cell, str) and re.match(LIMIT, cell):
            cells = self.frame[column]
            limits = cells.filter(cells.str.contains(LIMIT)).str.strip_chars().unique(maintain_order=True)
            shown = ", ".join(map(quoted, limits[:3])) + (f" and {len(limits) - 3:,} more" if len(limits) > 3 else "")
            words = ",".join(limits[:3])
            mends = f"--missing {quoted(words)} takes such for no value" if "," not in limits[0] else "leave it empty"
            return f"{column} is {shown}, a limit and no number; {mends}"
        if known.unit and is_numeric(pl.Series([cell]), replace(known, unit="")):
            return f"{column} is {quoted(cell)}, and not in {known.unit} as the others are; write all alike"
        if (
            isinstance(cell, str)
            and known.percent is not None
            and is_numeric(pl.Series([cell]), replace(known, percent=not known.percent))
        ):
            usual = "percent as the others are" if known.percent else "what the others are, which are no percent"
            return f"{column} is {quoted(cell)}, and not {usual}; write all alike"
        number = as_numbers(pl.Series([cell]), (self.dialect.numbers or {}).get(column)).item()
        if number is not None and math.isfinite(number):
            return f"{column} is {number:g}, and numbers reach {LARGEST:g} at most: give them in a larger unit"
        if number is not None:
            return f"{column} is {quoted(cell)}, not a number that can be computed with"
        as_learnt = self.dialect.numbers is not None and is_numeric(pl.Series([cell]))
        said = f"{column} is {quoted(cell)}, not a number" + (" as those learnt from are written" if as_learnt else "")
        said += f", and others are {' and '.join(map(quoted, others))}" if others else ""
        again = isinstance(cell, str) and not re.search(r"[\d,]", cell) and (self.frame[column] == cell).sum() > 1
        return f"{said}; --missing {quote(cell)} takes such for no value" if again and not self.bad.skip else said

    def without_missing(self) -> "Table":
        """The table with nothing in the cells that say that there is no value."""
        if not self.dialect.missing:
            return self
        return replace(self, frame=self.frame.with_columns(without(each, self.dialect.missing) for each in self.frame))

    def is_numeric(self, column: str) -> bool:
        """Whether a column is one of numbers, give or take a few cells that are wrong."""
        cells = self.frame[self.known(column)]
        if cells.dtype != pl.String or self.dialect.numbers is not None:
            return is_numeric(cells, (self.dialect.numbers or {}).get(column, PLAIN))
        return self._read(column).numeric

    def notation(self, column: str) -> Notation:
        """How the numbers of a column are written: as is known of the table, or else as its cells tell.

        Raises:
            ElmanError: a mark in it could stand before decimals as well as between thousands, and nothing tells.
        """
        cells = self.frame[column]
        if self.dialect.numbers is not None:
            known = self.dialect.numbers.get(column, PLAIN)
            return known if known.percent is not None else replace(known, percent=False)
        if cells.dtype != pl.String or not self._read(column).numeric:
            return PLAIN
        own = self._read(column)
        if len(own.notations) == 1:
            return own.notations[0]
        notation = decided(own, self._told, self.dialect)
        if notation is None:
            row = (cells.str.strip_chars() == own.cell).arg_true()[0]
            raise ElmanError(f"{self.where(row)}: {column} is {either(own)}")
        return notation

    @cached_property
    def _told(self) -> set[str]:
        """What the columns tell of what stands before decimals."""
        texts = (name for name, kind in self.frame.schema.items() if kind == pl.String)
        return {own.decimal for own in map(self._read, texts) if own.decimal}

    def written(self, *columns: str) -> Dialect:
        """How the table is written, these columns as numbers; what is found out is logged where it is not plain.

        A number that stands far from all others, as one for no value does, and a column that is the sum of others are
        warned of.

        Raises:
            ElmanError: as ``notation``.
        """
        if self.dialect.numbers is not None:
            return self.dialect
        numbers = {column: self.notation(column) for column in columns}
        self._announce(numbers)
        read = {column: as_numbers(self.frame[column], each).to_numpy() for column, each in numbers.items()}
        found = [(column, each) for column, cells in read.items() for each in stand_ins(cells)]
        for line in in_one_line(found):
            log.warning("%s", line)
        for line in told_sums(columns, np.column_stack([read[c] for c in columns])) if len(columns) > 2 else ():
            log.warning("%s", line)
        return replace(self.dialect, numbers=numbers)

    def _announce(self, numbers: Mapping[str, Notation]) -> None:
        said: dict[str, list[str]] = {}
        for column, notation in numbers.items():
            own = self._readings.get(column, Readings())
            for word in in_words(own, notation):
                said.setdefault(word, []).append(column)
        if said:
            parts = (f"{word} in {_listed(names)}" for word, names in said.items())
            log.info("%s: numbers: %s", self.name, "; ".join(parts))
        read = self._readings
        unsure = [c for c, n in numbers.items() if is_plain(n) and c in read and self._is_open(read[c])]
        if unsure:
            cell = read[unsure[0]].cell
            log.info("numbers: the point in %s is taken for a decimal one (%s); --thousands . says that it is not",
                     _listed(unsure), cell)  # fmt: skip

    def _is_open(self, own: Readings) -> bool:
        """Whether nothing but custom tells that a point is for decimals."""
        return len(own.notations) > 1 and not any(each.decimal for each in self._readings.values())

    def _read(self, column: str) -> Readings:
        if column not in self._readings:
            cells = self.frame[column]
            self._readings[column] = readings(cells.filter(has_value(cells)), self.dialect)
        return self._readings[column]


def held(frame: pl.DataFrame, name: str, bad: BadRows, dialect: Dialect) -> Table:
    """A table of all rows of a frame, which are counted from 1.

    Raises:
        ElmanError: there is none.
    """
    if not len(frame):
        raise ElmanError(f"{name} has no rows")
    _check_names(frame.columns, name)
    index = np.arange(len(frame))
    frame = frame.with_columns(usual(frame[column]) for column in frame.columns)
    return Table(name, frame, index + 1, index, len(frame), bad, replace(dialect, separator="", header=None), "row")


def _check_names(columns: Sequence[str], table: str) -> None:
    """Refuse names that polars takes for patterns of names."""
    for name in columns:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise ElmanError(f"{table or 'a row'} names a column {quoted(name)}, which stands for others: rename it")


def usual(column: pl.Series) -> pl.Series:
    """A column of one of the types that are read: durations are seconds, and dates that Python does not have are text.

    So are bytes and objects; arrays are lists.

    >>> from datetime import timedelta
    >>> usual(pl.Series([timedelta(minutes=1)])).to_list(), usual(pl.Series(["a"], dtype=pl.Categorical)).dtype
    ([60.0], String)
    """
    kind = column.dtype
    if kind == pl.Binary:  # of what is no UTF-8 the rest stays
        cells = [None if cell is None else cell.decode(errors="replace") for cell in column]
        return pl.Series(column.name, cells, dtype=pl.String)
    if kind == pl.Object:
        return pl.Series(column.name, [None if cell is None else str(cell) for cell in column], dtype=pl.String)
    if isinstance(kind, pl.Array):
        return column.cast(pl.List(kind.inner))
    if kind == pl.Duration:
        return column.dt.total_microseconds() / 1e6
    if kind.is_decimal():
        return column.cast(pl.Float64)
    if kind in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if kind in (pl.Date, pl.Datetime):
        years = column.dt.year()
        return column if years.is_between(1, 9999).fill_null(True).all() else column.cast(pl.String)
    return column


def joined(tables: Sequence[Table], name: str) -> Table:
    """The rows of several tables with the same columns, one below the other.

    Raises:
        ElmanError: a table with other columns than the first one.
    """
    first = tables[0]
    for each in tables:
        if set(each.columns) != set(first.columns):
            raise ElmanError(
                f"{each.name} has the columns {listed(each.columns, 5)}, and {first.name} has "
                f"{listed(first.columns, 5)}; files that are read together have the same"
            )
    starts = np.cumsum([0, *(each.size for each in tables)])
    return Table(
        name,
        pl.concat([each.frame.select(first.columns) for each in tables], how="vertical_relaxed"),
        np.concatenate([each.lines for each in tables]),
        np.concatenate([each.index + start for each, start in zip(tables, starts, strict=False)]),
        int(starts[-1]),
        first.bad,
        first.dialect,
        first.unit,
        tuple(dict.fromkeys(note for each in tables for note in each.notes)),
        np.repeat([each.name for each in tables], [len(each) for each in tables]),
    )


def columns_of(columns: Mapping[str, Any]) -> pl.DataFrame:
    """A table from its columns by name, each a list or an array; NaN among other things than numbers is nothing.

    >>> columns_of({"a": [1, None], "b": [[1, 2], [3]]}).schema.names()
    ['a', 'b']
    """
    found = []
    each_once([str(name) for name in columns])
    for name, values in ((str(name), columns[name]) for name in columns):
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise ElmanError(f"the column {name!r} is a list or an array, not {quoted(values)}")
        if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufM":
            column = pl.Series(name, values)
            found.append(column.fill_nan(None) if column.dtype.is_float() else column)
            continue
        given: Any = values
        cells = [_cell(v) for v in (given.tolist() if hasattr(given, "tolist") else given)]
        found.append(column_of(name, [None if isinstance(v, float) and v != v else v for v in cells]))
    if len({len(each) for each in found}) > 1:
        lengths = ", ".join(f"{each.name} {len(each):,}" for each in found)
        raise ElmanError(f"the columns of a table are of one length, not {lengths}")
    return pl.DataFrame(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} columns"


def each_once(names: Sequence[str]) -> None:
    """Refuse names of columns, or of an index beside them, of which one stands twice.

    Raises:
        ElmanError: the name.
    """
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise ElmanError(f"the table has several columns (or an index) named {twice[0]!r}; give each its own name")


def _cell(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def column_of(name: str, values: list[Any]) -> pl.Series:
    """A column of values of JSON or arrays; where they are of several kinds, as text."""
    if any(isinstance(value, np.ndarray) and (value.ndim != 1 or value.dtype.kind not in "biuf") for value in values):
        values = [_cell(value) for value in values]
    try:
        if are_objects(values):  # of which polars drops what the first one has not
            return column_of_objects(name, values, column_of)
        return pl.Series(name, values, strict=True)
    except UnicodeEncodeError as error:
        said = f"{quoted(error.object)} has half of a pair of surrogates, which is no character"
        raise ElmanError(f"{name or 'a text'}: {said}") from error
    except (AttributeError, OverflowError, TypeError, pl.exceptions.PolarsError):  # the first of an array beside others
        values = [_cell(value) for value in values]
        kinds = {type(value) for value in values if value is not None}
        if kinds <= {int, float} and not any(isinstance(v, int) and abs(v) > sys.float_info.max for v in values):
            return pl.Series(name, values, dtype=pl.Float64, strict=False)
        if kinds == {list} and (depth := _depth(values)):
            numbers = pl.List(pl.Float64)
            return pl.Series(name, values, dtype=numbers if depth == 1 else pl.List(numbers), strict=False)
        return pl.Series(name, [v if v is None or isinstance(v, str) else _as_cell(v) for v in values])


def _depth(values: list[Any]) -> int:
    """How many lists, one or two, are around each number of some values; 0 where that differs, or not all are numbers.

    >>> _depth([[1, 2.5], [], None]), _depth([[[1], []], [[2.5, None]]]), _depth([[0, []]]), _depth([[1, "a"]])
    (1, 2, 0, 0)
    """
    within = [each for value in values if value is not None for each in value if each is not None]
    lists = [each for each in within if isinstance(each, list)]
    numbers = [number for each in lists for number in each if number is not None] if lists else within
    plain = all(type(each) in (int, float) and abs(each) <= sys.float_info.max for each in numbers)
    return (2 if lists else 1) if plain and len(lists) in (0, len(within)) else 0


def _as_cell(value: Any) -> str:
    """A value of JSON as text, as ``as_text`` has it in a column of its kind."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else json.dumps(value, default=str)


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as what the file's name says: CSV, TSV, JSON lines or Parquet; lists in CSV are written as JSON.

    Raises:
        ElmanError: a name that ends otherwise.
    """
    check_suffix(path)
    with written_aside(path) as aside:
        if path.suffix == ".parquet":
            buffer = io.BytesIO()  # on a full disk polars has an error of its own
            frame.write_parquet(buffer)
            aside.write_bytes(buffer.getbuffer())
        else:
            aside.write_text(table_text(frame, path.suffix), encoding="utf-8", newline="")


def table_text(frame: pl.DataFrame, suffix: str) -> str:
    """A table as the text of a file whose name ends so: CSV, TSV or JSON lines.

    >>> table_text(pl.DataFrame({"text": ["a, b"], "tags": [["x", "y"]]}), ".csv")
    'text,tags\\n"a, b","[""x"", ""y""]"\\n'
    """
    if suffix == ".jsonl":
        lines = (
            json.dumps(without_infinite(row), ensure_ascii=False, allow_nan=False, default=str)
            for row in frame.iter_rows(named=True)
        )
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
