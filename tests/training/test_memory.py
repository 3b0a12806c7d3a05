"""What a run needs of memory is told before it is asked for."""

import math
from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from torch import nn

import elman
from elman import tasks
from elman.errors import ElmanError
from elman.training.memory import ANSWERED, available, check_batch, check_model, memory_told, size
from elman.training.runs import fit
from elman.training.settings import Training, configured
from elman.training.task import Sources

TEXTS = {"text": ["so good", "so bad", "good film", "bad film"] * 8, "label": ["yes", "no"] * 16}
WAVE = {"value": np.sin(np.arange(600) / 5)}
DATA: dict[str, Any] = {
    "anomaly": WAVE,
    "classify": TEXTS,
    "forecast": WAVE,
    "recommend": {"user": [n % 10 for n in range(100)], "item": [f"i{n % 7}" for n in range(100)]},
    "tag": {"tokens": [["the", "cat"], ["a", "dog"]] * 20, "tags": [["DET", "NOUN"]] * 40},
    "translate": {"source": ["one two", "two one"] * 10, "target": ["un deux", "deux un"] * 10},
}


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("hidden", [10_000_000, 10_000_000_000])
def test_a_model_that_is_too_large_is_refused_in_one_line_and_at_once(task: str, hidden: int) -> None:
    with pytest.raises(ElmanError, match=r"parameters.* of memory: give --hidden a lower number than 10,000,000"):
        fit(tasks.load(task), pl.DataFrame(DATA[task]), steps=1, hidden=hidden)


@pytest.mark.parametrize(
    ("options", "said"), [({"embedding": 10**9}, "embedding"), ({"hidden": 10**7, "embedding": 200}, "hidden")]
)
def test_what_is_furthest_above_its_default_is_to_be_lowered(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ElmanError, match=f"give {said} a lower number"):
        elman.Classifier(**{"verbose": False, "steps": 1, **options}).fit(pl.DataFrame(TEXTS))


def test_a_batch_that_is_too_large_is_refused() -> None:
    with pytest.raises(ElmanError, match=r"batch has up to .* steps.* give --batch a lower number than 100,000,000"):
        fit(tasks.load("anomaly"), pl.DataFrame(WAVE), steps=1, batch=100_000_000)


@pytest.mark.parametrize("task", ["classify", "recommend", "tag", "translate"])
def test_what_steps_keep_of_a_wide_embedding_counts(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.training.memory.available", lambda: 1e9)  # which the parameters alone do not take
    with pytest.raises(ElmanError, match=r"a batch has .* beside .* parameters; .*: give --embedding a lower number"):
        fit(
            tasks.load(task),
            pl.DataFrame(DATA[task]).sample(1000, with_replacement=True, seed=1),
            steps=1,
            hidden=4,
            embedding=200_000,
            batch=1000,
        )


@pytest.mark.parametrize(("there", "refused"), [(4.5, True), (6.9, True), (7.5, False)])
def test_parameters_count_with_what_is_learnt_of_them_and_a_checkpoint(
    there: float, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, training = nn.Linear(1000, 1000, False), Training()
    make: Any = lambda options, vocabulary: model  # noqa: E731
    monkeypatch.setattr("elman.training.memory.available", lambda: there * 4e6)
    with pytest.raises(ElmanError, match=r"1e\+06 parameters, which take 28 MB") if refused else nullcontext():
        check_model(make, training, {}, training)


@pytest.mark.parametrize("task", DATA)
@pytest.mark.parametrize("rows", [4, 16])
def test_every_task_tells_the_steps_of_a_batch_and_what_its_loss_compares(
    task: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tasks.load(task)
    options = configured(make.Options, make.Options, {"hidden": 8})
    read = make.read(options, Sources(pl.DataFrame(DATA[task])))
    made = make(options, make.learn(options, read))
    data = made.data(read, tmp_path, rows=rows, steps=8, seed=1)
    assert rows <= made.batch_steps(data) <= rows * 1000
    assert made.batch_steps(data) % rows == 0 or task == "translate"
    scores = {"recommend": "size", "translate": "target.size"}
    if task in scores:  # as many for each step that is learnt from as there are tokens or items
        assert made.batch_scores(data) >= rows * attrgetter(scores[task])(made)
    monkeypatch.setattr(type(made), "batch_scores", lambda *_: 10**15)
    with pytest.raises(ElmanError, match=r"a batch has .* learning from it takes 12 PB"):
        check_batch(made, data, Training())


def test_memory_that_runs_out_all_the_same_is_told() -> None:
    with pytest.raises(ElmanError, match="memory ran out: Unable to allocate"), memory_told():
        np.empty(1 << 58)
    with pytest.raises(RuntimeError, match="something else"), memory_told():
        raise RuntimeError("something else")


def test_there_is_memory() -> None:
    assert 1e6 < available() < math.inf
    assert size(0) == "0 B"


def test_what_a_process_may_take_bounds_what_there_is() -> None:
    resource = pytest.importorskip("resource")
    usual = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 45, usual[1]))
    try:
        assert available() < 1 << 45
        resource.setrlimit(resource.RLIMIT_AS, (1, usual[1]))
        assert available() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_AS, usual)


def test_answers_that_take_more_than_there_is_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asked.csv").write_text("text\n" + "so good\n" * 1000)
    model: Any = tasks.restore(Path("tests/folders/0.2/classify"))
    monkeypatch.setattr("elman.system.memory_free", lambda: 1000 * 2 * ANSWERED * 8 - 1)
    message = (
        "1,000 rows with 2 numbers to answer each take 128 kB; there are 128 kB of memory: give fewer rows at a time"
    )
    with pytest.raises(ElmanError, match=message):
        model.predict(tmp_path / "asked.csv")
    monkeypatch.setattr("elman.system.memory_free", lambda: 1000 * 2 * ANSWERED * 8)
    assert len(model.predict(tmp_path / "asked.csv")) == 1000
