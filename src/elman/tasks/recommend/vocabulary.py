"""What a recommender learns of its data before there is a model, as a folder keeps it."""

from dataclasses import dataclass

from elman.data.plain import Named, Size
from elman.errors import ElmanError
from elman.tasks.recommend.events import EventLayout


@dataclass(frozen=True)
class Vocabulary:
    """How events lay, the items and how often each was taken."""

    layout: EventLayout
    repeats: bool
    items: Named
    counts: tuple[Size, ...]

    def __post_init__(self) -> None:
        if not len(self.items) == len(self.counts) > 1:
            raise ElmanError(
                f"counts are {len(self.counts)} and items {len(self.items)}; they are two or more, and as many"
            )
        if self.layout.gap < 0 or not (self.layout.within or self.layout.keys):
            raise ElmanError("layout: its gap is out of its range, or nothing tells sessions apart")
