"""Elman on the CPU against torch.nn, ONNX Runtime, JAX and Python loops, all in one process and as ratios.

    python benchmarks/cpu.py [--quick] [--only training,inference] [--family] [--json FILE] [--markdown FILE]

What is timed is compared first, outputs and gradients; where they differ nothing more is timed, and the exit code is 1.
"""

import argparse
import json
import platform
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from contenders import Size, Wrong
from rich.console import Console
from rich.table import Table
from scale import Scale
from sections import SECTIONS, Missing
from targets import TARGETS, Figure
from timing import FULL, QUICK, geometric_mean

from elman.compiler.executors.llvm.host import host

GRID = tuple(
    Size(*size)
    for size in (
        (100, 1, 32),
        (100, 1, 128),
        (100, 1, 512),
        (100, 16, 32),
        (100, 16, 128),
        (100, 16, 256),
        (100, 64, 128),
        (100, 64, 256),
        (100, 64, 512),
        (1000, 16, 128),
        (100, 256, 256),
    )
)
TEXT = Size(128, 32, 512)
CELL = Size(200, 16, 128)
STEPS = (32, 128, 512)
HEADS = Size(100, 16, 512)
SCALE = Scale(GRID, TEXT, CELL, HEADS, Size(100, 64, 128), STEPS, FULL)
SHORT = Scale((GRID[0], GRID[4], GRID[5]), TEXT, CELL, HEADS, Size(100, 16, 128), STEPS, QUICK)
FAMILY = ("family", "adopted")
OVER_THREADS = ("training", "inference")
MARK = "<!-- figures -->"


@dataclass
class Report:
    """What a run has found so far."""

    figures: list[Figure] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # why a section has no figures


def measure(scale: Scale, sections: Iterable[str], threads: Sequence[int], console: Console) -> Report:
    """Run the sections: those over the grid on each number of threads, the others on the last."""
    report = Report()
    for count in threads:
        torch.set_num_threads(count)
        for name in sections if count == threads[-1] else [name for name in sections if name in OVER_THREADS]:
            console.print(f"{name}, {count} thread{'s' if count > 1 else ''}", highlight=False)
            try:
                for row in SECTIONS[name](scale):
                    report.figures.append({"section": name, "threads": count} | row)
            except Missing as error:
                report.missing[name] = f"this version has no {error}"
    return report


def means(figures: Sequence[Figure]) -> list[Figure]:
    """Geometric means of the grid's ratios."""
    found = []
    for section, columns in (("training", ["torch/elman"]), ("inference", ["torch/elman", "onnx/elman", "best/elman"])):
        rows = [row for row in figures if row["section"] == section]
        for cell, threads in dict.fromkeys((row["cell"], row["threads"]) for row in rows):
            same = [row for row in rows if (row["cell"], row["threads"]) == (cell, threads)]
            ratios = {column: geometric_mean(row[column] for row in same) for column in columns}
            found.append({"of": section, "cell": cell, "threads": threads} | ratios)
    return found


def tables(report: Report) -> dict[str, list[list[str]]]:
    """All tables by title, as text, the heading first."""
    shown: dict[str, list[Figure]] = {}
    for row in report.figures:
        own = {name: value for name, value in row.items() if name != "section"}
        shown.setdefault((SECTIONS[row["section"]].__doc__ or "").rstrip("."), []).append(own)
    shown["Geometric means"] = means(report.figures)
    shown["Targets"] = [target.judge(report.figures) for target in TARGETS]
    return {title: _cells(rows) for title, rows in shown.items() if rows}


def _cells(rows: Sequence[Figure]) -> list[list[str]]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [columns, *([_text(row.get(name, "")) for name in columns] for row in rows)]


def _text(value: Any) -> str:
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "reached" if value else "missed"
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


def show(report: Report, console: Console) -> None:
    """Print all tables."""
    for title, (heading, *rows) in tables(report).items():
        table = Table(title=title, title_justify="left")
        for name in heading:
            table.add_column(name, justify="left" if name in ("cell", "of", "target", "bound") else "right")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for name, why in report.missing.items():
        console.print(f"{name} was not measured: {why}", highlight=False)


def write_markdown(path: Path, report: Report, about: Figure, command: str) -> None:
    """Put all tables after the mark in ``path``, in place of those that stand there."""
    before, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        sys.exit(f"{path} has no line {MARK}, after which the tables would stand")
    lines = [f"Made by `{command}` in {about['seconds']:.0f} s on {about['machine']}; {about['versions']}.", ""]
    for title, (heading, *rows) in tables(report).items():
        lines += [
            f"## {title}",
            "",
            *(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows)),
            "",
        ]
    lines += [f"{name} was not measured: {why}.\n" for name, why in report.missing.items()]
    path.write_text(f"{before}{MARK}\n\n" + "\n".join(lines).rstrip() + "\n", encoding="utf-8")


def about(seconds: float) -> Figure:
    """The machine, the versions, and how long the run took."""
    here = host()
    packages = ("elman", "torch", "onnxruntime", "jax", "llvmlite")
    return {
        "machine": f"{here.cores} cores, {here.cpu}, vectors of {here.vector_bytes} bytes, {platform.system()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
        "seconds": seconds,
    }


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three sizes of the grid, in under 50 s")
    parser.add_argument("--only", default="", help=f"some of {','.join(SECTIONS)}")
    parser.add_argument(
        "--family", action="store_true", help="every cell, and adopted modules, against their loops, too"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=f"write all tables after its line {MARK}")
    chosen = parser.parse_args(arguments)
    chosen.sections = chosen.only.split(",") if chosen.only else [name for name in SECTIONS if name not in FAMILY]
    unknown = [name for name in chosen.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}; the sections are {', '.join(SECTIONS)}")
    if chosen.family:
        chosen.sections += [name for name in FAMILY if name not in chosen.sections]
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    warnings.simplefilter("error")  # a step that does not compile would run in a loop, and only warn
    chosen, console, start = options(arguments), Console(), time.perf_counter()
    threads = [count for count in (1, 2) if count <= host().cores]
    try:
        report = measure(SHORT if chosen.quick else SCALE, chosen.sections, threads, Console(stderr=True))
    except Wrong as error:
        sys.exit(f"not timed, because it is not correct: {error}")
    run = about(time.perf_counter() - start)
    show(report, console)
    if chosen.json:
        judged = [target.judge(report.figures) for target in TARGETS]
        found = {"figures": report.figures, "means": means(report.figures), "targets": judged}
        text = json.dumps({**run, "quick": chosen.quick, **found, "missing": report.missing}, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    if chosen.markdown:
        given = sys.argv[1:] if arguments is None else arguments
        write_markdown(chosen.markdown, report, run, " ".join(["python benchmarks/cpu.py", *given]))


if __name__ == "__main__":
    main()
