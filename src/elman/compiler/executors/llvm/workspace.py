"""What one call of kernels works with: compiled functions, the table of addresses that they read, and buffers."""

import ctypes
from collections.abc import Sequence

import torch
from llvmlite import ir
from torch import Tensor

from elman.compiler.executor import Sequences
from elman.compiler.executors.llvm import gemm, jit, kernel, lanes, memory, threads, weights
from elman.compiler.executors.llvm.places import arguments, by_blocks, given, sizes
from elman.compiler.executors.llvm.rows import Rows
from elman.compiler.layout import Backward, Forward
from elman.errors import ElmanError

_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
NO_MEMORY = "a weight, an input or a state has no memory: its storage was freed, or holds zeros that are not there"


class Compiled:
    """The functions of one layout, and its table of sizes."""

    def __init__(self, layout: Forward | Backward, double: bool) -> None:
        key = f"{type(layout).__name__} {double}\n{layout.program.structure}\n{_shape(layout)}"

        def build() -> ir.Module:
            module = ir.Module("kernel")
            kernel.write(module, layout, double)
            return module

        library = jit.load(key, build)
        self.address = library.address("forward" if isinstance(layout, Forward) else "backward")
        self.function, self.prepare = _ENTRY(self.address), _ENTRY(library.address("prepare"))
        self.layout, self.dtype = layout, torch.float64 if double else torch.float32
        numbers = list(sizes(layout).values())
        self.sizes = (ctypes.c_int64 * len(numbers))(*numbers)
        self.sizes_address = ctypes.addressof(self.sizes)
        self.slots = {name: i for i, name in enumerate(arguments(layout))}
        parts = [name.partition(" ") for name in given(layout)]
        self.operands = [name for part, _, name in parts if part in ("matrix", "vector")]


def _shape(layout: Forward | Backward) -> str:
    """What of a layout decides its code, beside the structure of the Program."""
    tape = layout if isinstance(layout, Forward) else layout.forward
    runs = [[(run.where, run.start, run.blocks > 1) for run in runs] for runs in (layout.inputs, *layout.runs)]
    more = (
        []
        if isinstance(layout, Forward)
        else [sorted(layout.cats), list(layout.cotangents), list(layout.totals), layout.ends]
    )
    return repr([runs, list(layout.scratch), list(tape.pieces), tape.saved, more])


class Workspace:
    """The buffers of a call and its table of addresses, for calls of one shape one after another."""

    def __init__(
        self, compiled: Compiled, packed: torch.dtype, pairs: bool, rows: Rows, features: int, block: int
    ) -> None:
        self.compiled, self.block = compiled, block
        self.table = (ctypes.c_int64 * len(compiled.slots))()
        self.bytes, self.lasting = 0, True
        self.alive: list[Tensor] = []
        self.cotangents = self.totals = torch.empty(0)  # of a backward pass, and its products, by how the input lies
        self.products: dict[tuple[object, ...], list[weights.Placed]] = {}
        product, pack = gemm.addresses(packed, pairs)
        self.set("gemm", product)
        self.set("pack", pack)
        self.set("packed bytes", 4 if pairs else packed.itemsize)
        self.set("together", 2 if pairs else 1)
        for name, depth, columns in by_blocks(compiled.layout):
            several = lanes.fits(depth, columns, compiled.dtype == torch.float64)
            product, pack = lanes.addresses(columns, packed) if several else gemm.block_addresses(packed, pairs)
            self.set(f"gemm {name}", product)
            self.set(f"pack {name}", pack)
        for name, number in (("time", rows.time), ("batch", rows.batch), ("features", features), ("block", block)):
            self.set(name, number)
        self.place(rows)
        self.met = ctypes.c_int64()  # how often threads of a team have met
        self.set("team", 1)
        self.set("meeting", ctypes.addressof(self.met))

    def place(self, rows: Rows) -> None:
        """Take other rows, of the same batch, steps and threads."""
        self.rows = rows
        for name, array in (("rows", rows.first), ("starts", rows.starts), ("order", rows.order)):
            self.set(name, array.ctypes.data)
        self.set("lengths", rows.lengths.ctypes.data)

    def set(self, name: str, number: int) -> None:
        self.table[self.compiled.slots[name]] = number

    def buffer(self, name: str, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """A buffer that is kept with the workspace."""
        made = memory.empty(shape, dtype or self.compiled.dtype)
        self.alive.append(made)
        self.bytes += made.nbytes
        self.set(name, made.data_ptr())
        return made

    def outside(self, name: str, tensor: Tensor) -> None:
        """A tensor of the caller, ``[B, T, S]`` or ``[B, S]``, with its strides."""
        slot, strides = self.compiled.slots[name], tensor.stride()
        step, address = strides[1] if len(strides) == 3 else 0, tensor.data_ptr()
        if not address:
            raise ElmanError(NO_MEMORY)
        self.table[slot : slot + 3] = address, strides[0], step

    def give(
        self, s: Sequences, first: Sequence[Tensor], last: Sequence[Tensor], initial: Sequence[Tensor]
    ) -> list[Tensor]:
        """What both directions read, and the states. What is returned must live until the call ends."""
        found = [s.weight.data_ptr(), s.weight.data_ptr() if s.bias is None else s.bias.data_ptr()]
        found += [s.operands[name].data_ptr() for name in self.compiled.operands]
        found += [state.data_ptr() for states in (first, last, initial) for state in states]
        if 0 in found:
            raise ElmanError(NO_MEMORY)
        if s.bias is None:
            found[1] = 0
        self.table[: len(found)] = found
        for name, extra in s.extras.items():
            self.outside(f"extra {name}", extra)
        alive = [] if s.begins is None else [self.rows.gather(s.begins).to(torch.uint8).contiguous()]
        self.set("begins", alive[0].data_ptr() if alive else 0)
        return alive

    def run(self, team: int) -> None:
        """Prepare and run, each thread its rows, or a team of threads all rows together."""
        self.compiled.prepare(self.compiled.sizes_address, ctypes.addressof(self.table), 0)
        self.run_kernel(team)

    def run_kernel(self, team: int) -> None:
        """Run with what was prepared before."""
        compiled, table = self.compiled, ctypes.addressof(self.table)
        kernel = compiled.function, compiled.address, compiled.sizes_address, table
        if team > 1:
            self.met.value = 0
            self.set("team", team)
            self.set("yield", threads.yielding())
            threads.run(*kernel, team, table + 8 * compiled.slots["team"])
            self.set("team", 1)
        else:
            threads.run(*kernel, self.rows.threads)
