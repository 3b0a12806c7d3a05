"""Windows of series: what is seen before each forecast, and what came."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.tasks.forecast.series import Panel

GREATEST = 10.0  # weight of a channel


class Window(NamedTuple):
    """Windows side by side, in units of their channels; NaN where there is no value."""

    seen: Tensor  # [B, L], what was before
    coming: Tensor  # [B, H], what came
    known: Tensor  # [B, L + H, K], known of the future too
    past: Tensor  # [B, L, P], known of the past alone
    calendar: Tensor  # [B, M + H, C], at the marks in what was seen, and at each step that comes
    constants: Tensor  # [B, S]
    channel: Tensor  # [B], the number of the channel
    weight: Tensor  # [B], how much its errors count


class Unit(NamedTuple):
    """How the numbers of a channel or a column are brought to one size."""

    mean: float
    deviation: float  # 1 where all values are the same
    repeat: float = math.nan  # the mean distance of a value from the one a season before


@dataclass(frozen=True)
class Units:
    """The units of a panel, from the part of it that is learnt from.

    Args:
        channels: that of each channel by its label.
        known: that of each column that is known of the future; ``past`` and ``constants`` alike.
    """

    channels: dict[str, Unit]
    known: list[Unit]
    past: list[Unit]
    constants: list[Unit]

    @classmethod
    def of(cls, panel: Panel, ends: Sequence[int], season: int) -> "Units":
        """The units of a panel, each series looked at up to an end."""
        targets = range(len(panel.columns.targets))
        channels = {
            panel.label(series, target): unit(series.values[:end, target], season)
            for series, end in zip(panel.series, ends, strict=True)
            for target in targets
        }
        known, past = (
            np.concatenate([getattr(s, name)[:end] for s, end in zip(panel.series, ends, strict=True)])
            for name in ("known", "past")
        )
        constants = np.stack([series.constants for series in panel.series])
        return cls(channels, *([unit(column) for column in part.T] for part in (known, past, constants)))

    def to_json(self) -> dict[str, Any]:
        channels = {label: _plain(unit) for label, unit in self.channels.items()}
        others = {name: list(map(_plain, getattr(self, name))) for name in ("known", "past", "constants")}
        return {"channels": channels, **others}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Units":
        channels = {label: _unit(numbers) for label, numbers in values["channels"].items()}
        return cls(channels, *(list(map(_unit, values[name])) for name in ("known", "past", "constants")))


def _plain(unit: Unit) -> list[float | None]:
    """A unit as JSON has it, where what is not known is null."""
    return [None if math.isnan(number) else number for number in unit]


def _unit(numbers: Sequence[float | None]) -> Unit:
    return Unit(*(math.nan if number is None else number for number in numbers))


def unit(values: np.ndarray, season: int = 0) -> Unit:
    """The unit of some numbers.

    Example:
        >>> unit(np.array([1.0, 3.0, np.nan, 2.0]), 1)
        Unit(mean=2.0, deviation=0.816496580927726, repeat=2.0)
    """
    given = values[np.isfinite(values)]
    if not len(given):
        return Unit(0.0, 1.0)
    mean, deviation = float(given.mean()), float(given.std())
    gaps = np.abs(values[season:] - values[:-season]) if 0 < season < len(values) else np.zeros(0)
    gaps = gaps[np.isfinite(gaps)]
    repeat = float(gaps.mean()) if len(gaps) else math.nan
    return Unit(mean, deviation if deviation > 1e-9 * max(1.0, abs(mean)) else 1.0, repeat)


class Channels:
    """All targets of all series of a panel, each a channel of its own, ready to be cut into windows.

    Args:
        panel: the series.
        units: their units; a channel that is not among them has those of its own values.
        context: steps that are seen before a forecast.
        horizon: steps that are forecast.
        season: steps after which things are taken to repeat, where what is known of the future has not been told.
        by_season: whether errors count in the mean distance of a value from that a season before, which differs from
            channel to channel, and not in standard deviations.
        cycles: the cycles of the calendar that are looked at.
        marks: ``[M]``, the steps of a window at which they are, beside those that come.
    """

    def __init__(
        self,
        panel: Panel,
        units: Units,
        context: int,
        horizon: int,
        season: int,
        *,
        by_season: bool = False,
        cycles: Sequence[str] = (),
        marks: np.ndarray,
    ) -> None:
        self.panel, self.context, self.horizon = panel, context, horizon
        self.marks = np.concatenate([marks, np.arange(context, context + horizon)])
        numbers = {label: n for n, label in enumerate(units.channels, 1)}
        targets = range(len(panel.columns.targets))
        of = [(n, target) for n in range(len(panel.series)) for target in targets]
        self.series, self.targets = (np.array(part) for part in zip(*of, strict=True))
        self.labels = [panel.label(panel.series[n], target) for n, target in of]
        self.number = np.array([numbers.get(label, 0) for label in self.labels])  # 0 for one that was not learnt
        self.units = np.array(
            [
                units.channels.get(label) or unit(panel.series[n].values[:, t], season)
                for label, (n, t) in zip(self.labels, of, strict=True)
            ]
        )  # [channels, 3]
        self.weights = self._weights() if by_season else np.ones(len(of))
        self.lengths = np.array([len(panel.series[n]) for n, _ in of])
        empty = np.full(context, np.nan), np.full(horizon, np.nan)
        values, known, past, calendar = [], [], [], []
        for n, target in of:
            mean, deviation, _ = self.units[len(values)]
            values.append(np.concatenate([empty[0], (panel.series[n].values[:, target] - mean) / deviation, empty[1]]))
        for series in panel.series:
            length = context + len(series) + horizon
            slots = np.arange(series.start - context, series.start - context + length)
            calendar.append(panel.clock.calendar(panel.clock.times(slots), cycles))
            known.append(_filled(_scaled(series.known, units.known), context, length, season))
            past.append(_filled(_scaled(series.past, units.past), context, length, season))
        self.values = np.concatenate(values).astype(np.float32)
        self.known, self.past, self.calendar = (
            torch.from_numpy(np.concatenate(part).astype(np.float32)) for part in (known, past, calendar)
        )
        self.starts = np.concatenate([[0], np.cumsum([len(part) for part in values])])[:-1]
        self.rows = np.concatenate([[0], np.cumsum([len(part) for part in known])])[:-1]
        constants = np.stack([series.constants for series in panel.series])
        self.constants = torch.from_numpy(np.nan_to_num(_scaled(constants, units.constants)).astype(np.float32))

    def _weights(self) -> np.ndarray:
        _, deviation, repeat = self.units.T
        usable = np.isfinite(repeat) & (repeat > 1e-9 * deviation)
        weights = np.divide(deviation, repeat, out=np.ones_like(deviation), where=usable)
        middle = float(np.median(weights[usable])) if usable.any() else 1.0
        # nobody is served by a model of the one series that hardly varies
        return np.clip(np.where(usable, weights / middle, 1.0), 1 / GREATEST, GREATEST)

    @cached_property
    def _given(self) -> np.ndarray:
        """How many values there are before each place of ``values``."""
        return np.concatenate([[0], np.cumsum(np.isfinite(self.values))])

    def windows(self, first: np.ndarray, last: np.ndarray, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The channel and the origin of each window whose origin is from ``first`` to ``last`` of its channel.

        The origin is how many rows of the channel lie before its forecast. What has no value to see, or none to come,
        is no window.
        """
        channels, origins = [], []
        for channel, (low, high) in enumerate(zip(first, last, strict=True)):
            origin = np.arange(max(low, 0), high + 1, stride)
            at = self.starts[channel] + origin
            seen = self._given[at + self.context] - self._given[at]
            coming = self._given[at + self.context + self.horizon] - self._given[at + self.context]
            origin = origin[(seen > 0) & (coming > 0)]
            channels.append(np.full(len(origin), channel))
            origins.append(origin)
        return np.concatenate(channels), np.concatenate(origins)

    def cut(self, channel: np.ndarray, origin: np.ndarray) -> Window:
        """The windows of some channels at some origins."""
        span = np.arange(self.context + self.horizon)
        values = torch.from_numpy(self.values[(self.starts[channel] + origin)[:, None] + span])
        series = self.series[channel]
        first = (self.rows[series] + origin)[:, None]
        places, marks = torch.from_numpy(first + span), torch.from_numpy(first + self.marks)
        return Window(
            values[:, : self.context],
            values[:, self.context :],
            self.known[places],
            self.past[places[:, : self.context]],
            self.calendar[marks],
            self.constants[torch.from_numpy(series)],
            torch.from_numpy(self.number[channel]),
            torch.from_numpy(self.weights[channel]).float(),
        )


def _scaled(columns: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
    return (columns - [unit.mean for unit in units]) / [unit.deviation for unit in units] if units else columns


def _filled(columns: np.ndarray, before: int, length: int, season: int) -> np.ndarray:
    """Columns from ``before`` steps earlier, ``length`` steps: what is missing is as a season before, or else 0."""
    whole = np.full((length, columns.shape[1]), np.nan)
    columns = columns[: length - before]
    whole[before : before + len(columns)] = columns
    for row in np.flatnonzero(np.isnan(whole).any(1)):
        if row >= max(season, before):
            whole[row] = np.where(np.isnan(whole[row]), whole[row - season], whole[row])
    return np.nan_to_num(whole)
