"""The folders that hold an estimator's own model, so that no other is replaced by mistake."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from elman import tasks
from elman.errors import ElmanError
from elman.training.folders import OPTIONS, WEIGHTS, by_name
from elman.training.task import Task


class Homes:
    """Where the model of an estimator was written, or came from; a folder that another model has taken is none."""

    def __init__(self) -> None:
        self._marks: dict[Path, tuple[int, int, int]] = {}

    def add(self, folder: Path) -> None:
        """The folder holds the model."""
        self._marks[folder.resolve()] = _mark(folder)

    def check(self, folder: Path, *, overwrite: bool) -> None:
        """Refuse a folder that holds the model of another.

        Raises:
            ElmanError: such a folder, unless it may be overwritten.
        """
        if not (folder / OPTIONS).exists() or overwrite:
            return
        if folder.resolve() not in self._marks or self._marks[folder.resolve()] != _mark(folder):
            raise ElmanError(
                f"{folder} holds another model: save(folder, overwrite=True) replaces it, or name another folder"
            )


def holds(folder: Path, task: Task) -> bool:
    """Whether a folder holds just this task: its options, what it learnt of its data, and its weights."""
    try:
        other = tasks.restore(folder)
    except ElmanError:
        return False
    weights, others = task.state_dict(), other.state_dict()
    return (
        other.name() == task.name()
        and _plain(asdict(other.options)) == _plain(asdict(task.options))
        and _plain(other.vocabulary) == _plain(task.vocabulary)
        and weights.keys() == others.keys()
        and all(torch.equal(value.cpu(), others[name]) for name, value in weights.items())
    )


def _plain(values: dict[str, Any]) -> Any:
    """Values as a file has them."""
    return json.loads(json.dumps(values, default=by_name))


def _mark(folder: Path) -> tuple[int, int, int]:
    """What tells the file of the weights from that of another model, which would be written anew."""
    if not (folder / WEIGHTS).exists():
        return (0, 0, 0)
    found = (folder / WEIGHTS).stat()
    return (found.st_ino, found.st_mtime_ns, found.st_size)
