"""What cells and lines are is found in a time that grows with their length alone, whatever stands in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from limits import in_time

from elman.data.around import bounds
from elman.data.bad import BadRows
from elman.data.lists import written_list
from elman.data.reading import read_table
from elman.data.separators import between_blanks
from elman.data.times.headings import are_times
from elman.errors import ElmanError
from elman.tasks.recommend.heading import find_heading
from elman.tasks.tag.characters import may_have_spans

MANY = 300_000
ROWS = [["1", "2", "3"]] * 9
LOOKS: dict[str, Callable[[str], Any]] = {
    "spans": lambda cell: may_have_spans([cell]),
    "lists": lambda cell: written_list(f"['a' {cell}"),
    "between blanks": between_blanks,
    "a heading": lambda cell: find_heading([[cell, "b"], *ROWS]),
    "an item": lambda cell: find_heading([["a", "b"], [cell], *ROWS]),
    "notes": lambda cell: bounds(pl.Series([["day", "a", "b"], *ROWS, [cell]]), [False] * 9),
    "headings": lambda cell: are_times([cell[:10_000]] * 3),
}


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_a_line_of_very_many_cells_takes_no_time(separator: str, tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(separator.join("1" * 1_000_000) + f"\na{separator}b\n" * 50)
    with in_time(10), pytest.raises(ElmanError, match="1,000,000 columns, and 20,000 are read at most"):
        read_table(tmp_path / "wide.csv", BadRows(True))


@pytest.mark.parametrize("cell", ["[", "[ ", " ", "(((", "' ", '" ', "-", "_1", "a.", "\\", "\t", "1/"])
@pytest.mark.parametrize("look", LOOKS)
def test_a_long_cell_takes_no_time(look: str, cell: str) -> None:
    with in_time(5):
        LOOKS[look](cell * MANY)
