"""Texts and series with labels, as people keep them: tables, lines, folders, ``.ts`` files, long tables."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.formats.fasttext import parted
from elman.data.formats.ts import read_ts
from elman.data.lists import parsed, side_by_side
from elman.data.memory import Arrays
from elman.data.reading import read_table
from elman.data.rows import read_again, with_texts
from elman.data.sequences import LongTable, Sequenced, gather, without_missing
from elman.data.spellings import plain
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.data.times.when import how_written
from elman.data.wide import values_of
from elman.errors import ElmanError, counted, quoted
from elman.tasks.classify.layout import Layout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labelled:
    """Texts or series, and what belongs to each."""

    inputs: list[Any]  # str or Sequenced
    labels: list[Any]  # as they stand in the data; None where there is none
    where: list[str]
    index: np.ndarray  # [N], which of the file's rows each is
    size: int  # rows of the file
    frame: pl.DataFrame  # [size], columns that name a row for people
    of: str = "rows"  # what they are

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Labelled":
        """Some of the rows."""
        inputs, labels, where = ([part[row] for row in rows] for part in (self.inputs, self.labels, self.where))
        return replace(self, inputs=inputs, labels=labels, where=where, index=self.index[np.asarray(rows, int)])

    def without(self, missing: Sequence[str]) -> "Labelled":
        """The same with nothing in the place of what says that there is no value."""
        if not missing:
            return self
        inputs = [without_missing(one, missing) if isinstance(one, Sequenced) else one for one in self.inputs]
        return replace(self, inputs=inputs, labels=[None if str(one) in missing else one for one in self.labels])

    def parting(self, how: str, group: str, time: Sequence[str], order: str = "") -> dict[str, Any]:
        """What ``split`` is to go by: chance, the values of a column, or a time, else the order of rows."""
        if how not in ("random", "time"):
            raise ElmanError(f"--split is random or time, not {how!r}")
        if group and group not in self.frame.columns:
            raise ElmanError(f"there is no column {group!r} to part by; there are {listed(self.frame.columns)}")
        if group:
            return {"groups": self.frame[group].gather(self.index).to_list()}
        if how == "random":
            return {}
        if not time or not set(time) <= set(self.frame.columns):
            return {"times": self.index}
        return {"times": how_written(self.frame, time, order).read(self.frame).values[self.index]}

    def reject(self, wrong: dict[int, str], bad: BadRows) -> "Labelled":
        """The same without some rows, which are bad."""
        for row in sorted(wrong):
            bad.add(self.where[row], wrong[row], self.of)
        return self.take([row for row in range(len(self)) if row not in wrong]) if wrong else self


def read_labelled(source: Any, layout: Layout, bad: BadRows, *, labelled: bool = True) -> Labelled:
    """The texts or series of a file or a table, read as ``layout`` says.

    Args:
        source: the file or folder, a data frame, or series in memory.
        layout: how it lies.
        bad: what is done about rows that cannot be used; with ``labelled``, one without a label is such.
        labelled: whether labels are wanted; lines and tables of texts have them.
    """
    if isinstance(source, pl.DataFrame) and layout.kind in ("lines", "folder"):  # which have no names of their own
        layout = replace(layout, kind="table", text="text", label="label", columns=("text", "label"))
    readers = {
        "folder": _folder, "ts": _ts, "lines": _lines, "table": _table, "long": _long, "wide": _wide, "lists": _lists,
        "arrays": _ts,
    }  # fmt: skip
    reader: Callable[..., Labelled] = _arrays if isinstance(source, Arrays) else readers[layout.kind]
    if layout.kind == "arrays" and reader is _ts and not (isinstance(source, Path) and ".ts" in source.suffixes):
        raise ElmanError("the model was trained on arrays in memory; give it such, or a .ts file")
    found = reader(source, layout, bad, labelled).without(layout.dialect.missing)
    if reader not in (_table, _ts, _wide, _lists):  # whose rows are counted as they are read
        bad.read(found.size, found.of)
    if labelled:
        found = found.reject({row: "has no label" for row, label in enumerate(found.labels) if label is None}, bad)
    if not len(found):
        raise ElmanError(f"{source} has no rows that can be used")
    return found


def _folder(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A folder for each class with a file for each text, or a file for each class with a text a line."""
    if not source.is_dir():
        raise ElmanError(f"{source} is no folder; the labels are the names of what is in a folder")
    inputs, labels, where = [], [], []
    entries = [entry for entry in sorted(source.iterdir()) if not entry.name.startswith(".")]
    for entry in entries:
        if (shown := os.fsencode(entry.name).decode(errors="replace")) != entry.name:
            raise ElmanError(f"{source} has {shown}, whose name is the class, and is not written in UTF-8; rename it")
        if entry.is_dir():
            files = [path for path in sorted(entry.iterdir()) if path.is_file() and not path.name.startswith(".")]
            found = [(read_whole(path, layout.dialect.encoding).strip(), str(path)) for path in files]
        else:
            text = read_whole(entry, layout.dialect.encoding).split("\n")
            found = [(line.strip(), f"{entry}, line {n}") for n, line in enumerate(text, 1) if line.strip()]
        inputs += [text for text, _ in found]
        where += [place for _, place in found]
        labels += [entry.name if entry.is_dir() else entry.name.partition(".")[0]] * len(found)
    if labelled:
        kind = "a text a line" if any(entry.is_file() for entry in entries) else "a file a text"
        log.info("%s: %s, %s", source, kind, counted(len(set(labels)), "classes"))
    return _plain(inputs, labels, where, np.arange(len(inputs)), len(inputs), {"text": inputs})


def _lines(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A label and a text a line."""
    lines = [
        (n, line.strip())
        for n, line in enumerate(read_whole(source, layout.dialect.encoding).split("\n"), 1)
        if line.strip()
    ]
    where = [f"{source}, line {n}" for n, _ in lines]
    labels, texts = [], []
    for _, line in lines:
        several, text = parted(line)
        if not several:
            first, text = (*line.split(None, 1), "")[:2]
            several = [first]
        labels.append(several)
        texts.append(text.strip())
    if all(len(each) == 1 for each in labels):
        labels = [each[0] for each in labels]
    return _plain(texts, labels, where, np.arange(len(texts)), len(texts), {"text": texts})


def _ts(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    found = read_ts(source, bad, layout.dialect.encoding)
    labels: list[Any] = list(found.labels)
    where = [f"{source}, line {line}" for line in found.lines]
    if labelled:
        shape = found.sequences[0].values.shape[1]
        lengths = sorted(len(one.values) for one in found.sequences)
        shape = counted(shape, "channels")
        log.info("%s: %s of %s, %s to %s", source, counted(len(labels), "series"), shape, lengths[0],
                 counted(lengths[-1], "steps"))  # fmt: skip
    return _plain(
        list(found.sequences), labels, where, np.array(found.index), found.size, {"row": range(1, found.size + 1)}
    )


def _arrays(source: Arrays, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    size, channels = len(source), len(layout.channels)
    if layout.is_text:
        raise ElmanError("the model was trained on texts, and these are series of numbers")
    found = [Sequenced(each, np.arange(len(each), dtype=np.float64)) for each in source.series]
    where, names = [f"series {n}" for n in range(1, size + 1)], {"series": range(1, size + 1)}
    wrong = {
        n: f"has {counted(each.shape[1], 'channels')}, where {channels} are wanted"
        for n, each in enumerate(source.series)
        if channels not in (0, each.shape[1])
    } | {n: "has no steps" for n, each in enumerate(source.series) if not len(each)}
    labels = source.labels if labelled and source.labels is not None else [None] * size
    return _plain(found, labels, where, np.arange(size), size, names).reject(wrong, bad)


def _table(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    table = with_texts(read_again(source, layout.known, bad), layout.text)
    texts = table.frame[layout.text].fill_null("").str.strip_chars().to_list()
    labels = table[layout.label]
    where = [table.where(row) for row in range(len(table))]
    return Labelled(texts, labels, where, table.index, table.size, table.spread())


def _wide(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A series in each row; what stands beside its steps names it for people."""
    table = read_again(source, layout.known, bad)
    names = [name for each in layout.steps for name in each]
    beside = [name for name in table.columns if name not in names]
    frame = table.spread().select(beside) if beside else pl.DataFrame({"row": range(1, table.size + 1)})
    table = table.numeric(*layout.numbers)
    found = values_of(table.frame, layout.steps, layout.channels[len(layout.steps) :])
    inputs = [Sequenced(each, np.arange(len(each), dtype=np.float64)) for each in found]
    labels = (
        [_plain_label(each) for each in table[layout.label]] if layout.label in table.columns else [None] * len(inputs)
    )
    where = [table.where(row) for row in range(len(table))]
    wrong = {row: "has no step with a value" for row, each in enumerate(found) if not len(each)}
    return Labelled(inputs, labels, where, table.index, table.size, frame).reject(wrong, bad)


def _lists(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A series in each row, as lists of numbers; what stands beside them names it for people."""
    table = read_again(source, layout.known, bad)
    for column in (*layout.lists, *layout.time):
        table.known(column)
    beside = [name for name in table.columns if name not in (*layout.lists, *layout.time)]
    frame = table.spread().select(beside) if beside else pl.DataFrame({"row": range(1, table.size + 1)})
    table = table.numeric(*layout.numbers)
    constants = np.zeros((len(table), 0), np.float32)
    if layout.numbers:
        constants = table.frame.select(layout.numbers).cast(pl.Float32).to_numpy()
    cells = zip(*(table.frame[column].to_list() for column in (*layout.lists, *layout.time)), strict=True)
    inputs, wrong = [], {}
    for row, (given, beside_it) in enumerate(zip(cells, constants, strict=True)):
        one = _of_lists(given, layout, beside_it)
        inputs.append(one)
        if isinstance(one, str):
            wrong[row] = one
    labels = (
        [_plain_label(each) for each in table[layout.label]] if layout.label in table.columns else [None] * len(inputs)
    )
    where = [table.where(row) for row in range(len(table))]
    return Labelled(inputs, labels, where, table.index, table.size, frame).reject(wrong, bad)


def _of_lists(cells: Sequence[Any], layout: Layout, constants: np.ndarray) -> Sequenced | str:
    """The series of a row, or what is wrong with it."""
    found = [parsed(cell) for cell in cells]
    names = (*layout.lists, *layout.time)
    if None in found:
        column, cell = next(
            pair for pair, one in zip(zip(names, cells, strict=True), found, strict=True) if one is None
        )
        return f"has nothing in {column}" if cell is None else f"{column} is {quoted(cell)}, not a list of numbers"
    given = [one for one in found if one is not None]
    lists = given[: len(layout.lists)]
    if not any(len(each) for cell in lists for each in cell):
        return "has no steps"
    values = side_by_side(lists, layout.inner, layout.widths)
    if values is None:
        return f"{listed(layout.lists, 3)} has not the {sum(layout.widths)} channels that the others have"
    times = given[-1][0] if layout.time else np.arange(len(values), dtype=np.float64)
    if len(times) != len(values) or not np.isfinite(times).all():
        number = counted(int(np.isfinite(times).sum()), "times")
        return f"has {counted(len(values), 'steps')} and {number}; they are to be as many"
    return Sequenced(np.hstack([values, np.tile(constants, (len(values), 1))]), times)


def _plain_label(label: Any) -> Any:
    """A label as it is, but a number as it is usually written: 1.0000000e+00, as in UCR's archive, is 1."""
    return plain(label.strip()) if isinstance(label, str) else label


def _long(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    table = read_again(source, layout.known, bad)
    values = (layout.value,) if layout.parameter else layout.channels
    columns = LongTable(layout.identity, layout.when, values, layout.parameter or None)
    found = gather(table, columns, layout.channels)
    names = pl.DataFrame({layout.identity: found.identities})
    labels: list[Any] = [None] * len(names)
    if labelled and layout.label in table.columns:
        labels = _label_of_each(table, layout, found.identities)
    elif labelled:
        apart = read_table(Path(layout.labels), BadRows()) if layout.labels else table
        apart.known(layout.label)
        named = pl.col(apart.known(layout.label_identity))
        other = apart.frame.with_columns(named.cast(pl.String).alias(layout.identity))
        names = names.join(
            other.unique(layout.identity, keep="first"), on=layout.identity, how="left", maintain_order="left"
        )
        labels = names[layout.label].to_list()
    where = [
        f"{table.name}, {table.unit} {line} ({layout.identity} {name})"
        for name, line in zip(found.identities, found.lines, strict=True)
    ]
    return Labelled(found.sequences, labels, where, np.arange(len(names)), len(names), names, "series")


def _label_of_each(table: Table, layout: Layout, identities: list[str]) -> list[Any]:
    frame = table.frame.select(
        pl.col(layout.identity).cast(pl.String).alias("identity"), pl.col(layout.label).alias("label")
    )
    grouped = (
        frame.drop_nulls().group_by("identity").agg(pl.col("label").first(), pl.col("label").n_unique().alias("kinds"))
    )
    several = grouped.filter(pl.col("kinds") > 1)["identity"].to_list()
    if several:
        raise ElmanError(
            f"{table.name}: {layout.identity} {several[0]} has several labels in {layout.label}; a series has one"
        )
    known = dict(zip(grouped["identity"], grouped["label"], strict=True))
    return [known.get(name) for name in identities]


def _plain(
    inputs: list[Any], labels: list[Any], where: list[str], index: np.ndarray, size: int, names: dict[str, Any]
) -> Labelled:
    return Labelled(inputs, labels, where, index, size, pl.DataFrame(names))


def warn_of_leaks(rows: Labelled, layout: Layout) -> None:
    """Say which parts of the data tell the label by themselves: the answer may be known only where it is not asked."""
    labels = [str(label) for label in rows.labels]
    if layout.is_text:
        own = [label.lower() in text.lower().split() for text, label in zip(rows.inputs, labels, strict=True)]
        if sum(own) >= 0.98 * len(own) and any(len(label) > 2 for label in labels):
            log.warning("the text has its label in it, word for word, in %s of %s", sum(own), counted(len(own), "rows"))
        return
    channels = layout.channels or tuple(f"channel {n}" for n in range(1, rows.inputs[0].values.shape[1] + 1))
    for n, channel in enumerate(channels):
        kinds = [np.unique(one.values[~np.isnan(one.values[:, n]), n]) for one in rows.inputs]
        if any(len(kind) != 1 for kind in kinds):
            continue
        pairs = {(float(kind[0]), label) for kind, label in zip(kinds, labels, strict=True)}
        values = {value for value, _ in pairs}
        if 1 < len(values) == len(pairs) <= 2 * len(set(labels)):
            log.warning(
                "%s alone tells the label in every row; leave it out with --ignore if it is not known then", channel
            )
