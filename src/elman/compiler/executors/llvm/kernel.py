"""A fused Program as a function over time: for a thread's rows, step after step, products and stages in turn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from llvmlite import ir

from elman.compiler.executors.llvm.emit import I8, I32, I64, integer
from elman.compiler.executors.llvm.gemm import GEMM, GEMM_BLOCKS
from elman.compiler.executors.llvm.pack import PACK, PACK_BLOCKS, panel_vectors
from elman.compiler.executors.llvm.places import Places
from elman.compiler.executors.llvm.stage import Place, write_stage
from elman.compiler.layout import Backward, Forward, Run, cat_parts

YIELD = ir.FunctionType(I32, [])
PATIENCE = 4096  # looks at the count before others may run, a power of two


def write(module: ir.Module, layout: Forward | Backward, double: bool) -> None:
    """Write ``forward`` or ``backward``, and ``prepare``, to the module."""
    Kernel(module, layout, double).write()
    Preparation(module, layout, double).write()


class Preparation(Places):
    """``prepare``: the matrices packed, and the row of biases that every row of the tape begins with."""

    def __init__(self, module: ir.Module, layout: Forward | Backward, double: bool) -> None:
        super().__init__(module, layout, double, "prepare")

    def write(self) -> None:
        go = self.function.append_basic_block("go")
        self.b.position_at_end(go)
        features = self.count("features")
        for j in range(len(self.layout.inputs)):
            source, target, size = (self.size(f"run 0 {j} {part}") for part in ("source", "target", "size"))
            if self.forward:
                rows = self.at(self.pointer("weight"), self.mul(source, features))
                self._pack(rows, integer(1), features, features, size, f"0 {j}")
            else:
                rows = self.at(self.pointer("weight"), self.mul(target, features))
                self._pack(rows, features, integer(1), size, features, f"0 {j}")
        for k, product in enumerate(self.program.products):
            columns, depth = self.size(f"columns {k}"), self.size(f"depth {k}")
            strides = (columns, integer(1)) if product.transposed else (integer(1), columns)
            for j, run in enumerate(self.layout.runs[k]):
                name = f"{k + 1} {j}"
                matrix = self.at(self.pointer(f"matrix {product.matrix}"), self.size(f"run {name} matrix"))
                if run.blocks == 1:
                    self._pack(matrix, *strides, depth, self.size(f"run {name} size"), name)
                else:
                    numbers = depth, self.size(f"run {name} each"), self.pointer(f"packed {name}")
                    blocks = self.size(f"run {name} blocks"), self.size(f"block {k}")
                    pack = self.pointer(f"pack {name}", ir.PointerType(PACK_BLOCKS))
                    self.b.call(pack, [matrix, *strides, *numbers, *blocks])
        if self.forward:
            self._biases()
        self.b.ret_void()
        with self.b.goto_block(self.start):
            self.b.branch(go)

    def _pack(
        self, matrix: ir.Value, k_stride: ir.Value, n_stride: ir.Value, depth: ir.Value, columns: ir.Value, name: str
    ) -> None:
        packed = self.pointer(f"packed {name}")
        self.b.call(self.pointer("pack", ir.PointerType(PACK)), [matrix, k_stride, n_stride, depth, columns, packed])

    def _biases(self) -> None:
        for p, piece in enumerate(self.program.pieces):
            target, width = self.at(self.pointer("row"), self.size(f"piece {p}")), self.size(f"piece {p} width")
            self.copy(None, target, width)
            if piece.x is not None:
                with self.b.if_then(self.b.icmp_signed("!=", self.count("bias"), integer(0))):
                    self.copy(self.at(self.pointer("bias"), self.size(f"piece {p} x")), target, width, add=True)
            for n, (name, _) in enumerate(piece.vectors):
                vector = self.at(self.pointer(f"vector {name}"), self.size(f"piece {p} vector {n}"))
                self.copy(vector, target, width, add=True)


class Kernel(Places):
    """``forward`` or ``backward``."""

    def __init__(self, module: ir.Module, layout: Forward | Backward, double: bool) -> None:
        super().__init__(module, layout, double, "forward" if isinstance(layout, Forward) else "backward")

    def write(self) -> None:
        """Write the function over time."""
        go = self.function.append_basic_block("go")
        self.b.position_at_end(go)
        rows, one = self.pointer("rows"), integer(1)
        alone = self.b.icmp_signed("==", self.count("team"), one)
        self.lead = self.b.or_(alone, self.b.icmp_signed("==", self.thread, integer(0)))
        self.met = self.b.alloca(I64)
        self.b.store(integer(0), self.met)
        group = self.b.select(alone, self.thread, integer(0))
        self.row0 = self.integer_at(rows, group)
        self.rows = self.minus(self.integer_at(rows, self.plus(group, 1)), self.row0)
        table = self.mul(group, self.plus(self.count("time"), 1))
        self.starts = self.b.gep(self.pointer("starts"), [table], source_etype=I64)
        self.backwards = self.b.icmp_signed("!=", self.count("reverse"), integer(0))
        with self.flushed():
            self._run()
        self.b.ret_void()
        with self.b.goto_block(self.start):
            self.b.branch(go)

    def _run(self) -> None:
        with self.b.if_then(self.lead):
            self._begin_states()
        with self.loop(0, self.count("time"), self.count("block")) as blocks:
            stop = self.least(self.plus(blocks.index, self.count("block")), self.count("time"))
            self._block(blocks.index, stop)
            with self.loop(blocks.index, stop) as steps:
                self._step(steps.index)
        with self.b.if_then(self.lead):
            self._end_states()
        if not self.forward:
            with self.b.if_then(self.b.icmp_signed("!=", self.count("x"), integer(0))):
                self._input_cotangents()

    # Time.

    def _block(self, start: ir.Value, stop: ir.Value) -> None:
        """The input's share of a block of steps, from rows gathered out of the input."""
        time, features = self.count("time"), self.count("features")
        low = self.b.select(self.backwards, self.minus(time, stop), start)
        high = self.b.select(self.backwards, self.minus(time, start), stop)
        m_low = self.integer_at(self.starts, low)
        ring = self.b.icmp_signed("!=", self.count("ring"), integer(0))  # a tape of one block, used again and again
        self.shift = self.b.select(ring, m_low, integer(0))
        before = self.mul(self.count("block"), self.row0)
        own = self.b.select(ring, self.mul(before, self.size("tape")), integer(0))
        self.tape_base = self.at(self.pointer("tape"), own)
        if not self.forward or not self.layout.inputs:
            return
        gathered = self._gathered()
        with self.b.if_then(self.lead):
            self._each_row(low, high, lambda outside, here: self.copy(outside, here, features))
        n = self.minus(self.integer_at(self.starts, high), m_low)
        first = self.at(self.tape_base, self.mul(self.minus(m_low, self.shift), self.size("tape")))
        for j in range(len(self.layout.inputs)):
            column = self.size(f"run 0 {j} target")
            start_row = self.at(self.pointer("row"), column), integer(0)
            self._gemm(gathered, features, n, features, f"0 {j}", start_row, self.at(first, column), self.size("tape"))

    def _gathered(self) -> ir.Value:
        """This thread's buffer for the input's rows, or their cotangents, of a block of steps."""
        before = self.mul(self.mul(self.count("block"), self.row0), self.count("features"))
        return self.at(self.pointer("x rows"), before)

    def _each_row(self, low: ir.Value, high: ir.Value, do: Callable[[ir.Value, ir.Value], None]) -> None:
        """``do(row of x, row of the buffer)`` for all rows of the steps from ``low`` to ``high``."""
        m_low, gathered = self.integer_at(self.starts, low), self._gathered()
        with self.loop(low, high) as steps:
            m = self.integer_at(self.starts, steps.index)
            n = self.minus(self.integer_at(self.starts, self.plus(steps.index, 1)), m)
            with self.loop(0, n) as rows:
                index = self.mul(self.plus(self.minus(m, m_low), rows.index), self.count("features"))
                do(self.outside("x", rows.index, steps.index), self.at(gathered, index))

    def _step(self, k: ir.Value) -> None:
        self.t = self.b.select(self.backwards, self.minus(self.minus(self.count("time"), k), 1), k)
        self.m = self.integer_at(self.starts, self.t)
        self.active = self.minus(self.integer_at(self.starts, self.plus(self.t, 1)), self.m)
        self.parity = self.b.and_(k, integer(1))
        if self.forward:
            with self.b.if_then(self.lead):
                self._reset()
                self._keep_states()
        for level in range(self.schedule.count):
            for k_product, when in enumerate(self.schedule.products):
                if when == level:
                    self._product(k_product)
            with self.b.if_then(self.lead):
                write_stage(self, self._work(level), level)
        if not self.forward:
            with self.b.if_then(self.lead):
                self._reset()

    def _begin_states(self) -> None:
        """Into both halves, because a row may begin at any step; totals begin with nothing."""
        if isinstance(self.layout, Backward) and self.layout.totals:
            with self.loop(0, self.rows) as rows:
                self.copy(None, self.totals_row(rows.index), self.size("totals"))
        for name in self.program.states:
            width = self.size(f"state {name}")
            with self.loop(0, self.rows) as rows:
                first = self.at(self.pointer(f"first {name}"), self.mul(self.outside_row(rows.index), width))
                for half in (0, 1):
                    self.copy(first, self._half_row(name, rows.index, integer(half)), width)

    def _end_states(self) -> None:
        """Out of the half that a row's last step wrote."""
        for name in self.program.states:
            width = self.size(f"state {name}")
            with self.loop(0, self.rows) as rows:
                outside = self.outside_row(rows.index)
                length = self.integer_at(self.pointer("lengths"), outside)
                steps = self.b.select(self.backwards, self.count("time"), length)
                row = self._half_row(name, rows.index, self.b.and_(steps, integer(1)))
                self.copy(row, self.at(self.pointer(f"last {name}"), self.mul(outside, width)), width)

    @contextmanager
    def _rows_that_begin(self) -> Iterator[ir.Value]:
        given = self.b.icmp_signed("!=", self.count("begins"), integer(0))
        with self.b.if_then(given), self.loop(0, self.active) as rows:
            flag = self.b.gep(self.pointer("begins"), [self.plus(self.m, rows.index)], source_etype=I8)
            begins = self.b.icmp_unsigned("!=", self.b.load(flag, typ=I8), ir.Constant(I8, 0))
            with self.b.if_then(begins):
                yield rows.index

    def _reset(self) -> None:
        """A row that begins a segment takes the initial state; backward, that is what the state's cotangent reaches."""
        with self._rows_that_begin() as row:
            for name in self.program.states:
                width = self.size(f"state {name}")
                initial = self.at(self.pointer(f"initial {name}"), self.mul(self.outside_row(row), width))
                if self.forward:
                    self.copy(initial, self.state_row(name, row), width)
                else:
                    cotangent = self.state_row(name, row, following=True)
                    self.copy(cotangent, initial, width, add=True)
                    self.copy(None, cotangent, width)

    def _keep_states(self) -> None:
        for name in self.tape.saved:
            with self.loop(0, self.active) as rows:
                target = self.at(self.tape_row(rows.index), self.size(f"tape {name}"))
                self.copy(self.state_row(name, rows.index), target, self.size(f"state {name}"))

    # Products.

    def _gemm(
        self, a: ir.Value, stride: ir.Value, rows: ir.Value, depth: ir.Value, packed: str,
        start: tuple[ir.Value, ir.Value], c: ir.Value, c_stride: ir.Value, columns: ir.Value | None = None,
    ) -> None:  # fmt: skip
        """A product, whose columns the threads of a team divide in whole panels; they meet before it and after."""
        columns = self.size(f"run {packed} size") if columns is None else columns
        panel = panel_vectors() * self.lanes
        panels = self.b.sdiv(self.plus(columns, panel - 1), integer(panel))
        first, last = (
            self.least(self.mul(self.b.sdiv(self.mul(panels, thread), self.count("team")), panel), columns)
            for thread in self._seats()
        )
        begin, begin_stride = start
        together = self.count("together")  # rows of the matrix that are packed as one
        packed_rows = self.b.sdiv(self.plus(depth, self.minus(together, 1)), together)
        before = self.mul(self.mul(first, packed_rows), self.count("packed bytes"))
        panels_here = self.b.gep(self.pointer(f"packed {packed}"), [before], source_etype=I8)
        self._meet()
        self.b.call(
            self.pointer("gemm", ir.PointerType(GEMM)),
            [
                a, stride, rows, depth, panels_here,
                self.minus(last, first), self.at(begin, first), begin_stride, self.at(c, first), c_stride,
            ],
        )  # fmt: skip
        self._meet()

    def _gemm_blocks(
        self, a: ir.Value, stride: ir.Value, rows: ir.Value, depth: ir.Value, name: str,
        start: tuple[ir.Value, ir.Value], c: ir.Value, c_stride: ir.Value,
    ) -> None:  # fmt: skip
        """A product of several heads, which the threads of a team divide."""
        seat, _ = self._seats()
        each, blocks = self.size(f"run {name} each"), self.size(f"run {name} blocks")
        places = self.pointer(f"packed {name}"), each, *start, c, c_stride
        self._meet()
        gemm = self.pointer(f"gemm {name}", ir.PointerType(GEMM_BLOCKS))
        self.b.call(gemm, [a, stride, rows, depth, *places, blocks, seat, self.count("team")])
        self._meet()

    def _seats(self) -> tuple[ir.Value, ir.Value]:
        """This thread's seat in its team, and the next."""
        alone = self.b.icmp_signed("==", self.count("team"), integer(1))
        seat = self.b.select(alone, integer(0), self.thread)
        return seat, self.plus(seat, 1)

    def _meet(self) -> None:
        """Wait until all threads of the team are here. They watch a count, and let others run if it takes long."""
        team, meeting = self.count("team"), self.pointer("meeting")
        with self.b.if_then(self.b.icmp_signed(">", team, integer(1))):
            target = self.plus(self.b.load(self.met, typ=I64), team)
            self.b.store(target, self.met)
            self.b.atomic_rmw("add", meeting, integer(1), "seq_cst")
            watch = self.b.append_basic_block("watch")
            rest = self.b.append_basic_block("rest")
            again = self.b.append_basic_block("again")
            go_on = self.b.append_basic_block("go_on")
            before = self.b.block
            self.b.branch(watch)
            self.b.position_at_end(watch)
            turns = self.b.phi(I64)
            turns.add_incoming(integer(0), before)
            here = self.b.load_atomic(meeting, "acquire", 8, typ=I64)
            self.b.cbranch(self.b.icmp_signed(">=", here, target), go_on, rest)
            self.b.position_at_end(rest)
            long = self.b.icmp_signed("==", self.b.and_(turns, integer(PATIENCE - 1)), integer(PATIENCE - 1))
            with self.b.if_then(long):
                self.b.call(self.pointer("yield", ir.PointerType(YIELD)), [])
            self.b.branch(again)
            self.b.position_at_end(again)
            turns.add_incoming(self.plus(turns, 1), again)
            self.b.branch(watch)
            self.b.position_at_end(go_on)

    def _product(self, k: int) -> None:
        a, stride = self._input(self.program.products[k].input)
        for j, run in enumerate(self.layout.runs[k]):
            c, c_stride = self._target(run, self.size(f"run {k + 1} {j} target"))
            start = c, c_stride
            if run.start == "row":
                row = self.pointer("row")
                start = self.at(row, self.size(f"run {k + 1} {j} target")) if self.forward else row, integer(0)
            write = self._gemm if run.blocks == 1 else self._gemm_blocks
            own = self.at(a, self.size(f"run {k + 1} {j} first"))
            write(own, stride, self.active, self.size(f"depth {k}"), f"{k + 1} {j}", start, c, c_stride)

    def _input(self, i: int) -> tuple[ir.Value, ir.Value]:
        """Where the rows of a product's input lie, and their stride."""
        value, zero = self.program.values[i], integer(0)
        if value.op == "state":
            return self.state_row(value.name, zero), self.size(f"state {value.name}")
        if isinstance(self.layout, Backward) and i in self.layout.cats:
            first = value.args[0] if value.op == "cat" else i
            return self.at(self.cotangents_row(zero), self.size(f"cotangent {first}")), self.size("cotangents")
        if value.op == "piece" and self.forward:
            return self.at(self.tape_row(zero), self.size(f"piece {value.name}")), self.size("tape")
        return self.at(self.scratch_row(zero), self.size(f"scratch {i}")), self.size("scratch")

    def _target(self, run: Run, column: ir.Value) -> tuple[ir.Value, ir.Value]:
        zero = integer(0)
        if run.where == "tape":
            return self.at(self.tape_row(zero), column), self.size("tape")
        if run.where == "scratch":
            return self.at(self.scratch_row(zero), column), self.size("scratch")
        name = run.where.removeprefix("state:")
        return self.state_row(name, zero, following=True), self.size(f"state {name}")

    def _input_cotangents(self) -> None:
        """The cotangent of the input, for this thread's rows, a block of steps at a time."""
        features, cotangents_width, time = self.count("features"), self.size("cotangents"), self.count("time")
        with self.loop(0, time, self.count("block")) as blocks:
            stop = self.least(self.plus(blocks.index, self.count("block")), time)
            m = self.integer_at(self.starts, blocks.index)
            n = self.minus(self.integer_at(self.starts, stop), m)
            cotangents = self.at(self.pointer("cotangents"), self.mul(m, cotangents_width))
            target = self._gathered()
            for j, run in enumerate(self.layout.inputs):
                start = (self.pointer("row"), integer(0)) if run.start == "row" else (target, features)
                a = self.at(cotangents, self.size(f"run 0 {j} source"))
                depth = self.size(f"run 0 {j} size")
                self._gemm(a, cotangents_width, n, depth, f"0 {j}", start, target, features, features)
            with self.b.if_then(self.lead):
                used = bool(self.layout.inputs)
                self._each_row(
                    blocks.index, stop, lambda outside, here: self.copy(here if used else None, outside, features)
                )

    # Stages.

    def _work(self, level: int) -> Sequence[tuple[int, Place]]:
        """The values that a stage puts into memory, and where."""
        program, layout = self.program, self.layout
        found: list[tuple[int, Place]] = []

        def put(i: int, *place: str | int) -> None:
            if self.schedule.levels[i] == level:
                found.append((i, place))

        for i in self.schedule.kept:
            for n, (part, _) in enumerate(cat_parts(program, i)):
                if program.values[i].op != "sum":
                    put(part, "part", i, n)
        for i, value in enumerate(program.values):
            if value.op == "sum" and self.schedule.levels[i] == level + 1:
                found.append((value.args[0], ("sum", i)))
        for i in dict.fromkeys(m.input for m in program.products):
            if i in layout.scratch and i not in self.schedule.kept and program.values[i].op != "piece":
                for n, (part, _) in enumerate(cat_parts(program, i)):
                    put(part, "part", i, n)
        if isinstance(layout, Backward):
            for p, piece in enumerate(program.pieces):
                if piece.init is not None:
                    put(piece.init, *layout.place(p))
            for i in layout.cotangents:
                put(i, "cotangents", i)
            for i in layout.totals:
                put(i, "totals", i)
        for name, i in program.results.items():
            kind, _, rest = name.partition(":")
            if isinstance(layout, Backward):
                value = program.values[i]
                in_place = value.op == "piece" and int(value.name) in layout.ends
                if kind in ("piece", "vector", "input") or in_place:
                    continue
                kind = "extra cotangent" if kind == "extra" else kind
            put(i, kind, rest)
        return found
