"""Tagging: a tag for each word of a sentence, such as its part of speech, or the names and phrases in it."""

import json
import logging
from collections import Counter
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
from elman.layers.crf import CRF, span_transitions
from elman.layers.encoder import encoder
from elman.tasks.tag import report
from elman.tasks.tag.folder import part_of
from elman.tasks.tag.layout import ColumnSpec, Layout, find_layout
from elman.tasks.tag.options import MANY, TagOptions
from elman.tasks.tag.spans import find_scheme, read_spans, score_spans, write_spans
from elman.tasks.tag.tagged import Tagged, read_asked, read_tagged
from elman.tasks.tag.tokens import TokenInput, Tokens
from elman.tasks.tag.vocabulary import Vocabulary
from elman.training.answers import finite
from elman.training.measures import HIGH, LOSS, Measure
from elman.training.report import Section
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

MEASURES = {
    "f1": Measure(HIGH, label="F1", about="of precision and recall of whole spans, as conlleval counts them"),
    "accuracy": Measure(HIGH, share=True, about="the share of words whose tag is right"),
    "precision": Measure(HIGH, about="the share of the spans that were answered that are right"),
    "recall": Measure(HIGH, about="the share of the true spans that were found"),
    "sentences_right": Measure(HIGH, share=True, about="the share of sentences of which every tag is right"),
    "loss": LOSS,
}
ROWS = 64  # sentences answered at a time


class TagParts(NamedTuple):
    """What was read: sentences to learn from and others held out, how they lay, and how spans are written."""

    layout: Layout
    scheme: str
    learnt: Tagged
    held_out: Tagged
    name: str


class TagBatch(NamedTuple):
    """Sentences side by side."""

    tokens: Tokens
    tags: Tensor  # [B, T], their numbers


class Pieces:
    """Sentences in parts of a bounded length.

    Args:
        sentences: any sequences.
        longest: of a part.
    """

    def __init__(self, sentences: Sequence[Sequence[Any]], longest: int) -> None:
        self.number = len(sentences)
        self.cut = [(n, start) for n, s in enumerate(sentences) for start in range(0, len(s), longest)]
        self.longest = longest
        self.lengths = np.array([min(len(sentences[n]) - start, longest) for n, start in self.cut], int)

    def of(self, sentences: Sequence[Sequence[Any]], piece: int) -> Sequence[Any]:
        """The part of its sentence."""
        n, start = self.cut[piece]
        return sentences[n][start : start + self.longest]

    def whole(self, order: Sequence[np.ndarray], found: Sequence[list[list[str]]]) -> list[list[str]]:
        """Sentences again, from what was found for the parts of each batch in ``order``."""
        by_piece = dict(zip(np.concatenate(order).tolist(), (f for batch in found for f in batch), strict=True))
        sentences: list[list[str]] = [[] for _ in range(self.number)]
        for piece, (n, _) in enumerate(self.cut):
            sentences[n] += by_piece[piece]
        return sentences


class Sentences:
    """Tagged sentences on which a tagger is judged, the short ones first."""

    def __init__(self, task: "TagTask", rows: Tagged) -> None:
        self.task, self.rows = task, rows
        self.pieces = Pieces(rows.tokens, task.options.max_length)
        self.order = Batches(self.pieces.lengths, ROWS).in_order()
        lacking = Counter(tag for tags in rows.tags for tag in tags if not task.knows(tag))
        if lacking:
            shown = ", ".join(f"{tag} {count:,}" for tag, count in lacking.most_common(5))
            log.warning("tags that were not learnt, whose words all count as wrong: %s", shown)

    def __iter__(self) -> Iterator[TagBatch]:
        return (self.task.batch(self.pieces, self.rows, chosen) for chosen in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def answers(self, outputs: Sequence[list[list[str]]]) -> list[list[str]]:
        """The tags of each sentence in its order, as the data writes them."""
        return [self.task.written(tags) for tags in self.pieces.whole(self.order, outputs)]

    def metrics(self, loss: float, outputs: Sequence[list[list[str]]]) -> dict[str, float]:
        return {"loss": loss, **self.measures(self.answers(outputs))}

    def judged(self, outputs: Sequence[list[list[str]]]) -> JudgedRows:
        tags = [tag for tags in self.answers(outputs) for tag in tags]
        return JudgedRows(len(self.rows), "sentences", same_answers(tags))

    def measures(self, answered: Sequence[Sequence[str]]) -> dict[str, float]:
        """How good answers are: of spans as ``conlleval`` counts them, and of words."""
        true = self.rows.tags
        right = [[a == b for a, b in zip(*pair, strict=True)] for pair in zip(true, answered, strict=True)]
        words = {
            "accuracy": sum(map(sum, right)) / sum(map(len, right)),
            "sentences_right": sum(map(all, right)) / len(right),
        }
        if not self.task.scheme:
            return words
        score, _ = score_spans(true, answered)
        return {"f1": score.f1, "precision": score.precision, "recall": score.recall, **words}


class TagExamples:
    """Tagged sentences to learn from, and others that are held out."""

    held_out: Sentences
    test: Sentences
    test_name: str

    def __init__(self, task: "TagTask", parts: TagParts, rows: int, seed: int) -> None:
        self.task, self.learnt, self.name = task, parts.learnt, parts.name
        self.pieces = Pieces(parts.learnt.tokens, task.options.max_length)
        self.batches = Batches(self.pieces.lengths, rows, seed)
        self.held_out = self.test = Sentences(task, parts.held_out)
        self.test_name = LEARNT_FROM if parts.held_out is parts.learnt else HELD_OUT

    @property
    def epoch(self) -> int:
        return len(self.batches)

    def batch(self, step: int) -> TagBatch:
        return self.task.batch(self.pieces, self.learnt, self.batches[step])

    def describe(self) -> str:
        return (
            f"{self.name}: {counted(len(self.learnt), 'sentences')} with "
            f"{counted(int(self.pieces.lengths.sum()), 'words')} to learn from, "
            f"{len(self.held_out.rows):,} held out; {counted(len(self.task.input.lexicon.words), 'words')} known, "
            f"{counted(len(self.task.tags), 'tags')}"
        )


class TagTask(RowPredictor[TagOptions, TagParts, TagBatch, TagExamples, Sentences, list[str]]):
    """Tag each word of a sentence: a recurrence reads it in both directions, and a random field chooses the tags.

        x_t = [word; spelling; capitals] of word t
        h_1 .. h_T = recurrent(dropout(x_1 .. x_T))
        tags = argmax_y score(y; W dropout(h_t) + b)

    as in Lample et al. 2016 and Ma and Hovy 2016. Spans may be written as ``IOB1``, ``IOB2``, ``BIOES`` or
    ``BILOU``; answers are written in the scheme of the data. ``predict`` takes a file, a data
    frame, or a list of sentences, each a list of words or a text with spaces between them.

    Example:
        >>> frame = pl.DataFrame({"tokens": [["the", "cat"], ["a", "dog"]] * 20, "tags": [["DET", "NOUN"]] * 40})
        >>> from elman.training.runs import fit
        >>> model = fit(TagTask, frame, steps=30, hidden=8, embedding=8, lr=0.05, dropout=0.0)
        >>> model.predict(["a cat", ["dog"]])["predicted"].to_list()
        [['DET', 'NOUN'], ['NOUN']]
    """

    Options = TagOptions
    Learnt = Vocabulary
    unit = "words"
    repeated = ("tokens",)
    measures = MEASURES

    def __init__(self, options: TagOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.layout, self.scheme = restored(Layout, vocabulary["layout"]), vocabulary["scheme"]
        self.inside, self.tags = vocabulary["inside"], vocabulary["tags"]
        self.monitor = "f1" if self.scheme else "accuracy"
        self.number = {tag: n for n, tag in enumerate(self.tags)}
        self.input = TokenInput(options, vocabulary["input"])
        self.dropout = nn.Dropout(options.dropout)
        self.encoder = encoder(
            options.cell,
            self.input.output_size,
            options.hidden,
            options.layers,
            bidirectional=options.bidirectional,
            dropout=options.dropout,
        )
        self.head = nn.Linear(self.encoder.output_size, len(self.tags))
        allowed = span_transitions(self.tags, self.inside) if self.scheme else None
        self.crf = CRF(len(self.tags), allowed) if vocabulary["crf"] else None

    @classmethod
    def read(cls, options: TagOptions, sources: Sources) -> TagParts:
        if sources.data is None:
            raise ElmanError(
                "give --data FILE: columns with a token a line, word/tag lines, a table of lists, or two files"
            )
        layout = find_layout(sources.data, options.column_spec())
        rows = read_tagged(sources.data, layout, sources.bad)
        own = None
        if isinstance(sources.data, Path) and sources.data.is_dir():
            rows, own = _of_folder(rows, sources.name)
        scheme, odd = find_scheme(rows.tags)
        kinds = Counter(tag for tags in rows.tags for tag in tags)
        if len(kinds) == 1:
            (tag,) = kinds
            raise ElmanError(f"{sources.name}: all words have the tag {tag!r}; there is nothing to learn from it")
        _announce(rows, scheme, odd, kinds)
        tell_alike("tags", kinds)
        if sources.valid is not None:
            lain = find_layout(sources.valid, options.column_spec(), like=layout)
            other = read_tagged(sources.valid, lain, sources.bad)
            _warn_of_same(rows, other)
            return TagParts(layout, scheme, rows, other, sources.name)
        if own is not None:
            return TagParts(layout, scheme, rows, own, sources.name)
        if options.held_out == 0:
            return TagParts(layout, scheme, rows, rows, sources.name)
        if len(rows) == 1:
            raise ElmanError(
                f"{sources.name} is one sentence of {counted(len(rows.tokens[0]), 'words')}, of which none can be held "
                "out; an empty line ends a sentence, or a column 'sentence' names the one of each word"
            )
        learnt, held_out = _split(options, rows)
        return TagParts(layout, scheme, rows.take(learnt), rows.take(held_out), sources.name)

    @classmethod
    def learn(cls, options: TagOptions, read: TagParts) -> dict[str, Any]:
        counts = Counter(tag for tags in read.learnt.tags for tag in tags)
        tags, inside = [tag for tag, _ in counts.most_common()], ""
        if read.scheme:
            kinds = sorted({span.kind for tags in read.learnt.tags for span in read_spans(tags)})
            inside = options.inside or ("BIOES" if 4 * len(kinds) < MANY else "IOB2")
            if inside not in ("BIOES", "IOB2"):
                raise ElmanError(f"--inside is BIOES or IOB2, not {inside!r}")
            letters = "BIES" if inside == "BIOES" else "BI"
            tags = ["O", *(f"{letter}-{kind or '?'}" for kind in kinds for letter in letters)]
        crf = len(tags) <= MANY if options.crf is None else options.crf
        way = "a random field chooses those of a sentence together"
        if not crf:
            way = "each word's is chosen by itself" + (", since there are many" if options.crf is None else "")
        log.info("%s%s; %s", f"spans are learnt as {inside}, " if inside else "", counted(len(tags), "tags"), way)
        return {
            "layout": asdict(read.layout),
            "scheme": read.scheme,
            "inside": inside,
            "tags": tags,
            "crf": crf,
            "input": TokenInput.learn(options, read.learnt.tokens),
        }

    def more(self, sources: Sources) -> TagParts:
        """More data of the kind that was learnt, to go on with; nothing of it is held out but ``sources.valid``."""
        spec = self.options.column_spec()
        learnt, held_out = sources.both(
            lambda each: read_tagged(each, find_layout(each, spec, like=self.layout), sources.bad)
        )
        if unknown := {tag: None for tags in learnt.tags for tag in tags if not self.knows(tag)}:
            raise ElmanError(f"the tag {next(iter(unknown))!r} was not learnt; train anew to learn it")
        return TagParts(self.layout, self.scheme, learnt, held_out, sources.name)

    def data(self, read: TagParts, folder: Path, *, rows: int, steps: int, seed: int) -> TagExamples:
        return TagExamples(self, read, rows, seed)

    def batch_steps(self, data: TagExamples) -> int:
        return min(data.batches.rows, len(data.pieces.lengths)) * int(data.pieces.lengths.max(initial=0))

    def start(self, data: TagExamples) -> None:
        self.input.start(self.options)

    def evaluation(self, source: Any, folder: Path, bad: BadRows) -> Sentences:
        layout = find_layout(source, self.options.column_spec(), like=self.layout)
        return Sentences(self, read_tagged(source, layout, bad))

    def found_again(self, source: Any) -> Layout:
        """How a file lies that is answered: as the one learnt from, unless it is of another kind or names columns."""
        if isinstance(source, Line | list | tuple):
            return self.layout
        said = replace(self.options.dialect, separator="", header=None)  # another file may have another
        wishes = ColumnSpec(self.options.word_column, dialect=said)
        found = find_layout(source, wishes, like=self.layout, labelled=False)
        if found.kind != self.layout.kind or found.dialect.header:
            return found
        return replace(self.layout, dialect=replace(self.layout.dialect, header=False), names=())

    def knows(self, tag: str) -> bool:
        """Whether a tag, as the data writes it, was learnt."""
        if self.scheme:
            return tag == "O" or f"B-{tag[2:] or '?'}" in self.number
        return tag in self.number

    def learnt(self, tags: Sequence[str]) -> np.ndarray:
        """Tags as the data writes them to the numbers of those that are learnt; one that was not, to the first."""
        if self.scheme:
            spans = [span._replace(kind=span.kind or "?") for span in read_spans(tags) if self.knows(f"B-{span.kind}")]
            tags = write_spans(spans, len(tags), self.inside)
        return np.array([self.number.get(tag, 0) for tag in tags], np.int64)

    def written(self, tags: Sequence[str]) -> list[str]:
        """Tags that are learnt as the data writes them."""
        if not self.scheme:
            return list(tags)
        spans = [span._replace(kind="" if span.kind == "?" else span.kind) for span in read_spans(tags)]
        return write_spans(spans, len(tags), self.scheme)

    def batch(self, pieces: Pieces, rows: Tagged, chosen: np.ndarray) -> TagBatch:
        """Some parts of sentences side by side."""
        tags = [self.learnt(pieces.of(rows.tags, piece)) for piece in chosen]
        return TagBatch(self.input.batch([pieces.of(rows.tokens, piece) for piece in chosen]), pad(tags)[0])

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """How well each tag suits each word, ``[B, T, K]``, and the lengths ``[B]``."""
        x, lengths = self.input(tokens)
        y, _ = self.encoder(self.dropout(x), lengths=lengths)
        return self.head(self.dropout(y)), lengths

    def loss(self, batch: TagBatch, state: Any) -> Loss:
        scores, lengths = self(batch.tokens)
        tags, number = batch.tags.to(scores.device), int(lengths.sum())
        if self.crf is not None:
            value = -self.crf.log_likelihood(scores, tags, lengths).sum() / number
        else:
            valid = torch.arange(tags.shape[1], device=tags.device) < lengths[:, None]
            value = F.cross_entropy(scores[valid], tags[valid])
        return Loss(value, number, output=None if self.training else self.decode(scores.detach(), lengths))

    def decode(self, scores: Tensor, lengths: Tensor) -> list[list[str]]:
        """The best tags of each sentence, as they are learnt."""
        finite(scores)
        best = self.crf.decode(scores, lengths) if self.crf is not None else scores.argmax(-1)
        pairs = zip(best.tolist(), lengths.tolist(), strict=True)
        return [[self.tags[n] for n in row[:length]] for row, length in pairs]

    @torch.no_grad()
    def tagged(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags of sentences, as the data wrote them."""
        pieces = Pieces(sentences, self.options.max_length)
        if not pieces.cut:
            return [[] for _ in sentences]
        order = Batches(pieces.lengths, ROWS).in_order()
        found = [self.decode(*self(self.input.batch([pieces.of(sentences, n) for n in chosen]))) for chosen in order]
        return [self.written(tags) for tags in pieces.whole(order, found)]

    def rows(self, source: Any, bad: BadRows) -> Asked[list[str]]:
        return read_asked(source, self.found_again(source), bad)

    def answer(self, rows: Sequence[list[str]]) -> pl.DataFrame:
        tagged = self.tagged(rows)
        columns = [pl.Series("predicted", tagged, dtype=pl.List(pl.String))]
        if self.scheme:
            kind = pl.Struct({"kind": pl.String, "start": pl.Int64, "end": pl.Int64, "text": pl.String})
            found = [
                [
                    {"kind": kind, "start": start, "end": end, "text": " ".join(tokens[start:end])}
                    for kind, start, end in read_spans(tags)
                ]
                for tokens, tags in zip(rows, tagged, strict=True)
            ]
            columns.append(pl.Series("spans", found, dtype=pl.List(kind)))
        return pl.DataFrame(columns)

    def lines(self, evaluation: Sentences, number: int) -> list[str]:
        return [json.dumps(tokens, ensure_ascii=False) for tokens in evaluation.rows.tokens[:number]]

    def baselines(self, data: TagExamples, evaluation: Sentences) -> dict[str, Callable[[], dict[str, float]]]:
        learnt, rows = data.learnt, evaluation.rows
        return {"most frequent tag": lambda: evaluation.measures(most_frequent(learnt, rows.tokens))}

    def sections(self, data: TagExamples, evaluation: Sentences, outputs: Sequence[Any]) -> list[Section]:
        return report.sections(evaluation.rows, evaluation.answers(outputs), self.scheme)

    def sample(self, data: TagExamples, seed: int) -> str:
        rows = data.held_out.rows
        chosen = np.random.default_rng(seed).permutation(len(rows))[:3]
        sentences = [rows.tokens[row][:40] for row in chosen]
        return "\n".join(
            " ".join(word if tag == "O" else f"{word}/{tag}" for word, tag in zip(words, tags, strict=True))
            for words, tags in zip(sentences, self.tagged(sentences), strict=True)
        )


def most_frequent(learnt: Tagged, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """The tag that each word has most often where it was learnt, and for another word the most frequent of all."""
    by_word: dict[str, Counter[str]] = {}
    every: Counter[str] = Counter()
    for words, tags in zip(learnt.tokens, learnt.tags, strict=True):
        for word, tag in zip(words, tags, strict=True):
            by_word.setdefault(word, Counter())[tag] += 1
        every.update(tags)
    usual = every.most_common(1)[0][0]
    best = {word: counts.most_common(1)[0][0] for word, counts in by_word.items()}
    return [[best.get(word, usual) for word in words] for words in sentences]


def _announce(rows: Tagged, scheme: str, odd: int, kinds: Counter[str]) -> None:
    if scheme:
        names = Counter(span.kind for tags in rows.tags for span in read_spans(tags))
        shown = ", ".join(f"{kind or 'spans'} {count:,}" for kind, count in names.most_common(8))
        log.info("spans as %s: %s%s", scheme, shown, ", ..." if len(names) > 8 else "")
        if odd:
            log.info(
                "%s not written so; what stands there is read, and answers are %s", counted(odd, "spans are"), scheme
            )
    else:
        shown = ", ".join(f"{tag} {count:,}" for tag, count in kinds.most_common(8))
        log.info("%s, no spans: %s%s", counted(len(kinds), "tags"), shown, ", ..." if len(kinds) > 8 else "")
    if once := [tag for tag, count in kinds.items() if count == 1]:
        shown = ", ".join(once[:5]) + (", ..." if len(once) > 5 else "")
        log.info("%s seen only once: %s", counted(len(once), "tags are"), shown)
    pairs = (pair for row in zip(rows.tokens, rows.tags, strict=True) for pair in zip(*row, strict=True))
    if sum(word == tag for word, tag in pairs) > 0.9 * kinds.total():
        log.warning("nearly all tags are the words themselves; is --tag-column the right one?")


def _warn_of_same(learnt: Tagged, held_out: Tagged) -> None:
    """Say so where what is held out was mostly learnt from."""
    seen = {tuple(tokens) for tokens in learnt.tokens if len(tokens) > 3}
    same = sum(tuple(tokens) in seen for tokens in held_out.tokens)
    if same > 0.2 * len(held_out):
        log.warning("%s of %s held-out sentences are learnt from too; measures are too good",
                    f"{same:,}", f"{len(held_out):,}")  # fmt: skip


def _of_folder(rows: Tagged, name: str) -> tuple[Tagged, Tagged | None]:
    """What is learnt from of the files of a folder, and what is held out where their names say so; said in a line."""
    parts = np.array([part_of(where.rpartition(", ")[0]) for where in rows.where])
    if not (parts == "train").any():
        return rows, None
    learnt, own = (rows.take(np.flatnonzero(parts == part)) for part in ("train", "held out"))
    others = len(rows) - len(learnt) - len(own)
    log.info("%s: %s in files named as those to learn from, %s in those to hold out%s",
             name, counted(len(learnt), "sentences"), f"{len(own):,}",
             f"; {counted(others, 'others are')} left out" if others else "")  # fmt: skip
    return learnt, own if len(own) else None


def _split(options: TagOptions, rows: Tagged) -> tuple[np.ndarray, np.ndarray]:
    by: dict[str, Any] = {}
    if options.split == "documents":
        by = {"groups": rows.documents}
    elif options.split == "last":
        by = {"times": np.arange(len(rows))}
    elif options.split != "random":
        raise ElmanError(f"--split is random, documents or last, not {options.split!r}")
    return split(len(rows), options.held_out, seed=options.split_seed, **by)
