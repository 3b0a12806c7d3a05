"""Every way to learn, over every cell: exact ones equal the plain loop's gradient, whatever the windows."""

from typing import Any

import cases
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.compiler import plan
from elman.errors import ElmanError
from elman.learning import RTRL, Checkpointed, EProp, FullBPTT, Learning, SnAp1, Truncated
from elman.testing import assert_close

Results = tuple[Tensor, Any, dict[str, Tensor]]  # loss, state and gradients
TIME, BATCH, HIDDEN = 17, 3, 4

EXACT: dict[str, Learning] = {
    "full": FullBPTT(),
    "checkpointed": Checkpointed(every=5),
    "checkpointed, one step": Checkpointed(every=1),
    "checkpointed, memory": Checkpointed(memory="300KiB"),
    "truncated, whole": Truncated(TIME),
    "truncated, all before": Truncated(4, overlap=TIME),
}


ELEMENTWISE = ("indrnn", "mingru", "minlstm", "rg_lru", "lif-False")


class Reader(nn.Module):
    """A cell with a readout, and its state in a form of its own."""

    def __init__(self, variant: cases.Variant) -> None:
        super().__init__()
        self.cell = variant.make(3, HIDDEN, dtype=torch.float64)
        self.readout = nn.Linear(self.cell.output_size, 2, dtype=torch.float64)

    def forward(self, x: Tensor, state: Any = None, **given: Tensor) -> tuple[Tensor, Any]:
        outputs, state = self.cell(x, None if state is None else state["of the cell"], **given)
        return self.readout(outputs), {"of the cell": state}


class Work:
    """A model with all there can be: a state to start from, lengths, resets, extra inputs, steps that do not count."""

    def __init__(self, variant: cases.Variant) -> None:
        self.model = Reader(variant)
        cell = self.model.cell
        self.x = torch.randn(BATCH, TIME, 3, dtype=torch.float64)
        self.target = torch.randn(BATCH, TIME, 2, dtype=torch.float64)
        state = cases.random_state(cell, BATCH)
        self.state = {"of the cell": state[0] if len(state) == 1 else state}
        self.lengths = torch.tensor([TIME, 0, 14])
        self.resets = torch.rand(BATCH, TIME) < 0.1
        self.mask = torch.rand(BATCH, TIME) < 0.7
        self.extras = cases.random_extras(cell, BATCH, TIME)

    def truth(self) -> Results:
        """Loss, state and gradients by the plain loop over the whole."""
        with plan.use("eager"):
            outputs, state = self.model(self.x, self.state, lengths=self.lengths, resets=self.resets, **self.extras)
        counted = self.mask & (torch.arange(TIME) < self.lengths[:, None])
        loss = F.mse_loss(outputs[counted], self.target[counted])
        return loss, state, self._gradients(loss)

    def learn(self, learning: Learning) -> Results:
        given = {"lengths": self.lengths, "resets": self.resets, "mask": self.mask, **self.extras}
        loss, state = learning.backward(self.model, self.x, self.target, F.mse_loss, self.state, **given)
        return loss, state, self._gradients()

    def follow(self, learning: Learning) -> "Results | str":
        """What learning online gives, the influence apart, or why it is refused."""
        try:
            loss, state, gradients = self.learn(learning)
        except ElmanError as error:
            return str(error)
        return loss, state["state"], gradients

    def _gradients(self, loss: Tensor | None = None) -> dict[str, Tensor]:
        named = dict(self.model.named_parameters())
        if loss is not None:
            loss.backward()
        found = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in named.items()}
        self.model.zero_grad()
        return found


def assert_same(found: Results, truth: Results) -> None:
    assert not found[0].requires_grad
    assert_close(found[0], truth[0].detach(), "loss")
    states = [s["of the cell"] for s in (found[1], truth[1])]
    for one, other in zip(*((s,) if isinstance(s, Tensor) else s for s in states), strict=True):
        assert not one.requires_grad
        assert_close(one, other.detach(), "state")
    for name, gradient in truth[2].items():
        assert_close(found[2][name], gradient, f"gradient of {name}")


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_the_exact_ways_give_the_gradient_of_the_whole(variant: cases.Variant) -> None:
    work = Work(variant)
    truth = work.truth()
    assert any(gradient.abs().max() > 1e-3 for name, gradient in truth[2].items() if "readout" not in name)
    for learning in EXACT.values():
        assert_same(work.learn(learning), truth)


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_real_time_recurrent_learning_is_exact_or_refused(variant: cases.Variant) -> None:
    work = Work(variant)
    truth = work.truth()
    found = work.follow(RTRL(5))
    if isinstance(found, str):
        assert str(variant) not in ELEMENTWISE, found
        assert "RTRL cannot follow" in found
        assert "mingru" in found.split("it can follow")[1]
        return
    assert_same(found, truth)
    assert not all(torch.allclose(work.learn(Truncated(5))[2][name], g, rtol=1e-6) for name, g in truth[2].items())


@pytest.mark.parametrize("variant", [v for v in cases.variants() if str(v) in ELEMENTWISE], ids=str)
def test_real_time_recurrent_learning_is_exact_whatever_the_windows(variant: cases.Variant, executor: str) -> None:
    work = Work(variant)
    for steps in (1, 7, TIME):
        found = work.follow(RTRL(steps))
        assert not isinstance(found, str), found
        assert_same(found, work.truth())


@pytest.mark.parametrize("way", [SnAp1, EProp])
@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_approximations_do_not_depend_on_the_windows(variant: cases.Variant, way: type[Any]) -> None:
    work = Work(variant)
    short, whole = work.follow(way(3)), work.follow(way(TIME))
    if isinstance(short, str) or isinstance(whole, str):
        assert short == whole
        assert "must be Cell.recurrent" in short
        assert str(variant) not in (*ELEMENTWISE, "elman", "lstm", "lstm_peephole", "gru", "mgu", "lem", "lif")
        return
    assert_same(short, whole)
