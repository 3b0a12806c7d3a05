"""Series over time: tables of one series a column, one a row, or many below each other, on one even clock."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from elman.data.across import value_columns
from elman.data.numbers.cells import as_text, has_value
from elman.data.tables import Table
from elman.data.times.clock import Clock, find_clock, said_clock
from elman.data.times.forms import order_of, with_first_year
from elman.data.times.headings import times_of
from elman.errors import ElmanError, counted
from elman.tasks.forecast.columns import Columns, words

log = logging.getLogger(__name__)

KEPT = 0.1  # steps that a row may be early or late and keep the step
DRIFTING = 0.9  # of the steps at least are kept where a clock is a little fast or slow


@dataclass(frozen=True)
class Series:
    """One series on an even clock; NaN where there is no value.

    Args:
        name: the values of the columns that name it.
        start: the slot of its first row.
        values: ``[T, targets]``, up to the last that is known.
        known: ``[T', K]``, as long or longer.
        past: ``[T', P]``.
        constants: ``[C]``.
    """

    name: tuple[str, ...]
    start: int
    values: np.ndarray
    known: np.ndarray
    past: np.ndarray
    constants: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def slots(self) -> np.ndarray:
        """The slot of each row, those after the last known value too."""
        return np.arange(self.start, self.start + len(self.known))


@dataclass(frozen=True)
class Panel:
    """Series of one kind, and the clock that all of them follow.

    Args:
        name: of the table.
        columns: what its columns are.
        clock: of all series.
        series: in the order in which they come in the table.
        names: of all series of the table, those without a row that can be used among them.
    """

    name: str
    columns: Columns
    clock: Clock
    series: list[Series]
    names: Sequence[tuple[str, ...]] = ()

    def label(self, series: Series, target: int) -> str:
        """A name for one target of one series."""
        several = len(self.columns.targets) > 1
        words = [*series.name, *([self.columns.targets[target]] if several or not series.name else [])]
        return " ".join(filter(None, words))

    def describe(self) -> str:
        """One line for people."""
        lengths = [len(series) for series in self.series]
        low, high = min(lengths), max(lengths)
        rows = counted(low, "rows") if low == high else f"{low:,} to {high:,} rows"
        targets = len(self.columns.targets)
        many = f"{len(self.series):,} series" if len(self.series) > 1 else "a series"
        return f"{self.name}: {many} of {rows}" + (f", {targets} targets" if targets > 1 else "")


def read_panel(table: Table, columns: Columns, clock: Clock | str | None = None, *, uneven: bool = False) -> Panel:
    """The series of a table.

    Args:
        table: the rows.
        columns: what its columns are.
        clock: the step between rows, or its name; found out if not given.
        uneven: whether most rows may stand beside the step.

    Raises:
        ElmanError: a cell that is no number or no time, a time that stands twice in a series, one far off all others,
            a step that most rows do not keep, nothing to read.
    """
    table = replace(table, dialect=columns.dialect)
    asked = list(dict.fromkeys(keys(table, columns.series))) if columns.series else [()]
    if columns.layout == "rows":
        return _read_rows(table, columns, clock, asked)
    table = numeric(table, columns)
    _require_rows(table)
    times, dated, zone, how, _ = columns.times(table.frame)
    if not columns.time:  # a row that was left out is a step as well
        times = table.index.astype(float)
    if columns.time and (dated, zone) != (columns.dated, columns.zone):
        wanted = "with a zone" if columns.zone else "without a zone" if columns.dated else "as numbers"
        raise ElmanError(f"{table.name}: {', '.join(columns.time)} is to have times {wanted}; it has {how}")
    missing = np.flatnonzero(~np.isfinite(times)).tolist()
    wrong = {row: columns.when.missing(table, row, columns.zone) for row in missing}
    table, times = table.reject(wrong), times[np.isfinite(times)]
    _require_rows(table)
    names, members = _members(table, columns.series, asked)
    order = np.lexsort((times, members))
    if columns.time and np.any(np.diff(members * 1.0) == 0) and _falls(times, members):
        log.info("the rows are not in order of time; they were sorted")
    doubled = np.flatnonzero((np.diff(times[order]) == 0) & (np.diff(members[order]) == 0))
    wrong = {int(order[n + 1]): _doubled(table, columns, int(order[n]), int(order[n + 1])) for n in doubled}
    keep = np.ones(len(table), bool)
    keep[list(wrong)] = False
    kept = np.flatnonzero(keep)
    table = table.reject(wrong)
    times, members = times[kept], members[kept]
    parts = [np.sort(times[members == n]) for n in range(len(names))] if len(names) < 50 else _parts(times, members)
    uneven = uneven or isinstance(clock, str)
    again = isinstance(clock, Clock)
    clock = _clock(clock, parts, columns, dated)
    if columns.time and not uneven:
        _check_step(table, columns, clock, parts, again=again)
    targets = matrix(table, columns, columns.targets)
    known, past = (matrix(table, columns, names) for names in (columns.known, columns.past))
    constants = matrix(table, columns, columns.constants)
    series, off = [], 0
    for name, rows in zip(names, _groups(members, len(names)), strict=True):
        slots = clock.slots(times[rows])
        off += int((np.abs(slots - np.round(slots)) > 0.01).sum())
        slots = np.floor(slots + 0.5).astype(np.int64)
        start, length = int(slots.min()), int(np.ptp(slots)) + 1
        if length > 100 * len(rows) + 1000:
            jump = rows[np.argsort(slots)[1:][np.diff(np.sort(slots)).argmax()]]
            raise ElmanError(
                f"{table.where(int(jump))}: {', '.join(columns.time)} is far from all before it, at a step of "
                f"{clock.describe()}; mend it, or say --frequency"
            )
        values, future, beside = (_on_grid(slots - start, part[rows], length) for part in (targets, known, past))
        given = np.flatnonzero(np.isfinite(values).any(1))
        end = int(given[-1]) + 1 if len(given) else 0
        mean = np.nan_to_num(constants[rows]).mean(0) if constants.size else np.zeros(0)
        series.append(Series(name, start, values[:end], future, beside, mean))
    if off:
        said = counted(off, "rows stand")
        log.info("%s beside the step of %s; each was taken to the nearest", said, clock.describe())
    return Panel(table.name, columns, clock, series, asked)


def _require_rows(table: Table) -> None:
    if not len(table):
        raise ElmanError(f"{table.name} has no rows that can be used")


def _clock(clock: Clock | str | None, parts: list[np.ndarray], columns: Columns, dated: bool) -> Clock:
    if not columns.time:
        return Clock("row", 1)
    if isinstance(clock, Clock):  # the same step, from the first row of this table
        return replace(clock, origin=float(min(part[0] for part in parts)))
    if isinstance(clock, str):
        origin = float(min(part[0] for part in parts))
        return said_clock(clock, origin, dated, columns.zone)
    return find_clock(parts, dated, columns.zone)


def _check_step(table: Table, columns: Columns, clock: Clock, parts: list[np.ndarray], *, again: bool) -> None:
    """Refuse a step that most rows do not keep, and where a clock is given ``again``, one that none does."""
    slots = [clock.slots(part) for part in parts]
    steps, beside = np.concatenate([np.diff(each) for each in slots]), np.concatenate(slots) % 1
    if again and len(steps) > 1 and not (np.round(steps) <= 1).any() and (steps == steps[0]).mean() > 0.5:
        found = find_clock(parts, columns.dated, columns.zone)
        raise ElmanError(
            f"{table.name}: its rows are {found.describe()} apart in {columns.when.said}, and those that were learnt "
            f"from {clock.describe()}; give rows of the same step"
        )
    kept = int(((np.abs(steps - np.round(steps)) <= KEPT) & (steps > 0.5)).sum())
    # those of a clock that is a little fast or slow keep the step, and stand beside it in the end
    off = int(((beside > KEPT) & (beside < 1 - KEPT)).sum())
    if 2 * kept < len(steps) or (2 * off > len(beside) and kept < DRIFTING * len(steps)):
        raise ElmanError(
            f"{table.name}: the rows are not evenly apart in {columns.when.said}: of {len(steps):,} only {kept:,} keep "
            f"a step of {clock.describe()}; say with --frequency to which step they are to be taken, or name another "
            "--time-column"
        )


def _read_rows(table: Table, columns: Columns, clock: Clock | str | None, asked: list[tuple[str, ...]]) -> Panel:
    order = order_of(with_first_year(columns.forms[0])[0]) if columns.forms else ""
    names = value_columns(table.columns, columns.series, order)
    table = table.numeric(*names)
    _require_rows(table)
    values = table.frame.select(names).to_numpy().astype(float)
    times = np.arange(len(names), dtype=float)
    if columns.dated:
        times = times_of(names, columns.zone, order).values
        if np.isnan(times).any():
            name = names[int(np.isnan(times).argmax())]
            raise ElmanError(f"{table.name}: the column {name!r} is named by no time, as the others are")
    found = clock or (_clock_of_years(times, columns.zone) if columns.dated and columns.forms == ("year",) else None)
    timed = replace(columns, time=columns.series if columns.dated else ())
    made = _clock(found, [np.sort(times)], timed, columns.dated)
    slots = np.floor(made.slots(times) + 0.5).astype(np.int64)
    steps = np.diff(np.sort(slots))
    if (steps == 0).any() or (clock is None and 2 * (steps == 1).sum() < len(steps)):
        raise ElmanError(
            f"{table.name}: its columns, {names[0]} to {names[-1]}, are not evenly apart: of {len(steps):,} only "
            f"{int((steps == 1).sum()):,} keep a step of {made.describe()}; leave some of them out"
        )
    series = []
    for row, name in enumerate(keys(table, columns.series)):
        grid = _on_grid(slots - slots.min(), values[row][:, None], int(np.ptp(slots)) + 1)
        given = np.flatnonzero(np.isfinite(grid[:, 0]))
        first, end = (int(given[0]), int(given[-1]) + 1) if len(given) else (0, 0)
        empty = np.zeros((end - first, 0))
        series.append(Series(name, int(slots.min()) + first, grid[first:end], empty, empty, np.zeros(0)))
    return Panel(table.name, columns, made, series, asked)


def _clock_of_years(times: np.ndarray, zone: str | None) -> Clock:
    """The longest step that all of some years are on."""
    years = np.sort(times).astype("M8[us]").astype("M8[Y]").astype(int)
    return Clock("month", 12 * max(int(np.gcd.reduce(np.diff(years))), 1), float(times.min()), zone)


def _members(
    table: Table, series: Sequence[str], asked: Sequence[tuple[str, ...]]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """The names of those series that have rows, in the order asked for, and which of them each row belongs to."""
    if not series:
        return [()], np.zeros(len(table), np.int64)
    owners = keys(table, series)
    there = set(owners)
    numbers = {key: n for n, key in enumerate(key for key in asked if key in there)}
    return list(numbers), np.array([numbers[key] for key in owners])


def numeric(table: Table, columns: Columns) -> Table:
    """The table with numbers in the columns that have such."""
    numbers = [*columns.targets, *columns.known, *columns.past, *columns.constants]
    return table.numeric(*(name for name in numbers if name not in columns.kinds))


def keys(table: Table, series: Sequence[str]) -> list[tuple[str, ...]]:
    """The name of the series that each row belongs to: the texts of some columns."""
    return list(zip(*(as_text(table.frame[table.known(name)]).fill_null("").to_list() for name in series), strict=True))


def _groups(members: np.ndarray, count: int) -> Iterator[np.ndarray]:
    order = np.argsort(members, kind="stable")
    ends = np.searchsorted(members[order], np.arange(count + 1))
    for n in range(count):
        yield order[ends[n] : ends[n + 1]]


def _parts(times: np.ndarray, members: np.ndarray) -> list[np.ndarray]:
    return [np.sort(times[rows]) for rows in _groups(members, int(members.max()) + 1)]


def _falls(times: np.ndarray, members: np.ndarray) -> bool:
    """Whether a row is earlier than the one before it in its series."""
    return any((np.diff(times[rows]) < 0).any() for rows in _groups(members, int(members.max()) + 1))


def matrix(table: Table, columns: Columns, names: Sequence[str]) -> np.ndarray:
    """Columns as numbers, ``[N, F]``; what is no number as a one in the place of its value."""
    parts = []
    for name in names:
        cells = table.frame[name]
        if name not in columns.kinds:
            parts.append(cells.cast(pl.Float64).to_numpy()[:, None])
            continue
        texts = pl.Series(words(cells))
        one = np.stack([(texts == value).to_numpy() for value in columns.kinds[name]], -1).astype(float)
        one[~has_value(cells).to_numpy()] = np.nan
        parts.append(one)
    return np.concatenate(parts, 1) if parts else np.zeros((len(table), 0))


def _on_grid(slots: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    """Rows in their slots, ``[length, F]``, NaN where there is none; the mean where several fall into one."""
    given = np.isfinite(rows)
    sums, counts = np.zeros((length, rows.shape[1])), np.zeros((length, rows.shape[1]))
    np.add.at(sums, slots, np.where(given, rows, 0))
    np.add.at(counts, slots, given)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _doubled(table: Table, columns: Columns, first: int, second: int) -> str:
    of = " ".join(str(table.frame[name][second]) for name in columns.series)
    time = " ".join(str(table.frame[name][second]) for name in columns.time)
    hint = "" if columns.series else "; where there are several series, name what tells them with --id-column"
    if columns.dated and columns.zone is None:
        hint += "; where clocks are set back, say their zone with --timezone"
    return f"the time {time}{f' of {of}' if of else ''} stands already in {table.place(first)}{hint}"
