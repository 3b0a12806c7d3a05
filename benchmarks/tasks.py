"""What the tasks reach on public data: each trained by its command, judged on what is held out, beside simple methods.

    python benchmarks/tasks.py --data DIR [--only SET,..] [--json FILE] [--markdown FILE]

DIR holds the sets under the names that ``SETS`` has; one that is not there is left out. They are trained one after
another, as ``elman train`` does it, with all the processors that there are: some hours. What FILE of ``--json`` has
already is not measured again, so that the work can be parted.
"""

import argparse
import json
import math
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

from elman.compiler.executors.llvm.host import host

MARK = "<!-- figures -->"


@dataclass(frozen=True)
class Bound:
    """Between what a measure is to be, or the same in times of what a simple method reaches."""

    measure: str
    least: float = -math.inf
    most: float = math.inf
    than: str = ""  # the simple method

    def holds(self, compared: dict[str, dict[str, float]]) -> bool:
        """Whether a model, the first that is compared, is within."""
        own = next(iter(compared.values()))[self.measure]
        return self.least <= own / (compared[self.than][self.measure] if self.than else 1) <= self.most

    def best(self, compared: dict[str, dict[str, float]]) -> str:
        """The best simple method, where the less or the more is the better."""
        _, *others = compared.items()
        values = [(row[self.measure], name) for name, row in others if self.measure in row]
        one_sided = math.isinf(self.least) or math.isinf(self.most)
        if not (values and one_sided):
            return ""
        value, name = max(values) if math.isinf(self.most) else min(values)
        return f"{value:.4g}, {name}"

    def __str__(self) -> str:
        text = f"{self.least:g} to {self.most:g}"
        if math.isinf(self.most):
            text = f"at least {self.least:g}"
        elif math.isinf(self.least):
            text = f"at most {self.most:g}"
        return f"{text} times {self.than}" if self.than else text


@dataclass(frozen=True)
class Set:
    """Public data, how it is trained on, and what is to be reached."""

    command: str  # of elman train, in the folder of the data
    minutes: float  # at most
    bounds: tuple[Bound, ...]


SETS = {
    "sst2": Set(
        "classify --data sst/sst2.train.txt --valid sst/sst2.dev.txt --epochs 5", 10, (Bound("accuracy", least=0.80),)
    ),
    "trec": Set(
        "classify --data trec_questions/train.txt --test trec_questions/test.txt", 5, (Bound("accuracy", least=0.88),)
    ),
    "names": Set("classify --data names_by_country/ --held-out 0.1 --epochs 20", 5, (Bound("accuracy", least=0.80),)),
    **{
        name: Set(
            f"classify --data ucr_uea/{name}/{name}_TRAIN.ts --test ucr_uea/{name}/{name}_TEST.ts",
            5,
            (Bound("accuracy", least=least),),
        )
        for name, least in (("JapaneseVowels", 0.96), ("BasicMotions", 0.97), ("ItalyPowerDemand", 0.95))
    },
    "icu_mortality": Set(
        "classify --data icu_mortality_2012/set_a.csv.gz --labels icu_mortality_2012/outcomes_a.csv --resample 3600 "
        "--held-out 0.2",
        15,
        (Bound("auroc", least=0.80),),
    ),
    "conll2003": Set(
        "tag --data conll2003_ner/eng.train --valid conll2003_ner/eng.testa", 30, (Bound("f1", least=0.86),)
    ),
    "conll2000": Set(
        "tag --data conll2000_chunking/train.txt.gz --test conll2000_chunking/test.txt",
        20,
        (Bound("f1", least=0.92),),
    ),
    "brown": Set(
        "tag --data brown_pos/train.tsv.gz --valid brown_pos/valid.tsv.gz --batch 64 --min-count 2",
        30,
        (Bound("accuracy", least=0.95),),
    ),
    "multi30k": Set(
        "translate --data multi30k/train.{en,de}.gz --valid multi30k/val.{en,de} "
        "--test multi30k/test_2016_flickr.{en,de} --dropout 0.4 --minutes 25",
        60,
        (Bound("bleu", least=30),),
    ),
    "cmudict": Set(
        "translate --data cmudict_g2p/train.tsv.gz --valid cmudict_g2p/valid.tsv --minutes 36",
        40,
        (Bound("token_error", most=0.09), Bound("sequence_error", most=0.36)),
    ),
    "ETTh1": Set(
        "forecast --data etth1/ETTh1.csv --horizon 96 --split 8640/2880/2880", 20, (Bound("scaled_mse", most=0.40),)
    ),
    "m4_hourly": Set(
        "forecast --data m4_hourly/Hourly-train.csv --horizon 48 --split -/48/48",
        20,
        (Bound("mase", most=0.90, than="season of 24"),),
    ),
    "vic_elec": Set(
        "forecast --data victoria_electricity/vic_elec.csv.gz --target Demand --known Temperature,Holiday --horizon 48 "
        "--split 17568/17520/17520",
        15,
        (Bound("mae", most=0.65, than="season of 336"), Bound("coverage", least=0.75, most=0.85)),
    ),
    "nab": Set(
        "anomaly --data nab/data --windows nab/labels/combined_windows.json",
        15,
        (Bound("nab", least=50), Bound("nab", least=1, than="z-score")),
    ),
    "movielens": Set(
        "recommend --data movielens_100k/u.data --minutes 2.5",
        15,
        (Bound("recall@20", least=1.25, than="most popular"),),
    ),
    "tiny_shakespeare": Set(
        "language --data tiny_shakespeare/input.txt --minutes 10 --dropout 0.2", 20, (Bound("loss", most=1.45),)
    ),
}


@dataclass(frozen=True)
class Reached:
    """What came of a set."""

    name: str
    compared: dict[str, dict[str, float]]  # the measures of the model, and then of each simple method
    minutes: float  # with making kernels and judging
    speeds: dict[str, float]  # rows or tokens a second


def train(name: str, data: Path, out: Path) -> Reached:
    """Train on a set, and say what came of it."""
    start = time.perf_counter()
    elman = Path(sys.executable).with_name("elman")
    command = [str(elman), "train", *shlex.split(SETS[name].command), "--out", str(out), "--overwrite"]
    subprocess.run(command, cwd=data, check=True)
    minutes = (time.perf_counter() - start) / 60
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    speeds = {key: value for key, value in result.items() if key.endswith("_per_second") and value}
    compared = {method: row for method, row in result["compared"].items() if method != "untrained"}
    return Reached(name, compared, minutes, speeds)


def rows(found: Sequence[Reached]) -> list[list[str]]:
    """A table as text, the heading first: a line for each bound."""
    table = [
        [
            "set",
            "measure",
            "reached",
            "best simple method",
            "bound",
            "",
            "minutes",
            "at most",
            "learnt, predicted, streamed a second",
        ]
    ]
    for each in found:
        chosen = SETS[each.name]
        for bound in chosen.bounds:
            own, first = next(iter(each.compared.values())), bound is chosen.bounds[0]
            held = bound.holds(each.compared) and each.minutes <= chosen.minutes
            about = [
                f"{each.minutes:.1f}",
                f"{chosen.minutes:g}",
                ", ".join(f"{speed:,.0f}" for speed in each.speeds.values()),
            ]
            table.append(
                [
                    each.name if first else "",
                    bound.measure.replace("_", " "),
                    f"{own[bound.measure]:.4g}",
                    bound.best(each.compared),
                    str(bound),
                    "reached" if held else "missed",
                    *(about if first else [""] * len(about)),
                ]
            )
    return table


def read_kept(path: Path | None) -> list[Reached]:
    """What was measured before."""
    if path is None or not path.exists():
        return []
    return [Reached(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


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
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep all figures, and measure only what is not in it"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=f"write the table after its line {MARK}")
    chosen = parser.parse_args(arguments)
    names = chosen.only.split(",")
    if unknown := [name for name in names if name not in SETS]:
        parser.error(f"there is no set {unknown[0]!r}; the sets are {', '.join(SETS)}")
    there = [name for name in names if (chosen.data / shlex.split(SETS[name].command)[2].split("/")[0]).exists()]
    console, found = Console(), {each.name: each for each in read_kept(chosen.json)}
    for name in there:
        if name in found:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            found[name] = train(name, chosen.data, Path(scratch) / name)
        if chosen.json:
            text = json.dumps([asdict(each) for each in found.values()], indent=1)
            chosen.json.write_text(text + "\n", encoding="utf-8")
    measured = [found[name] for name in SETS if name in found]
    heading, *lines = rows(measured)
    table = Table(*heading)
    for line in lines:
        table.add_row(*line)
    console.print(table)
    for name in (name for name in names if name not in found):
        console.print(f"{name} was not measured: {chosen.data} does not have it", highlight=False)
    if chosen.markdown:
        versions = ", ".join(f"{package} {version(package)}" for package in ("elman", "torch"))
        machine = f"{host().cores} cores, {host().cpu}, {platform.system()}; {versions}"
        write_markdown(chosen.markdown, measured, f"Made by `benchmarks/tasks.py` on {machine}.")


if __name__ == "__main__":
    main()
