"""Of several ways to read dates the one that makes a series of them: by order, by even steps, by centuries."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.data.times.forms import DAY, order_of

EVEN = 1.5  # the longest step between times over the usual one, where they are evenly apart: of months, or of years


class Found(NamedTuple):
    """The form of a column."""

    form: str  # empty where no form reads most of its cells
    rivals: tuple[str, ...] = ()  # where nothing tells which order of day, month and year it is: all of them


def told_apart(read: dict[str, np.ndarray]) -> Found:
    """Of several orders of day, month and year the one that reads the most, or that puts times in even order.

    Args:
        read: what each makes of the cells, ``[N]``.
    """
    counts = {form: int(np.isfinite(values).sum()) for form, values in read.items()}
    read = {form: values[np.isfinite(values)] for form, values in read.items() if counts[form] == max(counts.values())}
    likely = [form for form, values in read.items() if is_even(values) and len(values) > 4 and _rises(values) == 1]
    if len(likely) == 1:  # both evenly apart and in order is no other
        return Found(likely[0])
    spans = {form: float(np.ptp(values)) for form, values in read.items()}
    shortest = min(spans, key=lambda form: spans[form])
    # where a year of two digits is first or last: it is what changes the least
    read = {
        form: values
        for form, values in read.items()
        if (order_of(form) == "ymd") == (order_of(shortest) == "ymd") or spans[form] <= 4 * spans[shortest]
    }
    if len(read) > 1:
        even = {form: values for form, values in read.items() if is_even(values)}
        rising = {form: values for form, values in read.items() if len(values) > 4 and _rises(values) >= 0.99}
        if len(even) == 1:
            read = even
        elif len(rising) == 1 and all(_rises(values) < 0.95 for form, values in read.items() if form not in rising):
            read = rising
    orders = {order_of(form): form for form in reversed(read)}  # of those of one order the first
    rivals = tuple(form for form in read if form in orders.values())
    return Found(rivals[0], rivals if len(rivals) > 1 else ())


def _rises(values: np.ndarray) -> float:
    """The share of steps that go in one direction."""
    steps = np.diff(values)
    return max(float((steps >= 0).mean()), float((steps <= 0).mean()))


def turns_back(values: np.ndarray) -> bool:
    """Whether rows in order of time go from a year to the one a century before that which follows it, or back."""
    given = values[np.isfinite(values)]
    steps = np.diff(given) / (365.25 * DAY)
    century = (np.abs(steps) > 90) & (np.abs(steps) <= 100)
    rest = steps[~century & (steps != 0)]
    # those of a series go in one direction, and those that turn go in the other
    way = np.sign(rest.sum())
    return (
        bool(century.any())
        and len(rest) > 0
        and bool((np.sign(steps[century]) == -way).any())
        and bool((np.sign(rest) == way).mean() >= 0.95)
    )


def first_year_of(years: Sequence[int]) -> int:
    """The first of the hundred years in which two digits go on from 68 to 69: that behind the longest gap.

    >>> first_year_of([0, 1, 58, 68, 69, 75]), first_year_of([60, 68, 69, 99])
    (1958, 1960)
    """
    gaps = [(year - before) % 100 for before, year in zip([years[-1], *years], years, strict=False)]
    return 1900 + years[int(np.argmax(gaps))]


def is_even(values: np.ndarray) -> bool:
    """Whether values, each once and rising, are about as far apart."""
    gaps = np.diff(np.unique(values))
    return len(gaps) > 1 and bool(gaps.max() <= EVEN * np.median(gaps))
