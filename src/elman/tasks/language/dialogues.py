"""Dialogues: told from other texts, and gone on with turn by turn; the state is all that is kept of what was said."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.tokens import Tokenizer
from elman.errors import ElmanError
from elman.tasks.language.writing import Draw

log = logging.getLogger(__name__)

WINDOW = 512  # tokens of a turn that are read at once
TURN = re.compile(r"(\S[^:\n]{0,29}):(?: |$)", re.MULTILINE)
LEAST = 0.01  # of the turns that a name has


def find_speakers(sample: str) -> list[str]:
    """The names that begin the turns of a dialogue, such as ``A`` and ``B`` of ``A: Hello.`` and ``B: Hi.``

    A name has at most 30 characters, stands before a colon and a blank, or the end of the line, and does so at least
    twice and in one of a hundred turns. A text is a dialogue where at least two names together begin more than half of
    the lines that are not empty.

    Returns:
        The two most frequent names, in the order in which they first speak, then the others, the most frequent first;
        nothing where the text is no dialogue.

    Example:
        >>> find_speakers("A: Hello.\\nB: Hi. How are you?\\nA: Well.\\nB: Good.\\n")
        ['A', 'B']
        >>> find_speakers("Time: noon.\\nPlace: here.\\n")
        []
    """
    lines = [line for line in sample.split("\n") if line.strip()]
    counts = Counter(found[1] for line in lines if (found := TURN.match(line)))
    names = [name for name, count in counts.most_common() if count >= max(2, LEAST * counts.total())]
    if len(names) < 2 or 2 * sum(counts[name] for name in names) <= len(lines):
        return []
    order = list(counts)  # a counter keeps the order of first appearance
    return [*sorted(names[:2], key=order.index), *names[2:]]


@dataclass(frozen=True)
class Speakers:
    """Who speaks: the names before the turns of the model and of the one it talks with; empty where there are none."""

    model: str = ""
    other: str = ""


def choose_speakers(known: list[str], model: str | None, other: str | None) -> Speakers:
    """Who the model is and who talks with it, from the names it knows and those that are wished for.

    Raises:
        ElmanError: a name that the model does not know, or twice the same.

    Example:
        >>> choose_speakers(["A", "B", "C"], None, None)
        Speakers(model='B', other='A')
        >>> choose_speakers(["A", "B", "C"], "A", None)
        Speakers(model='A', other='B')
    """
    for name in (model, other):
        if name is not None and name not in known:
            among = f"it knows {', '.join(known[:10])}" if known else "the text it learnt had no turns with names"
            raise ElmanError(f"the model knows no speaker {name!r}; {among}")
    if not known:
        return Speakers()
    if model is None:
        model = next(name for name in [*known[1::-1], *known] if name != other)
    if other is None:
        other = next(name for name in known if name != model)
    if model == other:
        raise ElmanError(f"the model and who talks with it are two speakers, not both {model!r}")
    return Speakers(model, other)


@dataclass
class Dialogue:
    """A dialogue that goes on from turn to turn; time and memory of a turn do not grow with what was said before.

    Args:
        model: tokens ``[1, T]`` and a state to logits ``[1, T, V]`` and the state after them.
        tokenizer: of the model.
        speakers: who speaks.
        draw: how tokens are drawn.
        longest: tokens of a turn of the model at most.
        before: what stands before the first turn.
    """

    model: Callable[[Tensor, Any], tuple[Tensor, Any]]
    tokenizer: Tokenizer
    speakers: Speakers
    draw: Draw
    longest: int
    before: str
    state: Any = field(default=None, init=False)
    unread: list[int] = field(init=False)  # tokens that stand in the dialogue and that the state does not know yet
    speaking: bool = field(default=False, init=False)  # whether a turn of the model has begun and not ended

    def __post_init__(self) -> None:
        self.unread = self.tokenizer.encode(self.before).tolist()

    def __call__(self, text: str) -> str:
        """Say something, and hear the whole answer at once."""
        return "".join(self.say(text))

    def say(self, text: str) -> Iterator[str]:
        """Say something, and hear the answer.

        Args:
            text: a turn; line ends within it are taken for blanks, and characters that the vocabulary lacks are left
                out, which is logged. Where it is empty, the model goes on by itself.

        Yields:
            The turn of the model, as it comes, without the name and the end of the line.
        """
        heard = " ".join(text.split("\n")).strip()
        if lacking := self.tokenizer.lacking(heard):
            log.warning("left out, since the vocabulary lacks it: %s", ", ".join(map(repr, lacking)))
            heard = "".join(character for character in heard if character not in lacking)
        if self.speaking:  # the last turn was cut, or not heard to its end
            self._write("\n")
        if heard:
            self._write((f"{self.speakers.other}: " if self.speakers.other else "") + heard + "\n")
        return self._answer()

    def _write(self, text: str) -> None:
        self.unread += self.tokenizer.encode(text).tolist()
        self.speaking = False

    def _answer(self) -> Iterator[str]:
        if self.speakers.model:
            self._write(f"{self.speakers.model}:")
        step, silent, self.speaking = self.tokenizer.decoder(), True, True
        for _ in range(self.longest):
            token = int(self.draw(self._read())[0])
            self.unread.append(token)
            piece, end, _ = step(token).partition("\n")
            piece = piece.lstrip(" ") if silent else piece  # after the colon
            if piece:
                silent = False
                yield piece
            if end:
                self.speaking = False
                return

    @torch.no_grad()
    def _read(self) -> Tensor:
        """Logits of what follows, ``[1, V]``, once all that stands in the dialogue is read."""
        tokens = torch.from_numpy(np.array(self.unread, np.int64))
        logits = torch.empty(0)
        for window in tokens.split(WINDOW):
            logits, self.state = self.model(window[None], self.state)
        self.unread = []
        return logits[:, -1]
