"""Numbers that people write where there is no value, such as -999, told by how often and how far off they stand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.errors import counted

# by custom; others are told where they are farther off
USUAL = (
    -1.0, -9.0, -99.0, -200.0, -999.0, -9999.0, -99999.0, -99.9, -999.9, -9999.9, -99.99, -999.99, 99.0, 999.0, 9999.0,
    99999.0, 999999.0, 99.9, 999.9, 9999.9, 99.99, 999.99, -32768.0, -32767.0, 32767.0, 32768.0, 65535.0, -2147483648.0,
    2147483647.0, 4294967295.0, -1e20, 1e20, -1e30, 1e30,
)  # fmt: skip
SEVERAL = 3  # cells at least, but two of those that are usual and farther off than the others are from each other
FEWEST = 3  # different values beside it at least, from which it can be far
MANY = 10  # of which the range tells how far values of a column reach
MOST = 4  # such numbers of a column that are looked for


class StandIn(NamedTuple):
    """A number that may stand for no value."""

    value: float
    cells: int

    def __str__(self) -> str:
        return f"{self.value:.10g}"


def stand_ins(values: np.ndarray) -> list[StandIn]:
    """The numbers that stand several times at an end of all values, far from the others.

    Several are two for those that are usual and farther off than the range of all others.

    Far is a tenth of the others' range for those that are usual and for a negative one where no other is; for others
    it is more than the range of nearly all. It is more than a step between the others as well, and where those are few
    different ones, such as sizes or grades, ten times their range for what is not usual.

    Args:
        values: ``[N]``; NaN and infinity are left out.

    Example:
        >>> found = stand_ins(np.array([50.5, 55.7, -999, 65, 61.2, -999, 58, -999]))
        >>> str(found[0]), found[0].cells, stand_ins(np.array([0, 0, 0, 1, 2, 3, 40]))
        ('-999', 3, [])
    """
    kinds, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    found = []
    for _ in range(MOST):
        place = next((place for place in (0, len(kinds) - 1) if len(kinds) and _is_far(kinds, counts, place)), None)
        if place is None:
            break
        found.append(StandIn(float(kinds[place]), int(counts[place])))
        kinds, counts = np.delete(kinds, place), np.delete(counts, place)
    return found


def _is_far(kinds: np.ndarray, counts: np.ndarray, place: int) -> bool:
    value, others = kinds[place], ~np.isin(kinds, USUAL)
    others[place] = False
    rest = kinds[others]
    if counts[place] < 2 or len(rest) < FEWEST:
        return False
    gap = rest[0] - value if place == 0 else value - rest[-1]
    if counts[place] < SEVERAL and not (value in USUAL and gap > np.ptp(rest)):
        return False
    if gap <= np.median(np.diff(rest)):
        return False
    if value not in USUAL and len(rest) < MANY:
        return bool(gap > 10 * np.ptp(rest))
    if value in USUAL or value < 0 <= rest[0]:
        return bool(gap > np.ptp(rest) / 10)
    low, high = np.quantile(np.repeat(rest, np.minimum(counts[others], 1000)), [0.01, 0.99])
    return bool(gap > high - low and gap > np.ptp(rest) / 10)


def in_one_line(found: Sequence[tuple[str, StandIn]]) -> list[str]:
    """What is said of such numbers, by column: a line for each, with the option that leaves it out.

    >>> in_one_line([("CO", StandIn(-200, 5)), ("NOx", StandIn(-200, 4))])
    ['-200 stands in 9 cells of CO, NOx, far from all else; if it means "no value", say --missing -200']
    """
    lines = []
    for value in dict.fromkeys(str(each) for _, each in found):
        columns = [name for name, each in found if str(each) == value]
        cells = sum(each.cells for _, each in found if str(each) == value)
        where = ", ".join(columns[:5]) + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")
        lines.append(
            f'{value} stands in {counted(cells, "cells")} of {where}, far from all else; if it means "no value", say '
            f"--missing {value}"
        )
    return lines
