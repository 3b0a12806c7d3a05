"""Spiking neurons: how often and when they spike, by closed forms, and the gradient that stands in for theirs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.cells.lif import LIFCell
from elman.errors import ElmanError
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def driven(current: float, decay: float) -> LIFCell:
    """One neuron alone, with this current and this share of its voltage kept from step to step."""
    cell = LIFCell(1, 1, recurrent=False, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.fill_(current)
        cell.bias_ih.zero_()  # type: ignore[union-attr]
        cell.decay.fill_(math.inf if decay == 1 else math.log(decay / (1 - decay)))
    return cell


def spikes_of(cell: LIFCell, steps: int) -> Tensor:
    return cell(torch.ones(1, steps, 1, dtype=torch.float64))[0][0, :, 0]


@pytest.mark.parametrize("recurrent", [True, False])
def test_it_is_that_of_the_equations(by_hand: Callable[..., None], recurrent: bool) -> None:
    def equations(w: Any, x: np.ndarray, s: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
        current = w.W_iv @ x + w.b_iv + (w.W_hv @ s + w.b_hv if recurrent else 0)
        v = np.array([v[k] / (1 + np.exp(-w.decay[k])) + current[k] - s[k] for k in range(6)])
        return np.where(v > 1, 1.0, 0.0), v

    cell = LIFCell(4, 6, recurrent=recurrent)
    with torch.no_grad():
        cell.weight_ih.mul_(2)
    by_hand(cell, equations)
    spikes, _ = cell(2 * torch.randn(3, 50, 4, dtype=torch.float64))
    assert 0.05 < float(spikes.detach().mean()) < 0.95  # or little was tested


@pytest.mark.parametrize("current", [0.3, 0.07, 0.9])
@pytest.mark.parametrize("steps", [97, 499])
def test_without_a_leak_it_spikes_once_for_each_unit_of_charge(current: float, steps: int) -> None:
    assert int(spikes_of(driven(current, 1), steps).sum()) == math.floor(steps * current)


@pytest.mark.parametrize(("current", "decay"), [(0.3, 0.9), (0.15, 0.9), (0.06, 0.95), (0.9, 0.5)])
def test_the_first_spike_comes_when_the_voltage_reaches_the_threshold(current: float, decay: float) -> None:
    # v after t steps is current (1 - decay^t) / (1 - decay)
    first = math.ceil(math.log(1 - (1 - decay) / current) / math.log(decay))
    assert int(spikes_of(driven(current, decay), 100).argmax()) + 1 == first


def test_a_current_below_the_leak_never_spikes() -> None:
    assert not spikes_of(driven(0.099, 0.9), 1000).any()


def test_spikes_are_exact_and_their_gradient_is_that_of_a_fast_sigmoid() -> None:
    cell = LIFCell(1, 40, slope=10.0, recurrent=False, bias=False)
    current = torch.linspace(-2, 4, 40)[None].requires_grad_()
    s, _, v = cell.step(current, torch.zeros(1, 40), torch.zeros(1, 40))
    assert set(s.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(v, current)
    (grad,) = torch.autograd.grad(s.sum(), current)
    assert_close(grad, 1 / (1 + 10 * (current - 1).abs()) ** 2, "the gradient")


def test_the_voltage_taken_off_has_no_gradient() -> None:
    cell = LIFCell(1, 4, recurrent=False)
    s, v = torch.ones(1, 4, requires_grad=True), torch.randn(1, 4, requires_grad=True)
    _, _, new = cell.step(torch.randn(1, 4), s, v)
    of_s, of_v = torch.autograd.grad(new.sum(), (s, v), allow_unused=True)
    assert of_s is None
    assert_close(of_v, torch.sigmoid(cell.decay)[None], "the gradient of the voltage")


def test_it_learns_to_spike_one_step_late() -> None:
    cell = LIFCell(1, 8)
    read = torch.nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*cell.parameters(), *read.parameters()], 0.05)
    x = (torch.rand(16, 20, 1) < 0.5).float()
    late = torch.cat([torch.zeros(16, 1, 1), x[:, :-1]], 1)
    losses = []
    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(read(cell(4 * x)[0]), late)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]  # with the neurons as they start it stays above 0.75


def test_it_starts_with_memories_of_5_to_50_steps() -> None:
    kept = torch.sigmoid(LIFCell(1, 1000).decay.detach())
    assert 0.8 <= float(kept.min()) < 0.81
    assert 0.97 < float(kept.max()) <= 0.981


def test_without_recurrence_there_is_no_matrix() -> None:
    assert [name for name, _ in LIFCell(3, 4, recurrent=False).named_parameters()] == ["weight_ih", "bias_ih", "decay"]


@pytest.mark.parametrize("slope", [0.0, -25.0])
def test_a_surrogate_that_is_not_narrow_is_refused(slope: float) -> None:
    with pytest.raises(ElmanError, match=f"slope must be positive, not {slope}"):
        LIFCell(3, 4, slope=slope)
