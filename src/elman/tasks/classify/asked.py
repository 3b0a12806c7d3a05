"""Texts to be classified, from wherever they come, without the labels that may stand beside them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from elman.data.bad import BadRows
from elman.data.formats.fasttext import PREFIX, parted
from elman.data.rows import Asked, read_texts
from elman.tasks.classify.labelled import read_labelled
from elman.tasks.classify.layout import Layout

SURE = 10  # lines that all begin with a label, from which it is no chance


def read_asked(source: Any, layout: Layout, bad: BadRows, is_label: Callable[[str], bool]) -> Asked[str]:
    """The texts of a file, of a table or a list in memory, or of a line of a stream.

    Args:
        source: where they are; a folder has them as the one learnt from.
        layout: how those lay that were learnt from.
        bad: what is done about rows that cannot be used.
        is_label: whether a word is one of the labels that were learnt.
    """
    if isinstance(source, Path) and source.is_dir() and layout.kind != "table":
        found = read_labelled(source, layout, bad, labelled=False)
        return Asked(found.inputs, found.index, found.size, found.frame)
    role = "" if layout.kind == "table" else "text"
    known = replace(layout.known, is_answer=is_label)
    table, column = read_texts(source, layout.text or "text", known, bad, usual="text", role=role)
    texts = table.frame[column].fill_null("").str.strip_chars().to_list()
    if layout.kind == "lines":
        texts = without_labels(texts, layout.marked, is_label)
        table = replace(table, frame=table.frame.with_columns(pl.Series(column, texts, dtype=pl.String)))
    return Asked(texts, table.index, table.size, table.spread())


def without_labels(lines: Sequence[str], marked: bool, is_label: Callable[[str], bool]) -> list[str]:
    """Lines of a text without the labels that they begin with.

    A first word is a label where fastText's mark says so; where it is one that was learnt, and no text that was learnt
    from begins with such; and where all of many lines begin with one.

    Example:
        >>> without_labels(["pos so good", "so bad", "neg"], True, {"pos", "neg"}.__contains__)
        ['so good', 'so bad', '']
        >>> without_labels(["good film", "__label__good film"], False, {"good"}.__contains__)
        ['good film', 'film']
    """
    known = cache(is_label)
    parts = [(*line.split(None, 1), "", "")[:2] for line in lines]
    by_mark = [first.startswith(PREFIX) for first, _ in parts]
    labelled = [told or (first != "" and known(first)) for (first, _), told in zip(parts, by_mark, strict=True)]
    if not (marked or (len(lines) >= SURE and all(labelled))):
        labelled = by_mark
    rests = [parted(line)[1] if told else rest for line, (_, rest), told in zip(lines, parts, by_mark, strict=True)]
    return [rest if told else line for line, rest, told in zip(lines, rests, labelled, strict=True)]
