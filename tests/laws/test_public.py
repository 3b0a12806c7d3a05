"""Every public name is there, says what it is, and every public layer gives outputs of the shape that it promises."""

import importlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman import layers
from elman.layers import (
    CRF,
    GRU,
    LSTM,
    RNN,
    AdditiveAttention,
    Convolution,
    EncoderDecoder,
    FeedForward,
    Highway,
    Hybrid,
    ImageConvolution,
    Last,
    MultiHeadAttention,
    MultiplicativeAttention,
    Pyramid,
    Recurrent,
    Residual,
    SelfAttention,
    Shorten,
    Stack,
    TemporalConvolution,
    Transformer,
)
from tests.laws.test_directions import modules

PACKAGES = [name for name, path in modules().items() if path.name == "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_lists_is_there_once(package: str) -> None:
    module = importlib.import_module(package)
    listed = list(getattr(module, "__all__", []))
    assert len(listed) == len(set(listed))
    assert [name for name in listed if not hasattr(module, name)] == []


def test_every_public_name_says_what_it_is() -> None:
    silent = [name for name in elman.__all__ if not inspect.getdoc(getattr(elman, name))]
    assert not silent, f"{silent} have no docstring"
    assert {"LSTM", "Recurrent", "Cell", "load"} <= set(elman.__all__)


def test_the_package_shows_its_public_names_alone() -> None:
    assert dir(elman) == sorted([*elman.__all__, "__version__"])
    assert elman.__version__ == version("elman")


def sequence() -> tuple[Tensor, ...]:
    return (torch.randn(3, 7, 4),)


def asked() -> tuple[Tensor, ...]:
    """Queries, and a memory."""
    return torch.randn(3, 5, 4), torch.randn(3, 7, 6)


def tokens() -> tuple[Any, ...]:
    return torch.randint(8, (3, 7)), torch.tensor([7, 0, 2]), torch.randint(1, 9, (3, 5)), torch.tensor([5, 1, 0])


# by class: an example, its inputs, and the shape of what it gives
SHAPES: dict[type[nn.Module], tuple[Callable[[], nn.Module], Callable[[], tuple[Any, ...]], tuple[int, ...]]] = {
    AdditiveAttention: (lambda: AdditiveAttention(4, 6, 5), asked, (3, 5, 6)),
    Convolution: (lambda: Convolution(4, 5, 3, 2), sequence, (3, 4, 5)),
    EncoderDecoder: (
        lambda: EncoderDecoder(Recurrent("gru", 4, 5), Recurrent("gru", 5, 5), 8, 9),
        tokens,
        (3, 6, 9),
    ),
    FeedForward: (lambda: FeedForward(4), sequence, (3, 7, 4)),
    GRU: (lambda: GRU(4, 5, batch_first=True, bidirectional=True), sequence, (3, 7, 10)),
    Highway: (lambda: Highway(Recurrent("gru", 4, 4)), sequence, (3, 7, 4)),
    Hybrid: (lambda: Hybrid("gru", 4, 8), sequence, (3, 7, 8)),
    ImageConvolution: (lambda: ImageConvolution(2, 5), lambda: (torch.randn(3, 7, 2, 8, 9),), (3, 7, 5)),
    LSTM: (lambda: LSTM(4, 5, proj_size=2, batch_first=True), sequence, (3, 7, 2)),
    Last: (lambda: Last(Recurrent("gru", 4, 5)), sequence, (3, 5)),
    MultiHeadAttention: (lambda: MultiHeadAttention(4, 6, 8), asked, (3, 5, 8)),
    MultiplicativeAttention: (lambda: MultiplicativeAttention(4, 6), asked, (3, 5, 6)),
    Pyramid: (lambda: Pyramid("gru", 4, 5), sequence, (3, 2, 10)),
    RNN: (lambda: RNN(4, 5), sequence, (3, 7, 5)),
    Recurrent: (lambda: Recurrent("lstm", 4, 5, 2, bidirectional=True), sequence, (3, 7, 10)),
    Residual: (lambda: Residual(Recurrent("gru", 4, 4)), sequence, (3, 7, 4)),
    SelfAttention: (lambda: SelfAttention(4, 2), sequence, (3, 7, 4)),
    Shorten: (lambda: Shorten(4, 3), sequence, (3, 3, 12)),
    Stack: (lambda: Stack([Shorten(4, 2), Recurrent("gru", 8, 5)]), sequence, (3, 4, 5)),
    TemporalConvolution: (lambda: TemporalConvolution(4, 5), sequence, (3, 7, 5)),
    Transformer: (lambda: Transformer(4, 8), sequence, (3, 7, 8)),
}
ELSEWHERE = {CRF}  # it has no outputs, but a likelihood and tags


def test_every_public_layer_is_in_the_table() -> None:
    public = {getattr(layers, name) for name in layers.__all__}
    found = {each for each in public if inspect.isclass(each) and issubclass(each, nn.Module)}
    missing = {each for each in found - set(SHAPES) - ELSEWHERE if not inspect.isabstract(each)}
    assert not missing, f"say in SHAPES what {missing} give"


@pytest.mark.parametrize("layer", SHAPES, ids=lambda layer: layer.__name__)
def test_a_layer_gives_the_shape_that_it_promises(layer: type[nn.Module]) -> None:
    make, inputs, shape = SHAPES[layer]
    module = make()
    outputs = module(*inputs())
    outputs = outputs if isinstance(outputs, Tensor) else outputs[0]
    assert tuple(outputs.shape) == shape
    assert outputs.isfinite().all()
    assert outputs.dtype == torch.float32
    assert getattr(module, "output_size", shape[-1]) == shape[-1]
    if outputs.requires_grad:
        outputs.square().sum().backward()
    dead = [name for name, parameter in module.named_parameters() if parameter.grad is None]
    assert not dead, f"{dead} have no part in the outputs"
