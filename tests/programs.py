"""Programs as the tests need them: an interpreter in plain PyTorch, and steps of every kind that no cell has."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from elman.cells import Cell
from elman.compiler.ops import OPS, block_linear
from elman.compiler.program import Program

Tensors = Mapping[str, Tensor]


class Evaluated(NamedTuple):
    """A Program's values for a batch: its results by name, and its pieces and the inputs of its products."""

    results: dict[str, Tensor]
    pieces: dict[int, Tensor]
    inputs: list[Tensor]


def evaluate(program: Program, leaves: Tensors, operands: Tensors) -> Evaluated:
    """Compute a Program, fused or not, as plainly as can be.

    Args:
        leaves: ``x``, ``state NAME``, ``extra NAME``, ``cotangent NAME`` and ``saved PIECE``, each ``[B, width]``.
        operands: by name; matrices and vectors.
    """
    like = next(iter(leaves.values()))
    values: list[Tensor] = []
    pieces: dict[int, Tensor] = {}
    for v in program.values:
        args, columns = [values[a] for a in v.args], slice(v.offset, v.offset + v.width)
        match v.op:
            case "constant":
                value = like.new_full((len(like), 1), v.number)
            case "vector":
                value = operands[v.name].reshape(-1)[columns].expand(len(like), -1)
            case "x" | "state" | "extra" | "cotangent" | "saved":
                value = leaves[f"{v.op} {v.name}".strip()][:, columns]
            case "slice":
                value = args[0][:, columns]
            case "cat":
                value = torch.cat(args, -1)
            case "sum":
                value = args[0].sum(-1, keepdim=True)
            case "widen":
                value = args[0].expand(-1, v.width)
            case "mix":
                value = _product(args[0], operands[v.name], v.transposed)
            case "piece":
                value = pieces[int(v.name)] = _piece(program, int(v.name), leaves, operands, values)
            case _:
                value = OPS[v.op].eager(*args)
        assert value.shape == (len(like), v.width), f"{v.op} has {list(value.shape)}, not {v.width} columns"
        values.append(value)
    results = {name: values[i] for name, i in program.results.items()}
    return Evaluated(results, pieces, [values[m.input] for m in program.products])


def _product(row: Tensor, matrix: Tensor, transposed: bool) -> Tensor:
    blocks = matrix if transposed else matrix.mT
    return row @ (blocks if blocks.dim() == 2 else torch.block_diag(*blocks))


def _piece(program: Program, p: int, leaves: Tensors, operands: Tensors, values: list[Tensor]) -> Tensor:
    piece, like = program.pieces[p], next(iter(leaves.values()))
    total = like.new_zeros(len(like), piece.width) if piece.init is None else values[piece.init]
    if piece.x is not None:
        total = total + leaves["x"][:, piece.x : piece.x + piece.width]
    for name, offset in piece.vectors:
        total = total + operands[name].reshape(-1)[offset : offset + piece.width]
    for k, offset in piece.mixes:
        mix = program.products[k]
        product = _product(values[mix.input], operands[mix.matrix], mix.transposed)
        total = total + product[:, offset : offset + piece.width]
    return total


def pull(program: Program, back: Program, leaves: Tensors, operands: Tensors, cotangents: Tensors) -> dict[str, Tensor]:
    """Cotangents of all leaves and operands, from ``back``, the adjoint of the fused ``program``."""
    forward = evaluate(program, leaves, operands)
    saved = {f"saved {p}": value for p, value in forward.pieces.items()}
    given = {**leaves, **saved, **{f"cotangent {name}": g for name, g in cotangents.items()}}
    del given["x"]  # the backward pass has pieces in its place
    results = evaluate(back, given, operands).results
    found = {name: torch.zeros_like(value) for name, value in (*leaves.items(), *operands.items())}
    for name, g in results.items():
        kind, _, rest = name.partition(":")
        if kind == "piece":
            piece = program.pieces[int(rest)]
            if piece.x is not None:
                found["x"][:, piece.x : piece.x + piece.width] += g
            for k, offset in piece.mixes:
                mix, whole = program.products[k], torch.zeros(len(g), program.products[k].width, dtype=g.dtype)
                whole[:, offset : offset + piece.width] = g
                found[mix.matrix] += _product_cotangent(forward.inputs[k], whole, found[mix.matrix], mix.transposed)
        elif kind == "vector":
            operand, _, offset = rest.rpartition(":")
            found[operand].view(-1)[int(offset) : int(offset) + g.shape[1]] += g.sum(0)
        elif kind == "input":
            torch.testing.assert_close(g, forward.inputs[int(rest)])
        else:
            found[f"{kind} {rest}"] = g
    return found


def _product_cotangent(row: Tensor, g: Tensor, matrix: Tensor, transposed: bool) -> Tensor:
    """The cotangent of a product's matrix."""
    dense = row.T @ g if transposed else g.T @ row
    if matrix.dim() == 2:
        return dense
    (rows, columns), heads = matrix.shape[1:], range(len(matrix))
    return torch.stack([dense[n * rows : (n + 1) * rows, n * columns : (n + 1) * columns] for n in heads])


class Small(Cell):
    """A throwaway cell. ``own`` are its parameters beside the contract's, each a shape from the hidden size."""

    gates = ("h",)
    own: ClassVar[Mapping[str, Callable[[int], tuple[int, ...]]]] = {}
    inner: ClassVar[Mapping[str, Callable[[int], nn.Module]]] = {}
    first: ClassVar[int] = 1  # how many times the hidden size the first state has
    extra_widths: ClassVar[Mapping[str, int | None]] = {}  # None for the hidden size

    if TYPE_CHECKING:  # what ``own`` and ``inner`` name

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, recurrent_size=self.first * hidden_size, **options)
        for name, shape in self.own.items():
            setattr(self, name, nn.Parameter(torch.randn(shape(hidden_size)) / hidden_size**0.5))
        for name, make in self.inner.items():
            setattr(self, name, make(hidden_size))
        widths = {name: hidden_size if n is None else n for name, n in self.extra_widths.items()}
        self.extra_sizes = widths  # pyright: ignore[reportAttributeAccessIssue]
        self.to(options.get("dtype"))


class NoMix(Small):
    """No recurrent product."""

    dense = False
    own: ClassVar = {"decay": lambda n: (n,)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        a = torch.sigmoid(self.decay)
        h = a * h + (1 - a) * x
        return h, h


class MixAfterMix(Small):
    """Two products in sequence, with work between them."""

    own: ClassVar = {"second": lambda n: (2 * n, n)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        u = torch.tanh(x + self.recurrent(h))
        a, b = F.linear(u, self.second).chunk(2, -1)
        h = u * torch.sigmoid(a + x) + 0.1 * b
        return h, h


class MixOfMix(Small):
    """A product of a product: of low rank."""

    dense = False
    own: ClassVar = {"down": lambda n: (2, n), "up": lambda n: (n, 2)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(x + F.linear(F.linear(h, self.down), self.up))
        return h, h


class MixOfCat(Small):
    """A product of rows side by side, one of them the input."""

    dense = False
    own: ClassVar = {"both": lambda n: (n, 2 * n), "shift": lambda n: (n,)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(F.linear(torch.cat([torch.sin(x), h], -1), self.both, self.shift)) - 0.2 * h
        return h, h


class SlicesOfState(Small):
    """Columns of a state that overlap, and the state whole."""

    first = 2

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        n = self.hidden_size
        a, b = h.chunk(2, -1)
        u = torch.tanh(x + self.recurrent(h) + a * h[..., 1 : n + 1])
        h = torch.cat([0.5 * b + u, 0.5 * a - u], -1)
        return h, h


class OneColumn(Small):
    """Columns of one number a row: of a state, of a product by one row, and of the output."""

    own: ClassVar = {"one": lambda n: (1, n), "spread": lambda n: (n, 1)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        gate = torch.sigmoid(F.linear(h, self.one) + h[..., :1])
        h = torch.tanh(x + self.recurrent(gate * h) + F.linear(gate, self.spread))
        return gate * h, h


class PassedThrough(Small):
    """A state that stays as it is, and one that becomes another: a delay line."""

    def step(self, x: Tensor, h: Tensor, kept: Tensor, late: Tensor, later: Tensor) -> tuple[Tensor, ...]:
        u = torch.tanh(x + self.recurrent(late)) * kept
        return u + later, u, kept, h, late


class Swapped(Small):
    """States that take each other's place, and the old one as the output."""

    dense = False

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        return h, c + 0.1 * x, h


class ConstantState(Small):
    """A new state that is the same whatever comes, and one that is two states at once."""

    own: ClassVar = {"fixed": lambda n: (n,)}

    def step(self, x: Tensor, h: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, ...]:
        u = torch.tanh(x + self.recurrent(h * c))
        return d, u, 0 * c + self.fixed, u


class OtherOutput(Small):
    """An output that is a product of the new state and no state itself."""

    own: ClassVar = {"out": lambda n: (n, n)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(x + self.recurrent(h))
        return F.linear(h, self.out), h


class RootMeanSquare(Small):
    """RMS norm of a sum with a product in it."""

    own: ClassVar = {"gain": lambda n: (n,)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(F.rms_norm(x + self.recurrent(h), (self.hidden_size,), self.gain, eps=0.1)) + 0.5 * h
        return h, h


class NormOfState(Small):
    """Layer norm of a state, before its product."""

    inner: ClassVar = {"norm": lambda n: nn.LayerNorm(n, eps=0.1)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(x + self.recurrent(self.norm(h))) + 0.5 * h
        return h, h


class Extras(Small):
    """Extra inputs, one number a row and one a unit, each in a product too."""

    extra_widths: ClassVar = {"gap": 1, "mask": None}

    def step(self, x: Tensor, h: Tensor, *, gap: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        h = torch.exp(-gap) * h + torch.tanh(x + self.recurrent(mask * h)) * (mask - gap)
        return h + gap, h


class Peepholes(Small):
    """Vectors that the states are multiplied with, parts of one, and a number that is learnt."""

    gates = ("i", "o")
    own: ClassVar = {"peep": lambda n: (2 * n,), "scale": lambda n: ()}

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        i, o = (x + self.recurrent(h)).chunk(2, -1)
        pi, po = self.peep.chunk(2)
        c = self.scale * c + torch.sigmoid(i + pi * c)
        h = torch.sigmoid(o + po * c) * torch.tanh(c)
        return h, h, c


class Heads(Small):
    """A product by heads."""

    dense = False
    own: ClassVar = {
        "heads": lambda n: next((k, n // k, n // k) for k in (3, 5, 2, 1) if n % k == 0),
        "shift": lambda n: (n,),
    }

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(x + block_linear(h, self.heads, self.shift))
        return h, h


class WholeInput(Small):
    """The input whole, in a product, and in columns."""

    gates = ("a", "b")
    own: ClassVar = {"mixed": lambda n: (n, 2 * n)}

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        a, b = x.chunk(2, -1)
        r, s = self.recurrent(h).chunk(2, -1)
        h = torch.tanh(a + r + F.linear(x, self.mixed)) + torch.sigmoid(b + s) * h * x.mean(-1, keepdim=True)
        return h, h


class Transposed(Small):
    """Products by matrices as they are, and one matrix used twice, once turned."""

    dense = False
    own: ClassVar = {"matrix": lambda n: (n, n)}

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        u = torch.tanh(x + h @ self.matrix + torch.matmul(c, self.matrix.t()))
        c = 0.5 * c + F.linear(u, self.matrix)
        return u, u, c


class OverlappingColumns(Small):
    """Columns of a product that overlap, the product whole in a norm, and one part added twice."""

    gates = ("a", "b", "c")

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        n = self.hidden_size
        r = self.recurrent(h)
        a, b, _ = x.split(n, -1)
        size = torch.rsqrt((r * r).mean(-1, keepdim=True) + 1)
        h = torch.tanh(a + r[..., :n]) + torch.sin(b + r[..., 1 : n + 1]) * size + 0.1 * r[:, 2 * n :] + 0.1 * r[:, :n]
        return h, h


class Functions(Small):
    """Every operation that no cell has."""

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        u = x + self.recurrent(h)
        low, high = torch.clamp(u, -0.5, 0.7), torch.maximum(u, c)
        v = torch.where(u > 0.3, torch.sin(u), torch.erf(c)) + F.softplus(-u) - F.elu(u) + F.silu(c)
        w = torch.pow(low, 3) + torch.log1p(high**2) / (1 + torch.abs(u)) + (u.abs() + 0.5) ** 1.5
        w = w - torch.minimum(v, torch.cos(c)) + (c <= 0.1) * F.gelu(u) + F.leaky_relu(v) + torch.expm1(-low.square())
        c = torch.tanh(v - 0.1 * w) + 0.1 * F.logsigmoid(h) + torch.sqrt(1 + high * high) * 0.1
        h = torch.reciprocal(1 + torch.exp(-c)) * torch.tanh(w) + (c != u) * torch.log(c * c + 2) - u.detach() * 0.1
        return h, torch.tanh(h), c


class Nested(Small):
    """Submodules within the cell, one within another."""

    dense = False
    inner: ClassVar = {
        "mlp": lambda n: nn.Sequential(
            nn.Linear(n, n + 3), nn.LayerNorm(n + 3, eps=0.1), nn.Tanh(), nn.Linear(n + 3, n)
        )
    }

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.tanh(self.mlp(h) + x)
        return h, h


class NoInput(Small):
    """A step that never looks at its input."""

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = torch.sin(self.recurrent(h) + 1)
        return h, h


class Odd(Cell):
    """A cell whose step is given."""

    gates = ("h",)

    def __init__(self, new: Callable[..., Tensor]) -> None:
        super().__init__(3, 4)
        self.new = new
        self.scale = nn.Parameter(torch.ones(4))

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.recurrent(h), self.new(self, x, h)


class Throwaway(NamedTuple):
    """A throwaway cell in the place of a ``Variant``."""

    kind: type[Small]

    def __str__(self) -> str:
        return self.kind.__name__

    def make(self, input_size: int = 3, hidden_size: int = 4, **options: Any) -> Cell:
        return self.kind(input_size, hidden_size, **options)


THROWAWAY = [Throwaway(kind) for kind in Small.__subclasses__()]


# Operations of a random step: continuous, so that rounding decides nothing, and no larger than what they are given.
RANDOM: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda a, b: 0.5 * a + b,
    "sub": lambda a, b: a - 0.5 * b,
    "mul": lambda a, b: torch.tanh(a) * torch.sin(b),
    "div": lambda a, b: a / (1 + b * b),
    "neg": lambda a, b: -a,
    "sigmoid": lambda a, b: torch.sigmoid(a - 0.5 * b),
    "softplus": lambda a, b: F.softplus(a),
    "maximum": lambda a, b: torch.maximum(a, b - 0.3),
    "clamp": lambda a, b: torch.clamp(a, -0.4, 0.9),
    "abs": lambda a, b: (a - 0.2).abs(),
    "sum": lambda a, b: a * torch.tanh((a * b).sum(-1, keepdim=True)),
    "norm": lambda a, b: a * torch.rsqrt((b * b).mean(-1, keepdim=True) + 0.5),
}
MATRICES = ("one", "two")


class Random(Small):
    """A step made of operations, each on two of the values before it, which numbers count back from the last."""

    gates = ("a", "b")
    own: ClassVar = {"one": lambda n: (n, n), "two": lambda n: (n, n), "gain": lambda n: (n,)}

    def __init__(self, *sizes: int, recipe: "Recipe", **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.recipe = recipe

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        p, q = x.chunk(2, -1)
        values = [self.gain, p, q, c, h]
        for name, i, j in self.recipe.steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            values.append(F.linear(a, getattr(self, name)) if name in MATRICES else RANDOM[name](a, b))
        u, v = values[-1], values[-2]
        c = 0.5 * c + 0.5 * torch.tanh(u + x[..., : self.hidden_size])
        return v + c, torch.tanh(v + 0.1 * h), c


class Recipe(NamedTuple):
    """A random step in the place of a ``Variant``."""

    steps: tuple[tuple[str, int, int], ...]

    def make(self, input_size: int = 3, hidden_size: int = 4, **options: Any) -> Cell:
        return Random(input_size, hidden_size, recipe=self, **options)


def recipes() -> st.SearchStrategy[Recipe]:
    """Random steps of a few operations, products among them."""
    back = st.integers(0, 7)
    return st.lists(st.tuples(st.sampled_from([*RANDOM, *MATRICES]), back, back), min_size=2, max_size=7).map(
        lambda steps: Recipe(tuple(steps))
    )
