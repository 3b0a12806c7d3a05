"""A module's ``step``, read by ``torch.fx``, to a Program.

What of the step does not change over time (slices of weights, ``sigmoid`` of a parameter) is not part of the Program:
it is computed by PyTorch once a call, and its results are the Program's operands.
"""

import operator
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate
from torch.fx.proxy import TraceError

from elman.compiler.contract import ContractError, broken, check_number, results_of, widths_of
from elman.compiler.ops import block_linear, blocks
from elman.compiler.program import Builder, Program, tidy
from elman.errors import ElmanError

_TORCH = str(Path(torch.__file__).parent)


class NotCompilable(ElmanError):
    """The step has something that the compiler does not know; the message names it and its line."""


@dataclass(frozen=True)
class Traced:
    """A Program, and how its operands come from the module's parameters and buffers."""

    program: Program
    sources: tuple[str, ...]  # the parameters and buffers that it reads
    prologue: fx.GraphModule | None  # from those to the operands; None where they are the operands

    def evaluate(self, module: nn.Module) -> list[Tensor]:
        """The operands, with autograd, in the order of the Program's."""
        found = [attribute(module, path) for path in self.sources]
        return found if self.prologue is None else list(self.prologue(*found))


def trace(module: nn.Module, x_width: int, states: Mapping[str, int], extras: Mapping[str, int]) -> Traced:
    """Read ``module.step(x, *states, **extras) -> (output, *new_states)``.

    Args:
        x_width: columns of the projected input.
        states: name to width of each state, in the order of the arguments.
        extras: name to width of each keyword-only argument.

    Raises:
        NotCompilable: an operation outside the subset, or a step that branches on its values.
        ElmanError: a step that gives something else than its output and its new states.
    """
    module = _skeleton(module)
    try:
        graph = _StepTracer(states, extras).trace(module)
    except ContractError:
        raise
    except (TraceError, TypeError, AttributeError, ValueError, NotImplementedError) as error:
        where = _line(traceback.extract_tb(error.__traceback__))
        raise NotCompilable(f"{type(module).__name__}.step cannot be read, {where}: {error}") from error
    return _Reader(module, x_width, states, extras).read(graph)


def _skeleton(module: nn.Module) -> nn.Module:
    """A view of the module with the shapes of its parameters and buffers alone, whatever stands in for them now."""
    view = object.__new__(type(module))
    own = vars(module)
    like = {name: None if p is None else torch.empty(p.shape, device="meta") for name, p in own["_parameters"].items()}
    vars(view).update(
        own
        | {
            "_parameters": {name: None if p is None else nn.Parameter(p) for name, p in like.items()},
            "_buffers": {
                n: None if b is None else torch.empty_like(b, device="meta") for n, b in own["_buffers"].items()
            },
            "_modules": {name: m if m is None else _skeleton(m) for name, m in own["_modules"].items()},
        }
    )
    return view


class _StepTracer(fx.Tracer):
    traced_func_name = "step"

    def __init__(self, states: Iterable[str], extras: Iterable[str]) -> None:
        super().__init__()
        self.rows, self.named = ["x", *states], list(extras)

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> Any:
        # by the names it is run with, since what stands around a step may take more than its signature says
        rows = [self.create_proxy("placeholder", name, (), {}) for name in self.rows]
        named = {name: self.create_proxy("placeholder", name, (), {}) for name in self.named}

        def step() -> Any:
            results = root_fn(self.root, *rows, **named)
            if not isinstance(results, fx.Proxy):  # what torch cannot write down in a graph is refused in our words
                check_number(self.root, results)
            return results

        return step, []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return False

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(*args, **kwargs)
        # torch's own record of it is of frames within one that is named forward
        frames = traceback.StackSummary.extract(traceback.walk_stack(None), lookup_lines=False)
        node.meta["line"] = _line(reversed(frames))
        return node


@dataclass(frozen=True)
class _Fixed:
    """Something that does not change over time: a node of the graph, and its value for the shape."""

    node: fx.Node
    value: Any


@dataclass(frozen=True)
class _Row:
    """A value of the Program, or a list of them."""

    index: int


class _Reader:
    """Goes through the graph once; each node becomes a number, a fixed value, a row, or a list of rows."""

    def __init__(self, module: nn.Module, x_width: int, states: Mapping[str, int], extras: Mapping[str, int]) -> None:
        self.module, self.b = module, Builder()
        self.x_width, self.states, self.extras = x_width, dict(states), dict(extras)
        self.operands: dict[str, fx.Node] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.names: dict[fx.Node, str] = {}
        self.known: dict[fx.Node, Any] = {}

    def read(self, graph: fx.Graph) -> Traced:
        inputs = ["x", *self.states]
        for node in graph.nodes:
            if node.op == "placeholder":
                if node.target in self.extras:
                    row = self.b.leaf("extra", self.extras[node.target], node.target)
                elif (name := inputs.pop(0)) == "x":
                    row = self.b.leaf("x", self.x_width)
                else:
                    row = self.b.leaf("state", self.states[name], name)
                self.known[node] = _Row(row)
            elif node.op == "get_attr":
                self.known[node] = _Fixed(node, attribute(self.module, str(node.target)).detach())
            elif node.op == "output":
                return self._finish(fx.map_arg(node.args[0], lambda n: self.known[n]))
            else:
                self.known[node] = self._node(node)
        raise NotCompilable("a step without a result")

    def _finish(self, out: Any) -> Traced:
        check_number(self.module, out)
        results = {}
        names = zip(["output", *(f"state:{s}" for s in self.states)], results_of(self.module), strict=True)
        for (name, called), width, value in zip(names, widths_of(self.module), out, strict=True):
            if not isinstance(value, _Row):
                raise broken(self.module, f"gives as {called} what is not a row for each sequence of the batch")
            if self.width(value) != width:
                raise broken(
                    self.module, f"gives {called} of [batch, {self.width(value)}] where [batch, {width}] is right"
                )
            results[name] = value.index
        program = tidy(
            self.b, results, states=self.states, extras=self.extras, operands=self.shapes, x_width=self.x_width
        )
        operands = [self.operands[name] for name in program.operands]
        if all(node.op == "get_attr" for node in operands):
            return Traced(program, tuple(str(node.target) for node in operands), None)
        sources = [source for node in operands for source in _fixed_sources(node)]
        paths = tuple(dict.fromkeys(str(source.target) for source in sources))
        return Traced(program, paths, _prologue(paths, sources, operands))

    def _node(self, node: fx.Node) -> Any:
        args = fx.map_arg(node.args, lambda n: self.known[n])
        kwargs = fx.map_arg(node.kwargs, lambda n: self.known[n])
        flat: list[Any] = []
        map_aggregate((args, kwargs), flat.append)
        if not any(isinstance(a, _Row) for a in flat):
            try:
                plain = map_aggregate((args, kwargs), lambda a: a.value if isinstance(a, _Fixed) else a)
                return _Fixed(node, _call(node, *plain))  # type: ignore[misc]
            except Exception as error:
                raise NotCompilable(f"{_where(node)}: {error}") from error
        handler = _HANDLERS.get(node.target)
        if handler is None:
            name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
            raise NotCompilable(f"{name} is not among what the compiler can read, {_where(node)}; it reads {SUBSET}")
        try:
            return handler(self, *args, **kwargs)
        except (TypeError, ValueError) as error:
            raise NotCompilable(f"{_where(node)}: {error}") from error

    def _row(self, value: Any) -> int:
        """The row of a value: itself, a constant, or an operand."""
        if isinstance(value, _Row):
            return value.index
        if isinstance(value, bool | int | float):
            return self.b.constant(value)
        if isinstance(value, _Fixed):
            if not isinstance(value.value, Tensor):
                return self.b.constant(value.value)
            shape = [s for s in value.value.shape if s != 1]
            if len(shape) > 1:
                raise ValueError(f"a fixed tensor of {list(value.value.shape)} is not one number a unit")
            return self.b.leaf("vector", shape[0] if shape else 1, self._operand(value, (shape or [1])[0]))
        raise ValueError(f"{value!r} is neither a row nor a number")

    def _operand(self, fixed: _Fixed, *shape: int) -> str:
        if fixed.node not in self.names:
            name = str(fixed.node.target) if fixed.node.op == "get_attr" else fixed.node.name
            self.names[fixed.node] = name
            self.operands[name], self.shapes[name] = fixed.node, shape
        return self.names[fixed.node]

    def op(self, name: str, *args: Any) -> _Row:
        rows = [self._row(a) for a in args]
        widths = {self.b.values[r].width for r in rows} - {1}
        if len(widths) > 1:
            raise ValueError(f"{name} of rows of {' and '.join(map(str, sorted(widths)))} columns")
        return _Row(self.b.op(name, *rows))

    def width(self, value: Any) -> int:
        return self.b.values[self._row(value)].width


def _elementwise(name: str) -> Callable[..., _Row]:
    return lambda reader, *args, **kwargs: reader.op(name, *args, *kwargs.values())


def _add(reader: _Reader, a: Any, b: Any, *, alpha: float = 1) -> _Row:
    return reader.op("add", a, b if alpha == 1 else reader.op("mul", alpha, b))


def _sub(reader: _Reader, a: Any, b: Any, *, alpha: float = 1) -> _Row:
    return reader.op("sub", a, b if alpha == 1 else reader.op("mul", alpha, b))


def _rsub(reader: _Reader, a: Any, b: Any, *, alpha: float = 1) -> _Row:
    return _sub(reader, b, a, alpha=alpha)


def _clamp(reader: _Reader, v: Any, min: Any = None, max: Any = None) -> _Row:
    if min is not None:
        v = reader.op("maximum", min, v)
    return v if max is None else reader.op("minimum", max, v)


def _power(reader: _Reader, v: Any, exponent: Any) -> _Row:
    if exponent == 2:
        return reader.op("mul", v, v)
    if not isinstance(exponent, int | float):
        raise ValueError("a power by something that is not a number")
    return reader.op("sqrt", v) if exponent == 0.5 else reader.op("pow", v, exponent)


def _square(reader: _Reader, v: Any) -> _Row:
    return reader.op("mul", v, v)


def _where_op(reader: _Reader, condition: Any, a: Any, b: Any) -> _Row:
    return reader.op("where", condition, a, b)


def _softplus(reader: _Reader, v: Any, beta: float = 1, threshold: float = 20) -> _Row:
    if beta != 1:
        return reader.op("div", reader.op("softplus", reader.op("mul", v, beta)), beta)
    return reader.op("softplus", v)


def _logsigmoid(reader: _Reader, v: Any) -> _Row:
    return reader.op("neg", reader.op("softplus", reader.op("neg", v)))


def _silu(reader: _Reader, v: Any, inplace: bool = False) -> _Row:
    return reader.op("mul", v, reader.op("sigmoid", v))


def _gelu(reader: _Reader, v: Any, approximate: str = "none") -> _Row:
    if approximate != "none":
        raise ValueError("gelu by an approximation")
    half = reader.op("add", 1, reader.op("erf", reader.op("mul", v, 0.5**0.5)))
    return reader.op("mul", reader.op("mul", v, 0.5), half)


def _relu(reader: _Reader, v: Any, inplace: bool = False) -> _Row:
    return reader.op("relu", v)


def _elu(reader: _Reader, v: Any, alpha: float = 1.0, inplace: bool = False) -> _Row:
    low = reader.op("mul", alpha, reader.op("expm1", reader.op("minimum", 0, v)))
    return reader.op("where", reader.op("gt", v, 0), v, low)


def _leaky_relu(reader: _Reader, v: Any, negative_slope: float = 0.01, inplace: bool = False) -> _Row:
    return reader.op("where", reader.op("gt", v, 0), v, reader.op("mul", negative_slope, v))


def _same(reader: _Reader, v: Any, *args: Any, **kwargs: Any) -> Any:
    return v


def _chunk(reader: _Reader, v: Any, chunks: int, dim: int = 0) -> list[_Row]:
    size = -(-reader.width(v) // chunks)
    return _split(reader, v, size, dim)


def _split(reader: _Reader, v: Any, sizes: int | Sequence[int], dim: int = 0) -> list[_Row]:
    if dim not in (-1, 1):
        raise ValueError(f"a row is split along its last axis, not along {dim}")
    width = reader.width(v)
    if isinstance(sizes, int):
        sizes = [min(sizes, width - at) for at in range(0, width, sizes)]
    pieces, at = [], 0
    for size in sizes:
        pieces.append(_Row(reader.b.slice(reader._row(v), at, size)))
        at += size
    return pieces


def _getitem(reader: _Reader, v: Any, key: Any) -> Any:
    if isinstance(v, list | tuple):
        return v[key]
    if isinstance(key, tuple) and len(key) == 2 and key[0] in (Ellipsis, slice(None)):
        key = key[1]
    elif not isinstance(key, slice):
        raise ValueError(f"a row is cut by [..., start:stop], not by {key!r}")
    if not isinstance(key, slice):
        raise ValueError(f"a row is cut by [..., start:stop], not by {key!r}")
    start, stop, stride = key.indices(reader.width(v))
    if stride != 1:
        raise ValueError("a slice with a stride")
    if start >= stop:
        raise ValueError("a slice without columns")
    return _Row(reader.b.slice(reader._row(v), start, stop - start))


def _cat(reader: _Reader, rows: Sequence[Any], dim: int = 0) -> _Row:
    if dim not in (-1, 1):
        raise ValueError(f"rows are joined along the last axis, not along {dim}")
    return _Row(reader.b.cat([reader._row(r) for r in rows]))


def _linear(reader: _Reader, v: Any, weight: Any, bias: Any = None) -> _Row:
    if not isinstance(weight, _Fixed) or weight.value.dim() != 2:
        raise ValueError("a product by something that changes over time")
    rows, columns = weight.value.shape
    if reader.width(v) != columns:
        raise ValueError(f"a product of a row of {reader.width(v)} with a matrix of {[rows, columns]}")
    mix = _Row(reader.b.mix(reader._row(v), reader._operand(weight, rows, columns), rows))
    return mix if bias is None else reader.op("add", mix, bias)


def _block_linear(reader: _Reader, v: Any, weight: Any, bias: Any = None) -> _Row:
    if not isinstance(weight, _Fixed):
        raise ValueError("a product by something that changes over time")
    node = weight.node.graph.call_function(blocks, (weight.node,))
    return _linear(reader, v, _Fixed(node, blocks(weight.value)), bias)


def _matmul(reader: _Reader, v: Any, weight: Any) -> _Row:
    if not isinstance(weight, _Fixed) or weight.value.dim() != 2:
        raise ValueError("a product by something that changes over time")
    rows, columns = weight.value.shape
    if reader.width(v) != rows:
        raise ValueError(f"a product of a row of {reader.width(v)} with a matrix of {[rows, columns]}")
    return _Row(reader.b.mix(reader._row(v), reader._operand(weight, rows, columns), columns, transposed=True))


def _mean(reader: _Reader, v: Any, dim: int = -1, keepdim: bool = False) -> _Row:
    return reader.op("mul", _sum(reader, v, dim, keepdim), 1 / reader.width(v))


def _sum(reader: _Reader, v: Any, dim: int = -1, keepdim: bool = False) -> _Row:
    if dim not in (-1, 1) or not keepdim:
        raise ValueError("a sum over the units keeps its axis: sum(-1, keepdim=True)")
    row = reader._row(v)
    return _Row(row if reader.width(v) == 1 else reader.b.sum(row))


def _layer_norm(
    reader: _Reader, v: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> _Row:
    center = reader.op("sub", v, _mean(reader, v, -1, True))
    variance = _mean(reader, _square(reader, center), -1, True)
    v = reader.op("mul", center, reader.op("rsqrt", reader.op("add", variance, eps)))
    v = v if weight is None else reader.op("mul", v, weight)
    return v if bias is None else reader.op("add", v, bias)


def _rms_norm(reader: _Reader, v: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> _Row:
    if eps is None:
        raise ValueError("rms_norm without its eps")
    square = _mean(reader, _square(reader, v), -1, True)
    v = reader.op("mul", v, reader.op("rsqrt", reader.op("add", square, eps)))
    return v if weight is None else reader.op("mul", v, weight)


_HANDLERS: dict[Any, Callable[..., Any]] = {}
for _name in (
    "mul div neg exp expm1 log log1p sigmoid tanh sqrt rsqrt abs sign sin cos erf "
    "maximum minimum gt ge lt le eq ne detach"
).split():
    for _target in (getattr(torch, _name, None), getattr(operator, _name, None), _name):
        if _target is not None:
            _HANDLERS[_target] = _elementwise(_name)
for _targets, _handler in (
    ((operator.truediv, torch.true_divide, "true_divide"), _elementwise("div")),
    ((operator.abs, torch.absolute), _elementwise("abs")),
    ((operator.pos, torch.clone, "clone", "contiguous", "float", "double", "to", "type_as"), _same),
    ((torch.negative, "negative"), _elementwise("neg")),
    ((torch.multiply, "multiply"), _elementwise("mul")),
    ((torch.special.expit, F.sigmoid), _elementwise("sigmoid")),
    ((F.tanh,), _elementwise("tanh")),
    ((torch.add, operator.add, "add"), _add),
    ((torch.sub, torch.subtract, operator.sub, "sub"), _sub),
    ((torch.rsub,), _rsub),
    ((torch.clamp, torch.clip, "clamp", "clip", F.hardtanh), _clamp),
    ((torch.pow, operator.pow, "pow"), _power),
    ((torch.square, "square"), _square),
    ((torch.reciprocal, "reciprocal"), lambda reader, v: reader.op("div", 1, v)),
    ((torch.where,), _where_op),
    ((torch.relu, F.relu, "relu"), _relu),
    ((F.softplus,), _softplus),
    ((F.logsigmoid,), _logsigmoid),
    ((F.silu,), _silu),
    ((F.gelu,), _gelu),
    ((F.elu,), _elu),
    ((F.leaky_relu,), _leaky_relu),
    ((torch.chunk, "chunk"), _chunk),
    ((torch.split, "split"), _split),
    ((operator.getitem,), _getitem),
    ((torch.cat, torch.concat), _cat),
    ((F.linear,), _linear),
    ((block_linear,), _block_linear),
    ((torch.matmul, torch.mm, operator.matmul, "matmul", "mm"), _matmul),
    ((torch.sum, "sum"), _sum),
    ((torch.mean, "mean"), _mean),
    ((F.layer_norm,), _layer_norm),
    ((F.rms_norm,), _rms_norm),
):
    for _target in _targets:
        _HANDLERS[_target] = _handler

SUBSET = (
    "the four operations, powers, comparisons and where; exp, log, sigmoid, tanh, relu, softplus, sqrt, sin, cos, erf, "
    "abs, sign, minimum, maximum, clamp, silu, gelu, elu; chunk, split, cat and slices of the last axis; linear and "
    "matmul by fixed matrices, block_linear; sums and means over the last axis, layer_norm and rms_norm"
)


def _fixed_sources(node: fx.Node) -> list[fx.Node]:
    """The parameters and buffers that a node that does not change over time is made from."""
    if node.op == "get_attr":
        return [node]
    return [source for arg in node.all_input_nodes for source in _fixed_sources(arg)]


def _prologue(paths: Iterable[str], sources: Iterable[fx.Node], operands: Iterable[fx.Node]) -> fx.GraphModule:
    """The part of the step that does not change over time, as a function of its parameters and buffers."""
    graph = fx.Graph()
    inputs = {path: graph.placeholder(path.replace(".", "_")) for path in paths}
    known = {source: inputs[str(source.target)] for source in sources}

    def copy(node: fx.Node) -> fx.Node:
        if node not in known:
            for arg in node.all_input_nodes:
                copy(arg)
            known[node] = graph.node_copy(node, lambda n: known[n])
        return known[node]

    graph.output(tuple(copy(node) for node in operands))
    return fx.GraphModule(nn.Module(), graph)


def attribute(module: Any, path: str) -> Any:
    """What stands at a path such as ``norm.weight``."""
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _call(node: fx.Node, args: Any, kwargs: Any) -> Any:
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    return node.target(*args, **kwargs)  # type: ignore[operator]


def _where(node: fx.Node) -> str:
    """The file and line of the step that a node stands for."""
    return node.meta["line"]


def _line(frames: Iterable[traceback.FrameSummary]) -> str:
    """The file and line of the innermost frame that is neither PyTorch's nor this file's."""
    own = [f"{f.filename}:{f.lineno}" for f in frames if not f.filename.startswith(_TORCH) and f.filename != __file__]
    return own[-1] if own else "in the step"
