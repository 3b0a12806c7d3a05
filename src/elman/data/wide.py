"""Wide tables: columns whose names count, such as x_1, x_2, x_3, are the steps of a series in each row."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from elman.data.times.headings import are_times, times_of
from elman.errors import ElmanError

COUNTED = re.compile(r"(.*?)[ _.\-]*(\d{1,9})")  # a name, and the number behind it
LONGEST = 200  # characters of such a name
SHORT = 30  # characters of a name that is a time
FEWEST = 3  # steps of a series
DENSE = 2.0  # times as many numbers as columns at most lie between the first and the last


class Wide(NamedTuple):
    """The series of each row.

    Args:
        channels: their names.
        steps: of each the columns in order, "" where it has no such step.
    """

    channels: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> list[str]:
        """All of the columns."""
        return [name for each in self.steps for name in each if name]


def find_wide(columns: Sequence[str]) -> Wide | None:
    """The series that columns make, by their names; None where they make none.

    Columns beside each other that are named by times are one. Series of equally many columns go side by side in their
    order, others by their numbers.

    Example:
        >>> find_wide(["age", "pay_1", "pay_2", "pay_3", "bill 3", "bill 1", "bill 2"])
        Wide(channels=('pay', 'bill'), steps=(('pay_1', 'pay_2', 'pay_3'), ('bill 1', 'bill 2', 'bill 3')))
    """
    groups: dict[str, dict[int, str]] = {}
    dated = _dated(columns)
    for name in columns:
        if name not in dated and len(name) <= LONGEST and (match := COUNTED.fullmatch(name.strip())):
            groups.setdefault(match[1], {}).setdefault(int(match[2]), name)
    found = {"value": dict(enumerate(dated))} if dated else {}
    for name, group in groups.items():
        if len(group) >= FEWEST and max(group) - min(group) + 1 <= DENSE * len(group):
            found[name or "value"] = dict(sorted(group.items()))
    if not found:
        return None
    if len({len(group) for group in found.values()}) == 1:
        return Wide(tuple(found), tuple(tuple(group.values()) for group in found.values()))
    numbers = sorted({number for group in found.values() for number in group})
    return Wide(tuple(found), tuple(tuple(group.get(n, "") for n in numbers) for group in found.values()))


def _dated(columns: Sequence[str]) -> dict[str, None]:
    """Columns beside each other whose names are times, and more than digits, in the order of these times.

    >>> list(_dated(["id", "2020-01", "2020-02", "2020-03", "label"])), list(_dated(["x_1", "x_2", "x_3"]))
    (['2020-01', '2020-02', '2020-03'], [])
    """
    runs: list[list[str]] = [[]]
    for name in columns:
        if len(name) <= SHORT and re.search(r"\d\D*\d\D*\d", name) and not name.strip().isdigit():
            runs[-1].append(name)
        elif runs[-1]:
            runs.append([])
    longest = max(runs, key=len)
    if len(longest) < FEWEST or not are_times(longest):
        return {}
    try:
        times = times_of(longest, None, "").values
    except ElmanError:  # day and month cannot be told apart, but follow each other
        return dict.fromkeys(longest)
    return {} if np.isnan(times).any() else dict.fromkeys(longest[n] for n in np.argsort(times, kind="stable"))


def values_of(frame: pl.DataFrame, steps: Sequence[Sequence[str]], constants: Sequence[str]) -> list[np.ndarray]:
    """The series of each row, ``[T, C]``, NaN where there is no value, without the steps at the end that have none.

    Args:
        frame: the rows, with numbers in these columns.
        steps: of each channel the columns, in order.
        constants: columns that are further channels, the same at every step.
    """
    length = max(map(len, steps))
    found = np.full((len(frame), length, len(steps) + len(constants)), np.nan, np.float32)
    for channel, names in enumerate(steps):
        for step, name in enumerate(names):
            if name:
                found[:, step, channel] = frame[name].cast(pl.Float32).to_numpy()
    given = np.any(np.isfinite(found[:, :, : len(steps)]), axis=2)
    for channel, name in enumerate(constants, len(steps)):
        found[:, :, channel] = frame[name].cast(pl.Float32).to_numpy()[:, None]
    ends = np.where(np.any(given, axis=1), length - np.argmax(given[:, ::-1], axis=1), 0).tolist()
    return [each[:end] for each, end in zip(found, ends, strict=True)]
