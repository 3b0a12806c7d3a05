"""The stack of cells: layers, directions, dropout, and the form of the state."""

import copy
from typing import Any

import cases
import pytest
import torch
from cases import FLAG, covering
from torch import Tensor, nn

from elman.cells import Cell
from elman.cells.lstm import LSTMCell
from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def parts(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
@pytest.mark.parametrize("flags", covering((2, 1, 3), FLAG, FLAG, FLAG), ids=str)
def test_is_its_cells_run_one_after_another(variant: cases.Variant, flags: tuple) -> None:
    layers, bidirectional, lengths, resets = flags
    directions = 1 + bidirectional
    layer = Recurrent(variant.name, 3, 5, layers, bidirectional=bidirectional, dtype=torch.float64, **variant.options)
    members: Any = list(layer.cells)
    first = members[0]
    x = torch.randn(3, 7, 3, dtype=torch.float64)
    extras = cases.random_extras(first, 3, 7)
    given: dict[str, Any] = {
        "lengths": torch.tensor([7, 0, 4]) if lengths else None,
        "resets": torch.rand(3, 7) < 0.3 if resets else None,
    }
    starts = [cases.random_state(cell, 3) for cell in members]
    state = tuple(torch.stack(values) for values in zip(*starts, strict=True))

    outputs, final = layer(x, state[0] if len(state) == 1 else state, **given, **extras)
    assert isinstance(final, Tensor) == (len(first.states) == 1)
    walk, states = layer.trajectory(x, state, **given, **extras)
    assert torch.equal(walk, outputs)
    for k in range(layers):
        together = []
        for d in range(directions):
            index = k * directions + d
            right = cases.truth(members[index], x, starts[index], reverse=bool(d), **given, extras=extras)
            for part, end, whole, every in zip(parts(final), right.final, states, right.states, strict=True):
                assert_close(part[index], end, f"the state of cell {index}")
                assert_close(whole[index], every, f"the states of cell {index}")
            together.append(right.outputs)
        x = torch.cat(together, -1)
    assert_close(outputs, x, "outputs")
    assert outputs.shape[-1] == layer.output_size


def test_the_weights_have_readable_names() -> None:
    layer = Recurrent("gru", 3, 5, 2, bidirectional=True, bias=False)
    assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {
        "cells.0.weight_ih": (15, 3),
        "cells.0.weight_hh": (15, 5),
        "cells.1.weight_ih": (15, 3),
        "cells.1.weight_hh": (15, 5),
        "cells.2.weight_ih": (15, 10),
        "cells.2.weight_hh": (15, 5),
        "cells.3.weight_ih": (15, 10),
        "cells.3.weight_hh": (15, 5),
    }


def test_takes_a_class_and_its_options() -> None:
    class MyCell(LSTMCell):
        """A user's own."""

    assert isinstance(Recurrent(MyCell, 3, 5).cells[0], MyCell)
    projected = Recurrent("lstm_projected", 3, 8, 2, proj_size=2)
    assert projected.output_size == 2
    assert [part.shape for part in projected.initial_state(4)] == [(2, 4, 2), (2, 4, 8)]


def test_goes_on_where_the_last_call_ended() -> None:
    layer = Recurrent("lstm", 3, 5, 2, dtype=torch.float64)
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    whole, _ = layer(x)
    start, state = layer(x[:, :3])
    end, _ = layer(x[:, 3:], state)
    assert_close(torch.cat([start, end], 1), whole, "outputs")
    assert_close(layer(x, layer.initial_state(4))[0], whole, "outputs from the initial state")


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_drops_between_layers_and_only_in_training(share: float) -> None:
    layer = Recurrent("elman", 3, 50, 2, dropout=share)
    seen: dict[str, Tensor] = {}
    layer.cells[0].register_forward_hook(lambda cell, args, result: seen.update(made=result[0]))
    layer.cells[0].register_forward_pre_hook(lambda cell, args: seen.update(given=args[0]))
    layer.cells[1].register_forward_pre_hook(lambda cell, args: seen.update(read=args[0]))
    x = torch.randn(20, 30, 3)
    outputs, _ = layer(x)
    assert torch.equal(seen["given"], x)
    dropped = seen["read"] == 0
    assert abs(float(dropped.double().mean()) - share) < 0.02
    if share < 1:
        assert torch.allclose(seen["read"][~dropped], seen["made"][~dropped] / (1 - share))
    assert (outputs != 0).all()
    layer.eval()
    layer(torch.randn(20, 30, 3))
    assert torch.equal(seen["read"], seen["made"])


def test_lives_through_copies_and_moves() -> None:
    layer = Recurrent("gru", 3, 5, 2)
    other = copy.deepcopy(layer).double()
    x = torch.randn(2, 4, 3)
    assert torch.allclose(other(x.double())[0].float(), layer(x)[0], atol=1e-6)
    assert layer.cells[0].weight_ih.dtype == torch.float32
    assert isinstance(layer, nn.Module)
    assert all(isinstance(cell, Cell) for cell in layer.cells)


def test_says_what_it_is() -> None:
    told = repr(Recurrent("gru", 3, 5, 2, bidirectional=True, dropout=0.5))
    assert told.splitlines()[1].strip() == "3, 5, num_layers=2, bidirectional=True, dropout=0.5"
    assert "GRUCell(3, 5)" in told
    assert repr(Recurrent("gru", 3, 5)).splitlines()[1].strip() == "3, 5"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cell": "gruu"}, "did you mean 'gru'"),
        ({"cell": nn.GRU}, "cell is a name or a class of cells"),
        ({"input_size": 0}, "input_size must be a whole number"),
        ({"hidden_size": 2.5}, "hidden_size must be a whole number"),
        ({"num_layers": 0}, "num_layers must be a whole number of at least 1, not 0"),
        ({"num_layers": True}, "num_layers must be"),
        ({"dropout": 1.1}, "dropout must be a number from 0 to 1, not 1.1"),
        ({"dropout": "half"}, "dropout must be"),
        ({"dropout": float("nan")}, "dropout must be"),
    ],
    ids=str,
)
def test_refuses_to_be_what_makes_no_sense(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        Recurrent(**{"cell": "gru", "input_size": 3, "hidden_size": 5, **wrong})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"x": torch.zeros(7, 3)}, r"takes an input of \[batch, time, 3\], not \[7, 3\]"),
        ({"x": torch.zeros(2, 7, 4)}, r"not \[2, 7, 4\]"),
        ({"x": torch.zeros(2, 7, 3, dtype=torch.float64)}, "given an input of torch.float64"),
        ({"state": torch.zeros(1, 2, 5)}, r"must be \[2, 2, 5\] and \[2, 2, 5\] \(h, c\), not \[1, 2, 5\]"),
        ({"state": (torch.zeros(2, 2, 5), torch.zeros(2, 3, 5))}, r"not \[2, 2, 5\] and \[2, 3, 5\]"),
        ({"state": (torch.zeros(2, 2, 5).double(),) * 2}, "given a state of torch.float64"),
        ({"lengths": torch.tensor([7.0, 2.0])}, r"lengths are whole numbers of \[2\]"),
        ({"lengths": torch.tensor([8, 2])}, "lengths go from 0 to 7, not from 2 to 8"),
        ({"lengths": torch.tensor([-1, 2])}, "not from -1 to 2"),
        ({"resets": torch.zeros(2, 7)}, r"resets are bool of \[2, 7\], not torch.float32"),
        ({"noise": torch.zeros(2, 7, 5)}, "takes no extra inputs, and was given noise"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_refuses_calls_that_make_no_sense(given: dict[str, Any], told: str) -> None:
    layer = Recurrent("lstm", 3, 5, 2)
    with pytest.raises(ElmanError, match=told):
        layer(**{"x": torch.zeros(2, 7, 3), **given})
