"""CoNLL-2009 and CoNLL-2012: columns that are the same in all files, and then one for each predicate of a sentence."""

import re
from collections.abc import Sequence
from typing import NamedTuple

DOCUMENT = "#begin document"
BRACKETS = re.compile(r"(?:\(([^()*]+))?\*?(\))?")


class Columns(NamedTuple):
    """Which columns of a shared task are what, from 0."""

    name: str
    separator: str
    fewest: int  # columns that each line has
    word: int
    tag: int
    others: str  # what else there is, and in which column, for people


YEAR_2009 = Columns("CoNLL-2009", "\t", 14, 1, 4, "PPOS in 6, DEPREL in 11")
YEAR_2012 = Columns("CoNLL-2012", "", 12, 3, 4, "names in 11")


def find_shared(lines: Sequence[str]) -> Columns | None:
    """The columns of CoNLL-2009 or CoNLL-2012, where lines have such.

    >>> line = ["1", "Ann", "ann", "ann", "NNP", "NNP", "_", "_", "2", "2", "SBJ", "SBJ", "_", "_", "A0"]
    >>> find_shared(["\\t".join(line), "\\t".join(["2", *line[1:]])]).name, find_shared(["Ann NNP"])
    ('CoNLL-2009', None)
    """
    if any(line.startswith(DOCUMENT) for line in lines[:2]):
        rows = [line.split() for line in lines if not line.startswith("#")]
        good = all(len(row) >= YEAR_2012.fewest and row[1].isdigit() and row[2].isdigit() for row in rows)
        return YEAR_2012 if rows and good else None
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    good = [row for row in rows if len(row) >= YEAR_2009.fewest and row[0].isdigit()]
    if not rows or len(good) < len(rows) or rows[0][0] != "1":
        return None
    heads = all(re.fullmatch(r"\d+|_", row[n]) for row in rows for n in (8, 9))
    return YEAR_2009 if heads and {row[12] for row in rows} <= {"Y", "_"} else None


def without_brackets(tags: Sequence[str]) -> list[str] | None:
    """Spans that are written in brackets, as tags of IOB2; None where they are no such.

    >>> without_brackets(["(PERSON*", "*)", "*", "(GPE)"]), without_brackets(["NN", "VB"])
    (['B-PERSON', 'I-PERSON', 'O', 'B-GPE'], None)
    """
    found, kind = [], ""
    for tag in tags:
        match = BRACKETS.fullmatch(tag)
        if match is None or not tag or (match[1] and kind) or (match[2] and not (match[1] or kind)):
            return None
        begins = bool(match[1])
        kind = match[1] or kind
        found.append(f"{'B' if begins else 'I'}-{kind}" if kind else "O")
        kind = "" if match[2] else kind
    return found
