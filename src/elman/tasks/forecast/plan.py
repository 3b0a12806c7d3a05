"""What a forecaster sees and forecasts where that was not said, and where its series are cut."""

import math
from collections.abc import Sequence

import numpy as np

from elman.data.bad import BadRows
from elman.data.split import apportioned
from elman.errors import ElmanError, counted
from elman.tasks.forecast.series import Panel


def usual_horizon(seasons: Sequence[int], length: int) -> int:
    """Steps to forecast: a season, where it is not too long."""
    season = next((s for s in seasons if s <= min(96, length // 8)), 0)
    return season or max(1, min(24, length // 8))


def usual_context(seasons: Sequence[int], horizon: int, length: int) -> int:
    """Steps that are seen: several horizons and two seasons, where series of this length have as many."""
    wanted = max(8, 6 * horizon, *(2 * season for season in seasons))
    return max(1, min(wanted, 1024, (length - horizon) // 2))


def usual_segment(season: int, horizon: int, context: int) -> int:
    """Steps of a segment: a whole part of the season, and about so many segments as a recurrence remembers well."""
    most = max(1, min(context // 8, 24, horizon))
    parts = [n for n in range(max(1, most // 2), most + 1) if season % n == 0 or n % season == 0]
    return max(parts, default=most)


def parts_of(split: str) -> list[float | None]:
    """What ``--split`` says: rows or shares to learn from, hold out and test on, None for the rest.

    >>> parts_of("-/48/48"), parts_of("0.8/0.2")
    ([None, 48.0, 48.0], [0.8, 0.2])
    """
    words = [word.strip() for word in split.split("/")] if split else ["-", "0.1", "0.1"]
    try:
        parts = [None if word == "-" else float(word) for word in words]
    except ValueError:
        parts = []
    good = all(part is None or 0 < part < 1 or (part < math.inf and part >= 1 and part == int(part)) for part in parts)
    if not 2 <= len(parts) <= 3 or not good or None in parts[1:]:
        raise ElmanError(
            f"--split is rows or shares to learn from, to hold out and to test on, such as 8640/2880/2880, "
            f"0.8/0.1/0.1 or -/48/48, not {split!r}"
        )
    if (shares := sum(part for part in parts if part is not None and part < 1)) > 1 + 1e-9:
        raise ElmanError(f"the shares of --split {split} sum up to {shares:g}; to all of the rows, 1, or less")
    return parts


def rows_of(split: str, length: int) -> list[int]:
    """How many rows of a series are learnt from, held out and tested on by ``--split``, whatever the horizon.

    Shares are of all rows, and rounded together, so that they sum up as they are written.

    Example:
        >>> rows_of("0.7/0.1/0.2", 7588), rows_of("-/48/48", 200), rows_of("0.5/0.25", 100)
        ([5312, 759, 1517], [104, 48, 48], [50, 25])
    """
    parts = parts_of(split)
    shares = [part for part in parts if part is not None and part < 1]
    rounded = iter(apportioned(round(sum(shares) * length), shares) if shares else ())
    rows = [0 if part is None else next(rounded) if part < 1 else int(part) for part in parts]
    return [length - sum(rows) if part is None else n for part, n in zip(parts, rows, strict=True)]


def learnt_from(split: str, length: int) -> int:
    """How many rows of a series of some length are learnt from, whatever the horizon."""
    return min(max(0, rows_of(split, length)[0]), length)


def cut_into(panel: Panel, split: str, horizon: int) -> np.ndarray:
    """For each series where what is learnt from ends, what is held out, and the test, ``[N, 3]``.

    A series too short for that holds out its last horizon, which is the test as well, or else nothing.

    Raises:
        ElmanError: no series is long enough.
    """
    rest, found, fitted = parts_of(split)[0] is None, [], False
    for series in panel.series:
        length = len(series)
        first, *after = rows_of(split, length)
        later = [max(horizon, part) for part in after]
        start = length - sum(later) if rest else first
        fits = start > horizon and start + sum(later) <= length
        fitted = fitted or fits
        if not fits:
            later, start = [horizon], length - horizon if length > 2 * horizon else length
        found.append(np.minimum(start + np.cumsum([0, *later, *[0] * (2 - len(later))]), length))
    cuts, longest = np.array(found), lengths_of(panel).max()
    if split and not fitted:
        raise ElmanError(
            f"{panel.name}: the longest series has {counted(longest, 'rows')}, too few for --split {split} and "
            f"a horizon of {horizon}; give smaller numbers"
        )
    if not (cuts[:, 1] - cuts[:, 0] >= horizon).any():
        raise ElmanError(
            f"{panel.name}: the longest series has {counted(longest, 'rows')}; to learn from some and hold out "
            f"{horizon}, it takes {2 * horizon + 1}: give a smaller --horizon"
        )
    return cuts


def long_enough(panel: Panel, horizon: int, bad: BadRows) -> Panel:
    """The panel without series that are too short for a forecast."""
    series = []
    bad.read(len(panel.series), "series")
    for each in panel.series:
        if len(each) > horizon:
            series.append(each)
        elif len(panel.series) > 1:
            name = " ".join(each.name)
            bad.add(
                f"{panel.name}, series {name}",
                f"has {counted(len(each), 'rows')}, and a forecast is of {horizon}; a smaller --horizon takes it too",
                "series",
            )
    if not series:
        longest = max(len(each) for each in panel.series)
        raise ElmanError(
            f"{panel.name}: the longest series has {counted(longest, 'rows')}; to learn to forecast {horizon} it takes "
            f"{2 * horizon + 1}: give a smaller --horizon"
        )
    return Panel(panel.name, panel.columns, panel.clock, series)


def lengths_of(panel: Panel) -> np.ndarray:
    """The rows of each series."""
    return np.array([len(series) for series in panel.series])
