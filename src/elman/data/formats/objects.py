"""JSON: an object a line, a list of objects, or an object that holds such a list or columns."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.formats import Beginning, Format
from elman.data.hollow import NOTHING, empty_lines, within
from elman.data.tables import Table, column_of, held
from elman.data.text import read_whole
from elman.errors import ElmanError, quoted

T = TypeVar("T")

LINES = (".jsonl", ".ndjson")  # how the names of files end that have an object a line
OBJECTS = (*LINES, ".json")
SPARSE = (5_000_000, 100)  # cells of a table at most of which only one in so many is filled
PAIR = "translation"  # under which Hugging Face has a text in each language
ROWS = ("data", "rows", "records", "examples", "items", "results")  # under which an object has its rows


def recognise(begun: Beginning) -> bool:
    """Whether a file begins as JSON does, or is named so and has such lines."""
    start = begun.text.lstrip()
    if start.startswith("{"):
        return start[1:].lstrip()[:1] in ('"', "}", "")
    if start.startswith("["):
        return start[1:].lstrip()[:1] == "{" or begun.name.endswith(OBJECTS)
    return begun.name.endswith(OBJECTS) and any(line.lstrip().startswith(("{", "[")) for line in begun.full[:20])


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, with a column for each name in any of them."""
    name, text = str(path), read_whole(path, dialect.encoding)
    whole = _whole(text, name) if is_one(text, suffix(path)) else None
    if isinstance(whole, pl.DataFrame):
        return held(whole, name, bad, dialect)
    rows, lines, index, size = [], [], [], 0
    for number, row in whole or _lines(text, bad):
        if isinstance(row, str):
            bad.add(f"{name}, line {number}", f"is no JSON object: {row}")
        else:
            rows.append(row)
            lines.append(number)
            index.append(size)
        size += 1
    if not rows:
        raise ElmanError(f"{name} has no rows")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not columns:
        raise ElmanError(f"{name} has objects with nothing in them")
    _check_alike(rows, len(columns), name)
    frame = pl.DataFrame({c: column_of(c, [row.get(c) for row in rows]) for c in columns})
    return Table(name, frame, np.array(lines), np.array(index), size, bad, replace(dialect, separator="", header=None))


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
            or first.startswith("[{")
            or (first.startswith("{") and first.endswith(("[", ",", "{")))
        )
    if isinstance(found, list):
        return any(isinstance(each, dict) for each in found)
    alone = kind not in LINES and not text.lstrip().partition("\n")[2].strip()
    return alone and isinstance(found, dict) and (_inside(found) is not None or _are_columns(_unindexed(found)))


def _whole(text: str, name: str) -> pl.DataFrame | list[tuple[int, dict[str, Any] | str]]:
    """The rows of one value of JSON, with their lines; or all of it, where it has columns."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ElmanError(f"{name} is JSON that is nested too deeply") from error
    except ValueError as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise ElmanError(f"{name}{at}: is no JSON: {said}; one object a line is read too") from error
    if isinstance(found, dict) and _inside(found) is None:
        found = _unindexed(found)
        if not _are_columns(found):
            shown = ", ".join(list(found)[:5])
            raise ElmanError(
                f'{name} is one object with {shown}; rows are a list of objects, as in {{"data": [{{"text": "..."}}]}}'
            )
        try:
            _object(found)
        except ValueError as error:
            raise ElmanError(f"{name}: {error}") from error
        return pl.DataFrame([column_of(str(key), values) for key, values in found.items()])
    key = _inside(found) if isinstance(found, dict) else None
    rows = found if key is None else found[key]
    if key is not None and "columns" in found and all(isinstance(row, list) for row in rows):  # as pandas splits it
        rows = [dict(zip(map(str, found["columns"]), row, strict=False)) for row in rows]
        start = 0
    else:
        start = text.index("[") if key is None else text.index("[", text.index(json.dumps(key, ensure_ascii=False)))
    checked: list[tuple[int, dict[str, Any] | str]] = []
    for number, row in zip(_places(text, start, len(rows)), rows, strict=True):
        try:
            checked.append((number, _object(row)))
        except ValueError as error:
            checked.append((number, str(error)))
    return checked


def _places(text: str, start: int, number: int) -> list[int]:
    """The line in which each element of a list begins; where they cannot be told, that of the list."""
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


def _inside(found: dict[str, Any]) -> str | None:
    """Under which name an object has a list of rows."""
    lists = [key for key, each in found.items() if isinstance(each, list) and each and isinstance(each[0], dict | list)]
    named = [key for key in lists if key.lower() in ROWS]
    key = (named or lists or [""])[0]
    rows = found.get(key, [])
    if key and (isinstance(rows[0], dict) or (isinstance(found.get("columns"), list) and key == "data")):
        return key
    return None


def _unindexed(found: dict[str, Any]) -> dict[str, Any]:
    """Columns whose values have an index each, as pandas writes them, without it; else the same."""
    values = list(found.values())
    if not values or not all(
        isinstance(each, dict) and len(each) > 1 and each.keys() == values[0].keys() for each in values
    ):
        return found
    return {name: list(each.values()) for name, each in found.items()}


def _are_columns(found: dict[str, Any]) -> bool:
    lists = [each for each in found.values() if isinstance(each, list)]
    return len(lists) == len(found) > 0 and len({len(each) for each in lists}) == 1 and len(lists[0]) > 1


FORMAT = Format("JSON", recognise, read)
