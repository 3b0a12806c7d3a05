"""The machine that kernels are made for: its vectors, its cores, its caches."""

import os
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elman.errors import ElmanError

# One thread at a time is inside LLVM. The lock is also held while the process forks: no child finds LLVM halfway.
llvm_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=llvm_lock.acquire, after_in_parent=llvm_lock.release, after_in_child=llvm_lock.release)


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
    bf16_dot: bool
    int8_dot: bool
    l1_bytes: int  # data cache of one core
    l2_bytes: int


@cache
def host() -> Host:
    """The machine this process runs on.

    The environment variable ``ELMAN_VECTOR_BYTES`` (16, 32 or 64) makes it narrower than it is, so that the kernels of
    a lesser machine can be tested on a better one; it is read once.
    """
    with llvm_lock:
        import llvmlite.binding as llvm  # a tenth of a second, so not before a kernel is wanted

        llvm.initialize_native_target()
        found, cpu, triple = llvm.get_host_cpu_features(), llvm.get_host_cpu_name(), llvm.get_process_triple()
    widest = _widest(triple, found)
    width = _asked(widest)
    features = _narrowed(found, width)
    arm = triple.startswith(("aarch64", "arm64"))
    return Host(
        triple=triple,
        cpu=cpu,
        features=",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())),
        vector_bytes=width,
        vector_registers=32 if arm or width == 64 else 16,
        cores=_cores(),
        fma=arm or features.get("fma", False),
        bf16_dot=features.get("avx512bf16", False) or features.get("bf16", False),
        int8_dot=any(features.get(name, False) for name in ("avx512vnni", "avxvnni", "dotprod")),
        l1_bytes=_cache_bytes(1, 32 << 10),
        l2_bytes=_cache_bytes(2, 512 << 10),
    )


def _widest(triple: str, features: dict[str, bool]) -> int:
    """The bytes of the widest vectors that ``features`` can compute with."""
    if not triple.startswith("x86_64"):
        return 16
    if all(features.get(name, False) for name in ("avx512f", "avx512dq", "avx512vl", "avx512bw", "avx2", "fma")):
        return 64
    return 32 if features.get("avx2", False) and features.get("fma", False) else 16


def _asked(widest: int) -> int:
    """The vector width to use, which is ``widest`` unless the environment asks for less."""
    text = os.environ.get("ELMAN_VECTOR_BYTES", "")
    if not text:
        return widest
    if text not in ("16", "32", "64") or int(text) > widest:
        allowed = ", ".join(str(width) for width in (16, 32, 64) if width <= widest)
        raise ElmanError(f"ELMAN_VECTOR_BYTES is {text!r}; on this machine it can be {allowed}")
    return int(text)


def _narrowed(found: dict[str, bool], width: int) -> dict[str, bool]:
    """The features without those that belong to vectors wider than ``width``, and without AMX, which no kernel uses."""
    beyond = ["amx"]
    if width < 64:
        beyond += ["avx512", "avx10"]
    if width < 32:
        beyond += ["avx", "fma", "f16c", "vaes", "vpclmulqdq", "xop"]
    features = {name: on and not name.startswith(tuple(beyond)) for name, on in found.items()}
    if width == 64:
        features["prefer-256-bit"] = False  # some processors' tuning would split the vectors we ask for
    return features


def _cores() -> int:
    """The processors this process may use, no more than its container's share of them."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    share = Path("/sys/fs/cgroup/cpu.max")
    if share.is_file():
        quota, period = share.read_text().split()
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def _cache_bytes(level: int, default: int) -> int:
    """The size of the first core's data cache of this level, where the system says."""
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, found, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction" and found == str(level) and size.endswith("K"):
            return int(size[:-1]) << 10
    return default
