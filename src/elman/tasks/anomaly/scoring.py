"""What a stream keeps of its past, each a few numbers that never grow: its scale, its usual errors, its last scores."""

import math
from collections import deque

import numpy as np

FIRST = 50  # rows before anything is told from the usual
FURTHEST = 20.0  # standard deviations at which a value is cut off
ENOUGH = 10  # rows above a quantile
LEAST = 0.02  # spread that any errors have


class Scale:
    """The mean and the spread of each column so far, old rows fading once there are more than ``memory``.

    Args:
        shape: of the values of a row, such as ``[B, K]`` of streams side by side; each has its own past.
        memory: rows.
    """

    def __init__(self, shape: tuple[int, ...], memory: int) -> None:
        self.memory, self.rows = memory, np.zeros(shape)
        self.mean, self.variance = np.zeros(shape), np.zeros(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values in standard deviations from the mean of the rows before, NaN where there is none; then they count."""
        return self.over(values[None])[0]

    def over(self, values: np.ndarray) -> np.ndarray:
        """The same of many rows, ``[T, ...]``, of which only what follows from row to row is taken row by row."""
        given, first, rate = _counted(values, self.rows, self.memory)
        plain = _plain(given & ~first)
        means, away, mean = np.empty(values.shape), np.empty(values.shape), self.mean
        for t, row in enumerate(values):
            if not plain[t]:
                row = np.where(given[t], row, mean)
                mean = np.where(first[t], row, mean)
            means[t], away[t] = mean, row - mean
            mean = mean + rate[t] * away[t]
        variances, variance, kept, added = np.empty(values.shape), self.variance, 1 - rate, rate * away * away
        for t in range(len(values)):
            variances[t] = variance
            variance = kept[t] * (variance + added[t])
        self.mean, self.variance, self.rows = mean, variance, self.rows + given.sum(0)
        spread = np.maximum(np.sqrt(variances), 1e-3 * np.abs(means) + 1e-9)
        return np.where(given, np.clip(away / spread, -FURTHEST, FURTHEST), np.nan)


class Reader:
    """The rows of a stream as a network reads them: scaled, pressed together, beside their change.

    Args:
        shape: ``[B, K]``.
        memory: rows that the scale remembers.
    """

    def __init__(self, shape: tuple[int, ...], memory: int) -> None:
        self.scale, self.last = Scale(shape, memory), np.zeros(shape)

    def __call__(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scaled values ``[B, K]``, NaN where there is none, and ``[B, 3 K]``: value, change, whether it is given.

        Where there is no value, it reads the last one.
        """
        scaled, read = self.over(values[None])
        return scaled[0], read[0]

    def over(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of many rows, ``[T, B, K]``."""
        scaled = self.scale.over(values)
        given = np.isfinite(scaled)
        # the last row with a value, counted from 1; 0 is what was there before
        latest = np.maximum.accumulate(np.where(given, np.arange(1, len(values) + 1)[:, None, None], 0), 0)
        known = np.concatenate([self.last[None], press(scaled)])
        now = np.take_along_axis(known, latest, 0)
        before = np.concatenate([self.last[None], now[:-1]])
        self.last = now[-1]
        return scaled, np.concatenate([now, now - before, given], -1)


def press(x: np.ndarray) -> np.ndarray:
    """``sign(x) log(1 + |x|)``, so that what is far out moves a network no more than it should."""
    return np.sign(x) * np.log1p(np.abs(x))


def unpress(y: np.ndarray) -> np.ndarray:
    """What ``press`` makes ``y`` of, as far out as a scaled value can be."""
    return np.sign(y) * np.minimum(np.expm1(np.minimum(np.abs(y), 4.0)), FURTHEST)


class Usual:
    """How large errors, smoothed a little, are beside the large ones among those before.

        q_t = q_{t-1} + (e_t - q_{t-1}) / smooth
        score_t = q_t / (mean(q_1^4 .. q_{t-1}^4) / 3)^(1/4)

    The fourth power is between the spread, which a stream of rare spikes exceeds at each of them, and the largest error
    so far, which one spike raises for good. Of normal errors the score is in standard deviations.

    Args:
        shape: of the errors of a row.
        smooth: rows over which they are smoothed.
        memory: rows after which the past fades.
    """

    def __init__(self, shape: tuple[int, ...], smooth: int, memory: int) -> None:
        self.smooth, self.memory = smooth, memory
        self.rows, self.level, self.power = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def __call__(self, errors: np.ndarray) -> np.ndarray:
        """The scores of errors, 0 or more; 0 where there is none (NaN) or too little to compare with."""
        return self.over(errors[None])[0]

    def over(self, errors: np.ndarray) -> np.ndarray:
        """The same of many rows, ``[T, ...]``, of which only what follows from row to row is taken row by row."""
        given, first, rate = _counted(errors, self.rows, self.memory)
        plain = _plain(given & ~first)
        levels, level = np.empty(errors.shape), self.level
        for t, row in enumerate(errors):
            if plain[t]:
                level = level + (row - level) / self.smooth
            else:
                row = np.where(given[t], row, level)
                level = np.where(first[t], row, level + (row - level) / self.smooth)
            levels[t] = level
        square = levels * levels
        powers, power, fourth = np.empty(errors.shape), self.power, square * square
        for t in range(len(errors)):
            powers[t] = power
            power = power + rate[t] * (fourth[t] - power)
        enough = given & (self.rows + np.cumsum(given, 0) - given >= FIRST)
        self.level, self.power, self.rows = level, power, self.rows + given.sum(0)
        return np.where(enough, levels / (np.sqrt(np.sqrt(powers / 3)) + LEAST), 0.0)


def _counted(values: np.ndarray, before: np.ndarray, memory: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rows ``[T, ...]``: which values there are, before which there is none, and how much each counts."""
    given = np.isfinite(values)
    rows = before + np.cumsum(given, 0) - given
    return given, rows == 0, given / np.minimum(rows + 1, memory)


def _plain(usual: np.ndarray) -> np.ndarray:
    """Which rows, ``[T, ...]``, are as usual in all columns."""
    return np.all(usual.reshape(len(usual), -1), axis=1)


class Record:
    """Lets a score through that is the highest for a while, and makes the others 0: so one anomaly is one alarm.

    Args:
        rows: the while; 0 lets all through.

    Example:
        >>> record = Record(2)
        >>> [record(score) for score in (1.0, 3.0, 2.0, 1.0, 2.5, 4.0)]
        [1.0, 3.0, 0.0, 0.0, 2.5, 4.0]
    """

    def __init__(self, rows: int) -> None:
        self.rows, self.row = rows, 0
        self.kept: deque[tuple[int, float]] = deque()  # scores that fall, each the highest since the one before

    def __call__(self, score: float) -> float:
        while self.kept and self.kept[0][0] < self.row - self.rows:
            self.kept.popleft()
        highest = self.kept[0][1] if self.kept else -math.inf
        while self.kept and self.kept[-1][1] <= score:
            self.kept.pop()
        if self.rows:
            self.kept.append((self.row, score))
        self.row += 1
        return score if score > highest else 0.0


def tail(scores: np.ndarray, rate: float, start: float = 0.98) -> float:
    """The score that so small a share of all rows exceeds: a quantile, or, of too few rows for one, their tail.

    What exceeds the quantile ``start`` is taken for a generalised Pareto distribution, fitted by its moments
    (Hosking and Wallis 1987; peaks over threshold, as in Siffer et al. 2017).

    Args:
        scores: ``[N]``.
        rate: the share.
        start: where the tail begins.

    Example:
        >>> scores = np.random.default_rng(1).exponential(size=20_000)
        >>> abs(tail(scores, 1e-4) - 9.2) < 0.5  # -log(1e-4) of an exponential distribution
        True
    """
    if rate * len(scores) >= ENOUGH:  # one score far out moves a fit, and no quantile
        return float(np.quantile(scores, 1 - rate))
    begin = float(np.quantile(scores, start))
    above = scores[scores > begin] - begin
    if not len(above):
        return float(scores.max()) + 1.0
    share = len(above) / len(scores)
    if rate >= share:
        return float(np.quantile(scores, 1 - rate))
    mean, variance = float(above.mean()), float(above.var())
    shape = 0.5 * (1 - mean**2 / max(variance, 1e-12))
    shape = min(max(shape, -0.5), 0.45)  # beyond which the moments say nothing
    width = mean * (1 - shape)
    times = share / rate
    return begin + width * (math.log(times) if abs(shape) < 1e-6 else (times**shape - 1) / shape)
