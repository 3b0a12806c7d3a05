"""What holds for every layer over a sequence: stepping, lengths, resets, the form of the state, gradients."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.convolution import Convolution, ImageConvolution, TemporalConvolution
from elman.layers.hybrid import Hybrid
from elman.layers.recurrent import Recurrent
from elman.layers.sequence import shortened
from elman.layers.stacks import Highway, Pyramid, Residual, Shorten, Stack, stride_of
from elman.layers.transformer import FeedForward, SelfAttention, Transformer
from elman.testing import assert_close

F64: dict[str, Any] = {"dtype": torch.float64}

# by name, a layer from 4 features; those that look back only, and those that see a whole sequence
STEPPED: dict[str, Callable[[], Any]] = {
    "recurrent": lambda: Recurrent("lstm", 4, 5, 2, **F64),
    "convolution": lambda: Convolution(4, 5, 4, activation=torch.tanh, **F64),
    "dilated": lambda: Convolution(4, 5, 3, dilation=3, **F64),
    "one tap": lambda: Convolution(4, 5, 1, **F64),
    "strided": lambda: Convolution(4, 5, 5, 2, activation=torch.tanh, **F64),
    "strided, all taps apart": lambda: Convolution(4, 5, 2, 2, **F64),
    "temporal convolution": lambda: TemporalConvolution(4, 5, 2, kernel_size=2, **F64),
    "attention": lambda: SelfAttention(4, 2, **F64),
    "attention to a window": lambda: SelfAttention(4, 2, window=3, **F64),
    "attention to itself": lambda: SelfAttention(4, 1, window=1, **F64),
    "feed-forward": lambda: FeedForward(4, **F64),
    "transformer": lambda: Transformer(4, 6, 2, heads=1, **F64),
    "transformer with a window": lambda: Transformer(4, 8, 2, heads=2, window=4, **F64),
    "hybrid": lambda: Hybrid("rg_lru", 4, 6, 3, heads=1, window=3, **F64),
    "residual": lambda: Residual(Recurrent("gru", 4, 4, **F64), norm=True),
    "highway": lambda: Highway(Recurrent("lstm", 4, 4, **F64), norm=True),
    "stack": lambda: Stack([Convolution(4, 6, 3, **F64), Residual(Recurrent("gru", 6, 6, **F64))]),
    "shorten": lambda: Shorten(4, 2),
    "pyramid": lambda: Pyramid("gru", 4, 5, 2, bidirectional=False, **F64),
}
WHOLE: dict[str, Callable[[], Any]] = {
    "centred": lambda: Convolution(4, 5, 4, centred=True, **F64),
    "centred with a stride": lambda: Convolution(4, 5, 3, 2, centred=True, **F64),
    "temporal convolution, both sides": lambda: TemporalConvolution(4, 5, 2, bidirectional=True, **F64),
    "attention, both sides": lambda: SelfAttention(4, 2, bidirectional=True, **F64),
    "transformer, both sides": lambda: Transformer(4, 6, 2, heads=1, bidirectional=True, **F64),
    "pyramid, both sides": lambda: Pyramid("lstm", 4, 5, 3, **F64),
}
ALL = {**STEPPED, **WHOLE}
SEGMENTED = [name for name in ALL if stride_of(ALL[name]()) == 1]
LENGTHS = torch.tensor([9, 0, 6, 1, 7])


def layers(*names: str) -> Any:
    return pytest.mark.parametrize("make", [ALL[name] for name in names], ids=names)


def given(batch: int = 5, time: int = 9) -> Tensor:
    return torch.randn(batch, time, 4, dtype=torch.float64)


def choose(state: Any, rows: Any) -> Any:
    """These rows of a state, by the rule that every tensor has the batch on its second axis."""
    return state[:, rows] if isinstance(state, Tensor) else tuple(choose(part, rows) for part in state)


def started(layer: Any, batch: int = 5) -> Any:
    """A state that is not the initial one, with rows that have seen more and less."""
    return layer(given(batch, 4), lengths=torch.tensor([4, 2, 0, 4, 2])[:batch])[1]


@layers(*STEPPED)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "lengths"])
@pytest.mark.usefixtures("executor")
def test_a_sequence_in_parts_is_the_whole_sequence(make: Callable[[], Any], lengths: Tensor | None) -> None:
    layer, x = make(), given()
    start, further = started(layer), given(5, 3)
    whole, end = layer(x, start, lengths=lengths)
    assert whole.shape == (5, int(shortened(torch.tensor(9), stride_of(layer))), layer.output_size)
    for cuts in ([2, 6], [4, 4], list(range(stride_of(layer), 9, stride_of(layer)))):
        state, outputs, begin = start, [], 0
        for stop in [*cuts, 9]:
            part = None if lengths is None else (lengths - begin).clamp(0, stop - begin)
            output, state = layer(x[:, begin:stop], state, lengths=part)
            outputs.append(output)
            begin = stop
        assert_close(torch.cat(outputs, 1), whole, f"outputs cut at {cuts}")
        assert_close(layer(further, state)[0], layer(further, end)[0], f"what follows a sequence cut at {cuts}")


@layers(*ALL)
@pytest.mark.usefixtures("executor")
def test_every_row_is_as_if_alone_and_cut_to_its_length(make: Callable[[], Any]) -> None:
    layer, x = make(), given()
    start = started(layer)
    x[torch.arange(9) >= LENGTHS[:, None]] = torch.nan
    x.requires_grad_()
    outputs, end = layer(x, start, lengths=LENGTHS)
    ends = layer.output_lengths(LENGTHS) if hasattr(layer, "output_lengths") else LENGTHS
    leaves = [x, *layer.parameters()]
    together = torch.autograd.grad(outputs.square().sum(), leaves, retain_graph=True)
    alone = [torch.zeros_like(leaf) for leaf in leaves]
    for row, length in enumerate(LENGTHS.tolist()):
        here = slice(row, row + 1)
        if length:
            output, after = layer(x[here, :length], choose(start, here))
            assert output.shape[1] == ends[row]
            grads = torch.autograd.grad(output.square().sum(), leaves, retain_graph=True, materialize_grads=True)
            alone = [a + b for a, b in zip(alone, grads, strict=True)]
        else:
            output, after = x.new_zeros(1, 0, layer.output_size), choose(start, here)
        assert_close(outputs[here, : output.shape[1]], output, f"outputs of row {row}")
        assert (outputs[row, output.shape[1] :] == 0).all()
        further = given(1, 4)
        assert_close(
            layer(further, choose(end, here))[0], layer(further, after)[0], f"what follows row {row} of {length}"
        )
    for one, other in zip(together, alone, strict=True):
        assert_close(one, other, "a gradient")


@layers(*SEGMENTED)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "lengths"])
@pytest.mark.usefixtures("executor")
def test_segments_never_see_each_other(make: Callable[[], Any], lengths: Tensor | None) -> None:
    layer, x = make(), given()
    start = started(layer)
    resets = torch.zeros(5, 9, dtype=torch.bool)
    for row, step in ((0, 0), (0, 4), (2, 3), (2, 4), (2, 8), (3, 2), (4, 6)):
        resets[row, step] = True
    outputs, end = layer(x, start, lengths=lengths, resets=resets)
    for row in range(5):
        length = 9 if lengths is None else int(lengths[row])
        state, begin, here = choose(start, slice(row, row + 1)), 0, slice(row, row + 1)
        cuts = [t for t in range(length) if resets[row, t]]
        for stop in [*cuts, length]:
            if stop > begin:
                output, state = layer(x[here, begin:stop], state)
                assert_close(outputs[here, begin:stop], output, f"outputs of row {row} from {begin} to {stop}")
            if stop < length or stop in cuts:
                state = layer.initial_state(1)
            begin = stop
        further = given(1, 4)
        assert_close(layer(further, choose(end, here))[0], layer(further, state)[0], f"what follows row {row}")


@layers(*ALL)
def test_the_initial_state_is_where_a_call_without_a_state_starts(make: Callable[[], Any]) -> None:
    layer, x = make(), given()
    assert_close(layer(x, layer.initial_state(5))[0], layer(x)[0], "outputs")


@layers(*STEPPED)
def test_no_steps_change_nothing(make: Callable[[], Any]) -> None:
    layer, further = make(), given(5, 4)
    start = started(layer)
    outputs, end = layer(given(5, 0), start)
    assert outputs.shape == (5, 0, layer.output_size)
    assert_close(layer(further, end)[0], layer(further, start)[0], "what follows")


@layers(*ALL)
def test_gradients_are_the_derivatives(make: Callable[[], Any]) -> None:
    layer = make()
    lengths = torch.tensor([5, 3])
    names = [name for name, _ in layer.named_parameters()]

    def run(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), x, {"lengths": lengths})[0]

    leaves = [given(2, 5).requires_grad_(), *(p.detach().clone().requires_grad_() for p in layer.parameters())]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


@layers(*ALL)
def test_float32_agrees_and_copies_are_apart(make: Callable[[], Any]) -> None:
    layer, x = make(), given()
    small = copy.deepcopy(layer).float()
    outputs, _ = layer(x, lengths=LENGTHS)
    assert_close(small(x.float(), lengths=LENGTHS)[0], outputs.float(), "outputs")
    other = make()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x, lengths=LENGTHS)[0], outputs)


@layers(*ALL)
def test_says_what_it_cannot_take(make: Callable[[], Any]) -> None:
    layer, x = make(), given()
    name = type(layer).__name__
    with pytest.raises(ElmanError, match=r"takes an input of \[batch, time, 4\], not \[5, 9, 3\]"):
        layer(x[..., :3])
    with pytest.raises(ElmanError, match=r"takes an input of \[batch, time, 4\], not \[5, 9\]"):
        layer(x[..., 0])
    with pytest.raises(ElmanError, match="lengths go from 0 to 9, not from 0 to 10"):
        layer(x, lengths=torch.tensor([10, 0, 1, 2, 3]))
    with pytest.raises(ElmanError, match=r"lengths are whole numbers of \[5\]"):
        layer(x, lengths=torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
    with pytest.raises(ElmanError, match=r"takes|must be"):
        layer(x, (x, x, x, x, x, x, x, x))
    if list(layer.parameters()):
        with pytest.raises(ElmanError, match=r"has weights of torch.float64 .*was given .*torch.float32"):
            layer(x.float())
    if name not in ("Recurrent", "Residual", "Highway", "Stack", "Pyramid", "Shorten", "ImageConvolution"):
        with pytest.raises(ElmanError, match=r"resets are bool of \[5, 9\], not torch.float64 of \[5, 9, 4\]"):
            layer(x, resets=x)


def test_images_are_frames_by_themselves() -> None:
    layer = ImageConvolution(2, 5, (3, 4), **F64)
    x, lengths = torch.randn(3, 4, 2, 9, 6, dtype=torch.float64), torch.tensor([4, 0, 2])
    x[2, 2:] = torch.nan
    outputs, state = layer(x, lengths=lengths)
    assert state == ()
    assert outputs.shape == (3, 4, 5)
    for row, length in enumerate(lengths.tolist()):
        for t in range(4):
            right = layer(x[row : row + 1, t])[0][0] if t < length else torch.zeros(5, dtype=torch.float64)
            assert_close(outputs[row, t], right, f"frame {t} of row {row}")
    loss = outputs.sum()
    assert all(grad.isfinite().all() for grad in torch.autograd.grad(loss, list(layer.parameters())))
    stack = Stack([layer, Recurrent("gru", 5, 6, **F64)])
    assert stack(x, lengths=lengths)[0].shape == (3, 4, 6)
    assert isinstance(stack, nn.Module)
