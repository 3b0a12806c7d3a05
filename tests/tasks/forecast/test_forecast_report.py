"""What a report shows of forecasts."""

from typing import Any

import numpy as np
import pytest
from matplotlib.dates import ConciseDateFormatter, num2date

from elman.data.times.clock import DAY, UNITS, Clock
from elman.tasks.forecast.columns import Columns
from elman.tasks.forecast.metrics import Truth
from elman.tasks.forecast.network import ends
from elman.tasks.forecast.report import _mean, sections
from elman.tasks.forecast.series import Panel, Series
from elman.tasks.forecast.windows import Channels, Units

LEVELS = [0.1, 0.5, 0.9]


def pictures(clock: Clock, name: tuple[str, ...] = ()) -> dict[str, Any]:
    """The pictures of a report on two windows of a series of 40 rows, by the titles of their sections."""
    values, none = np.arange(40.0)[:, None], np.zeros((40, 0))
    columns = Columns("columns", time=("when",), series=("place",) * len(name), targets=("load [MW]",))
    panel = Panel("made", columns, clock, [Series(name, 2, values, none, none, np.zeros(0))])
    channels = Channels(panel, Units.of(panel, [40], 1), context=8, horizon=3, season=1, marks=ends(8, 4))
    truth = Truth(channels, np.array([0, 0]), np.array([10, 20]))
    forecast = np.repeat(truth.coming[..., None], 4, -1) + np.array([0, -0.1, 0, 0.1])
    return {each.title: list(each.figures) for each in sections(forecast, truth, LEVELS) if each.figures}


def test_a_picture_of_a_file_with_dates_has_dates() -> None:
    start = 20_000 * DAY
    figures = pictures(Clock("fixed", UNITS["h"], start))["Forecasts against actual values"]
    axes, other = (figure.axes[0] for figure in figures)
    assert isinstance(axes.xaxis.get_major_formatter(), ConciseDateFormatter)
    first = {num2date(each.lines[1].get_xdata(orig=False)[0]).timestamp() for each in (axes, other)}
    assert first == {start / 1e6 + (2 + origin) * 3600 for origin in (10, 20)}
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("when", "load [MW]", "")
    assert [line.get_label() for line in axes.lines] == ["before", "actual", "forecast"]


def test_dates_are_those_of_the_clocks_of_a_zone() -> None:
    slots = np.array([0, 1])
    moments = Clock("fixed", UNITS["h"], 20_000 * DAY, "Asia/Tokyo").drawn(slots)
    assert moments.tolist() == (Clock("fixed", UNITS["h"], 20_000 * DAY + 9 * UNITS["h"]).drawn(slots)).tolist()


def test_a_picture_of_rows_without_dates_has_numbers_and_the_name_of_its_series() -> None:
    found = pictures(Clock("row", 1), ("Oslo",))
    axes = found["Forecasts against actual values"][0].axes[0]
    assert not isinstance(axes.xaxis.get_major_formatter(), ConciseDateFormatter)
    assert axes.get_title() == "Oslo"
    assert axes.lines[1].get_xdata().tolist() in ([12, 13, 14], [22, 23, 24])


def test_the_error_of_each_step_is_in_the_unit_of_the_only_series() -> None:
    axes = pictures(Clock("row", 1))["Error by steps ahead"][0].axes[0]
    assert axes.get_ylabel() == "mean absolute error\nof load [MW]"
    assert axes.lines[0].get_ydata() == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_step_of_which_nothing_is_known_has_no_error() -> None:
    distances = np.array([[1.0, np.nan, 2.0], [3.0, np.nan, np.nan]])
    assert _mean(distances, 0).tolist() == pytest.approx([2, np.nan, 2], nan_ok=True)
