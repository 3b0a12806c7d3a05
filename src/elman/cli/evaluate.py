"""``elman evaluate DIR --data FILE``: judge a trained model."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The model folder.")],
    data: Annotated[Path, typer.Option(metavar="FILE", help="What to judge it on.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the measures as JSON.")] = False,
) -> None:
    """Judge a trained model on a file."""
    import json
    import tempfile

    from elman.tasks import restore
    from elman.tasks.task import evaluate

    task = restore(folder)
    with tempfile.TemporaryDirectory() as scratch:
        metrics = evaluate(task, task.evaluation(data, Path(scratch)))
    if as_json:
        print(json.dumps(metrics))
        return
    for name, value in metrics.items():
        print(f"{name.replace('_', ' '):20} {value:.4f}")
