"""Rows that cannot be used."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from elman.errors import ElmanError, brief, counted

log = logging.getLogger(__name__)

MOST = 0.1  # share of what was read that may be left out without being told to leave out all that is bad
LISTED = 5  # that are told one by one
Skip = bool | Literal["all"]


class BadRows:
    """What is done about rows that cannot be used: the first one ends the run, or each is left out, counted and listed.

    Args:
        skip: whether they are left out: True up to a tenth of what is read, ``"all"`` however many.
        answers: whether each row is to be answered, so that one in which nothing stands is such a row; else those are
            left out, since spreadsheets write them below a table.

    Raises:
        ElmanError: another value.

    Example:
        >>> bad = BadRows(skip=True)
        >>> with bad.settled():  # doctest: +ELLIPSIS
        ...     bad.read(4)
        ...     bad.add("few.csv, line 2", "has no label")
        Traceback (most recent call last):
        elman.errors.ElmanError: 1 of 4 rows cannot be used, more than a tenth: few.csv, line 2: has no label; mend ...
    """

    def __init__(self, skip: Any = False, *, answers: bool = False) -> None:
        if skip not in (False, True, "all"):
            raise ElmanError(f"--skip-bad stands alone, or with the word all, not {skip!r}")
        self.skip: Skip = skip
        self.answers = answers
        self.listed: list[str] = []  # where each is, and what is wrong with it
        self.numbers: Counter[str] = Counter()  # of what was read, by what it is: rows, series
        self.left_out: Counter[str] = Counter()
        self.remarks: dict[str, int] = {}  # on files that lie as one that was learnt from, each once, and how loud
        self.kinds: dict[str, str] = {}  # of remarks, of which a stream has one of each kind

    def read(self, number: int, of: str = "rows") -> None:
        """So many were read, those that cannot be used among them."""
        self.numbers[of] += number

    def add(self, where: str, reason: str, of: str = "rows") -> None:
        """A row that cannot be used.

        Args:
            where: its file and line; nothing where only who asked for it knows that.
            reason: what is wrong with it.
            of: what it is one of, in the plural.

        Raises:
            ElmanError: the same in one line, unless such rows are left out.
        """
        if not self.skip:
            raise ElmanError(f"{where}: {reason}; mend it, or leave such rows out with --skip-bad" if where else reason)
        self.listed.append(brief(f"{where}: {reason}"))
        self.left_out[of] += 1

    def remark(self, name: str, notes: Iterable[str], level: int = logging.INFO, kind: str = "") -> None:
        """What is to be said of how a file was read, beside rows that are bad.

        Args:
            name: of the file; nothing of a line of a stream.
            notes: what is to be said.
            level: of logging.
            kind: of the notes, of which a stream says the first alone; without it, each that is new.
        """
        said = [f"{name or 'the stream'}: {note}" for note in notes]
        self.remarks |= dict.fromkeys(said, level)
        self.kinds |= {each: kind or each for each in said}

    def tell(self) -> None:
        """Say how the files were read, how many rows were left out, and the first few; the rest is in ``listed``."""
        for remark, level in self.remarks.items():
            log.log(level, "%s", remark)
        self._tell_left_out()

    def tell_new(self, told: set[str]) -> None:
        """Say of a line of a stream what was not said of one before it; ``told`` has the kinds that were."""
        for remark, level in self.remarks.items():
            if self.kinds[remark] not in told:
                log.log(level, "%s", remark)
                told.add(self.kinds[remark])

    def _tell_left_out(self) -> None:
        if self.listed:
            more = f", and {len(self.listed) - LISTED:,} more" if len(self.listed) > LISTED else ""
            left_out = " and ".join(counted(number, of) for of, number in self.left_out.items())
            log.warning("%s left out: %s%s", left_out, self._first(), more)

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Something is read meanwhile to learn from; what was left out is told, and too much of it ends the run.

        Raises:
            ElmanError: more than a tenth was left out, without ``"all"``; or nothing was left, and why.
        """
        try:
            yield
        except ElmanError as error:
            self._refuse_too_many()
            if self.listed and self._first() not in str(error):
                raise ElmanError(f"{error}; left out were {self._of()}: {self._first()}") from error
            raise
        self._refuse_too_many()
        self._tell_left_out()

    def _refuse_too_many(self) -> None:
        for of, number in self.left_out.items():
            size = max(number, self.numbers[of])
            if self.skip != "all" and number > MOST * size:
                raise ElmanError(
                    f"{number:,} of {counted(size, of)} cannot be used, more than a tenth: {self._first(3)}; mend "
                    "them, or leave out however many with --skip-bad all"
                )

    def _of(self) -> str:
        return " and ".join(self.left_out)

    def _first(self, number: int = LISTED) -> str:
        return "; ".join(self.listed[:number])
