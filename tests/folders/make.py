"""Make the model folders of this version that later ones must go on loading: ``python tests/folders/make.py``.

Each has what a model folder has, but for what only a run that goes on needs, and beside it rows and their answers.
"""

import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from elman import tasks
from elman.training.folders import OPTIONS, VOCABULARY, WEIGHTS, written
from elman.training.runs import fit

SMALL: dict[str, Any] = {"hidden": 6, "lr": 0.03, "warmup": 5, "batch": 16}


def classify(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random, rows = Random(0), []
    for n in range(80):
        side = ["great", "fun"] if n % 2 == 0 else ["dull", "sad"]
        words = [random.choice(side), *random.choices("the film it was".split(), k=3)]
        rows.append(f"{' '.join(words)},{('good', 'bad')[n % 2]}\n")
    (folder / "data.csv").write_text("text,label\n" + "".join(rows))
    asked = "text\na great film\nthe dull one was sad\n"
    return "classify", asked, {**SMALL, "embedding": 6, "spelling": 0, "min_count": 1, "word_dropout": 0.1,
                               "max_length": 50, "label_smoothing": 0.05, "steps": 60}  # fmt: skip


def classify_series(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random, rows = Random(1), []
    for n in range(40):
        sign, start = (1 if n % 2 else -1), random.random()
        rows += [f"s{n},{t},{sign * t + start:.3f},{'up' if n % 2 else 'down'}\n" for t in range(random.randint(4, 8))]
    (folder / "data.csv").write_text("id,time,level,label\n" + "".join(rows))
    asked = "id,time,level\n" + "".join(f"a,{t},{t}\nb,{t},{-t}\n" for t in range(5))
    return "classify", asked, {**SMALL, "resample": 2.0, "convolution": 2, "max_length": 30, "steps": 40,
                               "id_column": "id", "time_column": "time", "label_column": "label"}  # fmt: skip


def tag(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random, lines = Random(2), []
    for _ in range(60):
        lines += [f"{random.choice(['Ann', 'Tom', 'Eve'])} B-PER", f"{random.choice(['saw', 'left'])} O",
                  f"{random.choice(['Rome', 'Oslo'])} B-LOC", ". O", ""]  # fmt: skip
    (folder / "data.txt").write_text("\n".join(lines))
    asked = "Eve\nleft\nOslo\n.\n\nTom\nsaw\nRome\n"
    return "tag", asked, {**SMALL, "embedding": 6, "spelling": 3, "min_count": 2, "word_dropout": 0.05,
                          "max_length": 40, "steps": 60}  # fmt: skip


def translate(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random = Random(3)
    words = ["".join(random.choices("abcd", k=random.randint(2, 4))) for _ in range(120)]
    (folder / "data.tsv").write_text("source\ttarget\n" + "".join(f"{w}\t{w.upper()}\n" for w in words))
    asked = "source\nabc\ndba\n"
    return "translate", asked, {**SMALL, "hidden": 8, "embedding": 8, "source_tokens": "characters", "dropout": 0.0,
                                "target_tokens": "characters", "label_smoothing": 0.05, "max_length": 20,
                                "held_out": 0.2, "steps": 250}  # fmt: skip


def forecast(folder: Path) -> tuple[str, str, dict[str, Any]]:
    rows = [f"2024-01-{1 + n // 24:02} {n % 24:02}:00,{10 + 3 * np.sin(n * np.pi / 12) + 0.1 * (n % 5):.3f}"
            for n in range(24 * 20)]  # fmt: skip
    (folder / "data.csv").write_text("time,load [MW]\n" + "\n".join(rows) + "\n")
    asked = "time,load [MW]\n" + "\n".join(rows[:100]) + "\n"
    return "forecast", asked, {**SMALL, "horizon": 4, "context": 12, "patch": 3, "normalise": "last",
                               "linear_skip": False, "steps": 60}  # fmt: skip


def anomaly(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random = np.random.default_rng(1)
    wave = np.sin(np.arange(600) / 4) + 0.02 * random.normal(size=600)
    wave[500:503] += 2
    (folder / "data.csv").write_text("step,value\n" + "".join(f"{t},{x:.4f}\n" for t, x in enumerate(wave)))
    asked = "step,value\n" + "".join(f"{t},{x:.4f}\n" for t, x in enumerate(wave[440:520]))
    return "anomaly", asked, {**SMALL, "batch": 8, "horizons": "1,3", "values": "value", "cooldown": 10, "bptt": 32,
                              "false_alarm_rate": 0.01, "steps": 40}  # fmt: skip


def recommend(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random, rows = Random(4), []
    for person in range(40):
        start = random.randrange(8)
        rows += [f"p{person},page{(start + step) % 8},{step}\n" for step in range(5)]
    (folder / "data.csv").write_text("user,item,time\n" + "".join(rows))
    asked = "user,item,time\nx,page1,0\nx,page2,1\ny,page6,0\n"
    return "recommend", asked, {**SMALL, "embedding": 6, "word_dropout": 0.05, "min_count": 1, "max_length": 20,
                                "top_k": 3, "steps": 60}  # fmt: skip


def language(folder: Path) -> tuple[str, str, dict[str, Any]]:
    (folder / "data.txt").write_text("the sun rose over the sea, and the sea rose to the sun.\n" * 40)
    return "language", "the sun", {**SMALL, "hidden": 16, "embedding": 6, "batch": 4, "bptt": 16, "steps": 200}


def language_strings(folder: Path) -> tuple[str, str, dict[str, Any]]:
    random = Random(5)
    names = ["".join(random.choice(("an", "el", "mo")) for _ in range(random.randint(2, 4))) for _ in range(120)]
    (folder / "data.txt").write_text("\n".join(names) + "\n")
    return "language", "an", {**SMALL, "embedding": 6, "form": "strings", "max_length": 30, "samples": 20, "steps": 120}


def answers(model: Any, asked: Path, prompt: str) -> Any:
    """What a model says to some rows, or writes on from a beginning, as plain values."""
    if not hasattr(model, "generate"):
        return json.loads(model.predict(asked).write_json())
    if model.form == "strings":
        return model.strings(1, prompt=prompt, temperature=0)
    return "".join(model.generate(prompt, length=40, temperature=0))


def lines(said: Any) -> str:
    """Plain values as JSON, a row a line."""
    if isinstance(said, str):
        return json.dumps(said) + "\n"
    return "[\n" + ",\n".join(json.dumps(row) for row in said) + "\n]\n"


MADE = (classify, classify_series, tag, translate, forecast, anomaly, recommend, language, language_strings)


def main(out: Path) -> None:
    """Write all folders below ``out``."""
    for make in MADE:
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            name, asked, options = make(place)
            (data,) = place.iterdir()
            fit(tasks.load(name), data, folder=place / "model", **options)
            folder = out / make.__name__
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for kept in (OPTIONS, VOCABULARY, WEIGHTS):
                said = (place / "model" / kept).read_bytes()
                with written(folder, kept) as aside:
                    aside.write_bytes(
                        said.replace(str(data).encode(), data.name.encode()).replace(scratch.encode(), b"")
                    )
            (folder / f"asked{data.suffix}").write_text(asked)
            said = answers(tasks.restore(folder), folder / f"asked{data.suffix}", asked)
            (folder / "answers.json").write_text(lines(said), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / ".".join(version("elman").split(".")[:2]))
