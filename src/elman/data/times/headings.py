"""Times that stand in the names of columns, as those of statistical offices have them."""

import re
from collections.abc import Sequence

import polars as pl

from elman.data.times.column import Times, is_time, read_times
from elman.data.times.forms import YEARS

YEAR = re.compile(r"\d{4}")
# what stands around a time: R's letter before digits, that of a year, and a code in brackets, as the World Bank has it
AROUND = re.compile(r"^(?:[xX](?=\d)|(?:[yY]|YR|Yr|yr)_?(?=\d{4}$))|(?<=\S)\s*\[[^\[\]]*\]$")


def are_times(names: Sequence[str]) -> bool:
    """Whether the names of columns are years or dates, all of them.

    >>> are_times(["2000 [YR2000]", "2001 [YR2001]"]), are_times(["Y2000", "Y2001"]), are_times(["d_1", "d_2"])
    (True, True, False)
    """
    plain = bare(names)
    if all(map(YEAR.fullmatch, plain)):
        return all(YEARS[0] <= int(name) <= YEARS[1] for name in plain)
    return all(re.search(r"\d", name) for name in plain) and is_time(pl.Series(plain))


def times_of(names: Sequence[str], zone: str | None, order: str) -> Times:
    """The times that columns are named by, as ``read_times`` has them.

    >>> times_of(["1/2/24", "1/3/24"], None, "dmy").form
    'dmy'
    >>> times_of(["2000 [YR2000]", "2001 [YR2001]"], None, "").how
    'year'
    """
    plain = bare(names)
    years = all(map(YEAR.fullmatch, plain))
    return read_times(pl.Series("year" if years else "the first row", plain), zone, order=order)


def bare(names: Sequence[str]) -> list[str]:
    """The times in the names of columns, without what stands around all of them.

    >>> bare(["X1.22.20", "X1.23.20"]), bare(["x1", "y1"])
    (['1.22.20', '1.23.20'], ['x1', 'y1'])
    """
    names = [name.strip() for name in names]
    return [AROUND.sub("", name) for name in names] if all(map(AROUND.search, names)) else names
