"""A text to learn in streams, and streams on which a language model is judged."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elman.data.text import HeldText, Streams, Window
from elman.data.tokens import Tokenizer, decoded
from elman.errors import ElmanError
from elman.training.measures import HIGH, LOSS, LOW, Measure
from elman.training.task import HELD_OUT, JudgedRows

MEASURES = {
    "bits_per_character": Measure(LOW, about="the mean negative binary logarithm of its probability"),
    "perplexity": Measure(LOW, about="how many tokens are as likely as the true one, as a geometric mean"),
    "valid": Measure(HIGH, about="the share of strings written that are whole, and molecules where they are such"),
    "unique": Measure(HIGH, about="the share of different strings among the valid ones"),
    "new": Measure(HIGH, about="the share of the different ones that were not learnt from"),
    "loss": LOSS,
}
LARGEST = 1_000_000  # tokens of the held-out part that are used at most, so that judging stays quick
ROW = 2048  # steps of a stream on which a model is judged, if the text is long enough for several


class TextParts(NamedTuple):
    """A text, which may be longer than memory, and what is found out about it."""

    source: Path | HeldText | None
    valid: Path | HeldText | None
    speakers: list[str]  # of a dialogue
    parted: bool  # whether there are empty lines, as between dialogues


def measures(loss: float, characters: float) -> dict[str, float]:
    """The measures of a language model, from the mean loss of its tokens and the characters that each stands for."""
    return {
        "loss": loss,
        "bits_per_character": loss / math.log(2) / characters,
        "perplexity": math.exp(min(loss, 700.0)),
    }


class Corpus:
    """Streams on which a language model is judged."""

    def __init__(self, tokens: np.ndarray, tokenizer: Tokenizer, rows: int, steps: int) -> None:
        tokens = tokens[:LARGEST]
        self.streams = Streams(tokens, rows, steps)
        self.characters = sum(map(len, decoded(tokenizer, tokens))) / len(tokens)  # of each token
        self.size = len(tokens)

    def __iter__(self) -> Iterator[Window]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)

    def metrics(self, loss: float, outputs: Sequence[None]) -> dict[str, float]:
        return measures(loss, self.characters)

    def judged(self, outputs: Sequence[None]) -> JudgedRows:
        return JudgedRows(self.size, "tokens")


class TextData:
    """A text to learn, in streams that go on from batch to batch, with its end held out, or another text."""

    def __init__(
        self,
        tokens: np.ndarray,
        valid: np.ndarray | None,
        tokenizer: Tokenizer,
        name: str,
        share: float,
        rows: int,
        steps: int,
    ) -> None:
        if valid is None:
            cut = len(tokens) - round(len(tokens) * share)
            learnt, held_out = tokens[:cut], tokens[cut:]
        else:
            learnt, held_out = tokens, valid
        if len(learnt) < rows * steps + 1 or len(held_out) < steps + 1:
            least = math.ceil(max((rows * steps + 1) / (1 - share), (steps + 1) / share))
            wanted = (
                f"as many steps held out from a share of {share:g}, take {least}"
                if valid is None
                else f"as many steps of the {len(valid)} tokens held out, take {rows * steps + 1} and {steps + 1}"
            )
            raise ElmanError(
                f"{name} has {len(tokens)} tokens; a batch of {rows} rows of {steps} steps, and {wanted}: "
                "give more text, or a smaller --batch or --bptt"
            )
        self.name, self.tokens, self.size = name, len(learnt) + len(held_out), tokenizer.size
        self.train = Streams(learnt, rows, steps)
        self.epoch = self.train.length // steps  # a shorter last window is left out
        self.held_out = self.test = Corpus(held_out, tokenizer, max(1, len(held_out) // ROW), steps)
        self.test_name = HELD_OUT

    def batch(self, step: int) -> Window:
        return self.train[step % self.epoch]

    def describe(self) -> str:
        characters = round(self.tokens * self.held_out.characters)
        count = f"{self.tokens:,} tokens" + ("" if characters == self.tokens else f", about {characters:,} characters")
        return f"{self.name}: {count}, {self.size} different; held out {self.held_out.size:,}"
