"""Events with two colons between columns, as MovieLens has them: ``1::1193::5::978300760``."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.formats import beginning
from elman.data.headers import has_header
from elman.data.separators import SAMPLE
from elman.data.tables import Table
from elman.data.text import read_whole

COLONS = "::"
NEARLY = 0.9  # of the lines


def is_doubled(path: Path, encoding: str) -> bool:
    """Whether nearly all lines that a file begins with have two colons, and equally often."""
    counts = Counter(line.count(COLONS) for line in beginning(path, encoding).full if line.strip())
    usual, number = counts.most_common(1)[0] if counts else (0, 0)
    return usual > 0 and number >= NEARLY * counts.total()


def read_doubled(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of such a file; columns without names are ``1, 2, ...``, as in any table."""
    text = read_whole(path, dialect.encoding).split("\n")
    lines = [n for n, line in enumerate(text, 1) if line.strip()]
    rows = [[cell.strip() for cell in text[n - 1].split(COLONS)] for n in lines]
    header = has_header(rows[:SAMPLE], suffix(path)) if dialect.header is None else dialect.header
    width = len(rows[0])
    names = rows[0] if header else [str(n) for n in range(1, width + 1)]
    lines, rows = lines[int(header) :], rows[int(header) :]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            bad.add(f"{path}, line {line}", f"has {len(row)} columns where the first row has {width}")
    index = np.array([n for n, row in enumerate(rows) if len(row) == width], int)
    columns = zip(*(rows[n] for n in index), strict=True) if len(index) else [[]] * width
    frame = pl.DataFrame(
        {name: pl.Series([cell or None for cell in cells], dtype=pl.String)
         for name, cells in zip(names, columns, strict=True)}
    )  # fmt: skip
    bad.read(len(rows))
    dialect = replace(dialect, separator=COLONS, header=header)
    return Table(str(path), frame, np.array(lines, int)[index], index, len(rows), bad, dialect)
