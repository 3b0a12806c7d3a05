"""What a person sees while a model trains: on a terminal, in a notebook, or line by line where neither is."""

import html
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from elman.training.loop import Progress as Run

EVERY = 0.2  # seconds between two pictures of a bar in a notebook


class View(Protocol):
    """Where a bar is shown."""

    def show(self, share: float, text: str, judged: bool) -> None:
        """Show how much is done, from 0 to 1, and what there is to say; ``judged`` after each judgement."""
        ...

    def stop(self) -> None:
        """Leave the place to what comes next."""
        ...


class Bar(pl.Callback):
    """A bar with the loss and the speed; without a terminal, one line for each judgement on the held-out part."""

    def __init__(self) -> None:
        self.view: View | None = None  # made where it is shown, which may be another process
        self.shown: dict[str, float] | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.is_global_zero:
            self.view = Notebook() if in_notebook() else Terminal()
            self.shown = pl_module.progress.last

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._show(pl_module, pl_module.progress.last is not self.shown)  # of the step before: callbacks come first

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._show(pl_module, False)  # what is judged at the end is told by whoever trains

    def _show(self, pl_module: Any, judged: bool) -> None:
        run: Run = pl_module.progress
        if self.view is None or not run.step:
            return
        text = f"step {run.step:,}  loss {run.loss:.3f}  {run.speed:,.0f} {pl_module.task.unit}/s"
        if run.last is not None:
            text += f"  held-out {run.last['loss']:.3f}"
        self.view.show(pl_module.share(), text, judged)
        self.shown = run.last

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        if self.view is not None:
            self.view.stop()


class Terminal:
    """A bar on standard error; where that is no terminal, a line for each judgement."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar = Progress(
            BarColumn(),
            TextColumn("{task.percentage:.0f} %  {task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.bar.add_task("", total=1.0)
        self.bar.start()

    def show(self, share: float, text: str, judged: bool) -> None:
        self.bar.update(self.bar.task_ids[0], completed=share, description=text)
        if judged and not self.console.is_terminal:
            self.console.print(text, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self.bar.stop()


class Notebook:
    """A bar below the cell of a notebook, for which nothing has to be installed."""

    def __init__(self) -> None:
        from IPython.display import HTML, display  # pyright: ignore[reportMissingImports]

        self.html, self.handle = HTML, display(HTML(""), display_id=True)
        self.picture, self.last = "", 0.0

    def show(self, share: float, text: str, judged: bool) -> None:
        bar = f'<progress value="{share:.3f}" max="1" style="width: 20em; vertical-align: middle"></progress>'
        self.picture, now = f"{bar} {html.escape(text)}", time.monotonic()
        if judged or now - self.last >= EVERY:
            self.last = now
            self.handle.update(self.html(self.picture))

    def stop(self) -> None:
        self.handle.update(self.html(self.picture))  # which stays, as what a cell has printed does


def in_notebook() -> bool:
    """Whether this runs in a notebook, as of Jupyter, VS Code or Colab."""
    interactive = sys.modules.get("IPython")
    return interactive is not None and hasattr(interactive.get_ipython(), "kernel")
