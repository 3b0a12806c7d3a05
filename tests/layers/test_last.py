"""The last output alone: what torch's own layers give at the last valid step, in any composition."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from elman import GRU, LSTM, RNN, ElmanError, Last, Recurrent, Transformer


@pytest.mark.parametrize("make", [RNN, LSTM, GRU])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_it_is_what_torch_has_read_last(make: type[nn.Module], bidirectional: bool) -> None:
    layer = make(3, 5, num_layers=2, batch_first=True, bidirectional=bidirectional)
    twin = getattr(nn, make.__name__)(3, 5, num_layers=2, batch_first=True, bidirectional=bidirectional)
    twin.load_state_dict(layer.state_dict())
    x, lengths = torch.randn(4, 7, 3), torch.tensor([7, 2, 5, 1])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    _, state = twin(packed)
    hidden = state[0] if isinstance(state, tuple) else state  # [L*D, B, H], of each direction where it has read all
    expected = torch.cat([hidden[-2], hidden[-1]], -1) if bidirectional else hidden[-1]
    torch.testing.assert_close(Last(layer)(x, lengths=lengths), expected)


def test_time_first_is_the_same() -> None:
    layer = RNN(3, 5)
    x = torch.randn(7, 4, 3)
    torch.testing.assert_close(Last(layer)(x), layer(x)[0][-1])


def test_it_stands_in_a_sequential_and_learns() -> None:
    model = nn.Sequential(Last(RNN(1, 50, batch_first=True)), nn.Linear(50, 1))
    model(torch.randn(6, 10, 1)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_any_layer_of_ours_may_be_inside() -> None:
    x, lengths = torch.randn(3, 6, 4), torch.tensor([6, 0, 2])
    recurrent = Recurrent("lem", 4, 8, bidirectional=True)
    found, outputs = Last(recurrent)(x, lengths=lengths), recurrent(x, lengths=lengths)[0]
    torch.testing.assert_close(found[2], torch.cat([outputs[2, 1, :8], outputs[2, 0, 8:]]))
    assert not found[1].any()  # a row of no steps
    assert Last(recurrent)(x[:, :0]).shape == (3, 16)
    # a transformer's features are of no direction
    transformer = Transformer(4, 8, 1, heads=2, bidirectional=True).eval()
    torch.testing.assert_close(Last(transformer)(x), transformer(x)[0][:, -1])


def test_what_is_no_sequence_of_outputs_is_refused() -> None:
    with pytest.raises(ElmanError, match=r"outputs \[batch, time, features\]"):
        Last(RNN(1, 5))(torch.randn(7, 1))
