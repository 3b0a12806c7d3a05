"""Sentences with a tag a token: columns, CoNLL-U, ``word/tag`` lines, two parallel files, and tables of lists."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, listed
from elman.data.files import alternatives
from elman.data.formats import conllu
from elman.data.formats.conll import DOCUMENT
from elman.data.formats.objects import read_value
from elman.data.lists import written_list
from elman.data.marked import spans_of
from elman.data.reading import read_table
from elman.data.rows import Asked, Line, Parts
from elman.data.text import read_whole
from elman.errors import ElmanError, counted, quoted
from elman.tasks.tag.characters import is_brat, read_brat, tagged_words, words_of
from elman.tasks.tag.folder import files_of
from elman.tasks.tag.layout import SAMPLE, Layout, are_joined, cells_of, usual_width
from elman.tasks.tag.shared import without_brackets
from elman.tasks.tag.token_rows import sentence_rows

ANSWER, REFUSED = "answer", ("reject", "ignore")  # as Prodigy says that spans are not right
HASH = "#"
TAGGED = ("upos", "xpos", "deprel")  # columns of CoNLL-U in which every token has its tag


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
    elif layout.kind == "spans":
        found = _read_spans(source, layout, bad, labelled)
    elif layout.kind == "rows":
        found = _read_rows(source, layout, bad, labelled)
    else:
        found = _gathered(_sentences(source, layout, labelled), bad, layout.dialect.missing)
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
    file: Path = Path()

    def where(self, line: int) -> str:
        return f"{self.file}, line {line}"


def _sentences(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    """The sentences of a file, or of several by a pattern or of a folder, none of which goes on in the next."""
    read = {"joined": _joined, "lines": _lines, "columns": _columns, "conllu": _conllu}[layout.kind]
    last = 0
    for file in files_of(source, layout.dialect.encoding):
        before = last
        for one in read(file, layout, labelled):
            last = before + one.document
            tags = without_brackets(one.tags) if layout.fewest else None
            yield replace(one, document=last, file=file, tags=one.tags if tags is None else tags)


def _gathered(sentences: Iterator[_Sentence], bad: BadRows, missing: Sequence[str]) -> Tagged:
    found = list(sentences)
    bad.read(len(found), "sentences")
    for one in found:
        if not one.wrong and (lacks := next((n for n, tag in enumerate(one.tags) if tag in missing), None)) is not None:
            one.wrong = (one.line, f"has no tag for {quoted(one.tokens[lacks])}, but {one.tags[lacks]!r}")
        if one.wrong:
            bad.add(one.where(one.wrong[0]), one.wrong[1], "sentences")
    index = np.array([n for n, one in enumerate(found) if not one.wrong], int)
    good = [found[n] for n in index]
    where = [one.where(one.line) for one in good]
    frame = _tokens_frame([None if one.wrong else one.tokens for one in found])
    return Tagged([one.tokens for one in good], [one.tags for one in good], where, [one.document for one in good],
                  index, len(found), frame)  # fmt: skip


def _tokens_frame(tokens: Sequence[list[str] | None]) -> pl.DataFrame:
    return pl.DataFrame({"tokens": pl.Series(tokens, dtype=pl.List(pl.String))})


def _columns(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    lines = read_whole(source, layout.dialect.encoding).split("\n")
    width, word = layout.width, layout.word
    if not labelled:  # there may be fewer columns
        sample = [line for line in lines[:SAMPLE] if line.strip() and not line.startswith(DOCUMENT)]
        width = usual_width([cells_of(line, layout.dialect.separator) for line in sample]) if sample else width
        word = word if word < width else 0
    remarks = _remarks(lines, layout, width)
    now, document, skipped, identity = _Sentence(0, 0, [], []), 0, 0, ""
    for number, line in enumerate(lines, 1):
        opened = bool(now.tokens or now.wrong)
        cells = cells_of(line, layout.dialect.separator)
        begins = line.startswith(DOCUMENT) or (layout.fewest > 0 and line.startswith("#"))
        if not any(map(str.strip, cells)) or begins:
            document += begins and not line.startswith("#end")
            if opened:
                yield now
            now = _Sentence(0, document, [], [])
            continue
        if layout.dialect.header and not skipped:
            skipped = 1
            continue
        if not opened and line[0] == "#" and (len(cells) != width or line in remarks):
            continue  # a remark about the sentence that follows
        if 0 <= layout.sentence < len(cells) and cells[layout.sentence] not in ("", identity):
            identity = cells[layout.sentence]
            if opened:
                yield now
                now = _Sentence(0, document, [], [])
        now.line = now.line or number
        reason = ""
        if len(cells) != width and not 0 < layout.fewest <= len(cells):
            reason = f"has {counted(len(cells), 'columns')} where most lines have {width}"
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


def _remarks(lines: Sequence[str], layout: Layout, width: int) -> set[str]:
    """Lines of # and something else before sentences, as wide as those of tokens, whose tags no others have."""
    if layout.fewest or width <= layout.tag or not any(line.startswith(HASH) for line in lines):
        return set()
    found, tags, opened = {}, {HASH}, False
    for line in lines:
        cells = cells_of(line, layout.dialect.separator)
        if len(cells) == width:
            if not opened and cells[0].strip() == HASH:
                found[line] = cells[layout.tag].strip()
                continue  # another may follow
            tags.add(cells[layout.tag].strip())
        opened = any(map(str.strip, cells)) and (opened or not line.startswith(HASH))
    return set() if tags.intersection(found.values()) else set(found)


def _conllu(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    text = read_whole(source, layout.dialect.encoding)
    names = conllu.columns_of(text.split("\n", 1))
    if max(layout.word, layout.tag) >= len(names):
        raise ElmanError(f"{source} has the columns {listed(names, 5)}, and the model was trained on {layout.width}")
    unsaid = names[layout.tag] in TAGGED  # where _ says that a token has no tag
    for each in conllu.sentences(text):
        one = _Sentence(each.line, 0, [cells[layout.word] for cells in each.tokens], [], each.wrong)
        if labelled and not one.wrong:
            one.tags = [cells[layout.tag] for cells in each.tokens]
            if unsaid and conllu.NOTHING in one.tags:
                said = f"has no tag in the column {names[layout.tag]}"
                one.wrong = (each.line + one.tags.index(conllu.NOTHING), said)
        yield one


def _joined(source: Path, layout: Layout, labelled: bool) -> Iterator[_Sentence]:
    for number, line in enumerate(_lines_of(source, layout), 1):
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
    words = _lines_of(files[0], layout)
    tags = _lines_of(files[1], layout) if labelled else [""] * len(words)
    if len(words) != len(tags):
        raise ElmanError(
            f"{files[0]} has {counted(len(words), 'lines')} and {files[1]} {len(tags):,}; they are to be as many"
        )
    for number, (said, marks) in enumerate(zip(words, tags, strict=True), 1):
        one = _Sentence(number, 0, words_of(said) if layout.signs else said.split(), marks.split())
        if labelled and len(one.tokens) != len(one.tags):
            one.wrong = (number, f"has {counted(len(one.tokens), 'words')} and {counted(len(one.tags), 'tags')}")
        if one.tokens or one.tags or not labelled:  # what is asked is answered, be it nothing
            yield one


def _lines_of(source: Path, layout: Layout) -> list[str]:
    return read_whole(source, layout.dialect.encoding).removesuffix("\n").split("\n")


def _read_table(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Tagged:
    table = read_table(source, bad, layout.dialect, lambda cells: not {layout.tokens, layout.tags}.isdisjoint(cells))
    tokens = [_parts(cell) for cell in table[layout.tokens]]
    tags = [_parts(cell) for cell in table[layout.tags]] if labelled else [[]] * len(tokens)
    wrong = {}
    for row, (words, marks) in enumerate(zip(tokens, tags, strict=True)):
        if words is None or (labelled and not words):
            wrong[row] = f"has no words in {layout.tokens}"
        elif labelled and marks is None:
            wrong[row] = f"has no tags in {layout.tags}"
        elif labelled and len(marks or []) != len(words):
            wrong[row] = f"has {counted(len(words), 'words')} and {counted(len(marks or []), 'tags')}"
    kept = [row for row in range(len(table)) if row not in wrong]
    good = table.reject(wrong)
    where = [good.where(row) for row in range(len(good))]
    return Tagged(
        [tokens[row] or [] for row in kept], [tags[row] or [] for row in kept], where, [0] * len(kept),
        good.index, table.size, table.spread(),
    )  # fmt: skip


def _read_spans(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Tagged:
    if is_brat(source, labelled=labelled):
        table = read_brat(source, bad, layout.dialect, labelled=labelled)
    else:
        table = read_table(source, bad, layout.dialect, lambda cells: layout.tokens in cells)
    texts = [cell or "" for cell in table[layout.tokens]]
    spans = [spans_of(cell) or [] for cell in table[layout.tags]] if labelled else [[]] * len(texts)
    read = [tagged_words(text, marked) for text, marked in zip(texts, spans, strict=True)]
    wrong = {row: each for row, each in enumerate(read) if isinstance(each, str)}
    if labelled and ANSWER in table.columns:
        wrong |= {row: f"was answered with {said}" for row, said in enumerate(table[ANSWER]) if said in REFUSED}
    wrong |= {
        row: f"has no words in {layout.tokens}" for row, text in enumerate(texts) if labelled and not text.strip()
    }
    kept = [row for row in range(len(table)) if row not in wrong]
    good = table.reject(wrong)
    pairs = [each for row in kept if not isinstance(each := read[row], str)]
    where = [good.where(row) for row in range(len(good))]
    tokens: list[list[str] | None] = [None] * table.size
    for row, (words, _) in zip(kept, pairs, strict=True):
        tokens[table.index[row]] = words
    frame = table.spread().with_columns(_tokens_frame(tokens)["tokens"])
    return Tagged(
        [words for words, _ in pairs], [tags if labelled else [] for _, tags in pairs], where, [0] * len(kept),
        good.index, table.size, frame,
    )  # fmt: skip


def _read_rows(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Tagged:
    table = read_table(source, bad, layout.dialect, lambda cells: not {layout.tokens, layout.tags}.isdisjoint(cells))
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
    """The words, or tags, of a cell: a list, one written as JSON or Python does, or a text with spaces in between."""
    if isinstance(cell, str) and cell.startswith("["):
        try:
            cell = read_value(cell)
        except ValueError:
            found = written_list(cell)
            cell = cell if found is None else found  # a text may begin so
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
        row = read_value(line)
    except ValueError:
        return line  # a sentence may begin so
    return row.get(layout.tokens if layout.tokens in row else find(row, "words")) if isinstance(row, dict) else None


def _words(sentence: Any, layout: Layout) -> list[str] | None:
    """The words of one sentence, without the tags that a file like the one learnt from has behind them."""
    if layout.signs and isinstance(sentence, str):
        return words_of(sentence)
    words = _parts(sentence)
    if words and isinstance(sentence, str) and layout.kind == "joined" and are_joined([sentence], layout.joint):
        words = [word.rpartition(layout.joint)[0] or word for word in words]
    return words and [word.removeprefix(layout.prefix) or word for word in words]
