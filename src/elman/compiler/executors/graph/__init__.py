"""The loop over a step, recorded as a graph of operations on the device, and done again without Python.

``record.py`` records, on CUDA and ROCm; ``recorded.py`` is a function that was recorded, with its backward pass;
``watch.py`` sees whether one can be, and ``given.py`` finds the tensors that it is a function of. A graph is made for
each set of shapes, dtypes and modes at the second call of its kind, and a few are kept for each cell.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from elman.compiler.devices import unusual
from elman.compiler.executor import Mode, Run, State
from elman.compiler.executors import eager
from elman.compiler.executors.graph.given import settings_of, tensors_of, with_tensors
from elman.compiler.executors.graph.record import RECORDERS
from elman.compiler.executors.graph.recorded import Recorded, replay
from elman.compiler.executors.graph.watch import seen
from elman.compiler.reading import reading
from elman.errors import ElmanError

WATCHED = 1  # calls of a kind that are watched before one is recorded
KEPT = 8  # graphs that are kept for a cell; each has the memory of a whole run
MADE = 64  # graphs that are made for a cell, after which its calls are of too many kinds to go on


class Graph:
    """Runs any step, on devices that record operations."""

    name = "graph"
    rank = 2

    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input, empty if it does."""
        if x.device.type not in RECORDERS:
            return f"PyTorch records no graphs on {x.device.type}"
        if x.is_cuda and torch.cuda.is_current_stream_capturing():
            return "operations are recorded already"
        return unusual(x)

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it cannot run the step of this cell, as far as that was seen; empty if it can."""
        return _known(template).why

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it runs this cell, in words."""
        return f"its loop is recorded as a graph on {x.device.type}, one for each set of shapes"

    def run(
        self,
        cell: Any,
        template: nn.Module,
        mode: Mode,
        x: Tensor,
        state: State,
        initial: State,
        *,
        lengths: Tensor | None,
        resets: Tensor | None,
        reverse: bool,
        extras: Mapping[str, Tensor],
        all_states: bool,
        save: int | str,
    ) -> Run:
        """Run the loop, which is recorded at the second call of its kind; derivatives are of any order."""
        own = dict(tensors_of(cell))
        along = [None if t is None else t.to(x.device) for t in (lengths, resets)]
        tensors = [x, *along, *state, *initial, *extras.values(), *own.values()]
        names, paths = tuple(extras), tuple(own)
        numbers = len(state), len(names)

        def loop(given: Sequence[Any]) -> list[Tensor]:
            x, lengths, resets, *rest = given
            states, count = numbers
            first, rest = tuple(rest[:states]), rest[states:]
            after, rest = tuple(rest[:states]), rest[states:]
            view = with_tensors(cell, dict(zip(paths, rest[count:], strict=True)))
            with _same_autocast(x.device.type):
                found = eager.EXECUTOR.run(
                    view, template, mode, x, first, after, lengths=lengths, resets=resets, reverse=reverse,
                    extras=dict(zip(names, rest[:count], strict=True)), all_states=all_states, save=save,
                )  # fmt: skip
            return [found.outputs, *found.final, *(found.states if all_states else ())]

        key = mode, names, paths, reverse, all_states, settings_of(template), _modes(x), *map(_form, tensors)
        outputs, *rest = _made(template, key, x, loop, tensors, reading(template, mode).traced is None)
        return Run(outputs, tuple(rest[: len(state)]), tuple(rest[len(state) :]))

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> None:
        """Nothing more than the reason: it is a loop."""


EXECUTOR = Graph()


class _Known:
    """What is known of a cell: its graphs by the kinds of calls, the one that was used last at the end."""

    def __init__(self) -> None:
        self.graphs: dict[Any, list[Recorded]] = {}
        self.made, self.why = 0, ""


_cells: WeakKeyDictionary[nn.Module, _Known] = WeakKeyDictionary()


def _known(template: nn.Module) -> _Known:
    return _cells.setdefault(template, _Known())


def forget() -> None:
    """Drop all graphs, and so their memory; those that are in use end with their backward pass."""
    _cells.clear()


def _made(
    template: nn.Module, key: Any, x: Tensor, loop: Callable[[Sequence[Any]], list[Tensor]],
    tensors: Sequence[Tensor | None], unread: bool,
) -> Sequence[Tensor]:  # fmt: skip
    """What the loop gives: by a graph that is free, by one that is made now, or as it is."""
    known = _known(template)
    if known.why:
        return loop(tensors)
    graphs = known.graphs.pop(key, None)
    known.graphs[key] = graphs or []
    if graphs is None:
        while len(known.graphs) > KEPT:
            known.graphs.pop(next(iter(known.graphs)))
        if WATCHED:
            made, known.why = seen(lambda: loop(tensors), tensors)
            return made
    graphs = known.graphs[key]
    recorded = next((each for each in graphs if each.take()), None)
    if recorded is None:
        if len(graphs) >= KEPT:  # so many calls wait for their backward pass
            return loop(tensors)
        if known.made >= MADE:
            known.why = f"its inputs were of more than {MADE} shapes, for each of which a graph would be made"
            known.graphs.clear()
            return loop(tensors)
        known.made += 1
        try:
            with torch.random.fork_rng([x.device.index] if x.is_cuda else [], device_type="cuda"):
                recorded = Recorded(RECORDERS[x.device.type](), loop, tensors)
        except RuntimeError as error:
            made = loop(tensors)  # which raises what is wrong with a call
            known.why = f"its loop cannot be recorded: {str(error).splitlines()[0]}"
            return made
        recorded.take()
        graphs.append(recorded)
    return replay(recorded, _random if unread else loop, tensors)


def _random(tensors: Sequence[Any]) -> list[Tensor]:
    raise ElmanError(
        "the step cannot be read, and may draw random numbers, so that its graph has no derivative of a derivative; "
        'use("eager") of elman.compiler.plan around the call gives it'
    )


def _form(t: Tensor | None) -> Any:
    """What a graph depends on of a tensor."""
    return None if t is None else (t.shape, t.dtype, t.device, t.requires_grad)


def _modes(x: Tensor) -> tuple[Any, ...]:
    """What a graph depends on beside its tensors and its module."""
    kind = x.device.type
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.get_default_dtype(),
        torch.cuda.current_stream(x.device).cuda_stream if x.is_cuda else 0,
    )


def _same_autocast(kind: str) -> Any:
    """The autocast that is on, without its memory of weights, which would be of another call's."""
    if not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, torch.get_autocast_dtype(kind), cache_enabled=False)
