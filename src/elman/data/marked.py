"""Spans of characters that are marked in texts, as tools for annotation write them in the cells of a table."""

import ast
from typing import Any, NamedTuple

import polars as pl

from elman.data.formats.objects import read_value
from elman.errors import ElmanError

LOOKED = 200  # cells
# names of what an object says of a span; what is in it is under the last ones
BEGINS = ("start", "start_offset", "startOffset", "begin", "start_char")
ENDS = ("end", "end_offset", "endOffset", "stop", "end_char")
KINDS = ("label", "labels", "type", "tag", "entity", "entity_group", "kind", "name")
INSIDE = ("value", "result", "entities")


class Marked(NamedTuple):
    """Characters from ``start`` to before ``end`` of a text, and what they are."""

    start: int
    end: int
    kind: str


def spans_of(cell: Any) -> list[Marked] | None:
    """The spans that a cell says: lists of start, end and kind, or objects; None where it is something else.

    >>> spans_of('[[0, 3, "PER"]]'), spans_of([{"start": 0, "end": 3, "labels": ["PER"]}]), spans_of(["PER"])
    ([Marked(start=0, end=3, kind='PER')], [Marked(start=0, end=3, kind='PER')], None)
    """
    if isinstance(cell, str):
        cell = _value(cell)
    if isinstance(cell, dict):
        cell = [cell]
    if not isinstance(cell, list | tuple):
        return None
    found: list[Marked] = []
    for each in cell:
        if isinstance(each, dict) and (key := next((key for key in INSIDE if each.get(key) is not None), "")):
            inner = spans_of(each[key])
        elif isinstance(each, str) and each.startswith("{"):
            inner = spans_of([_value(each)])
        else:
            one = _span(each)
            inner = None if one is None else [one]
        if inner is None:
            return None
        found += inner
    return found


def _value(text: str) -> Any:
    """A list or an object that a text has as JSON or as Python writes it; None where it has none."""
    if not text.lstrip().startswith(("[", "{", "(")):
        return None
    for read in (read_value, ast.literal_eval):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _span(each: Any) -> Marked | None:
    if isinstance(each, dict):
        kind = next((each[key] for key in KINDS if each.get(key)), None)
        kind = kind[0] if isinstance(kind, list) and len(kind) == 1 else kind
        ends = [next((each[key] for key in keys if each.get(key) is not None), None) for keys in (BEGINS, ENDS)]
        each = [*ends, kind]
    if not isinstance(each, list | tuple) or len(each) != 3 or not isinstance(each[2], str):
        return None
    start, end, kind = each
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) and n == int(n) for n in (start, end))
    return Marked(int(start), int(end), kind) if numbers else None


def are_spans(column: pl.Series) -> bool:
    """Whether all cells of a column that have something say spans."""
    some = [spans_of(cell) for cell in column.drop_nulls().head(LOOKED).to_list() if cell != ""]
    return any(some) and all(each is not None for each in some)


def check_no_spans(name: str, column: pl.Series) -> None:
    """Refuse spans where classes of whole texts are wanted.

    Args:
        name: of the table.
        column: of its labels.

    Raises:
        ElmanError: with the command for them.
    """
    if are_spans(column):
        raise ElmanError(
            f"{name}: {column.name} marks spans of characters in texts, which are no classes of them; "
            f"elman train tag --data {name} learns from such"
        )
