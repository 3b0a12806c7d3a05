"""The task ``anomaly``: scores as rows arrive, alarms, NAB's score."""

from pathlib import Path
from typing import Any

import numpy as np


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A wave with two faults, labelled, and options with which it is learnt."""
    random = np.random.default_rng(1)
    wave = np.sin(np.arange(800) / 4) + 0.02 * random.normal(size=800)
    wave[500:505] += 2
    wave[700:705] -= 2
    lines = [f"{t},{x:.4f},{int(500 <= t < 505 or 700 <= t < 705)}" for t, x in enumerate(wave)]
    path = folder / "wave.csv"
    path.write_text("step,value,anomaly\n" + "\n".join(lines) + "\n")
    return path, {"batch": 8, "hidden": 8, "lr": 0.02, "horizons": "1,3", "values": "value", "dropout": 0.0}
