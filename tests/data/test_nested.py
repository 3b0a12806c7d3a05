"""Lists of objects in cells keep all that is in them."""

import polars as pl

from elman.data.nested import unnested
from elman.data.tables import column_of


def test_objects_of_different_names_and_kinds_lose_nothing() -> None:
    column = column_of("e", [[{"a": 1}], [{"a": "x", "b": 2}, None], [], None, [{"c": {"d": 1}}, {}]])
    assert column.to_list() == [
        [{"a": "1", "b": None, "c": None}],
        [{"a": "x", "b": 2, "c": None}, None],
        [],
        None,
        [{"a": None, "b": None, "c": '{"d": 1}'}, {"a": None, "b": None, "c": None}],
    ]
    assert column_of("e", [[{"a": 1}], [{"a": 2.5}]]).to_list() == [[{"a": 1.0}], [{"a": 2.5}]]
    assert unnested(pl.DataFrame([column])).columns == ["e.a", "e.b", "e.c"]
    assert unnested(pl.DataFrame([column]))["e.a"].to_list() == [["1"], ["x", None], [], None, [None, None]]
