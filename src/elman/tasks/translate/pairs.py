"""Pairs of sequences: two columns of a table or two parallel files, and batches of them."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.files import alternatives
from elman.data.tables import SEPARATORS, Table, is_numeric, named, read_table
from elman.data.text import read_whole
from elman.errors import ElmanError

log = logging.getLogger(__name__)

SOURCES = "source src input from question word text document article sentence prompt message spelling".split()
TARGETS = "target tgt output to answer translation summary reply response headline title sound phonemes pronunciation "
TARGETS = TARGETS.split()
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True)
class Layout:
    """How pairs lie: kept with the model, so that other files are read as the first one was.

    Args:
        kind: ``"lines"`` of two parallel files, or ``"table"``.
        source: the column of what is read.
        target: the column of what is written.
        separator: what stands between columns.
        header: whether the first row has their names.
    """

    kind: str
    source: str = "source"
    target: str = "target"
    separator: str | None = None
    header: bool | None = None


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
        return Layout("lines")
    table = read_table(data, BadRows(skip=True), separator=wished.separator, header=wished.header)
    if wished.header is None and not table.header and _are_names(_first(data), table.separator):
        table = read_table(data, BadRows(skip=True), separator=wished.separator, header=True)
    texts = [column for column in table.columns if not is_numeric(table.frame[column])]
    texts = texts if len(texts) > 1 else table.columns
    source = named(table, wished.source, SOURCES, texts)
    target = named(table, wished.target, TARGETS, [column for column in texts if column != source])
    source = source or next((column for column in texts if column != target), "")
    target = target or next((column for column in texts if column != source), "")
    if not source or not target or source == target:
        raise ElmanError(
            f"{table.name} has no two columns to make pairs of; give a table with two, with tabs between them, or two "
            "parallel files in one name, such as --data 'train.{en,de}'"
        )
    between = f", with {SEPARATORS.get(table.separator, table.separator)} between columns" if table.separator else ""
    log.info("pairs: column %s -> column %s%s", source, target, between)
    return Layout("table", source, target, table.separator, table.header)


def read_pairs(data: Any, layout: Layout, bad: BadRows) -> tuple[Table, Layout]:
    """Pairs of which neither side is empty, and the layout that names their columns.

    Raises:
        ElmanError: parallel files of unequal length, or a table without such columns.
    """
    if isinstance(data, list | tuple):
        table, layout = _in_memory([tuple(pair) for pair in data], bad), Layout("table")
    elif isinstance(data, Path) and len(alternatives(data)) > 1:
        table, layout = _parallel(data, bad), Layout("lines")
    else:
        layout = layout if layout.kind == "table" else find_layout(data, Layout("table", "", ""))
        table = read_table(data, bad, separator=layout.separator, header=layout.header)
    table = _as_text(table, layout.source, layout.target)
    empty = {}
    for column in (layout.target, layout.source):
        missing = table.frame[column].fill_null("").str.strip_chars() == ""
        empty |= dict.fromkeys(missing.arg_true().to_list(), f"{column} is empty")
    return table.reject(empty), layout


def read_sources(data: Any, layout: Layout, bad: BadRows) -> tuple[Table, str]:
    """Rows to be answered, and the name of their column; lines of a text where the file is no table."""
    if isinstance(data, list | tuple):
        return _of_lines("the list", [str(text) for text in data], bad), "source"
    column, data = layout.source, Path(data) if isinstance(data, str) else data
    if isinstance(data, Path):
        path = data
        suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
        is_table = layout.kind == "table" and layout.separator and layout.separator in _first(path)
        if suffix not in TABLES and not is_table:
            lines = _lines(path)
            if lines[0].strip() == column and layout.header:
                table = _of_lines(str(path), lines, bad)
                return table.take(np.arange(1, len(table))), "source"
            return _of_lines(str(path), lines, bad), "source"
    table = read_table(data, bad, separator=layout.separator, header=layout.header)
    if layout.kind == "lines" or len(table.columns) == 1:
        column = named(table, "", [column, *SOURCES], table.columns) or table.columns[0]
    return _as_text(table, column), column


def _as_text(table: Table, *columns: str) -> Table:
    cast = [pl.col(table.known(column)).cast(pl.String) for column in columns]
    return Table(**{**vars(table), "frame": table.frame.with_columns(cast)})


def _in_memory(pairs: Sequence[tuple[Any, ...]], bad: BadRows) -> Table:
    if wrong := next((pair for pair in pairs if len(pair) != 2), None):
        raise ElmanError(f"a pair is a source and a target, not {wrong!r}")
    frame = pl.DataFrame(list(pairs), schema={"source": pl.String, "target": pl.String}, orient="row")
    return read_table(frame, bad)


def _parallel(path: Path, bad: BadRows) -> Table:
    files = alternatives(path)
    if len(files) != 2:
        raise ElmanError(f"{path} names {len(files)} files; pairs are lines of two")
    source, target = map(_lines, files)
    if len(source) != len(target):
        raise ElmanError(
            f"{files[0]} has {len(source):,} lines and {files[1]} has {len(target):,}; "
            "line n of the one belongs to line n of the other"
        )
    frame = pl.DataFrame({"source": source, "target": target})
    index = np.arange(len(frame))
    return Table(str(path), frame, index + 1, index, len(frame), bad)


def _of_lines(name: str, lines: list[str], bad: BadRows) -> Table:
    frame = pl.DataFrame({"source": lines}, schema={"source": pl.String})
    index = np.arange(len(frame))
    return Table(name, frame, index + 1, index, len(frame), bad)


def _lines(path: Path) -> list[str]:
    return read_whole(path).removesuffix("\n").split("\n")


def _first(data: Any) -> str:
    """The first line of a text file."""
    if not isinstance(data, str | Path) or Path(data).suffix == ".parquet":
        return ""
    return read_whole(Path(data)).partition("\n")[0]


def _are_names(line: str, separator: str | None) -> bool:
    cells = [cell.strip().lower().replace(" ", "_") for cell in line.split(separator or "\t")]
    return len(cells) > 1 and set(cells[:2]) <= {*SOURCES, *TARGETS}


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
