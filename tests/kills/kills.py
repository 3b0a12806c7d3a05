"""Runs of all tasks that are ended at random moments, and resumed: to the same weights as if they had never been ended.

    PYTHONPATH=.:tests python tests/kills/kills.py --kills 100 --terminations 30 --seed 1

Each is a process of ``elman train`` that is killed, or gets a signal that asks it to end, at any moment of its time,
from the first of Python to the last of the report; some are ended again while they are resumed. What failed is told at
the end, and its folder is left.
"""

import argparse
import importlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from elman import tasks
from elman.training.folders import read_json
from elman.training.options import usual

ELMAN = [sys.executable, "-c", "import sys; from elman.cli.main import main; sys.exit(main(sys.argv[1:]))"]
ASKING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
WAYS = {"plain": [], "patience": ["--patience", "2"], "compare": ["--compare", "gru"], "search": ["--search", "2"]}
LONGEST = 300  # seconds that any process may take
FILES = ("model.safetensors", "compare/gru/model.safetensors")


@dataclass(frozen=True)
class Case:
    """A task, and a way to train it."""

    task: str
    way: str

    def command(self, scratch: Path, out: Path) -> list[str]:
        source, options = _example(self.task, scratch)
        options = {**options, "steps": 60, "save_every": 0.05, "baselines": False}
        if "dropout" in usual(tasks.options(self.task)):
            options["dropout"] = 0.3  # so that there are random numbers to go on with
        flags = [word for name, value in options.items() for word in _flag(name, value)]
        return ["train", self.task, "--data", str(source), "--out", str(out), *flags, *WAYS[self.way]]


@cache
def _example(task: str, scratch: Path) -> tuple[Path, dict[str, Any]]:
    folder = scratch / "data" / task
    folder.mkdir(parents=True)
    return importlib.import_module(f"tests.tasks.{task}.test_{task}").example(folder)


def _flag(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    return [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]


def started(arguments: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # sums are the same on one thread
    return subprocess.Popen(
        [*ELMAN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finished(arguments: list[str]) -> None:
    """Run a command to its end."""
    process = started(arguments)
    _, said = process.communicate(timeout=LONGEST)
    if process.returncode:
        raise AssertionError(f"{' '.join(arguments)} ends with {process.returncode}: {said.strip()[-2000:]}")


def ended(arguments: list[str], out: Path, number: int, after: float) -> None:
    """Run a command, end it after so many seconds, and see that it ends as it should."""
    process = started(arguments)
    time.sleep(after)
    begun = (out / "options.json").exists()
    process.send_signal(number)
    _, said = process.communicate(timeout=LONGEST)
    told = f"{' '.join(arguments)}, after {after:.2f} s: "
    if number == signal.SIGKILL:
        assert process.returncode in (0, -number), f"{told}ends with {process.returncode}: {said[-2000:]}"
        return
    # while Python itself starts or ends, which is not ours
    outside = process.returncode == -number and (not begun or (out / "result.json").exists())
    assert outside or process.returncode in (0, 128 + number), f"{told}ends with {process.returncode}: {said[-2000:]}"
    assert not begun or "Traceback" not in said, f"{told}{said[-2000:]}"
    if begun and process.returncode and not (out / "result.json").exists():
        last = (said.strip().splitlines() or [""])[-1]
        assert "--resume goes on" in last or "nothing has changed" in last, f"{told}says {last!r}"


@cache
def whole(case: Case, scratch: Path) -> tuple[Path, float]:
    """The same run, never ended, and the seconds that it took."""
    out = scratch / "whole" / f"{case.task}-{case.way}"
    began = time.monotonic()
    finished(case.command(scratch, out))
    return out, time.monotonic() - began


def next_command(case: Case, scratch: Path, out: Path) -> list[str]:
    """To go on with what there is, or to begin where nothing is yet."""
    if (out / "options.json").exists():
        return ["train", case.task, "--out", str(out), "--resume"]
    return case.command(scratch, out)


def one(case: Case, scratch: Path, out: Path, number: int, draw: random.Random) -> str:
    """Train, end that once or twice, go on to the end, and compare; gives what happened, in words."""
    other, seconds = whole(case, scratch)
    moments = []
    for _ in range(draw.choice((1, 1, 2))):
        moments.append(draw.uniform(0, seconds))
        ended(next_command(case, scratch, out), out, number, moments[-1])
    finished(next_command(case, scratch, out))
    for name in FILES:
        assert (out / name).exists() == (other / name).exists(), f"{out / name} is not there, or should not be"
        same = not (out / name).exists() or (out / name).read_bytes() == (other / name).read_bytes()
        assert same, f"{out / name} has other weights than {other / name}"
    _assert_same(_last(out), _last(other), f"{out}: last.ckpt")
    results = [read_json(folder / "result.json") for folder in (out, other)]
    for name in ("steps", "best_step", "after", "compared", "options", "training"):
        assert results[0][name] == results[1][name], f"{out}: {name} is {results[0][name]}, not {results[1][name]}"
    return f"at {' and '.join(f'{moment:.1f}' for moment in moments)} s of {seconds:.1f}, {results[0]['steps']} steps"


def _last(folder: Path) -> dict[str, Any]:
    kept = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return {name: kept[name] for name in ("state_dict", "optimizer_states")}


def _assert_same(one: Any, other: Any, where: str) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), f"{where}: off by {float((one - other).abs().max()):.2e}"
    elif isinstance(one, dict):
        assert list(one) == list(other), f"{where}: {list(one)}, not {list(other)}"
        for key in one:
            _assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), f"{where}: {len(one)} of them, not {len(other)}"
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            _assert_same(a, b, f"{where}[{index}]")
    else:
        assert one == other, f"{where}: {one}, not {other}"


def cases(names: list[str], draw: random.Random) -> list[Case]:
    """Each task in each way that it takes, in any order."""
    found = [Case(name, way) for name in names for way in WAYS]
    draw.shuffle(found)
    return sorted(found, key=lambda case: list(WAYS).index(case.way))  # the plain ones first


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="runs that are killed")
    parser.add_argument("--terminations", type=int, default=30, help="runs that are asked to end")
    parser.add_argument("--seed", type=int, default=None, help="of what is drawn, to see the same once more")
    parser.add_argument("--tasks", default=",".join(tasks.names()), help="which, separated by commas")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    draw = random.Random(seed)
    order = cases(chosen.tasks.split(","), draw)
    numbers = [signal.SIGKILL] * chosen.kills + [ASKING[n % len(ASKING)] for n in range(chosen.terminations)]
    draw.shuffle(numbers)
    scratch, failed = Path(tempfile.mkdtemp(prefix="elman-kills-")), []
    print(f"seed {seed}, in {scratch}", flush=True)
    for each in ASKING:  # which are ignored where this runs behind a shell, and what is ignored is inherited
        signal.signal(each, signal.SIG_DFL)
    for n, number in enumerate(numbers):
        case, out = order[n % len(order)], scratch / "ended" / str(n + 1)
        about = f"{n + 1} of {len(numbers)}: {case.task}, {case.way}, {signal.Signals(number).name}"
        try:
            print(f"{about} {one(case, scratch, out, number, draw)}: the same", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failed.append(f"{about}: {error}")
            print(f"{about}: FAILED: {error}", flush=True)
    print(f"{len(numbers) - len(failed)} of {len(numbers)} went on to the same weights")
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
