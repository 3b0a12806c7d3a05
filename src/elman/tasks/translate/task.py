"""Translation: from one sequence to another of any length, such as a sentence, a summary, a reply or a sound."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from elman.data.bad import BadRows
from elman.data.batches import pad
from elman.data.plain import restored
from elman.data.rows import Asked, read_texts
from elman.data.split import split
from elman.data.tables import Table
from elman.errors import ElmanError, counted
from elman.layers.attention import AdditiveAttention, Attention, MultiplicativeAttention
from elman.layers.encoder import encoder
from elman.layers.encoder_decoder import EncoderDecoder
from elman.layers.search import Beam, Greedy
from elman.tasks.translate.options import TranslateOptions
from elman.tasks.translate.pairs import Layout, PairBatches, find_layout, is_spaced, read_pairs
from elman.tasks.translate.similarity import MEASURES, measures, nearest, nearest_neighbour
from elman.tasks.translate.symbols import END, UNKNOWN, Symbols, find_kind, is_like
from elman.tasks.translate.vocabulary import Vocabulary
from elman.training.answers import finite
from elman.training.report import Section, figure, shortened
from elman.training.task import (
    HELD_OUT,
    LEARNT_FROM,
    JudgedRows,
    Loss,
    RowPredictor,
    Sources,
    same_answers,
)

log = logging.getLogger(__name__)

ROWS = 128  # answered at a time
WORST = 20


class TranslateParts(NamedTuple):
    """What was read: pairs to learn from and pairs held out, and how they lay in the file."""

    layout: Layout
    learnt: Table
    held_out: Table


class TranslateBatch(NamedTuple):
    """Pairs side by side."""

    source: Tensor  # [B, S]
    source_lengths: Tensor  # [B]
    target: Tensor  # [B, T]
    target_lengths: Tensor  # [B]
    beam: int  # beginnings that are followed where the model answers


class Answer(NamedTuple):
    """What a translator writes."""

    text: str
    log_prob: float


class Pairs:
    """Pairs as tokens."""

    def __init__(self, task: "TranslateTask", table: Table, layout: Layout) -> None:
        self.task, self.table = task, table
        self.texts, self.wanted = table[layout.source], table[layout.target]
        self.sources = [task.source.encode(text) for text in self.texts]
        self.targets = [task.target.encode(text) for text in self.wanted]
        self.lengths = np.array([[len(s), len(t)] for s, t in zip(self.sources, self.targets, strict=True)])

    def __len__(self) -> int:
        return len(self.texts)

    def batch(self, rows: np.ndarray, beam: int = 1) -> TranslateBatch:
        """Some pairs side by side, cut where they are longer than is read."""
        longest = self.task.options.max_length
        source = pad([self.sources[row][:longest] for row in rows], END)
        return TranslateBatch(*source, *pad([self.targets[row][:longest] for row in rows], END), beam)


class Judged(Pairs):
    """Pairs on which a translator is judged: a source that occurs again has several answers that are right."""

    def __init__(self, task: "TranslateTask", table: Table, layout: Layout, beam: int) -> None:
        super().__init__(task, table, layout)
        self.beam = beam
        self.order = PairBatches(np.minimum(self.lengths, task.options.max_length), ROWS).in_order()
        right: dict[str, list[str]] = {}
        for text, wanted in zip(self.texts, self.wanted, strict=True):
            if wanted not in right.setdefault(text, []):
                right[text].append(wanted)
        self.right = right

    def __iter__(self) -> Iterator[TranslateBatch]:
        return (self.batch(rows, self.beam) for rows in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def answers(self, outputs: Sequence[list[Answer]]) -> dict[str, Answer]:
        """The answer to each different source, in their order."""
        found = dict(
            zip(np.concatenate(self.order).tolist(), (each for batch in outputs for each in batch), strict=True)
        )
        return {self.texts[row]: found[row] for row in reversed(range(len(self.texts)))}

    def measures(self, answers: dict[str, str]) -> dict[str, float]:
        """The measures of an answer to each different source."""
        asked = list(self.right)
        references = [self.right[text] for text in asked]
        return measures([answers[text] for text in asked], references, self.task.target.kind, self.task.bleu)

    def metrics(self, loss: float, outputs: Sequence[list[Answer]]) -> dict[str, float]:
        return {"loss": loss, **self.measures({text: each.text for text, each in self.answers(outputs).items()})}

    def judged(self, outputs: Sequence[list[Answer]]) -> JudgedRows:
        answers = self.answers(outputs)
        return JudgedRows(len(answers), "sources", same_answers([each.text for each in answers.values()]))


class TranslateExamples:
    """Pairs to learn from, and others that are held out."""

    held_out: Judged
    test: Judged
    test_name: str

    def __init__(self, task: "TranslateTask", parts: TranslateParts, rows: int, seed: int) -> None:
        whole = Pairs(task, parts.learnt, parts.layout)
        usable = np.flatnonzero((whole.lengths <= task.options.max_length).all(1))
        if not len(usable):
            raise ElmanError(
                f"no pair has at most {task.options.max_length} tokens on each side; set a larger --max-length"
            )
        if len(usable) < len(whole):
            log.warning(
                "%s of more than %d tokens, not learnt from; --max-length takes others",
                counted(len(whole) - len(usable), "pairs"),
                task.options.max_length,
            )
        self.task, self.pairs, self.usable, self.name = task, whole, usable, parts.learnt.name
        self.batches = PairBatches(whole.lengths[usable], rows, seed)
        self.held_out = self.test = Judged(task, parts.held_out, parts.layout, beam=1)
        self.test_name = LEARNT_FROM if parts.held_out is parts.learnt else HELD_OUT

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> TranslateBatch:
        return self.pairs.batch(self.usable[self.batches[step]])

    def describe(self) -> str:
        source, target = self.pairs.lengths[self.usable].mean(0)
        return (
            f"{self.name}: {counted(len(self.usable), 'pairs')} to learn from, {len(self.held_out.texts):,} held out; "
            f"{self.task.source.size:,} {self.task.source.kind}, {source:.1f} a source -> "
            f"{self.task.target.size:,} {self.task.target.kind}, {target:.1f} a target"
        )


class TranslateTask(RowPredictor[TranslateOptions, TranslateParts, TranslateBatch, TranslateExamples, Judged, str]):
    """Translate one sequence to another of any length: an encoder reads it, a decoder with attention writes the other.

        m_1 .. m_S = recurrent(E x_1 .. E x_S)
        y_t = recurrent(E z_{t-1})
        c_t = attention(y_t, m)
        p(z_t) = softmax(O tanh(W [c_t; y_t]) + b)

    ``predict`` takes a file or a list of texts.

    Example:
        >>> pairs = [("one two", "un deux"), ("two one", "deux un"), ("one", "un"), ("two", "deux")] * 10
        >>> from elman.training.runs import fit
        >>> model = fit(TranslateTask, pairs, held_out=0, steps=300, hidden=32, embedding=16, dropout=0.0,
        ...             lr=0.01, batch=8)
        >>> model.predict(["two one"])["predicted"].to_list()
        ['deux un']
    """

    Options = TranslateOptions
    Learnt = Vocabulary
    unit = "tokens"
    measures = MEASURES
    monitor = "chrf"

    def __init__(self, options: TranslateOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.layout = restored(Layout, vocabulary["layout"])
        self.target = Symbols.from_json(vocabulary["target"])
        shared = vocabulary["source"] is None
        self.source = self.target if shared else Symbols.from_json(vocabulary["source"])
        self.bleu: str = vocabulary["bleu"]
        size, hidden, feeding = options.embedding, options.hidden, options.feeding
        reads = encoder(
            options.cell, size, hidden, options.layers, bidirectional=options.bidirectional, dropout=options.dropout
        )
        fed = {"none": 0, "readout": size, "context": reads.output_size}
        if feeding not in fed:
            raise ElmanError(f"--feeding is {', '.join(fed)}, not {feeding!r}")
        writes = encoder(options.cell, size + fed[feeding], 2 * hidden, options.layers, dropout=options.dropout)
        self.model = EncoderDecoder(
            reads,
            writes,
            self.source.size,
            self.target.size,
            attention=_attention(options.attention, writes.output_size, reads.output_size, hidden),
            feeding=None if feeding == "none" else feeding,
            end=END,
            shared=shared,
            tied=options.tied,
            dropout=options.dropout,
        )

    @classmethod
    def read(cls, options: TranslateOptions, sources: Sources) -> TranslateParts:
        if sources.data is None:
            raise ElmanError("give --data FILE: a table of pairs, or two parallel files as 'train.{en,de}'")
        wished = Layout("table", options.source_column, options.target_column, options.dialect)
        layout = find_layout(sources.data, wished)
        table, _ = read_pairs(sources.data, layout, sources.bad)
        if not len(table):
            raise ElmanError(f"{table.name} has no pairs whose sides are both there")
        if sources.valid is not None:
            other, there = read_pairs(sources.valid, layout, sources.bad)
            names = {there.source: layout.source, there.target: layout.target}
            other = replace(other, frame=other.frame.rename(names))
            known = set(table[layout.source])
            if again := sum(text in known for text in other[layout.source]):
                log.warning("%s of %s sources held out are learnt from as well", f"{again:,}", f"{len(other):,}")
            return TranslateParts(layout, table, other)
        if options.held_out == 0:
            return TranslateParts(layout, table, table)
        # one source may have several targets: all of them go the same way
        learnt, held_out = split(len(table), options.held_out, seed=options.split_seed, groups=table[layout.source])
        return TranslateParts(layout, table.take(learnt), table.take(held_out))

    @classmethod
    def learn(cls, options: TranslateOptions, read: TranslateParts) -> dict[str, Any]:
        sources, targets = read.learnt[read.layout.source], read.learnt[read.layout.target]
        kinds = options.source_tokens or find_kind(sources), options.target_tokens or find_kind(targets)
        if options.shared and kinds[0] != kinds[1]:
            raise ElmanError(f"--shared needs one kind of tokens, not {kinds[0]} and {kinds[1]}; say both kinds")
        shared = (
            kinds[0] == kinds[1] and is_like(sources, targets, kinds[1]) if options.shared is None else options.shared
        )
        log.info("tokens: %s -> %s%s", *kinds, ", one vocabulary" if shared else "")
        target = Symbols.learn(kinds[1], [*sources, *targets] if shared else targets, options.vocabulary)
        source = None if shared else Symbols.learn(kinds[0], sources, options.vocabulary)
        lengths = [
            (len((source or target).encode(s)), len(target.encode(t))) for s, t in zip(sources, targets, strict=True)
        ]
        usual = "none" if kinds[1] == "words" else "13a" if is_spaced(targets) else "char"
        return {
            "layout": asdict(read.layout),
            "source": source and source.to_json(),
            "target": target.to_json(),
            "bleu": options.bleu or usual,
            "most": max(min(t, options.max_length) for _, t in lengths),
            "ratio": max(t / max(1, s) for s, t in lengths),
        }

    def more(self, sources: Sources) -> TranslateParts:
        """More pairs of the kind that was learnt, to go on with; nothing is held out but ``sources.valid``."""
        return TranslateParts(self.layout, *sources.both(lambda each: self._pairs(each, sources.bad)))

    def _pairs(self, source: Any, bad: BadRows) -> Table:
        """Pairs in columns that are called as in what was learnt from."""
        table, layout = read_pairs(source, self.layout, bad)
        if not len(table):
            raise ElmanError(f"{table.name} has no pairs whose sides are both there")
        names = {layout.source: self.layout.source, layout.target: self.layout.target}
        return replace(table, frame=table.frame.rename(names))

    def data(self, read: TranslateParts, folder: Path, *, rows: int, steps: int, seed: int) -> TranslateExamples:
        return TranslateExamples(self, read, rows, seed)

    def batch_steps(self, data: TranslateExamples) -> int:
        return max(len(rows) * int(data.batches.lengths[rows].max(0).sum()) for rows in data.batches.in_order())

    def batch_scores(self, data: TranslateExamples) -> int:
        # of each pair of steps an additive attention keeps what its small network gives
        width = {"none": 0, "additive": self.model.decoder.output_size}.get(self.options.attention, 1)
        found = 0
        for rows in data.batches.in_order():
            read, written = data.batches.lengths[rows].T
            pairs = len(rows) * int(read.max()) * int(written.max() + 1)
            found = max(found, int((written + 1).sum()) * self.target.size + pairs * width)
        return found

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Judged:
        table, layout = read_pairs(source, self.layout, bad)
        if not len(table):
            raise ElmanError(f"{table.name} has no pairs whose sides are both there; nothing to judge on")
        return Judged(self, table, layout, self.options.beam)

    def loss(self, batch: TranslateBatch, state: Any) -> Loss:
        device = next(self.parameters()).device
        source, lengths, target, target_lengths = (each.to(device) for each in batch[:4])
        smoothing = self.options.label_smoothing if self.training else 0.0
        value = self.model.loss(source, lengths, target, target_lengths, smoothing)
        output = None if self.training else self.write(source, lengths, batch.beam)
        return Loss(value, int(batch.target_lengths.sum()) + len(batch.target), output=output)

    def write(self, source: Tensor, lengths: Tensor, beam: int) -> list[Answer]:
        """The answers to sources ``[B, S]``, the best of so many beginnings."""
        found = self.model.decode(
            source,
            lengths,
            Greedy() if beam == 1 else Beam(beam, self.options.length_penalty),
            max_length=self.vocabulary["most"],
            max_ratio=self.vocabulary["ratio"],
            forbidden=(UNKNOWN,),
        )
        return [Answer(self.target.decode(best.tokens), finite(best.log_prob)) for best, *_ in found]

    @torch.no_grad()
    def translate(self, texts: Sequence[str], beam: int) -> list[Answer]:
        """The answers to texts, in their order."""
        longest, device = self.options.max_length, next(self.parameters()).device
        sources = [self.source.encode(text)[:longest] for text in texts]
        lengths = np.array([[len(source), 0] for source in sources])
        found = [Answer("", 0.0)] * len(texts)
        for rows in PairBatches(lengths, ROWS).in_order() if len(texts) else []:
            padded, each = pad([sources[row] for row in rows], END)
            for row, answer in zip(rows, self.write(padded.to(device), each.to(device), beam), strict=True):
                found[row] = answer
        return found

    def rows(self, source: Any, bad: BadRows) -> Asked[str]:
        role = "source" if self.layout.kind == "lines" else ""
        table, column = read_texts(source, self.layout.source, self.layout.known, bad, usual="source", role=role)
        texts = table.frame[column].fill_null("").to_list()
        lacking = {part for text in texts for part in self.source.lacking(text)}
        if lacking:
            shown = shortened(" ".join(map(repr, sorted(lacking))), 80)
            said = f"never learnt, and read as unknown: {shown}"
            bad.remark(table.name, [said], logging.WARNING)
        longest = self.options.max_length
        if cut := sum(len(self.source.encode(text)) > longest for text in texts if len(text) > longest):
            said = f"{counted(cut, 'rows have')} more than {longest:,} tokens; only so many are read"
            bad.remark(table.name, [said], logging.WARNING, "long")
        return Asked(texts, table.index, table.size, table.spread())

    def answer(self, rows: Sequence[str]) -> pl.DataFrame:
        found = self.translate(rows, self.options.beam)
        texts = pl.Series("predicted", [each.text for each in found], dtype=pl.String)
        return pl.DataFrame([texts, pl.Series("log_prob", [each.log_prob for each in found], dtype=pl.Float64)])

    def lines(self, evaluation: Judged, number: int) -> list[str]:
        return [json.dumps({self.layout.source: text}, ensure_ascii=False) for text in evaluation.texts[:number]]

    def baselines(self, data: TranslateExamples, evaluation: Judged) -> dict[str, Callable[[], dict[str, float]]]:
        asked = list(evaluation.right)

        def neighbour() -> dict[str, float]:
            found = nearest_neighbour(data.pairs.texts, asked, self.source.kind)
            return evaluation.measures({text: data.pairs.wanted[row] for text, row in zip(asked, found, strict=True)})

        return {
            "copying": lambda: evaluation.measures({text: text for text in asked}),
            "nearest neighbour": neighbour,
        }

    def sections(self, data: TranslateExamples, evaluation: Judged, outputs: Sequence[Any]) -> list[Section]:
        answers = evaluation.answers(outputs)
        rows = []
        for text, right in evaluation.right.items():
            changes, length = nearest(answers[text].text, right, self.target.kind)
            rows.append((changes / max(1, length), changes, length, text))
        first = [(text, answers[text].text, " / ".join(right)) for text, right in list(evaluation.right.items())[:10]]
        worst = sorted((row for row in rows if row[1]), key=lambda row: -row[0])[:WORST]
        return [
            Section(
                "Examples",
                header=["source", "answer", "reference"],
                rows=[[shortened(cell, 300) for cell in row] for row in first],
            ),
            *self._where_it_looks(first[0][0]),
            Section(
                "Error rate by length",
                figures=[_errors_by_length([(length, changes) for _, changes, length, _ in rows])],
            ),
            Section(
                "Largest errors",
                "The answers with the highest token error." if worst else "There are none.",
                header=["token error", "source", "answer", "reference"] if worst else (),
                rows=[
                    [share, *(shortened(cell, 300) for cell in (t, answers[t].text, " / ".join(evaluation.right[t])))]
                    for share, _, _, t in worst
                ],
            ),
        ]

    @torch.no_grad()
    def _where_it_looks(self, text: str) -> list[Section]:
        """The weights of attention while one answer is written."""
        source = torch.from_numpy(self.source.encode(text)[:40])[None]
        best = self.model.decode(source, search=Greedy(), max_length=40, forbidden=(UNKNOWN,))[0][0]
        _, weights = self.model(source, None, torch.tensor([best.tokens], dtype=torch.long), None)
        if weights is None or weights.shape[2] != source.shape[1]:
            return []
        read, written = source[0].tolist(), [*best.tokens, END]
        size = min(10, max(3.2, 2 + 0.35 * len(read))), min(10, max(2.4, 1.5 + 0.28 * len(written)))
        picture, axes = figure(*size)
        axes.imshow(weights[0].cpu().numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(read)), [self.source.name(number) for number in read], rotation=90)
        axes.set_yticks(range(len(written)), [self.target.name(number) for number in written])
        axes.set(xlabel="source", ylabel="answer")
        about = "How much each token of the source counts for each token of the answer."
        return [Section("Attention weights", about, [picture])]

    def sample(self, data: TranslateExamples, seed: int) -> str:
        right = data.held_out.right
        asked = list(right)
        chosen = [asked[row] for row in np.random.default_rng(seed).permutation(len(asked))[:5]]
        answers = self.translate(chosen, self.options.beam)
        return "\n".join(
            f"{shortened(text, 60)}\n  -> {answer.text}\n  == {right[text][0]}"
            for text, answer in zip(chosen, answers, strict=True)
        )


def _attention(name: str, query: int, memory: int, units: int) -> Attention | None:
    if name == "none":
        return None
    if name == "additive":
        return AdditiveAttention(query, memory, units)
    if name == "multiplicative":
        return MultiplicativeAttention(query, memory, scaled=True)
    raise ElmanError(f"--attention is multiplicative, additive or none, not {name!r}")


def _errors_by_length(rows: list[tuple[int, int]]) -> Any:
    """The share of tokens to be changed, by how many there should be."""
    top = max(length for length, _ in rows)
    width = math.ceil((top + 1) / 10)
    lengths, changes = np.array(rows).T
    bins = lengths // width
    present = np.unique(bins)
    shares = [changes[bins == one].sum() / max(1, lengths[bins == one].sum()) for one in present]
    picture, axes = figure(6, 3)
    axes.bar((present + 0.5) * width, shares, width=0.9 * width)
    axes.set(xlabel="tokens of the reference", ylabel="token error")
    return picture
