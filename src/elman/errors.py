"""The one error that is the user's to mend, which the command line prints as one line, exiting with 2."""

import sys

_BETWEEN = {"elman", "torch", "lightning", "typer", "click"}  # packages that stand between a user's line and a warning


class ElmanError(ValueError):
    """Something the user gave is wrong. The message says what, where, and what would be right."""


class ElmanWarning(UserWarning):
    """Something is not as the user may expect, and the work goes on. The message says what, and what would mend it."""


def user_level() -> int:
    """The ``stacklevel`` with which a warning of the caller points at the user's own line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level
