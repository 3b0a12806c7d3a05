"""The benchmark of the tasks in tiny form: a set is trained on, one that is not there is left out, both are said."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import tasks
from tasks import MARK, SETS, Set

TINY = {
    "rhymes": Set(
        "classify --data rhymes/all.csv --steps 40 --hidden 8 --lr 0.02", "accuracy", 1.5, 5, than="majority"
    ),
    "gone": Set("tag --data gone/train.conll", "span_f1", 0.5, 5),
}


def test_what_is_reached_is_said_beside_what_a_simple_method_reaches(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "SETS", TINY)
    data, page, figures = tmp_path / "data", tmp_path / "page.md", tmp_path / "figures.json"
    (data / "rhymes").mkdir(parents=True)
    rows = [f"{word} {n},{word}" for n in range(60) for word in ("cat", "dog")]
    (data / "rhymes" / "all.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    page.write_text(f"# Words\n\n{MARK}\nold figures\n", encoding="utf-8")
    tasks.main(["--data", str(data), "--json", str(figures), "--markdown", str(page)])
    (found,) = json.loads(figures.read_text(encoding="utf-8"))
    assert found["name"] == "rhymes"
    assert found["value"] > 0.9
    assert found["reached"] is (found["value"] >= 1.5 * 0.5)
    assert found["speeds"]["rows_per_second"] > 0
    assert "gone was not measured" in capsys.readouterr().out
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"# Words\n\n{MARK}\n\nMade by")
    assert "| rhymes | accuracy |" in written
    assert f"    elman train {TINY['rhymes'].command}" in written
    assert "old figures" not in written


def test_an_unknown_set_is_named(capsys):
    with pytest.raises(SystemExit):
        tasks.main(["--data", ".", "--only", "trec,treck"])
    assert "there is no set 'treck'; the sets are sst2, trec" in capsys.readouterr().err


def test_every_command_is_one_of_a_task():
    for each in SETS.values():
        assert (Path(tasks.__file__).parents[1] / "src/elman/tasks" / f"{each.command.split()[0]}.py").exists()
