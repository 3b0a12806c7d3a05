"""Convolutions against their definition in NumPy, and the temporal convolutional network against plain functions."""

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from elman.errors import ElmanError
from elman.layers.convolution import Convolution, ImageConvolution, TemporalConvolution
from elman.testing import assert_close

F64: dict[str, Any] = {"dtype": torch.float64}


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (1, 1, 1), (4, 1, 3), (4, 2, 1), (3, 3, 1), (3, 2, 2), (2, 3, 4)]
)
@pytest.mark.parametrize("time", [1, 7, 12])
def test_is_its_definition(kernel: int, stride: int, dilation: int, time: int) -> None:
    layer = Convolution(2, 3, kernel, stride, dilation=dilation, **F64)
    x = torch.randn(2, time, 2, **F64)
    assert layer.conv.bias is not None
    weight, bias, given = (part.detach().numpy() for part in (layer.conv.weight, layer.conv.bias, x))
    right = np.tile(bias, (2, -(-time // stride), 1))
    for j, k in product(range(right.shape[1]), range(kernel)):
        t = (j + 1) * stride - 1 - (kernel - 1 - k) * dilation
        if 0 <= t < time:
            right[:, j] += given[:, t] @ weight[:, :, k].T
    assert_close(layer(x)[0], torch.from_numpy(right), "outputs")


def test_centred_is_as_in_torch() -> None:
    x = torch.randn(2, 9, 2, **F64)
    for kernel in (1, 4, 5):
        layer = Convolution(2, 3, kernel, centred=True, activation=torch.relu, **F64)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
            right = F.conv1d(x.transpose(1, 2), layer.conv.weight, layer.conv.bias, padding="same")
        assert_close(layer(x)[0], torch.relu(right.transpose(1, 2)), f"outputs with {kernel} taps")
    strided = Convolution(2, 3, 5, 3, centred=True, **F64)
    right = F.conv1d(F.pad(x.transpose(1, 2), (1, 1)), strided.conv.weight, strided.conv.bias, stride=3)
    assert_close(strided(x)[0], right.transpose(1, 2), "outputs with a stride")


@pytest.mark.parametrize("weight_norm", [True, False])
@pytest.mark.parametrize("inputs", [2, 6])
def test_the_temporal_network_is_that_of_its_paper(weight_norm: bool, inputs: int) -> None:
    layer = TemporalConvolution(inputs, 6, 3, kernel_size=3, weight_norm=weight_norm, **F64)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    own = dict(layer.named_parameters())
    x = torch.randn(2, 11, inputs, **F64)
    value = x.transpose(1, 2)
    for block in range(3):
        y = value
        for k in (2 * block, 2 * block + 1):
            name = f"convolutions.{k}.conv."
            if weight_norm:
                length, way = (own[f"{name}parametrizations.weight.original{i}"] for i in (0, 1))
                weight = length * way / way.square().sum((1, 2), keepdim=True).sqrt()
            else:
                weight = own[f"{name}weight"]
            past = F.pad(y, (2 * 2**block, 0))
            y = torch.relu(F.conv1d(past, weight, own[f"{name}bias"], dilation=2**block))
        if block == 0 and inputs != 6:
            value = F.linear(x, own["shortcut.weight"], own["shortcut.bias"]).transpose(1, 2)
        value = torch.relu(y + value)
    assert_close(layer(x)[0], value.transpose(1, 2), "outputs")
    assert len(own) == 6 * (3 if weight_norm else 2) + (0 if inputs == 6 else 2)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_sees_as_far_as_its_span(bidirectional: bool) -> None:
    layer = TemporalConvolution(1, 32, 2, kernel_size=3, bidirectional=bidirectional, **F64)
    x = torch.randn(1, 40, 1, requires_grad=True, **F64)
    (slope,) = torch.autograd.grad(layer(x)[0][:, 20].sum(), x)
    seen = slope[0, :, 0].nonzero()[:, 0]
    assert layer.span == 13
    assert [int(seen.min()), int(seen.max())] == ([14, 26] if bidirectional else [8, 20])


def test_drops_only_in_training() -> None:
    layer, x = TemporalConvolution(2, 50, 1, dropout=0.5, weight_norm=False), torch.randn(4, 30, 2)
    plain = TemporalConvolution(2, 50, 1, weight_norm=False)
    plain.load_state_dict(layer.state_dict())
    assert not torch.allclose(layer(x)[0], plain(x)[0])
    assert torch.equal(layer.eval()(x)[0], plain(x)[0])


def test_images_keep_where_something_is() -> None:
    layer = ImageConvolution(1, 4)
    left, right = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    left[..., 6:9, 2:4], right[..., 6:9, 12:14] = 1.0, 1.0
    assert not torch.allclose(layer(left)[0], layer(right)[0], atol=1e-3)
    assert layer(torch.zeros(2, 1, 1, 1))[0].shape == (2, 4)  # as small as an image can be
    assert layer(torch.zeros(2, 0, 1, 8, 8))[0].shape == (2, 0, 4)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Convolution(0, 3), "input_size must be a whole number of at least 1, not 0"),
        (lambda: Convolution(3, 3, 0), "kernel_size must be a whole number of at least 1, not 0"),
        (lambda: Convolution(3, 3, 3, -1), "stride must be"),
        (lambda: Convolution(3, 3, 3, 4), "a kernel of 3 with a dilation of 1 allows a stride of up to 3"),
        (lambda: Convolution(3, 3, dilation=1.5), "dilation must be"),  # type: ignore[arg-type]
        (lambda: ImageConvolution(1, 3, ()), r"there are none"),
        (lambda: ImageConvolution(1, 3, (8, 0)), r"widths\[1\] must be a whole number of at least 1, not 0"),
        (lambda: TemporalConvolution(3, 5, 0), "num_layers must be a whole number of at least 1, not 0"),
        (lambda: TemporalConvolution(3, 5, dropout=2), "dropout must be a number from 0 to 1, not 2"),
        (lambda: TemporalConvolution(3, True), "hidden_size must be"),
        (lambda: Convolution(3, 4)(torch.zeros(2, 5, 3), torch.zeros(2, 2, 4)), r"a state of \[2, 2, 3\], not"),
        (lambda: Convolution(3, 4)(torch.zeros(2, 5, 3), ()), r"a state of \[2, 2, 3\], not tuple"),
        (
            lambda: Convolution(3, 4, centred=True)(torch.zeros(2, 5, 3), torch.zeros(2, 2, 3)),
            "takes no state: .* or None, not Tensor",
        ),
        (
            lambda: Convolution(3, 4, 3, 2)(torch.zeros(2, 5, 3), resets=torch.zeros(2, 5, dtype=torch.bool)),
            "resets go with a stride of 1",
        ),
        (
            lambda: TemporalConvolution(3, 4, 1)(torch.zeros(2, 5, 3), (torch.zeros(2, 2, 3),)),
            r"a tuple of 2 \(convolution 0, convolution 1\), not one of 1",
        ),
        (lambda: ImageConvolution(1, 3)(torch.zeros(2, 3, 8, 8)), r"not \[2, 3, 8, 8\]"),
        (lambda: ImageConvolution(1, 3)(torch.zeros(2, 1, 0, 8)), r"not \[2, 1, 0, 8\]"),
        (
            lambda: ImageConvolution(1, 3)(torch.zeros(2, 1, 8, 8), lengths=torch.tensor([1, 1])),
            "single images have none",
        ),
        (lambda: ImageConvolution(1, 3)(torch.zeros(2, 5, 1, 8, 8).double()), "was given torch.float64"),
        (lambda: ImageConvolution(1, 3)(torch.zeros(2, 1, 8, 8).double()), "was given torch.float64"),
    ],
)
def test_refuses_what_makes_no_sense(make: Any, told: str) -> None:
    with pytest.raises(ElmanError, match=told):
        make()
