"""Which rows are learnt from and which are held out: at random, whole groups, or the last in time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.errors import ElmanError


def split(
    size: int,
    share: float,
    *,
    seed: int = 1,
    strata: Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    times: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The rows to learn from and those held out, each in rising order.

    Args:
        size: rows.
        share: how many are held out, at least one.
        seed: the same seed, the same split.
        strata: a value for each row, such as its class; each is held out in about the same share, and one that stands
            only once is learnt from.
        groups: a value for each row, such as a person; all rows of a group go the same way.
        times: when each row was; the last in time are held out, and none of them is as early as one learnt from.

    Raises:
        ElmanError: too few rows, groups or different times.

    Example:
        >>> [part.tolist() for part in split(6, 0.4, times=np.array([5, 1, 4, 2, 3, 6]))]
        [[1, 2, 3, 4], [0, 5]]
    """
    if size < 2:
        raise ElmanError(f"{size} rows cannot be parted into some to learn from and some to hold out")
    wanted = min(size - 1, max(1, round(size * share)))
    if times is not None:
        held_out = _last(times, wanted)
    elif groups is not None:
        held_out = _whole_groups(groups, wanted, seed)
    elif strata is not None:
        held_out = _stratified(strata, share, seed)
    else:
        held_out = np.random.default_rng(seed).permutation(size)[:wanted]
    mask = np.zeros(size, bool)
    mask[held_out] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _last(times: np.ndarray, wanted: int) -> np.ndarray:
    order = np.argsort(times, kind="stable")
    first = times[order[-wanted]]
    later = np.flatnonzero(times >= first)
    later = later if len(later) < len(times) else np.flatnonzero(times > first)
    if not len(later):
        raise ElmanError("all rows have the same time; none is later, to be held out")
    return later


def _whole_groups(groups: Sequence[Any], wanted: int, seed: int) -> np.ndarray:
    names, members = np.unique([str(group) for group in groups], return_inverse=True)
    if len(names) < 2:
        raise ElmanError(f"all rows are of one group, {str(names[0])!r}; there is none to hold out")
    counts = np.bincount(members)
    chosen, rows = [], 0
    for group in np.random.default_rng(seed).permutation(len(names))[:-1]:
        chosen.append(group)
        rows += counts[group]
        if rows >= wanted:
            break
    return np.flatnonzero(np.isin(members, chosen))


def _stratified(strata: Sequence[Any], share: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    _, members = np.unique([str(value) for value in strata], return_inverse=True)
    order = random.permutation(len(members))
    order = order[np.argsort(members[order], kind="stable")]  # by stratum, within it at random
    starts = np.flatnonzero(np.diff(members[order], prepend=-1))
    within = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    # at even distances within each stratum, so that its share is right to the nearest row
    counts = np.bincount(members)[members[order]]
    due = np.floor((within + 0.5) * share + 0.5) > np.floor((within - 0.5) * share + 0.5)
    held_out = order[due & (within > 0) & (counts > 1)]
    return held_out if len(held_out) else order[counts > 1][-1:] if (counts > 1).any() else order[-1:]
