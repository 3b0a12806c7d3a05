"""Steps through a stream are what the whole sequence gives, and belong to the one who steps."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from elman import GRU, LSTM, ElmanError, Recurrent, Stepper, cells
from elman.testing import assert_close

STREAMLESS = [name for name in cells.names() if not cells.load(name).extra_inputs]


@pytest.mark.parametrize("name", STREAMLESS)
@pytest.mark.parametrize("batch", [1, 3])
def test_steps_are_the_sequence(name: str, batch: int) -> None:
    layer, x = Recurrent(name, 3, 6, num_layers=2), torch.randn(batch, 7, 3)
    stepper = Stepper(layer, batch)
    steps = torch.stack([stepper.step(x[:, t]).clone() for t in range(7)], 1)
    with torch.no_grad():
        outputs, state = layer(x)
    assert_close(steps, outputs, "outputs")
    states = [state] if isinstance(state, torch.Tensor) else state
    for layer_index, own in enumerate(stepper.state):
        for mine, expected in zip(own, states, strict=True):
            assert_close(mine, expected[layer_index], "state")


def test_drop_ins_step_too() -> None:
    layer, x = LSTM(3, 5, 2), torch.randn(7, 2, 3)
    stepper = Stepper(layer, 2)
    steps = torch.stack([stepper.step(x[t]).clone() for t in range(7)])
    assert_close(steps, layer(x)[0].detach(), "outputs")


def test_the_state_can_be_read_set_and_reset() -> None:
    stepper, x = Stepper(GRU(3, 5)), torch.randn(4, 1, 3)
    first = stepper.step(x[0]).clone()
    kept = stepper.state
    second = stepper.step(x[1]).clone()
    stepper.state = kept
    assert torch.equal(stepper.step(x[1]), second)
    stepper.reset()
    assert torch.equal(stepper.step(x[0]), first)


def test_weights_are_those_of_the_last_refresh() -> None:
    layer: Any = GRU(3, 5)
    x = torch.randn(1, 3)
    stepper = Stepper(layer)
    before = stepper.step(x).clone()
    with torch.no_grad():
        layer.weight_ih_l0.mul_(2)
    stepper.reset()
    assert torch.equal(stepper.step(x), before)
    stepper.refresh()
    assert not torch.equal(stepper.step(x), before)


def test_inputs_of_any_strides() -> None:
    stepper, x = Stepper(GRU(3, 5), 2), torch.randn(3, 2)
    expected = stepper.step(x.t().contiguous()).clone()
    stepper.reset()
    assert torch.equal(stepper.step(x.t()), expected)


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm"])
@pytest.mark.parametrize("threads", [1, 2])
def test_weights_of_bfloat16_are_weights_rounded_before(name: str, threads: int) -> None:
    layer, x = Recurrent(name, 3, 70, num_layers=2), torch.randn(2, 5, 3)
    rounded = deepcopy(layer)
    with torch.no_grad():
        for key, value in rounded.named_parameters():
            if "weight" in key:
                value.copy_(value.bfloat16())
    narrow, expected = Stepper(layer, 2, weights=torch.bfloat16, threads=threads), Stepper(rounded, 2)
    for t in range(5):
        assert torch.equal(narrow.step(x[:, t]), expected.step(x[:, t]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Stepper(GRU(3, 5, bidirectional=True)), "two directions"),
        (lambda: Stepper(GRU(3, 5), 0), "at least one stream"),
        (lambda: Stepper(GRU(3, 5), threads=0), "one thread, not 0"),
        (lambda: Stepper(GRU(3, 5), weights=torch.int8), "weights of torch.int8 were asked for"),
        (lambda: Stepper(GRU(3, 5).double(), weights=torch.bfloat16), "this layer is of torch.float64"),
        (lambda: Stepper(torch.nn.Linear(3, 5)), "a drop-in, not Linear"),
        (lambda: Stepper(cells.load("cfc")(3, 5)), "CfCCell takes dt"),
        (lambda: Stepper(GRU(3, 5)).step(torch.randn(1, 4)), r"\[1, 3\] on the CPU, and was given .* \[1, 4\]"),
        (lambda: Stepper(GRU(3, 5)).step(torch.randn(1, 3).double()), "float64"),
        (lambda: Stepper(GRU(3, 5)).step(torch.empty(1, 3, device="meta")), "on the CPU, .* on meta"),
        (lambda: Stepper(GRU(3, 5, device="meta")), "runs on the CPU; GRUCell is on meta"),
        (lambda: GRU(3, 5, device="meta")(torch.randn(2, 1, 3)), "weights on meta and was given an input on cpu"),
        (lambda: GRU(3, 5)(torch.randn(2, 1, 3), torch.empty(1, 1, 5, device="meta")), "a state on meta"),
    ],
)
def test_wrong_wishes_are_refused(make, says: str) -> None:
    with pytest.raises(ElmanError, match=says):
        make()


def with_state(state: Any, batch: int = 1) -> None:
    stepper = Stepper(LSTM(3, 5), batch)
    stepper.state = state


def with_weight(other: torch.Tensor) -> Stepper:
    layer = LSTM(3, 5)
    layer.get_parameter("weight_hh_l0").data = other
    return Stepper(layer)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: with_state([(torch.zeros(7, 5), torch.zeros(1, 5))]), r"tensors of \[\[\[1, 5\], \[1, 5\]\]\], not"),
        (lambda: with_state([(torch.zeros(1), torch.zeros(1))], 4), r"\[4, 5\]\]\], not \[\[\[1\], \[1\]\]\]"),
        (lambda: with_state([(torch.zeros(1, 5),)]), r"not \[\[\[1, 5\]\]\]"),
        (lambda: with_state([]), r"not \[\]"),
        (lambda: with_state([(0.0, 0.0)]), r"not \[\['a float', 'a float'\]\]"),
        (lambda: with_weight(torch.zeros(1, 1)), r"weight_hh_l0 of LSTMCell is torch.float32 of \[1, 1\]"),
        (lambda: with_weight(torch.zeros(20, 5).double()), "weight_hh_l0 of LSTMCell is torch.float64"),
        (lambda: Stepper(GRU(3, 5)).step(torch.zeros(1, 3).to_sparse()), r"of \[1, 3\], torch.sparse"),
        (lambda: make_fx(lambda x: Stepper(GRU(3, 5)).step(x))(torch.zeros(1, 3)), "nothing that can be recorded"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_a_kernel_sees_it(make, says: str) -> None:
    with pytest.raises(ElmanError, match=says):
        make()


def test_a_state_that_is_refused_changes_nothing() -> None:
    stepper = Stepper(LSTM(3, 5, 2))
    stepper.step(torch.ones(1, 3))
    before = stepper.state
    with pytest.raises(ElmanError):
        stepper.state = [before[1], (torch.zeros(1, 5), torch.zeros(2, 5))]
    for own, kept in zip(stepper.state, before, strict=True):
        assert all(map(torch.equal, own, kept))


def test_a_negative_view_is_the_numbers_that_it_shows() -> None:
    stepper, x = Stepper(GRU(3, 5)), torch.randn(1, 3)
    expected = stepper.step(x).clone()
    stepper.reset()
    assert torch.equal(stepper.step(torch._neg_view(-x)), expected)  # pyright: ignore[reportPrivateImportUsage]
