"""Weights of Keras, against what Keras itself computes on PyTorch."""

import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from elman import ElmanError, from_keras
from elman.testing import assert_close

# Keras writes a file of settings into its home when it is imported
with TemporaryDirectory() as home, patch.dict(os.environ, KERAS_BACKEND="torch", KERAS_HOME=home):
    import keras
    from keras import layers

# Keras's own, of its variables
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SUFFIXES = (".keras", ".weights.h5")


def save(model: Any, path: Path) -> Path:
    """The model, or only its weights, with every variable random: Keras starts with biases of zero."""
    for variable in model.weights:
        if variable.dtype.startswith("float"):
            variable.assign(np.random.randn(*variable.shape) / 2)
    (model.save if path.suffix == ".keras" else model.save_weights)(path)
    return path


def sequence(*parts: Any, features: int = 3) -> Any:
    return keras.Sequential([layers.Input((None, features)), *parts])


def run(model: Any, x: Tensor) -> Any:
    with torch.no_grad():
        return model(x)


def states(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


LAYERS: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (layers.LSTM, {}, "LSTMCell"),
    (layers.LSTM, {"use_bias": False, "unit_forget_bias": False}, "LSTMCell"),
    (layers.LSTM, {"dropout": 0.5, "recurrent_dropout": 0.5}, "LSTMCell"),
    (layers.GRU, {}, "GRUCell"),
    (layers.GRU, {"reset_after": False}, "ResetBeforeGRUCell"),
    (layers.SimpleRNN, {}, "ElmanCell"),
    (layers.SimpleRNN, {"use_bias": False}, "ElmanCell"),
]
ONLY_WITH_CONFIGURATION = [
    (layers.GRU, {"use_bias": False}, "GRUCell"),
    (layers.GRU, {"use_bias": False, "reset_after": False}, "ResetBeforeGRUCell"),
    (layers.SimpleRNN, {"activation": "relu"}, "ElmanCell"),
]


def check(kind: Callable[..., Any], options: dict[str, Any], cell: str, path: Path, bidirectional: bool) -> None:
    one = kind(5, return_sequences=True, return_state=True, **options)
    both = layers.Bidirectional(one) if bidirectional else one
    given = keras.Input((None, 3))
    model = keras.Model(given, both(given))
    layer = from_keras(save(model, path))
    assert type(layer.cells[0]).__name__ == cell
    assert layer.bidirectional == bidirectional
    x = torch.randn(4, 9, 3)
    expected, *last = run(model, x)
    outputs, final = layer(x)
    assert_close(outputs, expected, "outputs")
    per = len(states(final))  # Keras gives the states of one direction, then those of the other
    for k, part in enumerate(states(final)):
        assert_close(part, torch.stack(last[k::per]), f"state {k}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "options", "cell"), LAYERS)
def test_a_layer(
    kind: Any, options: dict[str, Any], cell: str, tmp_path: Path, bidirectional: bool, suffix: str
) -> None:
    check(kind, options, cell, tmp_path / f"model{suffix}", bidirectional)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "options", "cell"), ONLY_WITH_CONFIGURATION)
def test_a_layer_whose_kind_the_configuration_says(
    kind: Any, options: dict[str, Any], cell: str, tmp_path: Path, bidirectional: bool
) -> None:
    check(kind, options, cell, tmp_path / "model.keras", bidirectional)


def test_a_gru_without_bias_needs_a_configuration(tmp_path: Path) -> None:
    path = save(sequence(layers.GRU(5, use_bias=False)), tmp_path / "model.weights.h5")
    with pytest.raises(ElmanError, match=r"'gru\w*' of .* is a GRU without bias; only a \.keras file says"):
        from_keras(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_by_name_and_stacks(tmp_path: Path, suffix: str) -> None:
    # names that do not agree with the places, which Keras calls lstm, lstm_1 and lstm_2
    parts = [
        layers.LSTM(5, return_sequences=True, name="lstm_1"),
        layers.LSTM(5, return_sequences=True, name="lstm_2"),
        layers.Dropout(0.1),
        layers.LSTM(6, return_sequences=True, name="lstm"),
    ]
    model = sequence(*parts)
    path = save(model, tmp_path / f"model{suffix}")
    x = torch.randn(4, 9, 3)
    first = run(parts[0], x)
    second = run(parts[1], first)
    assert_close(from_keras(path, "lstm_1")(x)[0], first, "lstm_1")
    assert_close(from_keras(path, "lstm")(second)[0], run(parts[3], second), "lstm")
    stack = from_keras(path, ["lstm_1", "lstm_2"])
    assert stack.num_layers == 2
    assert_close(stack(x)[0], second, "stack")
    with pytest.raises(ElmanError, match=r"several recurrent layers: give layer as one of 'lstm_1', 'lstm_2', 'lstm'$"):
        from_keras(path)
    with pytest.raises(ElmanError, match=r"no recurrent layer 'gru': layer is one of 'lstm_1', 'lstm_2', 'lstm'$"):
        from_keras(path, "gru")
    with pytest.raises(ElmanError, match="is lstm of 5, lstm of 6 units; the layers of one Recurrent are alike"):
        from_keras(path, ["lstm_2", "lstm"])
    with pytest.raises(ElmanError, match=r"layer is a name or a list of names, not \[\]"):
        from_keras(path, [])


def test_bidirectional_layers_one_upon_another(tmp_path: Path) -> None:
    parts = [layers.Bidirectional(layers.GRU(5, return_sequences=True), name=name) for name in ("low", "high")]
    model = sequence(*parts)
    path = save(model, tmp_path / "model.keras")
    x = torch.randn(4, 9, 3)
    assert_close(from_keras(path, ["low", "high"])(x)[0], run(model, x), "outputs")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cells_in_a_layer(tmp_path: Path, suffix: str) -> None:
    cells = [layers.GRUCell(5, reset_after=False) for _ in range(12)]  # so many that 10 stands before 2 in a file
    model = sequence(layers.RNN(cells, return_sequences=True))
    layer = from_keras(save(model, tmp_path / f"stack{suffix}"))
    assert layer.num_layers == 12
    x = torch.randn(4, 9, 3)
    assert_close(layer(x)[0], run(model, x), "outputs")
    model = sequence(layers.RNN(layers.LSTMCell(5), return_sequences=True))
    assert_close(from_keras(save(model, tmp_path / f"one{suffix}"))(x)[0], run(model, x), "outputs")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_layer_within_others(tmp_path: Path, suffix: str) -> None:
    inner = sequence(layers.GRU(5, return_sequences=True, name="deep"), layers.Dense(2))
    model = sequence(layers.Dense(3), inner, layers.TimeDistributed(layers.Dense(2)))
    layer = from_keras(save(model, tmp_path / f"model{suffix}"), "deep")
    x = torch.randn(4, 9, 3)
    assert_close(layer(x)[0], run(inner.layers[0], x), "outputs")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_of_one_name_are_told_by_their_paths(tmp_path: Path, suffix: str) -> None:
    inner = [sequence(layers.GRU(5, return_sequences=True, name="same"), features=f) for f in (3, 5)]
    model = sequence(*inner)
    path = save(model, tmp_path / f"model{suffix}")
    with pytest.raises(ElmanError, match="one of 'layers/sequential/layers/gru', 'layers/sequential_1/layers/gru'"):
        from_keras(path)
    x = torch.randn(4, 9, 5)
    layer = from_keras(path, "layers/sequential_1/layers/gru")
    assert_close(layer(x)[0], run(inner[1], x), "outputs")


def test_it_goes_on_backwards_where_keras_does(tmp_path: Path) -> None:
    model = sequence(layers.LSTM(5, return_sequences=True, go_backwards=True))
    layer = from_keras(save(model, tmp_path / "model.keras"))
    x = torch.randn(4, 9, 3)
    assert_close(layer(x.flip(1))[0], run(model, x), "outputs")


both = layers.Bidirectional


@keras.saving.register_keras_serializable("test")
class LSTM(layers.LSTM):
    """One of the user's own, of a name that is Keras's too."""


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: layers.LSTM(5, recurrent_activation="hard_sigmoid"), "'hard_sigmoid'; of a LSTM 'sigmoid' is read"),
        (lambda: layers.GRU(5, activation="relu"), "the activation 'relu'; of a GRU 'tanh' is read"),
        (lambda: layers.SimpleRNN(5, activation=None), "'linear'; of a SimpleRNN 'tanh' or 'relu' is read"),  # pyright: ignore[reportArgumentType]
        (
            lambda: both(layers.GRU(5), backward_layer=layers.GRU(5, activation="elu", go_backwards=True)),
            "the activation 'elu'",
        ),
        (lambda: both(layers.GRU(5), backward_layer=layers.LSTM(5, go_backwards=True)), "is gru of 5, lstm of 5 units"),
        (lambda: layers.RNN([layers.LSTMCell(5), layers.LSTMCell(5, activation="elu")]), "the activation 'elu'"),
        (lambda: layers.RNN([layers.LSTMCell(5), layers.GRUCell(5)]), "is (gru|lstm) of 5, (gru|lstm) of 5 units"),
        (lambda: both(layers.GRU(5), merge_mode="sum"), "merge_mode 'sum', and a Recurrent has the directions side by"),
        (lambda: both(layers.RNN([layers.GRUCell(5), layers.GRUCell(5)])), "a stack in each direction"),
        (lambda: LSTM(5), "is a LSTM; SimpleRNN, GRU and LSTM of Keras are read"),
        (lambda: layers.Dense(5), "has no recurrent layer that is read"),
    ],
)
def test_what_cannot_be_read(layer: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=message):
        from_keras(save(sequence(layer()), tmp_path / "model.keras"))


def edited(path: Path, change: Any) -> Path:
    """A .keras file whose weights are changed by ``change(file)``."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO(entries["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**entries, "model.weights.h5": buffer.getvalue()}.items():
            archive.writestr(name, content)
    return path


def test_a_file_that_has_no_names_in_its_weights(tmp_path: Path) -> None:
    # of the first versions of Keras 3, whose weights know their layers by place alone
    parts = [layers.LSTM(5, return_sequences=True, name=name) for name in ("lstm_1", "lstm")]
    model = sequence(*parts)

    def unname(file: Any) -> None:
        file.visititems(lambda at, item: item.attrs.clear())

    x = torch.randn(4, 9, 3)
    path = edited(save(model, tmp_path / "model.keras"), unname)
    assert_close(from_keras(path, "lstm_1")(x)[0], run(parts[0], x), "outputs")
    path = save(model, tmp_path / "model.weights.h5")
    with h5py.File(path, "r+") as file:
        unname(file)
    assert_close(
        from_keras(path, "lstm")(x)[0], run(parts[0], x), "outputs"
    )  # by place, of which nothing else is known


def external(file: Any) -> None:
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars/0"] = h5py.ExternalLink("other.h5", "/secret")


def stored_elsewhere(file: Any) -> None:
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars"].create_dataset("0", (3, 15), "f4", external=[("other.bin", 0, 180)])


def virtual(file: Any) -> None:
    del file["layers/gru/cell/vars/0"]
    layout = h5py.VirtualLayout((3, 15), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (3, 15))
    file["layers/gru/cell/vars"].create_virtual_dataset("0", layout)


def declared(file: Any) -> None:
    del file["layers/gru/cell/vars/0"]
    file["layers/gru/cell/vars"].create_dataset("0", (1 << 40, 15), "f4", chunks=(1024, 15))


def replaced(number: int, value: Any) -> Any:
    def change(file: Any) -> None:
        del file[f"layers/gru/cell/vars/{number}"]
        if value is not None:
            file[f"layers/gru/cell/vars/{number}"] = np.asarray(value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "has no kernel and recurrent kernel"),
        (stored_elsewhere, r"cannot be read \(the values of /layers/gru/cell/vars/0 are not in it\)"),
        (virtual, "are not in it"),
        (declared, "are not in it"),
        (replaced(1, None), "has no kernel and recurrent kernel"),
        (replaced(0, np.zeros(15, "f4")), "has no kernel and recurrent kernel"),
        (replaced(1, np.zeros((5, 14), "f4")), r"weight_hh of \[14, 5\], and that of a Recurrent\(3, 5\) is \[15, 5\]"),
        (replaced(2, np.zeros(15, "f4")), r"a bias of \[15\], which no GRU has"),
        (replaced(2, np.zeros((3, 15), "f4")), r"a bias of \[3, 15\], which no GRU has"),
        (replaced(2, np.zeros((2, 12), "f4")), r"bias_ih of \[12\]"),
        (replaced(2, np.zeros((2, 15), "i4")), "must be of one floating-point dtype"),
        (replaced(2, np.array([b"text"])), "cannot be read"),
    ],
)
def test_weights_that_are_damaged(change: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as file:
        file["secret"] = np.zeros((3, 15), "f4")
    Path("other.bin").write_bytes(bytes(180))
    path = edited(save(sequence(layers.GRU(5)), tmp_path / "model.keras"), change)
    with pytest.raises(ElmanError, match=message):
        from_keras(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file(tmp_path: Path, suffix: str) -> None:
    path = save(sequence(layers.LSTM(5)), tmp_path / f"model{suffix}")
    whole = path.read_bytes()
    for size in (0, 1, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ElmanError, match="cannot be read"):
            from_keras(path)
    with pytest.raises(ElmanError, match="there is no file"):
        from_keras(tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"config.json": b"{"}, "cannot be read"),
        ({"config.json": b"{}"}, "model.weights.h5"),
        ({"config.json": b"[]", "model.weights.h5": b"text"}, "cannot be read"),
        ({"model.weights.h5": b""}, "config.json"),
    ],
)
def test_an_archive_of_something_else(tmp_path: Path, entries: dict[str, bytes], message: str) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(ElmanError, match=message):
        from_keras(tmp_path / "model.keras")


def test_the_format_of_before(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["layer_names"] = ["lstm"]
        file["lstm/lstm/lstm_cell/kernel:0"] = np.zeros((3, 20), "f4")
    with pytest.raises(ElmanError, match=r"the HDF5 format of before Keras 3.*; it must be what model.save"):
        from_keras(tmp_path / "model.h5")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(sequence(layers.GRU(5)), tmp_path / "model.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ElmanError, match=r"this needs h5py: pip install 'elman\[weights\]'"):
        from_keras(path)
