"""Several devices, which are processes here: what they learn together is what one learns from the same rows."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import ElmanError
from elman.tasks.classify.task import ClassifyExamples, ClassifyOptions, ClassifyTask
from elman.training.loop import train
from elman.training.settings import Budget, Training, configured
from elman.training.signals import Terminated, ended_by_signals
from elman.training.task import Sources, evaluate
from tests.tasks.classify.test_classify import example

ROWS = 12  # of each device; they divide the rows to learn from


class Together:
    """What two devices see at a step, as one batch."""

    def __init__(self, data: ClassifyExamples) -> None:
        self.data, self.epoch = data, data.epoch // 2
        self.learnt, self.batches = data.learnt, data.batches
        self.held_out, self.test, self.test_name = data.held_out, data.test, data.test_name

    def batch(self, step: int) -> Any:
        rows = [self.data.batches[step], self.data.batches[step + self.epoch]]
        return self.data.task.batch(self.data.learnt, self.data.truth, np.concatenate(rows))

    def describe(self) -> str:
        return "both"


def made(folder: Path, seed: int = 0) -> tuple[ClassifyTask, ClassifyExamples]:
    source, _ = example(folder)
    options = ClassifyOptions(hidden=6, embedding=6, spelling=4, dropout=0.0, word_dropout=0.0, min_count=1)
    read = ClassifyTask.read(options, Sources(source))
    torch.manual_seed(seed)
    task = ClassifyTask(options, ClassifyTask.learn(options, read))
    return task, task.data(read, folder, rows=ROWS, steps=0, seed=1)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_two_processes_give_the_loss_of_one(tmp_path: Path) -> None:
    training, budget = {"batch": 2 * ROWS, "lr": 0.02, "warmup": 3}, Budget(steps=6)
    task, data = made(tmp_path)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    two = train(task, data, tmp_path / "two", Training(**training, devices=2), budget)
    single, whole = made(tmp_path)
    one = train(single, Together(whole), tmp_path / "one", Training(**training), budget)
    assert two.step == one.step == 6
    assert two.ended == one.ended == "the budget is used up"
    assert two.best == pytest.approx(one.best, rel=1e-4)
    assert two.tokens == one.tokens == 6 * 2 * ROWS
    for name, value in single.state_dict().items():
        torch.testing.assert_close(task.state_dict()[name], value, rtol=1e-3, atol=1e-5)
    moved = [float((value - before[name]).abs().max()) for name, value in task.state_dict().items()]
    assert max(moved) > 0.02  # so that being close means something
    assert evaluate(task, data.held_out).metrics == two.best


def test_a_mistake_in_another_process_is_one_line(tmp_path: Path) -> None:
    task, data = made(tmp_path)
    training = Training(batch=2 * ROWS, devices=2, lr=1e38, warmup=0)
    with pytest.raises(ElmanError, match=r"training broke off at step \d: the loss is") as error:
        train(task, data, tmp_path / "out", training, Budget(steps=200))
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_processes_stop_together_behind_a_step(tmp_path: Path) -> None:
    out, over = tmp_path / "out", threading.Event()
    last = out / "checkpoints" / "last.ckpt"

    def terminate() -> None:
        while not last.exists() and not over.wait(0.05):
            pass
        if not over.wait(1):
            os.kill(os.getpid(), signal.SIGTERM)

    task, data = made(tmp_path)
    training = Training(batch=2 * ROWS, devices=2, save_every=1000.0)
    thread = threading.Thread(target=terminate)
    thread.start()
    with ended_by_signals(), pytest.raises(Terminated):
        train(task, data, out, training, Budget(steps=100_000))
    over.set()
    thread.join()
    kept = torch.load(last, weights_only=True)["elman"]["progress"]
    assert kept["step"] > 0
    assert kept["ended"] == ""


def test_devices_and_precision_that_cannot_be() -> None:
    with pytest.raises(ElmanError, match="4 devices cannot share a batch of 3"):
        Training(batch=3, devices=4)
    with pytest.raises(ElmanError, match="--precision is 32 or bf16, not '16'"):
        configured(ClassifyOptions, Training, {"precision": "16"})
    assert Training(batch=64, devices=3).rows == 21


def test_products_in_bfloat16_learn_too(tmp_path: Path) -> None:
    task, data = made(tmp_path)
    progress = train(task, data, tmp_path / "out", Training(batch=ROWS, lr=0.03, precision="bf16"), Budget(steps=60))
    assert progress.before is not None
    assert progress.best is not None
    assert progress.best["loss"] < 0.9 * progress.before["loss"]
    assert all(value.dtype == torch.float32 for value in task.state_dict().values())
