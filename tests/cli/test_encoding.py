"""A file that is asked about may be in another encoding than those that were learnt from."""

from pathlib import Path

import polars as pl
import pytest
from commands import refused

from elman.cli.main import main

TABLES = {
    "classify": ("text,label\n" + "café so good,oui\nthé so bad,non\n" * 20, ["--text-column", "text"]),
    "tag": ("café X\nest Y\n\nthé X\n\n" * 20, []),
    "translate": ("café noir\tblack\nthé vert\tgreen\n" * 10, ["--held-out", "0"]),
    "recommend": ("user,item\n" + "".join(f"{n % 5},café {n % 3}\n" for n in range(60)), []),
    "forecast": ("café,load\n" + "".join(f"{n},{n % 7}\n" for n in range(80)), ["--target", "load", "--horizon", "2"]),
    "anomaly": ("été,load\n" + "".join(f"{n},{n % 7}.5\n" for n in range(80)), ["--values", "load"]),
}


@pytest.mark.parametrize("task", TABLES)
def test_a_file_is_read_in_the_encoding_that_is_said(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, options = TABLES[task]
    learnt, asked, model = tmp_path / "learnt.csv", tmp_path / "asked.csv", str(tmp_path / "model")
    learnt.write_text(text, encoding="utf-8")
    asked.write_text(text, encoding="latin-1")
    small = ["--steps", "2", "--hidden", "4", "--no-baselines"]
    assert main(["train", task, "--data", str(learnt), "--out", model, *options, *small]) == 0
    assert "--encoding" in refused(capsys, "predict", model, "--data", str(asked))
    for path, more in ((learnt, []), (asked, ["--encoding", "latin-1"])):
        out = str(path.with_suffix(".parquet"))
        assert main(["predict", model, "--data", str(path), "--out", out, *more]) == 0
        assert main(["evaluate", model, "--data", str(path), *more]) == 0
    assert pl.read_parquet(tmp_path / "learnt.parquet").equals(pl.read_parquet(tmp_path / "asked.parquet"))


def test_a_text_is_judged_in_the_encoding_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learnt, asked, model = tmp_path / "learnt.txt", tmp_path / "asked.txt", str(tmp_path / "model")
    learnt.write_text("un café noir et un thé vert\n" * 50, encoding="utf-8")
    asked.write_text("un thé noir et un café vert\n" * 5, encoding="cp1252")
    assert main(["train", "language", "--data", str(learnt), "--out", model, "--steps", "2", "--batch", "4"]) == 0
    assert "--encoding" in refused(capsys, "evaluate", model, "--data", str(asked))
    assert main(["evaluate", model, "--data", str(asked), "--encoding", "cp1252"]) == 0
    wrong = ["evaluate", model, "--data", str(asked), "--encoding", "latin-99"]
    assert "is the name of one, such as utf-8" in refused(capsys, *wrong)
    assert "--stream reads UTF-8" in refused(capsys, "predict", model, "--stream", "--encoding", "latin-1")
