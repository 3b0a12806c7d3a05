"""Weights of ONNX, against what ONNX Runtime computes."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from elman import ElmanError, from_onnx
from elman.errors import ElmanWarning
from elman.testing import assert_close
from elman.weights.onnx import Backward

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
INPUTS = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
FEATURES, UNITS = 3, 5


def random(*shape: int) -> np.ndarray:
    return (np.random.randn(*shape) / 2).astype("f4")


class Graph:
    """Nodes with random weights, one upon another."""

    def __init__(self, operator: str, parts: int = 1, *, bias: bool = True, peepholes: bool = False, **attributes: Any):
        self.operator = operator
        self.directions = 2 if attributes.get("direction") == "bidirectional" else 1
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[str, np.ndarray] = {"shape": np.array([0, 0, self.directions * UNITS])}
        outputs: list[str] = []
        for k in range(parts):
            rows, size = GATES[operator] * UNITS, self.directions * UNITS if k else FEATURES
            shapes = {"W": (rows, size), "R": (rows, UNITS), "B": (2 * rows,), "P": (3 * UNITS,)}
            own = {name: shapes[name] for name in ["W", "R", *(["B"] if bias else []), *(["P"] if peepholes else [])]}
            self.stored |= {f"{name}{k}": random(self.directions, *shape) for name, shape in own.items()}
            given = {"X": f"Z{k}", **{name: f"{name}{k}" for name in own}}
            if not k:
                given |= {name: name for name in self.names[1:]}
            inputs = [given.get(name, "") for name in INPUTS]
            outputs = [f"Y{k}", f"Y_h{k}", f"Y_c{k}"][: len(self.names) - 1]
            inputs = inputs if operator == "LSTM" else inputs[:6]
            node = helper.make_node(operator, inputs, outputs, f"node{k}", hidden_size=UNITS, **attributes)
            turn = helper.make_node("Transpose", [f"Y{k}"], [f"T{k}"], perm=[0, 2, 1, 3])
            join = helper.make_node("Reshape", [f"T{k}", "shape"], [f"Z{k + 1}"])
            self.nodes += [node, turn, join]
        self.results = [f"Z{parts}", *outputs[1:]]

    @property
    def names(self) -> list[str]:
        """What is given at each call, in the order of the operator."""
        return ["Z0", "sequence_lens", "initial_h", *(["initial_c"] if self.operator == "LSTM" else [])]

    @property
    def node(self) -> onnx.NodeProto:
        return self.nodes[0]

    def model(self) -> onnx.ModelProto:
        kinds = {"sequence_lens": TensorProto.INT32}
        graph = helper.make_graph(
            self.nodes,
            "graph",
            [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in self.names],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.results],
            [numpy_helper.from_array(value, name) for name, value in self.stored.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def save(self, folder: Path) -> Path:
        onnx.save(self.model(), folder / "model.onnx")
        return folder / "model.onnx"

    def check(self, layer: nn.Module) -> None:
        """``layer`` gives what ONNX Runtime gives, from a random state and with lengths."""
        x, lengths = torch.randn(4, 9, FEATURES), torch.tensor([9, 2, 5, 1], dtype=torch.int32)
        state = tuple(torch.randn(self.directions, 4, UNITS) for _ in self.names[2:])
        feed = dict(zip(self.names, [x.transpose(0, 1).contiguous(), lengths, *state], strict=True))
        session = onnxruntime.InferenceSession(self.model().SerializeToString(), providers=["CPUExecutionProvider"])
        y, *last = session.run(None, {name: value.numpy() for name, value in feed.items()})
        outputs, final = layer(x, state[0] if len(state) == 1 else state, lengths=lengths)
        assert_close(outputs, torch.from_numpy(y).transpose(0, 1), "outputs")
        for part, expected in zip((final,) if isinstance(final, Tensor) else final, last, strict=True):
            assert_close(part, torch.from_numpy(expected), "last state")


NODES: list[tuple[str, dict[str, Any], str]] = [
    ("LSTM", {}, "LSTMCell"),
    ("LSTM", {"bias": False}, "LSTMCell"),
    ("LSTM", {"activations": ["Sigmoid", "Tanh", "tanh"]}, "LSTMCell"),
    ("LSTM", {"peepholes": True}, "PeepholeLSTMCell"),
    ("LSTM", {"peepholes": True, "bias": False}, "PeepholeLSTMCell"),
    ("LSTM", {"input_forget": 1}, "CoupledLSTMCell"),
    ("GRU", {}, "ResetBeforeGRUCell"),
    ("GRU", {"linear_before_reset": 0, "bias": False}, "ResetBeforeGRUCell"),
    ("GRU", {"linear_before_reset": 1}, "GRUCell"),
    ("GRU", {"linear_before_reset": 1, "bias": False}, "GRUCell"),
    ("RNN", {}, "ElmanCell"),
    ("RNN", {"activations": ["Relu"]}, "ElmanCell"),
    ("RNN", {"activations": ["Tanh"], "bias": False}, "ElmanCell"),
]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("operator", "options", "cell"), NODES)
def test_a_node(operator: str, options: dict[str, Any], cell: str, direction: str, tmp_path: Path) -> None:
    if direction == "bidirectional" and "activations" in options:
        options = {**options, "activations": options["activations"] * 2}
    graph = Graph(operator, direction=direction, **options)
    layer = from_onnx(graph.save(tmp_path))
    stack = layer.stack if isinstance(layer, Backward) else layer
    assert isinstance(layer, Backward) == (direction == "reverse")
    assert type(stack.cells[0]).__name__ == cell
    graph.check(layer)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_nodes_one_upon_another(direction: str, tmp_path: Path) -> None:
    graph = Graph("GRU", 2, direction=direction)
    path = graph.save(tmp_path)
    layer = from_onnx(path, ["node0", "node1"])
    x = torch.randn(4, 9, FEATURES)
    first, _ = from_onnx(path, "node0")(x)
    second, _ = from_onnx(path, "node1")(first)
    assert_close(layer(x)[0], second, "outputs")
    graph.nodes[3].input[5] = "initial_h"  # both from one state, to compare with
    graph.results = ["Z2"]
    state = torch.randn(graph.directions, 4, UNITS)
    feed = [x.transpose(0, 1).contiguous(), torch.full((4,), 9, dtype=torch.int32), state]
    session = onnxruntime.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {k: v.numpy() for k, v in zip(graph.names, feed, strict=True)})
    assert_close(layer(x, torch.cat([state, state]))[0], torch.from_numpy(y).transpose(0, 1), "outputs")
    with pytest.raises(ElmanError, match=r"several recurrent layers: give node as one of 'node0', 'node1'$"):
        from_onnx(path)
    with pytest.raises(ElmanError, match=r"no recurrent layer 'node2': node is one of 'node0', 'node1'$"):
        from_onnx(path, "node2")


def test_a_node_without_a_name(tmp_path: Path) -> None:
    graph = Graph("LSTM")
    graph.node.name = ""
    graph.check(from_onnx(graph.save(tmp_path), "Y0"))


def test_the_layout_is_of_the_input_alone(tmp_path: Path) -> None:
    graph = Graph("LSTM", direction="bidirectional")
    plain = from_onnx(graph.save(tmp_path))
    graph.node.attribute.append(helper.make_attribute("layout", 1))  # which ONNX Runtime does not have
    turned = from_onnx(graph.save(tmp_path))
    x = torch.randn(4, 9, FEATURES)
    assert_close(turned(x)[0], plain(x)[0], "outputs")


def test_weights_that_the_graph_makes(tmp_path: Path) -> None:
    graph = Graph("GRU")
    w, b = graph.stored.pop("W0"), graph.stored.pop("B0")
    graph.stored |= {"low": w[:, :7], "high": w[:, 7:], "zero": np.array([0])}
    graph.nodes = [
        helper.make_node("Concat", ["low", "high"], ["whole"], axis=1),
        helper.make_node("Identity", ["whole"], ["W0"]),
        helper.make_node("Constant", [], ["flat"], value=numpy_helper.from_array(b[0])),
        helper.make_node("Unsqueeze", ["flat", "zero"], ["B0"]),
        *graph.nodes,
    ]
    graph.check(from_onnx(graph.save(tmp_path)))


def test_weights_that_come_from_outside(tmp_path: Path) -> None:
    graph = Graph("GRU")
    graph.nodes.insert(0, helper.make_node("Add", ["R0", "initial_h"], ["R"]))
    graph.nodes[1].input[2] = "R"
    with pytest.raises(ElmanError, match="has a R that is computed from the graph's inputs; stored weights are read"):
        from_onnx(graph.save(tmp_path))


def test_a_stored_initial_state_is_not_forgotten_in_silence(tmp_path: Path) -> None:
    graph = Graph("GRU")
    graph.node.input[5] = "start"
    graph.stored["start"] = np.zeros((1, 1, UNITS), "f4")
    from_onnx(graph.save(tmp_path))
    graph.stored["start"] = random(1, 1, UNITS)
    with pytest.warns(ElmanWarning, match="starts from a stored initial_h that is not zero: give it as state"):
        from_onnx(graph.save(tmp_path))


@pytest.mark.filterwarnings("ignore:You are using the legacy TorchScript-based ONNX export:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning")  # of the same exporter
@pytest.mark.filterwarnings("ignore:Exporting a model to ONNX with a batch_size other than 1:UserWarning")
@pytest.mark.filterwarnings("ignore:Converting a tensor to a Python boolean:torch.jit.TracerWarning")
def test_what_torch_writes(tmp_path: Path) -> None:
    module = nn.LSTM(FEATURES, UNITS, 2, bidirectional=True)
    path = tmp_path / "model.onnx"
    state = (torch.zeros(4, 4, UNITS), torch.zeros(4, 4, UNITS))
    torch.onnx.export(module, (torch.zeros(9, 4, FEATURES), state), path, dynamo=False)
    layer = from_onnx(path, ["/LSTM", "/LSTM_1"])
    x = torch.randn(9, 4, FEATURES)
    assert_close(layer(x.transpose(0, 1))[0], module(x)[0].transpose(0, 1), "outputs")


@pytest.mark.parametrize(
    ("operator", "options", "message"),
    [
        ("LSTM", {"clip": 3.0}, "has a clip of 3; nodes without clip are read"),
        (
            "LSTM",
            {"activations": ["HardSigmoid", "Tanh", "Tanh"]},
            "activations Hardsigmoid, Tanh, Tanh; Sigmoid, Tanh, ",
        ),
        ("GRU", {"activations": ["Sigmoid", "Relu"]}, "activations Sigmoid, Relu; Sigmoid, Tanh are read"),
        ("RNN", {"activations": ["Affine"], "activation_alpha": [2.0]}, "activations Affine; Tanh or Relu are read"),
        (
            "RNN",
            {"activations": ["Tanh", "Relu"], "direction": "bidirectional"},
            "activations Tanh, Relu; Tanh, Tanh or",
        ),
        ("LSTM", {"input_forget": 1, "peepholes": True}, "has both input_forget and P"),
    ],
)
def test_what_no_cell_computes(operator: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=message):
        from_onnx(Graph(operator, **options).save(tmp_path))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("W0", random(2, 20, FEATURES), r"has W of \[2, 20, 3\], not 3 axes"),
        ("W0", random(20, FEATURES), r"has W of \[20, 3\], not 3 axes"),
        ("W0", random(1, 19, FEATURES), "weight_ih|weight_hh"),
        ("R0", random(1, 20, UNITS + 1), r"weight_hh of \[20, 6\], and that of a Recurrent\(3, 5\) is \[20, 5\]"),
        ("B0", random(1, 39), r"bias_ih of \[20\]|bias_hh of \[19\]"),
        ("B0", random(1, 20), r"bias_ih of \[10\], and that of a Recurrent\(3, 5\) is \[20\]"),
        ("B0", np.zeros((1, 40), "i4"), "must be of one floating-point dtype"),
        ("B0", np.zeros((1, 40), "S4").astype(object), "cannot be read"),
    ],
)
def test_weights_that_do_not_fit(name: str, value: np.ndarray, message: str, tmp_path: Path) -> None:
    graph = Graph("LSTM")
    graph.stored[name] = value
    with pytest.raises(ElmanError, match=message):
        from_onnx(graph.save(tmp_path))


def test_nodes_that_are_no_stack(tmp_path: Path) -> None:
    graph = Graph("GRU", 2)
    graph.nodes[3].attribute.append(helper.make_attribute("direction", "reverse"))
    with pytest.raises(ElmanError, match="goes forward and reverse: read each node by its own name"):
        from_onnx(graph.save(tmp_path), ["node0", "node1"])
    graph = Graph("GRU", 2)
    graph.nodes[3].attribute.append(helper.make_attribute("linear_before_reset", 1))
    with pytest.raises(
        ElmanError, match="is gru_reset_before of 5, gru of 5 units; the layers of one Recurrent are alike"
    ):
        from_onnx(graph.save(tmp_path), ["node0", "node1"])


def test_a_graph_without_recurrence(tmp_path: Path) -> None:
    graph = Graph("GRU")
    graph.nodes, graph.results = [helper.make_node("Relu", ["Z0"], ["Z1"])], ["Z1"]
    with pytest.raises(ElmanError, match="has no recurrent layer that is read"):
        from_onnx(graph.save(tmp_path))


def test_a_damaged_file(tmp_path: Path) -> None:
    path = Graph("LSTM").save(tmp_path)
    whole = path.read_bytes()
    for size in (0, 1, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ElmanError, match=r"cannot be read \(.*\); it must be an ONNX model"):
            from_onnx(path)
    path.write_text("a text")
    with pytest.raises(ElmanError, match="cannot be read"):
        from_onnx(path)
    with pytest.raises(ElmanError, match="there is no file"):
        from_onnx(tmp_path / "other.onnx")


def test_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Graph("GRU").save(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ElmanError, match=r"this needs onnx: pip install 'elman\[weights\]'"):
        from_onnx(path)
