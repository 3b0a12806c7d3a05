"""The contract of a task: a model with all that is needed to use it on people's own data, and how it is kept."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from elman.data.files import written_aside
from elman.errors import ElmanError

__all__ = [
    "OPTIONS", "RESULT", "WEIGHTS", "Data", "Evaluation", "Loss", "Task",
    "evaluate", "option", "read_json", "read_model", "write_json", "written_aside",
]  # fmt: skip

FORMAT = 1  # of the model folder; a folder with a higher one comes from a newer version
OPTIONS, VOCABULARY, WEIGHTS, RESULT = "options.json", "vocabulary.json", "model.safetensors", "result.json"


def option(default: Any, help: str, **limits: float) -> Any:
    """A field of a dataclass of options: its default, one line of help, and ``min`` and ``max`` where it has limits."""
    return field(default=default, metadata={"help": help, **limits})


class Loss(NamedTuple):
    """What a batch gives."""

    value: Tensor  # [], the mean over what was predicted
    number: int  # of what was predicted
    state: Any  # after the batch, a tensor or a tuple of them; None where nothing is carried to the next


class Evaluation(Protocol):
    """Data on which a model is judged."""

    def __iter__(self) -> Iterator[Any]:
        """Batches, in order."""
        ...

    def __len__(self) -> int: ...

    def metrics(self, loss: float) -> dict[str, float]:
        """What the mean loss means: ``loss`` itself, and measures that people know it by."""
        ...


class Data(Protocol):
    """Data from which a model learns."""

    @property
    def epoch(self) -> int:
        """Batches that show everything once."""
        ...

    @property
    def held_out(self) -> Evaluation:
        """What is never learnt from."""
        ...

    def batch(self, step: int) -> Any:
        """The batch of a step, which depends on nothing but its number: so a run can go on from any step."""
        ...

    def describe(self) -> str:
        """One line for people."""
        ...


class Task(nn.Module, ABC):
    """What people want done: a model, and the way from a file of theirs to a loss.

    A subclass stands in a file of ``elman/tasks`` whose name is that of the task, and writes what is abstract here.

    Args:
        options: an instance of the subclass's ``Options``.
        vocabulary: what ``learn`` found in the data, as plain values.
    """

    Options: ClassVar[type]  # a dataclass; each field is made with ``option`` and is an option of the command line
    unit: ClassVar[str]  # what the loss is a mean over, in the plural

    def __init__(self, options: Any, vocabulary: dict[str, Any]) -> None:
        super().__init__()
        self.options, self.vocabulary = options, vocabulary

    @classmethod
    def name(cls) -> str:
        """The name of the task, which is that of its file."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    @abstractmethod
    def learn(cls, options: Any, source: Path | None) -> dict[str, Any]:
        """What must be known of the data before there is a model, as plain values."""

    @abstractmethod
    def data(self, source: Path | None, folder: Path, *, rows: int, steps: int) -> Data:
        """The data to learn from, in batches of ``rows`` by ``steps``; ``folder`` keeps what is made of it on the way.

        Raises:
            ElmanError: data that cannot be read, or too little of it.
        """

    @abstractmethod
    def evaluation(self, source: Path | None, folder: Path) -> Evaluation:
        """A whole file to judge the model on; ``folder`` keeps what is made of it on the way."""

    @abstractmethod
    def loss(self, batch: Any, state: Any) -> Loss:
        """The loss of a batch, from the state that the batch before left, or None."""

    @abstractmethod
    def sample(self, seed: int) -> str:
        """A few lines that show people what the model does."""

    def save_weights(self, folder: Path) -> None:
        """Write the weights to the model folder."""
        # written by ourselves: on a full disk the library's own function does not say that the disk is full
        with written_aside(folder / WEIGHTS) as aside:
            aside.write_bytes(save_tensors({name: value.contiguous() for name, value in self.state_dict().items()}))

    def load_weights(self, folder: Path) -> None:
        """Read the weights from the model folder."""
        path = folder / WEIGHTS
        data = _read_bytes(path)
        try:
            weights = load_tensors(data)
        except SafetensorError as error:
            raise ElmanError(f"{path} is damaged or was cut short ({error}); train again or take a copy") from error
        try:
            self.load_state_dict(weights)
        except RuntimeError as error:
            raise ElmanError(f"{path} does not belong to {folder / OPTIONS}: {_first_line(error)}") from error

    def save_options(self, folder: Path, **more: Any) -> None:
        """Write all but the weights to the model folder."""
        write_json(folder / VOCABULARY, self.vocabulary)
        about = {"format": FORMAT, "elman": version("elman"), "task": self.name(), "options": asdict(self.options)}
        write_json(folder / OPTIONS, {**about, **more})


def read_model(folder: Path, find: Callable[[str], type[Task]], *, weights: bool = True) -> Task:
    """The task that a model folder holds.

    Args:
        folder: the model folder.
        find: the class of the task with a name.
        weights: whether to read them too.
    """
    if not folder.is_dir():
        raise ElmanError(f"there is no model folder {folder}; elman train makes one")
    path = folder / OPTIONS
    about = read_json(path)
    if about.get("format", 0) > FORMAT:
        raise ElmanError(
            f"{folder} comes from a newer version, elman {about.get('elman')}; this is {version('elman')}: "
            "upgrade with pip install --upgrade elman"
        )
    try:
        make = find(about["task"])
        known = {field.name for field in fields(make.Options)}
        options = make.Options(**{name: value for name, value in about["options"].items() if name in known})
        task = make(options, read_json(folder / VOCABULARY))
    except (AttributeError, KeyError, TypeError) as error:
        raise ElmanError(f"{path} or {VOCABULARY} beside it is damaged: {error!r}; take a copy") from error
    if weights:
        task.load_weights(folder)
    return task.eval()


@torch.no_grad()
def evaluate(task: Task, evaluation: Evaluation) -> dict[str, float]:
    """Judge a task: the metrics of its mean loss over all batches."""
    training = task.training
    task.eval()
    total, count, state = 0.0, 0, None
    for batch in evaluation:
        loss = task.loss(batch, state)
        state = loss.state
        total += float(loss.value) * loss.number
        count += loss.number
    task.train(training)
    return evaluation.metrics(total / count)


def write_json(path: Path, value: Any) -> None:
    """Write plain values to a file."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object that ``write_json`` wrote."""
    data = _read_bytes(path)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise ElmanError(f"{path} is damaged or was cut short: {_first_line(error)}; take a copy") from error
    if not isinstance(value, dict):
        raise ElmanError(f"{path} is damaged: it holds no object; take a copy")
    return value


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise ElmanError(f"the model folder {path.parent} lacks {path.name}; take a copy, or train again")
    return path.read_bytes()


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
