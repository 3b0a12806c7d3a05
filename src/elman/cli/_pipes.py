"""Data that comes through a pipe: read once, and copied aside, since the readers of files open them several times."""

import logging
import os
import select
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elman.data.packed import special
from elman.errors import ElmanError
from elman.system import READ, STANDARD_INPUT

PART = 1 << 20  # bytes that are read at once
PATIENCE = 1.0  # seconds in which a pipe says nothing before that is told


@dataclass
class Copies:
    """Where data lies that came through pipes."""

    folder: Path
    names: dict[Path, str] = field(default_factory=dict)  # what each was called

    def of(self, source: Path, role: str) -> Path:
        """The copy of what comes through a pipe; any other file itself.

        Args:
            source: the file.
            role: what the copy is called, before the ending of the file's own name.

        Raises:
            ElmanError: a device or a socket, or standard input for the second time.
        """
        standard = str(source) in STANDARD_INPUT
        kind = "pipe" if standard else special(source)
        if not kind:
            return source
        if kind != "pipe":
            raise ElmanError(f"{source} is a {kind}; give a file, or a pipe whose end comes")
        name = "standard input" if standard else str(source)
        if name in self.names.values():
            raise ElmanError(f"{name} can be read once; give a file for what is to be read twice")
        copy = self.folder / (role if standard else role + source.suffix)
        with _standard_input() if standard else _pipe(source) as file, copy.open("wb") as to:
            while part := file.read1(PART):  # which asks no terminal for more once it has said that this is the end
                to.write(part)
        self.names[copy] = name
        return copy

    def named(self, text: str) -> str:
        """A text in which each copy is called what it was copied from."""
        for copy, name in self.names.items():
            text = text.replace(str(copy), name)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """The same for what is logged."""
        record.msg, record.args = self.named(record.getMessage()), ()
        return True


@contextmanager
def read_once() -> Iterator[Copies]:
    """Pipes are read once meanwhile; what is said of their copies is said of them."""
    handlers = list(logging.getLogger("elman").handlers)
    with tempfile.TemporaryDirectory(prefix="elman-") as folder:
        copies = Copies(Path(folder))
        for handler in handlers:
            handler.addFilter(copies)
        try:
            yield copies
        except ElmanError as error:
            raise ElmanError(copies.named(str(error))) from error
        finally:
            for handler in handlers:
                handler.removeFilter(copies)


@contextmanager
def _standard_input() -> Iterator[Any]:
    if sys.stdin.isatty():
        print("elman: reading data from the terminal; Ctrl-D at the beginning of a line ends it", file=sys.stderr)
    yield sys.stdin.buffer


@contextmanager
def _pipe(path: Path) -> Iterator[Any]:
    handle = os.open(path, READ)  # which does not wait for one who writes
    with os.fdopen(handle, "rb") as file:
        if not select.select([file], [], [], PATIENCE)[0]:
            print(f"elman: waiting for what another program writes to {path}", file=sys.stderr, flush=True)
            select.select([file], [], [])
        os.set_blocking(handle, True)
        yield file
