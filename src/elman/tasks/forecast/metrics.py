"""How good forecasts are, beside what came, and how wide their quantiles must be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elman.tasks.forecast.windows import Channels
from elman.training.measures import LOSS, LOW, Measure

MEDIAN = "of the median"
MEASURES = {
    "mase": Measure(LOW, False, f"MASE {MEDIAN}", "the mean absolute error over that of the last season, repeated"),
    "scaled_mae": Measure(LOW, False, f"scaled MAE {MEDIAN}", "the mean absolute error in standard deviations"),
    "mae": Measure(LOW, False, f"MAE {MEDIAN}", "the mean absolute error"),
    "quantile_loss": Measure(LOW, about="the pinball loss of all quantiles, over the size of what came"),
    "scaled_mse": Measure(LOW, False, "scaled MSE of the mean", "the mean squared error in standard deviations"),
    "mse": Measure(LOW, False, "MSE of the mean", "the mean squared error"),
    "smape": Measure(LOW, False, f"sMAPE {MEDIAN}", "the symmetric mean absolute percentage error, from 0 to 200"),
    "coverage": Measure(about="the share of values between the lowest and the highest quantile"),
    "loss": LOSS,
}
TELLING = 500  # values that tell how wide quantiles are to be
WIDEST = 3.0  # times as wide as they were learnt


@dataclass(frozen=True)
class Truth:
    """What came in some windows.

    Args:
        channels: the channels that they are cut from.
        channel: ``[N]``, the channel of each.
        origin: ``[N]``, how many rows of its channel lie before its forecast.
    """

    channels: Channels
    channel: np.ndarray
    origin: np.ndarray

    def __len__(self) -> int:
        return len(self.channel)

    @property
    def coming(self) -> np.ndarray:
        """``[N, H]`` in units of the channels, NaN where there is no value."""
        return self.channels.cut(self.channel, self.origin).coming.numpy()

    def some(self, number: int) -> "Truth":
        """At most so many of the windows, evenly among them."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(number, len(self))).astype(int))
        return Truth(self.channels, self.channel[chosen], self.origin[chosen])


def measures(forecast: np.ndarray, truth: Truth, levels: Sequence[float]) -> dict[str, float]:
    """What people judge forecasts by.

    ``mse`` is of the mean; ``mae``, ``mase`` and ``smape`` are of the median, which each of them asks for. Scaled
    errors are in standard deviations of the part that was learnt from, each channel's own. ``mase`` is in the mean
    distance, there, of a value from that a season before (Hyndman and Koehler 2006), averaged over windows; windows of
    channels that do not vary are left out of it. ``smape`` is in percent, from 0 to 200. ``quantile_loss`` is twice the
    pinball loss over the sum of what came, averaged over the quantiles, where that sum is not nothing; ``coverage`` the
    share of values between the lowest and the highest quantile.

    Args:
        forecast: ``[N, H, 1 + Q]`` in units of the channels: the mean, then the quantiles in rising order.
        truth: what came.
        levels: of the quantiles.
    """
    coming = truth.coming.astype(float)
    mean, deviation, repeat = truth.channels.units[truth.channel].T[..., None]
    forecast, actual = forecast.astype(float), coming * deviation + mean
    median = forecast[..., 1 + nearest(levels)]
    squared, error = (forecast[..., 0] - coming) ** 2, np.abs(median - coming)
    value = median * deviation + mean
    usable = np.isfinite(repeat[:, 0]) & (repeat[:, 0] > 1e-9 * deviation[:, 0])
    both = np.abs(value) + np.abs(actual)
    smape = np.divide(2 * np.abs(value - actual), both, out=np.zeros_like(both), where=both > 0)
    found = {
        "mse": float(np.nanmean(squared * deviation**2)),
        "mae": float(np.nanmean(error * deviation)),
        "scaled_mse": float(np.nanmean(squared)),
        "scaled_mae": float(np.nanmean(error)),
        "smape": 100 * float(np.mean(smape[np.isfinite(coming)])),
    }
    if usable.any():
        found["mase"] = float(np.mean(np.nanmean((error * deviation)[usable] / repeat[usable], 1)))
    differences = (coming[..., None] - forecast[..., 1:]) * deviation[..., None]
    loss = np.maximum(np.array(levels) * differences, (np.array(levels) - 1) * differences)
    size = np.nansum(np.abs(actual))
    if size > 1e-9 * np.nansum(np.where(np.isfinite(actual), deviation, 0)):
        found["quantile_loss"] = float(2 * np.nansum(loss) / len(levels) / size)
    if len(levels) > 1:
        within = (forecast[..., 1] <= coming) & (coming <= forecast[..., -1])
        found["coverage"] = float(within[np.isfinite(coming)].mean())
    return found


def widened(quantiles: np.ndarray, widths: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles ``[..., Q]`` whose distances from the middle one are multiplied, in rising order.

    Example:
        >>> widened(np.array([1.0, 2.0, 4.0]), np.array([2.0, 1.0, 0.5]), [0.1, 0.5, 0.9])
        array([0., 2., 3.])
    """
    middle = quantiles[..., [nearest(levels)]]
    with np.errstate(invalid="ignore"):  # of what is not finite, which is refused later
        return np.sort(middle + widths.astype(quantiles.dtype) * (quantiles - middle), -1)


def between(mean: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Means that are not below the lowest quantile, where that is below the median, nor above the highest.

    Args:
        mean: ``[...]``.
        quantiles: ``[..., Q]``, in rising order.
        levels: of the quantiles.

    Example:
        >>> between(np.array([5.0]), np.array([[1.0, 2.0, 4.0]]), [0.1, 0.5, 0.9])
        array([4.])
        >>> between(np.array([5.0]), np.array([[1.0]]), [0.5])
        array([5.])
    """
    mean = np.maximum(mean, quantiles[..., 0]) if levels[0] < 0.5 else mean
    return np.minimum(mean, quantiles[..., -1]) if levels[-1] > 0.5 else mean


def fitting_widths(quantiles: np.ndarray, coming: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """What distances from the middle quantile are to be multiplied by, so that enough of what came is below each.

    At least 1, since what came may have been easier than what is to come, and 1 where too little came to tell.

    Args:
        quantiles: ``[N, H, Q]``.
        coming: ``[N, H]``, NaN where there is no value.
        levels: of the quantiles.
    """
    middle, found = nearest(levels), np.ones(len(levels))
    for n, level in enumerate(levels):
        distance = quantiles[..., n] - quantiles[..., middle]
        usable = np.isfinite(coming) & (distance != 0)
        if n != middle and usable.sum() >= TELLING:
            reached = (coming - quantiles[..., middle])[usable] / distance[usable]
            found[n] = np.clip(np.quantile(reached, level if n > middle else 1 - level), 1, WIDEST)
    return found


def nearest(levels: Sequence[float]) -> int:
    """The quantile that is nearest to the median."""
    return int(np.argmin(np.abs(np.array(levels) - 0.5)))
