"""What a tagger learns of its data before there is a model, as a folder keeps it."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from elman.data.plain import Distinct, Named
from elman.errors import ElmanError
from elman.tasks.tag.tagged import Layout

SPANS = re.compile(r"O|[BIES]-.+", re.DOTALL)


@dataclass(frozen=True)
class Words:
    """The words and characters of sentences."""

    words: Named
    characters: Annotated[str, Distinct()]


@dataclass(frozen=True)
class Vocabulary:
    """How sentences lay, the tags and how spans are written, and the words."""

    layout: Layout
    scheme: Literal["", "IOB1", "IOB2", "BIOES", "BILOU"]
    inside: Literal["", "IOB2", "BIOES"]
    tags: Named
    crf: bool
    input: Words

    def __post_init__(self) -> None:
        if len(self.tags) < 2 or bool(self.scheme) != bool(self.inside):
            raise ElmanError("tags are fewer than two, or spans are written in one way only")
        if self.scheme and ("O" not in self.tags or not all(map(SPANS.fullmatch, self.tags))):
            raise ElmanError(f"tags are not those of spans as {self.inside} writes them")
        layout = self.layout
        if layout.kind == "columns" and not max(layout.word, layout.tag) < layout.width:
            raise ElmanError(f"layout: column {max(layout.word, layout.tag) + 1} is not one of {layout.width}")
        if min(layout.word, layout.tag) < 0 or layout.sentence < -1:
            raise ElmanError("layout: a column is counted from 0")
