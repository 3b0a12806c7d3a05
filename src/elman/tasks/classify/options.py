"""What can be chosen about a classifier, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from elman.training.options import DATA, DETECTED, ENCODER, TimedOptions, listed, option

if TYPE_CHECKING:
    from elman.tasks.classify.layout import ColumnSpec


@dataclass(frozen=True)
class ClassifyOptions(TimedOptions):
    """What can be chosen about a classifier, and said about its data."""

    defaults: ClassVar = {"batch": 32, "lr": 1e-3, "epochs": 12.0, "min_steps": 600}

    cell: str = option("lstm", ENCODER, common=True, metavar="CELL")
    hidden: int = option(128, "Units of each layer and direction.", min=1, search=(32, 256), common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64, search=(1, 2))
    bidirectional: bool = option(True, "Read in both directions, so that a step also sees what comes after it.")
    attention: bool = option(
        False, "Pool by attention, instead of by the maximum and the mean of each feature.", search=[False, True]
    )
    dropout: float = option(
        0.5,
        "Dropout: share of the inputs (characters excepted) and features that training sets to zero.",
        min=0,
        max=0.95,
        search=(0.1, 0.7),
    )
    embedding: int = option(128, "Text: size of the word embeddings.", min=1)
    tokens: str = option(
        "", "Text: tokens to read, words or characters.", shown=DETECTED, choices=("words", "characters")
    )
    vocabulary: int = option(50_000, "Text: size of the vocabulary, the most frequent words.", min=1)
    min_count: int = option(2, "Text: words that occur less often count as unknown.", min=1, was="least")
    spelling: int = option(32, "Text: features that are read from the letters of a word; 0 for none.", min=0)
    word_dropout: float = option(
        0.25, "Text: share of the words that training replaces by the unknown word.", min=0, max=0.95, was="unknown"
    )
    embeddings: str = option(
        "", "Text: file of pretrained word vectors, one word and its numbers a line.", was="vectors", metavar="FILE"
    )
    resample: float = option(
        0.0,
        "Series: average over intervals of this length, in the unit of the time.",
        min=0,
        was="every",
        shown="no resampling",
    )
    noise: float = option(0.1, "Series: noise added while training, in standard deviations.", min=0)
    convolution: int = option(
        0, "Series: steps that a convolution before the recurrence merges into one; 0 for no convolution.", min=0
    )
    max_length: int = option(2000, "Steps of a row that are read; the rest is cut off.", min=1, was="longest")
    class_weights: str = option(
        "none",
        "Weights of the classes in the loss: none, or balanced, so that rare classes count as much as frequent ones.",
        choices=("none", "balanced"),
    )
    label_smoothing: float = option(
        0.0, "Label smoothing: probability that is spread evenly over all classes.", min=0, max=0.5, was="smoothing"
    )
    kind: str = option(
        "",
        "What the label is: classes, labels (several for a row) or number.",
        shown=DETECTED,
        panel=DATA,
        choices=("classes", "labels", "number"),
    )
    text_column: str = option("", "Column of the text.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    label_column: str = option("", "Column of the label.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    id_column: str = option(
        "", "Column that names the series a row belongs to.", shown=DETECTED, panel=DATA, metavar="COLUMN"
    )
    time_column: str = option("", "Column of the time.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    parameter_column: str = option(
        "",
        "Column that names what was measured, in tables with one measurement in each row.",
        shown=DETECTED,
        panel=DATA,
        metavar="COLUMN",
    )
    ignore: str = option("", "Columns to leave out, separated by commas.", panel=DATA, metavar="COLUMNS")
    labels: str = option("", "File with the label of each series.", panel=DATA, metavar="FILE")
    held_out: float = option(
        0.1, "Share of the rows held out for evaluation; 0 to learn from all.", min=0, max=0.9, panel=DATA
    )
    group_column: str = option(
        "",
        "Column by which rows are grouped: a group is learnt from or held out as a whole.",
        panel=DATA,
        metavar="COLUMN",
    )
    split: str = option(
        "random",
        "Which rows are held out: random, or time for the latest ones.",
        panel=DATA,
        choices=("random", "time"),
    )
    split_seed: int = option(1, "Random seed of the split.", min=0, panel=DATA)

    def column_spec(self) -> "ColumnSpec":
        """What they say about the data."""
        from elman.tasks.classify.layout import ColumnSpec

        ignore = listed(self.ignore)
        return ColumnSpec(self.text_column, self.label_column, self.id_column, listed(self.time_column),
                      self.parameter_column, ignore, self.labels, self.order, self.dialect)  # fmt: skip
