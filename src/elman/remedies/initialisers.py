"""Initialisations: each is done when a cell is given it and whenever its parameters are drawn anew.

``Orthogonal().start(cell)`` is the same as a plain function: done once, and the cell does not remember.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from elman.cells import load, names
from elman.cells.cell import Cell
from elman.cells.remedy import Remedy
from elman.errors import ElmanError
from elman.remedies.checks import check_gates, check_number, recurrent_matrix


@dataclass(frozen=True)
class Orthogonal(Remedy):
    """A recurrent matrix whose block for each gate is orthogonal (Saxe et al. 2014), so that no direction fades.

    A block that is not square, of a cell with projection, is semi-orthogonal; each head's block of ``slstm`` is
    orthogonal by itself.

    Args:
        gain: what the blocks are multiplied by: all their singular values.

    Raises:
        ElmanError: a negative gain, or a cell without a recurrent matrix.

    Example:
        >>> from elman.cells.gru import GRUCell
        >>> block = GRUCell(3, 5).attach(Orthogonal()).weight_hh[:5]
        >>> torch.allclose(block @ block.T, torch.eye(5), atol=1e-5)
        True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_number("the gain of Orthogonal", self.gain, 0)

    def start(self, cell: Cell) -> None:
        weight = recurrent_matrix(cell, self)
        with torch.no_grad():
            # heads stand below one another, each a square
            for block in weight.split(cell.hidden_size if cell.dense else weight.shape[1]):
                nn.init.orthogonal_(block, self.gain)


@dataclass(frozen=True)
class Identity(Remedy):
    """A recurrent matrix that is the identity, and biases of zero: the IRNN (Le et al. 2015) of ``relu`` units.

    The state then stays as it is until an input changes it, and so does the gradient.

    Args:
        scale: what the identity is multiplied by; the paper takes less than 1 where less memory is wanted.

    Raises:
        ElmanError: a negative scale, or a cell whose recurrent matrix is not square.

    Example:
        >>> from elman.cells.elman import ElmanCell
        >>> cell = ElmanCell(3, 5, nonlinearity="relu").attach(Identity())
        >>> torch.equal(cell.weight_hh, torch.eye(5))
        True
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        check_number("the scale of Identity", self.scale, 0)

    def start(self, cell: Cell) -> None:
        weight = recurrent_matrix(cell, self)
        rows, columns = weight.shape
        if rows != columns:
            raise ElmanError(
                f"Identity is for a square recurrent matrix, as that of the elman cell with nonlinearity='relu'; that "
                f"of {type(cell).__name__} is {[rows, columns]}, and may be Orthogonal()"
            )
        with torch.no_grad():
            nn.init.eye_(weight).mul_(self.scale)
            for bias in _biases(cell):
                bias.zero_()


@dataclass(frozen=True)
class ForgetBias(Remedy):
    """A state that is kept at the start (Gers et al. 2000, Jozefowicz et al. 2015).

        b_f = value

    ``b`` is the sum of a gate's biases. A gate that keeps the state where it is shut, as that of ``mgu``, has
    ``-value``.

    Args:
        value: 1 keeps about three quarters of the state at each step, 5 more than 99 of 100.

    Raises:
        ElmanError: a cell that has no forget gate, or no biases.

    Example:
        >>> from elman.cells.lstm import LSTMCell
        >>> cell = LSTMCell(3, 2).attach(ForgetBias(1.0))
        >>> (cell.bias_ih + cell.bias_hh)[cell.rows("f")]
        tensor([1., 1.], grad_fn=<SliceBackward0>)
    """

    value: float = 1.0

    def __post_init__(self) -> None:
        check_number("the value of ForgetBias", self.value, -math.inf)

    def start(self, cell: Cell) -> None:
        for gate, sign in _forget_gates(cell, self).items():
            _fill_bias(cell, gate, sign * self.value)


@dataclass(frozen=True)
class Chrono(Remedy):
    """Forget gates that start with memories of all lengths up to the longest (Tallec and Ollivier 2018).

        b_f = log(u)      u uniform in 1 to T - 1, for each unit
        b_i = -b_f

    A unit whose forget gate is at ``sigmoid(log(u))`` keeps its state for about ``1 + u`` steps. ``b`` is the sum of
    a gate's biases; a cell without an input gate ``i`` of its own has the first line alone. A gate that keeps the
    state where it is shut, as that of ``mgu``, has ``-log(u)``.

    Args:
        longest: ``T``, the steps between what is to be remembered and its use.

    Raises:
        ElmanError: less than 3 steps, a cell that has no forget gate, or no biases.

    Example:
        >>> from elman.cells.lstm import LSTMCell
        >>> cell = LSTMCell(3, 5).attach(Chrono(500))
        >>> b = cell.bias_ih + cell.bias_hh
        >>> torch.equal(b[cell.rows("i")], -b[cell.rows("f")])
        True
    """

    longest: float

    def __post_init__(self) -> None:
        check_number("the longest memory of Chrono", self.longest, 3)

    def start(self, cell: Cell) -> None:
        kept = _forget_gates(cell, self)
        for gate, sign in kept.items():
            forget = torch.empty_like(cell.weight_ih[: cell.hidden_size, 0]).uniform_(1, self.longest - 1).log_()
            _fill_bias(cell, gate, sign * forget)
            if "i" in cell.gates and "i" not in kept:
                _fill_bias(cell, "i", -forget)


def _forget_gates(cell: Cell, remedy: Remedy) -> dict[str, int]:
    """What keeps the state of a cell, as ``_keeping`` says; refuse a cell that has no such gate, or no biases."""
    check_gates(cell, remedy)
    kept = _keeping(cell)
    if not kept:
        having = [name for name in names() if _keeping(load(name))]
        raise ElmanError(
            f"{type(remedy).__name__} is for a cell with a forget gate, a sigmoid that keeps the state; the gates of "
            f"{type(cell).__name__} are {', '.join(cell.gates)}. Cells that have one: {', '.join(having)}"
        )
    if not _biases(cell):
        raise ElmanError(
            f"{type(remedy).__name__} sets biases, and this {type(cell).__name__} was made with bias=False"
        )
    return kept


def _keeping(cell: Cell | type[Cell]) -> dict[str, int]:
    """The gates that keep the state: 1 for those that do where they are open, -1 where they are shut."""
    return {
        gate: sign
        for gates, sign in ((cell.forget_gates, 1), (cell.update_gates, -1))
        for gate in gates
        if gate in cell.gates
    }


def _biases(cell: Cell) -> list[nn.Parameter]:
    """The vectors that are added to the gates: biases, or the shifts of a layer norm in their place."""
    found = (cell._parameters.get(name) for name in ("bias_ih", "bias_hh", "shift_ih", "shift_hh"))
    return [vector for vector in found if vector is not None]


def _fill_bias(cell: Cell, gate: str, value: float | Tensor) -> None:
    """Make ``value`` the sum of a gate's biases."""
    first, *others = _biases(cell)
    with torch.no_grad():
        first[cell.rows(gate)] = value
        for vector in others:
            vector[cell.rows(gate)] = 0
