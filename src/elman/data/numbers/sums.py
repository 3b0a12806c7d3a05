"""Columns of numbers, and series, that are the sum of others beside them."""

from collections.abc import Sequence
from shlex import quote

import numpy as np

from elman.data.columns import is_named, listed
from elman.data.numbers.cells import LARGEST

FEWEST = 5  # rows by which it is told that a column is a sum
LOOKED, WIDEST = 200, 500  # rows that are looked at for that, and columns of a table at most
EXACT = 1e-9  # of what a column sums up it is off at most, rounding apart
NEARLY = 0.95  # of the times at least a series is the sum of others
SMALL = 0.01  # of its spread what rounding makes of a sum of columns is at most


def told_sums(names: Sequence[str], values: np.ndarray) -> list[str]:
    """A line for each column that is the sum of some beside it, and how to leave it out.

    Args:
        names: of the columns.
        values: ``[N, K]``, NaN where there is none.

    Example:
        >>> parts = np.array([[1.0, 2.5], [3, 4], [2, 2], [5, 1], [0, 7]])
        >>> told_sums(["north", "south", "all"], np.column_stack([parts, parts.sum(1)]))
        ['all is the sum of north, south in every row; --ignore all leaves it out']
    """
    rows = values[(np.abs(values) <= LARGEST).all(1)][:LOOKED]  # NaN is not either
    if not 3 <= len(names) <= WIDEST or len(rows) < FEWEST:
        return []
    varied = (rows != rows[0]).any(0)
    lines = []
    for column, name in enumerate(names):
        if not varied[column] or len(np.unique(rows[:, column])) < 3:
            continue
        others = [n for n in range(len(names)) if n != column and varied[n]]
        before, behind = [n for n in others[::-1] if n < column], [n for n in others if n > column]
        parts = next((found for each in (before, behind, others) if (found := _parts(rows, column, each))), [])
        if parts:
            shown = listed([names[n] for n in sorted(parts)], 5)
            lines.append(f"{name} is the sum of {shown} in every row; --ignore {quote(name)} leaves it out")
    return lines


def _parts(rows: np.ndarray, column: int, others: Sequence[int]) -> list[int]:
    """The first two or more of some columns whose sum another one is."""
    if len(others) < 2:
        return []
    wanted = rows[:, column]
    decimals = _decimals(rows[:, [column, *others]])
    sums = rows[:, others].cumsum(1)
    rounded = 0.5 * 10.0**-decimals * np.arange(2, len(others) + 2)
    allowed = np.where(rounded <= SMALL * wanted.std(), rounded, 0)
    off = np.abs(sums - wanted[:, None]) <= allowed + EXACT * np.abs(wanted)[:, None]
    found = np.flatnonzero(off.all(0))
    first = next((int(n) for n in found if n > 0), 0)
    return list(others[: first + 1]) if first else []


def _decimals(values: np.ndarray) -> int:
    """Decimals that numbers are written with, six at most."""
    return next((d for d in range(6) if np.abs(values - values.round(d)).max() <= EXACT * np.abs(values).max()), 6)


def told_series(names: Sequence[tuple[str, ...]], columns: Sequence[str], values: np.ndarray, option: str) -> list[str]:
    """A line for each name of series that sum up the others beside them, as those called Total do.

    Args:
        names: of the series, from some columns each.
        columns: these columns.
        values: ``[T, S]`` of the series at the same times, NaN where there is none.
        option: that leaves out what stands behind it, or "" where there is none.

    Example:
        >>> parts = np.array([[1.0, 2.5], [3, 4], [2, 2], [5, 1], [0, 7]])
        >>> names = [("north",), ("south",), ("Total",)]
        >>> told_series(names, ["region"], np.column_stack([parts, parts.sum(1)]), "--ignore")
        ['the series Total of region is the sum of north, south; --ignore Total leaves it out']
    """
    if not 3 <= len(names) <= WIDEST or len(values) < FEWEST:
        return []
    values, lines = values[-LOOKED:], {}
    for at, column in enumerate(columns):
        groups: dict[tuple[str, ...], list[int]] = {}
        for n, name in enumerate(names):
            groups.setdefault((*name[:at], *name[at + 1 :]), []).append(n)
        for group in groups.values():
            for whole, parts in _wholes([names[n][at] for n in group], values[:, group]):
                label, shown = names[group[whole]][at], listed([names[group[n]][at] for n in parts], 5)
                how = (
                    f"{option} {quote(label)} leaves it out" if option and label.strip() else "its rows can be left out"
                )
                said = f"the series {label} of {column}" if label.strip() else f"the series with nothing in {column}"
                lines.setdefault((column, label), f"{said} is the sum of {shown}; {how}")
    return list(lines.values())


def _wholes(labels: Sequence[str], values: np.ndarray) -> list[tuple[int, list[int]]]:
    """Which of some series are the sum of all others but those that are sums themselves, at nearly all times."""
    totals = [n for n, label in enumerate(labels) if not label.strip() or is_named(label.strip(" :*="), "total")]
    found: list[tuple[int, list[int]]] = []
    for whole in (*totals, *(n for n in range(len(labels)) if n not in totals)):
        parts = [n for n in range(len(labels)) if n not in (whole, *totals)]
        rows = values[np.isfinite(values[:, [whole, *parts]]).all(1)]
        if found and whole not in totals:
            break
        if len(parts) < 2 or len(rows) < FEWEST or len(np.unique(rows[:, whole])) < 3:
            continue
        rounded = 0.5 * 10.0 ** -_decimals(rows) * (len(parts) + 1)
        allowed = rounded if rounded <= SMALL * rows[:, whole].std() else 0
        off = np.abs(rows[:, parts].sum(1) - rows[:, whole]) <= allowed + EXACT * np.abs(rows[:, whole])
        if off.mean() >= NEARLY:
            found.append((whole, parts))
    return found
