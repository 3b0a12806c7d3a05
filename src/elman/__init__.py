"""Elman: recurrent neural networks. A recurrence is written once, as one step in ordinary PyTorch."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.cells import Cell
    from elman.compiler.explain import explain
    from elman.errors import ElmanError
    from elman.layers import GRU, LSTM, RNN, Recurrent
    from elman.runtime import Stepper
    from elman.tasks import restore as load

# where each public name is; they are imported when they are used, since PyTorch takes seconds
_PLACES = {
    "Cell": "elman.cells:Cell",
    "ElmanError": "elman.errors:ElmanError",
    "GRU": "elman.layers:GRU",
    "LSTM": "elman.layers:LSTM",
    "RNN": "elman.layers:RNN",
    "Recurrent": "elman.layers:Recurrent",
    "Stepper": "elman.runtime:Stepper",
    "explain": "elman.compiler.explain:explain",
    "load": "elman.tasks:restore",
}

__all__ = ["GRU", "LSTM", "RNN", "Cell", "ElmanError", "Recurrent", "Stepper", "explain", "load"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
