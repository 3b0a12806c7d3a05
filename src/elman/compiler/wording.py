"""A Program in words: what happens once a call, for a block of steps, and at each step, in the order of the kernels."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import fx

from elman.compiler.fuse import columns, fuse
from elman.compiler.layout import Schedule
from elman.compiler.ops import OPS
from elman.compiler.program import Value
from elman.compiler.trace import Traced
from elman.compiler.units import many

_COMPARES, _ATOM = 1, 4  # how strongly the weakest and the strongest bind
_STRENGTH = {"+": 2, "-": 2, "*": 3, "/": 3}  # of a sign between two values; the others compare
_INFIX = {name: (op.sign, _STRENGTH.get(op.sign, _COMPARES)) for name, op in OPS.items() if op.sign}
_PLAIN = ("x", "state", "extra", "vector", "constant", "slice", "widen")  # no work of their own

Term = tuple[str, int]  # an expression, and how strongly its outermost operation binds


def words(traced: Traced, gates: Sequence[str], bias: bool) -> dict[str, list[str]]:
    """The lines of a step that was read, by when they run: ``once``, for a ``block`` of steps, at each ``step``.

    A new state bears the name of the old one and a stroke, ``h'``; a gate before its function a tilde, ``f~``; the
    shares of input and state in a gate, where they are apart, are ``x_n`` and ``h_n``.

    Args:
        gates: names of equal parts of the projected input, in order.
        bias: whether the projection has one.
    """
    wording = _Wording(traced, gates)
    block = wording.projection(bias)
    steps = [line for k in range(wording.schedule.count) for line in wording.products(k) + wording.stage(k)]
    return {"once": wording.once, "block": block, "step": steps + wording.results()}


class _Wording:
    """The names of everything in a fused Program, and its expressions."""

    def __init__(self, traced: Traced, gates: Sequence[str]) -> None:
        self.program, self.gates = fuse(traced.program), gates
        self.schedule = Schedule(self.program)
        self.columns = columns(self.program)
        self.operands, self.once = _operands(traced)
        self.pieces: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.seen: set[int] = set()  # pieces that hold something already
        self._name_pieces()
        self._name_values()

    # Names.

    def _name_pieces(self) -> None:
        for i, value in enumerate(self.program.values):
            if value.op == "piece":
                p = int(value.name)
                name = self._piece(p)
                self.pieces[p] = self.names[i] = name if name not in self.pieces.values() else f"{name}{p}"

    def _piece(self, p: int) -> str:
        piece = self.program.pieces[p]
        if piece.x is not None:
            gate = self._gate(piece.x, piece.width)
            name = gate or ("ih" if piece.width == self.program.x_width else f"{piece.x}")
            return f"{name}~" if gate and piece.mixes else f"x_{name}"
        (k, offset), *more = piece.mixes
        product = self.program.products[k]
        gate = self._gate(offset, piece.width) if product.width == self.program.x_width else None
        source = self.program.values[product.input]
        return f"{source.name}_{gate}" if gate and source.op == "state" and not more else f"p{p}"

    def _gate(self, first: int, width: int) -> str | None:
        """The gate whose columns these are."""
        size = self.program.x_width // max(len(self.gates), 1)
        return self.gates[first // size] if width == size and first % size == 0 and self.gates else None

    def _name_values(self) -> None:
        taken = {*self.pieces.values(), *self.program.states, *self.program.extras, *self.operands.values()}
        for result, i in self.program.results.items():
            if result != "output" and self.program.values[i].op not in _PLAIN and i not in self.names:
                self.names[i] = result.removeprefix("state:") + "'"
        written = {*self.program.results.values(), *self.schedule.kept, *(m.input for m in self.program.products)}
        written |= {p.init for p in self.program.pieces if p.init is not None}
        for i, value in enumerate(self.program.values):
            if i in self.names or value.op in _PLAIN or not (i in written or self.program.uses[i] > 1):
                continue
            # a function of a gate's share is the gate
            share = self.names.get(value.args[0], "") if len(value.args) == 1 else ""
            gate = share.removesuffix("~").removeprefix("x_")
            free = gate in self.gates and gate not in {*taken, *self.names.values()}
            self.names[i] = gate if free else f"v{i}"

    # Expressions.

    def text(self, i: int) -> str:
        """A value: its name, or how it is made."""
        return self._term(i)[0]

    def _term(self, i: int) -> Term:
        return (self.names[i], _ATOM) if i in self.names else self._made(i)

    def _made(self, i: int) -> Term:
        value = self.program.values[i]
        match value.op:
            case "constant":
                return f"{value.number:g}", _ATOM if value.number >= 0 else 2
            case "state" | "extra":
                return value.name, _ATOM
            case "vector":
                return self._vector(value.name, value.offset, value.width), _ATOM
            case "slice":
                source = self._inside(value.args[0], _ATOM)
                return f"{source}[{value.offset}:{value.offset + value.width}]", _ATOM
            case "widen":
                return self._term(value.args[0])
            case "neg":
                return f"-{self._inside(value.args[0], 3)}", 2
        if value.op in _INFIX:
            return self._infix(value)
        return f"{value.op}({', '.join(self.text(a) for a in value.args)})", _ATOM

    def _infix(self, value: Value) -> Term:
        sign, strength = _INFIX[value.op]
        left, right = value.args
        # a - (b - c), a / (b * c) and comparisons of comparisons need their parentheses
        first = strength + (strength == _COMPARES)
        second = strength + (value.op not in ("add", "mul"))
        return f"{self._inside(left, first)} {sign} {self._inside(right, second)}", strength

    def _inside(self, i: int, strength: int) -> str:
        text, own = self._term(i)
        return text if own >= strength else f"({text})"

    def _vector(self, name: str, offset: int, width: int) -> str:
        whole = width == max(self.program.operands[name], default=1)
        return self.operands[name] + ("" if whole else f"[{offset}:{offset + width}]")

    # Lines.

    def projection(self, bias: bool) -> list[str]:
        """The input's share of what is in memory, those parts together that begin with the same vectors."""
        parts = sorted((piece.x, p) for p, piece in enumerate(self.program.pieces) if piece.x is not None)
        groups: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for first, p in parts:
            vectors = tuple(name for name, _ in self.program.pieces[p].vectors)
            groups.setdefault(vectors, []).append((first, p))
        lines = []
        for group in groups.values():
            pieces = [p for _, p in group]
            rows = self._stretch([(first, self.program.pieces[p].width) for first, p in group], self.program.x_width)
            own = f" + bias_ih{rows}" if bias else ""
            lines.append(f"{self._left(pieces)} = weight_ih{rows} @ x{own}{self._added(pieces)}")
        self.seen |= {p for _, p in parts}
        return lines

    def _left(self, pieces: Sequence[int]) -> str:
        return ", ".join(self.pieces[p] for p in pieces)

    def _stretch(self, columns: Sequence[tuple[int, int]], whole: int) -> str:
        """Columns as an index, empty where they are all."""
        stretches: list[str] = []
        first, end = columns[0][0], columns[0][0]
        for at, width in [*columns, (-1, 0)]:
            if at != end:
                stretches.append(f"{first}:{end}")
                first = at
            end = at + width
        if stretches == [f"0:{whole}"]:
            return ""
        return f"[{stretches[0]}]" if len(stretches) == 1 else f"[r_[{', '.join(stretches)}]]"

    def _added(self, pieces: Sequence[int]) -> str:
        """The vectors that these pieces start with, all of them with the same ones."""
        text = ""
        for k, (name, _) in enumerate(self.program.pieces[pieces[0]].vectors):
            columns = [(self.program.pieces[p].vectors[k][1], self.program.pieces[p].width) for p in pieces]
            text += f" + {self.operands[name]}{self._stretch(columns, max(self.program.operands[name], default=1))}"
        return text

    def products(self, stage: int) -> list[str]:
        """The products before a stage."""
        lines = []
        for k, product in enumerate(self.program.products):
            if self.schedule.products[k] != stage:
                continue
            groups: dict[tuple[object, ...], list[tuple[int, int]]] = {}
            for first, p in self.columns[k]:
                piece = self.program.pieces[p]
                key = (True,) if p in self.seen else (False, piece.init, *(name for name, _ in piece.vectors))
                groups.setdefault(key, []).append((first, p))
            for (begun, *_), group in groups.items():
                pieces = [p for _, p in group]
                rows = self._stretch([(first, self.program.pieces[p].width) for first, p in group], product.width)
                init = self.program.pieces[pieces[0]].init
                start = "" if begun or init is None else f"{self.text(init)} + "
                end = "" if begun else self._added(pieces)
                matrix, heads = self._matrix(product.matrix)
                matrix += (".T" if product.transposed else "") + rows
                sign = "+=" if begun else "="
                lines.append(f"{self._left(pieces)} {sign} {start}{matrix} @ {self.text(product.input)}{end}{heads}")
                self.seen |= {*pieces}
        return lines

    def _matrix(self, name: str) -> tuple[str, str]:
        """A matrix, and a remark where it is one for each head."""
        text, shape = self.operands[name], self.program.operands[name]
        if len(shape) == 2:
            return text, ""
        return f"blocks({text})", f"  # by {many(shape[0], 'head')}, {shape[1]} x {shape[2]} each"

    def stage(self, stage: int) -> list[str]:
        """The values that a stage computes, those that have names."""
        return [
            f"{self.names[i]} = {self._made(i)[0]}"
            for i, value in enumerate(self.program.values)
            if i in self.names and value.op != "piece" and self.schedule.levels[i] == stage
        ]

    def results(self) -> list[str]:
        """What leaves the step, where it does not bear the name already."""
        lines = []
        for result, i in self.program.results.items():
            name = "output" if result == "output" else result.removeprefix("state:") + "'"
            if self.text(i) != name:
                lines.append(f"{name} = {self.text(i)}")
        return lines


def _operands(traced: Traced) -> tuple[dict[str, str], list[str]]:
    """What each operand is called, and the lines of those that PyTorch computes before."""
    if traced.prologue is None:
        return {name: name for name in traced.program.operands}, []
    graph = traced.prologue.graph
    inputs = dict(zip((n for n in graph.nodes if n.op == "placeholder"), traced.sources, strict=True))
    (output,) = (n for n in graph.nodes if n.op == "output")
    names, lines = {}, []
    for name, node in zip(traced.program.operands, output.args[0], strict=True):
        names[name] = text = _expression(node, inputs)
        if not (text.isidentifier() or text.endswith("]")):
            names[name] = f"w{len(lines)}"
            lines.append(f"{names[name]} = {text}")
    return names, lines


def _expression(node: Any, inputs: Mapping[fx.Node, str]) -> str:
    """A node of PyTorch's graph as it would be written."""
    if isinstance(node, slice):
        return ":".join("" if end is None else str(end) for end in (node.start, node.stop))
    if not isinstance(node, fx.Node):
        return f"{node:g}" if isinstance(node, float) else str(node)
    if node in inputs:
        return inputs[node]
    args = [_expression(a, inputs) for a in (*node.args, *node.kwargs.values())]
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    closed = [arg if " " not in arg else f"({arg})" for arg in args]
    if name == "getitem":
        return f"{closed[0]}[{args[1]}]"
    if node.op == "call_method":
        return f"{closed[0]}.{name}({', '.join(args[1:])})"
    if name == "neg" or name in _INFIX:
        args = closed
        return f"-{args[0]}" if name == "neg" else f" {_INFIX[name][0]} ".join(args)
    return f"{name}({', '.join(args)})"
