"""The score of the Numenta Anomaly Benchmark: early alarms in a window are worth most, false ones cost.

Lavin and Ahmad, Evaluating Real-Time Anomaly Detection Algorithms, 2015; profile "standard", as their scorer has it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FALSE_ALARM, MISSED = 0.11, 1.0  # what they cost in the profile "standard"; a window found at its start is worth 1
FAR = 3.0  # widths of the window behind it, from where on a false alarm costs all of that


class Judged(NamedTuple):
    """Rows of one series, and what an alarm at each would be worth."""

    scores: np.ndarray  # [N], how odd each row is; a row is an alarm where that is not below the threshold
    worth: np.ndarray  # [N]
    window: np.ndarray  # [N], the number of the window that it is in, -1 outside


def probation(rows: int, share: float = 0.15) -> int:
    """How many rows at the beginning of a series are for learning and not judged: a share, of 5,000 rows at most.

    >>> probation(4032), probation(22695), probation(1127)
    (604, 750, 169)
    """
    return math.ceil(min(math.floor(share * rows), share * 5000))


def worth(rows: int, windows: Sequence[tuple[int, int]]) -> np.ndarray:
    """What an alarm at each row is worth: within a window from 1 down to nearly 0, outside below 0.

        s(y) = 2 / (1 + exp(5 y)) - 1

    with ``y`` from -1 at the first row of a window to 0 behind its last, and then on in widths of the window.

    Args:
        rows: of the series.
        windows: the first and the last row of each, in order.
    """
    value = np.full(rows, -FALSE_ALARM)
    for place, (first, last) in enumerate(windows):
        width = last - first + 1
        value[first : last + 1] = _sigmoid(-np.arange(width, 0, -1) / width) / _sigmoid(-1.0)
        following = windows[place + 1][0] if place + 1 < len(windows) else rows
        past = np.arange(1, following - last) / max(1, width - 1)
        value[last + 1 : following] = FALSE_ALARM * np.where(past < FAR, _sigmoid(past), -1.0)
    return value


def judged(scores: np.ndarray, windows: Sequence[tuple[int, int]], start: int) -> Judged:
    """The rows of a series that count: those from ``start`` on."""
    window = np.full(len(scores), -1)
    for number, (first, last) in enumerate(windows):
        window[first : last + 1] = number
    return Judged(scores[start:], worth(len(scores), windows)[start:], window[start:])


def sweep(series: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray]:
    """The standard score of all series together at each threshold that makes a difference, from the highest down.

        score = 100 (sum of the worths + W) / 2W

    where each window gives the worth of its best alarm, or -1 if it has none, each other alarm its own, and ``W`` is
    the number of windows: no alarm at all gives 0, one at the first row of each window and no other 100.

    Returns:
        Thresholds, the first of them infinite, and the score at each.
    """
    offsets = np.cumsum([0] + [int(each.window.max(initial=-1)) + 1 for each in series])
    number = offsets[-1]
    if not number:
        raise ValueError("there are no windows to score by")
    scores = np.concatenate([each.scores for each in series])
    value = np.concatenate([each.worth for each in series])
    window = np.concatenate([np.where(e.window < 0, -1, e.window + n) for e, n in zip(series, offsets, strict=False)])
    order = np.argsort(-scores, kind="stable")
    gain, best = value[order].copy(), {}
    for place in np.flatnonzero(window[order] >= 0):
        of, now = window[order[place]], gain[place]
        before = best.get(of, -MISSED)
        gain[place] = max(0.0, now - before)
        best[of] = max(before, now)
    total = np.concatenate([[0.0], np.cumsum(gain)])
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf) != 0) + 1  # rows of equal score alarm together
    thresholds = np.concatenate([[np.inf], scores[order][ends - 1]])
    return thresholds, 100 * total[np.concatenate([[0], ends])] / (2 * number * MISSED)


def score_at(series: Sequence[Judged], threshold: float) -> float:
    """The standard score at one threshold for all series."""
    thresholds, scores = sweep(series)
    return float(scores[np.searchsorted(-thresholds, -threshold, side="right") - 1])


def _sigmoid(position: np.ndarray | float) -> np.ndarray:
    return 2 / (1 + np.exp(5 * np.asarray(position))) - 1
