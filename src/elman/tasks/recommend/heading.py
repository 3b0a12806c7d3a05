"""What stands above baskets or sessions that are a line each: names of columns, and which of these have the items."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from elman.data.columns import find

NUMBERED = re.compile(r"(.*?)[\s_.#-]*(\d{1,4})")  # such as Item 1, item_1 and item.1
LONGEST = 200  # characters of a name
FEWEST = 10  # lines, which tell that what stands in the first is in none of the others by no chance
SHARED = 0.5  # of what stands in a column numbered alike at least stands in another of them as well


def find_heading(rows: Sequence[Sequence[str]], learnt: Sequence[str] | None = None) -> tuple[str, ...]:
    """The first line of a file of baskets, where it has names and no items; () elsewhere.

    Its cells stand nowhere else, and are numbered alike, or named as items or baskets are; or else all other lines have
    items that come again.

    Args:
        rows: the cells of the first lines.
        learnt: the same of the file that was learnt from, whose names are known again.

    Example:
        >>> rows = [["K1", "milk", "tea"], ["K2", "tea"], ["K3", "milk", "tea", "rice"]]
        >>> find_heading([["Kunde", "Artikel1", "Artikel2"], *rows]), find_heading(rows)
        (('Kunde', 'Artikel1', 'Artikel2'), ())
    """
    if not rows or not all(rows[0]) or len(set(rows[0])) < len(rows[0]) or max(map(len, rows[0])) > LONGEST:
        return ()
    first, below = tuple(rows[0]), rows[1:]
    if learnt:
        return first if set(first) <= set(learnt) else ()
    times = Counter(cell for row in below for cell in set(row) if cell)
    if any(times[cell] for cell in first) or not times:
        return ()
    if numbered := items_numbered(first):
        stem = _stem(first[numbered[-1]])
        return () if any(_stem(cell) == stem for cell in times) else first
    if len(first) == 1 and _is_named(first[0]):
        return first
    again = [[times[cell] > 1 for cell in row if cell] for row in below]
    if learnt is not None or len(below) < FEWEST or sum(map(len, again)) < 2 * len(again):
        return ()
    # a single name is told from an item that comes once by there being no other such
    return first if all(map(any if len(first) > 1 else all, filter(None, again))) else ()


def items_numbered(names: Sequence[str]) -> list[int]:
    """The places of names that are numbered alike, one after the other; before the first number may be none.

    >>> items_numbered(["Item(s)", "Item 1", "Item 2"]), items_numbered(["who", "item", "item.1"])
    ([1, 2], [1, 2])
    >>> items_numbered(["Warenkorb"]), items_numbered(["B7", "B3"])
    ([], [])
    """
    stems = [_stem(name) for name in names]
    most = max((stem for stem in stems if stem is not None), key=stems.count, default=None)
    places = [place for place, stem in enumerate(stems) if stem is not None and stem == most]
    numbers = [int(match[2]) for place in places if (match := NUMBERED.fullmatch(names[place].strip().lower()))]
    if not places or any(b != a + 1 for a, b in pairwise(numbers)) or any(b != a + 1 for a, b in pairwise(places)):
        return []
    if numbers[0] == 1 and places[0] and names[places[0] - 1].strip().lower() == most:
        places = [places[0] - 1, *places]  # as pandas names columns that are named alike
    return places if len(places) > 1 else []


def items_among(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[int], int | None]:
    """Which columns have the items, and which one names the user or the basket, or None.

    Args:
        heading: the names of the columns.
        rows: the cells of some lines below.
    """
    items, key = items_numbered(heading), None
    if items:
        keys = [n for n in range(len(heading)) if n not in items and not _counts(n, items, rows)]
        usual = find([heading[n] for n in keys], "person", "session", bare=True)
        different = [n for n in keys if len({row[n] for row in rows if n < len(row)}) == len(rows)]
        key = list(heading).index(usual) if usual else (different or keys or [None])[0]
    elif len(heading) > 1:
        usual = find(heading, "person", "session", bare=True)
        key = list(heading).index(usual) if usual else None
    items = items or [n for n in range(len(heading)) if n != key]
    if items[-1] == len(heading) - 1:  # the last name may stand above all items from there on
        items = [*items, *range(len(heading), max(map(len, rows), default=0))]
    return items, key


def are_shared(items: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether what stands in columns that are numbered alike is the same, as items in baskets are, and no numbers."""
    cells = [Counter(row[n] for row in rows if n < len(row) and row[n]) for n in items]
    columns = Counter(cell for each in cells for cell in each)
    words = any(not re.fullmatch(r"[\d.,+-]*", cell) for cell in columns)
    return words and sum(number > 1 for number in columns.values()) >= SHARED * len(columns)


def _stem(name: str) -> str | None:
    """A name without its number; None where it has none."""
    match = NUMBERED.fullmatch(name.strip().lower()) if len(name) <= LONGEST else None
    return match[1] if match else None


def _counts(place: int, items: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column says how many items each line has."""
    numbers = [sum(bool(row[n]) for n in items if n < len(row)) for row in rows]
    return all(place < len(row) and row[place] == str(number) for row, number in zip(rows, numbers, strict=True))


def _is_named(name: str) -> bool:
    """Whether a name is that of items, or of baskets, in the one or in the plural."""
    bare = re.sub(r"\W*\bs?\W*$", "", name.strip().lower())
    return any(find([each], "item", "session", bare=True) for each in (name, bare, bare.removesuffix("s")))
