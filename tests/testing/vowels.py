"""A task of a person's own: how many vowels a word has. It stands in a module, since a run is killed in a process."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from elman.data.batches import Batches, pad
from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.training.measures import LOW, Measure
from elman.training.options import TaskOptions, option
from elman.training.report import Section
from elman.training.task import (
    HELD_OUT,
    BadRows,
    EvaluationData,
    JudgedRows,
    Loss,
    Predictor,
    Sources,
    TrainingData,
    same_answers,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class VowelsOptions(TaskOptions):
    """What can be chosen about a counter of vowels."""

    defaults: ClassVar = {"batch": 16, "lr": 0.02}

    hidden: int = option(8, "Units.", min=1)
    dropout: float = option(0.0, "Share of the features that training sets to zero.", min=0, max=0.95)


class Words:
    """Words, each with its number of vowels."""

    def __init__(self, words: Sequence[str], truth: Sequence[float], rows: int = 64, seed: int = 1) -> None:
        self.words, self.truth = list(words), np.array(truth, np.float32)
        self.letters = [np.array([LETTERS.index(letter) for letter in word]) for word in self.words]
        self.batches = Batches(np.array([len(word) for word in self.words]), rows, seed)

    def __iter__(self) -> Iterator[Any]:
        return map(self.padded, self.batches.in_order())

    def __len__(self) -> int:
        return len(self.batches)

    def padded(self, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        return *pad([self.letters[row] for row in rows]), torch.from_numpy(self.truth[rows])

    def measures(self, answers: Sequence[float]) -> dict[str, float]:
        truth = self.truth[np.concatenate(self.batches.in_order())]
        return {"error": float(np.abs(truth - np.array(answers)).mean())}

    def metrics(self, loss: float, outputs: Sequence[list[float]]) -> dict[str, float]:
        return {"loss": loss, **self.measures([each for batch in outputs for each in batch])}

    def judged(self, outputs: Sequence[list[float]]) -> JudgedRows:
        return JudgedRows(len(self.words), "words", same_answers([each for batch in outputs for each in batch]))


class WordsToLearn:
    """Words to learn from, and others that are held out."""

    test_name = HELD_OUT

    def __init__(self, learnt: Words, held_out: Words) -> None:
        self.learnt, self.held_out, self.test, self.epoch = learnt, held_out, held_out, len(learnt)

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.learnt.padded(self.learnt.batches[step])

    def describe(self) -> str:
        return f"{len(self.learnt.words)} words to learn from, {len(self.held_out.words)} held out"


def is_word(word: Any) -> bool:
    return isinstance(word, str) and word != "" and set(word) <= set(LETTERS)


def read_table(source: Any) -> pl.DataFrame:
    read = {".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet, ".csv": pl.read_csv}
    if not isinstance(source, pl.DataFrame) and not Path(source).exists():
        raise ElmanError(f"there is no file {source}")
    table = source if isinstance(source, pl.DataFrame) else read[Path(source).suffix](source)
    if "word" not in table.columns:
        raise ElmanError("the table has no column 'word'")
    return table


class VowelsTask(Predictor):
    """Count the vowels of a word."""

    Options = VowelsOptions
    unit = "words"
    measures = {"error": Measure(LOW, about="the mean distance from the true number")}  # noqa: RUF012

    def __init__(self, options: VowelsOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.embedding = nn.Embedding(len(LETTERS), options.hidden)
        self.layer = Recurrent("gru", options.hidden, options.hidden)
        self.dropout = nn.Dropout(options.dropout)
        self.readout = nn.Linear(options.hidden, 1)

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        outputs, _ = self.layer(self.dropout(self.embedding(letters)), lengths=lengths)
        return self.readout(outputs).squeeze(-1).sum(1) - self.readout.bias * (letters.shape[1] - lengths)

    @classmethod
    def read(cls, options: Any, sources: Sources) -> pl.DataFrame:
        return read_table(sources.data)

    @classmethod
    def learn(cls, options: Any, read: pl.DataFrame) -> dict[str, Any]:
        return {}

    def data(self, read: pl.DataFrame, folder: Path, *, rows: int, steps: int, seed: int) -> WordsToLearn:
        cut = len(read) * 4 // 5
        parts = [(part["word"].to_list(), part["vowels"].to_list()) for part in (read[:cut], read[cut:])]
        return WordsToLearn(*(Words(*part, rows=rows, seed=seed) for part in parts))

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Words:
        table = read_table(source)
        return Words(table["word"].to_list(), table["vowels"].to_list())

    def loss(self, batch: Any, state: Any) -> Loss:
        letters, lengths, truth = batch
        found = self(letters, lengths)
        return Loss((found - truth).square().mean(), len(truth), output=found.tolist())

    def sample(self, data: TrainingData, seed: int) -> str:
        return json.dumps(self.count(["banana", "rhythm"]))

    @torch.no_grad()
    def count(self, words: Sequence[str]) -> list[float]:
        self.eval()
        letters, lengths, _ = Words(words, [0] * len(words)).padded(np.arange(len(words)))
        return self(letters, lengths).tolist()

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        table = read_table(data)
        words = table["word"].to_list()
        good = [n for n, word in enumerate(words) if is_word(word)]
        for n in sorted(set(range(len(words))) - set(good)):
            bad.add(f"row {n + 1}", "is no word")
        found: list[float | None] = [None] * len(words)
        for n, number in zip(good, self.count([words[n] for n in good]) if good else [], strict=True):
            found[n] = number
        return table.with_columns(pl.Series("predicted", found, dtype=pl.Float64))

    def session(self) -> Callable[[str], str]:
        def answer(line: str) -> str:
            word = json.loads(line)["word"]
            if not is_word(word):
                raise ElmanError("it is no word")
            return json.dumps({"predicted": self.count([word])[0]})

        return answer

    def lines(self, evaluation: EvaluationData, number: int) -> list[str]:
        assert isinstance(evaluation, Words)
        return [json.dumps({"word": word}) for word in evaluation.words[:number]]

    def baselines(self, data: TrainingData, evaluation: EvaluationData) -> dict[str, Callable[[], dict[str, float]]]:
        assert isinstance(data, WordsToLearn)
        assert isinstance(evaluation, Words)
        usual = fmean(data.learnt.truth.tolist())
        return {"the mean": lambda: evaluation.measures([usual] * len(evaluation.words))}

    def sections(self, data: TrainingData, evaluation: EvaluationData, outputs: Sequence[Any]) -> list[Section]:
        assert isinstance(evaluation, Words)
        rows = [[word, float(n)] for word, n in zip(evaluation.words[:5], evaluation.truth, strict=False)]
        return [Section("Words", header=["word", "vowels"], rows=rows)]
