"""The one error that is the user's to mend, which the command line prints as one line, exiting with 2."""


class ElmanError(ValueError):
    """Something the user gave is wrong. The message says what, where, and what would be right."""


class ElmanWarning(UserWarning):
    """Something is not as the user may expect, and the work goes on. The message says what, and what would mend it."""
