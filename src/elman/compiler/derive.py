"""Programs from a Program: the adjoint, for the backward pass, and the tangent, for Jacobians and beyond."""

from collections.abc import Sequence

from elman.compiler.fuse import columns
from elman.compiler.ops import OPS
from elman.compiler.program import Builder, Program, Value, tidy


def adjoint(program: Program) -> Program:
    """One step of back-propagation through time, from a fused Program.

    Its inputs are those of the step, with the pieces as ``saved`` values, and the cotangents of the output and of the
    new states. Its results are cotangents: ``state:NAME`` of each old state; ``piece:P`` of each piece, which is that
    of the columns of ``x`` and of the products in it; ``vector:NAME:OFFSET``, to be summed over steps and rows;
    ``extra:NAME``; and ``input:K``, the input of product ``K`` where the weights' gradient needs it.
    """
    return _Adjoint(program).run()


class _Adjoint:
    def __init__(self, program: Program) -> None:
        self.program, self.b = program, Builder()
        self.again: list[int] = []  # each value of the step, computed again
        self.cotangents: dict[int, int] = {}
        self.parts: dict[int, dict[tuple[int, int], int]] = {}  # of values that are used in slices
        self.vectors: dict[tuple[str, int], int] = {}
        self.columns = columns(program)

    def run(self) -> Program:
        for value in self.program.values:
            args = tuple(self.again[a] for a in value.args)
            if value.op == "piece":
                self.again.append(self.b.leaf("saved", value.width, value.name))
            elif value.op == "slice":
                self.again.append(self.b.slice(args[0], value.offset, value.width))
            else:
                self.again.append(
                    self.b.add(Value(value.op, args, value.width, value.name, value.offset, value.number))
                )
        for name, i in self.program.results.items():
            self._add(i, self.b.leaf("cotangent", self.program.values[i].width, name))
        results: dict[str, int] = {}
        for i in reversed(range(len(self.program.values))):
            self._products(i)
            if i in self.parts:
                self._add(i, self._joined(i))
            if i in self.cotangents:
                self._pass(i, self.program.values[i], self._wide(i), results)
        for name, width in self.program.states.items():
            results.setdefault(f"state:{name}", self.b.widen(self.b.constant(0), width))
        for (name, offset), g in self.vectors.items():
            results[f"vector:{name}:{offset}"] = g
        for k, product in enumerate(self.program.products):
            if self.columns[k] and self.program.values[product.input].op != "state":
                results[f"input:{k}"] = self.again[product.input]
        return tidy(self.b, results, self.program)

    def _add(self, i: int, g: int) -> None:
        """Add to the cotangent of value ``i``; summed over the units where the value is one number a row."""
        width = self.program.values[i].width
        if width == 1 and self.b.values[g].width > 1:
            g = self.b.sum(g)
        self.cotangents[i] = self.b.op("add", self.cotangents[i], g) if i in self.cotangents else g

    def _wide(self, i: int) -> int:
        return self.b.widen(self.cotangents[i], self.program.values[i].width)

    def _products(self, i: int) -> None:
        """Back through the products that value ``i`` is the input of; all their pieces come after it."""
        for k, product in enumerate(self.program.products):
            if product.input != i:
                continue
            found = {p: self._piece(p) for _, p in self.columns[k]}
            if all(g is None for g in found.values()):
                continue
            at, wide = 0, []
            for offset, p in self.columns[k]:
                size = self.program.pieces[p].width
                g = found[p]
                wide += [self._zeros(offset - at)] * (offset > at) + [self._zeros(size) if g is None else g]
                at = offset + size
            wide += [self._zeros(product.width - at)] * (at < product.width)
            back = self.b.mix(self.b.cat(wide), product.matrix, self.program.values[i].width, not product.transposed)
            self._add(i, back)

    def _piece(self, p: int) -> int | None:
        """The cotangent of a piece, if anything asks for it."""
        for i, value in enumerate(self.program.values):
            if value.op == "piece" and value.name == str(p) and i in self.cotangents:
                return self._wide(i)
        return None

    def _joined(self, i: int) -> int:
        """The cotangent of a value that is used in slices: the sum of rows in each of which no slices overlap."""
        parts, total = sorted(self.parts.pop(i).items()), None
        while parts:
            at, row, rest = 0, [], []
            for (offset, width), g in parts:
                if offset < at:
                    rest.append(((offset, width), g))
                    continue
                row += [self._zeros(offset - at)] * (offset > at) + [g]
                at = offset + width
            if at < self.program.values[i].width:
                row.append(self._zeros(self.program.values[i].width - at))
            layer = self.b.cat(row)
            total = layer if total is None else self.b.op("add", total, layer)
            parts = rest
        assert total is not None
        return total

    def _zeros(self, width: int) -> int:
        return self.b.widen(self.b.constant(0), width)

    def _pass(self, i: int, value: Value, g: int, results: dict[str, int]) -> None:
        """Hand the cotangent of a value on to what it is made from."""
        match value.op:
            case "constant":
                return
            case "state" | "extra":
                results[f"{value.op}:{value.name}"] = g
            case "vector":
                self._vector(value.name, value.offset, g)
            case "piece":
                piece = self.program.pieces[int(value.name)]
                results[f"piece:{value.name}"] = g
                if piece.init is not None:
                    self._add(piece.init, g)
                for name, offset in piece.vectors:
                    self._vector(name, offset, g)
            case "sum" | "widen":
                self._add(value.args[0], g)
            case "slice":
                parts = self.parts.setdefault(value.args[0], {})
                key = value.offset, value.width
                parts[key] = self.b.op("add", parts[key], g) if key in parts else g
            case "cat":
                offset = 0
                for a in value.args:
                    width = self.program.values[a].width
                    self._add(a, self.b.slice(g, offset, width))
                    offset += width
            case _:
                args = [self.again[a] for a in value.args]
                found: dict[int, int] = {}  # those of one argument are added first, since they may cancel
                for a, part in zip(value.args, OPS[value.op].derivative(self.b, args, self.again[i], g), strict=True):
                    if part is not None:
                        found[a] = self.b.op("add", found[a], part) if a in found else part
                for a, part in found.items():
                    if self.program.values[a].op != "constant":
                        self._add(a, part)

    def _vector(self, name: str, offset: int, g: int) -> None:
        key = (name, offset)
        if key in self.vectors:  # of columns from here on there may be more in one use than in another
            narrow, wide = sorted([self.vectors[key], g], key=lambda i: self.b.values[i].width)
            missing = self.b.values[wide].width - self.b.values[narrow].width
            g = self.b.op("add", wide, self.b.cat([narrow] + [self._zeros(missing)] * (missing > 0)))
        self.vectors[key] = g


def trajectory(program: Program) -> Program:
    """The step with the new states beside its output, all of them as the output."""
    b = Builder(list(program.values), {value: i for i, value in enumerate(program.values)})
    together = b.cat([program.results["output"], *(program.results[f"state:{name}"] for name in program.states)])
    return tidy(b, {**program.results, "output": together}, program)


def tangent(program: Program) -> Program:
    """The step and its derivative along a direction, from a Program that is not fused.

    Everything that goes in has its direction beside it: ``x`` has twice the columns, and each state, extra input and
    operand ``NAME`` a second one, ``d:NAME``, after all the others. The output is the direction of the step's output;
    the states are those of the step and their directions.
    """
    b = Builder()
    same: list[int] = []
    change: list[int | None] = []
    for value in program.values:
        args = tuple(same[a] for a in value.args)
        if value.op == "slice":
            same.append(b.slice(args[0], value.offset, value.width))
        else:
            copy = Value(value.op, args, value.width, value.name, value.offset, value.number, value.transposed)
            same.append(b.add(copy))
        change.append(_direction(b, program, value, same, [change[a] for a in value.args]))
    results: dict[str, int] = {}
    for name, i in program.results.items():
        d = change[i]
        wide = b.widen(b.constant(0) if d is None else d, program.values[i].width)
        if name == "output":
            results[name] = wide
        else:
            results |= {name: same[i], name.replace("state:", "state:d:"): wide}

    def both(sizes: dict[str, object]) -> dict[str, object]:
        return sizes | {f"d:{name}": size for name, size in sizes.items()}

    return tidy(
        b,
        results,
        states=both(dict(program.states)),
        extras=both(dict(program.extras)),
        operands=both(dict(program.operands)),
        x_width=2 * program.x_width,
    )


def _direction(
    b: Builder, program: Program, value: Value, same: Sequence[int], changes: Sequence[int | None]
) -> int | None:
    """The derivative of a value along the direction, None if it is zero."""
    match value.op:
        case "constant":
            return None
        case "x":
            return b.leaf("x", value.width, offset=program.x_width + value.offset)
        case "state" | "extra" | "vector":
            return b.leaf(value.op, value.width, f"d:{value.name}", value.offset)
        case "slice":
            return None if changes[0] is None else b.slice(changes[0], value.offset, value.width)
        case "sum":
            if changes[0] is None or b.values[changes[0]].width == program.values[value.args[0]].width:
                return None if changes[0] is None else b.sum(changes[0])
            return b.sum(b.widen(changes[0], program.values[value.args[0]].width))
        case "widen":
            return changes[0]
        case "cat":
            widths = [program.values[a].width for a in value.args]
            zero = b.constant(0)
            return b.cat([b.widen(zero if d is None else d, w) for d, w in zip(changes, widths, strict=True)])
        case "mix":
            by_matrix = b.mix(same[value.args[0]], f"d:{value.name}", value.width, value.transposed)
            if changes[0] is None:
                return by_matrix
            arg = b.widen(changes[0], program.values[value.args[0]].width)
            return b.op("add", b.mix(arg, value.name, value.width, value.transposed), by_matrix)
    total = None
    args = [same[a] for a in value.args]
    for position, d in enumerate(changes):
        if d is not None:
            part = OPS[value.op].derivative(b, args, same[-1], d)[position]
            if part is not None:
                total = part if total is None else b.op("add", total, part)
    return total
