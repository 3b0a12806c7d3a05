"""Large buffers in large pages: a fresh one of small pages costs more to enter than to fill."""

import ctypes
import sys
from functools import cache

import torch
from torch import Tensor

LARGE = 2 << 20
_PAGE = 4096
_HUGE = 14  # MADV_HUGEPAGE


@cache
def _advise() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None, use_errno=True).madvise
    function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], ctypes.c_int
    return function


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """An uninitialised tensor; a large one is asked to be in large pages, which the system may refuse.

    >>> empty((2, 3), torch.float32).shape
    torch.Size([2, 3])
    """
    made = torch.empty(shape, dtype=dtype)
    advise = _advise() if made.nbytes >= LARGE else None
    if advise is not None:
        first = -(-made.data_ptr() // _PAGE) * _PAGE
        size = (made.data_ptr() + made.nbytes - first) // _PAGE * _PAGE
        advise(first, size, _HUGE)
    return made
