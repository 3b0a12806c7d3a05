"""The command line as people use it, and misuse it."""

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import refused

import elman
from elman import cells
from elman.cli.main import main, verbs
from elman.errors import ElmanError
from elman.training.folders import write_json
from elman.training.signals import Terminated
from tests.tasks.language.test_language import example

SMALL = ["--hidden", "8", "--embedding", "8", "--batch", "2", "--bptt", "16"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    source, _ = example(folder)
    assert (
        main(["train", "language", "--data", str(source), "--out", str(folder / "model"), "--steps", "3", *SMALL]) == 0
    )
    return folder / "model"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "model"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def train(out: Path, data: Path | None, *more: str) -> list[str]:
    return ["train", "language", "--out", str(out), *(["--data", str(data)] if data else []), "--steps", "2", *more]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"x", "no two different characters"),
        (b"x" * 9000, "no two different characters"),
        (b"ab\n\0cd", "is binary: byte 3 is zero"),
        (b"line\n\xfe\xfd", "not UTF-8: byte 5, in line 2, is 0xfe"),
        (b"too short for all of it", "has 23 tokens"),
        (
            b"some text " * 100,
            "has 1,000 tokens; a batch of 2 rows of 16 steps, and as many steps held out",
        ),
    ],
)
def test_a_file_that_cannot_be_learnt_from(data: bytes | None, message: str, tmp_path: Path, capsys: Any) -> None:
    source, out = tmp_path / "data", tmp_path / "out"
    if data is not None:
        source.write_bytes(data)
    assert message in refused(capsys, *train(out, source, *SMALL, "--held-out", "0.01"))
    assert [path.name for path in tmp_path.iterdir()] == (["data"] if data is not None else [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cell", "lsmt"], "there is no cell 'lsmt'; did you mean 'lstm'?"),
        (["--tokens", "byte"], "--tokens is characters, bytes or subwords, not 'byte'"),
        (["--hiden", "8"], "--hidden"),
        (["--hidden", "many"], "--hidden"),
        (["--hidden", "0"], "--hidden"),
        (["--dropout", "2"], "--dropout"),
        (["--minutes", "0"], "--minutes is above 0, not 0"),
        (["--tokens", "subwords", "--vocabulary", "9"], "--vocabulary"),
        (["left over"], "left over"),
        (["--resume"], "there is no model folder"),
    ],
)
def test_an_option_that_is_wrong(arguments: list[str], message: str, tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    assert message in refused(capsys, *train(tmp_path / "out", source, *arguments))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [("--cell", "nothing:Here"), ("--compare", "gru,nothing:Here")])
def test_a_cell_that_is_not_there_is_told_before_data_is_read(
    arguments: tuple[str, str], tmp_path: Path, capsys: Any
) -> None:
    said = refused(capsys, *train(tmp_path / "out", tmp_path / "none.txt", *arguments))
    assert "the cell nothing:Here needs the module nothing" in said


@pytest.mark.parametrize("more", [("--data", "t.csv", "--out", "x.csv"), ("--stream",)])
def test_the_format_is_of_what_goes_to_the_screen(more: tuple[str, ...], capsys: Any) -> None:
    said = refused(capsys, "predict", "runs/none", *more, "--format", "jsonl")
    assert "--format is for a table on the screen" in said


def test_what_is_predicted_does_not_go_over_its_own_data(tmp_path: Path, capsys: Any) -> None:
    data, other = tmp_path / "n.csv", tmp_path / "other.csv"
    data.write_text("x\n1\n")
    other.symlink_to(data)
    for out in (data, other):
        assert "is the file of --data" in refused(
            capsys, "predict", "runs/none", "--data", str(data), "--out", str(out)
        )
    assert data.read_text() == "x\n1\n"


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize("skip", [("--skip-bad", "all"), ("--skip-bad=all",), ("--skip-bad",)])
def test_what_is_bad_may_be_left_out_as_in_training(verb: str, skip: tuple[str, ...], capsys: Any) -> None:
    assert "runs/none" in refused(capsys, verb, "runs/none", *skip, "--data", "n.csv")
    assert "or with the word all, not 'most'" in refused(
        capsys, verb, "runs/none", "--skip-bad", "most", "--data", "n.csv"
    )


def test_names_that_are_not_there_and_what_is_near(capsys: Any) -> None:
    assert "did you mean 'train'?" in refused(capsys, "trian")
    assert "did you mean 'language'" in refused(capsys, "train", "langauge")
    assert "--data" in refused(capsys, "evaluate", "runs/none")


@pytest.mark.parametrize("lacking", ["options.json", "vocabulary.json", "model.safetensors"])
def test_a_model_folder_that_lacks_a_file_or_was_cut_short(lacking: str, model: Path, capsys: Any) -> None:
    path = model / lacking
    whole = path.read_bytes()
    for size in (0, 7, len(whole) - 9):
        path.write_bytes(whole[:size])
        assert f"{lacking} is damaged" in refused(capsys, "generate", str(model))
    path.unlink()
    assert f"lacks {lacking}" in refused(capsys, "generate", str(model))


def test_model_folders_that_do_not_fit(model: Path, tmp_path: Path, capsys: Any) -> None:
    assert "there is no model folder" in refused(capsys, "generate", str(tmp_path / "none"))
    about = json.loads((model / "options.json").read_text())
    about["options"]["hidden"] = 9
    write_json(model / "options.json", about)
    assert "does not belong to" in refused(capsys, "generate", str(model))
    write_json(model / "options.json", {**about, "options": []})
    assert "is damaged" in refused(capsys, "generate", str(model))
    write_json(model / "options.json", {**about, "format": 99, "elman": "9.0"})
    assert "comes from a newer version, elman 9.0" in refused(capsys, "generate", str(model))
    (model / "options.json").write_text(json.dumps(about))
    assert "options.json is damaged or was changed" in refused(capsys, "generate", str(model))


def test_a_prompt_or_a_text_with_characters_that_the_vocabulary_lacks(model: Path, tmp_path: Path, capsys: Any) -> None:
    assert "the prompt cannot be read: the vocabulary lacks 'Ü'" in refused(
        capsys, "generate", str(model), "--prompt", "Ü"
    )
    assert "top-p" in refused(capsys, "generate", str(model), "--top-p", "1.5")
    other = tmp_path / "other.txt"
    other.write_text("the Ü", encoding="utf-8")
    line = refused(capsys, "evaluate", str(model), "--data", str(other))
    assert str(other) in line
    assert "lacks 'Ü'" in line


def test_what_is_there_is_not_replaced_unasked(model: Path, tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    before = contents(model)
    assert "holds a model already; --resume goes on" in refused(capsys, *train(model, source, *SMALL))
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert "is empty" in refused(capsys, *train(model, empty, *SMALL, "--overwrite"))
    assert contents(model) == before
    assert "holds other things" in refused(capsys, *train(tmp_path, source, *SMALL, "--overwrite"))
    assert "is a file" in refused(capsys, *train(source, source, *SMALL, "--overwrite"))
    assert main(train(model, source, *SMALL, "--overwrite")) == 0
    assert json.loads((model / "result.json").read_text())["steps"] == 2


def test_a_run_goes_on_as_it_began(model: Path, tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    before = contents(model)
    resume = ["train", "language", "--out", str(model), "--resume"]
    assert "has --hidden 8 and goes on with it" in refused(capsys, *resume, "--hidden", "9")
    assert "has --data" in refused(capsys, *resume, "--data", str(source))
    assert contents(model) == before
    assert main([*resume, "--steps", "5", "--hidden", "8"]) == 0
    assert json.loads((model / "result.json").read_text())["steps"] == 5
    tokens = (model / "tokens.bin").read_bytes()
    (model / "tokens.bin").unlink()
    assert "lacks tokens.bin; take a copy" in refused(capsys, *resume, "--steps", "6")
    (model / "tokens.bin").write_bytes(tokens)
    (model / "checkpoints" / "last.ckpt").write_bytes(b"cut")
    assert "last.ckpt is damaged or was changed" in refused(capsys, *resume, "--steps", "6")
    (model / "checkpoints" / "last.ckpt").unlink()
    assert "has no checkpoint" in refused(capsys, *resume)


@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_full_disk(nth: int, model: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the n-th file of a new run and of one that goes on."""
    source, _ = example(tmp_path)
    usual, written = os.fsync, []

    def fsync(file: int) -> None:
        written.append(file)
        if len(written) >= nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(file)

    before = contents(model)
    monkeypatch.setattr(os, "fsync", fsync)
    assert "No space left on device" in refused(capsys, *train(tmp_path / "new", source, *SMALL, "--save-every", "0"))
    written.clear()
    resume = ["train", "language", "--out", str(model), "--resume", "--steps", "40"]
    assert "No space left on device" in refused(capsys, *resume)
    monkeypatch.undo()
    if nth == 1:
        after = {name: data for name, data in contents(model).items() if not name.startswith("logs")}
        assert after == {name: data for name, data in before.items() if not name.startswith("logs")}
    assert main(["generate", str(model), "--length", "3"]) == 0
    assert main(resume) == 0


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = example(tmp_path)

    def mkdir(self: Path, **_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert "Permission denied" in refused(capsys, *train(tmp_path / "new", source))


def test_what_training_says_and_keeps(trained: Path, tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    out = tmp_path / "out"
    assert main(train(out, source, *SMALL, "--cell", "gru", "--tokens", "bytes")) == 0
    said = capsys.readouterr().out
    assert f"{source}: 5,440 tokens, 256 different; held out 544" in said
    assert "parameters" in said
    assert said.rstrip().endswith(str(out))
    kept = {path.name for path in out.iterdir()}
    assert kept == {
        "model.safetensors", "options.json", "vocabulary.json", "result.json", "tokens.bin", "logs", "checkpoints",
        "report.html", "history.csv", "manifest.json",
    }  # fmt: skip
    result = json.loads((out / "result.json").read_text())
    assert result["options"]["cell"] == "gru"
    assert result["data"] == str(source)
    assert {"before", "after", "seconds", "tokens_per_second", "versions"} <= set(result)
    assert result["before"]["loss"] == pytest.approx(math.log(256), rel=0.1)


def test_generating_and_evaluating(model: Path, tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    write = ["generate", str(model), "--prompt", "the ", "--length", "20", "--seed", "5"]
    assert main(write) == 0
    first = capsys.readouterr().out
    assert main(write) == 0
    assert capsys.readouterr().out == first
    assert first.startswith("the ")
    assert len(first) == 4 + 20 + 1
    assert "".join(elman.load(model).generate("the ", 20, temperature=0.8, seed=5)) == first[4:-1]
    assert main(["evaluate", str(model), "--data", str(source), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["bits_per_character"] == pytest.approx(metrics["loss"] / math.log(2))
    assert main(["evaluate", str(model), "--data", str(source)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"judged on {source}: {len(source.read_text()):,} tokens")
    assert f"{metrics['loss']:.3g}" in said


def test_every_verb_and_every_cell_is_listed(capsys: Any) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert {"train", "generate", "evaluate", "cells"} <= set(verbs())
    assert all(f"  {verb} " in said for verb in verbs())
    assert main(["cells"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == cells.names()
    assert main(["train", "language", "--help-all"]) == 0
    assert "--top-k" not in (said := capsys.readouterr().out)
    assert all(f"--{name}" in said for name in ("cell", "hidden", "tokens", "minutes", "seed", "resume", "held-out"))


def test_help_needs_no_heavy_library() -> None:
    heavy = {"torch", "numpy", "lightning"}
    code = (
        f"import sys; from elman.cli.main import main; main(['--help']); print({heavy} & {{*sys.modules}} or 'light')"
    )
    began = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "light"
    assert time.perf_counter() - began < 4  # the goal is 0.4 s, on a machine with nothing else to do


def test_ctrl_c_ends_with_130_and_a_checkpoint(tmp_path: Path) -> None:
    source, _ = example(tmp_path)
    out = tmp_path / "out"
    arguments = [sys.executable, "-c", "import sys; from elman.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    arguments += [*train(out, source, *SMALL), "--steps", "1000000"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (out / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None, process.stderr
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "--resume goes on" in said
    assert not (out / "result.json").exists()


def test_the_public_names_are_there() -> None:
    for name in elman.__all__:
        assert getattr(elman, name) is not None
    assert set(elman.__all__) <= set(dir(elman))
    with pytest.raises(AttributeError, match="no attribute 'LSMT'"):
        _ = elman.LSMT  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ElmanError, match="there is no model folder"):
        elman.load("nowhere")


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (Terminated(signal.SIGTERM), 143)])
def test_a_signal_while_a_class_is_made_is_one_too(
    raised: BaseException, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            raise raised

    def load(name: str) -> None:  # in Python 3.11 a RuntimeError, as in PyTorch while it is imported
        type("Log", (), {"field": Field()})

    monkeypatch.setattr("elman.tasks.load", load)
    source, _ = example(tmp_path)
    assert main(train(tmp_path / "out", source)) == code
    assert capsys.readouterr().err == "stopped before training began; nothing has changed\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("error", [RecursionError, AttributeError])
def test_a_signal_that_an_import_has_lost_is_one_too(
    error: type[Exception], number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def load(name: str) -> None:
        with suppress(BaseException):  # as code does that tries whether something can be imported
            signal.raise_signal(number)
        raise error("half of it is there")

    monkeypatch.setattr("elman.tasks.load", load)
    source, _ = example(tmp_path)
    assert main(train(tmp_path / "out", source)) == code
    assert "half of it" not in capsys.readouterr().err
