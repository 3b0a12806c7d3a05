"""A text to learn in streams, and streams on which a language model is judged."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elman.data.text import HeldText, Streams, Window
from elman.data.tokens import Tokenizer, decoded
from elman.errors import ElmanError, counted
from elman.training.judging import evenly, of_part
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
LARGEST = 1_000_000  # tokens that a model is judged on at most, so that judging stays quick
LEARNING = 150_000  # of them, while it learns
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
    """Streams on which a language model is judged: those of a whole text, or some that are spread evenly over it.

    Args:
        tokens: of the whole text.
        tokenizer: of the model.
        steps: of a window.
        whole: what this is a part of.
        taken: the streams that are in the part, by their places.
    """

    def __init__(
        self,
        tokens: np.ndarray,
        tokenizer: Tokenizer,
        steps: int,
        whole: "Corpus | None" = None,
        taken: Sequence[int] | None = None,
    ) -> None:
        self.tokens, self.tokenizer, self.steps, self.whole = tokens, tokenizer, steps, whole or self
        self.streams = Streams(tokens, max(1, len(tokens) // ROW), steps, taken)
        self.number = len(tokens) if taken is None else len(taken) * self.streams.length
        self.parts: dict[int, Corpus] = {}  # by the number of their streams

    def part(self, most: int) -> "Corpus":
        if most >= self.number:
            return self
        number, parts = max(1, most // self.streams.length), self.whole.parts
        if number not in parts:
            taken = evenly(self.streams.rows, number)
            parts[number] = Corpus(self.tokens, self.tokenizer, self.steps, self.whole, taken)
        return parts[number]

    @cached_property
    def characters(self) -> float:
        """Characters that a token stands for, on the average."""
        streams = self.streams
        taken = [self.tokens]
        if streams.taken is not None:
            taken = [self.tokens[row * streams.length : (row + 1) * streams.length] for row in streams.taken]
        return sum(sum(map(len, decoded(self.tokenizer, each))) for each in taken) / sum(map(len, taken))

    def __iter__(self) -> Iterator[Window]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)

    def metrics(self, loss: float, outputs: Sequence[None]) -> dict[str, float]:
        return measures(loss, self.characters)

    def judged(self, outputs: Sequence[None]) -> JudgedRows:
        return JudgedRows(self.number, "tokens", of_part(self.number, len(self.tokens), "tokens"))


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
                f"{name} has {counted(len(tokens), 'tokens')}; a batch of {rows} rows of {steps} steps, and {wanted}: "
                "give more text, or a smaller --batch or --bptt"
            )
        self.name, self.tokens, self.size = name, len(learnt) + len(held_out), tokenizer.size
        self.train = Streams(learnt, rows, steps)
        self.epoch = self.train.length // steps  # a shorter last window is left out
        self.test = Corpus(held_out, tokenizer, steps).part(LARGEST)
        self.held_out = self.test.part(LEARNING)
        self.test_name = HELD_OUT

    def batch(self, step: int) -> Window:
        return self.train[step % self.epoch]

    def describe(self) -> str:
        characters = round(self.tokens * self.held_out.characters)
        count = counted(self.tokens, "tokens")
        if characters != self.tokens:
            count += f", about {counted(characters, 'characters')}"
        held_out, judged = len(self.test.tokens), self.held_out.number
        part = "" if judged == held_out else f", of which {judged:,} at most, spread evenly, are judged while it learns"
        return f"{self.name}: {count}, {self.size} different; held out {held_out:,}{part}"
