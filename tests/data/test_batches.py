"""Batches of similar length, and splits."""

from collections import Counter

import numpy as np
import pytest

from elman.data.batches import Batches, pad
from elman.data.split import split
from elman.errors import ElmanError


def test_every_epoch_shows_every_row_once_in_another_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 503)
    batches = Batches(lengths, rows=8, seed=3)
    epochs = [[batches[step] for step in range(n * len(batches), (n + 1) * len(batches))] for n in range(2)]
    for epoch in epochs:
        assert sorted(np.concatenate(epoch).tolist()) == list(range(503))
    assert not all(np.array_equal(a, b) for a, b in zip(*epochs, strict=True))


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    lengths = np.arange(100) % 17
    one, other = Batches(lengths, 8, seed=5), Batches(lengths, 8, seed=5)
    for step in (40, 3, 0, 40):
        assert np.array_equal(one[step], other[step])
    assert any(not np.array_equal(one[step], Batches(lengths, 8, seed=6)[step]) for step in range(5))


def test_rows_of_a_batch_are_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, 4000)
    batches = Batches(lengths, 16)
    spread = np.mean([np.ptp(lengths[batches[step]]) for step in range(len(batches))])
    assert spread < 50  # 940 for rows drawn at random
    order = [rows.tolist() for rows in batches.in_order()]
    assert [lengths[row] for rows in order for row in rows] == sorted(lengths.tolist())


def test_padding() -> None:
    padded, lengths = pad([np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)], np.nan)
    assert padded.shape == (2, 2, 3)
    assert padded[1, 1].isnan().all()
    assert lengths.tolist() == [2, 1]


def test_strata_are_held_out_in_their_shares() -> None:
    strata = ["a"] * 600 + ["b"] * 300 + ["c"] * 7 + ["once"]
    learnt, held_out = split(len(strata), 0.2, strata=strata)
    assert Counter(strata[row] for row in held_out) == {"a": 120, "b": 60, "c": 1}
    assert sorted([*learnt, *held_out]) == list(range(len(strata)))


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
        ({"size": 1}, "1 rows cannot be parted"),
        ({"size": 3, "groups": ["x"] * 3}, "one group, 'x'"),
        ({"size": 3, "times": np.ones(3)}, "the same time"),
    ],
)
def test_what_cannot_be_parted(options: dict, message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        split(**options, share=0.5)
