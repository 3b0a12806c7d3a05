"""The task of translation: what it reads, what it writes, and what its numbers mean."""

from pathlib import Path
from random import Random
from typing import Any

SOUNDS = {"a": "AH", "b": "B", "c": "K", "d": "D IY", "e": "EH", "f": "F"}


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random, path = Random(3), folder / "sounds.tsv"
    words = ["".join(random.choices("abcdef", k=random.randrange(2, 6))) for _ in range(150)]
    path.write_text("".join(f"{w}\t{' '.join(SOUNDS[c] for c in w)}\n" for w in words), encoding="utf-8")
    return path, {"hidden": 24, "embedding": 24, "batch": 16, "lr": 0.02, "warmup": 5, "held_out": 0.2}
