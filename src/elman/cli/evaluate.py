"""``elman evaluate DIR --data FILE``: evaluate a trained model."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli._complete import ModelFolder
from elman.cli._encoding import ENCODED, restored


def command(
    folder: ModelFolder,
    data: Annotated[Path, typer.Option(metavar="FILE", help="Data to evaluate the model on; - for standard input.")],
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help=ENCODED)] = None,
    skip_bad: Annotated[
        str | None,
        typer.Option("--skip-bad", metavar="[all]", help="Leave out rows that cannot be used, and list them."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measures as JSON.")] = False,
) -> None:
    """Evaluate a trained model on a file."""
    import json
    import tempfile

    from elman.cli._pipes import read_once
    from elman.data.bad import BadRows
    from elman.data.plain import without_infinite
    from elman.errors import counted
    from elman.training.table import in_columns
    from elman.training.task import evaluate

    bad = BadRows(skip_bad or False)
    task = restored(folder, encoding)
    with read_once() as copies, tempfile.TemporaryDirectory() as scratch:
        evaluation = task.evaluation(copies.of(data, "data"), Path(scratch), bad)
        judged = evaluate(task, evaluation)
        bad.tell()
    if as_json:
        print(json.dumps(without_infinite(judged.metrics), allow_nan=False))
        return
    rows = evaluation.judged(judged.outputs)
    print(f"judged on {data}: {counted(rows.number, rows.of)}\n")
    print("\n".join([in_columns({task.name(): judged.metrics}, task.measures, rows.number), *rows.remarks]))
