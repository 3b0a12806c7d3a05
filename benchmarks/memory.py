"""What a layer keeps for the backward pass."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import Node, saved_tensors_hooks


def floats_kept(layer: nn.Module, x: Tensor) -> float:
    """Floats that each further step of ``x [T, B, H]`` makes the layer keep, for each row and unit.

    What does not grow with time, such as the weights and the last state, does not count, nor does the input.
    """
    half = len(x) // 2
    return (_bytes_kept(layer, x) - _bytes_kept(layer, x[:half])) / 4 / x[half:].numel()


def _bytes_kept(layer: nn.Module, x: Tensor) -> int:
    """Every storage counts once and whole, whether autograd saves a tensor in it or a node of the graph holds one."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs, _ = layer(x)
    assert outputs.grad_fn is not None
    for tensor in _held(outputs.grad_fn):
        keep(tensor)
    kept.pop(x.untyped_storage().data_ptr(), None)
    return sum(kept.values())


def _held(root: Node) -> Iterator[Tensor]:
    """Tensors that are attributes of the graph's nodes."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield from _tensors(getattr(node, "__dict__", None))
        waiting += [following for following, _ in node.next_functions if following is not None]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _each(value.values())
    elif isinstance(value, list | tuple):
        yield from _each(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _each(vars(value).values())


def _each(values: Any) -> Iterator[Tensor]:
    for value in values:
        yield from _tensors(value)
