"""Help: what it shows, how it looks at 80 columns, and that it comes without PyTorch."""

import re
import subprocess
import sys
import warnings
from dataclasses import fields
from typing import Any

import pytest

from elman import tasks
from elman.cli import main as main_module
from elman.cli.main import main, verbs
from elman.errors import ElmanWarning
from elman.training.settings import groups

LIGHT = """
import sys
from elman.cli.main import main
for words in sys.stdin.read().splitlines():
    assert main(words.split()) in (0, 2), words
print(sorted({"torch", "numpy", "polars", "lightning"} & {*sys.modules}))
"""


def helped(capsys: Any, *words: str) -> str:
    assert main([*words]) == 0
    return capsys.readouterr().out


def test_help_lists_and_mistakes_import_nothing_heavy() -> None:
    commands = ["--help", "--version", "train --help", "train clasify", "train classify --hiden 3"]
    commands += [f"{verb} --help" for verb in verbs()]
    commands += [f"train {name} {flag}" for name in tasks.names() for flag in ("--help", "--help-all", "--hidden 0")]
    done = subprocess.run([sys.executable, "-c", LIGHT], input="\n".join(commands), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", tasks.names())
def test_ten_options_come_first_and_all_of_them_on_demand(name: str, capsys: Any) -> None:
    short, long = helped(capsys, "train", name, "--help"), helped(capsys, "train", name, "--help-all")
    shown = set(re.findall(r"^  --([a-z-]+)", short, re.MULTILINE)) - {"help-all"}
    assert len(shown) == 10, shown
    assert {"data", "out", "cell", "hidden", "lr", "minutes", "epochs", "compare"} < shown
    every = {field.name.replace("_", "-") for group in groups(tasks.options(name)) for field in fields(group)}
    every |= {"data", "valid", "test", "skip-bad", "out", "resume", "overwrite"}
    assert set(re.findall(r"^  --([a-z-]+)", long, re.MULTILINE)) - {"help-all"} == every
    (more,) = re.findall(r"^(\d+) more options: elman train \w+ --help-all$", short, re.MULTILINE)
    assert int(more) == len(every) - 10
    assert "more options" not in long
    headings = [line for line in long.splitlines() if re.fullmatch(r"\w+:", line)]
    assert headings == ["Data:", "Output:", "Model:", "Training:", "Budget:", "Comparison:", "Options:"]


COMMANDS = [["train", name, "--help-all"] for name in tasks.names()] + [[verb, "-h"] for verb in verbs()]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fits_a_narrow_screen_and_a_pipe(words: list[str], capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = helped(capsys, *words)
    assert max(map(len, said.splitlines())) <= 80
    assert said.isascii()
    assert "..." not in said.split("\n", 1)[1].replace("TASK ...", "")
    assert "[x>=" not in said
    for option in re.split(r"\n  --", said):
        assert option.count("[default") <= 1, option


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("classify", ["[default: 12]", "[default: detected]", "[default: yes]", "[default: no resampling]"]),
        ("language", ["[default: 5]", "[default: characters]"]),
        ("tag", ["[default: yes, up to 100 tags]"]),
    ],
)
def test_a_default_is_what_holds_for_the_task(name: str, shown: list[str], capsys: Any) -> None:
    said = " ".join(helped(capsys, "train", name, "--help-all").split())
    assert all(each in said for each in shown)


def test_without_a_command_all_of_them_are_shown(capsys: Any) -> None:
    for words in ([], ["train"]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said.startswith("Usage: elman")
        assert all(f"  {each} " in said for each in (tasks.names() if words else verbs()))


def test_the_version_and_python_m(capsys: Any) -> None:
    version = helped(capsys, "--version")
    assert re.fullmatch(r"elman \d+\.\d+\S*\n", version)
    done = subprocess.run([sys.executable, "-m", "elman", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == version


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "there is no command 'trian'; did you mean 'train'? the commands are "),
        (["train", "clasify"], "there is no task 'clasify'; did you mean 'classify'? the tasks are "),
        (
            ["train", "classify", "--hiden", "3"],
            "there is no option --hiden; did you mean --hidden? elman train ",
        ),
        (["cells", "--zzz"], "there is no option --zzz; elman cells --help lists them"),
        (["train", "classify", "--hidden"], "--hidden takes a value, and none is given"),
        (["train", "classify", "--hidden", "many"], "--hidden is a whole number, not 'many'; elman train classify"),
        (["train", "classify", "--lr", "fast"], "--lr is a number, not 'fast'; "),
        (["train", "classify", "--hidden", "0"], "--hidden is 1 or more, not 0"),
        (["evaluate"], "missing argument 'DIR'; elman evaluate --help says more"),
    ],
)
def test_a_mistake_is_one_line_with_what_would_be_right(words: list[str], message: str, capsys: Any) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"elman: {message}")
    assert said.err.count("\n") == 1
    assert not said.out


def test_a_former_name_is_said_in_one_line(capsys: Any) -> None:
    assert main(["train", "classify", "--least", "3", "--data", "none.csv"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "elman: --least is called --min-count now",
        "elman: there is no file none.csv",
    ]
    assert main(["train", "classify", "--least", "3", "--min-count", "2"]) == 2
    assert "given twice, the other time as least" in capsys.readouterr().err


def test_a_warning_of_ours_is_one_line_and_others_are_as_ever(capsys: Any) -> None:
    with main_module._told():
        warnings.warn("two\n  lines", ElmanWarning, stacklevel=1)
    assert capsys.readouterr().err == "elman: two lines\n"
    with pytest.raises(UserWarning, match="theirs"), main_module._told():
        warnings.warn("theirs", UserWarning, stacklevel=1)
