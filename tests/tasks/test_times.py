"""Each task takes the same column for the time of a row, and reads it in the same way."""

from typing import Any

import numpy as np
import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.tasks.anomaly import streams
from elman.tasks.forecast import columns

ROWS = np.arange(40)
LOAD = np.random.default_rng(1).normal(50, 1, len(ROWS)).round(3).tolist()
MONTHS = 1958.2027 + ROWS / 12
EPOCH = 1578182400  # 2020-01-05 00:00


@pytest.mark.parametrize(
    ("name", "cells", "form"),
    [
        ("t [s]", ROWS / 10, "numbers"),
        ("Time_s", ROWS / 10, "numbers"),
        ("Time (ms)", ROWS * 20, "numbers"),
        ("time_ms", ROWS * 20, "numbers"),
        ("t/s", ROWS / 10, "numbers"),
        ("t", ROWS / 10, "numbers"),
        ("elapsed", ROWS / 10, "numbers"),
        ("seconds", ROWS / 10, "numbers"),
        ("Zeit [s]", ROWS / 10, "numbers"),
        ("timestamp_ms", (EPOCH + ROWS) * 1000, "milliseconds"),
        ("time_us", (EPOCH + ROWS) * 10**6, "microseconds"),
        ("ts", EPOCH + ROWS + 0.5, "seconds"),
        ("date", MONTHS, "year and twelfths"),
        ("year", MONTHS, "year and twelfths"),
        ("decimal date", MONTHS, "year and twelfths"),
        ("datenum", 737061.25 + ROWS / 24, "datenum"),
        ("Time", 737061.25 + ROWS / 24, "datenum"),
        ("Date", 43831.5 + ROWS, "spreadsheet"),
        ("excel_date", 43831.5 + ROWS, "spreadsheet"),
        ("mjd", 58853.25 + ROWS, "modified julian day"),
        ("T_min", LOAD[::-1], ""),  # the lowest temperature
        ("run_time", 43831.5 + np.array(LOAD), ""),
        ("julian", 120 + np.array(LOAD), ""),
    ],
)
def test_a_forecast_and_a_watch_on_streams_agree_on_the_time(name: str, cells: Any, form: str) -> None:
    table = {name: list(cells), "load": LOAD}
    forecast = columns.find_columns(read_table(table, BadRows()), columns.Columns(""))
    watch = streams.find_columns(table, streams.Columns(()))
    assert forecast.when == watch.when
    assert watch.when.columns == ((name,) if form else ())
    assert watch.when.forms == ((form,) if form else ())
    assert watch.values == forecast.targets == (("load",) if form else (name, "load"))
