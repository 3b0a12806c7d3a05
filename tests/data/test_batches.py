"""Batches of similar length."""

import numpy as np

from elman.data.batches import Batches, pad


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
