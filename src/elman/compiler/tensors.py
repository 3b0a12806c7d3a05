"""What a tensor is: whether its numbers lie in memory as it shows them, and in words."""

from typing import Any

import torch
from torch import Tensor, nn

PLAIN = frozenset({Tensor, nn.Parameter})  # another class may have its numbers elsewhere, or none
WHOLE = frozenset(
    {torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64}
)


def told(t: Any) -> str:
    """What a value is that should be a tensor of another kind, in a few words.

    >>> told(torch.zeros(2, 3).to_sparse()), told([1, 2])
    ('torch.float32 of [2, 3], torch.sparse_coo', 'a list')
    """
    if not isinstance(t, Tensor):
        return f"a {type(t).__name__}"
    words = [f"{t.dtype} of {'several shapes' if t.is_nested else list(t.shape)}"]
    if t.device.type != "cpu":
        words[0] += f" on {t.device}"
    if t.layout is not torch.strided:
        words.append(str(t.layout))
    if t.is_nested:
        words.append("nested")
    if type(t) not in PLAIN:
        words.append(f"a {type(t).__name__}")
    return ", ".join(words)


def strided(t: Any) -> bool:
    """Whether a value is a tensor whose numbers lie in memory with strides."""
    return isinstance(t, Tensor) and t.layout is torch.strided and not t.is_nested
