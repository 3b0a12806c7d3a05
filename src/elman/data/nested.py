"""Lists of objects in the cells of a table: a column of them, and a column for each of their names."""

import json
from collections.abc import Callable
from typing import Any

import polars as pl


def are_objects(values: list[Any]) -> bool:
    """Whether values are lists, or nothing, and what is in these are objects, or nothing.

    >>> are_objects([[{"a": 1}], [], None]), are_objects([[1]]), are_objects([[], None])
    (True, False, False)
    """
    lists = [value for value in values if value is not None]
    if not all(isinstance(value, list | tuple) for value in lists):
        return False
    within = [each for value in lists for each in value if each is not None]
    return any(within) and all(isinstance(each, dict) for each in within)


def column_of_objects(name: str, values: list[Any], column_of: Callable[[str, list[Any]], pl.Series]) -> pl.Series:
    """Lists of objects as a column, in which each name that any of them has is of one kind.

    >>> from elman.data.tables import column_of
    >>> column_of_objects("e", [[{"a": 1}], [{"a": 2.5, "b": "x"}]], column_of).to_list()
    [[{'a': 1.0, 'b': None}], [{'a': 2.5, 'b': 'x'}]]
    """
    objects = [each for value in values if value is not None for each in value if each is not None]
    names = dict.fromkeys(str(key) for each in objects for key in each)
    columns = [column_of(key, [_text(each.get(key)) for each in objects]) for key in names]
    rows = iter(pl.DataFrame(columns).iter_rows(named=True))
    filled = [None if value is None else [None if each is None else next(rows) for each in value] for value in values]
    kind = pl.List(pl.Struct({each.name: each.dtype for each in columns}))
    return pl.Series(name, filled, dtype=kind)


def _text(value: Any) -> Any:
    """A value, an object as its JSON, since those of a column have not all the same names."""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict) else value


def holds_objects(column: pl.Series) -> bool:
    """Whether a column has lists of objects."""
    return isinstance(column.dtype, pl.List) and isinstance(column.dtype.inner, pl.Struct)


def unnested(frame: pl.DataFrame) -> pl.DataFrame:
    """A table with a column of lists for each name of the objects that a column has in lists.

    >>> unnested(pl.DataFrame({"who": [7], "events": [[{"id": 3, "ts": 5}, {"id": 4, "ts": 6}]]})).to_dicts()
    [{'who': 7, 'events.id': [3, 4], 'events.ts': [5, 6]}]
    """
    found: list[pl.Series] = []
    for column in frame.get_columns():
        kind = column.dtype
        if not isinstance(kind, pl.List) or not isinstance(kind.inner, pl.Struct):
            found.append(column)
            continue
        for field in kind.inner.fields:
            inside = column.list.eval(pl.element().struct.field(field.name))
            found.append(inside.alias(f"{column.name}.{field.name}"))
    return pl.DataFrame(found)
