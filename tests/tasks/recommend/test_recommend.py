"""The task of recommendation: what it reads, what it finds out, what it refuses, what it learns."""

import gzip
import json
import logging
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman import ElmanError
from elman.data.bad import BadRows
from elman.tasks.recommend.events import EventLayout, find_events, read_event, read_events
from elman.tasks.recommend.ranking import ItemToItem, Popular, measures, ranks
from elman.tasks.recommend.task import RecommendOptions, RecommendTask, batch_of
from elman.training.runs import fit
from elman.training.task import Sources, evaluate

SMALL = {"hidden": 16, "embedding": 16, "batch": 16, "lr": 0.03, "warmup": 5}
FOUND = EventLayout(item="")


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random = Random(0)
    path = folder / "visits.csv"
    rows = []
    for person in range(60):
        start = random.randrange(12)
        # everybody walks around the same circle of pages
        rows += [f"p{person},page{(start + step) % 12},{100 * step + person}\n" for step in range(6)]
    random.shuffle(rows)
    path.write_text("user,item,time\n" + "".join(rows), encoding="utf-8")
    return path, {**SMALL, "split": "people"}


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> RecommendTask:
    """A model that knows the circle of pages."""
    path, options = example(tmp_path_factory.mktemp("walker"))
    return fit(RecommendTask, path, steps=80, dropout=0.0, **{**options, "people": 2})


def written(folder: Path, text: str, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sessions_of(source: Any, **wish: Any) -> dict[tuple[str, ...], list[list[str]]]:
    """What is read of a source, as people would write it."""
    layout = find_events(source, EventLayout(**{"item": "", **wish}), BadRows(skip=True))
    read = read_events(source, layout, BadRows())
    found: dict[tuple[str, ...], list[list[str]]] = {}
    for key, items in zip(read.keys.iter_rows(), read.items, strict=True):
        found.setdefault(key, []).append([read.names[item] for item in items])
    return found


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("user,item\na,x\nb,x\na,y\n", ("user", "item", (), "")),
        ("userId,movieId,rating,timestamp\n1,7,3.5,964982703\n2,7,4,964982224\n",
         ("userId", "movieId", ("timestamp",), "")),
        ("InvoiceNo;StockCode;InvoiceDate;CustomerID\n5;A;2011-01-01;9\n5;B;2011-01-01;9\n",
         ("CustomerID", "StockCode", ("InvoiceDate",), "InvoiceNo")),
        ("session_id,timestamp,item_id\n1,2014-04-07T10:51:09Z,5\n1,2014-04-07T10:54:09Z,6\n",
         ("", "item_id", ("timestamp",), "session_id")),
        ("kunde\tware\twann\nu\tp\t2020-01-01\nu\tq\t2020-01-02\nv\tp\t2020-01-03\nw\tq\t2020-01-04\n",
         ("kunde", "ware", ("wann",), "")),
        ("".join(f"{i % 7}\t{i % 5}\t{i % 3}\t{881250949 + i}\n" for i in range(60)), ("1", "2", ("4",), "")),
    ],
)  # fmt: skip
def test_columns_are_found(text: str, columns: tuple[Any, ...], tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "elman"):
        layout = find_events(written(tmp_path, text), FOUND, BadRows())
    assert (layout.person, layout.item, layout.time, layout.session) == columns
    *times, said = caplog.messages
    named = [*columns[:2], *columns[2], columns[3]]
    assert all(f" {column}" in said for column in named if column)
    assert [f'"{column}"' in times[0] for column in columns[2]] == [True] * len(times)


def test_columns_that_cannot_be_told_apart_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c\n" + "u,x,p\nv,y,q\n" * 3)
    with pytest.raises(ElmanError, match=r"--person-column .* --item-column"):
        find_events(path, FOUND, BadRows())
    assert sessions_of(path, person="c", item="a") == {("p",): [["u"] * 3], ("q",): [["v"] * 3]}
    with pytest.raises(ElmanError, match="no column 'd'; its columns are a, b, c"):
        find_events(path, EventLayout(item="d"), BadRows())


def test_events_are_put_in_order(tmp_path: Path) -> None:
    text = (
        "user,item,time\na,late,2020-01-03\nb,x,2020-01-01\na,soon,2020-01-01\na,then,2020-01-01\na,late,2020-01-03\n"
    )
    # what has one time stays in the order of the rows, and what stands twice was taken twice
    expected = {("a",): [["soon", "then", "late", "late"]], ("b",): [["x"]]}
    assert sessions_of(written(tmp_path, text)) == expected
    packed = tmp_path / "events.csv.gz"
    packed.write_bytes(gzip.compress(("\ufeff" + text.replace("\n", "\r\n")).encode()))
    assert sessions_of(packed) == expected
    assert sessions_of(pl.read_csv(tmp_path / "events.csv", try_parse_dates=True)) == expected


def test_events_without_names_are_guessed_by_what_stands_where_or_asked_about(tmp_path: Path) -> None:
    path, rows = tmp_path / "events", ["1,50,5", "1,70,3", "1,31,4", "2,50,4", "2,31,5", "3,70,2", "3,50,1"]
    path.write_text("".join(f"{row},{978300760 + n}\n" for n, row in enumerate(rows)))
    found = find_events(path, EventLayout(""), BadRows())  # few people give few ratings, which stand behind
    assert (found.person, found.item, found.time, found.rating) == ("1", "2", ("4",), "")
    path.write_text("".join(f"{row}\n" for row in rows))
    assert find_events(path, EventLayout(""), BadRows()).keys == ["1"]
    names = ["Deep Dish", "Underworld"] * 4
    rows = [
        f"user_{n // 4:06}\t2009-05-04T23:08:{n:02}Z\ta{n % 2}\t{name}\tt{n % 3}\tx{n % 3}"
        for n, name in enumerate(names)
    ]
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(
        ElmanError, match=r"columns 1 \('user_000000'\), 2 .*, 4 \('Deep Dish'\), .*; say with --person-c"
    ):
        find_events(path, EventLayout(""), BadRows())
    assert find_events(path, EventLayout("4", "1"), BadRows()).time == ("2",)


def test_sessions_end_with_a_gap_or_a_number(tmp_path: Path) -> None:
    text = "user,item,time\na,u,2020-01-01 10:00\na,v,2020-01-01 10:30\na,w,2020-01-01 11:01\n"
    assert sessions_of(written(tmp_path, text), gap=30) == {("a",): [["u", "v"], ["w"]]}
    assert sessions_of(written(tmp_path, text), gap=31) == {("a",): [["u", "v", "w"]]}
    text = "user,session,item\na,1,u\na,2,v\na,1,w\n"
    assert sessions_of(written(tmp_path, text)) == {("a", "1"): [["u", "w"]], ("a", "2"): [["v"]]}
    with pytest.raises(ElmanError, match="needs times; give --time-column"):
        sessions_of(written(tmp_path, text), gap=3)


def test_a_row_may_be_a_session(tmp_path: Path) -> None:
    lists = pl.DataFrame({"basket": [["tea", "milk"], [], ["tea"]]})
    layout = find_events(lists, FOUND, BadRows())
    with pytest.raises(ElmanError, match="row 2: the session has no items"):
        read_events(lists, layout, BadRows())
    read = read_events(lists, layout, BadRows(skip=True))
    assert read.index.tolist() == [0, 2]
    assert len(read.asked) == 3
    text = written(tmp_path, "who,items\na,tea milk\nb,tea\n")
    assert sessions_of(text, item="items", within=" ") == {("a",): [["tea", "milk"]], ("b",): [["tea"]]}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("user1 B7 B14 B21\nuser2 B14 B7\nuser3 B21 B7 B14\n", ("user1", ["B7", "B14", "B21"])),
        ("user1 B7 B14\nuser2 B14 B7\nuser3 B21 B7\n", ("user1", ["B7", "B14"])),
        ("1 8 15 7 3\n2 15 8 3 7\n3 7 3 8 15\n", ("1", ["8", "15", "7", "3"])),
    ],
)
def test_a_line_may_be_a_person_with_what_was_taken(text: str, first: tuple[str, list[str]], tmp_path: Path) -> None:
    assert sessions_of(written(tmp_path, text, "log.txt"))[first[:1]] == [first[1]]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_line_may_be_a_basket(mark: str, tmp_path: Path) -> None:
    rows = ["milk,bread,butter", "beer,chips", "bread", "chips,milk,beer,bread", '"beer",milk']
    read = baskets(tmp_path, [row.replace(",", mark) for row in rows])
    assert read == [("", row.replace('"', "").split(",")) for row in rows]
    assert baskets(tmp_path, [f"u{n}{mark}{row.replace(',', mark)}" for n, row in enumerate(rows)])[1][0] == "u1"
    padded = [f"{row}{',' * (3 - row.count(','))}".replace(",", mark) for row in rows]
    assert baskets(tmp_path, padded) == read
    counted = [f"{1 + row.count(',')}{mark}{each}" for row, each in zip(rows, padded, strict=True)]
    assert baskets(tmp_path, [mark.join(["Item(s)", *(f"Item {n}" for n in range(1, 5))]), *counted]) == read


def baskets(folder: Path, rows: list[str]) -> list[tuple[str, list[str]]]:
    """Who took what in each line of a file, told from the file and read again."""
    path = folder / "baskets.csv"
    path.write_text("\n".join(rows) + "\n")
    layout = find_events(path, FOUND, BadRows())
    path.write_text("\n".join(rows[:3]) + "\n")
    few = read_events(path, layout, BadRows())
    path.write_text("\n".join(rows) + "\n")
    read = read_events(path, layout, BadRows())
    found = [[read.names[n] for n in items] for items in read.items]
    assert [[few.names[n] for n in items] for items in few.items] == found[: len(few)]
    return list(zip(read.keys["user"] if layout.person else [""] * len(found), found, strict=True))


def test_lists_in_the_cells_of_a_table_are_no_lines_of_baskets(tmp_path: Path, caplog: Any) -> None:
    random, path = Random(0), tmp_path / "orders.csv"
    goods = "milk egg tea ham jam oil".split()
    rows = [f'{n};c{n % 9};"{", ".join(random.sample(goods, random.randint(2, 4)))}"' for n in range(60)]
    path.write_text("\n".join(["order_id;customer;items", *rows]) + "\n")
    found = find_events(path, EventLayout(""), BadRows())
    assert (found.item, found.person, found.session, found.within) == ("items", "customer", "order_id", "")
    assert "look like several; --within , takes them for a session each" in caplog.text
    caplog.clear()
    sessions = read_events(path, find_events(path, EventLayout("items", within=","), BadRows()), BadRows())
    assert sorted(sessions.names) == sorted(goods)
    assert "look like several" not in caplog.text
    titles = [f"Film {n}, The" for n in range(30)]
    path.write_text("user,film\n" + "".join(f'u{n % 7},"{titles[n % 30]}"\n' for n in range(90)))
    find_events(path, EventLayout(""), BadRows())
    assert "look like several" not in caplog.text


def test_rows_of_columns_of_which_some_are_cut_are_no_baskets(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,item,rating\n" + "".join(f"u{n % 4},i{n % 3}{',5' * (n % 2)}\n" for n in range(12)))
    with pytest.raises(ElmanError, match="line 2: has 2 columns where the header has 3"):
        find_events(path, FOUND, BadRows())


def test_a_row_of_one_column_may_be_a_session_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('bought\n"milk,bread"\n"beer,milk"\n"bread,milk"\n')
    with pytest.raises(ElmanError, match=r"has the column bought alone, .* say with --within what stands between"):
        find_events(path, FOUND, BadRows())
    layout = find_events(path, replace(FOUND, within=","), BadRows())
    assert [len(items) for items in read_events(path, layout, BadRows()).items] == [2, 2, 2]


def test_two_colons_may_stand_between_columns(tmp_path: Path) -> None:
    rows = [f"{n % 7}::{100 + n % 9}::{1 + n % 5}::{978300760 + n}" for n in range(63)]
    path = written(tmp_path, "\n".join(rows) + "\n", "ratings.dat")
    layout = find_events(path, FOUND, BadRows())
    assert (layout.person, layout.item, layout.time) == ("1", "2", ("4",))
    assert read_events(path, layout, BadRows()).keys["1"].to_list() == [str(n) for n in range(7)]
    event = read_event(rows[0], layout)
    assert event is not None
    assert (event.key, event.item) == (("0",), "100")
    with pytest.raises(ElmanError, match=r"ratings\.dat, line 64: has 2 columns where the first row has 4"):
        read_events(written(tmp_path, "\n".join([*rows, "1::2"]) + "\n", "ratings.dat"), layout, BadRows())


def test_lines_of_equally_many_numbers_may_be_columns(tmp_path: Path) -> None:
    rows = [f"{n % 3} {n % 4 + 100} {n % 5} {n % 2} {978300760 + n}" for n in range(30)]
    assert not find_events(written(tmp_path, "\n".join(rows)), FOUND, BadRows()).within


def test_ratings_are_looked_at_when_asked(tmp_path: Path) -> None:
    path = written(tmp_path, "user,item,rating\na,x,5\na,y,1\na,z,4.5\n")
    assert sessions_of(path) == {("a",): [["x", "y", "z"]]}
    assert sessions_of(path, least=4) == {("a",): [["x", "z"]]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",x,3", "line 3: has no user"),
        ("a,,3", "line 3: has no item"),
        ("a,x,soon", "line 3: time is 'soon', which is no time like the others"),
        ("a,x,inf", "line 3: time is 'inf', which is no time like the others"),
        ("a,x", "line 3: has 2 columns where the header has 3"),
    ],
)
def test_a_bad_row_is_named_or_left_out(row: str, message: str, tmp_path: Path) -> None:
    more = "".join(f"a,{item},{time}\n" for time, item in enumerate("uvwxyz" * 5, 4))
    path = written(tmp_path, f"user,item,time\na,u,1\n{row}\n{more}")
    layout = find_events(path, FOUND, BadRows(skip=True))
    with pytest.raises(ElmanError, match=message):
        read_events(path, layout, BadRows())
    bad = BadRows(skip=True)
    assert sum(map(len, read_events(path, layout, bad).items)) == 31
    assert len(bad.listed) == 1


def test_the_last_items_are_held_out() -> None:
    rows = [list("abcde"), list("ba"), list("cab")]
    read = RecommendTask.read(RecommendOptions(), Sources(rows))
    names = read.learnt.names

    def said(sessions: Any) -> list[str]:
        return ["".join(names[item] for item in items) for items in sessions.items]

    assert said(read.learnt) == ["abc", "ba", "c"]
    assert said(read.held_out.sessions) == ["abcd", "ca"]
    assert read.held_out.first.tolist() == [3, 1]
    assert read.test is not None
    assert said(read.test.sessions) == ["abcde", "cab"]
    assert read.test.first.tolist() == [4, 2]
    with pytest.raises(ElmanError, match="--split people or time"):
        RecommendTask.read(RecommendOptions(), Sources([["a", "b"]] * 4))


def test_whole_sessions_are_held_out_by_chance_or_by_time(tmp_path: Path) -> None:
    rows = [f"u{n},{item},{10 * n + place}" for n in range(10) for place, item in enumerate("xyz")]
    path = written(tmp_path, "user,item,time\n" + "\n".join(rows))
    by_time = RecommendTask.read(RecommendOptions(split="time", held_out=0.2), Sources(path))
    assert by_time.held_out.sessions.keys["user"].to_list() == ["u8", "u9"]
    by_chance = RecommendTask.read(RecommendOptions(split="people", held_out=0.2), Sources(path))
    assert len(by_chance.held_out.sessions) == 2
    assert not set(by_chance.held_out.sessions.keys["user"]) & set(by_chance.learnt.keys["user"])
    given = RecommendTask.read(RecommendOptions(), Sources(path, valid=path))
    assert len(given.learnt) == len(given.held_out.sessions) == 10


def test_ranks_are_those_of_sorting() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, (50, 20)).astype(np.float32)  # with equal ones
    targets, seen = random.integers(0, 20, 50), random.integers(0, 20, (50, 4))
    found = ranks(torch.from_numpy(scores), torch.from_numpy(targets), torch.from_numpy(seen))
    for row in range(50):
        able = [item for item in range(1, 20) if item not in seen[row]]
        order = sorted(able, key=lambda item: (-scores[row, item], item == targets[row]))
        expected = order.index(targets[row]) + 1 if targets[row] in order else np.inf
        assert found[row] == expected


def test_measures_by_hand() -> None:
    found = measures(np.array([1, 3, 11, 20, 21]))
    assert found["recall@20"] == pytest.approx(4 / 5)
    assert found["mrr@20"] == pytest.approx((1 + 1 / 3 + 1 / 11 + 1 / 20) / 5)
    assert found["ndcg@10"] == pytest.approx((1 + 1 / 2) / 5)


def test_simple_methods_are_their_definitions() -> None:
    sessions = [np.array(items) for items in ([1, 2, 3], [1, 2], [2, 4, 4], [0, 3])]
    taken = np.array([[i in set(s) and i > 0 for i in range(5)] for s in sessions], float)
    norm = np.sqrt(np.maximum(taken.sum(0), 1))
    likeness = (taken.T @ taken) / norm / norm[:, None]
    np.fill_diagonal(likeness, 0)
    found = ItemToItem(sessions, 4).scores(torch.tensor([[1, 0], [2, 4]]))
    np.testing.assert_allclose(found, np.stack([likeness[1], likeness[2] + likeness[4]]), atol=1e-5)
    assert Popular(sessions, 4).scores(torch.tensor([[1]]))[0, 1:].tolist() == [2, 3, 2, 2]


def model_of(items: int, **options: Any) -> RecommendTask:
    vocabulary = {
        "layout": {"item": "item", "person": "user", "columns": ["user", "item"]},
        "items": [f"i{n}" for n in range(items)],
        "counts": list(range(items, 0, -1)),
        "repeats": False,
    }
    torch.manual_seed(0)
    return RecommendTask(RecommendOptions(hidden=8, embedding=8, dropout=0.0, **options), vocabulary)


def test_a_sampled_softmax_comes_near_the_full_one() -> None:
    model = model_of(30, negatives=200_000)
    with torch.no_grad():
        model.embedding.weight.mul_(3)
    y = torch.randn(40, 8, requires_grad=True)
    targets = torch.randint(1, 31, (40,))
    full = torch.nn.functional.cross_entropy(model.scores(y), targets)
    sampled = model.sampled(y, targets)
    assert float(sampled.detach()) == pytest.approx(float(full.detach()), abs=0.01)
    (expected,), (found,) = (torch.autograd.grad(loss, y) for loss in (full, sampled))
    torch.testing.assert_close(found, expected, rtol=0.05, atol=2e-3)


def test_many_items_are_sampled_and_few_are_not() -> None:
    assert model_of(50).negatives == 0
    assert model_of(50_000).negatives == 2048
    assert model_of(50_000, negatives=0).negatives == 0
    batch = batch_of([np.arange(1, 40)], np.array([1]))
    loss = model_of(60_000, negatives=16).train().loss(batch, None)
    loss.value.backward()
    assert loss.number == 38


def test_more_negatives_than_there_are_items_are_all_of_them() -> None:
    batch = batch_of([np.arange(1, 30)], np.array([1]))
    found = [model_of(30, negatives=number).train() for number in (0, 30, 10**12)]
    losses = []
    for model in found:
        torch.manual_seed(1)  # of the items that are replaced by the unknown one
        losses.append(float(model.loss(batch, None).value.detach()))
    assert losses[0] == losses[1] == losses[2]


def test_what_comes_later_is_not_seen() -> None:
    model = model_of(30, word_dropout=0.0).eval()
    rows = [np.array([3, 4, 5, 6]), np.array([3, 4, 9, 8])]
    with torch.no_grad():
        y, _ = model(*batch_of(rows, np.array([1, 1]))[:2])
    torch.testing.assert_close(y[0, :2], y[1, :2])
    assert not torch.allclose(y[0, 2], y[1, 2])


def test_it_knows_what_comes_next_for_a_new_person(walker: RecommendTask, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user": ["new"] * 3 + ["other"], "item": ["page3", "page5", "page4", "page11"], "time": [1, 3, 2, 1]}
    )
    answers = walker.predict(frame)
    assert answers["user"].to_list() == ["new", "other"]
    assert answers["items"].list.first().to_list() == ["page6", "page0"]
    assert walker.predict([["page7"], ["page8", "page9"]])["items"].list.first().to_list() == ["page8", "page10"]
    # what a session had is not asked for again, and the rest is certain
    assert not {"page3", "page4", "page5"} & set(answers["items"][0])
    assert sum(answers["scores"][0]) == pytest.approx(1, abs=1e-4)
    assert answers["scores"][0].is_sorted(descending=True)
    rows = walker.evaluation(frame, tmp_path, BadRows())
    assert evaluate(walker, rows).metrics["mrr@20"] == 1
    assert rows.evaluate(Popular([], walker.size - 1).scores)["mrr@20"] < 0.5


def test_items_that_were_not_learnt(walker: RecommendTask, tmp_path: Path, caplog: Any) -> None:
    answers = walker.predict([["page3", "nowhere"], ["elsewhere"]])
    assert "2 items were not learnt and say nothing: nowhere, elsewhere" in caplog.text
    assert all(answers["items"].list.len())
    caplog.clear()
    lines = [json.dumps({"user": "new", "item": item, "time": n}) for n, item in enumerate(["nowhere", "elsewhere"])]
    assert all(walker.stream(lines))
    assert [each.partition(" not")[0] for each in caplog.messages] == ["the stream: 1 item was"]
    with pytest.raises(ElmanError, match="nothing to judge on"):
        walker.evaluation([["page3", "nowhere"]], tmp_path, BadRows())
    metrics = evaluate(
        walker, walker.evaluation([["page3", "page4"], ["page3", "nowhere"]], tmp_path, BadRows())
    ).metrics
    assert metrics["recall@20"] == 0.5


def test_an_empty_session_has_an_empty_answer(walker: RecommendTask) -> None:
    answers = walker.predict([["page3"], [], ["page5"]], skip_bad=True)
    assert answers["items"].is_null().to_list() == [False, True, False]


@pytest.mark.parametrize(("mark", "hollow"), [(" ", ""), (",", ",,")])
def test_a_line_without_items_is_a_session_that_cannot_be_answered(mark: str, hollow: str, tmp_path: Path) -> None:
    rows = [["1", "2"], [], ["3", "1", "2"], ["2", "3"], []]
    path = tmp_path / "sessions.txt"
    path.write_text("".join(f"{mark.join(row) or hollow}\n" for row in rows) + "\n")
    layout = EventLayout("items", within=mark, columns=("items",))
    bad = BadRows("all", answers=True)
    found = read_events(path, layout, bad)
    whole = 5 if hollow else 4  # at the end of a file an empty line is none
    assert (found.index.tolist(), len(found.asked)) == ([0, 2, 3], whole)
    told = "2 rows have nothing in them and an empty answer: line 2, line 5"
    told = told if hollow else "1 row has nothing in it and an empty answer: line 2"
    assert [each.partition(": ")[2] for each in bad.remarks if "an empty answer" in each] == [told]
    assert not bad.listed
    learnt = BadRows()
    assert len(read_events(path, layout, learnt)) == 3  # nothing is learnt from it


def test_lists_as_pandas_writes_them_are_sessions(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order,items\n1,\"['tea', 'milk']\"\n2,\"['whole milk', 'tea']\"\n")
    layout = find_events(path, FOUND, BadRows())
    found = read_events(path, layout, BadRows())
    assert [[found.names[n] for n in each] for each in found.items] == [["tea", "milk"], ["whole milk", "tea"]]


def test_a_very_long_session_is_answered(walker: RecommendTask) -> None:
    long = [f"page{step % 12}" for step in range(100_000)]
    assert walker.predict([long, ["page3"]]).height == 2


def test_a_stream_answers_as_a_file_does(walker: RecommendTask) -> None:
    events = [("a", "page1"), ("b", "page7"), ("a", "page2"), ("b", "page8"), ("a", "page3")]
    answer = walker.session()
    for n, (user, item) in enumerate(events):
        form = (json.dumps({"user": user, "item": item}), f"{user},{item}", f"{user},{item},{n}")[n % 3]
        found = json.loads(answer(form))
        assert found["user"] == user
        whole = walker.predict([[i for u, i in events[: n + 1] if u == user]])
        assert found["items"] == whole["items"][0].to_list()
        assert found["scores"] == pytest.approx(whole["scores"][0].to_list(), abs=1e-5)
    with pytest.raises(ElmanError, match="has no item"):
        answer('{"user": "a"}')


def test_a_stream_forgets_who_came_first(walker: RecommendTask) -> None:
    answer = walker.session()  # which keeps two people

    def seen(user: str, item: str) -> bool:
        return "page1" not in json.loads(answer(f"{user},{item}"))["items"]

    assert seen("a", "page1")
    assert seen("a", "page2")
    for user in "bc":
        answer(f"{user},page5")
    assert not seen("a", "page3")


def test_a_gap_begins_a_new_session_in_a_stream() -> None:
    times = ["2020-01-01 10:00", "2020-01-01 10:20", "2020-01-01 12:00"] * 4
    users = [f"u{n // 3}" for n in range(12)]
    frame = pl.DataFrame({"user": users, "item": ["x", "y", "z"] * 4, "time": times})
    model = fit(RecommendTask, frame, steps=2, **SMALL, split="people", gap=30)
    answer = model.session()
    lines = [f"new,{item},{time}" for item, time in zip("xyz", times[:3], strict=True)]
    left = [set(json.loads(answer(line))["items"]) for line in lines]
    assert left == [{"y", "z"}, {"z"}, {"x", "y"}]
    answers = model.predict(frame)
    assert answers["user"].to_list() == ["u0", "u1", "u2", "u3"]
    assert set(answers["items"][0]) == set(json.loads(answer("p,z,2020-01-01"))["items"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "halves"}, "last, people or time"),
        ({"least_rating": 3.0}, "no ratings"),
        ({"min_count": 99}, "two items"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        fit(RecommendTask, [["a", "b", "c"]] * 4, steps=1, **options)


def test_to_whom_has_had_all_items_none_are_recommended() -> None:
    options = {"steps": 2, "hidden": 4, "embedding": 4, "repeats": False, "split": "people", "baselines": False}
    model = fit(RecommendTask, [list("abcd"), list("bcda")] * 10, **options)
    answers = model.predict([list("abcd"), list("ab")])
    assert answers["items"].list.len().to_list() == [0, 2]
    assert answers["scores"].list.sum().to_list() == pytest.approx([0, 1])


@pytest.mark.parametrize("gap", [0.0, 15.0])
def test_who_has_no_event_that_can_be_used_gets_an_empty_answer(gap: float) -> None:
    frame = pl.DataFrame({"user": [f"p{n % 10}" for n in range(60)], "item": [f"i{n % 7}" for n in range(60)]})
    task = fit(RecommendTask, frame.with_columns(pl.Series("time", range(60))), steps=2, gap=gap, **SMALL)
    asked = {"user": ["a", "b", "a", None, "c", "b"], "item": [None, "i1", "", "i2", "i3", "i4"]}
    answers = task.predict(pl.DataFrame(asked).with_columns(pl.Series("time", [1, 2, 3, 4, 5, 300])), skip_bad=True)
    assert answers["user"].to_list() == ["a", "b", "c"]
    assert answers["items"].is_null().to_list() == [True, False, False]


def test_where_no_session_has_items_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"user": "a", "items": []}\n{"user": "b", "items": []}\n')
    with pytest.raises(
        ElmanError, match=r"empty.jsonl has no session that can be used; left out were rows: .*no items"
    ):
        fit(RecommendTask, tmp_path / "empty.jsonl", skip_bad="all")


def test_items_that_differ_only_in_case_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        frame = pl.DataFrame({"user": ["a", "a", "b", "b"] * 3, "item": ["Tea", "tea", "cup", "tea"] * 3})
        RecommendTask.read(RecommendOptions(), Sources(frame))
    assert "items differ only in case or blanks, and are learnt apart unless written alike: Tea 3, tea 6" in caplog.text
