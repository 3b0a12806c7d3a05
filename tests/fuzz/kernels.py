"""Folders of compiled kernels in which something is wrong: what is computed is right all the same, at worst slower."""

import ctypes
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from fuzz.damage import BYTES
from llvmlite import ir

from elman.compiler import store
from elman.compiler.executors.llvm import jit
from elman.compiler.executors.llvm.host import host
from elman.errors import ElmanWarning

LONG = ir.IntType(64)
MACHINES = (0, 3, 40, 62, 183, 243, 65535)  # as ELF numbers them


def script(random: Random) -> str:
    """Lines that damage a folder of kernels and compute with what it has."""
    return f"from fuzz.kernels import tried\ntried({random.randrange(10**9)})\n"


def tried(seed: int) -> None:
    """Make a kernel in a folder of its own here, damage one of the two, and ask the kernel twice more."""
    random, usual = Random(seed), os.environ.get("ELMAN_CACHE")
    number, place = random.randrange(1000), Path("kernels").absolute()
    os.environ["ELMAN_CACHE"] = str(place)
    try:
        assert _answer(number) == number + 2
        (path,) = place.iterdir()
        change = random.choice(CHANGES)
        change(random, path)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for _ in range(2):
                _forget(number)
                assert _answer(number) == number + 2
            with suppress(OSError):  # which is told in one line
                store.entries()
        remarks = {str(each.message) for each in warned if issubclass(each.category, ElmanWarning)}
        assert len(remarks) <= 1, remarks
    finally:
        _forget(number)
        os.environ.pop("ELMAN_CACHE")
        if usual is not None:
            os.environ["ELMAN_CACHE"] = usual


def _key(number: int) -> str:
    return f"a fuzzed sum with {number}"


def _answer(number: int) -> int:
    def build() -> ir.Module:
        module = ir.Module()
        function = ir.Function(module, ir.FunctionType(LONG, [LONG]), "add")
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.add(function.args[0], LONG(number)))
        return module

    address = jit.load(_key(number), build).address("add")
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(2)


def _forget(number: int) -> None:
    """As another process, which has only the folder."""
    jit._libraries.pop((_key(number), host()), None)


# ---- what may be wrong


def other_bytes(random: Random, path: Path) -> None:
    path.write_bytes(random.choice(BYTES)(random, path.read_bytes()))


def another_machine(random: Random, path: Path) -> None:
    """Code that is whole, and for another processor or of no format."""
    kernel = store._parse(path.stem, path.read_bytes())
    assert kernel is not None
    code = bytearray(kernel.code)
    code[18:20] = random.choice(MACHINES).to_bytes(2, "little")
    broken = random.choice((bytes(code), kernel.code[:-20], b"", b"\0" * 200, b"\x7fELF", kernel.code[:64]))
    path.write_bytes(store._format(path.stem, kernel._replace(code=broken)))


def other_names(random: Random, path: Path) -> None:
    kernel = store._parse(path.stem, path.read_bytes())
    assert kernel is not None
    names = random.choice(((), ("other",), ("add", "other"), ("",), ("add\0",), ("\u00e9",), ("add",) * 1000))
    path.write_bytes(store._format(path.stem, kernel._replace(names=names)))


def no_file(random: Random, path: Path) -> None:
    """Something else than a file in its place."""
    path.unlink()
    ways: list[Callable[[], object]] = [
        lambda: os.mkfifo(path),
        path.mkdir,
        lambda: path.symlink_to("nowhere"),
        lambda: path.symlink_to(path.name),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to("/etc/hostname"),
        lambda: None,
    ]
    random.choice(ways)()


def other_rights(random: Random, path: Path) -> None:
    random.choice((path, path.parent)).chmod(random.choice((0, 0o200, 0o400, 0o500, 0o620, 0o777, 0o1777)))


def no_folder(random: Random, path: Path) -> None:
    """Something else than a folder in the place of the folder, or another one."""
    place, moved = path.parent, path.parent.with_name("moved")
    place.rename(moved)
    ways: list[Callable[[], object]] = [
        lambda: place.write_bytes(b"a file"),
        lambda: os.mkfifo(place),
        lambda: place.symlink_to(moved),
        lambda: place.symlink_to(place.name),
        lambda: place.symlink_to("/dev/null"),
        place.mkdir,
        lambda: None,
    ]
    random.choice(ways)()


def elsewhere(random: Random, path: Path) -> None:
    """The variable that names the folder says something odd."""
    names = (
        "", " ", "x" * 300, "x" * 5000, "/proc/self/kernels", "/dev/null", "/dev/full/x", "~", "~nobody-of-this-name/x",
        str(path), f"{path.parent}/../kernels", "a\nb", "\udcff", "\u202e", "kernels/" * 500, "%s", "$HOME/x",
    )  # fmt: skip
    os.environ["ELMAN_CACHE"] = random.choice(names) if random.random() < 0.9 else str(path.parent / "deep" / "er")


def many_files(random: Random, path: Path) -> None:
    """Others beside it: of other kernels, half written, or of something else."""
    for n in range(random.choice((10, 2000))):
        name = random.choice((f"{n:064x}.kernel", f"{n}.part", f"tmp{n}.kernel.part", f"{n}", f".{n}.kernel"))
        (path.parent / name).write_bytes(random.choice((b"", b"elman-kernel-1\n", path.read_bytes())))


CHANGES: tuple[Callable[[Random, Path], None], ...] = (
    *[other_bytes] * 3, *[another_machine] * 2, other_names, *[no_file] * 2, other_rights, *[no_folder] * 2,
    *[elsewhere] * 2, many_files,
)  # fmt: skip
