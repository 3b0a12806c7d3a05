"""A Program's products, put where they can be added to what is in memory already.

``x + recurrent(h) + bias`` becomes one *piece*: columns that hold the projected input and the bias before the step,
and to which the product is added. Afterwards no value is a mix, and none reads ``x``: they read pieces.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from elman.compiler.program import Builder, Mix, Piece, Program, Value, tidy


def fuse(program: Program) -> Program:
    """The same step with its products as pieces."""
    return _Fuser(program).run()


class _Fuser:
    def __init__(self, program: Program) -> None:
        self.program, self.b = program, Builder()
        self.mixes = {i: k for k, i in enumerate(i for i, v in enumerate(program.values) if v.op == "mix")}
        self.pieces: list[Piece] = []
        self.products: list[Mix] = []
        self.made: dict[Piece, int] = {}
        self.new: dict[int, int] = {}
        self.x_whole = _overlap([(v.offset, v.width) for v in program.values if v.op == "x"])
        self.whole = {i for i in self.mixes if _overlap(self._uses_of(i))}
        # Backward, a sum goes where the state's cotangent is. Forward, a value would be stored to be read at once.
        self.begins = any(v.op == "cotangent" for v in program.values)
        self.depths = _depths(program)

    def _uses_of(self, mix: int) -> list[tuple[int, int]]:
        """The columns that each use of a product takes, as first column and width."""
        found = []
        for value in self.program.values:
            if mix in value.args:
                whole = value.op != "slice"
                found.append((0, self.program.values[mix].width) if whole else (value.offset, value.width))
        return found + [(0, self.program.values[mix].width) for i in self.program.results.values() if i == mix]

    def run(self) -> Program:
        inner = self._inner_sums()
        for i, value in enumerate(self.program.values):
            if i in inner:
                continue
            if i in self.mixes:
                matrix = Mix(self.new[value.args[0]], value.name, value.transposed, value.width)
                self.products.append(matrix)
                if i in self.whole or self._plain_use(i):
                    self.new[i] = self._piece(value.width, [i])
            elif value.op == "x" and self.x_whole:
                self.new[i] = self._x_slice(value)
            elif value.op == "x" or (value.op == "slice" and value.args[0] in self.mixes.keys() - self.whole):
                if not self._swallowed(i):
                    self.new[i] = self._piece(value.width, [i])
            elif value.op == "add" and i in self.sums:
                self.new[i] = self._sum(value.width, self.sums[i])
            elif value.op == "vector" and self._swallowed(i):
                continue
            else:
                args = tuple(self.new[a] for a in value.args)
                self.new[i] = self.b.add(
                    Value(value.op, args, value.width, value.name, value.offset, value.number, value.transposed)
                )
        results = {name: self.new[i] for name, i in self.program.results.items()}
        return tidy(self.b, results, self.program, self.pieces, self.products)

    def _inner_sums(self) -> set[int]:
        """Find the sums that products take part in; the sums inside them are not values of their own any more."""
        self.sums: dict[int, list[int]] = {}
        self.eaten: dict[int, int] = {}
        inner: set[int] = set()
        for i in reversed(range(len(self.program.values))):
            if self.program.values[i].op != "add" or i in inner:
                continue
            terms, sums = self._terms(i)
            wide = [t for t in terms if self.program.values[t].width == self.program.values[i].width]
            if any(self._is_mix(t) for t in wide):
                self.sums[i] = terms
                inner |= sums
                for t in wide:  # one number a row is added in every unit, which a piece does not do
                    self.eaten[t] = self.eaten.get(t, 0) + 1
        return inner

    def _terms(self, root: int) -> tuple[list[int], set[int]]:
        terms: list[int] = []
        sums: set[int] = set()
        todo = list(reversed(self.program.values[root].args))
        width = self.program.values[root].width
        while todo:
            i = todo.pop()
            value = self.program.values[i]
            if value.op == "add" and self.program.uses[i] == 1 and value.width == width:
                sums.add(i)
                todo.extend(reversed(value.args))
            else:
                terms.append(i)
        return terms, sums

    def _is_mix(self, i: int) -> bool:
        """Whether this is a product, or columns of one, that nothing else uses."""
        mix = self._product(i)
        return mix is not None and mix not in self.whole and self.program.uses[i] == 1

    def _x_slice(self, value: Value) -> int:
        """Columns of the input where others overlap them: a slice of one piece that holds all."""
        width = self.program.x_width
        piece = Piece(width, 0)
        if piece not in self.made:
            self.made[piece] = self.b.add(Value("piece", (), width, name=str(len(self.pieces))))
            self.pieces.append(piece)
        return self._cut(self.made[piece], value.offset, value.width)

    def _cut(self, index: int, offset: int, width: int) -> int:
        if width == self.b.values[index].width:
            return index
        return self.b.add(Value("slice", (index,), width, offset=offset))

    def _swallowed(self, i: int) -> bool:
        """Whether all uses of a leaf are sums that become pieces."""
        return self.eaten.get(i, 0) == self.program.uses[i] and self._joins(i)

    def _joins(self, i: int) -> bool:
        """Whether this term can be part of a piece: a product, the input if used once, or a vector of units."""
        value = self.program.values[i]
        if value.op == "x":
            return self.program.uses[i] == 1 and not self.x_whole
        return value.op == "vector" or self._is_mix(i)

    def _plain_use(self, i: int) -> bool:
        """Whether a product is used whole, and not only by sums that become pieces."""
        sliced = sum(v.args == (i,) and v.op == "slice" for v in self.program.values)
        return self.program.uses[i] - sliced > 0 and not self._swallowed(i)

    def _sum(self, width: int, terms: list[int]) -> int:
        inside = [t for t in terms if self.program.values[t].width == width and self._joins(t)]
        xs = [t for t in inside if self.program.values[t].op == "x"]
        outside = [t for t in terms if t not in inside] + xs[1:]
        inside = [t for t in inside if t not in xs[1:]]
        for t in outside:
            if t not in self.new:
                self.new[t] = self._piece(self.program.values[t].width, [t])
        init = None
        if not xs and outside and self.begins and self._ready(outside, inside):
            vectors = [t for t in inside if self.program.values[t].op == "vector"]
            inside = [t for t in inside if t not in vectors]
            init = self._added([*outside, *vectors], width)
            outside = []
        piece = self._piece(width, inside, init)
        return piece if not outside else self.b.op("add", piece, self._added(outside, width))

    def _ready(self, outside: list[int], inside: list[int]) -> bool:
        """Whether the terms outside are there before any of the products is added to them."""
        inputs = [self.program.values[p].args[0] for t in inside for p in [self._product(t)] if p is not None]
        return max(self.depths[t] for t in outside) <= min(self.depths[i] for i in inputs)

    def _product(self, i: int) -> int | None:
        """The product that this term is, or is columns of."""
        value = self.program.values[i]
        mix = value.args[0] if value.op == "slice" else i
        return mix if mix in self.mixes else None

    def _added(self, terms: list[int], width: int) -> int:
        total = None
        for t in terms:
            value = self.program.values[t]
            if t not in self.new:
                self.new[t] = self.b.add(value)
            total = self.new[t] if total is None else self.b.op("add", total, self.new[t])
        assert total is not None
        return self.b.widen(total, width)

    def _piece(self, width: int, terms: list[int], init: int | None = None) -> int:
        x, vectors, mixes = None, [], []
        for t in terms:
            value = self.program.values[t]
            if value.op == "x":
                x = value.offset
            elif value.op == "vector":
                vectors.append((value.name, value.offset))
            elif value.op == "slice":
                mixes.append((self.mixes[value.args[0]], value.offset))
            else:
                mixes.append((self.mixes[t], 0))
        piece = Piece(width, x, init, tuple(vectors), tuple(mixes))
        if piece not in self.made:
            inputs = tuple(self.products[m].input for m, _ in mixes)
            args = inputs if init is None else (init, *inputs)
            self.made[piece] = self.b.add(Value("piece", args, width, name=str(len(self.pieces))))
            self.pieces.append(piece)
        return self.made[piece]


def _depths(program: Program) -> list[int]:
    """How many products and sums over the units lie below each value, one after another."""
    depths: list[int] = []
    for value in program.values:
        below = max((depths[a] for a in value.args), default=0)
        depths.append(below + (value.op in ("mix", "sum")))
    return depths


def _overlap(uses: Sequence[tuple[int, int]]) -> bool:
    """Whether two of these stretches of columns, as first column and width, differ and share a column."""
    stretches = sorted(set(uses))
    return any(a + n > b for (a, n), (b, _) in pairwise(stretches))


def columns(program: Program) -> Mapping[int, list[tuple[int, int]]]:
    """For each product the pieces that it is added to, as (first column, piece), in the order of its columns."""
    found: dict[int, list[tuple[int, int]]] = {k: [] for k in range(len(program.products))}
    for p, piece in enumerate(program.pieces):
        for k, offset in piece.mixes:
            found[k].append((offset, p))
    return {k: sorted(pieces) for k, pieces in found.items()}
