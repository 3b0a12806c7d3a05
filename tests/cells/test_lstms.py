"""The variants of the LSTM against their equations, torch.nn and ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from elman.cells.lstm_coupled import CoupledLSTMCell
from elman.cells.lstm_layer_norm import LayerNormLSTMCell
from elman.cells.lstm_peephole import PeepholeLSTMCell
from elman.testing import assert_close

pytestmark = pytest.mark.usefixtures("executor")


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def test_peepholes_are_those_of_the_equations(by_hand: Callable[..., None]) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
        i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi + np.diag(w.weight_ci) @ c)
        f = sigmoid(w.W_if @ x + w.b_if + w.W_hf @ h + w.b_hf + np.diag(w.weight_cf) @ c)
        new = f * c + i * np.tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg)
        o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho + np.diag(w.weight_co) @ new)
        return o * np.tanh(new), new

    by_hand(PeepholeLSTMCell(4, 6), equations)


def test_without_peepholes_it_is_the_lstm() -> None:
    cell, twin = PeepholeLSTMCell(4, 6), torch.nn.LSTM(4, 6, batch_first=True)
    twin.load_state_dict(
        {f"{name}_l0": getattr(cell, name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    with torch.no_grad():
        for peephole in (cell.weight_ci, cell.weight_cf, cell.weight_co):
            peephole.zero_()
    x = torch.randn(3, 9, 4)
    outputs, (h, c) = cell(x)
    expected, (h_n, c_n) = twin(x)
    assert_close(outputs, expected, "outputs")
    assert_close(h, h_n[0], "final h")
    assert_close(c, c_n[0], "final c")


def test_peepholes_are_those_of_onnx(by_onnx: Callable[..., Any], to_onnx: Callable[..., Any]) -> None:
    cell = PeepholeLSTMCell(4, 6)
    x, h, c = torch.randn(3, 9, 4), torch.randn(3, 6), torch.randn(3, 6)
    inputs = {
        "W": to_onnx(cell.weight_ih, "ifgo", "iofg"),
        "R": to_onnx(cell.weight_hh, "ifgo", "iofg"),
        "B": torch.cat([to_onnx(cell.bias_ih, "ifgo", "iofg"), to_onnx(cell.bias_hh, "ifgo", "iofg")], 1),
        "initial_h": h[None],
        "initial_c": c[None],
        "P": torch.cat([cell.weight_ci, cell.weight_co, cell.weight_cf])[None],
    }
    expected, h_n, c_n = by_onnx("LSTM", 6, x, inputs)
    outputs, final = cell(x, (h, c))
    assert_close(outputs, expected, "outputs")
    assert_close(final[0], h_n, "final h")
    assert_close(final[1], c_n, "final c")


def test_coupled_gates_are_those_of_the_equations(by_hand: Callable[..., None]) -> None:
    def equations(w: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
        i = sigmoid(w.W_ii @ x + w.b_ii + w.W_hi @ h + w.b_hi)
        o = sigmoid(w.W_io @ x + w.b_io + w.W_ho @ h + w.b_ho)
        new = c + i * (np.tanh(w.W_ig @ x + w.b_ig + w.W_hg @ h + w.b_hg) - c)
        return o * np.tanh(new), new

    by_hand(CoupledLSTMCell(4, 6), equations)


def test_coupled_gates_are_those_of_onnx(by_onnx: Callable[..., Any], to_onnx: Callable[..., Any]) -> None:
    cell = CoupledLSTMCell(4, 6)
    x, h, c = torch.randn(3, 9, 4), torch.randn(3, 6), torch.randn(3, 6)

    def packed(value: torch.Tensor | None) -> torch.Tensor:
        # the operator has a forget gate, which it does not look at
        assert value is not None
        i, g, o = value.detach().chunk(3)
        return to_onnx(torch.cat([i, torch.full_like(i, 7), g, o]), "ifgo", "iofg")

    inputs = {
        "W": packed(cell.weight_ih),
        "R": packed(cell.weight_hh),
        "B": torch.cat([packed(cell.bias_ih), packed(cell.bias_hh)], 1),
        "initial_h": h[None],
        "initial_c": c[None],
    }
    expected, h_n, c_n = by_onnx("LSTM", 6, x, inputs, input_forget=1)
    outputs, final = cell(x, (h, c))
    assert_close(outputs, expected, "outputs")
    assert_close(final[0], h_n, "final h")
    assert_close(final[1], c_n, "final c")


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm_is_that_of_the_equations(by_hand: Callable[..., None], bias: bool) -> None:
    cell = LayerNormLSTMCell(4, 6, bias=bias)
    with torch.no_grad():
        for name, value in cell.named_parameters():
            if name.startswith(("gain", "shift")):
                value.normal_()

    def norm(v: np.ndarray, gain: np.ndarray, shift: np.ndarray | float) -> np.ndarray:
        mean = sum(v) / len(v)
        variance = sum((one - mean) ** 2 for one in v) / len(v)
        return gain * (v - mean) / np.sqrt(variance + 1e-5) + shift

    def equations(w: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
        shift_ih, shift_hh, shift_c = (w.shift_ih, w.shift_hh, w.shift_c) if bias else (0.0, 0.0, 0.0)
        gates = norm(w.weight_ih @ x, w.gain_ih, shift_ih) + norm(w.weight_hh @ h, w.gain_hh, shift_hh)
        i, f, g, o = gates.reshape(4, -1)
        new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(norm(new, w.gain_c, shift_c)), new

    by_hand(cell, equations)


def test_layer_norm_does_not_see_the_scale_of_its_weights() -> None:
    cell = LayerNormLSTMCell(4, 6, dtype=torch.float64)
    x = torch.randn(3, 9, 4, dtype=torch.float64)
    with torch.no_grad():
        cell.weight_ih.mul_(1e5)  # so large that the constant beside the variance does not count
        cell.weight_hh.mul_(1e5)
        outputs, _ = cell(x)
        cell.weight_ih.mul_(3)
        cell.weight_hh.mul_(0.5)
        again, _ = cell(x)
    assert float((again - outputs).abs().max()) < 1e-9


def test_layer_norm_starts_from_gains_of_one_and_no_shift() -> None:
    cell = LayerNormLSTMCell(4, 6)
    for gain in (cell.gain_ih, cell.gain_hh, cell.gain_c):
        assert bool((gain == 1).all())
    for shift in (cell.shift_ih, cell.shift_hh, cell.shift_c):
        assert shift is not None
        assert not shift.any()
