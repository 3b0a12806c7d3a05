"""Spans of tokens written as a tag a token: the ways there are to write them, and how answers are scored."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SCHEMES = {"IOB1": "OBI", "IOB2": "OBI", "BIOES": "OBIES", "BILOU": "OBILU"}  # and the letters of each
TAG = re.compile(r"O|[BIESLU](?:-(.+))?")
BEGINS, ENDS = "BSU", "ESLU"  # letters of a span's first token, and of its last


class Span(NamedTuple):
    """Tokens from ``start`` to before ``end``, and what they are."""

    kind: str
    start: int
    end: int


def find_scheme(sentences: Iterable[Sequence[str]]) -> tuple[str, int]:
    """How the tags of sentences write spans, ``""`` if they write none; and how many spans are written otherwise.

    Example:
        >>> find_scheme([["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]])
        ('IOB1', 0)
        >>> find_scheme([["NN", "VB"]])
        ('', 0)
    """
    sentences = list(sentences)
    tags = {tag for sentence in sentences for tag in sentence}
    letters = {tag[:1] for tag in tags}
    if letters <= {"O"} or not all(TAG.fullmatch(tag) for tag in tags):
        return "", 0
    if not letters <= set("OBI"):
        found = [name for name in ("BIOES", "BILOU") if letters <= set(SCHEMES[name])]
        return (found[0], 0) if found else ("", 0)
    inside = needless = 0  # spans that begin with I-, and B- where IOB1 has I-
    for sentence in sentences:
        before = "O"
        for tag in sentence:
            goes_on = before != "O" and tag[1:] == before[1:]
            inside += tag[0] == "I" and not goes_on
            needless += tag[0] == "B" and not goes_on
            before = tag
    return ("IOB1", needless) if inside > needless else ("IOB2", inside)


def read_spans(tags: Sequence[str]) -> list[Span]:
    """The spans that tags write, in whichever way, as the script ``conlleval`` of the shared tasks reads them.

    Tags that no way of writing allows are read too: a span begins at ``B-``, after the end of another, and where the
    kind changes.

    Example:
        >>> read_spans(["I-PER", "I-PER", "B-PER", "O", "I-LOC"])
        [Span(kind='PER', start=0, end=2), Span(kind='PER', start=2, end=3), Span(kind='LOC', start=4, end=5)]
    """
    spans, start, before, kind = [], -1, "O", ""
    for place, tag in enumerate(tags):
        letter, now = tag[0], tag[2:]
        begins = letter != "O" and (letter in BEGINS or before in "O" + ENDS or now != kind)
        if start >= 0 and (letter == "O" or begins):
            spans.append(Span(kind, start, place))
            start = -1
        if begins:
            start = place
        before, kind = letter, now
    if start >= 0:
        spans.append(Span(kind, start, len(tags)))
    return spans


def write_spans(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """A tag for each of ``length`` tokens.

    Args:
        spans: in their order, none over another.
        length: of the sentence.
        scheme: one of ``SCHEMES``.

    Example:
        >>> write_spans([Span("PER", 0, 2), Span("PER", 2, 3)], 4, "IOB1")
        ['I-PER', 'I-PER', 'B-PER', 'O']
        >>> write_spans([Span("PER", 0, 2), Span("PER", 2, 3)], 4, "BIOES")
        ['B-PER', 'E-PER', 'S-PER', 'O']
    """
    tags = ["O"] * length
    last, single = {"BIOES": "ES", "BILOU": "LU"}.get(scheme, "IB")
    before = Span("", -1, -1)
    for span in spans:
        touches = before.end == span.start and before.kind == span.kind
        letters = ["I"] * (span.end - span.start)
        if scheme == "IOB1":
            letters[0] = "B" if touches else "I"
        else:
            letters = [single] if len(letters) == 1 else ["B", *letters[1:-1], last]
        tags[span.start : span.end] = [f"{letter}-{span.kind}" if span.kind else letter for letter in letters]
        before = span
    return tags


class Score(NamedTuple):
    """How many spans are right."""

    right: int
    answered: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        both = self.answered + self.true
        return 2 * self.right / both if both else 0.0


def score_spans(true: Sequence[Sequence[str]], answered: Sequence[Sequence[str]]) -> tuple[Score, dict[str, Score]]:
    """How many spans of sentences are right, start, end and kind, as ``conlleval`` counts: in all, and of each kind.

    Example:
        >>> score_spans([["I-PER", "I-PER", "O"]], [["I-PER", "O", "I-LOC"]])[0]
        Score(right=0, answered=2, true=1)
    """
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for one, other in zip(true, answered, strict=True):
        true_spans, answered_spans = set(read_spans(one)), set(read_spans(other))
        there.update(span.kind for span in true_spans)
        said.update(span.kind for span in answered_spans)
        right.update(span.kind for span in true_spans & answered_spans)
    kinds = sorted(there | said)
    each = {kind: Score(right[kind], said[kind], there[kind]) for kind in kinds}
    return Score(right.total(), said.total(), there.total()), each
