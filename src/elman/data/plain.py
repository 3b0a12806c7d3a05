"""What is kept with a model as plain values, made whole again."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from elman.data.dialect import dialect_kept

T = TypeVar("T")


def restored(make: type[T], values: Mapping[str, Any]) -> T:
    """An instance of a dataclass from its plain values, as JSON gives them: lists are tuples, a dialect is one.

    Example:
        >>> from dataclasses import make_dataclass
        >>> restored(make_dataclass("Layout", ["columns"]), {"columns": ["text", "label"]})
        Layout(columns=('text', 'label'))
    """
    if any(each.name == "dialect" for each in fields(make)):  # pyright: ignore[reportArgumentType]
        values = dialect_kept(values)
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
