"""Kernels for the CPU, made by LLVM on the machine that runs them.

``host.py`` says what that machine is, ``jit.py`` turns a module of LLVM's language into addresses, ``texts.py`` has the
text of each element-wise operation and ``functions.py`` those of functions, ``kernel.py`` and ``stage.py`` write the
code, ``run.py`` calls it, ``account.py`` says what it costs.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from elman.compiler.compiled import Compiled
from elman.compiler.executors.llvm import host
from elman.compiler.precision import CAST
from elman.compiler.program import Program
from elman.compiler.trace import Traced

if TYPE_CHECKING:
    from elman.compiler.executors.llvm.account import Kernel
    from elman.compiler.executors.llvm.run import Kernels


_UNFIT = host.unfit()


class LLVM(Compiled):
    """Runs on the CPU: float64, float32, and sixteen bits, of which states and sums are float32."""

    name = "llvm"
    rank = 9

    @property
    def operations(self) -> frozenset[str]:
        """The element-wise operations that it has a text for."""
        from elman.compiler.executors.llvm.texts import OPERATIONS  # llvmlite takes a tenth of a second to import

        return OPERATIONS

    @property
    def target(self) -> host.Host:
        """The machine that kernels are made for."""
        return host.host()

    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input, empty if it does."""
        if _UNFIT:
            return _UNFIT
        if x.device.type == "cpu" and x.shape[0] and x.dtype in (torch.float64, *CAST):
            return ""
        return f"there are no kernels for {x.dtype} on {x.device.type}, or for no rows"

    def kernels(self, program: Program, dtype: torch.dtype) -> "Kernels":
        """The kernels of a Program, compiled when they are first run."""
        from elman.compiler.executors.llvm.host import host
        from elman.compiler.executors.llvm.run import Kernels

        return Kernels(program, dtype, pairs=dtype == torch.bfloat16 and host().bf16_dot)

    def explain(
        self, traced: Traced, cell: Any, x: Tensor, *, training: bool, threads: int | None, every: int
    ) -> "Kernel":
        """What the kernels would do, and about how long it would take; measures the machine."""
        from elman.compiler.executors.llvm.account import account

        return account(traced, cell, x, training=training, threads_wanted=threads, every=every)


EXECUTOR = LLVM()
