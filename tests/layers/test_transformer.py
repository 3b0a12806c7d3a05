"""Attention against its definition in NumPy, the blocks against torch.nn's, and streams without an end."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers import transformer
from elman.layers.transformer import FeedForward, SelfAttention, Transformer
from elman.testing import assert_close

F64: dict[str, Any] = {"dtype": torch.float64}


def by_definition(layer: SelfAttention, x: Tensor) -> np.ndarray:
    """Attention of one head after another and one query after another, each pair of features a complex number."""
    weight, bias, last, shift = (
        part.detach().numpy()
        for part in (layer.project.weight, layer.project.bias, layer.combine.weight, layer.combine.bias)
    )
    size, features = layer.input_size // layer.heads, layer.input_size
    outputs = np.zeros(x.shape)
    for b, row in enumerate(x.numpy()):
        q, k, v = np.split(row @ weight.T + bias, 3, axis=1)
        read = np.zeros((len(row), features))
        for head in range(layer.heads):
            own = slice(head * size, (head + 1) * size)
            turns = 10_000.0 ** (-np.arange(0, size, 2) / size)

            def turned(part: np.ndarray, t: int, own: slice = own, turns: np.ndarray = turns) -> np.ndarray:
                first, second = np.split(part[t, own], 2)
                return (first + 1j * second) * np.exp(1j * t * turns)

            for t in range(len(row)):
                start = 0 if layer.window is None else max(0, t - layer.window + 1)
                seen = range(len(row)) if layer.bidirectional else range(start, t + 1)
                scores = np.array([(turned(q, t) * turned(k, s).conj()).sum().real for s in seen]) / np.sqrt(size)
                shares = np.exp(scores - scores.max())
                read[t, own] = (shares / shares.sum()) @ v[list(seen), own]
        outputs[b] = read @ last.T + shift
    return outputs


@pytest.mark.parametrize(
    "options", [{}, {"window": 1}, {"window": 4}, {"window": 40}, {"bidirectional": True}], ids=str
)
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_is_its_definition(options: dict[str, Any], heads: int) -> None:
    layer, x = SelfAttention(12, heads, **options, **F64), 2 * torch.randn(2, 11, 12, **F64)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    assert_close(layer(x)[0], torch.from_numpy(by_definition(layer, x)), "outputs")


@pytest.mark.parametrize("bidirectional", [False, True])
def test_without_positions_its_blocks_are_those_of_torch(bidirectional: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "rotated", lambda x, positions, base: x)
    own = Transformer(3, 8, 2, heads=2, bidirectional=bidirectional, **F64)
    inner = nn.TransformerEncoderLayer(
        8, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, **F64
    )
    twin = nn.TransformerEncoder(inner, 2, nn.LayerNorm(8, **F64), enable_nested_tensor=False)
    for parameter in own.parameters():
        nn.init.normal_(parameter)
    mixers = [own.blocks.layers[0], own.blocks.layers[2]]
    feeders = [own.blocks.layers[1], own.blocks.layers[3]]
    state = {"norm.weight": own.norm.weight, "norm.bias": own.norm.bias}
    for k, (mixer, feeder) in enumerate(zip(mixers, feeders, strict=True)):
        for kind in ("weight", "bias"):
            for theirs, ours in (
                (f"self_attn.in_proj_{kind}", f"0.layer.project.{kind}"),
                (f"self_attn.out_proj.{kind}", f"0.layer.combine.{kind}"),
                (f"norm1.{kind}", f"0.norm.{kind}"),
                (f"linear1.{kind}", f"1.layer.widen.{kind}"),
                (f"linear2.{kind}", f"1.layer.narrow.{kind}"),
                (f"norm2.{kind}", f"1.norm.{kind}"),
            ):
                which, _, path = ours.partition(".")
                state[f"layers.{k}.{theirs}"] = (mixer, feeder)[int(which)].get_parameter(path)
    twin.load_state_dict(state)
    x = torch.randn(2, 7, 3, **F64)
    mask = None if bidirectional else nn.Transformer.generate_square_subsequent_mask(7, **F64)
    assert_close(own(x)[0], twin(own.inputs(x), mask, is_causal=not bidirectional), "outputs")


def test_a_stream_has_no_end_where_there_is_a_window() -> None:
    """Thousands of steps: the state does not grow, and float32 is as good at the end as at the start."""
    layer = Transformer(2, 8, 1, heads=2, window=4)
    x, state = torch.randn(2, 3000, 2), None
    sizes = set()
    with torch.no_grad():
        for begin in range(0, 3000, 50):
            _, state = layer(x[:, begin : begin + 50], state)
            sizes.add(sum(part.numel() for part in state[0]))
        last, _ = layer(x[:, -1:], state)
        right, _ = layer.double()(torch.cat([x[:, -50:], x[:, -1:]], 1).double())
    assert len(sizes) == 1
    assert_close(last.double().float(), right[:, -1:].float(), "the output after a long stream")


def test_without_a_window_the_state_is_all_that_was_seen() -> None:
    layer, x = SelfAttention(8, 2), torch.randn(3, 6, 8)
    _, (keys, values, kept) = layer(x)
    assert keys.shape == values.shape == (6, 3, 2, 4)
    assert kept.tolist() == [[6, 6, 6]]
    _, (keys, _, kept) = layer(x[:, :1], (keys, values, kept), lengths=torch.tensor([1, 0, 1]))
    assert keys.shape == (7, 3, 2, 4)
    assert kept.tolist() == [[7, 6, 7]]


def test_drops_only_in_training() -> None:
    layer, x = Transformer(3, 8, 1, heads=2, dropout=0.5), torch.randn(2, 5, 3)
    torch.manual_seed(1)
    first = layer(x)[0]
    assert not torch.equal(layer(x)[0], first)
    torch.manual_seed(1)
    assert torch.equal(layer(x)[0], first)
    attention = SelfAttention(8, 2, dropout=0.5)
    assert not torch.equal(attention(torch.ones(1, 9, 8))[0], attention(torch.ones(1, 9, 8))[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_feed_forward_is_its_equation() -> None:
    layer, x = FeedForward(4, 7, **F64), torch.randn(2, 3, 4, **F64)
    hidden = torch.nn.functional.gelu(x @ layer.widen.weight.T + layer.widen.bias)
    assert_close(layer(x)[0], hidden @ layer.narrow.weight.T + layer.narrow.bias, "outputs")


def call(layer: Any, state: Any, features: int = 8) -> Any:
    return layer(torch.zeros(2, 5, features), state)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SelfAttention(12, 4), "4 heads do not divide 12 features into even parts.*; 1, 2, 3, 6 would"),
        (lambda: SelfAttention(8, 3), "3 heads do not divide 8 features .*; 1, 2, 4 would"),
        (lambda: SelfAttention(7, 1), "an even number of features is needed"),
        (lambda: SelfAttention(8, 0), "heads must be a whole number of at least 1, not 0"),
        (lambda: SelfAttention(8, 2, window=0), "window must be a whole number of at least 1, not 0"),
        (lambda: SelfAttention(8, 2, window=4, bidirectional=True), "it goes with bidirectional=False"),
        (lambda: SelfAttention(8, 2, dropout=-1), "dropout must be a number from 0 to 1, not -1"),
        (lambda: Transformer(3, 10, heads=4), "4 heads do not divide 10 features .*; 1, 5 would"),
        (lambda: Transformer(3, 8, 0), "num_layers must be"),
        (lambda: Transformer(0, 8), "input_size must be"),
        (lambda: FeedForward(8, 0), "hidden_size must be"),
        (lambda: call(SelfAttention(8, 2), torch.zeros(1)), r"a tuple of 3 \(keys, values, how many\), not Tensor"),
        (
            lambda: call(SelfAttention(8, 2, window=4), SelfAttention(8, 2, window=3).initial_state(2)),
            r"takes keys of \[3, 2, 2, 4\], not \[2, 2, 2, 4\]",
        ),
        (lambda: call(SelfAttention(8, 2), SelfAttention(8, 2).initial_state(3)), r"keys of \[0, 2, 2, 4\], not"),
        (lambda: call(SelfAttention(8, 2), (torch.zeros(()),) * 3), r"keys of \[0, 2, 2, 4\], not \[\]"),
        (
            lambda: call(SelfAttention(8, 2, bidirectional=True), torch.zeros(1)),
            "takes no state: .* or None, not Tensor",
        ),
        (lambda: call(Transformer(8, 8, 1, heads=2), ((),)), "a tuple of 2 .*, not one of 1"),
    ],
)
def test_refuses_what_makes_no_sense(make: Any, told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        make()
