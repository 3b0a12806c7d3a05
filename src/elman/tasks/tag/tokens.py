"""How the words of a sentence become what a tagger's recurrence reads."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.batches import pad
from elman.data.words import Lexicon, Words, read_vectors
from elman.errors import ElmanError
from elman.layers.words import WordEmbedding

DIGIT = re.compile(r"\d")
SHAPES = 8  # of words, told apart by ``shape``
SHAPE_SIZE = 8  # features of one
WINDOW = 3  # characters that the convolution sees at once


def normal(word: str) -> str:
    """A word without regard to case, every digit as 0.

    >>> normal("In-1998")
    'in-0000'
    """
    return DIGIT.sub("0", word.lower())


@lru_cache(maxsize=1 << 18)
def shape(word: str) -> int:
    """How a word is written.

    >>> [shape(word) for word in ["cat", "Cat", "CAT", "C", "iPod", "1998", "B-52", "..."]]
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    if any(c.isdigit() for c in word):
        return 6 if any(c.isalpha() for c in word) else 5
    if not any(c.isalpha() for c in word):
        return 7
    if word == word.lower():
        return 0
    if word == word.upper():
        return 2 if len(word) > 1 else 3
    return 1 if word[0].isupper() and word[1:] == word[1:].lower() else 4


class Tokens(NamedTuple):
    """Sentences side by side."""

    words: Words
    shapes: Tensor  # [B, T]


class SpellingConvolution(nn.Module):
    """The characters of a word by a convolution and the greatest of each feature (Ma and Hovy 2016).

        s = max_t (W [c_t-1, c_t, c_t+1] + b)

    Args:
        characters: different ones; number 0 is padding and 1 the unknown one.
        size: features of a character, and half of those of a word.
    """

    def __init__(self, characters: int, size: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters + 2, size, padding_idx=0)
        self.convolution = nn.Conv1d(size, 2 * size, WINDOW, padding=WINDOW // 2)

    def forward(self, characters: Tensor) -> Tensor:
        """``[U, C]`` to ``[U, 2 size]``."""
        features = self.convolution(self.characters(characters).transpose(1, 2))
        return features.masked_fill((characters == 0)[:, None], -torch.inf).amax(2)


class TokenInput(nn.Module):
    """The words of a sentence: an embedding of each, of its spelling, and of how it is written.

        x = [E[word]; spelling(characters); S[shape]]

    Args:
        options: those of the tagger.
        vocabulary: what ``learn`` found.
    """

    def __init__(self, options: Any, vocabulary: dict[str, Any]) -> None:
        super().__init__()
        if options.spelling_by not in ("recurrence", "convolution"):
            raise ElmanError(f"--spelling-by is recurrence or convolution, not {options.spelling_by!r}")
        self.lexicon = Lexicon.from_json(vocabulary, normal)
        spelt = len(self.lexicon.characters) if options.spelling else 0
        recurrent = options.spelling_by == "recurrence"
        self.words = WordEmbedding(
            len(self.lexicon.words),
            options.embedding,
            characters=spelt if recurrent else 0,
            character_size=max(1, options.spelling),
            drop=options.word_dropout,
        )
        self.spelling = SpellingConvolution(spelt, options.spelling) if spelt and not recurrent else None
        self.shapes = nn.Embedding(SHAPES, SHAPE_SIZE)
        self.output_size = self.words.output_size + SHAPE_SIZE + (2 * options.spelling if self.spelling else 0)

    @classmethod
    def learn(cls, options: Any, sentences: Sequence[Sequence[str]]) -> dict[str, Any]:
        """The words and characters of sentences."""
        return Lexicon.learn(sentences, options.vocabulary, options.min_count, normal).to_json()

    def start(self, options: Any) -> None:
        """Begin with the vectors of words that the options name."""
        if options.embeddings:
            found = read_vectors(Path(options.embeddings), self.lexicon.words)
            self.words.start_from({n: found[word] for n, word in enumerate(self.lexicon.words, 1) if word in found})

    def batch(self, sentences: Sequence[Sequence[str]]) -> Tokens:
        """Sentences of one word or more as numbers."""
        shapes, _ = pad([np.array([shape(word) for word in sentence]) for sentence in sentences])
        return Tokens(self.lexicon.batch(sentences), shapes)

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Features ``[B, T, output_size]`` and lengths ``[B]``."""
        device = self.shapes.weight.device
        places, lengths, words, characters = (part.to(device) for part in tokens.words)
        parts = [self.words(places, words, characters), self.shapes(tokens.shapes.to(device))]
        if self.spelling is not None:
            parts.append(self.spelling(characters)[places])
        return torch.cat(parts, -1), lengths
