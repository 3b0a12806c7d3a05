"""What a translator learns of its data before there is a model, as a folder keeps it."""

from dataclasses import dataclass
from typing import Literal

from elman.data.plain import Count, Named, Positive
from elman.tasks.translate.pairs import Layout


@dataclass(frozen=True)
class Names:
    """Characters or words, in the order of their numbers."""

    names: Named
    kind: Literal["characters", "words"]


@dataclass(frozen=True)
class Pieces:
    """Subwords."""

    tokens: Literal["subwords"]
    model: str
    kind: Literal["subwords"]


@dataclass(frozen=True)
class Vocabulary:
    """How pairs lay, the symbols of both sides, and how long answers are; no source where both sides share theirs."""

    layout: Layout
    source: Pieces | Names | None
    target: Pieces | Names
    bleu: Literal["none", "13a", "char", "zh", "intl", "ja-mecab", "ko-mecab", "flores101", "flores200", "spm"]
    most: Count
    ratio: Positive
