"""Rows to be answered: a row is read in one way, whether it stands in a file, in memory, or is a line of a stream."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, listed
from elman.data.dialect import UNKNOWN, Dialect
from elman.data.encodings import tell_doubt
from elman.data.files import suffix
from elman.data.formats import delimited
from elman.data.formats.objects import read_object
from elman.data.headers import has_header
from elman.data.hollow import NOTHING, have_empty_answers
from elman.data.memory import opened
from elman.data.packed import is_there
from elman.data.reading import format_of, read_table
from elman.data.separators import SIZE, UNQUOTED, allow_cells_of, separator_again
from elman.data.tables import Table, column_of
from elman.data.text import beginning, read_whole
from elman.errors import ElmanError, quoted

RowT = TypeVar("RowT")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
MOST = 1000  # rows that tell whether a name stands above them
FEW, SHOWN = 5, 3  # names of columns that a message has all of, and that it has of more


@dataclass(frozen=True)
class Line:
    """A line of a stream: a row of a table like the one that was learnt from."""

    text: str


@dataclass(frozen=True)
class Parts:
    """Inputs that have several rows each, as a sentence with a word a row; each row gets its part of the answer.

    Args:
        rows: of each input, which of all rows are its own, counted from 0.
        answer: the answer that is a list with a value for each of them; other answers are of whole inputs.
    """

    rows: Sequence[np.ndarray]
    answer: str


@dataclass(frozen=True)
class Asked(Generic[RowT]):
    """Rows to be answered, and where each belongs.

    Args:
        inputs: those that can be used.
        index: ``[N]``, which of all rows, or of all inputs where these have several rows, each is, counted from 0.
        size: of all these.
        frame: what stands beside the answers, for people, row by row.
        parts: where the inputs have several rows each.
    """

    inputs: Sequence[RowT]
    index: np.ndarray
    size: int
    frame: pl.DataFrame
    parts: Parts | None = None

    def beside(self, answers: pl.DataFrame) -> pl.DataFrame:
        """The rows with their answers; those that cannot be used have none.

        Example:
            >>> asked = Asked(["a"], np.array([1]), 2, pl.DataFrame({"text": [None, "a"]}))
            >>> asked.beside(pl.DataFrame({"predicted": ["yes"]})).rows()
            [(None, None), ('a', 'yes')]
        """
        index = self.index
        if self.parts is not None:
            answers = answers.select(pl.col(self.parts.answer).explode())
            index = np.concatenate([*self.parts.rows, np.zeros(0, int)])
        places = np.full(len(self.frame), len(answers))
        places[index] = np.arange(len(answers))
        placed = pl.concat([answers, answers.clear(1)])[places.tolist()]
        return pl.concat([self.frame.drop(answers.columns, strict=False), placed], how="horizontal")


@dataclass(frozen=True)
class Known:
    """What is known of a table from the one that was learnt from.

    Args:
        columns: all that it had, in order.
        needed: those without which no row is answered.
        answers: those that are to be answered, which may be missing.
        useful: others that are read where they are.
        dialect: how it was written.
        free: whether a line of a stream may be a bare text.
        is_answer: whether a cell may be an answer, where that tells a row with its answer from a bare text.
    """

    columns: Sequence[str]
    needed: Sequence[str]
    answers: Sequence[str] = ()
    useful: Sequence[str] = ()
    _: KW_ONLY
    dialect: Dialect = UNKNOWN
    free: bool = False
    is_answer: Callable[[str], bool] | None = None

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether a first row is one of a table like this: by its names, or where there were none, by its width."""
        if self.dialect.header is False:
            return (len(cells) > 1 or self.free) and any(len(order) == len(cells) for order in self.orders())
        return not {*self.columns, *self.needed}.isdisjoint(cells)

    def orders(self) -> list[list[str]]:
        """The columns that a row without names may have: all, all but the answers, what is useful, what is needed."""
        columns = [*self.columns, *(name for name in self.needed if name not in self.columns)]
        asked = [name for name in columns if name not in self.answers]
        useful = [name for name in columns if name in (*self.useful, *self.needed)]
        return [columns, asked, useful, [name for name in columns if name in self.needed]]


def read_again(source: Path | Line | pl.DataFrame | Mapping[str, Any], known: Known, bad: BadRows) -> Table:
    """The rows of a table that lies as the one that was learnt from, with or without what is to be answered.

    Args:
        source: a file or a table in memory, as ``read_table`` takes it, or a line of a stream.
        known: how the one lay that was learnt from.
        bad: what is done about rows that cannot be used.

    Raises:
        ElmanError: as ``read_table``, or a line with another number of cells.
    """
    if isinstance(source, Line):
        return _read_line(source.text, known, bad)
    if isinstance(source, Path):
        tell_doubt(source, known.dialect.encoding)
    held: Any = source if hasattr(source, "columns") else opened(source)
    table = read_table(held, bad, replace(known.dialect, missing=()), known.fits)
    if bad.answers and table.dialect.separator:
        table = _without_hollow(table)
    table = replace(table, dialect=replace(table.dialect, missing=known.dialect.missing)).without_missing()
    bad.remark(table.name, table.notes)
    if table.dialect.header is False and (names := _fitting(known, len(table.columns))):
        frame = table.frame.rename(dict(zip(table.columns, names, strict=True)))
        return replace(table, frame=frame)
    return table


def _without_hollow(table: Table) -> Table:
    """The table without rows in which nothing stands, whose answers are empty; an empty line of one column is a text.

    Training leaves them out with a line as well, so that they end no run.
    """
    if table.frame.width < 2:
        return table
    empty = table.frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    hollow, filled = np.flatnonzero(empty.to_numpy()), np.flatnonzero(~empty.to_numpy())
    if not len(hollow):
        return table
    if not len(filled):
        raise ElmanError(f"{table.name}: no row has anything in it")
    place = table.place if table.files is None else table.where
    have_empty_answers(table.bad, table.name, [place(row) for row in hollow.tolist()])
    return table.take(filled)


def _read_line(line: str, known: Known, bad: BadRows) -> Table:
    """A JSON object, the cells of a row, or the bare value of the only column that is needed."""
    row = _as_object(line, known)
    dialect = known.dialect if row is None else replace(known.dialect, separator="", header=None)
    between = known.dialect.separator
    if between and len(known.columns) > 1 and (known.free or between in line) and not line.strip(f"{between} \t"):
        raise ElmanError(f"the line has {NOTHING}")
    if row is None:
        _check_no_header(line, known)
    if row is None and (not known.free or known.dialect.separator):
        row = _as_cells(line, known)
        if row is not None and known.free:
            bad.remark("the stream", [f"a line with the cells {listed(list(row))} is a row, others are bare texts"])
    if row is None and len(known.needed) == 1:
        row = {known.needed[0]: line if known.free else line or None}
    if row is None:
        shown = (listed(order, SHOWN if len(order) > FEW else FEW) for order in reversed(known.orders()))
        orders = " or ".join(dict.fromkeys(shown))
        raise ElmanError(f"a line has the cells {orders}, or is an object of JSON with these names, not {line[:80]!r}")
    frame = pl.DataFrame([column_of(name, [value]) for name, value in row.items()])
    # an object of another name has the one text that there is
    missing = [n for n in known.needed if n not in row] if set(row) & {*known.columns, *known.needed} else []
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    return Table("", frame, np.ones(1, int), np.zeros(1, int), 1, bad, dialect).without_missing()


def _check_no_header(line: str, known: Known) -> None:
    """Refuse the names of the columns, with which a file of rows begins and no stream."""
    names = {cell.strip().strip('"') for cell in line.split(known.dialect.separator or ",")}
    if len(known.columns) > 1 and len(names) > 1 and {*known.needed} <= names <= {*known.columns, *known.answers}:
        raise ElmanError("the line has the names of columns, which a stream has not; predict such a file with --data")


def _as_object(line: str, known: Known) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        row = read_object(line)
    except json.JSONDecodeError:
        return None  # a bare text may begin like this
    except ValueError as error:
        raise ElmanError(f"the object of JSON cannot be read: {error}") from error
    named = any(name in row for name in [*known.columns, *known.needed])
    return row if named or (known.free and len(row) == 1) else None


def _as_cells(line: str, known: Known) -> dict[str, Any] | None:
    separator = known.dialect.separator or ","
    allow_cells_of(len(line))
    quoted = separator not in UNQUOTED
    try:
        plain = line.replace("\r", " ")  # which would end a row of CSV
        cells = next(csv.reader([plain], delimiter=separator), []) if quoted else line.split(separator)
    except csv.Error as error:
        raise ElmanError(f"the line cannot be parted into cells: {error}") from error
    if len(cells) < 2 or (known.free and _is_spoken(line, separator)):
        return None
    names = _fitting(known, len(cells))
    cells = [delimited.KEPT_TEXT.sub(r"\1", cell) for cell in cells]
    row = {name: cell or None for name, cell in zip(names, cells, strict=True)} if names else None
    if row is None and known.free and (separator == "\t" or _has_quoted_cell(line, separator)):
        widths = sorted({len(order) for order in known.orders()} - {1})
        raise ElmanError(
            f"the line has {len(cells)} cells, and rows have {' or '.join(map(str, widths))}; a bare text with such "
            f"marks is given as JSON, {json.dumps({known.needed[0]: '...'}, ensure_ascii=False)}"
        )
    if row is not None and known.free and known.is_answer is not None:
        answers = [cell for name in known.answers if (cell := row.get(name)) is not None]
        if separator != "\t" and not all(map(known.is_answer, answers)):
            return None
    return row


def _is_spoken(line: str, separator: str) -> bool:
    """Whether a mark that may part cells has a blank behind it, as in a text, outside of quotation marks."""
    return separator != "\t" and re.search(re.escape(separator) + r"\s", QUOTED.sub('""', line)) is not None


def _has_quoted_cell(line: str, separator: str) -> bool:
    return separator not in UNQUOTED and '""' in QUOTED.sub('""', line).split(separator)


def _fitting(known: Known, width: int) -> list[str] | None:
    return next((order for order in known.orders() if len(order) == width), None)


def read_texts(
    source: Any, column: str, known: Known, bad: BadRows, *, usual: str, role: str = ""
) -> tuple[Table, str]:
    """Texts to be answered, a row each, and the name of their column.

    Args:
        source: a table as ``read_again`` takes it, in which a single column has the texts whatever its name; a text
            file that is no table, or a list, with a text a line or an element; a line of a stream.
        column: where the texts stood in the table that was learnt from.
        known: how that one lay.
        bad: what is done about rows that cannot be used.
        usual: the name of the column where texts are all there is.
        role: by which the column is found, where it was no table that was learnt from.

    Raises:
        ElmanError: a table without such a column, or what is no text.
    """
    if not isinstance(source, Path | Line | pl.DataFrame | Mapping):
        source = opened(source)  # an array of texts is a list of them
    if isinstance(source, list | tuple):
        wrong = [each for each in source if isinstance(each, list | tuple | dict | np.ndarray)]
        if wrong:
            raise ElmanError(f"a list to predict has texts, not {quoted(wrong[0])}")
        texts = _of_texts("the list", column_of(usual, list(source)), bad, known.dialect, unit="row")
        return with_texts(texts, usual), usual
    if isinstance(source, Path) and not _is_table(source, known):
        tell_doubt(source, known.dialect.encoding)
        text = read_whole(source, known.dialect.encoding).removesuffix("\n")
        filled = text.rstrip("\n") or text
        hollow = len(text) - len(filled)
        lines = filled.split("\n")
        headed = bool(known.dialect.header) and lines[0].strip() == column
        texts = pl.Series(usual, lines[headed:], dtype=pl.String)
        bad.remark(str(source), [f"empty lines at the end are left out: {hollow:,}"] if hollow else [])
        return _of_texts(str(source), texts, bad, known.dialect, first=1 + headed), usual
    table = read_again(source, known, bad)
    if column not in table.columns:
        alone = len(table.columns) == 1 and table.columns[0] not in known.answers
        if alone and table.dialect.separator and table.dialect.header and not _is_headed(table):
            said = f"the first line, {quoted(table.columns[0])}, is a text like the others; {column} would be its name"
            bad.remark(table.name, [said])
            table = read_again(source, replace(known, dialect=replace(known.dialect, header=False)), bad)
        column = table.columns[0] if alone else (role and find(table.columns, role)) or column
    return with_texts(table, column), column


def _is_headed(table: Table) -> bool:
    """Whether what stands above the only column of a file is a name, as such or by what stands below."""
    (name,) = table.columns
    below = table.frame[name].drop_nulls().head(MOST).to_list()
    return has_header([[name], *([cell] for cell in below)], "")


def with_texts(table: Table, column: str) -> Table:
    """The table with a column as text; a row that has nothing there is bad, where an empty text is told from nothing.

    Raises:
        ElmanError: the first such row, unless bad rows are left out.
    """
    table = table.text(column)
    if table.dialect.separator:  # an empty cell between separators is an empty text
        return table
    return table.reject(dict.fromkeys(table.frame[column].is_null().arg_true().to_list(), f"has no text in {column}"))


def _of_texts(name: str, texts: pl.Series, bad: BadRows, dialect: Dialect, first: int = 1, unit: str = "line") -> Table:
    index = np.arange(len(texts))
    said = Dialect(missing=dialect.missing)  # it has no columns
    return Table(name, texts.to_frame(), index + first, index, len(texts), bad, said, unit).without_missing()


def _is_table(path: Path, known: Known) -> bool:
    """Whether a file has columns: by its format, or by the separator or the names of the one learnt from."""
    if suffix(path) in delimited.NAMES or path.is_dir() or not is_there(path):
        return True
    if (found := format_of(path, known.dialect.encoding)) is not delimited.FORMAT:
        return found.read is not None
    usual = known.dialect.separator
    if not usual:
        return False
    text = beginning(path, SIZE, known.dialect.encoding)
    return (
        usual in text.partition("\n")[0]
        or separator_again(text, usual, known.fits, named=known.dialect.header is not False) != usual
    )
