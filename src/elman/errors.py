"""The one error that is the user's to mend; the command line prints it as one line and exits with 2."""


class ElmanError(ValueError):
    """Something the user gave is wrong. The message says what, where, and what would be right."""
