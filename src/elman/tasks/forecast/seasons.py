"""After how many steps a series repeats itself, from its autocorrelation and the calendar."""

import numpy as np
from scipy.signal import find_peaks

from elman.tasks.forecast.series import Panel

ROWS, CHANNELS = 20_000, 50  # that are looked at, at most
LEAST = 0.1  # how far a peak of the autocorrelation stands out
MARGIN = 0.01  # how much higher than those beside it a multiple of a season is that is a season as well, at least
NEAR = 0.05  # how far from a cycle of the calendar a peak is taken to be that cycle


def find_seasons(panel: Panel, ends: list[int]) -> list[int]:
    """Steps after which the series of a panel repeat themselves: none, one, or two of which the first is the shorter.

    Each is a peak of the mean autocorrelation of the channels, whose trends are taken out. The first is the shortest
    of those nearly as high as the highest; the second is the first multiple of it that is higher than those
    beside it. A peak near a cycle of the calendar, such as a day or a week, is that cycle.

    Args:
        panel: the series.
        ends: up to which row each of them is looked at.
    """
    longest = max((end for end in ends), default=0)
    order = np.argsort([-end for end in ends], kind="stable")[:CHANNELS]
    curves, looked_at = [], []
    for n in order:
        for target in range(len(panel.columns.targets)):
            values = panel.series[n].values[: ends[n], target][-ROWS:]
            if 2 * ends[n] >= longest and (curve := autocorrelation(values)) is not None:
                curves.append(curve)
                looked_at.append(len(values))
    if not curves:
        return []
    shortest = min(map(len, curves))
    mean = np.mean([curve[:shortest] for curve in curves[: 2 * CHANNELS]], 0)
    peaks, about = find_peaks(mean, prominence=LEAST)
    kept = peaks[(mean[peaks] > LEAST) & (about["prominences"] >= LEAST)]
    # a year of 8766 hours and the like is no season that a window could see
    cycles = [cycle for cycle in panel.clock.cycles() if cycle < shortest]
    if not len(kept):
        return []
    highest = mean[kept].max()
    first = int(kept[mean[kept] >= 0.75 * highest][0])
    first = next((cycle for cycle in cycles if abs(cycle - first) <= max(1, NEAR * cycle)), first)
    # by chance, autocorrelations are apart by about one over the root of the number of values
    margin = max(MARGIN, 2 / np.sqrt(sum(looked_at)))
    multiples = mean[first::first]
    higher = multiples[1:-1] - np.maximum(multiples[:-2], multiples[2:])
    second = np.flatnonzero((higher > margin) & (multiples[1:-1] > 0.5 * mean[first]))
    return [first, *(first * (int(k) + 2) for k in second[:1])]


def autocorrelation(values: np.ndarray) -> np.ndarray | None:
    """The autocorrelation of a series at lags from 0 to a third of its length, its straight trend taken out.

    Missing values are drawn straight between their neighbours. None for what is too short, or does not vary.

    Example:
        >>> wave = autocorrelation(np.sin(np.arange(60) * np.pi / 6))
        >>> int(wave[6:].argmax()) + 6
        12
    """
    given = np.flatnonzero(np.isfinite(values))
    if len(given) < 8:
        return None
    places = np.arange(given[0], given[-1] + 1)
    values = np.interp(places, given, values[given])
    values = values - np.polyval(np.polyfit(places, values, 1), places)
    size = 1 << (2 * len(values) - 1).bit_length()
    power = np.abs(np.fft.rfft(values, size)) ** 2
    sums = np.fft.irfft(power, size)[: len(values) // 3 + 1]
    if sums[0] <= 1e-12:
        return None
    # each lag is a sum over fewer pairs than the one before
    return sums / sums[0] * len(values) / (len(values) - np.arange(len(sums)))
