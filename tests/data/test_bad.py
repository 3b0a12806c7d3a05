"""Rows that cannot be used: how many may be left out, and what is said of them."""

import logging
from pathlib import Path
from typing import Any

import pytest

from elman import Classifier
from elman.cli.main import main
from elman.data.bad import BadRows, Skip
from elman.errors import LONGEST, ElmanError, brief, quoted
from elman.tasks.classify.task import ClassifyTask
from elman.training.folders import OPTIONS, read_json
from elman.training.runs import fit
from elman.training.task import Sources

SMALL: dict[str, Any] = {"steps": 2, "hidden": 4, "embedding": 4, "batch": 8}


def labelled(path: Path, good: int, bad: int) -> Path:
    rows = [f"number {n},{'even' if n % 2 == 0 else 'odd'}" for n in range(good)] + [f"none {n}," for n in range(bad)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


def settled(bad: BadRows, read: int, wrong: int, of: str = "rows") -> None:
    with bad.settled():
        bad.read(read, of)
        for n in range(wrong):
            bad.add(f"file, line {n}", "is wrong", of)


@pytest.mark.parametrize(("skip", "wrong"), [(True, 0), (True, 10), ("all", 11), ("all", 100)])
def test_what_may_be_left_out(skip: Skip, wrong: int, caplog: Any) -> None:
    caplog.set_level(logging.WARNING)
    settled(BadRows(skip), 100, wrong)
    assert (f"{wrong} rows left out: file, line 0: is wrong" in caplog.text) == (wrong > 0)


def test_more_than_a_tenth_ends_the_run_and_says_how_many_and_why() -> None:
    message = r"^11 of 100 rows cannot be used, more than a tenth: file, line 0: is wrong; .*--skip-bad all$"
    with pytest.raises(ElmanError, match=message):
        settled(BadRows(True), 100, 11)
    bad = BadRows(True)
    bad.read(10_000)  # the rows that the series have
    with pytest.raises(ElmanError, match="2 of 3 series cannot be used"):
        settled(bad, 3, 2, "series")


def test_where_nothing_is_left_it_is_said_why() -> None:
    def read() -> None:
        bad = BadRows("all")
        with bad.settled():
            bad.add("file, line 1", "is wrong")
            raise ElmanError("the file has no rows")

    with pytest.raises(ElmanError, match="the file has no rows; left out were rows: file, line 1: is wrong"):
        read()


def test_only_these_words_are_known() -> None:
    with pytest.raises(ElmanError, match="--skip-bad stands alone, or with the word all, not 'some'"):
        BadRows("some")


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["--skip-bad"], 2), (["--skip-bad", "all"], 0), (["--skip-bad=all"], 0)]
)
def test_a_run_leaves_out_as_many_as_it_is_told(arguments: list[str], code: int, tmp_path: Path, capsys: Any) -> None:
    path, out = labelled(tmp_path / "many.csv", 40, 5), tmp_path / "out"
    small = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    assert main(["train", "classify", "--data", str(path), *arguments, *small, "--out", str(out)]) == code
    said = capsys.readouterr().err
    assert ("5 of 45 rows cannot be used" in said) == (arguments == ["--skip-bad"])
    assert out.exists() == (code == 0)
    if code == 0:
        assert read_json(out / OPTIONS)["skip_bad"] == "all"


def test_a_tenth_is_left_out_and_the_run_goes_on_so(tmp_path: Path) -> None:
    path = labelled(tmp_path / "few.csv", 45, 5)
    out = str(tmp_path / "out")
    small = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    assert main(["train", "classify", "--data", str(path), *small, "--out", out, "--skip-bad"]) == 0
    assert main(["train", "classify", "--out", out, "--resume", "--steps", "3"]) == 0


def test_in_python_it_is_said_in_python(tmp_path: Path) -> None:
    path = labelled(tmp_path / "many.csv", 40, 5)
    with pytest.raises(ElmanError, match=r"5 of 45 .* with skip_bad='all'"):
        Classifier(skip_bad=True, verbose=False, **SMALL).fit(str(path))
    assert Classifier(skip_bad="all", verbose=False, **SMALL).fit(str(path)).score() >= 0
    with pytest.raises(ElmanError, match="skip_bad stands alone, or with the word all, not 3"):
        Classifier(**{"skip_bad": 3, "verbose": False, **SMALL}).fit(str(path))


def test_what_cannot_be_read_at_all_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "halves.jsonl"
    path.write_text('{"text": "\\ud800", "label": "a"}\n' * 20)
    with pytest.raises(ElmanError, match=r"has no rows that can be used; .*halves\.jsonl, line 1: .* surrogates"):
        fit(ClassifyTask, path, **SMALL)
    assert Sources(path).bad.skip is False


def test_no_message_is_long() -> None:
    cell = "x" * 20_000_000
    assert len(str(ElmanError(f"the label is {cell}, not a number"))) <= LONGEST
    assert str(ElmanError(f"the label is {cell}, not a number")).endswith("x, not a number")
    assert len(quoted(cell)) < 100 > len(quoted([cell]))
    assert brief("short") == "short"
    assert str(ElmanError("two\nlines")) == "two lines"
    bad = BadRows(True)
    bad.add("file, line 1", f"has no number but {cell}")
    assert len(bad.listed[0]) <= LONGEST
