"""Independent sources: equations computed by hand in NumPy, and ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from cases import random_extras
from onnx import TensorProto, helper
from torch import Tensor

from elman.cells import Cell
from elman.testing import assert_close

ByHand = Callable[..., Any]
BATCH, TIME, FEATURES, UNITS = 3, 9, 4, 6


class Weights:
    """The parameters of a cell in float64, by the names of the equations: ``W_ir``, ``b_hr``, and its own by their own.

    ``W_i*``, ``W_h*`` and their biases are the rows of one gate; a bias that does not exist is zero.
    """

    def __init__(self, cell: Cell) -> None:
        parameters = {name: value.detach().numpy() for name, value in cell.named_parameters()}
        self.__dict__.update(parameters)
        for kind, source in (("W_i", "weight_ih"), ("W_h", "weight_hh"), ("b_i", "bias_ih"), ("b_h", "bias_hh")):
            whole = parameters.get(source, np.zeros(len(cell.gates) * cell.hidden_size))
            for k, gate in enumerate(cell.gates):
                rows = whole[k * cell.hidden_size : (k + 1) * cell.hidden_size]
                self.__dict__[kind + gate] = rows

    def __getattr__(self, name: str) -> np.ndarray:
        raise AttributeError(f"the cell has no {name}")


@pytest.fixture
def by_hand() -> Callable[..., None]:
    """Hold a cell to its equations: ``equations(w, x, *state, **extras) -> new state`` of one row at one step.

    ``view`` gives the state of the equations from that of the cell, where they are not the same.
    """

    def check(cell: Cell, equations: ByHand, view: ByHand = lambda *states: states) -> None:
        cell = cell.double()
        x = 2 * torch.randn(BATCH, TIME, cell.input_size, dtype=torch.float64)
        extras = random_extras(cell, BATCH, TIME)
        outputs, states = cell.trajectory(x, **extras)
        states = view(*states)
        weights = Weights(cell)
        for b in range(BATCH):
            state = tuple(np.zeros(part.shape[-1]) for part in states)
            for t in range(TIME):
                now = {name: float(value[b, t]) for name, value in extras.items()}
                state = equations(weights, x[b, t].numpy(), *state, **now)
                assert_close(outputs[b, t], torch.from_numpy(state[0]), f"the output of row {b} at step {t}")
                for k, (whole, part) in enumerate(zip(states, state, strict=True)):
                    assert_close(whole[b, t], torch.from_numpy(part), f"state {k} of row {b} at step {t}")

    return check


@pytest.fixture
def by_onnx() -> Callable[..., list[Tensor]]:
    """Run one ``LSTM`` or ``GRU`` node of ONNX over ``x [B, T, I]`` and return all its outputs, batch first.

    ``inputs`` are those of the operator in its own layout, by name.
    """

    def run(operator: str, hidden: int, x: Tensor, inputs: dict[str, Tensor], **attributes: Any) -> list[Tensor]:
        order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
        feed = {"X": x.transpose(0, 1), **inputs}
        last = max(order.index(name) for name in feed)
        results = ["Y", "Y_h", "Y_c"][: 3 if operator == "LSTM" else 2]
        names = [name if name in feed else "" for name in order[: last + 1]]
        node = helper.make_node(operator, names, results, hidden_size=hidden, **attributes)
        graph = helper.make_graph(
            [node],
            operator,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(value.shape)) for name, value in feed.items()],
            [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None] * 4)]
            + [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3) for name in results[1:]],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        got = session.run(None, {name: value.detach().contiguous().numpy() for name, value in feed.items()})
        y, *finals = (torch.from_numpy(np.asarray(value)) for value in got)
        return [y[:, 0].transpose(0, 1), *(value[0] for value in finals)]

    return run


@pytest.fixture
def to_onnx() -> Callable[..., Tensor]:
    """Rows of packed gates in ONNX's order, with its axis of directions: ``to_onnx(weight, "ifgo", "iofg")``."""

    def reorder(packed: Tensor, ours: str, theirs: str) -> Tensor:
        parts = dict(zip(ours, packed.detach().chunk(len(ours)), strict=True))
        return torch.cat([parts[gate] for gate in theirs])[None]

    return reorder
