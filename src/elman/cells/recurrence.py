"""What runs over a sequence: states, and a step that carries them from one time to the next."""

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial, wraps
from operator import attrgetter
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from elman.cells.remedy import Remedy, RunRemedy, StepRemedy
from elman.compiler import plan
from elman.compiler.binding import Member, Stack, again
from elman.compiler.calls import Calls
from elman.compiler.contract import place_of
from elman.compiler.executor import Run, State
from elman.compiler.precision import CAST
from elman.compiler.surroundings import autocasts, ordinary, recorded, transformed
from elman.compiler.tensors import PLAIN, WHOLE, strided, told
from elman.errors import ElmanError

READ_OF_CELL = attrgetter("training", "remedies", "input_size", "hidden_size", "state_sizes")  # beside its parameters
_RUN_OPTIONS = ("lengths", "resets", "reverse", "parameters", "save")

M = TypeVar("M", bound=nn.Module)


class Recurrence(nn.Module, ABC):
    """A step with its parameters, and all that follows from it: runs, states, lengths, resets, remedies.

    The signature of ``step`` is read: the positional arguments after ``x`` are the states, the keyword-only ones are
    *extra inputs*. ``Cell`` is one whose step has the input projected to its gates; ``adopt`` makes one of a module
    that was written for another purpose.
    """

    smooth: ClassVar[bool] = True  # whether the gradient is the derivative, and not a surrogate of it
    lifted: ClassVar[bool] = False  # whether the step takes x as it is, and the compiler takes its products out
    gates: ClassVar[tuple[str, ...]]
    dense: bool  # whether there is a weight_hh with a row for each unit of each gate, and bias_hh
    extra_sizes: ClassVar[Mapping[str, int]] = {}  # features of those extra inputs that have a fixed number of them
    _calls: Calls | None = None  # those that were bound, where it keeps any
    remedies: tuple[Remedy, ...] = ()  # what is done around its runs and its steps
    called: Mapping[str, str] = {}  # the names of its parameters in the layer that holds them, where they are others

    states: tuple[str, ...]  # the names of the states and extra inputs, read from the signature of step
    extra_inputs: tuple[str, ...]
    input_size: int
    hidden_size: int
    output_size: int
    state_sizes: tuple[int, ...]
    weight_ih: Any  # by which kernels project the input
    bias_ih: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            parameters = list(inspect.signature(cls.step).parameters.values())[2:]
            cls.states = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
            cls.extra_inputs = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
            cls.step = _with_remedies(cls.step)

    def attach(self, *remedies: "Remedy") -> Self:
        """Give the cell remedies, which are regularisers and initialisers; later ones act around earlier ones.

        Raises:
            ElmanError: one that does not fit this cell, or of a kind that it has already.
        """
        for remedy in remedies:
            if not isinstance(remedy, Remedy):
                raise ElmanError(f"a remedy is a value such as Zoneout(0.1), not {remedy!r}")
            if any(type(other) is type(remedy) for other in self.remedies):
                raise ElmanError(f"{type(self).__name__} has {type(remedy).__name__} already; give it once")
            remedy.start(self)
            self.remedies = (*self.remedies, remedy)
        return self

    @abstractmethod
    def step(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        """One time step: ``step(x, *states, **extras)`` gives the output and the new states.

        ``x [B, G*H]`` is the input, already projected; each state is ``[B, S]``.
        """

    @abstractmethod
    def project(self, x: Tensor) -> Tensor:
        """What the step takes of the input, for all steps at once: ``[..., I]`` to ``[..., X]``."""

    @property
    @abstractmethod
    def like(self) -> Tensor:
        """A tensor whose dtype and device are those of all."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw every parameter anew."""

    @abstractmethod
    def check_parameters(self) -> None:
        """Refuse parameters of another shape, dtype or device than they must have."""

    def initial_state(self, batch: int) -> State:
        """The state a sequence starts from: one ``[batch, S]`` for each of ``states``.

        A parameter ``initial_NAME [S]``, if the cell has one, is the initial value of the state ``NAME``; else zeros.
        """
        return tuple(
            self.like.new_zeros(batch, size) if own is None else self._learnt(name, own, size).expand(batch, size)
            for name, size in zip(self.states, self.state_sizes, strict=True)
            for own in [self._parameters.get(f"initial_{name}")]
        )

    def _learnt(self, state: str, own: Tensor, size: int) -> Tensor:
        if own.shape != (size,):
            raise ElmanError(f"initial_{state} of {type(self).__name__} is {told(own)}, where [{size}] is right")
        return own

    def forward(
        self,
        x: Tensor,
        state: Tensor | State | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        reverse: bool = False,
        parameters: Mapping[str, Tensor | None] | None = None,
        save: int | str = "fast",
        **extras: Tensor,
    ) -> tuple[Tensor, Tensor | State]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from, ``[B, S]`` (a tuple of them where the cell has several); ``initial_state``
                if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``, on any device. A finished row keeps its state; its outputs
                are zero, and what stands in its padding does not matter.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which starts from ``initial_state``.
            reverse: run from each row's own last step to its first.
            parameters: run with these, by name, instead of the cell's own.
            save: what is kept for the backward pass, where there are kernels: ``"fast"`` everything; ``"lean"`` little,
                for about a third more time; a number, the state before every so many steps; or as much as fits in
                ``"2GiB"``.
            extras: the cell's extra inputs by name, ``[B, T, S]`` or, if constant over the sequence, ``[B, S]``.

        Returns:
            Outputs ``[B, T, output_size]`` and the last state, a tuple where the cell has several states.

        Raises:
            ElmanError: a shape, a dtype, a length or a name that does not fit.
        """
        plain = lengths is None and resets is None and parameters is None and save == "fast" and not (extras or reverse)
        calls = self._calls if plain and ordinary() else None
        if calls is not None and type(x) in PLAIN:
            states = () if state is None else (state,) if isinstance(state, Tensor) else state
            if type(states) is tuple:
                flags, run = READ_OF_CELL(self), lambda: self._whole(x, state)
                return again(calls, flags, self._parameters, x, states, self._alone, run)
        return self._whole(
            x, state, lengths=lengths, resets=resets, reverse=reverse, parameters=parameters, save=save, extras=extras
        )

    def _whole(
        self, x: Tensor, state: Tensor | State | None, *, extras: Mapping[str, Tensor] | None = None, **options: Any
    ) -> tuple[Tensor, Tensor | State]:
        run = self._run(x, state, extras=extras or {}, **options)
        return run.outputs, run.final if len(self.states) > 1 else run.final[0]

    def _alone(self) -> Stack | None:
        """The stack of this cell, where kernels are all that its run needs."""
        own = {name: name for name in self._parameters}
        return Stack([Member(self, own)]) if self.begins_with_zeros else None

    @property
    def begins_with_zeros(self) -> bool:
        """Whether its runs begin with zeros if nothing is given, and have neither remedies nor extra inputs."""
        learnt = any(f"initial_{name}" in self._parameters for name in self.states)
        own = type(self).initial_state is not Recurrence.initial_state
        return not (self.remedies or self.extra_inputs or self.lifted or learnt or own)

    def trajectory(self, x: Tensor, state: Tensor | State | None = None, **options: Any) -> tuple[Tensor, State]:
        """Run as ``forward`` does, and return the outputs with all states of every step, each ``[B, T, S]``."""
        extras = {name: options.pop(name) for name in list(options) if name not in _RUN_OPTIONS}
        run = self._run(x, state, **options, extras=extras, all_states=True)
        return run.outputs, run.states

    def _run(
        self,
        x: Tensor,
        state: Tensor | State | None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        reverse: bool = False,
        parameters: Mapping[str, Tensor | None] | None = None,
        save: int | str = "fast",
        extras: Mapping[str, Tensor],
        all_states: bool = False,
    ) -> Run:
        cell = self if parameters is None else bind(self, parameters)
        cell.check_input(x)
        cell.check_parameters()
        state = (state,) if isinstance(state, Tensor) else state
        initial = cell.initial_state(x.shape[0])
        state = initial if state is None else tuple(state)
        lengths = check_lengths(lengths, x.shape[0], x.shape[1])
        cell._check(x, state, resets, extras)
        if x.shape[1] == 0:
            empty = x.new_zeros(x.shape[0], 0, self.output_size)
            return Run(empty, state, tuple(x.new_zeros(x.shape[0], 0, size) for size in self.state_sizes))

        def run(cell: Recurrence, x: Tensor, /, **extras: Tensor) -> Run:
            mode = plan.mode_of(self, extras)
            return plan.choose(self, mode, x).run(
                cell,
                self,
                mode,
                x,
                state,
                initial,
                lengths=lengths,
                resets=resets,
                reverse=reverse,
                extras=extras,
                all_states=all_states,
                save=save,
            )

        for remedy in self.remedies:
            if isinstance(remedy, RunRemedy):
                run = partial(remedy.run, run)
        return run(cell, x, **{name: extras[name] for name in self.extra_inputs})

    def check_input(self, x: Any) -> None:
        """Refuse an input that is not ``[B, T, I]``."""
        if not isinstance(x, Tensor) or x.layout is not torch.strided or x.dim() != 3 or x.shape[2] != self.input_size:
            wanted = f"[batch, time, {self.input_size}]"
            given = list(x.shape) if strided(x) else told(x)
            raise ElmanError(f"{type(self).__name__} takes an input of {wanted}, not {given}")

    def _check(self, x: Tensor, state: State, resets: Tensor | None, extras: Mapping[str, Tensor]) -> None:
        name, weight = type(self).__name__, self.like
        device, dtype = weight.device, weight.dtype

        for n, value in enumerate((x, *state, *extras.values())):
            if not isinstance(value, Tensor) or (value.dtype != dtype or value.device != device):
                cast = isinstance(value, Tensor) and value.device == device and {value.dtype, dtype} <= {*CAST}
                if cast and autocasts(device.type):
                    continue
                what = ("an input", *("a state" for _ in state), *(f"the extra input {key}" for key in extras))[n]
                if not isinstance(value, Tensor):
                    raise ElmanError(f"{name} takes tensors, and was given {told(value)} as {what}")
                own, given = (device, value.device) if value.device != device else (dtype, value.dtype)
                by = "on" if value.device != device else "of"
                raise ElmanError(f"{name} has weights {by} {own} and was given {what} {by} {given}")
        batch, time = x.shape[:2]
        shapes = [[batch, size] for size in self.state_sizes]
        if [list(s.shape) for s in state] != shapes:
            raise ElmanError(
                f"{name} takes a state of {' and '.join(map(str, shapes))} ({', '.join(self.states)}), "
                f"not {' and '.join(str(list(s.shape)) for s in state)}"
            )
        if resets is not None and (
            not strided(resets) or resets.dtype != torch.bool or list(resets.shape) != [batch, time]
        ):
            raise ElmanError(f"resets are bool of {[batch, time]}, not {told(resets)}")
        if set(extras) != set(self.extra_inputs):
            wanted = ", ".join(self.extra_inputs) or "no extra inputs"
            raise ElmanError(f"{name} takes {wanted}, and was given {', '.join(extras) or 'none'}")
        for key, value in extras.items():
            if list(value.shape[:-1]) not in ([batch, time], [batch]):
                raise ElmanError(
                    f"{key} is [{batch}, {time}, size], or [{batch}, size] if constant over the sequence, "
                    f"not {list(value.shape)}"
                )
            size = self.extra_sizes.get(key, value.shape[-1])
            if value.shape[-1] != size:
                raise ElmanError(
                    f"the last axis of {key} has {size}, as [{batch}, {time}, {size}], not {list(value.shape)}"
                )

    @classmethod
    def reference(cls) -> str:
        """The name by which a model folder refers to this class, as ``elman.cells.name_of`` gives it."""
        return name_of(cls)


def _with_remedies(step: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """A cell's step with its remedies around it: the step that every executor sees."""

    @wraps(step)
    def around(cell: Recurrence, x: Tensor, /, *state: Tensor, **extras: Tensor) -> tuple[Tensor, ...]:
        inner = step
        if type(cell).step is around:  # and not a step that a subclass builds on
            for remedy in cell.remedies:
                if isinstance(remedy, StepRemedy):
                    inner = partial(remedy.step, inner)
        return inner(cell, x, *state, **extras)

    return around


def name_of(cell: type[Recurrence]) -> str:
    """The name that ``elman.cells.load`` finds a class by, in any process.

    Raises:
        ElmanError: a class of a script or a function, which only this process knows.

    >>> from elman.cells import load
    >>> name_of(load("lstm"))
    'lstm'
    """
    package, _, file = cell.__module__.rpartition(".")
    if package == __package__:
        return file
    found: Any = sys.modules.get(cell.__module__)
    for part in cell.__qualname__.split("."):
        found = getattr(found, part, None)
    if cell.__module__ == "__main__" or found is not cell:
        raise ElmanError(
            f"{place_of(cell)}: {cell.__name__} is known to this process alone, and a model of it cannot be saved; "
            f"write it at the top of a module, such as {cell.__name__.lower()}.py, and import it from there"
        )
    return f"{cell.__module__}:{cell.__qualname__}"


def view(cell: M, **attributes: Any) -> M:
    """A view of ``cell`` with these attributes instead of its own; ``cell`` itself is left alone."""
    other = object.__new__(type(cell))
    vars(other).update({**vars(cell), **attributes})
    return other


def _part(cell: nn.Module, name: str) -> nn.Module:
    part = cell._modules.get(name)
    if part is None:
        raise ElmanError(
            f"{type(cell).__name__} has no part {name}; its parts are {', '.join(cell._modules) or 'none'}"
        )
    return part


def bind(cell: M, parameters: Mapping[str, Tensor | None]) -> M:
    """A view of ``cell`` whose parameters are these tensors, by their paths; ``cell`` itself is left alone.

    Those that ``cell`` does not have, such as biases, need not be named, nor those of a part that none are named of.
    """
    own: dict[str, Tensor | None] = {name: None for name, value in cell._parameters.items() if value is None}
    parts: dict[str, dict[str, Tensor | None]] = {}
    for path, value in parameters.items():
        name, _, rest = path.partition(".")
        if rest:
            parts.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    if not parts:
        return view(cell, _parameters=own)
    modules = {name: bind(_part(cell, name), inner) for name, inner in parts.items()}
    return view(cell, _parameters=own, _modules={**cell._modules, **modules})


def check_lengths(lengths: Any, batch: int, time: int) -> Tensor | None:
    """Lengths in 64 bits; refused if they are not ``batch`` whole numbers from 0 to ``time``.

    Where operations are compiled, recorded or mapped there are no numbers to look at: kernels look when they run.
    """
    if lengths is None:
        return None
    if not strided(lengths) or lengths.dtype not in WHOLE or list(lengths.shape) != [batch]:
        raise ElmanError(f"lengths are whole numbers of [{batch}] in a tensor, not {told(lengths)}")
    lengths = lengths.to(torch.int64)
    if torch.compiler.is_compiling() or recorded() or transformed() or not batch:
        return lengths
    first, last = int(lengths.min()), int(lengths.max())
    if first < 0 or last > time:
        raise ElmanError(f"lengths go from 0 to {time}, not from {first} to {last}")
    return lengths
