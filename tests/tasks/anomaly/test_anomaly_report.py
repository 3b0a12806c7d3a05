"""What a report shows of a detector."""

import numpy as np
from matplotlib.dates import ConciseDateFormatter

from elman.tasks.anomaly.report import Watch, sections
from elman.tasks.anomaly.streams import Columns, Stream

COLUMNS = Columns(("temp (°C)", "load [MW]"), time=("when",))


def stream(columns: int, times: np.ndarray, windows: tuple[tuple[int, int], ...] | None = None) -> Stream:
    values = np.random.default_rng(1).normal(size=(50, columns))
    values[3] = np.nan
    labels = np.arange(50) >= 45
    return Stream("folder/engine.csv", values, times, labels, windows, np.arange(50), 50)


def drawn(each: Stream) -> tuple:
    watch = Watch(each, np.linspace(0, 4, 50), np.array([47]), start=10)
    alarms, scores = sections([watch], COLUMNS, 3.5, 10, 0.01)
    assert "An alarm is a score of 3.50 or more" in alarms.text
    (figure,) = scores.figures
    return alarms, *figure.axes


def test_rows_with_dates_are_drawn_over_them_under_the_names_of_their_columns() -> None:
    times = (20_000 * 86400 + 60.0 * np.arange(50)) * 1e6
    alarms, above, below = drawn(stream(2, times, ((46, 48), (5, 6))))
    assert isinstance(below.xaxis.get_major_formatter(), ConciseDateFormatter)
    assert (below.get_xlabel(), below.get_ylabel()) == ("when", "score")
    assert [text.get_text() for text in above.get_legend().get_texts()] == list(COLUMNS.values)
    assert alarms.rows == [["folder/engine.csv", 50, 1, 4.0, 2, 1]]
    assert above.get_title() == "engine.csv"
    assert len(above.patches) == 1  # what is labelled


def test_rows_without_dates_are_drawn_over_their_numbers_in_their_own_unit() -> None:
    each = stream(1, np.full(50, np.nan))
    _, above, below = drawn(each)
    assert not isinstance(below.xaxis.get_major_formatter(), ConciseDateFormatter)
    assert (below.get_xlabel(), above.get_ylabel()) == ("row", "temp (°C)")
    np.testing.assert_array_equal(above.lines[0].get_ydata(), each.values[:, 0])
    assert above.get_legend() is None
