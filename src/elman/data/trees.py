"""Where the rows are in one value of JSON: found by size and shape, wherever in it they lie."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from elman.data.times.column import is_time

ROWS = ("data", "rows", "records", "examples", "items", "results")  # under which an object has its rows
NAMES = ("columns", "fields", "header", "headers")  # under which it has the names of columns of lists
LISTS = ("data", "values", "rows", "records")  # which are under one of these then
DEEPEST = 8  # objects within each other that are looked into
FEWEST = 3  # rows that are told by shape alone
PLAIN = str | int | float | bool | None  # what a cell holds
EPOCH = 1e8  # seconds since 1970, or more, of a moment
DIGITS = 20  # of a moment fewer


class Found(NamedTuple):
    """Rows in a value of JSON.

    Args:
        path: the names under which they lie.
        rows: objects.
        whole: whether they are the elements of one list, as it stands there.
    """

    path: tuple[str, ...]
    rows: list[Any]
    whole: bool


def find_rows(value: Any) -> Found | None:
    """The rows of a value of JSON, those of the most if there are several; None where it has none.

    A list that an object has under a usual name comes first.

    Example:
        >>> find_rows({"meta": {"n": 2}, "result": {"records": [{"a": 1}, {"a": 2}]}}).path
        ('result', 'records')
        >>> find_rows({"hourly": {"time": ["1:00", "2:00", "3:00"], "heat": [7, 8, 9]}}).rows[0]
        {'time': '1:00', 'heat': 7}
    """
    if isinstance(value, dict):
        for name, each in value.items():
            # pairs of a series are rows of it
            listed = name.lower() in ROWS and isinstance(each, list) and len(each) > 1 and isinstance(each[0], dict)
            if listed and not (_are_objects(each) and _series_of(each)):
                return Found((name,), each, True)
    return max(_candidates(value, ()), key=lambda found: len(found.rows), default=None)


def is_pair(value: Any) -> bool:
    """Whether a value is a text and an object that says something of it, as spaCy has had its rows."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)


def others(value: Any, taken: Found) -> list[str]:
    """The names of other rows in a value than those that are taken."""
    found = (".".join(each.path) for each in _candidates(value, ()) if each.path and len(each.rows) >= FEWEST)
    own = ".".join(taken.path)
    return [name for name in dict.fromkeys(found) if not name.startswith(own) and not own.startswith(name)]


def _candidates(value: Any, path: tuple[str, ...]) -> Iterator[Found]:
    if len(path) > DEEPEST:
        return
    if isinstance(value, list):
        yield from _of_list(value, path)
    if isinstance(value, dict):
        if rows := named_lists(value) or _by_moment(value):
            yield Found(path, rows, False)
            return
        if rows := _columns(value):
            yield Found(path, rows, False)
        for name, each in value.items():
            yield from _candidates(each, (*path, str(name)))


def _of_list(value: list[Any], path: tuple[str, ...]) -> Iterator[Found]:
    if _are_objects(value):
        if rows := _series_of(value):
            yield Found(path, rows, False)
            return
        features = [each.get("properties") for each in value if each.get("type") == "Feature"]
        if len(features) == len(value) and _are_objects(features):  # of GeoJSON
            yield Found((*path, "properties"), features, False)
            return
        yield Found(path, value, True)
        if len(value) == 1:
            yield from (each for each in _candidates(value[0], path) if not each.whole)
    elif len(value) == 2 and isinstance(value[0], dict) and _are_objects(value[1]):  # behind what is said of them
        yield Found(path, value[1], False)
    elif value and (isinstance(value[0], dict) or is_pair(value[0])):  # the others are bad rows
        yield Found(path, value, True)
    elif value and all(map(_are_objects, value)):  # a list for each of several things, as Home Assistant has them
        yield Found(path, [row for each in value for row in _filled(each)], False)
    elif len(value) >= FEWEST and (rows := _of_lists(value, path[-1] if path else "value")):
        yield Found(path, rows, False)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _is_cells(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, PLAIN) for each in value)


def _are_lists(value: Any) -> bool:
    """Whether a value is a list of lists of cells, two or more and equally many."""
    if not isinstance(value, list) or not value or not all(map(_is_cells, value)):
        return False
    return len(value[0]) > 1 and all(len(each) == len(value[0]) for each in value)


def _filled(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of which the later ones lack what only the first one says, with it where that is text."""
    said = {name: each for name, each in rows[0].items() if isinstance(each, str)}
    kept = {name: each for name, each in said.items() if not any(name in row for row in rows[1:])}
    return [{**kept, **row} for row in rows]


def _of_lists(value: Sequence[list[Any]], name: str) -> list[dict[str, Any]]:
    """Rows of lists of cells, below a list of names; or pairs of a moment and a value; nothing for others."""
    if not _are_lists(value):
        return []
    first, *below = value
    named = all(isinstance(cell, str) and cell for cell in first) and len(set(first)) == len(first)
    if named and any(isinstance(cell, int | float) for row in below for cell in row):
        return [dict(zip(first, row, strict=True)) for row in below]
    if len(first) == 2 and _are_moments([row[0] for row in value]):
        return [{"time": time, name: each} for time, each in value]
    return []


def _are_moments(cells: Sequence[Any]) -> bool:
    if all(isinstance(cell, int | float) and cell >= EPOCH for cell in cells):
        return all(a <= b for a, b in pairwise(cells)) or all(a >= b for a, b in pairwise(cells))
    return all(isinstance(cell, str) for cell in cells) and is_time(pl.Series(cells, dtype=pl.String))


def _series_of(value: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of objects that have a series each, as Prometheus and InfluxDB have them; nothing for others."""
    rows = []
    for each in value:
        name = next((n for n in ("values", "value", "datapoints") if n in each and "columns" not in each), "")
        beside = {n: cell for n, cell in each.items() if n not in (*NAMES, *LISTS, name)}
        if (series := named_lists(each)) or (name and (series := _pairs(each[name], name))):
            rows += [{**beside, **row} for row in series]
        else:
            return []
    return rows


def _pairs(value: Any, name: str) -> list[dict[str, Any]]:
    """Rows of pairs of a moment and a value; Graphite has the value first."""
    pairs = [value] if name == "value" and _is_cells(value) else value
    if not _are_lists(pairs) or len(pairs[0]) != 2:
        return []
    at = next((n for n in (0, 1) if _are_moments([pair[n] for pair in pairs])), None)
    return [] if at is None else [{"time": pair[at], "value": pair[1 - at]} for pair in pairs]


def named_lists(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an object that has their names and their cells apart, as pandas and InfluxDB write them."""
    lists = next((value[name] for name in LISTS if _are_lists(value.get(name))), None)
    names = next((value[name] for name in NAMES if isinstance(value.get(name), list)), None)
    if lists is None or names is None:
        return []
    names = [each.get("name", each.get("id")) if isinstance(each, dict) else each for each in names]
    if len(names) != len(lists[0]) or len(set(map(str, names))) < len(names) or None in names:
        return []
    return [dict(zip(map(str, names), row, strict=True)) for row in lists]


def _by_moment(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an object that has one, or a number, under each moment; or one under each of many numbers."""
    cells, names = list(value.values()), list(value)
    objects = _are_objects(cells) and len({tuple(sorted(each)) for each in cells}) <= max(1, len(cells) // 2)
    if len(names) < FEWEST or not (objects or all(isinstance(each, int | float) for each in cells)):
        return []
    numbered = all(name.isascii() and name.isdigit() and len(name) < DIGITS for name in names)
    times = [int(name) for name in names] if numbered else names
    if _are_moments(times):
        return [
            {"time": time, **(each if objects else {"value": each})} for time, each in zip(times, cells, strict=True)
        ]
    counted = names == [str(n) for n in range(len(names))]
    return cells if objects and counted and not all(key.isdigit() for key in cells[0]) else []


def _columns(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an object that has columns: the most lists of cells of one length; beside others one is of moments.

    So Open-Meteo has them.
    """
    lists = {str(name): each for name, each in value.items() if _is_cells(each) and len(each) >= FEWEST}
    lengths = Counter(map(len, lists.values()))
    length = max(lengths, key=lambda each: (lengths[each], each), default=0)
    chosen = {name: each for name, each in lists.items() if len(each) == length}
    if len(chosen) < 2 or (len(chosen) < len(value) and not any(map(_are_moments, chosen.values()))):
        return []
    return [dict(zip(chosen, row, strict=True)) for row in zip(*chosen.values(), strict=True)]
