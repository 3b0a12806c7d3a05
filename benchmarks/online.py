"""Learning online: what a step costs, in times of the forward pass, and what is resident as steps go by.

    python benchmarks/online.py [--quick]

One sequence, 256 units, a number a step read out. The forward pass is had in three ways: over the sequence without a
gradient; over it with all that a gradient needs; and a step at a time, as a stream comes, by the stepper.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from targets import Figure, Target, of
from timing import FULL, QUICK, Effort, compare
from torch import Tensor, nn

from elman import Recurrent, Stepper
from elman.learning import RTRL, Truncated

UNITS, WINDOW = 256, 1024
CELLS, FEATURES = ("indrnn", "mingru", "minlstm", "rg_lru"), (32, 256)
TARGETS = [
    Target("exact online learning, in times of the forward pass, the worst", False, 2.5, of("time", "rtrl/forward")),
    Target("the same, of the forward pass of a stream", False, 2.5, of("time", "rtrl/step")),
    Target("resident after ten times the steps, in times, the worst", False, 1.05, of("memory", "growth")),
]


class Model(nn.Module):
    """A recurrence with a number a step read out."""

    def __init__(self, cell: str, features: int) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell, features, UNITS)
        self.readout = nn.Linear(UNITS, 1)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        outputs, state = self.recurrent(x, state)
        return self.readout(outputs), state


def times(cell: str, features: int, effort: Effort) -> Figure:
    """What a step costs by each way to learn and by each forward pass."""
    model = Model(cell, features)
    x, y, one = torch.randn(1, WINDOW, features), torch.randn(1, WINDOW, 1), torch.randn(1, features)
    # all that is measured is in the middle of a stream
    start = RTRL(WINDOW).backward(model, x, y, F.mse_loss)[1]
    plain, stepper = start["state"], Stepper(model.recurrent)

    def forward() -> None:
        with torch.no_grad():
            F.mse_loss(model(x, plain)[0], y)

    found = compare(
        {
            "forward": forward,
            "with grad": lambda: F.mse_loss(model(x, plain)[0], y),
            "step": lambda: stepper.step(one),
            "truncated": lambda: Truncated(WINDOW).backward(model, x, y, F.mse_loss, plain),
            "rtrl": lambda: RTRL(WINDOW).backward(model, x, y, F.mse_loss, start),
        },
        effort,
    )
    steps = {"step": 1}
    us = {f"{name} us": found.seconds(name) / steps.get(name, WINDOW) * 1e6 for name in found.rounds[0]}
    ratios = {
        f"rtrl/{name}": found.ratio("rtrl", name) * steps.get(name, WINDOW) / WINDOW
        for name in ("forward", "with grad", "step", "truncated")
    }
    return {"section": "time", "cell": cell, "features": features} | us | ratios


def resident(cell: str, windows: int) -> Figure:
    """What a process has resident at most after so many windows, and after ten times as many, in MiB."""
    command = [sys.executable, str(Path(__file__).resolve()), "--alone", cell, str(windows)]
    few, many = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"section": "memory", "cell": cell, "steps": 10 * windows * WINDOW, "MiB": many, "growth": many / few}


def alone(cell: str, windows: int) -> list[float]:
    """What ``resident`` runs in a process of its own: a stream that is learnt from as it comes."""
    model, state, found = Model(cell, 32), None, []
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    for i in range(1, 10 * windows + 1):
        x = torch.randn(1, WINDOW, 32)
        optimizer.zero_grad()
        _, state = RTRL(WINDOW).backward(model, x, x[..., :1], F.mse_loss, state)
        optimizer.step()
        if i in (windows, 10 * windows):
            found.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
    return found


def show(figures: Sequence[Figure], console: Console) -> None:
    for section in ("time", "memory"):
        rows = [{n: v for n, v in row.items() if n != "section"} for row in figures if row["section"] == section]
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
        console.print(table)
    for target in TARGETS:
        judged = target.judge(figures)
        reached = "reached" if judged["reached"] else "missed"
        console.print(f"{judged['target']}: {judged['value']:.3g}, {judged['bound']}: {reached}", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(alone(chosen.alone[0], int(chosen.alone[1]))))
        return
    effort = QUICK if chosen.quick else FULL
    figures = [times(cell, features, effort) for cell in CELLS for features in FEATURES]
    figures += [resident(cell, 10) for cell in ("mingru", "rg_lru")]
    show(figures, Console(width=200))


if __name__ == "__main__":
    main()
