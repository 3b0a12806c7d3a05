"""Events: who took what, and when; put in order as the sessions of people."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.formats import check_task, delimited, format_of
from elman.data.lists import with_lists
from elman.data.nested import holds_objects, unnested
from elman.data.numbers.cells import as_text
from elman.data.reading import read_table
from elman.data.rows import Known, Line, read_again
from elman.data.separators import SEPARATORS
from elman.data.tables import Table
from elman.data.times.column import EPOCHS
from elman.data.times.found import find_form
from elman.data.times.when import When, find_when
from elman.errors import ElmanError, brief, quoted
from elman.tasks.recommend.baskets import MARKS, heading_of, mark_between, read_baskets
from elman.tasks.recommend.lines import LISTS, USERS, is_sessions, read_sessions
from elman.tasks.recommend.roles import by_kind, field_of_items, filled, item_of, only, times_beside
from elman.tasks.recommend.sessions import Sessions, listed_sessions, row_sessions

log = logging.getLogger(__name__)

MORE_ALIKE = 2  # times as many different cells as parts of them, where a cell may be several items
MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True)
class EventLayout(Lain):
    """How events lie in a table; kept with a model, so that other tables are read as the first one was.

    Args:
        item: the column of what was taken; a list of items where a row is a whole session.
        person: the column of who took it, or none.
        session: the column that tells the sessions of a person apart, or none.
        time: the column of when, or those of a day and a time of day that tell it, or none: rows in their order then.
        rating: the column of how it was liked, which ``least`` looks at.
        least: an event rated lower is left out.
        gap: minutes, or units of times that are only numbers, after which a person's next session begins; 0 for never.
        within: what stands between the items of a row that is a whole session; empty where a row is one event.
        columns: all columns of the table.
        dialect: how it is written.
        forms: in which times are written.
        heading: the names in the first line of a file of baskets or sessions, each in a line; or none.
    """

    item: str
    person: str = ""
    session: str = ""
    time: tuple[str, ...] = ()
    rating: str = ""
    least: float | None = None
    gap: float = 0.0
    within: str = ""
    columns: tuple[str, ...] = ()
    dialect: Dialect = UNKNOWN
    forms: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()

    @property
    def when(self) -> When:
        """The same of ``time``, to be read."""
        return When(self.time, self.forms)

    @property
    def keys(self) -> list[str]:
        """The columns that tell sessions apart."""
        return [name for name in (self.person, self.session) if name]

    @property
    def known(self) -> Known:
        """What is known of other tables of events, and of the lines of a stream."""
        if self.within:  # a row is a session; it may be anybody's
            held = self.item if self.item in self.columns else self.item.rpartition(".")[0]  # where items are objects
            return Known(self.columns, [held], useful=self.keys, dialect=self.dialect, free=True)
        times = self.when.columns
        needed = [*self.keys, self.item, *(times if self.gap else [])]
        needed += [self.rating] if self.least is not None else []
        return Known(self.columns, needed, useful=times, dialect=self.dialect)

    @property
    def longest_pause(self) -> float:
        """The gap in the unit of times that are dates."""
        return self.gap * MINUTE


def find_events(
    source: Any, wish: EventLayout, bad: BadRows, ignore: Sequence[str] = (), order: str = ""
) -> EventLayout:
    """How the events of a table lie, announced in one line.

    Args:
        source: a file, or a data frame.
        wish: what the user says of it; what is empty is found out.
        bad: what is done about rows that cannot be used.
        ignore: columns that are left out.
        order: of day, month and year, where the user says it.

    Raises:
        ElmanError: columns that cannot be told apart, or that do not exist; times that cannot be read.

    Example:
        >>> table = pl.DataFrame({"userId": ["a", "b"], "movieId": ["x", "y"], "rating": [5, 3], "timestamp": [1, 2]})
        >>> find_events(table, EventLayout(item=""), BadRows()).keys
        ['userId']
    """
    check_task(source, "recommend", wish.dialect.encoding)
    mark = _mark(source, wish)
    table = read_baskets(source, bad, wish.dialect, mark) if mark else _table(source, wish, bad)
    columns, held = tuple(table.columns), [c for c in table.columns if holds_objects(table.frame[c])]
    table = replace(table, frame=with_lists(unnested(table.frame)))
    if wish.item in held:
        wish = replace(wish, item=field_of_items(table, wish.item))
    chosen = [name for name in (wish.item, wish.person, wish.session, *wish.time, wish.rating, *ignore) if name]
    for name in chosen:
        table.known(name)

    def usual(*roles: str) -> str:
        return find([column for column in table.columns if column not in chosen], *roles, bare=True)

    lists = [column for column in columns if column in held or table.frame.schema[column].is_nested()]
    item = wish.item or item_of(table, columns, lists) or usual("item")
    within = wish.within or mark or (" " if item and table.frame.schema[item].is_nested() else "")
    chosen.append(item)
    person = wish.person or usual("person")
    session = wish.session or usual("session")
    person, session = filled(table, (wish.person, wish.session), person, session)
    rating = wish.rating or usual("rating")
    inside = times_beside(table, item, wish.time) if within else None
    when = inside or _when(table, wish.time, [*chosen, *lists, person, session, rating], order)
    found = {person, session, *when.columns, rating, *chosen}
    if not within and not (item and (person or session)):
        who, item = by_kind(table, found, person or session, item)
        person = person if session else who
    item = item or only(table, found)
    rated = [rating] if rating and wish.least is not None else []
    layout = replace(
        wish, item=item, person=person, session=session, time=when.columns, rating=rating, within=within,
        forms=when.forms, columns=columns, dialect=table.written(*rated),
        heading=_heading(source, table, mark),
    )  # fmt: skip
    if layout.gap and not layout.time:
        raise ElmanError("a gap that parts sessions needs times; give --time-column")
    table.tell()
    used = (item, person, session, *when.columns, rating, *ignore)
    left = [column for column in table.columns if column not in used]
    log.info("%s: %s%s", table.name, _said(layout), f"; not used: {listed(left)}" if left else "")
    if not within and (said := _looks_like_several(table, item)):
        log.warning("%s", said)
    return layout


def read_events(source: Any, layout: EventLayout, bad: BadRows) -> Sessions:
    """The sessions of a table of events, in the order in which they begin there.

    Args:
        source: a file, a data frame, a list of lists of items, or a line of a stream that is a session.
        layout: how it lies.
        bad: what is done about rows without a person or an item, or with a time that is none.

    Raises:
        ElmanError: a table that cannot be read, or no events.
    """
    if isinstance(source, list | tuple):
        return listed_sessions(list(source), bad)
    if (
        layout.columns in (LISTS, USERS)
        and isinstance(source, Path)
        and is_sessions(source, layout.dialect.encoding, again=True)
    ):
        table = read_sessions(source, bad, layout.dialect, layout.columns == USERS, layout.heading)
    elif _has_baskets(source, layout):
        table = read_baskets(source, bad, layout.dialect, layout.within, layout.columns == USERS, layout.heading)
    else:
        table = read_again(source, layout.known, bad)
        table = replace(table, frame=with_lists(unnested(table.frame)))
    for column in [layout.item] if layout.within else [*layout.known.needed, *layout.when.columns]:
        table.known(column)
    if layout.within:
        return row_sessions(table, layout.item, layout.within, layout.keys, layout.when)
    asked = table.text(*layout.keys).frame.select(_named(table.frame[key]) for key in layout.keys)
    asked = asked.filter(~pl.any_horizontal(pl.all().fill_null("") == "")).unique(maintain_order=True)
    events, dated = _events(table, layout)
    if not len(events):
        raise ElmanError(f"{table.name} has no events")
    return _gathered(events, layout, dated, asked)


class Event(NamedTuple):
    """One event of a stream."""

    key: tuple[str, ...]  # whose it is
    item: str
    time: float  # in the unit of the gap; 0 where there is none


def read_event(line: str, layout: EventLayout) -> Event | None:
    """An event from a line of a stream, read as a row of a file; None for one that is left out.

    Raises:
        ElmanError: a line without a person or an item, or with a time that is none.
    """
    events, dated = _events(read_again(Line(line), layout.known, BadRows()), layout)
    if not len(events):
        return None
    *key, item, time = events.row(0)
    return Event(tuple(key), item, time / (MINUTE if dated else 1) if layout.gap else 0.0)


def _events(table: Table, layout: EventLayout) -> tuple[pl.DataFrame, bool]:
    """Whose each event is, its item and its time, in the order of the rows; and whether times are dates."""
    table = _complete(table, [*layout.keys, layout.item])
    if layout.least is not None:
        table = table.numeric(layout.rating)
        table = table.take((table.frame[layout.rating] >= layout.least).fill_null(False).arg_true().to_numpy())
    times, dated = np.arange(len(table), dtype=float), False
    when = layout.when
    if when.columns and (layout.gap or set(when.columns) <= set(table.columns)):
        table, times, dated = _timed(table, when)
    keys = table.frame.select(_named(table.frame[key]) for key in layout.keys)
    return keys.with_columns(_named(table.frame[layout.item]).alias("\0item"), pl.Series("\0time", times)), dated


def _gathered(events: pl.DataFrame, layout: EventLayout, dated: bool, asked: pl.DataFrame) -> Sessions:
    """Events as sessions, each in the order of its times; of those asked for some may have no event."""
    names = events["\0item"].unique(maintain_order=True)
    events = events.with_columns(events["\0item"].cast(pl.Enum(names)).to_physical().cast(pl.Int64))
    inside = [pl.col(name).sort_by("\0time", maintain_order=True) for name in ("\0item", "\0time")]
    groups = events.group_by(layout.keys, maintain_order=True).agg(inside)
    items = [each.to_numpy() for each in groups["\0item"]]
    times = [each.to_numpy() for each in groups["\0time"]]
    rows = np.arange(len(items))
    if layout.gap:
        pause = layout.longest_pause if dated else layout.gap
        cuts = [np.flatnonzero(np.diff(each) > pause) + 1 for each in times]
        rows = np.repeat(rows, [len(cut) + 1 for cut in cuts])
        items = [part for each, cut in zip(items, cuts, strict=True) for part in np.split(each, cut)]
        times = [part for each, cut in zip(times, cuts, strict=True) for part in np.split(each, cut)]
    keys = groups.select(layout.keys)[rows.tolist()]
    ends = np.array([each[-1] for each in times])
    places = keys.join(asked.with_row_index("\0place"), on=layout.keys, how="left", maintain_order="left")
    return Sessions(keys, names.to_list(), items, ends, places["\0place"].to_numpy(), asked)


def _table(source: Any, layout: EventLayout, bad: BadRows) -> Table:
    if isinstance(source, list | tuple):
        source = pl.DataFrame({"items": [list(each) for each in source]})
    if isinstance(source, Path) and not source.is_dir() and is_sessions(source, layout.dialect.encoding):
        return read_sessions(source, bad, layout.dialect)
    return read_table(source, bad, layout.dialect, layout.known.fits)


def _mark(source: Any, wish: EventLayout) -> str:
    """What stands between the items of a file with a basket a line; "" of others, and where columns are asked for."""
    if not isinstance(source, Path) or source.is_dir() or wish.item or wish.person or wish.session:
        return ""
    return mark_between(source, wish.dialect.encoding)


def _heading(source: Any, table: Table, mark: str) -> tuple[str, ...]:
    """The names above baskets or sessions that are a line each."""
    if not mark and not (isinstance(source, Path) and tuple(table.columns) in (LISTS, USERS) and not source.is_dir()):
        return ()
    return heading_of(source, table.dialect.encoding, mark)


def _has_baskets(source: Any, layout: EventLayout) -> bool:
    """Whether a file has a basket a line, as the one that was learnt from."""
    learnt = layout.columns in (LISTS, USERS) and layout.within in MARKS and not layout.dialect.separator
    is_file = learnt and isinstance(source, Path) and not source.is_dir()
    return is_file and format_of(source, layout.dialect.encoding) is delimited.FORMAT


def _complete(table: Table, columns: list[str]) -> Table:
    """The table without rows that lack a value."""
    for column in columns:
        cells = table.text(column).frame[column]
        empty = cells.is_null() | (cells.str.strip_chars() == "")
        table = table.reject(dict.fromkeys(empty.arg_true().to_list(), f"has no {column}"))
    return table


def _timed(table: Table, when: When) -> tuple[Table, np.ndarray, bool]:
    """The table without rows whose time is none, the times, and whether they are dates."""
    for column in when.columns:
        table.known(column)
    times = when.read(table.frame)
    wrong = np.flatnonzero(~np.isfinite(times.values)).tolist()
    said = {row: when.missing(table, row) for row in wrong}
    return table.reject(said), times.values[np.isfinite(times.values)], times.dated


def _named(column: pl.Series) -> pl.Series:
    """Names as text; 7.0, which a number becomes beside an empty cell, is 7."""
    return as_text(column).str.strip_chars()


def _when(table: Table, wish: Sequence[str], others: Sequence[str], order: str) -> When:
    """The columns of times; without a name that says so those of dates, or of seconds since 1970."""
    free = [column for column in table.columns if column not in others]
    found = find_when(table, wish, free, order=order)
    if found.columns:
        return found
    numbers = [column for column in free if table.is_numeric(column)]
    since = next((column for column in numbers if find_form(table.frame[column]).form in EPOCHS), "")
    return find_when(table, [since], free) if since else found


def _looks_like_several(table: Table, item: str) -> str:
    """A line where cells of items look like several of them, since what marks part them into comes again and again."""
    cells = as_text(table.frame[item]).drop_nulls()
    for mark in MARKS:
        parts = cells.str.split(mark)
        several = parts.list.len() > 1
        kinds = parts.explode().str.strip_chars().n_unique()
        if 2 * int(several.sum()) > len(cells) and MORE_ALIKE * kinds < cells.n_unique():
            shown = quoted(brief(cells.filter(several)[0], 40))
            return f"{item} such as {shown} look like several; --within {quote(mark)} takes them for a session each"
    return ""


def _said(layout: EventLayout) -> str:
    parts = [f"what is in column {layout.item}"]
    parts += [f"who in {layout.person}"] if layout.person else []
    parts += [f"sessions in {layout.session}"] if layout.session else []
    parts += [f"when in {layout.when.said}"] if layout.time else ["in the order of the rows"]
    if layout.rating:
        looked = "not looked at" if layout.least is None else f"{layout.least:g} or more"
        parts.append(f"ratings in {layout.rating}, {looked}")
    if layout.within:
        parts.append("a session a row")
    if layout.dialect.separator:
        parts.append(f"{SEPARATORS.get(layout.dialect.separator, repr(layout.dialect.separator))} between columns")
    if layout.dialect.header is False:
        parts.append("no header")
    return ", ".join(parts)
