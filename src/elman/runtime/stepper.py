"""A stack of recurrences for a stream: weights packed once, buffers made once, one kernel call a layer and step."""

import ctypes
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from elman.cells.recurrence import Recurrence
from elman.compiler.contract import NotCompilable
from elman.compiler.executor import Sequences
from elman.compiler.executors.llvm.given import fitted
from elman.compiler.executors.llvm.rows import place
from elman.compiler.executors.llvm.run import Kernels
from elman.compiler.executors.llvm.threads import available
from elman.compiler.executors.llvm.workspace import NO_MEMORY, Workspace
from elman.compiler.reading import read
from elman.compiler.surroundings import recorded
from elman.compiler.tensors import PLAIN, strided, told
from elman.errors import ElmanError

_FORMATS = {(torch.float32, torch.float32), (torch.float32, torch.bfloat16), (torch.float64, torch.float64)}


class Stepper:
    """Run a layer on a stream, one step at a time.

    The weights are copied when the stepper is made; ``refresh`` copies them again. The state is the stepper's own:
    read it, set it, or ``reset`` it. One stepper belongs to one stream (or to one batch of streams) and to one thread.

    Args:
        layer: a ``Cell``, a ``Recurrent`` or a drop-in, in one direction.
        batch: how many streams step together.
        weights: the format in which the matrices are kept, that of the layer if not given; ``torch.bfloat16`` halves
            what a step of a large float32 layer reads, and with it its time. States and sums stay float32.
        threads: how many share the units of each step, at most as many as PyTorch uses; worth it from about 500 units.
            Between steps that follow closely they wait in a loop, and so occupy their cores.

    Raises:
        ElmanError: a layer of two directions, or one whose step has no kernel; a format that matrices cannot have.

    Example:
        >>> from elman import GRU
        >>> layer, x = GRU(3, 5, batch_first=True), torch.randn(2, 7, 3)
        >>> stepper = Stepper(layer, batch=2)
        >>> steps = [stepper.step(x[:, t]).clone() for t in range(7)]
        >>> torch.allclose(torch.stack(steps, 1), layer(x)[0], atol=1e-6)
        True
    """

    def __init__(
        self, layer: nn.Module, batch: int = 1, *, weights: torch.dtype | None = None, threads: int = 1
    ) -> None:
        if batch < 1 or threads < 1:
            raise ElmanError(f"a stepper takes at least one stream and one thread, not {min(batch, threads)}")
        self._layer, self.batch, self._weights, self._threads = layer, batch, weights, threads
        self.refresh()

    def refresh(self) -> None:
        """Take the layer's weights as they are now. The state returns to the initial one."""
        self._stages: list[_Stage] = []
        x: Tensor | None = None
        for cell in _cells(self._layer):
            self._stages.append(_Stage(cell, self.batch, x, self._weights, min(self._threads, available())))
            x = self._stages[-1].output
        self._first, self._output = self._stages[0], self._stages[-1].output
        self._calls = [stage.call for stage in self._stages]

    def step(self, x: Tensor) -> Tensor:
        """Push one step.

        Args:
            x: ``[batch, input_size]``.

        Returns:
            The output ``[batch, output_size]``, in a buffer that the next step overwrites.
        """
        self._first.read(x)
        for call in self._calls:
            call()
        return self._output

    @property
    def state(self) -> list[tuple[Tensor, ...]]:
        """A copy of the state of each layer."""
        return [tuple(s.clone() for s in stage.state) for stage in self._stages]

    @state.setter
    def state(self, state: Sequence[Sequence[Tensor]]) -> None:
        right = [[list(buffer.shape) for buffer in stage.state] for stage in self._stages]
        given = [[list(value.shape) if strided(value) else told(value) for value in own] for own in state]
        if given != right:
            raise ElmanError(f"a state is, layer by layer, tensors of {right}, not {given}")
        with torch.no_grad():
            for stage, own in zip(self._stages, state, strict=True):
                for buffer, value in zip(stage.state, own, strict=True):
                    buffer.copy_(value)

    def reset(self) -> None:
        """Return to the state that a sequence starts from."""
        for stage in self._stages:
            for buffer, value in zip(stage.state, stage.cell.initial_state(self.batch), strict=True):
                buffer.copy_(value.detach())


class _Stage:
    """One cell with its buffers: what it reads, its state, and what it gives."""

    def __init__(
        self, cell: Recurrence, batch: int, x: Tensor | None, weights: torch.dtype | None, threads_wanted: int
    ) -> None:
        if cell.extra_inputs:
            raise ElmanError(
                f"{type(cell).__name__} takes {', '.join(cell.extra_inputs)} beside x; a stepper has x alone"
            )
        cell.check_parameters()
        if cell.like.device.type != "cpu":
            raise ElmanError(f"a stepper runs on the CPU; {type(cell).__name__} is on {cell.like.device}")
        own = cell.like.dtype
        weights = weights or own
        if (own, weights) not in _FORMATS:
            raise ElmanError(
                f"a stepper runs layers of float32, with weights of float32 or bfloat16, and of float64; "
                f"this layer is of {own}, and weights of {weights} were asked for"
            )
        try:
            traced = read(cell)
        except NotCompilable as error:
            raise ElmanError(f"there is no kernel for this cell: {error}") from error
        with torch.no_grad():
            self.cell = cell
            self.kernels = Kernels(traced.program, weights)
            self.state = [s.clone() for s in cell.initial_state(batch)]
            self.x = cell.like.new_empty(batch, 1, cell.input_size) if x is None else x.unsqueeze(1)
            self.output = cell.like.new_empty(batch, cell.output_size)
            operands = dict(zip(traced.program.operands, traced.evaluate(cell), strict=True))
            bias = None if cell.bias_ih is None else cell.bias_ih.detach().clone()
            kept = {name: t.detach().clone() for name, t in operands.items()}
            weight = cell.weight_ih.detach().clone()
            given = Sequences(self.x, weight, bias, kept, self.state, self.state, {}, None, None, False)
            self.sequences = fitted(given, traced.program, self.kernels.dtype)
        rows = place(batch, 1, 1, None)
        self.work = self.kernels.workspace("inference", cell.input_size, rows)
        self._bind(self.work)
        compiled = self.work.compiled
        table = ctypes.addressof(self.work.table)
        compiled.prepare(compiled.sizes_address, table, 0)
        if threads_wanted == 1:  # no more of Python than there must be
            self.call = partial(compiled.function, compiled.sizes_address, table, 0)
        else:
            self.call = partial(self.work.run_kernel, threads_wanted)
        self._slot = compiled.slots["x"]
        self._shape, self._dtype = torch.Size([batch, cell.input_size]), self.x.dtype

    def _bind(self, work: Workspace) -> None:
        work.give(self.sequences, self.state, self.state, self.state)
        work.outside("x", self.x)
        work.outside("output", self.output)
        work.set("reverse", 0)

    def read(self, x: Tensor) -> None:
        """Take this tensor as the input of the next step."""
        if (
            type(x) not in PLAIN
            or x.layout is not torch.strided
            or x.shape != self._shape
            or x.dtype != self._dtype
            or not x.is_cpu
        ):
            raise ElmanError(f"a step takes {self._dtype} of {list(self._shape)} on the CPU, and was given {told(x)}")
        if recorded():
            raise ElmanError("a step is nothing that can be recorded; trace, export or fake the layer itself")
        if not x.is_contiguous() or x.is_neg():
            x = self.x.squeeze(1).copy_(x.detach())
        address = x.data_ptr()
        if not address:
            raise ElmanError(NO_MEMORY)
        self.work.table[self._slot] = address


def _cells(layer: nn.Module) -> list[Recurrence]:
    """The cells of a layer from the first to the last."""
    if isinstance(layer, Recurrence):
        return [layer]
    if getattr(layer, "bidirectional", False):
        raise ElmanError("a layer of two directions needs the whole sequence; a stepper takes one direction")
    stack = getattr(layer, "stack", None)
    if stack is None:
        raise ElmanError(f"a stepper takes a cell, a Recurrent or a drop-in, not {type(layer).__name__}")
    return list(stack())
