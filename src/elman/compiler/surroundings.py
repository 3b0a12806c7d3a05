"""What PyTorch does around a call: whether its operations are recorded, replaced, mapped or differentiated.

Kernels see memory and nothing else. They give values and first derivatives, alone and under ``vmap``, and second ones
by a backward pass of a backward pass; where more is asked of an operation, a loop of ordinary operations runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.autograd.forward_ad as forward_mode
from torch._C._functorch import TransformType, get_interpreter_stack, peek_interpreter_stack
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._subclasses.fake_tensor import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._python_dispatch import _disable_current_modes

from elman.compiler.tensors import PLAIN

_BEFORE_DISPATCH = torch._C.DispatchKey.PreDispatch
_DERIVATIVES = {TransformType.Grad, TransformType.Jvp}


def recorded() -> bool:
    """Whether someone sees or replaces each operation: a tracer, fake tensors, a mode of the user's own.

    They are to see one operation, ``torch.ops.elman.scan``, and not the memory that a kernel fills.
    """
    return (
        torch._C._len_torch_dispatch_stack() > 0
        or traced()
        or torch._C._dispatch_tls_is_dispatch_key_included(_BEFORE_DISPATCH)
    )


def traced() -> bool:
    """Whether ``torch.jit.trace`` or the export to ONNX that begins with it records each operation."""
    return torch._C._get_tracing_state() is not None


def stands_for_another(tensor: Any) -> bool:
    """Whether a tensor has no numbers and stands for one that will have."""
    return type(tensor) not in PLAIN and isinstance(tensor, FakeTensor | FunctionalTensor)


def transformed() -> bool:
    """Whether a transform of ``torch.func`` is on."""
    return peek_interpreter_stack() is not None


def ordinary() -> bool:
    """Whether nobody compiles, records, replaces, maps or differentiates operations, or watches the calls of modules.

    What can be known by a tensor is not asked here.
    """
    return not (
        torch.compiler.is_compiling()
        or torch._C._len_torch_function_stack()
        or recorded()
        or transformed()
        or in_forward_mode()
        or _has_any_global_hook()
    )


def autocasts(kind: str) -> bool:
    """Whether autocast is on for a kind of device; for ``meta``, which has no numbers, there is none."""
    return kind != "meta" and torch.is_autocast_enabled(kind)


def in_forward_mode() -> bool:
    """Whether a derivative is being taken in forward mode, by ``torch.func`` or ``torch.autograd.forward_ad``."""
    return forward_mode._current_level >= 0


def beyond() -> str:
    """Why what is being done to a call, outside of a compiler, is more than kernels give; empty if it is not."""
    forward = in_forward_mode()
    if not transformed():
        return "a derivative is taken in forward mode" if forward else ""
    kinds = [level.key() for level in get_interpreter_stack() or []]
    derivatives = [kind for kind in kinds if kind != TransformType.Vmap]
    if len(derivatives) > 1:
        return "a derivative is taken of a derivative"
    if any(kind not in _DERIVATIVES for kind in derivatives):
        return "a function is made functional"
    if recorded():
        return "what a transform does is recorded"
    return "a derivative is taken in forward mode" if forward and TransformType.Jvp not in kinds else ""


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within it, operations are done as they are, whoever records, replaces, maps or differentiates those outside."""
    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[arg-type]
    # what is kept for a backward pass is counted by a checkpoint, which would miss it in the second run; within a
    # transform there is no such
    uncounted = nullcontext() if transformed() else saved_tensors_hooks(_as_it_is, _as_it_is)
    try:
        with _disable_current_modes(), temporarily_clear_interpreter_stack(), uncounted:
            yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[arg-type]
