"""Pairs of sequences: two columns of a table or two parallel files, and batches of them."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import is_identity, is_named, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.files import alternatives
from elman.data.formats import check_task
from elman.data.reading import read_table
from elman.data.rows import Known, read_again
from elman.data.separators import SEPARATORS
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.data.times.column import is_time
from elman.data.tongues import tongue
from elman.errors import ElmanError, counted

log = logging.getLogger(__name__)

FEW = 0.2  # of the rows of a table, as a share, have different values at most where those are few
WORDS = 2  # that a text has at least, on the average, where it has few different values
ROLES = ("source", "target")


@dataclass(frozen=True)
class Layout(Lain):
    """How pairs lie: kept with the model, so that other files are read as the first one was.

    Args:
        kind: ``"lines"`` of two parallel files, or ``"table"``.
        source: the column of what is read.
        target: the column of what is written.
        dialect: how it is written.
        columns: all of a table.
    """

    kind: Literal["lines", "table"]
    source: str = "source"
    target: str = "target"
    dialect: Dialect = UNKNOWN
    columns: tuple[str, ...] = ()

    @property
    def known(self) -> Known:
        """What is known of tables of which the source is to be answered."""
        columns = self.columns or (self.source, self.target)
        return Known(columns, [self.source], [self.target], dialect=self.dialect, free=True)


def find_layout(data: Any, wished: Layout) -> Layout:
    """How pairs lie.

    Args:
        data: a table as a file or a data frame, ``train.{en,de}`` for two parallel files, or a list of pairs.
        wished: what the user says; what is empty is found out.

    Raises:
        ElmanError: data in which there are not two columns.
    """
    if isinstance(data, list | tuple):
        return Layout("table")
    if isinstance(data, Path) and len(alternatives(data)) > 1:
        log.info("pairs: line by line, %s", " -> ".join(map(str, alternatives(data))))
        return Layout("lines", dialect=Dialect(encoding=wished.dialect.encoding))
    check_task(data, "translate", wished.dialect.encoding)
    table = read_table(data, BadRows(skip=True), wished.dialect)
    headed = (
        wished.dialect.header is None
        and table.dialect.header is False
        and _are_names(_first(data, wished.dialect.encoding), table.dialect.separator)
    )
    if headed:
        table = read_table(data, BadRows(skip=True), replace(wished.dialect, header=True))
    texts = [column for column in table.columns if not table.is_numeric(column) and not _is_constant(table, column)]
    varied = [column for column in texts if not _is_remark(table, column)]
    texts = texts if len(texts) > 1 else table.columns
    varied = varied if len(varied) > 1 else texts
    source = table.column(wished.source, "source", among=varied)
    target = table.column(wished.target, "target", among=[column for column in texts if column != source])
    source = source or next((column for column in varied if column != target), "")
    target = target or next((column for column in (*varied, *texts) if column != source), "")
    if not source or not target or source == target:
        raise ElmanError(
            f"{table.name} has no two columns to make pairs of; give a table with two, with tabs between them, or two "
            "parallel files in one name, such as --data 'train.{en,de}'"
        )
    separator = table.dialect.separator
    between = f", with {SEPARATORS.get(separator, separator)} between columns" if separator else ""
    table.tell()
    if headed:
        log.info("%s: the first line has the names of the columns: %s", table.name, listed(table.columns))
    log.info("pairs: column %s -> column %s%s", source, target, between)
    if left := [column for column in table.columns if column not in (source, target)]:
        log.info("columns that are not used: %s", listed(left))
    return Layout("table", source, target, table.dialect, tuple(table.columns))


def _is_constant(table: Table, column: str) -> bool:
    return table.frame[column].drop_nulls().n_unique() <= 1


def _is_remark(table: Table, column: str) -> bool:
    """Whether a column says something about the pairs of rows: few different words, such as languages, ids, or times.

    What has such and is named as an answer is one; there are questions that are answered with yes or no.
    """
    cells = table.frame[column].drop_nulls()
    if cells.dtype != pl.String or is_identity(column) or is_time(cells):
        return True
    words = float(cells.str.count_matches(r"\S+").mean() or 0)  # pyright: ignore[reportArgumentType]
    return cells.n_unique() <= max(2, FEW * len(cells)) and words < WORDS


def read_pairs(data: Any, layout: Layout, bad: BadRows) -> tuple[Table, Layout]:
    """Pairs of which neither side is empty, and the layout that names their columns.

    Raises:
        ElmanError: parallel files of unequal length, or a table without such columns.
    """
    if isinstance(data, list | tuple):
        table, layout = _in_memory([tuple(pair) for pair in data], bad), Layout("table")
    elif isinstance(data, Path) and len(alternatives(data)) > 1:
        table, layout = _parallel(data, layout.dialect.encoding, bad), Layout("lines", dialect=layout.dialect)
    else:
        layout = layout if layout.kind == "table" else find_layout(data, Layout("table", "", ""))
        table = read_again(data, layout.known, bad)
    table = table.text(layout.source, layout.target)
    empty = {}
    for column in (layout.target, layout.source):
        missing = table.frame[column].fill_null("").str.strip_chars() == ""
        empty |= dict.fromkeys(missing.arg_true().to_list(), f"{column} is empty")
    return table.reject(empty), layout


def _in_memory(pairs: Sequence[tuple[Any, ...]], bad: BadRows) -> Table:
    if wrong := next((pair for pair in pairs if len(pair) != 2), None):
        raise ElmanError(f"a pair is a source and a target, not {wrong!r}")
    frame = pl.DataFrame(list(pairs), schema={"source": pl.String, "target": pl.String}, orient="row")
    return read_table(frame, bad)


def _parallel(path: Path, encoding: str, bad: BadRows) -> Table:
    files = alternatives(path)
    if len(files) != 2:
        raise ElmanError(f"{path} names {len(files)} files; pairs are lines of two")
    source, target = (_lines(file, encoding) for file in files)
    if len(source) != len(target):
        raise ElmanError(
            f"{files[0]} has {counted(len(source), 'lines')} and {files[1]} has {len(target):,}; "
            "line n of the one belongs to line n of the other"
        )
    frame = pl.DataFrame({"source": source, "target": target})
    index = np.arange(len(frame))
    bad.read(len(frame))
    return Table(str(path), frame, index + 1, index, len(frame), bad)


def _lines(path: Path, encoding: str) -> list[str]:
    return read_whole(path, encoding).removesuffix("\n").split("\n")


def _first(data: Any, encoding: str) -> str:
    """The first line of a text file."""
    return read_whole(data, encoding).partition("\n")[0] if isinstance(data, Path) else ""


def _are_names(line: str, separator: str | None) -> bool:
    """Whether a line has a name for each column: a usual one for source or target, a language, or what is no text.

    Two names of one language, or for one thing, are a word and its translation.

    >>> [_are_names(line, "\t") for line in ("Deutsch\tSpanisch", "texte\trésumé", "English\tEnglisch", "Tag\tdía")]
    [True, True, False, False]
    """
    cells = [cell.strip(' "') for cell in line.split(separator or "\t")]
    if len(cells) < 2 or len(set(cells)) < len(cells):
        return False
    tongues = [tongue(cell) for cell in cells[:2]]
    if all(tongues):
        return tongues[0] != tongues[1]
    one, other = ({role for role in ROLES if tongue(cell) or is_named(cell, role)} for cell in cells[:2])
    return bool(one) and bool(other) and len(one | other) > 1


@dataclass(frozen=True, eq=False)
class PairBatches:
    """Which pairs make the batch of a step: similar in length, and of about as many tokens as ``rows`` usual pairs.

    The batches of an epoch depend on seed and epoch alone; each epoch has as many.

    Args:
        lengths: ``[N, 2]``, tokens of source and target.
        rows: pairs of usual length in a batch.
        seed: the same seed, the same batches.

    Example:
        >>> batches = PairBatches(np.array([[1, 1], [9, 9], [1, 1], [1, 1]]), rows=2)
        >>> len(batches), sorted(len(batches[step]) for step in range(2))
        (2, [1, 3])
    """

    lengths: np.ndarray
    rows: int
    seed: int = 1

    def __len__(self) -> int:
        return len(_cuts(self)) + 1

    def __getitem__(self, step: int) -> np.ndarray:
        """The pairs of the batch of a step, which may be of any epoch."""
        epoch, place = divmod(step, len(self))
        return _epoch(self, epoch)[place]

    def in_order(self) -> list[np.ndarray]:
        """All pairs once, the short ones first; for judging."""
        return np.split(_by_length(self, np.arange(len(self.lengths))), _cuts(self))


def _by_length(batches: PairBatches, rows: np.ndarray) -> np.ndarray:
    source, target = batches.lengths[rows].T
    return rows[np.lexsort((target, source))]


@lru_cache(maxsize=8)
def _cuts(batches: PairBatches) -> np.ndarray:
    """Where sorted pairs are cut; the same for every order of pairs of one length."""
    lengths = batches.lengths[_by_length(batches, np.arange(len(batches.lengths)))] + 1
    return np.array(list(_full(lengths, batches.rows * lengths.sum(1).mean())), int)


def _full(lengths: np.ndarray, budget: float) -> Iterator[int]:
    start, longest = 0, np.zeros(2)
    for row, each in enumerate(lengths):
        longest = np.maximum(longest, each)
        if row > start and (row + 1 - start) * longest.sum() > budget:
            yield row
            start, longest = row, each


@lru_cache(maxsize=4)
def _epoch(batches: PairBatches, epoch: int) -> list[np.ndarray]:
    random = np.random.default_rng([batches.seed, epoch])
    cut = np.split(_by_length(batches, random.permutation(len(batches.lengths))), _cuts(batches))
    return [cut[place] for place in random.permutation(len(cut))]


def is_spaced(texts: Sequence[str]) -> bool:
    """Whether a script has spaces between words: not so Chinese, Japanese or Thai."""
    unspaced = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
    signs = "".join(texts[:1000])
    return len(unspaced.findall(signs)) < 0.3 * max(1, len(signs))
