"""A stack of recurrences over a sequence: layers, directions, dropout between layers."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells import Cell, load
from elman.cells.recurrence import Recurrence, State
from elman.cells.remedy import Remedy
from elman.compiler.tensors import strided, told
from elman.errors import ElmanError


class Recurrent(nn.Module):
    """A stack of any cell, in one or both directions.

    Args:
        cell: a cell's name, as ``elman.cells.names`` lists them, or a class of the user's own. Or recurrences that are
            made already, such as ``adopt(TheirCell(8, 16))``: one, or a list of one for each layer and direction; then
            there are no sizes and no options.
        input_size: features of the input, ``I``.
        hidden_size: units of each layer and direction, ``H``.
        num_layers: layers, ``L``; each reads the outputs of the one before.
        bidirectional: whether every layer runs in both directions; then ``D`` is 2, otherwise 1.
        dropout: dropout probability of the outputs of all layers but the last.
        bias: whether the cells have biases.
        remedies: regularisers and initialisers of every cell, such as ``Zoneout(0.1)``; see ``elman.remedies``.
        options: the cell's own, such as ``proj_size`` of ``lstm_projected``.

    Attributes:
        cells: the cells; that of a layer and direction is ``cells[layer * D + direction]``.
        output_size: features of the output, ``D * O`` for a cell with outputs of ``O``.

    Raises:
        ElmanError: an unknown cell, a size or a number of layers below 1, a dropout outside 0 to 1, a remedy that does
            not fit the cell.

    Example:
        >>> layer = Recurrent("lstm", 3, 5, num_layers=2, bidirectional=True)
        >>> outputs, (h, c) = layer(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 2, 0, 5]))
        >>> outputs.shape, h.shape
        (torch.Size([4, 7, 10]), torch.Size([4, 4, 5]))
        >>> outputs, (h, c) = layer(torch.zeros(4, 7, 3), (h, c))  # go on where the last call ended
    """

    cells: nn.ModuleList

    def __init__(
        self,
        cell: type[Cell] | str | Recurrence | Sequence[Recurrence],
        input_size: int | None = None,
        hidden_size: int | None = None,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        remedies: Sequence[Remedy] = (),
        device: Any = None,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        check_stack(num_layers, dropout)
        if isinstance(remedies, Remedy):
            raise ElmanError(f"remedies is a list, [{remedies!r}]")
        directions = 2 if bidirectional else 1
        if isinstance(cell, Recurrence | list | tuple):
            if input_size is not None or hidden_size is not None or options or num_layers != 1:
                raise ElmanError("a recurrence that is made already has its sizes; give it alone, or a list of them")
            made = [cell] if isinstance(cell, Recurrence) else list(cell)
            _check_made(made, directions)
            made = [each.attach(*remedies).to(device=device, dtype=dtype) for each in made]
        else:
            make = load(cell) if isinstance(cell, str) else cell
            if not (isinstance(make, type) and issubclass(make, Cell)):
                raise ElmanError(f"cell is a name or a class of cells, not {cell!r}")
            if input_size is None or hidden_size is None:
                raise ElmanError(f"Recurrent({cell!r}) has no {'input' if input_size is None else 'hidden'}_size")
            made, size = list[Recurrence](), input_size
            for _ in range(num_layers):
                layer = [
                    make(size, hidden_size, bias=bias, device=device, dtype=dtype, **options).attach(*remedies)
                    for _ in range(directions)
                ]
                made.extend(layer)
                size = directions * layer[0].output_size
        self.input_size, self.hidden_size = made[0].input_size, made[0].hidden_size
        self.num_layers, self.bidirectional = len(made) // directions, bidirectional
        self.dropout = float(dropout)
        self.cells = nn.ModuleList(made)
        self.output_size = directions * made[-1].output_size

    def initial_state(self, batch: int) -> Tensor | State:
        """The state a sequence starts from: ``[L*D, batch, S]``, a tuple of them where the cell has several states."""
        return _unwrap(_stack([cell.initial_state(batch) for cell in self.stack()]))

    def forward(
        self,
        x: Tensor,
        state: Tensor | State | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        save: int | str = "fast",
        **extras: Tensor,
    ) -> tuple[Tensor, Tensor | State]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from, ``[L*D, B, S]``, a tuple of them where the cell has several states;
                ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``, on any device. A finished row keeps its state, and its
                outputs are zero.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which starts from the initial state.
            save: what is kept for the backward pass: ``"fast"``, ``"lean"``, a number of steps, or an amount of memory
                for each layer, as ``Cell.forward`` has it.
            extras: the cell's extra inputs by name, given to every layer, ``[B, T, S]`` or ``[B, S]``.

        Returns:
            The last layer's outputs ``[B, T, D*O]``, the directions side by side, and the last state in the form of
            ``state``.

        Raises:
            ElmanError: a shape, a dtype, a length or a name that does not fit.
        """
        outputs, states = self._run(Recurrence.__call__, x, state, lengths=lengths, resets=resets, save=save, **extras)
        return outputs, _unwrap(states)

    def trajectory(
        self,
        x: Tensor,
        state: Tensor | State | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        **extras: Tensor,
    ) -> tuple[Tensor, State]:
        """Run as ``forward`` does, and return the outputs with all states of every step, each ``[L*D, B, T, S]``."""
        return self._run(Recurrence.trajectory, x, state, lengths=lengths, resets=resets, **extras)

    def _run(
        self, run: Callable[..., Any], x: Tensor, state: Tensor | State | None, **inputs: Any
    ) -> tuple[Tensor, State]:
        dropout = self.dropout if self.training else 0.0
        return run_stack(run, self.stack(), x, state, bidirectional=self.bidirectional, dropout=dropout, **inputs)

    def stack(self) -> list[Recurrence]:
        """The cells with the parameters they run with, layer by layer."""
        return cast(list[Recurrence], list(self.cells))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", num_layers={self.num_layers}" if self.num_layers > 1 else ""
        text += ", bidirectional=True" if self.bidirectional else ""
        return text + (f", dropout={self.dropout}" if self.dropout else "")


def run_stack(
    run: Callable[..., Any],
    cells: Sequence[Recurrence],
    x: Tensor,
    state: Tensor | State | None = None,
    *,
    bidirectional: bool = False,
    dropout: float = 0.0,
    parameters: Sequence[Mapping[str, Tensor | None]] | None = None,
    **inputs: Any,
) -> tuple[Tensor, State]:
    """Run a stack of cells over a sequence, each layer reading the outputs of the one before.

    Args:
        run: how a cell is run: ``Cell.__call__`` for its last states, ``Cell.trajectory`` for those of every step.
        cells: layer by layer, within a layer the forward direction before the reverse one.
        x: ``[B, T, I]``.
        state: each ``[len(cells), B, S]``; where not given, every cell starts from its own initial state.
        bidirectional: whether a layer is two cells, one for each direction.
        dropout: the share of what passes between two layers that is set to zero now.
        parameters: for each cell, run with these instead of its own.
        inputs: ``lengths``, ``resets`` and extra inputs, the same for every cell.

    Returns:
        Outputs ``[B, T, D*O]`` and the states, those of all cells stacked: ``[len(cells), B, ...]``.
    """
    starts = _split(state, cells, x)
    directions = 2 if bidirectional else 1
    states: list[State] = []
    for first in range(0, len(cells), directions):
        if first and dropout:
            x = F.dropout(x, dropout)
        outputs = []
        for index in range(first, first + directions):
            own = None if parameters is None else parameters[index]
            output, new = run(cells[index], x, starts[index], reverse=index > first, parameters=own, **inputs)
            outputs.append(output)
            states.append((new,) if isinstance(new, Tensor) else new)
        x = torch.cat(outputs, -1) if bidirectional else outputs[0]
    return x, _stack(states)


def check_stack(num_layers: int, dropout: float) -> None:
    """Refuse a number of layers below 1 and a dropout outside 0 to 1."""
    if isinstance(num_layers, bool) or not isinstance(num_layers, int) or num_layers < 1:
        raise ElmanError(f"num_layers must be a whole number of at least 1, not {num_layers!r}")
    if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= dropout <= 1:
        raise ElmanError(f"dropout must be a number from 0 to 1, not {dropout!r}")


def _check_made(cells: Sequence[Any], directions: int) -> None:
    """Refuse recurrences that are no stack: of what is none, of another number, of sizes or states that do not fit."""
    for cell in cells:
        if not isinstance(cell, Recurrence):
            raise ElmanError(f"a stack is made of recurrences, such as adopt(cell), not of {told(cell)}")
    if not cells or len(cells) % directions:
        raise ElmanError(f"there are {len(cells)} recurrences, and {directions} for each layer are wanted")
    if len(set(map(id, cells))) < len(cells):
        raise ElmanError("a recurrence stands twice in a stack; make two of them")
    for n, cell in enumerate(cells):
        size = cells[0].input_size if n < directions else directions * cells[n - n % directions - 1].output_size
        if cell.input_size != size or cell.state_sizes != cells[0].state_sizes:
            raise ElmanError(
                f"recurrence {n + 1} of the stack takes {cell.input_size} features and has states of "
                f"{list(cell.state_sizes)}, where {size} and {list(cells[0].state_sizes)} fit"
            )


def _split(state: Tensor | State | None, cells: Sequence[Recurrence], x: Tensor) -> list[State | None]:
    """The state of each cell, from the states of all cells stacked."""
    if state is None:
        return [None] * len(cells)
    cells[0].check_input(x)
    parts = (state,) if isinstance(state, Tensor) else tuple(state)
    shapes = [[len(cells), x.shape[0], size] for size in cells[0].state_sizes]
    given = [list(part.shape) if strided(part) else told(part) for part in parts]
    if given != shapes:
        raise ElmanError(
            f"the state must be {' and '.join(map(str, shapes))} ({', '.join(cells[0].states)}), "
            f"not {' and '.join(map(str, given))}"
        )
    return list(zip(*(part.unbind(0) for part in parts), strict=True))


def _stack(states: Sequence[State]) -> State:
    if len(states) == 1:
        return tuple(part.unsqueeze(0) for part in states[0])
    return tuple(torch.stack(parts) for parts in zip(*states, strict=True))


def _unwrap(states: State) -> Tensor | State:
    """The state as users see it: bare where there is only one."""
    first, *others = states
    return states if others else first
