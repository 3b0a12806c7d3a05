"""LEM, coRNN and CfC: their equations, and the bounds that their papers prove."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from elman.cells.cfc import CfCCell
from elman.cells.cornn import CoRNNCell
from elman.cells.lem import LEMCell
from elman.errors import ElmanError
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


@pytest.mark.parametrize("dt", [1.0, 0.3])
def test_lem_is_that_of_the_equations(by_hand: Callable[..., None], dt: float) -> None:
    def equations(w: Any, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        s = dt * sigmoid(w.W_hs @ y + w.b_hs + w.W_is @ x + w.b_is)
        d = dt * sigmoid(w.W_hd @ y + w.b_hd + w.W_id @ x + w.b_id)
        z = z + s * (np.tanh(w.W_hz @ y + w.b_hz + w.W_iz @ x + w.b_iz) - z)
        y = y + d * (np.tanh(w.W_hy @ z + w.b_hy + w.W_iy @ x + w.b_iy) - y)
        return y, z

    by_hand(LEMCell(4, 6, dt=dt), equations)


def test_lem_stays_within_one() -> None:
    cell = LEMCell(4, 6)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.mul_(30)
        outputs, (_, z) = cell(torch.randn(8, 200, 4))
    assert 0.9 < float(outputs.abs().max()) <= 1
    assert float(z.abs().max()) <= 1


@pytest.mark.parametrize("dt", [0.0, -0.1, 1.5])
def test_lem_refuses_a_step_that_overshoots(dt: float) -> None:
    with pytest.raises(ElmanError, match=f"dt must be above 0 and at most 1, not {dt}"):
        LEMCell(4, 6, dt=dt)


def test_cornn_solves_its_equations(by_hand: Callable[..., None]) -> None:
    dt, gamma, epsilon = 0.2, 1.5, 0.7

    def equations(w: Any, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        drive = np.tanh(w.W_hz @ y + w.weight_zz @ z + w.W_iz @ x + w.b_iz + w.b_hz)
        new = z
        for _ in range(60):  # z' stands on both sides: put it in until it stays
            new = z + dt * (drive - gamma * y - epsilon * new)
        return y + dt * new, new

    by_hand(CoRNNCell(4, 6, dt=dt, gamma=gamma, epsilon=epsilon), equations)


@pytest.mark.parametrize(("dt", "gamma", "epsilon"), [(0.042, 2.7, 4.7), (0.3, 2.0, 0.6), (1.0, 1.0, 1.0)])
def test_the_energy_of_cornn_is_bounded(dt: float, gamma: float, epsilon: float) -> None:
    cell = CoRNNCell(4, 6, dt=dt, gamma=gamma, epsilon=epsilon, dtype=torch.float64)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.mul_(20)
    x = torch.randn(8, 300, 4, dtype=torch.float64)
    state = tuple(torch.randn(8, 6, dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        _, (y, z) = cell.trajectory(x, state)
    y, z = (torch.cat([start[:, None], rest], 1) for start, rest in zip(state, (y, z), strict=True))
    energy = gamma * y**2 + z**2
    assert float(energy.diff(dim=1).max()) <= dt / epsilon


@pytest.mark.parametrize("name", ["dt", "gamma", "epsilon"])
def test_cornn_refuses_numbers_that_are_not_positive(name: str) -> None:
    with pytest.raises(ElmanError, match=f"{name} must be positive, not 0"):
        CoRNNCell(4, 6, **{name: 0})


def test_cfc_is_that_of_the_equations(by_hand: Callable[..., None]) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray, dt: float) -> tuple[np.ndarray, ...]:
        v = np.concatenate([x, h])
        g, k, a, b = (
            np.hstack([getattr(w, f"W_i{gate}"), getattr(w, f"W_h{gate}")]) @ v
            + getattr(w, f"b_i{gate}")
            + getattr(w, f"b_h{gate}")
            for gate in "gkab"
        )
        return (sigmoid(-a * dt - b) * np.tanh(g) + sigmoid(a * dt + b) * np.tanh(k),)

    by_hand(CfCCell(4, 6), equations)


def test_cfc_ends_at_one_of_its_two_targets() -> None:
    cell = CfCCell(4, 6, dtype=torch.float64)
    x, h = torch.randn(3, 1, 4, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    outputs, _ = cell(x, h, dt=torch.full((3, 1, 1), 1e6, dtype=torch.float64))
    g, k, a, _ = (cell.project(x[:, 0]) + cell.recurrent(h)).chunk(4, -1)
    assert_close(outputs[:, 0], torch.where(a > 0, torch.tanh(k), torch.tanh(g)), "outputs")


def test_cfc_refuses_gaps_without_their_axis() -> None:
    with pytest.raises(ElmanError, match=r"the last axis of dt has 1, as \[3, 6, 1\], not \[3, 6\]"):
        CfCCell(4, 6)(torch.randn(3, 6, 4), dt=torch.rand(3, 6))
