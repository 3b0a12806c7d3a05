"""Tables of Eurostat: a series a row, its names between commas in one column, flags behind numbers, : for none."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format, delimited
from elman.data.tables import Table

HEAD = re.compile(r"[^\t;]*\\(?i:time(?:_period)?)\s*(?:[\t,;]|$)")  # the last of the names, before the first time
CELL = r"^\s*(:|[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([a-z]{1,3})?\s*$"  # a number or none, and a flag or several
SHOWN = 5


def recognise(begun: Beginning) -> bool:
    """Whether the first line names the last column of names with that of times behind a backslash."""
    return bool(begun.lines) and HEAD.match(begun.lines[0]) is not None


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file, with a column for each name, and numbers without flags."""
    table = delimited.read(path, bad, replace(dialect, header=True))
    frame = table.frame
    place = next((n for n, name in enumerate(frame.columns) if HEAD.match(name)), -1)
    if place < 0:
        return table
    head = re.sub(r"\\.*", "", frame.columns[place])
    names = [name.strip() for name in head.split(",")]
    cells = frame.to_series(place).str.split(",")
    fits = len(names) > 1 and bool((cells.list.len() == len(names)).all())
    cells = [cells.list.get(n).str.strip_chars().alias(name) for n, name in enumerate(names)] if fits else [
        frame.to_series(place).alias(head)
    ]  # fmt: skip
    parts = [frame.to_series(n).str.extract_groups(CELL) for n in range(place + 1, frame.width)]
    flags = sorted({flag for part in parts for flag in part.struct.field("2").drop_nulls().unique()})
    values = [
        part.struct.field("1").fill_null(frame.to_series(n)).replace(":", None).alias(frame.columns[n])
        for n, part in enumerate(parts, place + 1)
    ]
    shown = ", ".join(flags[:SHOWN]) + (" and others" if len(flags) > SHOWN else "")
    note = (f"flags behind numbers ({shown}) are left out",) if flags else ()
    frame = pl.DataFrame([*frame.iter_columns()][:place] + cells + values)
    return replace(table, frame=frame, notes=(*table.notes, *note))


FORMAT = Format("a table of Eurostat", recognise, read)
