"""The benchmark of the tasks in tiny form: a set is trained on, one that is not there is left out, both are said."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

# by its path, since the tests of the tasks lie in a folder of the same name
SPEC = importlib.util.spec_from_file_location(
    "benchmark_of_tasks", Path(__file__).parents[2] / "benchmarks" / "tasks.py"
)
assert SPEC is not None
assert SPEC.loader is not None
tasks = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = tasks
SPEC.loader.exec_module(tasks)
MARK, SETS, Bound, Set = tasks.MARK, tasks.SETS, tasks.Bound, tasks.Set

TINY = {
    "rhymes": Set(
        "classify --data rhymes/all.csv --steps 40 --hidden 8 --lr 0.02",
        5,
        (Bound("accuracy", least=1.5, than="majority"), Bound("log_loss", most=1e-9)),
    ),
    "gone": Set("tag --data gone/train.conll", 5, (Bound("f1", least=0.5),)),
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
    assert found["compared"]["classify"]["accuracy"] > 0.9
    assert found["compared"]["majority"]["accuracy"] == 0.5
    assert found["speeds"]["rows_per_second"] > 0
    assert "gone was not measured" in capsys.readouterr().out
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"# Words\n\n{MARK}\n\nMade by")
    (accuracy,) = (line for line in written.splitlines() if line.startswith("| rhymes | accuracy |"))
    assert "| at least 1.5 times majority | reached |" in accuracy
    (loss,) = (line for line in written.splitlines() if line.startswith("|  | log loss |"))
    assert "| at most 1e-09 | missed |" in loss
    assert f"    elman train {TINY['rhymes'].command}" in written
    assert "old figures" not in written


def test_what_was_measured_before_is_not_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "SETS", TINY)
    monkeypatch.setattr(tasks, "train", lambda *_: pytest.fail("it trains again"))
    data, page, figures = tmp_path / "data", tmp_path / "page.md", tmp_path / "figures.json"
    (data / "rhymes").mkdir(parents=True)
    compared = {"classify": {"accuracy": 0.7, "log_loss": 0.0}, "majority": {"accuracy": 0.5, "log_loss": 0.7}}
    kept = {"name": "rhymes", "compared": compared, "minutes": 6.0, "speeds": {}}
    figures.write_text(json.dumps([kept]), encoding="utf-8")
    page.write_text(f"{MARK}\n", encoding="utf-8")
    tasks.main(["--data", str(data), "--json", str(figures), "--markdown", str(page)])
    assert json.loads(figures.read_text(encoding="utf-8")) == [kept]
    assert page.read_text(encoding="utf-8").count("| missed |") == 2, "it took more minutes than it may"


@pytest.mark.parametrize(
    ("bound", "held", "best", "text"),
    [
        (Bound("error", most=0.5), True, "0.8, one", "at most 0.5"),
        (Bound("error", most=0.5, than="one"), True, "0.8, one", "at most 0.5 times one"),
        (Bound("error", most=0.5, than="other"), True, "0.8, one", "at most 0.5 times other"),
        (Bound("error", most=0.3, than="other"), False, "0.8, one", "at most 0.3 times other"),
        (Bound("error", least=0.3), True, "1, other", "at least 0.3"),
        (Bound("error", least=0.1, most=0.3), False, "", "0.1 to 0.3"),
        (Bound("share", least=0.9), True, "", "at least 0.9"),
    ],
)
def test_a_bound_is_held_or_not(bound, held, best, text):
    compared = {"model": {"error": 0.4, "share": 0.9}, "one": {"error": 0.8}, "other": {"error": 1.0}}
    assert bound.holds(compared) is held
    assert bound.best(compared) == best
    assert str(bound) == text


def test_an_unknown_set_is_named(capsys):
    with pytest.raises(SystemExit):
        tasks.main(["--data", ".", "--only", "trec,treck"])
    assert "there is no set 'treck'; the sets are sst2, trec" in capsys.readouterr().err


def test_every_command_is_one_of_a_task():
    for each in SETS.values():
        assert (Path(str(tasks.__file__)).parents[1] / "src/elman/tasks" / each.command.split()[0]).is_dir()
