"""Small calls: what calls of a module need is found once for those that are alike; then kernels run.

What a call depends on is seen by the guards of PyTorch's own compiler: the class, dtype, device, shape, strides and
dispatch keys of each tensor (by which a negative or conjugate view, an inference tensor, a member of a ``vmap`` are
known), gradients, autocast, threads, determinism. They are asked at every call, and addresses are taken anew; weights
are packed anew too, since numbers may change without a trace. A call that is like none before goes the ordinary way,
which also says what is wrong with one; so do all calls where PyTorch has no such guards. A call for a gradient is bound
with its way back; what else is asked of that, such as a gradient of a gradient, goes the ordinary way again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from elman.compiler.executor import Small
from elman.compiler.tensors import PLAIN

SHAPES = 32  # of inputs for which calls are bound, in each module
WAYS = 4  # in which calls with inputs of one shape are bound
TRIES = 8  # calls with inputs of one shape after which no more are bound

Place = tuple[int, int]  # the number of a tensor of a call, and bytes from its beginning
Owner = Mapping[str, Tensor | None]


@dataclass(frozen=True)
class Stage:
    """The run of one cell. The tensors of a call are numbered: nothing, at address 0; what is given; what is made."""

    small: Small
    given: tuple[Place, ...]  # of what ``small`` takes, in its order
    x: Place
    output: Place


@dataclass(frozen=True)
class Learning:
    """The run of the only cell of a call, with its way back.

    The ``n`` tensors that are given are numbered from 1, the input first. On the way back their cotangents go on from
    ``n + 1``, then come those of the outputs and of the last states, then a buffer for what nobody wants.
    """

    small: Small
    given: tuple[Place, ...]  # of what ``small`` takes, in its order
    targets: tuple[Place, ...]  # cotangents of the weight, of the bias and of the operands
    used: frozenset[int]  # numbers of those that have a cotangent
    added: int  # the first number of a parameter, to whose cotangent is added; those of others are written
    spare: int  # size of the buffer
    # from what is given, the tape and the cotangents, which are then differentiated further
    otherwise: Callable[[Sequence[Tensor], Tensor, Sequence[Tensor | None]], Sequence[Tensor | None]]


@dataclass(frozen=True)
class Plan:
    """How to do what a call did."""

    stages: Sequence[Stage]
    between: Sequence[int]  # sizes of the buffers between stages, which are made after the outputs and the last states
    zeros: Tensor  # that states begin with, where none are given
    learning: Learning | None = None  # of a call for a gradient


class Calls:
    """The calls of one module that were bound. A copy of the module begins with none.

    Example:
        >>> import copy
        >>> copy.deepcopy(Calls()).known
        0
    """

    def __init__(self) -> None:
        self._bound: dict[torch.Size, tuple[_Bound, ...]] = {}
        self._tried: dict[torch.Size, int] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Calls, ()

    @property
    def known(self) -> int:
        """How many kinds of calls are bound."""
        return sum(map(len, self._bound.values()))

    def run(self, flags: object, owner: Owner, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, Any] | None:
        """Outputs and last states, if a call like this one was bound. It is for ``ordinary`` surroundings.

        Args:
            flags: what the call depends on beside its tensors.
            owner: parameters by name.
            x: the input, a tensor of no other class.
            states: those to start from, none for zeros.
        """
        for bound in self._bound.get(x.shape, ()):
            if bound.flags == flags:
                found = bound.run(owner, x, states)
                if found is not None:
                    return found
        return None

    def due(self, x: Tensor) -> bool:
        """Whether calls like one that was not bound are to be bound now: at the second."""
        if len(self._tried) > 8 * SHAPES or len(self._bound) > SHAPES:
            self._tried, self._bound = {}, {}
        tried = self._tried[x.shape] = self._tried.get(x.shape, 0) + 1
        return 1 < tried <= TRIES and _guards() is not None

    def add(self, flags: object, owner: Owner, x: Tensor, states: tuple[Tensor, ...], made: Any, plan: Plan) -> None:
        """Bind calls like one that gave ``made``, outputs and last states."""
        outputs, last = made
        last = (last,) if isinstance(last, Tensor) else tuple(last)
        bound = _Bound(flags, owner, x, states, (outputs, *last), plan)
        self._bound[x.shape] = (bound, *self._bound.get(x.shape, ())[: WAYS - 1])


class _Bound:
    """Calls that are alike."""

    def __init__(
        self,
        flags: object,
        owner: Owner,
        x: Tensor,
        states: tuple[Tensor, ...],
        made: tuple[Tensor, ...],
        plan: Plan,
    ) -> None:
        self.flags, self.stages, self.zeros, self.learning = flags, plan.stages, plan.zeros, plan.learning
        self.names = [name for name, t in owner.items() if t is not None]
        self.absent = [name for name, t in owner.items() if t is None]
        self.count, self.dtype, self.bare = len(owner), x.dtype, len(made) == 2
        self.forms = [(tuple(t.shape), t.stride()) for t in made] + [((size,), (1,)) for size in plan.between]
        self.results = len(made)
        parameters = [t for t in owner.values() if t is not None]
        guard, surroundings = _guards() or (None, None)
        assert guard is not None
        assert surroundings is not None
        self.surroundings, self.fixed = surroundings(), _guarding(guard, x, *parameters)
        self.begun = [_guarding(guard, state) for state in states]  # each alone, since one may stand twice

    def run(self, owner: Owner, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, Any] | None:
        """Outputs and last states, or nothing where something is not as it was."""
        if len(owner) != self.count or len(states) != len(self.begun):
            return None
        try:
            parameters = [owner[name] for name in self.names]
            if self.absent and any(owner[name] is not None for name in self.absent):
                return None
        except KeyError:
            return None
        tensors = x, *states, *parameters
        if not self.surroundings.check() or not self.fit(tensors):
            return None
        places = [0, *[t.data_ptr() for t in tensors]]  # type: ignore[union-attr]
        if places.count(0) > 1:
            return None
        if self.learning is not None:
            # without the reading of a signature that PyTorch does for transforms, of which there are none here
            made = super(torch.autograd.Function, _Learnt).apply(self, places, *tensors)  # type: ignore[misc]
            return made[0], made[1] if self.bare else made[1:]
        made = self.made()
        places += [t.data_ptr() for t in made]
        for stage in self.stages:
            (x_at, x_from), (output_at, output_from) = stage.x, stage.output
            given = [places[number] + start for number, start in stage.given]
            stage.small(given, places[x_at] + x_from, places[output_at] + output_from)
        return made[0], made[1] if self.bare else tuple(made[1 : self.results])

    def fit(self, tensors: Sequence[Any]) -> bool:
        """Whether input, states and parameters are as they were."""
        after = 1 + len(self.begun)
        return self.fixed.check(tensors[0], *tensors[after:]) and all(
            guard.check(state) for guard, state in zip(self.begun, tensors[1:after], strict=True)
        )

    def made(self) -> list[Tensor]:
        """Empty tensors for the outputs, the last states, and what is between stages."""
        return [torch.empty_strided(shape, strides, dtype=self.dtype) for shape, strides in self.forms]


class _Learnt(torch.autograd.Function):
    """``apply(bound, places, *tensors)`` gives outputs and last states; ``places`` are addresses, after a 0."""

    @staticmethod
    def forward(ctx: Any, bound: _Bound, places: list[int], *tensors: Tensor) -> tuple[Tensor, ...]:
        (stage,) = bound.stages
        made, tape = bound.made(), torch.empty(stage.small.tape, dtype=bound.dtype)
        places += [t.data_ptr() for t in made]
        given = [places[number] + start for number, start in stage.given]
        stage.small(given, places[1], places[stage.output[0]], tape.data_ptr())
        ctx.bound = bound
        ctx.save_for_backward(*tensors, tape)
        ctx.set_materialize_grads(False)
        return tuple(made)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        bound, learning = ctx.bound, ctx.bound.learning
        *tensors, tape = ctx.saved_tensors
        places = [0, *[t.data_ptr() for t in tensors]]
        if torch.is_grad_enabled() or not (bound.fit(tensors) and all(map(_readable, (tape, *cotangents)))):
            return None, None, *learning.otherwise(tensors, tape, cotangents)
        wanted = ctx.needs_input_grad[2:]
        own: list[Tensor | None] = [
            None
            if n not in learning.used
            else torch.empty_like(tensor)
            if n < learning.added
            else torch.zeros_like(tensor)
            for n, tensor in enumerate(tensors, 1)
        ]
        if not wanted[0]:
            own[0] = None
        given = [
            torch.zeros(shape, dtype=bound.dtype) if cotangent is None else cotangent.contiguous()
            for cotangent, (shape, _) in zip(cotangents, bound.forms, strict=True)
        ]
        spare = torch.empty(learning.spare, dtype=bound.dtype)
        places += [0 if t is None else t.data_ptr() for t in (*own, *given, spare)]
        count = len(tensors)
        learning.small.back(
            [places[number] + start for number, start in learning.given],
            places[count + 1],
            places[2 * count + 1],
            tape.data_ptr(),
            places[1],
            [places[number] + start for number, start in learning.targets],
        )
        return None, None, *(t if w else None for t, w in zip(own, wanted, strict=True))


def _readable(t: Tensor | None) -> bool:
    """Whether kernels may read a tensor of the right shape, or nothing at all."""
    return t is None or (
        type(t) in PLAIN and t.is_cpu and t.layout is torch.strided and not t.is_neg() and torch._C._has_storage(t)
    )


def _guarding(guard: Any, *tensors: Tensor) -> Any:
    return guard(
        *tensors,
        dynamic_dims_sizes=[list(t.shape) for t in tensors],
        dynamic_dims_strides=[list(t.stride()) for t in tensors],
    )


@cache
def _guards() -> tuple[Any, Any] | None:
    """PyTorch's guards of tensors, and of what is global; nothing if they are not what they were."""
    try:
        from torch._C._dynamo.guards import GlobalStateGuard, TensorGuards
    except ImportError:
        return None
    same = torch.zeros(3, 2)
    others = [
        same.double(),
        same[:2],
        torch.zeros(2, 3).t(),
        torch.zeros(3, 2).requires_grad_(),
        torch.nn.Parameter(same, requires_grad=False),
        torch._neg_view(same),  # pyright: ignore[reportPrivateImportUsage]
        torch.zeros(3, 2, device="meta"),
    ]
    try:
        tensors, surroundings = _guarding(TensorGuards, same), GlobalStateGuard()
        good = surroundings.check() and tensors.check(same.clone()) and not any(map(tensors.check, others))
        with torch.autocast("cpu", torch.bfloat16):
            good = good and not surroundings.check() and not tensors.check(same)
    except (TypeError, RuntimeError, AttributeError):
        return None
    return (TensorGuards, GlobalStateGuard) if good and type(same) in PLAIN else None
