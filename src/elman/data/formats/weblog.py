"""Logs of web servers in the common and the combined form, a request a line."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format
from elman.data.hollow import filled_lines, have_empty_answers
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError

MOST = 0.9  # of the lines at least
NOT_SAID = "-"
MONTHS = {name: n for n, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
CELL = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    r"(\S+) (\S+) (.+?) "  # by whom: the machine, by identd, by name
    rf"\[(\d\d)/({'|'.join(MONTHS)})/(\d{{4}}):(\d\d:\d\d:\d\d) ([+-]\d{{4}})\] "
    rf"{CELL} (\d{{3}}|-) (\d+|-)(?: {CELL} {CELL})?(?: .*)?"
)
REQUEST = re.compile(r"([A-Z]+) (\S+)(?: (HTTP/[\d.]+))?")
COLUMNS = (
    "time", "client", "ident", "remote_user", "method", "url", "protocol", "status", "bytes", "referrer", "agent",
)  # fmt: skip


def recognise(begun: Beginning) -> bool:
    """Whether nearly all lines are requests."""
    lines = begun.full[:100]
    return bool(lines) and sum(LINE.fullmatch(line) is not None for line in lines) >= MOST * len(lines)


def parted(line: str) -> list[str | None] | None:
    """The cells of a line, None where nothing is said; None for a line that is no request.

    >>> parted('127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326')[:6]
    ['2000-10-10T13:55:36-07:00', '127.0.0.1', None, None, 'GET', '/a']
    """
    if (match := LINE.fullmatch(line)) is None:
        return None
    client, ident, user, day, month, year, clock, zone, request, status, size, referrer, agent = match.groups()
    time = f"{year}-{MONTHS[month]:02}-{day}T{clock}{zone[:3]}:{zone[3:]}"
    asked = REQUEST.fullmatch(request)
    method, url, protocol = asked.groups() if asked else (None, request, None)  # as what searches for gaps sends
    cells = (time, client, ident, user, method, url, protocol, status, size, referrer, agent)
    return [None if cell in (NOT_SAID, "") else cell for cell in cells]


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The requests; columns in which nothing is ever said are left out."""
    lines = filled_lines(read_whole(path, dialect.encoding), answers=bad.answers)
    rows, numbers, index = [], [], []
    have_empty_answers(bad, str(path), [f"line {number}" for number, line in lines if not line])
    for place, (number, line) in enumerate(lines):
        cells = parted(line.rstrip()) if line else None
        if cells is None:
            if line:
                bad.add(f"{path}, line {number}", "is no request as the others are")
            continue
        rows.append(cells)
        numbers.append(number)
        index.append(place)
    if not rows:
        raise ElmanError(f"{path} has no requests")
    columns = {name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)}
    said = {name: cells for name, cells in columns.items() if any(cell is not None for cell in cells)}
    frame = pl.DataFrame(said, schema=dict.fromkeys(said, pl.String))
    dialect = replace(dialect, separator="", header=None)
    notes = (f"a log of a web server, whose columns are {', '.join(said)}",)
    return Table(str(path), frame, np.array(numbers), np.array(index), len(lines), bad, dialect, notes=notes)


FORMAT = Format("a log of a web server", recognise, read)
