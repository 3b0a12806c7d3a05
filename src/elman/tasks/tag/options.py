"""What can be chosen about a tagger, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from elman.data.dialect import Dialect
from elman.data.separators import separator_said
from elman.training.options import (
    DATA,
    DETECTED,
    ENCODED,
    ENCODER,
    ENCODING,
    NO_VALUE_IS,
    TaskOptions,
    listed,
    option,
)

if TYPE_CHECKING:
    from elman.tasks.tag.layout import ColumnSpec

MANY = 100  # tags from which a random field is left out: it costs their square at every word


@dataclass(frozen=True)
class TagOptions(TaskOptions):
    """What can be chosen about a tagger, and said about its data."""

    defaults: ClassVar = {"batch": 16, "lr": 3e-3, "warmup": 100, "epochs": 20.0, "decay": 0.01}

    cell: str = option("lstm", ENCODER, common=True, metavar="CELL")
    hidden: int = option(200, "Units of each layer and direction.", min=1, common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64)
    bidirectional: bool = option(True, "Read in both directions, so that a tag also depends on the words after it.")
    crf: bool | None = option(
        None, "Choose the tags of a sentence jointly, by a conditional random field.", shown=f"yes, up to {MANY} tags"
    )
    inside: str = option(
        "",
        "Scheme in which spans are learnt: BIOES or IOB2.",
        shown="BIOES, unless that makes many tags",
        choices=("BIOES", "IOB2"),
    )
    dropout: float = option(
        0.5, "Dropout: share of the inputs and features that training sets to zero.", min=0, max=0.95
    )
    embedding: int = option(100, "Size of the word embeddings.", min=1)
    vocabulary: int = option(100_000, "Size of the vocabulary, the most frequent words.", min=1)
    min_count: int = option(1, "Words that occur less often count as unknown.", min=1, was="least")
    spelling: int = option(
        25, "Features that are read from the letters of a word, in each direction; 0 for none.", min=0
    )
    spelling_by: str = option(
        "recurrence",
        "What reads the letters of a word: recurrence or convolution.",
        choices=("recurrence", "convolution"),
    )
    word_dropout: float = option(
        0.1, "Share of the words that training replaces by the unknown word.", min=0, max=0.95, was="unknown"
    )
    embeddings: str = option(
        "", "File of pretrained word vectors, one word and its numbers a line.", was="vectors", metavar="FILE"
    )
    max_length: int = option(
        400, "Words that are read at once; a longer sentence is tagged in parts.", min=1, was="longest"
    )
    word_column: str = option(
        "",
        "Column of the words, by its number (from 1) or its name.",
        shown=DETECTED,
        common=True,
        panel=DATA,
        metavar="COLUMN",
    )
    tag_column: str = option(
        "", "Column of the tags.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN", was="tag"
    )
    separator: str = option(
        "", "Character between two columns; \\t is a tab.", shown=DETECTED, panel=DATA, metavar="CHARACTER"
    )
    header: bool | None = option(
        None, "Whether the first row has the names of the columns.", shown=DETECTED, panel=DATA
    )
    missing: str = option("", NO_VALUE_IS, panel=DATA, metavar="VALUES")
    encoding: str = option("", ENCODING, shown=ENCODED, panel=DATA, metavar="NAME")
    joint: str = option(
        "",
        "Character between a word and its tag, such as the / of word/tag.",
        shown=DETECTED,
        panel=DATA,
        metavar="CHARACTER",
    )
    held_out: float = option(
        0.1, "Share of the sentences held out for evaluation; 0 to learn from all.", min=0, max=0.9, panel=DATA
    )
    split: str = option(
        "random",
        "Which are held out: random sentences, whole documents, or last, those at the end of the file.",
        panel=DATA,
        choices=("random", "documents", "last"),
    )
    split_seed: int = option(1, "Random seed of the split.", min=0, panel=DATA)

    @property
    def dialect(self) -> Dialect:
        """How the file is written.

        Raises:
            ElmanError: a separator that is none.
        """
        separator = separator_said(self.separator)
        return Dialect(separator, self.header, missing=listed(self.missing), encoding=self.encoding)

    def column_spec(self) -> "ColumnSpec":
        """What they say about the data."""
        from elman.tasks.tag.layout import ColumnSpec

        return ColumnSpec(self.word_column, self.tag_column, self.dialect, self.joint)
