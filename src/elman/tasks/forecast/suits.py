"""How well data suits a forecaster."""

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.columns import is_identity
from elman.training.inspection import Suits

SHOWN = 3  # columns that are named


def suits(read: Any, path: Path) -> Suits:
    """How well the series that a forecaster read suit it: whether there are times, evenly apart."""
    columns, panel = read.panel.columns, read.panel
    filled = float(np.mean([np.isfinite(each.values).mean() for each in panel.series]))
    many = f"{len(panel.series):,} series" if len(panel.series) > 1 else "a series"
    if columns.layout == "rows":
        return Suits(0.8, f"{many}, each in a row")
    named = ", ".join(columns.targets[:SHOWN]) + (", ..." if len(columns.targets) > SHOWN else "")
    if not columns.time and all(map(is_identity, columns.targets[:SHOWN])):
        return Suits(0.1, f"numbers in {named}, which name things and count nothing, and no column of times")
    if not columns.time:
        return Suits(0.2, f"numbers in {named}, and no column of times")
    said = {"time_column": ",".join(columns.time)} | ({"id_column": ",".join(columns.series)} if columns.series else {})
    if all(map(is_identity, columns.targets[:SHOWN])):
        return Suits(0.1, f"numbers in {named}, which name things and count nothing", said)
    if filled < 0.5:
        return Suits(0.2, f"times in {', '.join(columns.time)} that are unevenly apart", said)
    why = f"{many} of {named}, {panel.clock.describe()} from row to row"
    if len(columns.targets) <= SHOWN:
        said["target"] = ",".join(columns.targets)
    return Suits(0.85 if columns.dated else 0.5, why, said)
