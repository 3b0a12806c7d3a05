"""Standard streams: UTF-8 whatever the terminal, there even where a shell has closed them, and quiet at the end."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ERRORS = {"stdout": "replace", "stderr": "backslashreplace"}  # what is done about halves of characters


@contextmanager
def standard_streams() -> Iterator[None]:
    """Standard output and standard error in UTF-8; a stream that is closed reads and writes nothing."""
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in closed:  # each takes the number that is free, so that no file gets it, in which others would write
        setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115
    had = [(stream, stream.encoding, stream.errors) for name in ERRORS if (stream := _of_a_file(getattr(sys, name)))]
    for name, errors in ERRORS.items():
        if stream := _of_a_file(getattr(sys, name)):
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        yield
    finally:
        for stream, encoding, errors in had:
            stream.reconfigure(encoding=encoding, errors=errors)
        for name in closed:
            getattr(sys, name).close()
            setattr(sys, name, None)


def read_utf8(errors: str) -> Any:
    """Standard input in UTF-8, in lines with their ends; ``errors`` as Python names what is done about other bytes."""
    if stream := _of_a_file(sys.stdin):
        stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")  # a carriage return alone ends no line
    return sys.stdin


def settle() -> None:
    """Write what is still held back; where nobody reads it, or no disk has room, Python is not to say so at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            stream.flush()


def _of_a_file(stream: Any) -> io.TextIOWrapper | None:
    """A stream whose encoding can be chosen, which one of a test or of a program around this need not be."""
    return stream if isinstance(stream, io.TextIOWrapper) else None
