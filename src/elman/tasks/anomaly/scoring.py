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
        given, first = np.isfinite(values), self.rows == 0
        values = np.where(given, values, self.mean)
        self.mean = np.where(first, values, self.mean)
        away = values - self.mean
        spread = np.maximum(np.sqrt(self.variance), 1e-3 * np.abs(self.mean) + 1e-9)
        scaled = np.where(given, np.clip(away / spread, -FURTHEST, FURTHEST), np.nan)
        rate = given / np.minimum(self.rows + 1, self.memory)
        self.mean = self.mean + rate * away
        self.variance = (1 - rate) * (self.variance + rate * away * away)
        self.rows += given
        return scaled


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
        scaled = self.scale(values)
        given = np.isfinite(scaled)
        now = np.where(given, press(scaled), self.last)
        read = np.concatenate([now, now - self.last, given], -1)
        self.last = now
        return scaled, read


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
        given, first = np.isfinite(errors), self.rows == 0
        errors = np.where(given, errors, self.level)
        self.level = np.where(first, errors, self.level + (errors - self.level) / self.smooth)
        score = np.where(given & (self.rows >= FIRST), self.level / (np.sqrt(np.sqrt(self.power / 3)) + LEAST), 0.0)
        square = self.level * self.level
        self.power += given / np.minimum(self.rows + 1, self.memory) * (square * square - self.power)
        self.rows += given
        return score


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
