"""The CPU benchmark in tiny form: what it measures adds up, and what is not correct is not timed."""

import doctest
import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import elman
from elman import cells
from elman.compiler import plan
from elman.compiler.executors.llvm import peak

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import contenders
import cpu
import memory
import targets
import timing
from contenders import KINDS, Size
from sections import Scale

from tests.cells import adopted

TINY = Size(5, 3, 8)
SCALE = Scale((TINY,), TINY, TINY, TINY, TINY, (8,), timing.Effort(seconds=0.0, least=2, most=2, sample=0.0))


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(cpu, "SHORT", SCALE)
    one_core = replace(cpu.host(), cores=1)
    monkeypatch.setattr(cpu, "host", lambda: one_core)


class Off(nn.Module):
    """A layer with something in it that is not right."""

    def __init__(self, layer: nn.Module, spoil) -> None:
        super().__init__()
        self.layer, self.spoil = layer, spoil

    def named_parameters(self, *args, **options):
        return self.layer.named_parameters(*args, **options)

    def load_state_dict(self, *args, **options):
        return self.layer.load_state_dict(*args, **options)

    def forward(self, x, *rest, **options):
        outputs, last = self.layer(x, *rest, **options)
        return self.spoil(outputs), last


def spoil(monkeypatch, kind, change):
    right = KINDS[kind]
    wrong = replace(right, ours=lambda *sizes: Off(right.ours(*sizes), change))
    monkeypatch.setitem(contenders.KINDS, kind, wrong)


def test_every_section_runs_and_is_written(tiny, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"# Words\n\n{cpu.MARK}\nold figures\n")
    figures = tmp_path / "figures.json"
    cpu.main(["--quick", "--json", str(figures), "--markdown", str(page)])
    found = json.loads(figures.read_text())
    measured = {row["section"] for row in found["figures"]}
    assert {"training", "inference", "language", "custom", "heads", "ragged", "double"} <= measured
    assert measured | set(found["missing"]) == set(cpu.SECTIONS) - set(cpu.FAMILY)
    assert {row["cell"] for row in found["figures"] if row["section"] == "training"} == set(KINDS)
    assert all(row[name] > 0 for row in found["figures"] for name in row if "/" in name)
    assert len(found["targets"]) == len(targets.TARGETS)
    assert page.read_text().startswith(f"# Words\n\n{cpu.MARK}\n\nMade by `python benchmarks/cpu.py --quick")
    assert "old figures" not in page.read_text()
    assert "Geometric means" in capsys.readouterr().out


def test_adopted_modules_are_measured_against_their_own_loop(tiny, tmp_path, monkeypatch):
    two = {name: adopted.PUBLISHED[name] for name in ("mgu", "cornn")}
    monkeypatch.setattr(adopted, "PUBLISHED", two)
    figures = tmp_path / "figures.json"
    cpu.main(["--quick", "--only", "adopted", "--json", str(figures)])
    rows = json.loads(figures.read_text())["figures"]
    assert [row["cell"] for row in rows] == ["mgu", "cornn"]
    assert all(row["loop/elman"] > 0 for row in rows)


def test_a_wrong_output_is_not_timed(tiny, monkeypatch):
    spoil(monkeypatch, "gru", lambda outputs: outputs * 1.001)
    with pytest.raises(SystemExit, match="gru 5x3x8, inference: the outputs is off by"):
        cpu.main(["--quick", "--only", "inference"])


def test_a_wrong_gradient_is_not_timed(tiny, monkeypatch):
    spoil(monkeypatch, "lstm", lambda outputs: 1.001 * outputs - 0.001 * outputs.detach())
    with pytest.raises(SystemExit, match="lstm 5x3x8, training: the gradient of the input is off by"):
        cpu.main(["--quick", "--only", "training"])


def test_nan_is_not_timed():
    value = {"the outputs": torch.ones(3)}
    contenders.refuse("it", value, value)
    with pytest.raises(contenders.Wrong, match="it: the outputs"):
        contenders.refuse("it", {"the outputs": torch.tensor([1.0, 1.0, float("nan")])}, value)


@pytest.mark.parametrize("name", ["mgu", "lif"])
def test_a_cell_that_differs_from_its_loop_is_not_timed(name):
    def change(cell, given, results):
        outputs, last = results
        return (
            (outputs, last) if plan.explained(cell, (True, ()), *given)[0].name == "eager" else (1.001 * outputs, last)
        )

    cell = cells.load(name)(4, 4)
    x = torch.randn(3, 5, 4, requires_grad=True)
    contenders.refuse_cell(cell, x, {})
    cell.register_forward_hook(change)
    with pytest.raises(contenders.Wrong, match=f"{type(cell).__name__}, 3x5x4: "):
        contenders.refuse_cell(cell, x, {})


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_runtime_computes_the_same_layer(kind):
    _, theirs = contenders.twins(kind, 5)
    (x,) = contenders.inputs((7, 3, 5), 1)
    outputs = contenders.Session(kind, theirs, [x]).outputs(x)
    contenders.refuse(kind, {"the outputs": outputs}, {"the outputs": theirs(x)[0]})


def test_floats_kept_counts_storages_once():
    class Square(nn.Module):
        def forward(self, x):
            a = x * 2
            return a * a, None  # a is saved twice, and nothing else

    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.own = [torch.zeros(3 * x.numel())]
            return x.clone()

        @staticmethod
        def backward(ctx, *shares):
            return shares[0]

    class Holder(nn.Module):
        def forward(self, x):
            return Held.apply(x) + 1, None

    x = torch.randn(4, 3, 2, requires_grad=True)
    assert memory.floats_kept(Square(), x) == 1
    assert memory.floats_kept(Holder(), x) == 3
    for layer in (nn.LSTM(2, 2), elman.LSTM(2, 2)):  # each needs the outputs, and some more than that
        assert 1 < memory.floats_kept(layer, torch.randn(50, 4, 2)) < 100


def test_examples():
    assert doctest.testmod(timing, raise_on_error=True).attempted


def test_ratios_are_those_of_the_rounds():
    timings = timing.Timings([{"a": 1.0, "b": 2.0}, {"a": 10.0, "b": 30.0}, {"a": 2.0, "b": 8.0}])
    assert timings.ratio("b", "a") == 3
    assert timings.seconds("a") == 2


def test_contenders_take_turns():
    done = []
    effort = timing.Effort(seconds=0.0, least=3, most=3, sample=0.0)
    timing.compare({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, effort)
    assert "".join(done[-6:]) == "abbaab"


def test_targets_judge_the_worst_and_say_what_was_not_measured():
    ratios = [
        {"section": "training", "cell": "lstm", "B": 1, "H": 8, "torch/elman": r, "share of peak": 0.1} for r in (1, 4)
    ]
    judged = {row["target"]: row for target in targets.TARGETS for row in [target.judge(ratios)]}
    mean = judged["LSTM training against torch.nn, geometric mean"]
    assert mean["value"] == pytest.approx(2)
    assert mean["reached"] is True
    most = targets.Target("most", False, 2.0, targets.of("training", "torch/elman"))
    assert most.judge(ratios) == {"target": "most", "bound": "at most 2", "value": 4, "reached": False}
    assert judged["double backward of an LSTM, in first-order steps"]["reached"] is None


def test_the_peak_counts_its_own_operations():
    most = peak.peak(1)
    most.work()
    seconds = min(timing._timed(most.work, 1) for _ in range(3))
    # more than plain Python could, less than any core has
    assert 1e9 < most.operations / seconds < 1e12


def test_an_unknown_section_is_named(capsys):
    with pytest.raises(SystemExit) as stopped:
        cpu.main(["--only", "speed"])
    assert stopped.value.code == 2
    assert "there is no section 'speed'" in capsys.readouterr().err


def test_inputs_take_turns():
    seen = []
    work = contenders.inference(contenders.inputs((2, 1, 3)), lambda x: seen.append(x.clone()))
    for _ in range(3):
        work()
    assert not any(torch.equal(a, b) for a, b in ((seen[0], seen[1]), (seen[1], seen[2]), (seen[0], seen[2])))
