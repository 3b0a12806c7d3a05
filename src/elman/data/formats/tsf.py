"""Series as Monash's archive of forecasting has them (``.tsf``): a series a line, with its name and its first time."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format
from elman.data.formats.arff import MONASH
from elman.data.numbers.cells import LARGEST, NO_VALUE
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, quoted

TIMES = ("%Y-%m-%d %H-%M-%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
MONTHS = {"yearly": 12, "quarterly": 3, "monthly": 1}  # of a step
SECONDS = {"weekly": 604800, "daily": 86400, "hourly": 3600, "half_hourly": 1800, "minutely": 60, "secondly": 1}
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
STEP = re.compile(r"(\d{1,9})[_ ](second|minute|hour|day|week)s?")


@dataclass
class _Head:
    """What is declared before the rows."""

    names: list[str]  # of what stands before the values
    dated: set[str]  # those of them that are times
    frequency: str
    start: int  # line at which the rows begin, from 0


def recognise(begun: Beginning) -> bool:
    """Whether a file declares the attributes of series and what the archive says of them."""
    lines = [line.strip().lower() for line in begun.full if not line.lstrip().startswith("#")]
    if not lines or not lines[0].startswith("@"):
        return False
    return any(line.startswith("@attribute") for line in lines) and any(map(MONASH.match, lines))


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """A row for each value: what names its series, its time or its step, and the value."""
    lines = read_whole(path, dialect.encoding).split("\n")
    head = _head(path, lines)
    parts: list[pl.DataFrame] = []
    places: list[int] = []
    index: list[np.ndarray] = []
    size = 0
    for number, line in enumerate(lines[head.start :], head.start + 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        length = text.rpartition(":")[2].count(",") + 1
        try:
            parts.append(_series(text, head))
        except ValueError as error:
            bad.add(f"{path}, line {number}", str(error))
        else:
            places += [number] * length
            index.append(np.arange(size, size + length))
        size += length
    if not parts:
        raise ElmanError(f"{path} has no series after @data")
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), pl.concat(parts), np.array(places), np.concatenate(index), size, bad, dialect)


def _head(path: Path, lines: list[str]) -> _Head:
    head = _Head([], set(), "", -1)
    for number, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, *words = text.split()
        if key.lower() == "@data":
            if not head.names:
                raise ElmanError(f"{path}, line {number + 1}: @data stands before any @attribute")
            head.start = number + 1
            return head
        if not key.startswith("@") or (key.lower() == "@attribute" and len(words) < 2):
            raise ElmanError(f"{path}, line {number + 1}: is no @attribute with a name and a type, nor @data")
        if key.lower() == "@attribute":
            head.names.append(words[0])
            head.dated |= {words[0]} if words[1].lower() == "date" else set()
        elif key.lower() == "@frequency" and words:
            head.frequency = words[0].lower()
    raise ElmanError(f"{path} has no @data, as if it was cut short")


def _series(text: str, head: _Head) -> pl.DataFrame:
    *about, values = text.split(":") if not head.dated else _parted(text, len(head.names))
    if len(about) != len(head.names):
        raise ValueError(f"has {len(about)} parts before its values, where {len(head.names)} attributes are declared")
    numbers = [_number(cell) for cell in values.split(",")]
    start = None
    names: dict[str, str] = {}
    for name, cell in zip(head.names, about, strict=True):
        if name in head.dated:
            start = _time(name, cell.strip())
        else:
            names[name] = cell.strip()
    time = {"step": pl.Series(range(len(numbers)), dtype=pl.Int64)}
    if start is not None and head.frequency:
        time = {"time": pl.Series(_times(start, head.frequency, len(numbers)), dtype=pl.Datetime("us"))}
    columns = {name: pl.repeat(cell, len(numbers), dtype=pl.String, eager=True) for name, cell in names.items()}
    return pl.DataFrame({**columns, **time, "value": pl.Series(numbers, dtype=pl.Float64)})


def _parted(text: str, names: int) -> list[str]:
    """The parts of a line, in which a time may have colons of its own."""
    *about, values = text.split(":")
    if len(about) == names + 2:  # 00:00:00, behind what stands first
        return [*about[: names - 1], ":".join(about[names - 1 :]), values]
    return [*about, values]


def _number(cell: str) -> float | None:
    cell = cell.strip()
    if cell.lower() in NO_VALUE:
        return None
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{quoted(cell)} is not a number") from None
    if not abs(number) <= LARGEST:
        raise ValueError(f"{quoted(cell)} is beyond {LARGEST:g}")
    return number


def _time(name: str, cell: str) -> datetime:
    for form in TIMES:
        try:
            return datetime.strptime(cell, form)
        except ValueError:
            continue
    raise ValueError(f"{name} is {quoted(cell)}, not a time such as 2001-05-31 00-00-00")


def _times(start: datetime, frequency: str, number: int) -> list[datetime]:
    if months := MONTHS.get(frequency):
        steps = pl.DataFrame({"by": [f"{n * months}mo" for n in range(number)]})
        return steps.select(pl.lit(start).dt.offset_by(pl.col("by"))).to_series().to_list()
    match = STEP.fullmatch(frequency)
    seconds = int(match[1]) * UNITS[match[2]] if match else SECONDS.get(frequency)
    if not seconds:
        raise ValueError(f"@frequency {frequency} is not known; daily, 10_minutes and monthly are such")
    try:
        return [start + timedelta(seconds=seconds * n) for n in range(number)]
    except OverflowError as error:
        raise ValueError("its last times lie beyond the year 9999") from error


FORMAT = Format("a .tsf file of series", recognise, read, tasks=("forecast", "anomaly"))
