"""The contract of a cell: a recurrence is written once, as one step in ordinary PyTorch."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.recurrence import Recurrence, view
from elman.compiler.calls import Calls
from elman.compiler.contract import place_of
from elman.compiler.tensors import told
from elman.errors import ElmanError


class Cell(Recurrence):
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
    # what fills a parameter that does not begin with uniform values, by its name
    initialisers: ClassVar[Mapping[str, Callable[[Tensor], object]]] = {}
    forget_gates: tuple[str, ...] = ("f",)  # the sigmoid gates, if it has them, that keep the state where they are open
    update_gates: tuple[str, ...] = ()  # those that take something else in its place where they are open

    def __new__(cls, *args: Any, **options: Any) -> Self:
        _check_class(cls)
        return super().__new__(cls)

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
        self._calls = Calls()
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

    def project(self, x: Tensor) -> Tensor:
        """The input's share of every gate, ``W_ih x + b_ih``, for all steps at once: ``[..., I]`` to ``[..., G*H]``."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    @property
    def like(self) -> Tensor:
        """The weight of the input, whose dtype and device are those of all."""
        return self.weight_ih

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

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")
        return text + (f", remedies={list(self.remedies)}" if self.remedies else "")


def structure(cell: type[Cell], input_size: int, hidden_size: int, bias: bool, **options: Any) -> Cell:
    """A cell whose parameters have shapes and no numbers. Those that are alike are copies of one that is made once."""
    sizes = input_size, hidden_size, bias
    if not all(isinstance(value, int | str) for value in (*sizes, *options.values())):
        return cell(input_size, hidden_size, bias=bias, device="meta", **options)
    made = _structure(cell, *sizes, tuple(options.items()))
    own = {name: value.copy() for name, value in vars(made).items() if isinstance(value, dict)}
    return view(made, **own, _calls=Calls())


@lru_cache(maxsize=64, typed=True)
def _structure(cell: type[Cell], input_size: int, hidden_size: int, bias: bool, options: tuple[Any, ...]) -> Cell:
    return cell(input_size, hidden_size, bias=bias, device="meta", **dict(options))


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
