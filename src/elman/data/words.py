"""Texts as words with their characters: cut, counted, and put in batches in which every distinct word stands once."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data.batches import pad
from elman.data.text import read
from elman.errors import ElmanError, counted

log = logging.getLogger(__name__)

WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
UNKNOWN = 0  # the word that the vocabulary lacks; among characters 0 is padding and 1 is the unknown one
LONGEST = 24  # characters of a word that are looked at


def split_words(text: str, most: int | None = None) -> list[str]:
    """The words of a text, and its other signs one by one; of a long one the first ``most``, the rest is not looked at.

    >>> split_words("It's 5 o'clock, isn't it?")
    ["It's", '5', "o'clock", ',', "isn't", 'it', '?']
    """
    return WORD.findall(text) if most is None else [found[0] for found in islice(WORD.finditer(text), most)]


def with_first_words(text: str, most: int) -> str:
    """A text up to the end of its first ``most`` words.

    >>> with_first_words("so good, so bad", 2), with_first_words("so good", 2)
    ('so good', 'so good')
    """
    last = next(islice(WORD.finditer(text), most, None), None)
    return text if last is None else text[: last.start()].rstrip()


class Words(NamedTuple):
    """Texts side by side; each distinct word stands once, and its place in the texts is a number."""

    places: Tensor  # [B, T], which of the U distinct words
    lengths: Tensor  # [B]
    words: Tensor  # [U], in the vocabulary; 0 is one that it lacks
    characters: Tensor  # [U, C], from the left; 0 is padding


class Lexicon:
    """The words and the characters that a model knows.

    Words are compared without regard to case, or as ``normal`` makes them; their characters are kept as they are.

    Args:
        words: in the order of their numbers, which begin at 1.
        characters: in the order of theirs, which begin at 2.
        normal: what is the same for words that count as one.

    Example:
        >>> lexicon = Lexicon.learn([["The", "cat"], ["the", "mouse"]], size=2)
        >>> lexicon.words
        ['the', 'cat']
        >>> batch = lexicon.batch([["the", "cat", "the"], ["dog"]])
        >>> batch.places.tolist(), batch.words.tolist()
        ([[0, 1, 0], [2, 0, 0]], [1, 2, 0])
    """

    def __init__(self, words: Sequence[str], characters: str, normal: Callable[[str], str] = str.lower) -> None:
        self.words, self.characters, self.normal = list(words), characters, normal
        self._word = {word: n for n, word in enumerate(self.words, 1)}
        self._character = {character: n for n, character in enumerate(characters, 2)}

    @classmethod
    def learn(
        cls, texts: Iterable[Sequence[str]], size: int, least: int = 1, normal: Callable[[str], str] = str.lower
    ) -> "Lexicon":
        """The most frequent words, at most ``size`` of them, each seen ``least`` times or more, and all characters."""
        counts = Counter(word for text in texts for word in text)
        same: Counter[str] = Counter()
        for word, count in counts.items():
            same[normal(word)] += count
        words = [word for word, count in same.most_common(size) if count >= least]
        characters: Counter[str] = Counter()
        for word, count in counts.items():
            for character in word:
                characters[character] += count
        return cls(words, "".join(sorted(characters)), normal)

    @classmethod
    def from_json(cls, vocabulary: dict[str, Any], normal: Callable[[str], str] = str.lower) -> "Lexicon":
        return cls(vocabulary["words"], vocabulary["characters"], normal)

    def to_json(self) -> dict[str, Any]:
        return {"words": self.words, "characters": self.characters}

    def batch(self, texts: Sequence[Sequence[str]]) -> Words:
        """Texts, each a list of words, as numbers; a text of no words is one unknown word."""
        texts = [text or [""] for text in texts]
        distinct: dict[str, int] = {}
        places = [np.array([distinct.setdefault(word, len(distinct)) for word in text]) for text in texts]
        words = torch.tensor([self._word.get(self.normal(word), UNKNOWN) for word in distinct])
        get = self._character.get
        spelt = [np.array([get(c, 1) for c in word[:LONGEST]] or [1]) for word in distinct]
        padded, lengths = pad(places)
        return Words(padded, lengths, words, pad(spelt)[0])


def read_vectors(path: Path, words: Sequence[str]) -> dict[str, np.ndarray]:
    """The vectors of some words from a text file, a word and its numbers a line, as GloVe, word2vec and fastText write.

    Raises:
        ElmanError: a line that has other than a word and as many numbers as the first.
    """
    wanted, found, size, number, held = set(words), {}, 0, 0, ""
    for piece in read(path):
        *lines, held = (held + piece).split("\n")
        for line in lines:
            number += 1
            word, *cells = line.rstrip().split(" ")
            if (number == 1 and len(cells) == 1) or not line.strip():
                continue  # word2vec and fastText begin with the number of words and of numbers
            size = size or len(cells)
            if len(cells) != size:
                raise ElmanError(
                    f"{path}, line {number}: has {counted(len(cells), 'numbers')} where the first has {size}"
                )
            word = word.lower()
            if word in wanted and word not in found:
                try:
                    found[word] = np.array(cells, np.float32)
                except ValueError as error:
                    raise ElmanError(f"{path}, line {number}: {error}") from error
    log.info(
        "%s: vectors of %s for %s of %s",
        path,
        counted(size, "numbers"),
        f"{len(found):,}",
        counted(len(wanted), "words"),
    )
    if not found:
        raise ElmanError(f"{path} has no vector for the {counted(len(wanted), 'words')} of the data")
    return found
