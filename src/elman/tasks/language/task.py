"""Language modelling: learn a text or strings, tell how likely others are, write more of it, and talk."""

import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from heapq import nlargest
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.data import text
from elman.data.formats import format_of
from elman.data.text import HeldText, Window, read_tokens, write_tokens
from elman.data.tokens import decoded, tokenizer
from elman.errors import ElmanError, counted, quoted
from elman.layers import Recurrent
from elman.tasks.language.columns import text_of
from elman.tasks.language.dialogues import Dialogue, choose_speakers, find_speakers
from elman.tasks.language.lines import (
    Strings,
    could_be_strings,
    is_of_molecules,
    is_strings,
    read_strings,
    without_unknown,
)
from elman.tasks.language.options import LanguageOptions
from elman.tasks.language.strings import (
    IGNORED,
    Judged,
    Rows,
    StringData,
    StringParts,
    Written,
    judge_written,
    judged,
    packed,
    read_parts,
    unpacked,
)
from elman.tasks.language.text import LARGEST, MEASURES, Corpus, TextData, TextParts
from elman.tasks.language.vocabulary import Vocabulary
from elman.tasks.language.writing import Draw, write_strings
from elman.training import manifest
from elman.training.folders import TOKENS, written
from elman.training.task import BadRows, Loss, Sources, Task

log = logging.getLogger(__name__)

SAMPLE = 1 << 21  # characters by which the form of a file is told
FORMS = ("auto", "text", "strings")


class LanguageTask(
    Task[LanguageOptions, TextParts | StringParts, Window | Rows, TextData | StringData, Corpus | Judged]
):
    """A recurrent language model: the next token from all before it.

        e_t = E[token_t]
        y_t, state = recurrent(dropout(e_t), state)
        p(token_{t+1}) = softmax(E P dropout(y_t) + b)

    ``E [V, embedding]`` serves the input and the output (Press and Wolf 2017, Inan et al. 2017); ``P`` brings the
    layers' output to the size of an embedding, and is not there where the two sizes are the same.

    It learns one text, in which the state goes on, or strings, each from a state of zero and ended by the end of its
    line; ``data.strings`` has the rules by which the two are told apart.

    Example:
        >>> vocabulary = {"tokens": "characters", "characters": "\\nab"}
        >>> model = LanguageTask(LanguageOptions(hidden=8), vocabulary).eval()
        >>> len("".join(model.generate("ab", length=5, seed=1)))
        5
    """

    Options = LanguageOptions
    Learnt = Vocabulary
    unit = "tokens"
    measures = MEASURES

    def __init__(self, options: LanguageOptions, vocabulary: dict[str, Any]) -> None:
        super().__init__(options, vocabulary)
        self.tokenizer = tokenizer(vocabulary["tokens"]).from_json(vocabulary)
        self.form: str = vocabulary.get("form", "text")
        self.speakers: list[str] = vocabulary.get("speakers", [])
        self.embedding = nn.Embedding(self.tokenizer.size, options.embedding)
        nn.init.normal_(self.embedding.weight, std=options.embedding**-0.5)  # so that the first guesses are even
        self.dropout = nn.Dropout(options.dropout)
        self.recurrent = Recurrent(
            options.cell, options.embedding, options.hidden, options.layers, dropout=options.dropout
        )
        size = self.recurrent.output_size
        self.projection = nn.Linear(size, options.embedding, False) if size != options.embedding else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(self.tokenizer.size))

    @classmethod
    def read(cls, options: LanguageOptions, sources: Sources) -> TextParts | StringParts:
        if options.form not in FORMS:
            raise ElmanError(f"--form is {', '.join(FORMS[:-1])} or {FORMS[-1]}, not {options.form!r}")
        if sources.data is None:
            if options.form == "strings":
                raise ElmanError("give --data FILE with strings, one a line")
            return TextParts(None, sources.valid, [], False)
        sources = _of_columns(options, sources)
        source: Path | HeldText = sources.data
        if isinstance(source, Path) and (form := format_of(source, options.encoding)).tasks:
            log.info("%s: %s, read as plain text; elman train %s knows its rows", source, form.name, form.tasks[0])
        sample = text.beginning(source, SAMPLE, options.encoding)
        found = is_of_molecules(source) or is_strings(sample)
        if options.form == "strings" or (options.form == "auto" and found):
            if options.form == "auto":
                log.info("%s: strings, one a line; --form text takes them as one text", source)
            return read_parts(sources, options.max_length, options.held_out, options.split_seed, options.encoding)
        speakers = find_speakers(sample)
        if speakers:
            shown = ", ".join(speakers[:5]) + (", ..." if len(speakers) > 5 else "")
            log.info("%s: a dialogue, in turns of %s; elman chat goes on with it", source, shown)
        elif options.form == "auto" and could_be_strings(sample):
            log.info("%s: a text; --form strings takes each line for itself", source)
        return TextParts(source, sources.valid, speakers, "\n\n" in sample)

    @classmethod
    def learn(cls, options: LanguageOptions, read: TextParts | StringParts) -> dict[str, Any]:
        kind = tokenizer(options.tokens)
        if isinstance(read, StringParts):
            # of both parts, so that what is held out can be told too
            learnt = kind.learn(chain(read.learnt.pieces(), read.held_out.pieces()), options.vocabulary)
            longest = nlargest(100, read.learnt.texts, key=len)
            return learnt.to_json() | {
                "form": "strings",
                "molecules": read.molecules,
                "longest": max(len(learnt.encode(each)) for each in longest),
                "known": packed(read.learnt.texts),
            }
        first, several = "", False
        for piece in text.read(read.source, options.encoding):
            first = first or piece[0]
            several = several or piece.strip(first) != ""
            if several:
                break
        if not several:
            raise ElmanError(f"{_name(read.source)} has no two different characters; there is nothing to learn from it")
        vocabulary = kind.learn(text.read(read.source, options.encoding), options.vocabulary).to_json()
        return vocabulary | ({"speakers": read.speakers, "parted": read.parted} if read.speakers else {})

    def more(self, sources: Sources) -> TextParts | StringParts:
        """More text or strings, to go on with; nothing of it is held out but ``sources.valid``."""
        sources = _of_columns(self.options, sources)
        if self.form != "strings":
            return TextParts(*sources.both(lambda each: each), self.speakers, bool(self.vocabulary.get("parted")))

        def read(source: Path | HeldText) -> Strings:
            strings = read_strings(source, self.options.max_length, sources.bad, self.options.encoding)
            return without_unknown(strings, self.tokenizer, sources.bad)

        return StringParts(*sources.both(read), self.vocabulary["molecules"])

    def data(
        self, read: TextParts | StringParts, folder: Path, *, rows: int, steps: int, seed: int
    ) -> TextData | StringData:
        if isinstance(read, StringParts):
            more = self._judge_written if self.options.samples else None
            return StringData(read.learnt, read.held_out, self.tokenizer, rows, seed, more)
        tokens = self._tokens(read.source, folder, TOKENS[0])
        valid = None if read.valid is None else self._tokens(read.valid, folder, TOKENS[1])
        share, name = self.options.held_out, _name(read.source)
        return TextData(tokens, valid, self.tokenizer, name, share=share, rows=rows, steps=steps)

    def batch_steps(self, data: TextData | StringData) -> int:
        if isinstance(data, TextData):
            return data.train.rows * min(data.train.steps, data.train.length)
        return min(data.batches.rows, len(data.learnt)) * int(data.encoded.lengths.max())

    def batch_scores(self, data: TextData | StringData) -> int:
        return self.batch_steps(data) * self.tokenizer.size

    def evaluation(self, source: Path | HeldText, folder: Path, bad: BadRows) -> Corpus | Judged:
        source = text_of(source, self.options.text_column, self.options.encoding, bad)
        if self.form == "strings":
            found = read_strings(source, self.options.max_length, bad, self.options.encoding)
            strings = without_unknown(found, self.tokenizer, bad)
            return judged(strings, self.tokenizer, self._judge_written if self.options.samples else None).part(LARGEST)
        tokens = self._tokens(source, folder, TOKENS[0])
        if len(tokens) < 2:
            raise ElmanError(f"{_name(source)} has {counted(len(tokens), 'tokens')}; judging takes at least 2")
        return Corpus(tokens, self.tokenizer, 128).part(LARGEST)

    def _judge_written(self) -> dict[str, float]:
        written = list(self._written(self.options.samples, "", Draw(1.0, None, None, seed=1), None))
        return judge_written(written, unpacked(self.vocabulary["known"]), self.vocabulary["molecules"])

    def _tokens(self, source: Path | HeldText | None, folder: Path, name: str) -> np.ndarray:
        if not manifest.is_there(folder, name):
            try:
                with written(folder, name) as aside:
                    write_tokens(text.read(source, self.options.encoding), self.tokenizer, aside)
            except ElmanError as error:
                raise ElmanError(str(error) if str(source) in str(error) else f"{_name(source)}: {error}") from error
        manifest.check(folder, name)
        return read_tokens(self.tokenizer, folder / name)

    def forward(self, tokens: Tensor, state: Any = None, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        """Logits of what follows each token, ``[B, T]`` to ``[B, T, V]``, and the state after the last.

        ``lengths [B]`` says how many tokens of each row are real; what is given for the others means nothing.
        """
        scale = math.sqrt(self.options.embedding)  # to the unit variance that a layer expects
        x = self.dropout(self.embedding(tokens.to(self.bias.device)) * scale)
        y, state = self.recurrent(x, state, lengths=lengths)
        return F.linear(self.projection(self.dropout(y)), self.embedding.weight, self.bias), state

    def loss(self, batch: Window | Rows, state: Any) -> Loss:
        if isinstance(batch, Rows):
            logits, _ = self(batch.inputs, lengths=batch.lengths)
            number, state = int(batch.lengths.sum()), None
        else:
            logits, state = self(batch.inputs, None if batch.first else state)
            number = batch.targets.numel()
        targets = batch.targets.to(logits.device)
        return Loss(F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED), number, state)

    def sample(self, data: TextData | StringData, seed: int) -> str:
        if self.form == "strings":
            return "\n".join(self.strings(10, temperature=0.8, seed=seed))
        return "".join(self.generate(length=300, temperature=0.8, seed=seed))

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Iterator[str]:
        """Write on from a prompt.

        Args:
            prompt: what stands before; where it is empty, the text starts on a new line.
            length: tokens to write.
            temperature: how bold: 0 takes the likeliest token each time, 1 follows the model, more is wilder.
            top_k: choose among the so many likeliest only.
            top_p: choose among the likeliest that together have this probability only (Holtzman et al. 2020).
            seed: the same seed, the same text.

        Yields:
            The text, as it comes, without the prompt.

        Raises:
            ElmanError: a prompt with characters that the vocabulary lacks, a number out of its range, or a model
                of strings, for which there is ``strings``.
        """
        if self.form == "strings":
            raise ElmanError("the model was trained on strings, not on a text: strings() writes such")
        draw = Draw(temperature, top_k, top_p, seed)
        start = self._prompt(_text(prompt) or "\n")
        return decoded(self.tokenizer, self._choices(start, length, draw))

    def strings(
        self,
        number: int,
        *,
        prompt: str = "",
        max_length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> list[str]:
        """Write strings, many side by side, with a model of strings.

        Args:
            number: how many.
            prompt: what each begins with.
            max_length: tokens after that at most, where one is cut. [a little more than the longest that was learnt]
            temperature: as ``generate`` has it, with ``top_k``, ``top_p`` and ``seed``.

        Raises:
            ElmanError: a prompt of several lines or with characters that the vocabulary lacks, a number out of its
                range, or a model of a text, for which there is ``generate``.

        Example:
            >>> vocabulary = {"tokens": "characters", "characters": "\\nab", "form": "strings", "longest": 9}
            >>> model = LanguageTask(LanguageOptions(hidden=8), vocabulary).eval()
            >>> [string[:2] for string in model.strings(3, prompt="ab", seed=1)]
            ['ab', 'ab', 'ab']
        """
        if self.form != "strings":
            raise ElmanError("the model was trained on a text, not on strings: generate() writes on")
        if number < 1:
            raise ElmanError(f"the number of strings is 1 or more, not {number}")
        draw = Draw(temperature, top_k, top_p, seed)
        return [prompt + each.text for each in self._written(number, prompt, draw, max_length)]

    def dialogue(
        self,
        speaker: str | None = None,
        *,
        other: str | None = None,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Dialogue:
        """Begin a dialogue with a model of a text, best one that was trained on dialogues.

        Args:
            speaker: who the model is. [the second of those it knows]
            other: who talks with it. [the first of the others]
            length: tokens of a turn of the model at most.
            temperature: as ``generate`` has it, with ``top_k``, ``top_p`` and ``seed``.

        Returns:
            The dialogue; its ``say`` takes a turn and gives the answer.

        Raises:
            ElmanError: a speaker that the model does not know, a number out of its range, or a model of strings.

        Example:
            >>> model = LanguageTask(LanguageOptions(hidden=8), {"tokens": "bytes"}).eval()
            >>> talk = model.dialogue(length=5, seed=1)
            >>> for turn in ("Hello.", "How are you?"):
            ...     answer = "".join(talk.say(turn))
        """
        if self.form == "strings":
            raise ElmanError("the model was trained on strings, each for itself; a dialogue takes one of a text")
        speakers = choose_speakers(self.speakers, speaker, other)
        before = "\n\n" if self.vocabulary.get("parted") else "\n"
        return Dialogue(self, self.tokenizer, speakers, Draw(temperature, top_k, top_p, seed), length, before)

    def _prompt(self, prompt: str) -> Tensor:
        try:
            return torch.from_numpy(self.tokenizer.encode(prompt).astype(np.int64))
        except ElmanError as error:
            raise ElmanError(f"the prompt cannot be read: {error}") from error

    @torch.no_grad()
    def _choices(self, tokens: Tensor, length: int, draw: Draw) -> Iterator[int]:
        training, state = self.training, None
        self.eval()
        for _ in range(length):
            logits, state = self(tokens[None], state)
            tokens = draw(logits[:, -1])
            yield int(tokens)
        self.train(training)

    def _written(self, number: int, prompt: str, draw: Draw, longest: int | None) -> Iterator[Written]:
        if "\n" in _text(prompt):
            raise ElmanError("the prompt cannot be read: a string has one line")
        training, end = self.training, self._prompt("\n")
        start = torch.cat([end, self._prompt(prompt)]) if prompt else end
        known: int = self.vocabulary["longest"]
        longest = known + known // 10 + 10 if longest is None else longest
        self.eval()
        for tokens, ended in write_strings(self, start, number, longest, int(end), draw):
            yield Written(self.tokenizer.decode(tokens), ended)
        self.train(training)


def _text(prompt: Any) -> str:
    if not isinstance(prompt, str):
        raise ElmanError(f"a prompt is a text, not {quoted(prompt)}")
    return prompt


def _of_columns(options: LanguageOptions, sources: Sources) -> Sources:
    """The same sources, of tables their texts."""
    data, valid = (
        each and text_of(each, options.text_column, options.encoding, sources.bad)
        for each in (sources.data, sources.valid)
    )
    return replace(sources, data=data, valid=valid)


def _name(source: Path | HeldText | None) -> str:
    return "Python's language reference" if source is None else str(source)
