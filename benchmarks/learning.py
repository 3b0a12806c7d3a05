"""What cells learn of the classic tasks in the same time: the error at the end, and the seconds until it is solved.

    python benchmarks/learning.py [--quick] [--seconds S] [--tasks T,..] [--cells C,..] [--json FILE] [--markdown FILE]

Every seed is a model of its own, trained on one thread. Seconds are the processor's, so that other work on the machine
counts little.
"""

import argparse
import json
import multiprocessing
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import mean, stdev

from learners import BATCH, COURSES, LEARNERS, Outcome, train
from rich.console import Console
from rich.table import Table

from elman.compiler.executors.llvm.host import host

SECONDS, SEEDS = 5.0, 3
FEW = ("lstm_peephole chrono", "lstm_layer_norm chrono", "gru_reset_before chrono", "lem")  # only where asked for
QUICK = {"tasks": "adding-200,copy-100,reber", "cells": "elman,elman orthogonal,gru chrono", "seconds": 4.0, "seeds": 1}
MARK = "<!-- figures -->"

Point = tuple[str, str, int]  # the names of a learner and of a course, a seed
Rows = list[list[str]]  # a table as text, the heading first


def outcomes(grid: Sequence[Point], seconds: float, jobs: int) -> Iterator[Outcome]:
    """Train all of the grid, so many at a time, each in a process of its own if it is not alone."""
    if jobs == 1:
        yield from (train(*point, seconds) for point in grid)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(train, *point, seconds) for point in grid]):
            yield done.result()


def error(found: Sequence[Outcome]) -> str:
    """Mean and standard deviation of the errors, without those that are no longer numbers, which are counted."""
    known = [outcome.error for outcome in found if outcome.error is not None]
    text = f"{mean(known):.2g}" if known else ""
    text += f" ± {stdev(known):.1g}" if len(known) > 1 else ""
    return text if len(known) == len(found) else f"{text} {len(found) - len(known)} diverged".strip()


def seconds(found: Sequence[Outcome]) -> str:
    """Mean and standard deviation of the seconds of those that solved it, and how many these are if not all."""
    solved = [outcome.seconds for outcome in found if outcome.solved]
    text = f"{mean(solved):.2g}" if solved else "-"
    text += f" ± {stdev(solved):.1g}" if len(solved) > 1 else ""
    return text if not solved or len(solved) == len(found) else f"{text} ({len(solved)} of {len(found)})"


def table(found: Iterable[Outcome], text: Callable[[Sequence[Outcome]], str]) -> Rows:
    """A row for each learner, a column for each task."""
    seeds: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in found:
        seeds.setdefault((outcome.learner, outcome.task), []).append(outcome)
    names = [name for name in LEARNERS if any(name == learner for learner, _ in seeds)]
    tasks = [name for name in COURSES if any(name == task for _, task in seeds)]
    return [["cell", *tasks], *([name, *(text(seeds[name, task]) for task in tasks)] for name in names)]


def courses(names: Iterable[str], seconds: float) -> Rows:
    """What each task is judged by."""
    heading = ["task", "without memory", "solved below", "seconds at most", "units"]
    rows = [
        [name, *(f"{value:.3g}" for value in (c.task.baseline, c.task.solved, c.share * seconds, c.hidden))]
        for name, c in COURSES.items()
        if name in names
    ]
    return [heading, *rows]


def targets(found: Sequence[Outcome]) -> Rows:
    """What the literature says of long memories: some cells have them, and the vanilla network does not."""
    rows = [["target", "cells", ""]]
    for task, least in (("adding-600", 3), ("copy-500", 1)):
        seeds = [outcome for outcome in found if outcome.task == task]
        learners = dict.fromkeys(outcome.learner for outcome in seeds)
        able = [name for name in learners if all(outcome.solved for outcome in seeds if outcome.learner == name)]
        enough = "reached" if len(able) >= least else "missed"
        fails = "reached" if not any(outcome.solved for outcome in seeds if outcome.learner == "elman") else "missed"
        if learners:
            rows.append([f"{task} is solved with every seed by at least {least}", ", ".join(able) or "none", enough])
        if "elman" in learners:
            rows.append([f"{task} is not solved with any seed by the vanilla network", "elman", fails])
    return rows


def tables(found: Sequence[Outcome], limit: float) -> dict[str, Rows]:
    """All tables by title."""
    return {
        "Tasks": courses({outcome.task for outcome in found}, limit),
        "Error": table(found, error),
        "Seconds until solved": table(found, seconds),
        "Targets": targets(found),
    }


def show(found: dict[str, Rows], console: Console) -> None:
    """Print all tables."""
    for title, (heading, *rows) in found.items():
        printed = Table(*heading, title=title, title_justify="left")
        for row in rows:
            printed.add_row(*row)
        console.print(printed)


def write_markdown(path: Path, found: dict[str, Rows], made: str) -> None:
    """Put all tables after the mark in ``path``, in place of those that stand there."""
    before, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        sys.exit(f"{path} has no line {MARK}, after which the tables would stand")
    lines = [made]
    for title, (heading, *rows) in found.items():
        lines += ["", f"## {title}", ""]
        lines += [f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows)]
    path.write_text(f"{before}{MARK}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    usual = ",".join(name for name in LEARNERS if name not in FEW)
    parser.add_argument("--quick", action="store_true", help="three cells, three tasks, one seed: in under a minute")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of training; a long task has six times as many")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="models of each cell for each task")
    parser.add_argument("--tasks", default=",".join(COURSES), help=f"some of {','.join(COURSES)}")
    parser.add_argument("--cells", default=usual, help=f"some of {','.join(LEARNERS)}")
    parser.add_argument("--jobs", type=int, default=host().cores, help="trainings at a time, one thread each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came of every seed")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=f"write all tables after its line {MARK}")
    if parser.parse_args(arguments).quick:
        parser.set_defaults(**QUICK)
    chosen = parser.parse_args(arguments)
    for kind, known in (("tasks", COURSES), ("cells", LEARNERS)):
        names = getattr(chosen, kind).split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"--{kind} has no {unknown[0]!r}; there are {', '.join(known)}")
        setattr(chosen, kind, names)
    for name in ("seconds", "seeds", "jobs"):
        if not getattr(chosen, name) > 0:
            parser.error(f"--{name} must be above 0, not {getattr(chosen, name)}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    chosen, start, found = options(arguments), time.perf_counter(), []
    # those that take longest come first, so that none is left alone at the end
    tasks = sorted(chosen.tasks, key=lambda name: -COURSES[name].share)
    grid = [(cell, task, seed) for task, cell, seed in product(tasks, chosen.cells, range(chosen.seeds))]
    for outcome in outcomes(grid, chosen.seconds, chosen.jobs):
        found.append(outcome)
        state = "solved" if outcome.solved else f"error {outcome.error}"
        text = f"{len(found)}/{len(grid)} {outcome.task}, {outcome.learner}: {state} in {outcome.seconds:.1f} s"
        Console(stderr=True).print(text, highlight=False)
    found.sort(key=lambda outcome: (outcome.task, outcome.learner, outcome.seed))
    took = time.perf_counter() - start
    shown = tables(found, chosen.seconds)
    show(shown, Console())
    machine = f"{host().cores} cores, {host().cpu}, {platform.system()}; " + ", ".join(
        f"{name} {version(name)}" for name in ("elman", "torch")
    )
    if chosen.json:
        about = {"machine": machine, "seconds": took, "limit": chosen.seconds, "batch": BATCH}
        text = json.dumps({**about, "outcomes": [asdict(outcome) for outcome in found]}, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    if chosen.markdown:
        given = sys.argv[1:] if arguments is None else arguments
        command = shlex.join(["python", "benchmarks/learning.py", *given])
        write_markdown(chosen.markdown, shown, f"Made by `{command}` in {took / 60:.0f} minutes on {machine}.")


if __name__ == "__main__":
    main()
