"""What the columns of a table of series are: as said, or as found out."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from elman.data.across import names_of_rows, refuse_months, value_columns
from elman.data.columns import is_named, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.numbers.cells import as_numbers, as_text, has_value
from elman.data.roles import CODES, holds_codes, no_amount, no_numbers, unused
from elman.data.rows import Known
from elman.data.tables import Table
from elman.data.times.column import Times, is_of_day
from elman.data.times.headings import are_times, times_of
from elman.data.times.when import When, find_when
from elman.errors import ElmanError, counted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Columns(Lain):
    """What the columns of a table of series are.

    Args:
        layout: ``"columns"``, where each row is a moment, or ``"rows"``, where each row is a series.
        time: the column of times, or those of a day and a time of day, or of year, month and day, that make one; none
            where the order is all.
        series: the columns whose values name the series that a row belongs to.
        targets: what is forecast.
        known: what is known of the future too.
        past: what is read beside the targets and not known of the future.
        constants: what stays as it is within a series.
        kinds: the different values of those columns that are not numbers.
        dated: whether times are dates.
        zone: where the clocks hang.
        zoned: whether times say their zone themselves.
        columns: all that the table had, where a row is a moment.
        dialect: how it was written.
        forms: in which those of times are written.
    """

    layout: str
    time: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    kinds: dict[str, list[str]] = field(default_factory=dict)
    dated: bool = False
    zone: str | None = None
    zoned: bool = False
    columns: tuple[str, ...] = ()
    dialect: Dialect = UNKNOWN
    forms: tuple[str, ...] = ()

    @property
    def when(self) -> When:
        """The same of ``time``, to be read."""
        return When(self.time, self.forms)

    @property
    def known_again(self) -> Known:
        """What is known of other tables from the one that was learnt from, and of the lines of a stream."""
        time = () if self.layout == "rows" else self.time
        needed = [*time, *self.series, *self.targets, *self.known, *self.past, *self.constants]
        return Known(self.columns, needed, dialect=self.dialect)

    def times(self, frame: pl.DataFrame) -> Times:
        """The times of rows; one without a zone is none where others have theirs and no zone was said."""
        return self.when.read(frame, None if self.zoned and self.zone == "UTC" else self.zone)

    def width(self, names: Sequence[str]) -> int:
        """How many numbers stand for some columns: one each, or one for each value of what is no number."""
        return sum(len(self.kinds.get(name, [0])) for name in names)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_columns(table: Table, said: Columns, ignore: Sequence[str] = (), order: str = "") -> Columns:
    """What the columns of a table are: as said, or else as found out, which is logged in one line each.

    Args:
        table: the rows.
        said: the columns that the user named; its layout is empty where it was not said.
        ignore: columns that are left out; what stands in cells are names of series.
        order: of day, month and year, where the user says it.

    Raises:
        ElmanError: a column that is not there or is named twice, times that cannot be read, or nothing to forecast.
    """
    table.tell()
    for name in ignore:
        if not _names_some(table, name):
            table.known(name)
    named = [*said.time, *said.series, *said.targets, *said.known, *said.past, *said.constants]
    for name in named:
        table.known(name)
    if twice := next((name for n, name in enumerate(named) if name in named[:n]), None):
        raise ElmanError(f"the column {twice!r} is named for two things; name it for one")
    sought = said.layout == "rows" or not (said.layout or said.time or said.targets)
    names = names_of_rows(table, order) if sought else ()
    if said.layout == "rows" or names:
        if any(name in table.columns for name in ignore):
            raise ElmanError(f"{table.name}: --ignore is for tables with a row for each time; here a row is a series")
        return _rows(table, said, said.series or names or (table.columns[0],), order)
    refuse_months(table, [*named, *ignore])
    free = [name for name in table.columns if name not in {*named, *ignore}]
    when = find_when(table, said.time, free, order=order, zone=said.zone, counted=True)
    time, times = when.columns, when.read(table.frame)
    zoned = times.zone is not None
    times = when.read(table.frame, said.zone) if said.zone else times
    if not time:
        log.info("no column of times; rows are taken to be in order and evenly apart")
    rest = [name for name in free if name not in time]
    series = said.series or (_find_series(table, times.values, rest) if time else ())
    if series:
        log.info("series: %s different of %s", f"{table.frame.select(series).n_unique():,}", ", ".join(series))
    rest = [name for name in rest if name not in series]
    amounts = [name for name in rest if not holds_codes(table.frame[name])]
    constants = said.constants or (_find_constants(table, series, amounts) if series and not said.targets else ())
    rest = [name for name in rest if name not in constants]
    numbers = [n for n in rest if table.is_numeric(n)]
    reasons = {} if said.targets else _no_targets(table, numbers, dated=times.dated)
    targets = said.targets or tuple(n for n in numbers if n not in reasons)
    if not targets and reasons:
        shown = [f"{name} ({reason})" for name, reason in reasons.items()]
        raise ElmanError(f"{table.name} has no column of numbers to forecast, unless --target names {listed(shown)}")
    if not targets:
        raise ElmanError(f"{table.name} has no column of numbers to forecast; {no_numbers(table)}")
    log.info("to forecast: %s", listed(targets))
    for what, found in (("known of the future", said.known), ("read beside", said.past), ("constant", constants)):
        if found:
            log.info("%s: %s", what, listed(found))
    if reasons:
        shown = [f"{name} ({reason})" for name, reason in reasons.items()]
        log.info("not to forecast, unless --target names them: %s", listed(shown))
    if left := [name for name in rest if name not in (*targets, *reasons)]:
        log.info("not used: %s", listed(unused(table, left)))
    others = (*said.known, *said.past, *constants)
    kinds = {name: _kinds(table, name) for name in others if not table.is_numeric(name)}
    dialect = table.written(*targets, *(name for name in others if name not in kinds))
    return replace(said, layout="columns", time=time, forms=when.forms, series=series, targets=targets,
                   constants=constants, kinds=kinds, dated=times.dated, zone=times.zone, zoned=zoned,
                   columns=tuple(table.columns), dialect=dialect)  # fmt: skip


def _names_some(table: Table, word: str) -> bool:
    """Whether a word stands in a cell, so that it may be the name of a series."""
    plain = (cells for cells in table.frame if not cells.dtype.is_nested() and cells.dtype != pl.Object)
    return any((as_text(cells) == word).any() for cells in plain)


def _find_series(table: Table, times: np.ndarray, rest: Sequence[str]) -> tuple[str, ...]:
    """The fewest columns that tell rows of the same time apart."""
    marked = pl.DataFrame({"time": times})
    if not marked.is_duplicated().any():
        return ()
    # a time of day names no series
    texts = [name for name in rest if not table.is_numeric(name) and not is_of_day(table.frame[name])]
    whole = [name for name in rest if name not in texts and _is_whole(table.frame[name])]
    whole.sort(key=lambda name: not is_named(name, "series"))
    # a column of names has each of them on several rows
    candidates = [n for n in (*texts, *whole) if table.frame[n].n_unique() <= max(2, len(table) // 2)]
    for count in (1, 2, 3):
        for some in combinations(candidates[:8], count):
            pair = table.frame.select(some).with_columns(pl.Series("\0time", times))
            # a few doubled rows are mistakes, and told as such
            if pair.is_duplicated().sum() <= 0.01 * len(table):
                return some
    return ()


def _find_constants(table: Table, series: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
    groups = table.frame.group_by(series).agg(pl.col(name).n_unique() for name in rest)
    return tuple(n for n in rest if (groups[n] == 1).all() and table.frame[n].n_unique() > 1)


def _no_targets(table: Table, numbers: Sequence[str], *, dated: bool) -> dict[str, str]:
    """Which columns of numbers are not worth a forecast, and why; where none is, only those that number the rows."""
    reasons = {name: no_amount(table, name, dated=dated) for name in numbers}
    found = {name: reason for name, reason in reasons.items() if reason}
    if len(found) < len(numbers):
        return found
    stamps = {name: reason for name, reason in found.items() if reason in ("a time", CODES)}
    return stamps | {name: "a counter" for name in numbers if _is_row_number(table.frame[name], name)}


def _rows(table: Table, said: Columns, series: tuple[str, ...], order: str) -> Columns:
    values = value_columns(table.columns, series, order)
    log.info("a series in each of %s, named by %s", counted(len(table), "rows"), ", ".join(series))
    if left := [name for name in table.columns if name not in (*series, *values)]:
        log.info("not used: %s", listed(left))
    dated = are_times(values)
    forms = (times_of(values, None, order).form,) if dated else ()
    return replace(said, layout="rows", series=series, targets=("value",), dated=dated, forms=forms,
                   dialect=table.written(*values))  # fmt: skip


def _kinds(table: Table, name: str) -> list[str]:
    cells = table.frame[name]
    kinds = sorted(set(words(cells.filter(has_value(cells)))))
    if len(kinds) > 100:
        raise ElmanError(
            f"{table.name}: {name} has {counted(len(kinds), 'different texts')}; at most 100 can be told apart"
        )
    return kinds


def words(cells: pl.Series) -> list[str]:
    """The cells of a column of texts, as they are compared."""
    return cells.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("").to_list()


def _is_row_number(column: pl.Series, name: str) -> bool:
    numbers = as_numbers(column)
    if (name.strip() and not is_named(name, "row number")) or numbers.null_count():
        return False
    return bool((numbers.diff().drop_nulls() == 1).all())


def _is_whole(column: pl.Series) -> bool:
    numbers = as_numbers(column).drop_nulls()
    return len(numbers) > 0 and bool((numbers == numbers.floor()).all())
