"""Layers put together: each is the sum of its parts, and compiled what it is eagerly."""

from typing import Any

import cases
import pytest
import torch
from torch import Tensor, nn

from elman.compiler import plan
from elman.errors import ElmanError
from elman.layers.convolution import Convolution
from elman.layers.hybrid import Hybrid
from elman.layers.recurrent import Recurrent
from elman.layers.stacks import Highway, Pyramid, Residual, Shorten, Stack
from elman.layers.transformer import FeedForward, SelfAttention
from elman.testing import assert_close

F64: dict[str, Any] = {"dtype": torch.float64}


def x_of(*shape: int) -> Tensor:
    return torch.randn(*shape, **F64)


def test_a_residual_layer_is_its_equation() -> None:
    inner = Recurrent("lstm", 4, 4, **F64)
    x = x_of(3, 7, 4)
    assert_close(Residual(inner)(x)[0], x + inner(x)[0], "plain")
    normed = Residual(inner, norm=True)
    deviation = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    assert_close(normed(x)[0], x + inner(deviation)[0], "normalised")
    _, (h, c) = normed(x)
    assert [part.shape for part in normed.initial_state(3)] == [h.shape, c.shape]


def test_a_highway_is_its_equation() -> None:
    inner = Recurrent("gru", 4, 4, **F64)
    highway, x = Highway(inner, bias=-2.0), x_of(3, 7, 4)
    t = torch.sigmoid(x @ highway.gate.weight.T + highway.gate.bias)
    assert_close(highway(x)[0], t * inner(x)[0] + (1 - t) * x, "plain")
    assert torch.equal(highway.gate.bias, torch.full((4,), -2.0, **F64))
    highway = Highway(inner, norm=True)
    normed = nn.functional.layer_norm(x, (4,))
    t = torch.sigmoid(normed @ highway.gate.weight.T + highway.gate.bias)
    assert_close(highway(x)[0], t * inner(normed)[0] + (1 - t) * x, "normalised")


def test_a_stack_is_its_layers_one_after_another() -> None:
    first, second = Convolution(3, 4, 4, 2, **F64), Recurrent("lstm", 4, 5, **F64)
    stack, x, lengths = Stack([first, second]), x_of(3, 7, 3), torch.tensor([7, 0, 3])
    middle, _ = first(x, lengths=lengths)
    right, (h, c) = second(middle, lengths=torch.tensor([4, 0, 2]))
    outputs, state = stack(x, lengths=lengths)
    assert_close(outputs, right, "outputs")
    assert torch.equal(state[1][0], h)
    assert torch.equal(state[1][1], c)
    assert stack.output_lengths(lengths).tolist() == [4, 0, 2]
    assert (stack.input_size, stack.output_size, stack.stride) == (3, 5, 2)


def test_a_pyramid_puts_pairs_of_steps_side_by_side() -> None:
    pyramid = Pyramid("gru", 3, 4, 2, **F64)
    x, lengths = x_of(2, 5, 3), torch.tensor([5, 3])
    first, second = (m for m in pyramid.modules() if isinstance(m, Recurrent))
    low, _ = first(x, lengths=lengths)
    pairs = torch.zeros(2, 3, 16, **F64)
    for b, t in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):
        for half in (0, 1):
            if 2 * t + half < lengths[b]:
                pairs[b, t, 8 * half : 8 * half + 8] = low[b, 2 * t + half]
    right, _ = second(pairs, lengths=torch.tensor([3, 2]))
    assert_close(pyramid(x, lengths=lengths)[0], right, "outputs")
    assert Pyramid("gru", 3, 4, 3, factor=3).stride == 9
    assert Pyramid("gru", 3, 4, 1).stride == 1
    dropping, x = Pyramid("gru", 3, 4, 2, dropout=1.0), torch.randn(1, 4, 3)
    assert torch.equal(dropping(x)[0], dropping(torch.zeros(1, 4, 3))[0])


def test_a_hybrid_follows_its_pattern() -> None:
    hybrid = Hybrid("rg_lru", 3, 8, 5, heads=2, window=3)
    kinds = [type(block.layer).__name__ for block in hybrid.blocks.layers]  # type: ignore[union-attr]
    assert kinds[::2] == ["Recurrent", "Recurrent", "SelfAttention", "Recurrent", "Recurrent"]
    assert kinds[1::2] == ["FeedForward"] * 5
    assert [type(b.layer).__name__ for b in Hybrid("gru", 3, 8, 2, pattern="a").blocks.layers][::2] == [  # type: ignore[union-attr]
        "SelfAttention"
    ] * 2


def test_a_hybrid_is_its_layers_by_hand() -> None:
    hybrid, x = Hybrid("lstm", 3, 8, 2, pattern="ra", heads=2, window=3, **F64), x_of(2, 9, 3)
    value = hybrid.inputs(x)
    for block in hybrid.blocks.layers:
        assert isinstance(block, Residual)
        assert isinstance(block.norm, nn.LayerNorm)
        value = value + block.layer(block.norm(value))[0]  # type: ignore[operator]
    assert_close(hybrid(x)[0], hybrid.norm(value), "outputs")


def test_drops_between_layers_and_only_in_training() -> None:
    stack = Stack([Recurrent("elman", 3, 50), Recurrent("elman", 50, 4)], dropout=0.25)
    seen: dict[str, Tensor] = {}
    stack.layers[0].register_forward_hook(lambda module, args, result: seen.update(made=result[0]))
    stack.layers[1].register_forward_pre_hook(lambda module, args: seen.update(read=args[0]))
    stack(torch.randn(20, 30, 3))
    dropped = seen["read"] == 0
    assert abs(float(dropped.double().mean()) - 0.25) < 0.02
    assert torch.allclose(seen["read"][~dropped], seen["made"][~dropped] / 0.75)
    stack.eval()
    stack(torch.randn(20, 30, 3))
    assert torch.equal(seen["read"], seen["made"])
    residual, x = Residual(Recurrent("elman", 3, 3), dropout=1.0), torch.randn(2, 4, 3)
    assert torch.equal(residual(x)[0], x)
    assert not torch.equal(residual.eval()(x)[0], x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Stack([Recurrent("lstm", 3, 5), *(Residual(Recurrent("gru", 5, 5), norm=True) for _ in range(2))]),
        lambda: Stack([Recurrent("elman", 3, 6), Highway(Recurrent("slstm", 6, 3, bidirectional=True))]),
        lambda: Pyramid("lstm", 3, 5),
        lambda: Hybrid("rg_lru", 3, 6, heads=1, window=3),
    ],
    ids=["residual", "highway", "pyramid", "hybrid"],
)
def test_compiled_and_eager_are_equal(make: Any) -> None:
    layer = make().double()
    x, lengths = x_of(4, 9, 3).requires_grad_(), torch.tensor([9, 0, 4, 7])
    leaves = {"x": x, **dict(layer.named_parameters())}
    results = {}
    for name in cases.EXECUTORS:
        with plan.use(name):
            outputs, _ = layer(x, lengths=lengths)
            results[name] = {"outputs": outputs, **cases.pull(leaves, outputs)}
    eager = results.pop("eager")
    assert results
    for name, found in results.items():
        for what, value in found.items():
            assert_close(value, eager[what], f"{name} {what}")


def test_extra_inputs_reach_the_cells() -> None:
    stack, x = Stack([Recurrent("cfc", 3, 4), Residual(Recurrent("cfc", 4, 4))]), torch.randn(2, 5, 3)
    first: Any = Recurrent("cfc", 3, 4).cells[0]
    (extra,) = first.extra_inputs
    near, far = (stack(x, **{extra: torch.full((2, 5, 1), gap)})[0] for gap in (0.1, 9.0))
    assert not torch.allclose(near, far)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Stack([]), "num_layers must be a whole number of at least 1, not 0"),
        (lambda: Stack([nn.Linear(3, 4)]), "a layer over a sequence is wanted, such as Recurrent"),  # type: ignore[list-item]
        (
            lambda: Stack([Recurrent("gru", 3, 5), SelfAttention(6, 1)]),
            "a SelfAttention that takes 6 features cannot follow a Recurrent that gives 5",
        ),
        (lambda: Stack([Shorten(3)], dropout=7), "dropout must be a number from 0 to 1, not 7"),
        (
            lambda: Residual(Recurrent("gru", 3, 5)),
            "a Residual needs a layer with as many outputs as inputs, not Recurrent from 3 to 5; let a layer before it",
        ),
        (lambda: Highway(Recurrent("gru", 4, 4, bidirectional=True)), "not Recurrent from 4 to 8"),
        (lambda: Highway(Convolution(4, 4, stride=2)), "needs a layer that keeps every step; Convolution shortens"),
        (lambda: Residual("gru"), "a layer over a sequence is wanted"),  # type: ignore[arg-type]
        (lambda: Residual(FeedForward(4), dropout=-0.1), "dropout must be"),
        (lambda: Pyramid("gruu", 3, 4), "did you mean 'gru'"),
        (lambda: Pyramid("gru", 3, 4, factor=0), "factor must be a whole number of at least 1, not 0"),
        (lambda: Pyramid("gru", 3, 4, 0), "num_layers must be"),
        (lambda: Hybrid("gru", 3, 8, pattern="rrx"), "a pattern is of r .recurrent. and a .attention., .* not 'rrx'"),
        (lambda: Hybrid("gru", 3, 8, pattern=""), "such as 'rra', not ''"),
        (lambda: Hybrid("gru", 3, 9), "4 heads do not divide 9 features"),
        (
            lambda: Hybrid("lstm_projected", 3, 8, proj_size=2),
            "a Residual needs a layer with as many outputs as inputs, not Recurrent from 8 to 2",
        ),
        (
            lambda: Pyramid("gru", 3, 4)(torch.zeros(1, 4, 3), resets=torch.zeros(1, 4, dtype=torch.bool)),
            "resets go with layers that keep every step",
        ),
        (
            lambda: Stack([Shorten(3), Recurrent("gru", 6, 5)])(torch.zeros(1, 4, 3), torch.zeros(1, 1, 5)),
            r"Stack takes a tuple of 2 \(Shorten, Recurrent\), not Tensor",
        ),
        (lambda: Shorten(3)(torch.zeros(1, 4, 3), torch.zeros(1)), "Shorten takes no state"),
    ],
)
def test_refuses_what_makes_no_sense(make: Any, told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        make()
