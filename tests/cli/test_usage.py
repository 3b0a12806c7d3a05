"""Options of a wrong type or out of range, and words that have no place, are each one line that says what is right."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from elman import tasks
from elman.cli import main as command_line
from elman.cli.main import main
from elman.training.loop import CLIPPING, LEARNING, LIGHTNING_PRECISIONS
from elman.training.settings import Training, groups

FOREIGN = ("Input should", "Value error", "validation", "Invalid value", "invalid value", "argument(s)")


def commands() -> dict[str, Any]:
    """All commands with options, by the words that call them."""
    found: dict[str, Any] = {}
    root: Any = typer.main.get_command(command_line._app())
    for verb in command_line.verbs():
        command = root.get_command(typer.Context(root), verb)
        if verb == "train":
            found |= {f"train {name}": command.get_command(typer.Context(command), name) for name in tasks.names()}
        else:
            found[verb] = command
    return found


COMMANDS = commands()


def refused(words: list[str], capsys: Any) -> str:
    """What is said of a command: one line, in our own words."""
    assert main(words) == 2, words
    said = capsys.readouterr()
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("elman: ")
    assert not any(each in said.err for each in FOREIGN), said.err
    return said.err


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.parametrize("value", ["so so", "-7", "1e400"])
def test_any_value_of_any_option_is_taken_or_refused_in_our_words(
    name: str, value: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, verb = COMMANDS[name], name.split()
    arguments = (
        ["gru"] if name == "explain" else ["no folder"] * any(p.param_type_name == "argument" for p in command.params)
    )
    for each in command.params:
        if each.param_type_name == "option" and not each.is_flag and not getattr(each, "hidden", False):
            needed = ["--data", "none.csv"] if verb[0] in ("evaluate", "train") and each.name != "data" else []
            words = [*verb, *arguments, *needed, f"{each.opts[0]}={value}"]
            if name == "explain" and each.name not in ("input", "hidden", "batch", "time"):
                continue  # these are all that have numbers, and without a mistake it says much
            refused(words, capsys)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "m", "--format", "xml"], "--format is csv, tsv or jsonl, not 'xml'; elman predict --help"),
        (["generate", "m", "--temperature", "-1"], "--temperature is 0 or more, not -1; elman generate --help"),
        (["generate", "m", "--temperature", "x"], "--temperature is a number, not 'x'; "),
        (["generate", "m", "--top-p", "2"], "--top-p is at most 1, not 2; "),
        (["generate", "m", "--top-k", "1.5"], "--top-k is a whole number, not '1.5'; "),
        (["train", "classify", "--kind", "x"], "--kind is classes, labels or number, not 'x'"),
        (["train", "tag", "--inside", "x"], "--inside is BIOES or IOB2, not 'x'"),
        (["train", "classify", "--attention=3"], "--attention stands alone and takes no value"),
        (["train", "classify", "r.csv"], "there is no place for 'r.csv': data is given as --data r.csv; "),
        (["predict", "m", "new.csv"], "there is no place for 'new.csv': data is given as --data new.csv; "),
        (["train", "classify", "--bidirectional", "x"], "there is no place for 'x'; "),
        (["cells", "x.csv"], "there is no place for 'x.csv'; "),
    ],
)
def test_what_would_be_right_is_said(words: list[str], message: str, capsys: Any) -> None:
    assert refused(words, capsys).startswith(f"elman: {message}")


def test_options_of_a_few_words_have_those_that_there_are() -> None:
    choices = {each.name: each.metadata.get("choices") for each in fields(Training)}
    assert choices["learning"] == tuple(LEARNING)
    assert choices["clipping"] == tuple(CLIPPING)
    assert choices["precision"] == tuple(LIGHTNING_PRECISIONS)
    for name in tasks.names():
        for group in groups(tasks.options(name)):
            for each in fields(group):
                for word in each.metadata.get("choices", ()):
                    assert word in each.metadata["help"], (name, each.name)  # which tells what each means


def test_that_there_is_no_data_is_said_before_that_the_folder_is_taken(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "options.json").write_text("{}")
    (tmp_path / "few.csv").write_text("text,label\na,b\nc,d\n")
    train = ["train", "classify", "--out", str(tmp_path / "model")]
    assert "give --data FILE: a table, " in refused(train, capsys)
    assert "there is no file none.csv" in refused([*train, "--data", "none.csv"], capsys)
    few = ["--data", str(tmp_path / "few.csv")]
    assert "there is no file none.csv" in refused([*train, *few, "--valid", "none.csv"], capsys)
    assert "holds a model already" in refused([*train, *few], capsys)
    assert "there is no cell 'nope'" in refused([*train, "--cell", "nope", "--data", "none.csv"], capsys)
