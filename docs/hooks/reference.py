"""Pages of the reference that are made from the code while the site is built, so that they cannot be out of date."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from elman import cells, tasks
from elman.cli import main
from elman.cli._help import headed

COMMAND_LINE = """# Command line

What `elman VERB --help` prints, for every verb. The options of `elman train TASK` are on
[a page of their own](tasks.md).
"""

TASKS = """# Options of the tasks

The options of `elman train TASK`, which are also the keywords of the [estimators](estimators.md): `--max-length 500` is
`max_length=500`. Where the default is "detected", it is found in the data.
"""

CELLS = """# Cells

Each file of `elman/cells/` holds one recurrence, and its name is the name that `--cell` and
[`Recurrent`](layers.md) take. A cell is a subclass of `Cell`; [a recurrence of your own](../guides/your_own_cell.md) is
one too.

::: elman.cells.cell.Cell

::: elman.cells.names

::: elman.cells.load
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    pages = {"command_line": _command_line(), "tasks": _tasks(), "cells": _cells()}
    for name, content in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def _command_line() -> str:
    app = typer.main.get_command(main._app())
    parts = [COMMAND_LINE]
    for verb in main.verbs():
        command: Any = app.get_command(_context(app, "elman"), verb)  # type: ignore[attr-defined]
        parts += _command(f"elman {verb}", command)
    return "\n".join(parts)


def _tasks() -> str:
    app: Any = typer.main.get_command(main._app())
    train = app.get_command(_context(app, "elman"), "train")
    parts = [TASKS]
    for task in tasks.names():
        parts += _command(f"elman train {task}", train.get_command(_context(train, "elman train"), task))
    return "\n".join(parts)


def _cells() -> str:
    parts = [CELLS]
    for name in cells.names():
        parts += [f"## `{name}`\n", f"::: elman.cells.{name}.{cells.load(name).__name__}"]
        parts += ["    options:\n      heading_level: 3\n      members: false\n"]
    return "\n".join(parts)


def _command(name: str, command: Any) -> Iterator[str]:
    """A section about a command: its help, its arguments, and its options in a table for each group of them."""
    context = _context(command, name)
    yield f"\n## `{name}`\n"
    yield from (f"{_prose(paragraph)}\n" for paragraph in (command.help or "").split("\n\n"))
    yield f"```\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    for group, records in headed(command, context).items():
        yield f"| {group} | |\n| --- | --- |"
        yield from (f"| {_code(what)} | {_prose(about)} |" for what, about in records)
        yield ""


def _code(text: str) -> str:
    """As code within a table."""
    return f"`{' '.join(text.split()).replace('|', chr(92) + '|')}`"


def _prose(text: str) -> str:
    """As plain text within a table: nothing in it is markup."""
    return re.sub(r"([|\[\]*_])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def _context(command: Any, name: str) -> Any:
    return command.make_context(name, [], resilient_parsing=True)
