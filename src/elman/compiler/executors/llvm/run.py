"""Calls: a Program's kernels with tensors, forward and backward."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from elman.compiler.derive import adjoint
from elman.compiler.executor import Cotangents, Sequences
from elman.compiler.executors.llvm import lanes, memory, pack, threads, weights
from elman.compiler.executors.llvm.given import contiguous, fitted, rows_contiguous, states_of
from elman.compiler.executors.llvm.host import host, use
from elman.compiler.executors.llvm.places import given
from elman.compiler.executors.llvm.rows import Rows, place
from elman.compiler.executors.llvm.small import Ready, Small
from elman.compiler.executors.llvm.weights import WORTH_A_THREAD
from elman.compiler.executors.llvm.workspace import Compiled, Workspace
from elman.compiler.fuse import fuse
from elman.compiler.layout import Backward, Forward
from elman.compiler.program import Program
from elman.errors import ElmanError

BLOCK_BYTES = 256 << 10  # of tape that is projected at once, to be still in cache when it is used
KEPT_BYTES = 48 << 20  # of workspaces that are kept for later calls, those of the last shapes
KEPT_SMALL = 16 << 20  # of those of small calls, of which one takes at most
SMALL_BYTES = 4 << 20
KEPT_PRODUCTS = 4  # ways in which rows and inputs lie
WORTH_A_MEETING = 200_000

Lie = tuple[int, int, int, int, int, int, int, bool]  # batch, steps, features, strides of input and outputs, reverse


class Kernels:
    """The kernels of one Program, for one format of numbers; it keeps workspaces for the shapes that come again.

    For ``torch.bfloat16`` that is the format of the packed matrices alone: everything else is float32. With ``pairs``
    what is multiplied by a matrix is rounded to bfloat16 too, which takes half the time on a machine that can.
    """

    def __init__(self, program: Program, dtype: torch.dtype, pairs: bool = False) -> None:
        self.packed, self.pairs, self.double = dtype, pairs, dtype == torch.float64
        self.dtype = torch.float64 if self.double else torch.float32
        self.program, self.host = fuse(program), host()
        self.output_width = self.program.values[self.program.results["output"]].width
        self._kept: dict[tuple[object, ...], list[Workspace]] = {}
        self._small: dict[tuple[object, ...], Small] = {}

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
    def _training(self) -> Compiled:
        return Compiled(self.training, self.double)

    @cached_property
    def _inference(self) -> Compiled:
        return Compiled(self.inference, self.double)

    @cached_property
    def _backward(self) -> Compiled:
        return Compiled(self.back, self.double)

    @cached_property
    def _jobs(self) -> list[weights.Job]:
        return weights.jobs(self.back)

    @property
    def tape_width(self) -> int:
        """Numbers that are kept for the backward pass, for each row of each step."""
        return self.training.tape_width

    def forward(self, s: Sequences, every: int) -> tuple[Tensor, list[Tensor], Tensor]:
        """Run forward.

        Args:
            every: what is kept for ``backward``: 0 nothing, 1 the tape of every step, more the state every so many.

        Returns:
            Outputs ``[B, T, O]``, the last states, and what is kept.
        """
        s, threads_wanted = fitted(s, self.program, self.dtype), threads.available()
        batch, time, _ = s.x.shape
        turned = not s.x.is_contiguous()  # the outputs lie in the order of the input
        outputs = memory.empty((batch, time, self.output_width), self.dtype, turned)
        if s.lengths is not None:
            outputs.zero_()
        if every <= 1:
            last, tape = self._stretch(s, outputs, bool(every), threads_wanted)
            return outputs, last, s.x.new_empty(0) if tape is None else tape
        state, kept = list(s.first), []
        for part, low, high in _stretches(s, every):
            kept.append(torch.cat([f.reshape(-1) for f in state]))
            state, _ = self._stretch(replace(part, first=state), outputs[:, low:high], False, threads_wanted)
        return outputs, state, torch.stack(kept)

    def _stretch(
        self, s: Sequences, outputs: Tensor, keep: bool, threads_wanted: int
    ) -> tuple[list[Tensor], Tensor | None]:
        batch, time, features = s.x.shape
        rows = self.place(batch, time, features, s.lengths, threads_wanted)
        last = [torch.empty_like(f) for f in s.first]
        tape = memory.empty(self._tape_shape(rows.count), self.dtype) if keep else None
        kind = "training" if keep else "inference"
        work = self._borrow(kind, s, rows)
        alive = work.give(s, s.first, last, s.initial)
        work.outside("x", s.x)
        work.outside("output", outputs)
        work.set("reverse", int(s.reverse))
        if tape is not None:
            work.set("tape", tape.data_ptr())
            self._last_row(tape).value = rows.threads
        work.run(self.team(rows, threads_wanted))
        del alive
        self._give_back(work, kind, s)
        return last, tape

    def backward(
        self,
        s: Sequences,
        kept: Tensor,
        outputs: Tensor,
        last: Sequence[Tensor],
        every: int,
        input_too: bool = True,
    ) -> Cotangents:
        """The cotangents of everything that went in, from those of the outputs and of the last states.

        That of the input is a product of its own, which is left out unless it is wanted.
        """
        s, threads_wanted = fitted(s, self.program, self.dtype), threads.available()
        batch, time, _ = s.x.shape
        outputs = rows_contiguous("the outputs' cotangent", outputs, (batch, time, self.output_width), self.dtype)
        kept = contiguous("what is kept", kept, self._kept_shape(s, every), self.dtype)
        x = memory.empty(tuple(s.x.shape), self.dtype) if input_too else None
        if s.lengths is not None and x is not None:
            x.zero_()
        targets = {name: s.x.new_zeros(t.shape) for name, t in s.operands.items()}
        targets |= {"weight": s.x.new_zeros(s.weight.shape), "bias": s.x.new_zeros(len(s.weight))}
        initial = [torch.zeros_like(f) for f in s.first]
        extras = {name: s.x.new_zeros(batch, time, width) for name, width in self.program.extras.items()}
        state = states_of("the last states' cotangent", last, self.program, batch, self.dtype)
        if every == 1:
            into = _Into(x, targets, initial, extras)
            state = self._stretch_back(s, kept, outputs, state, into, threads_wanted)
        else:
            sizes = [f.numel() for f in s.first]
            parts = list(zip(_stretches(s, every), kept, strict=True))
            unused = s.x.new_empty(batch, min(every, time), self.output_width)
            for (part, low, high), flat in reversed(parts):
                first = [p.view_as(f) for p, f in zip(flat.split(sizes), s.first, strict=True)]
                part = replace(part, first=first)
                _, tape = self._stretch(part, unused[:, : high - low], True, threads_wanted)
                assert tape is not None
                own = {name: extra[:, low:high] for name, extra in extras.items()}
                into = _Into(None if x is None else x[:, low:high], targets, initial, own)
                state = self._stretch_back(part, tape, outputs[:, low:high], state, into, threads_wanted)
        given = {
            name: (extra if s.extras[name].dim() == 3 else extra.sum(1)).sum_to_size(s.extras[name].shape)
            for name, extra in extras.items()
        }
        return Cotangents(x, targets.pop("weight"), targets.pop("bias"), targets, state, initial, given)

    def _stretch_back(
        self, s: Sequences, tape: Tensor, outputs: Tensor, last: Sequence[Tensor], into: "_Into", threads_wanted: int
    ) -> list[Tensor]:
        batch, time, _ = s.x.shape
        rows = place(batch, time, self._dealt_to(tape, batch), s.lengths)
        first = [torch.empty_like(f) for f in s.first]
        work = self._borrow("backward", s, rows)
        alive = work.give(s, last, first, into.initial)
        if into.x is None:
            work.set("x", 0)
        else:
            work.outside("x", into.x)
        work.outside("output", outputs)
        for name, extra in into.extras.items():
            work.outside(f"extra cotangent {name}", extra)
        work.set("reverse", int(not s.reverse))
        work.set("tape", tape.data_ptr())
        work.run(self.team(rows, threads_wanted))
        del alive
        way, read = (rows, *s.x.stride(), threads_wanted), weights.Matrices(tape, work.cotangents, work.totals, s.x)
        bound = work.products.get(way)
        if bound is None:
            bound = weights.bind(self._jobs, into.targets, read, rows, threads_wanted, self.pairs)
            if len(work.products) == KEPT_PRODUCTS:
                work.products.clear()
            work.products[way] = bound
        places, targets = read.addresses, [*(t.data_ptr() for t in into.targets.values()), 0]
        for one in bound:
            one.run(places, targets)
        self._give_back(work, "backward", s)
        return first

    def _kept_shape(self, s: Sequences, every: int) -> tuple[int, int]:
        """Of what a forward pass has kept."""
        batch, time, _ = s.x.shape
        if every == 1:
            return self._tape_shape(batch * time if s.lengths is None else int(s.lengths.sum()))
        if every < 1:
            raise ElmanError("there is no backward pass of a run that kept nothing for it")
        return -(-time // every), batch * sum(self.program.states.values())

    def _tape_shape(self, rows: int) -> tuple[int, int]:
        """A row for each step of each row, and one that says on how many threads, since the others lie so."""
        return rows + bool(self.tape_width), self.tape_width

    def _dealt_to(self, tape: Tensor, batch: int) -> int:
        """On how many threads the rows of a tape were computed, which may have changed since."""
        count = self._last_row(tape).value
        if count not in range(1, batch + 1):
            raise ElmanError(f"what is kept is the tape of no forward pass over {batch} rows")
        return int(count)

    def _last_row(self, tape: Tensor) -> ctypes.c_float | ctypes.c_double:
        """The first number of a tape's last row; of one without columns, in whose place nothing is kept, a 1."""
        kind = ctypes.c_double if self.double else ctypes.c_float
        if not self.tape_width:
            return kind(1)
        return kind.from_address(tape.data_ptr() + (tape.numel() - self.tape_width) * tape.element_size())

    def small(
        self, shape: tuple[int, int, int], x: tuple[int, int], output: tuple[int, int], reverse: bool
    ) -> Small | None:
        """Calls over inputs that lie so, which are kept for all who ask for the like; None where they are not small."""
        return self._smalls("inference", (*shape, *x, *output, reverse))

    def learning(
        self, shape: tuple[int, int, int], x: tuple[int, int], output: tuple[int, int], reverse: bool
    ) -> tuple[Small, Small] | None:
        """The same that keep the tape of every step, and the way back; what is not small has neither."""
        if not self.tape_width:
            return None
        forward = self._smalls("training", (*shape, *x, *output, reverse))
        backward = self._smalls("backward", (*shape, *x, *output, not reverse))
        return (forward, backward) if forward and backward else None

    def _smalls(self, kind: str, lie: Lie) -> Small | None:
        shape, many = lie[:3], threads.available()
        one = self.place(*shape, None, 1)
        if self.place(*shape, None, many).threads > 1 or self.team(one, many) > 1:
            return None
        known = self._small.pop((kind, lie), None)
        if known is None:
            work = self.workspace(kind, shape[2], one)
            if work.bytes > SMALL_BYTES:
                return None
            tape = (0, 0) if kind == "inference" else self._tape_shape(one.count)
            known = Small(given(work.compiled.layout), tape, work.bytes, partial(self._ready, kind, one, lie))
        self._small[kind, lie] = known
        while sum(small.bytes for small in list(self._small.values())) > KEPT_SMALL:
            self._small.pop(next(iter(self._small)), None)
        return known

    def _ready(self, kind: str, rows: Rows, lie: Lie) -> Ready:
        with use(self.host):  # that of whoever asked first
            return self._ready_here(kind, rows, lie)

    def _ready_here(self, kind: str, rows: Rows, lie: Lie) -> Ready:
        batch, time, features, *strides, reverse = lie
        work = self.workspace(kind, features, rows)
        work.set("begins", 0)
        work.set("reverse", int(reverse))
        for name, (row, step) in (("x", strides[:2]), ("output", strides[2:])):
            work.set(f"{name} row", row)
            work.set(f"{name} step", step)
        products: list[weights.Placed] = []
        rows_kept, width = self._tape_shape(rows.count)
        said = (rows_kept - 1) * width * self.dtype.itemsize if kind == "training" else 0
        if kind == "backward":
            x = torch.empty_strided((batch, time, features), (*strides[:2], 1), dtype=self.dtype)
            tape = torch.empty((rows_kept, width), dtype=self.dtype)
            width, operands = self.program.x_width, self.program.operands
            shapes = {"weight": (width, features), "bias": (width,), **operands}
            targets = {name: torch.empty(shape, dtype=self.dtype) for name, shape in shapes.items()}
            read = weights.Matrices(tape, work.cotangents, work.totals, x)
            products = weights.bind(self._jobs, targets, read, rows, threads.available(), self.pairs)
        return Ready(work, said, products)

    def operations(self, features: int) -> int:
        """Multiply-adds of the products, for each row and step, forward."""
        return self._inner + self.program.x_width * features

    @cached_property
    def _inner(self) -> int:
        """Multiply-adds of the products with the state, for each row and step."""
        return sum(m.width * self.program.depth(m) for m in self.program.products)

    def place(self, batch: int, time: int, features: int, lengths: Tensor | None, threads_wanted: int) -> Rows:
        """The rows on as many threads as have enough to do: two rows each, and more than waking them costs."""
        work = batch * time * self.operations(features)
        count = max(1, min(threads_wanted, batch // 2, work // WORTH_A_THREAD))
        return place(batch, time, count, lengths)

    def team(self, rows: Rows, threads_wanted: int) -> int:
        """Threads that divide the units of a step, where one has all rows and the step is worth two meetings."""
        worth = rows.threads == 1 and rows.batch * self._inner >= WORTH_A_MEETING
        return threads_wanted if worth else 1

    def _borrow(self, kind: str, s: Sequences, rows: Rows) -> Workspace:
        """A workspace that no other call is using, until it is given back."""
        kept = self._kept.get((kind, s.x.shape, rows.threads))
        try:
            work = kept.pop() if kept else self.workspace(kind, s.x.shape[2], rows)
        except IndexError:  # another thread took the last one
            work = self.workspace(kind, s.x.shape[2], rows)
        if work.rows is not rows:
            work.place(rows)
        return work

    def _give_back(self, work: Workspace, kind: str, s: Sequences) -> None:
        if work.bytes > KEPT_BYTES or not work.lasting:
            return
        key = kind, s.x.shape, work.rows.threads
        if key not in self._kept:
            others = list(self._kept.items())
            total = work.bytes + sum(w.bytes for _, kept in others for w in kept)
            for other, kept in others:  # the oldest first
                if total <= KEPT_BYTES:
                    break
                total -= sum(w.bytes for w in kept)
                self._kept.pop(other, None)
        self._kept.setdefault(key, []).append(work)

    def workspace(self, kind: str, features: int, rows: Rows) -> Workspace:
        """A new workspace for ``"inference"``, ``"training"`` or ``"backward"``."""
        backward, ring = kind == "backward", kind == "inference"
        layout = self.back if backward else self.inference if ring else self.training
        compiled = self._backward if backward else self._inference if ring else self._training
        block = self.block(layout, rows)
        work = Workspace(compiled, self.packed, self.pairs, rows, features, block)
        packed = self.dtype if self.pairs else self.packed
        work.set("ring", int(ring))
        work.buffer("scratch", rows.batch, layout.scratch_width)
        work.buffer("x rows", block * rows.batch, features)
        if backward:
            whole = rows.batch * rows.time  # so that it serves other lengths too, unless that is too large to be kept
            work.lasting = whole * self.back.cotangents_width * self.dtype.itemsize <= KEPT_BYTES
            work.cotangents = work.buffer(
                "cotangents", whole if work.lasting else rows.count, self.back.cotangents_width
            )
            work.totals = work.buffer("totals", rows.batch, self.back.totals_width)
        if ring:
            work.buffer("tape", block * rows.batch, self.inference.tape_width)
        work.buffer("row", max([self.training.tape_width, features, *(v.width for v in layout.program.values)])).zero_()
        for name, width in self.program.states.items():
            work.buffer(f"state {name}", 2, rows.batch, width)
        for j, run in enumerate(layout.inputs):
            depth, columns = (run.size, features) if backward else (features, run.size)
            work.buffer(f"packed 0 {j}", pack.packed_size(depth, columns, self.double, self.pairs), dtype=packed)
        for k, runs in enumerate(layout.runs):
            depth = layout.program.depth(layout.program.products[k])
            for j, run in enumerate(runs):
                columns = run.size // run.blocks
                if run.blocks > 1 and lanes.fits(depth, columns, self.double):
                    size, stored = lanes.packed_size(columns, run.blocks, self.double), self.packed
                else:
                    size, stored = run.blocks * pack.packed_size(depth, columns, self.double, self.pairs), packed
                work.buffer(f"packed {k + 1} {j}", size, dtype=stored)
        return work

    def block(self, layout: Forward | Backward, rows: Rows) -> int:
        """Steps whose input is projected at once: enough rows for the products, few enough for the cache."""
        width = layout.cotangents_width if isinstance(layout, Backward) else layout.tape_width
        width = max(1, width)  # a step without products, and that does not read its input, keeps nothing
        most = max(24, BLOCK_BYTES // (width * (8 if self.double else 4)))
        return max(1, min(rows.time, most * rows.threads // max(rows.batch, 1)))


@dataclass(frozen=True)
class _Into:
    """Where the cotangents of one stretch of time go."""

    x: Tensor | None
    targets: Mapping[str, Tensor]
    initial: Sequence[Tensor]
    extras: Mapping[str, Tensor]


def _stretches(s: Sequences, every: int) -> list[tuple[Sequences, int, int]]:
    """The sequences cut in stretches of time, in the order in which they are run, with their first and last steps."""
    time, begins, found = s.x.shape[1], s.begins, []
    for low in range(0, time, every):
        high = min(low + every, time)
        extras = {name: t[:, low:high] if t.dim() == 3 else t for name, t in s.extras.items()}
        lengths = None if s.lengths is None else (s.lengths - low).clamp(0, high - low)
        part = replace(s, x=s.x[:, low:high], extras=extras, lengths=lengths)
        found.append((replace(part, begins=None if begins is None else begins[:, low:high]), low, high))
    return found[::-1] if s.reverse else found
