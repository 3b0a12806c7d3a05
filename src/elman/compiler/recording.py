"""What is written down of a step while it is read: values that change over time, and what is made once."""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_flatten, tree_map_only

from elman.compiler.ops import blocks, heads_of, parts_of_blocks
from elman.compiler.program import Builder
from elman.compiler.surroundings import undisturbed

PIECES = 64  # that the columns of a value are put together from, at most


@dataclass(frozen=True)
class Row:
    """A value of the Program, laid out one row after the other; ``tensor`` has its shape, with the batch somewhere."""

    index: int
    tensor: Tensor


@dataclass(frozen=True)
class Fixed:
    """Something that does not change over time: a node of the graph that makes it, and its shape."""

    node: fx.Node
    tensor: Tensor


@dataclass(frozen=True)
class Number:
    """A tensor of one number, of any shape without the batch."""

    number: float
    tensor: Tensor


Known = Row | Fixed | Number
KINDS = (Row, Fixed, Number)  # the same as a tuple


class Recording:
    """The values of a Program and the graph of what is made once, as they grow.

    Args:
        batch: how many rows stand for a batch.
        raw: columns of an input that is taken as it is, whose products are taken out of the step; 0 where it is not.
    """

    def __init__(self, batch: int, raw: int = 0) -> None:
        self.batch, self.b, self.graph = batch, Builder(), fx.Graph()
        self.raw, self.x_width = raw, raw  # the columns of the projected input: first itself, then its products
        self.lifted: list[fx.Node] = []  # the matrices of those
        self.operands: dict[str, fx.Node] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.names: dict[fx.Node, str] = {}
        self.parameters: list[fx.Node] = []

    def parameter(self, path: str) -> fx.Node:
        """The node of a parameter or a buffer."""
        self.parameters.append(self.graph.create_node("get_attr", path))
        return self.parameters[-1]

    def call(self, func: Callable[..., Any], name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> fx.Node:
        """A node of what is made once; methods and properties by their names, under which a graph finds them."""
        if type(func).__name__ == "method-wrapper":
            return self.graph.call_function(getattr, (args[0], name))
        if name == "__getitem__":
            return self.graph.call_function(operator.getitem, tuple(args))
        if getattr(torch.Tensor, getattr(func, "__name__", ""), None) is func:
            return self.graph.call_method(func.__name__, tuple(args), kwargs)
        return self.graph.call_function(func, tuple(args), kwargs)

    def node(self, known: Known) -> Any:
        """What stands for a value in the graph of what is made once."""
        if isinstance(known, Fixed):
            return known.node
        assert isinstance(known, Number)
        like = self._like()
        return self.graph.call_method("new_full", (like, tuple(known.tensor.shape), known.number))

    def _like(self) -> fx.Node:
        if not self.parameters:
            raise ValueError("the module has no parameter to tell what numbers it computes with")
        return self.parameters[0]

    def operand(self, node: fx.Node, *shape: int) -> str:
        """The name of an operand of the Program."""
        if node not in self.names:
            name = str(node.target) if node.op == "get_attr" else node.name
            name = f"self.{name}" if name in ("weight", "bias") else name  # those of the projection are called so
            self.names[node] = name
            self.operands[name], self.shapes[name] = node, shape
        return self.names[node]

    def vector(self, fixed: Fixed, shape: Sequence[int] = ()) -> int:
        """A fixed tensor as a value, one number a unit; broadcast to a shape."""
        node, tensor = fixed.node, fixed.tensor
        if not tensor.is_floating_point():
            node = self.graph.call_method("type_as", (node, self._like()))
        if tensor.numel() not in (1, math.prod(shape)):
            node = self.graph.call_method("expand", (node, tuple(shape)))
            tensor = tensor.expand(tuple(shape))
        if tensor.dim() > 1:
            node = self.graph.call_method("flatten", (node,))
        return self.b.leaf("vector", tensor.numel(), self.operand(node, tensor.numel()))

    def repeated(self, fixed: Fixed) -> int:
        """A fixed tensor that was repeated for each row of a batch, as a value."""
        at = list(fixed.tensor.shape).index(self.batch)
        node = self.graph.call_method("flatten", (self.graph.call_method("select", (fixed.node, at, 0)),))
        one = fixed.tensor.select(at, 0).flatten()
        return self.vector(Fixed(node, one), one.shape)

    def axis(self, shape: Sequence[int]) -> int:
        """Where the batch is."""
        places = [n for n, size in enumerate(shape) if size == self.batch]
        if len(places) != 1:
            raise ValueError("what it gives is not a row for each sequence of the batch")
        return places[0]

    def rest(self, shape: Sequence[int]) -> tuple[int, ...]:
        """A shape without the batch."""
        at = self.axis(shape)
        return (*shape[:at], *shape[at + 1 :])

    def broadcast_shape(self, shapes: Sequence[Sequence[int]]) -> Sequence[int]:
        """The shape of what an element-wise operation gives."""
        try:
            return torch.broadcast_shapes(*shapes)
        except RuntimeError as error:
            raise ValueError(f"an operation of {' and '.join(map(self.told, shapes))}") from error

    def told(self, shape: Sequence[int]) -> str:
        """A shape in words.

        >>> Recording(101).told((101, 3))
        '[batch, 3]'
        """
        return f"[{', '.join('batch' if size == self.batch else str(size) for size in shape)}]"

    def column(self, known: Known, shape: Sequence[int]) -> int:
        """An argument of an element-wise operation whose result has this shape, as a value as wide or of one number."""
        if isinstance(known, Number):
            return self.b.constant(known.number)
        if isinstance(known, Row):
            return self._broadcast(known, shape)
        at = self.axis(shape) - len(shape) + known.tensor.dim()
        if at >= 0:  # an axis of one, where the others have the batch
            node = self.graph.call_method("squeeze", (known.node, at))
            known = Fixed(node, known.tensor.squeeze(at))
        return self.vector(known, self.rest(shape))

    def _broadcast(self, row: Row, shape: Sequence[int]) -> int:
        value, own = self.b.values[row.index], row.tensor.shape
        if value.op == "widen":
            return value.args[0]
        if self.axis(own) - len(own) != self.axis(shape) - len(shape):
            raise ValueError("an operation across the sequences of a batch")
        rest, wanted = self.rest(own), self.rest(shape)
        if math.prod(rest) in (1, math.prod(wanted)):
            return row.index
        columns = np.arange(math.prod(rest)).reshape(rest)
        return self.gather(row.index, np.broadcast_to(columns, wanted).ravel())

    def gather(self, index: int, columns: np.ndarray) -> int:
        """The columns of a value, in any order."""
        value = self.b.values[index]
        if value.width == 1:
            return self.b.widen(index, len(columns))
        if value.op == "widen":
            return self.b.widen(value.args[0], len(columns))
        pieces: list[int] = []
        start = 0
        while start < len(columns):
            end = start + 1
            step = columns[end] - columns[start] if end < len(columns) else 1
            if step in (0, 1):
                while end < len(columns) and columns[end] - columns[end - 1] == step:
                    end += 1
            width = 1 if step == 0 and end > start + 1 else end - start
            pieces.append(self.b.widen(self.b.slice(index, int(columns[start]), width), end - start))
            if len(pieces) > PIECES:
                raise ValueError(f"columns in an order of more than {PIECES} pieces")
            start = end
        return self.b.cat(pieces)

    def rearranged(self, func: Callable[..., Any], args: Any, kwargs: Any) -> int | list[int]:
        """What a function gives that only puts numbers in another order, found by what it does with their places."""
        given = [known for known in tree_flatten((args, kwargs))[0] if isinstance(known, Known)]
        rows = [self._row(known) for known in given]
        sizes = [self.b.values[row].width for row in rows]
        total = sum(sizes)
        firsts = iter(np.cumsum([0, *sizes[:-1]]).tolist())
        with torch.device("cpu"):
            args, kwargs = tree_map_only(
                KINDS,
                lambda known: self._numbered(known.tensor.shape, next(firsts), total),
                (args, kwargs),
            )
            out = func(*args, **kwargs)
            joint = self.b.cat(rows)
            if isinstance(out, Tensor):
                return self._found(joint, out, total)
            return [self._found(joint, each, total) for each in out]

    def _row(self, known: Known) -> int:
        if not isinstance(known, Row):
            raise ValueError("rows are put together with what has no batch")
        return known.index

    def _numbered(self, shape: Sequence[int], first: int, total: int) -> Tensor:
        """The place of each number of a tensor among all: ``total`` in each row, its own from ``first`` on."""
        rest = self.rest(shape)
        places = torch.arange(self.batch)[:, None] * total + first + torch.arange(math.prod(rest))
        return places.reshape(self.batch, *rest).movedim(0, self.axis(shape))

    def _found(self, joint: int, places: Tensor, total: int) -> int:
        """The value whose numbers are those of ``joint`` in these places."""
        columns = places.movedim(self.axis(places.shape), 0).reshape(self.batch, -1)
        columns = columns - total * torch.arange(self.batch)[:, None]
        if not bool((columns == columns[0]).all()):
            raise ValueError("it mixes the sequences of a batch")
        if not columns.shape[1]:
            raise ValueError("a slice without columns")
        return self.gather(joint, columns[0].numpy())

    def groups(self, row: Row, dims: Any) -> np.ndarray:
        """The columns of a row that a reduction puts together: ``[groups, size]``.

        Args:
            row: what is reduced.
            dims: the axes, one or several; None for all.
        """
        shape = row.tensor.shape
        axes = range(len(shape)) if dims is None else [dims] if isinstance(dims, int) else dims
        axes = sorted(axis % len(shape) for axis in axes)
        at = self.axis(shape)
        if at in axes:
            raise ValueError("a sum over the units is over their axis, as sum(-1), and this one is over the batch")
        within = [axis - (axis > at) for axis in axes]
        rest = self.rest(shape)
        columns = np.arange(math.prod(rest)).reshape(rest)
        moved = np.moveaxis(columns, within, range(len(rest) - len(within), len(rest)))
        return moved.reshape(-1, math.prod(rest[axis] for axis in within))

    def by_groups(self, row: Row, dims: Any, make: Callable[[int], int]) -> int:
        """What ``make`` gives of each group of columns: one number each, or as many as it takes, in their places."""
        groups = self.groups(row, dims)
        if len(groups) > PIECES:
            raise ValueError(f"a reduction in more than {PIECES} groups")
        made = [make(self.gather(row.index, group)) for group in groups]
        whole = self.b.cat(made)
        width = self.b.values[row.index].width
        return whole if self.b.values[whole].width != width else self.gather(whole, np.argsort(groups.ravel()))

    def product(self, func: Callable[..., Any], name: str, args: Any, kwargs: Any) -> int:
        """What a function gives that is linear in the only row among its arguments: a product with a matrix.

        The matrix is what the function makes of the identity.
        """
        rows = [known for known in tree_flatten((args, kwargs))[0] if isinstance(known, Row)]
        if len(rows) != 1:
            raise ValueError("a product by something that changes over time")
        (row,) = rows
        shape, size = row.tensor.shape, self.b.values[row.index].width
        likes = [known.node for known in tree_flatten((args, kwargs))[0] if isinstance(known, Fixed)]
        given = self.graph.call_function(
            _identity, (likes[0] if likes else self._like(), size, self.rest(shape), self.axis(shape))
        )
        args_, kwargs_ = tree_map_only(
            KINDS, lambda known: given if isinstance(known, Row) else self.node(known), (args, kwargs)
        )
        plain = tree_map_only(KINDS, lambda known: known.tensor, (args, kwargs))
        out = func(*plain[0], **plain[1])
        node = self.call(func, name, args_, kwargs_)
        matrix = self.graph.call_function(_flattened, (node, self.axis(out.shape)))
        width = math.prod(self.rest(out.shape))
        heads = self._heads(func, args, kwargs, self.axis(out.shape))
        if heads == 1:
            return self.mix(row.index, matrix, size, width, transposed=True)
        shape = heads, size // heads, width // heads
        own = self.graph.call_function(parts_of_blocks, (matrix, *shape))
        return self.mix_by_heads(row.index, Fixed(own, torch.empty(shape, device="meta")), transposed=True)

    def _heads(self, func: Callable[..., Any], args: Any, kwargs: Any, axis: int) -> int:
        """How many blocks the matrix of a product has, whatever its factors: they are ones here, so nothing cancels."""

        def ones(known: Known) -> Tensor:
            if isinstance(known, Row):
                shape = known.tensor.shape
                like = torch.empty(0, dtype=known.tensor.dtype, device="cpu")
                return _identity(like, self.b.values[known.index].width, self.rest(shape), self.axis(shape))
            return torch.ones(known.tensor.shape, dtype=known.tensor.dtype, device="cpu")

        with undisturbed(), torch.no_grad():
            args, kwargs = tree_map_only(KINDS, ones, (args, kwargs))
            return heads_of(_flattened(func(*args, **kwargs), axis))

    def mix(self, index: int, matrix: fx.Node, rows: int, columns: int, *, transposed: bool) -> int:
        """A product with a matrix ``[rows, columns]``: by its transpose, or as it is."""
        width = columns if transposed else rows
        value = self.b.values[index]
        if self._is_raw(index):
            return self._product_of_input(value.offset, value.width, matrix, width, transposed=transposed)
        if value.op == "cat" and any(self._is_raw(part) for part in value.args):
            return self._parted(value.args, matrix, width, transposed=transposed)
        return self.b.mix(index, self.operand(matrix, rows, columns), width, transposed=transposed)

    def mix_by_heads(self, index: int, weight: Fixed, *, transposed: bool) -> int:
        """A product with a matrix for each head: with its transpose ``[heads, out, in]``, or as it is.

        Of the input, whose products are one projection for all steps, it is that with one matrix of zeros beside them.
        """
        heads, rows, columns = weight.tensor.shape
        value = self.b.values[index]
        if any(self._is_raw(part) for part in (index, *(value.args if value.op == "cat" else ()))):
            whole = self.graph.call_function(blocks, (weight.node,))
            return self.mix(index, whole, heads * rows, heads * columns, transposed=transposed)
        width = heads * (columns if transposed else rows)
        return self.b.mix(index, self.operand(weight.node, heads, rows, columns), width, transposed=transposed)

    def _is_raw(self, index: int) -> bool:
        value = self.b.values[index]
        return value.op == "x" and value.offset + value.width <= self.raw

    def _product_of_input(self, offset: int, size: int, matrix: fx.Node, width: int, *, transposed: bool) -> int:
        """A product of columns of the input, as columns of the projected input."""
        node = self.graph.call_method("t", (matrix,)) if transposed else matrix
        if size < self.raw:
            node = self.graph.call_function(torch.nn.functional.pad, (node, (offset, self.raw - offset - size)))
        self.lifted.append(node)
        self.x_width += width
        return self.b.leaf("x", width, offset=self.x_width - width)

    def _parted(self, parts: Sequence[int], matrix: fx.Node, width: int, *, transposed: bool) -> int:
        """A product of values side by side, of which some are of the input, as the sum of their products."""
        groups: list[list[int]] = []
        for part in parts:
            if groups and not self._is_raw(part) and not self._is_raw(groups[-1][-1]):
                groups[-1].append(part)
            else:
                groups.append([part])
        total, first = None, 0
        for group in groups:
            size = sum(self.b.values[part].width for part in group)
            own = self.graph.call_method("narrow", (matrix, 0 if transposed else 1, first, size))
            shape = (size, width) if transposed else (width, size)
            product = self.mix(self.b.cat(group), own, *shape, transposed=transposed)
            total = product if total is None else self.b.op("add", total, product)
            first += size
        assert total is not None
        return total

    def lift(self, results: Iterable[int]) -> fx.Node:
        """The matrix that projects the input, and the input itself left out of it where only its products are used."""
        todo, used = list(results), set[int]()
        while todo:
            index = todo.pop()
            if index not in used:
                used.add(index)
                todo.extend(self.b.values[index].args)
        matrices = list(self.lifted)
        if any(self._is_raw(index) for index in used) or not matrices:
            matrices.insert(
                0, self.graph.call_function(torch.diag, (self.graph.call_method("new_ones", (self._like(), self.raw)),))
            )
        else:
            self.b.values = [
                replace(value, offset=value.offset - self.raw) if value.op == "x" else value for value in self.b.values
            ]
            self.x_width -= self.raw
        return self.graph.call_function(torch.cat, (matrices,))


def _identity(like: Tensor, size: int, rest: Sequence[int], axis: int) -> Tensor:
    """For each number of a row a row of zeros with 1 in its place, in the shape ``rest`` with the batch at ``axis``."""
    return torch.eye(size, dtype=like.dtype, device=like.device).reshape(size, *rest).movedim(0, axis)


def _flattened(images: Tensor, axis: int) -> Tensor:
    """``[size, width]``: what became of each row of the identity."""
    return images.movedim(axis, 0).reshape(images.shape[axis], -1)
