"""What holds for every task. The example of a task is in the test file of its own name."""

import importlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from elman import tasks
from elman.cli.main import main
from elman.training.task import HELD_OUT, WEIGHTS, Sources, evaluate, read_json


@pytest.fixture(params=tasks.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def command(name: str, folder: Path, out: Path, *more: str) -> list[str]:
    """The command that trains a task on its example."""
    source, options = importlib.import_module(f"tasks.{name}.test_{name}").example(folder)
    flags = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    return ["train", name, "--data", str(source), "--out", str(out), *flags, *more]


def weights(out: Path) -> dict[str, Any]:
    """The weights of the best and of the last step, with the optimiser's memory of the last."""
    last = torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)
    return {"best": tasks.restore(out).state_dict(), "last": last["state_dict"], "optimizer": last["optimizer_states"]}


def assert_same(one: Any, other: Any, where: str = "") -> None:
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), f"{where} differs by {float((one - other).abs().max()):.2e}"
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    else:
        assert one == other, where


def test_the_loss_falls_and_what_is_saved_predicts_the_same(name: str, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert main(command(name, tmp_path, out, "--steps", "60")) == 0
    result = read_json(out / "result.json")
    assert result["after"]["loss"] < 0.7 * result["before"]["loss"]
    assert result["task"] == name
    task = tasks.restore(out)
    source, options = importlib.import_module(f"tasks.{name}.test_{name}").example(tmp_path)
    read = task.read(task.options, Sources(source))
    data = task.data(read, out, rows=options["batch"], steps=options.get("bptt", 64), seed=1)
    assert evaluate(task, data.held_out).metrics == result["after"] == result["compared"][name]
    assert evaluate(task, data.test).metrics == result["compared"][name]
    assert data.test_name == result["judged_on"] == HELD_OUT
    assert str(out) in capsys.readouterr().out


KILLED = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from elman.cli import _progress
from elman.cli.main import main

class Killer(_progress.Bar):
    def on_train_batch_end(self, trainer, pl_module, *rest):
        if pl_module.progress.step == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)

_progress.Bar = Killer
main(sys.argv[2:])
"""


def test_a_killed_run_goes_on_to_the_same_weights(name: str, tmp_path: Path, capsys: Any) -> None:
    step = random.SystemRandom().randrange(10, 40)
    more = ["--steps", "40", "--dropout", "0.3", "--save-every", "0.01"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    arguments = [sys.executable, "-c", KILLED, str(step), *command(name, tmp_path, cut, *more)]
    killed = subprocess.run(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (cut / "result.json").exists()
    assert main(command(name, tmp_path, whole, *more)) == 0
    assert main(["train", name, "--out", str(cut), "--resume"]) == 0
    assert_same(weights(cut), weights(whole), f"killed at step {step}: weights")
    one, other = read_json(cut / "result.json"), read_json(whole / "result.json")
    assert one["after"] == other["after"]
    assert one["steps"] == other["steps"] == 40
    assert (cut / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
