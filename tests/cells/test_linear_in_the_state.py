"""minGRU, minLSTM, RG-LRU and IndRNN: their equations, and that time may be run in parallel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.cells import Cell
from elman.cells.indrnn import IndRNNCell
from elman.cells.mingru import MinGRUCell
from elman.cells.minlstm import MinLSTMCell
from elman.cells.rg_lru import RGLRUCell
from elman.errors import ElmanError
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def mingru(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    z = sigmoid(w.W_iz @ x + w.b_iz)
    return (h + z * (w.W_in @ x + w.b_in - h),)


def minlstm(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    i, f = sigmoid(w.W_ii @ x + w.b_ii), sigmoid(w.W_if @ x + w.b_if)
    return ((f * h + i * (w.W_ig @ x + w.b_ig)) / (f + i),)


def rg_lru(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    r, i = sigmoid(w.W_ir @ x + w.b_ir), sigmoid(w.W_ii @ x + w.b_ii)
    a = sigmoid(w.decay) ** (8 * r)
    return (a * h + np.sqrt(1 - a * a) * i * (w.W_iv @ x + w.b_iv),)


def indrnn(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    return (np.array([max(0.0, v) for v in w.W_ih @ x + w.b_ih + np.diag(w.weight_hh) @ h]),)


LINEAR = {MinGRUCell: mingru, MinLSTMCell: minlstm, RGLRUCell: rg_lru}


@pytest.mark.parametrize(("make", "equations"), [*LINEAR.items(), (IndRNNCell, indrnn)])
@pytest.mark.parametrize("bias", [True, False])
def test_they_are_those_of_the_equations(
    by_hand: Callable[..., None], make: type[Cell], equations: Callable[..., Any], bias: bool
) -> None:
    by_hand(make(4, 6, bias=bias), equations)


def scan(keep: Tensor, take: Tensor) -> tuple[Tensor, Tensor]:
    """All prefixes of ``h -> keep * h + take`` over ``[B, T, H]``, by doubling: no step waits for the one before."""
    reach = 1
    while reach < keep.shape[1]:
        before = torch.cat([torch.ones_like(keep[:, :reach]), keep[:, :-reach]], 1)
        offset = torch.cat([torch.zeros_like(take[:, :reach]), take[:, :-reach]], 1)
        keep, take, reach = keep * before, keep * offset + take, 2 * reach
    return keep, take


@pytest.mark.parametrize("make", list(LINEAR))
def test_a_parallel_scan_equals_the_loop(make: type[Cell]) -> None:
    cell = make(4, 6, dtype=torch.float64)
    x, h = torch.randn(3, 63, 4, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    outputs, _ = cell(x, h)
    flat = cell.project(x).flatten(0, 1)
    take, _ = cell.step(flat, torch.zeros(len(flat), 6, dtype=torch.float64))
    whole, _ = cell.step(flat, torch.ones(len(flat), 6, dtype=torch.float64))
    keep, take = scan((whole - take).view(3, 63, 6), take.view(3, 63, 6))
    assert_close(keep * h[:, None] + take, outputs, "outputs")


def test_minlstm_takes_a_mean_of_old_and_new() -> None:
    cell = MinLSTMCell(4, 6)
    torch.nn.init.zeros_(cell.weight_ih[12:].detach())
    assert cell.bias_ih is not None
    torch.nn.init.constant_(cell.bias_ih[12:].detach(), 0.7)
    outputs, _ = cell(10 * torch.randn(3, 9, 4), torch.full((3, 6), 0.7))
    assert_close(outputs, torch.full_like(outputs, 0.7), "outputs")


@pytest.mark.parametrize(("make", "shut"), [(MinLSTMCell, ("i", "f")), (RGLRUCell, ("r",))])
@pytest.mark.parametrize("level", [-50.0, -500.0])
def test_gates_that_are_shut_altogether_make_no_nan(make: type[Cell], shut: tuple[str, ...], level: float) -> None:
    cell = make(4, 6)
    assert cell.bias_ih is not None
    for gate in shut:
        first = 6 * cell.gates.index(gate)
        torch.nn.init.constant_(cell.bias_ih[first : first + 6].detach(), level)
    h = torch.randn(3, 6, requires_grad=True)
    outputs, _ = cell(torch.randn(3, 9, 4), h)
    outputs.sum().backward()
    assert bool(outputs.isfinite().all())
    assert h.grad is not None
    assert bool(h.grad.isfinite().all())
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in cell.parameters())


def test_rg_lru_keeps_its_state_where_its_gate_is_shut() -> None:
    cell = RGLRUCell(4, 6)
    assert cell.bias_ih is not None
    torch.nn.init.constant_(cell.bias_ih[:6].detach(), -100.0)
    h = torch.randn(3, 6)
    assert_close(cell(torch.randn(3, 63, 4), h)[1], h, "final h")


def test_rg_lru_never_grows_and_starts_with_a_long_memory() -> None:
    cell = RGLRUCell(4, 1000, dtype=torch.float64)
    a = torch.sigmoid(cell.decay.detach()) ** 8
    assert 0.9 <= float(a.min()) < 0.91
    assert 0.99 < float(a.max()) <= 0.999
    assert abs(float(a.mean()) - 0.9495) < 0.005  # uniform

    flat = cell.project(5 * torch.randn(50, 4, dtype=torch.float64))
    with torch.no_grad():
        cell.decay.normal_(std=5)
        start, _ = cell.step(flat, torch.zeros(50, 1000, dtype=torch.float64))
        end, _ = cell.step(flat, torch.ones(50, 1000, dtype=torch.float64))
    assert bool((end >= start).all())
    assert float((end - start).max()) <= 1


def test_rg_lru_refuses_to_grow() -> None:
    with pytest.raises(ElmanError, match="c must be positive, not -8"):
        RGLRUCell(4, 6, c=-8)


def test_indrnn_is_a_network_with_a_diagonal_matrix() -> None:
    cell, twin = IndRNNCell(4, 6), torch.nn.RNN(4, 6, nonlinearity="relu", batch_first=True)
    assert cell.bias_ih is not None
    twin.load_state_dict(
        {
            "weight_ih_l0": cell.weight_ih,
            "weight_hh_l0": torch.diag(cell.weight_hh),
            "bias_ih_l0": cell.bias_ih,
            "bias_hh_l0": torch.zeros(6),
        }
    )
    x, h = torch.randn(3, 9, 4), torch.rand(3, 6)
    assert_close(cell(x, h)[0], twin(x, h[None])[0], "outputs")


def test_indrnn_starts_without_units_that_explode() -> None:
    u = IndRNNCell(4, 1000).weight_hh.detach()
    assert 0 <= float(u.min()) < 0.01
    assert 0.99 < float(u.max()) <= 1
