"""A module that was written for a loop of its own, as a recurrence of ours."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from elman.cells.recurrence import Recurrence
from elman.compiler.reading import reading
from elman.compiler.tensors import told
from elman.compiler.trace import attribute
from elman.errors import ElmanError

BATCH = 3  # rows of a trial: a state that is no pair cannot be taken apart as one
INPUT_NAMES = ("input_size", "in_features", "input_dim", "in_dim", "n_in", "d_in", "input_channels", "in_channels")
HIDDEN_NAMES = (
    "hidden_size", "hidden_dim", "hidden", "units", "state_size", "hidden_features", "out_features", "n_hidden",
    "d_hidden", "d_model", "output_size",
)  # fmt: skip
HELD = ("_parameters", "_buffers", "_non_persistent_buffers_set", "_modules")  # of a module
EMPTY = torch.empty(0)  # of the usual dtype, for a module without any number
NAMES = {1: ("h",), 2: ("h", "c")}  # of so many states


def adopt(cell: nn.Module, *, input_size: int | None = None, state: Any = None) -> "Adopted":
    """A recurrence of ours that runs a module written for ``for t in range(T): h = cell(x[t], h)``.

    The module is not changed: the recurrence has its parameters, under the same names. What it does in a step is read,
    and runs by kernels; where that cannot be read, a loop runs it, and a warning says at which line. Products with the
    input alone are taken out of the loop.

    How the module takes and gives its state is found by trying it: a tensor, a pair or any nesting of them, as one
    argument or as several, given back alone or behind an output. A state begins with zeros.

    Args:
        cell: called with an input ``[B, I]`` and a state, whose tensors have the batch as one axis.
        input_size: features of the input, if the module has no attribute that says it.
        state: a state for a batch of one as the module takes it, such as ``(torch.zeros(1, 16), torch.zeros(1, 16))``,
            if it takes none, or begins with another one than zeros where it is given none.

    Raises:
        ElmanError: a module that cannot be called so, and what was tried.

    Example:
        >>> from elman import Recurrent
        >>> layer = Recurrent(adopt(torch.nn.LSTMCell(8, 16)))
        >>> outputs, (h, c) = layer(torch.zeros(2, 5, 8))
        >>> outputs.shape, h.shape, list(layer.cells[0].state_dict())
        (torch.Size([2, 5, 16]), torch.Size([1, 2, 16]), ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'])
    """
    if not isinstance(cell, nn.Module):
        raise ElmanError(f"adopt takes a module, such as torch.nn.LSTMCell(8, 16), not {told(cell)}")
    if isinstance(cell, Recurrence):
        raise ElmanError(f"{type(cell).__name__} is one of ours already")
    return Adopted(cell, _found_out(cell, input_size, state))


@dataclass(frozen=True)
class Way:
    """How a module takes an input and a state, and gives an output and the next state.

    Args:
        input_size: features of the input.
        form: the nesting of the state's tensors, with the number of each in its place.
        shapes: of each tensor of the state, without the batch.
        axes: where the batch is in each.
        spread: whether the parts of the state are arguments of their own.
        place: of the state among what the module gives: the whole, the first, the second, or all behind the first.
    """

    input_size: int
    form: Any
    shapes: tuple[tuple[int, ...], ...]
    axes: tuple[int, ...]
    spread: bool
    place: str

    def packed(self, parts: Sequence[Tensor]) -> Any:
        """Rows ``[B, S]`` as the state that the module takes."""
        leaves = [
            part if part.shape[1:] == shape and not axis else part.reshape(-1, *shape).movedim(0, axis)
            for part, shape, axis in zip(parts, self.shapes, self.axes, strict=True)
        ]
        return tree_map(lambda n: leaves[n], self.form)

    def parted(self, result: Any, batch: int) -> tuple[Tensor, ...]:
        """Output and states, each a row for each sequence, of what the module gave."""
        output, state = _taken(result, self.place)
        leaves = tree_flatten(state)[0]
        rows = [leaf.movedim(axis, 0).reshape(batch, -1) if axis or leaf.dim() != 2 else leaf
                for leaf, axis in zip(leaves, self.axes, strict=True)]  # fmt: skip
        if output is None:
            return rows[0], *rows
        return (output if output.dim() == 2 else output.reshape(batch, -1)), *rows


def _taken(result: Any, place: str) -> tuple[Any, Any]:
    """The output, None where it is the first tensor of the state, and the state."""
    match place:
        case "whole":
            return None, result
        case "first":
            return result[1], result[0]
        case "second":
            return result[0], result[1]
    return result[0], tuple(result[1:])


class Adopted(Recurrence):
    """A recurrence made by ``adopt``: a module of another kind, with its parameters, buffers and submodules.

    Args:
        module: what is called at each step.
        way: how.
    """

    lifted: ClassVar[bool] = True
    dense: bool = False
    bias_ih = None

    way: Way
    inner: nn.Module  # not registered, since what it holds is held here
    origin: "Adopted"  # this one, of its views with other parameters too

    def __init__(self, module: nn.Module, way: Way) -> None:
        super().__init__()
        own = vars(self)
        # they are the module's own, so that a new value for one of them is seen on both sides
        own |= {name: vars(module)[name] for name in HELD}
        own |= {"inner": module, "way": way, "origin": self}
        sizes = [part.numel() for part in map(torch.empty, way.shapes)]
        self.states = NAMES.get(len(sizes), tuple(f"s{n}" for n in range(len(sizes))))
        self.input_size, self.state_sizes, self.hidden_size = way.input_size, tuple(sizes), sizes[0]
        self.train(module.training)
        with torch.no_grad(), _in_evaluation(module):
            x, *state = (self.like.new_zeros(BATCH, size) for size in (way.input_size, *sizes))
            self.output_size = self.step(x, *state)[0].shape[1]

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """One call of the module: ``step(x [B, I], *states [B, S])`` gives the output and the new states."""
        own = vars(self)
        module = object.__new__(type(own["inner"]))  # with the parameters that this one has now, or is run with
        vars(module).update(vars(own["inner"]) | {name: own[name] for name in (*HELD, "training")})
        packed = self.way.packed(state)
        return self.way.parted(module(x, *packed) if self.way.spread else module(x, packed), x.shape[0])

    def project(self, x: Tensor) -> Tensor:
        """The input as it is: a step takes it so."""
        return x

    @property
    def like(self) -> Tensor:
        """The first of its numbers, whose dtype and device are those of all."""
        return _like(self)

    @property
    def weight_ih(self) -> Tensor:
        """The matrix of the products with the input, which were taken out of the step: ``[X, I]``."""
        paths, key = _projection(self.origin, self.training)
        if not key:
            return self.like.new_zeros(0, self.input_size)
        return _projections[key](*(attribute(self, path) for path in paths))[0]

    def reset_parameters(self) -> None:
        """Draw every parameter anew, as the module and its parts do so."""
        for module in (self.inner, *self._modules.values()):
            again = getattr(module, "reset_parameters", None)
            if again is not None:
                again()

    def check_parameters(self) -> None:
        """Refuse parameters that are not all of one dtype and device, or, in the place of its own, of other shapes."""
        like = next(self.parameters(), None)
        own = {} if self is self.origin else dict(self.origin.named_parameters())
        for name, parameter in self.named_parameters():
            assert like is not None
            if parameter.dtype != like.dtype or parameter.device != like.device:
                right = f"{like.dtype} on {like.device}"
                raise ElmanError(f"{name} of {type(self.inner).__name__} is {told(parameter)}, and others {right}")
            if name in own and parameter.shape != own[name].shape:
                shape = list(own[name].shape)
                raise ElmanError(f"{name} of {type(self.inner).__name__} is {told(parameter)}, where {shape} is right")

    def _get_name(self) -> str:
        return f"adopted {type(self.inner).__name__}"

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


_projections: dict[str, fx.GraphModule] = {}


@torch.compiler.assume_constant_result
def _projection(adopted: Adopted, training: bool) -> tuple[tuple[str, ...], str]:
    """The parameters that the projection of the input is made of, and the key of what makes it; empty if none does."""
    found = reading(adopted, (training, ()))
    if found.traced is None or found.traced.projection is None:
        return (), ""
    paths, make = found.traced.projection
    _projections.setdefault(found.projection, make)
    return paths, found.projection


def _like(module: nn.Module) -> Tensor:
    return next((each for each in chain(module.parameters(), module.buffers()) if each.is_floating_point()), EMPTY)


@contextmanager
def _in_evaluation(module: nn.Module) -> Iterator[None]:
    """Nothing is drawn or counted while a module is tried."""
    modes = {each: each.training for each in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for each, mode in modes.items():
            each.training = mode


def _found_out(module: nn.Module, input_size: int | None, state: Any) -> Way:
    """How a module is called, found by trying."""
    columns = (p.shape[-1] for p in module.parameters() if p.dim() > 1)
    sizes = [input_size] if input_size is not None else _sizes(module, INPUT_NAMES, columns)
    tried: list[str] = []
    with torch.no_grad(), _in_evaluation(module):
        for size in sizes:
            x = _like(module).new_zeros(BATCH, size)
            for example in _for_batch(state, BATCH) if state is not None else _examples(module, x, tried):
                for spread in (False, True) if isinstance(example, tuple | list) else (False,):
                    way = _way(module, x, example, spread, tried)
                    if way is not None:
                        if state is None:
                            _check_start(module, x, way)
                        return way
    name = type(module).__name__
    told_by_it = next((each for each in tried if "positional argument" not in each), (tried or ["none"])[-1])
    raise ElmanError(
        f"{name} cannot be called as cell(x, state) with x of [batch, {' or '.join(map(str, sizes)) or '?'}]; say how "
        f"it is: adopt(cell, input_size=8, state=torch.zeros(1, 16)). Its own words: {told_by_it}"
    )


def _sizes(module: nn.Module, names: Sequence[str], others: Iterable[int]) -> list[int]:
    """Sizes that a module may have: of an attribute that says so, or else others."""
    for name in names:
        size = getattr(module, name, None)
        if isinstance(size, int) and not isinstance(size, bool) and size > 0:
            return [size]
    return list(dict.fromkeys(others))


def _for_batch(example: Any, batch: int) -> Iterator[Any]:
    """A state for a batch of one, for a larger one; in each way to see which axis is the batch's."""
    leaves, spec = tree_flatten(example)
    if not leaves or any(not isinstance(leaf, Tensor) or 1 not in leaf.shape for leaf in leaves):
        raise ElmanError(f"state is one for a batch of one, tensors such as torch.zeros(1, 16), not {told(example)}")
    axes = [[axis for axis, size in enumerate(leaf.shape) if size == 1] for leaf in leaves]
    for leaf, own in zip(leaves, axes, strict=True):
        if leaf.dim() == 3 and own[:2] == [0, 1]:  # PyTorch's own form: layers, batch, units
            own[:2] = [1, 0]
    for n in range(max(map(len, axes))):
        chosen = zip(leaves, axes, strict=True)
        yield tree_unflatten([leaf.repeat_interleave(batch, own[min(n, len(own) - 1)]) for leaf, own in chosen], spec)


def _examples(module: nn.Module, x: Tensor, tried: list[str]) -> Iterator[Any]:
    """States that a module may take: first what it gives where it is given none."""
    result = _tried(lambda: module(x), tried)
    result = _tried(lambda: module(x, None), tried) if result is None else result
    if isinstance(result, Tensor):
        yield torch.zeros_like(result)
    elif isinstance(result, tuple | list) and result:
        leaves, spec = tree_flatten(result)
        zeros = tree_unflatten([torch.zeros_like(leaf) for leaf in leaves], spec)
        yield zeros  # an LSTM gives its state and nothing else
        yield zeros[-1]
        yield tuple(zeros[1:])
        yield zeros[0]
    for size in _sizes(module, HIDDEN_NAMES, (size for p in module.parameters() for size in p.shape)):
        for shape in ((len(x), size), (1, len(x), size)):
            for number in (1, 2, 3):
                zeros = tuple(x.new_zeros(shape) for _ in range(number))
                yield zeros if number > 1 else zeros[0]


def _tried(call: Callable[[], Any], tried: list[str]) -> Any:
    try:
        return call()
    except Exception as error:  # whatever a person's own code may raise
        tried.append(f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}")
        return None


def _way(module: nn.Module, x: Tensor, example: Any, spread: bool, tried: list[str]) -> Way | None:
    """How a module is called with such a state, if it gives the like of it back."""
    result = _tried(lambda: module(x, *example) if spread else module(x, example), tried)
    if result is None:
        return None
    shapes = _shapes(example)
    for place in ("whole", "second", "first", "rest"):
        if place != "whole" and (not isinstance(result, tuple | list) or len(result) < 2):
            continue
        output, state = _taken(result, place)
        if not (output is None or isinstance(output, Tensor)) or (place == "second" and len(result) != 2):
            continue
        if _shapes(state) != shapes:
            continue
        axes = tuple(list(shape).index(BATCH) for shape in shapes if BATCH in shape)
        if len(axes) != len(shapes) or (output is not None and (not output.dim() or output.shape[0] != BATCH)):
            continue
        rest = tuple((*shape[:axis], *shape[axis + 1 :]) for shape, axis in zip(shapes, axes, strict=True))
        form = tree_unflatten(range(len(shapes)), tree_flatten(example)[1])
        return Way(x.shape[1], form, rest, axes, spread, place)
    tried.append(f"it gives {told(result)} for a state of {[list(shape) for shape in shapes]}")
    return None


def _shapes(state: Any) -> list[tuple[int, ...]]:
    return [tuple(leaf.shape) if isinstance(leaf, Tensor) else () for leaf in tree_flatten(state)[0]]


def _check_start(module: nn.Module, x: Tensor, way: Way) -> None:
    """Refuse a module that begins with something else than zeros where it is given no state."""
    x = torch.linspace(-1, 1, x.numel(), dtype=x.dtype, device=x.device).reshape(x.shape)
    begun = _tried(lambda: module(x), [])
    begun = _tried(lambda: module(x, None), []) if begun is None else begun
    if begun is None:
        return
    state = way.packed([x.new_zeros(len(x), torch.empty(shape).numel()) for shape in way.shapes])
    zeros = module(x, *state) if way.spread else module(x, state)
    for own, other in zip(tree_flatten(begun)[0], tree_flatten(zeros)[0], strict=True):
        if not torch.allclose(own, other, equal_nan=True):
            raise ElmanError(
                f"{type(module).__name__} begins with a state of its own, which is not zeros; give it to the runs, and "
                "adopt(cell, state=...) a state as it takes it"
            )
