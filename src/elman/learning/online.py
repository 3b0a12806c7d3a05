"""Learning online: the influence of the parameters on the state is carried forward, and the past is not kept."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman import cells
from elman.cells import Cell
from elman.cells.recurrence import Recurrence, bind, check_lengths
from elman.cells.remedy import StepRemedy
from elman.compiler.contract import NotCompilable
from elman.compiler.executor import State
from elman.compiler.reading import read
from elman.errors import ElmanError
from elman.learning.following import cells_of, with_attributes
from elman.learning.learning import Batch, Learning, LossFunction, Window, check_one_way, check_steps, detached
from elman.learning.units import Untangled, entangled

# for each parameter the derivative of each state by it, unit for unit and row for row: [K, B, *parameter.shape]
Influence = dict[str, Tensor]


class Online(Learning):
    """What the ways to learn online share: the past is summed up in the influence of the parameters on the state.

    Real-time recurrent learning (Williams and Zipser 1989) carries the influence ``S_t = ds_t / dθ`` forward,

        S_t = (∂s_t / ∂s_t-1) S_t-1 + ∂s_t / ∂θ

    and the gradient of a loss at ``t`` is ``(dL_t / ds_t) S_t``: nothing of the past is kept. Where the derivative of
    the step keeps to the units, as in recurrences that are element-wise, ``S`` has one number for each state of a unit
    and parameter of that unit, and is exact. Here it goes forward by windows: within one, gradients are had by
    backpropagation, and ``S`` at its end is the derivative of its last state, which is had in the same way.

    The influence is that of each cell's own parameters on its own state. Of parameters elsewhere, such as an
    embedding's, and of a cell's on cells above it in a stack, what reaches back beyond the window is left out (Zucchet
    et al. 2023). Rows are run one by one, since each has an influence of its own.

    The state that is returned, and given to the next call, is a dictionary of the model's ``state`` and the
    ``influence``, as plain tensors. Weights may change between calls: then the influence is, as always in learning
    online, that of the weights as they were.
    """

    steps: int

    def __post_init__(self) -> None:
        check_steps("the length of a window", self.steps)

    @abstractmethod
    def _remedies(self) -> tuple[StepRemedy, ...]:
        """What is done to a step so that its derivative keeps to the units."""

    @abstractmethod
    def _wish(self) -> str:
        """What would be right where a derivative does not keep to the units."""

    @contextmanager
    def window(self, model: nn.Module, state: Any = None) -> Iterator[Window]:
        check_one_way(model, type(self).__name__)
        influences: Mapping[str, Influence] = {}
        if isinstance(state, dict) and set(state) == {"state", "influence"}:
            state, influences = state["state"], state["influence"]
        followers = {
            name: _Follower(self, name, self._own(cell), influences.get(name, {}))
            for name, cell in cells_of(model).items()
        }
        if not followers:
            raise ElmanError(f"{type(self).__name__} follows the state of cells, and the model has none of Elman's")

        def carry(end: Any) -> dict[str, Any]:
            return {"state": detached(end), "influence": {name: f.after() for name, f in followers.items()}}

        own = self._remedies()
        with with_attributes(
            {f.cell: {"forward": f, "remedies": (*f.cell.remedies, *own)} for f in followers.values()}
        ):
            yield Window(state, carry)

    def _own(self, cell: Recurrence) -> Cell:
        if not isinstance(cell, Cell):
            raise ElmanError(
                f"{type(self).__name__} cannot follow an {cell._get_name()}, since it is not known which parameters "
                "belong to which of its units; take FullBPTT, Truncated or Checkpointed"
            )
        return cell

    def _learn(self, model: nn.Module, batch: Batch, loss: LossFunction, state: Any) -> tuple[Tensor, Any]:
        total = torch.zeros(())
        for part in batch.windows(self.steps):
            with self.window(model, state) as window:
                outputs, end = part.run(model, window.state)
            if part.number:
                value = part.value(outputs, loss) * (part.number / batch.number)
                value.backward()
                total = total + value.detach()
            state = window.carry(end)
        return total, state

    def check(self, cell: Cell, extras: Mapping[str, Tensor]) -> None:
        """Refuse a cell, run with these remedies, whose derivative does not keep to the units."""
        try:
            why = entangled(read(cell, tuple((name, s.shape[-1]) for name, s in extras.items())).program.text)
        except NotCompilable as error:
            why = str(error)
        if why:
            raise ElmanError(f"{type(self).__name__} cannot follow {type(cell).__name__}: {why}; {self._wish()}")


@dataclass(frozen=True)
class RTRL(Online):
    """Real-time recurrent learning, exact for one layer of a recurrence that is element-wise in its state.

    The gradient is that of backpropagation through the whole past, in memory that does not grow with time.

    Args:
        steps: length of a window, which bounds memory; the longer, the less often the influence is carried forward.

    Raises:
        ElmanError: no steps; later, a cell whose units mix, with those that RTRL can follow.

    Example:
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("mingru", 3, 5), torch.randn(1, 1000, 3), torch.zeros(1, 1000, 5)
        >>> loss, state = RTRL(100).backward(layer, x, y, F.mse_loss)
        >>> loss, state = RTRL(100).backward(layer, x, y, F.mse_loss, state)  # goes on
        >>> state["influence"]["cells.0"]["weight_ih"].shape
        torch.Size([1, 1, 10, 3])
    """

    steps: int = 1024

    def _remedies(self) -> tuple[StepRemedy, ...]:
        return ()

    def _wish(self) -> str:
        return (
            f"it can follow {', '.join(_elementwise())}; SnAp1 and EProp approximate it for cells that mix their units"
        )


@dataclass(frozen=True)
class SnAp1(Online):
    """Sparse approximation of order 1 (Menick et al. 2021): the influence of each unit's parameters on that unit alone.

        S_t = diag(∂s_t / ∂s_t-1) S_t-1 + ∂s_t / ∂θ

    The state reaches a step by ``W_hh h``, whose derivative by ``h`` is taken to be the diagonal of each gate's
    block of ``W_hh``. Where a step has one such product that is the paper's; where it has two, one after another, each
    has its own diagonal. Errors go to the layer below by the same rule. The result does not depend on the windows.

    Args:
        steps: length of a window, which bounds memory.

    Raises:
        ElmanError: no steps; later, a cell whose units mix in another way than by ``Cell.recurrent``.

    Example:
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("lstm", 3, 5), torch.randn(1, 1000, 3), torch.zeros(1, 1000, 5)
        >>> loss, state = SnAp1().backward(layer, x, y, F.mse_loss)
        >>> state["influence"]["cells.0"]["weight_hh"].shape
        torch.Size([2, 1, 20, 5])
    """

    steps: int = 1024

    def _remedies(self) -> tuple[StepRemedy, ...]:
        return (Untangled(own=True),)

    def _wish(self) -> str:
        return "what mixes the units must be Cell.recurrent, as in lstm, gru and elman"


@dataclass(frozen=True)
class EProp(Online):
    """Eligibility propagation (Bellec et al. 2020): the influence of each unit's parameters within the unit.

        e_t = (∂s_t / ∂s_t-1 without W_hh) e_t-1 + ∂s_t / ∂θ

    What a unit remembers by itself is followed, such as the ``c`` of an LSTM or the voltage of a spiking neuron;
    what goes from unit to unit, and from a unit to itself by ``W_hh``, is not. The learning signal is the derivative
    of the loss by the present outputs, the paper's symmetric form. The result does not depend on the windows.

    Args:
        steps: length of a window, which bounds memory.

    Raises:
        ElmanError: no steps; later, a cell whose units mix in another way than by ``Cell.recurrent``.

    Example:
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("lif", 3, 5), torch.randn(1, 1000, 3), torch.zeros(1, 1000, 5)
        >>> loss, state = EProp().backward(layer, x, y, F.mse_loss)
    """

    steps: int = 1024

    def _remedies(self) -> tuple[StepRemedy, ...]:
        return (Untangled(own=False),)

    def _wish(self) -> str:
        return "what mixes the units must be Cell.recurrent, as in lstm, gru and elman"


def _elementwise() -> list[str]:
    """The names of the cells, as they are by default, whose derivative keeps to the units."""
    found = []
    for name in cells.names():
        cell = cells.load(name)(2, 3, device="meta")
        extras = tuple((extra, cell.extra_sizes.get(extra, 1)) for extra in cell.extra_inputs)
        if not entangled(read(cell, extras).program.text):
            found.append(name)
    return found


class _Follower:
    """Runs a cell in one window from a state that knows its derivative, and derives that at the end."""

    def __init__(self, method: Online, name: str, cell: Cell, before: Influence) -> None:
        self.method, self.name, self.cell, self.before = method, name, cell, before
        self.found: Influence | None = None

    def after(self) -> Influence:
        """The influence at the end of the window."""
        if self.found is None:
            raise ElmanError(
                f"the model has a cell, {self.name!r}, that it has not called in this window; "
                "give what runs all its cells, each by a call over the window"
            )
        return self.found

    def __call__(
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
        if self.found is not None:
            raise ElmanError(f"the cell {self.name!r} is called twice in one window, and has one state to follow")
        cell = self.cell if parameters is None else bind(self.cell, parameters)
        owned = {name: p for name, p in cell.named_parameters() if p.requires_grad}
        self._check(owned, extras)
        state = (state,) if isinstance(state, Tensor) else state
        first = cell.initial_state(len(x)) if state is None else tuple(state)
        before = {} if state is None else self.before  # what begins anew is not a function of what was
        cell.check_input(x)
        lengths = check_lengths(lengths, x.shape[0], x.shape[1])
        cell._check(x, first, resets, extras)
        outputs, finals, influences = [], [], []
        for b in range(len(x)):
            row, time = slice(b, b + 1), x.shape[1] if lengths is None else int(lengths[b])
            given: dict[str, Any] = {name: v[row, :time] if v.dim() == 3 else v[row] for name, v in extras.items()}
            given |= {"resets": None if resets is None else resets[row, :time], "parameters": parameters}
            known = _known(tuple(part[row] for part in first), owned, before, b)
            output, final = type(cell).forward(self.cell, x[row, :time], known, reverse=reverse, save=save, **given)
            final = (final,) if isinstance(final, Tensor) else final
            outputs.append(output if time == x.shape[1] else F.pad(output, (0, 0, 0, x.shape[1] - time)))
            finals.append(final)
            influences.append(_derivatives(final, owned))
        self.found = {name: torch.stack([of_row[name] for of_row in influences], 1) for name in owned}
        last = tuple(_joined(parts) for parts in zip(*finals, strict=True))
        return _joined(outputs), last[0] if len(cell.states) == 1 else last

    def _check(self, owned: Mapping[str, Tensor], extras: Mapping[str, Tensor]) -> None:
        self.method.check(self.cell, extras)
        size = self.cell.hidden_size
        for name, parameter in owned.items():
            if not parameter.dim() or len(parameter) % size:
                raise ElmanError(
                    f"{type(self.method).__name__} cannot follow {name} of {type(self.cell).__name__}: it is of "
                    f"{[*parameter.shape]}, and the first axis is that of the {size} units"
                )


def _known(first: State, owned: Mapping[str, Tensor], before: Influence, b: int) -> State:
    """The state of row ``b`` before a window, as the function of the parameters that it is."""
    names = [name for name in owned if name in before]
    if not names:
        return first
    influences = [before[name][:, b] for name in names]
    return tuple(_Known.apply(len(first), *first, *influences, *(owned[name] for name in names)))


class _Known(torch.autograd.Function):
    """``apply(K, *states, *influences, *parameters)`` gives the states, whose derivatives are the influences."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> Any:
        states, rest = tensors[:count], tensors[count:]
        ctx.save_for_backward(*rest[: len(rest) // 2])
        return tuple(state.clone() for state in states)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        cotangent, found = torch.cat(cotangents), []  # [K, H]
        for influence in ctx.saved_tensors:  # [K, n * H, ...]
            spread = cotangent.repeat(1, influence.shape[1] // cotangent.shape[1])
            found.append((influence * spread.view(*spread.shape, *[1] * (influence.dim() - 2))).sum(0))
        return None, *(None for _ in cotangents), *(None for _ in found), *found


def _derivatives(last: State, owned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The derivative of each unit of each last state by its own parameters, ``[K, *parameter.shape]``."""
    parameters, found = list(owned.values()), []
    for state in last:
        if state.requires_grad:
            # no unit has another's, so that the derivative of the sum is that of each
            given: dict[str, Any] = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
            with _without_subnormals():
                found.append(torch.autograd.grad(state.sum(), parameters, **given))
        else:
            found.append([torch.zeros_like(p) for p in parameters])
    return dict(zip(owned, map(torch.stack, zip(*found, strict=True)), strict=True))


@contextmanager
def _without_subnormals() -> Iterator[None]:
    """Take numbers too small for all their digits for zero: a cotangent that fades away over a window ends in these.

    Processors take many times as long for them.
    """
    smallest = torch.tensor(torch.finfo(torch.float64).tiny, dtype=torch.float64)
    before = not bool(smallest / 2)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _joined(rows: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(rows)) if len(rows) > 1 else rows[0]  # one row is not worth a copy
