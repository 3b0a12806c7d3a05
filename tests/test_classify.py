"""The task of classification: what it reads, what it finds out, what it refuses, what it learns."""

from pathlib import Path
from random import Random
from typing import Any

SIDES = {"good": "fine lovely great warm bright", "bad": "poor dull weak cold grey"}


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random = Random(0)
    path = folder / "films.csv"
    rows = []
    for n in range(120):
        label = ("good", "bad")[n % 2]
        words = [random.choice(SIDES[label].split()), *random.choices("the a film plot it was so".split(), k=4)]
        random.shuffle(words)
        rows.append(f'"{" ".join(words)}",{label}\n')
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path, {"hidden": 8, "embedding": 8, "spelling": 4, "batch": 16, "lr": 0.03, "warmup": 5, "least": 1}
