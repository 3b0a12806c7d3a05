"""Which rows are learnt from and which are held out: at random, whole groups, or the last in time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.errors import ElmanError, counted, quoted


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
        >>> learnt, held_out = split(50, 0.1, strata=list(range(10)) * 5)
        >>> len(learnt), len(held_out), len(set(held_out % 10))
        (45, 5, 5)
    """
    if size < 2:
        raise ElmanError(f"{counted(size, 'rows')} cannot be parted into some to learn from and some to hold out")
    wanted = min(size - 1, max(1, round(size * share)))
    if times is not None:
        held_out = _last(times, wanted)
    elif groups is not None:
        held_out = _whole_groups(groups, wanted, seed)
    elif strata is not None:
        held_out = _stratified(strata, wanted, seed)
    else:
        held_out = np.random.default_rng(seed).permutation(size)[:wanted]
    mask = np.zeros(size, bool)
    mask[held_out] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def apportioned(total: int, weights: Sequence[float], order: Sequence[int] | None = None) -> list[int]:
    """Whole numbers that sum up to a total, each within one of its part of it: those cut off most are rounded up.

    Args:
        total: what is parted.
        weights: of each part, none below 0 and not all 0.
        order: of the parts, which decides where two were cut off by as much; the first is rounded up.

    Example:
        >>> apportioned(7588, [0.7, 0.1, 0.2]), apportioned(5, [1] * 10)
        ([5312, 759, 1517], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    """
    shares = np.asarray(weights, float) * total / np.sum(weights)
    found = np.floor(shares + 1e-9).astype(int)
    places = np.arange(len(found)) if order is None else np.asarray(order)
    # what was cut off, without the noise of its last digits
    rest = np.round(shares - found, 9)[places]
    found[places[np.argsort(-rest, kind="stable")[: total - found.sum()]]] += 1
    return found.tolist()


def _last(times: np.ndarray, wanted: int) -> np.ndarray:
    order = np.argsort(times, kind="stable")
    first = times[order[-wanted]]
    later = np.flatnonzero(times >= first)
    later = later if len(later) < len(times) else np.flatnonzero(times > first)
    if not len(later):
        raise ElmanError("all rows have the same time; none is later, to be held out")
    return later


def _whole_groups(groups: Sequence[Any], wanted: int, seed: int) -> np.ndarray:
    names, members = _numbered(groups)
    if len(names) < 2:
        raise ElmanError(f"all rows are of one group, {quoted(names[0])}; there is none to hold out")
    counts = np.bincount(members)
    chosen, rows = [], 0
    for group in np.random.default_rng(seed).permutation(len(names))[:-1]:
        chosen.append(group)
        rows += counts[group]
        if rows >= wanted:
            break
    return np.flatnonzero(np.isin(members, chosen))


def _numbered(values: Sequence[Any]) -> tuple[list[str], np.ndarray]:
    """The different values, in order, and which of them each is; not by NumPy, in which each text is as long as all."""
    texts = [str(value) for value in values]
    names = sorted(set(texts))
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[text] for text in texts])


def _stratified(strata: Sequence[Any], wanted: int, seed: int) -> np.ndarray:
    """Rows by chance, of each stratum its part of them, but for its last row, from which there is always to learn."""
    random = np.random.default_rng(seed)
    _, members = _numbered(strata)
    counts = np.bincount(members)
    order = random.permutation(len(members))
    if not (counts > 1).any():
        return order[:wanted]
    ties = random.permutation(len(counts))
    quotas = np.minimum(apportioned(min(wanted, int((counts - 1).sum())), counts.tolist(), ties.tolist()), counts - 1)
    order = order[np.argsort(members[order], kind="stable")]  # by stratum, within it by chance
    within = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = order[within < quotas[members[order]]]
    return held_out if len(held_out) else order[np.repeat(counts, counts) > 1][:1]
