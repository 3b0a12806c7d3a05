"""Recommendation: the next items of a session or of a person, from events of who took what and when."""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.data.bad import BadRows
from elman.data.batches import Batches, pad
from elman.data.plain import restored
from elman.data.rows import Asked, Line
from elman.data.spellings import tell_alike
from elman.data.split import split
from elman.errors import ElmanError, counted
from elman.layers.encoder import encoder
from elman.tasks.recommend.events import EventLayout, Sessions, find_events, read_event, read_events
from elman.tasks.recommend.options import RecommendOptions
from elman.tasks.recommend.ranking import MEASURES, ItemToItem, Popular, measures, ranks, without
from elman.tasks.recommend.vocabulary import Vocabulary
from elman.training.answers import as_line, finite
from elman.training.options import listed
from elman.training.report import Section, curves
from elman.training.task import (
    HELD_OUT,
    LEARNT_FROM,
    TEST,
    JudgedRows,
    Loss,
    Predictor,
    Sources,
)

log = logging.getLogger(__name__)

ROWS = 64  # sessions judged at a time
SCORES = 1 << 24  # held at a time
FEW = 50_000  # items, up to which each is compared with all others while learning
SPLITS = ("last", "people", "time")


class Part(NamedTuple):
    """Sessions, and from which of its places on each is judged."""

    sessions: Sessions
    first: np.ndarray  # [N]


class RecommendParts(NamedTuple):
    """What was read."""

    layout: EventLayout
    learnt: Sessions
    held_out: Part
    test: Part | None
    name: str


class RecommendBatch(NamedTuple):
    """Sessions side by side."""

    items: Tensor  # [B, T], 0 where there is none, or one that was not learnt
    lengths: Tensor  # [B]
    wanted: Tensor  # [B, T] bool, what is to be foretold from what is before it


class Rows:
    """Sessions on which a recommender is judged, the short ones first."""

    def __init__(self, task: "RecommendTask", part: Part) -> None:
        cut = [max(0, len(items) - task.options.max_length) for items in part.sessions.items]
        self.items = [items[at:] for items, at in zip(task.encoded(part.sessions), cut, strict=True)]
        self.first = np.maximum(part.first - cut, 1)
        self.task, self.sessions = task, part.sessions
        self.order = Batches(np.array([len(items) for items in self.items]), ROWS).in_order()
        known = sum(int((items[at:] > 0).sum()) for items, at in zip(self.items, self.first, strict=True))
        if not known:
            raise ElmanError(
                "there is nothing to judge on: no session has two events, the latter with an item that was learnt"
            )
        number = sum(self.counts())
        if number > known:
            log.info(
                "%s of %s items to foretell were not learnt and count as missed", f"{number - known:,}", f"{number:,}"
            )

    def __iter__(self) -> Iterator[RecommendBatch]:
        return (batch_of([self.items[row] for row in rows], self.first[rows]) for rows in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def counts(self) -> list[int]:
        """How many items of each session are to be foretold."""
        return [max(0, len(items) - at) for items, at in zip(self.items, self.first.tolist(), strict=True)]

    def metrics(self, loss: float, outputs: Sequence[np.ndarray]) -> dict[str, float]:
        return {"loss": loss, **measures(np.concatenate(outputs))}

    def judged(self, outputs: Sequence[np.ndarray]) -> JudgedRows:
        return JudgedRows(sum(count > 0 for count in self.counts()), "sessions")

    def evaluate(self, scores: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """The measures of another way to score all items after those seen, ``[N, S] -> [N, V]``."""
        found = []
        for batch in self:
            for rows, steps, targets in chunks(batch, self.task.size):
                seen = before(batch.items, rows, steps)
                found.append(ranks(scores(seen), targets, None if self.task.repeats else seen))
        return measures(torch.cat(found).numpy())


class RecommendExamples:
    """Sessions to learn from, cut into windows, and others that are held out."""

    held_out: Rows
    test: Rows
    test_name: str

    def __init__(self, task: "RecommendTask", parts: RecommendParts, rows: int, seed: int) -> None:
        self.name, self.seed, self.window = parts.name, seed, task.options.window + 1
        self.items = task.encoded(parts.learnt)
        pieces = [(row, at) for row, items in enumerate(self.items) for at in range(0, len(items) - 1, self.window - 1)]
        if not pieces:
            raise ElmanError(f"{parts.name} has no session of two events or more to learn from")
        self.pieces = np.array(pieces)
        lengths = np.array([min(self.window, len(self.items[row]) - at) for row, at in pieces])
        self.batches = Batches(lengths, rows, seed)
        self.held_out = Rows(task, parts.held_out)
        self.test = self.held_out if parts.test is None else Rows(task, parts.test)
        self.test_name = HELD_OUT if parts.test is None else TEST
        if parts.held_out.sessions is parts.learnt:
            self.test_name = LEARNT_FROM

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> RecommendBatch:
        chosen = self.pieces[self.batches[step]]
        # windows that begin elsewhere each time
        shifts = np.random.default_rng([self.seed, step]).integers(0, self.window, len(chosen))
        found = []
        for (row, at), shift in zip(chosen, shifts, strict=True):
            start = max(0, at - shift) if len(self.items[row]) > self.window else at
            found.append(self.items[row][start : start + self.window])
        return batch_of(found, np.ones(len(found), int))

    def describe(self) -> str:
        events = sum(map(len, self.items))
        parts = {"held out": self.held_out, **({"to test on": self.test} if self.test_name == TEST else {})}
        others = "".join(f", {sum(rows.counts()):,} of {len(rows.items):,} {what}" for what, rows in parts.items())
        return (
            f"{self.name}: {counted(events, 'events')} of {counted(len(self.items), 'sessions')} to learn from{others}"
        )


class RecommendTask(Predictor[RecommendOptions, RecommendParts, RecommendBatch, RecommendExamples, Rows]):
    """Recommend the next items after events of who took what and when: a recurrence reads a session, scores all items.

        e_t = E[item t]
        y_1 .. y_T = recurrent(dropout(e_1 .. e_T))
        p(item t+1) = softmax(E dropout(W y_t) + b)

    as GRU4Rec (Hidasi et al. 2016), with the cross-entropy and the tied embeddings of its later versions. The model
    knows items and no users, so that it works for new users. ``predict`` takes a file or a data frame of events, or a
    list of lists of items, and gives a row for each session.

    Example:
        >>> sessions = [["tea", "milk", "sugar"], ["ink", "pen", "paper"]] * 20
        >>> from elman.training.runs import fit
        >>> model = fit(RecommendTask, sessions, steps=40, hidden=8, embedding=8, dropout=0.0, lr=0.05, split="people")
        >>> model.predict([["tea", "milk"], ["ink"]])["items"].list.first().to_list()
        ['sugar', 'pen']
    """

    Options = RecommendOptions
    Learnt = Vocabulary
    unit = "events"
    measures = MEASURES

    def __init__(self, options: RecommendOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.layout = restored(EventLayout, vocabulary["layout"])
        self.by_row = bool(self.layout.within)
        self.names: list[str] = vocabulary["items"]
        self.size, self.repeats = len(self.names) + 1, bool(vocabulary["repeats"])
        self.numbers = {name: number for number, name in enumerate(self.names, 1)}
        counts = torch.tensor([1.0, *vocabulary["counts"]])
        self.register_buffer("share", counts / counts.sum(), persistent=False)
        few = 0 if self.size <= FEW else 2048
        self.negatives = few if options.negatives is None else options.negatives
        self.embedding = nn.Embedding(self.size, options.embedding, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=options.embedding**-0.5)
        self.bias = nn.Parameter(torch.log(counts / counts.sum()))
        self.dropout = nn.Dropout(options.dropout)
        self.encoder = encoder(options.cell, options.embedding, options.hidden, options.layers, dropout=options.dropout)
        self.back = nn.Linear(self.encoder.output_size, options.embedding)

    @classmethod
    def read(cls, options: RecommendOptions, sources: Sources) -> RecommendParts:
        if sources.data is None:
            raise ElmanError("give --data FILE: a table of events, with columns of who, what and when")
        if options.split not in SPLITS:
            raise ElmanError(f"--split is {', '.join(SPLITS)}, not {options.split!r}")
        if options.least_rating is not None and isinstance(sources.data, list | tuple):
            raise ElmanError("sessions in memory have no ratings to look at")
        ignore = listed(options.ignore)
        layout = find_events(sources.data, options.wish(), BadRows(skip=True), ignore, options.order)
        if layout.least is not None and not layout.rating:
            raise ElmanError("--least-rating needs a column of ratings; give --rating-column")
        sessions = read_events(sources.data, layout, sources.bad)
        if not len(sessions):
            raise ElmanError(f"{sources.name} has no session that can be used")
        log.info("%s", _about(sessions))
        tell_alike("items", sessions.counts)
        if sources.valid is not None:
            valid = read_events(sources.valid, layout, sources.bad)
            return RecommendParts(layout, sessions, Part(valid, np.ones(len(valid), int)), None, sources.name)
        if options.split == "last":
            return RecommendParts(layout, *_without_last(sessions), sources.name)
        if options.held_out == 0:
            return RecommendParts(layout, sessions, Part(sessions, np.ones(len(sessions), int)), None, sources.name)
        able = np.flatnonzero([len(items) > 1 for items in sessions.items])  # those on which something can be judged
        times = sessions.ends[able] if options.split == "time" else None
        _, other = split(len(able), options.held_out, seed=options.split_seed, times=times)
        learnt, other = np.setdiff1d(np.arange(len(sessions)), able[other]), able[other]
        return RecommendParts(
            layout, sessions.take(learnt), Part(sessions.take(other), np.ones(len(other), int)), None, sources.name
        )

    @classmethod
    def learn(cls, options: RecommendOptions, read: RecommendParts) -> dict[str, Any]:
        counts = np.bincount(np.concatenate(read.learnt.items), minlength=len(read.learnt.names))
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= options.min_count][: options.vocabulary]
        if len(order) < 2:
            raise ElmanError(f"{read.name} has fewer than two items to choose from")
        again = sum(len(items) - len(np.unique(items)) for items in read.learnt.items) / counts.sum()
        repeats = again >= 0.01 if options.repeats is None else options.repeats
        log.info(
            "%s; %s of the events repeat one of their session, so such items %s",
            counted(len(order), "items"), f"{again:.1%}", "may come again" if repeats else "are not asked for again",
        )  # fmt: skip
        names = [read.learnt.names[code] for code in order]
        return {
            "layout": asdict(read.layout), "repeats": bool(repeats), "items": names, "counts": counts[order].tolist()
        }  # fmt: skip

    def more(self, sources: Sources) -> RecommendParts:
        """More events of the kind that was learnt, to go on with; nothing is held out but ``sources.valid``."""
        learnt, judged = sources.both(lambda each: read_events(each, self.layout, sources.bad))
        if unknown := [name for name in learnt.names if name not in self.numbers]:
            raise ElmanError(f"the item {unknown[0]!r} was not learnt; train anew to learn it")
        part = Part(judged, np.ones(len(judged), int))
        return RecommendParts(self.layout, learnt, part, None, sources.name)

    def data(self, read: RecommendParts, folder: Path, *, rows: int, steps: int, seed: int) -> RecommendExamples:
        return RecommendExamples(self, read, rows, seed)

    def batch_steps(self, data: RecommendExamples) -> int:
        return min(data.batches.rows, len(data.pieces)) * int(data.batches.lengths.max())

    def batch_scores(self, data: RecommendExamples) -> int:
        most = max(int(data.batches.lengths[rows].sum()) for rows in data.batches.in_order())
        few = 0 < self.negatives < len(self.names)  # of which a sampled loss keeps those without hits as well
        return 2 * most * (most + self.negatives) if few else most * self.size

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Rows:
        sessions = read_events(source, self.layout, bad)
        return Rows(self, Part(sessions, np.ones(len(sessions), int)))

    def encoded(self, sessions: Sessions) -> list[np.ndarray]:
        """The items of sessions as the model's numbers, 0 for those it does not know."""
        numbers = np.array([self.numbers.get(name, 0) for name in sessions.names], np.int64)
        return [numbers[items] for items in sessions.items]

    def forward(self, items: Tensor, lengths: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """What is compared with the items' embeddings, after each of ``items [B, T]``: ``[B, T, E]``, and the state."""
        y, state = self.encoder(self.dropout(self.embedding(items)), state, lengths=lengths)
        return self.dropout(self.back(y)), state

    def scores(self, y: Tensor) -> Tensor:
        """Logits of all items, ``[N, V]``; column 0 belongs to none."""
        scores = F.linear(y, self.embedding.weight, self.bias)
        scores[:, 0] = -torch.inf
        return scores

    def loss(self, batch: RecommendBatch, state: Any) -> Loss:
        batch = RecommendBatch(*(part.to(self.bias.device) for part in batch))
        items = batch.items
        if self.training and self.options.word_dropout:
            items = items.masked_fill(torch.rand(items.shape, device=items.device) < self.options.word_dropout, 0)
        y, _ = self(items, batch.lengths)
        if not self.training:
            return self._judged(batch, y)
        rows, steps = (batch.wanted & (batch.items > 0)).nonzero(as_tuple=True)
        y, targets = y[rows, steps - 1], batch.items[rows, steps]
        if not len(targets):
            return Loss(y.sum(), 0)
        few = 0 < self.negatives < len(self.names)
        value = self.sampled(y, targets) if few else F.cross_entropy(self.scores(y), targets)
        return Loss(value, len(targets))

    def sampled(self, y: Tensor, targets: Tensor) -> Tensor:
        """The cross-entropy with the other items of the batch and some drawn evenly in place of all others.

            -s(target) + log(exp s(target) + sum over drawn j other than it of exp(s(j)) / q(j)),

        where ``q(j)`` is how often ``j`` is drawn on average (Bengio and Senecal 2008; Yi et al. 2019).
        """
        drawn = torch.randint(1, self.size, (self.negatives,), device=y.device)
        among = torch.cat([targets, drawn])
        often = len(targets) * self.get_buffer("share")[among] + self.negatives / (self.size - 1)
        others = F.linear(y, self.embedding(among), self.bias[among]) - often.log()
        others = others.masked_fill(targets[:, None] == among, -torch.inf)
        own = (y * self.embedding(targets)).sum(1) + self.bias[targets]
        return (torch.cat([own[:, None], others], 1).logsumexp(1) - own).mean()

    def _judged(self, batch: RecommendBatch, y: Tensor) -> Loss:
        """The loss over what is wanted, and the rank of each of it."""
        total, number, found = y.new_zeros(()), 0, []
        for rows, steps, targets in chunks(batch, self.size):
            scores = self.scores(y[rows, steps - 1])
            known = targets > 0
            total = total + F.cross_entropy(scores[known], targets[known], reduction="sum")
            number += int(known.sum())
            found.append(ranks(scores, targets, None if self.repeats else before(batch.items, rows, steps)))
        places = torch.cat(found) if found else torch.empty(0)
        return Loss(total / max(number, 1), number, output=places.cpu().numpy())

    @torch.no_grad()
    def best(self, y: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """The items that come next, ``[N, K]``, and their probabilities, after ``y [N, E]`` and the items seen."""
        scores = without(self.scores(y), None if self.repeats else seen)
        left = (scores != -torch.inf).any(1, keepdim=True)  # where all were seen, none may come
        p, items = scores.softmax(1).where(left, 0).topk(min(self.options.top_k, self.size - 1))
        return items, finite(p)

    def named(self, items: Tensor, p: Tensor) -> dict[str, list[Any]]:
        """An answer: the items that may come, with their probabilities."""
        able = [(self.names[item - 1], each) for item, each in zip(items.tolist(), p.tolist(), strict=True) if each > 0]
        return {"items": [name for name, _ in able], "scores": [each for _, each in able]}

    @torch.no_grad()
    def next_items(self, sessions: Sequence[np.ndarray]) -> list[dict[str, list[Any]]]:
        """An answer for each session of the model's numbers of items."""
        found: list[dict[str, list[Any]]] = [{} for _ in sessions]
        sessions = [items[-self.options.max_length :] for items in sessions]
        for rows in Batches(np.array([len(items) for items in sessions]), ROWS).in_order():
            items, lengths = pad([sessions[row] for row in rows])
            y, _ = self(items, lengths)
            for row, each, p in zip(rows, *self.best(y[torch.arange(len(rows)), lengths - 1], items), strict=True):
                found[row] = self.named(each, p)
        return found

    def _remark_unknown(self, items: Sequence[str], bad: BadRows, name: str = "") -> None:
        """Say which items of the rows of a file, or of a line of a stream, were not learnt."""
        if items:
            shown = ", ".join(items[:5]) + (", ..." if len(items) > 5 else "")
            said = f"{counted(len(items), 'items were not learnt and say')} nothing: {shown}"
            bad.remark(name, [said], logging.WARNING, "not learnt")

    def answers(self, data: Any, bad: BadRows) -> pl.DataFrame:
        sessions = read_events(data, self.layout, bad)
        latest = {place: row for row, place in enumerate(sessions.index.tolist())}  # of the sessions of each person
        name = "" if isinstance(data, Line) else str(data) if isinstance(data, Path) else "the data"
        self._remark_unknown([each for each in sessions.names if each not in self.numbers], bad, name)
        encoded = self.encoded(sessions)
        inputs = [encoded[row] for row in latest.values()]
        schema = {"items": pl.List(pl.String), "scores": pl.List(pl.Float64)}
        answers = pl.DataFrame(self.next_items(inputs), schema=schema)
        return Asked(inputs, np.array(list(latest), int), len(sessions.asked), sessions.asked).beside(answers)

    def session(self) -> Callable[[str], str]:
        self.eval()
        return self._whole_sessions() if self.layout.within else self._events()

    def _whole_sessions(self) -> Callable[[str], str]:
        """A function from a line that is a session to the answer to it."""
        told: set[str] = set()

        def answer(line: str) -> str:
            bad = BadRows()
            (row,) = self.answers(Line(line), bad).iter_rows(named=True)
            bad.tell_new(told)
            return as_line({name: row[name] for name in row if name != "row"})

        return answer

    def _events(self) -> Callable[[str], str]:
        """A function from an event, and from what it remembers of those before it, to the answer after it."""
        kept: OrderedDict[tuple[str, ...], tuple[Any, list[int], float]] = OrderedDict()
        layout, told = self.layout, set[str]()

        @torch.no_grad()
        def answer(line: str) -> str:
            event = read_event(line, layout) if line.strip() else None
            if event is None:
                return ""
            state, seen, before = kept.pop(event.key, (None, [], np.inf))
            if event.time - before > layout.gap:
                state, seen = None, []
            item, bad = self.numbers.get(event.item, 0), BadRows()
            self._remark_unknown([] if item else [event.item], bad)
            bad.tell_new(told)
            seen = [*seen, item][-self.options.max_length :]
            y, state = self(torch.tensor([[item]]), torch.tensor([1]), state)
            kept[event.key] = (state, seen, event.time)
            if len(kept) > self.options.people:
                kept.popitem(last=False)
            items, p = self.best(y[:, -1], torch.tensor([seen]))
            whose = dict(zip(layout.keys, event.key, strict=True))
            return as_line(whose | self.named(items[0], p[0]))

        return answer

    def lines(self, evaluation: Rows, number: int) -> list[str]:
        found, names = [], evaluation.sessions.names
        if self.layout.within:
            sessions = evaluation.sessions.items[:number]
            return [json.dumps({self.layout.item: [names[item] for item in items]}) for items in sessions]
        for row, items in enumerate(evaluation.sessions.items):
            key = [str(evaluation.sessions.keys[name][row]) if name in evaluation.sessions.keys.columns else str(row)
                   for name in self.layout.keys]  # fmt: skip
            for place, item in enumerate(items):
                event = dict(zip(self.layout.keys, key, strict=True))
                event[self.layout.item] = names[item]
                event |= {self.layout.rating: self.layout.least} if self.layout.least is not None else {}
                found.append(json.dumps(event | self.layout.when.example(place)))
                if len(found) == number:
                    return found
        return found

    def baselines(self, data: RecommendExamples, evaluation: Rows) -> dict[str, Callable[[], dict[str, float]]]:
        simple = {"most popular": Popular, "item to item": ItemToItem}

        def judged(make: type[Popular] | type[ItemToItem]) -> Callable[[], dict[str, float]]:
            return lambda: evaluation.evaluate(make(data.items, self.size - 1).scores)

        return {name: judged(make) for name, make in simple.items()}

    def sections(self, data: RecommendExamples, evaluation: Rows, outputs: Sequence[Any]) -> list[Section]:
        places = np.concatenate(outputs)
        sizes = [k for k in (1, 2, 5, 10, 20, 50, 100) if k < self.size]
        curve = curves({self.name(): (sizes, [float((places <= k).mean()) for k in sizes])}, "items shown", "recall")
        rows = [list(row) for row in self._shown(evaluation, range(min(20, len(evaluation.items))))]
        header = ["session so far", "next item", "its rank", "recommended"]
        excluded = "may come again" if self.repeats else "are not asked for again"
        text = f"{len(places):,} items ranked among all {self.size - 1:,}; those that a session had already {excluded}."
        return [Section("Recall by the number of items shown", text, figures=[curve]),
                Section("Examples", header=header, rows=rows)]  # fmt: skip

    def _shown(self, evaluation: Rows, rows: Sequence[int]) -> Iterator[tuple[str, str, float, str]]:
        """Sessions as people read them: what came before the last item, that item, its rank, and what was answered."""
        with torch.no_grad():
            for row in rows:
                items = evaluation.items[row]
                if len(items) < 2:
                    continue
                codes = evaluation.sessions.items[row][-5:]
                *earlier, last = (evaluation.sessions.names[code] for code in codes)
                batch = batch_of([items], np.array([len(items) - 1]))
                place = float(self._judged(batch, self(batch.items, batch.lengths)[0]).output[0])
                answer = self.next_items([items[:-1]])[0]["items"][:5]
                yield ", ".join(earlier), last, place, ", ".join(answer)

    def sample(self, data: RecommendExamples, seed: int) -> str:
        rows = np.random.default_rng(seed).permutation(len(data.held_out.items))[:5]
        return "\n".join(
            f"{before}, then {last} (place {place:g}): {answer}"
            for before, last, place, answer in self._shown(data.held_out, rows.tolist())
        )


def batch_of(sessions: Sequence[np.ndarray], first: np.ndarray) -> RecommendBatch:
    """Sessions side by side, wanted from the place ``first [B]`` on, which is 1 or later."""
    items, lengths = pad(sessions)
    places = torch.arange(items.shape[1])
    wanted = (places >= torch.from_numpy(first)[:, None]) & (places < lengths[:, None])
    return RecommendBatch(items, lengths, wanted)


def chunks(batch: RecommendBatch, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The rows and steps of what is wanted, and the items there, as many at a time as their scores leave room for."""
    rows, steps = batch.wanted.nonzero(as_tuple=True)
    limit = max(1, SCORES // max(size, batch.items.shape[1]))
    for at in range(0, len(rows), limit):
        r, s = rows[at : at + limit], steps[at : at + limit]
        yield r, s, batch.items[r, s]


def before(items: Tensor, rows: Tensor, steps: Tensor) -> Tensor:
    """The items before each of some steps, ``[N, T]``, filled up with 0."""
    past = torch.arange(items.shape[1], device=items.device) < steps[:, None]
    return items[rows].masked_fill(~past, 0)


def _without_last(sessions: Sessions) -> tuple[Sessions, Part, Part]:
    """All but the last two items of each session; those with the one before the last; those with the last."""
    lengths = np.array([len(items) for items in sessions.items])
    long = np.flatnonzero(lengths >= 3)
    if not len(long):
        raise ElmanError(
            "no session has three events, so none can be held out of each; --split people or time holds out whole ones"
        )
    if len(long) < len(lengths):
        short = counted(len(lengths) - len(long), "sessions")
        log.info("%s of fewer than three events, learnt from whole", short)
    cut = [items if len(items) < 3 else items[:-2] for items in sessions.items]
    chosen = sessions.take(long)
    learnt = replace(sessions, items=cut)
    earlier = replace(chosen, items=[items[:-1] for items in chosen.items])
    return learnt, Part(earlier, lengths[long] - 2), Part(chosen, lengths[long] - 1)


def _about(sessions: Sessions) -> str:
    lengths = np.array([len(items) for items in sessions.items])
    number = counted(len(lengths), "sessions")
    return f"{counted(int(lengths.sum()), 'events')} of {number}, {np.median(lengths):g} long in the middle"
