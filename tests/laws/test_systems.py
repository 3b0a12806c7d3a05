"""What one of Linux, macOS and Windows lacks is named in ``elman.system`` alone, and done without where it is not."""

import ast
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elman import system

SOURCE = Path(__file__).parents[2] / "src" / "elman"

# what Windows lacks of each module, and some of what macOS does
LACKING = {
    "os": set(
        "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NOCTTY O_NONBLOCK O_SYNC WEXITSTATUS WIFEXITED WNOHANG WTERMSIG "
        "chown chroot confstr ctermid fchdir fchown fdatasync fork forkpty fpathconf fstatvfs getegid geteuid getgid "
        "getgroups getloadavg getpgid getpgrp getpriority getresuid getsid getuid initgroups killpg lchown lockf "
        "major makedev mkfifo mknod minor nice openpty pathconf pidfd_open posix_fadvise posix_fallocate posix_spawn "
        "pread preadv pwrite pwritev readv register_at_fork sched_getaffinity sched_setaffinity sched_yield sendfile "
        "setegid seteuid setgid setpgid setpriority setsid setuid statvfs sync sysconf sysconf_names tcgetpgrp ttyname "
        "uname wait wait3 wait4 waitid writev".split()
    ),
    "signal": set(
        "SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 "
        "SIGWINCH alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait".split()
    ),
    "mmap": {"MAP_ANONYMOUS", "MAP_PRIVATE", "MAP_SHARED", "MADV_HUGEPAGE", "PROT_READ", "PROT_WRITE", "PROT_EXEC"},
    "time": {"clock_gettime", "pthread_getcpuclockid", "tzset"},
    "select": {"epoll", "kqueue", "poll"},
    "socket": {"AF_UNIX", "socketpair"},
}
MODULES = set("_posixsubprocess crypt curses fcntl grp nis pty pwd readline resource spwd syslog termios tty".split())
FOLDERS = ("/proc", "/sys/", "/dev/", "/etc/", "/tmp", "/var/")  # of Linux, or not of Windows

ONE = SOURCE / "system.py"


def particular(code: str) -> Iterator[tuple[int, str]]:
    """What of ``code`` is not on every system, each with its line: names, sought ones too, and folders."""
    tree = ast.parse(code)
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of, name = node.value.id, node.attr
            if name in LACKING.get(of, ()) or (of, name) in (
                ("sys", "platform"),
                ("os", "name"),
                ("platform", "system"),
            ):
                yield node.lineno, f"{of}.{name}"
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            lacking = LACKING.get(node.module, set())
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in lacking)
            if node.module in MODULES:
                yield node.lineno, node.module
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            of, name = (ast.unparse(argument).strip("'") for argument in node.args[:2])
            if name in LACKING.get(of, ()):
                yield node.lineno, f"{of}.{name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from ((node.lineno, repr(node.value)) for folder in FOLDERS if node.value.startswith(folder))


def test_what_a_system_lacks_is_named_in_one_place() -> None:
    assert list(particular(ONE.read_text(encoding="utf-8"))), "the law sees what is there"
    wrong = [
        f"{path}:{line} names {name}, which belongs in {ONE.name}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path != ONE
        for line, name in particular(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("import os\nos.replace(a, b)", True),
        ('"""Not in /proc and not os.fork."""\nos.getpid()', True),
        ("worker.wait()", True),
        ("import os\nos.getuid()", False),
        ("from os import fork", False),
        ("getattr(os, 'O_NOFOLLOW', 0)", False),
        ("if x:\n    import fcntl", False),
        ("signal.signal(signal.SIGHUP, f)", False),
        ("Path('/proc/meminfo')", False),
        ("sys.platform == 'win32'", False),
    ],
)
def test_the_law_tells_right_from_wrong(code: str, right: bool) -> None:
    assert (not list(particular(code))) is right


@pytest.mark.parametrize(
    ("platform", "environment", "right"),
    [
        ("linux", {}, "/home/me/.cache"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere", "LOCALAPPDATA": "C:/wrong"}, "/elsewhere"),
        ("freebsd14", {}, "/home/me/.cache"),
        ("darwin", {}, "/home/me/Library/Caches"),
        ("darwin", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere"),
        ("win32", {}, "/home/me/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "D:/mine", "XDG_CACHE_HOME": "/wrong"}, "D:/mine"),
    ],
)
def test_each_system_has_its_own_folder_for_what_can_be_made_again(
    platform: str, environment: dict[str, str], right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert system.cache_folder(platform, environment).as_posix() == right


@pytest.mark.parametrize(
    ("platform", "right"),
    [
        ("linux", ["torch/lib/libgomp-24e2ab19.so.1", "torch.libs/libgomp.so.1"]),
        ("darwin", ["torch/lib/libomp.dylib"]),
        ("win32", []),
    ],
)
def test_where_pytorch_keeps_its_threads(platform: str, right: list[str], tmp_path: Path) -> None:
    for name in ("torch/lib/libgomp-24e2ab19.so.1", "torch.libs/libgomp.so.1", "torch/lib/libomp.dylib"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    found = system.openmp(tmp_path / "torch", platform)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == right


def test_memory_is_this_process_alone() -> None:
    block = system.fresh_memory(1 << 21)
    assert block[:3] == b"\0\0\0"
    if hasattr(os, "fork"):
        child = os.fork()
        if not child:
            block[0] = 1
            os._exit(0)
        os.waitpid(child, 0)
        assert block[0] == 0, "a child writes into its own"


def test_memory_is_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < system.memory_free() <= system.memory_in_all()
    assert system.memory_for_this_process() > 0
    assert system.memory_for_this_group() > 0
    monkeypatch.setattr(system, "_said", lambda path: "")  # as on another system than Linux
    assert system.memory_free() == system.memory_in_all()
    assert system.memory_for_this_process() == system.memory_for_this_group() == math.inf
    assert 1 <= system.cores() <= (os.cpu_count() or 1)


def test_a_container_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"cpu.max": "100000 100000", "memory.max": "5000", "memory.current": "2000"}
    monkeypatch.setattr(system, "_said", lambda path: said.get(Path(path).name, ""))
    assert system.cores() == 1
    assert system.memory_for_this_group() == 3000
    said |= {"cpu.max": "max 100000", "memory.max": "max"}
    assert system.cores() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else True
    assert system.memory_for_this_group() == math.inf


def test_without_owners_a_folder_is_told_from_what_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY", raising=False)
    monkeypatch.delattr(os, "getuid", raising=False)
    place, link, file = tmp_path / "place", tmp_path / "link", tmp_path / "file"
    place.mkdir(mode=0o777)
    link.symlink_to(place)
    file.touch()
    assert system.writable_by(system.folder_status(place)) == ""
    for other in (link, file, tmp_path / "none"):
        with pytest.raises(OSError, match=other.name):
            system.folder_status(other)
    system.sync_folder(place)


# What our own files see of Python is what Windows has, in a process that begins with this.
AS_ON_WINDOWS = """
import builtins, sys
LACKING, MODULES = {lacking!r}, {modules!r}

class Windows(type(sys)):
    def __init__(self, module):
        super().__init__(module.__name__)
        self.__dict__["whole"] = module

    def __getattr__(self, name):
        if name in LACKING.get(self.__name__, ()):
            raise AttributeError(name)
        return "win32" if (self.__name__, name) == ("sys", "platform") else getattr(self.__dict__["whole"], name)

    def __setattr__(self, name, value):
        setattr(self.__dict__["whole"], name, value)

def imported(name, globals=None, locals=None, fromlist=(), level=0):
    ours = not level and str((globals or {{}}).get("__name__")).partition(".")[0] == "elman"
    if ours and name in MODULES:
        raise ModuleNotFoundError(name)
    found = plain(name, globals, locals, fromlist, level)
    return Windows(found) if ours and (name == "sys" or name in LACKING) else found

plain, builtins.__import__ = builtins.__import__, imported
"""

A_DAY_ON_WINDOWS = """
import os
from pathlib import Path
import torch, elman
from elman import system
from elman.compiler import plan, store
from elman.compiler.executors.llvm import memory, threads

assert not system.NO_LINK and not hasattr(system.os, "getuid") and system.sys.platform == "win32"
assert threads.available() == 1
layer, x = elman.GRU(3, 8, batch_first=True), torch.randn(4, 5, 3)
outputs, last = layer(x)
with plan.use("eager"):
    assert torch.allclose(layer(x)[0], outputs, atol=1e-6)
outputs.sum().backward()
assert Path(os.environ["LOCALAPPDATA"], "elman") == store.folder() and store.entries()
memory.empty((memory.LARGE,), torch.float32).zero_()

import elman.testing, elman.estimators
from elman.cli.main import main
Path("text.txt").write_text("to be or not to be, that is the question\\n" * 200)
quick = ["--hidden", "8", "--steps", "4"]
assert main(["train", "language", "--data", "text.txt", "--out", "run", *quick]) in (0, None)
assert main(["generate", "run", "--length", "10"]) in (0, None)
"""


def test_all_of_it_works_with_what_windows_has(tmp_path: Path) -> None:
    start = AS_ON_WINDOWS.format(lacking=LACKING, modules=MODULES)
    environment = {name: value for name, value in os.environ.items() if name != "ELMAN_CACHE"}
    done = subprocess.run(
        [sys.executable, "-c", start + A_DAY_ON_WINDOWS],
        env=environment | {"LOCALAPPDATA": str(tmp_path / "local")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
