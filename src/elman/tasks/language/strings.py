"""Strings to learn, each a sequence of its own; strings on which a model is judged, and how those it writes are."""

import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data.batches import Batches, pad
from elman.data.tokens import Tokenizer
from elman.errors import ElmanError, counted
from elman.tasks.language.lines import (
    Encoded,
    Strings,
    count_different,
    encode,
    fingerprints,
    is_of_molecules,
    part,
    read_strings,
)
from elman.tasks.language.molecules import are_molecules, canonical, has_rdkit
from elman.tasks.language.text import LARGEST, LEARNING, measures
from elman.training.judging import evenly, of_part
from elman.training.task import HELD_OUT, JudgedRows, Sources

log = logging.getLogger(__name__)

IGNORED = -100  # what stands for no target, as cross_entropy has it
ROWS = 64  # judged at a time


class StringParts(NamedTuple):
    """Strings to learn from, and others that are held out."""

    learnt: Strings
    held_out: Strings
    molecules: bool


class Rows(NamedTuple):
    """Strings side by side, each from its beginning to its end."""

    inputs: Tensor  # [B, T]
    targets: Tensor  # [B, T], IGNORED behind the end
    lengths: Tensor  # [B]


class Written(NamedTuple):
    """A string that a model wrote."""

    text: str
    ended: bool  # by itself


def read_parts(sources: Sources, longest: int, share: float, seed: int, encoding: str = "") -> StringParts:
    """The strings of a file, parted, or with those of another one to hold out.

    Args:
        sources: the files.
        longest: characters of a string at most; a longer one is a bad row.
        share: of the different strings, held out where there is no other file.
        seed: the same seed, the same ones.

    Raises:
        ElmanError: a file that cannot be read, or without two different strings.
    """
    strings = read_strings(sources.data, longest, sources.bad, encoding)
    if count_different(strings.texts) < 2:
        raise ElmanError(f"{strings.name} has no two different strings; there is nothing to learn from it")
    if sources.valid is None:
        characters = sum(map(len, strings.texts))
        learnt, held_out = part(strings, min(share, LARGEST / characters), seed)
    else:
        learnt, held_out = strings, read_strings(sources.valid, longest, sources.bad, encoding)
        known = set(learnt.texts)
        if again := sum(each in known for each in held_out.texts):
            log.warning("%s of %s strings held out are learnt from as well", f"{again:,}", f"{len(held_out):,}")
    molecules = has_rdkit() and are_molecules(strings.texts)
    if molecules:
        log.info("%s: molecules, as SMILES that RDKit reads", strings.name)
    elif not has_rdkit() and is_of_molecules(sources.data):
        log.info("%s: whether molecules are valid takes RDKit: pip install elman[molecules]", strings.name)
    return StringParts(learnt, held_out, molecules)


def side_by_side(encoded: Encoded, rows: np.ndarray) -> Rows:
    """Some strings as a batch."""
    padded, lengths = pad([encoded[row] for row in rows])
    padded, lengths = padded.long(), lengths - 1
    inside = torch.arange(padded.shape[1] - 1) < lengths[:, None]
    return Rows(padded[:, :-1], padded[:, 1:].where(inside, IGNORED), lengths)


class Judged:
    """Strings on which a model is judged, the short ones first: all that there are, or some of them.

    Args:
        encoded: the strings.
        characters: that a token stands for, on the average, the ends of the strings counted as such.
        more: further measures, taken after those of the strings.
        taken: those that are judged, by their places. [all]
    """

    def __init__(
        self,
        encoded: Encoded,
        characters: float,
        more: Callable[[], dict[str, float]] | None = None,
        taken: Sequence[int] | None = None,
    ) -> None:
        self.encoded, self.characters, self.more = encoded, characters, more
        rows = np.arange(len(encoded.lengths)) if taken is None else np.array(taken)
        self.order = [rows[each] for each in Batches(encoded.lengths[rows], ROWS).in_order()]
        self.size, self.number = len(rows), int(encoded.lengths[rows].sum())

    def part(self, most: int) -> "Judged":
        if most >= self.number:
            return self
        there = len(self.encoded.lengths)
        share = most / int(self.encoded.lengths.sum())
        return Judged(self.encoded, self.characters, self.more, evenly(there, max(1, int(share * there))))

    def __iter__(self) -> Iterator[Rows]:
        return (side_by_side(self.encoded, rows) for rows in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def metrics(self, loss: float, outputs: Sequence[None]) -> dict[str, float]:
        return measures(loss, self.characters) | (self.more() if self.more else {})

    def judged(self, outputs: Sequence[None]) -> JudgedRows:
        return JudgedRows(self.size, "strings", of_part(self.size, len(self.encoded.lengths), "strings"))


def judged(strings: Strings, tokenizer: Tokenizer, more: Callable[[], dict[str, float]] | None = None) -> Judged:
    """Strings to judge a model on."""
    encoded = encode(strings, tokenizer)
    characters = sum(len(text) + 1 for text in strings.texts) / int(encoded.lengths.sum())
    return Judged(encoded, characters, more)


class StringData:
    """Strings to learn, and others that are held out.

    While a model trains it is judged on ``held_out``; ``test`` has the same strings, and at the end lets the model
    write some as well.
    """

    def __init__(
        self,
        learnt: Strings,
        held_out: Strings,
        tokenizer: Tokenizer,
        rows: int,
        seed: int,
        more: Callable[[], dict[str, float]] | None,
    ) -> None:
        self.encoded, self.learnt, self.vocabulary = encode(learnt, tokenizer), learnt, tokenizer.size
        self.batches = Batches(self.encoded.lengths, rows, seed)
        self.test = judged(held_out, tokenizer, more)
        self.held_out = Judged(self.test.encoded, self.test.characters).part(LEARNING)
        self.test_name = HELD_OUT

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> Rows:
        return side_by_side(self.encoded, self.batches[step])

    def describe(self) -> str:
        number, different = len(self.learnt), count_different(self.learnt.texts)
        again = "" if number == different else f" ({different:,} of them different)"
        part, held_out = self.held_out.size, self.test.size
        spread = "" if part == held_out else f" ({part:,} of them, spread evenly, are judged while it learns)"
        return (
            f"{self.learnt.name}: {counted(number, 'strings')} to learn from{again}, {held_out:,} held out{spread}; "
            f"{counted(int(self.encoded.lengths.sum()), 'tokens')}, {self.vocabulary} different"
        )


def packed(texts: Sequence[str]) -> str:
    """What tells strings from others, as text: eight bytes for each that is different."""
    return b64encode(np.unique(fingerprints(texts)).tobytes()).decode()


def unpacked(known: str) -> np.ndarray:
    """The fingerprints that ``packed`` wrote, in rising order."""
    return np.frombuffer(b64decode(known), "<u8")


def judge_written(written: Sequence[Written], known: np.ndarray, molecules: bool) -> dict[str, float]:
    """How good strings are that a model wrote, as MOSES (Polykovskiy et al. 2020) and GuacaMol (Brown et al. 2019) do.

        valid  = those that ended by themselves, are not empty and, of molecules, are read by RDKit / all
        unique = different ones among the valid / valid
        new    = those that were not learnt from, among the different / different

    Molecules are the same where their canonical SMILES are. One was learnt from where this or what was written was.

    Args:
        written: the strings.
        known: fingerprints of those learnt from.
        molecules: whether they are SMILES.

    Returns:
        The shares, each from 0 to 1, that can be told: without RDKit nothing of molecules, and of none only ``valid``.

    Example:
        >>> written = [Written("anna", True), Written("anna", True), Written("ann", True), Written("annann", False)]
        >>> judge_written(written, fingerprints(["anna"]), molecules=False)
        {'valid': 0.75, 'unique': 0.6666666666666666, 'new': 0.5}
    """
    if molecules and not has_rdkit():
        log.warning("whether molecules are valid takes RDKit: pip install elman[molecules]")
        return {}
    texts = [each.text for each in written]
    forms = canonical(texts) if molecules else texts
    valid = [(each.text, form) for each, form in zip(written, forms, strict=True) if each.ended and each.text and form]
    if not valid:
        return {"valid": 0.0}
    one, other = (np.isin(fingerprints(side), known) for side in zip(*valid, strict=True))
    different = {form for _, form in valid}
    learnt = {form for (_, form), old in zip(valid, one | other, strict=True) if old}
    return {
        "valid": len(valid) / len(written),
        "unique": len(different) / len(valid),
        "new": 1 - len(learnt) / len(different),
    }
