"""What can be chosen about a language model; PyTorch is not needed to read it."""

from dataclasses import dataclass

from elman.training.options import CELL, DATA, DETECTED, ENCODED, ENCODING, TaskOptions, option


@dataclass(frozen=True)
class LanguageOptions(TaskOptions):
    """What can be chosen about a language model."""

    cell: str = option("lstm", CELL, common=True, metavar="CELL")
    hidden: int = option(384, "Units of each layer.", min=1, common=True)
    layers: int = option(1, "Number of layers.", min=1, max=64)
    embedding: int = option(128, "Size of the token embeddings.", min=1)
    dropout: float = option(0.1, "Dropout: share of each layer's outputs that training sets to zero.", min=0, max=0.95)
    tokens: str = option(
        "characters",
        "Tokens: characters, bytes or subwords.",
        common=True,
        choices=("characters", "bytes", "subwords"),
    )
    vocabulary: int = option(2048, "Size of the vocabulary of subwords.", min=256)
    held_out: float = option(
        0.1, "Share held out for evaluation: the end of a text, or some of the strings.", min=0.001, max=0.9, panel=DATA
    )
    form: str = option(
        "auto",
        "What the file holds: text; strings, such as names or molecules, one in each line; or auto, to detect it.",
        common=True,
        panel=DATA,
        choices=("auto", "text", "strings"),
    )
    text_column: str = option("", "Column of the text, in a table.", shown=DETECTED, panel=DATA, metavar="COLUMN")
    encoding: str = option("", ENCODING, shown=ENCODED, panel=DATA, metavar="NAME")
    max_length: int = option(
        2000, "Strings: longest string, in characters; a longer one is a bad row.", min=1, was="longest", panel=DATA
    )
    split_seed: int = option(1, "Strings: random seed of the split.", min=0, panel=DATA)
    samples: int = option(1000, "Strings: how many to generate and evaluate at the end; 0 for none.", min=0)
