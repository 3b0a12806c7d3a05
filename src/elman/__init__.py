"""Elman: recurrent neural networks. A recurrence is written once, as one step in ordinary PyTorch.

The public names are those of ``__init__.pyi``; each is imported when it is used, since PyTorch takes seconds.
"""

import ast
import importlib
import warnings
from pathlib import Path
from typing import Any


def _public() -> dict[str, tuple[str, str]]:
    """The module of each public name, and what it is called there."""
    tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    lines = [line for line in tree.body if isinstance(line, ast.ImportFrom)]
    return {each.asname or each.name: (str(line.module), each.name) for line in lines for each in line.names}


_PUBLIC = _public()
_FORMER = {"Detector": "AnomalyDetector"}  # names of version 0.1
__all__ = sorted(_PUBLIC)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("elman")
    if name in _FORMER:
        from elman.errors import ElmanWarning

        warnings.warn(f"elman.{name} is called {_FORMER[name]} now", ElmanWarning, stacklevel=2)
        return getattr(importlib.import_module("elman"), _FORMER[name])
    if name not in _PUBLIC:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
