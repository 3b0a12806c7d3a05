"""What a measure is: which end is better, whether it is a share of the rows, and how people call it."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

HIGH, LOW = "high", "low"


class Measure(NamedTuple):
    """A measure by which models are compared.

    Args:
        better: ``HIGH`` or ``LOW``; "" where neither is better in itself.
        share: whether it is the share of the judged rows of which something is true, so that chance can be told.
        label: what it is called in tables, where that is not its name with spaces.
        about: what it is, in one line.
    """

    better: str = ""
    share: bool = False
    label: str = ""
    about: str = ""


Measures = Mapping[str, Measure]  # by name, the one that matters most first
LOSS = Measure(LOW, about="what training makes small")


def label(measures: Measures, name: str) -> str:
    """The name of a measure as people read it.

    >>> label({"mse": Measure(LOW, label="mse of the mean")}, "mse"), label({}, "macro_f1")
    ('mse of the mean', 'macro f1')
    """
    known = measures.get(name)
    return known.label if known and known.label else name.replace("_", " ")


def leading(measures: Measures, *rows: Iterable[str]) -> str | None:
    """The first measure with a better end that all of some methods have.

    >>> leading({"f1": Measure(HIGH), "accuracy": Measure(HIGH)}, {"loss": 1.0, "accuracy": 0.5}, {"accuracy": 0.6})
    'accuracy'
    """
    return next((name for name, each in measures.items() if each.better and all(name in row for row in rows)), None)


def is_better(measure: Measure, one: float, other: float) -> bool:
    """Whether a value is better than another; one that is not a number is not."""
    return one > other if measure.better == HIGH else one < other


def improved(new: Mapping[str, float], old: Mapping[str, float], monitor: str | None) -> bool:
    """Whether a judgement is better than another: by a measure that is to be high, or else by the loss."""
    if monitor is None:
        return new["loss"] < old["loss"]
    return new[monitor] > old[monitor]


def standard_error(share: float, rows: int) -> float:
    """How far a share of so many rows is off by chance, as a standard deviation.

    >>> standard_error(0.5, 100)
    0.05
    """
    return math.sqrt(max(0.0, share * (1 - share)) / rows)
