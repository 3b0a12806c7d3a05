"""Language modelling: learn a text, tell how likely a text is, and write more of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.data import text
from elman.data.text import Streams, Window, read_tokens, write_tokens
from elman.data.tokens import Tokenizer, decoded, tokenizer
from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.training.task import BadRows, Data, Loss, Sources, Task, option

HELD_OUT = 1_000_000  # tokens of the held-out part that are used at most, so that judging stays quick
ROW = 2048  # steps of a stream on which a model is judged, if the text is long enough for several


@dataclass(frozen=True)
class LanguageOptions:
    """What can be chosen about a language model."""

    cell: str = option("lstm", "The recurrence; elman cells lists them.")
    hidden: int = option(384, "Units of each layer.", min=1)
    layers: int = option(1, "Layers.", min=1)
    embedding: int = option(128, "Numbers that stand for a token.", min=1)
    dropout: float = option(0.1, "Share of the outputs of each layer that training sets to zero.", min=0, max=0.95)
    tokens: str = option("characters", "What a token is: characters, bytes or subwords.")
    vocabulary: int = option(2048, "Tokens to learn, for subwords.", min=256)
    held_out: float = option(0.1, "Share of the text, at its end, that is kept for judging.", min=0.001, max=0.9)


class Corpus:
    """Streams on which a language model is judged."""

    def __init__(self, tokens: np.ndarray, tokenizer: Tokenizer, rows: int, steps: int) -> None:
        tokens = tokens[:HELD_OUT]
        self.streams = Streams(tokens, rows, steps)
        self.characters = sum(map(len, decoded(tokenizer, tokens))) / len(tokens)  # of each token
        self.size = len(tokens)

    def __iter__(self) -> Iterator[Window]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)

    def metrics(self, loss: float, outputs: Sequence[None]) -> dict[str, float]:
        return {
            "loss": loss,
            "bits_per_character": loss / math.log(2) / self.characters,
            "perplexity": math.exp(min(loss, 700.0)),
        }


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
                "give more text, or a smaller --batch or --truncate"
            )
        self.name, self.tokens, self.size = name, len(learnt) + len(held_out), tokenizer.size
        self.train = Streams(learnt, rows, steps)
        self.epoch = self.train.length // steps  # a shorter last window is left out
        self.held_out = Corpus(held_out, tokenizer, max(1, len(held_out) // ROW), steps)

    def batch(self, step: int) -> Window:
        return self.train[step % self.epoch]

    def describe(self) -> str:
        characters = round(self.tokens * self.held_out.characters)
        count = f"{self.tokens:,} tokens" + ("" if characters == self.tokens else f", about {characters:,} characters")
        return f"{self.name}: {count}, {self.size} different; held out {self.held_out.size:,}"


class Language(Task):
    """A recurrent language model: the next token from all before it.

        e_t = E[token_t]
        y_t, state = recurrent(dropout(e_t), state)
        p(token_{t+1}) = softmax(E P dropout(y_t) + b)

    ``E [V, embedding]`` serves the input and the output (Press and Wolf 2017, Inan et al. 2017); ``P`` brings the
    layers' output to the size of an embedding, and is not there where the two sizes are the same.

    Example:
        >>> vocabulary = {"tokens": "characters", "characters": "\\nab"}
        >>> model = Language(LanguageOptions(hidden=8), vocabulary).eval()
        >>> len("".join(model.generate("ab", length=5, seed=1)))
        5
    """

    Options = LanguageOptions
    unit = "tokens"

    def __init__(self, options: LanguageOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.tokenizer = tokenizer(vocabulary["tokens"]).from_json(vocabulary)
        self.embedding = nn.Embedding(self.tokenizer.size, options.embedding)
        nn.init.normal_(self.embedding.weight, std=options.embedding**-0.5)  # so that the first guesses are even
        self.dropout = nn.Dropout(options.dropout)
        self.recurrent = Recurrent(
            options.cell, options.embedding, options.hidden, options.layers, dropout=options.dropout
        )
        size = self.recurrent.output_size
        self.projection = nn.Linear(size, options.embedding, False) if size != options.embedding else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(self.tokenizer.size))

    @classmethod
    def read(cls, options: LanguageOptions, sources: Sources) -> Sources:
        return sources  # a text may be longer than memory

    @classmethod
    def learn(cls, options: LanguageOptions, read: Sources) -> dict[str, Any]:
        source, kind = read.data, tokenizer(options.tokens)
        first, several = "", False
        for piece in text.read(source):
            first = first or piece[0]
            several = several or piece.strip(first) != ""
            if several:
                break
        if not several:
            raise ElmanError(f"{_name(source)} has no two different characters; there is nothing to learn from it")
        return kind.learn(text.read(source), options.vocabulary).to_json()

    def data(self, read: Sources, folder: Path, *, rows: int, steps: int, seed: int) -> TextData:
        tokens = self._tokens(read.data, folder / "tokens.bin")
        valid = None if read.valid is None else self._tokens(read.valid, folder / "valid.bin")
        share, name = self.options.held_out, _name(read.data)
        return TextData(tokens, valid, self.tokenizer, name, share=share, rows=rows, steps=steps)

    def evaluation(self, source: Path, folder: Path, bad: BadRows) -> Corpus:
        tokens = self._tokens(source, folder / "tokens.bin")
        if len(tokens) < 2:
            raise ElmanError(f"{_name(source)} has {len(tokens)} tokens; judging takes at least 2")
        return Corpus(tokens, self.tokenizer, max(1, len(tokens) // ROW), 128)

    def _tokens(self, source: Path | None, path: Path) -> np.ndarray:
        if not path.exists():
            try:
                write_tokens(text.read(source), self.tokenizer, path)
            except ElmanError as error:
                raise ElmanError(str(error) if str(source) in str(error) else f"{_name(source)}: {error}") from error
        return read_tokens(self.tokenizer, path)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Logits of what follows each token, ``[B, T]`` to ``[B, T, V]``, and the state after the last."""
        scale = math.sqrt(self.options.embedding)  # to the unit variance that a layer expects
        x = self.dropout(self.embedding(tokens.to(self.bias.device)) * scale)
        y, state = self.recurrent(x, state)
        return F.linear(self.projection(self.dropout(y)), self.embedding.weight, self.bias), state

    def loss(self, batch: Window, state: Any) -> Loss:
        logits, state = self(batch.inputs, None if batch.first else state)
        targets = batch.targets.to(logits.device)
        return Loss(F.cross_entropy(logits.flatten(0, 1), targets.flatten()), targets.numel(), state)

    def sample(self, data: Data, seed: int) -> str:
        return "".join(self.generate(length=300, temperature=0.8, seed=seed))

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Iterator[str]:
        """Write on from a prompt.

        Args:
            prompt: what stands before; where it is empty, the text starts on a new line.
            length: tokens to write.
            temperature: how bold: 0 takes the likeliest token each time, 1 follows the model, more is wilder.
            top_k: choose among the so many likeliest only.
            top_p: choose among the likeliest that together have this probability only (Holtzman et al. 2020).
            seed: the same seed, the same text.

        Yields:
            The text, as it comes, without the prompt.

        Raises:
            ElmanError: a prompt with characters that the vocabulary lacks, or a number out of its range.
        """
        if temperature < 0:
            raise ElmanError(f"the temperature is 0 or more, not {temperature:g}")
        if top_k is not None and top_k < 1:
            raise ElmanError(f"top-k is 1 or more, not {top_k}")
        if top_p is not None and not 0 < top_p <= 1:
            raise ElmanError(f"top-p is above 0 and at most 1, not {top_p:g}")
        try:
            start = self.tokenizer.encode(prompt or "\n")
        except ElmanError as error:
            raise ElmanError(f"the prompt cannot be read: {error}") from error
        random = torch.Generator()
        random.manual_seed(seed) if seed is not None else random.seed()
        chosen = self._choices(torch.from_numpy(start.astype(np.int64)), length, temperature, top_k, top_p, random)
        return decoded(self.tokenizer, chosen)

    @torch.no_grad()
    def _choices(
        self,
        tokens: Tensor,
        length: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        random: torch.Generator,
    ) -> Iterator[int]:
        training, state = self.training, None
        self.eval()
        for _ in range(length):
            logits, state = self(tokens[None], state)
            token = choose(logits[0, -1].cpu(), temperature, top_k, top_p, random)
            yield token
            tokens = torch.tensor([token])
        self.train(training)


def choose(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, random: torch.Generator) -> int:
    """One token, drawn from ``softmax(logits / temperature)`` cut to the likeliest, ``[V]``.

    Example:
        >>> choose(torch.tensor([0.0, 2.0, 1.0]), 0, None, None, torch.Generator())
        1
    """
    if temperature == 0:
        return int(logits.argmax())
    chances, order = torch.softmax(logits.double() / temperature, -1).sort(descending=True, stable=True)
    if top_k is not None:
        chances = chances[:top_k]
    if top_p is not None:
        before = chances.cumsum(0) - chances
        chances = chances[before < top_p * chances.sum()]
    return int(order[torch.multinomial(chances, 1, generator=random)])


def _name(source: Path | None) -> str:
    return "Python's language reference" if source is None else str(source)
