"""How well data suits a classifier."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.columns import is_named
from elman.data.reading import is_table
from elman.data.words import split_words
from elman.errors import counted
from elman.training.inspection import Suits

LOOKED = 20  # files of a folder
CLASSES = 100  # at most, where the first word of a line is one
RUNNING = 0.1  # of the words of texts at least are first words of lines, where the lines are of one running text
STEPS = 8  # of a series at least, where its columns have no names
REPEATED = 0.2  # labels of so many rows, as a share, at most are different where they are classes


def suits(read: Any, path: Path) -> Suits:
    """How well the rows that a classifier read suit it: above all, whether the labels come again and again."""
    layout, labels, kind = read.layout, read.learnt.labels, read.target.kind
    different = len(read.target.names) or len(set(labels))
    repeated = kind == "number" or different <= max(2, REPEATED * len(labels))
    what = "a number" if kind == "number" else f"{different:,} {kind}"
    if layout.kind == "ts":
        return Suits(1.0, f"series with {what} in a .ts file")
    if layout.kind == "folder":
        some = islice((file for file in path.rglob("*") if file.is_file()), LOOKED)
        score = 0.1 if any(map(is_table, some)) or len(set(labels)) == len(labels) else 0.9
        return Suits(score, f"a folder of {what}, with a text in each file or line")
    texts = read.learnt.inputs[:1000] if layout.is_text else []
    words = float(np.mean([_words(text) for text in texts])) if texts else 0.0
    if layout.kind == "lines":
        spoken = sum(str(label).endswith(":") for label in labels) > len(labels) / 2  # names of speakers
        likely = (
            not (spoken or _is_running(labels, texts))
            and kind != "number"
            and different <= min(CLASSES, len(labels) / 5)
            and words >= 2
        )
        return Suits(0.8 if likely else 0.05, f"lines of a label ({what}) and a text")
    named = is_named(layout.label, "label", "origin")
    if layout.kind in ("wide", "lists"):
        series = f"a series of {counted(len(layout.steps[0]), 'steps')}" if layout.steps else "a series in lists"
        series += f" in each row, with {what} in {layout.label}"
        few = layout.dialect.header is False and layout.steps and len(layout.steps[0]) < STEPS
        score = (0.9 if named else 0.7) * (1.0 if repeated else 0.5) * (0.3 if few else 1.0)
        return Suits(score, series, {"label_column": layout.label})
    if layout.kind == "long":
        columns = {"id_column": layout.identity, "time_column": ",".join(layout.time), "label_column": layout.label}
        score = 0.85 if named else 0.45
        return Suits(score, f"a series for each {layout.identity}, with {what} in {layout.label}", _said(columns))
    score = (0.9 if named else 0.4) * (1.0 if repeated else 0.3) * (1.0 if words >= 2 or named else 0.3)
    why = f"a text in {layout.text}, and {what} in {layout.label}"
    return Suits(score, why, {"text_column": layout.text, "label_column": layout.label})


def _words(text: str) -> int:
    """How many words a text has; a code with digits and no blank is one."""
    code = not any(map(str.isspace, text)) and any(map(str.isdigit, text))
    return 1 if code else len(split_words(text))


def _is_running(labels: Sequence[Any], texts: Sequence[str]) -> bool:
    """Whether what is taken for labels stands everywhere in the texts too, as the first words of lines of a book do."""
    first = {str(label).lower() for label in labels}
    words = [word.lower() for text in texts for word in split_words(text)]
    return len(words) > 0 and sum(word in first for word in words) >= RUNNING * len(words)


def _said(columns: dict[str, str]) -> dict[str, str]:
    return {name: column for name, column in columns.items() if column}
