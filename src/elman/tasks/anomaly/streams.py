"""Streams of numbers, one a file: values as they came, when, and where people say that something was wrong."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.across import names_of_rows, refuse_months, value_columns
from elman.data.bad import BadRows
from elman.data.columns import is_identity, is_named, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.files import matching, suffix
from elman.data.formats import check_task
from elman.data.numbers.cells import as_text, has_value
from elman.data.numbers.sums import told_series
from elman.data.reading import is_table, read_table
from elman.data.roles import holds_codes, is_flag, names_rows, no_numbers, numbers_of, runs_through, unused
from elman.data.rows import Known, Line, read_again
from elman.data.tables import Table, joined
from elman.data.times.column import is_stamp, read_times
from elman.data.times.headings import are_times
from elman.data.times.when import When, find_when
from elman.errors import ElmanError, counted
from elman.tasks.anomaly.labels import are_labels, says

log = logging.getLogger(__name__)

WINDOWS = "combined_windows.json"
ANSWERED = ("file", "score", "alarm")  # the columns of an answer
WINDOWED = ".json"  # in a folder, what is named so has windows


@dataclass(frozen=True)
class Columns(Lain):
    """Which columns of a table are what.

    Args:
        values: the numbers that are watched.
        time: of each row, or those of a day and a time of day that make one; none where there is none.
        label: whether a row is an anomaly, or "".
        dialect: how it was written.
        columns: all that the table had.
        forms: in which those of times are written.
        series: the column that names the stream of each row, where a table has several, or "".
    """

    values: tuple[str, ...]
    time: tuple[str, ...] = ()
    label: str = ""
    dialect: Dialect = UNKNOWN
    columns: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    series: str = ""

    @property
    def when(self) -> When:
        """The same of ``time``, to be read."""
        return When(self.time, self.forms)

    @property
    def known(self) -> Known:
        """What is known of tables of which each row is answered: time and label may be missing."""
        answers = [self.label] if self.label else []
        needed = [*self.values, *([self.series] if self.series else [])]
        return Known(self.columns, needed, answers, self.when.columns, dialect=self.dialect)


@dataclass(frozen=True)
class Stream:
    """One series as it came.

    Args:
        name: of the file, or of those rows of it that are a stream.
        values: ``[N, K]``, NaN where there is none.
        times: ``[N]`` microseconds since 1970, NaN where there is none.
        labels: ``[N]`` bool, or None where nobody has said.
        windows: the first and the last row of each window of an anomaly, or None where there are no windows.
        index: ``[N]``, which of the file's rows each is.
        size: rows of the file.
        shown: ``[size]``, the times of all rows as they stand in the file; no columns where there are none.
        file: its name.
        place: its number among the files.
    """

    name: str
    values: np.ndarray
    times: np.ndarray
    labels: np.ndarray | None
    windows: tuple[tuple[int, int], ...] | None
    index: np.ndarray
    size: int
    shown: pl.DataFrame = field(default_factory=pl.DataFrame)
    file: str = ""
    place: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def first(self, rows: int) -> "Stream":
        """The first rows of it."""
        if rows >= len(self):
            return self
        windows = self.windows and tuple((a, min(b, rows - 1)) for a, b in self.windows if a < rows)
        return replace(_rows(self, slice(rows)), windows=windows)


def files_of(source: Any) -> list[Any]:
    """The tables that a user gives: of a folder and the folders in it by name, those of a list, or the one itself.

    Raises:
        ElmanError: a folder without tables, or nothing there.
    """
    if isinstance(source, list | tuple):
        return list(source)
    if not isinstance(source, Path):
        return [source]
    if not source.is_dir():
        return list(matching(source))
    files = (path for path in sorted(source.rglob("*")) if path.is_file() and not path.name.startswith("."))
    found = [path for path in files if suffix(path) != WINDOWED and is_table(path)]
    if not found:
        raise ElmanError(f"{source} has no tables in it, such as files of CSV or Parquet")
    return found


def find_columns(source: Any, wish: Columns, ignore: Sequence[str] = (), order: str = "") -> Columns:
    """Which columns are what, from the first table.

    Args:
        source: the tables.
        wish: what the user knows; it has "" for the rest.
        ignore: columns that are left out.
        order: of day, month and year, where the user says it.

    Raises:
        ElmanError: no such column, or none with numbers; times that cannot be read.
    """
    first = files_of(source)[0]
    check_task(first, "anomaly", wish.dialect.encoding)
    table = read_table(first, BadRows(skip=True), wish.dialect)
    table.tell()
    said = [*wish.values, *([wish.series] if wish.series else [])]
    for column in (*said, *ignore):
        table.known(column)
    if twice := next((name for name in said if name in (*wish.time, wish.label) or said.count(name) > 1), None):
        raise ElmanError(f"the column {twice!r} is named for two things; name it for one")
    if not (said or wish.time):
        _refuse_across(table, order)
    refuse_months(table, [*said, *ignore])
    free = [column for column in table.columns if column not in ignore]
    when = find_when(table, wish.time, [c for c in free if c not in said], order=order, counted=True)
    label = _label(table, wish.label, [c for c in free if c not in (*when.columns, wish.series)])
    rest = [c for c in free if c not in (*when.columns, label)]
    changes = [c for c in rest if is_named(c, "change") and are_labels(table.frame[c])]
    empty = [c for c in rest if not has_value(table.frame[c]).any()]
    series = wish.series or _find_series(table, when, [c for c in rest if c not in wish.values])
    numbers = [
        c for c in rest if c not in (*changes, series) and table.is_numeric(c) and not holds_codes(table.frame[c])
    ]
    counting = [c for c in numbers if names_rows(table, c) or is_stamp(table.frame[c]) or runs_through(table, c)]
    amounts = [c for c in numbers if c not in counting]
    flags = [] if wish.values else [c for c in amounts if is_flag(numbers_of(table, c))]
    flags = flags if len(flags) < len(amounts) else []
    values = wish.values or tuple(c for c in amounts if c not in flags) or tuple(numbers)
    if not values:
        raise ElmanError(f"{table.name} has no column of numbers; {no_numbers(table)}")
    log.info("values: %s; time: %s; label: %s", listed(values), when.said or "none", label or "none")
    if series:
        log.info("streams: %s different of %s", f"{table.frame[series].n_unique():,}", series)
    if flags:
        log.info("flags, which are not watched unless --values names them: %s", listed(flags))
    if left := [c for c in table.columns if c not in (*values, *flags, *when.columns, label, series)]:
        log.info("columns left out: %s%s", listed(unused(table, left)), f" (empty: {listed(empty)})" if empty else "")
    dialect = _written(source, table, values, wish.dialect)
    return Columns(values, when.columns, label, dialect, tuple(table.columns), when.forms, series)


def _refuse_across(table: Table, order: str) -> None:
    """Refuse a table with a series in each row, over years or dates that its columns are named by."""
    names = names_of_rows(table, order)
    values = value_columns(table.columns, names, order) if names else ()
    if values and are_times(values):
        raise ElmanError(
            f"{table.name}: a row is a series over {values[0]} to {values[-1]}, named by {', '.join(names)}; anomalies "
            "are looked for in columns: write a row for each time, with a column for each series"
        )


def _find_series(table: Table, when: When, among: Sequence[str]) -> str:
    """The column by which the rows of a table are several streams, in each of which times rise, or "".

    It is named as what tells streams apart, or the first one of words by which times that repeat do so no more.
    """
    if not when.columns:
        return ""
    times = when.read(table.frame).values
    if not (np.diff(times) <= 0).any():
        return ""
    repeats = len(np.unique(times)) <= len(times) // 2
    words = [c for c in among if table.frame[c].dtype == pl.String and not table.is_numeric(c)] if repeats else []
    for name in dict.fromkeys((*(c for c in among if is_identity(c) or is_named(c, "series", "identity")), *words)):
        kinds = table.frame[name].n_unique()
        if not 1 < kinds <= len(table) // 2:
            continue
        members = as_text(table.frame[name]).fill_null("").rank("dense").to_numpy()
        order = np.argsort(members, kind="stable")
        steps = np.diff(times[order])[np.diff(members[order] * 1.0) == 0]
        if len(steps) and max((steps > 0).mean(), (steps < 0).mean()) >= 0.99:
            return name
    return ""


def _written(source: Any, first: Table, values: Sequence[str], said: Dialect) -> Dialect:
    """How the numbers of all tables are written, of which one may tell what another does not."""
    like = None if said.separator else Known(first.columns, values, dialect=first.dialect).fits
    tables = [first, *(read_table(each, BadRows(skip=True), first.dialect, like) for each in files_of(source)[1:])]
    parts = [each.only(values) for each in tables if set(values) <= set(each.columns)]
    return (joined(parts, str(source)) if len(parts) > 1 else first).written(*values)


def find_label(source: Any, columns: Columns, wish: str) -> str:
    """The column of labels of streams to judge on, where those to learn from had none, or "".

    Args:
        source: the streams.
        columns: those that were learnt from.
        wish: the column that the user names, or "".

    Raises:
        ElmanError: no such column.
    """
    table = read_again(files_of(source)[0], columns.known, BadRows(skip=True))
    return _label(table, wish, [c for c in table.columns if c not in (*columns.values, *columns.when.columns)])


def _label(table: Table, wish: str, among: Sequence[str]) -> str:
    return table.column(wish, "anomaly", among=[c for c in among if are_labels(table.frame[c])])


def read_streams(
    source: Any, columns: Columns, bad: BadRows, windows: str = "", *, labelled: bool = True
) -> list[Stream]:
    """Every series of a file, a folder, or a table in memory.

    Args:
        source: a file, a folder with one series a file, or a data frame.
        columns: which are what; one of labels may be missing.
        bad: what is done about rows that cannot be used.
        windows: a file with the windows of anomalies by the name of the file, or of the stream where a table has
            several, as ``combined_windows.json``; without one, that is looked for beside the data.
        labelled: whether labels and windows are read.

    Raises:
        ElmanError: a file that lacks a column or has no rows, a window that is not in its file.
    """
    files = files_of(source)
    limits = _read_windows(source, windows) if labelled else {}
    streams = [
        replace(stream, place=number)
        for number, each in enumerate(files)
        for stream in _read_streams(each, columns, bad, limits, labelled)
    ]
    if limits and not any(stream.windows is not None for stream in streams):
        several = f", whose streams are named by {columns.series}" if columns.series else ""
        log.warning("%s names none of the files%s", limits["path"], several)
    _tell_sums(streams, columns)
    for number, column in enumerate(columns.values):
        leaks = [
            stream.name
            for stream in streams
            if stream.labels is not None and columns.label and _tells(stream.values[:, number], stream.labels)
        ]
        if leaks:
            log.warning("the column %s tells the label by itself in %s; leave it out with --ignore", column, leaks[0])
    return streams


def _tell_sums(streams: Sequence[Stream], columns: Columns) -> None:
    """Warn of streams of one table that sum up the others, or have no name."""
    if not columns.series or len({(each.file, len(each)) for each in streams}) != 1:
        return
    if any(not each.name.strip() for each in streams):
        log.warning("a stream has no name: its rows have nothing in %s", columns.series)
    if all(np.array_equal(each.times, streams[0].times, equal_nan=True) for each in streams):
        values = np.column_stack([each.values[:, 0] for each in streams])
        for line in told_series([(each.name,) for each in streams], [columns.series], values, ""):
            log.warning("%s", line)


def read_row(line: str, columns: Columns) -> tuple[np.ndarray, dict[str, Any], str]:
    """The values ``[K]`` of a line, NaN where there is none, its time as it stands, and the name of its stream, or "".

    Raises:
        ElmanError: another number of cells, or a cell that is no number.
    """
    table = read_again(Line(line), columns.known, BadRows())
    values = _values(table.numeric(*columns.values), columns)[0]
    shown = _shown(table, columns)
    return values, shown.row(0, named=True) if shown.width else {}, "".join(_names(table, columns))


def _shown(table: Table, columns: Columns) -> pl.DataFrame:
    """The times of rows as they stand, but where what is answered bears the name."""
    names = (*columns.time, columns.series)
    return table.spread().select(c for c in names if c in table.columns and c not in ANSWERED)


def _names(table: Table, columns: Columns) -> list[str]:
    """The name of the stream of each row; nothing where a table is one."""
    return as_text(table.frame[table.known(columns.series)]).fill_null("").to_list() if columns.series else []


def _values(table: Table, columns: Columns) -> np.ndarray:
    return table.frame.select(columns.values).to_numpy().astype(float)


def _read_streams(source: Any, columns: Columns, bad: BadRows, limits: dict[str, Any], labelled: bool) -> list[Stream]:
    table = read_again(source, columns.known, bad)
    shown = _shown(table, columns)
    table, times = _times(table.numeric(*columns.values), columns)
    if labelled and not len(table):
        raise ElmanError(f"{table.name} has no rows that can be used")
    labels = None
    if labelled and columns.label and columns.label in table.columns:
        table, labels = _read_labels(table, columns.label)
        table, times = _times(table, columns)
    whole = Stream(table.name, _values(table, columns), times, labels, None, table.index, table.size, shown, table.name)
    names = _names(table, columns)
    if names:
        members, places = list(dict.fromkeys(names)), pl.Series(names)
        streams = [_in_order(replace(_rows(whole, (places == name).to_numpy()), name=name)) for name in members]
        return [_with_windows(stream, limits, _key(stream.name, limits)) for stream in streams]
    stream = _in_order(whole)
    return [_with_windows(stream, limits, _key(source.absolute(), limits) if isinstance(source, Path) else None)]


def _with_windows(stream: Stream, limits: dict[str, Any], key: str | None) -> Stream:
    """A stream with the windows that a file has under a key, and labels by them where it has none."""
    if key is None:
        return stream
    found = _windows_of(key, limits, stream)
    labels = stream.labels
    if labels is None:
        labels = np.zeros(len(stream), bool)
        for first, last in found:
            labels[first : last + 1] = True
    return replace(stream, windows=found, labels=labels)


def _rows(stream: Stream, rows: np.ndarray | slice) -> Stream:
    """Some rows of a stream; its windows stay as they are."""
    labels = None if stream.labels is None else stream.labels[rows]
    parts = {"values": stream.values[rows], "times": stream.times[rows], "index": stream.index[rows]}
    return replace(stream, labels=labels, **parts)


def _in_order(stream: Stream) -> Stream:
    """A stream whose rows all go back in time from its end on, and another as it is."""
    steps = np.diff(stream.times)
    back = int((steps < 0).sum())
    if back and (steps <= 0).all():
        log.info("%s: times go back from row to row; the last row is taken for the first", stream.name)
        return _rows(stream, slice(None, None, -1))
    if back:
        log.info("%s: times go back %s; rows are taken in the order of the file", stream.name, counted(back, "times"))
    return stream


def _times(table: Table, columns: Columns) -> tuple[Table, np.ndarray]:
    """The table without rows whose time cannot be read, and the times; NaN where they are no dates."""
    when = columns.when
    if not when.columns or not set(when.columns) <= set(table.columns):
        return table, np.full(len(table), np.nan)
    times = when.read(table.frame)
    missing = np.flatnonzero(np.isnan(times.values)).tolist()
    table = table.reject({row: when.missing(table, row) for row in missing})
    values = times.values[np.isfinite(times.values)]
    return table, values if times.dated else np.full(len(table), np.nan)


def _read_labels(table: Table, column: str) -> tuple[Table, np.ndarray]:
    cells = ["" if cell is None else str(cell).strip().lower() for cell in table[column]]
    said = [says(cell) for cell in cells]
    wrong = {n: f"{column} is {cells[n]!r}, not 0 or 1" for n, yes in enumerate(said) if yes is None}
    return table.reject(wrong), np.array([yes for yes in said if yes is not None], bool)


def _tells(values: np.ndarray, labels: np.ndarray) -> bool:
    """Whether two values, one for each label, are all that there is."""
    if not labels.any() or labels.all():
        return False
    yes, no = np.unique(values[labels]), np.unique(values[~labels])
    return len(yes) == len(no) == 1 and yes[0] != no[0]


def _read_windows(source: Any, windows: str) -> dict[str, Any]:
    """The windows of each file, under ``files``, and where they come from; nothing where there are none."""
    if windows:
        path = Path(windows)
    elif isinstance(source, Path):
        places = [source, *source.absolute().parents[:3]]
        found = (place / folder / WINDOWS for place in places for folder in ("", "labels"))
        path = next((each for each in found if each.is_file()), None)
    else:
        path = None
    if path is None:
        return {}
    try:
        files = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ElmanError(f"there is no file {path}") from error
    except ValueError as error:
        raise ElmanError(f"{path} holds no JSON: {error}") from error
    if not isinstance(files, dict):
        raise ElmanError(f'{path} is to hold an object such as {{"file.csv": [["first time", "last time"]]}}')
    log.info("windows of anomalies: %s", path)
    return {"path": path, "files": files}


def _key(name: str | Path, limits: dict[str, Any]) -> str | None:
    """The key under which the windows of a file, or of a stream, are; None where the windows' file does not name it."""
    keys = limits.get("files", {})
    if isinstance(name, str):
        return name if name in keys else None
    return next((key for key in keys if tuple(Path(key).parts) == name.parts[-len(Path(key).parts) :]), None)


def _windows_of(key: str, limits: dict[str, Any], stream: Stream) -> tuple[tuple[int, int], ...]:
    """The rows of the windows of a stream."""
    found, times = [], stream.times
    for pair in limits["files"][key]:
        ends = read_times(pl.Series([str(end) for end in pair])).values if len(pair) == 2 else np.array([np.nan])
        inside = np.flatnonzero((times >= ends[0]) & (times <= ends[-1]))
        if not len(inside):
            raise ElmanError(f"{limits['path']}: the window {pair} of {key} has no row in {stream.file}")
        exact = np.flatnonzero(times == ends[-1])  # of rows of the same time, the first ends the window
        found.append((int(inside[0]), int(exact[0]) if len(exact) else int(inside[-1])))
    return tuple(sorted(found))
