"""The contract of a task: a model with all that is needed to use it on people's own data."""

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.plain import restored
from elman.data.rows import Asked, Line
from elman.errors import ElmanError
from elman.training.answers import WHY, as_line, finite
from elman.training.bounded import Bounded
from elman.training.folders import (
    LAST,
    OPTIONS,
    VOCABULARY,
    WEIGHTS,
    load_weights,
    options_of,
    read_json,
    read_options,
    save_options,
    save_weights,
)
from elman.training.measures import Measures
from elman.training.options import TaskOptions, check_kept
from elman.training.report import Section
from elman.training.settings import Budget, Comparison, Training

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "HELD_OUT", "LEARNT_FROM", "TEST", "BadRows", "Evaluation", "EvaluationData", "JudgedRows", "Loss", "Predictor",
    "Sources", "Task", "TrainingData", "evaluate", "read_model", "same_answers",
]  # fmt: skip

log = logging.getLogger(__name__)

T = TypeVar("T")
# the parts of the data on which a model can be judged
HELD_OUT, TEST, LEARNT_FROM = "held out", "test", "learnt from"
SPARE = 1 << 20  # numbers that a model may be made of beside its weights
LARGEST = 1 << 33  # numbers of a model whose weights are not there yet


@dataclass(frozen=True)
class Sources:
    """The data that a user gives: files, folders, or tables in memory where a task takes such."""

    data: Any  # to learn from; None for what a task has of its own
    valid: Any = None  # to hold out; without it, a part of ``data``
    bad: BadRows = field(default_factory=BadRows)

    def both(self, read: Callable[[Any], T]) -> tuple[T, T]:
        """What a function reads of the data, and of what is held out: the same where nothing is."""
        learnt = read(self.data)
        return learnt, learnt if self.valid is None else read(self.valid)

    @property
    def name(self) -> str:
        """What the data is called, for people."""
        return str(self.data) if isinstance(self.data, Path) else "the table"


class Loss(NamedTuple):
    """What a batch gives."""

    value: Tensor  # [], the mean over what was predicted
    number: int  # of what was predicted
    state: Any = None  # after the batch, a tensor or a tuple of them; None where nothing is carried to the next
    output: Any = None  # what was predicted, where the measures are made of it


class JudgedRows(NamedTuple):
    """What a model was judged on, and what there is to say about its answers that the measures do not tell."""

    number: int  # of what was judged, each by itself: texts, sentences, windows
    of: str  # what these are, in the plural
    remarks: Sequence[str] = ()  # sentences, such as that all answers are the same


def same_answers(answers: Sequence[Any]) -> list[str]:
    """A sentence where there are several answers and all are the same.

    >>> same_answers(["yes", "yes"]), same_answers(["yes", "no"])
    (["All 2 answers are 'yes'."], [])
    """
    if len(answers) < 2 or any(answer != answers[0] for answer in answers):
        return []
    return [f"All {len(answers):,} answers are {answers[0]!r}."]


BatchT_co = TypeVar("BatchT_co", covariant=True)


class EvaluationData(Protocol[BatchT_co]):
    """Data on which a model is judged."""

    def __iter__(self) -> Iterator[BatchT_co]:
        """Batches, in order."""
        ...

    def __len__(self) -> int: ...

    def metrics(self, loss: float, outputs: Sequence[Any]) -> dict[str, float]:
        """The measures that people know: ``loss``, the mean, itself, and what is made of the outputs of the batches."""
        ...

    def judged(self, outputs: Sequence[Any]) -> JudgedRows:
        """How many rows there are, and what is to be said about the answers to them."""
        ...


class TrainingData(Protocol[BatchT_co]):
    """Data from which a model learns."""

    @property
    def epoch(self) -> int:
        """Batches that show everything once."""
        ...

    @property
    def held_out(self) -> EvaluationData[BatchT_co]:
        """What is never learnt from; it tells which weights are best."""
        ...

    @property
    def test(self) -> EvaluationData[BatchT_co]:
        """The part that not even the choice of the best weights has looked at; where there is none, that held out."""
        ...

    @property
    def test_name(self) -> str:
        """What ``test`` is called: ``TEST``; ``HELD_OUT`` where it has the rows of that part, or ``LEARNT_FROM``."""
        ...

    def batch(self, step: int) -> BatchT_co:
        """The batch of a step, which depends on nothing but its number: so a run can go on from any step."""
        ...

    def describe(self) -> str:
        """One line for people."""
        ...


OptionsT = TypeVar("OptionsT", bound=TaskOptions)
ReadT = TypeVar("ReadT")  # what ``read`` gives
BatchT = TypeVar("BatchT")
DataT = TypeVar("DataT", bound=TrainingData[Any])  # from which a task learns
EvaluationT = TypeVar("EvaluationT", bound=EvaluationData[Any])  # on which it is judged
RowT = TypeVar("RowT")  # that is answered
MadeTask = TypeVar("MadeTask", bound="Task[Any, Any, Any, Any, Any]")


class Task(nn.Module, ABC, Generic[OptionsT, ReadT, BatchT, DataT, EvaluationT]):
    """What people want done: a model, and the way from a file of theirs to a loss.

    A subclass stands in ``task.py`` of a folder of ``elman/tasks``, whose name is that of the task, and writes what is
    abstract here. It says of what kind its options are, what it reads, its batches, and the data it learns from and is
    judged on: ``class MyTask(Task[MyOptions, MyRead, MyBatch, MyExamples, MyRows])``.

    Args:
        options: an instance of the subclass's ``Options``.
        vocabulary: what ``learn`` found in the data, as plain values.
    """

    Options: ClassVar[type[TaskOptions]]  # a frozen dataclass, in ``options.py`` beside the task
    unit: ClassVar[str]  # what the loss is a mean over, in the plural
    Learnt: ClassVar[Any] = dict[str, Any]  # of what kind the values of ``learn`` are, as ``restored`` takes it
    monitor: str | None = None  # the measure by which the best weights are told; without it, the lowest loss
    measures: ClassVar[Measures] = MappingProxyType({})  # what is known of those that it is judged by

    def __init__(self, options: OptionsT, vocabulary: dict[str, Any]) -> None:
        super().__init__()
        self.options, self.vocabulary = options, vocabulary

    @classmethod
    def name(cls) -> str:
        """The name of the task, which is that of its folder, or of the file where that is not ``task.py``."""
        *folders, file = cls.__module__.split(".")
        return folders[-1] if folders and file == "task" else file

    @classmethod
    @abstractmethod
    def read(cls, options: OptionsT, sources: Sources) -> ReadT:
        """The user's data, checked, and parted into what is learnt from and what is held out.

        What is found out on the way, such as columns, is logged in one line each.

        Raises:
            ElmanError: data that cannot be read, or too little of it.
        """

    @classmethod
    @abstractmethod
    def learn(cls, options: OptionsT, read: ReadT) -> dict[str, Any]:
        """What must be known of what ``read`` gave before there is a model, as plain values."""

    @abstractmethod
    def data(self, read: ReadT, folder: Path, *, rows: int, steps: int, seed: int) -> DataT:
        """The data to learn from, in batches of ``rows``, and where these are streams, of ``steps``.

        ``folder`` keeps what is made of it on the way; ``seed`` starts what is drawn.

        Raises:
            ElmanError: too little data for such batches.
        """

    def batch_steps(self, data: DataT) -> int:
        """Steps of the largest batch, over all its rows; by them it is told what learning from it takes of memory.

        Here they are not known, and what a batch takes is not told.
        """
        return 0

    def batch_scores(self, data: DataT) -> int:
        """Numbers that the loss compares in the largest batch, such as the score of each token after each step.

        They count as well in what learning takes of memory. Here they are as few as the steps and are left out.
        """
        return 0

    def start(self, data: DataT) -> None:
        """Begin a new model with what is known before it learns, such as vectors of words; here nothing is."""

    @abstractmethod
    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> EvaluationT:
        """A whole file to judge the model on; ``folder`` keeps what is made of it on the way."""

    @abstractmethod
    def loss(self, batch: BatchT, state: Any) -> Loss:
        """The loss of a batch, from the state that the batch before left, or None."""

    @abstractmethod
    def sample(self, data: DataT, seed: int) -> str:
        """A few lines that show people what the model does."""

    def save(self, folder: str | Path) -> None:
        """Write the model to a folder, for ``elman.load``.

        Raises:
            ElmanError: a cell that no other process could find.
        """
        check_kept(self.options)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_options(folder, self.name(), self.options, self.vocabulary)
        save_weights(self, folder)


class Predictor(Task[OptionsT, ReadT, BatchT, DataT, EvaluationT]):
    """A task that answers rows: those of a file, of a table in memory, or of a stream as they come."""

    by_row: bool = True  # whether each row of the data has an answer of its own, and not each series or person

    @abstractmethod
    def answers(self, data: Any, bad: BadRows) -> "pl.DataFrame":
        """One row of answers for each row of the data, in its order; empty where a row is bad and left out.

        Args:
            data: a file, or rows in memory as the task documents them.
            bad: what is done about rows that cannot be used.
        """

    @abstractmethod
    def session(self) -> Callable[[str], str]:
        """A function from one line of a stream to its answer, in JSON; the state from line to line is in it.

        The function gives an empty answer where there is nothing to say yet, and raises ElmanError for a line that
        cannot be read. Its memory does not grow.
        """

    @abstractmethod
    def lines(self, evaluation: EvaluationT, number: int) -> list[str]:
        """The first so many rows of what the model is judged on, as lines of a stream."""

    @abstractmethod
    def baselines(self, data: DataT, evaluation: EvaluationT) -> dict[str, Callable[[], dict[str, float]]]:
        """Simple methods by name: each function learns from ``data`` and gives its measures on ``evaluation``.

        The measures bear the names that ``evaluation.metrics`` gives those of the model.
        """

    @abstractmethod
    def sections(self, data: DataT, evaluation: EvaluationT, outputs: Sequence[Any]) -> list[Section]:
        """What the report shows of this task: what it answers, and where it is wrong.

        ``outputs`` are those of the batches of ``evaluation``.
        """

    def predict(self, data: Any, *, skip_bad: bool = False) -> "pl.DataFrame":
        """One row of answers for each row of the data, in its order.

        Args:
            data: a file, or rows in memory.
            skip_bad: whether a row that cannot be used gets an empty answer instead of an error.

        Raises:
            ElmanError: data that cannot be read.
        """
        # however many: each has its place among the answers
        bad = BadRows("all" if skip_bad else False, answers=self.by_row)
        answers = self.answers(data, bad)
        bad.tell()
        return answers

    def stream(self, lines: Iterable[str], *, skip_bad: bool = False) -> Iterator[str]:
        """Answer lines one by one, each before the next is asked for.

        Args:
            lines: as text, with or without their ends.
            skip_bad: whether a line that cannot be read gets an empty answer, and a warning, instead of an error.

        Raises:
            ElmanError: a line that cannot be read.
        """
        answer = self.session()
        for number, line in enumerate(lines, 1):
            try:
                line.encode()  # bytes that are no text are kept by Python as what cannot be written again
                said = answer(line.rstrip("\r\n"))
            except UnicodeEncodeError:
                said = _bad_line(number, "it is not UTF-8", skip_bad)
            except ElmanError as error:
                said = _bad_line(number, str(error), skip_bad)
            yield said


def _bad_line(number: int, reason: str, skip: bool) -> str:
    """The empty answer to a line that cannot be read; the reason is told at once, since a stream need not end."""
    where = f"line {number} of the stream: {reason}"
    if not skip:
        raise ElmanError(f"{where}; mend it, or leave such lines out with --skip-bad")
    log.warning("%s; its answer is empty", where)
    return ""


class RowPredictor(
    Predictor[OptionsT, ReadT, BatchT, DataT, EvaluationT], Generic[OptionsT, ReadT, BatchT, DataT, EvaluationT, RowT]
):
    """A predictor that answers each row for itself, whatever stands before and behind it."""

    repeated: ClassVar[tuple[str, ...]] = ()  # columns of a row that its answer in a stream repeats

    @abstractmethod
    def rows(self, source: Any, bad: BadRows) -> Asked[RowT]:
        """The rows to be answered of a file, of a table or a list in memory, or of a ``Line`` of a stream.

        There may be what is to be answered beside them, as in the data learnt from, or not; it is not read.
        """

    @abstractmethod
    def answer(self, rows: Sequence[RowT]) -> "pl.DataFrame":
        """An answer for each of the rows, in their order."""

    def answers(self, data: Any, bad: BadRows) -> "pl.DataFrame":
        asked = self.rows(data, bad)
        answers = finite(self.answer(asked.inputs))
        if taken := [name for name in asked.frame.columns if name in answers.columns]:
            log.warning("answers stand in place of columns of the same name: %s", listed(taken))
        return asked.beside(answers)

    def session(self) -> Callable[[str], str]:
        told: set[str] = set()

        def answer(line: str) -> str:
            bad = BadRows()
            asked = self.rows(Line(line), bad)
            bad.tell_new(told)
            row = asked.beside(finite(self.answer(asked.inputs))).row(0, named=True)
            left_out = {name for name in asked.frame.columns if name not in self.repeated}
            return as_line({name: row[name] for name in row if name not in left_out})

        self.eval()
        return answer


def read_model(folder: Path, find: Callable[[str], type[MadeTask]], *, weights: bool = True) -> MadeTask:
    """The task that a model folder holds.

    Args:
        folder: the model folder.
        find: the class of the task with a name.
        weights: whether to read them too.

    Raises:
        ElmanError: no model folder, a file that is missing or damaged, an option that no version before this one had,
            or a folder of a newer version.
    """
    about, path = read_options(folder), folder / VOCABULARY
    vocabulary = read_json(path)
    make = find(about["task"])
    for part, group in (("training", Training), ("budget", Budget), ("comparison", Comparison)):
        if part in about:
            options_of(group, folder, about, part)
    options = options_of(make.Options, folder, about, "options")
    try:
        restored(make.Learnt, vocabulary)
    except ElmanError as error:
        raise ElmanError(f"{path} is damaged: {error}; take a copy") from error
    try:
        with Bounded(_most(folder)):
            task = make(options, vocabulary)
    except ElmanError as error:  # of a cell, say, that is not there
        raise ElmanError(f"the model in {folder} cannot be made: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        raise ElmanError(f"{path} or {OPTIONS} beside it is damaged: {error!r:.200}; take a copy") from error
    if weights:
        load_weights(task, folder)
    return task.eval()


def _most(folder: Path) -> int:
    """How many numbers a model may be made of, going by the size of the files that hold its weights."""
    sizes = [(folder / name).stat().st_size for name in (WEIGHTS, LAST) if (folder / name).is_file()]
    return SPARE + max(sizes) if sizes else LARGEST


class Evaluation(NamedTuple):
    """What judging a task gives."""

    metrics: dict[str, float]
    outputs: list[Any]  # of each batch
    number: int  # of what was predicted
    seconds: float  # that this took, without the measures


@torch.no_grad()
def evaluate(task: Task, evaluation: EvaluationData) -> Evaluation:
    """Judge a task over all batches of an evaluation.

    Raises:
        ElmanError: a loss that is not finite, or nothing to judge on.
    """
    began, training = time.monotonic(), task.training
    task.eval()
    total, count, state, outputs = 0.0, 0, None, []
    for batch in evaluation:
        loss = task.loss(batch, state)
        state = loss.state
        total += float(loss.value) * loss.number
        count += loss.number
        outputs.append(loss.output)
    task.train(training)
    seconds = time.monotonic() - began
    if not count:
        raise ElmanError("there is nothing to judge on")
    if not math.isfinite(total):
        raise ElmanError(f"the loss of what is judged is no finite number: {WHY}")
    return Evaluation(evaluation.metrics(total / count, outputs), outputs, count, seconds)
