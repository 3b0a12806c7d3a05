"""The contract of a cell: a recurrence is written once, as one step in ordinary PyTorch."""

import inspect
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.compiler import plan
from elman.compiler.contract import place_of
from elman.compiler.executor import Run, State
from elman.compiler.surroundings import recorded, transformed
from elman.compiler.tensors import WHOLE, strided, told
from elman.errors import ElmanError

_RUN_OPTIONS = ("lengths", "resets", "reverse", "parameters", "save")


class Cell(nn.Module, ABC):
    """One recurrence: its parameters, and the step that carries its state from one time to the next.

    A subclass names its ``gates`` and writes ``step``; everything else follows from the two. The signature of ``step``
    is read: the positional arguments after ``x`` are the states, the keyword-only ones are *extra inputs*.

    In the step, ``x`` is the input's share of all gates, ``W_ih x + b_ih``, and ``self.recurrent(h)`` is the state's
    share, ``W_hh h + b_hh``; both are ``[B, G*H]``, the gates side by side in the order of ``gates``.

    Symbols used in the equations of all cells: ``x`` input, ``h`` hidden state, ``c`` cell state, ``W_i*`` rows of
    ``weight_ih``, ``W_h*`` rows of ``weight_hh``, ``b_i*`` and ``b_h*`` their biases, ``*`` element-wise product.

    Args:
        input_size: features of the input, ``I``.
        hidden_size: units, ``H``.
        bias: whether the two bias vectors exist.
        recurrent_size: features of the first state, the one that is the output, if it is not ``hidden_size``.

    Parameters: ``weight_ih [G*H, I]``, ``weight_hh [G*H, R]``, ``bias_ih [G*H]``, ``bias_hh [G*H]`` for ``G`` gates,
    rows in the order of ``gates``. Initial values are uniform in ``±1/sqrt(H)``, as in ``torch.nn``, but for those that
    ``initialisers`` names. A cell that is not ``dense`` has no ``bias_hh``, and its ``weight_hh`` if any is its own.

    Example:
        >>> class Leaky(Cell):
        ...     gates = ("a", "n")
        ...
        ...     def step(self, x, h):
        ...         a, n = (x + self.recurrent(h)).chunk(2, -1)
        ...         a = torch.sigmoid(a)
        ...         h = (1 - a) * h + a * torch.tanh(n)
        ...         return h, h  # output, new state
        >>> outputs, h = Leaky(3, 8)(torch.randn(2, 5, 3))
        >>> outputs.shape, h.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 8]))
    """

    gates: ClassVar[tuple[str, ...]]
    dense: bool = True  # whether the contract's own weight_hh and bias_hh exist
    smooth: ClassVar[bool] = True  # whether the gradient is the derivative, and not a surrogate of it
    # what fills a parameter that does not begin with uniform values, by its name
    initialisers: ClassVar[Mapping[str, Callable[[Tensor], object]]] = {}
    extra_sizes: ClassVar[Mapping[str, int]] = {}  # features of those extra inputs that have a fixed number of them
    forget_gates: tuple[str, ...] = ("f",)  # the sigmoid gates, if it has them, that keep the state where they are open
    update_gates: tuple[str, ...] = ()  # those that take something else in its place where they are open
    remedies: tuple["Remedy", ...] = ()  # what is done around its runs and its steps
    called: Mapping[str, str] = {}  # the names of its parameters in the layer that holds them, where they are others

    states: ClassVar[tuple[str, ...]]  # the names of the states and extra inputs, read from the signature of step
    extra_inputs: ClassVar[tuple[str, ...]]

    def __new__(cls, *args: Any, **options: Any) -> Self:
        _check_class(cls)
        return super().__new__(cls)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            parameters = list(inspect.signature(cls.step).parameters.values())[2:]
            cls.states = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
            cls.extra_inputs = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
            cls.step = _with_remedies(cls.step)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        recurrent_size: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if not isinstance(size, int) or size < 1:
                raise ElmanError(f"{name} must be a whole number of at least 1, not {size!r}")
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.output_size = hidden_size if recurrent_size is None else recurrent_size
        self.state_sizes = (self.output_size,) + (hidden_size,) * (len(self.states) - 1)
        rows = len(self.gates) * hidden_size
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size, **place))
        if self.dense:
            self.weight_hh = nn.Parameter(torch.empty(rows, self.output_size, **place))
        self.bias_ih = nn.Parameter(torch.empty(rows, **place)) if bias else None
        if self.dense:
            self.bias_hh = nn.Parameter(torch.empty(rows, **place)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every parameter anew: uniformly in ``±1/sqrt(hidden_size)``, or as ``initialisers`` and remedies say."""
        bound = 1 / math.sqrt(self.hidden_size)
        for name, parameter in self.named_parameters():
            if name in self.initialisers:
                with torch.no_grad():
                    self.initialisers[name](parameter)
            else:
                nn.init.uniform_(parameter, -bound, bound)
        for remedy in self.remedies:
            remedy.start(self)

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

    def project(self, x: Tensor) -> Tensor:
        """The input's share of every gate, ``W_ih x + b_ih``, for all steps at once: ``[..., I]`` to ``[..., G*H]``."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def recurrent(self, h: Tensor, *gates: str) -> Tensor:
        """The state's share of every gate, ``W_hh h + b_hh``: ``[B, R]`` to ``[B, G*H]``.

        With names of ``gates``, which must be neighbours, the share of those alone.
        """
        if not gates:
            return F.linear(h, self.weight_hh, self.bias_hh)
        rows = self.rows(*gates)
        return F.linear(h, self.weight_hh[rows], None if self.bias_hh is None else self.bias_hh[rows])

    def rows(self, *gates: str) -> slice:
        """Where some gates, which must be neighbours, stand among the ``G*H`` rows."""
        first = self.gates.index(gates[0])
        return slice(first * self.hidden_size, (first + len(gates)) * self.hidden_size)

    def initial_state(self, batch: int) -> State:
        """The state a sequence starts from: one ``[batch, S]`` for each of ``states``.

        A parameter ``initial_NAME [S]``, if the cell has one, is the initial value of the state ``NAME``; else zeros.
        """
        return tuple(
            self.weight_ih.new_zeros(batch, size) if own is None else self._learnt(name, own, size).expand(batch, size)
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
        run = self._run(
            x, state, lengths=lengths, resets=resets, reverse=reverse, parameters=parameters, save=save, extras=extras
        )
        return run.outputs, run.final if len(self.states) > 1 else run.final[0]

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

        def run(cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
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

    def check_parameters(self) -> None:
        """Refuse parameters of the contract that are not of its shapes, and any of another dtype or device.

        Raises:
            ElmanError: one that does not fit: which, what it is, and what would be right.
        """
        own, first, rows = self._parameters, self.weight_ih, len(self.gates) * self.hidden_size
        dtype, device = first.dtype, first.device
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, self.input_size), "bias_ih": (rows,)}
        if self.dense:
            shapes |= {"weight_hh": (rows, self.output_size), "bias_hh": (rows,)}
        for name in own if own.keys() >= shapes.keys() else {**shapes, **own}:  # something may compute one of them
            value = own[name] if name in own else getattr(self, name)
            if value is None:
                continue
            shape = shapes.get(name)
            if value.dtype != dtype or value.device != device or (shape is not None and value.shape != shape):
                right = f"{dtype} of {list(shape or value.shape)} on {device}"
                what = f"{self.called.get(name, name)} of {type(self).__name__}"
                raise ElmanError(f"{what} is {told(value)}, where {right} is right")

    def _check(self, x: Tensor, state: State, resets: Tensor | None, extras: Mapping[str, Tensor]) -> None:
        name, weight = type(self).__name__, self.weight_ih
        device, dtype = weight.device, weight.dtype

        for n, value in enumerate((x, *state, *extras.values())):
            if not isinstance(value, Tensor) or (value.dtype != dtype or value.device != device):
                if isinstance(value, Tensor) and value.device == device and torch.is_autocast_enabled(x.device.type):
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

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")
        return text + (f", remedies={list(self.remedies)}" if self.remedies else "")


class Remedy(ABC):
    """What is done to any recurrence so that it trains or generalises better: a value that ``Cell.attach`` takes.

    This one is done with when the parameters have their values; a ``RunRemedy`` acts around each run over a sequence,
    a ``StepRemedy`` around each step, and a remedy may be both.
    """

    @abstractmethod
    def start(self, cell: Cell) -> None:
        """Fill the parameters that this is about, giving the cell first those that it has not got.

        Raises:
            ElmanError: a cell that this does not fit.
        """


class RunRemedy(Remedy):
    """A remedy that acts around each run: here random numbers are drawn, once a run and never in evaluation."""

    @abstractmethod
    def run(self, run: Callable[..., Run], cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
        """``run(cell, x, **extras)`` with changes of what goes in or comes out.

        ``x`` is ``[B, T, I]``; ``cell`` may be replaced by a view of other parameters. Extra inputs that are added,
        ``[B, T, S]`` or ``[B, S]``, arrive in ``StepRemedy.step``, which takes them out before the cell's own step.
        """


class StepRemedy(Remedy):
    """A remedy that acts around each step, in operations that compile."""

    @abstractmethod
    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Cell, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        """``step(cell, x, *state, **extras)`` with changes of what goes in or comes out."""


def _check_class(cls: type[Cell]) -> None:
    """Refuse a class without what the contract asks for, with the file and line where it is written."""
    name = f"{place_of(cls)}: {cls.__name__}"
    if "step" in cls.__abstractmethods__:
        raise ElmanError(f"{name} has no step; write step(self, x, h), which returns the output and the new state")
    if not cls.states:
        raise ElmanError(f"{place_of(cls.step)}: {cls.__name__}.step takes no state; write step(self, x, h)")
    gates = getattr(cls, "gates", None)
    if not isinstance(gates, tuple) or not gates:
        wrong = "has no gates" if gates is None else f"has gates {gates!r}"
        raise ElmanError(f"{name} {wrong}; gates are a tuple of names, such as gates = ('h',)")
    if not all(isinstance(gate, str) and gate for gate in gates) or len(set(gates)) < len(gates):
        raise ElmanError(f"{name} has gates {gates!r}; each gate has a name of its own, such as gates = ('r', 'z')")


def _with_remedies(step: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """A cell's step with its remedies around it: the step that every executor sees."""

    @wraps(step)
    def around(cell: Cell, x: Tensor, /, *state: Tensor, **extras: Tensor) -> tuple[Tensor, ...]:
        inner = step
        if type(cell).step is around:  # and not a step that a subclass builds on
            for remedy in cell.remedies:
                if isinstance(remedy, StepRemedy):
                    inner = partial(remedy.step, inner)
        return inner(cell, x, *state, **extras)

    return around


def name_of(cell: type[Cell]) -> str:
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


def view(cell: Cell, **attributes: Any) -> Cell:
    """A view of ``cell`` with these attributes instead of its own; ``cell`` itself is left alone."""
    other = object.__new__(type(cell))
    vars(other).update({**vars(cell), **attributes})
    return other


def bind(cell: Cell, parameters: Mapping[str, Tensor | None]) -> Cell:
    """A view of ``cell`` whose parameters are these tensors; ``cell`` itself is left alone.

    Those that ``cell`` does not have, such as biases, need not be named.
    """
    absent = {name: None for name, parameter in cell._parameters.items() if parameter is None}
    return view(cell, _parameters={**absent, **parameters})


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
