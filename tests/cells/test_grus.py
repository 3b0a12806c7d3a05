"""The variants of the GRU against their equations, torch.nn and ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from elman.cells.gru import GRUCell
from elman.cells.gru_decay import DecayGRUCell
from elman.cells.gru_reset_before import ResetBeforeGRUCell
from elman.cells.mgu import MGUCell
from elman.errors import ElmanError
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


@pytest.mark.parametrize("bias", [True, False])
def test_the_reset_before_is_that_of_the_equations(by_hand: Callable[..., None], bias: bool) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ h + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ h + w.b_hz)
        n = np.tanh(w.W_in @ x + w.b_in + w.W_hn @ np.array([a * b for a, b in zip(r, h, strict=True)]) + w.b_hn)
        return (n + z * (h - n),)

    by_hand(ResetBeforeGRUCell(4, 6, bias=bias), equations)


@pytest.mark.parametrize(("make", "linear_before_reset"), [(ResetBeforeGRUCell, 0), (GRUCell, 1)])
def test_both_resets_are_those_of_onnx(
    make: Callable[..., Any], linear_before_reset: int, by_onnx: Callable[..., Any], to_onnx: Callable[..., Any]
) -> None:
    cell = make(4, 6)
    x, h = torch.randn(3, 9, 4), torch.randn(3, 6)
    inputs = {
        "W": to_onnx(cell.weight_ih, "rzn", "zrn"),
        "R": to_onnx(cell.weight_hh, "rzn", "zrn"),
        "B": torch.cat([to_onnx(cell.bias_ih, "rzn", "zrn"), to_onnx(cell.bias_hh, "rzn", "zrn")], 1),
        "initial_h": h[None],
    }
    expected, h_n = by_onnx("GRU", 6, x, inputs, linear_before_reset=linear_before_reset)
    outputs, final = cell(x, h)
    assert_close(outputs, expected, "outputs")
    assert_close(final, h_n, "final h")


def test_the_minimal_gated_unit_is_that_of_the_equations(by_hand: Callable[..., None]) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
        f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf)
        n = np.tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
        return (h + f * (n - h),)

    by_hand(MGUCell(4, 6), equations)


def test_the_minimal_gated_unit_is_a_gru_whose_gates_are_tied() -> None:
    cell, twin = MGUCell(4, 6), ResetBeforeGRUCell(4, 6)
    with torch.no_grad():
        for name, value in cell.named_parameters():
            f, n = value.chunk(2)
            twin.get_parameter(name).copy_(torch.cat([f, -f, n]))  # z = 1 - f
    x = torch.randn(3, 9, 4)
    assert_close(cell(x)[0], twin(x)[0], "outputs")


@pytest.mark.parametrize("bias", [True, False])
def test_the_decay_is_that_of_the_equations(by_hand: Callable[..., None], bias: bool) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray, dt: float) -> tuple[np.ndarray, ...]:
        bias_dh = w.bias_dh if bias else np.zeros(6)
        faded = np.array([h[k] * np.exp(-max(0.0, w.weight_dh[k] * dt + bias_dh[k])) for k in range(6)])
        r = sigmoid(w.W_ir @ x + w.b_ir + w.W_hr @ faded + w.b_hr)
        z = sigmoid(w.W_iz @ x + w.b_iz + w.W_hz @ faded + w.b_hz)
        n = np.tanh(w.W_in @ x + w.b_in + r * (w.W_hn @ faded + w.b_hn))
        return (n + z * (faded - n),)

    by_hand(DecayGRUCell(4, 6, bias=bias), equations)


def test_where_no_time_passes_it_is_the_gru() -> None:
    cell, twin = DecayGRUCell(4, 6, dtype=torch.float64), torch.nn.GRU(4, 6, batch_first=True, dtype=torch.float64)
    twin.load_state_dict(
        {f"{name}_l0": getattr(cell, name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    assert cell.bias_dh is not None
    torch.nn.init.constant_(cell.bias_dh, -0.1)
    x, h = torch.randn(3, 9, 4, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    outputs, final = cell(x, h, dt=torch.zeros(3, 9, 1, dtype=torch.float64))
    expected, h_n = twin(x, h[None])
    assert_close(outputs, expected, "outputs")
    assert_close(final, h_n[0], "final h")


def test_after_a_long_time_nothing_is_left() -> None:
    cell = DecayGRUCell(4, 6)
    torch.nn.init.constant_(cell.weight_dh, 1.0)
    x = torch.randn(3, 1, 4)
    gap = torch.full((3, 1, 1), 1000.0)
    assert torch.equal(cell(x, torch.randn(3, 6), dt=gap)[0], cell(x, dt=gap)[0])


def test_gaps_without_their_axis_are_refused() -> None:
    cell = DecayGRUCell(4, 6)
    with pytest.raises(ElmanError, match=r"the last axis of dt has 1, as \[3, 6, 1\], not \[3, 6\]"):
        cell(torch.randn(3, 6, 4), dt=torch.rand(3, 6))
    with pytest.raises(ElmanError, match="takes dt, and was given none"):
        cell(torch.randn(3, 6, 4))


def test_gaps_of_another_dtype_are_refused() -> None:
    with pytest.raises(ElmanError, match=r"weights of torch.float32 and was given the extra input dt of torch.float64"):
        DecayGRUCell(4, 6)(torch.randn(3, 6, 4), dt=torch.rand(3, 6, 1, dtype=torch.float64))
