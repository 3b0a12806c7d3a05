"""A law: a function that fails where something does not hold, and the cases in which it is tried."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import torch
from torch.utils import deterministic

from elman.compiler import plan
from elman.testing.cases import Case


class LawBroken(AssertionError):
    """A law that does not hold: what of, which one, in which case, and what differs."""


class Check(NamedTuple):
    """One law in one case: a name, and a function that raises ``LawBroken`` where it does not hold."""

    name: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Law:
    """What must hold, and for what.

    Args:
        holds: fails where it does not hold; its name is that of the law.
        factors: by the names of arguments of ``holds``, the values that are tried, all with all.
    """

    holds: Callable[..., None]
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def checks(self, subject: str, *arguments: Any, executors: Sequence[str] = ("",)) -> Iterator[Check]:
        """The law in each of its cases, by each executor; without one, by those that are usual.

        ``subject`` is what people call the thing whose law it is; ``holds`` is given ``arguments`` before the values.
        """
        for executor, *values in product(executors, *self.factors.values()):
            case = dict(zip(self.factors, values, strict=True))
            words = [word for word in (*(_word(name, value) for name, value in case.items()), executor) if word]
            run = _Run(self.holds, subject, arguments, case, executor, ", ".join(words))
            yield Check("-".join([self.holds.__name__, *words]), run)


@dataclass(frozen=True)
class _Run:
    """A law in one case, ready to be called."""

    holds: Callable[..., None]
    subject: str
    arguments: tuple[Any, ...]
    case: dict[str, Any]
    executor: str
    words: str

    def __call__(self) -> None:
        try:
            with repeatable(), plan.use(self.executor) if self.executor else nullcontext():
                self.holds(*self.arguments, **self.case)
        except Exception as error:  # whatever a person's own code may raise
            law = self.holds.__name__.replace("_", " ")
            told = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            where = f" for {self.words}" if self.words else ""
            raise LawBroken(f"{self.subject} breaks the law {law!r}{where}: {told}") from error


def _word(name: str, value: Any) -> str:
    """A value of a factor, as it stands in the name of a check."""
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, tuple):
        value = "x".join(map(str, value))
    return str(value) if isinstance(value, Case) else f"{name}={value}"


@contextmanager
def repeatable() -> Iterator[None]:
    """Seeded random numbers, uninitialised memory that is NaN, and one thread: what is found is found again."""
    memory: Any = deterministic
    before = torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory, torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.use_deterministic_algorithms(True)
        memory.fill_uninitialized_memory = True
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0])
            memory.fill_uninitialized_memory = before[1]
            torch.set_num_threads(before[2])
