"""What stands above baskets and sessions is told from items, in any language, by what is in the lines below."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from elman.data.bad import BadRows
from elman.tasks.recommend.events import EventLayout, find_events, read_events

GOODS = "milk tea bread rice oil salt beer wine".split()
CHANCE = random.Random(0)
BASKETS = [CHANCE.sample(GOODS, CHANCE.randint(2, 4)) for _ in range(40)]


def read(path: Path, layout: EventLayout) -> list[list[str]]:
    found = read_events(path, layout, BadRows(answers=True))
    return [[found.names[item] for item in items] for items in found.items]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("heading", "key"),
    [
        (["Kunde", "Artikel1", "Artikel2", "Artikel3", "Artikel4"], "K{}"),
        (["Покупатель", "Товар 1", "Товар 2", "Товар 3", "Товар 4"], "{}"),
        (["Person", "item(s)", "item(s).1", "item(s).2", "item(s).3"], "{}"),
        (["Blubb", "p1", "p2", "p3", "p4"], "K{}"),
        (["basket", "0", "1", "2", "3"], "K{}"),
        (["Produit_1", "Produit_2", "Produit_3", "Produit_4"], ""),
        (["first", "second", "third", "fourth"], ""),
    ],
)
def test_names_above_baskets_are_no_basket(heading: list[str], key: str, mark: str, tmp_path: Path) -> None:
    rows = [[*([key.format(n)] if key else []), *basket] for n, basket in enumerate(BASKETS)]
    path = written(tmp_path / "baskets.txt", heading, rows, mark)
    layout = find_events(path, EventLayout(""), BadRows())
    assert read(path, layout) == BASKETS
    assert bool(layout.person) == bool(key)
    for few in (1, 3):  # what tells at first is remembered
        assert read(written(path, heading, rows[:few], mark), layout) == BASKETS[:few]
    assert read(written(path, rows[0], rows[1:], mark), layout) == BASKETS


@pytest.mark.parametrize("name", ["Warenkorb", "Корзина", "items", "買い物かご", "Blubb"])
def test_a_name_above_all_items_is_no_item(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "baskets.txt", [name], BASKETS, ", ")
    layout = find_events(path, EventLayout(""), BadRows())
    assert read(path, layout) == BASKETS
    assert layout.heading == (name,)
    assert read(written(path, [name], BASKETS[:2], ", "), layout) == BASKETS[:2]
    numbers = [[str(GOODS.index(item)) for item in basket] for basket in BASKETS]
    path = written(tmp_path / "sessions.txt", [name], numbers, " ")
    assert read(path, find_events(path, EventLayout(""), BadRows())) == numbers


def test_users_may_come_again_and_all_baskets_be_full(tmp_path: Path) -> None:
    rows = [[f"K{n % 7}", *basket, *GOODS[: 4 - len(basket)]] for n, basket in enumerate(BASKETS)]
    path = written(tmp_path / "baskets.csv", ["Kunde", "Artikel1", "Artikel2", "Artikel3", "Artikel4"], rows, ";")
    found = read_events(path, find_events(path, EventLayout(""), BadRows()), BadRows())
    assert found.keys["user"].to_list() == [row[0] for row in rows]
    assert sorted(found.names) == sorted(GOODS)


def test_a_first_basket_is_no_heading(tmp_path: Path) -> None:
    for first in (["caviar", "milk"], ["B7", "B8"], ["milk"]):
        rows = [*BASKETS, ["B1", "B2", "caviar"]]
        path = written(tmp_path / "baskets.csv", first, rows, ",")
        assert read(path, find_events(path, EventLayout(""), BadRows())) == [first, *rows]


def written(path: Path, first: Sequence[str], rows: Sequence[Sequence[str]], mark: str) -> Path:
    width = 0 if mark in (" ", ", ") else max(map(len, [first, *rows]))
    lines = [mark.join(row) + mark * max(0, width - len(row)) for row in [first, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
