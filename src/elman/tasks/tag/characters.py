"""Texts in which spans of characters are marked, as tools for annotation write them, as words with a tag each."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find
from elman.data.dialect import Dialect
from elman.data.marked import Marked
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, brief, quoted
from elman.tasks.tag.spans import Span, write_spans

ALONE = "\u3040-\u30ff\u3400-\u9fff"  # letters of Chinese and Japanese, between which no blank shows words
WORD = re.compile(rf"[{ALONE}]|(?:(?![{ALONE}])\w)+|[^\w\s]")
NOTES = re.compile(r"[TREAMN#*]\d*\t.+|\*\t.+")  # lines of brat
MARKED = re.compile(r"T\d+\t(\S+) (\d+(?: \d+;\d+)* \d+)\t(.*)")


def words_of(text: str) -> list[str]:
    """The words and signs of a text, each of Chinese and Japanese letters for itself.

    >>> words_of("Ann saw Rome."), words_of("\u6771\u4eac!")
    (['Ann', 'saw', 'Rome', '.'], ['東', '京', '!'])
    """
    return [match[0] for match in WORD.finditer(text)]


def tagged_words(text: str, spans: Sequence[Marked]) -> tuple[list[str], list[str]] | str:
    """The words of a text with tags as IOB2 has them, cut where a span begins or ends; or what is wrong with a span.

    >>> tagged_words("Ann saw Rome.", [Marked(0, 3, "PER"), Marked(8, 12, "LOC")])
    (['Ann', 'saw', 'Rome', '.'], ['B-PER', 'O', 'B-LOC', 'O'])
    >>> tagged_words("Ann", [Marked(0, 9, "PER")])
    'its span PER from 0 to 9 is not within its 3 characters'
    """
    spans = sorted(set(spans))
    for at, span in enumerate(spans):
        if not 0 <= span.start < span.end <= len(text):
            return f"its span {span.kind} from {span.start} to {span.end} is not within its {len(text):,} characters"
        if at and span.start < spans[at - 1].end:
            return f"its spans {spans[at - 1].kind} and {span.kind} overlap at {span.start}, and a word has one tag"
    edges = {edge for span in spans for edge in span[:2]}
    places = list(_places(text, edges))
    found = []
    for span in spans:
        own = [n for n, (start, end) in enumerate(places) if span.start <= start and end <= span.end]
        if own:  # of blanks alone there is no word
            found.append(Span(span.kind, own[0], own[-1] + 1))
    return [text[start:end] for start, end in places], write_spans(found, len(places), "IOB2")


def _places(text: str, edges: set[int]) -> Iterator[tuple[int, int]]:
    """Where words begin and end."""
    for match in WORD.finditer(text):
        cuts = [match.start(), *sorted(edge for edge in edges if match.start() < edge < match.end()), match.end()]
        yield from pairwise(cuts)


def text_of(columns: Sequence[str]) -> str:
    """The column of texts, or ""."""
    return find(columns, "text", "words")


def may_have_spans(lines: Sequence[str]) -> bool:
    """Whether a row of a table of texts may have spans in a cell: a list or an object with numbers in a list."""
    begun = ((line, re.search(r"[\[(]\s*+[\[({]", line)) for line in lines)
    return any(begin is not None and re.search(r"\d", line[begin.end() :]) for line, begin in begun)


def is_brat(source: Any, *, labelled: bool = True) -> bool:
    """Whether a folder has texts with what is marked in them beside, as brat has: ``a.txt`` and ``a.ann``.

    Args:
        source: what the user gives.
        labelled: whether there is to be something marked; else texts are enough.
    """
    if not isinstance(source, Path) or not source.is_dir():
        return False
    texts = _texts(source)
    return any(text.with_suffix(".ann").exists() for text in texts) if labelled else bool(texts)


def _texts(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.rglob("*.txt")) if each.is_file() and not each.name.startswith(".")]


def check_not_notes(path: Path, lines: Sequence[str]) -> None:
    """Refuse what is marked in a text without the text.

    Raises:
        ElmanError: the lines are those of brat.
    """
    if lines and all(map(NOTES.fullmatch, lines)) and any(map(MARKED.fullmatch, lines)):
        raise ElmanError(
            f"{path} says where spans are in a text beside it, as brat does; give the folder that has both, {path.stem}"
            ".txt and .ann"
        )


def read_brat(folder: Path, bad: BadRows, dialect: Dialect, *, labelled: bool = True) -> Table:
    """The lines of texts with spans in them, a row each.

    Args:
        folder: of ``.txt`` files and ``.ann`` files beside them.
        bad: what is done about lines whose spans cannot be used.
        dialect: how they are written.
        labelled: whether spans are wanted.
    """
    rows: list[tuple[str, str, list[list[Any]]]] = []
    lines: list[int] = []
    for path in _texts(folder):
        text = read_whole(path, dialect.encoding)
        notes = path.with_suffix(".ann")
        spans = _marked(notes, text, dialect) if labelled and notes.exists() else []
        start = 0
        for number, line in enumerate(text.split("\n"), 1):
            end = start + len(line)
            own = [[each.start - start, each.end - start, each.kind] for each in spans if start <= each.start < end]
            if line.strip():
                rows.append((str(path), line, own))
                lines.append(number)
            start = end + 1
    if not rows:
        raise ElmanError(f"{folder} has no texts with words in them")
    cells = pl.Series("spans", [repr(own) for *_, own in rows], dtype=pl.String)
    frame = pl.DataFrame([pl.Series("text", [line for _, line, _ in rows], dtype=pl.String), cells])
    files = np.array([file for file, *_ in rows], dtype=object)
    bad.read(len(rows))
    return Table(str(folder), frame, np.array(lines), np.arange(len(rows)), len(rows), bad, dialect, files=files)


def _marked(notes: Path, text: str, dialect: Dialect) -> list[Marked]:
    """The spans that a file of brat says; relations, events and remarks are left out.

    Raises:
        ElmanError: a line that says no span, or one that is not in the text.
    """
    found = []
    for number, line in enumerate(read_whole(notes, dialect.encoding).split("\n"), 1):
        if not line.startswith("T"):
            continue
        match = MARKED.fullmatch(line)
        where = f"{notes}, line {number}"
        if match is None:
            raise ElmanError(f"{where}: is no span, such as 'T1 PER 0 3 Ann' with tabs, but {quoted(brief(line, 60))}")
        kind, numbers, said = match.groups()
        places = re.split(r"[ ;]", numbers)
        if len(places) > 2:
            raise ElmanError(f"{where}: has a span in several parts, {numbers}; give it as one, or as several")
        start, end = map(int, places)
        if text[start:end].replace("\n", " ") != said:
            raise ElmanError(
                f"{where}: says {quoted(brief(said, 40))} where the text has "
                f"{quoted(brief(text[start:end], 40))}, from {start} to {end}"
            )
        found.append(Marked(start, end, kind))
    return found
