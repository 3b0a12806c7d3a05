"""Sequences of numbers with a label each, from long tables with a row for each step."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from elman.data.numbers.cells import as_number
from elman.data.tables import Table
from elman.data.times.forms import SECOND
from elman.data.times.when import When
from elman.errors import ElmanError, counted

log = logging.getLogger(__name__)


class Sequenced(NamedTuple):
    """One sequence of numbers."""

    values: np.ndarray  # [T, C], float32, NaN where there is no value
    times: np.ndarray  # [T], float64, rising


@dataclass(frozen=True)
class LongTable:
    """Which columns of a long table are what.

    Args:
        identity: which sequence a row belongs to.
        when: the row was; where no column says it, rows are in the order of the file.
        values: the columns of numbers, the channels.
        parameter: the column that names the channel, where a row is one measurement; its value is the only one of
            ``values`` then.
    """

    identity: str
    when: When
    values: tuple[str, ...]
    parameter: str | None = None


class Gathered(NamedTuple):
    """The sequences of a long table, in the order in which they begin in the file."""

    identities: list[str]
    sequences: list[Sequenced]
    lines: list[int]  # where each begins


def gather(table: Table, columns: LongTable, channels: Sequence[str]) -> Gathered:
    """Put the rows of a long table together to sequences.

    Args:
        table: the rows; those out of the order of time are sorted, and of two with one time the later one counts.
        columns: which are what.
        channels: the channels, in order; measurements of others are left out.

    Raises:
        ElmanError: an identity or a time that is missing, text in a column of numbers; unless bad rows are left out.
    """
    cells = table.text(columns.identity).frame[columns.identity]
    table = table.reject(dict.fromkeys(cells.is_null().arg_true().to_list(), f"{columns.identity} is empty"))
    table = table.numeric(*columns.values)
    moments = np.arange(len(table), dtype=np.float64)
    if columns.when.columns:
        table, moments = _moments(table, columns.when)
    if not len(table):
        why = f"; {table.bad.listed[0]}" if table.bad.listed else ""
        raise ElmanError(f"{table.name} has no rows that can be used{why}")
    names = table.text(columns.identity).frame[columns.identity]
    identities = names.unique(maintain_order=True).to_list()
    owner = names.replace_strict({name: n for n, name in enumerate(identities)}, return_dtype=pl.Int64).to_numpy()
    channel = None
    if columns.parameter is None:
        values = table.frame.select(columns.values).cast(pl.Float32).to_numpy()
    else:
        place = {name: n for n, name in enumerate(channels)}
        parameters = table.text(columns.parameter).frame[columns.parameter]
        channel = parameters.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
        values = table.frame[columns.values[0]].to_numpy()
    in_file = np.lexsort((np.arange(len(owner)), owner))
    order = np.lexsort((np.arange(len(owner)), moments, owner))
    if np.any(order != in_file):
        log.info("%s: rows are not in the order of %s; they are sorted", table.name, columns.when.said)
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    sequences = [
        _one(moments[rows], values[rows], None if channel is None else channel[rows], len(channels))
        for rows in np.split(order, cuts)
    ]
    doubled = len(owner) - sum(len(one.times) for one in sequences)
    if doubled and channel is None:
        log.info("%s: %s the time of another; the later row counts", table.name, counted(doubled, "rows have"))
    first = [int(table.lines[rows[0]]) for rows in np.split(in_file, cuts)]
    return Gathered(identities, sequences, first)


def _moments(table: Table, when: When) -> tuple[Table, np.ndarray]:
    """When each row was: numbers as they are, dates in seconds; rows without are bad."""
    for column in when.columns:
        table.known(column)
    read = when.read(table.frame)
    moments = read.values / SECOND if read.dated else read.values
    missing = np.flatnonzero(~np.isfinite(moments)).tolist()
    return table.reject({row: when.missing(table, row) for row in missing}), moments[np.isfinite(moments)]


def _one(moments: np.ndarray, values: np.ndarray, channel: np.ndarray | None, channels: int) -> Sequenced:
    """The sequence of some rows, in the order of time; of two with one time, the later row counts."""
    at, place = np.unique(moments, return_inverse=True)
    found = np.full((len(at), channels), np.nan, np.float32)
    if channel is None:
        for column in range(channels):
            given = ~np.isnan(values[:, column])
            found[place[given], column] = values[given, column]
    else:
        given = (channel >= 0) & ~np.isnan(values)
        found[place[given], channel[given]] = values[given]
    return Sequenced(found, at)


def without_missing(sequence: Sequenced, missing: Sequence[str]) -> Sequenced:
    """A sequence with NaN in the place of numbers that say that there is no value.

    >>> without_missing(Sequenced(np.array([[1.0], [-999.0]], np.float32), np.arange(2.0)), ["-999", "NA"]).values.T
    array([[ 1., nan]], dtype=float32)
    """
    numbers = np.array([number for word in missing if (number := as_number(word)) is not None], np.float32)
    return sequence._replace(values=np.where(np.isin(sequence.values, numbers), np.float32(np.nan), sequence.values))


def resampled(sequence: Sequenced, every: float, longest: int) -> Sequenced:
    """A sequence with one step for each ``every`` of time, the mean of what was measured in it; empty ones stay.

    Args:
        every: in the unit of the times.
        longest: steps at most; what comes later is left out.

    Example:
        >>> rare = Sequenced(np.array([[1.0], [3.0], [5.0], [7.0]], np.float32), np.array([0.0, 0.4, 2.2, 1e30]))
        >>> resampled(rare, 1.0, 100).values[:4].T
        array([[ 2., nan,  5., nan]], dtype=float32)
    """
    steps = np.floor(sequence.times / every)
    within = steps - steps[0] < longest
    bins, values = (steps[within] - steps[0]).astype(np.int64), sequence.values[within]
    shape = (int(bins[-1]) + 1 if within.all() else longest, values.shape[1])
    given = ~np.isnan(values)
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, bins, np.where(given, values, 0))
    np.add.at(count, bins, given)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return Sequenced(means, np.arange(len(means)) * every)
