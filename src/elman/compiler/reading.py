"""The Programs of steps, each read once: for training, for evaluation, for each set of remedies and of extra inputs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from torch import fx, nn

from elman.compiler import derive
from elman.compiler.contract import NotCompilable
from elman.compiler.executor import Mode, Widths
from elman.compiler.likeness import likeness
from elman.compiler.surroundings import undisturbed
from elman.compiler.trace import Traced, trace


@dataclass(frozen=True)
class Reading:
    """What was read of a step: its Program, or why there is none."""

    traced: Traced | None
    why: str = ""

    @cached_property
    def prologue(self) -> tuple[str, fx.GraphModule | None]:
        """What computes the operands, None where they are parameters; and what it is known by, empty then."""
        assert self.traced is not None
        made = self.traced.prologue
        return ("", None) if made is None else (f"{self.traced.program.text}\n{made.code}", made)

    @cached_property
    def projection(self) -> str:
        """What computes the matrix of a raw input is known by; empty where there is none."""
        assert self.traced is not None
        made = self.traced.projection
        return "" if made is None else f"{self.traced.program.text}\n{made[1].code}"

    @cached_property
    def trajectory(self) -> str:
        """The text of the Program that has all its states as its output."""
        assert self.traced is not None
        return derive.trajectory(self.traced.program).text


MOST = 256  # kinds of modules of which it is known what was read

_alike: dict[tuple[Any, ...], Reading] = {}
_known: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], Reading]] = WeakKeyDictionary()


def reading(template: nn.Module, mode: Mode) -> Reading:
    """What was read of a cell's step in this mode.

    Raises:
        ElmanError: a step that gives something else than its output and its new states.
    """
    known = _known.get(template)
    if known is None:
        known = _known.setdefault(template, {})
    key = mode, getattr(template, "remedies", ()), template.hidden_size  # which a user may set to another number
    found = known.get(key)
    if found is None:
        found = known[key] = _shared(template, mode)
    return found


def _shared(template: nn.Module, mode: Mode) -> Reading:
    """What was read of a cell, or of one before that was alike."""
    with undisturbed():
        like = likeness(template)
    if like is None:
        return _read(template, mode[1])
    found = _alike.pop((mode, like), None) or _read(template, mode[1])
    _alike[mode, like] = found
    if len(_alike) > MOST:
        _alike.pop(next(iter(_alike)), None)
    return found


def _read(template: nn.Module, widths: Widths) -> Reading:
    states = dict(zip(template.states, template.state_sizes, strict=True))  # type: ignore[arg-type]
    try:
        with undisturbed():  # whoever traces a call sees nothing of this
            width = template.input_size if template.lifted else len(template.weight_ih)  # type: ignore[arg-type]
            return Reading(trace(template, width, states, dict(widths), lift=template.lifted))  # type: ignore[arg-type]
    except NotCompilable as error:
        return Reading(None, str(error))


def read(template: nn.Module, widths: Widths = ()) -> Traced:
    """The Program of a cell's step, as it is now: training or not, with its remedies.

    Args:
        template: the cell.
        widths: name and number of columns of each of its extra inputs.

    Raises:
        NotCompilable: the step has something that the compiler does not know.
        ElmanError: a step that gives something else than its output and its new states.
    """
    found = reading(template, (template.training, widths))
    if found.traced is None:
        raise NotCompilable(found.why)
    return found.traced
