"""Compiled kernels in this process and on disk, and what can go wrong with either."""

import ctypes
import dataclasses
import os
import shutil
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from llvmlite import ir

from elman.compiler import store
from elman.compiler.executors.llvm import host as machine
from elman.compiler.executors.llvm import jit
from elman.compiler.executors.llvm.host import LEVELS, host, levels, of_level, of_processor, once, unfit, use
from elman.errors import ElmanError, ElmanWarning

LONG = ir.IntType(64)

# What another process needs to load the same kernel; it is given as text.
SCRIPT = """
import ctypes, sys
from llvmlite import ir
from elman.compiler.executors.llvm import jit

def build():
    if {forbidden}:
        raise AssertionError("made anew")
    long = ir.IntType(64)
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(long, [long]), "add")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(builder.add(function.args[0], long(5)))
    return module

address = jit.load("add 5", build).address("add")
assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(2) == 7
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of one's own, and a process that has loaded and said nothing yet."""
    place = tmp_path / "cache"
    monkeypatch.setenv("ELMAN_CACHE", str(place))
    forget(monkeypatch)
    monkeypatch.setattr(store, "_warned", set())
    return place


def forget(monkeypatch):
    monkeypatch.setattr(jit, "_libraries", {})


class Adder:
    """Builds a module with ``add(x) = x + number`` and counts how often it does."""

    def __init__(self, number: int) -> None:
        self.number, self.built = number, 0

    def __call__(self) -> ir.Module:
        self.built += 1
        module = ir.Module()
        function = ir.Function(module, ir.FunctionType(LONG, [LONG]), "add")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.add(function.args[0], LONG(self.number)))
        return module

    def works(self) -> bool:
        """Whether the kernel, loaded from wherever it is, adds its number."""
        library = jit.load(f"add {self.number}", self)
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library.address("add"))(2) == 2 + self.number


def in_another_process(forbidden: bool, **options) -> subprocess.Popen:
    script = SCRIPT.format(forbidden=forbidden)
    return subprocess.Popen([sys.executable, "-W", "error", "-c", script], **options)


def test_a_kernel_is_built_once_in_a_process_and_once_on_a_disk(monkeypatch):
    adder = Adder(5)
    assert adder.works()
    assert adder.works()
    assert adder.built == 1
    forget(monkeypatch)
    assert adder.works()
    assert adder.built == 1
    store.clear()
    forget(monkeypatch)
    assert adder.works()
    assert adder.built == 2


def test_another_process_reads_what_this_one_wrote():
    assert in_another_process(forbidden=True, stderr=subprocess.DEVNULL).wait() != 0
    assert Adder(5).works()
    assert in_another_process(forbidden=True).wait() == 0


def test_modules_may_define_the_same_names():
    assert [Adder(number).works() for number in (1, 2, 3)] == [True] * 3
    assert Adder(1).works()


def test_many_threads_build_once():
    adder = Adder(6)
    barrier = threading.Barrier(8)
    results = []

    def work():
        barrier.wait()
        results.append(adder.works())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
    assert adder.built == 1


def test_two_processes_may_write_the_same_kernel(folder):
    processes = [in_another_process(forbidden=False) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert [path.suffix for path in folder.iterdir()] == [".kernel"]
    assert in_another_process(forbidden=True).wait() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_fork_while_another_thread_compiles_can_compile():
    script = """
    import os, threading
    from test_llvm_jit import Adder
    stop = threading.Event()
    def work():
        number = 1000
        while not stop.is_set():
            number += 1
            assert Adder(number).works()
    thread = threading.Thread(target=work)
    thread.start()
    for k in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if Adder(k).works() else 1)
        assert os.waitpid(child, 0)[1] == 0
    stop.set()
    thread.join()
    """
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60, env=environment)


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _empty(path):
    path.write_bytes(b"")


def _exchange(path):
    """Puts a whole kernel under another one's name."""
    before = set(path.parent.iterdir())
    assert Adder(9).works()
    (other,) = set(path.parent.iterdir()) - before
    shutil.copy(other, path)


def _forged(**other):
    """Puts another part into a kernel, whose checksum is right all the same."""

    def change(path):
        kernel = store._parse(path.stem, path.read_bytes())
        assert kernel is not None
        path.write_bytes(store._format(path.stem, kernel._replace(**other)))

    return change


def _for_another_machine(path):
    kernel = store._parse(path.stem, path.read_bytes())
    assert kernel is not None
    other = 183 if kernel.code[18] == 62 else 62
    code = kernel.code[:18] + other.to_bytes(2, "little") + kernel.code[20:]
    path.write_bytes(store._format(path.stem, kernel._replace(code=code)))


FORGED = [
    _for_another_machine,
    _forged(code=b""),
    _forged(code=b"\x7fELF" + bytes(200)),
    _forged(names=("f", "g")),
    _forged(names=("",)),
    _forged(names=()),
    _forged(names=("add", "a\0b")),
    _forged(names="add"),
    _forged(key="x", names=()),
]


@pytest.mark.parametrize("damage", [_truncate, _flip, _empty, _exchange, *FORGED])
def test_a_damaged_kernel_is_made_anew(damage, folder, monkeypatch):
    adder = Adder(5)
    assert adder.works()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    damage(path)
    forget(monkeypatch)
    assert adder.works()
    assert adder.built == 2
    assert path.read_bytes() == whole


def test_what_a_kernel_depends_on_is_in_its_name(folder, monkeypatch):
    adder = Adder(5)
    assert adder.works()
    monkeypatch.setattr(jit, "_source", lambda: "of another release")
    forget(monkeypatch)
    assert adder.works()
    assert adder.built == 2
    narrow = dataclasses.replace(host(), features="+sse2")
    monkeypatch.setattr(jit, "host", lambda: narrow)
    assert adder.works()
    assert adder.built == 3
    assert len(list(folder.iterdir())) == 3


def test_the_folder_is_its_owners_alone(folder):
    assert Adder(5).works()
    (path,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _open_to_all(folder, monkeypatch):
    folder.chmod(0o777)
    return "can be written by others"


def _of_another_user(folder, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    return "another user's"


@pytest.mark.parametrize("change", [_open_to_all, _of_another_user])
def test_a_folder_that_others_can_write_is_not_used(change, folder, monkeypatch):
    adder = Adder(5)
    assert adder.works()
    (path,) = folder.iterdir()
    forget(monkeypatch)
    message = change(folder, monkeypatch)
    with pytest.warns(ElmanWarning, match=message):
        assert adder.works()
    assert Adder(7).works()  # and nothing is said again: a warning would be an error
    assert adder.built == 2
    assert list(folder.iterdir()) == [path]


def _as_link(path):
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


def _as_pipe(path):
    path.unlink()
    os.mkfifo(path)


def _open_file(path):
    path.chmod(0o622)


def _without_length(path):
    """A body whose checksum is right and whose header is not."""
    body = b'{"names": 3}'
    path.write_bytes(store._MAGIC + store._checksum(path.stem, body) + body)


@pytest.mark.skipif(sys.platform == "win32", reason="files have owners and modes elsewhere")
@pytest.mark.parametrize("change", [_as_link, _as_pipe, _open_file, _without_length])
def test_a_file_is_trusted_by_what_it_is(change, folder, monkeypatch):
    adder = Adder(5)
    assert adder.works()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    change(path)
    forget(monkeypatch)
    assert [entry.key for entry in store.entries()] == [None]
    assert adder.works()
    assert adder.built == 2
    assert stat.S_ISREG(path.lstat().st_mode)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert path.read_bytes() == whole


def test_a_file_of_another_user_is_not_trusted(folder, monkeypatch):
    adder = Adder(5)
    assert adder.works()
    forget(monkeypatch)
    monkeypatch.setattr(store, "_is_trusted", lambda place: True)  # of the file alone
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert adder.works()
    assert adder.built == 2


@pytest.mark.parametrize("make", [lambda folder: folder.write_text("a file"), os.mkfifo])
def test_without_a_folder_each_process_makes_its_own(make, folder):
    make(folder)
    before = folder.lstat()
    assert Adder(5).works()  # and nothing is said: a warning would be an error
    assert store.entries() == []
    assert folder.lstat().st_mode == before.st_mode


def test_a_folder_that_cannot_even_be_looked_at_is_done_without(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.setenv("ELMAN_CACHE", str(folder / ("n" * 300)))  # as below a folder that is closed to this user
    assert Adder(5).works()  # and nothing is said: a warning would be an error
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_a_link_is_not_used(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.warns(ElmanWarning, match="is a link and is not used; set ELMAN_CACHE"):
        assert Adder(5).works()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(folder):
    script = SCRIPT.format(forbidden=False) + textwrap.dedent("""
        import warnings, resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        warnings.simplefilter("error")
        jit.load("add 5 again", build)
    """)
    subprocess.run([sys.executable, "-c", script], check=True)
    assert [path.suffix for path in folder.iterdir()] == [".kernel"]


def test_the_least_recently_used_kernels_go_first(folder, monkeypatch):
    names = []
    for number in range(4):
        before = set(folder.glob("*"))
        assert Adder(number).works()
        (path,) = set(folder.glob("*")) - before
        os.utime(path, (number + 1, number + 1))
        names.append(path)
    forget(monkeypatch)
    assert Adder(0).works()  # now the most recent
    assert [entry.key for entry in store.entries()] == ["add 0", "add 3", "add 2", "add 1"]
    half_written = folder / "x.part"
    half_written.write_bytes(b"1")
    os.utime(half_written, (1, 1))
    monkeypatch.setattr(store, "_LIMIT", 3 * names[0].stat().st_size)
    assert Adder(5).works()
    assert [entry.key for entry in store.entries()] == ["add 5", "add 0", "add 3"]
    assert not half_written.exists()


def test_entries_are_shown_and_cleared(folder):
    assert store.entries() == []
    assert store.clear() == 0
    start = time.time() - 5
    assert Adder(5).works()
    (entry,) = store.entries()
    assert (entry.key, entry.bytes) == ("add 5", entry.path.stat().st_size)
    assert start < entry.used < time.time() + 5
    _flip(entry.path)
    assert store.entries()[0].key is None
    assert store.clear() == 1
    assert store.entries() == []


def test_the_folder_is_where_the_user_says(monkeypatch, tmp_path):
    assert store.folder() == tmp_path / "cache"
    monkeypatch.delenv("ELMAN_CACHE")
    if sys.platform != "win32":
        monkeypatch.setenv("XDG_CACHE_HOME", "/var/there")
        assert store.folder().as_posix() == "/var/there/elman"
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", "/home/someone")
        assert store.folder().as_posix() == "/home/someone/.cache/elman"


def test_a_call_outside_the_module_is_refused():
    def build():
        module = ir.Module()
        other = ir.Function(module, ir.FunctionType(LONG, [LONG]), "somebody")
        function = ir.Function(module, ir.FunctionType(LONG, [LONG]), "mine")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.call(other, function.args))
        return module

    with pytest.raises(RuntimeError, match="a kernel calls somebody"):
        jit.load("a call outside", build)


def test_a_module_that_is_not_well_formed_is_refused_and_can_be_mended(folder):
    def build():
        module = Adder(5)()
        module.globals["add"].blocks[0].instructions.pop()
        return module

    with pytest.raises(RuntimeError):
        jit.load("add 5", build)
    assert not folder.exists()
    assert Adder(5).works()


def test_the_host_is_plausible():
    here = host()
    assert here.vector_bytes in (16, 32, 64)
    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert "+amx" not in here.features


def test_a_processor_has_the_widest_vectors_of_its_features():
    linux = "x86_64-unknown-linux-gnu"
    every = dict.fromkeys([feature for level in LEVELS.values() for feature in level], True)
    full = of_processor(linux, "some", every | {"amx-bf16": True, "avx512bf16": True})
    assert (full.vector_bytes, full.vector_registers, full.fma, full.bf16_dot) == (64, 32, True, True)
    assert "-amx-bf16" in full.features.split(",")
    assert "-prefer-256-bit" in full.features.split(",")
    # without one part of what kernels need of AVX-512, nothing of it is used: its registers may not be there
    lesser = of_processor(linux, "some", every | {"avx512dq": False, "avx512bf16": True, "vaes": True})
    assert (lesser.vector_bytes, lesser.vector_registers, lesser.fma, lesser.bf16_dot) == (32, 16, True, False)
    assert {"+avx2", "-avx512f", "-avx512bf16", "+vaes"} <= set(lesser.features.split(","))
    old = of_processor(linux, "some", every | {"avx2": False, "vaes": True})
    assert (old.vector_bytes, old.fma) == (16, False)
    assert {"-avx", "-fma", "-avx512f", "-vaes", "+sse4.2"} <= set(old.features.split(","))
    arm = of_processor("arm64-apple-darwin23.4.0", "apple-m1", {"neon": True, "bf16": True})
    assert (arm.vector_bytes, arm.vector_registers, arm.fma, arm.bf16_dot) == (16, 32, True, False)


def test_each_level_is_more_than_the_one_before():
    machines = [of_level(name) for name in LEVELS]
    assert [(m.cpu, m.vector_bytes, m.fma) for m in machines] == [
        ("x86-64", 16, False), ("x86-64-v2", 16, False), ("x86-64-v3", 32, True), ("x86-64-v4", 64, True)
    ]  # fmt: skip
    assert levels() == tuple(LEVELS)[: len(levels())]


@pytest.mark.parametrize(
    ("machine", "byteorder", "largest", "why"),
    [
        ("x86_64", "little", 2**63 - 1, ""),
        ("AMD64", "little", 2**63 - 1, ""),
        ("aarch64", "little", 2**63 - 1, ""),
        ("arm64", "little", 2**63 - 1, ""),
        ("aarch64", "big", 2**63 - 1, "this is aarch64"),
        ("s390x", "big", 2**63 - 1, "this is s390x"),
        ("riscv64", "little", 2**63 - 1, "this is riscv64"),
        ("i686", "little", 2**31 - 1, "this is i686"),
        ("x86_64", "little", 2**31 - 1, "this one has 32"),
    ],
)
def test_machines_that_kernels_are_for_are_told_from_others(machine, byteorder, largest, why):
    found = unfit(machine, byteorder, largest)
    assert bool(found) == bool(why)
    assert why in found


@pytest.mark.skipif(not levels(), reason="there are no levels of this kind of machine")
def test_the_machine_can_be_chosen_for_a_process():
    script = "from elman.compiler.executors.llvm.host import host; print(host().cpu, host().vector_bytes)"
    for level in levels():
        environment = {**os.environ, "ELMAN_CPU": level}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert done.stdout.split() == [level, str(of_level(level).vector_bytes)], done.stderr


@pytest.mark.parametrize("asked", ["16", "haswell", "x86-64-v5"])
def test_a_machine_that_cannot_be_chosen_is_refused(asked, monkeypatch):
    monkeypatch.setenv("ELMAN_CPU", asked)
    with pytest.raises(ElmanError, match=f"ELMAN_CPU is '{asked}'; on this machine it can "):
        machine._this.__wrapped__()


def test_what_is_made_once_is_made_for_each_machine():
    made = []

    @once
    def function(number):
        made.append((host().cpu, number))
        return host().cpu

    small, large = of_level("x86-64"), of_level("x86-64-v4")
    for each in (small, large, small):
        with use(each):
            assert [function(1), function(2), function(1)] == [each.cpu] * 3
    assert made == [(small.cpu, 1), (small.cpu, 2), (large.cpu, 1), (large.cpu, 2)]


def test_the_machine_is_looked_at_without_loading_llvm():
    modules = "elman.compiler.executors.llvm.host, elman.compiler.store"
    script = f"import sys, {modules}; sys.exit('llvmlite' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
