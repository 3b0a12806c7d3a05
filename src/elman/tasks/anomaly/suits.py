"""How well data suits a detector of anomalies."""

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.columns import is_identity
from elman.training.inspection import Suits

SHOWN = 3  # columns that are named
RARE = 0.2  # of the rows at most are anomalies


def suits(read: Any, path: Path) -> Suits:
    """How well the streams that a detector read suit it: whether there are marks of anomalies, or many files alike."""
    columns, streams = read.columns, [stream for stream, _ in read.learnt]
    named = ", ".join(columns.values[:SHOWN]) + (", ..." if len(columns.values) > SHOWN else "")
    said = {"label_column": columns.label} if columns.label else {}
    if len(columns.values) <= SHOWN:
        said["values"] = ",".join(columns.values)
    if any(map(is_identity, columns.values)):
        return Suits(0.1, f"numbers in {named}, some of which only name things", said)
    marks = [stream.labels for stream in streams if stream.labels is not None and len(stream.labels)]
    if marks and 0 < np.concatenate(marks).mean() <= RARE:
        return Suits(0.95, f"numbers in {named}, and rare anomalies marked in {columns.label}", said)
    if any(stream.windows is not None for stream in streams):
        return Suits(0.95, f"numbers in {named}, and a file with windows of anomalies", said)
    if len(streams) > 1:
        return Suits(0.7, f"{len(streams):,} tables alike, with numbers in {named}", said)
    timed = "times and " if columns.time else ""
    return Suits(0.6 if columns.time else 0.3, f"{timed}numbers in {named}; nothing marks anomalies", said)
