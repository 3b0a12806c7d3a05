"""What a run needs of memory, told before it is asked for, and in one line where it is more than there is."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from elman import system
from elman.errors import ElmanError, ran_out
from elman.training.settings import Training
from elman.training.task import Task

NUMBER = 4  # bytes of a number in float32
# numbers for each parameter: itself, its gradient, and the two means of the optimizer; and the three of a checkpoint,
# which is made in memory before it is written
KEPT = 4 + 3
# vectors for each step and embedding, about: as it is looked up, as it is scaled and dropped out, and their gradients
EMBEDDED = 5
SCORED = 3  # numbers for each score that a loss compares: itself, the logarithm of its probability, and the gradient
ANSWERED = 8  # numbers of 8 bytes for each that a row is answered with: as it is computed, in a table, and as text
UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
# options that a model, or a batch, grows with
OF_MODELS = ("hidden", "layers", "embedding", "vocabulary", "spelling", "horizon", "context", "patch", "convolution")
OF_BATCHES = (
    "batch", "bptt", "max_length", "window", "context", "hidden", "layers", "embedding", "vocabulary", "negatives",
)  # fmt: skip


def check_model(make: type[Task], options: Any, vocabulary: dict[str, Any], training: Training) -> None:
    """Refuse a model whose parameters, with what training keeps for each, take more memory than there is.

    Raises:
        ElmanError: what it takes, what there is, and which option to lower.
    """
    number = _parameters(make, options, vocabulary)
    needed, there = number * KEPT * NUMBER * training.devices, available()
    if needed > there:
        counted = (
            f"{number:.3g} parameters, which take {size(needed)} with what training keeps for each, and a checkpoint"
        )
        raise ElmanError(
            f"the model has {counted if number < math.inf else 'more parameters than can be counted'}; there are "
            f"{size(there)} of memory: {_to_lower((options, training), OF_MODELS)}"
        )


def check_batch(task: Task, data: Any, training: Training) -> None:
    """Refuse a batch of which what is kept for the gradients takes more memory than there is beside the model.

    Each step keeps about what each matrix of the layers that read it gives, and of an embedding some vectors, and the
    loss its scores; what else is kept is not counted.

    Raises:
        ElmanError: what it takes, what there is, and which option to lower.
    """
    outermost = {id(module) for module in task.children() if isinstance(module, nn.Linear)}
    wide = sum(
        EMBEDDED * parameter.shape[1] if isinstance(module, nn.Embedding) else parameter.shape[0]
        for module in task.modules()
        if id(module) not in outermost
        for parameter in module.parameters(recurse=False)
        if parameter.dim() > 1
    )
    steps, number = task.batch_steps(data), sum(parameter.numel() for parameter in task.parameters())
    model = number * (KEPT - 1) * NUMBER * training.devices  # itself it is there already
    needed = (steps * wide + SCORED * task.batch_scores(data)) * NUMBER * training.devices
    there = available()
    if steps and needed + model > there:
        raise ElmanError(
            f"a batch has up to {steps:,} steps, and learning from it takes {size(needed)} beside {size(model)} that "
            f"are kept for the parameters; there are {size(there)} of memory: "
            f"{_to_lower((task.options, training), OF_BATCHES)}"
        )


def check_answers(rows: int, each: int) -> None:
    """Refuse rows whose answers take more memory than there is.

    Args:
        rows: how many there are.
        each: numbers that one is answered with.

    Raises:
        ElmanError: what they take, and what there is.
    """
    needed, there = rows * each * ANSWERED * 8, min(system.memory_free(), system.memory_for_this_process())
    if needed > there:
        raise ElmanError(
            f"{rows:,} rows with {each:,} numbers to answer each take {size(needed)}; there are {size(there)} of "
            "memory: give fewer rows at a time"
        )


def available() -> float:
    """Bytes of memory that there are for a process more: on the device that trains, and as far as it is allowed."""
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    return min(system.memory_free(), system.memory_for_this_process(), system.memory_for_this_group())


def size(number: float) -> str:
    """Bytes in words.

    >>> size(1536), size(12e9), size(3e30)
    ('1.54 kB', '12 GB', 'more than 1,000 EB')
    """
    if number >= 1000 ** len(UNITS):
        return f"more than 1,000 {UNITS[-1]}"
    power = int(math.log(number, 1000)) if number >= 1 else 0
    return f"{number / 1000**power:.3g} {UNITS[power]}"


@contextmanager
def memory_told() -> Iterator[None]:
    """Memory that runs out all the same is told in one line.

    Raises:
        ElmanError: the same.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not (said := ran_out(error)):
            raise
        raise ElmanError(f"{said}; give less data or a smaller --batch") from error


def _parameters(make: type[Task], options: Any, vocabulary: dict[str, Any]) -> float:
    """How many parameters a model has, which is not made for that; 0 where it cannot be told so."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return sum(parameter.numel() for parameter in make(options, vocabulary).parameters())
    except (NotImplementedError, RuntimeError) as error:  # of a layer that looks at its numbers as it is made
        return math.inf if "overflow" in str(error) else 0


def _to_lower(groups: Sequence[Any], names: Sequence[str]) -> str:
    """The option that is furthest above its default."""
    found = {}
    for group in groups:
        for each in fields(group):
            value = getattr(group, each.name)
            if each.name in names and isinstance(value, int) and value > 0:
                usual = each.default if isinstance(each.default, int) and each.default > 0 else 100
                found[each.name] = value / usual
    if not found:
        return "make the model smaller"
    name = max(found, key=found.__getitem__)
    value = next(getattr(group, name) for group in groups if hasattr(group, name))
    return f"give --{name.replace('_', '-')} a lower number than {value:,}"
