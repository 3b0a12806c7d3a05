"""The bytes of files, unpacked where they are packed: gzip, bzip2, xz, Zstandard, or a zip with one file in it."""

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from elman.errors import ElmanError

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")  # how the names of such files end
EXCEL = "xl/workbook.xml"  # in a zip that is a workbook
MAGIC = 6  # bytes by which is told how a file is packed
SPECIAL = {stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket"}


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked, whatever its name says.

    Raises:
        ElmanError: no such file, a folder, a zip with several files, or what is damaged or cut short.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "few.csv"
        >>> _ = path.write_bytes(bz2.compress(b"a,b"))
        >>> with opened(path) as file:
        ...     file.read()
        b'a,b'
    """
    if not is_there(path):
        raise ElmanError(f"there is no file {path}")
    if path.is_dir():
        raise ElmanError(f"{path} is a folder; give a file")
    if kind := special(path):  # which could not be read twice, or has no end
        raise ElmanError(f"{path} is a {kind}; write what comes from it to a file, and give that")
    try:
        with path.open("rb") as file:
            begun = file.peek(MAGIC)[:MAGIC]
            found = next(((how, unpack) for magic, how, unpack in _WAYS if begun.startswith(magic)), None)
            if found is None:
                yield file
                return
            how, unpack = found
            try:
                with unpack(path, file) as unpacked:
                    yield unpacked
            except (ElmanError, UnicodeError):  # of what is inside
                raise
            except (
                OSError,
                EOFError,
                RuntimeError,
                ValueError,
                zlib.error,
                lzma.LZMAError,
                zipfile.BadZipFile,
            ) as error:
                raise ElmanError(f"{path} is packed with {how}, and damaged or cut short: {error}") from error
    except OSError as error:
        raise ElmanError(f"{path} cannot be read: {error.strerror or error}") from error


def is_there(path: Path) -> bool:
    """Whether there is a file or a folder, which a name cannot have that is too long for any.

    >>> is_there(Path(__file__)), is_there(Path("x" * 100_000))
    (True, False)
    """
    try:
        return path.exists()
    except OSError:
        return False


def special(path: Path) -> str:
    """What stands at a path that is neither a file nor a folder: a pipe, a device or a socket; else nothing.

    >>> special(Path(__file__)), special(Path())
    ('', '')
    """
    return SPECIAL.get(stat.S_IFMT(path.stat().st_mode), "") if is_there(path) else ""


def unpacked_name(path: Path) -> str:
    """The name of a file without what says that it is packed.

    >>> unpacked_name(Path("logs/words.csv.xz"))
    'words.csv'
    """
    return path.stem if path.suffix.lower() in PACKED and path.stem else path.name


def is_packed(path: Path) -> bool:
    """Whether a file is packed, by its content."""
    with path.open("rb") as file:
        begun = file.read(MAGIC)
    return any(begun.startswith(magic) for magic, _, _ in _WAYS)


def _unzipped(path: Path, file: IO[bytes]) -> Any:
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if EXCEL in names:
        raise ElmanError(f"{path} is an Excel workbook; save its sheet as CSV")
    if all(name.endswith(".npy") for name in names):
        return path.open("rb")  # arrays of NumPy, which reads them by itself
    if len(names) != 1:
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ElmanError(f"{path} is a zip with {len(names)} files ({some}); unpack it and give one, or a folder")
    return archive.open(names[0])


def _zstandard(path: Path, file: IO[bytes]) -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ElmanError(f"{path} is packed with Zstandard; pip install 'elman[formats]' to read such files") from error

    return io.BufferedReader(_Frames(file, zstandard))


class _Frames(io.RawIOBase):
    """What is packed with Zstandard, in any number of frames, each of which must end."""

    def __init__(self, file: IO[bytes], zstandard: Any) -> None:
        super().__init__()
        self.file, self.frame = file, zstandard.ZstdDecompressor
        self.now, self.rest = None, b""
        self.wrong = zstandard.ZstdError

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            data = self.file.read(1 << 17)
            if not data and self.now is not None:
                raise EOFError("it ends within a frame")
            if not data:
                return 0
            self.rest = b"".join(self._unpacked(data))
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        while data:
            now = self.now or self.frame().decompressobj()
            try:
                yield now.decompress(data)
            except self.wrong as error:
                raise EOFError(str(error)) from error
            data, self.now = (now.unused_data, None) if now.eof else (b"", now)


_WAYS: tuple[tuple[bytes, str, Callable[[Path, IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda _, file: gzip.GzipFile(fileobj=file)),
    (b"BZh", "bzip2", lambda _, file: bz2.BZ2File(file)),
    (b"\xfd7zXZ\x00", "xz", lambda _, file: lzma.LZMAFile(file)),  # noqa: SIM115
    (b"\x28\xb5\x2f\xfd", "Zstandard", _zstandard),
    (b"PK\x03\x04", "zip", _unzipped),
)
