"""The learning benchmark in tiny form: what is solved is said to be, and the tables say what came out."""

import json
import math
from copy import copy
from dataclasses import replace

import learners
import learning
import pytest
import torch
from classic import Adding, Copy
from learners import COURSES, LEARNERS, Course, Model, Outcome

from elman.cells import Cell
from elman.compiler import plan


@pytest.fixture
def tiny(monkeypatch):
    courses = {"adding-600": Course(Adding(2), hidden=8), "copy-500": Course(Copy(1), hidden=8, share=2, norm=True)}
    for module in (learners, learning):
        monkeypatch.setattr(module, "COURSES", courses)


def outcome(learner: str, task: str, error: float | None = 0.5, solved: bool = False, seconds: float = 9.0) -> Outcome:
    return Outcome(learner, task, 0, error, solved, seconds, 100)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_reads_every_course(name):
    for course in COURSES.values():
        model = Model(LEARNERS[name], course, length=9)
        batch = next(copy(course.task).batches(2, seed=0))
        batch = batch._replace(x=batch.x[:, :9], asked=batch.asked[:, :9])
        with plan.use("eager"):
            answers = model(batch)
        assert list(answers.shape) == [batch.asked.sum(), course.task.outputs]
        assert answers.isfinite().all()


@pytest.mark.parametrize(
    ("name", "gate", "sign"),
    [
        ("lstm chrono", "f", 1),
        ("lstm chrono", "i", -1),
        ("gru chrono", "z", 1),
        ("gru_reset_before chrono", "z", 1),
        ("lstm_coupled chrono", "i", -1),
        ("mgu chrono", "f", -1),
        ("mingru chrono", "z", -1),
        ("lem chrono", "s", -1),
        ("lem chrono", "d", -1),
    ],
)
def test_a_slow_gate_starts_with_memories_of_all_lengths(name, gate, sign):
    model = Model(LEARNERS[name], COURSES["adding-600"], length=600)
    for cell in model.recurrent.stack():
        assert isinstance(cell, Cell)
        bias = sum(parameter[cell.rows(gate)] for parameter in learners.biases(cell))
        steps = (sign * bias).exp()
        assert 1 - 1e-4 <= steps.min() < 200
        assert 400 < steps.max() <= 599.1


def test_a_quiet_orthogonal_network_remembers_its_input():
    model = Model(LEARNERS["elman orthogonal"], COURSES["copy-500"], length=520)
    x = torch.zeros(1, 500, 10)
    x[:, 0, 0] = 1
    with plan.use("eager"):
        outputs, _ = model.recurrent(x)
    assert outputs[0, -1].norm() > 0.9 * outputs[0, 0].norm()


def test_solving_ends_the_training(tiny):
    found = learners.train("gru", "adding-600", 0, 20.0)
    assert found.solved
    assert found.error is not None
    assert found.error < 0.01
    assert 1 < found.steps < 2000
    assert 0 < found.seconds < 15
    assert not learners.train("gru", "adding-600", 0, 0.001).solved


def test_weights_that_are_no_longer_numbers_are_no_error(tiny, monkeypatch):
    monkeypatch.setitem(LEARNERS, "gru", replace(LEARNERS["elman relu identity"], rate=1e30))
    found = learners.train("gru", "adding-600", 0, 5.0)
    assert found.error is None
    assert not found.solved
    assert found.seconds < 5


def test_a_run_is_written(tiny, tmp_path, capsys):
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text(f"# Words\n\n{learning.MARK}\nold figures\n")
    options = ["--cells", "elman,gru", "--tasks", "adding-600,copy-500", "--seconds", "0.05", "--seeds", "2"]
    learning.main([*options, "--jobs", "1", "--json", str(figures), "--markdown", str(page)])
    found = json.loads(figures.read_text())
    points = {(row["learner"], row["task"], row["seed"]) for row in found["outcomes"]}
    assert points == {(c, t, s) for c in ("elman", "gru") for t in ("adding-600", "copy-500") for s in (0, 1)}
    assert all(row["seconds"] >= 0.05 or row["solved"] for row in found["outcomes"])
    text = page.read_text()
    assert text.startswith(f"# Words\n\n{learning.MARK}\n\nMade by `python benchmarks/learning.py --cells elman,gru")
    assert "old figures" not in text
    for part in (
        "## Tasks",
        "## Error",
        "## Seconds until solved",
        "## Targets",
        "| copy-500 | 0.875 | 0.01 | 0.1 | 8 |",
    ):
        assert part in text
    printed = capsys.readouterr()
    assert "Seconds until solved" in printed.out
    assert "8/8" in printed.err


def test_processes_share_the_work():
    (found,) = learning.outcomes([("elman", "reber", 4)], seconds=0.01, jobs=2)
    assert (found.learner, found.task, found.seed) == ("elman", "reber", 4)
    assert found.error is not None
    assert found.error > 0.3


def test_mean_and_spread_of_the_seeds():
    seeds = [outcome("gru", "reber", error, solved, 10 * error) for error, solved in ((1, True), (2, True), (3, False))]
    assert learning.error(seeds) == "2 ± 1"
    assert learning.error(seeds[:1]) == "1"
    assert learning.error([*seeds, outcome("gru", "reber", None)]) == "2 ± 1 1 diverged"
    assert learning.error([outcome("gru", "reber", None)]) == "1 diverged"
    assert learning.seconds(seeds) == "15 ± 7 (2 of 3)"
    assert learning.seconds(seeds[:1]) == "10"
    assert learning.seconds(seeds[2:]) == "-"


def test_a_table_has_a_row_for_each_cell():
    found = [outcome(cell, task) for cell in ("gru", "elman") for task in ("reber", "order")]
    rows = learning.table(found, lambda seeds: f"{seeds[0].learner} {seeds[0].task}")
    assert rows == [
        ["cell", "order", "reber"],
        ["elman", "elman order", "elman reber"],
        ["gru", "gru order", "gru reber"],
    ]


def test_targets_are_judged_by_every_seed():
    found = [outcome(cell, "adding-600", solved=True) for cell in ("gru", "lem chrono", "mingru chrono")]
    found += [outcome("elman", "adding-600"), outcome("elman", "copy-500", solved=True)]
    first, second, third, fourth = learning.targets(found)[1:]
    assert first[1:] == ["gru, lem chrono, mingru chrono", "reached"]
    assert second[1:] == ["elman", "reached"]
    assert third[1:] == ["elman", "reached"]
    assert fourth[1:] == ["elman", "missed"]
    assert learning.targets([*found, outcome("gru", "adding-600")])[1][1:] == ["lem chrono, mingru chrono", "missed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "elman,transformer"], "--cells has no 'transformer'; there are elman, "),
        (["--tasks", "chess"], "--tasks has no 'chess'; there are adding-200, "),
        (["--seconds", "0"], "--seconds must be above 0, not 0.0"),
        (["--jobs", "-1"], "--jobs must be above 0, not -1"),
    ],
)
def test_a_wrong_wish_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        learning.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_quick_can_be_said_otherwise():
    chosen = learning.options(["--quick", "--seeds", "2"])
    assert chosen.seeds == 2
    assert chosen.cells == learning.QUICK["cells"].split(",")
    assert math.isclose(chosen.seconds, 4)
