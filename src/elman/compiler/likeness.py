"""What a step can depend on beside the numbers of its tensors, so that modules that are alike are read once.

That are the sizes of parameters and buffers, the attributes of the module and of those within it, and the code that its
step reaches by name: methods, functions, closures, and the plain values that stand beside them. Where anything else is
reached, or a hook, nothing is said, and the module is read by itself.
"""

import dis
import math
import operator
from collections.abc import Iterator
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

import torch
from torch import nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype)
_OWN = frozenset(vars(nn.Module()))  # of any module; ``training`` is looked at by itself
_NAMING = {"called", "_calls"}  # what a step is not told
_UNSEEN = frozenset(  # by which something is reached that has no name there
    {
        "getattr",
        "vars",
        "globals",
        "locals",
        "eval",
        "exec",
        "__import__",
        "__dict__",
        "__getattr__",
        "__getattribute__",
    }
)
_ASKED = {"__getattr__", "__getattribute__"}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_BUILT_IN = (BuiltinFunctionType, MethodDescriptorType, torch._ops.OpOverload, torch._ops.OpOverloadPacket)


class _Unknown(Exception):
    """Something that may change without a trace."""


def likeness(module: nn.Module) -> tuple[Any, ...] | None:
    """A value that modules have in common only if their steps are alike; None where that cannot be known.

    >>> from elman.cells import load
    >>> a, b, c = (likeness(load("gru")(3, size)) for size in (5, 5, 6))
    >>> a == b, a == c
    (True, False)
    """
    try:
        return tuple(_of_module(module, "step"))
    except (_Unknown, TypeError, ValueError):
        return None


def _theirs(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _classes(cls: type) -> Iterator[type]:
    return (base for base in cls.__mro__ if base is not object and not _theirs(base.__module__))


def _of_module(module: nn.Module, entry: str) -> Iterator[Any]:
    """Of a module of which this method is called."""
    own, cls = vars(module), type(module)
    if any(own.get(hooks) for hooks in _HOOKS):
        raise _Unknown
    yield cls.__module__, cls.__qualname__, module.training
    for name, value in own["_parameters"].items():
        yield name, None if value is None else tuple(value.shape)
    for name, value in own["_buffers"].items():
        yield name, None if value is None else (tuple(value.shape), value.is_floating_point() or value.dtype)
    seen: set[FunctionType] = set()
    for name, value in own.items():
        if name not in _OWN and name not in _NAMING:
            yield from _of_value(name, value, cls, seen)
    if not _theirs(cls.__module__):
        if any(not _ASKED.isdisjoint(vars(base)) for base in _classes(cls)):
            raise _Unknown
        yield from _named(entry, cls, seen)
    for name, inner in own["_modules"].items():
        yield name
        if inner is not None:
            yield from _of_module(inner, "forward")


def _named(name: str, cls: type, seen: set[FunctionType]) -> Iterator[Any]:
    """What may be meant by an attribute of this name, in a class of the module's own."""
    for base in _classes(cls):
        if name in vars(base):
            yield from _of_value(name, vars(base)[name], cls, seen)


def _of_value(name: str, value: Any, cls: type, seen: set[FunctionType]) -> Iterator[Any]:
    if isinstance(value, _PLAIN):
        yield name, repr(value)
    elif isinstance(value, tuple | frozenset):
        yield name, type(value).__name__, len(value)
        for part in value:
            yield from _of_value(name, part, cls, seen)
    elif isinstance(value, FunctionType):
        if not _theirs(value.__module__ or ""):
            yield from _of_function(value, cls, seen)
        else:
            yield name, value
    elif isinstance(value, property):
        for function in (value.fget, value.fset, value.fdel):
            yield from _of_value(name, function, cls, seen)
    elif isinstance(value, staticmethod | classmethod):
        yield from _of_value(name, value.__func__, cls, seen)
    elif isinstance(value, _BUILT_IN):
        yield name, value
    elif isinstance(value, type):
        if not _theirs(value.__module__) and value.__module__.partition(".")[0] not in ("elman", "builtins"):
            raise _Unknown
        yield name, value
    elif isinstance(value, ModuleType):
        if not _theirs(value.__name__) and value not in (math, operator):
            raise _Unknown
    elif type(value).__module__.startswith("elman.remedies"):
        yield name, type(value), repr(value)
    else:
        raise _Unknown


def _of_function(function: FunctionType, cls: type, seen: set[FunctionType]) -> Iterator[Any]:
    """The code of a function, and of what it names."""
    if function in seen:
        return
    seen.add(function)
    yield function.__code__
    for cell in function.__closure__ or ():
        if cell.cell_contents is not cls:
            yield from _of_value("closure", cell.cell_contents, cls, seen)
    yield from _of_value("defaults", function.__defaults__, cls, seen)
    for name, default in (function.__kwdefaults__ or {}).items():
        yield from _of_value(name, default, cls, seen)
    names = _names(function.__code__)
    ours = str(function.__globals__.get("__name__")).startswith("elman.")
    if not ours and (names is None or any(name in _UNSEEN and name not in function.__globals__ for name in names)):
        raise _Unknown
    for name in names or ():
        if name in function.__globals__ and not ours:
            yield from _of_value(name, function.__globals__[name], cls, seen)
        yield from _named(name, cls, seen)


@lru_cache(maxsize=256)
def _names(code: CodeType) -> tuple[str, ...] | None:
    """The names of a function's code and of that within it; None where it imports something."""
    if any(instruction.opname == "IMPORT_NAME" for instruction in dis.get_instructions(code)):
        return None
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return None if None in inner else code.co_names + tuple(name for names in inner if names for name in names)
