"""What the tasks reach on public data: each trained by its command, judged on what is held out, beside simple methods.

    python benchmarks/tasks.py --data DIR [--only SET,..] [--json FILE] [--markdown FILE]

DIR holds the sets under the names that ``SETS`` has; one that is not there is left out. They are trained one after
another, as ``elman train`` does it, with all the processors that there are: some hours.
"""

import argparse
import json
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from elman.compiler.llvm.host import host

MARK = "<!-- figures -->"


@dataclass(frozen=True)
class Set:
    """Public data, how it is trained on, and what is to be reached."""

    command: str  # of elman train, in the folder of the data
    measure: str
    bound: float
    minutes: float  # at most
    lower: bool = False  # whether less is better
    than: str = ""  # the simple method in times of whose measure the bound is, if it is not that of the measure itself


SETS = {
    "sst2": Set("classify --data sst/sst2.train.txt --valid sst/sst2.dev.txt --epochs 5", "accuracy", 0.80, 10),
    "trec": Set("classify --data trec_questions/train.txt --test trec_questions/test.txt", "accuracy", 0.88, 5),
    "names": Set("classify --data names_by_country/ --held-out 0.1 --epochs 8", "accuracy", 0.80, 5),
    **{
        name: Set(
            f"classify --data ucr_uea/{name}/{name}_TRAIN.ts --test ucr_uea/{name}/{name}_TEST.ts", "accuracy", least, 5
        )
        for name, least in (("JapaneseVowels", 0.96), ("BasicMotions", 0.97), ("ItalyPowerDemand", 0.95))
    },
    "icu_mortality": Set(
        "classify --data icu_mortality_2012/set_a.csv.gz --labels icu_mortality_2012/outcomes_a.csv --every 3600 "
        "--held-out 0.2",
        "auroc",
        0.80,
        15,
    ),
    "conll2003": Set(
        "tag --data conll2003_ner/eng.train --valid conll2003_ner/eng.testa --epochs 3", "span_f1", 0.86, 30
    ),
    "conll2000": Set(
        "tag --data conll2000_chunking/train.txt.gz --test conll2000_chunking/test.txt --epochs 3", "span_f1", 0.92, 20
    ),
    "brown": Set(
        "tag --data brown_pos/train.tsv.gz --valid brown_pos/valid.tsv.gz --batch 64 --least 2", "accuracy", 0.95, 30
    ),
    "multi30k": Set(
        "translate --data multi30k/train.{en,de}.gz --valid multi30k/val.{en,de} "
        "--test multi30k/test_2016_flickr.{en,de} --dropout 0.4 --minutes 50",
        "bleu",
        30,
        60,
    ),
    "cmudict": Set(
        "translate --data cmudict_g2p/train.tsv.gz --valid cmudict_g2p/valid.tsv --minutes 36",
        "token_error_rate",
        0.09,
        40,
        lower=True,
    ),
    "ETTh1": Set(
        "forecast --data etth1/ETTh1.csv --horizon 96 --split 8640/2880/2880", "scaled_mse", 0.40, 20, lower=True
    ),
    "m4_hourly": Set(
        "forecast --data m4_hourly/Hourly-train.csv --horizon 48 --split -/48/48",
        "mase",
        0.90,
        20,
        lower=True,
        than="season of 24",
    ),
    "vic_elec": Set(
        "forecast --data victoria_electricity/vic_elec.csv.gz --target Demand --known Temperature,Holiday --horizon 48 "
        "--split 17568/17520/17520",
        "mae",
        0.65,
        15,
        lower=True,
        than="season of 336",
    ),
    "nab": Set("anomaly --data nab/data --windows nab/labels/combined_windows.json", "nab", 50, 15),
    "movielens": Set(
        "recommend --data movielens_100k/u.data --minutes 2.5", "recall_20", 1.25, 15, than="most popular"
    ),
    "tiny_shakespeare": Set("language --data tiny_shakespeare/input.txt --minutes 10", "loss", 1.45, 20, lower=True),
}


@dataclass(frozen=True)
class Reached:
    """What came of a set."""

    name: str
    value: float
    simple: tuple[str, float] | None  # the best of the simple methods
    reached: bool
    minutes: float  # with making kernels and judging
    speeds: dict[str, float]  # rows or tokens a second


def train(name: str, data: Path, out: Path) -> Reached:
    """Train on a set, and say what came of it."""
    chosen, start = SETS[name], time.perf_counter()
    elman = Path(sys.executable).with_name("elman")
    command = [str(elman), "train", *shlex.split(chosen.command), "--out", str(out), "--overwrite"]
    subprocess.run(command, cwd=data, check=True)
    minutes = (time.perf_counter() - start) / 60
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    own, *others = result["compared"]
    values = {each: row[chosen.measure] for each, row in result["compared"].items() if chosen.measure in row}
    best = min if chosen.lower else max
    simple = best(((each, values[each]) for each in others if each in values), key=lambda pair: pair[1], default=None)
    bound = chosen.bound * (values[chosen.than] if chosen.than else 1)
    reached = values[own] <= bound if chosen.lower else values[own] >= bound
    speeds = {key: value for key, value in result.items() if key.endswith("_per_second") and value}
    return Reached(name, values[own], simple, reached and minutes <= chosen.minutes, minutes, speeds)


def rows(found: Sequence[Reached]) -> list[list[str]]:
    """A table as text, the heading first."""
    table = [
        [
            "set",
            "measure",
            "reached",
            "best simple method",
            "bound",
            "minutes",
            "at most",
            "learnt, predicted, streamed a second",
        ]
    ]
    for each in found:
        chosen = SETS[each.name]
        bound = f"{chosen.bound:g}" + (f" times {chosen.than}" if chosen.than else "")
        table.append(
            [
                each.name,
                chosen.measure.replace("_", " "),
                f"{each.value:.4g}",
                "" if each.simple is None else f"{each.simple[1]:.4g}, {each.simple[0]}",
                f"{'at most' if chosen.lower else 'at least'} {bound}: {'reached' if each.reached else 'missed'}",
                f"{each.minutes:.1f}",
                f"{chosen.minutes:g}",
                ", ".join(f"{speed:,.0f}" for speed in each.speeds.values()),
            ]
        )
    return table


def write_markdown(path: Path, found: Sequence[Reached], made: str) -> None:
    """Put the table and the commands after the mark in ``path``, in place of those that stand there."""
    before, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        sys.exit(f"{path} has no line {MARK}, after which the table would stand")
    heading, *lines = rows(found)
    table = [f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *lines)]
    commands = [f"    elman train {SETS[each.name].command}" for each in found]
    text = "\n".join([made, "", *table, "", "The commands, in the folder of the data:", "", *commands])
    path.write_text(f"{before}{MARK}\n\n{text}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the sets")
    parser.add_argument("--only", default=",".join(SETS), help="some of the sets, with commas between them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=f"write the table after its line {MARK}")
    chosen = parser.parse_args(arguments)
    names = chosen.only.split(",")
    if unknown := [name for name in names if name not in SETS]:
        parser.error(f"there is no set {unknown[0]!r}; the sets are {', '.join(SETS)}")
    there = [name for name in names if (chosen.data / shlex.split(SETS[name].command)[2].split("/")[0]).exists()]
    console, found = Console(), list[Reached]()
    with tempfile.TemporaryDirectory() as scratch:
        found.extend(train(name, chosen.data, Path(scratch) / name) for name in there)
    heading, *lines = rows(found)
    table = Table(*heading)
    for line in lines:
        table.add_row(*line)
    console.print(table)
    for name in (name for name in names if name not in there):
        console.print(f"{name} was not measured: {chosen.data} does not have it", highlight=False)
    if chosen.json:
        text = json.dumps([asdict(each) for each in found], indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    if chosen.markdown:
        versions = ", ".join(f"{package} {version(package)}" for package in ("elman", "torch"))
        machine = f"{host().cores} cores, {host().cpu}, {platform.system()}; {versions}"
        write_markdown(chosen.markdown, found, f"Made by `benchmarks/tasks.py` on {machine}.")


if __name__ == "__main__":
    main()
