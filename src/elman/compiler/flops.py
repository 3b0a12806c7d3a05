"""How many multiplications and additions a recurrence over time takes, for PyTorch's counter of them.

``torch.utils.flop_counter`` sees one operation, of which it knows nothing, and would count none. As of PyTorch's own
operations, products alone are counted: those with the input, and those with the state; of all steps, also of those
behind the ends of rows.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from elman.compiler.program import Program

_program = lru_cache(maxsize=256)(Program.read)
_PROGRAM, _EVERY = 8, 10  # their places behind the input and its weights


def forward(x: Sequence[int], weight: Sequence[int], *rest: Any, **_: Any) -> int:
    """Those of ``elman::scan``, which has these arguments, with shapes for tensors."""
    batch, time = x[:2]
    program = _program(rest[_PROGRAM])
    mixes = sum(prod(program.operands[value.name]) for value in program.values if value.op == "mix")
    return 2 * batch * time * (prod(weight) + mixes)


def backward(x: Sequence[int], weight: Sequence[int], *rest: Any, **_: Any) -> int:
    """Those of ``elman::scan_backward``: the gradients of both factors, and the steps again where few are kept."""
    return (3 if rest[_EVERY] > 1 else 2) * forward(x, weight, *rest)
