"""Anomalies in streams of numbers: a forecast of what comes, and how unusual it is that it comes otherwise."""

import json
import logging
import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from scipy.special import log_ndtr
from torch import Tensor, nn

from elman.data.bad import BadRows
from elman.data.plain import restored, without_infinite
from elman.errors import ElmanError, counted
from elman.layers.encoder import encoder
from elman.tasks.anomaly import nab, report
from elman.tasks.anomaly.options import AnomalyOptions
from elman.tasks.anomaly.scoring import FIRST, Reader, Record, Scale, Usual, press, tail, unpress
from elman.tasks.anomaly.streams import Columns, Stream, find_columns, find_label, read_row, read_streams
from elman.tasks.anomaly.vocabulary import Vocabulary
from elman.training.answers import as_line, finite
from elman.training.measures import HIGH, LOSS, Measure
from elman.training.options import listed
from elman.training.report import Section
from elman.training.task import HELD_OUT, JudgedRows, Loss, Predictor, Sources

log = logging.getLogger(__name__)

MEASURES = {
    "nab": Measure(HIGH, label="NAB", about="the score of the Numenta benchmark at its best threshold"),
    "average_precision": Measure(HIGH, about="the area under the curve of precision over recall"),
    "auroc": Measure(HIGH, label="AUROC", about="the area under the ROC curve"),
    "f1": Measure(HIGH, label="F1", about="of the rows that reach the threshold"),
    "nab_without_labels": Measure(HIGH, label="NAB at the threshold", about="that was chosen without labels"),
    "alarms_per_1000": Measure(label="alarms in 1,000 rows"),
    "loss": LOSS,
}
SIDE_BY_SIDE = 64  # streams
LARGEST = 200_000  # rows that are judged at most while there is a run, so that this stays quick
BLOCK = 2048  # rows of them at a time
FREEDOM = 3.0  # of Student's distribution of what comes: a few values far out do not shape the forecast
FEWEST = 40  # rows of a stream to learn from
WARM = 5  # rows from a zero state, too early to judge a forecast by
MIDDLE = math.log10(2)  # the score of the middle one of normal errors
KEPT = 0.2  # share of the rows to learn from that tell which weights are best


class AnomalyParts(NamedTuple):
    """What was read: streams to learn from, each up to a row, and streams to judge on."""

    columns: Columns
    learnt: list[tuple[Stream, int]]
    held_out: list[Stream]
    name: str


class AnomalyBatch(NamedTuple):
    """Pieces of streams side by side."""

    read: np.ndarray  # [B, T, 3 K]
    scaled: np.ndarray  # [B, T, K], NaN where there is no value and behind the end
    counted: np.ndarray  # [B, T], whether the forecasts of a row are judged


class Watched:
    """Streams on which a detector is judged, from the end of the rows to learn from on.

    Args:
        task: the detector.
        streams: all rows of each are answered.
        calm: of each stream, up to which row its scores tell the threshold; None where they do not.
        clean: other streams that tell it instead.
    """

    def __init__(
        self,
        task: "AnomalyTask",
        streams: Sequence[Stream],
        calm: Sequence[int] | None = None,
        clean: "Watched | None" = None,
    ) -> None:
        self.task, self.streams, self.calm, self.clean = task, streams, calm, clean
        self.starts = [nab.probation(len(each), task.options.probation) for each in streams]
        order = np.argsort([len(each) for each in streams], kind="stable")
        self.groups = [np.array(group) for group in _alike(order.tolist(), [len(each) for each in streams])]
        self.batches = [self._batch([self.streams[n] for n in group], group) for group in self.groups]

    def _batch(self, streams: Sequence[Stream], group: np.ndarray) -> AnomalyBatch:
        read, scaled = self.task.read_values(streams)
        counted = np.zeros(scaled.shape[:2], bool)
        for row, (stream, place) in enumerate(zip(streams, group, strict=True)):
            start = self.starts[place]
            if self.calm is None:
                counted[row, min(start, len(stream) - 1) : len(stream)] = True
            else:  # nothing that comes later tells which weights are best
                end = self.calm[place]
                counted[row, int((1 - KEPT) * end) : end] = True
        return AnomalyBatch(read, scaled, counted)

    def __iter__(self) -> Iterator[AnomalyBatch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    def scores(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The scores of the rows of each stream."""
        found: list[np.ndarray] = [np.zeros(0)] * len(self.streams)
        for group, errors in zip(self.groups, outputs, strict=True):
            usual = Usual((len(group), *errors.shape[2:]), self.task.options.smooth, self.task.options.memory)
            scores = np.concatenate([_score(usual.over(part)).T for part in _blocks(errors.swapaxes(0, 1))], 1)
            for row, place in enumerate(group):
                found[place] = scores[row, : len(self.streams[place])]
        return found

    def metrics(self, loss: float, outputs: Sequence[np.ndarray]) -> dict[str, float]:
        scores = self.scores(outputs)
        if self.calm is not None:
            self.task.threshold.fill_(self.task.choose(scores, self.calm))
        elif self.clean is not None and self.clean.calm is not None:
            self.task.threshold.fill_(self.task.choose(self.task.scores(self.clean), self.clean.calm))
        return {"loss": loss, **self.measures(scores, float(self.task.threshold))}

    def judged(self, outputs: Sequence[np.ndarray]) -> JudgedRows:
        scores, threshold = self.scores(outputs), float(self.task.threshold)
        alarms = any((score[start:] >= threshold).any() for score, start in zip(scores, self.starts, strict=True))
        rows = sum(len(score) - start for score, start in zip(scores, self.starts, strict=True))
        return JudgedRows(rows, "rows", [] if alarms else ["There is no alarm: no score reaches the threshold."])

    def measures(self, scores: Sequence[np.ndarray], threshold: float) -> dict[str, float]:
        """What people know of scores: by row where there are labels, and NAB's where there are windows."""
        parts = list(zip(self.streams, scores, self.starts, strict=True))
        thin = [self.task.thinned(each) for each in scores]
        alarms = sum(int((each[start:] >= threshold).sum()) for each, start in zip(thin, self.starts, strict=True))
        rows = sum(len(each) - start for each, start in zip(scores, self.starts, strict=True))
        found = {"alarms_per_1000": 1000 * alarms / max(1, rows)}
        labelled = [(each.labels[start:], score[start:]) for each, score, start in parts if each.labels is not None]
        if labelled:
            labels, by_row = (np.concatenate(part) for part in zip(*labelled, strict=True))
            found |= _by_row(labels, by_row, threshold)
        series = [
            nab.judged(score, each.windows, start)
            for each, score, start in zip(self.streams, thin, self.starts, strict=True)
            if each.windows is not None
        ]
        if sum(int(each.window.max(initial=-1)) + 1 for each in series):
            _, swept = nab.sweep(series)
            # the best of all thresholds, as in the benchmark, and the one that was chosen without labels
            found |= {"nab": float(swept.max()), "nab_without_labels": nab.score_at(series, threshold)}
        return found


class AnomalyExamples:
    """Streams to learn from in pieces drawn at random, and what is held out."""

    held_out: Watched
    test: Watched
    test_name: str

    def __init__(self, task: "AnomalyTask", read: AnomalyParts, rows: int, steps: int, seed: int) -> None:
        self.task, self.parts, self.rows, self.seed = task, read, rows, seed
        learnt, ends = [each for each, _ in read.learnt], [end for _, end in read.learnt]
        if read.held_out[0] is learnt[0]:
            self.held_out = Watched(task, _at_most(LARGEST, read.held_out, ends), ends)
        else:
            judged = _at_most(LARGEST, read.held_out)
            self.held_out = Watched(task, judged, clean=Watched(task, _at_most(LARGEST, learnt, ends), ends))
        self.test, self.test_name = self.held_out, HELD_OUT
        self.pieces: list[tuple[np.ndarray, np.ndarray]] = []
        for each, end in read.learnt:
            taken, scaled = task.read_values([each], end)
            learnt = int((1 - KEPT) * end)
            self.pieces.append((taken[0, :learnt], scaled[0, :learnt]))
        longest = max(len(scaled) for _, scaled in self.pieces)
        if min(task.ahead) >= longest:
            raise ElmanError(
                f"the nearest of --horizons is {counted(min(task.ahead), 'rows')} ahead, and there are "
                f"{longest:,} rows of a stream to learn from; give a smaller one"
            )
        self.steps = min(max(steps, 2 * max(task.ahead)), longest)

    @property
    def epoch(self) -> int:
        return max(1, -(-sum(len(scaled) for _, scaled in self.pieces) // (self.rows * self.steps)))

    def batch(self, step: int) -> AnomalyBatch:
        random = np.random.default_rng([self.seed, step])
        sizes = np.array([len(scaled) for _, scaled in self.pieces], float)
        chosen = random.choice(len(self.pieces), self.rows, p=sizes / sizes.sum())
        read = np.zeros((self.rows, self.steps, self.pieces[0][0].shape[1]), np.float32)
        scaled = np.full((self.rows, self.steps, self.pieces[0][1].shape[1]), np.nan)
        counted = np.zeros((self.rows, self.steps), bool)
        for row, place in enumerate(chosen):
            a, b = self.pieces[place]
            first = int(random.integers(max(1, len(b) - self.steps + 1)))
            size = len(b[first : first + self.steps])
            read[row, :size], scaled[row, :size] = a[first : first + size], b[first : first + size]
            counted[row, min(WARM, size - 1) : size] = True
        return AnomalyBatch(read, scaled, counted)

    def describe(self) -> str:
        rows, judged = sum(end for _, end in self.parts.learnt), sum(map(len, self.held_out.streams))
        all_rows = sum(map(len, self.parts.held_out))
        first = "" if judged == all_rows else f", the first of {all_rows:,}, to judge on; elman evaluate takes all"
        return (
            f"{self.parts.name}: {counted(len(self.parts.learnt), 'streams')}, {counted(rows, 'rows')} to learn from "
            "without labels; "
            f"{counted(len(self.parts.held_out), 'streams')} of {counted(judged, 'rows')}{first or ' to judge on'}"
        )


class AnomalyTask(Predictor[AnomalyOptions, AnomalyParts, AnomalyBatch, AnomalyExamples, Watched]):
    """Find what is unusual in streams of numbers, row by row as they come.

        x_t = values in standard deviations from the mean so far
        h_t = recurrent(x_t, x_t - x_{t-1}, h_{t-1})
        m_{t,k}, s_{t,k} = where x_{t+k} will be, and how surely, for each horizon k
        e_{t,k} = |x_t - m_{t-k,k}|, smoothed over a few rows
        r_t = e_{t,k} / (mean(e_{1,k}^4 .. e_{t-1,k}^4) / 3)^(1/4), the most of all k
        score_t = -log10 P(|z| > r_t), z normal

    so that, if the errors were normal, one row in a thousand would have a score of 3 or more. The forecast is learnt as
    a Student's t distribution. Only means, spreads and a few last rows of a stream are kept.

    One network learns from the first rows of all streams, without labels. ``predict`` takes a file, a folder or a data
    frame. Scores follow Lavin and Ahmad 2015; the threshold comes from the tail of the scores and
    ``false_alarm_rate``.

    Example:
        >>> wave = np.sin(np.arange(600) / 5)
        >>> wave[500] += 3
        >>> from elman.training.runs import fit
        >>> model = fit(AnomalyTask, pl.DataFrame({"value": wave}), steps=20, hidden=8, horizons="1")
        >>> 500 <= model.predict(pl.DataFrame({"value": wave}))["score"].arg_max() <= 502
        True
    """

    Options = AnomalyOptions
    Learnt = Vocabulary
    unit = "rows"
    measures = MEASURES
    threshold: Tensor

    def __init__(self, options: AnomalyOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.columns = restored(Columns, vocabulary["columns"])
        self.ahead = options.ahead()
        size, horizons = len(self.columns.values), len(self.ahead)
        self.encoder = encoder(options.cell, 3 * size, options.hidden, options.layers, dropout=options.dropout)
        self.head = nn.Linear(self.encoder.output_size, 2 * horizons * size)
        # the further ahead, the less is told by the value now
        self.share = nn.Parameter(torch.tensor([1 / (1 + 0.05 * (k - 1)) for k in self.ahead])[:, None].repeat(1, size))
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
        self.dropout = nn.Dropout(options.dropout)
        self.register_buffer("threshold", torch.tensor(math.inf, dtype=torch.float64))

    @classmethod
    def read(cls, options: AnomalyOptions, sources: Sources) -> AnomalyParts:
        if sources.data is None:
            raise ElmanError("give --data FILE: a table of numbers over time, or a folder of such tables")
        options.ahead()
        ignore, values = listed(options.ignore), listed(options.values)
        time, series = listed(options.time_column), options.id_column
        wish = Columns(values, time, options.label_column, options.dialect, series=series)
        columns = find_columns(sources.data, wish, ignore, options.order)
        streams = read_streams(sources.data, columns, sources.bad, options.windows)
        for each in streams:
            if not np.isfinite(each.values).any():
                raise ElmanError(f"{each.name} has no numbers in {', '.join(columns.values)}")
        if sources.valid is not None:
            if not columns.label:
                columns = replace(columns, label=find_label(sources.valid, columns, options.label_column))
            other = read_streams(sources.valid, columns, sources.bad, options.windows)
            return AnomalyParts(columns, [(each, len(each)) for each in _enough(streams)], other, sources.name)
        ends = [nab.probation(len(each), options.probation) for each in _enough(streams)]
        return AnomalyParts(columns, list(zip(streams, ends, strict=True)), streams, sources.name)

    @classmethod
    def learn(cls, options: AnomalyOptions, read: AnomalyParts) -> dict[str, Any]:
        return {"columns": asdict(read.columns)}

    def more(self, sources: Sources) -> AnomalyParts:
        """More streams of the kind that was learnt, to go on with; those of ``sources.valid`` are judged on."""
        windows = self.options.windows
        learnt, held_out = sources.both(lambda each: read_streams(each, self.columns, sources.bad, windows))
        ends = [nab.probation(len(each), self.options.probation) for each in _enough(learnt)]
        return AnomalyParts(self.columns, list(zip(learnt, ends, strict=True)), held_out, sources.name)

    def data(self, read: AnomalyParts, folder: Path, *, rows: int, steps: int, seed: int) -> AnomalyExamples:
        return AnomalyExamples(self, read, rows, steps, seed)

    def batch_steps(self, data: AnomalyExamples) -> int:
        return data.rows * data.steps

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Watched:
        columns = self.columns
        if not columns.label:  # streams to judge on may have labels where those to learn from had none
            columns = replace(columns, label=find_label(source, columns, self.options.label_column))
        return Watched(self, read_streams(source, columns, bad, self.options.windows))

    def read_values(self, streams: Sequence[Stream], end: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Streams side by side as the network reads them, ``[B, T, 3 K]``, and scaled, ``[B, T, K]``."""
        size, longest = len(self.columns.values), end or max(map(len, streams))
        values = np.full((longest, len(streams), size), np.nan)
        for row, each in enumerate(streams):
            values[: len(each), row] = each.values[:longest]
        reader = Reader((len(streams), size), self.options.memory)
        scaled = np.empty((len(streams), longest, size))
        read = np.empty((len(streams), longest, 3 * size), np.float32)
        for part, first in zip(_blocks(values), range(0, longest, BLOCK), strict=True):
            rows, seen = reader.over(part)
            scaled[:, first : first + BLOCK], read[:, first : first + BLOCK] = rows.swapaxes(0, 1), seen.swapaxes(0, 1)
        return read, scaled

    def forward(self, read: Tensor, state: Any = None) -> tuple[Tensor, Tensor, Any]:
        """Where values will be, and how surely, each ``[B, T, H, K]``, pressed together; and the state."""
        y, state = self.encoder(self.dropout(read), state)
        shape = (*read.shape[:2], len(self.ahead), len(self.columns.values))
        shift, spread = self.head(self.dropout(y)).chunk(2, -1)
        now = read[..., None, : shape[-1]]
        return now * self.share + shift.view(shape), F.softplus(spread.view(shape) - 1) + 0.01, state

    def loss(self, batch: AnomalyBatch, state: Any) -> Loss:
        device = self.share.device
        total, number = torch.zeros((), device=device), 0
        places, spreads = [], []
        for first in range(0, batch.read.shape[1], BLOCK if not self.training else batch.read.shape[1]):
            last = first + BLOCK if not self.training else batch.read.shape[1]
            place, spread, state = self(torch.from_numpy(batch.read[:, first:last]).to(device), state)
            places.append(place)
            spreads.append(spread)
        place, spread = torch.cat(places, 1), torch.cat(spreads, 1)
        truth = torch.from_numpy(press(batch.scaled).astype(np.float32)).to(device)
        counted = torch.from_numpy(batch.counted).to(device)[..., None] & truth.isfinite()
        truth = truth.nan_to_num()
        for n, k in enumerate(self.ahead):
            if k >= truth.shape[1]:
                continue
            z = (truth[:, k:] - place[:, :-k, n]) / spread[:, :-k, n]
            surprise = 0.5 * (FREEDOM + 1) * torch.log1p(z * z / FREEDOM) + spread[:, :-k, n].log() + NORM
            # forecasts from before the rows that count are not judged while learning, where nothing is before them
            judged = counted[:, k:] & (counted[:, :-k] if self.training else torch.ones_like(counted[:, :-k]))
            total, number = total + (surprise * judged).sum(), number + int(judged.sum())
        value = total / max(1, number)
        output = None if self.training else _errors(batch.scaled, finite(place).cpu(), self.ahead)
        return Loss(value, max(1, int(counted.any(-1).sum())), output=output)

    @torch.no_grad()
    def scores(self, watched: Watched) -> list[np.ndarray]:
        """The scores of the rows of each stream."""
        training = self.training
        self.eval()
        outputs = [self.loss(batch, None).output for batch in watched]
        self.train(training)
        return watched.scores(outputs)

    def choose(self, scores: Sequence[np.ndarray], calm: Sequence[int]) -> float:
        """The threshold, from scores of the rows that are taken for usual; where they are few, as of normal errors."""
        seen = np.concatenate([each[FIRST:end] for each, end in zip(scores, calm, strict=True)])
        if len(seen) < FIRST:
            return -math.log10(self.options.false_alarm_rate)
        # where no error is as large as that, as in a stream that does not vary, the tail tells nothing
        return max(MIDDLE, tail(seen, self.options.false_alarm_rate))

    def thinned(self, scores: np.ndarray) -> np.ndarray:
        """Scores ``[N]``, of which those that would repeat an alarm are 0."""
        record = Record(self.options.cooldown)
        return np.array([record(score) for score in scores.tolist()])

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        streams = read_streams(data, self.columns, bad, labelled=False)
        found = iter(self.scores(Watched(self, [each for each in streams if len(each)])))
        frames, several = [], any(stream.place for stream in streams)
        for _, parts in groupby(streams, lambda stream: stream.place):
            stream, *more = parts
            scores, alarms = np.full(stream.size, np.nan), np.full(stream.size, None)
            for part in (stream, *more):
                score = next(found) if len(part) else np.zeros(0)
                scores[part.index] = finite(score)
                alarms[part.index] = self.thinned(score) >= float(self.threshold)
            columns = {
                "score": pl.Series(scores, nan_to_null=True),
                "alarm": pl.Series(alarms.tolist(), dtype=pl.Boolean),
            }
            name = {"file": pl.Series([stream.file] * stream.size)} if several else {}
            frames.append(pl.concat([pl.DataFrame(name), stream.shown, pl.DataFrame(columns)], how="horizontal"))
        return pl.concat(frames, how="diagonal_relaxed")

    def session(self) -> Callable[[str], str]:
        self.eval()
        watched = defaultdict(self._watch)  # by the name of a stream

        def answer(line: str) -> str:
            values, shown, name = read_row(line, self.columns)
            return as_line(without_infinite(shown) | watched[name](values))

        return answer

    def _watch(self) -> Callable[[np.ndarray], dict[str, Any]]:
        """What answers the rows ``[K]`` of one stream, one after the other."""
        size = len(self.columns.values)
        reader, record = Reader((1, size), self.options.memory), Record(self.options.cooldown)
        usual = Usual((1, len(self.ahead), size), self.options.smooth, self.options.memory)
        forecasts: deque[Tensor] = deque(maxlen=max(self.ahead))  # of the last rows
        state: Any = None

        @torch.no_grad()
        def answer(values: np.ndarray) -> dict[str, Any]:
            nonlocal state
            scaled, read = reader(values[None])
            errors = np.full((1, len(self.ahead), size), np.nan)
            for n, k in enumerate(self.ahead):
                if k <= len(forecasts):
                    errors[:, n] = _distances(scaled[:, None], forecasts[-k][:, :, n : n + 1])[:, 0, 0]
            score = float(_score(usual(errors))[0])
            place, _, state = self(torch.from_numpy(read[:, None].astype(np.float32)), state)
            forecasts.append(finite(place))
            return {"score": score, "alarm": record(score) >= float(self.threshold)}

        return answer

    def lines(self, evaluation: Watched, number: int) -> list[str]:
        stream = evaluation.streams[0]
        name = {self.columns.series: stream.name} if self.columns.series else {}
        rows = ([v if math.isfinite(v) else None for v in row] for row in stream.values[:number].tolist())
        return [json.dumps(name | dict(zip(self.columns.values, row, strict=True))) for row in rows]

    def baselines(self, data: AnomalyExamples, evaluation: Watched) -> dict[str, Callable[[], dict[str, float]]]:

        def judged(scores: Callable[[Stream], np.ndarray]) -> dict[str, float]:
            learnt, ends = zip(*data.parts.learnt, strict=True)
            # no later row has a part in the score of a row
            seen = [scores(each.first(end)) for each, end in zip(learnt, ends, strict=True)]
            threshold = self.choose(seen, ends)
            return evaluation.measures([scores(each) for each in evaluation.streams], threshold)

        def z_score(stream: Stream) -> np.ndarray:
            return np.abs(np.nan_to_num(self.read_values([stream])[1][0])).max(-1)

        def change(stream: Stream) -> np.ndarray:
            values = pl.DataFrame(stream.values).fill_nan(None).fill_null(strategy="forward").fill_null(0).to_numpy()
            steps = np.abs(np.diff(values, axis=0, prepend=values[:1]))
            scale = Scale(values[0].shape, self.options.memory)
            return np.concatenate([np.nan_to_num(scale.over(part)).max(-1) for part in _blocks(steps)])

        return {"z-score": lambda: judged(z_score), "last value": lambda: judged(change)}

    def sections(self, data: AnomalyExamples, evaluation: Watched, outputs: Sequence[Any]) -> list[Section]:
        threshold, watches = float(self.threshold), []
        for stream, score, start in zip(evaluation.streams, evaluation.scores(outputs), evaluation.starts, strict=True):
            alarms = np.flatnonzero(self.thinned(score) >= threshold)
            watches.append(report.Watch(stream, score, alarms[alarms >= start], start))
        options = self.options
        return report.sections(watches, self.columns, threshold, options.cooldown, options.false_alarm_rate)

    def sample(self, data: AnomalyExamples, seed: int) -> str:
        stream = data.held_out.streams[0]
        score = self.scores(Watched(self, [stream]))[0]
        highest = np.sort(np.argsort(-self.thinned(score))[:5])
        return "\n".join(
            f"row {row + 1:>7,}  {', '.join(f'{v:g}' for v in stream.values[row])[:40]:40}  score {score[row]:.1f}"
            for row in highest
        )


# of Student's distribution with so many degrees of freedom
NORM = 0.5 * math.log(math.pi * FREEDOM) + math.lgamma(FREEDOM / 2) - math.lgamma((FREEDOM + 1) / 2)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    """Many rows in parts, so that what is made of them on the way takes little memory."""
    return [rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]


def _enough(streams: Sequence[Stream]) -> Sequence[Stream]:
    """Refuse streams that are too short to learn anything from."""
    for each in streams:
        if len(each) < FEWEST:
            raise ElmanError(
                f"{each.name} has {counted(len(each), 'rows')}; {FEWEST} or more are wanted to learn what is usual"
            )
    return streams


def _at_most(rows: int, streams: Sequence[Stream], least: Sequence[int] | None = None) -> list[Stream]:
    """The first rows of each stream, where all together have more than ``rows``; ``least`` of each at least."""
    share = rows / max(1, sum(map(len, streams)))
    if share >= 1:
        return list(streams)
    ends = least or [1] * len(streams)
    return [each.first(max(math.ceil(share * len(each)), end)) for each, end in zip(streams, ends, strict=True)]


def _alike(order: list[int], lengths: list[int]) -> list[list[int]]:
    """Streams of similar length side by side, in ``order``, which goes from short to long."""
    groups: list[list[int]] = []
    for place in order:
        if not groups or len(groups[-1]) == SIDE_BY_SIDE or lengths[place] > 1.5 * lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(place)
    return groups


def _distances(scaled: np.ndarray, place: Tensor) -> np.ndarray:
    """How far values ``[B, T, K]`` are from where forecasts ``[B, T, H, K]`` have them."""
    return np.abs(scaled[:, :, None] - unpress(place.double().numpy()))


def _errors(scaled: np.ndarray, place: Tensor, ahead: Sequence[int]) -> np.ndarray:
    """The errors of the forecasts of each row, ``[B, T, H, K]``; NaN where there was none, or no value."""
    errors = np.full((*scaled.shape[:2], len(ahead), scaled.shape[2]), np.nan)
    for n, k in enumerate(ahead):
        if k < scaled.shape[1]:
            errors[:, k:, n] = _distances(scaled[:, k:], place[:, :-k, n : n + 1])[:, :, 0]
    return errors


def _score(above: np.ndarray) -> np.ndarray:
    """How improbable errors ``[..., H, K]`` are: of a column the most of all forecasts, of columns a mean."""
    most = above.max(-2)
    return -(log_ndtr(-np.sqrt((most * most).mean(-1))) + math.log(2)) / math.log(10) + 0.0  # where all is as usual, -0


def _by_row(labels: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """F1 at the threshold, and what needs none: the area under the curve, and average precision."""
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    found = {
        "f1": float(
            f1_score(labels, scores >= threshold, zero_division=0)  # pyright: ignore[reportArgumentType]
        )
    }
    if labels.any() and not labels.all():
        found["auroc"] = float(roc_auc_score(labels, scores))
        found["average_precision"] = float(average_precision_score(labels, scores))
    return found
