"""What a column of numbers is where it is no amount: flags are neither forecast nor watched unless they are named."""

from typing import Any

import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.data.roles import unused
from elman.errors import ElmanError
from elman.tasks.anomaly import streams
from elman.tasks.forecast import columns as forecast

ROWS = 60
LOAD = [n * n % 37 / 2 for n in range(ROWS)]
FLAGS: dict[str, list[Any]] = {
    "status": [8 if n % 30 == 0 else 7 for n in range(ROWS)],
    "maintenance": [int(n % 20 == 0) for n in range(ROWS)],
    "on": [n % 2 for n in range(ROWS)],
    "count": ["3" if n % 4 else "12" for n in range(ROWS)],
}
AMOUNTS: dict[str, list[Any]] = {
    "load": LOAD,
    "halves": [3, 5] * 30,
    "parts": [0.5 if n % 30 else 0.7 for n in range(ROWS)],
    "grade": [n % 20 // 18 + n % 3 // 2 for n in range(ROWS)],
}


def watched(frame: pl.DataFrame, *said: str) -> tuple[str, ...]:
    return streams.find_columns(frame, streams.Columns(said)).values


def forecasts(frame: pl.DataFrame, *said: str) -> tuple[str, ...]:
    return forecast.find_columns(read_table(frame, BadRows()), forecast.Columns("", targets=said)).targets


@pytest.mark.parametrize("find", [watched, forecasts])
def test_flags_are_found_by_what_stands_in_them(find: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "elman")
    times = {"time": [f"2024-01-{n // 24 + 1:02} {n % 24:02}:00" for n in range(ROWS)]}
    frame = pl.DataFrame({**times, **AMOUNTS, **FLAGS})
    assert find(frame) == tuple(AMOUNTS)
    said = next(each for each in caplog.messages if "flag" in each)
    assert all(name in said for name in FLAGS)
    assert find(frame, "load", "status") == ("load", "status")
    for name in FLAGS:
        assert find(pl.DataFrame({**times, name: FLAGS[name]})) == (name,)  # for want of others


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["k. A."], "'k. A.' in 12 of 60 cells is no number; --missing 'k. A.' takes such for no value"),
        (["aus", "kaputt"], "'aus', 'kaputt' in 12 of 60 cells are no number; --missing 'aus,kaputt' takes such"),
        (["a", "b", "c", "d"], "'a', 'b', 'c' in 12 of 60 cells are no number"),
    ],
)
def test_the_words_among_numbers_are_shown_and_how_to_leave_them_out(mark: str, words: list[str], said: str) -> None:
    cells = [words[n // 5 % len(words)] if n % 5 == 4 else f"{10 + n}{mark}{n % 9}" for n in range(ROWS)]
    frame = pl.DataFrame({"temp": cells})
    for find in (watched, forecasts):
        with pytest.raises(ElmanError) as error:
            find(frame)
        assert f"temp: {said}" in str(error.value)
    assert any(said in each for each in unused(read_table(frame, BadRows()), ["temp"]))


@pytest.mark.parametrize("name", ["InvoiceNo", "Order Number", "Belegnummer", "KundenNr"])
@pytest.mark.parametrize("find", [watched, forecasts])
def test_numbers_of_documents_are_no_amounts(find: Any, name: str) -> None:
    assert find(pl.DataFrame({name: [536365 + n * n % 37 for n in range(ROWS)], "load": LOAD})) == ("load",)
