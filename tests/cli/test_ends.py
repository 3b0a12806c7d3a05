"""How commands end: by signals, on disks that are full or gone, with outputs that nobody reads or are not UTF-8."""

import errno
import io
import json
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import refused

from elman.cli._streams import standard_streams
from elman.cli.main import main
from elman.data.files import written_aside
from elman.tasks import restore
from elman.tasks.classify.task import ClassifyTask
from elman.training import progress
from elman.training.folders import read_json, replaced
from elman.training.signals import ENDING
from elman.training.task import Predictor
from tests.tasks.classify.test_classify import example

SMALL = ["--hidden", "8", "--embedding", "8", "--batch", "16", "--no-baselines"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    assert main(train(folder, "--steps", "3")) == 0
    return folder / "out"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "model"))


def train(folder: Path, *more: str) -> list[str]:
    source, _ = example(folder)
    return ["train", "classify", "--data", str(source), "--out", str(folder / "out"), *SMALL, *more]


class Doing(progress.Bar):
    """A bar that does something at the fourth step."""

    do: Any = None

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.progress.step == 4:
            type(self).do()


def at_the_fourth_step(monkeypatch: pytest.MonkeyPatch, do: Any) -> None:
    monkeypatch.setattr(progress, "Bar", type("Doing", (Doing,), {"do": staticmethod(do)}))


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("more", [(), ("--compare", "gru")])
def test_a_signal_ends_training_with_a_line_that_says_how_to_go_on(
    number: int, more: tuple[str, ...], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = [signal.getsignal(each) for each in ENDING]
    reached: list[int] = []

    def stop() -> None:
        reached.append(1)
        if len(reached) == 1 + len(more) // 2:  # with others, in the one that is compared with
            signal.raise_signal(number)

    at_the_fourth_step(monkeypatch, stop)
    capsys.readouterr()
    assert main(train(tmp_path, "--steps", "8", *more)) == 128 + number
    said = capsys.readouterr().err.splitlines()
    resume = ["train", "classify", "--out", str(tmp_path / "out"), "--resume"]
    assert said[-1] == f"stopped; --resume goes on: elman {' '.join(resume)}"
    assert [signal.getsignal(each) for each in ENDING] == usual
    assert (tmp_path / "out" / "checkpoints" / "last.ckpt").exists()
    assert not (tmp_path / "out" / "result.json").exists()
    monkeypatch.undo()
    assert main(resume) == 0
    assert main(train(tmp_path, "--steps", "8", *more, "--out", str(tmp_path / "whole"))) == 0
    one, other = (read_json(tmp_path / name / "result.json") for name in ("out", "whole"))
    assert one["steps"] == other["steps"] == 8
    assert one["compared"] == other["compared"]
    same = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("out", "whole")]
    assert same[0] == same[1]


def test_a_signal_before_there_is_a_model_changes_nothing(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ClassifyTask.read.__func__  # pyright: ignore[reportFunctionMemberAccess]

    def read(cls: Any, *args: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return usual(cls, *args)

    monkeypatch.setattr(ClassifyTask, "read", classmethod(read))
    assert main(train(tmp_path, "--steps", "8")) == 143
    assert "stopped before training began; nothing has changed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["films.csv"]


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_other_commands_without_a_word(
    number: int, model: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting(io.StringIO):
        def readline(self, size: int = -1) -> str:
            signal.raise_signal(number)
            return ""

    monkeypatch.setattr(sys, "stdin", Waiting())
    capsys.readouterr()
    assert main(["predict", str(model), "--stream"]) == 128 + number
    assert capsys.readouterr() == ("", "")


def test_training_that_nobody_listens_to_says_how_to_go_on(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(train(tmp_path, "--steps", "8")) == 141
    assert "stopped, since nobody reads what is said; --resume goes on" in capsys.readouterr().err
    assert main(["cells"]) == 0  # as with `| head`


# ---- disks


def test_a_disk_that_is_full_ends_training_with_what_is_left(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        def fsync(file: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", fsync)

    at_the_fourth_step(monkeypatch, fill)
    capsys.readouterr()
    assert main(train(tmp_path, "--steps", "8")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "No space left on device; what was saved before is whole; --resume goes on: elman train classify" in said
    assert ".partial" not in said
    monkeypatch.undo()
    assert main(["train", "classify", "--out", str(tmp_path / "out"), "--resume"]) == 0


def test_a_folder_that_vanishes_is_not_begun_anew(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_fourth_step(monkeypatch, lambda: shutil.rmtree(tmp_path / "out"))
    capsys.readouterr()
    assert main(train(tmp_path, "--steps", "8", "--save-every", "0")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(f"No such file or directory; {tmp_path / 'out'} is gone")
    assert not (tmp_path / "out").exists()


def test_a_folder_in_whose_place_another_stands_is_left_alone(
    model: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}

    def replace() -> None:
        (tmp_path / "out").rename(tmp_path / "moved")
        model.rename(tmp_path / "out")

    at_the_fourth_step(monkeypatch, replace)
    capsys.readouterr()
    assert main(train(tmp_path, "--steps", "8", "--save-every", "0")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"elman: {tmp_path / 'out'} is another folder than the run began in; nothing more is written to it"
    (tmp_path / "out").rename(model)
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has such a device")
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    before = Path("/dev/full").stat()
    with pytest.raises(OSError, match="No space left"), written_aside(Path("/dev/full")) as there:
        there.write_text("text")
    assert Path("/dev/full").stat().st_mode == before.st_mode


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "there" / "answers.csv")
    with written_aside(link) as aside:
        aside.write_text("1")
    assert link.is_symlink()
    assert (tmp_path / "there" / "answers.csv").read_text() == "1"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file/answers.csv", "Not a directory"),
        ("none/answers.csv", "No such file or directory"),
        (f"{'n' * 300}.csv", "File name too long"),
        ("folder.csv", "Is a directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_as_the_user_did(
    out: str, message: str, model: Path, tmp_path: Path, capsys: Any
) -> None:
    source, _ = example(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    said = refused(capsys, "predict", str(model), "--data", str(source), "--out", str(tmp_path / out))
    assert f"{out}: {message}" in said or "nnn" in said
    assert message in said


def test_a_long_name_is_written_all_the_same(model: Path, tmp_path: Path) -> None:
    source, _ = example(tmp_path)
    out = tmp_path / f"{'n' * 250}.csv"
    assert main(["predict", str(model), "--data", str(source), "--out", str(out)]) == 0
    assert out.read_text().count("\n") == 121


def test_a_model_is_there_whenever_replacing_it_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "options.json").write_text("{}")
    usual, moves = Path.rename, []

    def rename(self: Path, to: Path) -> Path:
        moves.append(self)
        if len(moves) == 2:
            raise KeyboardInterrupt
        return usual(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt), replaced(folder) as new:
        (new / "options.json").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folder / "options.json").read_text() == "{}"


# ---- what is shown, and written


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_standard_streams_are_utf_8_whatever_the_terminal(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with standard_streams():
        print("は\N{GRINNING FACE} \udce9")
        print("は \udce9", file=sys.stderr)
    for stream, said in ((out, "は\N{GRINNING FACE} ?"), (err, "は \\udce9")):
        stream.flush()
        assert stream.buffer.getvalue().decode("utf-8").rstrip() == said  # pyright: ignore[reportAttributeAccessIssue]
        assert (stream.encoding, stream.errors) == (encoding, "strict")


def test_streams_that_are_closed_are_no_mistake(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["predict", str(model), "--stream"]) == 0
    assert main(["generate", str(model)]) == 2
    assert sys.stdout is None


def test_a_file_whose_name_is_not_utf_8(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("elman"), "propagate", False)  # pytest cannot report such a name
    source, _ = example(tmp_path)
    try:
        source = source.rename(tmp_path / "films\udce9.csv")
    except OSError:
        pytest.skip("this disk has names in UTF-8 only")
    out = tmp_path / "out"
    arguments = ["train", "classify", "--out", str(out), *SMALL, "--steps", "2"]
    assert main([*arguments, "--data", str(source)]) == 0
    assert json.loads((out / "options.json").read_bytes().decode("utf-8"))["data"] == str(source)
    assert main(["train", "classify", "--out", str(out), "--resume", "--steps", "3"]) == 0
    said = refused(capsys, *arguments, "--data", str(source), "--out", str(tmp_path / "out\udce9"))
    assert "is not UTF-8; give --out another folder" in said


# ---- streams


def test_a_bad_line_of_a_stream_is_answered_in_place(model: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b'good film\n\xff\xfe\n{"text": "bad"}\r\n{"text": 1e999999, "text\n\nbad\rplot\n' + b"good " * 30_000
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines), encoding="ascii"))
    capfd.readouterr()
    assert main(["predict", str(model), "--stream", "--skip-bad"]) == 0
    said = capfd.readouterr()
    answers = said.out.splitlines()
    assert len(answers) == 7  # the last line has no end
    assert answers[1] == ""
    assert all(json.loads(answers[place])["predicted"] for place in (0, 2, 5, 6))
    assert "line 2 of the stream: it is not UTF-8; its answer is empty" in said.err.splitlines()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines), encoding="ascii"))
    assert main(["predict", str(model), "--stream"]) == 2
    said = capfd.readouterr()
    assert said.out.count("\n") == 1
    assert said.err.startswith("elman: line 2 of the stream: it is not UTF-8; mend it, or leave such lines out")


ODD = [
    "", "  ", ",", "\t", '"', "\0", "{", "{}", "[1, 2", "null", "1e400", "9" * 5000, "[" * 100_000,
    '{"a":' * 5000, "x" * 50_000,
    '{"NAME": 1e999}', '{"NAME": NaN}', '{"NAME": []}', '{"NAME": [["a"]]}', '{"NAME": {}}', '{"NAME": "\\ud800"}',
    '{"NAME": 1' + "0" * 400 + "}", '{"NAME": 1000000000000000000000000000000}', "\u2028", "\x85", "a\rb",
]  # fmt: skip


@pytest.mark.parametrize("folder", sorted(Path("tests/folders/0.2").iterdir()), ids=lambda folder: folder.name)
def test_no_line_of_a_stream_ends_it_but_by_a_reason(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    task = restore(folder)
    if not isinstance(task, Predictor):
        return
    names = {*"text tokens source values value user item time step".split()}
    names |= {name for name in str(task.vocabulary).split("'") if name.isidentifier()}
    lines = [line.replace("NAME", name) for line in ODD for name in (sorted(names)[:40] if "NAME" in line else [""])]
    caplog.set_level("CRITICAL", "elman")
    answers = list(task.stream(lines, skip_bad=True))
    assert len(answers) == len(lines)
    for answer in answers:
        assert not answer or isinstance(json.loads(answer), dict)


@pytest.mark.parametrize("error", [MemoryError("of 1 TB"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_runs_out_is_told_in_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("elman.tasks.restore", fails)
    for verb in ("predict", "evaluate"):
        said = refused(capsys, verb, "nowhere", "--data", "nothing.csv")
        assert said == f"elman: memory ran out: {error}; give less data at a time\n"
