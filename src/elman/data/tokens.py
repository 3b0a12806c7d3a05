"""Text as whole numbers and back: characters, bytes, or subwords learnt from the text itself."""

import codecs
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from elman.errors import ElmanError


class Tokenizer(ABC):
    """Text to tokens, which are whole numbers from 0 to ``size - 1``, and back."""

    size: int

    @classmethod
    @abstractmethod
    def learn(cls, pieces: Iterable[str], size: int) -> Self:
        """Learn from a text, given in pieces; ``size`` is the number of tokens wanted, where that can be chosen."""

    @classmethod
    @abstractmethod
    def from_json(cls, vocabulary: dict[str, Any]) -> Self:
        """The tokenizer that ``to_json`` described."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All there is to know about this tokenizer, as plain values."""

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """The tokens of a text, ``[N]``.

        Raises:
            ElmanError: a character that the vocabulary lacks.
        """

    @abstractmethod
    def lacking(self, text: str) -> list[str]:
        """The characters of a text that the vocabulary lacks, each once."""

    @abstractmethod
    def decoder(self) -> Callable[[int], str]:
        """A function from one token after the other to the text that each completes, which may be empty."""

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        step = self.decoder()
        return "".join(step(int(token)) for token in tokens)


class Characters(Tokenizer):
    """One token for each character that occurs, in the order of Unicode, and for the end of a line in any case.

    Example:
        >>> characters = Characters.learn(["hello"], 0)
        >>> characters.encode("hole").tolist()
        [2, 4, 3, 1]
        >>> characters.decode([2, 4, 3, 1])
        'hole'
    """

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self.codes = _codes(characters)
        self.size = len(characters)

    @classmethod
    def learn(cls, pieces: Iterable[str], size: int) -> Self:
        found = set("\n")
        for piece in pieces:
            found.update(piece)
        return cls("".join(sorted(found)))

    @classmethod
    def from_json(cls, vocabulary: dict[str, Any]) -> Self:
        return cls(vocabulary["characters"])

    def to_json(self) -> dict[str, Any]:
        return {"tokens": "characters", "characters": self.characters}

    def encode(self, text: str) -> np.ndarray:
        tokens, known = self._places(_codes(text))
        if not known.all():
            lacking = self.lacking(text)
            shown = ", ".join(repr(character) for character in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            raise ElmanError(
                f"the vocabulary lacks {shown}; leave such characters out, or train with --tokens bytes, "
                "which knows every character"
            )
        return tokens

    def lacking(self, text: str) -> list[str]:
        codes = _codes(text)
        _, known = self._places(codes)
        return [chr(code) for code in np.unique(codes[~known])]

    def _places(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each character stands in the vocabulary, and whether it does."""
        places = np.searchsorted(self.codes, codes).clip(max=self.size - 1)
        return places, self.codes[places] == codes

    def decoder(self) -> Callable[[int], str]:
        return self.characters.__getitem__


class Bytes(Tokenizer):
    """One token for each byte of the text in UTF-8; it knows every character.

    Example:
        >>> Bytes().encode("né").tolist()
        [110, 195, 169]
    """

    size = 256

    @classmethod
    def learn(cls, pieces: Iterable[str], size: int) -> Self:
        return cls()

    @classmethod
    def from_json(cls, vocabulary: dict[str, Any]) -> Self:
        return cls()

    def to_json(self) -> dict[str, Any]:
        return {"tokens": "bytes"}

    def encode(self, text: str) -> np.ndarray:
        return np.frombuffer(text.encode(), np.uint8)

    def lacking(self, text: str) -> list[str]:
        return []

    def decoder(self) -> Callable[[int], str]:
        utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        return lambda token: utf8.decode(bytes([token]))


class Subwords(Tokenizer):
    """Byte-level byte-pair encoding (Sennrich et al. 2016), learnt from the text; it knows every character.

    Example:
        >>> subwords = Subwords.learn(["the cat and the other cat"] * 9, 270)
        >>> tokens = subwords.encode("the cat")
        >>> len(tokens) < len("the cat"), subwords.decode(tokens)
        (True, 'the cat')
    """

    def __init__(self, model: tokenizers.Tokenizer) -> None:
        self.model = model
        self.size = model.get_vocab_size()

    @classmethod
    def learn(cls, pieces: Iterable[str], size: int) -> Self:
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        if size < len(alphabet):
            raise ElmanError(f"a vocabulary of subwords has at least {len(alphabet)} tokens, not {size}")
        model = _assembled(models.BPE())
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        model.train_from_iterator(pieces, trainer)
        return cls(model)

    @classmethod
    def from_json(cls, vocabulary: dict[str, Any]) -> Self:
        return cls(_assembled(_pieces(vocabulary["model"])))

    def to_json(self) -> dict[str, Any]:
        return {"tokens": "subwords", "model": self.model.to_str()}

    def encode(self, text: str) -> np.ndarray:
        return np.asarray(self.model.encode(text).ids, np.int64)

    def lacking(self, text: str) -> list[str]:
        return []

    def decoder(self) -> Callable[[int], str]:
        stream = decoders.DecodeStream(skip_special_tokens=False)
        return lambda token: stream.step(self.model, token) or ""


def _assembled(pieces: models.BPE) -> tokenizers.Tokenizer:
    model = tokenizers.Tokenizer(pieces)
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    return model


def _pieces(text: str) -> models.BPE:
    """The subwords that a tokenizer was written with; nothing else of what it says is taken.

    Raises:
        ElmanError: what is no byte-pair encoding, or one of other numbers than 0 to its size.
    """
    try:
        said = json.loads(text)["model"]
        vocabulary: dict[str, int] = said["vocab"]
        pairs = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in said["merges"]]
        merges = [(str(one), str(other)) for one, other in pairs]
        if sorted(vocabulary.values()) != list(range(len(vocabulary))):
            raise ValueError("numbers are missing")
        if lacking := set(pre_tokenizers.ByteLevel.alphabet()) - set(vocabulary):
            raise ValueError(f"the bytes {sorted(lacking)[:5]} are missing")
        return models.BPE(vocab=vocabulary, merges=merges)
    except Exception as error:  # tokenizers names no types
        raise ElmanError(f"the subwords cannot be read: {error!r:.120}") from error


TOKENIZERS: dict[str, type[Tokenizer]] = {"bytes": Bytes, "characters": Characters, "subwords": Subwords}


def tokenizer(name: str) -> type[Tokenizer]:
    """The class of tokenizers with this name, as ``--tokens`` takes it."""
    if name not in TOKENIZERS:
        near = get_close_matches(name, TOKENIZERS, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ElmanError(f"there are no tokens {name!r}; {hint}the kinds are {', '.join(TOKENIZERS)}")
    return TOKENIZERS[name]


def decoded(tokenizer: Tokenizer, tokens: Iterable[int]) -> Iterator[str]:
    """The text of tokens, as they come."""
    return map(tokenizer.decoder(), tokens)


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
