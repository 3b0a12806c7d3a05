"""Rows that cannot be used."""

import logging

from elman.errors import ElmanError

log = logging.getLogger(__name__)


class BadRows:
    """What is done about rows that cannot be used: the first one ends the run, or each is left out, counted and listed.

    Args:
        skip: whether they are left out.
    """

    def __init__(self, skip: bool = False) -> None:
        self.skip = skip
        self.listed: list[str] = []  # where each is, and what is wrong with it

    def add(self, where: str, reason: str) -> None:
        """A row that cannot be used.

        Args:
            where: its file and line; nothing where only who asked for it knows that.
            reason: what is wrong with it.

        Raises:
            ElmanError: the same in one line, unless such rows are left out.
        """
        if not self.skip:
            raise ElmanError(f"{where}: {reason}; mend it, or leave such rows out with --skip-bad" if where else reason)
        self.listed.append(f"{where}: {reason}")

    def tell(self) -> None:
        """Say how many were left out, and the first few; the rest is in ``listed``."""
        if self.listed:
            more = f", and {len(self.listed) - 5:,} more" if len(self.listed) > 5 else ""
            log.warning("%s rows left out: %s%s", f"{len(self.listed):,}", "; ".join(self.listed[:5]), more)
