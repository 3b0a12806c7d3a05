"""``elman train TASK``: train on a file, watch, and get a model folder."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman import tasks
from elman.cli._help import Command, Group, HelpAll
from elman.cli._options import given_now, rare, with_options
from elman.data.bad import BadRows
from elman.errors import ElmanError, counted
from elman.system import PIPE
from elman.training.options import listed
from elman.training.settings import configured, groups, usual_of
from elman.training.signals import Terminated, ending

if TYPE_CHECKING:
    from elman.training.task import Task

SKIP_BAD = "Leave out rows that cannot be used, and list them: up to a tenth of all; --skip-bad all, however many."
TENTH = "a tenth"  # that is left out at most where the option stands alone
DATA, OUTPUT = "Data", "Output"  # headings
RARE = {"valid", "test", "skip_bad", "resume", "overwrite"}  # of the options that are declared here
EPILOG = "elman inspect FILE says what of your data would be found, and which task fits it."


def _file(about: str) -> Any:
    return typer.Option(metavar="FILE", help=about, rich_help_panel=DATA)


def _switch(name: str, about: str, heading: str) -> Any:
    return typer.Option(name, help=about, rich_help_panel=heading)


class TaskCommand(Command):
    """The command of a task."""

    alone = TENTH


class Tasks(Group):
    """The tasks, each as a command with the options that the task itself declares; imported when used."""

    noun = "task"

    def list_commands(self, ctx: Any) -> list[str]:
        return tasks.names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return task_command(cmd_name) if cmd_name in tasks.names() else None


command = typer.Typer(
    cls=Tasks,
    help="Train a model on your own data.",
    no_args_is_help=True,
    epilog=EPILOG,
    subcommand_metavar="TASK ...",
)


@command.callback()
def _() -> None:
    """Train a model on your own data."""


def task_command(name: str) -> Any:
    """The command that trains the task with this name."""
    options = tasks.options(name)

    def run(
        data: Annotated[Path | None, _file("Training data: a file, a folder, or - for standard input.")] = None,
        valid: Annotated[Path | None, _file("Validation data. [default: a part of --data]")] = None,
        test: Annotated[Path | None, _file("Test data, for the evaluation at the end. [default: --valid]")] = None,
        skip_bad: Annotated[
            str | None,
            typer.Option("--skip-bad", metavar="[all]", help=SKIP_BAD, rich_help_panel=DATA),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(metavar="DIR", help=f"Model folder. [default: runs/{name}]", rich_help_panel=OUTPUT),
        ] = None,
        resume: Annotated[bool, _switch("--resume", "Continue the run in the model folder.", OUTPUT)] = False,
        overwrite: Annotated[bool, _switch("--overwrite", "Replace the model in the folder.", OUTPUT)] = False,
        help_all: HelpAll = False,
        **chosen: Any,
    ) -> None:
        given = given_now(groups(options), chosen)
        if not resume:
            for group in groups(options):  # a number out of its range is said before PyTorch is imported
                configured(options, group, given)
            _check_cells(given)
        files = {"data": data, "valid": valid, "test": test}
        folder = out or Path("runs") / name
        bad = BadRows({None: False, TENTH: True}.get(skip_bad, skip_bad))
        with _stopped_before_training_is_told():  # PyTorch takes seconds to import
            task = tasks.load(name)
        train_task(task, files, folder, resume=resume, overwrite=overwrite, bad=bad, given=given)

    run.__doc__ = tasks.summary(name)
    declared = {
        field.name: (field, field.metadata.get("panel", group.panel).capitalize(), usual_of(options, group)[field.name])
        for group in groups(options)
        for field in fields(group)
    }
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=TaskCommand, epilog=EPILOG)(with_options(run, declared))
    made = typer.main.get_command(app)
    assert isinstance(made, TaskCommand)
    made.rare = rare(groups(options)) | RARE
    return made


def _check_cells(given: dict[str, Any]) -> None:
    """Refuse a cell that there is not, before any data is read."""
    named = [given["cell"]] if given.get("cell") else []
    if named := [*named, *listed(given.get("compare") or "")]:
        from elman.layers.encoder import check_cells

        check_cells(named)


def train_task(
    make: "type[Task]",
    files: dict[str, Path | None],
    folder: Path,
    *,
    resume: bool,
    overwrite: bool,
    bad: BadRows,
    given: dict[str, Any],
) -> None:
    """Train a task of class ``make`` and write its model folder, telling the user what happens."""
    with _stopped_before_training_is_told():
        from elman.cli._pipes import read_once
        from elman.training.folders import REPORT
        from elman.training.progress import Bar
        from elman.training.runs import begin, finish, go_on, searched, trained
        from elman.training.summary import told
        from elman.training.task import Sources

    with read_once() as copies:
        with _stopped_before_training_is_told():
            if resume:
                sources = Sources(files["data"], files["valid"], bad)
                run = go_on(make, sources, folder, given, test=files["test"])
            else:
                there = {role: path and copies.of(path, role) for role, path in files.items()}
                sources = Sources(there["data"], there["valid"], bad)
                run = begin(make, sources, folder, given, test=there["test"], overwrite=overwrite, keep=copies.names)
        with _going_on_is_told(make.name(), folder):
            print(copies.named(run.data.describe()))
            print(f"model: {counted(sum(p.numel() for p in run.task.parameters()), 'parameters')}", flush=True)
            run = searched(run, folder, (Bar(),))
            progress = trained(run, folder, (Bar(),))
            print(
                f"{counted(progress.step, 'steps')} in {progress.seconds:,.0f} s, "
                f"{progress.speed:,.0f} {run.task.unit}/s; {progress.ended}",
                flush=True,
            )
            result = finish(run, folder, progress, (Bar(),))
    print(told(result, run.task.measures, shutil.get_terminal_size((0, 0)).columns))
    print(f"\n{run.task.sample(run.data, run.training.seed).strip()}\n\n{folder / REPORT}\n{folder}")


@contextmanager
def _stopped_before_training_is_told() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, Terminated, RuntimeError) as error:
        if ending(error):
            print("stopped before training began; nothing has changed", file=sys.stderr)
        raise


@contextmanager
def _going_on_is_told(task: str, folder: Path) -> Iterator[None]:
    """Where a run ends before it is over, one line says how to go on with it."""
    from elman.training.folders import OPTIONS

    resume = f"--resume goes on: {shlex.join(['elman', 'train', task, '--out', str(folder), '--resume'])}"

    def there() -> bool:  # another may have removed it, and a checkpoint alone is no run
        return (folder / OPTIONS).exists()

    try:
        yield
    except (KeyboardInterrupt, Terminated):
        print(f"stopped; {resume}" if there() else f"stopped; {folder} is gone", file=sys.stderr)
        raise
    except BrokenPipeError as error:
        print(f"stopped, since nobody reads what is said; {resume}", file=sys.stderr)
        raise Terminated(PIPE) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        left = f"what was saved before is whole; {resume}" if there() else f"{folder} is gone"
        raise ElmanError(f"{where}{error.strerror or error}; {left}") from error
