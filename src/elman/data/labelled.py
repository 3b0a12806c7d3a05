"""Texts and series with labels, as people keep them: tables, lines, folders, ``.ts`` files, long tables."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.sequences import LongTable, gather, read_ts
from elman.data.tables import SEPARATORS, Table, guess_separator, is_numeric, read_table
from elman.data.text import read_whole
from elman.data.times import is_time
from elman.errors import ElmanError

log = logging.getLogger(__name__)

LABELS = "label labels class target category sentiment intent outcome y answer language country".split()
TEXTS = "text sentence review comment question message body content title tweet document utterance name word".split()
IDENTITIES = "id series series_id sequence sequence_id subject patient record recordid case person unit sample".split()
MOMENTS = "time timestamp date datetime t step minute hour day".split()
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True)
class Wishes:
    """What the user says of the data; what is empty is found out."""

    text: str = ""
    label: str = ""
    identity: str = ""
    time: str = ""
    parameter: str = ""
    ignore: tuple[str, ...] = ()
    labels: str = ""  # a file that has them
    separator: str = ""
    header: bool | None = None


@dataclass(frozen=True)
class Layout:
    """How the data lies: kept with the model, so that other files are read as the first one was."""

    kind: str  # "table", "lines", "folder", "ts" or "long"
    text: str = ""
    label: str = ""
    identity: str = ""
    time: str = ""
    parameter: str = ""
    value: str = ""
    channels: tuple[str, ...] = ()
    separator: str = ""
    header: bool | None = None
    labels: str = ""
    label_identity: str = ""

    @property
    def is_text(self) -> bool:
        return self.kind in ("table", "lines", "folder")

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "Layout":
        """A layout from its plain values."""
        return cls(**{**values, "channels": tuple(values["channels"])})


@dataclass(frozen=True)
class Labelled:
    """Texts or series, and what belongs to each."""

    inputs: list[Any]  # str or Sequenced
    labels: list[Any]  # as they stand in the data; None where there is none
    where: list[str]
    index: np.ndarray  # [N], which of the file's rows each is
    size: int  # rows of the file
    frame: pl.DataFrame  # [size], columns that name a row for people

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Labelled":
        """Some of the rows."""
        inputs, labels, where = ([part[row] for row in rows] for part in (self.inputs, self.labels, self.where))
        return replace(self, inputs=inputs, labels=labels, where=where, index=self.index[np.asarray(rows)])

    def parting(self, how: str, group: str, time: str) -> dict[str, Any]:
        """What ``split`` is to go by: ``"random"``, ``"time"``, or the values of a column."""
        if how not in ("random", "time"):
            raise ElmanError(f"--split is random or time, not {how!r}")
        for column in (group, time if how == "time" else ""):
            if column and column not in self.frame.columns:
                raise ElmanError(f"there is no column {column!r} to part by; there are {', '.join(self.frame.columns)}")
        if group:
            return {"groups": self.frame[group].gather(self.index).to_list()}
        if how == "time":
            order = self.frame[time].gather(self.index).to_list() if time else self.index
            return {"times": np.unique(np.array(order), return_inverse=True)[1]}
        return {}

    def reject(self, wrong: dict[int, str], bad: BadRows) -> "Labelled":
        """The same without some rows, which are bad."""
        for row in sorted(wrong):
            bad.add(self.where[row], wrong[row])
        return self.take([row for row in range(len(self)) if row not in wrong]) if wrong else self


def find_layout(source: Any, wishes: Wishes, bad: BadRows) -> Layout:
    """How the data lies, announced in one line.

    Raises:
        ElmanError: nothing in it that could be a text, a series or a label.
    """
    if isinstance(source, Path):
        if not source.exists():
            raise ElmanError(f"there is no file {source}")
        if source.is_dir():
            return Layout("folder")
        suffix = _suffix(source)
        if suffix == ".ts":
            return Layout("ts")
        if suffix not in TABLES and not (wishes.separator or wishes.text or wishes.label):
            text = read_whole(source)
            if not _is_table(text):
                log.info("%s: a label and a text a line; the first word is the label", source)
                return Layout("lines")
    table = read_table(source, bad, separator=wishes.separator or None, header=wishes.header)
    layout = _table_layout(table, wishes)
    if table.separator is not None:
        between = SEPARATORS.get(table.separator, repr(table.separator))
        log.info("%s: columns between %s, %s a header", table.name, between, "with" if table.header else "without")
        layout = replace(layout, separator=table.separator, header=table.header)
    return layout


def _table_layout(table: Table, wishes: Wishes) -> Layout:
    for column in wishes.ignore:
        table.known(column)
    columns = [column for column in table.columns if column not in wishes.ignore]
    identity = named(table, wishes.identity, IDENTITIES, columns)
    if identity and not wishes.identity and table.frame[identity].n_unique() > len(table) / 2:
        identity = ""  # as many as rows: it numbers them
    if not wishes.text and (identity or wishes.labels):
        return _long_layout(table, wishes, columns, identity)
    texts = [
        column for column in columns if table.frame[column].dtype == pl.String and not is_numeric(table.frame[column])
    ]
    label = named(table, wishes.label, LABELS, [column for column in columns if column != wishes.text])
    text = named(table, wishes.text, TEXTS, [column for column in texts if column != label])
    others = [column for column in texts if column != label]
    if not text and others:
        text = max(others, key=lambda column: table.frame[column].str.len_chars().mean() or 0)
    if not label:
        rest = [column for column in columns if column != text and table.frame[column].n_unique() < len(table)]
        label = min(rest, key=lambda column: table.frame[column].n_unique(), default="")
    if not (text and label):
        what = "text" if not text else "label"
        raise ElmanError(
            f"{table.name} has no column that looks like the {what}; say which with --{what}-column; "
            f"its columns are {', '.join(table.columns)}"
        )
    log.info("%s: the text is in column %r, the label in %r", table.name, text, label)
    return Layout("table", text=text, label=label)


def _long_layout(table: Table, wishes: Wishes, columns: list[str], identity: str) -> Layout:
    if not identity:
        raise ElmanError(f"{table.name}: which column says to which series a row belongs? say it with --id-column")
    rest = [column for column in columns if column != identity]
    time = named(table, wishes.time, MOMENTS, rest)
    if not time:
        time = next((column for column in rest if is_time(table.frame[column])), "")
    label, labels, label_identity = "", wishes.labels, ""
    if labels:
        other = read_table(Path(labels), BadRows())
        label_identity = identity if identity in other.columns else other.columns[0]
        usable = [column for column in other.columns if column != label_identity]
        label = named(other, wishes.label, LABELS, usable) or usable[-1]
    else:
        label = named(table, wishes.label, LABELS, [column for column in rest if column != time])
        if not label:
            constant = [c for c in rest if c != time and _constant_within(table, identity, c)]
            if not constant:
                raise ElmanError(f"{table.name} has no column that looks like the label; say which with --label-column")
            label = constant[-1]
    rest = [column for column in rest if column not in (time, label)] if not labels else [c for c in rest if c != time]
    words = [column for column in rest if not is_numeric(table.frame[column])]
    numbers = [column for column in rest if column not in words]
    parameter = wishes.parameter
    if not parameter and len(words) == 1 and len(numbers) == 1:
        parameter = words[0]
    if parameter:
        numbers = numbers[:1]
        counts = Counter(table[parameter])
        channels = tuple(sorted(str(name) for name in counts if name is not None))
    else:
        channels = tuple(numbers)
    if not channels:
        raise ElmanError(f"{table.name} has no columns of numbers besides {identity} and {time or 'the time'}")
    shown = f"{len(channels)} channels from {parameter!r}" if parameter else f"channels {', '.join(channels)}"
    source = f" of {labels}" if labels else ""
    log.info("%s: a series for each %r, in the order of %s; %s; the label is in %r%s", table.name, identity,
             repr(time) if time else "the rows", shown, label, source)  # fmt: skip
    if dropped := [column for column in words if column != parameter]:
        log.info("%s: left out, since they are no numbers: %s", table.name, ", ".join(dropped))
    return Layout(
        "long",
        label=label,
        identity=identity,
        time=time,
        parameter=parameter,
        value=numbers[0] if parameter else "",
        channels=channels,
        labels=labels,
        label_identity=label_identity,
    )


def read_labelled(source: Any, layout: Layout, bad: BadRows, *, labelled: bool = True) -> Labelled:
    """The texts or series of a file or a table, read as ``layout`` says.

    Args:
        source: the file or folder, or a data frame.
        layout: how it lies.
        bad: what is done about rows that cannot be used; with ``labelled``, one without a label is such.
        labelled: whether labels are wanted.
    """
    reader = {"folder": _folder, "ts": _ts, "lines": _lines, "table": _table, "long": _long}[layout.kind]
    found = reader(source, layout, bad, labelled)
    if labelled:
        found = found.reject({row: "has no label" for row, label in enumerate(found.labels) if label is None}, bad)
    if not len(found):
        raise ElmanError(f"{source} has no rows that can be used")
    return found


def _folder(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A folder for each class with a file for each text, or a file for each class with a text a line."""
    if not source.is_dir():
        return _lines(source, layout, bad, False)
    inputs, labels, where = [], [], []
    entries = [entry for entry in sorted(source.iterdir()) if not entry.name.startswith(".")]
    for entry in entries:
        if entry.is_dir():
            files = [path for path in sorted(entry.iterdir()) if path.is_file() and not path.name.startswith(".")]
            found = [(read_whole(path).strip(), str(path)) for path in files]
        else:
            text = read_whole(entry).split("\n")
            found = [(line.strip(), f"{entry}, line {n}") for n, line in enumerate(text, 1) if line.strip()]
        inputs += [text for text, _ in found]
        where += [place for _, place in found]
        labels += [entry.name if entry.is_dir() else entry.name.partition(".")[0]] * len(found)
    if labelled:
        kind = "a text a line" if any(entry.is_file() for entry in entries) else "a file a text"
        log.info("%s: %s, %s classes", source, kind, len(set(labels)))
    return _plain(inputs, labels, where, np.arange(len(inputs)), len(inputs), {"text": inputs})


def _lines(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    """A label and a text a line, or without labels a text a line."""
    lines = [(n, line.strip()) for n, line in enumerate(read_whole(source).split("\n"), 1) if line.strip()]
    where = [f"{source}, line {n}" for n, _ in lines]
    if not labelled:
        texts = [line for _, line in lines]
        return _plain(texts, [None] * len(texts), where, np.arange(len(texts)), len(texts), {"text": texts})
    parts = [line.split(None, 1) for _, line in lines]
    texts = [part[1] if len(part) > 1 else "" for part in parts]
    labels = [part[0].removeprefix("__label__") for part in parts]  # as fastText has it
    return _plain(texts, labels, where, np.arange(len(texts)), len(texts), {"text": texts})


def _ts(source: Path, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    found = read_ts(source, bad)
    labels: list[Any] = list(found.labels)
    where = [f"{source}, line {line}" for line in found.lines]
    if labelled:
        shape = found.sequences[0].values.shape[1]
        lengths = sorted(len(one.values) for one in found.sequences)
        log.info("%s: %s series of %s channels, %s to %s steps", source, len(labels), shape, lengths[0], lengths[-1])
    return _plain(
        list(found.sequences), labels, where, np.array(found.index), found.size, {"row": range(1, found.size + 1)}
    )


def _table(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    table = read_table(source, bad, separator=layout.separator or None, header=layout.header)
    texts = ["" if text is None else str(text) for text in table[layout.text]]
    labels = table[layout.label] if labelled else [None] * len(table)
    where = [table.where(row) for row in range(len(table))]
    frame = _spread(table.frame, table.index, table.size)
    return Labelled(texts, labels, where, table.index, table.size, frame)


def _long(source: Any, layout: Layout, bad: BadRows, labelled: bool) -> Labelled:
    table = read_table(source, bad, separator=layout.separator or None, header=layout.header)
    values = (layout.value,) if layout.parameter else layout.channels
    columns = LongTable(layout.identity, layout.time or None, values, layout.parameter or None)
    found = gather(table, columns, layout.channels)
    labels: list[Any] = [None] * len(found.identities)
    if labelled and layout.labels:
        other = read_table(Path(layout.labels), BadRows())
        known = dict(zip(map(str, other[layout.label_identity]), other[layout.label], strict=True))
        labels = [known.get(name) for name in found.identities]
    elif labelled:
        labels = _label_of_each(table, layout, found.identities)
    where = [
        f"{table.name}, line {line} ({layout.identity} {name})"
        for name, line in zip(found.identities, found.lines, strict=True)
    ]
    size = len(found.identities)
    return _plain(found.sequences, labels, where, np.arange(size), size, {layout.identity: found.identities})


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


def _spread(frame: pl.DataFrame, index: np.ndarray, size: int) -> pl.DataFrame:
    """The rows of a table at their places in the file; those left out are empty."""
    if len(frame) == size:
        return frame
    places = pl.DataFrame({"\0row": np.arange(size)})
    return places.join(frame.with_columns(pl.Series("\0row", index)), on="\0row", how="left").drop("\0row")


def named(table: Table, wish: str, usual: Sequence[str], among: Sequence[str]) -> str:
    """The column that the user names, or the first that is named as usual, or none."""
    if wish:
        return table.known(wish)
    found = {column.lower().replace(" ", "_"): column for column in reversed(among)}
    return next((found[name] for name in usual if name in found), "")


def _constant_within(table: Table, identity: str, column: str) -> bool:
    kinds = table.frame.group_by(identity).agg(pl.col(column).n_unique())[column]
    return bool((kinds == 1).all()) and 1 < table.frame[column].n_unique() <= max(
        2, table.frame[identity].n_unique() / 2
    )


def _is_table(text: str) -> bool:
    """Whether a text file has columns: every line as many of them, two or more."""
    separator = guess_separator(text)
    widths = {line.count(separator) for line in text.split("\n")[:2000] if line.strip()}
    return len(widths) == 1 and widths != {0} and (separator == "\t" or text.count("\n") > 3)


def _suffix(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
