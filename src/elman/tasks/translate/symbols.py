"""One side of pairs as symbols: subwords, characters, or words that stand for themselves, such as phonemes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from elman.data.tokens import Subwords
from elman.errors import ElmanError

END, UNKNOWN = 0, 1  # before and behind a sequence; what the vocabulary lacks
OWN = 2  # symbols that no text has
KINDS = ("subwords", "characters", "words")
FEW = 500  # different words at most, where words stand for themselves
SAMPLE = 20_000  # texts from which is found out what they are made of


class Symbols:
    """Text to whole numbers and back; 0 is the end and 1 what the vocabulary lacks.

    Args:
        kind: ``"subwords"``, ``"characters"`` or ``"words"``.
        model: subwords learnt from texts, or the characters or words in the order of their numbers.

    Example:
        >>> symbols = Symbols.learn("words", ["AH0 B", "B EY1"], 100)
        >>> symbols.encode("EY1 B Z").tolist(), symbols.decode([4, 2])
        ([4, 2, 1], 'EY1 B')
    """

    def __init__(self, kind: str, model: Subwords | Sequence[str]) -> None:
        self.kind, self.model = kind, model
        self.size = OWN + (model.size if isinstance(model, Subwords) else len(model))
        self.names = [] if isinstance(model, Subwords) else list(model)
        self.numbers = {name: number for number, name in enumerate(self.names, OWN)}

    @classmethod
    def learn(cls, kind: str, texts: Iterable[str], size: int) -> Self:
        """Learn from texts at most ``size`` symbols, the most frequent ones."""
        if kind not in KINDS:
            raise ElmanError(f"tokens are {', '.join(KINDS)}, not {kind!r}")
        if kind == "subwords":
            return cls(kind, Subwords.learn((f" {text}" for text in texts), max(256, size - OWN)))
        counts = Counter(part for text in texts for part in parts(kind, text))
        # those of one count in the order of Unicode, so that a vocabulary does not hang on the order of the texts
        return cls(kind, sorted(counts, key=lambda name: (-counts[name], name))[: max(1, size - OWN)])

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The symbols that ``to_json`` described."""
        return cls(value["kind"], value["names"] if "names" in value else Subwords.from_json(value))

    def to_json(self) -> dict[str, Any]:
        """All there is to know about them, as plain values."""
        own = self.model.to_json() if isinstance(self.model, Subwords) else {"names": self.names}
        return {**own, "kind": self.kind}

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text, ``[N]``."""
        if isinstance(self.model, Subwords):
            # a word at the beginning is the same as one within
            return self.model.encode(f" {text}") + OWN if text else np.zeros(0, np.int64)
        return np.array([self.numbers.get(part, UNKNOWN) for part in parts(self.kind, text)], np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of numbers; what is no symbol of a text is left out."""
        known = [number - OWN for number in numbers if number >= OWN]
        if isinstance(self.model, Subwords):
            return self.model.decode(known).strip()
        return (" " if self.kind == "words" else "").join(self.names[number] for number in known)

    def name(self, number: int) -> str:
        """A symbol as people read it."""
        if number < OWN:
            return "?" if number == UNKNOWN else "end"
        return self.decode([number]) if isinstance(self.model, Subwords) else self.names[number - OWN]

    def lacking(self, text: str) -> list[str]:
        """What of a text the vocabulary lacks."""
        if isinstance(self.model, Subwords):
            return []
        return [part for part in parts(self.kind, text) if part not in self.numbers]


def parts(kind: str, text: str) -> list[str]:
    """The characters of a text, or its words for any other kind."""
    return list(text) if kind == "characters" else text.split()


def find_kind(texts: Sequence[str]) -> str:
    """What texts are best made of.

    Few different words that are used again and again are words, such as phonemes or notes; names, single words,
    numbers, dates and scripts without spaces are characters; everything else is subwords.

    Example:
        >>> find_kind(["AH0 B AW1 T", "B EY1 T"] * 20), find_kind(["about", "bait"])
        ('words', 'characters')
    """
    texts = [text for text in texts[:: max(1, len(texts) // SAMPLE)] if text.strip()]
    words = Counter(word for text in texts for word in text.split())
    number, signs = sum(words.values()), "".join(words)
    if number < 2 * len(texts):
        return "characters"
    if len(words) <= min(FEW, number / 10):
        return "words"
    return "characters" if sum(sign.isdigit() for sign in signs) > len(signs) / 3 else "subwords"


def is_like(one: Sequence[str], other: Sequence[str], kind: str) -> bool:
    """Whether most of what the second texts are made of occurs in the first ones too."""
    known = {part for text in one for part in parts(kind, text)}
    asked = Counter(part for text in other for part in parts(kind, text))
    return sum(count for part, count in asked.items() if part in known) > 0.7 * max(1, sum(asked.values()))
