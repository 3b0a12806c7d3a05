"""Malformed files, lines, tables in memory and model folders, for as long as one likes.

    PYTHONPATH=.:tests python -m fuzz.run --minutes 20 --seed 1

Each case is made from a number, and done in one of the ways in which people use files. It ends with 0, or with 2 and
one line that says why; within a minute; with an answer for each row. What does not is a finding: it is made smaller,
tried once more in a process of its own, and written below ``build/fuzz/`` with the command that shows it.
"""

import argparse
import faulthandler
import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom
from typing import Any

import torch
from edits.edits import Base, bases
from fuzz.judge import Finding, judged
from fuzz.shrink import shrunk
from fuzz.ways import Case, case, lay
from limits import SECONDS, bounded

HUNG = 20 * SECONDS  # seconds in which a worker says nothing, with all that it does about a finding
SHOWN = 30  # seconds between two lines of progress
ELMAN = "import sys; from elman.cli.main import main; sys.exit(main(sys.argv[1:]))"


# ---- a worker, which does every so-manyth case


def work(seed: int, step: int, place: Path, out: Path) -> None:
    """Do cases from a seed on until nobody reads what is said of them, a line of JSON each."""
    torch.set_num_threads(1)
    faulthandler.enable()
    sound = _sound(out)
    bounded()
    while True:
        _say({"begun": seed})
        began = time.process_time()
        made = case(seed, sound)
        ended, finding = tried(made, sound, place)
        kept = None if finding is None else keep(made, finding, sound, place, out)
        seconds = time.process_time() - began if finding is None else 0
        _say({"done": seed, "way": made.way, "ended": ended, "seconds": seconds, "finding": kept})
        seed += step


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


def tried(made: Case, sound: list[Base], place: Path) -> tuple[str, Finding | None]:
    """Do a case in an empty folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return judged(made, sound, place)


def keep(made: Case, finding: Finding, sound: list[Base], place: Path, out: Path) -> dict[str, str]:
    """Write a finding, made small, unless one of its kind is there."""
    folder = out / re.sub(r"[^\w.-]+", "-", finding.kind).strip("-")[:80]
    said = {"kind": finding.kind, "what": finding.what.strip().splitlines()[-1][:300], "folder": str(folder)}
    if folder.exists():
        return said
    folder.mkdir(parents=True)
    made = replace(made, steps=made.steps[: finding.step + 1])

    def same(other: Case) -> bool:
        _, found = tried(other, sound, place)
        return found is not None and found.kind == finding.kind

    counted = finding.kind.startswith(("rows", "edit", "late"))  # which fewer lines would change, or which take long
    small = made if counted else shrunk(made, same)
    shutil.rmtree(place, ignore_errors=True)
    lay(small.files, folder)
    (folder / "SHOW").write_text(shown(small, finding), encoding="utf-8", errors="backslashreplace")
    return said


def shown(made: Case, finding: Finding) -> str:
    """What is wrong, and the commands that show it; whether they do so in a process of their own, too."""
    if made.way == "edit":
        return f"{finding.what}\n\nPYTHONPATH=.:tests python tests/edits/edits.py --number 1 --seed {made.seed}\n"
    if made.script:
        return f"{finding.what}\n\n{made.script}"
    lines = [shlex.join(["elman", *step.arguments]) + (f" < {step.stdin}" if step.stdin else "") for step in made.steps]
    commands = "\n".join(lines)
    return f"{finding.what}\n\n{commands}\n\nalone: {alone(made)}\n\nseed {made.seed}, {made.way}\n"


def alone(made: Case) -> str:
    """How the last of the commands ends in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        lay(made.files, Path(scratch))
        said = "no command"
        for step in made.steps:
            stdin = (Path(scratch) / step.stdin).read_bytes() if step.stdin else b""
            try:
                done = subprocess.run([sys.executable, "-c", ELMAN, *step.arguments], cwd=scratch, input=stdin,
                                      capture_output=True, timeout=2 * SECONDS)  # fmt: skip
            except (subprocess.TimeoutExpired, ValueError) as error:
                return str(error)[:300]
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            said = f"exit {done.returncode}, {' '.join(lines[-1:])[:300]}"
            if done.returncode:
                break
        return said


def _sound(out: Path) -> list[Base]:
    kept = json.loads((out / "models" / "bases.json").read_text(encoding="utf-8"))
    return [
        Base(each["name"], each["task"], Path(each["folder"]), Path(each["data"]), Path(each["asked"]), each["line"])
        for each in kept
    ]


# ---- who starts the workers, and counts


@dataclass
class Tally:
    """What was done so far."""

    done: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    found: dict[str, dict[str, str]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)

    def take(self, said: dict[str, Any]) -> None:
        self.done += 1
        self.ended[said["ended"]] += 1
        self.ways[said["way"]] += 1
        self.slowest = max(self.slowest, (said["seconds"], said["done"]))
        if found := said["finding"]:
            self.kinds[found["kind"]] += 1
            if found["kind"] not in self.found:
                self.found[found["kind"]] = found
                print(f"FOUND {found['kind']}: {found['what']} ({found['folder']})", flush=True)

    def __str__(self) -> str:
        ended = ", ".join(f"{number:,} {word}" for word, number in sorted(self.ended.items()))
        found, slowest = len(self.found), f"{self.slowest[0]:.1f} s (seed {self.slowest[1]})"
        return f"{self.done:,} cases: {ended}; {found} kinds of findings; the slowest took {slowest}"


class Worker:
    """A process that does cases, and is begun again behind one that ended it."""

    def __init__(
        self, seed: int, step: int, out: Path, told: "queue.Queue[tuple[Worker, dict[str, Any] | None]]"
    ) -> None:
        self.step, self.out, self.told, self.now = step, out, told, seed
        self.scratch = Path(tempfile.mkdtemp(prefix="elman-fuzz-"))
        self.begin(seed)

    def begin(self, seed: int) -> None:
        self.now, self.heard = seed, time.monotonic()
        arguments = ["--work", "--seed", str(seed), "--step", str(self.step), "--place", str(self.scratch / "case")]
        with (self.scratch / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen([sys.executable, "-m", "fuzz.run", *arguments, "--out", str(self.out)],
                                            stdout=subprocess.PIPE, stderr=stderr, text=True)  # fmt: skip
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.told.put((self, json.loads(line)))
        process.wait()
        self.told.put((self, None))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)


def run(seconds: float, number: int, seed: int, jobs: int, out: Path) -> Tally:
    """Cases from a seed on, for so many seconds or so many of them."""
    tally, told = Tally(), queue.Queue()
    workers = [Worker(seed + n, jobs, out, told) for n in range(jobs)]
    end, shown = time.monotonic() + seconds, time.monotonic()
    try:
        while time.monotonic() < end and tally.done < number:
            try:
                worker, said = told.get(timeout=1)
                heard(worker, said, out, tally)
            except queue.Empty:
                for worker in workers:
                    if time.monotonic() - worker.heard > HUNG:
                        worker.heard = time.monotonic()
                        worker.process.kill()  # and it is found to have ended
            if time.monotonic() - shown > SHOWN:
                shown = time.monotonic()
                print(f"{max(0, end - shown) / 60:.1f} min left, {tally}", flush=True)
    finally:
        for worker in workers:
            worker.end()
    return tally


def heard(worker: Worker, said: dict[str, Any] | None, out: Path, tally: Tally) -> None:
    """Take what a worker says; nothing where it has ended."""
    worker.heard = time.monotonic()
    if said is None:
        ended_at(worker, f"the process ended with {worker.process.returncode}", out, tally)
    elif "begun" in said:
        worker.now = said["begun"]
    else:
        tally.take(said)


def ended_at(worker: Worker, what: str, out: Path, tally: Tally) -> None:
    """What ended a worker is a finding, and the worker goes on behind it."""
    said = (worker.scratch / "stderr").read_text(encoding="utf-8", errors="replace")[-1500:]
    made = case(worker.now, _sound(out))
    finding = Finding(f"ended {worker.process.returncode} {made.way}", f"{said}\n{what}")
    folder = out / re.sub(r"[^\w.-]+", "-", finding.kind)
    if not folder.exists():
        folder.mkdir(parents=True)
        lay(made.files, folder)
        (folder / "SHOW").write_text(shown(made, finding), encoding="utf-8", errors="backslashreplace")
    told = {"kind": finding.kind, "what": what, "folder": str(folder)}
    tally.take({"done": worker.now, "way": made.way, "ended": "failed", "seconds": 0.0, "finding": told})
    worker.begin(worker.now + worker.step)


def prepare(out: Path) -> None:
    """An empty folder for findings, and sound models to ask."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "models").mkdir(parents=True)
    found = [{name: str(value) for name, value in vars(base).items()} for base in bases(out / "models")]
    (out / "models" / "bases.json").write_text(json.dumps(found), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--number", type=int, default=sys.maxsize, help="of cases, where that is reached before")
    parser.add_argument("--seed", type=int, default=None, help="of the first case; each has the next number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    for name, kind in (("--step", int), ("--place", Path)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    out = given.out.absolute()
    if given.work:
        work(given.seed, given.step, given.place, out)
    seed = SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}, in {out}", flush=True)
    prepare(out)
    tally = run(60 * given.minutes, given.number, seed, given.jobs, out)
    print(f"\nseed {seed}: {tally}")
    print(", ".join(f"{way} {number:,}" for way, number in sorted(tally.ways.items())))
    for kind, found in sorted(tally.found.items()):
        print(f"{tally.kinds[kind]:6,}  {kind}: {found['what']}\n        {found['folder']}/SHOW")
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
