"""CoNLL-U: a token a line in ten columns, remarks, ranges of tokens and empty ones, an empty line after a sentence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from elman.data.formats import Beginning, Format
from elman.errors import counted, quoted

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
NAMED = re.compile(r"#\s*global\.columns\s*=\s*(.+)")  # as CoNLL-U Plus names them
TOKEN = re.compile(r"[1-9]\d*")
BESIDE = re.compile(r"\d+-\d+|\d+\.\d+")  # a range of tokens that are one word, or one that is not written
MOST = 0.9  # of the lines of a file at least are those of tokens
NOTHING = "_"


@dataclass
class Sentence:
    """The cells of its tokens, and the first thing that is wrong with it."""

    line: int
    tokens: list[list[str]] = field(default_factory=list)
    wrong: tuple[int, str] | None = None  # a line of it, and what is wrong with that


def recognise(begun: Beginning) -> bool:
    """Whether nearly all lines have ten columns, the first of which counts tokens anew in each sentence."""
    if columns_of(begun.lines) != COLUMNS:
        return True
    rows = [line.split("\t") for line in begun.full if not line.startswith("#")]
    good = [row for row in rows if len(row) == len(COLUMNS) and (TOKEN.fullmatch(row[0]) or BESIDE.fullmatch(row[0]))]
    first = [row for row in good if row[0] in ("1", "0.1") or row[0].startswith("1-")]
    parted = begun.lines[:1] and (begun.lines[0].startswith("#") or any(not line for line in begun.lines[1:-1]))
    named = begun.name.endswith((".conllu", ".conllup"))
    return bool(good and first) and len(good) >= MOST * len(rows) and bool(parted or named)


def columns_of(lines: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns, in lower case: the usual ten, or those that the first line says."""
    match = NAMED.match(lines[0]) if lines else None
    return tuple(match[1].lower().split()) if match else COLUMNS


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a file."""
    lines = text.split("\n")
    columns = columns_of(lines)
    place = columns.index("id") if "id" in columns else -1
    now = Sentence(0)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if now.tokens or now.wrong:
                yield now
            now = Sentence(0)
            continue
        cells = line.split("\t")
        if line.startswith("#") and len(cells) != len(columns):
            continue
        if len(cells) != len(columns):
            now.wrong = now.wrong or (
                number,
                f"has {counted(len(cells), 'columns')} where CoNLL-U has {len(columns)}, with tabs between",
            )
        elif place >= 0 and BESIDE.fullmatch(cells[place]):
            continue
        elif place >= 0 and not TOKEN.fullmatch(cells[place]):
            now.wrong = now.wrong or (number, f"begins with {quoted(cells[place])}, not with the number of a token")
        else:
            now.line = now.line or number
            now.tokens.append(cells)
    if now.tokens or now.wrong:
        yield now


FORMAT = Format("a CoNLL-U file of sentences", recognise, tasks=("tag",))
