"""Texts in which spans of characters are marked, as tools for annotation write them, are words with tags."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman import ElmanError
from elman.data.bad import BadRows
from elman.data.rows import Line
from elman.tasks.classify.layout import ColumnSpec as ClassifySpec
from elman.tasks.classify.layout import find_layout as find_classes
from elman.tasks.tag.characters import tagged_words
from elman.tasks.tag.layout import ColumnSpec, Layout, find_layout
from elman.tasks.tag.tagged import Tagged, read_asked, read_tagged

NAMES, PLACES = ("Ann", "Bob", "Eve"), ("Rome", "Oslo")
TEXTS = [f"{NAMES[n % 3]} saw {PLACES[n % 2]}." for n in range(12)]
WORDS = [[NAMES[n % 3], "saw", PLACES[n % 2], "."] for n in range(12)]
TAGS = ["B-PER", "O", "B-LOC", "O"]
SPANS: list[tuple[int, int, str]] = [(0, 3, "PER"), (8, 12, "LOC")]
OBJECTS = [{"start": start, "end": end, "label": kind} for start, end, kind in SPANS]
OFFSETS = [
    {"id": n, "start_offset": start, "end_offset": end, "label": kind} for n, (start, end, kind) in enumerate(SPANS)
]
RESULTS = [{"value": {"start": start, "end": end, "labels": [kind]}, "type": "labels"} for start, end, kind in SPANS]
SHAPES: dict[str, Callable[[int, str], Any]] = {
    "doccano": lambda n, text: {"id": n, "text": text, "label": SPANS},
    "doccano with relations": lambda n, text: {"id": n, "text": text, "entities": OFFSETS, "relations": []},
    "prodigy": lambda n, text: {"text": text, "spans": OBJECTS, "answer": "accept"},
    "spacy": lambda n, text: {"text": text, "entities": SPANS},
    "spacy pairs": lambda n, text: [text, {"entities": SPANS}],
    "label-studio": lambda n, text: {"id": n, "data": {"text": text}, "annotations": [{"id": 1, "result": RESULTS}]},
    "some without": lambda n, text: {"text": text, "labels": SPANS if n % 4 else []},
}


def read(path: Path) -> tuple[Layout, Tagged]:
    layout = find_layout(path, ColumnSpec())
    return layout, read_tagged(path, layout, BadRows())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lines", [True, False])
def test_spans_are_read_as_words_with_tags(shape: str, lines: bool, tmp_path: Path) -> None:
    rows = [SHAPES[shape](n, text) for n, text in enumerate(TEXTS)]
    path = tmp_path / "marked.json"
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows, indent=1), encoding="utf-8")
    layout, found = read(path)
    empty = ["O"] * 4 if shape == "some without" else TAGS
    assert found.tokens == WORDS
    assert found.tags == [TAGS if n % 4 else empty for n in range(12)]
    asked = read_asked(path, find_layout(path, ColumnSpec(), like=layout, labelled=False), BadRows(answers=True))
    assert asked.inputs == WORDS
    plain = tmp_path / "plain.txt"
    plain.write_text("\n".join(TEXTS[:3]) + "\n")
    assert (
        read_asked(plain, find_layout(plain, ColumnSpec(), like=layout, labelled=False), BadRows()).inputs == WORDS[:3]
    )
    assert read_asked(Line(TEXTS[0]), layout, BadRows()).inputs == WORDS[:1]
    assert read_asked(list(TEXTS), layout, BadRows()).inputs == WORDS


def test_spans_in_the_cells_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "marked.csv"
    for spans in (json.dumps(SPANS).replace('"', '""'), str(SPANS), str([list(each) for each in SPANS])):
        path.write_text("text,label\n" + "".join(f'"{text}","{spans}"\n' for text in TEXTS))
        assert read(path)[1].tags == [TAGS] * 12
        with pytest.raises(
            ElmanError, match=r"label marks spans of characters in texts, which are no classes .* train tag"
        ):
            find_classes(path, ClassifySpec(), BadRows())


def test_a_folder_of_brat(tmp_path: Path) -> None:
    start, notes = 0, []
    for n, text in enumerate(TEXTS):
        notes += [f"T{2 * n + k}\t{kind} {start + a} {start + b}\t{text[a:b]}" for k, (a, b, kind) in enumerate(SPANS)]
        start += len(text) + 1
    (tmp_path / "a.txt").write_text("\n".join(TEXTS) + "\n")
    (tmp_path / "a.ann").write_text(
        "\n".join([*notes, "R1\tsees Arg1:T1 Arg2:T2", "#1\tAnnotatorNotes T1\tsure"]) + "\n"
    )
    layout, found = read(tmp_path)
    assert (found.tokens, found.tags) == (WORDS, [TAGS] * 12)
    assert found.where[1] == f"{tmp_path / 'a.txt'}, line 2"
    with pytest.raises(ElmanError, match=r"says where spans are in a text beside it, as brat does; give the folder"):
        find_layout(tmp_path / "a.ann", ColumnSpec())
    for wrong, message in (
        ("T1\tPER 0 3\tBob", "line 1: says 'Bob' where the text has 'Ann', from 0 to 3"),
        ("T1\tPER 0 1;2 3\tA n", "line 1: has a span in several parts, 0 1;2 3"),
        ("T1 PER", "line 1: is no span"),
    ):
        (tmp_path / "a.ann").write_text(wrong + "\n")
        with pytest.raises(ElmanError, match=message):
            read_tagged(tmp_path, layout, BadRows())
    (tmp_path / "a.ann").unlink()
    again = find_layout(tmp_path, ColumnSpec(), like=layout, labelled=False)
    assert read_asked(tmp_path, again, BadRows()).inputs == WORDS


def test_spans_that_cannot_be_tags_are_told(tmp_path: Path) -> None:
    assert tagged_words("Annabel", []) == (["Annabel"], ["O"])
    path = tmp_path / "marked.jsonl"
    for spans, answer, message in (
        ([[0, 3, "PER"], [2, 5, "LOC"]], "accept", "line 2: its spans PER and LOC overlap at 2"),
        ([[0, 99, "PER"]], "accept", "line 2: its span PER from 0 to 99 is not within its 13 characters"),
        ([[0, 3, "PER"]], "reject", "line 2: was answered with reject"),
    ):
        rows = [
            {"text": text, "spans": spans if n == 1 else SPANS, "answer": answer if n == 1 else "accept"}
            for n, text in enumerate(TEXTS)
        ]
        path.write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(ElmanError, match=message):
            read(path)
        layout = find_layout(path, ColumnSpec())
        assert len(read_tagged(path, layout, BadRows("all"))) == 11
