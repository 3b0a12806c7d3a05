"""What is learnt from and what is held out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.split import apportioned, split
from elman.errors import ElmanError


def test_strata_are_held_out_in_their_shares() -> None:
    strata = ["a"] * 600 + ["b"] * 300 + ["c"] * 7 + ["once"]
    learnt, held_out = split(len(strata), 0.2, strata=strata)
    assert Counter(strata[row] for row in held_out) == {"a": 120, "b": 60, "c": 2}
    assert sorted([*learnt, *held_out]) == list(range(len(strata)))


@pytest.mark.parametrize(("classes", "each", "share", "expected"), [(10, 5, 0.1, 5), (30, 3, 0.2, 18), (4, 2, 0.5, 4)])
def test_small_classes_are_parted_together(classes: int, each: int, share: float, expected: int) -> None:
    strata = np.repeat(np.arange(classes), each)
    learnt, held_out = split(classes * each, share, strata=strata.tolist())
    assert len(held_out) == expected
    assert set(strata[learnt]) == set(strata)  # there is something to learn of each
    counts = np.bincount(strata[held_out], minlength=classes)
    assert np.ptp(counts) <= 1


def test_classes_of_one_row_are_parted_by_chance() -> None:
    assert len(split(10, 0.3, strata=list(range(10)))[1]) == 3


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.integers(0, 10_000))
def test_parts_sum_up_and_are_within_one_of_exact(weights: list[float], total: int) -> None:
    parts = apportioned(total, weights)
    assert sum(parts) == total
    assert np.abs(np.array(parts) - total * np.array(weights) / sum(weights)).max() < 1


def test_groups_go_whole() -> None:
    groups = np.repeat(np.arange(30), 5)
    learnt, held_out = split(150, 0.2, groups=groups.tolist(), seed=2)
    assert not set(groups[learnt]) & set(groups[held_out])
    assert len(held_out) == 30


def test_no_row_learnt_from_is_later_than_one_held_out() -> None:
    times = np.array([3.0, 1, 2, 3, 3, 0, 1])
    learnt, held_out = split(7, 0.15, times=times)
    assert times[learnt].max() < times[held_out].min()
    assert sorted(held_out.tolist()) == [0, 3, 4]


def test_seeds_choose() -> None:
    assert np.array_equal(split(100, 0.3, seed=1)[1], split(100, 0.3, seed=1)[1])
    assert not np.array_equal(split(100, 0.3, seed=1)[1], split(100, 0.3, seed=2)[1])
    assert len(split(100, 0.3)[1]) == 30
    assert [len(part) for part in split(2, 0.01)] == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 1}, "1 row cannot be parted"),
        ({"size": 3, "groups": ["x"] * 3}, "one group, 'x'"),
        ({"size": 3, "times": np.ones(3)}, "the same time"),
    ],
)
def test_what_cannot_be_parted(options: dict, message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        split(**options, share=0.5)


def test_groups_with_a_very_long_name_take_no_more_memory_than_it() -> None:
    groups = ["a", "b", "c", "x" * 1_000_000] * 500  # of NumPy each would be as long as the longest
    learnt, held_out = split(len(groups), 0.25, groups=groups)
    assert {groups[row] for row in learnt}.isdisjoint(groups[row] for row in held_out)
    assert len(held_out) == 500
