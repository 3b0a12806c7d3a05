"""What differs between operating systems, written once: all else in this package is the same on each of them.

Nothing else in the package names what one of Linux, macOS and Windows lacks. What depends on which of them it is takes
that as an argument; what is there on some of them alone is looked for, and does nothing where it is not.
"""

import _thread
import contextlib
import ctypes
import math
import mmap
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_GROUP = "/sys/fs/cgroup"  # where Linux says what a group of processes may take
# of memory, what it may and what it does take, as the two versions of control groups tell it
_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))

# Files.

# no pipe is waited for, and a file is bytes; what a system lacks is 0
READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # with READ: a link is not followed
STANDARD_INPUT = ("-", "/dev/stdin")  # what it is called on a command line


def cache_folder(platform: str = sys.platform, environment: Mapping[str, str] | None = None) -> Path:
    """Where programs of this user keep what can be made again.

    >>> cache_folder("linux", {"XDG_CACHE_HOME": "/var/cache/me"}).as_posix()
    '/var/cache/me'
    >>> cache_folder("win32", {"LOCALAPPDATA": "C:/Users/me/AppData/Local"}).as_posix()
    'C:/Users/me/AppData/Local'
    """
    environment = os.environ if environment is None else environment
    if platform == "win32":
        place = environment.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        usual = "~/Library/Caches" if platform == "darwin" else "~/.cache"
        place = environment.get("XDG_CACHE_HOME") or usual
    return home_at(place)


def home_at(path: str) -> Path:
    """A path whose ``~`` is the user's home, where there is one."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - the one of pathlib fails where a user has no home


def writable_by(status: os.stat_result) -> str:
    """Who else can write a file or a folder: ``"owner"``, another user whose it is, or ``"others"``; or nobody, "".

    Windows tells neither: there, what is in the user's own profile is the user's.
    """
    own = getattr(os, "getuid", None)
    if own is None:
        return ""
    if status.st_uid != own():
        return "owner"
    return "others" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def folder_status(place: Path) -> os.stat_result:
    """What a folder itself is, and not what it leads to.

    Raises:
        OSError: there is none, or it is a link or something else.
    """
    directory = getattr(os, "O_DIRECTORY", None)
    if directory is None:  # Windows, where a folder cannot be opened
        status = place.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(20, "Not a directory", str(place))
        return status
    handle = os.open(place, READ | NO_LINK | directory)
    try:
        return os.fstat(handle)
    finally:
        os.close(handle)


def sync_folder(place: Path) -> None:
    """Names that were given in a folder reach the disk, where a system lets that be asked for."""
    directory = getattr(os, "O_DIRECTORY", None)
    if directory is not None:
        handle = os.open(place, os.O_RDONLY | directory)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def held_alone(place: Path) -> Iterator[bool]:
    """Whether no other process holds a folder, which this one holds meanwhile; true where a system cannot tell."""
    directory = getattr(os, "O_DIRECTORY", None)
    if directory is None:
        yield True
        return
    handle = os.open(place, READ | directory)
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Whether a lock is this process's, until the handle is closed or the process ends."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # a disk of another machine may know no locks
        return True
    return True


# Signals.

# Windows knows no SIGHUP, which says that the terminal is gone
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PIPE = 13  # SIGPIPE, of which Windows knows nothing
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # which on Windows ends a process just as surely


def send_to_main_thread(number: int) -> None:
    """A signal for the first thread, which also wakes it where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, number)  # type: ignore[arg-type]
    else:
        _thread.interrupt_main(signal.Signals(number))


def break_off_waiting() -> None:
    """Let signals end what waits for input, as Python has it; once polars was at work, reads go on after Ctrl-C."""
    if hasattr(signal, "siginterrupt"):
        for number in ENDING:
            signal.siginterrupt(number, True)


# Processes and processors.


def held_while_forking(lock: Any) -> None:
    """No process is forked while another thread has the lock, which is free in the child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def cores() -> int:
    """The processors this process may use, no more than its container's share of them."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota, _, period = _said(f"{_GROUP}/cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        count = min(count, max(1, int(quota) // int(period)))
    return count


def openmp(torch_folder: Path, platform: str = sys.platform) -> list[Path]:
    """Where PyTorch may keep an OpenMP library that speaks GNU's dialect: ``GOMP_parallel`` is in it.

    LLVM's, which PyTorch has on macOS, speaks it too. That of Windows does not.
    """
    if platform == "darwin":
        return sorted(torch_folder.glob("lib/libomp*.dylib"))
    if platform.startswith("linux"):
        places = torch_folder.glob("lib/libgomp*.so*"), torch_folder.parent.glob("torch.libs/libgomp*.so*")
        return [path for place in places for path in sorted(place)]
    return []


def functions_of_windows() -> dict[str, int]:
    """The addresses of what compiled code calls of its own accord on Windows; the last, where it needs much stack."""
    library = getattr(ctypes, "WinDLL")("ntdll")  # noqa: B009 - it is there on Windows alone
    names = "memcpy", "memmove", "memset", "__chkstk"
    return {name: ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in names}


# Memory.


def fresh_memory(size: int) -> mmap.mmap:
    """Pages of this process alone, zero, in large pages where they can be asked for.

    Memory that is shared, which is what ``mmap`` gives unless it is told, has small pages, and a forked process would
    write into it.
    """
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows, where nothing is forked
        return mmap.mmap(-1, size)
    made = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        made.madvise(mmap.MADV_HUGEPAGE)
    return made


def memory_in_all() -> float:
    """Bytes of memory that the machine has; infinite where it does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        with contextlib.suppress(OSError, ValueError):
            return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    return math.inf


def memory_free() -> float:
    """Bytes that the system has to give; all there are where it does not tell how many are taken, as macOS does not."""
    for line in _said("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * float(line.split()[1])
    return memory_in_all()


def memory_for_this_process() -> float:
    """Bytes that this process may still take, where ``ulimit -v`` says how many it may."""
    pages = _said("/proc/self/statm").split()
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or not pages:
        return math.inf
    return float(max(0, most - int(pages[0]) * resource.getpagesize()))


def memory_for_this_group() -> float:
    """Bytes that a group of processes, such as a container, may still take."""
    found = [math.inf]
    for limit, used in _LIMITS:
        most, now = (_said(f"{_GROUP}/{name}") for name in (limit, used))
        if most.isdigit() and now.isdigit():
            found.append(float(most) - float(now))
    return min(found)


def _said(path: str) -> str:
    """What Linux says in a file of its own; nothing where there is none."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
