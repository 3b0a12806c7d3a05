"""The Program: a step as a list of values, each made from earlier ones.

A value is a row of ``width`` numbers for each sequence of the batch. The operations are the element-wise ones of
``ops.py`` and the few that are not:

    x           the projected input, columns from ``offset`` on
    state       a state before the step
    extra       an extra input
    cotangent   what is asked of an output: the derivative of the loss by it
    saved       a piece of the forward step, kept for the backward one
    vector      an operand that does not change over time, one number a unit
    constant    one number
    slice       columns of a mix, or of another value that is in memory
    cat         values side by side, as the input of a mix
    mix         a product with an operand matrix, or with one matrix for each head, ``[heads, out, in]``
    sum         the sum over the units, a row of width 1
    widen       a row of width 1 in every unit
    piece       columns in memory that mixes add to, see ``fuse.py``; there the mixes are no values any more
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

LEAVES = ("x", "state", "extra", "cotangent", "saved", "vector", "constant")


@dataclass(frozen=True)
class Value:
    """One value of a Program; ``args`` are the indices of the values it is made from."""

    op: str
    args: tuple[int, ...]
    width: int
    name: str = ""  # of the state, extra input, operand or cotangent
    offset: int = 0  # first column, for x, vector, saved and slice
    number: float = 0.0  # of a constant
    transposed: bool = False  # of a mix: by the matrix as it is, not by its transpose


@dataclass(frozen=True)
class Mix:
    """A product of a fused Program: ``input @ matrix.T``, or ``input @ matrix`` if transposed, added to pieces."""

    input: int
    matrix: str
    transposed: bool
    width: int


@dataclass(frozen=True)
class Piece:
    """Columns in memory: what they hold before the mixes, and which columns of which mixes are added."""

    width: int
    x: int | None = None  # columns of the projected input from here on
    init: int | None = None  # or a value
    vectors: tuple[tuple[str, int], ...] = ()  # operands and first columns, added once for all steps
    mixes: tuple[tuple[int, int], ...] = ()  # mix and first column


@dataclass(frozen=True)
class Program:
    """A step. ``results`` names the values that leave it: ``output`` and ``state:h`` forward, gradients backward."""

    values: tuple[Value, ...]
    results: Mapping[str, int]
    states: Mapping[str, int]  # name to width, in order
    extras: Mapping[str, int]
    operands: Mapping[str, tuple[int, ...]]  # name to shape
    x_width: int
    pieces: tuple[Piece, ...] = ()
    products: tuple[Mix, ...] = ()

    @cached_property
    def uses(self) -> tuple[int, ...]:
        """How often each value is used, by other values and as a result."""
        count = [0] * len(self.values)
        for value in self.values:
            for arg in value.args:
                count[arg] += 1
        for index in self.results.values():
            count[index] += 1
        return tuple(count)

    @cached_property
    def text(self) -> str:
        """The Program as JSON, from which ``Program.read`` makes it again."""
        return json.dumps(
            [
                [[v.op, v.args, v.width, v.name, v.offset, v.number, v.transposed] for v in self.values],
                dict(self.results),
                dict(self.states),
                dict(self.extras),
                dict(self.operands),
                self.x_width,
            ]
        )

    @staticmethod
    def read(text: str) -> "Program":
        """A Program that is not fused, from its ``text``."""
        values, results, states, extras, operands, x_width = json.loads(text)
        made = tuple(Value(op, tuple(args), *rest) for op, args, *rest in values)
        shapes = {name: tuple(shape) for name, shape in operands.items()}
        return Program(made, results, states, extras, shapes, x_width)

    @cached_property
    def structure(self) -> str:
        """The Program as text without its sizes: what decides the code of a kernel."""
        lines = []
        for v in self.values:
            wide = "wide" if v.width > 1 else "one"
            lines.append(f"{v.op} {v.args} {v.name} {v.number!r} {v.transposed} {wide} {_place(v.width, v.offset)}")
        for p in self.pieces:
            columns = [(m, _place(p.width, offset)) for m, offset in p.mixes]
            lines.append(f"{p.x is not None} {p.init} {len(p.vectors)} {columns}")
        lines += [f"{m.input} {m.matrix} {m.transposed}" for m in self.products]
        results = [(_without_offset(name), i) for name, i in self.results.items()]
        return "\n".join([*lines, repr(results), repr(list(self.states)), repr(list(self.extras))])

    def heads(self, matrix: str) -> int:
        """How many blocks a matrix has; each multiplies its own share of the columns."""
        shape = self.operands[matrix]
        return shape[0] if len(shape) == 3 else 1

    def depth(self, product: Mix) -> int:
        """How many numbers of the input each number of a product is the sum of."""
        return self.values[product.input].width // self.heads(product.matrix)

    def depends(self, index: int) -> frozenset[int]:
        """All values that the value at ``index`` is made from, itself among them."""
        return self._ancestors[index]

    @cached_property
    def _ancestors(self) -> tuple[frozenset[int], ...]:
        sets: list[frozenset[int]] = []
        for i, value in enumerate(self.values):
            sets.append(frozenset([i]).union(*(sets[a] for a in value.args)))
        return tuple(sets)


def _place(width: int, offset: int) -> str:
    """Where a slice lies, in units of its own width where it lies so."""
    return str(offset // width) if offset % width == 0 else f"{offset}/{width}"


def _without_offset(result: str) -> str:
    """The name of a result; of cotangents that are summed up outside of a kernel, without where in their operand."""
    kind, _, rest = result.partition(":")
    return f"{kind}:{rest.rpartition(':')[0]}" if kind == "vector" else result


_FOLD: dict[str, Callable[..., float]] = {n: getattr(operator, n) for n in ("add", "sub", "mul", "neg")}


@dataclass
class Builder:
    """Makes values, each once: equal values are one, constants are folded, and slices are pushed to the leaves."""

    values: list[Value] = field(default_factory=list)
    known: dict[Value, int] = field(default_factory=dict)

    def add(self, value: Value) -> int:
        """The index of this value, which is made if there is none like it."""
        if value not in self.known:
            self.known[value] = len(self.values)
            self.values.append(value)
        return self.known[value]

    def leaf(self, op: str, width: int, name: str = "", offset: int = 0) -> int:
        return self.add(Value(op, (), width, name=name, offset=offset))

    def constant(self, number: float) -> int:
        return self.add(Value("constant", (), 1, number=float(number)))

    def number(self, index: int) -> float | None:
        """The number, if the value is a constant."""
        value = self.values[index]
        return value.number if value.op == "constant" else None

    def op(self, name: str, *args: int) -> int:
        """An element-wise operation, or one of a few that it comes to: ``0 + a``, ``1 * a``, ``-(-a)``."""
        numbers = [self.number(a) for a in args]
        if name in _FOLD and all(n is not None for n in numbers):
            return self.constant(_FOLD[name](*numbers))
        match name, numbers:
            case ("add", [0.0, _]) | ("mul", [1.0, _]):
                return args[1]
            case ("add" | "sub", [_, 0.0]) | ("mul" | "div", [_, 1.0]):
                return args[0]
            case ("sub", [0.0, _]) | ("mul", [-1.0, _]):
                return self.op("neg", args[1])
            case ("mul", [_, -1.0]):
                return self.op("neg", args[0])
            case ("neg", _) if self.values[args[0]].op == "neg":
                return self.values[args[0]].args[0]
        width = max(self.values[a].width for a in args)
        return self.add(Value(name, args, width))

    def mix(self, arg: int, matrix: str, width: int, transposed: bool = False) -> int:
        return self.add(Value("mix", (arg,), width, name=matrix, transposed=transposed))

    def sum(self, arg: int) -> int:
        return self.add(Value("sum", (arg,), 1))

    def widen(self, index: int, width: int) -> int:
        """The value in every unit, if it is one number a row."""
        if self.values[index].width == width:
            return index
        return self.add(Value("widen", (index,), width))

    def cat(self, pieces: Sequence[int]) -> int:
        if len(pieces) == 1:
            return pieces[0]
        return self.add(Value("cat", tuple(pieces), sum(self.values[p].width for p in pieces)))

    def slice(self, index: int, offset: int, width: int) -> int:
        """Columns ``offset`` to ``offset + width`` of a value."""
        value = self.values[index]
        if value.width == 1 or (offset == 0 and width == value.width):
            return index
        match value.op:
            case "x" | "vector" | "saved":
                return self.leaf(value.op, width, value.name, value.offset + offset)
            case "slice":
                return self.slice(value.args[0], value.offset + offset, width)
            case "cat":
                pieces, end = [], offset + width
                for piece in value.args:
                    size = self.values[piece].width
                    first, last = max(offset, 0), min(end, size)
                    if first < last:
                        pieces.append(self.slice(piece, first, last - first))
                    offset, end = offset - size, end - size
                return self.cat(pieces)
            case "mix" | "state" | "extra" | "cotangent":
                return self.add(Value("slice", (index,), width, offset=offset))
            case "widen":
                return self.widen(value.args[0], width)
        return self.op(value.op, *(self.slice(a, offset, width) for a in value.args))


def tidy(
    builder: Builder,
    results: Mapping[str, int],
    like: Program | None = None,
    pieces: Sequence[Piece] = (),
    products: Sequence[Mix] = (),
    **fields: Any,
) -> Program:
    """The Program of these results, without the values that nothing uses; other fields are those of ``like``."""
    needed: set[int] = set()
    todo = list(results.values())
    while todo:
        index = todo.pop()
        if index not in needed:
            needed.add(index)
            todo.extend(builder.values[index].args)
    order = {old: new for new, old in enumerate(sorted(needed))}
    values = tuple(
        replace(builder.values[old], args=tuple(order[a] for a in builder.values[old].args)) for old in order
    )
    if like is not None:
        fields = {n: getattr(like, n) for n in ("states", "extras", "operands", "x_width")} | fields
    return Program(
        values,
        {name: order[i] for name, i in results.items()},
        pieces=tuple(replace(p, init=None if p.init is None else order[p.init]) for p in pieces),
        products=tuple(replace(m, input=order[m.input]) for m in products),
        **fields,
    )


def elementwise(program: Program) -> Iterator[tuple[int, Value]]:
    """The element-wise values of a Program with their indices."""
    skipped = (*LEAVES, "slice", "cat", "mix", "sum", "widen", "piece")
    return ((i, v) for i, v in enumerate(program.values) if v.op not in skipped)
