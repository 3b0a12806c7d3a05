"""Training: budgets, the schedule, stopping, checkpoints and what damages them."""

import csv
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from elman.errors import ElmanError
from elman.learning import Truncated
from elman.tasks.language.task import LanguageOptions, LanguageTask
from elman.training.loop import Progress, _Run, train
from elman.training.settings import Budget, Training
from elman.training.task import Evaluation, Loss, Sources, evaluate

QUICK = Training(batch=2, bptt=8, lr=0.01, warmup=4, save_every=0.0)


class Seen(pl.Callback):
    """Remembers what every step had, and may do something at one of them."""

    def __init__(self, at: int | None = None, do: Any = None) -> None:
        self.at, self.do = at, do
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        self.losses.append(pl_module.progress.loss)
        if pl_module.progress.step + 1 == self.at:
            self.do(pl_module)


def made(folder: Path, seed: int = 0, cell: str = "lstm") -> tuple[LanguageTask, Any]:
    folder.mkdir(exist_ok=True)
    source = folder / "words.txt"
    source.write_text("one two three four five six seven " * 12, encoding="utf-8")
    options = LanguageOptions(cell=cell, hidden=8, embedding=8, dropout=0.2, held_out=0.2)
    torch.manual_seed(seed)
    read = LanguageTask.read(options, Sources(source))
    task = LanguageTask(options, LanguageTask.learn(options, read))
    return task, task.data(read, folder, rows=2, steps=8, seed=1)


def run(folder: Path, budget: Budget, training: Training = QUICK, **more: Any) -> tuple[LanguageTask, Progress]:
    task, data = made(folder)
    return task, train(task, data, folder, training, budget, **more)


def last(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


def test_the_first_budget_reached_ends_the_run(tmp_path: Path) -> None:
    _, data = made(tmp_path)
    assert run(tmp_path / "a", Budget(steps=7))[1].step == 7
    assert run(tmp_path / "b", Budget(epochs=2))[1].step == 2 * data.epoch
    assert run(tmp_path / "c", Budget(steps=7, epochs=2, minutes=10))[1].step == 7
    progress = run(tmp_path / "d", Budget(minutes=0.02))[1]
    assert 1.2 <= progress.seconds < 5
    assert progress.ended == "the budget is used up"


def test_the_learning_rate_rises_and_falls_by_a_cosine(tmp_path: Path) -> None:
    seen = Seen()
    run(tmp_path, Budget(steps=20), callbacks=(seen,))
    cosine = [0.1 + 0.45 * (1 + math.cos(math.pi * step / 20)) for step in range(20)]
    assert seen.rates == pytest.approx([0.01 * min(1, (step + 1) / 4) * c for step, c in enumerate(cosine)])


def test_biases_and_embeddings_do_not_decay(tmp_path: Path) -> None:
    task, data = made(tmp_path)
    groups = _Run(task, data, tmp_path, QUICK, Budget(steps=1)).configure_optimizers().param_groups
    decayed = {id(p) for p in groups[0]["params"]}
    assert {name for name, p in task.named_parameters() if id(p) in decayed} == {
        "recurrent.cells.0.weight_ih",
        "recurrent.cells.0.weight_hh",
    }
    assert sum(len(group["params"]) for group in groups) == len(list(task.parameters()))
    assert [group["weight_decay"] for group in groups] == [QUICK.decay, 0]


def test_the_gradient_is_clipped_by_its_norm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = []
    usual = torch.optim.AdamW.step

    def step(self: Any, *args: Any, **options: Any) -> Any:
        result = usual(self, *args, **options)  # the closure in it makes the gradients
        norms.append(float(nn.utils.get_total_norm([p.grad for g in self.param_groups for p in g["params"]])))
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    run(tmp_path, Budget(steps=3), replace(QUICK, clip=0.01))
    assert norms == pytest.approx([0.01] * 3, rel=1e-4)


def test_the_best_weights_are_kept_and_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([9.0, 3.0, 1.0, 2.0, 5.0])
    monkeypatch.setattr("elman.training.loop.evaluate", lambda *_: Evaluation({"loss": next(losses)}, [], 1, 0.0))
    task, progress = run(tmp_path, Budget(steps=400, patience=2))
    assert progress.before == {"loss": 9.0}
    assert progress.best == {"loss": 1.0}
    assert "2 judgements in a row" in progress.ended
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["elman"]["progress"]["step"] < progress.step == last(tmp_path)["elman"]["progress"]["step"]
    saved = load_file(tmp_path / "model.safetensors")
    for name, value in task.state_dict().items():
        assert torch.equal(value, saved[name])
        assert torch.equal(value, best["state_dict"][f"task.{name}"])


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_finite_ends_the_run_and_harms_nothing(what: str, tmp_path: Path) -> None:
    def spoil(module: Any) -> None:
        usual = module.task.loss

        def loss(batch: Any, state: Any) -> Loss:
            result = usual(batch, state)
            bad = result.value * math.nan if what == "loss" else Spoilt.apply(result.value)
            return result._replace(value=bad)

        module.task.loss = loss

    with pytest.raises(ElmanError, match=r"at step 6: .* norm of the gradient (nan|inf) \(.*try --lr 0.003"):
        run(tmp_path, Budget(steps=20), callbacks=(Seen(5, spoil),))
    kept = last(tmp_path)
    assert kept["elman"]["progress"]["step"] == 5
    assert all(value.isfinite().all() for value in kept["state_dict"].values())
    assert run(tmp_path, Budget(steps=20), resume=True)[1].step == 20


class Spoilt(torch.autograd.Function):
    """The same value, whose gradient is infinite."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        return grads[0] * math.inf


def test_ctrl_c_keeps_a_checkpoint_from_which_the_run_goes_on(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole, _ = run(tmp_path / "whole", Budget(steps=12))
    usual = signal.getsignal(signal.SIGINT)
    stop = Seen(5, lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", Budget(steps=12), replace(QUICK, save_every=1000.0), callbacks=(stop,))
    assert signal.getsignal(signal.SIGINT) is usual
    assert last(tmp_path / "cut")["elman"]["progress"]["step"] == 5
    cut, progress = run(tmp_path / "cut", Budget(steps=12), resume=True)
    torch.set_num_threads(threads)
    assert progress.step == 12
    for name, value in whole.state_dict().items():
        assert torch.equal(value, cut.state_dict()[name]), name


def test_a_finished_run_goes_on_only_with_a_longer_budget(tmp_path: Path) -> None:
    run(tmp_path, Budget(steps=5))
    assert run(tmp_path, Budget(steps=5), resume=True)[1].ended == "the budget was used up already"
    progress = run(tmp_path, Budget(steps=8), resume=True)[1]
    assert (progress.step, progress.ended) == (8, "the budget is used up")


def test_logs_hold_the_loss_the_rate_and_the_speed(tmp_path: Path) -> None:
    seen = Seen()
    _, progress = run(tmp_path, Budget(steps=20), callbacks=(seen,))
    (file,) = (tmp_path / "logs").rglob("metrics.csv")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    losses = {int(row["step"]): float(row["loss"]) for row in rows if row["loss"]}
    assert losses == pytest.approx({10: seen.losses[9], 20: seen.losses[19]})
    assert all(float(row["lr"]) > 0 and float(row["tokens_per_second"]) > 0 for row in rows if row["loss"])
    assert progress.last is not None
    assert float([row for row in rows if row["held_out_loss"]][-1]["held_out_loss"]) == progress.last["loss"]
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


def test_a_checkpoint_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    run(tmp_path, Budget(steps=2))
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ElmanError, match=r"last.ckpt is damaged or was changed: its checksum"):
        run(tmp_path, Budget(steps=4), resume=True)


class Harm:
    """What calls a function when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    run(tmp_path, Budget(steps=2))
    torch.save({**last(tmp_path), "harm": Harm(tmp_path / "harm")}, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(ElmanError, match=r"last.ckpt is damaged"):
        run(tmp_path, Budget(steps=4), resume=True)
    assert not (tmp_path / "harm").exists()


def test_nothing_random_is_used_up_by_judging(tmp_path: Path) -> None:
    task, data = made(tmp_path)
    before = torch.get_rng_state()
    task.train()
    assert evaluate(task, data.held_out).metrics == evaluate(task, data.held_out).metrics
    assert torch.equal(torch.get_rng_state(), before)
    assert task.training


def test_truncated_by_the_whole_length_is_full() -> None:
    task = LanguageTask(LanguageOptions(hidden=6, embedding=4), {"tokens": "bytes"}).eval()
    tokens = torch.randint(256, (2, 13))

    cell: Any = task.recurrent.cells[0]

    def gradient(steps: int) -> torch.Tensor:
        task.zero_grad()
        state, learning = None, Truncated(steps)
        for part in tokens.split(steps, 1):
            with learning.window(task, state) as window:
                logits, end = task(part, window.state)
            logits.square().sum().backward()
            state = window.carry(end)
        return cell.weight_hh.grad.clone()

    task.zero_grad()
    task(tokens)[0].square().sum().backward()
    full = cell.weight_hh.grad.clone()
    torch.testing.assert_close(gradient(13), full)
    assert not torch.allclose(gradient(4), full)
    with pytest.raises(ElmanError, match="at least 1, not 0"):
        Truncated(0)


@pytest.mark.parametrize(("learning", "cell"), [("rtrl", "mingru"), ("snap1", "lstm"), ("checkpointed", "gru")])
def test_other_ways_to_learn_train_and_go_on_as_if_never_cut(learning: str, cell: str, tmp_path: Path) -> None:
    def run(folder: Path, **more: Any) -> dict[str, Any]:
        task, data = made(folder, cell=cell)
        train(task, data, folder, replace(QUICK, learning=learning, save_every=1000.0), Budget(steps=8), **more)
        return last(folder)

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", callbacks=(Seen(4, lambda _: signal.raise_signal(signal.SIGINT)),))
    assert last(tmp_path / "cut")["elman"]["progress"]["step"] == 4
    cut = run(tmp_path / "cut", resume=True)
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, cut["state_dict"][name]), name
    influence = whole["elman"]["carried"]["influence"] if learning != "checkpointed" else {}
    assert list(influence) == ["recurrent.cells.0"] * (learning != "checkpointed")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"learning": "magic"}, r"--learning is truncated, .*, not 'magic'"),
        ({"clipping": "hard"}, r"--clipping is norm, value, adaptive, not 'hard'"),
        ({"learning": "rtrl"}, r"RTRL cannot follow LSTMCell"),
    ],
)
def test_what_training_cannot_do_is_refused(wrong: dict[str, Any], right: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=right):
        run(tmp_path, Budget(steps=2), replace(QUICK, **wrong))
