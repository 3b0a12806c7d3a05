"""The element-wise work of a stage: one loop over a thread's rows and, in each, over its units a vector at a time."""

from collections.abc import Sequence

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import constant, fma
from elman.compiler.executors.llvm.emit import I32
from elman.compiler.executors.llvm.places import Places
from elman.compiler.executors.llvm.texts import power, text
from elman.compiler.layout import Backward
from elman.compiler.program import Value

Place = tuple[str | int, ...]


def write_stage(kernel: Places, work: Sequence[tuple[int, Place]], level: int) -> None:
    """Compute what ``work`` names and put it where it says, the narrow values first because wide ones use them."""
    width = {i: kernel.program.values[i].width for i, _ in work}
    for w in sorted(set(width.values())):
        _Stage(kernel, level, w).write([(i, place) for i, place in work if width[i] == w])


class _Stage:
    def __init__(self, kernel: Places, level: int, width: int) -> None:
        self.k, self.level, self.width = kernel, level, width
        self.values = kernel.program.values
        self.now: dict[int, ir.Value] = {}

    def write(self, work: Sequence[tuple[int, Place]]) -> None:
        k = self.k
        width = k.size(f"width {work[0][0]}")
        sums = [(i, place) for i, place in work if place[0] == "sum"]
        zero = constant(k.vector, 0.0)
        with k.loop(0, k.active) as rows:
            self.row = rows.index
            with k.loop(0, width, k.lanes, [zero] * len(sums)) as units:
                self.u = units.index
                self.mask = k.mask(k.minus(width, self.u))
                self.now = {}
                for i, place in work:
                    if place[0] != "sum":
                        self._put(self.value(i), place)
                units.next(*(
                    k.b.fadd(total, k.b.select(self.mask, self.value(i), zero))
                    for total, (i, _) in zip(units.values, sums, strict=True)
                ))  # fmt: skip
            for total, (_, (_, name)) in zip(units.values, sums, strict=True):
                k.b.store(self._added(total), k.at(k.scratch_row(self.row), k.size(f"scratch {name}")), align=k.bytes)

    def _put(self, value: ir.Value, place: Place) -> None:
        k = self.k
        address = k.at(self._row(place), self.u)
        if place[0] == "totals":
            value = k.b.fadd(k.load_masked(address, self.mask), value)
        k.store_masked(value, address, self.mask)

    def _added(self, total: ir.Value) -> ir.Value:
        """The sum of the lanes, by halves."""
        b, lanes = self.k.b, self.k.lanes
        while lanes > 1:
            lanes //= 2
            first = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
            second = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes, 2 * lanes)))
            total = b.fadd(b.shuffle_vector(total, total, first), b.shuffle_vector(total, total, second))
        return b.extract_element(total, I32(0))

    def _row(self, place: Place) -> ir.Value:
        """The first number of this row in a place."""
        k, row = self.k, self.row
        match place:
            case ("scratch", i):
                return k.at(k.scratch_row(row), k.size(f"scratch {i}"))
            case ("part", i, n):
                return k.at(k.scratch_row(row), k.size(f"part {i} {n}"))
            case ("cotangents", i):
                return k.at(k.cotangents_row(row), k.size(f"cotangent {i}"))
            case ("totals", i):
                return k.at(k.totals_row(row), k.size(f"total {i}"))
            case ("state", name):
                return k.state_row(str(name), row, following=True)
            case ("output", _):
                return k.outside("output", row)
        return k.outside(" ".join(str(p) for p in place), row)

    def value(self, i: int) -> ir.Value:
        """A value's units of this turn: computed here, or read."""
        if i not in self.now:
            self.now[i] = self._made(i, self.values[i])
        return self.now[i]

    def _made(self, i: int, value: Value) -> ir.Value:
        k = self.k
        if value.op == "constant":
            return constant(k.vector, value.number)
        if value.op == "widen":
            return self.value(value.args[0])
        same = value.width == self.width
        if same and value.op != "sum" and k.schedule.here(i, self.level):
            return self._computed(value)
        address = self._address(i, value)
        return k.load_masked(k.at(address, self.u), self.mask) if same else k.one(address)

    def _address(self, i: int, value: Value) -> ir.Value:
        k, row = self.k, self.row
        match value.op:
            case "saved":
                return k.at(k.at(k.tape_row(row), k.size(f"piece {value.name}")), k.size(f"offset {i}"))
            case "piece" if k.forward:
                return k.at(k.tape_row(row), k.size(f"piece {value.name}"))
            case "piece":
                assert isinstance(k.layout, Backward)
                return self._row(k.layout.place(int(value.name)))
            case "state" if k.forward:
                return k.state_row(value.name, row)
            case "state":
                return k.at(k.tape_row(row), k.size(f"tape {value.name}"))
            case "cotangent" if value.name == "output":
                return k.outside("output", row)
            case "cotangent":
                return k.state_row(value.name.removeprefix("state:"), row)
            case "extra":
                return k.outside(f"extra {value.name}", row)
            case "vector":
                return k.at(k.pointer(f"vector {value.name}"), k.size(f"offset {i}"))
            case "slice":
                base = self._address(value.args[0], self.values[value.args[0]])
                return k.at(base, k.size(f"offset {i}"))
        return self._row(("scratch", i))

    def _computed(self, value: Value) -> ir.Value:
        b = self.k.b
        if value.op == "pow":
            base, exponent = value.args
            return power(b, self.value(base), self.values[exponent].number)
        args = [self.value(a) for a in value.args]
        if value.op in ("add", "sub"):
            fused = self._fused(value, args)
            if fused is not None:
                return fused
        return text(value.op)(b, *args)

    def _fused(self, value: Value, args: Sequence[ir.Value]) -> ir.Value | None:
        """A sum with a product that nothing else uses, rounded once."""
        for n, a in enumerate(value.args):
            inner = self.values[a]
            alone = inner.op == "mul" and self.k.program.uses[a] == 1 and inner.width == self.width
            if alone and self.k.schedule.here(a, self.level):
                factors = [self.value(f) for f in inner.args]
                other = args[1 - n]
                if value.op == "sub":
                    if n == 1:
                        factors[0] = self.k.b.fneg(factors[0])
                    else:
                        other = self.k.b.fneg(other)
                return fma(self.k.b, factors[0], factors[1], other)
        return None
