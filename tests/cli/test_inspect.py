"""``elman inspect``: what is found in people's files, of every kind, and what is doubtful in them."""

import gzip
import json
import random
import re
import shlex
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from elman.cli.main import main
from elman.data.bad import BadRows
from elman.data.profile import doubled_rows, profile
from elman.data.reading import read_table
from elman.data.sample import LARGE, sampled
from elman.data.text import read


def inspected(path: Path | str, capsys: Any) -> dict[str, Any]:
    assert main(["inspect", str(path), "--json"]) == 0
    said = capsys.readouterr()
    assert not said.err
    return json.loads(said.out)


def reviews(path: Path, rows: int = 60) -> Path:
    draw = random.Random(1)
    lines = ["text,label,price"]
    for n in range(rows):
        price = draw.choice(["9.5", "12", "20", "-999", ""])
        lines.append(f'"a {draw.choice(["good", "bad"])} film, the {n}th",{draw.choice(["yes", "no"])},{price}')
    path.write_text("\n".join(lines) + "\n")
    return path


def hours(rows: int) -> pl.DataFrame:
    times = [datetime(2024, 1, 1) + timedelta(hours=n) for n in range(rows)]
    return pl.DataFrame({"time": times, "load": np.sin(np.arange(rows) / 4).round(3)})


def test_a_table_of_texts_in_words(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    reviews(tmp_path / "reviews.csv")
    assert main(["inspect", "reviews.csv"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("reviews.csv: 60 rows of 3 columns; commas between them, with a header, ")
    assert re.search(r"\n  label  text          (yes \d+, no \d+|no \d+, yes \d+)\n", said)
    assert re.search(
        r'  -999 stands in \d+ cells of price, far from all else; if it means "no value", say --missing -999', said
    )
    assert "  classify   suits     a text in text, and 2 classes in label\n" in said
    assert said.endswith("Next\n  elman train classify --data reviews.csv --text-column text --label-column label\n")
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize(
    ("name", "text", "task", "options"),
    [
        ("pairs.tsv", "".join(f"one number {n}\tun nombre {n}\n" for n in range(40)), "translate", "--source-column 1"),
        ("names.txt", "".join(f"{a}{b}{c}\n" for a in "AB" for b in "aeiou" for c in "xyz"), "language", "strings"),
        ("talk.txt", "Ann: Hello there.\nBob: Hello, you.\n\n" * 140, "language", "--form text"),
        ("book.txt", "".join(read(None))[:20_000], "language", "--form text"),
        ("lines.txt", "".join(f"{'pos' if n % 2 else 'neg'} it was film {n}\n" for n in range(40)), "classify", ""),
        (
            "series.csv",
            "id,time,level,label\n" + "".join(f"s{n // 6},{n % 6},{n * 7 % 5},{'ab'[n // 6 % 2]}\n" for n in range(90)),
            "classify",
            "--id-column id --time-column time --label-column label",
        ),
        ("some.conll", "The DET\ncat NOUN\nsits VERB\n\nA DET\ndog NOUN\nruns VERB\n\n" * 20, "tag", "--tag-column 2"),
    ],
)  # fmt: skip
def test_files_of_many_kinds(name: str, text: str, task: str, options: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = inspected(path, capsys)
    assert found["tasks"][0]["task"] == task, [(each["task"], each["score"]) for each in found["tasks"]]
    assert found["tasks"][0]["score"] >= 0.5
    assert options in shlex.join(found["next"])


def test_series_and_streams(tmp_path: Path, capsys: Any) -> None:
    frame = hours(300)
    frame.write_csv(tmp_path / "load.csv")
    found = inspected(tmp_path / "load.csv", capsys)
    assert found["tasks"][0]["task"] == "forecast"
    assert found["columns"][0]["shown"] == "2024-01-01 to 2024-01-13 11, an hour apart"
    assert "from row to row: an hour" in found["tasks"][0]["found"]
    assert "--target load" in shlex.join(found["next"])
    marked = frame.with_columns(anomaly=(pl.int_range(300) == 250).cast(pl.Int8))
    marked.write_parquet(tmp_path / "marked.parquet")
    found = inspected(tmp_path / "marked.parquet", capsys)
    assert found["tasks"][0]["task"] == "anomaly"
    assert "--label-column" in found["next"]


def test_the_name_of_a_large_file_need_not_be_text(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "\udcff"
    with path.open("wb") as file:
        pl.DataFrame({"a": np.random.default_rng(0).normal(size=LARGE // 4)}).write_parquet(file)
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["name"] == "a"


def test_a_large_file_of_parquet_that_is_cut_short_is_named(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(LARGE))
    assert main(["inspect", str(tmp_path / "a.parquet")]) == 2
    assert "a.parquet is no Parquet file, or was cut short" in capsys.readouterr().err


def test_parallel_files_a_folder_and_what_is_packed(tmp_path: Path, capsys: Any) -> None:
    for side in ("en", "de"):
        text = "".join(f"{side} sentence of number {n * n}\n" for n in range(50))
        (tmp_path / f"train.{side}.gz").write_bytes(gzip.compress(text.encode()))
    found = inspected(f"{tmp_path}/train.{{en,de}}.gz", capsys)
    assert found["tasks"][0]["task"] == "translate"
    for kind in ("good", "bad"):
        (tmp_path / "films" / kind).mkdir(parents=True)
        for n in range(5):
            (tmp_path / "films" / kind / f"{n}.txt").write_text(f"a {kind} film, as I said {n} times")
    assert inspected(tmp_path / "films", capsys)["tasks"][0]["task"] == "classify"


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: Any) -> None:
    assert main(["inspect", str(tmp_path / "none.csv")]) == 2
    assert "there is no file" in capsys.readouterr().err
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0\0\0")
    found = inspected(tmp_path / "picture.png", capsys)
    assert found["form"] == "unreadable"
    assert "next" not in found
    assert not any(each["score"] for each in found["tasks"])


def test_of_a_large_file_the_beginning_is_looked_at(tmp_path: Path, capsys: Any) -> None:
    path = reviews(tmp_path / "large.csv", 20_000)
    with sampled(path) as sample:
        assert not sample.whole
        part = sample.path.read_text()
        assert len(part) <= LARGE
        assert path.read_text().startswith(part)
        assert part.endswith("\n")
    assert not sample.path.exists()
    found = inspected(path, capsys)
    assert found["looked_at"] < 20_000
    assert found["rows"] == pytest.approx(20_000, rel=0.05)
    assert str(path) in " ".join(found["tasks"][0]["found"])
    assert "/tmp/tmp" not in json.dumps(found).replace(str(tmp_path), "")


def test_dates_that_can_be_read_in_two_ways_are_doubtful() -> None:
    table = read_table({"day": ["01/02/2020", "02/02/2020", "03/02/2020"]}, BadRows())
    (day,) = profile(table)
    assert (day.kind, day.shown) == ("time", "2020-02-01 to 2020-02-03, a day apart")
    assert day.doubts == [
        "day has dates of which nothing tells whether they are day/month/year or month/day/year; say --date-order"
    ]


def test_years_of_two_digits_are_those_that_a_task_reads() -> None:
    for written in ("%d.%m.%y", "%y-%m-%d", "%d/%m/%y"):
        cells = [date(year, 1, 1).strftime(written) for year in range(1961, 2005)]
        shown = profile(read_table({"data": cells}, BadRows()))[0].shown
        assert shown == "1961-01-01 to 2004-01-01, a year apart"
    many = profile(read_table({"date": [f"01.01.{year % 100:02d}" for year in range(1900, 2020)]}, BadRows()))[0]
    assert many.doubts[0].startswith("date has years of two digits, such as in '01.01.00', that go on for more than a")


def test_dates_of_which_none_is_within_the_years_of_people_are_texts() -> None:
    table = read_table(pl.DataFrame({"day": [date(9990, 1, 1)] * 2}), BadRows())
    (day,) = profile(table)
    assert (day.kind, day.shown) == ("text", "9990-01-01, 9990-01-01")


def test_of_a_table_of_very_many_columns_the_first_and_last_are_looked_at(tmp_path: Path, capsys: Any) -> None:
    draw, width, path = random.Random(0), 2000, tmp_path / "wide.csv"
    names = [*(f"c{n}" for n in range(width - 1)), "label"]
    rows = [[*(str(draw.randint(0, 9)) for _ in names[1:]), draw.choice(["yes", "no"])] for _ in range(40)]
    path.write_text("".join(",".join(row) + "\n" for row in [names, *rows]))
    found = inspected(path, capsys)
    assert found["width"] == width
    assert "tasks looked at the first 180 and last 20" in found["doubtful"][0]
    values = next(line for each in found["tasks"] for line in each["found"] if line.startswith("values: "))
    named, more = re.findall(r"\bc(\d+)", values), re.search(r"and ([\d,]+) more", values)
    assert named[0] == "0"
    assert (
        len(named) + int(more[1].replace(",", "") if more else 0) == width - 1
    )  # all but the label, those between included
    assert any("label" in line for each in found["tasks"] for line in each["found"])
    assert "/tmp/tmp" not in json.dumps(found).replace(str(tmp_path), "")
    assert main(["inspect", str(path)]) == 0
    assert "and 1,960 more columns" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("cell", ["x", "x, and\n"])
def test_a_row_longer_than_the_sample_is_said_to_be(ending: str, cell: str, tmp_path: Path, capsys: Any) -> None:
    path, text = tmp_path / f"long.{ending}", cell * LARGE
    path.write_text(f'a,b\n1,"{text}"\n2,y\n' if ending == "csv" else json.dumps({"a": 1, "b": text}) + "\n")
    found = inspected(path, capsys)
    assert "ends within a row" in found["doubtful"][0]
    assert all("ends within a row" in each["why"] for each in found["tasks"] if not each["score"])


def test_a_quotation_is_not_cut_in_two(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("text,label\n" + '"two\nlines\nor three",x\n' * (LARGE // 12))
    with sampled(path) as sample:
        table = read_table(sample.path, BadRows())
    assert set(table["label"]) == {"x"}


def test_a_large_matrix_whose_entries_are_counted_is_read_whole(tmp_path: Path) -> None:
    path, entries = tmp_path / "a.mtx", LARGE // 6
    path.write_text(f"%%MatrixMarket matrix coordinate pattern general\n7 9 {entries}\n" + "1 2   \n" * entries)
    with sampled(path) as sample:
        assert len(read_table(sample.path, BadRows())) == entries


def test_what_is_doubtful_in_columns(tmp_path: Path) -> None:
    values = {
        "same": ["7"] * 40,
        "mixed": [str(n) for n in range(30)] + ["soon", "late"] * 5,
        "wrong": [str(n) for n in range(39)] + ["x"],
        "empty": [""] * 40,
        "code": [str(n % 9) for n in range(35)] + ["-9999"] * 5,
        "fine": [str(n) for n in range(40)],
        "boundless": ["Infinity"] * 30 + ["1"] * 10,
    }
    table = read_table(pl.DataFrame(values), BadRows())
    doubts = {column.name: column.doubts for column in profile(table)}
    assert doubts == {
        "same": ["same is the same in all rows: 7"],
        "mixed": ["mixed has numbers in 75% of its cells, and in others text such as 'soon'"],
        "wrong": ["wrong has 1 cell that is no number, such as 'x'"],
        "empty": ["empty is empty"],
        "code": ['-9999 stands in 5 cells of code, far from all else; if it means "no value", say --missing -9999'],
        "fine": [],
        "boundless": ["boundless has numbers in 100% of its cells, of which some cannot be computed with"],
    }
    assert doubled_rows(table) == 0
    assert doubled_rows(read_table(pl.DataFrame({"a": ["1", "1", "2"]}), BadRows())) == 1


SMALL = {
    "ragged.csv": "text,label\nso good,yes,x\nbad,no,y\n",
    "mostly.csv": "a,b\n1,2\n3\n4,5,6\n7,8,9,9\n",
    "little.txt": "hello\n",
    "one.csv": "text,label\na,b\n",
    "short.csv": "time,x\n2020-01-01,1\n2020-01-02,2\n",
    "numbers.csv": "x,y\n1,2\n2,3\n",
    "words.conll": "the D\ncat N\n",
}


@pytest.mark.parametrize("name", list(SMALL))
def test_what_no_task_learns_from_is_recommended_to_none(name: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / name).write_text(SMALL[name])
    assert "next" not in inspected(tmp_path / name, capsys)
    assert main(["inspect", str(tmp_path / name)]) == 0
    assert "no task learns from this as it is" in capsys.readouterr().out


def test_ragged_rows_are_said_to_be_ragged(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "ragged.csv").write_text(SMALL["ragged.csv"])
    tasks = {each["task"]: each["why"] for each in inspected(tmp_path / "ragged.csv", capsys)["tasks"]}
    assert "no row with as many columns as its header, which has 2; line 2 has 3" in tasks["classify"]
    assert "no sentences that can be used" in tasks["tag"]
    assert "no sentences that can be used; left out were sentences: " in tasks["tag"]
    assert tasks["tag"].endswith("line 2: has 2 columns where most lines have 1")


def test_the_next_command_leaves_out_rows_that_cannot_be_used(tmp_path: Path, capsys: Any) -> None:
    path = reviews(tmp_path / "reviews.csv")
    path.write_text(path.read_text() + "a row,that is,too,long\n")
    command = inspected(path, capsys)["next"]
    assert command[-1] == "--skip-bad"
    small = ["--steps", "1", "--hidden", "4", "--embedding", "4", "--out", str(tmp_path / "model")]
    assert main([*command[1:], *small]) == 0


def test_of_several_files_by_a_pattern_it_is_said_that_the_first_is_looked_at(tmp_path: Path, capsys: Any) -> None:
    for n in range(3):
        (tmp_path / f"part{n}.csv").write_text("text,label\n" + "so good it is,yes\nso bad it is,no\n" * 20)
    found = inspected(tmp_path / "part*.csv", capsys)
    assert found["doubtful"][0].endswith(f"of 3 files that are named so the first was looked at, {tmp_path}/part0.csv")
    assert found["rows"] == 120
    assert found["next"][:5] == ["elman", "train", "classify", "--data", str(tmp_path / "part*.csv")]


def test_ids_and_codes_are_shown_as_they_stand() -> None:
    cells = {"id": ["9007199254740993", "9007199254740995", *"78965"], "zip": ["01234", *["90210"] * 6]}
    big, code = profile(read_table(cells, BadRows()))
    assert (big.kind, big.shown) == ("whole number", "5 to 9,007,199,254,740,995")
    assert (code.kind, code.shown) == ("text", "90210 6, 01234 1")


def unnamed(kind: str) -> str:
    """A file whose columns have no names, or which is no table, of people's data of a kind."""
    draw = random.Random(1)
    words = "the old red house stood by a river where green boats went up and down all day long".split()
    if kind == "ratings":
        rows = [(u, m, draw.randint(1, 5), 978_300_000 + 50 * n) for n, u in enumerate(range(1, 41)) for m in range(8)]
        return "".join(f"{u}::{draw.randint(1, 60)}::{rating}::{time + 60 * m}\n" for u, m, rating, time in rows)
    if kind == "pairs":
        pairs = (" ".join(draw.choices(words, k=6)) for _ in range(80))
        return "".join(f"{pair}.\t{pair[::-1]}.\tCC-BY 2.0 #{n} (someone)\n" for n, pair in enumerate(pairs))
    if kind == "a book":
        return "".join(f"{' '.join(draw.choices(words, k=10)).capitalize()}, and so on.\n" for _ in range(200))
    if kind == "ids":
        return "".join(f'{{"id": {n}, "seen": {{"by": "u{n % 7}"}}}}\n' for n in range(80))
    who = [(n % 8, n, draw.randint(1, 9)) for n in range(200)]
    return "".join(f"user_{w}\t2009-05-04T{n // 60:02d}:{n % 60:02d}:00Z\tf1b1-4d{i}a-99e{i}\n" for w, n, i in who)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("ratings", ["recommend", "--item-column", "2", "--person-column", "1"]),
        ("pairs", ["translate", "--source-column", "1", "--target-column", "2"]),
        ("a book", ["language", "--form", "text"]),
        ("ids", []),
        ("who met what", ["recommend", "--item-column", "3", "--person-column", "1"]),
    ],
)
def test_what_to_type_next_is_what_the_data_is_for(kind: str, wanted: list[str], tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / ("x.jsonl" if kind == "ids" else "x.txt")
    path.write_text(unnamed(kind))
    said = inspected(path, capsys).get("next", [])
    assert [word for word in said[2:] if word not in ("--data", str(path))] == wanted
