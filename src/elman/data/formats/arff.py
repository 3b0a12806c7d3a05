"""Weka's ARFF: the columns named and typed first, then the rows; series too, a row a series or in a column of lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, counted, quoted

NUMERIC = ("numeric", "real", "integer")
# possessive, so that a cell of millions of characters costs as many steps, and no place to go back to for each
QUOTED = r"""'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+\""""
ATTRIBUTE = re.compile(rf"@attribute\s+({QUOTED}|[^\s{{]+)\s*(.*)", re.IGNORECASE)
CELL = re.compile(rf"\s*+(?:({QUOTED})\s*+|([^,]*+))(?:,|$)")
WHOLE = re.compile(r"[0-9]{1,18}")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
MONASH = re.compile(r"^@(frequency|horizon|missing|equallength)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Attribute:
    """A column: of numbers, of texts, of some texts alone, or of the lines of a series each."""

    name: str
    kind: str  # "numeric", "text" or "relational"
    values: frozenset[str] = frozenset()  # of texts, where only some may be
    inner: list["Attribute"] = field(default_factory=list)


def recognise(begun: Beginning) -> bool:
    """Whether a file declares a relation, and not the series of Monash's archive."""
    lines = [line.strip().lower() for line in begun.full if not line.lstrip().startswith(("%", "#"))]
    declared = any(line.startswith("@attribute") for line in lines) and any(map(MONASH.match, lines))
    return bool(lines) and lines[0].startswith(("@relation", "@attribute")) and not declared


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file; the lines of a series become a column for each step of each."""
    lines = read_whole(path, dialect.encoding).split("\n")
    attributes, start = _declared(path, lines)
    rows, numbers, index, size = [], [], [], 0
    for number, line in enumerate(lines[start:], start + 1):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        size += 1
        try:
            rows.append(_row(text, attributes))
        except ValueError as error:
            bad.add(f"{path}, line {number}", str(error))
            continue
        numbers.append(number)
        index.append(size - 1)
    if not rows:
        raise ElmanError(f"{path} has no rows after @data")
    columns: list[pl.Series] = []
    for n, each in enumerate(attributes):
        cells = [row[n] for row in rows]
        if each.kind == "relational":
            columns += _steps(each.name, cells)
        else:
            columns.append(pl.Series(each.name, cells, dtype=pl.Float64 if each.kind == "numeric" else pl.String))
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), pl.DataFrame(columns), np.array(numbers), np.array(index), size, bad, dialect)


def _declared(path: Path, lines: Sequence[str]) -> tuple[list[Attribute], int]:
    """The columns, and the line at which the rows begin, from 0."""
    found: list[Attribute] = []
    outer: list[Attribute] | None = None  # while the columns within another are declared
    for number, line in enumerate(lines):
        text = line.strip()
        lower = text.lower()
        if not text or text.startswith("%") or lower.startswith("@relation"):
            continue
        if lower.startswith("@data"):
            if not found:
                raise ElmanError(f"{path}, line {number + 1}: @data stands before any @attribute")
            return found, number + 1
        if lower.startswith("@end") and outer is not None:
            found, outer = outer, None
            continue
        match = ATTRIBUTE.match(text)
        if match is None:
            raise ElmanError(f"{path}, line {number + 1}: is no @attribute with a name and a type, nor @data")
        try:
            each = _attribute(_unquoted(match[1]), match[2].strip())
        except ValueError as error:
            raise ElmanError(f"{path}, line {number + 1}: {error}") from error
        if any(other.name == each.name for other in found):
            raise ElmanError(f"{path}, line {number + 1}: the attribute {each.name!r} is declared a second time")
        found.append(each)
        if each.kind == "relational":
            outer, found = found, each.inner
    raise ElmanError(f"{path} has no @data, as if it was cut short")


def _attribute(name: str, kind: str) -> Attribute:
    word = kind.partition(" ")[0].lower()
    if kind.startswith("{"):
        if not kind.endswith("}"):
            raise ValueError(f"the values of {name} begin with {{ and do not end with }}")
        return Attribute(name, "text", frozenset(cell or "" for cell in _cells(kind[1:-1])))
    if word in NUMERIC:
        return Attribute(name, "numeric")
    if word in ("string", "date"):
        return Attribute(name, "text")
    if word == "relational":
        return Attribute(name, "relational")
    raise ValueError(f"{quoted(kind)} is no type; numeric, string, date and {{a,b}} are")


def _row(text: str, attributes: Sequence[Attribute]) -> list[Any]:
    if text.startswith("{"):
        return _sparse(text, attributes)
    cells = _cells(text)
    if len(cells) == len(attributes) + 1 and re.fullmatch(r"\{\s*[\d.]+\s*\}", cells[-1] or ""):
        cells = cells[:-1]  # the weight of the row
    if len(cells) != len(attributes):
        raise ValueError(f"has {counted(len(cells), 'values')} where {len(attributes)} attributes are declared")
    return [_value(cell, each) for cell, each in zip(cells, attributes, strict=True)]


def _sparse(text: str, attributes: Sequence[Attribute]) -> list[Any]:
    """A row of which only some values are written, each behind its place; the others are 0, or the first value."""
    if not text.endswith("}"):
        raise ValueError("begins with { and does not end with }")
    found: list[Any] = [0.0 if each.kind == "numeric" else min(each.values, default=None) for each in attributes]
    for cell in _cells(text[1:-1]) if text[1:-1].strip() else []:
        place, _, value = (cell or "").strip().partition(" ")
        if not WHOLE.fullmatch(place) or int(place) >= len(attributes):
            raise ValueError(f"{quoted(cell)} is no number of an attribute, from 0, and its value")
        found[int(place)] = _value(_unquoted(value.strip()), attributes[int(place)])
    return found


def _value(cell: str | None, attribute: Attribute) -> Any:
    if cell is None:
        return None
    if attribute.kind == "numeric":
        try:
            number = float(cell)
        except ValueError:
            raise ValueError(f"{attribute.name} is {quoted(cell)}, not a number") from None
        return None if np.isnan(number) else number
    if attribute.values and cell not in attribute.values:
        raise ValueError(f"{attribute.name} is {quoted(cell)}, which is not among the values that are declared")
    if attribute.kind == "relational":
        series = [[_value(inner, Attribute(attribute.name, "numeric")) for inner in _cells(line)]
                  for line in cell.split("\n") if line.strip()]  # fmt: skip
        if any(len(line) != len(series[0]) for line in series):
            raise ValueError(f"{attribute.name} has lines of unequal length")
        return series
    return cell


def _steps(name: str, cells: Sequence[Any]) -> list[pl.Series]:
    """A column for each step of each line of series."""
    lines = max((len(each) for each in cells if each), default=0)
    steps = max((len(line) for each in cells if each for line in each), default=0)
    found = np.full((len(cells), lines, steps), np.nan)
    for row, each in enumerate(cells):
        for line, values in enumerate(each or []):
            found[row, line, : len(values)] = [np.nan if value is None else value for value in values]
    return [
        pl.Series(f"{name}_{line + 1}_{step + 1}", found[:, line, step], nan_to_null=True)
        for line in range(lines)
        for step in range(steps)
    ]


def _cells(text: str) -> list[str | None]:
    """What stands between commas, without quotation marks; None for what is not known."""
    if "'" not in text and '"' not in text:
        cells = [cell.strip() for cell in text.split(",")]
        return [None if cell == "?" else cell for cell in cells]
    found, at = [], 0
    while at <= len(text):
        match = CELL.match(text, at)
        if match is None:
            raise ValueError(f"a quotation does not end, from {text[at : at + 20]!r} on")
        cell = match[1] or match[2].rstrip()
        found.append(None if cell == "?" else _unquoted(cell))
        if match.end() == len(text) and not text[at : match.end()].endswith(","):
            break
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        if text[:1] in ("'", '"') and text:
            raise ValueError(f"a quotation does not end, from {text[:20]!r} on")
        return text
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text[1:-1])


FORMAT = Format("an ARFF file of Weka", recognise, read)
