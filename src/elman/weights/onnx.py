"""Weights of ONNX: the nodes LSTM, GRU and RNN of a graph."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from elman.cells import Cell, load
from elman.cells.recurrence import State
from elman.errors import ElmanError, ElmanWarning
from elman.layers import Recurrent
from elman.layers.recurrent import run_stack
from elman.weights.stack import Part, build, existing, listed, pick, reading, require

_GATES = {"LSTM": "iofg", "GRU": "zrn", "RNN": "h"}  # rows in the order of ONNX, by our letters
_ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
_AXES = {"W": 3, "R": 3, "B": 2, "P": 2}  # of the inputs that are weights; directions come first


class Backward(nn.Module):
    """A stack of one direction that runs from the end of a sequence to its start, as a node with ``reverse``.

    It is called as the ``Recurrent`` that it holds: outputs stand where their inputs do, and the last state is that of
    the first step.
    """

    def __init__(self, stack: Recurrent) -> None:
        super().__init__()
        self.stack = stack

    def forward(self, x: Tensor, state: Tensor | State | None = None, **options: Any) -> tuple[Tensor, Tensor | State]:
        def run(cell: Cell, x: Tensor, state: State | None, **inputs: Any) -> Any:
            return cell(x, state, **{**inputs, "reverse": True})

        outputs, states = run_stack(run, self.stack.stack(), x, state, **options)
        first, *others = states
        return outputs, states if others else first


def from_onnx(path: str | Path, node: str | Sequence[str] | None = None) -> Recurrent | Backward:
    """The module that computes what a node ``LSTM``, ``GRU`` or ``RNN`` of an ONNX graph computes.

    The weights may be stored in the graph, or be made in it of what is stored. The module is batch first, whatever the
    node's ``layout``. The node's initial state and its ``sequence_lens`` are ``state`` and ``lengths`` of the call.

    Args:
        path: an ``.onnx`` file.
        node: the node's name, or that of its first output if it has none; not needed where there is only one node. Or
            several names, which become one stack.

    Returns:
        A ``Recurrent`` of ``lstm``, ``lstm_peephole`` with an input P, ``lstm_coupled`` with ``input_forget``, ``gru``,
        ``gru_reset_before`` with ``linear_before_reset=0``, or ``elman``; for the direction ``reverse`` a ``Backward``.

    Raises:
        ElmanError: no such file or one that cannot be read, no such node, several where none is named, activations,
            a clip or a mixture of options that no cell has, weights that are computed from the graph's inputs, nodes
            that do not make a stack.

    Example:
        ``encoder = from_onnx("model.onnx", "/encoder/LSTM")``
    """
    path = existing(path)
    onnx = require("onnx")
    with reading(path, "an ONNX model"):
        model = onnx.load(path)
        if not model.HasField("graph"):
            raise ValueError("it has no graph")
    found = {
        each.name or each.output[0]: each
        for each in model.graph.node
        if each.op_type in _GATES and each.domain in ("", "ai.onnx")
    }
    rows, directions = [], set()
    for wanted in listed(node, "node"):
        name, one = pick(found, wanted, "node", str(path))
        where = f"{name!r} of {path}"
        with reading(path, "an ONNX model"):
            attributes = {each.name: onnx.helper.get_attribute_value(each) for each in one.attribute}
            arrays = _arrays(model, one)
        rows.append(_row(one.op_type, attributes, _weights(arrays, where), where))
        directions.add(attributes.get("direction", b"forward").decode())
    where = str(path) if node is None else f"{node!r} of {path}"
    if len(directions) > 1:
        raise ElmanError(f"{where} goes {' and '.join(sorted(directions))}: read each node by its own name")
    stack = build(rows, where)
    return Backward(stack) if directions == {"reverse"} else stack


def _row(operator: str, attributes: Mapping[str, Any], values: Mapping[str, Tensor], where: str) -> list[Part]:
    """The cell of each direction of a node with these attributes and weights."""
    directions = 2 if attributes.get("direction") == b"bidirectional" else 1
    for name, axes in _AXES.items():
        if name in values and (values[name].dim() != axes or values[name].shape[0] != directions):
            raise ElmanError(f"{where} has {name} of {list(values[name].shape)}, not {axes} axes from {directions}")
    if "W" not in values or "R" not in values:
        raise ElmanError(f"{where} has no W and R")
    cell, options = _cell(operator, attributes, directions, "P" in values, where)
    row = []
    for d in range(directions):
        own = {name: value[d] for name, value in values.items()}
        parameters = {"weight_ih": own["W"], "weight_hh": own["R"]}
        if "B" in own:
            parameters["bias_ih"], parameters["bias_hh"] = own["B"].chunk(2)
        parameters = {name: _packed(value, _GATES[operator], load(cell).gates) for name, value in parameters.items()}
        if "P" in own:
            parameters["weight_ci"], parameters["weight_co"], parameters["weight_cf"] = own["P"].chunk(3)
        row.append(Part(cell, options, parameters))
    return row


def _cell(
    operator: str, attributes: Mapping[str, Any], directions: int, peepholes: bool, where: str
) -> tuple[str, dict[str, Any]]:
    """The name and the options of the cell that computes what the operator does; refused if there is none."""
    if "clip" in attributes:
        raise ElmanError(f"{where} has a clip of {attributes['clip']:g}; nodes without clip are read")
    default = _ACTIVATIONS[operator] * directions
    # names are of any case for ONNX Runtime
    activations = [name.decode().capitalize() for name in attributes.get("activations", ())] or default
    if operator == "RNN" and activations == ["Relu"] * directions:
        return "elman", {"nonlinearity": "relu"}
    if activations != default:
        also = " or Relu" if operator == "RNN" else ""
        raise ElmanError(f"{where} has activations {', '.join(activations)}; {', '.join(default)}{also} are read")
    if operator == "RNN":
        return "elman", {"nonlinearity": "tanh"}
    if operator == "GRU":
        return "gru" if attributes.get("linear_before_reset") else "gru_reset_before", {}
    if attributes.get("input_forget") and peepholes:
        raise ElmanError(f"{where} has both input_forget and P; nodes with one of them are read")
    return "lstm_coupled" if attributes.get("input_forget") else "lstm_peephole" if peepholes else "lstm", {}


def _packed(value: Tensor, theirs: str, ours: Sequence[str]) -> Tensor:
    """The gates of the letters ``ours``, in that order, of a value that has them in the order ``theirs``."""
    if value.shape[0] % len(theirs):
        return value  # which is refused for its shape
    rows = dict(zip(theirs, value.chunk(len(theirs)), strict=True))
    return torch.cat([rows[gate] for gate in ours])


def _arrays(model: Any, node: Any) -> dict[str, Tensor | None]:
    """The inputs of a node that are weights or the state to start from, by the operator's names for them."""
    wanted = (*_AXES, "initial_h", "initial_c")
    inputs = zip(_INPUTS, node.input, strict=False)
    return {name: _constant(model, source) for name, source in inputs if source and name in wanted}


def _weights(arrays: Mapping[str, Tensor | None], where: str) -> dict[str, Tensor]:
    """Those of a node's inputs that are weights, which must all be known."""
    weights = {}
    for name, value in arrays.items():
        if name not in _AXES:
            if value is not None and value.any():
                message = f"{where} starts from a stored {name} that is not zero: give it as state of the call"
                warnings.warn(message, ElmanWarning, stacklevel=3)
        elif value is None:
            raise ElmanError(f"{where} has a {name} that is computed from the graph's inputs; stored weights are read")
        else:
            weights[name] = value
    return weights


def _constant(model: Any, name: str) -> Tensor | None:
    """The array of this name, computed if need be from what the graph stores; None if it depends on its inputs."""
    onnx, reference = require("onnx"), require("onnx.reference")
    stored = {each.name: each for each in model.graph.initializer}
    if name in stored:
        return torch.tensor(onnx.numpy_helper.to_array(stored[name]))
    makers = {output: k for k, each in enumerate(model.graph.node) for output in each.output}
    needed, wanted = set(), [name]
    while wanted:
        one = wanted.pop()
        if one in stored:
            continue
        if one not in makers:
            return None
        if makers[one] not in needed:
            needed.add(makers[one])
            wanted += [each for each in model.graph.node[makers[one]].input if each]
    part = onnx.GraphProto(
        name="weights",
        node=[model.graph.node[k] for k in sorted(needed)],
        initializer=stored.values(),
        output=[onnx.helper.make_empty_tensor_value_info(name)],
    )
    whole = onnx.ModelProto(
        graph=part, ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions
    )
    return torch.tensor(reference.ReferenceEvaluator(whole).run(None, {})[0])
