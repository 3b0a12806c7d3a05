"""Signals that end a program, such as Ctrl-C: what is at work is finished first, where it is short; PyTorch is not
needed to read this."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from elman.system import ENDING, send_to_main_thread

AGAIN = 0.01  # seconds after which a signal that came where nothing can be raised is raised again


class Terminated(BaseException):
    """A signal ends the program, as ``KeyboardInterrupt`` says that Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Ends:
    """A handler that raises ``KeyboardInterrupt`` or ``Terminated``; a further signal ends the process at once.

    What it raised is kept: code that handles every error may have lost it, and be left by halves.
    """

    def __init__(self) -> None:
        self.called = False
        self.raised: KeyboardInterrupt | Terminated | None = None

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        if self.called:
            os._exit(128 + number)  # files are written aside, so that whatever is at work leaves them whole
        self.called = True
        self.raised = KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)
        raise self.raised


def ending(error: BaseException | None) -> KeyboardInterrupt | Terminated | None:
    """What a signal has raised, in whose place Python raises another error where it came while a class was made."""
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__cause__
    return error


@contextmanager
def ended_by_signals() -> Iterator[Ends]:
    """Signals that would end the program raise an exception instead; those that are ignored, as by nohup, stay so."""
    ends = Ends()
    if threading.current_thread() is not threading.main_thread():
        yield ends
        return
    found = {number: signal.getsignal(number) for number in ENDING}
    usual = {n: handler for n, handler in found.items() if handler in (signal.SIG_DFL, signal.default_int_handler)}
    for number in usual:
        signal.signal(number, ends)
    try:
        with _raised_again(ends):
            yield ends
    finally:
        _restore(usual)


@contextmanager
def _raised_again(ends: Ends) -> Iterator[None]:
    """What a signal raises while Python lets go of an object, where it would be ignored, is raised a little later."""
    usual = sys.unraisablehook

    def hook(lost: Any) -> None:
        raised = lost.exc_value
        if not isinstance(raised, KeyboardInterrupt | Terminated):
            usual(lost)
            return
        ends.called = False
        number = raised.number if isinstance(raised, Terminated) else signal.SIGINT
        threading.Timer(AGAIN, send_to_main_thread, [number]).start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = usual


@contextmanager
def put_off(keep: Callable[[BaseException], None]) -> Iterator[None]:
    """Keep the first exception that a signal would raise instead of raising it; the next one is raised.

    Only Ctrl-C as Python itself handles it and what ``ended_by_signals`` handles are put off. A handler of the user's
    own is left alone, and so is everything in other threads than the first.

    Args:
        keep: takes the exception, to raise it when there is nothing that it could harm; it may raise it at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found: dict[int, Any] = {number: signal.getsignal(number) for number in ENDING}
    usual = {number: handler for number, handler in found.items() if _raises(handler)}

    def first(number: int, frame: FrameType | None) -> None:
        _restore(usual)
        try:
            usual[number](number, frame)
        except BaseException as error:
            raised = error
        else:
            return
        keep(raised)

    for number in usual:
        signal.signal(number, first)
    try:
        yield
    finally:
        _restore({number: handler for number, handler in found.items() if handler is not None})


def _raises(handler: Any) -> bool:
    return handler is signal.default_int_handler or isinstance(handler, Ends)


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
