"""Who takes part in the learning benchmark, what each is asked to learn, and how it is trained."""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from classic import (
    Adding,
    Batch,
    Classic,
    Copy,
    Digits,
    Forecast,
    Reber,
    TemporalOrder,
    lorenz_series,
    mackey_glass_series,
)
from torch import Tensor, nn

from elman import Recurrent
from elman.cells import Cell
from elman.cells.remedy import Remedy
from elman.errors import ElmanWarning
from elman.remedies import Chrono, Identity, Orthogonal

BATCH = 32  # rows of a step of training
JUDGED = 256  # rows held out
LOOKS = 20  # how often they are looked at within the seconds that there are
READOUT_RATE = 1e-2
CLIP = 1.0  # the longest gradient


@dataclass(frozen=True)
class Quiet(Remedy):
    """Small input weights and no biases, so that the state is what its recurrent matrix makes of it.

    Args:
        size: the standard deviation of the input weights.
    """

    size: float

    def start(self, cell: Cell) -> None:
        nn.init.normal_(cell.weight_ih, std=self.size)
        for bias in biases(cell):
            nn.init.zeros_(bias)


@dataclass(frozen=True)
class Lasting(Remedy):
    """Units of IndRNN that at the longest still have half of what they took in, at least (Li et al. 2018)."""

    longest: int

    def start(self, cell: Cell) -> None:
        nn.init.uniform_(cell.weight_hh, 0.5 ** (1 / self.longest), 1)


def biases(cell: Cell) -> list[nn.Parameter]:
    return [parameter for name, parameter in cell.named_parameters() if name.startswith("bias")]


def nothing(length: int) -> list[Remedy]:
    return []


def chrono(length: int) -> list[Remedy]:
    return [Chrono(length)]


@dataclass(frozen=True)
class Learner:
    """A cell, and how it starts."""

    cell: str
    rate: float = 1e-2  # Adam's, for the recurrence; 0.01 or the next tenth with which it does well
    layers: int = 1
    start: Callable[[int], list[Remedy]] = nothing  # what is done to it, given the length of the sequences
    options: Mapping[str, Any] = field(default_factory=dict)


LEARNERS = {
    "elman": Learner("elman", rate=1e-3),
    "elman relu identity": Learner(
        "elman", rate=1e-3, start=lambda length: [Identity(), Quiet(1e-3)], options={"nonlinearity": "relu"}
    ),
    "elman orthogonal": Learner("elman", rate=1e-4, start=lambda length: [Orthogonal(), Quiet(1e-2)]),
    "lstm": Learner("lstm"),
    "lstm chrono": Learner("lstm", start=chrono),
    "lstm_peephole chrono": Learner("lstm_peephole", start=chrono),
    "lstm_layer_norm chrono": Learner("lstm_layer_norm", start=chrono),
    "lstm_coupled chrono": Learner("lstm_coupled", start=chrono),
    "gru": Learner("gru"),
    "gru chrono": Learner("gru", start=chrono),
    "gru_reset_before chrono": Learner("gru_reset_before", start=chrono),
    "mgu chrono": Learner("mgu", start=chrono),
    "slstm chrono": Learner("slstm", start=chrono),
    "indrnn": Learner("indrnn", rate=1e-3, layers=2, start=lambda length: [Lasting(length), Quiet(1e-2)]),
    "mingru chrono": Learner("mingru", layers=2, start=chrono),
    "minlstm chrono": Learner("minlstm", layers=2, start=chrono),
    "rg_lru": Learner("rg_lru", layers=2),
    "lem": Learner("lem"),
    "lem chrono": Learner("lem", start=chrono),
    "cornn": Learner("cornn", rate=1e-3, options={"dt": 0.3, "gamma": 1.0, "epsilon": 0.01}),
}


@dataclass(frozen=True)
class Course:
    """A task, and what all learners have for it."""

    task: Classic
    hidden: int = 64
    share: float = 1.0  # of the seconds that there are
    norm: bool = False  # whether the readout sees normed outputs


COURSES = {
    "adding-200": Course(Adding(200)),
    "adding-600": Course(Adding(600), share=6),
    "copy-100": Course(Copy(100), hidden=128, norm=True),
    "copy-500": Course(Copy(500), hidden=128, share=6, norm=True),
    "order": Course(TemporalOrder(100)),
    "reber": Course(Reber()),
    "digits": Course(Digits()),
    "digits permuted": Course(Digits(permuted=True)),
    "mackey-glass": Course(Forecast(mackey_glass_series, ahead=15)),
    "lorenz": Course(Forecast(lorenz_series, ahead=10)),
}


class Model(nn.Module):
    """A stack of a cell, and a linear readout at the steps that are asked for."""

    def __init__(self, learner: Learner, course: Course, length: int) -> None:
        super().__init__()
        task, size = course.task, course.hidden
        remedies = learner.start(length)
        self.recurrent = Recurrent(
            learner.cell, task.inputs, size, learner.layers, remedies=remedies, **learner.options
        )
        # what a network of small states remembers is smaller than the usual constant
        norm = nn.LayerNorm(size, eps=1e-8) if course.norm else nn.Identity()
        self.readout = nn.Sequential(norm, nn.Linear(size, task.outputs))

    def forward(self, batch: Batch) -> Tensor:
        outputs, _ = self.recurrent(batch.x)
        return self.readout(outputs[batch.asked])


@dataclass(frozen=True)
class Outcome:
    """What came of one training."""

    learner: str
    task: str
    seed: int
    error: float | None  # of the rows held out, at the end; nothing if the weights are no longer numbers
    solved: bool
    seconds: float
    steps: int


def train(name: str, task_name: str, seed: int, seconds: float) -> Outcome:
    """Train until the task is solved or the time is over.

    Seconds are those of the processor, so that what else runs on the machine counts little; those for looking at the
    error and for making kernels do not count.
    """
    learner, course = LEARNERS[name], COURSES[task_name]
    task, budget = course.task, seconds * course.share
    with _one_thread():
        torch.manual_seed(seed)
        batches = task.batches(BATCH, seed)
        held_out = next(task.batches(JUDGED, 0, held_out=True))
        model = Model(learner, course, held_out.x.shape[1])
        rates = {model.recurrent: learner.rate, model.readout: READOUT_RATE}
        optimiser = torch.optim.Adam([{"params": part.parameters(), "lr": rate} for part, rate in rates.items()])
        task.loss(model(held_out), held_out).backward()  # makes the kernels
        spent, look, steps = 0.0, 0.0, 0
        while True:
            start = time.process_time()
            for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
                group["lr"] = rate * min(1, 2 * (1 - spent / budget))  # from the middle on it falls to zero
            batch = next(batches)
            optimiser.zero_grad()
            task.loss(model(batch), batch).backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
            steps += 1
            spent += time.process_time() - start
            if spent >= min(look, budget):
                error = judge(model, task, held_out)
                look = spent + budget / LOOKS
                if not math.isfinite(error) or error < task.solved or spent >= budget:
                    known = error if math.isfinite(error) else None
                    return Outcome(name, task_name, seed, known, error < task.solved, spent, steps)


def judge(model: nn.Module, task: Classic, held_out: Batch) -> float:
    """The error of the rows held out."""
    with torch.no_grad():
        answers = model(held_out)
    return task.error(answers, held_out) if answers.isfinite().all() else math.inf


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread, kernels or an error, and nothing that is smaller than an ordinary number.

    A gradient that vanishes would otherwise take many times as long as one that does not.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ElmanWarning)
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
