"""What the Tab key offers, as a shell asks for it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elman.cli.main import main

ASK = "import sys; from elman.cli.main import main; sys.exit(main())"


def offered(capsys: Any, monkeypatch: Any, line: str) -> list[str]:
    """What bash is offered behind a line."""
    monkeypatch.setenv("_ELMAN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with pytest.raises(SystemExit) as ended:
        main([])
    said = capsys.readouterr()
    assert (ended.value.code, said.err) == (0, "")
    return said.out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("elman tr", ["train"]),
        ("elman train cl", ["classify"]),
        ("elman train classify --ce", ["--cell"]),
        ("elman train classify --cell gru_d", ["gru_decay"]),
        ("elman train classify --cell transf", ["transformer"]),
        ("elman train classify --compare gru,minl", ["gru,minlstm"]),
        ("elman explain cf", ["cfc"]),
        ("elman train nothing --", ["--help"]),
    ],
)
def test_names_are_offered(line: str, expected: list[str], capsys: Any, monkeypatch: Any) -> None:
    assert offered(capsys, monkeypatch, line) == expected


def test_model_folders_are_offered(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    for name in ("runs/one", "runs/deep/two"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "options.json").touch()
    (tmp_path / "runs" / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert offered(capsys, monkeypatch, "elman predict ") == ["runs/deep/two", "runs/one"]
    assert offered(capsys, monkeypatch, "elman predict ./runs/o") == ["./runs/one"]
    assert offered(capsys, monkeypatch, f"elman chat {tmp_path}/runs/d") == [f"{tmp_path}/runs/deep/two"]


def test_pytorch_is_not_imported_for_it(monkeypatch: Any) -> None:
    monkeypatch.setenv("_ELMAN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "elman train classify --cell l")
    monkeypatch.setenv("COMP_CWORD", "4")
    code = f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); {ASK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split()[-1] == "False"
    assert "lstm" in done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    with pytest.raises(SystemExit):
        main(["--show-completion"])
    assert "_ELMAN_COMPLETE=complete_" + shell in capsys.readouterr().out
