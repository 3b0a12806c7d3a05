"""Tables as people have them, what may be wrong with them, and the files in which they may be written."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl
from fuzz.values import NAMES, numbers, odd, times, words


@dataclass
class Cells:
    """A table of text.

    Args:
        names: of the columns.
        rows: their cells.
        sound: whether each row has a cell for each column that there is to be, so that it is beyond doubt how many
            rows there are.
    """

    names: list[str]
    rows: list[list[str]]
    sound: bool = True


# ---- sound ones, by the task that they are for


def reviews(random: Random) -> Cells:
    rows = [[words(random, random.randint(2, 6)), random.choice(("good", "bad"))] for _ in range(30)]
    return Cells(["text", "label"], rows)


def rated(random: Random) -> Cells:
    """Texts with a number each."""
    rows = [[words(random, 4), value] for value in numbers(random, 30)]
    return Cells(["review", "score"], rows)


def measured(random: Random) -> Cells:
    """A series for each id, with a class."""
    rows = [
        [f"s{n}", str(t), value, "up" if n % 2 else "down"]
        for n in range(12)
        for t, value in enumerate(numbers(random, 6))
    ]
    return Cells(["id", "time", "level", "label"], rows)


def wide(random: Random) -> Cells:
    """A series in each row, with a class."""
    rows = [[*numbers(random, 8), random.choice("ab")] for _ in range(24)]
    return Cells([*(f"x_{n}" for n in range(1, 9)), "label"], rows)


def forecast(random: Random) -> Cells:
    size = random.choice((40, 80))
    columns = [times(random, size), *(numbers(random, size) for _ in range(random.randint(1, 3)))]
    return Cells(["time", "load", "warmth", "rain"][: len(columns)], [list(row) for row in zip(*columns, strict=True)])


def panel(random: Random) -> Cells:
    """Several series below each other."""
    when = times(random, 30)
    rows = [[name, t, x] for name in "abc" for t, x in zip(when, numbers(random, 30), strict=True)]
    return Cells(["shop", "date", "sales"], rows)


def anomaly(random: Random) -> Cells:
    size = 120
    marks = [str(int(50 <= n < 54)) for n in range(size)]
    rows = [list(row) for row in zip(times(random, size), numbers(random, size), marks, strict=True)]
    return Cells(["time", "value", "anomaly"], rows)


def recommend(random: Random) -> Cells:
    rows = [
        [f"p{p}", f"i{(p + n) % 7}", t, str(random.randint(1, 5))]
        for p in range(15)
        for n, t in enumerate(times(random, 4))
    ]
    return Cells(["user", "item", "time", "rating"], rows)


def tag(random: Random) -> Cells:
    """A word a row."""
    some = (("Ann", "B-PER"), ("saw", "O"), ("Rome", "B-LOC"), (".", "O"))
    rows = [[str(n), word, tag] for n in range(15) for word, tag in some[: random.randint(2, 4)]]
    return Cells(["sentence", "word", "tag"], rows)


def translate(random: Random) -> Cells:
    rows = [[text, text.upper()] for text in (words(random, random.randint(1, 4)) for _ in range(30))]
    return Cells(["source", "target"], rows)


SOUND: dict[str, tuple[Callable[[Random], Cells], ...]] = {
    "classify": (reviews, rated, measured, wide),
    "forecast": (forecast, panel),
    "anomaly": (anomaly,),
    "recommend": (recommend,),
    "tag": (tag,),
    "translate": (translate,),
}


# ---- what may be wrong


def some_cells(random: Random, cells: Cells) -> None:
    for _ in range(random.choice((1, 1, 3, 20))):
        if row := random.choice(cells.rows):
            row[random.randrange(len(row))] = odd(random)


def a_column(random: Random, cells: Cells) -> None:
    """All cells of a column are one odd value, others of it, or odd ones each."""
    at, value = random.randrange(len(cells.names)), odd(random)
    ways: list[Callable[[str, int], str]] = [
        lambda _, n: value,
        lambda _, n: "",
        lambda _, n: str(n),
        lambda old, n: f"{old}{n}",
        lambda old, n: old if n % 2 else value,
        lambda _, n: odd(random),
        lambda _, n: f"{value[:50]}{n}",
        lambda old, n: f"{old}e300",
        lambda old, n: f"-{old}",
    ]
    way = random.choice(ways)
    for n, row in enumerate(cells.rows):
        if at < len(row):
            row[at] = way(row[at], n)


def another_column(random: Random, cells: Cells) -> None:
    """One more: constant, counted, of times, of numbers, or one that is there already."""
    name, at = random.choice(NAMES), random.randint(0, len(cells.names))
    size, value = len(cells.rows), odd(random)[:200]
    ways = [
        [value] * size,
        [str(n) for n in range(size)],
        times(random, size),
        numbers(random, size),
        [row[0] if row else "" for row in cells.rows],
        [""] * size,
    ]
    cells.names.insert(at, name)
    for row, cell in zip(cells.rows, random.choice(ways), strict=True):
        row.insert(at, cell)


def many_columns(random: Random, cells: Cells) -> None:
    number = random.choice((20, 40, 60, 400)) if random.random() < 0.9 else 3000
    cells.names += [f"c{n}" for n in range(number)]
    for n, row in enumerate(cells.rows):
        row += [str((n * 7 + k) % 11) for k in range(number)]


def no_column(random: Random, cells: Cells) -> None:
    if len(cells.names) > 1:
        at, cells.sound = random.randrange(len(cells.names)), False
        del cells.names[at]
        for row in cells.rows:
            del row[at : at + 1]


def other_names(random: Random, cells: Cells) -> None:
    ways: list[Callable[[], list[str]]] = [
        lambda: [random.choice(NAMES) for _ in cells.names],
        lambda: [cells.names[0]] * len(cells.names),
        lambda: [""] * len(cells.names),
        lambda: [name if random.random() < 0.5 else random.choice(NAMES) for name in cells.names],
        lambda: [name.upper() for name in cells.names],
        lambda: [f"{name}{name}" * 500 for name in cells.names],
        lambda: list(reversed(cells.names)),
        lambda: cells.names[:-1],
        lambda: [*cells.names, "more"],
    ]
    found = random.choice(ways)()
    cells.names, cells.sound = found, False  # what has no known name may be read as lines of text


def without_names(random: Random, cells: Cells) -> None:
    cells.names, cells.sound = [], False


def names_again(random: Random, cells: Cells) -> None:
    cells.rows.insert(random.randint(0, len(cells.rows)), list(cells.names))


def fewer_rows(random: Random, cells: Cells) -> None:
    cells.rows = cells.rows[: random.choice((0, 1, 1, 2, 3, 5))]


def more_rows(random: Random, cells: Cells) -> None:
    cells.rows = [list(row) for _ in range(random.choice((2, 20))) for row in cells.rows]


def same_rows(random: Random, cells: Cells) -> None:
    cells.rows = [list(random.choice(cells.rows[:2])) for _ in cells.rows]


def shuffled(random: Random, cells: Cells) -> None:
    random.shuffle(cells.rows)


def ragged(random: Random, cells: Cells) -> None:
    for _ in range(random.choice((1, 1, 10))):
        row = random.choice(cells.rows)
        if row and random.random() < 0.5:
            del row[random.randrange(len(row)) :]
        else:
            row += [odd(random)] * random.choice((1, 5))
    cells.sound = False


def empty_rows(random: Random, cells: Cells) -> None:
    for _ in range(random.choice((1, 5))):
        cells.rows.insert(random.randint(0, len(cells.rows)), random.choice(([], [""], ["# remark"], [" "])))
    cells.sound = False


WRONG: tuple[Callable[[Random, Cells], None], ...] = (
    *[some_cells] * 4, *[a_column] * 4, *[another_column] * 2, many_columns, no_column, *[other_names] * 2,
    without_names, names_again, fewer_rows, more_rows, same_rows, shuffled, ragged, empty_rows,
)  # fmt: skip


def spoilt(random: Random, cells: Cells) -> Cells:
    """The table with a few things wrong."""
    for _ in range(random.choice((1, 1, 2, 3))):
        if cells.rows and cells.names:
            random.choice(WRONG)(random, cells)
    return cells


# ---- how it may be written


def as_delimited(random: Random, cells: Cells, separator: str) -> bytes:
    file = io.StringIO()
    quoting = random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    writer = csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=random.choice(("\n", "\n", "\r\n")))
    if cells.names:
        writer.writerow(cells.names)
    writer.writerows(cells.rows)
    return encoded(file.getvalue())


def encoded(text: str) -> bytes:
    """UTF-8, halves of characters as they are."""
    return text.encode("utf-8", "surrogatepass")


def whole(text: str) -> str:
    """The text without halves of characters, which Arrow does not have."""
    return text.encode("utf-8", "replace").decode()


def objects(random: Random, cells: Cells) -> Iterator[dict[str, Any]]:
    """Rows as objects of JSON, numbers as such or as text."""
    typed, sparse = random.random() < 0.5, random.random() < 0.2
    for row in cells.rows:
        values = zip(cells.names, row, strict=False)
        yield {name: _typed(cell) if typed else cell for name, cell in values if not (sparse and random.random() < 0.2)}


def _typed(cell: str) -> Any:
    if cell == "":
        return None
    try:
        return json.loads(cell) if len(cell) < 300 else cell
    except (ValueError, RecursionError):
        return cell


def as_lines(random: Random, cells: Cells) -> bytes:
    ascii = random.random() < 0.5
    return encoded("".join(f"{json.dumps(each, ensure_ascii=ascii)}\n" for each in objects(random, cells)))


def as_json(random: Random, cells: Cells) -> bytes:
    rows = list(objects(random, cells))
    columns = {name: [row.get(name) for row in rows] for name in cells.names}
    indexed = {name: {str(n): value for n, value in enumerate(column)} for name, column in columns.items()}
    return json.dumps(random.choice((rows, {"version": 1, "data": rows}, columns, indexed))).encode()


def as_frame(random: Random, cells: Cells) -> pl.DataFrame:
    """Columns of types, where cells can be of such."""
    found = {}
    for at, name in enumerate(cells.names):
        texts = [whole(row[at]) if at < len(row) else None for row in cells.rows]
        column = pl.Series(texts, dtype=pl.String)
        kind: Any = random.choice((pl.String, pl.String, pl.Float64, pl.Int64, pl.Float32, pl.Categorical, pl.Boolean))
        if kind == pl.Boolean:
            column = column.is_in(column[:1].implode())
        elif kind != pl.String:
            column = column.cast(kind, strict=False)
        found[whole(name)] = column
    return pl.DataFrame(found)


def as_parquet(random: Random, cells: Cells) -> bytes:
    file = io.BytesIO()
    as_frame(random, cells).write_parquet(file)
    return file.getvalue()


def as_feather(random: Random, cells: Cells) -> bytes:
    file = io.BytesIO()
    frame = as_frame(random, cells)
    frame.write_ipc_stream(file) if random.random() < 0.3 else frame.write_ipc(file)
    return file.getvalue()


def as_arff(random: Random, cells: Cells) -> bytes:
    kinds = random.choices(("numeric", "string", "real", "date", "{a,b}", "integer"), k=len(cells.names))
    head = "".join(f"@attribute '{name}' {kind}\n" for name, kind in zip(cells.names, kinds, strict=True))
    rows = "".join(",".join(cell if cell.isalnum() else f"'{cell}'" for cell in row) + "\n" for row in cells.rows)
    return encoded(f"@relation r\n{head}@data\n{rows}")


WRITTEN: tuple[tuple[str, Callable[[Random, Cells], bytes]], ...] = (
    (".csv", lambda random, cells: as_delimited(random, cells, ",")),
    (".csv", lambda random, cells: as_delimited(random, cells, ";")),
    (".tsv", lambda random, cells: as_delimited(random, cells, "\t")),
    (".txt", lambda random, cells: as_delimited(random, cells, random.choice("|, ;\t"))),
    (".jsonl", as_lines),
    (".json", as_json),
    (".parquet", as_parquet),
    (".feather", as_feather),
    (".arff", as_arff),
)


def written(random: Random, cells: Cells) -> tuple[str, bytes]:
    """The table in a file: how its name ends, and its bytes. A third of all are comma-separated."""
    ending, write = WRITTEN[0] if random.random() < 0.33 else random.choice(WRITTEN)
    return ending, write(random, cells)


def parted(text: str) -> Cells:
    """The table that some comma- or tab-separated lines are."""
    separator = "\t" if "\t" in text else ","
    names, *rows = csv.reader(io.StringIO(text), delimiter=separator)
    return Cells(names, rows)
