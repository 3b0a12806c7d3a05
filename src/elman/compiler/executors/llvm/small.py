"""A small call: kernels over inputs of one shape, which take addresses and nothing else of what they are given."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Ready(NamedTuple):
    """A workspace for calls of one kind, with all that stays the same set."""

    table: Any  # of addresses and counts, a ctypes array that begins with those that are given
    address: int  # of the table
    x: int  # slots
    output: int
    sizes: int  # address of the table of sizes
    prepare: Callable[[int, int, int], None]
    run: Callable[[int, int, int], None]
    alive: object  # what owns the memory


class Small:
    """Forward, nothing kept, on one thread. It trusts its addresses: whoever calls it has seen what lies there.

    Args:
        order: what it takes the address of: ``weight``, ``bias`` (0 for none), ``matrix NAME`` and ``vector NAME`` for
            the operands, ``first NAME``, ``last NAME`` and ``initial NAME`` for the states.
        bytes: of a workspace.
        make: makes one, for as many calls as there are at once.
    """

    def __init__(self, order: Sequence[str], bytes: int, make: Callable[[], Ready]) -> None:
        self.order, self.bytes, self._make = order, bytes, make
        self._free: list[Ready] = []

    def __call__(self, addresses: Sequence[int], x: int, output: int) -> None:
        """Run once, over the tensors at these addresses, which must live until it ends."""
        try:
            ready = self._free.pop()
        except IndexError:  # it is the first call, or other threads have them
            ready = self._make()
        table, address, x_slot, output_slot, sizes, prepare, run, _ = ready
        table[: len(addresses)] = addresses
        table[x_slot], table[output_slot] = x, output
        prepare(sizes, address, 0)
        run(sizes, address, 0)
        self._free.append(ready)
