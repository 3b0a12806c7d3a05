"""Series over time: tables of one series a column, one a row, or many below each other, on one even clock."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from elman.data.tables import Table, as_numbers, has_value, is_numeric
from elman.data.times import Clock, Times, find_clock, is_time, read_times, said_clock
from elman.errors import ElmanError

log = logging.getLogger(__name__)

PARTS = ("year", "month", "day", "hour", "minute")  # columns that make a time together
TIMES = frozenset("time timestamp datetime date ds t step year".split())
COUNTS = frozenset("second minute hour day week month quarter".split())  # times where they only rise
NAMES = frozenset("id name series unique_id series_id item item_id symbol store product key ticker".split())
ROW_NUMBERS = frozenset(["", "no", "nr", "index", "row", "rownames", "column 1", "unnamed: 0"])
LEAST = 8  # columns of numbers that make a table of one series a row


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of series are.

    Args:
        layout: ``"columns"``, where each row is a moment, or ``"rows"``, where each row is a series.
        time: the column of times, or those of year, month and day that make one; none where the order is all.
        series: the columns whose values name the series that a row belongs to.
        targets: what is forecast.
        known: what is known of the future too.
        past: what is read beside the targets and not known of the future.
        constants: what stays as it is within a series.
        kinds: the different values of those columns that are not numbers.
        dated: whether times are dates.
        zone: where the clocks hang.
        zoned: whether times say their zone themselves.
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

    def times(self, frame: pl.DataFrame) -> Times:
        """The times of rows; one without a zone is none where others have theirs and no zone was said."""
        return read_time(frame, self.time, None if self.zoned and self.zone == "UTC" else self.zone)

    def width(self, names: Sequence[str]) -> int:
        """How many numbers stand for some columns: one each, or one for each value of what is no number."""
        return sum(len(self.kinds.get(name, [0])) for name in names)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Columns":
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)


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
    """Series of one kind, and the clock that all of them follow."""

    name: str
    columns: Columns
    clock: Clock
    series: list[Series]

    def label(self, series: Series, target: int) -> str:
        """A name for one target of one series."""
        several = len(self.columns.targets) > 1
        words = [*series.name, *([self.columns.targets[target]] if several or not series.name else [])]
        return " ".join(words)

    def describe(self) -> str:
        """One line for people."""
        lengths = [len(series) for series in self.series]
        low, high = min(lengths), max(lengths)
        rows = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        targets = len(self.columns.targets)
        many = f"{len(self.series):,} series" if len(self.series) > 1 else "a series"
        return f"{self.name}: {many} of {rows} rows" + (f", {targets} targets" if targets > 1 else "")


def find_columns(table: Table, said: Columns) -> Columns:
    """What the columns of a table are: as said, or else as found out, which is logged in one line each.

    Args:
        table: the rows.
        said: the columns that the user named; its layout is empty where it was not said.

    Raises:
        ElmanError: a column that is not there or is named twice, or nothing to forecast.
    """
    named = [*said.time, *said.series, *said.targets, *said.known, *said.past, *said.constants]
    for name in named:
        table.known(name)
    if twice := next((name for n, name in enumerate(named) if name in named[:n]), None):
        raise ElmanError(f"the column {twice!r} is named for two things; name it for one")
    if said.layout == "rows" or (not said.layout and not said.time and not said.targets and _is_a_series_a_row(table)):
        return _rows(table, said)
    time = said.time or _find_time(table, named)
    times = read_time(table.frame, time, None)
    zoned = times.zone is not None
    times = read_time(table.frame, time, said.zone) if said.zone else times
    if time:
        log.info("time: %s (%s)%s", ", ".join(time), times.how, f", in {times.zone}" if times.zone else "")
    else:
        log.info("no column of times; rows are taken to be in order and evenly apart")
    rest = [name for name in table.columns if name not in {*named, *time}]
    series = said.series or (_find_series(table, times.values, rest) if time else ())
    if series:
        log.info("series: %s different of %s", f"{table.frame.select(series).n_unique():,}", ", ".join(series))
    rest = [name for name in rest if name not in series]
    constants = said.constants or (_find_constants(table, series, rest) if series and not said.targets else ())
    rest = [name for name in rest if name not in constants]
    numbers = [n for n in rest if is_numeric(table.frame[n]) and not _is_row_number(table.frame[n], n)]
    targets = said.targets or tuple(numbers)
    if not targets:
        raise ElmanError(f"{table.name} has no column of numbers to forecast; its columns are {_listed(table.columns)}")
    log.info("to forecast: %s", _listed(targets))
    for what, found in (("known of the future", said.known), ("read beside", said.past), ("constant", constants)):
        if found:
            log.info("%s: %s", what, _listed(found))
    if left := [name for name in rest if name not in targets]:
        log.info("not used: %s", _listed(left))
    others = (*said.known, *said.past, *constants)
    kinds = {name: _kinds(table, name) for name in others if not is_numeric(table.frame[name])}
    return replace(said, layout="columns", time=time, series=series, targets=targets, constants=constants,
                   kinds=kinds, dated=times.dated, zone=times.zone, zoned=zoned)  # fmt: skip


def read_panel(table: Table, columns: Columns, clock: Clock | str | None = None) -> Panel:
    """The series of a table.

    Args:
        table: the rows.
        columns: what its columns are.
        clock: the step between rows, or its name; found out if not given.

    Raises:
        ElmanError: a cell that is no number or no time, a time that stands twice in a series, one far off all others,
            nothing to read.
    """
    if columns.layout == "rows":
        return _read_rows(table, columns, clock)
    numbers = [*columns.targets, *columns.known, *columns.past, *columns.constants]
    table = table.numeric(*(name for name in numbers if name not in columns.kinds))
    times, dated, zone, how = columns.times(table.frame)
    if not columns.time:  # a row that was left out is a step as well
        times = table.index.astype(float)
    if columns.time and (dated, zone) != (columns.dated, columns.zone):
        wanted = "with a zone" if columns.zone else "without a zone" if columns.dated else "as numbers"
        raise ElmanError(f"{table.name}: {', '.join(columns.time)} is to have times {wanted}; it has {how}")
    wrong = {int(row): _no_time(table, columns, int(row)) for row in np.flatnonzero(np.isnan(times))}
    table, times = table.reject(wrong), times[np.isfinite(times)]
    names, members = _members(table, columns.series)
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
    clock = _clock(clock, parts, columns, dated)
    targets = _matrix(table, columns, columns.targets)
    known, past = (_matrix(table, columns, names) for names in (columns.known, columns.past))
    constants = _matrix(table, columns, columns.constants)
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
        log.info("%s rows stand beside the step of %s; each was taken to the nearest", f"{off:,}", clock.describe())
    return Panel(table.name, columns, clock, series)


def read_time(frame: pl.DataFrame, time: Sequence[str], zone: str | None) -> Times:
    """The times of rows, as ``read_times`` gives them; their order where there is no such column."""
    if not time:
        return Times(np.arange(len(frame), dtype=float), False, None, "order")
    if len(time) == 1:
        return read_times(frame[time[0]], zone)
    parts = {part: as_numbers(frame[name]).cast(pl.Int64) for part, name in zip(PARTS, time, strict=False)}
    usual = pl.Series([0] * len(frame))
    cells = (pl.lit(parts.get(part, usual + 1 if part == "day" else usual)) for part in PARTS)
    dates = pl.select(pl.datetime(*cells)).to_series()
    return read_times(dates, zone)


def _clock(clock: Clock | str | None, parts: list[np.ndarray], columns: Columns, dated: bool) -> Clock:
    if not columns.time:
        return Clock("row", 1)
    if isinstance(clock, Clock):  # the same step, from the first row of this table
        return replace(clock, origin=float(min(part[0] for part in parts)))
    if isinstance(clock, str):
        origin = float(min(part[0] for part in parts))
        return said_clock(clock, origin, dated, columns.zone)
    return find_clock(parts, dated, columns.zone)


def _find_time(table: Table, named: Sequence[str]) -> tuple[str, ...]:
    free = [name for name in table.columns if name not in named]
    dates = [name for name in free if is_time(table.frame[name])]
    if dates:  # where several are, such as a time and its day, the finest
        return (max(dates, key=lambda name: table.frame[name].n_unique()),)
    lower = {name.strip().lower(): name for name in free}
    if "year" in lower and "month" in lower:
        found = []
        for part in PARTS:
            if part not in lower:
                break
            found.append(lower[part])
        return tuple(found)
    for name in free:
        word, column = name.strip().lower(), table.frame[name]
        if word in TIMES and is_numeric(column):
            return (name,)
        if word in COUNTS and is_numeric(column) and (as_numbers(column).diff().drop_nulls() > 0).all():
            return (name,)
    return ()


def _find_series(table: Table, times: np.ndarray, rest: Sequence[str]) -> tuple[str, ...]:
    """The fewest columns that tell rows of the same time apart."""
    marked = pl.DataFrame({"time": times})
    if not marked.is_duplicated().any():
        return ()
    texts = [name for name in rest if not is_numeric(table.frame[name])]
    whole = [name for name in rest if name not in texts and _is_whole(table.frame[name])]
    whole.sort(key=lambda name: name.strip().lower() not in NAMES)
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


def _is_a_series_a_row(table: Table) -> bool:
    first, *rest = table.columns
    names = table.frame[first]
    if len(rest) < LEAST or is_numeric(names) or is_time(names) or names.n_unique() < len(table):
        return False
    # where series end is empty; text anywhere makes it another kind of table
    return all(has_value(c).sum() == 0 or is_numeric(c) for c in (table.frame[name] for name in rest))


def _rows(table: Table, said: Columns) -> Columns:
    first = said.series or (table.columns[0],)
    values = tuple(name for name in table.columns if name not in first)
    log.info("a series in each of %s rows, named by %s", f"{len(table):,}", ", ".join(first))
    return replace(said, layout="rows", series=first, targets=("value",), dated=is_time(pl.Series(values)))


def _read_rows(table: Table, columns: Columns, clock: Clock | str | None) -> Panel:
    names = [name for name in table.columns if name not in columns.series]
    table = table.numeric(*names)
    values = table.frame.select(names).to_numpy().astype(float)
    times = np.arange(len(names), dtype=float)
    if columns.dated:
        times = read_times(pl.Series(names), columns.zone).values
        if np.isnan(times).any():
            name = names[int(np.isnan(times).argmax())]
            raise ElmanError(f"{table.name}: the column {name!r} is named by no time, as the others are")
    clock = _clock(clock, [times], replace(columns, time=columns.series if columns.dated else ()), columns.dated)
    slots = np.floor(clock.slots(times) + 0.5).astype(np.int64)
    keys, series = _keys(table, columns.series), []
    for row, name in enumerate(keys):
        grid = _on_grid(slots - slots.min(), values[row][:, None], int(np.ptp(slots)) + 1)
        given = np.flatnonzero(np.isfinite(grid[:, 0]))
        first, end = (int(given[0]), int(given[-1]) + 1) if len(given) else (0, 0)
        empty = np.zeros((end - first, 0))
        series.append(Series(name, int(slots.min()) + first, grid[first:end], empty, empty, np.zeros(0)))
    return Panel(table.name, columns, clock, series)


def _members(table: Table, series: Sequence[str]) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """The names of the series, in the order in which they come, and which of them each row belongs to."""
    if not series:
        return [()], np.zeros(len(table), np.int64)
    keys = _keys(table, series)
    numbers = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return list(numbers), np.array([numbers[key] for key in keys])


def _keys(table: Table, series: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(table.frame[name].cast(pl.String).fill_null("").to_list() for name in series), strict=True))


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


def _matrix(table: Table, columns: Columns, names: Sequence[str]) -> np.ndarray:
    """Columns as numbers, ``[N, F]``; what is no number as a one in the place of its value."""
    parts = []
    for name in names:
        cells = table.frame[name]
        if name not in columns.kinds:
            parts.append(cells.cast(pl.Float64).to_numpy()[:, None])
            continue
        words = pl.Series(_words(cells))
        one = np.stack([(words == value).to_numpy() for value in columns.kinds[name]], -1).astype(float)
        one[~has_value(cells).to_numpy()] = np.nan
        parts.append(one)
    return np.concatenate(parts, 1) if parts else np.zeros((len(table), 0))


def _kinds(table: Table, name: str) -> list[str]:
    cells = table.frame[name]
    kinds = sorted(set(_words(cells.filter(has_value(cells)))))
    if len(kinds) > 100:
        raise ElmanError(f"{table.name}: {name} has {len(kinds):,} different texts; at most 100 can be told apart")
    return kinds


def _words(cells: pl.Series) -> list[str]:
    return cells.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("").to_list()


def _on_grid(slots: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    """Rows in their slots, ``[length, F]``, NaN where there is none; the mean where several fall into one."""
    given = np.isfinite(rows)
    sums, counts = np.zeros((length, rows.shape[1])), np.zeros((length, rows.shape[1]))
    np.add.at(sums, slots, np.where(given, rows, 0))
    np.add.at(counts, slots, given)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _is_row_number(column: pl.Series, name: str) -> bool:
    numbers = as_numbers(column)
    if name.strip().lower() not in ROW_NUMBERS or numbers.null_count():
        return False
    return bool((numbers.diff().drop_nulls() == 1).all())


def _is_whole(column: pl.Series) -> bool:
    numbers = as_numbers(column).drop_nulls()
    return len(numbers) > 0 and bool((numbers == numbers.floor()).all())


def _no_time(table: Table, columns: Columns, row: int) -> str:
    given = ", ".join(repr(table.frame[name][row]) for name in columns.time)
    local = columns.zone not in (None, "UTC")
    zones = f", or does not exist in {columns.zone}, where clocks are set forward" if local else ""
    return f"{', '.join(columns.time)} is {given}, which is no time like the others{zones}"


def _doubled(table: Table, columns: Columns, first: int, second: int) -> str:
    of = " ".join(str(table.frame[name][second]) for name in columns.series)
    time = " ".join(str(table.frame[name][second]) for name in columns.time)
    hint = "" if columns.series else "; where there are several series, name what tells them with --id-column"
    if columns.dated and columns.zone is None:
        hint += "; where clocks are set back, say their zone with --timezone"
    return f"the time {time}{f' of {of}' if of else ''} stands already in line {table.lines[first]}{hint}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
