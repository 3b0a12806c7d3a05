"""After how many steps a series repeats itself, from its autocorrelation and the calendar."""

import numpy as np
from scipy.signal import find_peaks

from elman.tasks.forecast.series import Panel

ROWS, CHANNELS = 20_000, 50  # that are looked at, at most
LEAST = 0.1  # how far a peak of the autocorrelation stands out
MARGIN = 0.01  # how much higher than those beside it a multiple of a season is that is a season as well, at least
NEAR = 0.05  # how far from a cycle of the calendar a peak is taken to be that cycle


SCALES = (4, 10, 30, 100)  # parts of a series, as long as which slow movements are that may hide a season


def find_seasons(panel: Panel, ends: list[int]) -> list[int]:
    """Steps after which the series of a panel repeat themselves: none, one, or two of which the first is the shorter.

    Each is a peak of the mean autocorrelation of the channels, whose trends are taken out. The first is the shortest
    of those nearly as high as the highest; the second is the first multiple of it that is higher than those
    beside it. A peak near a cycle of the calendar, such as a day or a week, is that cycle.

    Where the trend that is taken out is straight and no cycle of the calendar is found, movements that are slower and
    slower are taken out too; a season is then looked for where these cannot make one, at less than half their length.

    Args:
        panel: the series.
        ends: up to which row each of them is looked at.
    """
    longest = max((end for end in ends), default=0)
    order = np.argsort([-end for end in ends], kind="stable")[:CHANNELS]
    channels = [
        panel.series[n].values[: ends[n], target][-ROWS:]
        for n in order
        if 2 * ends[n] >= longest
        for target in range(len(panel.columns.targets))
    ][: 2 * CHANNELS]
    cycles = panel.clock.cycles()
    found = _seasons(channels, cycles)
    for parts in () if found[:1] and found[0] in cycles else SCALES:
        under = _seasons(channels, cycles, parts)
        # without a calendar any season that drift has hidden
        if under and (under[0] in cycles or not (found or cycles)):
            return under
    return found


def _seasons(channels: list[np.ndarray], cycles: list[int], parts: int = 0) -> list[int]:
    """The seasons of some series, of which slow movements are taken out that are as long as one of so many parts."""
    curves, looked_at = [], []
    for values in channels:
        width = len(values) // parts if parts else 0
        if (width or not parts) and (curve := autocorrelation(values, width)) is not None:
            curves.append(curve[: width // 2] if width else curve)
            looked_at.append(len(values))
    if not curves:
        return []
    shortest = min(map(len, curves))
    mean = np.mean([curve[:shortest] for curve in curves], 0)
    # channels are alike: as if the root of their number were independent
    least = max(LEAST, _by_chance(mean, max(looked_at) * len(curves) ** 0.5))
    peaks, about = find_peaks(mean, prominence=LEAST)
    # what is taken out bends the curve; from a hollow to a peak is twice as far as from nothing, and where the calendar
    # has a cycle a peak is no surprise
    expected = np.array([_cycle(int(peak), cycles) > 0 for peak in peaks])
    heights = about["prominences"] / np.where(expected, 2**0.5, 2) if parts else mean[peaks]
    kept = peaks[(mean[peaks] > LEAST) & (heights >= least)]
    if not len(kept):
        return []
    highest = mean[kept].max()
    first = int(kept[mean[kept] >= 0.75 * highest][0])
    # a year of 8766 hours and the like is no season that a window could see
    first = _cycle(first, [cycle for cycle in cycles if cycle < shortest]) or first
    margin = max(MARGIN, 2 / np.sqrt(sum(looked_at)))
    multiples = mean[first::first]
    higher = multiples[1:-1] - np.maximum(multiples[:-2], multiples[2:])
    second = np.flatnonzero((higher > margin) & (multiples[1:-1] > 0.5 * mean[first]))
    return [first, *(first * (int(k) + 2) for k in second[:1])]


def _cycle(lag: int, cycles: list[int]) -> int:
    """The cycle of the calendar that a lag is near to, or 0."""
    return next((cycle for cycle in cycles if abs(cycle - lag) <= max(1, NEAR * cycle)), 0)


def _by_chance(curve: np.ndarray, number: int) -> float:
    """How high the highest autocorrelation is where nothing repeats itself but neighbours are alike (Bartlett 1946).

        s^2 = (1 + 2 sum r_j^2) / number, over the lags up to the first that is not alike

    Of ``m`` values that are apart and spread by ``s`` the highest is about ``s sqrt(2 ln m)``. The longest lags, a
    third of the series, have two thirds of its pairs.
    """
    below = np.flatnonzero(curve <= 0)
    alike = 1 + 2 * float((curve[1 : below[0] if len(below) else len(curve)] ** 2).sum())
    apart = max(2.0, len(curve) / alike)
    return float(np.sqrt(alike / (number * 2 / 3) * 2 * np.log(apart)))


def autocorrelation(values: np.ndarray, width: int = 0) -> np.ndarray | None:
    """The autocorrelation of a series at lags from 0 to a third of its length, its trend taken out.

    Missing values are drawn straight between their neighbours. None for what is too short, or does not vary.

    Args:
        values: ``[T]``.
        width: steps over which the trend is a mean; 0 for a straight line.

    Example:
        >>> wave = autocorrelation(np.sin(np.arange(60) * np.pi / 6))
        >>> int(wave[6:].argmax()) + 6
        12
    """
    given = np.flatnonzero(np.isfinite(values))
    if len(given) < max(8, 2 * width):
        return None
    places = np.arange(given[0], given[-1] + 1)
    values = np.interp(places, given, values[given])
    values = values / (np.abs(values).max() or 1.0)  # so that their squares are neither infinite nor nothing
    values = values - np.polyval(np.polyfit(places, values, 1), places)
    if width > 1:
        sums = np.cumsum(np.concatenate([[0.0], values]))
        means = (sums[width:] - sums[:-width]) / width
        values = values[width // 2 : width // 2 + len(means)] - means
        values = values - values.mean()
    size = 1 << (2 * len(values) - 1).bit_length()
    power = np.abs(np.fft.rfft(values, size)) ** 2
    sums = np.fft.irfft(power, size)[: len(values) // 3 + 1]
    if sums[0] <= 1e-12:
        return None
    # each lag is a sum over fewer pairs than the one before
    return sums / sums[0] * len(values) / (len(values) - np.arange(len(sums)))
