"""``elman cache`` shows what is on disk, and clears it."""

import json
from pathlib import Path
from typing import Any

import pytest

from elman.cli.main import main
from elman.compiler import store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "kernels"))
    return tmp_path / "kernels"


def shown(capsys: Any, *more: str) -> dict[str, Any]:
    assert main(["cache", "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_empty_one(folder: Path, capsys: Any) -> None:
    nothing = {"folder": str(folder), "entries": 0, "bytes": 0, "kinds": {}, "cleared": False}
    assert shown(capsys) == nothing
    assert shown(capsys, "--clear") == {**nothing, "cleared": True}


def test_entries_by_kind_and_none_after_clearing(folder: Path, capsys: Any) -> None:
    for name, key in (("a", "gemm float"), ("b", "Forward False\nmore"), ("c", "Forward True")):
        store.write(name, store.Kernel(key, ("f",), b"code"))
    (folder / "c.kernel").write_bytes(b"damaged")
    (folder / "other.txt").write_text("not ours")
    found = shown(capsys)
    assert found["kinds"] == {"damaged": 1, "forward": 1, "gemm": 1}
    assert found["entries"] == 3
    assert found["bytes"] == sum(path.stat().st_size for path in folder.glob("*.kernel"))
    assert main(["cache"]) == 0
    assert str(folder) in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert "cleared" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["other.txt"]
    assert shown(capsys)["entries"] == 0
