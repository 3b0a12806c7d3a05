"""A run that is killed in the middle of it, in a process of its own, as a power cut would."""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from elman.testing.closeness import require
from elman.training.runs import fit
from elman.training.task import Task

PATIENCE = 300.0  # seconds in which the step must be reached


def train_and_kill(make: type[Task], source: Any, folder: Path, step: int, options: Mapping[str, Any]) -> None:
    """Train into a folder, and die at a step."""
    # started anew, since kernels and their threads do not survive a fork
    process = multiprocessing.get_context("spawn").Process(target=_train, args=(make, source, folder, step, options))
    process.start()
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError(f"step {step} was not reached in {PATIENCE:.0f} seconds")
    require(
        process.exitcode == -signal.SIGKILL, f"training ended by itself before step {step}, with {process.exitcode}"
    )


class _Killer(pl.Callback):
    """The power cut."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.progress.step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def _train(make: type[Task], source: Any, folder: Path, step: int, options: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    fit(make, source, folder=folder, callbacks=(_Killer(step),), **options)
