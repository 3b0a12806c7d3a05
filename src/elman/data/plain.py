"""What is kept with a model as plain values, made whole again."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def restored(make: type[T], values: Mapping[str, Any]) -> T:
    """An instance of a dataclass from its plain values, as JSON gives them: lists are tuples.

    Example:
        >>> from dataclasses import make_dataclass
        >>> restored(make_dataclass("Layout", ["columns"]), {"columns": ["text", "label"]})
        Layout(columns=('text', 'label'))
    """
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
