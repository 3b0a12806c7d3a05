"""Files of one string a line, such as names or molecules: told from texts, read, parted, kept as tokens."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from elman.data import text
from elman.data.bad import BadRows
from elman.data.columns import is_named
from elman.data.split import split
from elman.data.text import HeldText
from elman.data.tokens import Tokenizer
from elman.errors import ElmanError, counted

log = logging.getLogger(__name__)

FEWEST = 10  # lines by which a file can be told to be one of strings
EMPTY = 0.02  # of its lines at most are empty
WHOLE = 0.95  # of the others are as a string is
LONG = 1000  # characters of such a string at most
SHORT = 40  # characters of a line that might be a string though there are blanks in it
MARKS = frozenset("。、，；：？！「」『』")  # of sentences in scripts without blanks
PIECE = 10_000  # strings encoded at a time
MOLECULES = (".smi", ".smiles")  # formats in which a string ends at a blank, and a name may follow


def is_strings(sample: str) -> bool:
    """Whether what a file begins with looks like one string a line rather than like a text.

    It does where there are at least ten lines that are not empty, at most one line in fifty is empty, and of the others
    at least 95 % have no blank inside nor before them, no sentence mark of the scripts that part words by none, and
    no more than 1,000 characters. So prose, verse, and code are texts; names, words, and molecules are strings; and
    a list of names of two words each has to be said to be one.

    Example:
        >>> is_strings("\\n".join(["CCO", "c1ccccc1", "CC(=O)O", "N#N", "C"] * 2))
        True
        >>> is_strings("\\n".join(["Shall I compare thee", "to a summer's day?"] * 5))
        False
    """
    lines = _full_lines(sample)
    whole = (
        len(line) <= LONG and len(line.split(None, 1)) == 1 and not line[0].isspace() and MARKS.isdisjoint(line)
        for line in lines
    )
    return bool(lines) and sum(whole) >= WHOLE * len(lines)


def could_be_strings(sample: str) -> bool:
    """Whether the lines are so short that they might be strings, though there are blanks in them.

    Example:
        >>> could_be_strings("\\n".join(["Ada Lovelace", "Alan Turing"] * 5))
        True
    """
    lines = _full_lines(sample)
    return bool(lines) and sum(len(line) <= SHORT for line in lines) >= WHOLE * len(lines)


def is_of_molecules(source: Path | HeldText) -> bool:
    """Whether a file is by its name one of molecules, which may have names of their own behind a blank.

    Example:
        >>> is_of_molecules(Path("drugs.smi.gz")), is_of_molecules(Path("drugs.txt"))
        (True, False)
    """
    return source.name.lower().removesuffix(".gz").endswith(MOLECULES)


def _full_lines(sample: str) -> list[str]:
    """The lines that are not empty; none where there are few of them, or many empty ones."""
    lines = [line.rstrip() for line in sample.rstrip().split("\n")]
    full = [line for line in lines if line]
    return full if len(full) >= max(FEWEST, (1 - EMPTY) * len(lines)) else []


@dataclass(frozen=True)
class Strings:
    """Strings in the order of their file."""

    texts: list[str]
    lines: np.ndarray  # [N], the line of each, from 1
    name: str  # of the file
    unit: str = "line"  # what ``lines`` counts

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> "Strings":
        """Some of them."""
        return Strings([self.texts[row] for row in rows], self.lines[rows], self.name, self.unit)

    def pieces(self) -> Iterator[str]:
        """As text, in pieces, each string ended by the end of a line."""
        for start in range(0, len(self.texts), PIECE):
            yield "\n".join(self.texts[start : start + PIECE]) + "\n"


def read_strings(source: Path | HeldText, longest: int, bad: BadRows, encoding: str = "") -> Strings:
    """The strings of a file, one a line, without the blanks around them; empty lines are left out, and counted.

    Of a file of molecules, what stands behind a blank in a line is a molecule's name, and left out as well; so is the
    first line of any file, and this is said, if it is what such columns are called and no other string is the same.

    Args:
        source: the file, as ``text.read`` takes it.
        longest: characters of a string at most; a longer one is a bad row.
        bad: what is done about such.
        encoding: of the file, where it is neither UTF-8 nor told by a mark.

    Raises:
        ElmanError: a file that cannot be read or holds no string, or a bad row that is not left out.
    """
    texts, lines, read, empty, named = [], [], 0, 0, 0
    molecules, unit = is_of_molecules(source), source.unit if isinstance(source, HeldText) else "line"
    for number, line in enumerate(_lines(source, encoding), 1):
        string = line.strip()
        if molecules and string:
            string, *name = string.split(None, 1)
            named += len(name)
        if len(string) > longest:
            reason = f"has {len(string):,} characters, more than the {longest:,} of --max-length"
            bad.add(f"{source}, {unit} {number}", reason)
        elif string:
            texts.append(string)
            lines.append(number)
        else:
            empty += 1
        read += bool(string)
    bad.read(read)
    if isinstance(source, Path) and _is_headed(texts):
        log.info("%s: line %s is the name of the column, and no string: %s", source, lines[0], texts[0])
        texts, lines = texts[1:], lines[1:]
    if not texts:
        raise ElmanError(f"{source} has no strings that can be used; give one a line")
    if empty:
        log.info("%s: %s left out", source, counted(empty, f"empty {unit}s"))
    if named:
        log.info("%s: %s behind the molecules left out", source, counted(named, "names"))
    return Strings(texts, np.array(lines), str(source), unit)


def _is_headed(texts: Sequence[str]) -> bool:
    """Whether the first of strings is the name of their column.

    >>> _is_headed(["smiles", "CO", "CCN"]), _is_headed(["word", "book", "word"]), _is_headed(["Ann", "Bob"])
    (True, False, False)
    """
    return len(texts) > 1 and is_named(texts[0], "string", "text", "words") and texts[0] not in texts[1:]


def _lines(source: Path | HeldText, encoding: str) -> Iterator[str]:
    held: list[str] = []  # of a line that is longer than a piece
    for piece in text.read(source, encoding):
        first, *more = piece.split("\n")
        held.append(first)
        if more:
            yield "".join(held)
            yield from more[:-1]
            held = more[-1:]
    if any(held):
        yield "".join(held)


def fingerprints(texts: Iterable[str]) -> np.ndarray:
    """A number of 64 bits for each string, ``[N]``, the same everywhere.

    Example:
        >>> one, other, again = fingerprints(["CCO", "CCN", "CCO"])
        >>> bool(one == again != other)
        True
    """
    digests = b"".join(blake2b(each.encode("utf-8", "surrogatepass"), digest_size=8).digest() for each in texts)
    return np.frombuffer(digests, "<u8")


def part(strings: Strings, share: float, seed: int) -> tuple[Strings, Strings]:
    """Those to learn from, and a random share of the different strings, held out wherever they stand.

    Raises:
        ElmanError: no two different strings.

    Example:
        >>> learnt, held_out = part(Strings(["a", "b", "a", "c"], np.arange(1, 5), "file"), 0.3, seed=1)
        >>> sorted(learnt.texts + held_out.texts), set(learnt.texts) & set(held_out.texts)
        (['a', 'a', 'b', 'c'], set())
    """
    different, members = np.unique(fingerprints(strings.texts), return_inverse=True)
    _, held_out = split(len(different), share, seed=seed)
    chosen = np.zeros(len(different), bool)
    chosen[held_out] = True
    return strings.take(np.flatnonzero(~chosen[members])), strings.take(np.flatnonzero(chosen[members]))


@dataclass(frozen=True)
class Encoded:
    """Strings as tokens in one row: an end, then each string with its end, which is also what begins the next."""

    tokens: np.ndarray  # [1 + the tokens of all]
    starts: np.ndarray  # [N + 1], where each begins; the last is where all end

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each string, its end among them, ``[N]``."""
        return np.diff(self.starts)

    def __getitem__(self, row: int) -> np.ndarray:
        """A string between the end that begins it and its own."""
        return self.tokens[self.starts[row] - 1 : self.starts[row + 1]]


def encode(strings: Strings, tokenizer: Tokenizer) -> Encoded:
    """The strings as tokens.

    Raises:
        ElmanError: a character that the vocabulary lacks.

    Example:
        >>> from elman.data.tokens import Characters
        >>> encoded = encode(Strings(["ab", "b"], np.arange(1, 3), "file"), Characters("\\nab"))
        >>> encoded[0].tolist(), encoded[1].tolist(), encoded.lengths.tolist()
        ([0, 1, 2, 0], [0, 2, 0], [3, 2])
    """
    end = tokenizer.encode("\n")
    dtype = np.min_scalar_type(tokenizer.size - 1)
    parts, lengths = [end.astype(dtype)], []
    for start, piece in enumerate(strings.pieces()):
        texts = strings.texts[start * PIECE : (start + 1) * PIECE]
        tokens = tokenizer.encode(piece)
        ends = np.flatnonzero(tokens == end[0])
        if len(ends) != len(texts):  # an end is a part of a larger token
            each = [np.concatenate([tokenizer.encode(text), end]) for text in texts]
            tokens, ends = np.concatenate(each), np.cumsum([len(one) for one in each]) - 1
        parts.append(tokens.astype(dtype))
        lengths.append(np.diff(ends, prepend=-1))
    return Encoded(np.concatenate(parts), np.cumsum(np.concatenate([[1], *lengths])))


def without_unknown(strings: Strings, tokenizer: Tokenizer, bad: BadRows) -> Strings:
    """Those whose characters the vocabulary has; the others are bad rows."""
    lacking = set(tokenizer.lacking("".join(set().union(*strings.texts))))
    if not lacking:
        return strings
    kept = []
    for row, each in enumerate(strings.texts):
        if found := sorted(lacking.intersection(each)):
            shown = ", ".join(map(repr, found))
            bad.add(f"{strings.name}, {strings.unit} {strings.lines[row]}", f"the vocabulary lacks {shown}")
        else:
            kept.append(row)
    if not kept:
        raise ElmanError(f"{strings.name} has no strings whose characters the vocabulary has")
    return strings.take(np.array(kept))


def count_different(texts: Sequence[str]) -> int:
    """How many different strings there are."""
    return len(np.unique(fingerprints(texts)))
