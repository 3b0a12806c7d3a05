"""``elman train TASK``: train on a file, watch, and get a model folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from elman.tasks.task import Task


class Tasks(TyperGroup):
    """The tasks, each as a command with the options that the task itself declares; imported when used."""

    def list_commands(self, ctx: Any) -> list[str]:
        from elman import tasks

        return tasks.names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from elman import tasks
        from elman.cli._options import with_options
        from elman.training import Budget, Training

        task = tasks.load(cmd_name)

        def run(
            data: Annotated[
                Path | None, typer.Option(metavar="FILE", help="What to learn from. [the task's own]")
            ] = None,
            out: Annotated[Path | None, typer.Option(metavar="DIR", help=f"Model folder. [runs/{cmd_name}]")] = None,
            resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the model folder.")] = False,
            overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model in the folder.")] = False,
            **options: Any,
        ) -> None:
            train_task(task, data, out or Path("runs") / cmd_name, resume=resume, overwrite=overwrite, given=options)

        run.__doc__ = (task.__doc__ or "").strip().splitlines()[0]
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name)(with_options(run, task.Options, Budget, Training))
        return typer.main.get_command(app)


command = typer.Typer(cls=Tasks, help="Train a model.", no_args_is_help=True)


@command.callback()
def _() -> None:
    """Train a model."""


def train_task(
    make: "type[Task]", source: Path | None, folder: Path, *, resume: bool, overwrite: bool, given: dict[str, Any]
) -> None:
    """Train a task of class ``make`` and write its model folder, telling the user what happens."""
    from elman.cli._progress import Bar
    from elman.cli._runs import begin, go_on, write_result
    from elman.training import train

    run = go_on(make, source, folder, given) if resume else begin(make, source, folder, given, overwrite)
    print(run.data.describe())
    print(f"model: {sum(p.numel() for p in run.task.parameters()):,} parameters", flush=True)
    try:
        progress = train(run.task, run.data, folder, run.training, run.budget, resume=resume, callbacks=(Bar(),))
    except KeyboardInterrupt:
        print(f"stopped; --resume goes on: elman train {make.name()} --out {folder} --resume", file=sys.stderr)
        raise
    write_result(run, folder, progress)
    assert progress.before is not None  # since every run does at least one step
    assert progress.best is not None
    print(
        f"{progress.step:,} steps in {progress.seconds:,.0f} s, {progress.speed:,.0f} {run.task.unit}/s; "
        f"{progress.ended}"
    )
    print(f"held out{'before':>20}{'after':>12}")
    for name, before in progress.before.items():
        print(f"{name.replace('_', ' '):16}{before:12.4f}{progress.best[name]:12.4f}")
    print(f"\n{run.task.sample(run.training.seed).strip()}\n\n{folder}")
