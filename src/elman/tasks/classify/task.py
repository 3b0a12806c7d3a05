"""Classification: a label, several, or a number, for a text or for a series of numbers."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from elman.data.bad import BadRows
from elman.data.batches import Batches
from elman.data.memory import array_series, opened
from elman.data.plain import restored
from elman.data.rows import Asked, Line
from elman.data.split import split
from elman.errors import ElmanError, counted
from elman.layers.convolution import Convolution
from elman.layers.encoder import Timed, encoder
from elman.layers.pooling import AttentionPooling, max_and_mean
from elman.tasks.classify import report
from elman.tasks.classify.asked import read_asked
from elman.tasks.classify.baselines import simple_methods
from elman.tasks.classify.columns import check_texts
from elman.tasks.classify.inputs import SeriesInput, TextInput, parse_series
from elman.tasks.classify.labelled import Labelled, read_labelled, warn_of_leaks
from elman.tasks.classify.layout import Layout, find_layout
from elman.tasks.classify.options import ClassifyOptions
from elman.tasks.classify.target import MEASURES, Target, find_target
from elman.tasks.classify.vocabulary import Vocabulary
from elman.training.memory import check_answers
from elman.training.options import listed
from elman.training.report import Section
from elman.training.task import (
    HELD_OUT,
    LEARNT_FROM,
    JudgedRows,
    Loss,
    RowPredictor,
    Sources,
)

ROWS = 64  # answered at a time


class ClassifyParts(NamedTuple):
    """What was read: rows to learn from and rows held out, and how they lay in the file."""

    layout: Layout
    target: Target
    learnt: Labelled
    held_out: Labelled
    name: str


class ClassifyBatch(NamedTuple):
    """Rows side by side."""

    inputs: Any  # what the model's input layer takes
    truth: Tensor  # [B] or [B, K]


class Rows:
    """Labelled rows on which a classifier is judged, the short ones first."""

    def __init__(self, task: "ClassifyTask", rows: Labelled, bad: BadRows) -> None:
        _, wrong = task.target.encode(rows.labels)
        self.rows = rows = rows.reject(wrong, bad)
        if not len(rows):
            raise ElmanError("there are no rows whose label was learnt; nothing to judge on")
        self.task, self.truth = task, task.target.encode(rows.labels)[0]
        self.order = Batches(task.input.lengths(rows.inputs), ROWS).in_order()

    def __iter__(self) -> Iterator[ClassifyBatch]:
        return (self.task.batch(self.rows, self.truth, rows) for rows in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def in_order(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """The outputs of the batches, ``[N, K]``, in the order of the rows."""
        found = np.concatenate(outputs)
        restored = np.empty_like(found)
        restored[np.concatenate(self.order)] = found
        return restored

    def metrics(self, loss: float, outputs: Sequence[np.ndarray]) -> dict[str, float]:
        return {"loss": loss, **self.task.target.measures(self.in_order(outputs), self.truth)}

    def judged(self, outputs: Sequence[np.ndarray]) -> JudgedRows:
        return JudgedRows(len(self.rows), "rows", self.task.target.remarks(np.concatenate(outputs)))


class ClassifyExamples:
    """Labelled rows to learn from, and others that are held out."""

    held_out: Rows
    test: Rows
    test_name: str

    def __init__(self, task: "ClassifyTask", parts: ClassifyParts, rows: int, seed: int) -> None:
        self.task, self.learnt, self.name = task, parts.learnt, parts.name
        self.truth = task.target.encode(parts.learnt.labels)[0]
        self.batches = Batches(task.input.lengths(parts.learnt.inputs), rows, seed)
        self.held_out = self.test = Rows(task, parts.held_out, BadRows())
        self.test_name = LEARNT_FROM if parts.held_out is parts.learnt else HELD_OUT

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> ClassifyBatch:
        return self.task.batch(self.learnt, self.truth, self.batches[step])

    def describe(self) -> str:
        held_out = len(self.held_out.rows)
        rows = counted(len(self.learnt), "rows")
        return f"{self.name}: {rows} to learn from, {held_out:,} held out; {self.task.input.about}"


class ClassifyTask(RowPredictor[ClassifyOptions, ClassifyParts, ClassifyBatch, ClassifyExamples, Rows, Any]):
    """Classify texts or series, or predict a number for each: a recurrence reads them, and its outputs are pooled.

        x_t = word, character or step of numbers t
        y_1 .. y_T = recurrent(dropout(x_1 .. x_T))
        p = softmax(W dropout(pool(y_1 .. y_T)) + b)

    ``predict`` takes a file, a data frame, a list of texts, or a list of arrays ``[time, channels]``.

    Example:
        >>> texts = ["so good", "so bad", "good film", "bad film"] * 8
        >>> frame = pl.DataFrame({"text": texts, "label": ["yes", "no"] * 16})
        >>> from elman.training.runs import fit
        >>> model = fit(ClassifyTask, frame, steps=30, hidden=8, embedding=8, lr=0.05, dropout=0.0)
        >>> model.predict(["good good", "bad"])["predicted"].to_list()
        ['yes', 'no']
    """

    Options = ClassifyOptions
    Learnt = Vocabulary
    unit = "rows"
    measures = MEASURES

    def __init__(self, options: ClassifyOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.layout = restored(Layout, vocabulary["layout"])
        self.by_row = self.layout.kind != "long"
        self.target = restored(Target, vocabulary["target"])
        make = TextInput if self.layout.is_text else SeriesInput
        self.input = make(options, vocabulary["input"])
        size, self.front = self.input.size, None
        if options.convolution and not self.layout.is_text:
            width = 2 * options.convolution + 1
            self.front = Convolution(
                size, options.hidden, width, options.convolution, centred=True, activation=torch.relu
            )
            size = options.hidden
        self.dropout = nn.Dropout(options.dropout)
        spelt = isinstance(self.input, TextInput) and self.input.tokens == "characters"
        self.input_dropout = nn.Identity() if spelt else self.dropout  # of few characters, each tells much
        self.encoder = encoder(
            options.cell,
            size,
            options.hidden,
            options.layers,
            bidirectional=options.bidirectional,
            dropout=options.dropout,
        )
        wide = self.encoder.output_size
        self.pooling = AttentionPooling(wide) if options.attention else None
        self.head = nn.Linear(wide if options.attention else 2 * wide, self.target.size)
        self.balanced = vocabulary["weights"] is not None
        if self.balanced:
            self.register_buffer("weights", torch.tensor(vocabulary["weights"]), persistent=False)

    @classmethod
    def read(cls, options: ClassifyOptions, sources: Sources) -> ClassifyParts:
        if sources.data is None:
            raise ElmanError(
                "give --data FILE: a table, lines of a label and a text, a folder of classes, or a .ts file"
            )
        layout = find_layout(sources.data, options.column_spec(), BadRows(skip=True))
        rows = read_labelled(sources.data, layout, sources.bad)
        if layout.is_text:
            check_texts(sources.name, layout.text, rows.inputs)
        target = find_target(rows.labels, options.kind, replace(options.dialect, separator=layout.dialect.separator))
        warn_of_leaks(rows, layout)
        rows = rows.reject(target.encode(rows.labels)[1], sources.bad)
        if layout.kind == "lines":
            layout = replace(layout, marked=not any(target.has(text.partition(" ")[0]) for text in rows.inputs))
        if sources.valid is not None:
            other = read_labelled(sources.valid, layout, sources.bad)
            other = other.reject(target.encode(other.labels)[1], sources.bad)
            return ClassifyParts(layout, target, rows, other, sources.name)
        if options.held_out == 0:
            return ClassifyParts(layout, target, rows, rows, sources.name)
        learnt, held_out = split(
            len(rows),
            options.held_out,
            seed=options.split_seed,
            strata=rows.labels if target.kind == "classes" else None,
            **rows.parting(options.split, options.group_column, listed(options.time_column), options.order),
        )
        return ClassifyParts(layout, target, rows.take(learnt), rows.take(held_out), sources.name)

    @classmethod
    def learn(cls, options: ClassifyOptions, read: ClassifyParts) -> dict[str, Any]:
        make = TextInput if read.layout.is_text else SeriesInput
        weights = None
        if options.class_weights not in ("none", "balanced"):
            raise ElmanError(f"--class-weights is none or balanced, not {options.class_weights!r}")
        if options.class_weights == "balanced" and read.target.kind != "number":
            truth = read.target.encode(read.learnt.labels)[0]
            counts = np.bincount(truth, minlength=read.target.size) if truth.ndim == 1 else truth.sum(0)
            counts = np.maximum(counts, 1)
            share = len(truth) / (read.target.size * counts) if truth.ndim == 1 else (len(truth) - counts) / counts
            weights = [float(weight) for weight in share]
        return {
            "layout": asdict(read.layout),
            "target": asdict(read.target),
            "input": make.learn(options, read.learnt.inputs, read.layout),
            "weights": weights,
        }

    def more(self, sources: Sources) -> ClassifyParts:
        """More data of the kind that was learnt, to go on with; nothing of it is held out but ``sources.valid``."""

        def read(source: Any) -> Labelled:
            rows = read_labelled(source, self.layout, sources.bad)
            return rows.reject(self.target.encode(rows.labels)[1], sources.bad)

        return ClassifyParts(self.layout, self.target, *sources.both(read), sources.name)

    def data(self, read: ClassifyParts, folder: Path, *, rows: int, steps: int, seed: int) -> ClassifyExamples:
        return ClassifyExamples(self, read, rows, seed)

    def batch_steps(self, data: ClassifyExamples) -> int:
        longest = max(data.learnt.inputs, key=len) if self.layout.is_text else data.learnt.inputs[0]
        steps = self.input.batch([longest]).lengths if self.layout.is_text else data.batches.lengths
        return min(data.batches.rows, len(data.learnt)) * min(int(steps.max()), self.options.max_length)

    def start(self, data: ClassifyExamples) -> None:
        self.input.start(self.options)

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Rows:
        rows = read_labelled(source, self.layout, bad)
        check_answers(len(rows), self.target.size)
        self._remark_cut(rows.inputs, source, bad)
        return Rows(self, rows, bad)

    def batch(self, rows: Labelled, truth: np.ndarray, chosen: np.ndarray) -> ClassifyBatch:
        """Some rows side by side."""
        return ClassifyBatch(self.input.batch([rows.inputs[row] for row in chosen]), torch.from_numpy(truth[chosen]))

    def forward(self, inputs: Any) -> Tensor:
        """Logits of rows, ``[B, K]``."""
        x, lengths = self.input(inputs)
        if self.front is not None:
            x, _ = self.front(self.input_dropout(x), lengths=lengths)
            lengths = self.front.output_lengths(lengths)
        times: dict[str, Tensor] = {}
        if isinstance(self.encoder, Timed) and isinstance(self.input, SeriesInput) and self.front is None:
            times["dt"] = self.input.times(inputs)
        y, _ = self.encoder(self.input_dropout(x), lengths=lengths, **times)
        pooled = max_and_mean(y, lengths) if self.pooling is None else self.pooling(y, lengths)
        return self.head(self.dropout(pooled))

    def loss(self, batch: ClassifyBatch, state: Any) -> Loss:
        logits, weights = self(batch.inputs), self.get_buffer("weights") if self.balanced else None
        value = self.target.loss(logits, batch.truth.to(logits.device), weights, self.options.label_smoothing)
        return Loss(value, len(batch.truth), output=None if self.training else self.target.outputs(logits.detach()))

    @torch.no_grad()
    def outputs(self, inputs: Sequence[Any]) -> np.ndarray:
        """Probabilities of texts or series, ``[N, K]``, or numbers ``[N, 1]``."""
        check_answers(len(inputs), self.target.size)
        order = Batches(self.input.lengths(inputs), ROWS).in_order()
        found = np.empty((len(inputs), self.target.size))
        for rows in order:
            found[rows] = self.target.outputs(self(self.input.batch([inputs[row] for row in rows])))
        return found

    def rows(self, source: Any, bad: BadRows) -> Asked[Any]:
        asked = self._asked(source, bad)
        self._remark_cut(asked.inputs, source, bad)
        return asked

    def _remark_cut(self, inputs: Sequence[Any], source: Any, bad: BadRows) -> None:
        if said := self.input.are_cut(inputs):
            name = str(source) if isinstance(source, Path) else "" if isinstance(source, Line) else "the data"
            bad.remark(name, [said], logging.WARNING, "long")

    def _asked(self, source: Any, bad: BadRows) -> Asked[Any]:
        if isinstance(self.input, TextInput):
            return read_asked(source, self.layout, bad, self.target.has)
        if isinstance(source, Line) and not self.layout.is_row(source.text):
            source = [parse_series(source.text)]
        if hasattr(source, "__array__") and (series := array_series(source)) is not None:
            source = series
        if isinstance(source, list | tuple) and source and all(map(self.layout.names_row, source)):
            source = opened(source)
        if isinstance(source, list | tuple) and isinstance(self.input, SeriesInput):
            return self.input.asked(source)
        found = read_labelled(source, self.layout, bad, labelled=False)
        return Asked(found.inputs, found.index, found.size, found.frame)

    def answer(self, rows: Sequence[Any]) -> pl.DataFrame:
        return self.target.answers(self.outputs(rows))

    def lines(self, evaluation: Rows, number: int) -> list[str]:
        return [self.input.line(each) for each in evaluation.rows.inputs[:number]]

    def baselines(self, data: ClassifyExamples, evaluation: Rows) -> dict[str, Callable[[], dict[str, float]]]:
        return simple_methods(
            self.target, self.input, data.learnt.inputs, data.truth, evaluation.rows.inputs, evaluation.truth
        )

    def sections(self, data: ClassifyExamples, evaluation: Rows, outputs: Sequence[Any]) -> list[Section]:
        rows, found = evaluation.rows, evaluation.in_order(outputs)
        shown = [self.input.shown(each) for each in rows.inputs]
        return report.sections(self.target, found, evaluation.truth, shown, rows.where)

    def sample(self, data: ClassifyExamples, seed: int) -> str:
        rows = data.held_out.rows
        chosen = np.random.default_rng(seed).permutation(len(rows))[:5]
        answers = self.answer([rows.inputs[row] for row in chosen])["predicted"].to_list()
        return "\n".join(
            f"{rows.labels[row]!s:12} {a!s:12} {self.input.shown(rows.inputs[row])[:80]}"
            for row, a in zip(chosen, answers, strict=True)
        )
