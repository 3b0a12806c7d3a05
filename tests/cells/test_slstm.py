"""The sLSTM against its equations without the stabiliser, and its heads."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.cells.slstm import SLSTMCell
from elman.compiler.ops import block_linear
from elman.errors import ElmanError
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def block_diagonal(rows: np.ndarray) -> np.ndarray:
    """The whole matrix ``[H, H]`` of rows that have columns for the units of their own head alone."""
    units, size = rows.shape
    whole = np.zeros((units, units))
    for unit in range(units):
        first = unit // size * size
        whole[unit, first : first + size] = rows[unit]
    return whole


@pytest.mark.parametrize("forget", ["sigmoid", "exp"])
@pytest.mark.parametrize("heads", [1, 2, 6])
def test_the_stabiliser_cancels_out(by_hand: Callable[..., None], forget: str, heads: int) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, ...]:
        i = np.exp(w.W_ii @ x + w.b_ii + block_diagonal(w.W_hi) @ h)
        f = np.exp(w.W_if @ x + w.b_if + block_diagonal(w.W_hf) @ h)
        f = f / (1 + f) if forget == "sigmoid" else f
        z = np.tanh(w.W_iz @ x + w.b_iz + block_diagonal(w.W_hz) @ h)
        o = 1 / (1 + np.exp(-(w.W_io @ x + w.b_io + block_diagonal(w.W_ho) @ h)))
        c = f * c + i * z
        n = f * n + i
        return o * c / n, c, n

    def unstabilised(h: Tensor, c: Tensor, n: Tensor, m: Tensor) -> tuple[Tensor, ...]:
        return h, c * torch.exp(m), n * torch.exp(m)

    by_hand(SLSTMCell(4, 6, heads=heads, forget=forget), equations, unstabilised)


@pytest.mark.parametrize("forget", ["sigmoid", "exp"])
@pytest.mark.parametrize("scale", [300.0, 3000.0])
def test_large_gates_neither_overflow_nor_vanish(forget: str, scale: float) -> None:
    cell = SLSTMCell(4, 6, forget=forget)
    x = (scale * torch.randn(3, 50, 4)).requires_grad_()
    outputs, (_, c, n, _) = cell(x)
    outputs.sum().backward()
    assert bool((outputs.abs() <= 1).all())
    assert bool((c.abs() <= n * 1.00001).all())
    for value in (x, *cell.parameters()):
        assert value.grad is not None
        assert bool(value.grad.isfinite().all())


def test_heads_do_not_see_each_other() -> None:
    cell = SLSTMCell(4, 6, heads=3)
    x = torch.randn(2, 5, 4)
    state = tuple(torch.rand(2, 6) + 1 for _ in range(4))
    other = (state[0].clone(), *state[1:])
    other[0][:, 2:4] += 1  # h of the second head
    changed = (cell(x, other)[0] != cell(x, state)[0]).any(0).any(0)
    assert changed.tolist() == [False, False, True, True, False, False]


def test_a_product_by_heads_is_one_by_a_block_diagonal_matrix() -> None:
    x, weight, bias = torch.randn(5, 6), torch.randn(3, 4, 2), torch.randn(12)
    expected = x @ torch.block_diag(*weight).T
    assert_close(block_linear(x, weight), expected, "the product")
    assert_close(block_linear(x, weight, bias), expected + bias, "the product with its bias")


@pytest.mark.parametrize("heads", [4, 0, -1, 12, 2.0])
def test_heads_that_do_not_divide_the_units_are_refused(heads: int) -> None:
    with pytest.raises(ElmanError, match=f"heads is a divisor of hidden_size = 6, not {heads}"):
        SLSTMCell(4, 6, heads=heads)


def test_another_forget_gate_is_refused() -> None:
    with pytest.raises(ElmanError, match="forget is 'sigmoid' or 'exp', not 'tanh'"):
        SLSTMCell(4, 6, forget="tanh")
