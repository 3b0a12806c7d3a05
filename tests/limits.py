"""How much time and memory something that may go wrong may take, and nothing of what it says."""

import contextlib
import io
import resource
import signal
import warnings
from collections.abc import Iterator
from typing import Any

SECONDS = 60  # that one use may take
ROOM = 8 << 30  # bytes of addresses that the process may have, so that a huge size is an error and not a full machine


class Late(BaseException):
    """It took too long; no handler of errors stops it."""


@contextlib.contextmanager
def in_time(seconds: float = SECONDS) -> Iterator[None]:
    """What runs within ends after so many seconds of computing, or ten times as many of waiting.

    It ends as soon as Python has the word. On a busy machine the clock alone would tell nothing.

    Raises:
        Late: then.
    """

    def late(*_: Any) -> None:
        raise Late(f"it took more than {seconds:g} s")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, 10 * seconds)}
    usual = {each: signal.signal(each, late) for each in timers}
    for timer, most in timers.values():
        signal.setitimer(timer, most, 5)  # again, where some library forgets it
    try:
        yield
    finally:
        for each, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(each, usual[each])


def bounded() -> None:
    """From here on the process has no more memory than ``ROOM``."""
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed, and nothing warned of."""
    unseen = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(unseen), contextlib.redirect_stderr(unseen):
        warnings.simplefilter("ignore")
        yield
