"""``elman predict DIR``: answer the rows of a file, or those of a stream as they come."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from elman.cli._complete import ModelFolder
from elman.cli._encoding import ENCODED, restored
from elman.cli._streams import read_utf8


class Form(StrEnum):
    """What a table can be on the screen."""

    csv = "csv"
    tsv = "tsv"
    jsonl = "jsonl"


def command(
    folder: ModelFolder,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Rows to predict; - for standard input.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the predictions go: *.csv, *.tsv, *.jsonl or *.parquet. [default: the screen, as CSV]",
        ),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", metavar="FORMAT", help="Of what goes to the screen: csv, tsv or jsonl. [default: csv]"
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help=ENCODED)] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Answer each line of standard input before the next is read.")
    ] = False,
    skip_bad: Annotated[
        str | None,
        typer.Option(
            "--skip-bad", metavar="[all]", help="Leave the answers of rows that cannot be used empty, and list them."
        ),
    ] = None,
) -> None:
    """Predict with a trained model: one row of answers for each row of the data."""
    from elman.cli._pipes import read_once
    from elman.data.bad import BadRows
    from elman.data.tables import table_text, write_table
    from elman.errors import ElmanError, counted

    skip = bool(BadRows(skip_bad or False).skip)
    out = None if str(out) == "-" else out
    _check(data, out, form, encoding, stream)
    from elman.training.task import Predictor

    task = restored(folder, encoding)
    if not isinstance(task, Predictor):
        raise ElmanError(f"{folder} holds a model for {task.name()}, which answers no rows")
    if data is None:
        for answer in task.stream(_lines(), skip_bad=skip):
            print(answer, flush=True)
        return
    with read_once() as copies:
        answers = task.predict(copies.of(data, "data"), skip_bad=skip)
    if out is None:
        sys.stdout.write(table_text(answers, f".{(form or Form.csv).value}"))
        print(counted(len(answers), "rows"), file=sys.stderr)
    else:
        write_table(answers, out)
        print(f"{counted(len(answers), 'rows')}\n{out}")


def _check(data: Path | None, out: Path | None, form: Form | None, encoding: str | None, stream: bool) -> None:
    """Refuse options that do not go together, before anything is read."""
    from elman.data.tables import check_suffix
    from elman.errors import ElmanError

    if stream and (data or out):
        raise ElmanError("--stream reads standard input and writes standard output; leave --data and --out out")
    if stream and encoding:
        raise ElmanError("--stream reads UTF-8; leave --encoding out")
    if not stream and data is None:
        raise ElmanError("give --data FILE, or --stream to answer standard input line by line")
    if form is not None and (stream or out):
        what = "--stream answers in JSON lines" if stream else f"the name of {out} says what that file is"
        raise ElmanError(f"--format is for a table on the screen; {what}; leave --format out")
    if out is not None:
        check_suffix(out)
        if data is not None and out.exists() and data.exists() and out.samefile(data):
            raise ElmanError(f"--out {out} is the file of --data, which would be lost; give another name")


def _lines() -> Iterator[str]:
    """The lines of standard input as they come; a signal ends the wait for one."""
    from elman.system import break_off_waiting

    lines = read_utf8("surrogateescape")  # a byte that is no UTF-8 is a mistake of its line alone
    while True:
        break_off_waiting()  # each time, since polars may have been at work
        if not (line := lines.readline()):
            return
        yield line
