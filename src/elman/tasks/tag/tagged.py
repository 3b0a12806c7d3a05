"""Sentences with a tag a token: columns, ``word/tag`` lines, two parallel files, and tables of lists."""

import csv
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, is_named
from elman.data.dialect import UNKNOWN, Dialect
from elman.data.files import alternatives, suffix
from elman.data.formats.delimited import SEPARATORS, guess_separator
from elman.data.formats.objects import OBJECTS
from elman.data.reading import read_table
from elman.data.rows import Asked, Line, Parts
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, quoted
from elman.tasks.tag.token_rows import ENDLESS, has_ends, has_token_rows, sentence_column, sentence_rows

log = logging.getLogger(__name__)

JOINTS = ("/", "_", "|")
DOCUMENT = "-DOCSTART-"
SAMPLE = 2000  # lines from which is found out how a file lies
ALIKE = 0.9  # of the lines at least have as many columns as most, where there are columns
GAPS = re.compile(r"[ \t]+")  # not every space: some stand for themselves
LANGUAGE = re.compile(r"([a-z]{2,3}:).+")  # which WikiANN writes before each word


@dataclass(frozen=True)
class ColumnSpec:
    """What the user says about where words and tags are; empty where it is to be found out."""

    word: str = ""  # a column's name, or its number from 1
    tag: str = ""
    dialect: Dialect = UNKNOWN
    joint: str = ""


@dataclass(frozen=True)
class Layout:
    """How sentences lie in a file."""

    # "columns", a token a line; "joined", word/tag lines; "lines" of words; "table", a sentence a row; "rows", a table
    # with a token a row
    kind: str
    dialect: Dialect = UNKNOWN  # between columns without a separator is any number of spaces and tabs
    width: int = 0  # columns
    word: int = 0  # which columns, from 0
    tag: int = 0
    sentence: int = -1  # the column that says to which sentence a token belongs; -1: empty lines do
    prefix: str = ""  # before each word, to be taken off
    joint: str = "/"
    tokens: str = ""  # columns of a table
    tags: str = ""
    group: str = ""  # the column that names the sentence of each row


@dataclass(frozen=True)
class Tagged:
    """Sentences, and where they come from."""

    tokens: list[list[str]]
    tags: list[list[str]]  # of each, as many; of none where they are not asked for
    where: list[str]  # file and line
    documents: list[int]  # to which each belongs
    index: np.ndarray  # [N], which of the file's sentences each is
    size: int  # sentences of the file
    frame: pl.DataFrame  # [size], what there is besides
    parts: Parts | None = None  # where each has several rows of the file

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Tagged":
        """Some of the sentences."""
        tokens, tags, where, documents = (
            [part[row] for row in rows] for part in (self.tokens, self.tags, self.where, self.documents)
        )
        index = self.index[np.asarray(rows, int)]
        return replace(self, tokens=tokens, tags=tags, where=where, documents=documents, index=index)


def find_layout(source: Any, wishes: ColumnSpec, *, like: Layout | None = None) -> Layout:
    """How sentences lie, announced in one line.

    Args:
        source: a file, two parallel ones as ``train.{words,tags}``, or a data frame.
        wishes: what the user says.
        like: how those lie that were learnt from, where these may be without tags.

    Raises:
        ElmanError: no words or no tags found.
    """
    labelled = like is None
    if isinstance(source, Path) and len(files := alternatives(source)) > 1:
        if labelled:
            log.info("a sentence a line, words in %s, tags in %s", files[0], ", ".join(map(str, files[1:])))
        return Layout("lines", wishes.dialect)
    if not isinstance(source, Path) or suffix(source) in (*OBJECTS, ".parquet"):
        return _table_layout(_as_table(source, wishes), wishes, like)
    text = read_whole(source)
    lines = [line for line in text.split("\n", SAMPLE)[:SAMPLE] if line.strip() and not line.startswith(DOCUMENT)]
    if not lines:
        raise ElmanError(f"{source} has no sentences")
    heading = [cell.strip(' "') for cell in lines[0].split(guess_separator(text, suffix(source)))]
    named = _has_learnt_column(heading, suffix(source), like) or bool(find(heading, "words") and find(heading, "tags"))
    if named or _names_rows(heading, wishes, like):
        table = _as_table(source, wishes)
        rows = _rows_layout(table, wishes, like) if "\n\n" in text.strip() else None
        if rows is None or rows.group:  # else empty lines, which are no rows of a table, end its sentences
            return _table_layout(table, wishes, like)
    for joint in (wishes.joint,) if wishes.joint else JOINTS:
        if wishes.joint or _are_joined(lines, joint):
            log.info("%s: a sentence a line, a tag behind the last %s of each word", source, joint)
            return Layout("joined", wishes.dialect, joint=joint)
    if like is not None and _are_sentences(lines, wishes.dialect.separator, max(1, like.width)):
        return Layout("lines")
    layout = _column_layout(source, lines, wishes)
    if labelled:
        between = SEPARATORS.get(layout.dialect.separator, "spaces")
        tag, prefix = f"the tag in column {layout.tag + 1}", f", {layout.prefix} before it" if layout.prefix else ""
        log.info("%s: a token a line, columns between %s; the word is in column %s%s, %s of %s",
                 source, between, layout.word + 1, prefix, tag, layout.width)  # fmt: skip
    return layout


def _has_learnt_column(heading: Sequence[str], kind: str, like: Layout | None) -> bool:
    """Whether a file begins with the names of columns, among them that of the words of the table learnt from.

    In a file of a table it may be another usual name, but for one learnt from columns with a token a line.
    """
    if like is None or like.kind == "columns":
        return False
    return (bool(like.tokens) and like.tokens in heading) or (kind in (".csv", ".tsv") and bool(find(heading, "words")))


def _names_rows(heading: Sequence[str], wishes: ColumnSpec, like: Layout | None) -> bool:
    """Whether a file begins with the names of the columns of a table with a token a row."""
    group = sentence_column(heading, wishes.word, wishes.tag)
    others = [name for name in heading if name != group]
    tagged = like is not None or wishes.tag or find(others, "tag", "tags")
    return bool(group and tagged and (wishes.word or find(others, "word", "words")))


def _as_table(source: Any, wishes: ColumnSpec) -> Table:
    return read_table(source, BadRows(skip=True), replace(wishes.dialect, header=True))


def _table_layout(table: Table, wishes: ColumnSpec, like: Layout | None) -> Layout:
    labelled = like is None
    rows = _rows_layout(table, wishes, like)
    if rows is not None and has_ends(table, rows.tokens, rows.tags, rows.group):
        if labelled:
            ends = f"sentences are named in {rows.group!r}" if rows.group else "a sentence ends at an empty row"
            log.info("%s: a token a row; the words are in %r, the tags in %r, %s",
                     table.name, rows.tokens, rows.tags, ends)  # fmt: skip
        return rows
    if rows is not None and (like is None or like.kind in ("columns", "rows")):
        raise ElmanError(f"{table.name} {ENDLESS}")
    learnt = like is not None and like.tokens in table.columns
    tokens = like.tokens if like is not None and learnt else table.column(wishes.word, "words", "word")
    tags = table.column(wishes.tag, "tags", "tag", among=[column for column in table.columns if column != tokens])
    if not tokens or (labelled and not tags):
        what, option = ("tags", "--tag-column") if tokens else ("words", "--word-column")
        raise ElmanError(
            f"{table.name} has no column that looks like the {what} of sentences; say which with {option}; "
            f"its columns are {', '.join(table.columns)}"
        )
    if labelled:
        log.info("%s: a sentence a row; the words are in %r, the tags in %r", table.name, tokens, tags)
    return Layout("table", tokens=tokens, tags=tags, dialect=replace(wishes.dialect, header=True))


def _rows_layout(table: Table, wishes: ColumnSpec, like: Layout | None) -> Layout | None:
    """How sentences lie in a table with a token a row; None where it is none."""
    learnt = like.tokens if like is not None and like.tokens in table.columns else ""
    word, tag = learnt or _numbered(table, wishes.word), _numbered(table, wishes.tag)
    group = sentence_column(table.columns, word, tag)
    word = word or find([name for name in table.columns if name not in (group, tag)], "word", "words")
    tag = tag or find([name for name in table.columns if name not in (group, word)], "tag", "tags")
    if not word or (like is None and not tag) or not has_token_rows(table, word, tag, group):
        return None
    prefix = _prefix(table[word])
    return Layout("rows", table.dialect, prefix=prefix, tokens=word, tags=tag, group=group)


def _numbered(table: Table, wish: str) -> str:
    """The column that the user names, or numbers from 1, as in a file without names."""
    if wish.isdigit() and wish not in table.columns and 1 <= int(wish) <= len(table.columns):
        return table.columns[int(wish) - 1]
    return wish and table.known(wish)


def _are_joined(lines: Sequence[str], joint: str) -> bool:
    words = [word for line in lines for word in line.rpartition("\t")[2].split()]
    joined = sum(0 < word.rfind(joint) < len(word) - 1 for word in words)
    return len(words) > len(lines) and joined >= 0.98 * len(words)


def _are_sentences(lines: Sequence[str], separator: str, widest: int) -> bool:
    """Whether lines are of many words, since they have more columns than is usual, or not all as many."""
    found, rows = _separated(lines, separator)
    width = _usual(rows)
    return not found and (width > widest or sum(len(row) == width for row in rows) < ALIKE * len(rows))


def _column_layout(source: Path, lines: Sequence[str], wishes: ColumnSpec) -> Layout:
    separator, rows = _separated(lines, wishes.dialect.separator)
    width = _usual(rows)
    rows = [row for row in rows if len(row) == width]
    heading = [cell.strip().lower() for cell in rows[0]]
    header = sum(is_named(cell, "word", "words", "tag", "tags") for cell in heading) >= 2
    rows = rows[1:] if header else rows
    columns = list(zip(*rows, strict=True))
    names = heading if header else [""] * width
    counted = width > 2 and all(cell[0].isdigit() for cell in columns[0][:200]) and columns[0][0] == "1"
    word = _column(source, wishes.word, names, ("word", "words"), width, 1 if counted else 0)
    usable = [n for n in range(width) if n != word and len(set(columns[n])) > 1]
    last = 3 if counted and width == 10 else max(usable, default=width - 1)  # ten is CoNLL-U
    tag = _column(source, wishes.tag, names, ("tag", "tags"), width, last)
    sentence = next((n for n, name in enumerate(names) if name.startswith("sentence")), -1)
    return Layout(
        "columns", replace(wishes.dialect, separator=separator, header=header), width, word, tag, sentence,
        _prefix(columns[word]),
    )  # fmt: skip


def _prefix(words: Iterable[Any]) -> str:
    """What stands before each of the words, if it is the mark of a language."""
    found = {match[1] if (match := LANGUAGE.fullmatch(str(word))) else "" for word in words if word is not None}
    return found.pop() if len(found) == 1 else ""


def _separated(lines: Sequence[str], wish: str) -> tuple[str, list[list[str]]]:
    """What stands between the columns of lines, and their cells."""
    if wish:
        return wish, [_cells(line, wish) for line in lines]
    for separator in ("\t", "", ",", ";", "|"):
        rows = [_cells(line, separator) for line in lines]
        width = _usual(rows)
        if width > 1 and sum(len(row) == width for row in rows) >= ALIKE * len(rows):
            return separator, rows
    return "", [_cells(line, "") for line in lines]


def _usual(rows: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _cells(line: str, separator: str) -> list[str]:
    if not separator:
        return GAPS.split(line.strip(" \t"))
    if separator in ",;" and '"' in line:
        return next(csv.reader([line], delimiter=separator), [])
    return line.split(separator)


def _column(source: Path, wish: str, names: Sequence[str], roles: tuple[str, ...], width: int, default: int) -> int:
    """The place of a column that the user names or numbers, or that is named as usual, or the default."""
    if wish.lower() in names and wish:
        return names.index(wish.lower())
    if wish:
        if not (wish.isdigit() and 1 <= int(wish) <= width):
            raise ElmanError(f"{source} has no column {wish!r}; its {width} columns are numbered from 1")
        return int(wish) - 1
    return names.index(found) if (found := find(names, *roles)) else default


def read_tagged(source: Any, layout: Layout, bad: BadRows, *, labelled: bool = True) -> Tagged:
    """The sentences of a file or of a table, read as ``layout`` says.

    Args:
        source: the file, two parallel ones, or a data frame.
        layout: how they lie. What holds no tags may have fewer columns.
        bad: what is done about sentences that cannot be used.
        labelled: whether tags are wanted.
    """
    if layout.kind == "table":
        found = _read_table(source, layout, bad, labelled)
    elif layout.kind == "rows":
        found = _read_rows(source, layout, bad, labelled)
    else:
        read = {"joined": _joined, "lines": _lines, "columns": _columns}[layout.kind]
        found = _gathered(source, read(source, layout, labelled), bad, layout.dialect.missing)
    if not len(found):
        name = str(source) if isinstance(source, Path) else "the table"
        raise ElmanError(f"{name} has no sentences that can be used")
    return found


@dataclass
class _Sentence:
    """What is read of one."""

    line: int
    document: int
    tokens: list[str]
    tags: list[str]
    wrong: tuple[int, str] | None = None  # a line of it, and what is wrong with that


def _gathered(source: Path, sentences: Iterator[_Sentence], bad: BadRows, missing: Sequence[str]) -> Tagged:
    found = list(sentences)
    bad.read(len(found), "sentences")
    for one in found:
        if not one.wrong and (lacks := next((n for n, tag in enumerate(one.tags) if tag in missing), None)) is not None:
            one.wrong = (one.line, f"has no tag for {one.tokens[lacks]!r:.80}, but {one.tags[lacks]!r}")
        if one.wrong:
            bad.add(f"{source}, line {one.wrong[0]}", one.wrong[1], "sentences")
    index = np.array([n for n, one in enumerate(found) if not one.wrong], int)
    good = [found[n] for n in index]
    where = [f"{source}, line {one.line}" for one in good]
    frame = _tokens_frame([None if one.wrong else one.tokens for one in found])
    return Tagged([one.tokens for one in good], [one.tags for one in good], where, [one.document for one in good],
                  index, len(found), frame)  # fmt: skip


def _tokens_frame(tokens: Sequence[list[str] | None]) -> pl.DataFrame:
    return pl.DataFrame({"tokens": pl.Series(tokens, dtype=pl.List(pl.String))})


def _columns(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    lines = read_whole(source).split("\n")
    width, word = layout.width, layout.word
    if not labelled:  # there may be fewer columns
        sample = [line for line in lines[:SAMPLE] if line.strip() and not line.startswith(DOCUMENT)]
        width = _usual([_cells(line, layout.dialect.separator) for line in sample]) if sample else width
        word = word if word < width else 0
    now, document, skipped, identity = _Sentence(0, 0, [], []), 0, 0, ""
    for number, line in enumerate(lines, 1):
        opened = bool(now.tokens or now.wrong)
        if not line.strip() or line.startswith(DOCUMENT):
            document += line.startswith(DOCUMENT)
            if opened:
                yield now
            now = _Sentence(0, document, [], [])
            continue
        cells = _cells(line, layout.dialect.separator)
        if layout.dialect.header and not skipped:
            skipped = 1
            continue
        if not opened and line[0] == "#" and len(cells) != width:
            continue  # a remark about the sentence that follows
        if 0 <= layout.sentence < len(cells) and cells[layout.sentence] not in ("", identity):
            identity = cells[layout.sentence]
            if opened:
                yield now
                now = _Sentence(0, document, [], [])
        now.line = now.line or number
        reason = ""
        if len(cells) != width:
            reason = f"has {len(cells)} columns where most lines have {width}"
        elif not cells[word].removeprefix(layout.prefix):
            reason = f"has no word in column {word + 1}"
        elif labelled and not cells[layout.tag].strip():
            reason = f"has no tag in column {layout.tag + 1}"
        if reason:
            now.wrong = now.wrong or (number, reason)
            continue
        now.tokens.append(cells[word].removeprefix(layout.prefix))
        now.tags += [cells[layout.tag].strip()] if labelled else []
    if now.tokens or now.wrong:
        yield now


def _joined(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    for number, line in enumerate(_lines_of(source), 1):
        if labelled and not line.strip():
            continue
        one = _Sentence(number, 0, [], [])
        for cell in line.rpartition("\t")[2].split():
            word, joint, tag = cell.rpartition(layout.joint)
            whole = bool(word and joint and tag)
            if labelled and not whole:
                one.wrong = one.wrong or (number, f"{quoted(cell)} is no word and tag with {layout.joint} between them")
            one.tokens.append(word if whole else cell)
            one.tags += [tag] if labelled else []
        yield one


def _lines(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    files = alternatives(source)
    if labelled and len(files) != 2:
        raise ElmanError(f"{source} is to be two files, of words and of tags, such as 'train.{{words,tags}}'")
    words = _lines_of(files[0])
    tags = _lines_of(files[1]) if labelled else [""] * len(words)
    if len(words) != len(tags):
        raise ElmanError(f"{files[0]} has {len(words):,} lines and {files[1]} {len(tags):,}; they are to be as many")
    for number, (said, marks) in enumerate(zip(words, tags, strict=True), 1):
        one = _Sentence(number, 0, said.split(), marks.split())
        if labelled and len(one.tokens) != len(one.tags):
            one.wrong = (number, f"has {len(one.tokens):,} words and {len(one.tags):,} tags")
        if one.tokens or one.tags or not labelled:  # what is asked is answered, be it nothing
            yield one


def _lines_of(source: Path) -> list[str]:
    return read_whole(source).removesuffix("\n").split("\n")


def _read_table(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Tagged:
    table = read_table(source, bad, layout.dialect)
    tokens = [_parts(cell) for cell in table[layout.tokens]]
    tags = [_parts(cell) for cell in table[layout.tags]] if labelled else [[]] * len(tokens)
    wrong = {}
    for row, (words, marks) in enumerate(zip(tokens, tags, strict=True)):
        if words is None or (labelled and not words):
            wrong[row] = f"has no words in {layout.tokens}"
        elif labelled and marks is None:
            wrong[row] = f"has no tags in {layout.tags}"
        elif labelled and len(marks or []) != len(words):
            wrong[row] = f"has {len(words):,} words and {len(marks or []):,} tags"
    kept = [row for row in range(len(table)) if row not in wrong]
    good = table.reject(wrong)
    where = [good.where(row) for row in range(len(good))]
    return Tagged(
        [tokens[row] or [] for row in kept], [tags[row] or [] for row in kept], where, [0] * len(kept),
        good.index, table.size, table.spread(),
    )  # fmt: skip


def _read_rows(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Tagged:
    table = read_table(source, bad, layout.dialect)
    table = table.text(layout.tokens, *([layout.tags] if layout.tags in table.columns else []))
    words, tags = table[layout.tokens], table[layout.tags] if labelled else []
    found = sentence_rows(table, layout.tokens, layout.tags, layout.group)
    kept = []
    for n, rows in enumerate(found):
        wrong = next(((row, f"has no word in {layout.tokens}") for row in rows if words[row] is None), None)
        if labelled and wrong is None:
            wrong = next(((row, f"has no tag in {layout.tags}") for row in rows if tags[row] is None), None)
        if wrong is None and np.ptp(table.index[rows]) >= len(rows):
            wrong = (rows[0], "begins a sentence of which another row cannot be used")
        if wrong is None:
            kept.append(n)
        else:
            bad.add(table.where(int(wrong[0])), wrong[1])
    good = [found[n] for n in kept]
    return Tagged(
        [[words[row].strip().removeprefix(layout.prefix) for row in rows] for rows in good],
        [[tags[row].strip() for row in rows] if labelled else [] for rows in good],
        [table.where(int(rows[0])) for rows in good], [0] * len(good), np.array(kept, int), len(found),
        table.spread(), Parts([table.index[rows] for rows in good], "predicted"),
    )  # fmt: skip


def _parts(cell: Any) -> list[str] | None:
    """The words, or tags, of a cell: a list, one written as JSON, or a text with spaces between them."""
    if isinstance(cell, str) and cell.startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError:
            return cell.split()  # a text that begins so
    if isinstance(cell, str):
        return cell.split()
    if not isinstance(cell, Iterable) or any(not isinstance(part, str | int | float) or part == "" for part in cell):
        return None
    return [str(part) for part in cell]


def read_asked(source: Any, layout: Layout, bad: BadRows) -> Asked[list[str]]:
    """The sentences to be tagged of a file, a table, a list in memory, or a line of a stream; tags are not read.

    Args:
        source: as ``read_tagged`` takes it; a list of sentences, each a list of words or a text with spaces between
            them; or a line with such a sentence, or an object of JSON that has it under the name of its column.
        layout: how the sentences lie, where they are in a file or a table.
        bad: what is done about sentences that cannot be used.
    """
    if not isinstance(source, Line | list | tuple):
        found = read_tagged(source, layout, bad, labelled=False)
        return Asked(found.tokens, found.index, found.size, found.frame, found.parts)
    if isinstance(source, Line):
        given, where = [_said(source.text, layout)], ""
        wrong = 'a line is words with spaces between them, a list of words, or {"tokens": [...]}'
    else:
        given, where, wrong = source, "sentence", "is neither a text nor a list of words"
    tokens = [_words(each, layout) for each in given]
    for number, words in enumerate(tokens, 1):
        if words is None:
            bad.add(where and f"{where} {number}", wrong)
    index = np.array([n for n, words in enumerate(tokens) if words is not None], int)
    return Asked([words for words in tokens if words is not None], index, len(tokens), _tokens_frame(tokens))


def _said(line: str, layout: Layout) -> Any:
    """What a line of a stream says: itself, or what an object of JSON has in the place of the words."""
    if not line.lstrip().startswith("{"):
        return line.strip()
    try:
        row = json.loads(line)
    except ValueError:
        return line  # a sentence may begin so
    return row.get(layout.tokens if layout.tokens in row else find(row, "words")) if isinstance(row, dict) else None


def _words(sentence: Any, layout: Layout) -> list[str] | None:
    """The words of one sentence, without the tags that a file like the one learnt from has behind them."""
    words = _parts(sentence)
    if words and isinstance(sentence, str) and layout.kind == "joined" and _are_joined([sentence], layout.joint):
        words = [word.rpartition(layout.joint)[0] or word for word in words]
    return words and [word.removeprefix(layout.prefix) or word for word in words]
