"""``elman train TASK``: train on a file, watch, and get a model folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from elman.training.task import Task


class Tasks(TyperGroup):
    """The tasks, each as a command with the options that the task itself declares; imported when used."""

    def list_commands(self, ctx: Any) -> list[str]:
        from elman import tasks

        return tasks.names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from dataclasses import fields

        from elman import tasks
        from elman.cli._options import with_options
        from elman.training.options import renamed
        from elman.training.settings import groups, usual_of

        chosen = tasks.options(cmd_name)

        def run(
            data: Annotated[
                Path | None,
                typer.Option(
                    metavar="FILE", help="Training data, a file or folder. [the task's own, where it has some]"
                ),
            ] = None,
            valid: Annotated[
                Path | None, typer.Option(metavar="FILE", help="Validation data. [a part of --data]")
            ] = None,
            test: Annotated[
                Path | None, typer.Option(metavar="FILE", help="Test data, for the evaluation at the end. [--valid]")
            ] = None,
            out: Annotated[Path | None, typer.Option(metavar="DIR", help=f"Model folder. [runs/{cmd_name}]")] = None,
            resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the model folder.")] = False,
            overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model in the folder.")] = False,
            skip_bad: Annotated[
                bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and list them.")
            ] = False,
            **options: Any,
        ) -> None:
            folder = out or Path("runs") / cmd_name
            given = renamed(groups(chosen), options, announce=True)
            files = {"data": data, "valid": valid, "test": test}
            train_task(
                tasks.load(cmd_name), files, folder, resume=resume, overwrite=overwrite, skip_bad=skip_bad, given=given
            )

        run.__doc__ = tasks.summary(cmd_name)
        options = {
            field.name: (field, usual_of(chosen, group)[field.name])
            for group in groups(chosen)
            for field in fields(group)
        }
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name)(with_options(run, options))
        return typer.main.get_command(app)


command = typer.Typer(cls=Tasks, help="Train a model.", no_args_is_help=True)


@command.callback()
def _() -> None:
    """Train a model."""


def train_task(
    make: "type[Task]",
    files: dict[str, Path | None],
    folder: Path,
    *,
    resume: bool,
    overwrite: bool,
    skip_bad: bool,
    given: dict[str, Any],
) -> None:
    """Train a task of class ``make`` and write its model folder, telling the user what happens."""
    from elman.data.bad import BadRows
    from elman.training.folders import REPORT
    from elman.training.progress import Bar
    from elman.training.runs import begin, finish, go_on, searched, trained
    from elman.training.summary import in_columns
    from elman.training.task import Sources

    sources = Sources(files["data"], files["valid"], BadRows(skip_bad))
    if resume:
        run = go_on(make, sources, folder, given, test=files["test"])
    else:
        run = begin(make, sources, folder, given, test=files["test"], overwrite=overwrite)
    print(run.data.describe())
    print(f"model: {sum(p.numel() for p in run.task.parameters()):,} parameters", flush=True)
    try:
        run = searched(run, folder, (Bar(),))
        progress = trained(run, folder, (Bar(),))
        print(
            f"{progress.step:,} steps in {progress.seconds:,.0f} s, {progress.speed:,.0f} {run.task.unit}/s; "
            f"{progress.ended}",
            flush=True,
        )
        result = finish(run, folder, progress, (Bar(),))
    except KeyboardInterrupt:
        print(f"stopped; --resume goes on: elman train {make.name()} --out {folder} --resume", file=sys.stderr)
        raise
    assert progress.before is not None  # since every run does at least one step
    untrained = {} if run.test else {"untrained": progress.before}
    print(f"judged on: {result['judged_on']}\n{in_columns(result['compared'] | untrained)}")
    print(f"\n{run.task.sample(run.data, run.training.seed).strip()}\n\n{folder / REPORT}\n{folder}")
