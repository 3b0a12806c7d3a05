"""What is kept with a model as plain values, made whole again: each is held against the type that is declared of it."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from elman.errors import ElmanError

T = TypeVar("T")
IT = "it"
LARGEST = 2**53  # of a whole number that is plain, as in JSON
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", NoneType: "null"}


@dataclass(frozen=True)
class Within:
    """The range of a number, or of how many there are in a list or a text; ends belong to it."""

    min: float = -math.inf
    max: float = math.inf

    def check(self, value: Any, what: str) -> None:
        number = value if isinstance(value, int | float) else len(value)
        if not self.min <= number <= self.max:
            raise ElmanError(f"{what} {'is' if number is value else 'has'} {number:g}, which is out of its range")


@dataclass(frozen=True)
class Distinct:
    """Of a list or a text, that nothing is in it twice."""

    def check(self, value: Any, what: str) -> None:
        if len(set(value)) < len(value):
            raise ElmanError(f"{what} has something twice")


@dataclass(frozen=True)
class Endless:
    """Of a number, that it need not be finite."""

    def check(self, value: Any, what: str) -> None:
        """Anything goes."""


Positive = Annotated[float, Within(min=5e-324)]
Count = Annotated[int, Within(min=0)]
Size = Annotated[int, Within(min=1)]
Named = Annotated[tuple[str, ...], Distinct()]  # each by another name


def restored(make: type[T], value: Any, what: str = IT) -> T:
    """A plain value, as JSON gives it, as the type that is declared of it.

    A dataclass and a typed dictionary are made of an object: nothing in it has another name than a field's, and nothing
    is missing that has no default. A named tuple is made of a list. A class that has ``now``, a function of such an
    object, is given what that makes of it: what a former version wrote, as it is written now.

    Args:
        make: ``bool``, ``int``, ``float``, ``str``, ``None``, ``Literal``, a list, a tuple, a dictionary, a union, a
            dataclass, a named tuple or a typed dictionary of such, or one of them ``Annotated`` with what narrows it.
        value: plain.
        what: it is called.

    Raises:
        ElmanError: what is of another type, out of its range or not finite, and where it is.

    Example:
        >>> from dataclasses import make_dataclass
        >>> Layout = make_dataclass("Layout", [("columns", tuple[str, ...]), ("width", int, 2)])
        >>> restored(Layout, {"columns": ["text", "label"]})
        Layout(columns=('text', 'label'), width=2)
        >>> restored(Layout, {"columns": ["text", 3]}, "the layout")
        Traceback (most recent call last):
        elman.errors.ElmanError: the layout: columns: 2 is 3 and not a text
    """
    return _restored(make, value, what)


def without_infinite(value: Any) -> Any:
    """A plain value with null in the place of numbers that JSON does not have.

    >>> without_infinite({"loss": float("nan"), "steps": [1, 2.5]})
    {'loss': None, 'steps': [1, 2.5]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: without_infinite(each) for name, each in value.items()}
    return [without_infinite(each) for each in value] if isinstance(value, list | tuple) else value


def shown(value: Any) -> str:
    """A value that was read as it stands in a message, for which no more of it is gone through than is told.

    >>> shown(["text"] * 10**6), shown(True), shown(10**5000), shown("a" * 100)[:9]
    ('a list', 'True', 'a number of 5001 digits', "'aaaaaaaa")
    """
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"a number of {int(math.log10(abs(value))) + 1} digits"
    if isinstance(value, str):
        return repr(value[:60]) if len(value) > 60 else repr(value)
    return repr(value) if isinstance(value, int | float | NoneType) else f"a {type(value).__name__}"


def _restored(kind: Any, value: Any, what: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(parts, value, what)
    if origin is NotRequired:
        return _restored(parts[0], value, what)
    if origin in (Union, UnionType):
        return _one_of(parts, value, what)
    if origin is Literal:
        if not any(value == each and type(value) is type(each) for each in parts):
            raise ElmanError(f"{what} is {shown(value)} and not {' or '.join(map(repr, parts))}")
        return value
    if origin in (list, tuple):
        _check_kind(list | tuple, value, what, "a list")
        if parts[0] is str and all(type(each) is str for each in value):  # of which there may be a million
            return origin(value)
        return origin(_restored(parts[0], each, _at(what, n)) for n, each in enumerate(value, 1))
    if origin in (dict, Mapping):
        _check_kind(Mapping, value, what, "an object")
        key, each = parts
        return {_restored(key, name, what): _restored(each, part, _at(what, name)) for name, part in value.items()}
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _named_tuple(kind, value, what)
    if is_dataclass(kind) or is_typeddict(kind):
        return _object(kind, value, what)
    return value if kind is Any else _scalar(kind, value, what)


def _annotated(parts: tuple[Any, ...], value: Any, what: str) -> Any:
    kind, *marks = parts
    if any(isinstance(mark, Endless) for mark in marks) and isinstance(value, float):
        return value
    found = _restored(kind, value, what)
    for mark in marks:
        if found is not None:
            mark.check(found, what)
    return found


def _one_of(kinds: tuple[Any, ...], value: Any, what: str) -> Any:
    if NoneType in kinds and (value is None or (float in kinds and isinstance(value, float) and math.isnan(value))):
        return None  # versions before 0.2 wrote a number that there is not as NaN
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        try:
            return _restored(kind, value, what)
        except ElmanError:
            continue
    return _restored(last, value, what)


def _named_tuple(kind: Any, value: Any, what: str) -> Any:
    _check_kind(list | tuple, value, what, "a list")
    hints = get_type_hints(kind, include_extras=True)
    least = len(hints) - len(kind._field_defaults)
    if not least <= len(value) <= len(hints):
        raise ElmanError(f"{what} is a list of {len(value)} and not of {len(hints)}")
    return kind(*(_restored(hints[name], each, _at(what, name)) for name, each in zip(hints, value, strict=False)))


def _object(kind: Any, value: Any, what: str) -> Any:
    _check_kind(Mapping, value, what, "an object")
    hints = get_type_hints(kind, include_extras=True)
    value = kind.now(value) if hasattr(kind, "now") else value
    if is_dataclass(kind):
        wanted = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    else:
        wanted = [name for name in hints if name in kind.__required_keys__]
    if lacking := [name for name in wanted if name not in value]:
        raise ElmanError(f"{what} lacks {lacking[0]!r}")
    if more := [name for name in value if name not in hints]:
        raise ElmanError(f"{what} has {shown(more[0])}, which there is not")
    found = {name: _restored(hints[name], part, _at(what, name)) for name, part in value.items()}
    make: Any = kind
    return make(**found)


def _scalar(kind: Any, value: Any, what: str) -> Any:
    if kind is float and type(value) is int and abs(value) <= LARGEST:
        value = float(value)
    if type(value) is not kind:
        raise ElmanError(f"{what} is {shown(value)} and not {NAMES[kind]}")
    if kind is float and not math.isfinite(value):
        raise ElmanError(f"{what} is {value:g}, which is not finite")
    if kind is int and abs(value) > LARGEST:
        raise ElmanError(f"{what} is {shown(value)}, which is out of its range")
    return value


def _check_kind(kind: Any, value: Any, what: str, wanted: str) -> None:
    if not isinstance(value, kind):
        raise ElmanError(f"{what} is {shown(value)} and not {wanted}")


def _at(what: str, place: Any) -> str:
    return f"{place}" if what == IT else f"{what}: {place:.60}" if isinstance(place, str) else f"{what}: {place}"
