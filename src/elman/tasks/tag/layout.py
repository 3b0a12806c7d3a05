"""How sentences with tags lie in a file or a table: found out, or said by the user."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find, is_named, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.files import alternatives, suffix
from elman.data.formats import check_task, conllu, delimited, format_of
from elman.data.formats.conll import DOCUMENT, SPANS, places_before
from elman.data.headers import has_classes
from elman.data.marked import are_spans
from elman.data.reading import read_table
from elman.data.separators import SEPARATORS, guess_separator
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, brief, counted, quoted
from elman.tasks.tag.characters import check_not_notes, is_brat, may_have_spans, text_of
from elman.tasks.tag.folder import files_of
from elman.tasks.tag.shared import find_shared
from elman.tasks.tag.token_rows import ENDLESS, has_ends, has_token_rows, sentence_column

log = logging.getLogger(__name__)

JOINTS = ("/", "_", "|")
SAMPLE = 2000  # lines from which is found out how a file lies
ALIKE = 0.9  # of the lines at least have as many columns as most, where there are columns
EMPTY = re.compile(r"\n[ \t,;|]*\n")  # a line without a value, as spreadsheets save one too
GAPS = re.compile(r"[ \t]+")  # not every space: some stand for themselves
IN_LIST = re.compile(r"""[,;\t|]"?\[['"]""")  # where a cell begins that is a list of texts
LANGUAGE = re.compile(r"([a-z]{2,3}:).+")  # which WikiANN writes before each word


@dataclass(frozen=True)
class ColumnSpec:
    """What the user says about where words and tags are; empty where it is to be found out."""

    word: str = ""  # a column's name, or its number from 1
    tag: str = ""
    dialect: Dialect = UNKNOWN
    joint: str = ""


@dataclass(frozen=True)
class Layout(Lain):
    """How sentences lie in a file."""

    # "columns", a token a line; "conllu", such in CoNLL-U; "joined", word/tag lines; "lines" of words; "table", a
    # sentence a row; "rows", a table with a token a row; "spans", a table of texts in which spans are marked
    kind: Literal["columns", "conllu", "joined", "lines", "table", "rows", "spans"]
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
    names: tuple[str, ...] = ()  # of columns, where the first line has such
    fewest: int = 0  # columns of each line, where those behind them are as many as a sentence has predicates
    signs: bool = False  # whether signs are parted from the words of texts, as where spans of characters were marked


def find_layout(source: Any, wishes: ColumnSpec, *, like: Layout | None = None, labelled: bool = True) -> Layout:
    """How sentences lie, announced in one line.

    Args:
        source: a file, a folder of such, two parallel ones as ``train.{words,tags}``, or a data frame.
        wishes: what the user says.
        like: how those lie that were learnt from, whose columns are meant where there are such.
        labelled: whether tags are wanted.

    Raises:
        ElmanError: no words or no tags found, or a table has one of the columns learnt from and lacks another.
    """
    if isinstance(source, Path) and len(files := alternatives(source)) > 1:
        if labelled:
            log.info("a sentence a line, words in %s, tags in %s", files[0], ", ".join(map(str, files[1:])))
        return Layout("lines", wishes.dialect)
    if not isinstance(source, Path):
        return _table_layout(_as_table(source, wishes), wishes, like, labelled)
    if is_brat(source, labelled=labelled or like is None or like.kind != "spans"):
        return _spans_layout(str(source), "text", "spans", wishes, labelled)
    if source.is_dir():
        files = files_of(source, wishes.dialect.encoding)
        log.info("%s: %s of sentences, such as %s", source, counted(len(files), "files"), files[0].name)
        return find_layout(files[0], wishes, like=like, labelled=labelled)
    check_task(source, "tag", wishes.dialect.encoding)
    found = format_of(source, wishes.dialect.encoding)
    if found.read is not None and found is not delimited.FORMAT:
        return _table_layout(_as_table(source, wishes), wishes, like, labelled)
    text = read_whole(source, wishes.dialect.encoding)
    lines = [line for line in text.split("\n", SAMPLE)[:SAMPLE] if line.strip() and not line.startswith(DOCUMENT)]
    if not lines:
        raise ElmanError(f"{source} has no sentences")
    check_not_notes(source, lines)
    if found is conllu.FORMAT:
        return _conllu_layout(source, text, wishes, labelled=labelled)
    heading = [cell.strip(' "') for cell in lines[0].split(guess_separator(text, suffix(source)))]
    named = _has_learnt_column(heading, suffix(source), like, labelled)
    named = named or bool(find(heading, "words") and find(heading, "tags"))
    named = named or bool(find(heading, "tag", "tags") and IN_LIST.search("".join(lines[1:2])))
    if (text_of(heading) and may_have_spans(lines[1:])) or named or _names_rows(heading, wishes, labelled):
        table = _as_table(source, wishes)
        rows = _rows_layout(table, wishes, like, labelled) if EMPTY.search(text.strip()) else None
        if rows is None or rows.group:  # else empty lines, which are no rows of a table, end its sentences
            return _table_layout(table, wishes, like, labelled)
    for joint in (wishes.joint,) if wishes.joint else JOINTS:
        if wishes.joint or are_joined(lines, joint):
            log.info("%s: a sentence a line, a tag behind the last %s of each word", source, joint)
            return Layout("joined", wishes.dialect, joint=joint)
    shared = like is not None and like.fewest > 0 and find_shared(lines) is not None
    between = wishes.dialect.separator
    if like is not None and not (labelled or shared) and _are_sentences(lines, between, max(1, like.width)):
        return Layout("lines", wishes.dialect, signs=like.signs)
    if like is not None and like.signs and not labelled and not EMPTY.search(text.strip()):
        return Layout("lines", wishes.dialect, signs=True)  # texts are asked for as they were learnt from
    layout = _column_layout(source, lines, wishes, like)
    if labelled and layout.width == 1 and not any(re.search(r"[\t,; ]", line.strip()) for line in lines):
        raise ElmanError(
            f"{source} has one column, such as {quoted(brief(lines[-1], 40))}, and a word has its tag in another: "
            "with a tab, a blank or a comma between them on a line of their own, or as word/tag"
        )
    if like is not None and like.kind == "columns" and like.width == layout.width and not layout.dialect.header:
        layout = replace(layout, word=like.word, tag=like.tag, prefix=like.prefix)
    if labelled:
        between = SEPARATORS.get(layout.dialect.separator, "spaces")
        tag, prefix = f"the tag in column {layout.tag + 1}", f", {layout.prefix} before it" if layout.prefix else ""
        log.info("%s: a token a line, columns between %s; the word is in column %s%s, %s of %s",
                 source, between, layout.word + 1, prefix, tag, layout.width)  # fmt: skip
    if layout.names and (like is None or like.names != layout.names):
        log.info("%s: the first line has the names of the columns: %s", source, listed(layout.names))
    return layout


def _conllu_layout(source: Path, text: str, wishes: ColumnSpec, *, labelled: bool) -> Layout:
    """The columns by their names: the word is the form, the tag is the universal part of speech, if there are such."""
    names = conllu.columns_of(text.split("\n", 1))
    form = names.index("form") if "form" in names else 1
    word = _column(source, wishes.word, names, ("word", "words"), len(names), form)
    usual = "upos" if "upos" in names else names[-1]
    if not wishes.tag and usual == "upos" and "xpos" in names and labelled:
        some = [cells for each in islice(conllu.sentences(text), SAMPLE) for cells in each.tokens]
        if some and all(cells[names.index("upos")] == conllu.NOTHING for cells in some):
            usual = "xpos"
    tag = _column(source, wishes.tag or usual, names, ("tag", "tags"), len(names), 0)
    if labelled:
        others = ", ".join(name for n, name in enumerate(names) if n not in (word, tag))
        log.info("%s: CoNLL-U; the word is in %s, the tag in %s; not used: %s, remarks, ranges and empty tokens",
                 source, names[word], names[tag], others)  # fmt: skip
    return Layout("conllu", wishes.dialect, len(names), word=word, tag=tag)


def _has_learnt_column(heading: Sequence[str], kind: str, like: Layout | None, labelled: bool) -> bool:
    """Whether a file begins with the names of columns, among them one of the table learnt from.

    In a file of a table without tags it may be another usual name, but for one learnt from columns with a token a line.
    """
    if like is None or like.kind == "columns":
        return False
    usual = not labelled and kind in (".csv", ".tsv") and bool(find(heading, "words"))
    return usual or any(name in heading for name in _columns_of(like))


def _columns_of(like: Layout) -> list[str]:
    return [name for name in (like.tokens, like.tags, like.group) if name]


def _names_rows(heading: Sequence[str], wishes: ColumnSpec, labelled: bool) -> bool:
    """Whether a file begins with the names of the columns of a table with a token a row."""
    group = sentence_column(heading, wishes.word, wishes.tag)
    others = [name for name in heading if name != group]
    tagged = not labelled or wishes.tag or find(others, "tag", "tags")
    return bool(group and tagged and (wishes.word or find(others, "word", "words")))


def _as_table(source: Any, wishes: ColumnSpec) -> Table:
    return read_table(source, BadRows(skip=True), replace(wishes.dialect, header=True))


def _table_layout(table: Table, wishes: ColumnSpec, like: Layout | None, labelled: bool) -> Layout:
    if like is not None and any(name in table.columns for name in _columns_of(like)):
        names = (like.tokens, like.tags) if labelled else (like.tokens, wishes.tag)
        wishes = replace(wishes, word=table.known(names[0]), tag=names[1] and table.known(names[1]))
    if found := _spans_of(table, wishes, like, labelled):
        return _spans_layout(table.name, *found, wishes, labelled, table)
    rows = _rows_layout(table, wishes, like, labelled)
    if rows is not None and has_ends(table, rows.tokens, rows.tags, rows.group):
        if labelled:
            ends = f"sentences are named in {rows.group!r}" if rows.group else "a sentence ends at an empty row"
            log.info("%s: a token a row; the words are in %r, the tags in %r, %s",
                     table.name, rows.tokens, rows.tags, ends)  # fmt: skip
            _tell_unused(table, rows)
        return rows
    if rows is not None and (like is None or like.kind in ("columns", "rows")):
        raise ElmanError(f"{table.name} {ENDLESS}")
    tokens = table.column(wishes.word, "words", "word")
    tags = table.column(wishes.tag, "tags", "tag", among=[column for column in table.columns if column != tokens])
    if not tokens or (labelled and not tags):
        what, option = ("tags", "--tag-column") if tokens else ("words", "--word-column")
        raise ElmanError(
            f"{table.name} has no column that looks like the {what} of sentences; say which with {option}; "
            f"its columns are {listed(table.columns)}"
        )
    if labelled:
        log.info("%s: a sentence a row; the words are in %r, the tags in %r", table.name, tokens, tags)
    layout = Layout("table", tokens=tokens, tags=tags, dialect=replace(wishes.dialect, header=True))
    if labelled:
        _tell_unused(table, layout)
    return layout


def _spans_of(table: Table, wishes: ColumnSpec, like: Layout | None, labelled: bool) -> tuple[str, str] | None:
    """The columns of texts and of the spans in them, where a table has such and no tags of words."""
    if not labelled:
        text = like.tokens if like is not None and like.signs else ""
        text = text and (text if text in table.columns else text_of(table.columns))
        return (text, "") if text else None
    usual = wishes.tag or find([name for name in table.columns if name != wishes.word], "tags", "tag")
    among = [wishes.tag] if wishes.tag else [*([usual] if usual else []), *table.columns]
    spans = next((name for name in among if name in table.columns and are_spans(table.frame[name])), "")
    text = wishes.word or text_of([name for name in table.columns if name != spans])
    if not (spans and text in table.columns) or (usual and usual != spans) or table.frame[text].dtype != pl.String:
        return None
    return text, spans


def _spans_layout(
    name: str, text: str, spans: str, wishes: ColumnSpec, labelled: bool, table: Table | None = None
) -> Layout:
    layout = Layout("spans", wishes.dialect, tokens=text, tags=spans, signs=True)
    if labelled:
        log.info("%s: texts in %r, in which spans of characters are marked, in %r; their words are tagged as IOB2",
                 name, text, spans)  # fmt: skip
    if labelled and table is not None:
        _tell_unused(table, layout)
    return layout


def _tell_unused(table: Table, layout: Layout) -> None:
    if left := [name for name in table.columns if name not in (layout.tokens, layout.tags, layout.group)]:
        log.info("%s: columns that are not used: %s", table.name, listed(left))


def _rows_layout(table: Table, wishes: ColumnSpec, like: Layout | None, labelled: bool) -> Layout | None:
    """How sentences lie in a table with a token a row; None where it is none."""
    learnt = like.tokens if like is not None and like.tokens in table.columns else ""
    word, tag = learnt or _numbered(table, wishes.word), _numbered(table, wishes.tag)
    group = sentence_column(table.columns, word, tag)
    word = word or find([name for name in table.columns if name not in (group, tag)], "word", "words")
    tag = tag or find([name for name in table.columns if name not in (group, word)], "tag", "tags")
    again = like is not None and like.kind == "rows" and bool(group)
    if not word or (labelled and not tag) or not has_token_rows(table, word, tag, group, again=again):
        return None
    prefix = _prefix(table[word])
    return Layout("rows", table.dialect, prefix=prefix, tokens=word, tags=tag, group=group)


def _numbered(table: Table, wish: str) -> str:
    """The column that the user names, or numbers from 1, as in a file without names."""
    if wish.isdigit() and wish not in table.columns and 1 <= int(wish) <= len(table.columns):
        return table.columns[int(wish) - 1]
    return wish and table.known(wish)


def are_joined(lines: Sequence[str], joint: str) -> bool:
    words = [word for line in lines for word in line.rpartition("\t")[2].split()]
    joined = sum(0 < word.rfind(joint) < len(word) - 1 for word in words)
    return len(words) > len(lines) and joined >= 0.98 * len(words)


def _are_sentences(lines: Sequence[str], separator: str, widest: int) -> bool:
    """Whether lines are of many words, since they have more columns than is usual, or not all as many."""
    found, rows = _separated(_without_remarks(lines), separator)
    width = usual_width(rows)
    return not found and (width > widest or sum(len(row) == width for row in rows) < ALIKE * len(rows))


def _column_layout(source: Path, lines: Sequence[str], wishes: ColumnSpec, like: Layout | None) -> Layout:
    if not wishes.dialect.separator and (found := find_shared(lines)):
        word = _column(source, wishes.word, (), (), found.fewest, found.word)
        tag = _column(source, wishes.tag, (), (), found.fewest, found.tag)
        if like is None:
            log.info("%s: %s; other tags: %s; --tag-column takes one by its number", source, found.name, found.others)
        dialect = replace(wishes.dialect, separator=found.separator, header=False)
        return Layout("columns", dialect, found.fewest, word, tag, fewest=found.fewest)
    separator, rows = _separated(_without_remarks(lines), wishes.dialect.separator)
    width = usual_width(rows)
    rows = [cells_of(line, separator) for line in lines]
    rows = [row for row in rows if len(row) == width and any(map(str.strip, row))]  # a line of `,,` ends a sentence
    if not rows:
        raise ElmanError(f"{source} has no words")
    heading = [cell.strip().lower() for cell in rows[0]]
    learnt = like.names if like is not None else ()
    header = wishes.dialect.header
    if header is None:
        header = bool(learnt) and learnt[like.word if like else 0] in heading and set(heading) <= set(learnt)
        header = header or sum(is_named(cell, "word", "words", "tag", "tags") for cell in heading) >= 2
        header = header or (like is None and _stands_above(rows))
    if header and like is not None and learnt:
        known = [names if (names := learnt[place]) in heading else "" for place in (like.word, like.tag)]
        wishes = replace(wishes, word=wishes.word or known[0], tag=wishes.tag or known[1])
    rows = rows[1:] if header else rows
    if not rows:
        raise ElmanError(f"{source} has no rows but its header")
    columns = list(zip(*rows, strict=True))
    names = heading if header else [""] * width
    counted = width > 2 and all(cell[:1].isdigit() for cell in columns[0][:200]) and columns[0][0] == "1"
    # tags of spans are known wherever they stand
    spans = [n for n in range(width) if len(set(columns[n])) > 1 and all(map(SPANS.fullmatch, columns[n]))]
    begun = int(counted) or places_before(columns)
    first = next((n for n in range(begun, width) if n not in spans), 0)
    word = _column(source, wishes.word, names, ("word", "words"), width, first)
    usable = [n for n in spans or range(width) if n != word and len(set(columns[n])) > 1]
    last = 3 if counted and width == 10 else max(usable, default=width - 1)  # ten is CoNLL-U
    tag = _column(source, wishes.tag, names, ("tag", "tags"), width, last)
    sentence = next((n for n, name in enumerate(names) if name.startswith("sentence")), -1)
    return Layout(
        "columns", replace(wishes.dialect, separator=separator, header=header), width, word, tag, sentence,
        _prefix(columns[word]), names=tuple(heading) if header else (),
    )  # fmt: skip


def _stands_above(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of rows has names: none of its cells is in its column again, where each tag is, many times.

    A first word may have a tag of its own too, but then one that is written as tags are and not as the word is.

    >>> rows = [["Haus", "NN"], ["rot", "ADJ"]] * 5
    >>> _stands_above([["Vokabel", "Art"], *rows]), _stands_above([["Ach", "UH"], *rows]), _stands_above(rows)
    (True, False, False)
    """
    first, *below = rows
    if not below or any(map(SPANS.fullmatch, first)) or len({cell.isupper() for cell in first}) > 1:
        return False
    columns = list(zip(*below, strict=True))
    names = all(cell[:1].isalpha() and cell not in column for cell, column in zip(first, columns, strict=True))
    return names and any(has_classes(column) or all(map(SPANS.fullmatch, column)) for column in columns[1:])


def _prefix(words: Iterable[Any]) -> str:
    """What stands before each of the words, if it is the mark of a language."""
    found = {match[1] if (match := LANGUAGE.fullmatch(str(word))) else "" for word in words if word is not None}
    return found.pop() if len(found) == 1 else ""


def _without_remarks(lines: Sequence[str]) -> Sequence[str]:
    """The lines that do not begin as remarks do, if there are such; a word may begin so as well.

    >>> _without_remarks(["# text = a b", "a\\tX", "b\\tY"]), _without_remarks(["#a b"])
    (['a\\tX', 'b\\tY'], ['#a b'])
    """
    return [line for line in lines if not line.startswith("#")] or lines


def _separated(lines: Sequence[str], wish: str) -> tuple[str, list[list[str]]]:
    """What stands between the columns of lines, and their cells."""
    if wish:
        return wish, [cells_of(line, wish) for line in lines]
    for separator in ("\t", "", ",", ";", "|"):
        rows = [cells_of(line, separator) for line in lines]
        width = usual_width(rows)
        if width > 1 and sum(len(row) == width for row in rows) >= ALIKE * len(rows):
            return separator, rows
    return "", [cells_of(line, "") for line in lines]


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def cells_of(line: str, separator: str) -> list[str]:
    if not separator:
        return GAPS.split(line.strip(" \t"))
    if separator in ",;" and '"' in line:
        try:
            return next(csv.reader([line], delimiter=separator, strict=True), [])
        except csv.Error:  # a quotation mark that is a word
            return line.split(separator)
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
