"""Weights of torch.nn, against what torch.nn computes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import elman
from elman import ElmanError, from_torch
from elman.testing import assert_close

KINDS = [
    (nn.LSTM, {}, "LSTMCell"),
    (nn.LSTM, {"num_layers": 2, "bidirectional": True}, "LSTMCell"),
    (nn.LSTM, {"num_layers": 3, "proj_size": 2}, "ProjectedLSTMCell"),
    (nn.LSTM, {"num_layers": 2, "proj_size": 2, "bidirectional": True, "bias": False}, "ProjectedLSTMCell"),
    (nn.GRU, {"num_layers": 2, "bias": False}, "GRUCell"),
    (nn.GRU, {"bidirectional": True, "dtype": torch.float64}, "GRUCell"),
    (nn.RNN, {"num_layers": 2, "nonlinearity": "relu"}, "ElmanCell"),
    (nn.RNN, {"bidirectional": True}, "ElmanCell"),
    (nn.LSTM, {"hidden_size": 1, "input_size": 1}, "LSTMCell"),
]


class Model(nn.Module):
    """A bigger model, with two recurrent layers in it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 3)
        self.encoder = nn.ModuleDict({"lstm": nn.LSTM(3, 5, 2, batch_first=True, dropout=0.25)})
        self.decoder = nn.GRUCell(4, 6)
        self.head = nn.Linear(6, 7)


def parts(state: Any) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else state


def assert_same(layer: nn.Module, twin: nn.Module, size: int) -> None:
    """Outputs and last states are those of ``twin``, both batch first, from a random state."""
    batch, parameter = 4, next(twin.parameters())
    x = torch.randn(batch, 9, size, dtype=parameter.dtype)
    _, state = twin(x)
    state = tuple(torch.randn_like(part) for part in parts(state))
    given = state[0] if len(state) == 1 else state
    for start in (None, given):
        outputs, final = layer(x, start)
        expected, last = twin(x, start)
        assert_close(outputs, expected, "outputs")
        for one, other in zip(parts(final), parts(last), strict=True):
            assert_close(one, other, "last state")


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")  # torch's own
@pytest.mark.parametrize("drop_in", [False, True])
@pytest.mark.parametrize(("kind", "options", "cell"), KINDS)
def test_a_layer(kind: type[nn.Module], options: dict[str, Any], cell: str, drop_in: bool) -> None:
    options = {"input_size": 3, "hidden_size": 5, **options}
    twin = kind(**options, batch_first=True)
    layer = from_torch(twin.state_dict(), nonlinearity=options.get("nonlinearity", "tanh"), drop_in=drop_in)
    if isinstance(layer, elman.Recurrent):
        assert type(layer.cells[0]).__name__ == cell
    else:
        assert type(layer).__name__ == kind.__name__
        assert not layer.batch_first
        layer.batch_first = True
        assert list(layer.state_dict()) == list(twin.state_dict())
    assert_same(layer, twin, options["input_size"])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell, lambda *a, **o: nn.RNNCell(*a, **o, nonlinearity="relu")]
)
def test_a_cell(kind: Any, bias: bool) -> None:
    cell = kind(3, 5, bias=bias)
    x = torch.randn(4, 9, 3)
    state, outputs = None, []
    for t in range(9):
        state = cell(x[:, t], state)
        outputs.append(parts(state)[0])
    for layer in (from_torch(cell), from_torch(cell, drop_in=True)):
        turned = x if isinstance(layer, elman.Recurrent) else x.transpose(0, 1)
        got, final = layer(turned)
        assert_close(got if turned is x else got.transpose(0, 1), torch.stack(outputs, 1), "outputs")
        for one, other in zip(parts(final), parts(state), strict=True):
            assert_close(one[0], other, "last state")


def test_a_module_says_more_than_its_weights() -> None:
    model = Model().eval()
    lstm = model.encoder["lstm"]
    layer = from_torch(model, "encoder.lstm")
    assert layer.dropout == 0.25
    assert not layer.training
    assert_same(layer, lstm, 3)
    drop_in = from_torch(model, "encoder.lstm", drop_in=True)
    assert drop_in.batch_first
    assert drop_in.dropout == 0.25
    assert_same(drop_in, lstm, 3)
    relu = nn.RNN(3, 5, nonlinearity="relu", batch_first=True)
    assert_same(from_torch(relu), relu, 3)


def test_a_drop_in_of_our_own_is_read_as_its_twin() -> None:
    gru = elman.GRU(3, 5, 2, batch_first=True)
    assert_same(from_torch(gru), gru, 3)


def test_the_weights_are_copies_that_learn() -> None:
    twin: Any = nn.GRU(3, 5)
    layer = from_torch(twin)
    before = twin.weight_hh_l0.detach().clone()
    with torch.no_grad():
        for parameter in layer.parameters():
            assert parameter.requires_grad
            parameter.zero_()
    assert_close(twin.weight_hh_l0, before, "the original")


def test_random_numbers_are_not_drawn() -> None:
    state = nn.LSTM(3, 5).state_dict()
    before = torch.get_rng_state()
    from_torch(state)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file(tmp_path: Path, suffix: str) -> None:
    model, path = Model().eval(), tmp_path / f"model{suffix}"
    save = torch.save if suffix == ".pt" else save_file
    save(model.state_dict(), path)
    assert_same(from_torch(path, "encoder.lstm"), model.encoder["lstm"], 3)
    assert_same(from_torch(str(path), "encoder.lstm."), model.encoder["lstm"], 3)
    with pytest.raises(ElmanError, match=r"several recurrent layers: give prefix as one of .*'encoder.lstm'"):
        from_torch(path)


def test_a_checkpoint_with_the_weights_within(tmp_path: Path) -> None:
    lstm = nn.LSTM(3, 5, batch_first=True)
    optimizer = torch.optim.Adam(lstm.parameters())
    lstm(torch.zeros(1, 2, 3))[0].sum().backward()
    optimizer.step()
    path = tmp_path / "last.ckpt"
    weights = {f"lstm.{name}": value for name, value in lstm.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": weights, "optimizer": optimizer.state_dict()}, path)
    assert_same(from_torch(path), lstm, 3)
    assert_same(from_torch(path, "state_dict.lstm"), lstm, 3)


class Runs:
    """What a pickle can do, if it is let."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("was_run"),))


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight_hh": Runs()}, "model.pt")
    with pytest.raises(ElmanError, match=r"model.pt cannot be read .* must be what torch.save\(module.state_dict"):
        from_torch("model.pt")
    assert not Path("was_run").exists()


def test_a_whole_module_in_a_file_is_refused(tmp_path: Path) -> None:
    torch.save(nn.LSTM(3, 5), tmp_path / "model.pt")
    with pytest.raises(ElmanError, match=r"must be what torch.save\(module.state_dict\(\), path\) writes"):
        from_torch(tmp_path / "model.pt")
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    with pytest.raises(ElmanError, match="has a Tensor; it must have a state_dict"):
        from_torch(tmp_path / "tensor.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_damaged_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    save = torch.save if suffix == ".pt" else save_file
    save(nn.LSTM(3, 5).state_dict(), path)
    whole = path.read_bytes()
    for size in (0, 1, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ElmanError, match="cannot be read"):
            from_torch(path)
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ElmanError, match="cannot be read"):
        from_torch(path)
    with pytest.raises(ElmanError, match="there is no file"):
        from_torch(tmp_path / "other.pt")


def without(name: str) -> dict[str, Tensor]:
    state = nn.LSTM(3, 5, 3, bidirectional=True).state_dict()
    del state[name]
    return state


LSTM, GRU = nn.LSTM(3, 5).state_dict(), nn.GRU(3, 5).state_dict()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "has no recurrent layer that is read"),
        (nn.Linear(3, 5).state_dict(), "has no recurrent layer that is read"),
        (nn.RNN(3, 5).state_dict(), "give nonlinearity='tanh'"),
        (without("weight_ih_l0"), "the state_dict has no weight_ih of two axes"),
        (without("weight_hh_l1"), "has a weight_ih_l1, and not all layers and directions before it"),
        (without("weight_hh_l0_reverse"), "has a weight_ih_l0_reverse, and not all"),
        (without("weight_hh_l2_reverse"), "has no weight_hh of two axes"),
        (without("bias_hh_l1"), r"has no (cells.2.bias_hh|bias_hh_l1), and a \w+\(3, 5"),
        ({**LSTM, "weight_hh_l0": torch.zeros(20, 6)}, r"has a weight_hh of \[20, 6\], and is no RNN, LSTM or GRU"),
        ({**LSTM, "weight_hh_l0": torch.zeros(0, 0)}, r"of \[0, 0\], and that of a \w+\(3, 5\) is \[20, 5\]"),
        ({**LSTM, "weight_hh_l0": torch.zeros(20)}, "no weight_hh of two axes"),
        ({**LSTM, "weight_ih_l0": torch.zeros(24, 3)}, "weight_hh"),
        ({**LSTM, "bias_ih_l0": torch.zeros(19)}, r"of \[19\], and that of a \w+\(3, 5\) is \[20\]"),
        (
            {**LSTM, "weight_hr_l0": torch.zeros(2, 5)},
            "proj_size (is at least 1 and less|has to be smaller) than hidden_size",
        ),
        ({**GRU, "weight_hr_l0": torch.zeros(5, 5)}, "is no RNN, LSTM or GRU"),
        ({**GRU, "bias_ih_l0": torch.zeros(15, dtype=torch.int8)}, "must be of one floating-point dtype"),
        ({**GRU, "bias_ih_l0": torch.zeros(15, dtype=torch.float64)}, "must be of one floating-point dtype"),
    ],
)
@pytest.mark.parametrize("drop_in", [False, True])
def test_what_does_not_fit(state: dict[str, Tensor], message: str, drop_in: bool) -> None:
    with pytest.raises(ElmanError, match=message):
        from_torch(state, drop_in=drop_in)


def test_layers_of_different_sizes() -> None:
    first, second = nn.LSTM(3, 5).state_dict(), nn.LSTM(5, 6).state_dict()
    state = {**first, **{name.replace("_l0", "_l1"): value for name, value in second.items()}}
    with pytest.raises(ElmanError, match="is lstm of 5, lstm of 6 units; the layers of one Recurrent are alike"):
        from_torch(state)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(ElmanError, match=r"no recurrent layer 'lstm': prefix is one of 'encoder.lstm', 'decoder'"):
        from_torch(Model(), "lstm")
    with pytest.raises(ElmanError, match="nonlinearity is 'tanh' or 'relu', not 'sine'"):
        from_torch(nn.RNN(3, 5).state_dict(), nonlinearity="sine")
