"""JSON: an object a line, a list of objects, or an object that holds such a list or columns."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.formats import Beginning, Format
from elman.data.hollow import NOTHING, empty_lines, have_empty_answers, within
from elman.data.tables import Table, column_of, held
from elman.data.text import read_whole
from elman.data.trees import Found, find_rows, is_pair, named_lists, others
from elman.errors import ElmanError, quoted

T = TypeVar("T")

LINES = (".jsonl", ".ndjson")  # how the names of files end that have an object a line
OBJECTS = (*LINES, ".json")
SPARSE = (5_000_000, 100)  # cells of a table at most of which only one in so many is filled
PAIR = "translation"  # under which Hugging Face has a text in each language


class _Whole(NamedTuple):
    """What a file holds: the line, or the number, of each row, and the row or what is wrong with it; or its columns."""

    rows: Iterable[tuple[int, dict[str, Any] | str]] | pl.DataFrame
    unit: str = "line"
    notes: tuple[str, ...] = ()


def recognise(begun: Beginning) -> bool:
    """Whether a file begins as JSON does, or is named so and has such lines."""
    start = begun.text.lstrip()
    if start.startswith("{"):
        return start[1:].lstrip()[:1] in ('"', "}", "")
    if start.startswith("["):
        return re.match(r"\[\s*(?:\[\s*)?\{", start) is not None or begun.name.endswith(OBJECTS)
    return begun.name.endswith(OBJECTS) and any(line.lstrip().startswith(("{", "[")) for line in begun.full[:20])


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, with a column for each name in any of them."""
    name, text = str(path), read_whole(path, dialect.encoding)
    whole = _whole(text, name) if is_one(text, suffix(path)) else _Whole(_lines(text, bad))
    if isinstance(whole.rows, pl.DataFrame):
        return held(whole.rows, name, bad, dialect)
    rows, lines, index, size, hollow = [], [], [], 0, []
    for number, row in whole.rows:
        if row == NOTHING:
            hollow.append(f"{whole.unit} {number}")
        elif isinstance(row, str):
            bad.add(f"{name}, {whole.unit} {number}", f"is no JSON object: {row}")
        else:
            rows.append(row)
            lines.append(number)
            index.append(size)
        size += 1
    if not rows:
        raise ElmanError(f"{name} has no rows")
    have_empty_answers(bad, name, hollow)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not columns:
        raise ElmanError(f"{name} has objects with nothing in them")
    _check_alike(rows, len(columns), name)
    frame = pl.DataFrame({c: column_of(c, [row.get(c) for row in rows]) for c in columns})
    plain = replace(dialect, separator="", header=None)
    return Table(name, frame, np.array(lines), np.array(index), size, bad, plain, whole.unit, whole.notes)


def _check_alike(rows: list[dict[str, Any]], width: int, name: str) -> None:
    """Refuse objects that have each their own names, of which a table would be as good as empty, and large."""
    cells, filled = len(rows) * width, sum(map(len, rows))
    if cells > SPARSE[0] and cells > SPARSE[1] * filled:
        raise ElmanError(
            f"{name} has objects with {width:,} different names in all, and {filled / len(rows):,.0f} in each on the "
            "average; rows of a table have the same names: put what differs from row to row in a list"
        )


def read_object(line: str) -> dict[str, Any]:
    """An object of JSON from a line.

    Raises:
        ValueError: as ``read_value``, or no object.
    """
    return _object(_loaded(line))


def _object(row: Any) -> dict[str, Any]:
    if is_pair(row):
        row = {"text": row[0], **row[1]}  # a text and what is said of it, as spaCy has had it
    if not isinstance(row, dict):
        raise ValueError('a line is one object, such as {"text": "..."}')
    pair = row.get(PAIR)
    if isinstance(pair, dict):
        row = {**{name: value for name, value in row.items() if name != PAIR}, **pair}
    return _of_characters(_flat(row))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """An object with what is in objects of it by names with a point between them.

    >>> _flat({"who": {"id": 7, "name": {"first": "Ann"}}, "text": "so"})
    {'who.id': 7, 'who.name.first': 'Ann', 'text': 'so'}
    """
    while any(isinstance(value, dict) for value in row.values()):
        pairs = []
        for name, value in row.items():
            pairs += (
                [(f"{name}.{inner}", each) for inner, each in value.items()]
                if isinstance(value, dict)
                else [(name, value)]
            )
        row = dict(pairs)
        if len(row) < len(pairs):
            twice = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
            raise ValueError(f"it has {quoted(twice)} twice, by itself and in an object")
    return row


def read_value(line: str) -> Any:
    """A value of JSON from a line.

    Raises:
        ValueError: what is no JSON, nested without end, or text that is no text.
    """
    return _of_characters(_loaded(line))


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _of_characters(value: T) -> T:
    """The same value, unless a text in it is none."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it has half of a pair of surrogates, which is no character") from error
    return value


def _lines(text: str, bad: BadRows) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The line of each object, and the object or what is wrong with it."""
    lines = text.split("\n")
    full = np.array([n for n, line in enumerate(lines, 1) if line.strip()], int)
    empty = set(within(empty_lines(text, " "), full).tolist()) if bad.answers else set()
    for number, line in enumerate(lines, 1):
        if number in empty:
            yield number, NOTHING
        elif line.strip():
            try:
                yield number, read_object(line)
            except ValueError as error:
                yield number, str(error)


def is_one(text: str, kind: str = "") -> bool:
    """Whether a text is one value of JSON, over several lines or with rows inside, and not an object a line.

    Args:
        text: of the file.
        kind: how its name ends; where that says that there is an object a line, a single line is one as well.
    """
    first = text.lstrip().partition("\n")[0].rstrip()
    try:
        found = json.loads(first)
    except RecursionError:
        return False
    except ValueError:  # the first line is not whole
        return (
            first in ("{", "[", "[{")
            or first.startswith(("[{", "[["))
            or (first.startswith("{") and first.endswith(("[", ",", "{")))
        )
    alone = kind not in LINES and not text.lstrip().partition("\n")[2].strip()
    if isinstance(found, list):
        rows = any(isinstance(each, dict) or is_pair(each) for each in found) and not is_pair(found)
        return rows or (alone and not is_pair(found) and find_rows(found) is not None)
    return alone and isinstance(found, dict) and (find_rows(found) is not None or _are_columns(_unindexed(found)))


def _whole(text: str, name: str) -> _Whole:
    """The rows of one value of JSON; or all of it, where it has columns."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ElmanError(f"{name} is JSON that is nested too deeply") from error
    except ValueError as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise ElmanError(f"{name}{at}: is no JSON: {said}; one object a line is read too") from error
    taken = find_rows(found)
    if isinstance(found, dict) and (taken is None or _has_columns(found, taken)):
        found = _unindexed(found)
        if not _are_columns(found):
            shown = ", ".join(list(found)[:5])
            raise ElmanError(
                f'{name} is one object with {shown}; rows are a list of objects, as in {{"data": [{{"text": "..."}}]}}'
            )
        return _Whole(_checked_columns(found, name))
    rows, path = (found, ()) if taken is None else (taken.rows, taken.path)
    as_they_stand = taken is None or taken.whole
    places = _places(text, path, len(rows)) if as_they_stand else range(1, len(rows) + 1)
    checked: list[tuple[int, dict[str, Any] | str]] = []
    for number, row in zip(places, rows, strict=True):
        try:
            checked.append((number, _object(row)))
        except ValueError as error:
            checked.append((number, str(error)))
    return _Whole(checked, "line" if as_they_stand else "row", () if taken is None else _notes(found, taken))


def _notes(found: Any, taken: Found) -> tuple[str, ...]:
    """Where rows were found that do not lie right in the file, or not alone."""
    left = others(found, taken)
    if not taken.path or (len(taken.path) == 1 and taken.whole and not left):
        return ()
    beside = f"; not read: {listed(left, 5)}" if left else ""
    return (f"its rows are under {'.'.join(taken.path)}{beside}",)


def _has_columns(found: dict[str, Any], taken: Found) -> bool:
    """Whether an object is rather one of columns than one that has such rows."""
    if _are_columns(found):
        return not taken.path and not named_lists(found)
    return bool(taken.path) and _are_columns(_unindexed(found))


def _checked_columns(found: dict[str, Any], name: str) -> pl.DataFrame:
    try:
        _object(found)
    except ValueError as error:
        raise ElmanError(f"{name}: {error}") from error
    return pl.DataFrame([column_of(str(key), values) for key, values in found.items()])


def _places(text: str, path: Sequence[str], number: int) -> list[int]:
    """The line in which each element of a list under some names begins; where they cannot be told, that of the list."""
    start = 0
    for key in path:
        start = max(text.find(json.dumps(key, ensure_ascii=False), start), start)
    start = text.index("[", start)
    decoder, line, at, seen, found = json.JSONDecoder(), 1, start + 1, 0, []
    try:
        for _ in range(number):
            while text[at] in " \t\r\n,":
                at += 1
            line, seen = line + text.count("\n", seen, at), at
            found.append(line)
            _, at = decoder.raw_decode(text, at)
    except (ValueError, IndexError):
        return [text.count("\n", 0, start) + 1] * number
    return found


def _unindexed(found: dict[str, Any]) -> dict[str, Any]:
    """Columns whose values have an index each, as pandas writes them, without it; else the same."""
    values = list(found.values())
    if (
        not values
        or not all(isinstance(each, dict) and len(each) > 1 and each.keys() == values[0].keys() for each in values)
        or any(isinstance(cell, dict) for each in values for cell in each.values())
    ):
        return found
    return {name: list(each.values()) for name, each in found.items()}


def _are_columns(found: dict[str, Any]) -> bool:
    lists = [each for each in found.values() if isinstance(each, list)]
    return len(lists) == len(found) > 0 and len({len(each) for each in lists}) == 1 and len(lists[0]) > 1


FORMAT = Format("JSON", recognise, read)
