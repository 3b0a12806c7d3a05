"""From LLVM's language to addresses that can be called, made once per process, or once per machine with a disk.

LLVM's linker writes code into fresh pages and then makes them executable and no longer writable: none is both at once,
so that systems which forbid that, such as macOS on Apple silicon, have no objection. On Windows, llvmlite has only
LLVM's older linker. It may lay what belongs together far apart, so that all addresses are whole ones there; and code
that needs more of the stack than a page calls a function of the system, which is given to it by its address.
"""

import hashlib
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
from llvmlite import binding as llvm
from llvmlite import ir

from elman import system
from elman.compiler import store
from elman.compiler.executors.llvm.host import Host, host, llvm_lock, once

# What the code generator may call of its own accord, for large copies; nothing else outside the module is called.
_ALLOWED = {"memcpy", "memmove", "memset", "memset_pattern16"}  # the last on macOS

_libraries: dict[tuple[str, Host], "Library"] = {}
_count = itertools.count()  # the linker wants a new name for each library

_PROCESSORS = {"x86_64": 62, "aarch64": 183, "arm64": 183}  # as ELF numbers those that kernels are for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """The compiled functions of one module. They live as long as the process."""

    addresses: dict[str, int]
    keeper: Any  # LLVM's own handle: the code is unmapped when it goes

    def address(self, name: str) -> int:
        """The address of a function, for ``ctypes``."""
        return self.addresses[name]


def load(key: str, build: Callable[[], ir.Module]) -> Library:
    """The compiled module that ``key`` stands for, made by ``build`` where neither this process nor the disk has it.

    Args:
        key: says all that ``build`` depends on, but for the host and the version of the compiler, which are added here.
        build: writes the module. Its functions are already vectorised: LLVM is told to leave the loops as they are.

    Raises:
        RuntimeError: the module is not well formed, or calls a function that is not its own.

    Example:
        >>> import ctypes
        >>> def build():
        ...     module = ir.Module()
        ...     long = ir.IntType(64)
        ...     function = ir.Function(module, ir.FunctionType(long, [long]), "next")
        ...     builder = ir.IRBuilder(function.append_basic_block())
        ...     builder.ret(builder.add(function.args[0], long(1)))
        ...     return module
        >>> address = load("an example", build).address("next")
        >>> ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(41)
        42
    """
    place = key, host()
    library = _libraries.get(place)
    if library is None:
        with llvm_lock:
            library = _libraries.get(place)
            if library is None:
                library = _libraries[place] = _make(key, build)
    return library


def assembly(module: ir.Module) -> str:
    """The machine code of a module as text, to be looked at."""
    with llvm_lock:
        machine = _machine()
        return machine.emit_assembly(_optimised(module, machine))


def _make(key: str, build: Callable[[], ir.Module]) -> Library:
    name = _name(key)
    kernel = store.read(name)
    if kernel is not None and kernel.key == key:
        try:
            return _linked(name, kernel)
        except RuntimeError as error:  # as it was written, and no code for this machine all the same
            log.debug("the compiled kernel %s cannot be used (%s); it is made anew", name, error)
    return _linked(name, _compiled(name, key, build))


def _compiled(name: str, key: str, build: Callable[[], ir.Module]) -> store.Kernel:
    """What is made now, and stored under this name."""
    machine = _machine()
    module = _optimised(build(), machine)
    names = tuple(f.name for f in module.functions if not f.is_declaration and f.linkage == llvm.Linkage.external)
    kernel = store.Kernel(key, names, machine.emit_object(module))
    store.write(name, kernel)
    return kernel


def _is_for(triple: str, code: bytes) -> bool:
    """Whether code is for a machine, as far as its first bytes tell: LLVM ends the process over that of another."""
    if not code.startswith(b"\x7fELF"):
        return True
    of_64_bits_little = code[4:6] == b"\x02\x01"
    return of_64_bits_little and int.from_bytes(code[18:20], "little") == _PROCESSORS.get(triple.partition("-")[0])


def _linked(name: str, kernel: store.Kernel) -> Library:
    if not _is_for(host().triple, kernel.code):
        raise RuntimeError("it is for another machine")
    builder = llvm.JITLibraryBuilder().add_object_img(kernel.code)
    for function in kernel.names:
        builder.export_symbol(function)
    if host().windows:
        for function, address in system.functions_of_windows().items():
            builder.import_symbol(function, address)
    tracker = builder.link(_engine(), f"{next(_count)}-{name}")
    return Library({function: tracker[function] for function in kernel.names}, tracker)


def _optimised(source: ir.Module, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    source.triple = machine.triple
    source.data_layout = str(machine.target_data)
    module = llvm.parse_assembly(str(source))
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_interleaving = options.loop_unrolling = False
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    for function in module.functions:
        if function.is_declaration and not function.name.startswith("llvm.") and function.name not in _ALLOWED:
            raise RuntimeError(f"a kernel calls {function.name}, which is not its own")
    return module


def _machine() -> llvm.TargetMachine:
    """A new target machine for the host, for objects that are loaded anywhere."""
    here = host()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(here.triple)
    reach = {"reloc": "static", "codemodel": "large"} if here.windows else {"reloc": "pic", "codemodel": "small"}
    return target.create_target_machine(cpu=here.cpu, features=here.features, opt=3, jit=True, **reach)


@once
def _engine() -> llvm.LLJIT:
    """The linker that all libraries of this process live in, each with names of its own."""
    return llvm.create_lljit_compiler(_machine(), use_jit_link=not host().windows, suppress_errors=True)


def _name(key: str) -> str:
    """A file name that differs wherever anything that the code depends on differs."""
    here = host()
    versions = f"{llvmlite.__version__} {llvm.llvm_version_info}"
    parts = (key, here.triple, here.cpu, here.features, str(here.vector_bytes), versions, _source())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _source() -> str:
    """A digest of the compiler's own source, so that no release reads what another one made."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
