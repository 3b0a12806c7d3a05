"""Which columns of a table of events have what was taken, and who took it."""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from elman.data.columns import find, listed
from elman.data.numbers.cells import as_text, has_value
from elman.data.tables import Table
from elman.data.times.when import When, find_when
from elman.errors import ElmanError, brief, quoted

HISTORIES = {"items", "events", "history", "sequence", "clicks", "views", "actions", "purchases", "interactions"}
# what cells are that say whether a row has something, and in more than how many columns
MARKS_OF_FLAGS = ({"0", "1"}, {"true", "false"}, {"t", "f"}, {"t", "?"}, {"yes", "no"}, {"y", "n"})
FLAGS = 3
CLOCKS = ("time", "stamp")  # roles of when an item of a list was


def item_of(table: Table, columns: Sequence[str], lists: Sequence[str]) -> str:
    """The column of lists that are sessions, or "".

    Where a column is named as that of items and another as that of users, lists that are not named as sessions are
    something about each event.

    Args:
        table: whose lists of objects are columns of their own.
        columns: of the table as it was.
        lists: which of them have lists.
    """
    plain = [column for column in columns if column not in lists]
    events = find(plain, "item", bare=True) and find(plain, "person", "session", bare=True)
    named = [c for c in lists if c.lower() in HISTORIES or find([c, c.removesuffix("s")], "item", "session", bare=True)]
    chosen = (named or ([] if events else lists) or [""])[0]
    return chosen if chosen in table.columns else chosen and field_of_items(table, chosen)


def field_of_items(table: Table, column: str) -> str:
    """The column with what objects in lists are known by: that which is named as items are, an ``id``, or the only one.

    Raises:
        ElmanError: there are several, and nothing tells.
    """
    within = [name for name in table.columns if name.startswith(f"{column}.")]
    fields = {name.removeprefix(f"{column}."): name for name in within}
    found = find(fields, "item", bare=True) or next((name for name in fields if name.lower() == "id"), "")
    if found or len(fields) == 1:
        return fields[found or next(iter(fields))]
    raise ElmanError(
        f"{table.name} has objects in the lists of {column}, with {listed(list(fields))}; say which of these is the "
        f"item, such as --item-column {within[0]}"
    )


def times_beside(table: Table, item: str, wish: Sequence[str]) -> When | None:
    """When the items of objects in lists were, by what stands beside them; None where nothing does."""
    held = item.rpartition(".")[0]
    beside = [name for name in table.columns if held and name.startswith(f"{held}.") and name != item]
    fields = [name.removeprefix(f"{held}.") for name in beside]
    name = next((name for name in wish if name in beside), "")
    usual = "" if wish else find(fields, *CLOCKS)
    name = name or (usual and f"{held}.{usual}")
    if not name:
        return None
    cells = table.frame[name]
    inner = cells.filter(cells.list.len().fill_null(0) > 0).explode()
    lines, rows = np.ones(len(inner), int), np.arange(len(inner))
    each = Table(table.name, inner.to_frame(), lines, rows, len(inner), table.bad, table.dialect)
    return find_when(each, [name], [name])


def filled(table: Table, wish: Sequence[str], person: str, session: str) -> tuple[str, str]:
    """The columns of users and of sessions, without one that not all rows have where the other is whole.

    Args:
        table: of events.
        wish: columns that the user names, which are used as they are.
        person: the column of users, or "".
        session: that of sessions, or "".
    """
    if not (person and session):
        return person, session
    whole = [bool(has_value(table.frame[name]).all()) for name in (person, session)]
    if all(whole) or not any(whole):
        return person, session
    return (person if whole[0] or person in wish else ""), (session if whole[1] or session in wish else "")


def by_kind(table: Table, found: set[str], person: str, item: str) -> tuple[str, str]:
    """Who and what, where names do not tell: the columns whose values come again and again, first who, then what."""
    rows = len(table)
    distinct = {c: table.frame[c].n_unique() for c in table.columns if c not in found}
    _check_flags(table, list(distinct))
    left = [c for c in distinct if 1 < distinct[c] < max(rows, 2) and not _has_decimals(table, c)]
    wanted = 2 - bool(person) - bool(item)
    # numbers of which there are few may well be ratings, which stand behind who and what
    few = list(takewhile(lambda c: distinct[c] <= 11 and table.is_numeric(c), reversed(left)))
    left = [c for c in left if c not in few[: max(0, len(left) - wanted)]]
    if len(left) != wanted and len(table.columns) == 1:
        raise ElmanError(
            f"{table.name} has the column {table.columns[0]} alone, and nothing tells who took what; where each row is "
            "a whole session, say with --within what stands between its items"
        )
    if len(left) != wanted:
        raise ElmanError(
            f"{table.name} has columns {listed(_shown(table))}; say with --person-column (or --session-column) and "
            "--item-column which of them tell who took what"
        )
    return person or left[0], item or left[-1]


def _has_decimals(table: Table, column: str) -> bool:
    """Whether a column has numbers that are not whole, as no names of items are."""
    if not table.is_numeric(column):
        return False
    cells = as_text(table.frame[column])
    return bool(cells.str.contains(r"^\s*[+-]?\d+[.,]\d*[1-9]\d*\s*$").any())


def _check_flags(table: Table, columns: Sequence[str]) -> None:
    """Refuse a table in which all columns say of each row whether it has something."""
    kinds = set()
    for column in columns:
        cells = table.frame[column].drop_nulls().unique().head(3)
        kinds |= set(as_text(cells).str.to_lowercase().to_list())
    if len(columns) > FLAGS and kinds and any(kinds <= each for each in MARKS_OF_FLAGS):
        raise ElmanError(
            f"{table.name} says in each of its columns {listed(list(columns), 3)} whether a row has it; give the names "
            "of the items of each row, such as milk,tea, in a line"
        )


def _shown(table: Table) -> list[str]:
    """The names of columns, and where a file has none what stands in the first row."""
    if table.dialect.header is not False:
        return table.columns
    return [f"{name} ({quoted(brief(str(cell), 25))})" for name, cell in table.frame.row(0, named=True).items()]


def only(table: Table, found: set[str]) -> str:
    """The only column that can be that of whole sessions.

    Raises:
        ElmanError: there are several, or none.
    """
    left = [column for column in table.columns if column not in found]
    if len(left) != 1:
        raise ElmanError(
            f"{table.name} has columns {listed(table.columns)}; say which has the items with --item-column"
        )
    return left[0]
