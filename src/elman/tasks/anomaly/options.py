"""What can be chosen about a detector, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import ClassVar

from elman.errors import ElmanError
from elman.training.options import DATA, DETECTED, ENCODER, TimedOptions, option


@dataclass(frozen=True)
class AnomalyOptions(TimedOptions):
    """What can be chosen about a detector, and said about its data."""

    defaults: ClassVar = {"batch": 32, "bptt": 512, "minutes": 2.0, "lr": 4e-3}

    cell: str = option("gru", ENCODER, common=True, metavar="CELL")
    hidden: int = option(32, "Units of each layer.", min=1, common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64)
    dropout: float = option(
        0.1, "Dropout: share of the inputs and features that training sets to zero.", min=0, max=0.95
    )
    horizons: str = option("1,8,40,120", "How many rows ahead it forecasts, separated by commas.", metavar="NUMBERS")
    probation: float = option(
        0.15,
        "Share of each stream, from its beginning, that is learnt from; of a long stream, the share of 5,000 rows.",
        min=0.01,
        max=0.9,
        panel=DATA,
    )
    memory: int = option(
        6400, "Rows over which the mean, spread and usual error of a stream are taken; what is older fades.", min=10
    )
    smooth: int = option(3, "Rows over which errors are smoothed.", min=1)
    cooldown: int = option(
        100, "Rows after an alarm in which only a higher score raises another.", min=0, was="refractory"
    )
    false_alarm_rate: float = option(
        5e-3, "Share of usual rows whose score reaches the alarm threshold.", min=1e-8, max=0.5, was="rate", common=True
    )
    values: str = option(
        "", "Columns to watch, separated by commas.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMNS"
    )
    id_column: str = option(
        "",
        "Column that names the stream a row belongs to, in tables of several streams.",
        shown=DETECTED,
        panel=DATA,
        metavar="COLUMN",
    )
    time_column: str = option("", "Column of the time.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    label_column: str = option(
        "",
        "Column that marks anomalies, for evaluation only: nothing is learnt from it.",
        shown=DETECTED,
        panel=DATA,
        metavar="COLUMN",
    )
    windows: str = option(
        "",
        "File with the windows of known anomalies by file or stream, in the form of NAB's combined_windows.json.",
        shown=DETECTED,
        panel=DATA,
        metavar="FILE",
    )
    ignore: str = option("", "Columns to leave out, separated by commas.", panel=DATA, metavar="COLUMNS")

    def ahead(self) -> list[int]:
        """The horizons, rising."""
        try:
            found = sorted({int(word) for word in self.horizons.split(",")})
        except ValueError:
            found = []
        if not found or found[0] < 1:
            raise ElmanError(f"--horizons is numbers of rows with commas between them, not {self.horizons!r}")
        return found
