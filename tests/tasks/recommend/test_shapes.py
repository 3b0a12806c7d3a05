"""Sessions as public data sets have them: objects in lists, keys that few rows have, places beside items."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman import ElmanError
from elman.data.bad import BadRows
from elman.data.rows import Line
from elman.tasks.recommend.events import EventLayout, Sessions, find_events, read_events

TAKEN = [[(user * 5 + step * (1 + user % 3)) % 8 for step in range(4 + user % 3)] for user in range(30)]
START = 1_661_724_000_000


def told(path: Path, **wish: Any) -> tuple[EventLayout, list[list[str]]]:
    layout = find_events(path, EventLayout(**{"item": "", **wish}), BadRows(skip=True))
    return layout, items_of(read_events(path, layout, BadRows(answers=True)))


def items_of(read: Sessions) -> list[list[str]]:
    return [[read.names[item] for item in items] for items in read.items]


def of_objects(path: Path, make: Callable[[int, int, int], dict[str, Any]], held: str = "events") -> Path:
    rows = [
        {"session": n, held: [make(item, n, step) for step, item in enumerate(items)]} for n, items in enumerate(TAKEN)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def test_objects_in_lists_are_known_by_their_ids_and_ordered_by_their_times(tmp_path: Path) -> None:
    path = of_objects(
        tmp_path / "otto.jsonl", lambda item, n, step: {"aid": item, "ts": START - step, "type": "clicks"}
    )
    layout, items = told(path)
    assert (layout.item, layout.session, layout.time) == ("events.aid", "session", ("events.ts",))
    assert items == [[str(item) for item in reversed(each)] for each in TAKEN]
    line = (
        '{"session": 7, "events": [{"aid": 3, "ts": 1661724000002, "type": "clicks"}, {"aid": 4, "ts": 1661724000001}]}'
    )
    assert items_of(read_events(Line(line), layout, BadRows())) == [["4", "3"]]
    ends = read_events(path, layout, BadRows()).ends
    assert len(set(ends.tolist())) == 1  # the time at which each ended, and not its place


@pytest.mark.parametrize("held", ["items", "posten", "events"])
def test_the_id_of_an_object_is_found_or_asked_for(held: str, tmp_path: Path) -> None:
    wanted = [[f"g{item}" for item in each] for each in TAKEN]
    path = tmp_path / "a.jsonl"
    for name in ("item_id", "id", "productId"):
        of_objects(path, lambda item, n, step, name=name: {"price": step, name: f"g{item}"}, held)
        assert told(path) == (told(path)[0], wanted)
    of_objects(path, lambda item, n, step: {"bezeichnung": f"g{item}"}, held)
    assert told(path)[1] == wanted
    of_objects(path, lambda item, n, step: {"foo": f"g{item}", "bar": step}, held)
    with pytest.raises(ElmanError, match=f"objects in the lists of {held}, with foo, bar; .* --item-column {held}.foo"):
        told(path)
    assert told(path, item=f"{held}.foo")[1] == wanted
    path.write_text('{"session": 1, "items": [[3, 5], [4, 6]]}\n' * 9)
    with pytest.raises(ElmanError, match=r"an item such as .* is a list or an object"):
        told(path)


def test_lists_about_an_event_are_no_sessions(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    rows = [
        {
            "reviewerID": f"A{n}",
            "asin": f"B00{item}",
            "helpful": [0, step],
            "overall": 4.0,
            "unixReviewTime": START + step,
        }
        for n, items in enumerate(TAKEN)
        for step, item in enumerate(items)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    layout, items = told(path)
    assert (layout.item, layout.person, layout.rating, layout.within) == ("asin", "reviewerID", "overall", "")
    assert items == [[f"B00{item}" for item in each] for each in TAKEN]


@pytest.mark.parametrize(
    ("head", "row", "keys"),
    [
        ("timestamp,visitorid,event,itemid,transactionid", "{t},{n},view,i{item},", ["visitorid"]),
        ("sessionId;userId;itemId;timeframe;eventdate", "{n};NA;i{item};{step};2016-05-09", ["sessionId"]),
        ("", "{n}\t2014-04-07T10:{step:02}:00Z\t30.{item}\t-97.{item}\ti{item}", ["1"]),
        ("user,game,behavior,hours", "{n},i{item},play,{step}.5", ["user"]),
    ],
)
def test_what_only_some_rows_have_tells_no_sessions_apart(head: str, row: str, keys: list[str], tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    rows = [
        row.format(n=n, item=item, step=step, t=START + step)
        for n, items in enumerate(TAKEN)
        for step, item in enumerate(items)
    ]
    path.write_text("\n".join([*([head] if head else []), *rows]) + "\n")
    layout, items = told(path)
    assert layout.keys == keys
    assert items == [[f"i{item}" for item in each] for each in TAKEN]


def test_a_category_behind_an_item_is_asked_about_and_columns_of_flags_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "clicks.dat"
    rows = [
        f"{n},2014-04-07T10:{step:02}:00Z,{item},{'S0'[step % 2]}"
        for n, e in enumerate(TAKEN)
        for step, item in enumerate(e)
    ]
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(ElmanError, match="say with --person-column"):
        told(path)
    for yes, no in (("1", "0"), ("True", "False"), ("t", "?")):
        path.write_text(
            "milk,tea,rice,oil\n" + "".join(",".join((no, yes)[k % 4 in e] for k in range(4)) + "\n" for e in TAKEN)
        )
        with pytest.raises(
            ElmanError, match="says in each of its columns milk, tea, rice and 1 more whether a row has it"
        ):
            told(path)
