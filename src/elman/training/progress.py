"""What a person sees while a model trains."""

from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from elman.training.loop import Progress as Run


class Bar(pl.Callback):
    """A bar with the loss and the speed; without a terminal, one line for each judgement on the held-out part."""

    def __init__(self) -> None:
        self.bar: Progress | None = None  # made where it is shown, which may be another process
        self.shown: dict[str, float] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if not trainer.is_global_zero:
            return
        console = Console(stderr=True)
        self.bar = Progress(
            BarColumn(),
            TextColumn("{task.percentage:.0f} %  {task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.bar.add_task("", total=1.0)
        self.shown = pl_module.progress.last
        self.bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.bar is None:
            return
        run: Run = pl_module.progress
        text = f"step {run.step:,}  loss {run.loss:.3f}  {run.speed:,.0f} {pl_module.task.unit}/s"
        if run.last is not None:
            text += f"  held-out {run.last['loss']:.3f}"
        self.bar.update(self.bar.task_ids[0], completed=pl_module.share(), description=text)
        if run.last is not self.shown and not self.bar.console.is_terminal:
            self.bar.console.print(text, highlight=False, soft_wrap=True)
        self.shown = run.last

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        if self.bar is not None:
            self.bar.stop()
