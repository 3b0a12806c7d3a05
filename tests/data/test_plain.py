"""Plain values as the types that are declared of them."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import pytest

from elman.data.dialect import UNKNOWN, Dialect, Lain, Notation
from elman.data.plain import Count, Distinct, Endless, Named, Positive, Within, restored, without_infinite
from elman.errors import ElmanError


class Unit(NamedTuple):
    mean: float
    scale: Positive = 1.0


class Given(TypedDict):
    tokens: str
    size: NotRequired[Count]


@dataclass(frozen=True)
class Layout(Lain):
    kind: Literal["table", "lines"]
    names: Named = ()
    time: tuple[str, ...] = ()
    units: dict[str, Unit] | None = None
    dialect: Dialect = UNKNOWN


def test_values_are_made_whole() -> None:
    value = {
        "kind": "table",
        "names": ["a", "b"],
        "units": {"a": [1, 2.5], "b": [0.5]},
        "dialect": {"separator": ";", "numbers": {"a": {"decimal": ","}}},
    }
    found = restored(Layout, value)
    assert found.names == ("a", "b")
    assert found.units == {"a": Unit(1.0, 2.5), "b": Unit(0.5, 1.0)}
    assert found.dialect == Dialect(";", numbers={"a": Notation(",")})
    assert restored(Given, {"tokens": "bytes"}) == {"tokens": "bytes"}


def test_a_layout_of_a_former_version() -> None:
    found = restored(Layout, {"kind": "lines", "time": "when", "separator": ",", "header": True})
    assert (found.time, found.dialect) == (("when",), Dialect(",", True, asks=False))
    assert restored(Layout, {"kind": "lines", "time": ""}).time == ()


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (int, True, "it is True and not a whole number"),
        (int, 2.0, "it is 2.0 and not a whole number"),
        (int, 10**30, "it is a number of 31 digits, which is out of its range"),
        (float, "2", "it is '2' and not a number"),
        (float, math.nan, "it is nan, which is not finite"),
        (float, math.inf, "it is inf, which is not finite"),
        (bool, 0, "it is 0 and not true or false"),
        (str, None, "it is None and not a text"),
        (str, [], "it is a list and not a text"),
        (int | None, {}, "it is an object and not a whole number"),
        (Literal["a", "b"], "c", "it is 'c' and not 'a' or 'b'"),
        (Literal[1], True, "it is True and not 1"),
        (tuple[int, ...], [1, "x"], "2 is 'x' and not a whole number"),
        (list[str], "ab", "it is 'ab' and not a list"),
        (dict[str, int], {"a": 1.5}, "a is 1.5 and not a whole number"),
        (Count, -1, "it is -1, which is out of its range"),
        (Positive, 0, "it is 0, which is out of its range"),
        (Annotated[str, Within(max=2)], "abc", "it has 3, which is out of its range"),
        (Annotated[str, Distinct()], "aa", "it has something twice"),
        (Unit, [1, 2, 3], "it is a list of 3 and not of 2"),
        (Unit, [1, -2], "scale is -2, which is out of its range"),
        (Layout, [], "it is a list and not an object"),
        (Layout, {}, "it lacks 'kind'"),
        (Layout, {"kind": "table", "dialect": {"header": 3}}, "dialect: header is 3 and not true or false"),
        (Layout, {"kind": "table", "wide": 1}, "it has 'wide', which there is not"),
        (Layout, {"kind": "table", "names": ["a", "a"]}, "names has something twice"),
        (Layout, {"kind": "table", "units": {"a": [1, "x"]}}, "units: a: scale is 'x' and not a number"),
        (Given, {"size": 1}, "it lacks 'tokens'"),
        (Given, {"tokens": "x", "size": -1}, "size is -1, which is out of its range"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(ElmanError) as error:
        restored(kind, value)
    assert str(error.value) == message


def test_what_is_not_finite_where_it_may_be() -> None:
    assert math.isnan(restored(Annotated[float, Endless()], math.nan))  # pyright: ignore[reportArgumentType]
    assert restored(float | None, math.nan) is None  # pyright: ignore[reportArgumentType]
    found = without_infinite({"a": (math.inf, 1.5), "b": {"c": -math.inf}, "d": "nan"})
    assert found == {"a": [None, 1.5], "b": {"c": None}, "d": "nan"}
