"""Runs of all tasks that are ended at random moments, and resumed: to the same weights as if they had never been ended.

    PYTHONPATH=.:tests python tests/kills/kills.py --kills 100 --terminations 30 --seed 1

Each is a process of ``elman train`` that is killed, or gets a signal that asks it to end, at any moment of its time;
some are ended again while they are resumed. To start Python and import PyTorch takes most of the time of a short run,
and nothing of ours is written meanwhile: so most are forked from a process that has imported all. The others begin with
the first of Python, and may be killed while they import. What failed is told at the end, and its folder is left.
"""

import argparse
import importlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import Any, NamedTuple

import torch

from elman import tasks
from elman.cli.main import main as elman
from elman.training.folders import read_json
from elman.training.options import usual

ELMAN = [sys.executable, "-c", "from elman.cli.main import script; script()"]
ASKING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
WAYS = {"plain": [], "patience": ["--patience", "2"], "compare": ["--compare", "gru"], "search": ["--search", "2"]}
# as few as make a run of several judgements and many checkpoints, of a model that is quick to learn
SMALL = {"steps": 40, "save_every": 0.02, "baselines": False}
SMALLER = {"hidden": 8, "embedding": 8}
LONGEST = 300  # seconds that any process may take
FORKED = 0.1  # seconds in which a process that was forked takes up its work, on a busy machine
ANEW = 5  # of so many processes one begins with the first of Python
FILES = ("model.safetensors", "compare/gru/model.safetensors")


class Example(NamedTuple):
    """A file, and options that suit it."""

    source: Path
    options: dict[str, Any]


class Ending(NamedTuple):
    """A run that is to be ended."""

    number: int  # of the run
    signal: int
    seed: int  # of what is drawn about it


@dataclass(frozen=True)
class Case:
    """A task, with data to learn from, and a way to train it."""

    task: str
    way: str
    data: Example = field(compare=False)

    def command(self, out: Path) -> list[str]:
        source, options = self.data
        known = usual(tasks.options(self.task))
        options = {**options, **SMALL, **{name: size for name, size in SMALLER.items() if name in known}}
        if self.way == "search":  # which takes something that is not given
            del options["lr"]
        if "dropout" in known:
            options["dropout"] = 0.3  # so that there are random numbers to go on with
        flags = [word for name, value in options.items() for word in _flag(name, value)]
        return ["train", self.task, "--data", str(source), "--out", str(out), *flags, *WAYS[self.way]]


def example(task: str, scratch: Path) -> Example:
    """What the tests of a task learn from."""
    folder = scratch / "data" / task
    folder.mkdir(parents=True)
    return Example(*importlib.import_module(f"tests.tasks.{task}.test_{task}").example(folder))


def _flag(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    return [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]


class Process:
    """A process of ``elman``, whose standard error goes to a file.

    Args:
        arguments: of the command.
        said: the file.
        anew: whether it begins with the first of Python, instead of behind all imports.
    """

    def __init__(self, arguments: list[str], said: Path, *, anew: bool) -> None:
        self.said = said
        said.touch()
        if anew:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # sums are the same on one thread
            with said.open("w") as to:
                process = Popen([*ELMAN, *arguments], stdout=DEVNULL, stderr=to, env=environment)
            self.pid, self._wait = process.pid, lambda: process.wait(LONGEST)
        else:
            forked = multiprocessing.get_context("fork").Process(target=_run, args=(arguments, said))
            forked.start()
            assert forked.pid is not None
            self.pid, self._wait = forked.pid, lambda: _joined(forked)

    def end(self, number: int) -> None:
        os.kill(self.pid, number)

    def code(self) -> int:
        """With what it ends, once it does."""
        return self._wait()

    def last_words(self) -> str:
        return self.said.read_text(errors="replace").strip()[-2000:]


def _run(arguments: list[str], said: Path) -> None:
    torch.set_num_threads(1)
    with (
        said.open("w", buffering=1) as errors,
        Path(os.devnull).open("w") as nothing,
        redirect_stdout(nothing),
        redirect_stderr(errors),
    ):
        code = elman(arguments)
    os._exit(code)  # what the process that it was forked from has to do at its end is not to be done here


def _joined(forked: Any) -> int:
    forked.join(LONGEST)
    if forked.exitcode is None:
        raise TimeoutExpired("elman", LONGEST)
    return forked.exitcode


def finished(arguments: list[str], said: Path) -> None:
    """Run a command to its end."""
    process = Process(arguments, said, anew=False)
    code = process.code()
    assert code == 0, f"{' '.join(arguments)} ends with {code}: {process.last_words()}"


def ended(arguments: list[str], out: Path, number: int, after: float, *, anew: bool) -> None:
    """Run a command, end it after so many seconds, and see that it ends as it should."""
    process = Process(arguments, out.with_suffix(".txt"), anew=anew)
    time.sleep(after)
    begun = (out / "options.json").exists()
    process.end(number)
    code, said = process.code(), process.last_words()
    told = f"{' '.join(arguments)}, after {after:.2f} s: "
    if number == signal.SIGKILL:
        assert code in (0, -number), f"{told}ends with {code}: {said}"
        return
    early = after < (start() if anew else FORKED)
    # while Python itself starts or ends, which is not ours
    if code == -number and (not begun or early or (out / "result.json").exists()):
        return
    assert code in (0, 128 + number), f"{told}ends with {code}: {said}"
    assert "Traceback" not in said, f"{told}{said}"
    if begun and code and not (out / "result.json").exists():
        last = (said.splitlines() or [""])[-1]
        assert "--resume goes on" in last or "nothing has changed" in last, f"{told}says {last!r}"


@cache
def whole(case: Case, scratch: Path) -> tuple[Path, float]:
    """The same run, never ended, and the seconds that it takes where all is imported."""
    out = scratch / "whole" / f"{case.task}-{case.way}"
    began = time.monotonic()
    finished(case.command(out), out.with_suffix(".txt"))
    return out, time.monotonic() - began


@cache
def start() -> float:
    """Seconds that a process takes to begin, from the first of Python."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        Process(["train", "language", "--help"], Path(folder) / "said", anew=True).code()
    return time.monotonic() - began


def next_command(case: Case, out: Path) -> list[str]:
    """To go on with what there is, or to begin where nothing is yet."""
    if (out / "options.json").exists():
        return ["train", case.task, "--out", str(out), "--resume"]
    return case.command(out)


def one(case: Case, scratch: Path, ending: Ending) -> str:
    """Train, end that once or twice, go on to the end, and compare; gives what happened, in words."""
    other, seconds = whole(case, scratch)
    draw, out = random.Random(ending.seed), scratch / "ended" / str(ending.number)
    moments = []
    for _ in range(draw.choice((1, 1, 2))):
        anew = draw.randrange(ANEW) == 0
        moments.append(draw.uniform(0, seconds + (start() if anew else 0)))
        ended(next_command(case, out), out, ending.signal, moments[-1], anew=anew)
    finished(next_command(case, out), out.with_suffix(".txt"))
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


def all_of(case: Case, scratch: Path, endings: list[Ending]) -> list[str]:
    """The runs of one case; gives what failed."""
    failed = []
    for ending in endings:
        about = f"{ending.number}: {case.task}, {case.way}, {signal.Signals(ending.signal).name}"
        try:
            print(f"{about} {one(case, scratch, ending)}: the same", flush=True)
        except (AssertionError, TimeoutExpired) as error:
            failed.append(f"{about}: {error}")
            print(f"{about}: FAILED: {error}", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="runs that are killed")
    parser.add_argument("--terminations", type=int, default=30, help="runs that are asked to end")
    parser.add_argument("--seed", type=int, default=None, help="of what is drawn, to see the same once more")
    parser.add_argument("--tasks", default=",".join(tasks.names()), help="which, separated by commas")
    parser.add_argument("--processes", type=int, default=2, help="runs at a time")
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    draw = random.Random(seed)
    scratch = Path(tempfile.mkdtemp(prefix="elman-kills-"))
    (scratch / "ended").mkdir()
    (scratch / "whole").mkdir()
    print(f"seed {seed}, in {scratch}", flush=True)
    names = chosen.tasks.split(",")
    # not here: threads of polars, which make tables, do not survive that a process is forked
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        data = dict(zip(names, pool.map(example, names, [scratch] * len(names)), strict=True))
    order = [Case(name, way, data[name]) for way in WAYS for name in names]
    numbers = [signal.SIGKILL] * chosen.kills + [ASKING[n % len(ASKING)] for n in range(chosen.terminations)]
    draw.shuffle(numbers)
    found: dict[Case, list[Ending]] = {case: [] for case in order}
    for n, number in enumerate(numbers):
        found[order[n % len(order)]].append(Ending(n + 1, number, draw.randrange(2**32)))
    for each in ASKING:  # which are ignored where this runs behind a shell, and what is ignored is inherited
        signal.signal(each, signal.SIG_DFL)
    for name in tasks.names():  # what is imported now is not imported again
        tasks.load(name)
    with ProcessPoolExecutor(chosen.processes, multiprocessing.get_context("fork")) as pool:
        jobs = [pool.submit(all_of, case, scratch, endings) for case, endings in found.items() if endings]
        failed = [line for job in jobs for line in job.result()]
    print(f"{len(numbers) - len(failed)} of {len(numbers)} went on to the same weights")
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
