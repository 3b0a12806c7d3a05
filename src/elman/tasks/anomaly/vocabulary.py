"""What a detector learns of its data before there is a model, as a folder keeps it."""

from dataclasses import dataclass

from elman.errors import ElmanError
from elman.tasks.anomaly.streams import Columns


@dataclass(frozen=True)
class Vocabulary:
    """Which columns are watched."""

    columns: Columns

    def __post_init__(self) -> None:
        if len(set(self.columns.values)) < max(1, len(self.columns.values)):
            raise ElmanError("columns: values names no column, or one twice")
