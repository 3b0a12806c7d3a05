"""Packed sequences and padded ones made of each other are what PyTorch's functions make of them."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman.layers.packing import packed_like, padded


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[5, 4, 4, 1], [1, 5, 2, 5], [3], [2, 2]])
def test_the_same_stands_in_the_same_places(lengths: list[int], batch_first: bool) -> None:
    torch.manual_seed(0)
    batch, time = len(lengths), max(lengths)
    x = torch.randn(*((batch, time) if batch_first else (time, batch)), 3, dtype=torch.float64)
    in_order = lengths == sorted(lengths, reverse=True)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first, enforce_sorted=in_order)
    right, ends = pad_packed_sequence(packed, batch_first)
    found = padded(packed, batch_first)
    assert torch.equal(found.x, right)
    assert torch.equal(found.lengths, ends)
    again = packed_like(packed, found.x * 2, found.places)
    assert type(again) is PackedSequence
    assert torch.equal(again.data, packed.data * 2)
    for own, other in zip(again[1:], packed[1:], strict=True):
        assert own is other
    data = packed.data.requires_grad_()

    def there_and_back(data: torch.Tensor) -> torch.Tensor:
        packed = PackedSequence(data, *again[1:])
        found = padded(packed, batch_first)
        return packed_like(packed, found.x.sin(), found.places).data

    assert torch.autograd.gradcheck(there_and_back, data)
