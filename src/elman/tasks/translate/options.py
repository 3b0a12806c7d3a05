"""What can be chosen about a translator, and said about its data; PyTorch is not needed to read it."""

from dataclasses import dataclass
from typing import ClassVar

from elman.training.options import DATA, DETECTED, ENCODER, TableOptions, option

TOKENS = ("subwords", "characters", "words")


@dataclass(frozen=True)
class TranslateOptions(TableOptions):
    """What can be chosen about a translator, and said about its data."""

    defaults: ClassVar = {"batch": 80, "lr": 2e-3, "warmup": 200, "epochs": 20.0, "decay": 0.01}

    cell: str = option("lstm", ENCODER, common=True, metavar="CELL")
    hidden: int = option(
        256, "Units of each layer and direction of the encoder; the decoder has twice as many.", min=1, common=True
    )
    layers: int = option(1, "Number of layers of the encoder and of the decoder.", min=1, max=64)
    bidirectional: bool = option(True, "Read the source in both directions.")
    attention: str = option(
        "multiplicative",
        "Attention of the decoder to the source: multiplicative, additive or none.",
        choices=("multiplicative", "additive", "none"),
    )
    feeding: str = option(
        "none",
        "What the decoder is fed beside the last token: none, which is fastest, readout or context.",
        choices=("none", "readout", "context"),
    )
    embedding: int = option(256, "Size of the token embeddings.", min=1)
    dropout: float = option(
        0.3, "Dropout: share of the inputs and features that training sets to zero.", min=0, max=0.95
    )
    label_smoothing: float = option(
        0.1, "Label smoothing: probability that is spread evenly over all tokens.", min=0, max=0.5, was="smoothing"
    )
    tied: bool = option(True, "Tie the output layer to the embeddings of the target.")
    source_tokens: str = option(
        "", "Tokens of the source: subwords, characters or words.", shown=DETECTED, panel=DATA, choices=TOKENS
    )
    target_tokens: str = option(
        "", "Tokens of the target: subwords, characters or words.", shown=DETECTED, panel=DATA, choices=TOKENS
    )
    vocabulary: int = option(6000, "Size of each vocabulary, the most frequent tokens.", min=3)
    shared: bool | None = option(None, "Whether source and target share one vocabulary.", shown=DETECTED)
    max_length: int = option(
        400, "Tokens of a row that are read; longer pairs are not learnt from.", min=1, was="longest"
    )
    beam: int = option(5, "Width of the beam search.", min=1)
    length_penalty: float = option(
        1.0,
        "Length penalty of the beam search: the higher, the more longer answers are favoured; 0 for none.",
        min=0,
        max=10,
    )
    bleu: str = option(
        "",
        "Tokeniser of sacrebleu: 13a, zh, char or none.",
        shown=DETECTED,
        panel=DATA,
        choices=("13a", "zh", "char", "none"),
    )
    source_column: str = option("", "Column of the source.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    target_column: str = option("", "Column of the target.", shown=DETECTED, common=True, panel=DATA, metavar="COLUMN")
    held_out: float = option(
        0.05, "Share of the sources held out for evaluation; 0 to learn from all.", min=0, max=0.9, panel=DATA
    )
    split_seed: int = option(1, "Random seed of the split.", min=0, panel=DATA)
