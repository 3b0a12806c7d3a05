"""A small call: kernels over inputs of one shape, which take addresses and nothing else of what they are given."""

import ctypes
from collections.abc import Callable, Sequence

import torch

from elman.compiler.executors.llvm.weights import Placed
from elman.compiler.executors.llvm.workspace import Workspace


class Ready:
    """A workspace for calls of one kind, with all that stays the same set.

    Args:
        work: the workspace.
        threads: bytes from the beginning of a new tape to where it says on how many threads it was made, 0 where there
            is none.
        products: of a way back, those that give the cotangents of weights.
    """

    def __init__(self, work: Workspace, threads: int, products: Sequence[Placed]) -> None:
        compiled, slots = work.compiled, work.compiled.slots
        self.work, self.products, self.threads = work, products, threads
        self.number = ctypes.c_double if compiled.dtype == torch.float64 else ctypes.c_float
        self.table, self.x, self.output, self.tape = work.table, slots["x"], slots["output"], slots["tape"]
        self.buffers = work.cotangents.data_ptr(), work.totals.data_ptr()
        self.prepare, self.function = compiled.prepare, compiled.function
        self.places = compiled.sizes_address, ctypes.addressof(work.table), 0
        self.own_tape = self.table[self.tape]

    def run(self, addresses: Sequence[int], x: int, output: int, tape: int) -> None:
        table = self.table
        table[: len(addresses)] = addresses
        table[self.x], table[self.output], table[self.tape] = x, output, tape or self.own_tape
        if self.threads:
            self.number.from_address(tape + self.threads).value = 1
        self.prepare(*self.places)
        self.function(*self.places)


class Small:
    """Kernels on one thread. They trust their addresses: whoever calls them has seen what lies there.

    Args:
        order: what they take the address of: ``weight``, ``bias`` (0 for none), ``matrix NAME`` and ``vector NAME`` for
            the operands, ``first NAME``, ``last NAME`` and ``initial NAME`` for the states.
        tape: the shape of what is kept for the way back; nothing where a number of it is 0.
        bytes: of a workspace.
        make: makes one, for as many calls as there are at once.
    """

    def __init__(self, order: Sequence[str], tape: tuple[int, int], bytes: int, make: Callable[[], Ready]) -> None:
        self.order, self.tape, self.bytes, self._make = order, tape, bytes, make
        self._free: list[Ready] = []

    def __call__(self, addresses: Sequence[int], x: int, output: int, tape: int = 0) -> None:
        """Run forward once, over the tensors at these addresses, which must live until it ends."""
        ready = self._ready()
        ready.run(addresses, x, output, tape)
        self._free.append(ready)

    def back(self, addresses: Sequence[int], x: int, output: int, tape: int, read: int, targets: Sequence[int]) -> None:
        """Run backward once.

        Args:
            addresses: in ``order``; ``first`` are the cotangents of the last states, ``last`` those of the first.
            x: the cotangent of the input, 0 where it is not wanted.
            output: the cotangent of the outputs.
            tape: what was kept.
            read: the input.
            targets: to which the cotangents are added: of ``weight``, of ``bias``, and of the operands in their order.
        """
        ready = self._ready()
        ready.run(addresses, x, output, tape)
        places, sums = (tape, *ready.buffers, read), (*targets, 0)
        for product in ready.products:
            product.run(places, sums)
        self._free.append(ready)

    def _ready(self) -> Ready:
        try:
            return self._free.pop()
        except IndexError:  # it is the first call, or other threads have them
            return self._make()
