"""What cells and lines are is found in a time that grows with their length alone, whatever stands in them."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from limits import in_time

from elman.data.around import bounds
from elman.data.lists import written_list
from elman.data.separators import between_blanks
from elman.data.times.headings import are_times
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


@pytest.mark.parametrize("cell", ["[", "[ ", " ", "(((", "' ", '" ', "-", "_1", "a.", "\\", "\t", "1/"])
@pytest.mark.parametrize("look", LOOKS)
def test_a_long_cell_takes_no_time(look: str, cell: str) -> None:
    with in_time(5):
        LOOKS[look](cell * MANY)
