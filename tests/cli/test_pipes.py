"""Data that comes through pipes: read once, called by its name, and kept with the run."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import refused

from elman import Classifier
from elman.cli import _pipes
from elman.cli.main import main
from elman.errors import ElmanError
from elman.training.folders import read_json
from tests.tasks.classify.test_classify import example

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
SMALL = ["--hidden", "8", "--embedding", "8", "--batch", "16", "--no-baselines", "--steps", "3"]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return example(tmp_path)[0]


@pytest.fixture
def pipe(films: Path) -> Iterator[Path]:
    """A named pipe, to which a thread writes once somebody reads it."""
    path = films.parent / "pipe.csv"
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(films.read_bytes()), daemon=True)
    thread.start()
    yield path
    thread.join(10)


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_run_from_a_pipe_goes_on(films: Path, pipe: Path, tmp_path: Path, capsys: Any) -> None:
    out, moved = tmp_path / "out", tmp_path / "moved"
    assert main(["train", "classify", "--data", str(pipe), "--out", str(out), *SMALL]) == 0
    said = capsys.readouterr()
    assert f"{pipe}: 108 rows to learn from" in said.out
    assert "elman-" not in said.err + said.out
    assert (out / "piped" / "data.csv").read_bytes() == films.read_bytes()
    out.rename(moved)
    assert main(["train", "classify", "--out", str(moved), "--resume", "--steps", "5"]) == 0
    assert read_json(moved / "result.json")["data"] == str(moved / "piped" / "data.csv")
    assert read_json(moved / "result.json")["steps"] == 5


def test_standard_input_is_data_for_every_command(
    films: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = films.read_bytes(), str(tmp_path / "out")
    typed(monkeypatch, data)
    assert main(["train", "classify", "--data", "-", "--valid", str(films), "--out", out, *SMALL]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("standard input: 120 rows to learn from")
    typed(monkeypatch, data)
    assert main(["predict", out, "--data", "-"]) == 0
    answers = capsys.readouterr().out
    assert main(["predict", out, "--data", str(films)]) == 0
    assert capsys.readouterr().out == answers
    typed(monkeypatch, data)
    assert main(["evaluate", out, "--data", "-", "--json"]) == 0
    judged = capsys.readouterr().out
    assert main(["evaluate", out, "--data", str(films), "--json"]) == 0
    assert capsys.readouterr().out == judged
    typed(monkeypatch, b"text,label\ngood,yes,no\n")
    assert "standard input, line 2: has 3 columns" in refused(capsys, "predict", out, "--data", "-")
    typed(monkeypatch, data)
    both = ["train", "classify", "--data", "-", "--valid", "/dev/stdin", "--out", str(tmp_path / "new")]
    assert "standard input can be read once" in refused(capsys, *both)
    assert not (tmp_path / "new").exists()


class Terminal(io.RawIOBase):
    """Lines that somebody types, then the end, behind which nobody types anything."""

    def __init__(self, *lines: bytes) -> None:
        self.left = [*lines, b""]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        line = self.left.pop(0)
        buffer[: len(line)] = line
        return len(line)


def test_one_end_ends_what_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Terminal(b"text,label\n", b"good,yes\n"))))
    with _pipes.read_once() as copies:
        assert copies.of(Path("-"), "data").read_bytes() == b"text,label\ngood,yes\n"


def test_a_pipe_that_nobody_writes_to_is_waited_for_with_a_line(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pipes, "PATIENCE", 0.05)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    told = threading.Event()
    usual = print

    def noticed(*args: Any, **options: Any) -> None:
        usual(*args, **options)
        told.set()

    def write() -> None:
        assert told.wait(20)
        path.write_bytes(b"late")

    monkeypatch.setattr(_pipes, "print", noticed, raising=False)
    thread = threading.Thread(target=write)
    thread.start()
    with _pipes.read_once() as copies:
        assert copies.of(path, "data").read_bytes() == b"late"
    thread.join()
    assert capsys.readouterr().err == f"elman: waiting for what another program writes to {path}\n"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
@pytest.mark.parametrize("command", ["train", "inspect"])
def test_devices_are_refused(device: str, command: str, tmp_path: Path, capsys: Any) -> None:
    arguments = {"train": ["train", "classify", "--out", str(tmp_path / "out"), "--data"], "inspect": ["inspect"]}
    assert f"{device} is a device" in refused(capsys, *arguments[command], device)
    assert not (tmp_path / "out").exists()


def test_a_pipe_in_python_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ElmanError, match="is a pipe; write what comes from it to a file"):
        Classifier().fit(str(tmp_path / "pipe.csv"))
