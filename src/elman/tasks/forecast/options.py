"""What can be chosen about a forecaster, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from elman.errors import ElmanError
from elman.training.options import DATA, DETECTED, ENCODER, TimedOptions, listed, option

if TYPE_CHECKING:
    from elman.tasks.forecast.columns import Columns


@dataclass(frozen=True)
class ForecastOptions(TimedOptions):
    """What can be chosen about a forecaster, and said about its data."""

    defaults: ClassVar = {"batch": 256, "lr": 1e-3, "epochs": 5.0, "min_steps": 1000}

    cell: str = option("gru", ENCODER, common=True, metavar="CELL")
    hidden: int = option(128, "Units of each layer.", min=1, common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64)
    dropout: float = option(
        0.5, "Dropout: share of the recurrence's outputs that training sets to zero.", min=0, max=0.95
    )
    noise: float = option(0.1, "Noise added to known columns while training, in standard deviations.", min=0)
    horizon: int = option(0, "Steps to forecast.", min=0, shown="one season", common=True)
    context: int = option(0, "Steps of the past that a forecast is made from.", min=0, shown="chosen from the data")
    patch: int = option(
        0,
        "Consecutive values that the recurrence reads as one step.",
        min=0,
        was="segment",
        shown="chosen from the data",
    )
    normalise: str = option(
        "mean",
        "What is subtracted from a window before it is read: its mean, or its last value.",
        was="level",
        choices=("mean", "last"),
    )
    linear_skip: bool = option(
        True, "Add a linear forecast, straight from the context, to that of the recurrence.", was="straight"
    )
    calendar: bool = option(True, "Read the hour, the day of the week and the time of the year.")
    quantiles: str = option("0.1,0.5,0.9", "Quantiles to forecast, separated by commas.", metavar="NUMBERS")
    squared: float = option(1.0, "Weight of the squared error of the mean, beside the quantile loss.", min=0)
    errors: str = option(
        "",
        "Unit of a series' errors: deviation, its standard deviation; or season, its mean change from a season before.",
        choices=("deviation", "season"),
    )
    target: str = option(
        "",
        "Columns to forecast, separated by commas.",
        shown="all numeric columns",
        common=True,
        panel=DATA,
        metavar="COLUMNS",
    )
    known: str = option(
        "",
        "Columns that are known for the future too, such as holidays or a weather forecast.",
        panel=DATA,
        metavar="COLUMNS",
    )
    past: str = option(
        "", "Further columns to read, which are not known for the future.", panel=DATA, metavar="COLUMNS"
    )
    constant: str = option(
        "", "Columns that stay the same within a series.", shown=DETECTED, panel=DATA, metavar="COLUMNS"
    )
    time_column: str = option("", "Column of the time.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    id_column: str = option(
        "", "Columns that name the series a row belongs to.", shown=DETECTED, panel=DATA, metavar="COLUMNS"
    )
    ignore: str = option(
        "", "Columns, or series by their names, to leave out, separated by commas.", panel=DATA, metavar="NAMES"
    )
    layout: str = option(
        "",
        "columns, where each row is a time; or rows, where each row is a series.",
        shown=DETECTED,
        panel=DATA,
        choices=("columns", "rows"),
    )
    frequency: str = option(
        "", "Time between two rows, such as 30min, 1h, 1d, 1mo or weekday.", shown=DETECTED, panel=DATA, metavar="STEP"
    )
    season: str = option(
        "", "Rows of a season: one number, two for two seasons, or none.", shown=DETECTED, panel=DATA, metavar="ROWS"
    )
    timezone: str = option(
        "",
        "Time zone, such as Europe/Berlin, of times that name none, and by which days begin.",
        panel=DATA,
        metavar="ZONE",
    )
    split: str = option(
        "",
        "Rows or shares for training, validation and test, such as 8640/2880/2880 or -/48/48.",
        shown="0.8/0.1/0.1",
        panel=DATA,
    )
    stride: int = option(
        0, "Rows between two forecasts that are evaluated.", min=0, shown="1, more where there would be too many"
    )

    def columns(self) -> "Columns":
        """What they say about the columns."""
        from elman.tasks.forecast.columns import Columns

        if self.layout not in ("", "columns", "rows"):
            raise ElmanError(f"--layout is columns or rows, not {self.layout!r}")
        return Columns(
            self.layout,
            time=listed(self.time_column),
            series=listed(self.id_column),
            targets=listed(self.target),
            known=listed(self.known),
            past=listed(self.past),
            constants=listed(self.constant),
            zone=self.timezone or None,
        )

    def levels(self) -> list[float]:
        """The quantiles, in rising order."""
        try:
            levels = sorted({float(word) for word in listed(self.quantiles)})
        except ValueError:
            levels = []
        if not levels or not all(0 < level < 1 for level in levels):
            raise ElmanError(f"--quantiles are numbers between 0 and 1, not {self.quantiles!r}")
        return levels

    def seasons(self) -> list[int] | None:
        """The seasons that were said, if they were."""
        if not self.season:
            return None
        words = listed(self.season)
        if words == ("none",):
            return []
        if not all(word.isdigit() and int(word) > 1 for word in words) or len(words) > 2:
            raise ElmanError(f"--season is one or two numbers above 1, or none; not {self.season!r}")
        return sorted(map(int, words))
