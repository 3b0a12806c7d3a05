"""A run that ends in the middle of it, in a process of its own: by a power cut, or by a signal that asks it to end."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from elman.system import KILL
from elman.testing.closeness import require
from elman.training import signals
from elman.training.runs import fit
from elman.training.task import Task

PATIENCE = 300.0  # seconds in which the step must be reached


ENDING = (KILL, *signals.ENDING)


def train_and_end(
    make: type[Task], source: Any, folder: Path, step: int, options: Mapping[str, Any], number: int
) -> None:
    """Train into a folder, and end at a step by a signal."""
    # started anew, since kernels and their threads do not survive a fork
    arguments = (make, source, folder, step, options, number)
    process = multiprocessing.get_context("spawn").Process(target=_train, args=arguments)
    process.start()
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError(f"step {step} was not reached in {PATIENCE:.0f} seconds")
    right = -number if number == ENDING[0] else 128 + number
    require(process.exitcode == right, f"the run ended at step {step} with {process.exitcode}, not with {right}")


class _Ending(pl.Callback):
    """What ends the run."""

    def __init__(self, step: int, number: int) -> None:
        self.step, self.number = step, number

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.progress.step == self.step:
            os.kill(os.getpid(), self.number)


def heard() -> None:
    """Let signals end this process as they usually do.

    A shell that starts something behind it lets it ignore Ctrl-C, as ``nohup`` lets it ignore SIGHUP, and what is
    ignored is inherited: a run would go on to its end whatever it is told.
    """
    for number in signals.ENDING:
        signal.signal(number, signal.SIG_DFL)


def _train(make: type[Task], source: Any, folder: Path, step: int, options: Mapping[str, Any], number: int) -> None:
    torch.set_num_threads(1)
    heard()
    with signals.ended_by_signals():
        try:
            fit(make, source, folder=folder, callbacks=(_Ending(step, number),), **options)
        except (KeyboardInterrupt, signals.Terminated):
            sys.exit(128 + number)
