"""How a text or a series becomes what a recurrence reads."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from elman.data.batches import pad
from elman.data.columns import listed as names
from elman.data.formats.objects import read_value
from elman.data.memory import finite
from elman.data.rows import Asked
from elman.data.sequences import Sequenced, resampled, without_missing
from elman.data.words import Lexicon, Words, read_vectors, split_words, with_first_words
from elman.errors import ElmanError, counted
from elman.layers.words import WordEmbedding
from elman.tasks.classify.layout import Layout
from elman.training.options import listed

log = logging.getLogger(__name__)

EXAMPLE = '{"values": [[0.1, 0.2], [0.3, null]], "times": [0, 1]}'  # a series as an object of JSON


class TextInput(nn.Module):
    """Texts as words with their spelling, or as characters.

    Args:
        options: those of the classifier.
        vocabulary: what ``learn`` found.
    """

    def __init__(self, options: Any, vocabulary: dict[str, Any]) -> None:
        super().__init__()
        self.tokens, self.longest = vocabulary["tokens"], options.max_length
        self.lexicon = Lexicon.from_json(vocabulary)
        spelt = len(self.lexicon.characters) if options.spelling and self.tokens == "words" else 0
        self.words = WordEmbedding(
            len(self.lexicon.words),
            options.embedding,
            characters=spelt,
            character_size=max(1, options.spelling),
            drop=options.word_dropout if self.tokens == "words" else 0.0,
        )
        self.size = self.words.output_size
        self.about = f"{len(self.lexicon.words):,} {self.tokens} known"

    @classmethod
    def learn(cls, options: Any, texts: Sequence[str], layout: Layout) -> dict[str, Any]:
        """What must be known of texts."""
        tokens = options.tokens
        if tokens not in ("", "words", "characters"):
            raise ElmanError(f"--tokens is words or characters, not {tokens!r}")
        if not tokens:
            mean = float(np.mean([len(split_words(text, options.max_length)) for text in texts[:10_000]]))
            tokens = "characters" if mean < 3 else "words"
            log.info("texts are read as %s; they have %.1f words on the average", tokens, mean)
        cut = [_cut(text, tokens, options.max_length + 1) for text in texts]
        if long := sum(len(each) > options.max_length for each in cut):
            log.warning("%s; --max-length says where", _are_cut(long, "texts", options.max_length, tokens))
        least = 1 if tokens == "characters" else options.min_count
        read = (each[: options.max_length] for each in cut)
        return {"tokens": tokens, **Lexicon.learn(read, options.vocabulary, least).to_json()}

    def start(self, options: Any) -> None:
        """Begin with the vectors of words that the options name."""
        if options.embeddings:
            found = read_vectors(Path(options.embeddings), self.lexicon.words)
            self.words.start_from({n: found[word] for n, word in enumerate(self.lexicon.words, 1) if word in found})

    def lengths(self, texts: Sequence[str]) -> np.ndarray:
        """How long texts are, about."""
        return np.array([min(len(text), self.longest * 6) for text in texts])

    def are_cut(self, texts: Sequence[str]) -> str:
        """That texts are cut, if any are, as a line says it."""
        most = self.longest
        long = sum(len(text) > most and len(_cut(text, self.tokens, most + 1)) > most for text in texts)
        return _are_cut(long, "texts", most, self.tokens) if long else ""

    def batch(self, texts: Sequence[str]) -> Words:
        return self.lexicon.batch([_cut(text, self.tokens, self.longest) for text in texts])

    def forward(self, batch: Words) -> tuple[Tensor, Tensor]:
        """Features ``[B, T, size]`` and lengths ``[B]``."""
        places, lengths, words, characters = (part.to(self.words.words.weight.device) for part in batch)
        return self.words(places, words, characters), lengths

    def line(self, text: str) -> str:
        """A text as a line of a stream."""
        return json.dumps({"text": text}, ensure_ascii=False)

    def shown(self, text: str) -> str:
        return text

    def part(self, text: str) -> str:
        """What is read of a text."""
        return text[: self.longest] if self.tokens == "characters" else with_first_words(text, self.longest)


def _are_cut(number: int, what: str, longest: int, unit: str) -> str:
    return f"{counted(number, f'{what} are')} longer than {longest:,} {unit} and cut there"


def _cut(text: str, tokens: str, most: int) -> list[str]:
    return list(text[:most]) if tokens == "characters" else split_words(text, most)


class Steps(NamedTuple):
    """Series side by side."""

    values: Tensor  # [B, T, C], NaN where there is none
    gaps: Tensor  # [B, T], time since the step before
    lengths: Tensor  # [B]


class SeriesInput(nn.Module):
    """Series as steps of normalised numbers; with what is missing, and how long ago it was last known, where it is so.

        x_t = [last known value of each channel, 0 before the first; whether it was measured now; how long ago that was]

    The two last parts are there where values are missing or times irregular (Lipton et al. 2016, Che et al. 2018).
    """

    def __init__(self, options: Any, vocabulary: dict[str, Any]) -> None:
        super().__init__()
        self.longest, self.every, self.noise = options.max_length, options.resample, options.noise
        self.missing = listed(options.missing)
        self.channels, self.sparse, self.pace = vocabulary["channels"], vocabulary["sparse"], vocabulary["pace"]
        for name in ("mean", "scale"):
            self.register_buffer(name, torch.tensor(vocabulary[name]), persistent=False)
        self.size = len(self.channels) * (3 if self.sparse else 1) + (1 if self.sparse else 0)
        irregular = ", some values missing or times irregular" if self.sparse else ""
        self.about = counted(len(self.channels), "channels") + irregular

    @classmethod
    def learn(cls, options: Any, series: Sequence[Sequenced], layout: Layout) -> dict[str, Any]:
        """What must be known of series."""
        if long := _long(series, options.resample, options.max_length):
            log.warning("%s; --max-length says where", _are_cut(long, "series", options.max_length, "steps"))
        series = [_at_pace(each, options.resample, options.max_length) for each in series]
        values = np.concatenate([each.values for each in series]).astype(np.float64)
        channels = list(layout.channels) or [f"channel {n}" for n in range(1, values.shape[1] + 1)]
        known = ~np.isnan(values)
        counts = np.maximum(known.sum(0), 1)
        mean = np.where(known, values, 0).sum(0) / counts
        scale = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(0) / counts)
        if constant := [name for name, s in zip(channels, scale, strict=True) if s == 0]:
            log.info("the same in all rows, so nothing is learnt from it: %s", names(constant))
        gaps = np.concatenate([np.diff(each.times) for each in series])
        pace = float(np.median(gaps)) if len(gaps) else 1.0
        irregular = bool(len(gaps)) and bool(np.any(np.abs(gaps - pace) > 0.01 * abs(pace)))
        if irregular or not known.all():
            pace_is, missing = "irregular" if irregular else "regular", 100 * (1 - known.mean())
            log.info("%.0f %% of the values are missing, times are %s; both are learnt from", missing, pace_is)
        return {
            "channels": channels,
            "mean": mean.tolist(),
            "scale": np.where(scale > 0, scale, 1).tolist(),
            "sparse": irregular or not bool(known.all()),
            "pace": pace or 1.0,
        }

    def start(self, options: Any) -> None:
        """There is nothing to begin with."""

    def lengths(self, series: Sequence[Sequenced]) -> np.ndarray:
        return np.array([len(each.values) for each in series])

    def are_cut(self, series: Sequence[Sequenced]) -> str:
        """That series are cut, if any are, as a line says it."""
        long = _long(series, self.every, self.longest)
        return _are_cut(long, "series", self.longest, "steps") if long else ""

    def batch(self, series: Sequence[Sequenced]) -> Steps:
        paced = [_at_pace(each, self.every, self.longest) for each in series]
        values, lengths = pad([each.values for each in paced], np.nan)
        gaps, _ = pad([np.diff(each.times, prepend=each.times[:1]).astype(np.float32) for each in paced])
        return Steps(values, gaps, lengths)

    def times(self, batch: Steps) -> Tensor:
        """The time from the step before to each, ``[B, T, 1]``, in usual steps."""
        return (batch.gaps.to(self.get_buffer("mean")) / self.pace)[..., None]

    def forward(self, batch: Steps) -> tuple[Tensor, Tensor]:
        """Features ``[B, T, size]`` and lengths ``[B]``."""
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        values, gaps, lengths = (part.to(mean.device) for part in batch)
        x = (values - mean) / scale
        known = ~x.isnan()
        if self.training and self.noise:
            x = x + self.noise * torch.randn_like(x)
        if not self.sparse:
            return torch.where(known, x, 0), lengths
        steps = torch.arange(x.shape[1], device=x.device)[:, None].expand_as(x[0])
        last = torch.where(known, steps, -1).cummax(1).values  # the step at which each was last known
        filled = torch.where(last >= 0, x.nan_to_num().gather(1, last.clamp(min=0)), 0)
        clock = (gaps / self.pace).cumsum(1)[..., None].expand_as(x)
        ago = torch.where(last >= 0, clock - clock.gather(1, last.clamp(min=0)), clock)
        parts = [filled, known.to(x.dtype), torch.log1p(ago), torch.log1p(gaps / self.pace)[..., None]]
        return torch.cat(parts, -1), lengths

    def asked(self, series: Sequence[Any]) -> Asked[Sequenced]:
        """Series in memory, each an array ``[time, channels]`` or an object with ``values`` and maybe ``times``."""
        found = [self.one(each, f"series {n}") for n, each in enumerate(series, 1)]
        frame = pl.DataFrame({"series": range(1, len(found) + 1)})
        return Asked(found, np.arange(len(found)), len(found), frame)

    def one(self, given: Any, name: str) -> Sequenced:
        """A series: numbers, null or NaN where there is none, and when they were where they are not evenly apart."""
        row = given if isinstance(given, Mapping) else {"values": given}
        try:
            values = np.array(row["values"], np.float64)
            values = values[:, None] if values.ndim == 1 else values
            times = np.array(row.get("times", range(len(values))), np.float64)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ElmanError(f"{name} is no array of numbers, nor an object such as {EXAMPLE}") from error
        if values.ndim != 2 or values.shape[1] != len(self.channels) or not len(values):
            raise ElmanError(f"{name} has the shape {list(values.shape)}; [time, {len(self.channels)}] is wanted")
        if times.shape != (len(values),):
            raise ElmanError(
                f"{name} has {counted(len(values), 'steps')} and {counted(times.size, 'times')}; they are to be as many"
            )
        if not np.isfinite(times).all():
            raise ElmanError(f"{name} has times that are no numbers")
        return without_missing(Sequenced(finite(values), times), self.missing)

    def line(self, series: Sequenced) -> str:
        """A series as a line of a stream."""
        values = [[None if np.isnan(v) else float(v) for v in step] for step in series.values]
        return json.dumps({"values": values, "times": series.times.tolist()})

    def shown(self, series: Sequenced) -> str:
        mean = np.nanmean(series.values) if not np.isnan(series.values).all() else np.nan
        return f"{counted(len(series.values), 'steps')}, mean {mean:.3g}"


def _long(series: Sequence[Sequenced], every: float, longest: int) -> int:
    """How many series have more steps than are read."""
    if not every:
        return sum(len(each.values) > longest for each in series)
    return sum(bool(np.ptp(np.floor(each.times[[0, -1]] / every)) >= longest) for each in series)


def _at_pace(series: Sequenced, every: float, longest: int) -> Sequenced:
    if every:
        return resampled(series, every, longest)
    return Sequenced(series.values[:longest], series.times[:longest])


def parse_series(line: str) -> Any:
    """A series from a line of a stream, as in memory: a list or an object of JSON."""
    try:
        return read_value(line)
    except ValueError as error:
        raise ElmanError(f"a line is an object such as {EXAMPLE}") from error
