"""Text files of any length: read in pieces, kept as tokens on disk, cut into streams that go on from batch to batch."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman import system
from elman.data.encodings import check_characters, decoded
from elman.data.files import matching
from elman.data.tokens import Tokenizer
from elman.errors import ElmanError, counted

PIECE = 1 << 20  # characters of a piece, about
LOOKED = 1 << 26  # characters after which it is seen how much memory is left
COPIES = 2  # of a whole text that whoever reads it makes, at least: its lines, and their cells


@dataclass(frozen=True)
class HeldText:
    """A text in memory, in the place of a file."""

    text: str = field(repr=False)
    name: str = "the text"
    unit: str = "line"  # what its lines are, for people

    def __post_init__(self) -> None:
        check_characters(self.text)

    def __str__(self) -> str:
        return self.name


def read(path: Path | HeldText | None, encoding: str = "") -> Iterator[str]:
    """A text in pieces that end where a line ends, if they can.

    Args:
        path: a file, with or without a byte order mark, lines ending as on any system, packed or not; or a text in
            memory; without one, the text of Python's own language reference.
        encoding: of the file, where it is neither UTF-8 nor told by a mark.

    Yields:
        Pieces of the text, in which every line ends with ``"\\n"``.

    Raises:
        ElmanError: no such file, a folder, an empty file, a binary one, or one in another encoding.
    """
    if path is None:
        from pydoc_data.topics import topics

        yield from (f"{topics[key]}\n" for key in sorted(topics))
        return
    held, any_text = "", False
    for text in _lines_unified(_pieces(path.text) if isinstance(path, HeldText) else _of_files(path, encoding)):
        any_text = True
        cut = (held + text).rfind("\n") + 1
        whole, held = (held + text)[:cut], (held + text)[cut:]
        if len(held) > PIECE:  # no line ends here; the piece must not grow without bound
            whole, held = whole + held, ""
        if whole:
            yield whole
    if held:
        yield held
    if not any_text:
        raise ElmanError(f"{path} is empty; give a text file with something in it")


def read_whole(path: Path, encoding: str = "") -> str:
    """A text at once, as ``read`` gives it in pieces.

    Raises:
        ElmanError: as ``read`` has it; or a text, such as a small file may unpack to, that leaves no memory to work in.
    """
    pieces, size, looked = [], 0, 0
    for piece in read(path, encoding):
        pieces.append(piece)
        size += len(piece)
        if size - looked > LOOKED:
            looked, free = size, min(system.memory_free(), system.memory_for_this_process())
            if COPIES * size > free:
                raise ElmanError(
                    f"{path} has {size / 1e9:.1f} GB of text or more, and there are {free / 1e9:.1f} GB of memory to "
                    "work with it; give less of it"
                )
    return "".join(pieces)


def _of_files(path: Path, encoding: str) -> Iterator[str]:
    """The characters of a file, or of several by a pattern, each of which ends its last line."""
    files = matching(path)
    for each in files:
        end = ""
        for text in decoded(each, encoding):
            end = text[-1:]
            yield text
        if len(files) > 1 and end not in ("", "\n", "\r"):
            yield "\n"


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def beginning(path: Path | HeldText, size: int, encoding: str = "") -> str:
    """The first pieces of a text, together at least ``size`` characters if it has so many."""
    pieces, length = [], 0
    for piece in read(path, encoding):
        pieces.append(piece)
        length += len(piece)
        if length >= size:
            break
    return "".join(pieces)


def _lines_unified(pieces: Iterable[str]) -> Iterator[str]:
    """The same text with every line ending as ``"\\n"``, also where a piece ends within ``"\\r\\n"``."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        if text := newlines.decode(piece):
            yield text
    if text := newlines.decode("", final=True):
        yield text


def write_tokens(pieces: Iterable[str], tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokens of a text to a file, piece by piece, as the smallest whole numbers that hold them."""
    with path.open("wb") as file:
        for piece in pieces:
            file.write(tokenizer.encode(piece).astype(_dtype(tokenizer)).tobytes())


def read_tokens(tokenizer: Tokenizer, path: Path) -> np.ndarray:
    """The tokens that ``write_tokens`` wrote, ``[N]``, on disk until they are used.

    Raises:
        ElmanError: what this tokenizer did not write.
    """
    kind, size = _dtype(tokenizer), path.stat().st_size
    if size == 0:  # which cannot be mapped
        return np.zeros(0, kind)
    tokens = None if size % kind.itemsize else np.memmap(path, kind, "r")
    if tokens is None or any(int(part.max()) >= tokenizer.size for part in _parts(tokens)):
        raise ElmanError(f"{path} has other tokens than the {tokenizer.size:,} that the model knows; train again")
    return tokens


def _parts(tokens: np.ndarray) -> Iterator[np.ndarray]:
    return (tokens[start : start + PIECE] for start in range(0, len(tokens), PIECE))


def _dtype(tokenizer: Tokenizer) -> np.dtype:
    return np.min_scalar_type(tokenizer.size - 1)


class Window(NamedTuple):
    """A few steps of every stream, and what follows each step."""

    inputs: Tensor  # [B, T]
    targets: Tensor  # [B, T]
    first: bool  # whether the streams begin here; otherwise they go on where the last window ended


@dataclass(frozen=True)
class Streams:
    """A text as ``rows`` streams side by side, each a contiguous part, cut into windows of ``steps`` tokens.

    Row ``r`` of a window goes on where row ``r`` of the window before ended, so that a recurrent state can be carried
    from one to the next. The few tokens that would make a stream longer than the others are left out. Where ``taken``
    says so, only some of the streams are in the windows, in its order.

    Example:
        >>> streams = Streams(np.arange(11), rows=2, steps=3)
        >>> for window in streams:
        ...     print(window.inputs.tolist(), window.targets.tolist(), window.first)
        [[0, 1, 2], [5, 6, 7]] [[1, 2, 3], [6, 7, 8]] True
        [[3, 4], [8, 9]] [[4, 5], [9, 10]] False
    """

    tokens: np.ndarray
    rows: int
    steps: int
    taken: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if len(self.tokens) <= self.rows:
            raise ElmanError(f"{counted(len(self.tokens), 'tokens are')} too few for {counted(self.rows, 'streams')}")

    @property
    def length(self) -> int:
        """Steps of each stream."""
        return (len(self.tokens) - 1) // self.rows

    def __len__(self) -> int:
        """Windows, a shorter last one included."""
        return -(-self.length // self.steps)

    def __getitem__(self, index: int) -> Window:
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = index * self.steps
        stop = min(start + self.steps, self.length)
        taken = range(self.rows) if self.taken is None else self.taken
        parts = [self.tokens[row * self.length :][start : stop + 1] for row in taken]
        tokens = torch.from_numpy(np.stack(parts).astype(np.int64))
        return Window(tokens[:, :-1], tokens[:, 1:], index == 0)

    def __iter__(self) -> Iterator[Window]:
        return (self[index] for index in range(len(self)))
