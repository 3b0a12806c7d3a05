"""Series with a label each, as the archives of UEA and UCR have them (``.ts``)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.formats import Beginning, Format
from elman.data.numbers.cells import LARGEST, NO_VALUE
from elman.data.sequences import Sequenced
from elman.data.text import read_whole
from elman.data.times.column import read_times
from elman.data.times.forms import SECOND
from elman.errors import ElmanError, counted, quoted

DATE = re.compile(r"\s*\d{4}[-/]\d")  # as a moment begins that is no number
TIMED = re.compile(r"\(([^,()]+),([^,()]+)\)")
HEADS = ("@problemname", "@timestamps", "@univariate", "@classlabel", "@targetlabel", "@dimensions", "@serieslength")


def recognise(begun: Beginning) -> bool:
    """Whether a file is named so, or begins with what these archives say of series."""
    lines = [line.strip().lower() for line in begun.full if not line.lstrip().startswith("#")]
    return begun.name.endswith(".ts") or (bool(lines) and lines[0].startswith(HEADS))


@dataclass(frozen=True)
class TsFile:
    """What a ``.ts`` file holds."""

    sequences: list[Sequenced]
    labels: list[str | None]
    lines: list[int]
    index: list[int]  # which of the file's rows each is; some may have been left out
    size: int


def read_ts(path: Path, bad: BadRows, encoding: str = "") -> TsFile:
    """Read a file of the UEA and UCR archives: header lines that begin with ``@``, then a sequence a line.

    Channels stand between ``:``, values between ``,``, a missing one as ``?``, and the label last.

    Raises:
        ElmanError: no ``@data``, no rows, or a row that does not fit the first one.
    """
    head: dict[str, str] = {}
    found = TsFile([], [], [], [], 0)
    size, channels = 0, 0
    for number, line in enumerate(read_whole(path, encoding).split("\n"), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if "data" not in head:
            if not text.startswith("@"):
                raise ElmanError(f"{path}, line {number}: a .ts file begins with lines of @, the last of them @data")
            name, _, value = text[1:].partition(" ")
            head[name.lower()] = value.strip()
            continue
        size += 1
        try:
            one, label = _ts_row(text, head)
            channels = channels or one.values.shape[1]
            if one.values.shape[1] != channels:
                raise ValueError(f"has {counted(one.values.shape[1], 'channels')} where the first row has {channels}")
        except ValueError as error:
            bad.add(f"{path}, line {number}", str(error))
            continue
        found.sequences.append(one)
        found.labels.append(label)
        found.lines.append(number)
        found.index.append(size - 1)
    bad.read(size)
    if not found.sequences:
        raise ElmanError(f"{path} has no rows after @data" + (" that can be used" if size else ""))
    return TsFile(found.sequences, found.labels, found.lines, found.index, size)


def _ts_row(text: str, head: dict[str, str]) -> tuple[Sequenced, str | None]:
    label = None
    labelled = any(head.get(name, "").lower().startswith("true") for name in ("classlabel", "targetlabel"))
    timed = head.get("timestamps", "").lower().startswith("true")
    parts = _outside_brackets(text) if timed else text.split(":")
    if labelled:
        if len(parts) < 2:
            raise ValueError("has no label after its last :")
        *parts, label = parts
        label = label.strip()
        label = None if label in ("", "?") else label
    if timed:
        return _timed(parts), label
    columns = [[_number(cell) for cell in part.split(",")] for part in parts]
    if not any(part.strip() for part in parts):
        raise ValueError("has no values before its label")
    values = np.full((max(map(len, columns)), len(columns)), np.nan, np.float32)
    for n, column in enumerate(columns):
        values[: len(column), n] = column
    return Sequenced(values, np.arange(len(values), dtype=np.float64)), label


def _timed(parts: Sequence[str]) -> Sequenced:
    cells = [TIMED.findall(part) for part in parts]
    if not any(cells):
        raise ValueError("has no (time,value) though the file says @timestamps true")
    when = dict(_moments([at for channel in cells for at, _ in channel]))
    found = [[(when[at], _number(value)) for at, value in channel] for channel in cells]
    moments = sorted({at for channel in found for at, _ in channel})
    place = {at: n for n, at in enumerate(moments)}
    values = np.full((len(moments), len(parts)), np.nan, np.float32)
    for n, channel in enumerate(found):
        for at, value in channel:
            values[place[at], n] = value
    return Sequenced(values, np.array(moments))


def _outside_brackets(text: str) -> list[str]:
    """The parts of a line between colons, but for those of times in brackets."""
    found: list[list[str]] = [[]]
    inside = False
    for part in text.split(":"):
        found[-1].append(part)
        if "(" in part or ")" in part:
            inside = part.rfind("(") > part.rfind(")")
        if not inside:
            found.append([])
    return [":".join(parts) for parts in found if parts]


def _moments(cells: list[str]) -> Iterator[tuple[str, float]]:
    """When each was: numbers as they are, dates in seconds."""
    if dated := all(map(DATE.match, cells)):
        values = read_times(pl.Series(cells), order="ymd").values / SECOND
    else:
        values = np.array([_number(cell) for cell in cells])
    for cell, value in zip(cells, values.tolist(), strict=True):
        if np.isnan(value):
            raise ValueError(f"{quoted(cell)} is no {'date' if dated else 'time'}")
        yield cell, value


def _number(cell: str) -> float:
    cell = cell.strip()
    if cell.lower() in NO_VALUE:
        return np.nan
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{quoted(cell)} is not a number") from None
    if abs(number) > LARGEST:
        raise ValueError(f"{quoted(cell)} is beyond {LARGEST:g}")
    return number


FORMAT = Format("a .ts file of series with their labels", recognise, tasks=("classify",))
