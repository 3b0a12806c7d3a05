"""``elman explain CELL``: what would run for given sizes, and why."""

from typing import Annotated, Any

import typer

from elman.cli._complete import one_cell


def command(
    cell: Annotated[
        str,
        typer.Argument(
            metavar="CELL", autocompletion=one_cell, help="A cell: one that elman cells lists, or module:Class."
        ),
    ],
    input: Annotated[int, typer.Option(min=1, metavar="N", help="Features of the input.")] = 128,
    hidden: Annotated[int, typer.Option(min=1, metavar="N", help="Units.")] = 128,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Rows.")] = 16,
    time: Annotated[int, typer.Option(min=1, metavar="N", help="Steps.")] = 100,
    training: Annotated[bool, typer.Option("--training", help="With the backward pass.")] = False,
    save: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What training keeps: fast, lean, a number of steps, or an amount such as 2GiB."
        ),
    ] = "fast",
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads. [default: all there are]")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the cell's own, such as proj_size=64.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show how a recurrence would run: its equations, its kernels, its memory, and an estimate of its time."""
    import json

    from elman import cells
    from elman.compiler.explain import explain
    from elman.errors import ElmanError

    make = cells.load(cell)
    options: dict[str, Any] = dict(map(_option, option or ()))
    try:
        made = make(input, hidden, device="meta", **options)  # only shapes matter
    except (TypeError, RuntimeError) as error:
        raise ElmanError(f"{cell} does not take {', '.join(option or ('these sizes',))}: {error}") from error
    found = explain(
        made, batch, time, training=training, threads_wanted=threads, save=int(save) if save.isdigit() else save
    )
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)


def _option(text: str) -> tuple[str, object]:
    """``name=value``, the value as JSON where it is that, else as text."""
    import json

    from elman.errors import ElmanError

    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ElmanError(f"--option is NAME=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
