"""Where everything of a fused Program lies in memory, and in which order its parts run.

Each row of a sequence has, at each step, a row of the *tape*: the pieces, then the states before the step. The backward
pass has a row of *cotangents* in the same place: those that weights and inputs are computed from. What is only
added up over the steps, as the cotangents of vectors are, is in a row of *totals*, one for each row of the batch. What
is needed only within a step is in a row of *scratch*.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from elman.compiler.fuse import columns
from elman.compiler.program import LEAVES, Program

LEAF = frozenset(LEAVES)
CHEAP = frozenset(("add", "sub", "mul", "neg", "widen"))
AGAIN = 4  # cheap operations that take no longer than to put a value into memory and to read it


@dataclass(frozen=True)
class Run:
    """Neighbouring columns of a product that lie together: ``source`` in the matrix, ``target`` in memory."""

    product: int  # -1 for the projection of the input
    source: int
    size: int
    where: str  # the buffer: "tape", "scratch", or "state:NAME"
    target: int
    start: str  # what the product is added to: "there", or a "row" of biases or zeros
    first: int = 0  # the column of the product's input that it reads from
    blocks: int = 1  # heads that it goes over, each with its own share of the columns on both sides


@dataclass
class Schedule:
    """In which stage each value is computed, and each product before which stage."""

    program: Program
    levels: list[int] = field(default_factory=list)
    products: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        program = self.program
        for value in program.values:
            below = [self.levels[a] for a in value.args]
            if value.op == "piece":
                mixes = program.pieces[int(value.name)].mixes
                self.levels.append(1 + max(below) if mixes else 0)
            elif value.op == "sum":
                self.levels.append(below[0] + 1)
            else:
                self.levels.append(max(below, default=0))
        self._sink()
        self.products = [self.levels[m.input] + 1 for m in program.products]

    def _sink(self) -> None:
        """Move what is needed only later to where it is needed, if that keeps nothing more in memory."""
        need = [self.count] * len(self.program.values)
        for i in reversed(range(len(self.program.values))):
            value = self.program.values[i]
            if value.op not in LEAF and value.op not in ("piece", "sum", "cat") and i not in self._stored:
                inner = [a for a in value.args if self.program.values[a].op not in LEAF]
                if need[i] > self.levels[i] and len(inner) <= 1 and need[i] < self.count:
                    self.levels[i] = need[i]
            before = value.op in ("sum", "piece")  # what they need is there when the stage before theirs ends
            for a in value.args:
                need[a] = min(need[a], self.levels[i] - before)

    @cached_property
    def _stored(self) -> frozenset[int]:
        """What must be in memory when its stage ends: inputs and first values of products, and results."""
        found = set(self.program.results.values())
        for m in self.program.products:
            found |= {m.input, *self.program.values[m.input].args}
        found |= {p.init for p in self.program.pieces if p.init is not None}
        return frozenset(found)

    @property
    def count(self) -> int:
        """Stages."""
        return max(self.levels, default=0) + 1

    def turns(self, pieces: Mapping[int, list[tuple[int, int]]]) -> list[tuple[int, list[tuple[int, int]]]]:
        """The products with their pieces in the order in which they run."""
        return sorted(pieces.items(), key=lambda item: (self.products[item[0]], item[0]))

    def computed(self, i: int) -> bool:
        """Whether this value is the work of a stage, not something in memory before."""
        return self.program.values[i].op not in LEAF and self.program.values[i].op not in ("piece", "cat", "slice")

    @cached_property
    def kept(self) -> list[int]:
        """Values that a later stage, or a loop of another width, reads from memory, in order."""
        return [i for i in self._shared if i not in self._again]

    @cached_property
    def _again(self) -> frozenset[int]:
        """Values that every stage that reads them computes by itself, since a few operations make them of others."""
        values, shared, found = self.program.values, set(self._shared), set[int]()
        cost: list[float] = []  # operations from what is in memory
        for i, value in enumerate(values):
            operations = 1 + sum(cost[a] for a in value.args)
            if value.op in CHEAP and value.width > 1 and operations <= AGAIN and self._read_alike(i):
                cost.append(operations)
                found.add(i)
            else:
                in_memory = i in shared or not self.computed(i)
                cost.append(0 if in_memory else operations if value.op in CHEAP else math.inf)
        return frozenset(found & shared - self._stored)

    def _read_alike(self, i: int) -> bool:
        """Whether all that reads a value is of its own width and needs it nowhere in memory."""
        users = [v for v in self.program.values if i in v.args]
        return all(v.op == "sum" or (v.width == self.program.values[i].width and v.op != "slice") for v in users)

    def here(self, i: int, level: int) -> bool:
        """Whether a stage that reads a value computes it, and does not find it in memory."""
        return self.computed(i) and (self.levels[i] == level or i not in self.kept)

    @cached_property
    def _shared(self) -> list[int]:
        """Values that a later stage, or a loop of another width, reads, in order."""
        found = []
        for i, value in enumerate(self.program.values):
            if value.op == "cat" and self._read_whole(i):
                found.append(i)
            if not self.computed(i):
                continue
            users = [j for j, v in enumerate(self.program.values) if i in v.args and v.op not in ("cat", "piece")]
            later = any(self.levels[j] > self.levels[i] and self.program.values[j].op != "sum" for j in users)
            other = any(
                self.program.values[j].width != value.width and self.program.values[j].op != "sum" for j in users
            )
            if value.op == "sum" or later or other:
                found.append(i)
        return found

    def _read_whole(self, i: int) -> bool:
        """Whether something other than a product reads a cat."""
        users = [v for v in self.program.values if i in v.args and v.op != "piece"]
        begun = any(p.init == i for p in self.program.pieces)
        return bool(users) or begun or i in self.program.results.values()


@dataclass(frozen=True)
class Forward:
    """The tape and scratch of a step."""

    program: Program
    saved: tuple[str, ...]  # states whose value before each step is on the tape

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.program)

    @cached_property
    def pieces(self) -> dict[int, int]:
        """First column of each piece: those of the input alone, those shared, those of products alone."""

        def rank(p: int) -> tuple[int, tuple[tuple[int, int], ...], int]:
            piece = self.program.pieces[p]
            kind = 2 if piece.x is None else 1 if piece.mixes else 0
            return kind, piece.mixes, piece.x or 0

        return _places((p, self.program.pieces[p].width) for p in sorted(range(len(self.program.pieces)), key=rank))

    @cached_property
    def states(self) -> dict[str, int]:
        """First column of each state that is on the tape."""
        at = _places((s, self.program.states[s]) for s in self.saved)
        return {name: at[name] + self.pieces_width for name in at}

    @property
    def pieces_width(self) -> int:
        return sum(p.width for p in self.program.pieces)

    @property
    def tape_width(self) -> int:
        return self.pieces_width + sum(self.program.states[s] for s in self.saved)

    @cached_property
    def scratch(self) -> dict[int, int]:
        """First column in scratch of each value that is there; a cat's parts lie side by side."""
        cats = [m.input for m in self.program.products if self.program.values[m.input].op not in ("state", "piece")]
        return _places((i, self.program.values[i].width) for i in dict.fromkeys([*cats, *self.schedule.kept]))

    @property
    def scratch_width(self) -> int:
        return sum(self.program.values[i].width for i in self.scratch)

    @cached_property
    def inputs(self) -> list[Run]:
        """The projection of the input, to the pieces that hold it."""
        order = sorted(
            (p for p, piece in enumerate(self.program.pieces) if piece.x is not None), key=self.pieces.__getitem__
        )
        found = [(self.program.pieces[p].x or 0, self.program.pieces[p].width, self.pieces[p], "row") for p in order]
        return [Run(-1, s, n, "tape", t, start) for s, n, t, start in _joined(found)]

    @cached_property
    def runs(self) -> list[list[Run]]:
        """Each product, to the pieces that it is added to."""
        started = {p for p, piece in enumerate(self.program.pieces) if piece.x is not None}
        result: dict[int, list[Run]] = {}
        for k, pieces in self.schedule.turns(columns(self.program)):
            found = []
            for offset, p in pieces:
                first = p not in started and self.program.pieces[p].init is None
                found.append((offset, self.program.pieces[p].width, self.pieces[p], "row" if first else "there"))
                started.add(p)
            whole = [Run(k, s, n, "tape", t, start) for s, n, t, start in _joined(found)]
            result[k] = [run for one in whole for run in _by_heads(one, self.program)]
        return [result[k] for k in sorted(result)]


@dataclass(frozen=True)
class Backward:
    """The cotangents and the scratch of an adjoint step, beside the tape of the step itself."""

    forward: Forward
    program: Program  # the fused adjoint

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.program)

    @cached_property
    def cotangents(self) -> dict[int, int]:
        """First column of each value among the cotangents; what one product reads lies side by side where it can."""
        order: dict[int, None] = {}
        for m in self.program.products:
            value = self.program.values[m.input]
            order |= dict.fromkeys(value.args if value.op == "cat" else [m.input])
        order |= dict.fromkeys(self._results("piece", "input"))
        return _places((i, self.program.values[i].width) for i in order)

    @cached_property
    def totals(self) -> dict[int, int]:
        """First column of each value among the totals: the cotangents of vectors that no product reads."""
        found = [i for i in dict.fromkeys(self._results("vector")) if i not in self.cotangents]
        return _places((i, self.program.values[i].width) for i in found)

    @property
    def totals_width(self) -> int:
        return sum(self.program.values[i].width for i in self.totals)

    def _results(self, *kinds: str) -> list[int]:
        return [i for name, i in self.program.results.items() if name.partition(":")[0] in kinds]

    @property
    def cotangents_width(self) -> int:
        return sum(self.program.values[i].width for i in self.cotangents)

    @cached_property
    def cats(self) -> dict[int, int]:
        """First column, among the cotangents, of each product's input that lies there in one stretch."""
        found = {}
        for m in self.program.products:
            value = self.program.values[m.input]
            parts = value.args if value.op == "cat" else (m.input,)
            at = self.cotangents[parts[0]]
            here = at
            for part in parts:
                if self.cotangents[part] != here:
                    break
                here += self.program.values[part].width
            else:
                found[m.input] = at
        return found

    @cached_property
    def ends(self) -> dict[int, str]:
        """Pieces that are the cotangent of a state and nothing else: they lie where that goes."""
        found = {}
        for name, i in self.program.results.items():
            value = self.program.values[i]
            if value.op == "piece" and name.startswith("state:") and self.program.uses[i] == 1:
                found[int(value.name)] = name.removeprefix("state:")
        return found

    def place(self, p: int) -> tuple[str | int, ...]:
        """Where a piece of the adjoint lies."""
        if p in self.ends:
            return "state", self.ends[p]
        return "scratch", next(i for i, v in enumerate(self.program.values) if v.op == "piece" and v.name == str(p))

    @cached_property
    def scratch(self) -> dict[int, int]:
        """First column in scratch of each value that is there."""
        loose = [m.input for m in self.program.products if m.input not in self.cats]
        pieces = [i for i, v in enumerate(self.program.values) if v.op == "piece" and int(v.name) not in self.ends]
        return _places((i, self.program.values[i].width) for i in dict.fromkeys([*loose, *pieces, *self.schedule.kept]))

    @property
    def scratch_width(self) -> int:
        return sum(self.program.values[i].width for i in self.scratch)

    @cached_property
    def runs(self) -> list[list[Run]]:
        """Each product, to the piece that it is added to."""
        started: set[int] = set()
        result: dict[int, list[Run]] = {}
        for k, pieces in self.schedule.turns(columns(self.program)):
            found = []
            for offset, p in pieces:
                piece = self.program.pieces[p]
                start = "row" if piece.init is None and p not in started else "there"
                started.add(p)
                kind, where = self.place(p)
                if kind == "state":
                    found.append(Run(k, offset, piece.width, f"state:{where}", 0, start))
                else:
                    found.append(Run(k, offset, piece.width, "scratch", self.scratch[int(where)], start))
            result[k] = [run for one in found for run in _by_heads(one, self.program)]
        return [result[k] for k in sorted(result)]

    @cached_property
    def inputs(self) -> list[Run]:
        """The products that give the input's cotangent: stretches of the cotangents, by rows of the projection."""
        found = []
        for name, i in self.program.results.items():
            kind, _, p = name.partition(":")
            if kind == "piece" and self.forward.program.pieces[int(p)].x is not None:
                piece = self.forward.program.pieces[int(p)]
                found.append((self.cotangents[i], piece.width, piece.x or 0, ""))
        return [
            Run(-1, s, n, "cotangents", x, "there" if j else "row") for j, (s, n, x, _) in enumerate(_joined(found))
        ]


def cat_parts(program: Program, i: int) -> list[tuple[int, int]]:
    """The values that lie side by side as value ``i``, itself if it is no cat, and their first columns."""
    value = program.values[i]
    parts, at = [], 0
    for part in value.args if value.op == "cat" else (i,):
        parts.append((part, at))
        at += program.values[part].width
    return parts


def by_heads(first: int, size: int, head: int) -> list[tuple[int, int, int]]:
    """Columns of heads as wide as ``head``, cut where they are of a part of a head: first column, size, whole heads.

    >>> by_heads(0, 24, 8), by_heads(6, 20, 8)
    ([(0, 24, 3)], [(6, 2, 1), (8, 16, 2), (24, 2, 1)])
    """
    last = first + size
    ends = sorted({first, min(-(-first // head) * head, last), max(last // head * head, first), last})
    return [(a, b - a, max(1, (b - a) // head)) for a, b in pairwise(ends)]


def _by_heads(run: Run, program: Program) -> list[Run]:
    """A run of a product, cut so that each goes over whole heads, or over a part of one."""
    product = program.products[run.product]
    heads = program.heads(product.matrix)
    if heads == 1:
        return [run]
    head, depth = product.width // heads, program.depth(product)
    return [
        replace(run, source=a, size=size, target=run.target + a - run.source, first=a // head * depth, blocks=blocks)
        for a, size, blocks in by_heads(run.source, run.size, head)
    ]


def _places(sizes: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    """First column of each, side by side."""
    places, at = {}, 0
    for key, size in sizes:
        places[key] = at
        at += size
    return places


def _joined(found: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int, str]]:
    """(source, size, target, start) with neighbours made one."""
    result: list[tuple[int, int, int, str]] = []
    for source, size, target, start in sorted(found):
        if result:
            s, n, t, before = result[-1]
            if (s + n, t + n, before) == (source, target, start):
                result[-1] = (s, n + size, t, start)
                continue
        result.append((source, size, target, start))
    return result
