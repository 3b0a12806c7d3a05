"""The characters of files: UTF-8, UTF-16 and UTF-32 where a mark at the beginning says so, or what the user says."""

import codecs
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from elman.data.packed import opened
from elman.errors import ElmanError, quoted

log = logging.getLogger(__name__)

PIECE = 1 << 20  # bytes read at a time
LOOKED = 1 << 14  # bytes that tell an encoding
SHORT = 1.5  # bytes beside each other that are not of ASCII, on the average, in western texts
WESTERN = set("àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ€«»°¿¡")
WESTERN |= {letter.upper() for letter in WESTERN if len(letter.upper()) == 1}
WESTERN |= set("\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u00a3\u00a5\u00a7\u00b7\u00a0\u00b4\u2022")
WESTERN |= set("\u00a9\u00ae\u2122\u00b0\u00b5\u00b1\u00b9\u00b2\u00b3\u00bc\u00bd\u00be\u00d7\u00aa\u00ba")
WITHIN = rb"[A-Za-z][\xa9\xae\xb1-\xb3\xb9\xbc-\xbe\xd7][a-z]"  # signs of those that stand in no word
TURKISH = set("\u00fe\u00f0\u00fd\u00dd\u00de\u00d0")  # what letters of Turkish are in cp1252
UNLIKELY = ("ascii", "utf_8", "utf_7", "latin_1", "cp1252")
FEW = 0.1  # of the bytes of a text at most are zero by mistake
# what a file begins with, and what it is written in then; the longer mark of UTF-32 begins as that of UTF-16 does
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def check_encoding(name: str) -> str:
    """The same name of an encoding, if there is such.

    Raises:
        ElmanError: there is none.
    """
    try:
        known = codecs.lookup(name)
        b"a".decode(name, "replace")  # which those of names in the internet do not do
    except (LookupError, ValueError):
        known = None
    if known is None or not known._is_text_encoding:  # pyright: ignore[reportAttributeAccessIssue]
        raise ElmanError(f"--encoding is the name of one, such as utf-8, latin-1, cp1252 or shift_jis, not {name!r}")
    return name


def check_characters(text: str) -> None:
    """Refuse a text that cannot be written.

    Raises:
        ElmanError: a half of a pair of surrogates in it.
    """
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = quoted(text[max(0, error.start - 10) : error.start + 10])
        raise ElmanError(f"{near} has half of a pair of surrogates, which is no character") from error


def marked(data: bytes) -> tuple[str, int]:
    """The encoding that the mark at the beginning of a file tells, and how long that is; "" and 0 without one.

    >>> marked(b"\\xff\\xfea\\0"), marked(b"a,b")
    (('utf-16-le', 2), ('', 0))
    """
    return next(((name, len(mark)) for mark, name in MARKS.items() if data.startswith(mark)), ("", 0))


def decoded(path: Path, encoding: str = "") -> Iterator[str]:
    """The characters of a file, in pieces.

    Args:
        path: the file, packed or not.
        encoding: of it; a mark at its beginning says more, and without either it is UTF-8.

    Raises:
        ElmanError: a file that cannot be read, is binary, or is in another encoding.
    """
    if encoding:
        check_encoding(encoding)
    with opened(path) as file:
        begun = file.read(max(PIECE, max(map(len, MARKS))))
        told, mark = marked(begun)
        name = told or encoding or "utf-8"
        yield from _decoded(path, file, begun[mark:], mark, name, said=bool(told or encoding))


def tell_doubt(path: Path, encoding: str) -> None:
    """Warn where a file is to be read in another encoding, and looks like UTF-8.

    Raises:
        ElmanError: there is no such encoding.
    """
    if not encoding or codecs.lookup(check_encoding(encoding)).name == "utf-8" or not path.is_file():
        return
    with opened(path) as file:
        data = file.read(PIECE)
    try:
        text = data[:-3].decode() if len(data) == PIECE else data.decode()
    except UnicodeDecodeError:
        return
    if not text.isascii() and not marked(data)[0]:
        log.warning("%s looks like UTF-8 and is read as %s; say --encoding utf-8 if it is", path, encoding)


def _decoded(path: Path, file: IO[bytes], begun: bytes, offset: int, name: str, *, said: bool) -> Iterator[str]:
    decoder, block, line = codecs.getincrementaldecoder(name)(), begun, 1
    while True:
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            place = offset - (len(error.object) - len(block)) + error.start
            if not said and b"\0" in error.object:
                raise _binary(path, error.object, offset - (len(error.object) - len(block))) from error
            line += error.object[: error.start].count(b"\n")
            wrong = f"byte {place}, in line {line}, is 0x{error.object[error.start]:02x}"
            # what ends within a character has not got a wrong one
            shown = "UTF-8" if name == "utf-8" else name
            usual = f"say in what encoding it is, such as --encoding {_likely(error.object)}"
            hint = usual if not said else "say another"
            raise ElmanError(f"{path} is not {shown}: {wrong}; {hint}") from error
        except UnicodeError as error:  # of UTF-16 and UTF-32
            raise ElmanError(
                f"{path} does not begin with the mark by which {name} is told: say --encoding {name}-le, or {name}-be"
            ) from error
        if "\0" in text:
            raise _binary(path, block, offset, line + text[: text.index("\0")].count("\n"))
        line += text.count("\n")
        offset += len(block)
        if text:
            yield text
        if not block:
            return
        block = file.read(PIECE)


def _likely(data: bytes) -> str:
    """The encodings that bytes are likely in: that which makes them words of some language, of several western ones.

    >>> _likely("tr\u00e8s caf\u00e9".encode("mac_roman")), _likely("tr\u00e8s caf\u00e9".encode("latin-1"))
    ('mac_roman', 'latin-1 or cp1252')
    >>> _likely("\u0445\u043e\u0440\u043e\u0448\u0430\u044f \u043f\u043e\u0433\u043e\u0434\u0430".encode("cp1251") * 9)
    'cp1251'
    """
    from charset_normalizer import from_bytes  # seldom needed

    within = set(re.findall(rb"(?<=[a-z])[\x80-\xff]", data))
    small = {name: all(each.decode(name, "replace").islower() for each in within) for name in ("mac_roman", "cp1252")}
    some = data[:LOOKED].rpartition(b"\n")[0] if len(data) > LOOKED else data
    runs = re.findall(rb"[\x80-\xff]+", some)
    short = sum(map(len, runs)) <= SHORT * len(runs)  # as where most letters are those of ASCII
    if short and within and small["mac_roman"] and not small["cp1252"]:
        return "mac_roman"
    signs = set(b"".join(runs).decode("cp1252", "replace"))
    if short and signs <= WESTERN and not re.search(WITHIN, some):
        return "latin-1 or cp1252"
    found = [match.encoding for match in from_bytes(some)]
    if short and signs <= WESTERN | TURKISH and "cp1254" in found:
        return "cp1254"
    return found[0].replace("koi8_", "koi8-") if found and found[0] not in UNLIKELY else "latin-1 or cp1252"


def _binary(path: Path, data: bytes, offset: int, line: int = 0) -> ElmanError:
    """What to say of zero bytes: few of them, in a line of what is a text else, can be taken out."""
    at = data.index(b"\0") if b"\0" in data else 0
    some = data[:1000]
    for places, name in ((some[1::2], "utf-16-le"), (some[::2], "utf-16-be")):
        if len(some) >= 8 and places.count(0) > 0.4 * len(places) and some.count(0) < 0.6 * len(some):
            return ElmanError(f"{path} looks like UTF-16 without a mark; say --encoding {name}, or save it as UTF-8")
    if line and data.count(0) <= FEW * len(data):
        mend = f"tr -d '\\000' < {path} > NEW leaves such out"
        return ElmanError(f"{path}, line {line}: has a zero byte, which is no character of a text; {mend}")
    return ElmanError(f"{path} is binary: byte {offset + at} is zero; give a text file")
