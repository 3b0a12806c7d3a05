"""Drop-ins for ``torch.nn.RNN``, ``LSTM`` and ``GRU``: the same arguments, ``state_dict``, shapes and results."""

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Proxy
from torch.nn.utils.rnn import PackedSequence

from elman.cells import Cell
from elman.cells.cell import structure
from elman.cells.elman import ElmanCell
from elman.cells.gru import GRUCell
from elman.cells.lstm import LSTMCell
from elman.cells.lstm_projected import ProjectedLSTMCell
from elman.cells.recurrence import READ_OF_CELL, bind, check_lengths
from elman.compiler import one_piece
from elman.compiler.binding import Member, Stack, again
from elman.compiler.calls import Calls
from elman.compiler.precision import CAST
from elman.compiler.surroundings import autocasts, ordinary
from elman.compiler.tensors import PLAIN, strided, told
from elman.errors import ElmanError, ElmanWarning, TwinError, user_level
from elman.layers.packing import packed_like, padded
from elman.layers.quantization import quantize_as
from elman.layers.recurrent import check_stack, run_stack
from elman.layers.twins import as_leaf, compile_as_code, dtypes_of_twin, twin_of, words_of_twin

_CELLS: dict[str, tuple[type[Cell], dict[str, Any]]] = {
    "RNN_TANH": (ElmanCell, {"nonlinearity": "tanh"}),
    "RNN_RELU": (ElmanCell, {"nonlinearity": "relu"}),
    "LSTM": (LSTMCell, {}),
    "GRU": (GRUCell, {}),
}
_STRUCTURE = {"mode", "input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size"}


class DropIn(nn.RNNBase):
    """What the three drop-ins share: all that ``torch.nn.RNNBase`` is and has, with a call of our own.

    The parameters belong to the module itself; the cells give only the structure, and are run with the module's
    parameters as they are at the call. So whatever puts other tensors in the place of parameters (parametrizations,
    ``functional_call``, an assignment) works, and nothing is written during a call.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, dropout: float, **options: Any) -> None:
        build: Any = super().__init__  # of the twin, which comes next
        try:
            if isinstance(num_layers, int):
                build(input_size, hidden_size, num_layers, **options)
            check_stack(num_layers, dropout)
            self._cells  # noqa: B018 (made now, so that a call finds them)
        except (TypeError, ValueError) as error:
            raise TwinError(str(error)) from error
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        self.dropout = float(dropout)
        self._calls = Calls()

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:  # in a tuple, so that they are not registered as modules
        """The cells of the layers and directions, without numbers, from the sizes that the module has now."""
        make, options = _CELLS[self.mode]
        if self.proj_size:
            make, options = ProjectedLSTMCell, {"proj_size": self.proj_size, **options}
        cells, size = list[Cell](), self.input_size
        for layer in range(self.num_layers):
            for suffix in ("", "_reverse") if self.bidirectional else ("",):
                cell = structure(make, size, self.hidden_size, self.bias, **options)
                cell.called = {name: f"{name}_l{layer}{suffix}" for name, _ in cell.named_parameters()}
                cells.append(cell)
            size = cells[-1].output_size * (2 if self.bidirectional else 1)
        return tuple(cells)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _STRUCTURE:  # as a library that prunes units changes it
            vars(self).pop("_cells", None)
            vars(self)["_calls"] = Calls()
        nn.Module.__setattr__(self, name, value)  # RNNBase's would keep a list of the weights, which is read here

    @property
    def _flat_weights(self) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The parameters of all layers and directions, as they are now; None for one that is not there."""
        return tuple(getattr(self, name, None) for name in self._flat_weights_names)

    @_flat_weights.setter
    def _flat_weights(self, weights: Sequence[Any]) -> None:
        for name, old, new in zip(self._flat_weights_names, self._flat_weights, weights, strict=True):
            if new is not old:
                setattr(self, name, new)

    def _init_flat_weights(self) -> None:
        self.flatten_parameters()

    def flatten_parameters(self) -> None:
        """Move the parameters of each layer and direction into one piece of memory, where cuDNN is to run them."""
        for cell in self._cells:
            given: list[Any] = [getattr(self, own, None) for own in cell.called.values()]
            plain = all(type(t) is nn.Parameter for t in given) and len({t.dtype for t in given}) == 1
            apart = plain and len({t.data_ptr() for t in given}) == len(given)
            if apart and one_piece.wanted(given) and not one_piece.lie_in_order(given):
                one_piece.put_in_one_piece(given)

    def _update_flat_weights(self) -> None:
        """Do nothing: there is no list that could be old."""

    def _weights_have_changed(self) -> bool:
        return False

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made from the rest of it, so that a file names no class but this one."""
        return {name: value for name, value in vars(self).items() if name not in ("_cells", "_calls")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        names = state.pop("_names", None)  # of a module that version 0.1 wrote
        if names is not None:
            state["_all_weights"] = [list(own.values()) for own in names]
            state["_flat_weights_names"] = [name for own in state["_all_weights"] for name in own]
        state.setdefault("_calls", Calls())
        super().__setstate__(state)
        self._flat_weight_refs = []  # nothing asks whether a parameter is still the same, so it may be swapped

    def stack(self) -> list[Cell]:
        """The cells with the parameters they run with, layer by layer."""
        return [bind(cell, own) for cell, own in zip(self._cells, self._parameters_of_cells(), strict=True)]

    def _parameters_of_cells(self) -> list[dict[str, Any]]:
        plain = self._parameters  # without those that something else computes, which are attributes instead
        return [
            {name: plain[own] if own in plain else getattr(self, own) for name, own in cell.called.items()}
            for cell in self._cells
        ]

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | tuple[Tensor, ...] | None = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        save: int | str = "fast",
    ) -> tuple[Any, Any]:
        """Run over a sequence, as the ``torch.nn`` twin does.

        Args:
            input: ``[T, B, I]``, with ``batch_first`` ``[B, T, I]``; one sequence ``[T, I]``; or packed.
            hx: the state to start from, ``[L*D, B, S]`` (``[L*D, S]`` for one sequence), for the LSTM a tuple of two;
                zeros if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``, on any device, instead of packing: a finished row keeps its
                state, and its outputs are zero.
            resets: bool of the shape of the input without its features (of the padded input, if it is packed), true
                where a step begins a new segment, which starts from zeros.
            save: what is kept for the backward pass: ``"fast"``, ``"lean"``, a number of steps, or an amount of memory
                for each layer, as ``Cell.forward`` has it.

        Returns:
            Outputs in the form of ``input`` with ``D*O`` features, and the last state in the form of ``hx``.

        Raises:
            TwinError: a shape, a dtype or a length that does not fit. It is an ``ElmanError``, and a ``RuntimeError``
                as the twin's.
        """
        if isinstance(input, Proxy):
            given = {"lengths": lengths, "resets": resets, "save": None if save == "fast" else save}
            options = {name: value for name, value in given.items() if value is not None}
            if (leaf := as_leaf(self, input, hx, **options)) is not None:
                return leaf
        try:
            if isinstance(input, PackedSequence):
                return self._run_packed(input, hx, lengths, resets, save)
            if lengths is None and resets is None and ordinary():
                return self._bound(input, hx, save)
            return self._run(input, hx, lengths, resets, save)
        except ElmanError as error:
            words = words_of_twin(self, input, hx)
            raise TwinError(f"{words}: {error}" if words else str(error)) from error

    def _run_packed(
        self, input: PackedSequence, hx: Any, lengths: Tensor | None, resets: Tensor | None, save: int | str
    ) -> tuple[PackedSequence, Any]:
        if lengths is not None:
            raise ElmanError("a packed sequence has its own lengths; lengths go with a padded input")
        x, lengths, places = padded(input, self.batch_first)
        outputs, state = self._run(x, hx, lengths, resets, save, packed=True)
        return packed_like(input, outputs, places), state

    def _bound(self, input: Tensor, hx: Any, save: int | str) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """``_run`` without lengths and resets; a call that is like one before is done by kernels alone."""
        states = () if hx is None else (hx,) if isinstance(hx, Tensor) else hx
        if type(input) not in PLAIN or type(states) is not tuple or save != "fast":
            return self._run(input, hx, None, None, save)
        flags = (
            self.training, self.batch_first, self.bidirectional, self.dropout, self.input_size,
            *map(READ_OF_CELL, self._cells),
        )  # fmt: skip
        return again(
            self._calls, flags, self._parameters, input, states,
            self._stack, lambda: self._run(input, hx, None, None, save),
        )  # fmt: skip

    def _stack(self) -> Stack | None:
        if (self.training and self.dropout) or not all(cell.begins_with_zeros for cell in self._cells):
            return None
        members = [Member(cell, cell.called) for cell in self._cells]
        return Stack(members, 2 if self.bidirectional else 1, not self.batch_first)

    def _run(
        self,
        input: Tensor,
        hx: Tensor | tuple[Tensor, ...] | None,
        lengths: Tensor | None,
        resets: Tensor | None,
        save: int | str,
        packed: bool = False,
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        self._check(input, hx, resets)
        cast = autocasts(input.device.type) and input.dtype in CAST
        dtypes = dtypes_of_twin(self, input, hx, packed) if cast else None
        batched = input.dim() == 3
        turned = batched and not self.batch_first
        state = (hx,) if isinstance(hx, Tensor) else hx
        if turned:
            input = input.transpose(0, 1)
            resets = None if resets is None else resets.transpose(0, 1)
        if not batched:
            input = input.unsqueeze(0)
            state = None if state is None else tuple(part.unsqueeze(1) for part in state)
            resets = None if resets is None else resets.unsqueeze(0)
            if lengths is not None:
                lengths = check_lengths(lengths.reshape(-1) if strided(lengths) else lengths, 1, input.shape[1])
        outputs, state = run_stack(
            _forward,
            self._cells,
            input,
            state,
            bidirectional=self.bidirectional,
            dropout=self.dropout if self.training else 0.0,
            parameters=self._parameters_of_cells(),
            lengths=lengths,
            resets=resets,
            save=save,
        )
        if turned:  # contiguous as torch's, for code that views it flat
            outputs = outputs.transpose(0, 1).contiguous()
        if not batched:
            outputs, state = outputs.squeeze(0), tuple(part.squeeze(1) for part in state)
        if dtypes is not None:
            outputs, *state = (t.to(dtype) for t, dtype in zip((outputs, *state), dtypes, strict=True))
        first, *others = state
        return outputs, (first, *others) if others else first

    def _check(self, input: Tensor, hx: Tensor | tuple[Tensor, ...] | None, resets: Tensor | None) -> None:
        name, size = type(self).__name__, self.input_size
        if not strided(input) or input.dim() not in (2, 3) or input.shape[-1] != size:
            batched = f"[batch, time, {size}]" if self.batch_first else f"[time, batch, {size}]"
            given = list(input.shape) if strided(input) else told(input)
            raise ElmanError(f"{name} takes an input of {batched} or [time, {size}], not {given}")
        if resets is not None and (not strided(resets) or resets.shape != input.shape[:-1]):
            given = f"of {list(resets.shape)}" if strided(resets) else told(resets)
            raise ElmanError(f"resets are bool of {list(input.shape[:-1])}, not {given}")
        if hx is None:
            return
        states = self._cells[0].states
        if isinstance(hx, Tensor) != (len(states) == 1):
            raise ElmanError(f"{name} takes a state hx of {'one tensor' if len(states) == 1 else 'two, (h, c)'}")
        for part in (hx,) if isinstance(hx, Tensor) else hx:
            if not strided(part):
                raise ElmanError(f"{name} takes a state hx of dense tensors, not {told(part)}")
            if part.dim() != input.dim():
                raise ElmanError(
                    f"for an input of {input.dim()} dimensions hx has as many, not {part.dim()}: "
                    "the batch is left out of both or of neither"
                )

    def __prepare_scriptable__(self) -> nn.Module:
        """What ``torch.jit.script`` compiles in the place of this: the twin, with the same parameters."""
        if type(self) not in _TWINS:
            return self
        warnings.warn(
            f"torch.jit.script puts PyTorch's own {type(self).__name__} in the place of Elman's, with the same "
            "parameters, and in the model that it is given too; give it a copy.deepcopy(model) to keep Elman's there",
            ElmanWarning,
            stacklevel=user_level(),
        )
        return twin_of(self, _TWINS[type(self)])


class RNN(DropIn, nn.RNN):
    """The simple recurrent network, in place of ``torch.nn.RNN``: ``elman.cells.elman`` has its equations.

    Args:
        input_size: features of the input, ``I``.
        hidden_size: units of each layer and direction, ``H``.
        num_layers: layers, ``L``.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: whether there are biases.
        batch_first: whether input and output are ``[B, T, ...]``, not ``[T, B, ...]``; states have the layers first.
        dropout: dropout probability of the outputs of all layers but the last.
        bidirectional: whether every layer runs in both directions.

    Raises:
        ElmanError: a size or a number of layers below 1, a dropout outside 0 to 1, another nonlinearity.

    Example:
        >>> rnn = RNN(3, 5, 2)
        >>> output, h = rnn(torch.zeros(7, 4, 3))
        >>> output.shape, h.shape
        (torch.Size([7, 4, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            dropout,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            nonlinearity=nonlinearity,
            device=device,
            dtype=dtype,
        )


class LSTM(DropIn, nn.LSTM):
    """The long short-term memory, in place of ``torch.nn.LSTM``: ``elman.cells.lstm`` has its equations.

    Args:
        input_size: features of the input, ``I``.
        hidden_size: units of each layer and direction, ``H``.
        num_layers: layers, ``L``.
        bias: whether there are biases.
        batch_first: whether input and output are ``[B, T, ...]``, not ``[T, B, ...]``; states have the layers first.
        dropout: dropout probability of the outputs of all layers but the last.
        bidirectional: whether every layer runs in both directions.
        proj_size: features that the output is projected to, less than ``hidden_size``; 0 for no projection.

    Raises:
        ElmanError: a size or a number of layers below 1, a dropout outside 0 to 1, a ``proj_size`` too large.

    Example:
        >>> lstm = LSTM(3, 5, bidirectional=True, batch_first=True)
        >>> output, (h, c) = lstm(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 2, 0, 5]))
        >>> output.shape, h.shape, c.shape
        (torch.Size([4, 7, 10]), torch.Size([2, 4, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            dropout,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            proj_size=proj_size,
            device=device,
            dtype=dtype,
        )


class GRU(DropIn, nn.GRU):
    """The gated recurrent unit, in place of ``torch.nn.GRU``: ``elman.cells.gru`` has its equations.

    Args:
        input_size: features of the input, ``I``.
        hidden_size: units of each layer and direction, ``H``.
        num_layers: layers, ``L``.
        bias: whether there are biases.
        batch_first: whether input and output are ``[B, T, ...]``, not ``[T, B, ...]``; states have the layers first.
        dropout: dropout probability of the outputs of all layers but the last.
        bidirectional: whether every layer runs in both directions.

    Raises:
        ElmanError: a size or a number of layers below 1, a dropout outside 0 to 1.

    Example:
        >>> gru = GRU(3, 5)
        >>> output, h = gru(torch.zeros(7, 3))  # one sequence
        >>> output.shape, h.shape
        (torch.Size([7, 5]), torch.Size([1, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            dropout,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            device=device,
            dtype=dtype,
        )


def _forward(cell: Cell, *args: Any, **options: Any) -> Any:
    """Run a cell, which is no module of its layer, so that no hook is to see it."""
    return cell.forward(*args, **options)


_TWINS: dict[type, type[nn.Module]] = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}
compile_as_code(DropIn)
quantize_as(_TWINS)
