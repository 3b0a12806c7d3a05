"""Sequences longer than memory: how much is resident, and what a step takes.

    python benchmarks/long.py [--quick]

An LSTM of 128 units with a readout learns one sequence, by backpropagation through all of it. The memory is that of a
process of its own, the library and the data included; the time is that of a step in 100,000 over that in 1,000.
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

from elman import Recurrent
from elman.learning import Checkpointed, FullBPTT, Learning

UNITS, MEMORY = 128, "256MiB"
TARGETS = [
    Target("resident after 1,000,000 steps, GiB", False, 2, of("memory", "GiB", steps=1_000_000)),
    Target("a step in 100,000, in times of one in 1,000", False, 1.4, of("time", "long/short", steps=100_000)),
]


class Model(nn.Module):
    """A recurrence with a number a step read out."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = Recurrent("lstm", UNITS, UNITS)
        self.readout = nn.Linear(UNITS, 1)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        outputs, state = self.recurrent(x, state)
        return self.readout(outputs), state


def learn(model: Model, data: tuple[Tensor, Tensor], learning: Learning) -> float:
    """One gradient of one sequence; the loss."""
    model.zero_grad()
    return float(learning.backward(model, *data, F.mse_loss)[0])


def data(steps: int) -> tuple[Tensor, Tensor]:
    return torch.randn(1, steps, UNITS), torch.randn(1, steps, 1)


def resident(steps: int) -> Figure:
    """The most that a process has resident that learns a sequence of so many steps."""
    command = [sys.executable, str(Path(__file__).resolve()), "--alone", str(steps)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"section": "memory", "steps": steps} | told


def alone(steps: int) -> Figure:
    """What ``resident`` runs in a process of its own."""
    loss = learn(Model(), data(steps), Checkpointed(memory=MEMORY))
    return {"GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "loss": loss}


def times(long: int, effort: Effort, short: int = 1000) -> Figure:
    """What a step takes in a long sequence, in times of what it takes in a short one."""
    model = Model()
    both = {"long": (data(long), Checkpointed(memory=MEMORY)), "short": (data(short), FullBPTT())}
    found = compare({name: lambda work=work: learn(model, *work) for name, work in both.items()}, effort)
    us = {f"{name} us": found.seconds(name) / steps * 1e6 for name, steps in (("long", long), ("short", short))}
    return {"section": "time", "steps": long} | us | {"long/short": found.ratio("long", "short") * short / long}


def show(figures: Sequence[Figure], console: Console) -> None:
    for section in ("memory", "time"):
        rows = [
            {name: value for name, value in row.items() if name != "section"}
            for row in figures
            if row["section"] == section
        ]
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*(f"{value:.3g}" if isinstance(value, float) else f"{value:,}" for value in row.values()))
        console.print(table)
    for target in TARGETS:
        judged = target.judge(figures)
        if judged["value"] is not None:
            reached = "reached" if judged["reached"] else "missed"
            console.print(f"{judged['target']}: {judged['value']:.3g}, {judged['bound']}: {reached}", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the lengths, and fewer rounds")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(alone(chosen.alone)))
        return
    scale = 10 if chosen.quick else 1
    figures = [
        *(resident(steps // scale) for steps in (10_000, 100_000, 1_000_000)),
        *(times(steps // scale, QUICK if chosen.quick else FULL) for steps in (10_000, 100_000)),
    ]
    show(figures, Console())


if __name__ == "__main__":
    main()
