"""What came of a run, in one table and on one page: the model beside simple methods, and how fast it is."""

import csv
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from elman.data.bad import BadRows
from elman.errors import ElmanError, brief, counted
from elman.training import manifest, report
from elman.training.folders import HISTORY, LOGS, REPORT, load_weights, written
from elman.training.judging import at_the_end, in_part
from elman.training.loop import Progress
from elman.training.measures import Measures, label
from elman.training.report import Section, Written
from elman.training.table import in_columns, numbers
from elman.training.task import (
    HELD_OUT,
    LEARNT_FROM,
    EvaluationData,
    JudgedRows,
    Predictor,
    Task,
    TrainingData,
    evaluate,
)

LINES, SECONDS = 200, 3.0  # that are streamed at most, to see how fast that is
UNTRAINED = "untrained"  # the model before training, in the table
PARTS = {HELD_OUT: "what was held out", LEARNT_FROM: "what was learnt from"}


@dataclass(frozen=True)
class Compared:
    """A model judged beside simple methods."""

    metrics: dict[str, float]
    simple: dict[str, dict[str, float]]  # the measures of each simple method by its name
    rows: JudgedRows
    sections: list[Section]  # what the task itself shows
    predicted: float  # in a second
    streamed: float | None
    failed: list[str]  # a sentence for each simple method that cannot be learnt from such data


@contextmanager
def judged_part(
    task: Task, data: TrainingData, test: str | None, bad: BadRows, progress: Progress
) -> Iterator[EvaluationData]:
    """What a task is judged on at the end of a run: a file for that, or else the part of its data for that."""
    judged = in_part(data.held_out, progress.share)
    if test is None:
        yield at_the_end(data.test, judged, progress.tokens)
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield at_the_end(task.evaluation(Path(test), Path(scratch), bad), judged, progress.tokens)


def compared(task: Task, data: TrainingData, evaluation: EvaluationData, baselines: bool) -> Compared:
    """Judge a task beside its baselines."""
    judged = evaluate(task, evaluation)
    simple, failed, sections, streamed = {}, [], [], None
    if isinstance(task, Predictor):
        for name, learn in (task.baselines(data, evaluation) if baselines else {}).items():
            try:
                simple[name] = learn()
            except Exception as error:  # whatever a library says of data from which it cannot learn
                failed.append(
                    f"There is no {name} to compare with: it cannot be learnt here ({brief(str(error), 100)})."
                )
        sections = task.sections(data, evaluation, judged.outputs)
        streamed = _speed(task, task.lines(evaluation, LINES))
    rows, speed = evaluation.judged(judged.outputs), judged.number / max(judged.seconds, 1e-9)
    return Compared(judged.metrics, simple, rows, sections, speed, streamed, failed)


def as_before(task: Task, evaluation: EvaluationData, folder: Path, name: str) -> dict[str, float] | None:
    """The measures of a task with other weights of its folder; None where these are not kept."""
    if not (folder / name).exists():
        return None
    now = {name: value.clone() for name, value in task.state_dict().items()}
    try:
        load_weights(task, folder, name)
        return evaluate(task, evaluation).metrics
    finally:
        task.load_state_dict(now)


def _speed(task: Predictor, lines: list[str]) -> float:
    """Lines answered in a second, one by one."""
    began, number = time.monotonic(), 0
    for _ in task.stream(lines):
        number += 1
        if time.monotonic() - began > SECONDS:
            break
    return number / max(time.monotonic() - began, 1e-9)


def told(result: dict[str, Any], measures: Measures, width: int = 0) -> str:
    """The table of a run as people read it: what it was judged on, the measures, and what is to be said about them.

    Args:
        result: what ``result.json`` has.
        measures: of the task.
        width: of the screen, 0 for any.
    """
    table = in_columns(result["compared"], measures, result["judged_on"]["rows"], width)
    return "\n".join(
        [f"judged on {_part(result)}", "", table, *(["", *result["remarks"]] if result["remarks"] else [])]
    )


def _part(result: dict[str, Any]) -> str:
    about = result["judged_on"]
    part = about["file"] or PARTS.get(about["part"], f"the {about['part']} part")
    return f"{part}: {about['rows']:,} {about['of']}"


def write_report(folder: Path, result: dict[str, Any], measures: Measures, sections: list[Section]) -> None:
    """Write ``report.html`` to the model folder."""
    table = result["compared"]
    lines = numbers(table, measures, result["judged_on"]["rows"])
    rows = [[name, *map(Written, cells)] for name, cells in lines.items()]
    explained = [
        [label(measures, name), f"{each.about}{f'; {each.better}er is better' if each.better else ''}"]
        for name, each in measures.items()
        if each.about and any(name in row for row in table.values())
    ]
    facts = [
        ("data", result["data"] or "the task's own"),
        ("parameters", result["parameters"]),
        ("steps", result["steps"]),
        ("best after step", result["best_step"]),
        ("seconds of training", float(result["seconds"])),
        ("why it ended", result["ended"]),
        *((name.replace("_", " "), v) for name, v in result.items() if name.endswith("_per_second") and v),
    ]
    chosen = [(name, str(value)) for part in ("options", "training", "budget") for name, value in result[part].items()]
    found = "\n".join([result["about_data"], *result["found"]])
    left_out = (
        f"\n{counted(result['skipped'], 'rows were')} left out, as skipped.txt lists." if result["skipped"] else ""
    )
    about = "\n".join([f"Judged on {_part(result)}.", *result["remarks"]])
    everything = [
        Section("Results", about, header=["", *table], rows=rows),
        *([Section("What the measures are", header=["measure", ""], rows=explained)] if explained else []),
        Section("Data", found + left_out),
        Section("Learning curves", figures=_curves(folder, measures), header=["", ""], rows=facts),
        *sections,
        Section("Options", header=["option", "value"], rows=chosen),
    ]
    title = f"{result['task']}: {Path(result['data']).name if result['data'] else 'a run'}"
    with written(folder, REPORT) as aside:
        report.write(aside, title, everything)


def history(folder: Path) -> pl.DataFrame:
    """What was logged of a run, of all its sessions: a row for each step, a column for each figure."""
    found = logged(folder)
    steps = sorted({step for points in found.values() for step in points})
    columns = {name: [points.get(step) for step in steps] for name, points in found.items()}
    schema = {"step": pl.Int64, **dict.fromkeys(columns, pl.Float64)}
    return pl.DataFrame({"step": [int(step) for step in steps], **columns}, schema=schema)


def read_history(folder: Path) -> pl.DataFrame:
    """The course of training as a folder has it: in ``history.csv``, or of a run that is not over, in its logs.

    Raises:
        ElmanError: a file that is damaged.
    """
    if not manifest.is_there(folder, HISTORY):
        return history(folder)
    try:
        found = pl.read_csv(manifest.read(folder, HISTORY), infer_schema=False)
        return found.select(pl.col("step").cast(pl.Int64), pl.exclude("step").cast(pl.Float64))
    except pl.exceptions.PolarsError as error:
        raise ElmanError(f"{folder / HISTORY} is damaged or was cut short; take a copy, or delete it") from error


def logged(folder: Path) -> dict[str, dict[float, float]]:
    """The figures that were logged, by name and step."""
    found: dict[str, dict[float, float]] = {}
    for path in sorted(folder.glob(f"{LOGS}/version_*/metrics.csv"), key=lambda path: path.stat().st_mtime):
        if not path.is_file():
            raise ElmanError(f"{path} is no file; take a copy, or delete it")
        try:
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    step = float(row["step"])
                    for name, value in row.items():
                        if value and name != "step" and math.isfinite(float(value)):
                            found.setdefault(name, {})[step] = float(value)
        except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
            raise ElmanError(f"{path} is damaged or was cut short; take a copy, or delete it") from error
    return found


def _curves(folder: Path, measures: Measures) -> list[Any]:
    """The learning curves, from what was logged."""
    found = logged(folder)
    lines = {"loss": "training, batch by batch", "held_out_loss": "held out"}
    losses = {line: _line(found[name]) for name, line in lines.items() if name in found}
    others = {
        label(measures, name.removeprefix("held_out_")): _line(points)
        for name, points in found.items()
        if name.startswith("held_out_") and name != "held_out_loss" and all(0 <= y <= 1 for y in points.values())
    }
    drawn = [report.curves(losses, "step", "loss")] if losses else []
    return drawn + ([report.curves(others, "step", "held-out measure")] if others else [])


def _line(points: dict[float, float]) -> tuple[list[float], list[float]]:
    steps = sorted(points)
    return steps, [points[step] for step in steps]
