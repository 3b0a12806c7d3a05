"""CoNLL: a token and its tags a line, an empty line after a sentence, maybe -DOCSTART- before a document."""

import re
from collections.abc import Sequence

from elman.data.formats import Beginning, Format

DOCUMENT = "-DOCSTART-"
SPANS = re.compile(r"O|[BIESLU]-\S+")  # tags of spans
FEWEST = 3  # tokens
RANGE = re.compile(r"\d+-\d+")  # where a token stands: the one of a sentence, or characters of a text


def recognise(begun: Beginning) -> bool:
    """Whether a file begins with a document, or its last column has tags of spans and empty lines part it."""
    if begun.text.lstrip().startswith(DOCUMENT):
        return True
    rows = [line.split() for line in begun.full if not line.startswith("#")]
    last = [row[-1] for row in rows if len(row) > 1]
    spans = len(last) >= FEWEST and len(last) == len(rows) and all(map(SPANS.fullmatch, last)) and len(set(last)) > 1
    return bool(spans) and len({len(row) for row in rows}) == 1 and any(not line.strip() for line in begun.lines[1:])


def places_before(columns: Sequence[Sequence[str]]) -> int:
    """How many columns say at first where each token stands, as 1-2 and 4-7, which WebAnno writes before the token.

    >>> places_before([("1-1", "1-2"), ("0-3", "4-7"), ("Ann", "saw"), ("PER", "_")])
    2
    """
    others = (n for n, cells in enumerate(columns) if not all(map(RANGE.fullmatch, cells)))
    return min(next(others, 0), max(0, len(columns) - 2))


FORMAT = Format("a CoNLL file of sentences", recognise, tasks=("tag",))
