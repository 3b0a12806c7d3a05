"""How labelled data lies in people's files: what it is, and which columns are what; found out, or said."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import is_named, listed
from elman.data.dialect import UNKNOWN, Dialect, Lain
from elman.data.formats import check_task, fasttext, format_of, ts
from elman.data.lists import Inner, find_inner, holds_lists, parsed, width
from elman.data.marked import check_no_spans
from elman.data.memory import Arrays
from elman.data.plain import Size
from elman.data.reading import is_table, read_table
from elman.data.roles import holds_codes, names_rows, no_numbers, numbers_of, unused
from elman.data.rows import Known
from elman.data.separators import SEPARATORS
from elman.data.tables import Table
from elman.data.times.when import When, find_when
from elman.data.wide import Wide, find_wide
from elman.errors import ElmanError, counted
from elman.tasks.classify.columns import is_prose, is_text, likely_label, likely_text, named_label

log = logging.getLogger(__name__)

SHOWN = 5  # series that are named


@dataclass(frozen=True)
class ColumnSpec:
    """What the user says of the data; what is empty is found out."""

    text: str = ""
    label: str = ""
    identity: str = ""
    time: tuple[str, ...] = ()
    parameter: str = ""
    ignore: tuple[str, ...] = ()
    labels: str = ""  # a file that has them
    order: str = ""  # of day, month and year
    dialect: Dialect = UNKNOWN


@dataclass(frozen=True)
class Layout(Lain):
    """How the data lies: kept with the model, so that other files are read as the first one was."""

    kind: Literal["table", "lines", "folder", "ts", "long", "wide", "lists", "arrays"]
    text: str = ""
    label: str = ""
    identity: str = ""
    time: tuple[str, ...] = ()
    parameter: str = ""
    value: str = ""
    channels: tuple[str, ...] = ()
    dialect: Dialect = UNKNOWN
    labels: str = ""
    label_identity: str = ""
    columns: tuple[str, ...] = ()  # all of a table
    marked: bool = False  # of lines: whether no text begins with a word that is a label
    forms: tuple[str, ...] = ()  # in which times are written
    steps: tuple[tuple[str, ...], ...] = ()  # of a wide table: the columns of each channel, "" where a step has none
    lists: tuple[str, ...] = ()  # the columns of lists of numbers
    inner: tuple[Inner, ...] = ()  # of each of them: what a list in a list is
    widths: tuple[Size, ...] = ()  # of each of them: its channels

    @property
    def when(self) -> When:
        """The columns of times, to be read."""
        return When(self.time, self.forms)

    @property
    def is_text(self) -> bool:
        return self.kind in ("table", "lines", "folder")

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers that are read, of a table with a series in each row."""
        if self.kind == "lists":
            return list(self.channels[sum(self.widths) :])
        if self.kind != "wide":
            return []
        return [name for each in self.steps for name in each if name] + list(self.channels[len(self.steps) :])

    def is_row(self, line: str) -> bool:
        """Whether a line of a stream is a row of such a table, and not a series as JSON.

        >>> layout = Layout("lists", lists=("x",))
        >>> layout.is_row('{"values": [1, 2]}'), layout.is_row('{"x": [1, 2]}'), layout.is_row("[1, 2]")
        (False, True, False)
        """
        start = line.lstrip()
        named = "values" in (*self.lists, *self.columns)
        series = start.startswith("[") or (start.startswith("{") and '"values"' in start and not named)
        return self.kind in ("wide", "lists") and not series

    def names_row(self, row: Any) -> bool:
        """Whether a value in memory is a row of such a table, by the names of its columns."""
        return (
            self.kind in ("wide", "lists") and isinstance(row, Mapping) and not set(self.known.needed).isdisjoint(row)
        )

    @property
    def known(self) -> Known:
        """What is known of tables of texts or steps; of other kinds what they have in a line of a stream."""
        if self.kind not in ("table", "long", "wide", "lists"):
            return Known(("label", "text"), ["text"], ["label"], dialect=self.dialect, free=True)
        if self.kind == "wide":
            return Known(self.columns, self.numbers, [self.label], dialect=self.dialect)
        if self.kind == "lists":
            needed = [*self.lists, *self.time, *self.numbers]
            return Known(self.columns, needed, [self.label], dialect=self.dialect)
        named = (
            self.identity,
            *self.when.columns,
            self.parameter,
            self.value,
            *(() if self.parameter else self.channels),
        )
        needed = [self.text] if self.is_text else [name for name in named if name]
        return Known(self.columns, needed, [self.label], dialect=self.dialect, free=self.is_text)


def find_layout(source: Any, wishes: ColumnSpec, bad: BadRows) -> Layout:
    """How the data lies, announced in one line.

    Raises:
        ElmanError: nothing in it that could be a text, a series or a label.
    """
    if isinstance(source, Arrays):
        channels = tuple(f"channel {n}" for n in range(1, source.series[0].shape[1] + 1))
        return Layout("arrays", channels=channels, dialect=wishes.dialect)
    encoding = wishes.dialect.encoding
    if isinstance(source, Path) and source.is_dir():
        if not _holds_a_table(source, wishes.dialect):
            return Layout("folder", dialect=wishes.dialect)
    elif isinstance(source, Path):
        check_task(source, "classify", encoding)
        found = format_of(source, encoding)
        if found is ts.FORMAT:
            return Layout("ts", dialect=wishes.dialect)
        said = wishes.dialect.separator or wishes.text or wishes.label
        if found is fasttext.FORMAT or not (said or is_table(source, encoding)):
            log.info("%s: a label and a text a line; the first word is the label", source)
            return Layout("lines", dialect=wishes.dialect)
    table = read_table(source, bad, wishes.dialect)
    table.tell()
    layout = _table_layout(table, wishes)
    numbers = () if layout.is_text else (layout.value,) if layout.parameter else layout.numbers
    if layout.kind == "long" and not layout.parameter:
        numbers = layout.channels
    layout = replace(layout, columns=tuple(table.columns), dialect=table.written(*numbers))
    if separator := table.dialect.separator:
        between, header = SEPARATORS.get(separator, repr(separator)), table.dialect.header
        log.info("%s: columns between %s, %s a header", table.name, between, "with" if header else "without")
    return layout


def _holds_a_table(folder: Path, dialect: Dialect) -> bool:
    """Whether the files of a folder are parts of one table, of the same named columns, and not a class each."""
    entries = [each for each in folder.iterdir() if not each.name.startswith(".")]
    if not all(each.is_file() and is_table(each, dialect.encoding) for each in entries):
        return False
    try:
        table = read_table(folder, BadRows("all"), dialect)
    except ElmanError:
        return False
    return len(table.columns) > 1 and table.dialect.header is not False


def _table_layout(table: Table, wishes: ColumnSpec) -> Layout:
    for column in wishes.ignore:
        table.known(column)
    columns = [column for column in table.columns if column not in wishes.ignore]
    if not (wishes.text or wishes.identity or wishes.labels) and (layout := _lists_layout(table, wishes, columns)):
        return layout
    identity = table.column(wishes.identity, "identity", among=columns)
    if identity and not (wishes.identity or wishes.labels) and table.frame[identity].n_unique() > len(table) / 2:
        identity = ""  # as many as rows: it numbers them
    if not wishes.text and (identity or wishes.labels):
        return _long_layout(table, wishes, columns, identity)
    if not wishes.text and (layout := _wide_layout(table, wishes, columns)):
        return layout
    texts = [column for column in columns if table.frame[column].dtype == pl.String and not table.is_numeric(column)]
    label = named_label(table, wishes.label, [column for column in columns if column != wishes.text])
    text = table.known(wishes.text) if wishes.text else likely_text(table, texts, columns, label)
    why = ""
    if not label:
        label, why = likely_label(table, [column for column in columns if column != text])
    if not (text and label):
        what = "text" if not text else "label"
        steps = "" if text else ", nor columns that count as x_1, x_2 and x_3 do, which would be the steps of a series"
        raise ElmanError(
            f"{table.name} has no column that looks like the {what}{steps}; say which with --{what}-column; "
            f"its columns are {listed(table.columns)}"
        )
    check_no_spans(table.name, table.frame[label])
    log.info("%s: the text is in column %r, the label in %r", table.name, text, label)
    _tell_rest(table, (text, label), label, why, wishes.ignore)
    return Layout("table", text=text, label=label)


def _wide_layout(table: Table, wishes: ColumnSpec, columns: list[str]) -> Layout | None:
    """A series in each row, where columns count; None where a text is rather what there is to read."""
    numbers = [column for column in columns if table.is_numeric(column)]
    texts = [column for column in columns if column not in numbers]
    if any(is_text(table, column) for column in texts if column != wishes.label):
        return None
    label, why = named_label(table, wishes.label, columns), ""
    wide = find_wide([column for column in numbers if column != label])
    if wide is None:
        return None
    if not label:
        rest = [column for column in columns if column not in wide.columns]
        ends = rest or [columns[0], columns[-1]]  # where all columns have numbers for names, the label is at an end
        at_end = next((column for column in ends if _is_class(table, column)), "")
        label, why = likely_label(table, rest) if rest else (at_end, "since it has the fewest values")
    if not label:
        raise ElmanError(
            f"{table.name} has a series in each row, of columns that count, and no column that looks like the label; "
            f"say which with --label-column; its columns are {listed(table.columns)}"
        )
    wide = find_wide([column for column in numbers if column != label])
    if wide is None:
        return None
    constants = _constants(table, [column for column in numbers if column not in (*wide.columns, label)])
    shown = ", ".join(f"{name or 'a step'} ({steps[0]} to {steps[-1]})" for name, steps in _shown(wide))
    beside = f"; the same at every step: {listed(constants)}" if constants else ""
    number = counted(len(wide.steps[0]), "steps")
    log.info("%s: a series of %s in each row: %s%s; the label is in %r", table.name, number, shown, beside, label)
    used = (*wide.columns, *constants, label)
    _tell_rest(table, used, label, why, wishes.ignore)
    return Layout("wide", label=label, channels=(*wide.channels, *constants), steps=wide.steps)


def _lists_layout(table: Table, wishes: ColumnSpec, columns: list[str]) -> Layout | None:
    """A series in each row, as lists of numbers; None where there are none, or a text is rather what is to be read."""
    frame = table.frame
    label, why = named_label(table, wishes.label, columns), ""
    found = [c for c in columns if c != label and holds_lists(frame[c])]
    rest = [column for column in columns if column not in found]
    numbers = [c for c in rest if not frame[c].dtype.is_nested() and table.is_numeric(c)]
    if not found or any(is_named(c, "text") or is_prose(frame[c]) for c in rest if c not in (*numbers, label)):
        return None
    time = next((c for c in found if len(found) > 1 and (c in wishes.time or is_named(c, "time", "step"))), "")
    lists = tuple(column for column in found if column != time)
    cells = [[parsed(cell) for cell in frame[column].to_list()] for column in lists]
    inner: tuple[Inner, ...] = tuple(find_inner(column, each) for column, each in zip(lists, cells, strict=True))
    widths = tuple(width(each, kind) for each, kind in zip(cells, inner, strict=True))
    if not all(widths):
        return None
    if not label:
        label, why = likely_label(table, [c for c in rest if not frame[c].dtype.is_nested()])
    if not label:
        raise ElmanError(
            f"{table.name} has a series in each row, in lists of {listed(lists)}, and no column that looks like the "
            f"label; say which with --label-column; its columns are {listed(table.columns)}"
        )
    constants = _constants(table, [column for column in numbers if column != label])
    shown = ", ".join(
        f"{column} ({counted(size, 'channels')}, a list a {kind})" if kind else column
        for column, size, kind in zip(lists, widths, inner, strict=True)
    )
    beside = f"; their times: {time}" if time else ""
    beside += f"; the same at every step: {listed(constants)}" if constants else ""
    log.info("%s: a series in each row, in lists: %s%s; the label is in %r", table.name, shown, beside, label)
    _tell_rest(table, (*found, *constants, label), label, why, wishes.ignore)
    channels = [
        column if size == 1 else f"{column} {n}"
        for column, size in zip(lists, widths, strict=True)
        for n in range(1, size + 1)
    ]
    return Layout("lists", label=label, time=(time,) if time else (), channels=(*channels, *constants), lists=lists,
                  inner=inner, widths=widths)  # fmt: skip


def _constants(table: Table, numbers: Sequence[str]) -> list[str]:
    """The columns of amounts that vary from row to row, which stand beside each step of a series."""
    amounts = [c for c in numbers if not names_rows(table, c) and not holds_codes(table.frame[c])]
    return [column for column in amounts if table.frame[column].drop_nulls().n_unique() > 1]


def _shown(wide: Wide) -> list[tuple[str, list[str]]]:
    each = [(name, [column for column in steps if column]) for name, steps in zip(*wide, strict=True)]
    return each[:SHOWN]


def _is_class(table: Table, column: str) -> bool:
    """Whether a column of numbers has few whole ones, as classes have."""
    numbers = numbers_of(table, column).drop_nulls()
    few = 1 < numbers.n_unique() <= max(2, len(numbers) / 3)
    return few and bool((numbers == numbers.floor()).all())


def _tell_rest(table: Table, used: Sequence[str], label: str, why: str, ignored: Sequence[str]) -> None:
    """Say which columns are left out, and that the label was not asked for."""
    _tell_label(table, label, why)
    if left := [column for column in table.columns if column not in (*used, *ignored)]:
        log.info("%s: columns that are not used: %s", table.name, listed(unused(table, left)))


def _tell_label(table: Table, label: str, why: str) -> None:
    if why:
        log.info("%s: %r is taken for the label, %s; --label-column says another", table.name, label, why)


def _long_layout(table: Table, wishes: ColumnSpec, columns: list[str], identity: str) -> Layout:
    if not identity:
        raise ElmanError(f"{table.name}: which column says to which series a row belongs? say it with --id-column")
    rest = [column for column in columns if column != identity]
    when = find_when(table, wishes.time, rest, "period", order=wishes.order, elapsed=True)
    time = when.columns
    label, why, labels, label_identity = "", "", wishes.labels, ""
    if labels:
        other = read_table(Path(labels), BadRows())
        label_identity = identity if identity in other.columns else other.columns[0]
        usable = [column for column in other.columns if column != label_identity]
        if not usable:
            raise ElmanError(f"{other.name} has one column, {label_identity!r}; labels stand in a second one")
        label = named_label(other, wishes.label, usable)
        if not label:
            label, why = usable[-1], "since it is the last column"
    else:
        label = named_label(table, wishes.label, [column for column in rest if column not in time])
        if not label:
            constant = [c for c in rest if c not in time and _constant_within(table, identity, c)]
            if not constant:
                raise ElmanError(f"{table.name} has no column that looks like the label; say which with --label-column")
            label, why = constant[-1], f"since it is the same throughout each {identity}"
    rest = [column for column in rest if column not in (*time, *([] if labels else [label]))]
    words = [column for column in rest if not table.is_numeric(column)]
    codes = [column for column in rest if holds_codes(table.frame[column])]
    numbers = [column for column in rest if column not in (*words, *codes)]
    parameter = wishes.parameter
    if not parameter and len(words) == 1 and len(numbers) == 1:
        parameter = words[0]
    if parameter:
        numbers = numbers[:1]
        counts = Counter(table[parameter])
        channels = tuple(sorted(str(name) for name in counts if name is not None))
    else:
        channels = tuple(numbers)
    if not (channels and numbers):
        besides = f"{identity} and {when.said or 'the time'}"
        raise ElmanError(f"{table.name} has no columns of numbers besides {besides}; {no_numbers(table)}")
    shown = f"{counted(len(channels), 'channels')} from {parameter!r}" if parameter else f"channels {listed(channels)}"
    source = f" of {labels}" if labels else ""
    log.info("%s: a series for each %r, in the order of %s; %s; the label is in %r%s", table.name, identity,
             repr(when.said) if time else "the rows", shown, label, source)  # fmt: skip
    _tell_label(table, label, why)
    if dropped := [column for column in (*words, *codes) if column != parameter]:
        log.info("%s: left out, since they are no amounts: %s", table.name, listed(unused(table, dropped)))
    return Layout(
        "long",
        label=label,
        identity=identity,
        time=time,
        forms=when.forms,
        parameter=parameter,
        value=numbers[0] if parameter else "",
        channels=channels,
        labels=labels,
        label_identity=label_identity,
    )


def _constant_within(table: Table, identity: str, column: str) -> bool:
    kinds = table.frame.group_by(identity).agg(pl.col(column).n_unique())[column]
    return bool((kinds == 1).all()) and 1 < table.frame[column].n_unique() <= max(
        2, table.frame[identity].n_unique() / 2
    )
