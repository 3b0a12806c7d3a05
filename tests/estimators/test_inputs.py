"""Each kind of input beside each estimator; ``docs/reference/inputs.md`` has the table that this file finds.

Run as a script, it writes the table anew.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import elman
from elman.errors import ElmanError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "inputs.md"
BEGIN, END = "<!-- begin: written by tests/estimators/test_inputs.py -->", "<!-- end -->"
ROWS = 60
RANDOM = np.random.default_rng(0)
NUMBERS = np.sin(np.arange(ROWS * 4) / 3).reshape(ROWS, 4) + 0.1 * RANDOM.normal(size=(ROWS, 4))
WORDS = [["a", "cat"], ["the", "dog"], ["a", "dog"]] * (ROWS // 3)
TAGS = [["D", "N"]] * ROWS
TEXTS = ["so good", "so bad", "fine film"] * (ROWS // 3)
OTHERS = ["si bon", "si mal", "bon film"] * (ROWS // 3)
CLASSES = ["yes", "no", "yes"] * (ROWS // 3)
AMOUNTS = [0.5, 1.5, 2.5] * (ROWS // 3)
SESSIONS = [["tea", "milk", "cup", "tea"], ["milk", "cup", "tea", "milk"]] * (ROWS // 2)
ITEMS = ["tea", "milk", "cup", "pot"]
DAYS = pl.datetime_range(pl.datetime(2025, 1, 1), pl.datetime(2025, 3, 1), "1d", eager=True)[:ROWS]

QUICK: dict[str, Any] = {"hidden": 4, "steps": 1, "verbose": False}
TRANSLATOR = {"embedding": 4, "held_out": 0.2}
ESTIMATORS: dict[str, Callable[[], Any]] = {
    "Classifier": lambda: elman.Classifier(embedding=4, **QUICK),
    "Regressor": lambda: elman.Regressor(embedding=4, **QUICK),
    "Tagger": lambda: elman.Tagger(embedding=4, **QUICK),
    "Translator": lambda: elman.Translator(**TRANSLATOR, **QUICK),
    "Forecaster": lambda: elman.Forecaster(horizon=3, context=6, **QUICK),
    "AnomalyDetector": lambda: elman.AnomalyDetector(horizons="1", **QUICK),
    "Recommender": lambda: elman.Recommender(embedding=4, **QUICK),
    "LanguageModel": lambda: elman.LanguageModel(embedding=4, batch=2, bptt=4, samples=0, **QUICK),
}

# what a table has for each estimator, by column
COLUMNS: dict[str, dict[str, Any]] = {
    "Classifier": {"text": TEXTS, "label": CLASSES},
    "Regressor": {"text": TEXTS, "label": AMOUNTS},
    "Tagger": {"tokens": WORDS, "tags": TAGS},
    "Translator": {"source": TEXTS, "target": OTHERS},
    "Forecaster": {"day": DAYS.to_list(), "load": NUMBERS[:, 0].tolist()},
    "AnomalyDetector": {"heat": NUMBERS[:, 0].tolist(), "speed": NUMBERS[:, 1].tolist()},
    "Recommender": {
        "user": [f"u{n // 4}" for n in range(ROWS)],
        "item": [ITEMS[(n + n // 4) % 4] for n in range(ROWS)],
    },
    "LanguageModel": {"text": TEXTS},
}
SEPARATE: dict[str, list[Any]] = {"Classifier": CLASSES, "Regressor": AMOUNTS}  # y beside arrays of numbers
TEXTUAL = {**SEPARATE, "Tagger": TAGS, "Translator": OTHERS}  # y beside texts


def table(name: str) -> pl.DataFrame:
    return pl.DataFrame(COLUMNS[name])


def files(name: str, folder: Path, number: int = 1) -> list[Path]:
    """Files of the most usual kind for an estimator."""
    found = []
    for n in range(number):
        path = folder / f"{name}{n}.{'txt' if name == 'LanguageModel' else 'parquet'}"
        if name == "LanguageModel":
            path.write_text("so good, and so bad\n" * 60, encoding="utf-8")
        else:
            days = pl.col("day") + pl.duration(days=ROWS * n)  # the second file goes on where the first one ends
            table(name).with_columns(*([days] if name == "Forecaster" else [])).write_parquet(path)
        found.append(path)
    return found


def dated(name: str) -> Any:
    import pandas as pd

    index = pd.DatetimeIndex(DAYS.to_list())
    return pd.DataFrame({"load": NUMBERS[:, 0], "heat": NUMBERS[:, 1]}, index=index)


def hugging_face(name: str) -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({key: list(column) for key, column in COLUMNS[name].items()})


def pandas_of(name: str) -> Any:
    return table(name).to_pandas()


def uneven(name: str) -> list[np.ndarray]:
    """Arrays of unequal lengths."""
    return [np.tile(row, 20)[: 60 + n % 5, None] for n, row in enumerate(NUMBERS)]


def objects(name: str) -> np.ndarray:
    found = np.empty(ROWS, object)
    found[:] = uneven(name)
    return found


def with_y(values: Any, name: str, y: dict[str, list[Any]]) -> tuple[Any, ...]:
    return (values, y[name]) if name in y else (values,)


Kind = Callable[[str, Path], tuple[Any, ...]]
KINDS: dict[str, Kind] = {
    "a file": lambda name, folder: (str(files(name, folder)[0]),),
    "several files": lambda name, folder: (files(name, folder, 2),),
    "array `[rows, steps]`": lambda name, folder: with_y(NUMBERS, name, SEPARATE),
    "array `[rows, steps, channels]`": lambda name, folder: with_y(
        np.stack([np.roll(NUMBERS, n, 0) for n in range(ROWS)])[..., :1], name, SEPARATE
    ),
    "object array of unequal series": lambda name, folder: with_y(objects(name), name, SEPARATE),
    "list of arrays": lambda name, folder: with_y(uneven(name), name, SEPARATE),
    "torch tensor": lambda name, folder: with_y(torch.from_numpy(NUMBERS), name, SEPARATE),
    "list of texts": lambda name, folder: with_y(TEXTS, name, TEXTUAL),
    "list of pairs of texts": lambda name, folder: (list(zip(TEXTS, OTHERS, strict=True)),),
    "list of (words, tags)": lambda name, folder: (list(zip(WORDS, TAGS, strict=True)),),
    "list of lists of items": lambda name, folder: (SESSIONS,),
    "list of dicts": lambda name, folder: (table(name).to_dicts(),),
    "dict of columns": lambda name, folder: (COLUMNS[name],),
    "pandas DataFrame": lambda name, folder: (pandas_of(name),),
    "pandas Series": lambda name, folder: with_y(
        pandas_of(name).iloc[:, -1 if name == "Forecaster" else 0], name, TEXTUAL
    ),
    "pandas with a DatetimeIndex": lambda name, folder: (dated(name),),
    "polars DataFrame": lambda name, folder: (table(name),),
    "polars LazyFrame": lambda name, folder: (table(name).lazy(),),
    "pyarrow Table": lambda name, folder: (table(name).to_arrow(),),
    "Hugging Face Dataset": lambda name, folder: (hugging_face(name),),
}


def tried(kind: str, folder: Path) -> dict[str, str]:
    """What each estimator says to a kind of input: "yes", or the reason why it does not take it."""
    found = {}
    for name, make in ESTIMATORS.items():
        try:
            model = make().fit(*KINDS[kind](name, folder))
            assert model.result["steps"] == 1
            found[name] = "yes"
        except ElmanError as error:
            found[name] = str(error).replace(str(folder), "").replace("\n", " ")
    return found


def written(answers: dict[str, dict[str, str]]) -> str:
    """The table, and the reasons below it."""
    reasons: dict[str, int] = {}
    rows = [f"| | {' | '.join(f'`{name}`' for name in ESTIMATORS)} |", "| --- " * (len(ESTIMATORS) + 1) + "|"]
    for kind, row in answers.items():
        cells = [
            "yes" if said == "yes" else f"no: {reasons.setdefault(said, len(reasons) + 1)}" for said in row.values()
        ]
        rows.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join([*rows, "", *(f"{number}. {reason}" for reason, number in reasons.items())])


def shown() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_table_says_what_happens(kind: str, tmp_path: Path) -> None:
    found = tried(kind, tmp_path)
    lines = shown().splitlines()
    (row,) = (line for line in lines if line.startswith(f"| {kind} |"))
    reasons = dict(line.split(". ", 1) for line in lines if line[:1].isdigit())
    cells = [cell.strip() for cell in row.strip("|").split("|")[1:]]
    told = [cell if cell == "yes" else reasons[cell.removeprefix("no: ")] for cell in cells]
    assert dict(zip(ESTIMATORS, told, strict=True)) == found


if __name__ == "__main__":
    logging.disable()
    with tempfile.TemporaryDirectory() as place:
        answers = {kind: tried(kind, Path(place)) for kind in KINDS}
    before, after = PAGE.read_text(encoding="utf-8").split(BEGIN)[0], PAGE.read_text(encoding="utf-8").split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{written(answers)}\n\n{END}{after}", encoding="utf-8")
