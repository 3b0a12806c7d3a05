"""An object of JSON a line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.tables import Table, column_of
from elman.data.text import read_whole
from elman.errors import ElmanError

OBJECTS = (".jsonl", ".ndjson", ".json")  # how the names of such files end


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, with a column for each name in any of them."""
    name, rows, lines, index, size = str(path), [], [], [], 0
    for number, line in enumerate(read_whole(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = read_object(line)
        except ValueError as error:
            bad.add(f"{name}, line {number}", f"is no JSON object: {error}")
        else:
            rows.append(row)
            lines.append(number)
            index.append(size)
        size += 1
    if not rows:
        raise ElmanError(f"{name} has no rows")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    frame = pl.DataFrame({c: column_of(c, [row.get(c) for row in rows]) for c in columns})
    return Table(name, frame, np.array(lines), np.array(index), size, bad, replace(dialect, separator="", header=None))


def read_object(line: str) -> dict[str, Any]:
    """An object of JSON from a line.

    Raises:
        ValueError: what is no JSON, no object, nested without end, or text that is no text.
    """
    try:
        row = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError('a line is one object, such as {"text": "..."}')
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("it has half of a pair of surrogates, which is no character") from error
    return row
