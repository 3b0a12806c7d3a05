"""What a task finds in people's data without learning from it, and how well the two suit each other."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from elman.data.bad import BadRows
from elman.errors import ElmanError
from elman.training.runs import noted
from elman.training.settings import Training, configured
from elman.training.task import Sources, Task


class Suits(NamedTuple):
    """How well data suits a task."""

    score: float  # from 0 to 1; from 0.5 on it is what the task is for
    why: str  # in a few words
    options: dict[str, str] = {}  # noqa: RUF012  # what the command should say of the data, by the names of options


@dataclass(frozen=True)
class Finding:
    """What a task finds in some data."""

    task: str
    score: float
    why: str
    found: list[str] = field(default_factory=list)  # as training announces it
    options: dict[str, str] = field(default_factory=dict)
    skipped: int = 0  # rows that cannot be used


def inspect(make: type[Task], suits: Callable[[Any, Path], Suits], path: Path, bad: BadRows) -> Finding:
    """What a task finds in data, as ``Task.read`` reads it.

    Args:
        make: the class of the task.
        suits: how well what it read, from where, suits it.
        path: of the data, of which it reads all.
        bad: what is done about rows that cannot be used.
    """
    with _silent(), noted() as found:
        try:
            with bad.settled():
                read = make.read(make.Options(), Sources(path, bad=bad))
            score, why, options = suits(read, path)
        except ElmanError as error:
            return Finding(make.name(), 0.0, str(error))
    return Finding(make.name(), score, why, list(dict.fromkeys(found)), options, len(bad.listed))


def refusal(make: type[Task], finding: Finding, path: Path) -> str:
    """What ``elman train`` would say against data, with the options that were found for it; "" where it would train.

    Args:
        make: the class of the task.
        finding: what it found.
        path: of all of the data.
    """
    sources = Sources(path, bad=BadRows(bool(finding.skipped)))
    with _silent(), noted(), tempfile.TemporaryDirectory() as scratch:
        options = configured(make.Options, make.Options, finding.options)
        training = configured(make.Options, Training, finding.options)
        try:
            with sources.bad.settled():
                read = make.read(options, sources)
            task = make(options, make.learn(options, read))
            task.data(read, Path(scratch), rows=training.rows, steps=training.bptt, seed=training.seed)
        except ElmanError as error:
            return str(error)
    return ""


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing that is logged meanwhile is told, but to those who begin to listen now."""
    logger = logging.getLogger("elman")
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
