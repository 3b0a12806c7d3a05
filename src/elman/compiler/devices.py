"""What kinds of devices other than the CPU have, beside PyTorch's operations one by one. ROCm's are ``cuda`` too."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack

from elman.compiler.surroundings import recorded
from elman.compiler.tensors import PLAIN

FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


@dataclass(frozen=True)
class Kind:
    """What devices of a kind have."""

    fused: bool = False  # whether PyTorch has operations for a whole RNN, LSTM and GRU there
    projected: bool = True  # whether that for the LSTM takes a projection
    compiled: bool = False  # whether torch.compile makes code there


KINDS: dict[str, Kind] = {
    "cuda": Kind(fused=True, compiled=True),
    "xpu": Kind(fused=True, compiled=True),
    "mps": Kind(fused=True, projected=False, compiled=True),
}


def kind_of(x: Tensor) -> Kind:
    """What the device of a tensor has; nothing, where only the operations of PyTorch are known."""
    return KINDS.get(x.device.type, Kind())


def unusual(x: Tensor) -> str:
    """Why nothing but operations that PyTorch sees one by one is right for an input, whatever its device has."""
    if torch.compiler.is_compiling():
        return "torch.compile makes code of the loop"
    if recorded() or peek_interpreter_stack() is not None or type(x) not in PLAIN:
        return "operations are recorded, replaced, mapped or differentiated one by one"
    if not x.shape[0]:
        return "there are no rows"
    return "" if x.dtype in FLOATS else f"{x.dtype} is no format that it runs in"
