"""The task of recommendation: what it reads, what it finds out, what it refuses, what it learns."""

from pathlib import Path
from random import Random
from typing import Any


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random = Random(0)
    path = folder / "visits.csv"
    rows = []
    for person in range(60):
        start = random.randrange(12)
        # everybody walks around the same circle of pages
        rows += [f"p{person},page{(start + step) % 12},{100 * step + person}\n" for step in range(6)]
    random.shuffle(rows)
    path.write_text("user,item,time\n" + "".join(rows), encoding="utf-8")
    return path, {"hidden": 16, "embedding": 16, "batch": 16, "lr": 0.03, "warmup": 5, "split": "people"}
