"""What runs a recurrence on each kind of device is chosen in one place, and said."""

import logging
import warnings
from typing import Any
from unittest.mock import patch

import pretended
import pytest
import torch
from torch import Tensor

from elman import Cell, Recurrent, cells, explain
from elman.compiler import devices, plan
from elman.compiler.executors import graph
from elman.errors import ElmanWarning


def on(kind: str) -> Any:
    """What stands for an input on a device."""

    class Input:
        device = torch.device(kind)
        dtype, shape, is_cpu, is_cuda = torch.float32, torch.Size([2, 5, 3]), kind == "cpu", False

    return Input()


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands for an input is as good as one."""
    for name in ("fused", "graph", "inductor"):
        monkeypatch.setattr(f"elman.compiler.executors.{name}.unusual", lambda x: "")


class Drawing(Cell):
    """A step that cannot be read."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h) + torch.rand_like(h))
        return h, h


@pytest.mark.parametrize(
    ("kind", "cell", "executor"),
    [
        ("cuda", "lstm", "fused"),
        ("cuda", "lem", "graph"),
        ("cuda", "drawing", "graph"),
        ("xpu", "gru", "fused"),
        ("xpu", "lem", "inductor"),
        ("xpu", "drawing", "eager"),
        ("mps", "elman", "fused"),
        ("mps", "lstm_projected", "inductor"),
        ("mps", "lem", "inductor"),
        ("hpu", "lstm", "eager"),
        ("cpu", "lstm", "llvm"),
        ("cpu", "drawing", "eager"),
    ],
)
@pytest.mark.filterwarnings("ignore::elman.errors.ElmanWarning")
def test_each_kind_of_device_has_its_own(kind: str, cell: str, executor: str) -> None:
    made = Drawing(3, 4) if cell == "drawing" else cells.load(cell)(3, 4)
    assert plan.choose(made, (True, ()), on(kind)).name == executor
    assert plan.explained(made, (True, ()), on(kind))[0].name == executor


def test_what_runs_is_said_once_for_a_class_and_a_device(caplog: pytest.LogCaptureFixture) -> None:
    plan._said.clear()
    with caplog.at_level(logging.INFO, "elman"):
        for kind in ("cuda", "mps"):
            for name in ("lem", "lstm"):
                for _ in range(2):
                    plan.choose(cells.load(name)(3, 4), (True, ()), on(kind))
        plan.choose(cells.load("lem")(3, 4), (True, ()), on("cpu"))
    none = "its step is none of torch.nn's RNN, LSTM and GRU"
    assert caplog.messages == [
        f"LEMCell on cuda runs by graph: {none}; its loop is recorded as a graph on cuda, one for each set of shapes",
        "LSTMCell on cuda runs by fused: its step is that of torch.nn.LSTM, for which PyTorch has an operation on cuda",
        f"LEMCell on mps runs by inductor: {none}; torch.compile makes code of its step on mps, and a loop runs that",
        "LSTMCell on mps runs by fused: its step is that of torch.nn.LSTM, for which PyTorch has an operation on mps",
    ]


def test_a_loop_on_a_device_is_a_warning_that_names_all_that_was_refused() -> None:
    cell = Drawing(3, 4)
    with pytest.warns(ElmanWarning) as said:
        plan.choose(cell, (True, ()), on("mps"))
    (one,) = said
    assert "none of torch.nn's RNN, LSTM and GRU; " in str(one.message)
    assert "rand_like draws random numbers" in str(one.message)
    assert str(one.message).endswith("It runs in a loop.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan.choose(cell, (True, ()), on("mps"))


def test_a_device_of_which_nothing_is_known_is_named() -> None:
    with pytest.warns(ElmanWarning, match="nothing of Elman or PyTorch is faster on hpu. It runs in a loop"):
        plan.choose(cells.load("lstm")(3, 4), (True, ()), on("hpu"))


def test_explain_says_it() -> None:
    kinds = {"cpu": devices.KINDS["cuda"]}
    for name, asked, says in (
        ("lstm", "fused", "executor: fused, since it was asked for"),
        ("lem", "graph", "executor: graph, since it was asked for"),
    ):
        with patch.dict(devices.KINDS, kinds), patch.dict(graph.RECORDERS, {"cpu": pretended.Graphs}), plan.use(asked):
            found = explain(Recurrent(name, 3, 4), batch=2, time=5)
        assert found.parts[0].executor == asked
        assert found.parts[0].kernel is None
        assert says in str(found)
        assert found.as_dict()["parts"][0]["why"] == "it was asked for"
