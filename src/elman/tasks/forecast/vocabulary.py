"""What a forecaster learns of its data before there is a model, as a folder keeps it."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from elman.data.plain import Distinct, Positive, Size, Within
from elman.data.times.clock import DAY, FALLS, YEAR, Clock
from elman.errors import ElmanError
from elman.tasks.forecast.columns import Columns

CLOCKS = ("fixed", "open", "month", "weekday", "number", "row")
DATED = CLOCKS[:4]
FARTHEST = 8000 * YEAR  # of a date from 1970


class Unit(NamedTuple):
    """How the numbers of a channel or a column are brought to one size; ``repeat`` is null where it is not known."""

    mean: float
    deviation: Positive
    repeat: float | None = None


@dataclass(frozen=True)
class Units:
    """Those of the channels by their labels, and of the columns of each part."""

    channels: dict[str, Unit]
    known: tuple[Unit, ...]
    past: tuple[Unit, ...]
    constants: tuple[Unit, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What the columns are, the step between rows, the units, and what the network looks at."""

    columns: Columns
    clock: Clock
    units: Units
    seasons: tuple[Size, ...]
    horizon: Annotated[int, Within(1, 1_000_000)]
    context: Annotated[int, Within(1, 1_000_000)]
    segment: Size
    calendar: Annotated[tuple[Literal["day", "week", "year"], ...], Distinct()]
    errors: Literal["season", "deviation"]

    def __post_init__(self) -> None:
        _check_clock(self.clock)
        if self.segment > self.context:
            raise ElmanError(f"segment is {self.segment}, more than the context of {self.context}")
        if not self.units.channels:
            raise ElmanError("units: channels are none")
        columns = self.columns
        for part in ("known", "past", "constants"):
            wide, units = columns.width(getattr(columns, part)), getattr(self.units, part)
            if len(units) != wide:
                raise ElmanError(f"units: {part} are {len(units)} and not {wide}, as the columns are")
        if columns.layout not in ("columns", "rows") or (columns.layout == "columns" and not columns.targets):
            raise ElmanError(f"columns: the layout {columns.layout!r} has no targets, or is none")
        if columns.dated != (self.clock.unit in DATED) and columns.layout == "columns" and columns.time:
            raise ElmanError(f"columns: dated is {columns.dated}, and the clock counts in the unit {self.clock.unit!r}")


def _check_clock(clock: Clock) -> None:
    if clock.unit not in CLOCKS:
        raise ElmanError(f"clock: unit is {clock.unit!r:.60} and not {', '.join(CLOCKS)}")
    if not clock.step > 0 or (clock.unit in DATED and abs(clock.origin) > FARTHEST):
        raise ElmanError(f"clock: step {clock.step:g} or origin {clock.origin:g} is out of its range")
    if not re.fullmatch("[01]{7}", clock.days) or "1" not in clock.days or clock.falls not in ("", *FALLS):
        raise ElmanError(f"clock: days are {clock.days!r:.60} and falls is {clock.falls!r:.60}, which no steps do")
    within = clock.opens >= 0 and clock.count >= 1 and clock.opens + (clock.count - 1) * clock.step < DAY
    if clock.unit == "open" and not within:
        raise ElmanError(f"clock: {clock.count} steps of {clock.step:g} from {clock.opens:g} on are beyond a day")
    if clock.zone is not None:
        try:
            ZoneInfo(clock.zone)
        except (OSError, ValueError) as error:  # what zoneinfo gives for a name that leads elsewhere, too
            raise ElmanError(f"clock: zone is {clock.zone!r:.60}, which is none") from error
