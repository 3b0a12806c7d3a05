"""How much a model is judged on: all there is, or a part of it, where all of it takes long beside what is asked for."""

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from elman.training.task import EvaluationData, Task

LONG = 0.2  # of the time of a run, which one judgement takes at most
DEAR = 2  # times what judging takes of a prediction, which learning from it takes at least
QUICK = 10_000  # predictions that are judged in however short a run
CHEAP = 4  # times what was learnt from: learning from it took at least as long as judging so much of it twice


@runtime_checkable
class Divisible(Protocol):
    """Data on which a model can be judged in part as well."""

    number: int  # of what is predicted

    def part(self, most: int) -> EvaluationData[Any]:
        """Of so many predictions at most, spread evenly; the same object for the same number, or itself for all."""
        ...


def in_part(evaluation: EvaluationData[Any], share: float) -> EvaluationData[Any]:
    """A share of what can be divided."""
    return evaluation.part(int(share * evaluation.number)) if isinstance(evaluation, Divisible) else evaluation


def at_the_end(evaluation: EvaluationData[Any], judged: EvaluationData[Any], learnt: int) -> EvaluationData[Any]:
    """What a run is judged on at its end, which is all there is unless that takes long beside what was learnt.

    Args:
        evaluation: all there is.
        judged: what the model was judged on while it learnt, which is the least.
        learnt: predictions that it was learnt from.
    """
    if not (isinstance(evaluation, Divisible) and isinstance(judged, Divisible)):
        return evaluation
    return evaluation.part(max(judged.number, learnt // CHEAP))


def affordable(task: Task, evaluation: EvaluationData[Any], seconds: float) -> float:
    """The share of what can be divided that can be judged within a part of the time of a run."""
    if not isinstance(evaluation, Divisible):
        return 1.0
    return min(1.0, LONG * seconds / max(_seconds(task, evaluation), 1e-9))


def affordable_beside(evaluation: EvaluationData[Any], learnt: int) -> float:
    """The share of what can be divided that can be judged within a part of the time of a run, which is not measured.

    Args:
        evaluation: all there is.
        learnt: predictions that the run learns from.
    """
    if not isinstance(evaluation, Divisible):
        return 1.0
    return min(1.0, max(QUICK, LONG * DEAR * learnt) / max(1, evaluation.number))


@torch.no_grad()
def _seconds(task: Task, evaluation: EvaluationData[Any]) -> float:
    """How long judging takes, going by the batch in the middle, once what is made for the first one is there."""
    training, number = task.training, len(evaluation)
    batch = next(islice(iter(evaluation), number // 2, None))
    task.eval()
    task.loss(batch, None)
    began = time.monotonic()
    task.loss(batch, None)
    seconds = time.monotonic() - began
    task.train(training)
    return seconds * number


def evenly(number: int, taken: int) -> Sequence[int]:
    """So many of the first whole numbers, spread evenly.

    >>> evenly(10, 4)
    [1, 3, 6, 8]
    """
    return ((2 * np.arange(taken) + 1) * number // (2 * taken)).tolist()


def of_part(judged: int, there: int, unit: str) -> list[str]:
    """A sentence where only a part was judged.

    >>> of_part(1000, 2000, "tokens")
    ['Judged on 1,000 of 2,000 tokens, spread evenly over them, so that it stays quick.']
    """
    if judged == there:
        return []
    return [f"Judged on {judged:,} of {there:,} {unit}, spread evenly over them, so that it stays quick."]
