"""How good forecasts are, simple methods beside them, and what a report shows of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from elman.data.windows import Channels
from elman.training.report import Section, figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEARNT = 20_000  # windows that a simple method learns from, at most
PENALTY = 1e-2  # of the squared weights of a linear model, in mean squares
WORST, DRAWN = 20, 6
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
    pinball loss over the sum of what came, averaged over the quantiles, ``coverage`` the share of values between the
    lowest and the highest quantile.

    Args:
        forecast: ``[N, H, 1 + Q]`` in units of the channels: the mean, then the quantiles in rising order.
        truth: what came.
        levels: of the quantiles.
    """
    coming = truth.coming.astype(float)
    mean, deviation, repeat = truth.channels.units[truth.channel].T[..., None]
    forecast, actual = forecast.astype(float), coming * deviation + mean
    median = forecast[..., 1 + _nearest(levels)]
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
    if size > 0:
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
    middle = quantiles[..., [_nearest(levels)]]
    return np.sort(middle + widths.astype(quantiles.dtype) * (quantiles - middle), -1)


def fitting_widths(quantiles: np.ndarray, coming: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """What distances from the middle quantile are to be multiplied by, so that enough of what came is below each.

    At least 1, since what came may have been easier than what is to come, and 1 where too little came to tell.

    Args:
        quantiles: ``[N, H, Q]``.
        coming: ``[N, H]``, NaN where there is no value.
        levels: of the quantiles.
    """
    middle, found = _nearest(levels), np.ones(len(levels))
    for n, level in enumerate(levels):
        distance = quantiles[..., n] - quantiles[..., middle]
        usable = np.isfinite(coming) & (distance != 0)
        if n != middle and usable.sum() >= TELLING:
            reached = (coming - quantiles[..., middle])[usable] / distance[usable]
            found[n] = np.clip(np.quantile(reached, level if n > middle else 1 - level), 1, WIDEST)
    return found


def simple_methods(
    learnt: Truth, judged: Truth, levels: Sequence[float], seasons: Sequence[int]
) -> dict[str, Callable[[], dict[str, float]]]:
    """Simple methods by name; their quantiles are those of their own errors on what was learnt from.

    Args:
        learnt: windows to learn from.
        judged: windows to judge on.
        levels: of the quantiles.
        seasons: steps after which series repeat themselves.
    """
    learnt = learnt.some(LEARNT)

    def judged_by(learn: Callable[[], Callable[[Truth], np.ndarray]]) -> Callable[[], dict[str, float]]:
        def measured() -> dict[str, float]:
            method = learn()
            errors = learnt.coming - method(learnt)
            spread = np.nan_to_num(np.nanquantile(errors, levels, axis=0)).T
            # what is said to be the likeliest stays what the method says
            spread -= spread[:, [_nearest(levels)]]
            parts = np.array_split(np.arange(len(judged)), max(1, len(judged) // LEARNT))
            points = np.concatenate(
                [method(Truth(judged.channels, judged.channel[part], judged.origin[part])) for part in parts]
            )[..., None]
            return measures(np.concatenate([points, points + spread], -1), judged, levels)

        return measured

    methods = {"last value": judged_by(lambda: lambda windows: seasonal(windows, 1))}
    for season in seasons:
        methods[f"season of {season}"] = judged_by(lambda season=season: lambda windows: seasonal(windows, season))
    methods["linear model"] = judged_by(lambda: linear(learnt))
    return methods


def seasonal(windows: Truth, season: int) -> np.ndarray:
    """The values of the last season again and again, ``[N, H]``; the last value before one that is missing."""
    channels = windows.channels
    steps = np.arange(channels.horizon) % season - season
    places = channels.starts[windows.channel] + windows.origin + channels.context
    reach = np.maximum(places[:, None] + steps, channels.starts[windows.channel][:, None])
    last = np.maximum.accumulate(np.where(np.isfinite(channels.values), np.arange(len(channels.values)), -1))[reach]
    # what was last given may be of the channel before
    own = last >= channels.starts[windows.channel][:, None]
    return np.where(own & (last >= 0), channels.values[last], 0.0)


def linear(learnt: Truth) -> Callable[[Truth], np.ndarray]:
    """Ridge regression from what was seen, less its last value, and what is known of the future, to what comes."""

    def known(windows: Truth) -> np.ndarray:
        cut = windows.channels.cut(windows.channel, windows.origin)
        return np.concatenate(
            [cut.known[:, windows.channels.context :].flatten(1).numpy(), np.ones((len(windows), 1))], 1
        )

    weights = ridge(learnt, known(learnt))

    def forecast(windows: Truth) -> np.ndarray:
        seen, last = _less_the_level(windows)
        return np.concatenate([seen, known(windows)], 1) @ weights + last

    return forecast


def ridge(learnt: Truth, more: np.ndarray | None = None, level: str = "last") -> np.ndarray:
    """Ridge regression from what was seen, less its level, and more features, to what comes less that level.

    Args:
        learnt: windows to learn from.
        more: ``[N, F]``.
        level: the last value of a window, ``"last"``, or its ``"mean"``.

    Returns:
        ``[L + F, H]``.
    """
    seen, base = _less_the_level(learnt, level)
    x = seen if more is None else np.concatenate([seen, more], 1)
    coming = learnt.coming - base
    whole = np.isfinite(coming).all(1)
    if not whole.any():  # some step is always missing: as if it were the level
        coming, whole = np.nan_to_num(coming), np.ones(len(coming), bool)
    weights = learnt.channels.weights[learnt.channel][whole, None]
    x, coming = weights * x[whole], weights * coming[whole]
    return np.linalg.solve(x.T @ x + PENALTY * len(x) * np.eye(x.shape[1]), x.T @ coming)


def _less_the_level(windows: Truth, level: str = "last") -> tuple[np.ndarray, np.ndarray]:
    """What was seen less its level, ``[N, L]``, and that level; a missing value is as the one before it."""
    seen = windows.channels.cut(windows.channel, windows.origin).seen.numpy()
    places = np.maximum.accumulate(np.where(np.isfinite(seen), np.arange(seen.shape[1]), -1), axis=1)
    mean = np.nanmean(seen, 1, keepdims=True)
    filled = np.where(places >= 0, np.take_along_axis(seen, np.maximum(places, 0), 1), mean)
    base = filled[:, -1:] if level == "last" else mean
    return filled - base, base


def verdict(
    forecast: np.ndarray, truth: Truth, levels: Sequence[float], times: Callable[[int, int], str]
) -> list[Section]:
    """The sections of a report.

    Args:
        forecast: ``[N, H, 1 + Q]`` in units of the channels.
        truth: what came.
        levels: of the quantiles.
        times: the time of a row of a channel, as text.
    """
    coming, channels = truth.coming, truth.channels
    units = channels.units[truth.channel]
    error = np.nanmean(np.abs(forecast[..., 1 + _nearest(levels)] - coming), 1)
    order = np.argsort(error)
    chosen = list(dict.fromkeys(order[np.linspace(0, len(order) - 1, min(DRAWN, len(order))).astype(int)].tolist()))
    worst = order[::-1][:WORST]
    names = [channels.labels[c] for c in truth.channel]
    labels = sorted(set(truth.channel.tolist()))
    of_channel = {c: error[truth.channel == c] for c in labels}
    shown = sorted(labels, key=lambda c: -of_channel[c].mean())[:WORST]
    by_step = np.nanmean(np.abs(forecast[..., 1 + _nearest(levels)] - coming), 0)
    picture, axes = figure()
    axes.plot(np.arange(1, len(by_step) + 1), by_step)
    axes.set(xlabel="steps ahead", ylabel="scaled mean absolute error", ylim=(0, None))
    return [
        Section(
            "Forecasts against what came",
            "From the best window to the worst; the band is from the lowest to the highest quantile.",
            figures=[_drawn(forecast[n], truth, n, levels, names[n]) for n in chosen],
        ),
        Section("How far it sees", figures=[picture]),
        Section(
            "The series",
            "" if len(shown) == len(labels) else f"The {len(shown)} hardest of {len(labels):,}.",
            header=["series", "windows", "scaled mean absolute error", "mean absolute error"],
            rows=[
                [shortened(channels.labels[c], 60), len(of_channel[c]), float(of_channel[c].mean()),
                 float(of_channel[c].mean() * channels.units[c, 1])]
                for c in shown
            ],
        ),
        Section(
            "The worst mistakes",
            header=["series", "first step forecast", "scaled mean absolute error", "mean absolute error"],
            rows=[
                [shortened(names[n], 60), times(int(truth.channel[n]), int(truth.origin[n])), float(error[n]),
                 float(error[n] * units[n, 1])]
                for n in worst
            ],
        ),
    ]  # fmt: skip


def _drawn(forecast: np.ndarray, truth: Truth, n: int, levels: Sequence[float], name: str) -> "Figure":
    cut = truth.channels.cut(truth.channel[n : n + 1], truth.origin[n : n + 1])
    mean, deviation, _ = truth.channels.units[truth.channel[n]]
    horizon = len(forecast)
    seen = cut.seen[0].numpy()[-3 * horizon :] * deviation + mean
    ahead = np.arange(horizon)
    values = forecast * deviation + mean
    picture, axes = figure(height=2.4)
    axes.plot(np.arange(-len(seen), 0), seen, color="0.5", label="before")
    axes.plot(ahead, cut.coming[0].numpy() * deviation + mean, color="black", label="what came")
    axes.plot(ahead, values[:, 1 + _nearest(levels)], color="tab:red", label="forecast")
    if len(levels) > 1:
        axes.fill_between(ahead, values[:, 1], values[:, -1], color="tab:red", alpha=0.2, linewidth=0)
    axes.set(title=shortened(name, 80), xlabel="steps")
    axes.legend(frameon=False)
    return picture


def _nearest(levels: Sequence[float]) -> int:
    """The quantile that is nearest to the median."""
    return int(np.argmin(np.abs(np.array(levels) - 0.5)))
