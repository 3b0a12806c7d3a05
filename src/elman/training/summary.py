"""What came of a run, in one table and on one page: the model beside simple methods, and how fast it is."""

import csv
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from elman.data.bad import BadRows
from elman.data.files import written_aside
from elman.training import report
from elman.training.folders import REPORT
from elman.training.report import Section
from elman.training.task import Predictor, Task, TrainingData, evaluate

LINES = 200  # streamed to see how fast that is


@dataclass(frozen=True)
class Compared:
    """A model judged beside simple methods."""

    table: dict[str, dict[str, float]]  # the measures of each by its name, the model first
    sections: list[Section]  # what the task itself shows
    predicted: float  # in a second
    streamed: float | None


def compared(task: Task, data: TrainingData, test: str | None, bad: BadRows, baselines: bool) -> Compared:
    """Judge a task beside its baselines, on a file for testing or else on the part for that."""
    with tempfile.TemporaryDirectory() as scratch:
        evaluation = data.test if test is None else task.evaluation(Path(test), Path(scratch), bad)
        judged = evaluate(task, evaluation)
        table, sections, streamed = {task.name(): judged.metrics}, [], None
        if isinstance(task, Predictor):
            if baselines:
                table |= {name: learn() for name, learn in task.baselines(data, evaluation).items()}
            sections = task.sections(data, evaluation, judged.outputs)
            streamed = _speed(task, task.lines(evaluation, LINES))
    return Compared(table, sections, judged.number / max(judged.seconds, 1e-9), streamed)


def _speed(task: Predictor, lines: list[str]) -> float:
    """Lines answered in a second, one by one."""
    began = time.monotonic()
    number = sum(1 for _ in task.stream(lines))
    return number / max(time.monotonic() - began, 1e-9)


def in_columns(table: dict[str, dict[str, float]]) -> str:
    """The table of a comparison as text: a line for each measure, a column for each method."""
    names = list(table)
    measures = list(dict.fromkeys(measure for row in table.values() for measure in row))
    widths = [max(len(name), 10) + 2 for name in names]
    lines = [" " * 18 + "".join(f"{name:>{w}}" for name, w in zip(names, widths, strict=True))]
    for measure in measures:
        cells = [_number(table[name].get(measure)) for name in names]
        lines.append(f"{words(measure):18}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
    return "\n".join(lines)


def words(measure: str) -> str:
    """The name of a measure as people read it."""
    return measure.replace("_", " ")


def write_report(folder: Path, result: dict[str, Any], sections: list[Section]) -> None:
    """Write ``report.html`` to the model folder."""
    table = result["compared"]
    measures = list(dict.fromkeys(measure for row in table.values() for measure in row))
    rows = [[words(measure), *(table[name].get(measure) for name in table)] for measure in measures]
    facts = [
        ("data", result["data"] or "the task's own"),
        ("parameters", result["parameters"]),
        ("steps", result["steps"]),
        ("seconds of training", float(result["seconds"])),
        ("it ended because", result["ended"]),
        *((words(name), value) for name, value in result.items() if name.endswith("_per_second") and value),
    ]
    chosen = [(name, str(value)) for part in ("options", "training", "budget") for name, value in result[part].items()]
    found = "\n".join([result["about_data"], *result["found"]])
    left_out = f"\n{result['skipped']:,} rows were left out; skipped.txt lists them." if result["skipped"] else ""
    everything = [
        Section("Was it worth it?", f"Judged on: {result['judged_on']}.", header=["", *table], rows=rows),
        Section("The data", found + left_out),
        Section("Learning", figures=_curves(folder), header=["", ""], rows=facts),
        *sections,
        Section("What was chosen", header=["option", "value"], rows=chosen),
    ]
    title = f"{result['task']}: {Path(result['data']).name if result['data'] else 'a run'}"
    with written_aside(folder / REPORT) as aside:
        report.write(aside, title, everything)


def history(folder: Path) -> pl.DataFrame:
    """What was logged of a run, of all its sessions: a row for each step, a column for each figure."""
    found = logged(folder)
    steps = sorted({step for points in found.values() for step in points})
    columns = {name: [points.get(step) for step in steps] for name, points in found.items()}
    schema = {"step": pl.Int64, **dict.fromkeys(columns, pl.Float64)}
    return pl.DataFrame({"step": [int(step) for step in steps], **columns}, schema=schema)


def logged(folder: Path) -> dict[str, dict[float, float]]:
    """The figures that were logged, by name and step."""
    found: dict[str, dict[float, float]] = {}
    for path in sorted(folder.glob("logs/version_*/metrics.csv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    if value and name != "step" and math.isfinite(float(value)):
                        found.setdefault(name, {})[float(row["step"])] = float(value)
    return found


def _curves(folder: Path) -> list[Any]:
    """The learning curves, from what was logged."""
    found = logged(folder)
    lines = {"loss": "while learning", "held_out_loss": "held out"}
    losses = {label: _line(found[name]) for name, label in lines.items() if name in found}
    others = {
        words(name.removeprefix("held_out_")): _line(points)
        for name, points in found.items()
        if name.startswith("held_out_") and name != "held_out_loss" and all(0 <= y <= 1 for y in points.values())
    }
    drawn = [report.curves(losses, "step", "loss")] if losses else []
    return drawn + ([report.curves(others, "step", "held out")] if others else [])


def _line(points: dict[float, float]) -> tuple[list[float], list[float]]:
    steps = sorted(points)
    return steps, [points[step] for step in steps]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
