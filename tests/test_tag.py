"""The task of tagging: what it reads, what it finds out, what it refuses, what it learns."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman.data.bad import BadRows
from elman.errors import ElmanError
from elman.tasks._tokens import SpellingConvolution
from elman.tasks.tag import Pieces, Tagger, TagOptions, most_frequent
from elman.tasks.task import Sources, evaluate

SMALL = {"hidden": 12, "embedding": 12, "spelling": 4, "batch": 8, "lr": 0.03, "warmup": 5}
PLACES, PEOPLE = "Paris Rome Oslo Lima".split(), "Ann Bob Eve Tom".split()


def sentence(random: Random) -> list[tuple[str, str]]:
    """A person, of one name or two, went to a place; in IOB1."""
    people = [(name, "I-PER") for name in random.sample(PEOPLE, random.choice([1, 2]))]
    return [*people, (random.choice(["went", "came"]), "O"), ("to", "O"), (random.choice(PLACES), "I-LOC"), (".", "O")]


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random, path = Random(0), folder / "names.txt"
    sentences = [sentence(random) for _ in range(80)]
    text = "\n".join("".join(f"{word} X {tag}\n" for word, tag in tokens) for tokens in sentences)
    path.write_text(f"-DOCSTART- X O\n\n{text}", encoding="utf-8")
    return path, SMALL


def made(source: Any, **options: Any) -> tuple[Tagger, Any]:
    """An untrained tagger and what it read."""
    chosen = TagOptions(**{"hidden": 8, "embedding": 8, "spelling": 4, **options})
    torch.manual_seed(0)
    read = Tagger.read(chosen, Sources(source))
    return Tagger(chosen, Tagger.learn(chosen, read)).eval(), read


def test_names_are_learnt_and_given_back_as_they_were_written(tmp_path: Path) -> None:
    path, options = example(tmp_path)
    model = Tagger.fit(path, steps=80, folder=tmp_path / "out", **options)
    answers = model.predict(["Tom Eve came to Rome .", ["Ann", "went"]])
    assert answers["predicted"].to_list() == [["I-PER", "I-PER", "O", "O", "I-LOC", "O"], ["I-PER", "O"]]
    assert answers["spans"].to_list()[0][1] == {"kind": "LOC", "start": 4, "end": 5, "text": "Rome"}
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["after"]["f1"] == 1.0
    assert any("IOB1" in line for line in result["found"])
    assert any("column 3" in line for line in result["found"])
