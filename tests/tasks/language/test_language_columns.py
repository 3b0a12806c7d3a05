"""Texts of tables: which column they are in, and what they are together."""

import json
import logging
from pathlib import Path

import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.text import HeldText
from elman.errors import ElmanError
from elman.tasks.language.columns import text_of
from elman.tasks.language.strings import StringParts
from elman.tasks.language.task import LanguageOptions, LanguageTask
from elman.training.runs import fit
from elman.training.task import Sources

ROWS = [{"id": n, "lang": "en", "story": f"Once there was\na king {n}."} for n in range(30)]


def held(source: Path, column: str = "", skip: bool = False) -> str:
    found = text_of(source, column, "", BadRows(skip))
    assert isinstance(found, HeldText)
    return found.text


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".csv"])
def test_the_longest_texts_of_a_table_are_learnt_from(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"stories{suffix}"
    frame = pl.DataFrame(ROWS)
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".csv":
        frame.write_csv(path)
    else:
        path.write_text(json.dumps(ROWS) if suffix == ".json" else "".join(json.dumps(row) + "\n" for row in ROWS))
    assert held(path).startswith("Once there was\na king 0.\n\nOnce there was\na king 1.\n\n")
    assert held(path, "lang") == "en\n" * 30


def test_rows_without_a_text_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "few.csv").write_text("text,n\n" + "once there was,1\n,2\n" * 5)
    with caplog.at_level(logging.INFO, "elman"):
        assert held(tmp_path / "few.csv") == "once there was\n" * 5
    assert "few.csv: rows without a text are left out: 5" in caplog.text


def test_a_row_a_string_and_a_model_that_reads_tables_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text("".join(json.dumps({"n": n, "name": f"ada{n % 7}{n % 11}"}) + "\n" for n in range(60)))
    with caplog.at_level(logging.INFO, "elman"):
        read = LanguageTask.read(LanguageOptions(), Sources(path))
    assert "the text is in column 'name'; not used: n" in caplog.text
    assert isinstance(read, StringParts)
    assert len(read.learnt) + len(read.held_out) == 60
    task = fit(LanguageTask, path, steps=2, hidden=4, embedding=4, samples=0)
    assert task.evaluation(path, tmp_path, BadRows()).judged([]).number == 60
    more = task.more(Sources(path))
    assert isinstance(more, StringParts)
    assert len(more.learnt) == 60


def test_rows_without_a_text_are_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"text": "so it was"}\n{"text": null}\n{"text": "and is"}\n')
    with pytest.raises(ElmanError, match=r"some\.jsonl, line 2: has no text in text"):
        held(path)
    assert held(path, skip=True) == "so it was\nand is\n"


def test_a_table_without_texts_is_refused_and_lines_with_commas_are_a_text(tmp_path: Path) -> None:
    numbers, verse, table = tmp_path / "n.jsonl", tmp_path / "verse.txt", tmp_path / "n.csv"
    numbers.write_text('{"a": 1, "b": 2}\n' * 9)
    with pytest.raises(ElmanError, match=r"no column of texts; say which .* --text-column; its columns are a, b"):
        held(numbers)
    verse.write_text("O wild west wind, thou breath\nof autumn, whose unseen presence\n" * 9)
    assert text_of(verse, "", "", BadRows()) == verse
    table.write_text("a,b\n" + "1,2\n" * 9)
    assert text_of(table, "", "", BadRows()) == table
    with pytest.raises(ElmanError, match="has no column 'c'"):
        held(table, "c")


@pytest.mark.parametrize(("columns", "expected"), [(("title", "poem"), "poem"), (("text", "html"), "text")])
def test_a_title_stands_above_a_text_that_is_much_longer(
    columns: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    short, long = "the rose", "a rose is a rose is a rose, and the sun is over the hills and the sea"
    path = tmp_path / "verse.csv"
    path.write_text(",".join(columns) + "\n" + f'{short},"{long}"\n' * 3)
    found = text_of(path, "", "", BadRows())
    assert isinstance(found, HeldText)
    assert found.text.split("\n")[0] == {"poem": long, "text": short}[expected]


def test_names_of_what_is_in_lists_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    turns = [{"from": "human", "value": "so good"}, {"from": "gpt", "value": "so bad"}]
    path.write_text("".join(json.dumps({"id": f"i{n}", "conversations": turns}) + "\n" for n in range(4)))
    with pytest.raises(ElmanError, match=r"no column of texts; .* its columns are id, conversations"):
        text_of(path, "", "", BadRows())
