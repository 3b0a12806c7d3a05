"""How well data suits a tagger."""

from itertools import chain
from pathlib import Path
from typing import Any

from elman.data.columns import is_named
from elman.errors import counted
from elman.training.inspection import Suits

FEW = 0.2  # of the words, as a share, are different tags at most


def suits(read: Any, path: Path) -> Suits:
    """How well the sentences that a tagger read suit it: whether they have several words, and spans or few tags."""
    layout, sentences = read.layout, read.learnt
    words = [word.lower() for word in chain.from_iterable(sentences.tokens)]
    tags = set(chain.from_iterable(sentences.tags))
    few = len(tags) <= max(3, FEW * len(words)) and len(tags) < len(set(words))
    # each kind of span has up to four tags, which may be many in a small file
    score = 0.9 if (few or read.scheme) and len(words) >= 2 * len(sentences) > 2 else 0.1
    why = f"{counted(len(sentences), 'sentences')} with {counted(len(tags), 'different tags')}"
    if layout.kind == "table":
        usual = is_named(layout.tokens, "words", "word") and is_named(layout.tags, "tags", "tag")
        said = {"word_column": layout.tokens, "tag_column": layout.tags}
        return Suits(score if usual else 0.1, f"{why}, a sentence a row", said)
    if layout.kind == "rows":
        return Suits(score, f"{why}, a word a row", {"word_column": layout.tokens, "tag_column": layout.tags})
    if layout.kind == "columns" and layout.sentence < 0:
        return Suits(score, f"{why}, a word a line", {"tag_column": str(layout.tag + 1)})
    return Suits(score, why)
