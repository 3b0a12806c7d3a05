"""Simple methods of forecasting: the last value, the last season, a linear model."""

from collections.abc import Callable, Sequence

import numpy as np

from elman.tasks.forecast.metrics import Truth, measures, nearest

LEARNT = 20_000  # windows that a simple method learns from, at most
PENALTY = 1e-2  # of the squared weights of a linear model, in mean squares


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
            spread -= spread[:, [nearest(levels)]]
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
