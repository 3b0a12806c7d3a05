"""Damage to any file: to its text, to its bytes, to how it is packed."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from random import Random

import zstandard
from fuzz.tables import encoded
from fuzz.values import odd

BOMB = 10_000_000  # bytes that a few packed ones become
ENCODINGS = (
    "latin-1",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-8-sig",
    "utf-7",
    "cp037",
    "shift_jis",
)

# ---- of texts, which are given with surrogates for the bytes that are no UTF-8


def some_lines(random: Random, text: str) -> str:
    """Lines taken out, doubled, moved, cut, joined, or of something else."""
    lines = text.splitlines(keepends=True)
    for _ in range(random.choice((1, 1, 2, 10))):
        at = random.randrange(len(lines) + 1)
        lines[at : at + 1] = another_line(random, lines[at] if at < len(lines) else "")
    return "".join(lines)


def another_line(random: Random, line: str) -> list[str]:
    """What may stand in the place of a line."""
    at, trailing = random.randrange(len(line) + 1), (" \n", "\t\t\n", ",\n", ";;\n", " # remark\n")
    return random.choice(
        (
            [],
            [line, line],
            [line[:at]],
            [f"{line[:at]}\n", line[at:]],
            [f"{odd(random)}\n"],
            [line, f"{odd(random)}\n"],
            ["\n", line],
            [line.rstrip("\n")],
            [line[:at] + odd(random) + line[at:]],
            [line.rstrip("\n") + random.choice(trailing)],
            [f" {line}"],
            [line.upper()],
        )
    )


def some_signs(random: Random, text: str) -> str:
    """One sign in the place of another, everywhere or once."""
    present = sorted(set(text)) or [" "]
    old, new = (
        random.choice(present),
        random.choice([*present, "", '"', ",", "\0", "\n", "\ufeff", "\x1c", "\u2028", "\t"]),
    )
    return text.replace(old, new, random.choice((1, 3, -1)))


def other_ends(random: Random, text: str) -> str:
    """Lines that end otherwise, all or some."""
    ends = random.choice(
        (("\r\n",), ("\r",), ("\n", "\r\n", "\r"), ("\x0b",), ("\x85",), ("\u2028",), ("\n\n",), ("\n", ""))
    )
    return "".join(f"{line}{random.choice(ends)}" for line in text.split("\n"))


def swapped(random: Random, text: str) -> str:
    """Two lines that change places."""
    lines = text.splitlines(keepends=True) or [""]
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


HEADS = (
    "\ufeff", "\n\n", "# remark\n", "sep=;\n", "<html>", "%PDF-1.4\n", "{", "[", '"', "@relation x\n", "\0", "PK",
    "1\n", "title of the table\n\n", "-DOCSTART-\n", "__label__a ", '{"data": [',
)  # fmt: skip


def before(random: Random, text: str) -> str:
    """Something stands before all that there is."""
    return random.choice(HEADS) + text


def words_replaced(random: Random, text: str) -> str:
    """A word, or what stands between commas, is another one wherever it stands."""
    found = sorted(set(text.replace(",", " ").split())) or [" "]
    return text.replace(random.choice(found), odd(random)[:5000], random.choice((1, -1)))


def deep(random: Random, text: str) -> str:
    """What is nested without end, instead of a part or of all."""
    depth = random.choice((50, 1500, 100_000))
    nest = random.choice(("[", '{"a":', '[[{"b":', "(")) * depth
    closed = nest + random.choice(("", "1" + "]" * depth, "}" * depth))
    return random.choice((closed, text + closed, f'{{"text": {closed}}}\n{text}'))


TEXTS: tuple[Callable[[Random, str], str], ...] = (
    *[some_lines] * 6, *[some_signs] * 3, other_ends, swapped, before, words_replaced, words_replaced, deep,
)  # fmt: skip

# ---- of bytes


def flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 5, 50))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)] if random.random() < 0.7 else data[random.randrange(len(data) + 1) :]


def put_in(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    more = random.choice(
        (random.randbytes(random.choice((1, 4, 100))), b"\0" * 16, b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r")
    )
    return data[:at] + more + data[at:]


def taken_out(random: Random, data: bytes) -> bytes:
    at, size = random.randrange(len(data) + 1), random.choice((1, 1, 10, 200))
    return data[:at] + data[at + size :]


WHOLE = (
    b"", b"\n", b" ", b"\0" * 100, b"\0" * 70_000, b"\xff\xfe", b"\xef\xbb\xbf", b"a", b",", b"\n" * 500, b"[]",
    b"{}", b"null", b'"', b"a,b\n", b"a,b\n1,2", b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"ARROW1", b"\x93NUMPY",
    b"@data\n", b"#\n", b",,,\n,,,\n", b"\t\t\n", b"x" * 70_000, b"1\n" * 20, b"\x89HDF", b"\xd0\xcf\x11\xe0",
)  # fmt: skip


def of_one_kind(random: Random, data: bytes) -> bytes:
    """Another file, of nothing or hardly anything."""
    return random.choice((*WHOLE, random.randbytes(300)))


def recoded(random: Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(random.choice(ENCODINGS), "ignore") + random.choice((b"", b"", b"\0", b"\xff"))


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (
    flipped,
    flipped,
    cut,
    cut,
    put_in,
    put_in,
    taken_out,
    of_one_kind,
    recoded,
)


def as_text(change: Callable[[Random, str], str]) -> Callable[[Random, bytes], bytes]:
    """A change of bytes, from one of text."""

    def changed(random: Random, data: bytes) -> bytes:
        text = change(random, data.decode("utf-8", "surrogateescape"))
        try:
            return text.encode("utf-8", "surrogateescape")  # which gives bytes that were no UTF-8 as they were
        except UnicodeEncodeError:  # halves of characters besides
            return encoded(text)

    changed.__name__ = change.__name__
    return changed


def damaged(random: Random, data: bytes) -> bytes:
    """A file with some damage, mostly to its text where it is one."""
    if b"\0" in data[:2000] or random.random() < 0.3:
        return random.choice(BYTES)(random, data)
    return as_text(random.choice(TEXTS))(random, data)


# ---- of archives


def _zip(*files: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return file.getvalue()


def _encrypted(data: bytes) -> bytes:
    """A zip whose file is marked as encrypted."""
    packed = bytearray(_zip(("data", data)))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


PACKED: tuple[tuple[str, Callable[[str, bytes], bytes]], ...] = (
    (".gz", lambda _, data: gzip.compress(data)),
    (".gz", lambda _, data: gzip.compress(data) + gzip.compress(data)),
    (".gz", lambda _, data: gzip.compress(data) + b"junk"),
    (".gz", lambda _, data: data),
    (".gz", lambda _, data: gzip.compress(gzip.compress(data))),
    (".gz", lambda _, data: gzip.compress(data + b"\n" * BOMB)),
    (".bz2", lambda _, data: bz2.compress(data)),
    (".xz", lambda _, data: lzma.compress(data)),
    (".xz", lambda _, data: lzma.compress(data, format=lzma.FORMAT_ALONE)),
    (".zst", lambda _, data: zstandard.compress(data)),
    (".zst", lambda _, data: zstandard.compress(b"0" * BOMB)),
    (".zip", lambda name, data: _zip((name, data))),
    (".zip", lambda name, data: _zip((name, data), ("other.csv", data))),
    (".zip", lambda name, data: _zip()),
    (".zip", lambda name, data: _zip(("folder/", b""))),
    (".zip", lambda name, data: _zip(("../../out.csv", data))),
    (".zip", lambda name, data: _zip((name, b"a,b\n" + b"1,2\n" * (BOMB // 4)))),
    (".zip", lambda name, data: _zip(("inner.zip", _zip((name, data))))),
    (".zip", lambda name, data: _encrypted(data)),
    ("", lambda _, data: gzip.compress(data)),
)


def packed(random: Random, name: str, data: bytes) -> tuple[str, bytes]:
    """The file in an archive, which is damaged at times, and its name."""
    ending, pack = random.choice(PACKED)
    made = pack(name, data)
    return name + ending, random.choice((flipped, cut, put_in))(random, made) if random.random() < 0.3 else made
