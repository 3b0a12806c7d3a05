"""The task of forecasting: what it predicts, from what, and how good simple methods are beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.tasks.forecast import Forecaster


def wave(rows: int, noise: float = 0.3) -> np.ndarray:
    random = np.random.default_rng(0)
    hours = np.arange(rows)
    return 20 + 5 * np.sin(hours * np.pi / 6) + np.cumsum(noise * random.standard_normal(rows))


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    path = folder / "wave.csv"
    lines = [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00,{v:.3f}" for n, v in enumerate(wave(600))]
    path.write_text("\n".join(["time,load", *lines]) + "\n")
    return path, {"hidden": 16, "horizon": 6, "context": 36, "batch": 32, "split": "0.8/0.2", "season": "none"}
