"""One way to train any task, on Lightning: a budget, a schedule, and checkpoints from which a cut run goes on."""

import logging
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from elman.data.plain import Count, Endless, Within, restored
from elman.errors import ElmanError
from elman.learning import (
    RTRL,
    AdaptiveClip,
    Checkpointed,
    Clip,
    ClipNorm,
    ClipValue,
    EProp,
    Learning,
    SnAp1,
    Truncated,
)
from elman.training import manifest
from elman.training.checkpoints import WholeFiles, moved, randomness, randomness_kept, seed_all, set_randomness
from elman.training.folders import CHECKPOINTS, LAST, LOGS, TOKENS, UNTRAINED_WEIGHTS, load_weights, save_weights
from elman.training.judging import affordable, affordable_beside, in_part
from elman.training.measures import improved
from elman.training.options import MINUTES
from elman.training.resumed import check_checkpoint, check_loops, identity
from elman.training.settings import Budget, Training
from elman.training.signals import ENDING, put_off
from elman.training.task import Task, TrainingData, evaluate

T = TypeVar("T")
LOG_EVERY = 10  # steps
ANEW = "train anew with --overwrite"
Seconds = Annotated[float, Within(min=0)]
Measured = Annotated[float, Endless()]
LIGHTNING_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}  # of ours, as the option has them
LEARNING: dict[str, Callable[[int], Learning]] = {
    "truncated": Truncated,
    "checkpointed": lambda steps: Checkpointed(every=math.isqrt(steps)),  # which keeps least
    "rtrl": RTRL,
    "snap1": SnAp1,
    "eprop": EProp,
}
CLIPPING: dict[str, Callable[[float], Clip]] = {"norm": ClipNorm, "value": ClipValue, "adaptive": AdaptiveClip}


@dataclass
class Progress:
    """How far a run is: plain values that are kept with every checkpoint."""

    step: Count = 0
    seconds: Seconds = 0.0  # of all sessions together
    judging: Seconds = 0.0  # of them, spent on the held-out part
    cost: Seconds = 0.0  # seconds of one judgement
    tokens: Count = 0
    loss: Measured = math.nan  # of the last step
    norm: Measured = math.nan  # of the last step's gradient
    before: dict[str, Measured] | None = None  # the metrics of the held-out part
    last: dict[str, Measured] | None = None
    best: dict[str, Measured] | None = None
    best_step: Count = 0  # after which that was
    stale: Count = 0  # judgements since the best
    judged_at: Seconds = 0.0
    saved_at: Seconds = 0.0
    due: bool = False  # a judgement, which a signal broke off
    ended: str = ""  # why
    share: Annotated[float, Within(min=0, max=1)] = 1.0  # of the held-out part, where it can be divided, that is judged

    @property
    def speed(self) -> float:
        """Tokens learnt from in a second."""
        return self.tokens / max(self.seconds - self.judging, 1e-9)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is a run in the folder that can go on."""
    return (folder / LAST).exists()


def train(
    task: Task,
    data: TrainingData,
    folder: Path,
    training: Training,
    budget: Budget,
    *,
    resume: bool = False,
    callbacks: tuple[pl.Callback, ...] = (),
) -> Progress:
    """Train a task; its best weights are in the folder, and in the task, afterwards.

    Args:
        task: what to train, in place.
        data: what to learn from.
        folder: where weights, checkpoints and logs go.
        training: how to train.
        budget: how long.
        resume: go on from the last checkpoint in the folder, exactly as if the run had never stopped.
        callbacks: Lightning's, such as one that shows progress; ``trainer.lightning_module.progress`` tells it.

    Raises:
        ElmanError: a loss or a gradient that is not finite, or a checkpoint that is damaged.
        KeyboardInterrupt: Ctrl-C, once the step is done and a checkpoint written.
        Terminated: so too, a signal that the command line ends by.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(task.train(), data, folder, training, budget)
    several = training.devices > 1
    with _quiet_lightning(), _raised_behind_the_step(run), _one_line_errors():
        csv = CSVLogger(folder, LOGS)
        trainer = pl.Trainer(
            accelerator="auto",
            devices=training.devices,
            # started anew, since kernels and their threads do not survive a fork
            strategy=DDPStrategy(start_method="spawn") if several else "auto",
            precision=LIGHTNING_PRECISIONS[training.precision],  # pyright: ignore[reportArgumentType]
            max_epochs=-1,
            max_steps=-1,
            logger=[csv, TensorBoardLogger(folder, LOGS, csv.version)],
            callbacks=list(callbacks),
            plugins=[WholeFiles(folder)],
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        # what signals do is decided in one place; Lightning's own handler makes of SIGTERM a run that has succeeded
        trainer._signal_connector.register_signal_handlers = _no_handlers
        run.launcher = trainer.strategy.launcher
        last = folder / LAST
        trainer.fit(run, _Steps(run), ckpt_path=str(last) if resume else None, weights_only=True)
    if several:  # the run that went on is that of another process
        run.on_load_checkpoint(WholeFiles(folder).load_checkpoint(last), ended=True)
    load_weights(task.cpu(), folder)
    task.eval()
    return run.progress


class _Steps:
    """The batches from the first step that is not done yet, without end."""

    def __init__(self, run: "_Run") -> None:
        self.run = run

    def __iter__(self) -> Iterator[Any]:
        data, devices = self.run.data, self.run.training_options.devices
        # each device begins at another part of the data, and goes on from batch to batch, as a carried state must
        step = self.run.progress.step + self.run.global_rank * (data.epoch // devices)
        while True:
            yield data.batch(step)
            step += 1


class _Run(pl.LightningModule):
    """What happens at each step, and what is kept of it."""

    def __init__(self, task: Task, data: TrainingData, folder: Path, training: Training, budget: Budget) -> None:
        super().__init__()
        self.task, self.data, self.folder, self.training_options, self.budget = task, data, folder, training, budget
        self.place = folder.stat()
        self.progress = Progress()
        self.learning: Learning = _chosen("learning", LEARNING, training.learning)(training.bptt)
        clip = _chosen("clipping", CLIPPING, training.clipping)
        self.clip = clip(training.clip) if training.clip else ClipNorm(math.inf)
        self.carried: Any = None
        self.randomness: dict[str, Any] | None = None  # to go on with
        self.stopped: BaseException | None = None  # to be raised once the step is done
        self.judging = False
        self.launcher: Any = None  # of the processes, where there are several
        self.clock = 0.0  # when this session began, were it the only one
        limits = [
            budget.steps,
            None
            if budget.epochs is None
            else max(budget.min_steps, round(budget.epochs * data.epoch / training.devices)),
        ]
        self.steps = min((limit for limit in limits if limit is not None), default=None)
        self.seconds = None if budget.minutes is None else 60 * budget.minutes
        if self.steps is None and self.seconds is None:
            self.seconds = 60 * MINUTES

    def stop(self, why: BaseException) -> None:
        """End the run after its step, or within a judgement, which changes nothing."""
        self.stopped = why
        if self.launcher is not None:
            self.launcher.kill(signal.SIGTERM)  # they stop together
        elif self.judging:
            raise _BrokenOff

    def share(self) -> float:
        """How much of the budget is used, from 0 to 1."""
        by_steps = self.progress.step / self.steps if self.steps else 0.0
        by_time = self.progress.seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        matrices, others = [], []
        for module in self.task.modules():
            for parameter in module.parameters(recurse=False):
                # an embedding's rows are learnt at different paces, and a bias has nothing to unlearn
                decays = parameter.dim() > 1 and not isinstance(module, nn.Embedding)
                (matrices if decays else others).append(parameter)
        groups = [
            {"params": matrices, "weight_decay": self.training_options.decay},
            {"params": others, "weight_decay": 0.0},
        ]
        # in one pass over memory: a large embedding costs a quarter of what it does in several
        return torch.optim.AdamW(groups, lr=self.training_options.lr, betas=(0.9, 0.99), fused=True)

    def on_fit_start(self) -> None:
        if self.training_options.devices > 1:  # in a process of its own, which the first one tells to stop
            for number in ENDING:
                signal.signal(number, lambda *_: setattr(self, "stopped", KeyboardInterrupt()))

    def on_train_start(self) -> None:
        if self.progress.before is None:
            if self.seconds is not None:
                self.progress.share = self._agreed(affordable(self.task, self.data.held_out, self.seconds))
            elif self.steps is not None:  # not by the clock, so that the same run judges the same again
                learnt = self.steps * self.task.batch_steps(self.data)
                self.progress.share = affordable_beside(self.data.held_out, learnt)
            began = time.monotonic()
            self.progress.before = self._judged()
            self.progress.cost = self._agreed(time.monotonic() - began)
            if self.trainer.is_global_zero:  # what judging found out is in them as well, such as a threshold
                save_weights(self.task, self.folder, UNTRAINED_WEIGHTS)
        self.carried = moved(self.carried, self.device)  # a checkpoint is read before the model is on its device
        self.clock = time.monotonic() - self.progress.seconds
        if self.training_options.devices > 1:  # each draws its own, from a start that this session and it have alone
            seed_all(self.training_options.seed + 1_000_003 * (self.progress.step + 1) + self.global_rank)
        elif self.randomness is not None:
            set_randomness(self.randomness)
        if self.progress.step == 0:
            self._save("last")
        if self.progress.due:
            self._close_step()
        elif self.progress.best is not None and self.share() >= 1:
            self.progress.ended = "the budget was used up already"
        self.trainer.should_stop = self._agreed(bool(self.progress.ended) or self.stopped is not None)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        if self.trainer.should_stop:
            return -1
        options = self.training_options
        warm = min(1.0, (self.progress.step + 1) / max(1, options.warmup))
        lr = options.lr * warm * (0.1 + 0.45 * (1 + math.cos(math.pi * self.share())))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = lr
        return None

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        with self.learning.window(self.task, self.carried) as window:
            loss = self.task.loss(batch, window.state)
        self.carried = window.carry(loss.state)
        self.progress.tokens += loss.number * self.training_options.devices
        self.progress.loss = float(loss.value.detach())
        return loss.value

    def configure_gradient_clipping(self, *args: Any, **options: Any) -> None:
        norm = float(self.clip(self.task.parameters()))
        if not (math.isfinite(norm) and math.isfinite(self.progress.loss)):
            lr = self.trainer.optimizers[0].param_groups[0]["lr"]
            raise ElmanError(
                f"training broke off at step {self.progress.step + 1}: the loss is {self.progress.loss:g}, the norm of "
                f"the gradient {norm:g} ({self.progress.norm:g} the step before), the learning rate {lr:.2g}; what was "
                f"saved before is whole: try --lr {self.training_options.lr / 3:.1g} or a smaller --clip"
            )
        self.progress.norm = norm

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        progress = self.progress
        progress.step += 1
        progress.seconds = self._elapsed()
        progress.due = self.share() >= 1 or self._judging_is_due()
        self._close_step()
        if progress.step % LOG_EVERY == 0:
            lr = self.trainer.optimizers[0].param_groups[0]["lr"]
            self._log({"loss": progress.loss, "norm": progress.norm, "lr": lr, "tokens_per_second": progress.speed})

    def _close_step(self) -> None:
        """Judge where that is due, see whether the run ends here, and keep a checkpoint."""
        progress = self.progress
        if progress.due:
            self._judge()
        if not progress.due:
            if self.share() >= 1:
                progress.ended = "the budget is used up"
            elif self.budget.patience is not None and progress.stale >= self.budget.patience:
                progress.ended = f"{progress.stale} judgements in a row were no better"
        stop = self._agreed(bool(progress.ended) or self.stopped is not None)
        if stop or progress.seconds - progress.saved_at >= self.training_options.save_every:
            self._save("last")
        self.trainer.should_stop = stop

    def _elapsed(self) -> float:
        return self._agreed(time.monotonic() - self.clock)

    def _agreed(self, value: T) -> T:
        """A time, say, on which all devices agree, so that they judge and end at the same step."""
        return self.trainer.strategy.broadcast(value)

    def _judging_is_due(self) -> bool:
        """Twenty times a run, unless that would cost more than about a twentieth of it."""
        if self.steps is not None:  # counted in steps, so that a run that goes on judges at the same ones
            return self.progress.step % max(1, self.steps // 20, 8 * len(self.data.held_out)) == 0
        assert self.seconds is not None  # one of the two is always set
        return self.progress.seconds - self.progress.judged_at >= max(self.seconds / 20, 25 * self.progress.cost)

    def _judge(self) -> None:
        progress, began = self.progress, time.monotonic()
        try:
            progress.last = self._judged()
        except _BrokenOff:
            return  # it stays due
        progress.due = False
        if progress.best is None or improved(progress.last, progress.best, self.task.monitor):
            progress.best, progress.best_step, progress.stale = progress.last, progress.step, 0
            if self.trainer.is_global_zero:
                self._check_place()
                save_weights(self.task, self.folder)
            self._save("best")
        else:
            progress.stale += 1
        self._log({f"held_out_{name}": value for name, value in progress.last.items()})
        progress.cost = self._agreed(time.monotonic() - began)
        progress.judging += progress.cost
        progress.seconds = progress.judged_at = self._elapsed()

    def _judged(self) -> dict[str, float]:
        """The metrics of the held-out part; a signal breaks this off, where there is one process."""
        if self.stopped is not None and self.launcher is None:
            raise _BrokenOff
        self.judging = True
        try:
            return evaluate(self.task, in_part(self.data.held_out, self.progress.share)).metrics
        finally:
            self.judging = False

    def _check_place(self) -> None:
        """Refuse to write where another folder has taken the place of the run's own."""
        if not os.path.samestat(self.folder.stat(), self.place):
            raise ElmanError(f"{self.folder} is another folder than the run began in; nothing more is written to it")

    def _log(self, metrics: dict[str, float]) -> None:
        self._check_place()
        for logger in self.trainer.loggers:
            logger.log_metrics(metrics, self.progress.step)
            logger.save()

    def _save(self, name: str) -> None:
        self._check_place()
        self.progress.saved_at = self.progress.seconds
        self.trainer.save_checkpoint(self.folder / CHECKPOINTS / f"{name}.ckpt", weights_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["elman"] = {
            "run": self.identity(),
            "progress": asdict(self.progress),
            "budget": asdict(self.budget),
            "carried": self.carried,
            "randomness": randomness(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any], ended: bool = False) -> None:
        kept = checkpoint["elman"]
        try:
            check_checkpoint(checkpoint, self, self.configure_optimizers(), self.identity(), self._carried)
            if not ended:
                check_loops(checkpoint["loops"], self.trainer.fit_loop.state_dict())
            self.progress = restored(Progress, kept["progress"], "how far it is")
        except ElmanError as error:
            raise ElmanError(f"{self.folder / LAST} is damaged, or of another run: {error}; {ANEW}") from error
        another = kept.get("budget") != asdict(self.budget)
        if self.progress.ended and another and not ended:
            self.progress.ended, self.progress.stale = "", 0
        self.carried = kept["carried"]
        self.randomness = kept["randomness"]

    def identity(self) -> dict[str, Any]:
        """What a checkpoint says of this run."""
        return identity(self.task, asdict(self.training_options), manifest.sums(self.folder, TOKENS))

    def _carried(self) -> Any:
        """What a batch leaves for the next one."""
        with randomness_kept(), self.learning.window(self.task, None) as window:
            loss = self.task.loss(self.data.batch(0), window.state)
        return window.carry(loss.state)


def _chosen(option: str, choices: dict[str, Any], name: str) -> Any:
    if name not in choices:
        raise ElmanError(f"--{option} is {', '.join(choices)}, not {name!r}")
    return choices[name]


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """A user's mistake that another process ran into, as it would be in this one."""
    try:
        yield
    except ProcessRaisedException as error:
        kind, _, message = str(error).strip().splitlines()[-1].partition(": ")
        if kind.endswith(ElmanError.__name__):
            raise ElmanError(message) from error
        raise


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without Lightning's hints, which tell people to change what they did not write, and its loggers' tracebacks."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    usual = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        # a full disk, which the thread that writes for TensorBoard hands on to the run as well
        if not (issubclass(failed.exc_type, OSError) and type(failed.thread).__name__ == "_AsyncWriterThread"):
            usual(failed)

    threading.excepthook = hook
    try:
        with warnings.catch_warnings():
            # of Lightning's own use of PyTorch
            warnings.filterwarnings("ignore", r".*LeafSpec.* is deprecated", module=r"lightning\.")
            yield
    finally:
        threading.excepthook = usual
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _BrokenOff(BaseException):
    """A judgement was broken off by a signal."""


@contextmanager
def _raised_behind_the_step(run: _Run) -> Iterator[None]:
    """Let the first signal that would raise an exception end the run after its step, and raise it then."""
    try:
        with put_off(run.stop):
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # of which Lightning makes the end of the program
            raise KeyboardInterrupt from None
        raise
    except (_BrokenOff, ProcessExitedException):
        if run.stopped is None:
            raise
    if run.stopped is not None:
        raise run.stopped


def _no_handlers() -> None:
    """In the place of what Lightning does about signals."""
