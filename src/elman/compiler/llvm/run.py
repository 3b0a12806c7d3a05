"""Calls: a Program's kernels with tensors, forward and backward."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from llvmlite import ir
from torch import Tensor

from elman.compiler.derive import adjoint
from elman.compiler.fuse import fuse
from elman.compiler.llvm import gemm, gradient, jit, kernel, threads
from elman.compiler.llvm.layout import Backward, Forward
from elman.compiler.llvm.places import arguments, sizes
from elman.compiler.llvm.rows import Rows, place
from elman.compiler.program import Program

_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
BLOCK_BYTES = 256 << 10  # of tape that is projected at once, to be still in cache when it is used


@dataclass(frozen=True)
class Sequences:
    """One call: what a recurrence runs over."""

    x: Tensor  # [B, T, I]
    weight: Tensor  # [x_width, I]
    bias: Tensor | None  # [x_width]
    operands: Mapping[str, Tensor]
    first: Sequence[Tensor]  # the state before, each [B, S]
    initial: Sequence[Tensor]  # the state after a reset, each [B, S]
    streams: Mapping[str, Tensor]  # [B, T, S] or [B, S]
    lengths: Tensor | None
    resets: Tensor | None
    reverse: bool


@dataclass(frozen=True)
class Shares:
    """What a backward pass gives: the cotangents of everything in ``Sequences``."""

    x: Tensor
    weight: Tensor
    bias: Tensor
    operands: Mapping[str, Tensor]
    first: Sequence[Tensor]
    initial: Sequence[Tensor]
    streams: Mapping[str, Tensor]


class _Compiled:
    """The function of one layout, and its table of sizes."""

    def __init__(self, layout: Forward | Backward, double: bool) -> None:
        key = f"{type(layout).__name__} {double}\n{layout.program.structure}\n{_shape(layout)}"

        def build() -> ir.Module:
            module = ir.Module("kernel")
            kernel.write(module, layout, double)
            return module

        name = "forward" if isinstance(layout, Forward) else "backward"
        self.address = jit.load(key, build).address(name)
        self.function = _ENTRY(self.address)
        numbers = list(sizes(layout).values())
        self.sizes = (ctypes.c_int64 * len(numbers))(*numbers)
        self.names = arguments(layout)

    def __call__(self, table: Mapping[str, int], count: int) -> None:
        entries = (ctypes.c_int64 * len(self.names))(*[table[name] for name in self.names])
        threads.run(self.function, self.address, ctypes.addressof(self.sizes), ctypes.addressof(entries), count)


def _shape(layout: Forward | Backward) -> str:
    """What of a layout decides its code, beside the structure of the Program."""
    tape = layout if isinstance(layout, Forward) else layout.forward
    runs = [[(run.where, run.start) for run in runs] for runs in (layout.inputs, *layout.runs)]
    more = [] if isinstance(layout, Forward) else [sorted(layout.cats), list(layout.shares), layout.ends]
    return repr([runs, list(layout.scratch), list(tape.pieces), tape.saved, more])


class Kernels:
    """The kernels of one Program, for one format of numbers. Nothing in it changes after it is made."""

    def __init__(self, program: Program, dtype: torch.dtype) -> None:
        self.dtype, self.double = dtype, dtype == torch.float64
        self.program = fuse(program)

    @cached_property
    def _adjoint(self) -> Program:
        return fuse(adjoint(self.program))

    @cached_property
    def saved(self) -> tuple[str, ...]:
        """The states that the backward pass reads."""
        read = {v.name for v in self._adjoint.values if v.op == "state"}
        values = [self.program.values[m.input] for m in self.program.products]
        return tuple(s for s in self.program.states if s in read | {v.name for v in values if v.op == "state"})

    @cached_property
    def training(self) -> Forward:
        return Forward(self.program, self.saved)

    @cached_property
    def inference(self) -> Forward:
        return Forward(self.program, ())

    @cached_property
    def back(self) -> Backward:
        return Backward(self.training, self._adjoint)

    @cached_property
    def _forward_training(self) -> _Compiled:
        return _Compiled(self.training, self.double)

    @cached_property
    def _forward_inference(self) -> _Compiled:
        return _Compiled(self.inference, self.double)

    @cached_property
    def _backward(self) -> _Compiled:
        return _Compiled(self.back, self.double)

    @cached_property
    def output_width(self) -> int:
        return self.program.values[self.program.results["output"]].width

    def forward(self, s: Sequences, keep: bool, threads_wanted: int) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """Outputs ``[B, T, O]``, the last state, and the tape if it is to be kept for ``backward``."""
        batch, time, features = s.x.shape
        layout, compiled = (
            (self.training, self._forward_training) if keep else (self.inference, self._forward_inference)
        )
        rows = place(batch, time, min(threads_wanted, batch), s.lengths)
        call = _Call(self, s, rows)
        per_block = max(24, BLOCK_BYTES // (layout.tape_width * (8 if self.double else 4)))
        block = max(1, min(time, per_block * rows.threads // max(batch, 1)))
        tape = call.empty(rows.count if keep else block * batch, layout.tape_width)
        outputs = (
            call.empty(batch, time, self.output_width)
            if s.lengths is None
            else s.x.new_zeros(batch, time, self.output_width)
        )
        last = [torch.empty_like(f) for f in s.first]
        table = call.common(layout, block)
        table |= {"ring": 0 if keep else 1, "tape": tape.data_ptr()}
        table["x rows"] = call.buffer(block * batch, features)
        table |= call.outside("x", s.x) | call.outside("output", outputs)
        row = call.row(layout)
        table["row"] = row.data_ptr()
        for j, run in enumerate(layout.inputs):
            table[f"packed 0 {j}"] = call.pack(s.weight, run.source, run.size, transposed=False)
        for k, runs in enumerate(layout.runs):
            product = self.program.products[k]
            for j, run in enumerate(runs):
                matrix = s.operands[product.matrix]
                table[f"packed {k + 1} {j}"] = call.pack(matrix, run.source, run.size, product.transposed)
        for name, first, end, initial in zip(self.program.states, s.first, last, s.initial, strict=True):
            table |= call.state(name, first, end, initial)
        compiled(table, rows.threads)
        return outputs, last, tape if keep else None

    def backward(
        self, s: Sequences, tape: Tensor, outputs: Tensor, last: Sequence[Tensor], threads_wanted: int
    ) -> Shares:
        """The cotangents of everything that went in, from those of the outputs and of the last state."""
        batch, time, features = s.x.shape
        layout = self.back
        rows = place(batch, time, min(threads_wanted, batch), s.lengths)
        call = _Call(self, s, rows)
        shares = call.empty(rows.count, layout.shares_width)
        x_shares = call.empty(rows.count, features)
        first = [torch.empty_like(f) for f in s.first]
        initial = [torch.zeros_like(f) for f in s.first]
        streams = {name: s.x.new_zeros(batch, time, width) for name, width in self.program.streams.items()}
        table = call.common(layout, time)
        table |= {"ring": 0, "tape": tape.data_ptr(), "shares": shares.data_ptr(), "x rows": x_shares.data_ptr()}
        table["reverse"] = int(not s.reverse)
        widest = max([features, *(v.width for v in layout.program.values)])
        zeros = s.x.new_zeros(widest)
        table["row"] = zeros.data_ptr()
        table |= call.outside("output", outputs)
        for name, stream in streams.items():
            table |= call.outside(f"stream share {name}", stream)
        for j, run in enumerate(layout.inputs):
            piece = s.weight[run.target : run.target + run.size]
            table[f"packed 0 {j}"] = call.pack(piece, 0, features, transposed=True)
        for k, runs in enumerate(layout.runs):
            product = layout.program.products[k]
            for j, run in enumerate(runs):
                matrix = s.operands[product.matrix]
                table[f"packed {k + 1} {j}"] = call.pack(matrix, run.source, run.size, product.transposed)
        for name, end, out, begin in zip(self.program.states, last, first, initial, strict=True):
            table |= call.state(name, end, out, begin)
        self._backward(table, rows.threads)
        weights = _Weights(self, s, rows, tape, shares)
        given = {name: stream if s.streams[name].dim() == 3 else stream.sum(1) for name, stream in streams.items()}
        given = {name: _like(stream, s.streams[name]) for name, stream in given.items()}
        weight, bias = weights.inputs()
        return Shares(rows.scatter(x_shares), weight, bias, weights.operands(), first, initial, given)


def _like(share: Tensor, tensor: Tensor) -> Tensor:
    return share if share.shape == tensor.shape else share.sum_to_size(tensor.shape)


class _Call:
    """The tensors of one call, kept alive until it ends, and their addresses."""

    def __init__(self, kernels: Kernels, s: Sequences, rows: Rows) -> None:
        self.kernels, self.s, self.rows = kernels, s, rows
        self.alive: list[Any] = []

    def empty(self, *shape: int) -> Tensor:
        return self.s.x.new_empty(shape)

    def buffer(self, *shape: int) -> int:
        self.alive.append(self.empty(*shape))
        return self.alive[-1].data_ptr()

    def common(self, layout: Forward | Backward, block: int) -> dict[str, int]:
        s, rows = self.s, self.rows
        batch, time, features = s.x.shape
        table = {
            "gemm": gemm.functions(self.kernels.double)[0],
            "time": time,
            "batch": batch,
            "reverse": int(s.reverse),
            "block": max(block, 1),
            "features": features,
            "rows": rows.first.ctypes.data,
            "starts": rows.starts.ctypes.data,
            "order": rows.order.ctypes.data,
            "lengths": rows.lengths.ctypes.data,
            "scratch": self.buffer(batch, layout.scratch_width),
            "begins": self._begins(),
        }
        for name, stream in s.streams.items():
            table |= self.outside(f"stream {name}", stream)
        for name in self.kernels.program.operands:
            operand = s.operands[name]
            if operand.dim() < 2 or min(operand.shape) == 1:
                operand = operand.contiguous()
                self.alive.append(operand)
                table[f"vector {name}"] = operand.data_ptr()
        return table

    def outside(self, name: str, tensor: Tensor) -> dict[str, int]:
        """A tensor ``[B, T, S]`` or ``[B, S]`` whose last axis is contiguous, with its strides."""
        if tensor.shape[-1] > 1 and tensor.stride(-1) != 1:
            tensor = tensor.contiguous()
        self.alive.append(tensor)
        step = tensor.stride(1) if tensor.dim() == 3 else 0
        return {name: tensor.data_ptr(), f"{name} row": tensor.stride(0), f"{name} step": step}

    def state(self, name: str, first: Tensor, last: Tensor, initial: Tensor) -> dict[str, int]:
        first, initial = first.contiguous(), initial.contiguous()
        self.alive += [first, last, initial]
        return {
            f"state {name}": self.buffer(2, *first.shape),
            f"first {name}": first.data_ptr(),
            f"last {name}": last.data_ptr(),
            f"initial {name}": initial.data_ptr(),
        }

    def pack(self, matrix: Tensor, source: int, size: int, transposed: bool) -> int:
        """Columns ``source`` on of ``matrix`` if transposed, of its transpose if not, in panels."""
        by_k, by_column = matrix.stride() if transposed else matrix.stride()[::-1]
        depth = matrix.shape[0] if transposed else matrix.shape[1]
        packed = self.empty(gemm.packed_size(depth, size, self.kernels.double))
        self.alive += [packed, matrix]
        start = matrix.data_ptr() + source * by_column * matrix.element_size()
        gemm.functions(self.kernels.double)[2](start, by_k, by_column, depth, size, packed.data_ptr())
        return packed.data_ptr()

    def row(self, layout: Forward) -> Tensor:
        """What every row of the tape holds before projection and products: the biases."""
        row = self.s.x.new_zeros(layout.tape_width)
        for p, piece in enumerate(self.kernels.program.pieces):
            here = row[layout.pieces[p] : layout.pieces[p] + piece.width]
            if piece.x is not None and self.s.bias is not None:
                here += self.s.bias[piece.x : piece.x + piece.width]
            for name, offset in piece.vectors:
                here += self.s.operands[name].reshape(-1)[offset : offset + piece.width]
        self.alive.append(row)
        return row

    def _begins(self) -> int:
        """Where a segment begins, for each row of the tape."""
        if self.s.resets is None:
            return 0
        resets = self.s.resets.cpu()
        if self.s.lengths is not None:
            resets = resets & (torch.arange(resets.shape[1]) < self.s.lengths.cpu()[:, None])
        if self.s.reverse:
            resets = torch.cat([resets[:, 1:], resets.new_zeros(len(resets), 1)], 1)
        begins = self.rows.gather(resets).to(torch.uint8).contiguous()
        self.alive.append(begins)
        return begins.data_ptr()


class _Weights:
    """The cotangents of weights: products over all rows of the tape, time by time and in the order of the batch."""

    def __init__(self, kernels: Kernels, s: Sequences, rows: Rows, tape: Tensor, shares: Tensor) -> None:
        self.kernels, self.s, self.rows, self.tape, self.shares = kernels, s, rows, tape, shares
        self.layout, self.program = kernels.back, kernels.program
        self.results = self.layout.program.results

    def inputs(self) -> tuple[Tensor, Tensor]:
        x = self.s.x if self.s.x.stride(-1) == 1 else self.s.x.contiguous()
        source = gradient.Columns(x.data_ptr(), x.shape[2], 0, self.rows.outside(x.stride(0), x.stride(1)))
        weight = x.new_zeros(self.s.weight.shape)
        bias = x.new_zeros(len(weight))
        for run in self.layout.inputs:
            share, target = self._rows(self.shares, run.source, run.size), slice(run.target, run.target + run.size)
            self._add(share, source, weight[target], bias[target])
        return weight, bias

    def operands(self) -> dict[str, Tensor]:
        found = {name: self.s.x.new_zeros(t.shape) for name, t in self.s.operands.items()}
        for p, piece in enumerate(self.program.pieces):
            share = self._share(f"piece:{p}")
            if share is None:
                continue
            for k, offset in piece.mixes:
                product = self.program.products[k]
                target = found[product.matrix]
                if product.transposed:
                    self._add(self._input(k), share, target[:, offset : offset + piece.width])
                else:
                    self._add(share, self._input(k), target[offset : offset + piece.width])
        for name in self.results:
            kind, _, rest = name.partition(":")
            if kind == "vector":
                operand, _, offset = rest.rpartition(":")
                share = self._share(name)
                assert share is not None
                self._add(share, gradient.NONE, None, found[operand].view(-1)[int(offset) : int(offset) + share.width])
        return found

    def _add(
        self, a: gradient.Columns, b: gradient.Columns, product: Tensor | None, sums: Tensor | None = None
    ) -> None:
        out, stride = (0, 0) if product is None else (product.data_ptr(), product.stride(0))
        gradient.accumulate(
            a,
            b,
            self.rows.count,
            out,
            stride,
            0 if sums is None else sums.data_ptr(),
            self.rows.threads,
            self.kernels.double,
        )

    def _rows(self, matrix: Tensor, column: int, width: int) -> gradient.Columns:
        """Columns of the tape, or of what lies row by row as the tape does."""
        stride = matrix.stride(0)
        address = matrix.data_ptr() + column * matrix.element_size()
        return gradient.Columns(address, width, *self.rows.inside(stride))

    def _share(self, name: str) -> gradient.Columns | None:
        i = self.results.get(name)
        return (
            None if i is None else self._rows(self.shares, self.layout.shares[i], self.layout.program.values[i].width)
        )

    def _input(self, k: int) -> gradient.Columns:
        """The input of a product in all rows: a state on the tape, or kept by the backward pass."""
        value = self.program.values[self.program.products[k].input]
        if value.op == "state":
            return self._rows(self.tape, self.layout.forward.states[value.name], value.width)
        share = self._share(f"input:{k}")
        assert share is not None
        return share
