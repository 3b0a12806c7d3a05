"""What a report shows of a forecaster: forecasts against what came, how far it sees, and where it is most wrong."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from elman.tasks.forecast.metrics import Truth, nearest
from elman.training.report import Section, figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST, DRAWN = 20, 6


def sections(
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
    error = np.nanmean(np.abs(forecast[..., 1 + nearest(levels)] - coming), 1)
    order = np.argsort(error)
    chosen = list(dict.fromkeys(order[np.linspace(0, len(order) - 1, min(DRAWN, len(order))).astype(int)].tolist()))
    worst = order[::-1][:WORST]
    names = [channels.labels[c] for c in truth.channel]
    labels = sorted(set(truth.channel.tolist()))
    of_channel = {c: error[truth.channel == c] for c in labels}
    shown = sorted(labels, key=lambda c: -of_channel[c].mean())[:WORST]
    by_step = np.nanmean(np.abs(forecast[..., 1 + nearest(levels)] - coming), 0)
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
    axes.plot(ahead, values[:, 1 + nearest(levels)], color="tab:red", label="forecast")
    if len(levels) > 1:
        axes.fill_between(ahead, values[:, 1], values[:, -1], color="tab:red", alpha=0.2, linewidth=0)
    axes.set(title=shortened(name, 80), xlabel="steps")
    axes.legend(frameon=False)
    return picture
