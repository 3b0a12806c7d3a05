"""Rows of a stream as series that remember no more than a forecast needs."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

import numpy as np

from elman.data.bad import BadRows
from elman.data.rows import Line, read_again
from elman.data.tables import Table
from elman.data.times.clock import Clock
from elman.errors import ElmanError
from elman.tasks.forecast.columns import Columns
from elman.tasks.forecast.series import Panel, Series, keys, matrix, numeric

SERIES = 10_000  # that are remembered at most; the one that was silent the longest is forgotten


@dataclass
class _Kept:
    """What is remembered of one series."""

    rows: deque[tuple[np.ndarray, np.ndarray, np.ndarray]]  # values, known, past of each step up to ``slot``
    slot: int | None = None
    ahead: dict[int, np.ndarray] = field(default_factory=dict)  # what is known of later steps
    constants: np.ndarray = field(default_factory=lambda: np.zeros(0))


class Rolling:
    """Series that grow by a row at a time.

    Args:
        columns: what a row has.
        clock: the step between rows, as it was learnt.
        context: steps that are remembered.
        horizon: steps of the future of which something may be told.
    """

    def __init__(self, columns: Columns, clock: Clock, context: int, horizon: int) -> None:
        self.columns, self.clock, self.context, self.horizon = columns, clock, context, horizon
        self.kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self.begun = columns.layout == "rows" or not columns.time

    def push(self, line: str) -> Panel | None:
        """Take a row, which is read as one of a file.

        A row without targets tells what is known of a later step.

        Returns:
            The row's series as far as it is remembered, or None after a row without targets.

        Raises:
            ElmanError: no number, no time, or a time that is not after the last one.
        """
        c = self.columns
        row = numeric(read_again(Line(line), c.known_again, BadRows()), c)
        name = keys(row, c.series)[0] if c.series else ()
        values, known, past, constants = (
            matrix(row, c, names)[0] for names in (c.targets, c.known, c.past, c.constants)
        )
        kept = self.kept.setdefault(name, _Kept(deque(maxlen=self.context)))
        self.kept.move_to_end(name)
        if len(self.kept) > SERIES:
            self.kept.popitem(last=False)
        slot = self._slot(row, kept)
        if kept.slot is not None and slot <= kept.slot:
            (last,) = self.clock.texts(self.clock.times(np.array([kept.slot])))
            raise ElmanError(f"{self._said(row)} is not after {last}")
        if not np.isfinite(values).any() and (c.time or c.known):
            if kept.slot is None or slot <= kept.slot + self.horizon:
                kept.ahead[slot] = known
            return None
        missing = [np.full(len(part), np.nan) for part in (values, past)]
        for between in range(max(kept.slot + 1, slot - self.context) if kept.slot is not None else slot, slot):
            none = np.full(len(known), np.nan)
            kept.rows.append((missing[0], kept.ahead.get(between, none), missing[1]))
        kept.rows.append((values, known, past))
        kept.slot, kept.constants = slot, constants
        kept.ahead = {at: told for at, told in kept.ahead.items() if at > slot}
        return self._panel(name, kept)

    def _panel(self, name: tuple[str, ...], kept: _Kept) -> Panel:
        assert kept.slot is not None
        values, known, past = (np.array(part).reshape(len(kept.rows), -1) for part in zip(*kept.rows, strict=True))
        if kept.ahead:
            more = np.full((max(kept.ahead) - kept.slot, known.shape[1]), np.nan)
            for at, told in kept.ahead.items():
                more[at - kept.slot - 1] = told
            known = np.concatenate([known, more])
        start = kept.slot - len(values) + 1
        series = Series(name, start, values, known, past, np.nan_to_num(kept.constants))
        return Panel("the stream", self.columns, self.clock, [series])

    def _slot(self, row: Table, kept: _Kept) -> int:
        c = self.columns
        if c.layout == "rows" or not c.time:
            return 0 if kept.slot is None else kept.slot + 1
        for column in c.time:
            if row.frame[column].is_null().any():
                raise ElmanError(f"there is no {column}")
        times = c.times(row.frame)
        if np.isnan(times.values[0]) or (times.dated, times.zone) != (c.dated, c.zone):
            raise ElmanError(f"{self._said(row)} is no time like those that were learnt from")
        if not self.begun:  # the same step, from the first row of this stream
            self.clock = replace(self.clock, origin=float(times.values[0]))
            self.begun = True
        return int(np.floor(self.clock.slots(times.values)[0] + 0.5))

    def _said(self, row: Table) -> str:
        return f"{', '.join(self.columns.time)} {' '.join(str(row.frame[name][0]) for name in self.columns.time)!r}"
