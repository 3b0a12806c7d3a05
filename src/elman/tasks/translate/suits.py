"""How well data suits a translator."""

from pathlib import Path
from typing import Any

from elman.data.columns import is_named
from elman.data.numbers.cells import is_numeric
from elman.errors import counted
from elman.training.inspection import Suits

VARIED = 0.5  # of the targets, as a share, are different at least


def suits(read: Any, path: Path) -> Suits:
    """How well the pairs that a translator read suit it: whether both sides are texts, and most targets differ."""
    layout, frame = read.layout, read.learnt.frame
    if layout.kind == "lines":
        return Suits(0.85, f"{counted(len(frame), 'pairs')}, line by line in two files")
    source, target = frame[layout.source], frame[layout.target]
    varied = target.n_unique() >= VARIED * len(target) and source.n_unique() >= VARIED * len(source)
    said = {"source_column": layout.source, "target_column": layout.target}
    why = f"{counted(len(frame), 'pairs')}, from {layout.source} to {layout.target}"
    if not varied or is_numeric(source) or is_numeric(target):
        return Suits(0.1, f"{why}, though they are few different texts", said)
    if is_named(layout.source, "source") and is_named(layout.target, "target"):
        return Suits(0.9, why, said)
    if len(frame.columns) == 2:
        return Suits(0.65, why, said)
    # sentences side by side with a remark behind them, as Tatoeba has them
    sentences = all(float(side.str.count_matches(r"\s").mean() or 0) >= 1 for side in (source, target))  # pyright: ignore[reportArgumentType]
    first = layout.dialect.separator == "\t" and frame.columns[:2] == [layout.source, layout.target]
    return Suits(0.4 if first and sentences else 0.2, why, said)
