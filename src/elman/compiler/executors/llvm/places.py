"""Where a kernel finds things: the two tables that it is called with, and the rows of its buffers.

The table of sizes depends on the Program and its widths alone; the table of addresses and counts is made for each call.
"""

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import constant
from elman.compiler.executors.llvm.emit import I64, POINTER, Emitter, integer
from elman.compiler.layout import Backward, Forward, Run, cat_parts
from elman.compiler.program import Program


def sizes(layout: Forward | Backward) -> dict[str, int]:
    """Everything in the table of sizes, by name, in order."""
    program, found = layout.program, {}
    for i, value in enumerate(program.values):
        found |= {f"width {i}": value.width, f"offset {i}": value.offset}
    found |= {f"state {name}": width for name, width in program.states.items()}
    found |= {f"scratch {i}": column for i, column in layout.scratch.items()}
    for i in layout.scratch:
        found |= {f"part {i} {n}": layout.scratch[i] + at for n, (_, at) in enumerate(cat_parts(program, i))}
    tape = layout if isinstance(layout, Forward) else layout.forward
    found |= {f"piece {p}": column for p, column in tape.pieces.items()}
    found |= {f"tape {name}": column for name, column in tape.states.items()}
    found |= {"tape": tape.tape_width, "scratch": layout.scratch_width}
    if isinstance(layout, Backward):
        found |= {f"cotangent {i}": column for i, column in layout.cotangents.items()} | {
            "cotangents": layout.cotangents_width
        }
        found |= {f"total {i}": column for i, column in layout.totals.items()} | {"totals": layout.totals_width}
    for k, runs in enumerate([layout.inputs, *layout.runs]):
        for j, run in enumerate(runs):
            found |= {f"run {k} {j} {part}": getattr(run, part) for part in ("source", "size", "target")}
            found |= {f"run {k} {j} {part}": getattr(run, part) for part in ("first", "blocks")}
            found |= {f"run {k} {j} each": run.size // run.blocks, f"run {k} {j} matrix": _matrix_place(program, run)}
    for k, product in enumerate(program.products):
        *_, rows, columns = program.operands[product.matrix]
        found |= {f"depth {k}": program.depth(product), f"columns {k}": columns, f"block {k}": rows * columns}
    for p, piece in enumerate(program.pieces):
        found |= {f"piece {p} width": piece.width, f"piece {p} x": piece.x or 0}
        found |= {f"piece {p} vector {n}": offset for n, (_, offset) in enumerate(piece.vectors)}
    return found


def _matrix_place(program: Program, run: Run) -> int:
    """Where in its matrix a run of a product begins."""
    if run.product < 0:
        return 0
    product = program.products[run.product]
    *_, rows, columns = program.operands[product.matrix]
    if product.transposed:
        head, column = divmod(run.source, columns)
        return head * rows * columns + column
    return run.source * columns


def given(layout: Forward | Backward) -> list[str]:
    """What differs from call to call even if nothing else does: where the caller's tensors without strides are."""
    program = layout.program
    names = ["weight", "bias"]
    names += [f"matrix {name}" for name in dict.fromkeys(m.matrix for m in program.products)]
    vectors = [v.name for v in program.values if v.op == "vector"]
    vectors += [name for piece in program.pieces for name, _ in piece.vectors]
    names += [f"vector {name}" for name in dict.fromkeys(vectors)]
    return names + [f"{part} {name}" for part in ("first", "last", "initial") for name in program.states]


def arguments(layout: Forward | Backward) -> list[str]:
    """Everything in the table of a call, by name, in order; it begins with what is ``given``."""
    program = layout.program
    names = given(layout)
    names += ["gemm", "pack", "packed bytes", "together", "team", "meeting", "yield"]
    names += ["time", "batch", "reverse", "block", "ring", "features"]
    names += ["rows", "starts", "order", "lengths", "begins", "x rows", "tape", "scratch", "row"]
    names += [f"packed {k} {j}" for k, runs in enumerate([layout.inputs, *layout.runs]) for j in range(len(runs))]
    for name, _, _ in by_blocks(layout):
        names += [f"gemm {name}", f"pack {name}"]
    names += [f"state {name}" for name in program.states]
    outside = ["output", "x", *(f"extra {name}" for name in program.extras)]
    if isinstance(layout, Backward):
        names += ["cotangents", "totals"]
        outside += [f"extra cotangent {name}" for name in program.extras]
    return names + [f"{name}{part}" for name in outside for part in ("", " row", " step")]


def by_blocks(layout: Forward | Backward) -> list[tuple[str, int, int]]:
    """The runs that go over several heads: name, inputs and results of a head."""
    return [
        (f"{k} {j}", layout.program.depth(layout.program.products[k - 1]), run.size // run.blocks)
        for k, runs in enumerate(layout.runs, 1)
        for j, run in enumerate(runs)
        if run.blocks > 1
    ]


class Places(Emitter):
    """A kernel being written: ``m`` is the first row of the tape that belongs to its thread's rows at step ``t``."""

    row0: ir.Value  # the first place of this thread's rows
    t: ir.Value
    m: ir.Value
    active: ir.Value  # rows that are not finished
    parity: ir.Value  # which half of the states' buffers holds those before this step
    shift: ir.Value  # the first row that the tape holds
    tape_base: ir.Value

    def __init__(self, module: ir.Module, layout: Forward | Backward, double: bool, name: str) -> None:
        self.forward = isinstance(layout, Forward)
        super().__init__(module, name, [POINTER, POINTER, I64], double, inner=False)
        self.layout, self.program, self.schedule = layout, layout.program, layout.schedule
        self.tape = layout if isinstance(layout, Forward) else layout.forward
        self.size_table, self.table, self.thread = self.function.args
        self.size_slots = {name: i for i, name in enumerate(sizes(layout))}
        self.slots = {name: i for i, name in enumerate(arguments(layout))}
        self.known: dict[str, ir.Value] = {}
        self.start = self.b.block

    # The two tables, read once before everything else.

    def size(self, name: str) -> ir.Value:
        return self._once(f"size {name}", self.size_table, self.size_slots[name])

    def count(self, name: str) -> ir.Value:
        return self._once(name, self.table, self.slots[name])

    def pointer(self, name: str, to: ir.Type = POINTER) -> ir.Value:
        key = f"pointer {name}"
        if key not in self.known:
            value = self.count(name)
            with self.b.goto_block(self.start):
                self.known[key] = self.b.inttoptr(value, to)
        return self.known[key]

    def _once(self, key: str, table: ir.Value, slot: int) -> ir.Value:
        if key not in self.known:
            with self.b.goto_block(self.start):
                self.known[key] = self.integer_at(table, slot)
        return self.known[key]

    # Rows: of this thread in buffers of ours, and of the batch in tensors of others.

    def state_row(self, name: str, row: ir.Value, following: bool = False) -> ir.Value:
        """A state's row before this step, or the one that follows it."""
        return self._half_row(name, row, self.b.xor(self.parity, integer(1)) if following else self.parity)

    def _half_row(self, name: str, row: ir.Value, half: ir.Value) -> ir.Value:
        index = self.plus(self.mul(half, self.count("batch")), self.plus(self.row0, row))
        return self.at(self.pointer(f"state {name}"), self.mul(index, self.size(f"state {name}")))

    def tape_row(self, row: ir.Value) -> ir.Value:
        index = self.plus(self.minus(self.m, self.shift), row)
        return self.at(self.tape_base, self.mul(index, self.size("tape")))

    def cotangents_row(self, row: ir.Value) -> ir.Value:
        return self.at(self.pointer("cotangents"), self.mul(self.plus(self.m, row), self.size("cotangents")))

    def totals_row(self, row: ir.Value) -> ir.Value:
        """By its number outside, so that totals are added up in one order whatever the threads."""
        return self.at(self.pointer("totals"), self.mul(self.outside_row(row), self.size("totals")))

    def scratch_row(self, row: ir.Value) -> ir.Value:
        return self.at(self.pointer("scratch"), self.mul(self.plus(self.row0, row), self.size("scratch")))

    def outside_row(self, row: ir.Value) -> ir.Value:
        """The number of a row outside, where rows are not in the order of their lengths."""
        return self.integer_at(self.pointer("order"), self.plus(self.row0, row))

    def outside(self, name: str, row: ir.Value, t: ir.Value | None = None) -> ir.Value:
        """A row of a tensor that is not ours, at this step or another."""
        by_row = self.mul(self.outside_row(row), self.count(f"{name} row"))
        by_step = self.mul(self.t if t is None else t, self.count(f"{name} step"))
        return self.at(self.pointer(name), self.plus(by_row, by_step))

    def copy(self, source: ir.Value | None, target: ir.Value, width: ir.Value, add: bool = False) -> None:
        """A row, or zeros, to a row, or added to it."""
        with self.loop(0, width, self.lanes) as units:
            mask = self.mask(self.minus(width, units.index))
            there = self.at(target, units.index)
            value = (
                constant(self.vector, 0.0) if source is None else self.load_masked(self.at(source, units.index), mask)
            )
            if add:
                value = self.b.fadd(self.load_masked(there, mask), value)
            self.store_masked(value, there, mask)
