"""What a report shows of a forecaster: forecasts against actual values, and where the errors are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from elman.tasks.forecast.metrics import Truth, nearest
from elman.training.report import Section, beside, figure, shortened, with_dates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST, DRAWN = 20, 6
SCALED = "mean absolute error, scaled"  # in standard deviations of the part that was learnt from


def sections(forecast: np.ndarray, truth: Truth, levels: Sequence[float]) -> list[Section]:
    """The sections of a report.

    Args:
        forecast: ``[N, H, 1 + Q]`` in units of the channels.
        truth: what came.
        levels: of the quantiles.
    """
    coming, channels = truth.coming, truth.channels
    units = channels.units[truth.channel]
    distances = np.abs(forecast[..., 1 + nearest(levels)] - coming)
    error = _mean(distances, 1)
    order = np.argsort(error)
    chosen = list(dict.fromkeys(order[np.linspace(0, len(order) - 1, min(DRAWN, len(order))).astype(int)].tolist()))
    worst = order[::-1][:WORST]
    names = [channels.labels[c] for c in truth.channel]
    labels = sorted(set(truth.channel.tolist()))
    of_channel = {c: error[truth.channel == c] for c in labels}
    shown = sorted(labels, key=lambda c: -of_channel[c].mean())[:WORST]
    lowest, highest = (f"{100 * level:g} %" for level in (levels[0], levels[-1]))
    band = f" The band is from the {lowest} to the {highest} quantile." if len(levels) > 1 else ""
    return [
        Section(
            "Forecasts against actual values",
            f"Windows from the best to the worst.{band}",
            figures=[_drawn(forecast[n], truth, n, levels) for n in chosen],
        ),
        Section("Error by steps ahead", figures=[_by_step(distances, truth)]),
        Section(
            "Error of each series",
            "" if len(shown) == len(labels) else f"The {len(shown)} with the largest errors, of {len(labels):,}.",
            header=["series", "windows", SCALED, "mean absolute error"],
            rows=[
                [shortened(channels.labels[c], 60), len(of_channel[c]), float(of_channel[c].mean()),
                 float(of_channel[c].mean() * channels.units[c, 1])]
                for c in shown
            ],
        ),
        Section(
            "Largest errors",
            header=["series", "first step of the forecast", SCALED, "mean absolute error"],
            rows=[
                [shortened(names[n], 60), _time(truth, n), float(error[n]), float(error[n] * units[n, 1])]
                for n in worst
            ],
        ),
    ]  # fmt: skip


def _mean(distances: np.ndarray, axis: int) -> np.ndarray:
    """Means of what was known afterwards; NaN where nothing was."""
    known = np.isfinite(distances).sum(axis)
    return np.nansum(distances, axis) / np.where(known > 0, known, np.nan)


def _slot(truth: Truth, n: int) -> int:
    """The slot of the first step that a window forecasts."""
    series = truth.channels.panel.series[truth.channels.series[truth.channel[n]]]
    return series.start + int(truth.origin[n])


def _time(truth: Truth, n: int) -> str:
    clock = truth.channels.panel.clock
    return clock.texts(clock.times(np.array([_slot(truth, n)])))[0]


def _by_step(distances: np.ndarray, truth: Truth) -> "Figure":
    """The error of each step ahead, in the unit of the series where there is one alone."""
    alone = len(truth.channels.labels) == 1
    error = _mean(distances, 0) * (truth.channels.units[0, 1] if alone else 1.0)
    picture, axes = figure()
    axes.plot(np.arange(1, len(error) + 1), error, marker="." if len(error) < 40 else None)
    name = f"mean absolute error\nof {shortened(truth.channels.labels[0], 40)}" if alone else SCALED
    axes.set(xlabel="steps ahead", ylabel=name, ylim=(0, None))
    return picture


def _drawn(forecast: np.ndarray, truth: Truth, n: int, levels: Sequence[float]) -> "Figure":
    """A window: what was before, what came, and what was forecast."""
    channels, channel = truth.channels, truth.channel[n]
    panel, horizon = channels.panel, len(forecast)
    cut = channels.cut(truth.channel[n : n + 1], truth.origin[n : n + 1])
    mean, deviation, _ = channels.units[channel]
    seen = cut.seen[0].numpy()[-3 * horizon :] * deviation + mean
    came = cut.coming[0].numpy() * deviation + mean
    values = forecast * deviation + mean
    times = panel.clock.drawn(_slot(truth, n) + np.arange(-len(seen), horizon))
    before, ahead = times[: len(seen)], times[len(seen) :]
    picture, axes = figure(height=2.6)
    mark = "." if horizon < 3 else None  # a line of one or two steps is hardly seen
    axes.plot(before, seen, color="0.6", label="before")
    axes.plot(ahead, came, color="black", label="actual", marker=mark)
    axes.plot(ahead, values[:, 1 + nearest(levels)], color="tab:red", label="forecast", marker=mark)
    if len(levels) > 1:
        axes.fill_between(ahead, values[:, 1], values[:, -1], color="tab:red", alpha=0.2, linewidth=0)
    with_dates(axes, times)
    target = panel.columns.targets[channels.targets[channel]]
    axes.set(ylabel=shortened(target, 30), xlabel=", ".join(panel.columns.time) or "row")
    if channels.labels[channel] != target:
        axes.set_title(shortened(channels.labels[channel], 80))
    beside(axes)
    return picture
