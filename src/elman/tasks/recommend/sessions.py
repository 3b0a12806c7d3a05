"""Sessions, each an order of items: as they are kept, and from rows that are one each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.hollow import have_empty_answers
from elman.data.tables import Table
from elman.data.times.when import When
from elman.errors import ElmanError, brief, quoted


@dataclass(frozen=True)
class Sessions:
    """Sessions, each an order of items.

    Args:
        keys: a row for each session: whose it is, or its number.
        names: the items there are.
        items: for each session numbers of items, places in ``names``.
        ends: ``[N]``, when each ended; its number where there are no times.
        index: ``[N]``, which row of the answers belongs to each; others were left out.
        asked: a row for each of the answers: whose it is.
    """

    keys: pl.DataFrame
    names: list[str]
    items: list[np.ndarray]
    ends: np.ndarray
    index: np.ndarray
    asked: pl.DataFrame

    def __len__(self) -> int:
        return len(self.items)

    @property
    def counts(self) -> dict[str, int]:
        """How often each item is there."""
        found = np.bincount(np.concatenate([np.zeros(0, int), *self.items]), minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))

    def take(self, rows: np.ndarray) -> "Sessions":
        """Some of the sessions."""
        keys, items = self.keys[rows.tolist()], [self.items[row] for row in rows]
        return replace(self, keys=keys, items=items, ends=self.ends[rows], index=np.arange(len(rows)), asked=keys)


def listed_sessions(rows: list[Any], bad: BadRows) -> Sessions:
    """Sessions that are a list in memory."""
    bad.read(len(rows))
    where = [f"session {n}" for n in range(len(rows))]
    return whole(pl.DataFrame({"row": range(len(rows))}), rows, where, bad, "the list")


def row_sessions(table: Table, item: str, within: str, keys: Sequence[str], when: When) -> Sessions:
    """Sessions that are a row each.

    Args:
        table: of them.
        item: the column of their items.
        within: what stands between these in a text.
        keys: the columns of whose they are.
        when: each of their items was, in lists beside them; else they are in their order.
    """
    timed = [name for name in when.columns if name in table.columns and table.frame.schema[name].is_nested()]
    table, times = _times(table, when) if timed else (table, None)
    cells = table.frame[item]
    lists = cells.to_list() if cells.dtype.is_nested() else [(cell or "").split(within) for cell in cells]
    if times is not None:
        lists = [[each[n] for n in np.argsort(at, kind="stable")] for each, at in zip(lists, times, strict=True)]
    named = [key for key in keys if key in table.columns]
    where = [table.where(row) for row in range(len(table))]
    found = whole(table.frame.select(named), lists, where, table.bad, table.name)
    asked = table.spread().select(named) if named else pl.DataFrame({"row": range(table.size)})
    ends = found.ends if times is None else np.array([times[row].max() for row in found.index.tolist()])
    return replace(found, index=table.index[found.index], asked=asked, ends=ends)


def _times(table: Table, when: When) -> tuple[Table, list[np.ndarray]]:
    """The table without rows whose times are none, and the times of each of the others."""
    (column,) = when.columns
    cells = table.frame[table.known(column)]
    lengths = cells.list.len().fill_null(0)
    inner = cells.filter(lengths > 0).explode()
    times = when.read(pl.DataFrame({column: inner})).values
    each = np.split(times, np.cumsum(lengths.to_numpy())[:-1])
    wrong = {row: f"has a time that is none in {column}" for row, at in enumerate(each) if not np.isfinite(at).all()}
    kept = [at for row, at in enumerate(each) if row not in wrong]
    return table.reject(wrong), kept


def whole(keys: pl.DataFrame, rows: list[Any], where: list[str], bad: BadRows, name: str) -> Sessions:
    """Sessions from rows of items, those without any left out, which are bad where they are not to be answered.

    Args:
        keys: whose each row is.
        rows: of items.
        where: each row is.
        bad: what is done about those without items.
        name: of what they all are in.
    """
    numbers: dict[str, int] = {}
    items, kept, hollow = [], [], []
    for row, each in enumerate(rows):
        if any(isinstance(item, dict | list) for item in each or []):
            raise ElmanError(
                f"{where[row]}: an item such as {quoted(brief(str(each[0]), 40))} is a list or an object; give those "
                "of a session as a list of their names or numbers"
            )
        texts = [str(item).strip() for item in each or [] if item is not None and str(item).strip()]
        if not texts and bad.answers:
            hollow.append(where[row].removeprefix(f"{name}, "))
            continue
        if not texts:
            bad.add(where[row], "the session has no items")
            continue
        items.append(np.array([numbers.setdefault(text, len(numbers)) for text in texts]))
        kept.append(row)
    have_empty_answers(bad, name, hollow)
    asked = keys if keys.width else pl.DataFrame({"row": range(len(rows))})
    return Sessions(asked[kept], list(numbers), items, np.arange(len(items)), np.array(kept, int), asked)
