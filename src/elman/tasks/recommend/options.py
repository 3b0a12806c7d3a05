"""What can be chosen about a recommender, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from elman.training.options import DATA, DETECTED, ENCODER, TimedOptions, listed, option

if TYPE_CHECKING:
    from elman.tasks.recommend.events import EventLayout


@dataclass(frozen=True)
class RecommendOptions(TimedOptions):
    """What can be chosen about a recommender, and said about its data."""

    defaults: ClassVar = {"batch": 32, "lr": 4e-3, "warmup": 30, "epochs": 20.0, "patience": 6}

    cell: str = option("gru", ENCODER, common=True, metavar="CELL")
    hidden: int = option(128, "Units of each layer.", min=1, common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64)
    embedding: int = option(128, "Size of the item embeddings.", min=1)
    dropout: float = option(0.4, "Dropout: share of the features that training sets to zero.", min=0, max=0.95)
    word_dropout: float = option(
        0.1, "Share of the items that training replaces by the unknown item.", min=0, max=0.95, was="unknown"
    )
    vocabulary: int = option(1_000_000, "Number of items to learn, the most frequent ones.", min=1)
    min_count: int = option(1, "Items that occur less often count as unknown.", min=1, was="least")
    negatives: int | None = option(
        None,
        "Negative items drawn for each step; 0 to compare with all items.",
        min=0,
        shown="all, or 2048 above 50,000 items",
    )
    window: int = option(50, "Events of a session that are learnt from at once.", min=2)
    max_length: int = option(1000, "Events of a session that are read, the last ones.", min=1, was="longest")
    repeats: bool | None = option(
        None, "Whether items that a session has had may be recommended again.", shown=DETECTED, panel=DATA
    )
    top_k: int = option(20, "Number of items to recommend.", min=1, was="top")
    people: int = option(10_000, "Sessions whose state is kept while answering a stream, the latest ones.", min=1)
    person_column: str = option("", "Column of the user.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    item_column: str = option("", "Column of the item.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    time_column: str = option("", "Column of the time.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    session_column: str = option(
        "", "Column that tells apart the sessions of a user.", shown=DETECTED, panel=DATA, metavar="COLUMN"
    )
    gap: float = option(
        0.0, "Minutes without an event after which a new session begins; 0 for never.", min=0, panel=DATA
    )
    ignore: str = option("", "Columns to leave out, separated by commas.", panel=DATA, metavar="COLUMNS")
    rating_column: str = option("", "Column of the rating.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    least_rating: float | None = option(
        None, "Leave out events with a lower rating.", shown="ratings are ignored", panel=DATA
    )
    within: str = option(
        "", "Character between two items, where each row is a whole session.", panel=DATA, metavar="CHARACTER"
    )
    split: str = option(
        "last",
        "What is held out: last, the last item of each session (the one before it while training); people, whole "
        "sessions; or time, the sessions that end last.",
        panel=DATA,
        choices=("last", "people", "time"),
    )
    held_out: float = option(
        0.1,
        "Share of the sessions held out, with --split people or time; 0 to learn from all.",
        min=0,
        max=0.9,
        panel=DATA,
    )
    split_seed: int = option(1, "Random seed of the split.", min=0, panel=DATA)

    def wish(self) -> "EventLayout":
        """What they say about the data."""
        from elman.tasks.recommend.events import EventLayout

        return EventLayout(
            item=self.item_column, person=self.person_column, session=self.session_column,
            time=listed(self.time_column), rating=self.rating_column, least=self.least_rating,
            gap=self.gap, within=self.within, dialect=self.dialect,
        )  # fmt: skip
