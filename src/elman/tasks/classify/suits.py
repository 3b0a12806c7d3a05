"""How well data suits a classifier."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.columns import is_named
from elman.data.reading import is_table
from elman.data.words import split_words
from elman.training.inspection import Suits

LOOKED = 20  # files of a folder
CLASSES = 100  # at most, where the first word of a line is one
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
    words = float(np.mean([len(split_words(text)) for text in texts])) if texts else 0.0
    if layout.kind == "lines":
        spoken = sum(str(label).endswith(":") for label in labels) > len(labels) / 2  # names of speakers
        likely = not spoken and kind != "number" and different <= min(CLASSES, len(labels) / 5) and words >= 2
        return Suits(0.8 if likely else 0.05, f"lines of a label ({what}) and a text")
    named = is_named(layout.label, "label")
    if layout.kind in ("wide", "lists"):
        series = f"a series of {len(layout.steps[0]):,} steps" if layout.steps else "a series in lists"
        series += f" in each row, with {what} in {layout.label}"
        return Suits((0.9 if named else 0.7) * (1.0 if repeated else 0.5), series, {"label_column": layout.label})
    if layout.kind == "long":
        columns = {"id_column": layout.identity, "time_column": layout.time, "label_column": layout.label}
        score = 0.85 if named else 0.45
        return Suits(score, f"a series for each {layout.identity}, with {what} in {layout.label}", _said(columns))
    score = (0.9 if named else 0.4) * (1.0 if repeated else 0.3) * (1.0 if words >= 2 or named else 0.3)
    why = f"a text in {layout.text}, and {what} in {layout.label}"
    return Suits(score, why, {"text_column": layout.text, "label_column": layout.label})


def _said(columns: dict[str, str]) -> dict[str, str]:
    return {name: column for name, column in columns.items() if column}
