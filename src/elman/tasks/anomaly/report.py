"""What a report shows of a detector: the alarms of each stream, and its values and scores over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.tasks.anomaly.streams import Columns, Stream
from elman.training.report import Section, shortened, stacked, with_dates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN, LISTED = 6, 200  # streams
NAMED = 8  # columns of a stream


@dataclass(frozen=True)
class Watch:
    """A stream with what a detector says of it."""

    stream: Stream
    scores: np.ndarray  # [N]
    alarms: np.ndarray  # the rows that raise one
    start: int  # the first row that is judged

    @property
    def highest(self) -> float:
        """The highest score that is judged."""
        return float(self.scores[self.start :].max(initial=0))


def sections(watches: Sequence[Watch], columns: Columns, threshold: float, cooldown: int, rate: float) -> list[Section]:
    """The sections of a report.

    Args:
        watches: the streams, as they were judged.
        columns: which columns are what.
        threshold: the score that raises an alarm.
        cooldown: rows after an alarm in which only a higher score raises another.
        rate: the share of usual rows that was to reach the threshold.
    """
    text = (
        f"An alarm is a score of {threshold:.2f} or more that is higher than all of the last {cooldown} rows. The "
        f"threshold was chosen without labels, so that a share of {rate:g} of the usual rows exceeds it."
    )
    rows = []
    for each in watches:
        windows = each.stream.windows
        found = None
        if windows is not None:
            found = sum(bool(((each.alarms >= a) & (each.alarms <= b)).any()) for a, b in windows)
        number = None if windows is None else len(windows)
        rows.append([each.stream.name, len(each.stream), len(each.alarms), each.highest, number, found])
    header = ["stream", "rows", "alarms", "highest score", "anomalous windows", "windows with an alarm"]
    drawn = sorted(watches, key=lambda each: -each.highest)[:DRAWN]
    about = "Values above, scores below; labelled anomalies are shaded, alarms are red, the threshold is dashed."
    return [
        Section("Alarms", text, header=header, rows=rows[:LISTED]),
        Section("Scores over time", about, [_drawn(each, columns, threshold) for each in drawn]),
    ]


def _drawn(watch: Watch, columns: Columns, threshold: float) -> "Figure":
    stream = watch.stream
    dated = bool(np.isfinite(stream.times).all()) and bool((np.diff(stream.times) >= 0).all())
    places: Any = stream.times.astype(np.int64).astype("datetime64[us]") if dated else np.arange(1, len(stream) + 1)
    picture, (above, below) = stacked([2, 1])
    if stream.values.shape[1] == 1:
        above.plot(places, stream.values, linewidth=0.8)
        above.set_ylabel(shortened(columns.values[0], 24))
    else:  # each from 0 to 1, since their units differ
        low, high = np.nanmin(stream.values, 0), np.nanmax(stream.values, 0)
        lines = above.plot(places, (stream.values - low) / np.where(high > low, high - low, 1), linewidth=0.8)
        names = [shortened(name, 24) for name in columns.values[:NAMED]]
        above.legend(lines[:NAMED], names, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
        above.set_ylabel("scaled to 0 .. 1")
    below.plot(places, watch.scores, color="0.4", linewidth=0.8)
    below.set(ylabel="score", ylim=(0, None), xlabel=columns.when.said if dated else "row")
    if np.isfinite(threshold):
        below.axhline(threshold, color="0.6", linewidth=0.8, linestyle="--")
    for axes in (above, below):
        if stream.labels is not None:
            edges = np.flatnonzero(np.diff(stream.labels.astype(int), prepend=0, append=0))
            for first, last in edges.reshape(-1, 2):
                axes.axvspan(places[first], places[min(last, len(places) - 1)], color="tab:orange", alpha=0.25)
        for alarm in watch.alarms:
            axes.axvline(places[alarm], color="tab:red", linewidth=0.8)
    with_dates(below, places)
    above.set_title(shortened(Path(stream.name).name, 80))
    picture.align_ylabels()
    return picture
