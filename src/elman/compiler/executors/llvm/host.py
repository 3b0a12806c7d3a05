"""The machine that kernels are made for: the one that runs them, or a lesser one of its kind."""

import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from elman.errors import ElmanError
from elman.system import cores, held_while_forking

P = ParamSpec("P")
T = TypeVar("T")

# One thread at a time is inside LLVM. The lock is also held while the process forks: no child finds LLVM halfway.
llvm_lock = threading.RLock()
held_while_forking(llvm_lock)


@dataclass(frozen=True)
class Host:
    """What a kernel has to know of the machine it will run on.

    >>> host().vector_bytes in (16, 32, 64)
    True
    """

    triple: str
    cpu: str
    features: str  # as LLVM takes them: "+avx2,-avx512f"
    vector_bytes: int
    vector_registers: int
    cores: int  # usable by this process
    fma: bool  # whether a multiply-add is one instruction, rounded once
    bf16_dot: bool  # whether it multiplies pairs of bfloat16 and adds both to a float32, 16 lanes at once

    @property
    def windows(self) -> bool:
        """Whether it runs Windows, where functions are called in another way and code is linked in another way."""
        return "-windows-" in self.triple


# The levels of x86-64, each with all that is in those before it; what LLVM calls so is what compilers and Linux do.
LEVELS: dict[str, tuple[str, ...]] = {
    "x86-64": ("sse2",),
    "x86-64-v2": ("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16"),
    "x86-64-v3": ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
    "x86-64-v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
}
# By what is in them of a level, the features of processors between two levels that no kernel may use.
_BEYOND = {64: ("amx",), 32: ("amx", "avx512", "avx10")}
_BEYOND[16] = (*_BEYOND[32], "avx", "fma", "f16c", "vaes", "vpclmulqdq", "xop")


def unfit(machine: str = "", byteorder: str = sys.byteorder, largest: int = sys.maxsize) -> str:
    """Why there are no kernels for a machine, empty if there are: they are for 64-bit processors of two kinds.

    Args:
        machine: as ``platform.machine`` calls it; this one where nothing is given.
        byteorder: of its numbers.
        largest: size of an object, by which a process of 32 bits is told.

    >>> unfit("AMD64"), unfit("arm64")
    ('', '')
    >>> unfit("s390x", "big")
    'there are kernels for x86-64 and for AArch64, and this is s390x'
    """
    machine = machine or platform.machine()
    if machine.lower() not in ("x86_64", "amd64", "aarch64", "arm64") or byteorder != "little":
        return f"there are kernels for x86-64 and for AArch64, and this is {machine or 'something else'}"
    return "" if largest > 2**32 else "there are kernels for processes of 64 bits, and this one has 32"


def of_processor(triple: str, cpu: str, features: Mapping[str, bool], cores: int = 1) -> Host:
    """A processor by what LLVM calls it and its features; its kernels use the widest vectors that it computes with.

    >>> of_processor("aarch64-linux-gnu", "generic", {"neon": True}).vector_bytes
    16
    """
    arm = triple.startswith(("aarch64", "arm64"))
    width = 16 if arm else _width(features)
    own = {name: on and (arm or not name.startswith(_BEYOND[width])) for name, on in features.items()}
    if width == 64:
        own["prefer-256-bit"] = False  # some processors' tuning would split the vectors we ask for
    return Host(
        triple=triple,
        cpu=cpu,
        features=",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(own.items())),
        vector_bytes=width,
        vector_registers=32 if arm or width == 64 else 16,
        cores=cores,
        fma=arm or own.get("fma", False),
        # Windows wants a function of its C library for the buffers that this takes on the stack
        bf16_dot=own.get("avx512bf16", False) and width == 64 and "windows" not in triple,
    )


def of_level(name: str, triple: str = "x86_64-unknown-linux-gnu", cores: int = 1) -> Host:
    """The least processor of a level of x86-64.

    >>> [of_level(name).vector_bytes for name in ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")]
    [16, 16, 32, 64]
    """
    names = list(LEVELS)
    features = [feature for level in names[: names.index(name) + 1] for feature in LEVELS[level]]
    return of_processor(triple, name, dict.fromkeys(features, True), cores)


def _width(features: Mapping[str, bool]) -> int:
    """The bytes of the widest vectors that an x86-64 with these features can compute with."""
    if all(features.get(name, False) for name in ("avx512f", "avx512dq", "avx512vl", "avx512bw", "avx2", "fma")):
        return 64
    return 32 if features.get("avx2", False) and features.get("fma", False) else 16


_chosen: ContextVar[Host | None] = ContextVar("the machine that was asked for", default=None)


def host() -> Host:
    """The machine that kernels are made for: this one, unless a context that ``use`` made names another."""
    return _chosen.get() or _this()


@contextmanager
def use(machine: Host) -> Iterator[Host]:
    """Make and run kernels for another machine within this context: for tests of those that are narrower than this one.

    It holds for the thread, or the task of ``asyncio``, that enters it, and not for small calls of a module that were
    bound before. Whoever asks for what this one cannot run ends the process; ``levels`` says what it can.

    >>> with use(of_level("x86-64")):
    ...     host().vector_bytes
    16
    """
    before = _chosen.set(machine)
    try:
        yield machine
    finally:
        _chosen.reset(before)


def once(function: Callable[P, T]) -> Callable[P, T]:
    """``functools.cache``, for each machine that kernels are made for."""

    @cache
    def known(_: Host, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    @wraps(function)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        return known(host(), *args, **kwargs)

    return found


def levels() -> tuple[str, ...]:
    """The levels of x86-64 that this machine has, the least first; of another kind of machine, none.

    >>> levels()[:1] in [(), ("x86-64",)]
    True
    """
    triple, _, features = _found()
    had: list[str] = []
    for name, own in LEVELS.items():
        if not triple.startswith("x86_64") or not all(features.get(feature, False) for feature in own):
            break
        had.append(name)
    return tuple(had)


@cache
def _this() -> Host:
    """The machine this process runs on, or what the environment variable ``ELMAN_CPU`` makes of it.

    That is a level of x86-64: the kernels are then those of a lesser machine, which any machine of that level gives the
    same numbers by. It is read once.
    """
    asked = os.environ.get("ELMAN_CPU", "")
    triple, cpu, features = _found()
    if not asked:
        return of_processor(triple, cpu, features, cores())
    if asked not in levels():
        can_be = f"it can be {', '.join(levels())}" if levels() else "it can only be left out"
        raise ElmanError(f"ELMAN_CPU is {asked!r}; on this machine {can_be}")
    return of_level(asked, triple, cores())


@cache
def _found() -> tuple[str, str, Mapping[str, bool]]:
    """What LLVM finds this machine to be: its triple, processor and features."""
    with llvm_lock:
        import llvmlite.binding as llvm  # a tenth of a second, so not before a kernel is wanted

        llvm.initialize_native_target()
        return linkable(llvm.get_process_triple()), llvm.get_host_cpu_name(), llvm.get_host_cpu_features()


def linkable(triple: str) -> str:
    """The triple by which LLVM makes objects that it can also link: on Windows too in the format of Linux.

    What is called by whom and how stays that of Windows. In its own format the constants of a kernel are not found.

    >>> linkable("x86_64-pc-windows-msvc")
    'x86_64-pc-windows-msvc-elf'
    """
    return f"{triple}-elf" if "-windows-" in triple and not triple.endswith("-elf") else triple
