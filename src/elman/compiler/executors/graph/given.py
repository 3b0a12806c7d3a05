"""All tensors that a module holds, and the module with others in their places."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

_KINDS = ("_parameters", "_buffers")


def tensors_of(module: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and attributes that are tensors, with their paths, of a module and of those within it.

    >>> [name for name, _ in tensors_of(nn.Sequential(nn.Linear(2, 3)))]
    ['0.weight', '0.bias']
    """
    own = vars(module)
    for values in (*(own[kind] for kind in _KINDS), own):
        yield from ((f"{path}{name}", value) for name, value in values.items() if isinstance(value, Tensor))
    for name, inner in own["_modules"].items():
        if inner is not None:
            yield from tensors_of(inner, f"{path}{name}.")


def with_tensors(module: Any, values: Mapping[str, Tensor], path: str = "") -> Any:
    """A view of a module that has these tensors, by their paths; the module itself is left alone."""
    own = vars(module)

    def changed(held: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values.get(f"{path}{name}", value) if isinstance(value, Tensor) else value
                for name, value in held.items()}  # fmt: skip

    inner = {
        name: part if part is None else with_tensors(part, values, f"{path}{name}.")
        for name, part in own["_modules"].items()
    }
    view = object.__new__(type(module))
    vars(view).update(changed(own) | {kind: changed(own[kind]) for kind in _KINDS} | {"_modules": inner})
    return view


def settings_of(module: nn.Module) -> tuple[Any, ...]:
    """The attributes of a module, and of those within it, that are plain values: what its code may depend on."""
    plain = (bool, int, float, str, tuple, type(None))
    return tuple(
        (name, value)
        for inner in module.modules()
        for name, value in vars(inner).items()
        if isinstance(value, plain) and not name.startswith("_")
    )
