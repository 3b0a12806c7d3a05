"""A module's ``step``, read while it runs over tensors without numbers, to a Program.

What of the step does not change over time (slices of weights, ``sigmoid`` of a parameter) is not part of the Program:
it is computed by PyTorch once a call, and its results are the Program's operands.
"""

import operator
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map_only

from elman.compiler import vocabulary
from elman.compiler.contract import ContractError, NotCompilable, broken, check_number, place_of, results_of, widths_of
from elman.compiler.program import Program, tidy
from elman.compiler.recording import Fixed, Known, Number, Recording, Row
from elman.errors import ElmanError

_OURS = (str(Path(torch.__file__).parent), str(Path(__file__).parent))
_ASKED = {"item", "tolist", "numpy", "__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__"}
_RANDOM = frozenset(
    "rand randn randint randperm rand_like randn_like randint_like normal bernoulli multinomial poisson binomial "
    "exponential cauchy geometric log_normal random uniform rrelu alpha_dropout feature_dropout gumbel_softmax".split()
)


@dataclass(frozen=True)
class Traced:
    """A Program, and how its operands come from the module's parameters and buffers."""

    program: Program
    sources: tuple[str, ...]  # the parameters and buffers that it reads
    prologue: fx.GraphModule | None  # from those to the operands; None where they are the operands
    projection: tuple[tuple[str, ...], fx.GraphModule] | None = None  # the same for the input's matrix, where x is raw

    def evaluate(self, module: nn.Module) -> list[Tensor]:
        """The operands, with autograd, in the order of the Program's."""
        found = [attribute(module, path) for path in self.sources]
        return found if self.prologue is None else list(self.prologue(*found))


def trace(
    module: nn.Module, x_width: int, states: Mapping[str, int], extras: Mapping[str, int], *, lift: bool = False
) -> Traced:
    """Read ``module.step(x, *states, **extras) -> (output, *new_states)``.

    The step runs once, over a batch of tensors that have a shape and no numbers, so that all that Python does with
    shapes is done as it is: branches, loops, calls of other modules.

    Args:
        x_width: columns of the input that the step takes.
        states: name to width of each state, in the order of the arguments.
        extras: name to width of each keyword-only argument.
        lift: whether the step takes the input as it is; then its products are taken out of the step, into a projection
            of the input for all steps at once.

    Raises:
        NotCompilable: an operation outside the subset, or a step that branches on its values.
        ElmanError: a step that gives something else than its output and its new states.
    """
    module = skeleton(module)
    recording = Recording(_batch(module, [x_width, *states.values(), *extras.values()]), x_width if lift else 0)
    reader = _Reader(module, recording)
    with torch.enable_grad(), torch.device("meta"):
        x = reader.input("x", x_width)
        rows = [reader.input("state", width, name) for name, width in states.items()]
        named = {name: reader.input("extra", width, name) for name, width in extras.items()}
        with reader, _refusals(module):
            out = module.step(x, *rows, **named)  # type: ignore[operator]
        check_number(module, out)
        results = {}
        names = zip(["output", *(f"state:{s}" for s in states)], results_of(module), strict=True)
        for (name, called), width, value in zip(names, widths_of(module), out, strict=True):
            results[name] = reader.result(value, called, width)
    raw = recording.lift(results.values()) if lift else None
    program = tidy(
        recording.b, results, states=dict(states), extras=dict(extras), operands=recording.shapes,
        x_width=x_width if raw is None else recording.x_width,
    )  # fmt: skip
    projection = None if raw is None else _graph([raw])
    operands = [recording.operands[name] for name in program.operands]
    if all(node.op == "get_attr" for node in operands):
        return Traced(program, tuple(str(node.target) for node in operands), None, projection)
    return Traced(program, *_graph(operands), projection)


def _graph(made: Sequence[fx.Node]) -> tuple[tuple[str, ...], fx.GraphModule]:
    """What does not change over time, as a function of parameters and buffers, and the paths of those."""
    sources = [source for node in made for source in _fixed_sources(node)]
    paths = tuple(dict.fromkeys(str(source.target) for source in sources))
    return paths, _prologue(paths, sources, made)


def _batch(module: nn.Module, widths: Iterable[int]) -> int:
    """A number of rows that nothing else is as many of, so that the axis of the batch is known by it."""
    taken = {size for p in (*module.parameters(), *module.buffers()) for size in p.shape} | set(widths)
    return next(n for n in chain((101, 103, 107, 109, 113, 127, 131, 137, 139, 149), count(151, 2)) if n not in taken)


@contextmanager
def _refusals(module: nn.Module) -> Iterator[None]:
    """What a step raises while it is read, in the words of what cannot be read."""
    try:
        yield
    except ElmanError:
        raise
    except Exception as error:  # whatever a person's own code may raise; the loop raises it again
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        where = _line(_frames_of(error))
        raise NotCompilable(f"{type(module).__name__}.step cannot be read, {where}: {reason}") from error


def skeleton(module: nn.Module, device: torch.device | str = "meta", dtype: torch.dtype | None = None) -> nn.Module:
    """A view of the module with the shapes of its parameters and buffers alone, whatever stands in for them now."""
    view = object.__new__(type(module))
    own, parameters = vars(module), dict[str, Tensor | None]()
    for name, p in own["_parameters"].items():
        parameters[name] = None if p is None else nn.Parameter(torch.empty(p.shape, device=device, dtype=dtype))
    vars(view).update(
        own
        | {
            "_parameters": parameters,
            "_buffers": {n: None if b is None else _bare(b, device, dtype) for n, b in own["_buffers"].items()},
            "_modules": {n: m if m is None else skeleton(m, device, dtype) for n, m in own["_modules"].items()},
        }
    )
    return view


def _bare(buffer: Tensor, device: torch.device | str, dtype: torch.dtype | None) -> Tensor:
    """A buffer without its numbers."""
    return torch.empty(buffer.shape, dtype=dtype if buffer.is_floating_point() else buffer.dtype, device=device)


class _Reader(TorchFunctionMode):
    """Sees each function of PyTorch that a step calls, and writes down what it makes."""

    def __init__(self, module: nn.Module, recording: Recording) -> None:
        super().__init__()
        self.module, self.recording = module, recording
        self.known: dict[int, Known | str] = {}  # by the tensor; a text where it may not be used any more
        self.kept: list[Tensor] = []  # so that no other tensor gets the same identity
        self.sharing: dict[int, list[int]] = {}  # tensors by their storage
        for path, tensor in (*module.named_parameters(), *module.named_buffers()):
            self._know(tensor, Fixed(recording.parameter(path), tensor))
        self.inputs: set[int] = set()

    def input(self, op: str, width: int, name: str = "") -> Tensor:
        """A tensor for an input of the step, ``[B, width]``."""
        tensor = torch.empty(self.recording.batch, width, requires_grad=True).clone()
        self.inputs.add(self._know(tensor, Row(self.recording.b.leaf(op, width, name), tensor)))
        return tensor

    def result(self, value: Any, called: str, width: int) -> int:
        """The value of the Program that a result is."""
        try:
            known = self._of(value) if isinstance(value, Tensor) else None
        except NotCompilable as error:
            raise NotCompilable(f"{place_of(type(self.module).step)}: {called}: {error}") from error  # type: ignore
        if not isinstance(known, Row):
            raise broken(self.module, f"gives as {called} what is not a row for each sequence of the batch")
        if list(value.shape) != [self.recording.batch, width]:
            shape = self.recording.told(value.shape)
            raise broken(self.module, f"gives {called} of {shape} where [batch, {width}] is right")
        return known.index

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = vocabulary.name_of(func), kwargs or {}
        flat = tree_flatten((args, kwargs))[0]
        given = [each for each in flat if isinstance(each, Tensor)]
        if name in vocabulary.ABOUT:  # the shape, the dtype, ...
            return func(*args, **kwargs)
        where = _line(_frames())
        if name in _ASKED:
            raise NotCompilable(f"the value of a tensor is asked for, {where}, and a Program has none before it runs")
        try:
            return self._seen(func, name, args, kwargs, [(each, self._of(each)) for each in given])
        except ContractError:
            raise
        except NotCompilable as error:
            raise NotCompilable(f"{error}, {where}" if where not in str(error) else str(error)) from error
        except (TypeError, ValueError, RuntimeError, NotImplementedError, IndexError) as error:
            raise NotCompilable(f"{where}: {str(error).split(chr(10))[0]}") from error

    def _seen(self, func: Any, name: str, args: Any, kwargs: Any, given: Sequence[tuple[Tensor, Known]]) -> Any:
        kinds = [known for _, known in given]
        if name.removesuffix("_") in _RANDOM or (name == "dropout" and vocabulary.drops(args, kwargs)):
            raise NotCompilable(f"{name} draws random numbers, which the compiler cannot read")
        if (number := vocabulary.filling(name, args, kwargs)) is not None:
            return self._filled(func(*args, **kwargs), number)
        if not any(isinstance(known, Row) for known in kinds):
            return self._fixed(func, name, args, kwargs, kinds)
        if name in vocabulary.MADE_OF:
            with self:
                return vocabulary.MADE_OF[name](*args, **kwargs)
        handler = vocabulary.handler(name)
        if handler is None:
            raise NotCompilable(f"{name} is not among what the compiler can read; it reads {vocabulary.SUBSET}")
        known = tree_map_only(Tensor, self._of, (args, kwargs))
        made = handler(self.recording, func, *known[0], **known[1])
        out = func(*args, **kwargs)
        tensors = [out] if isinstance(out, Tensor) else list(out)
        rows = made if isinstance(made, list) else [made]
        for tensor, index in zip(tensors, rows, strict=True):
            self._check(tensor, index, name)
            if not torch.is_grad_enabled():
                index = self.recording.b.op("detach", index)
            changed = next((known for each, known in given if each is tensor), None)
            if isinstance(changed, Row) and changed.index != index:
                self._change(tensor, name)
            self._know(tensor, Row(index, tensor))
        return out

    def _check(self, tensor: Tensor, index: int, name: str) -> None:
        if not tensor.is_floating_point() and (tensor.dtype != torch.bool or name in ("to", "type_as")):
            raise ValueError(f"{name} gives {tensor.dtype}, and a Program computes with floats")
        if tensor.dtype == torch.bool and name.removesuffix("_") == "add":
            raise ValueError("a sum of what is true or false is no number; write |")
        width = self.recording.b.values[index].width
        if self.recording.batch not in tensor.shape or tensor.numel() != self.recording.batch * width:
            raise ValueError(
                f"what it gives is not a row for each sequence of the batch but {self.recording.told(tensor.shape)}"
            )

    def _filled(self, tensor: Tensor, number: float) -> Tensor:
        """A tensor of one number, in each row or over time."""
        b = self.recording.b
        if self.recording.batch in tensor.shape:
            index = b.widen(b.constant(number), tensor.numel() // self.recording.batch)
            self._know(tensor, Row(index, tensor))
        else:
            self._know(tensor, Number(number, tensor))
        return tensor

    def _fixed(self, func: Any, name: str, args: Any, kwargs: Any, kinds: Sequence[Known]) -> Any:
        """What is made of parameters, buffers and numbers alone."""
        if name.endswith("_") and not name.endswith("__"):
            raise NotCompilable(f"{name} changes what does not change over time")
        out = func(*args, **kwargs)
        tensors = [out] if isinstance(out, Tensor) else [each for each in out if isinstance(each, Tensor)]
        if all(id(tensor) in self.known for tensor in tensors):
            return out
        if not any(isinstance(known, Fixed) for known in kinds):
            raise NotCompilable(f"{name} makes a tensor of numbers; give it to the module as a buffer")
        nodes = tree_map_only(Tensor, lambda each: self.recording.node(self._of(each)), (args, kwargs))
        node = self.recording.call(func, name, *nodes)
        for n, tensor in enumerate(tensors):
            own = node if isinstance(out, Tensor) else self.recording.graph.call_function(operator.getitem, (node, n))
            own = own if torch.is_grad_enabled() else self.recording.graph.call_method("detach", (own,))
            fixed = Fixed(own, tensor)
            if self.recording.batch in tensor.shape:
                self._know(tensor, Row(self.recording.repeated(fixed), tensor))
            else:
                self._know(tensor, fixed)
        return out

    def _of(self, tensor: Tensor) -> Known:
        known = self.known.get(id(tensor))
        if isinstance(tensor.grad_fn, BackwardCFunction):
            raise NotCompilable(f"{type(tensor.grad_fn).__name__.removesuffix('Backward')} has a derivative of its own")
        if known is None:
            raise NotCompilable(
                "there is a tensor that is neither a parameter, a buffer nor made from them and the inputs"
            )
        if isinstance(known, str):
            raise NotCompilable(known)
        return known

    def _know(self, tensor: Tensor, known: Known) -> int:
        self.known[id(tensor)] = known
        self.kept.append(tensor)
        self.sharing.setdefault(tensor.untyped_storage()._cdata, []).append(id(tensor))
        return id(tensor)

    def _change(self, tensor: Tensor, name: str) -> None:
        """Others that lie in the memory of a tensor that is changed in place are not what they were."""
        if id(tensor) in self.inputs:
            raise NotCompilable(f"{name} changes an input of the step in its place")
        for other in self.sharing[tensor.untyped_storage()._cdata]:
            if other in self.inputs:
                raise NotCompilable(f"{name} changes an input of the step in its place")
            if other != id(tensor):
                self.known[other] = f"a tensor was changed by {name} through another one that shares its memory"


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
    """What stands at a path such as ``norm.weight``: a parameter, buffer or module, before what else has the name."""
    for name in path.split("."):
        own = vars(module)
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in own[kind]:
                module = own[kind][name]
                break
        else:
            module = getattr(module, name)
    return module


def _frames() -> Iterator[tuple[str, int]]:
    """The file and line of each frame, from the innermost."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _frames_of(error: BaseException) -> Iterator[tuple[str, int]]:
    """The same of where an error was raised."""
    places, entry = [], error.__traceback__
    while entry is not None:
        places.append((entry.tb_frame.f_code.co_filename, entry.tb_lineno))
        entry = entry.tb_next
    return reversed(places)


def _line(frames: Iterable[tuple[str, int]]) -> str:
    """The file and line of the innermost frame that is neither PyTorch's nor the compiler's."""
    own = (f"{file}:{line}" for file, line in frames if not file.startswith(_OURS))
    return next(own, "in the step")
