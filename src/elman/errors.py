"""The one error that is the user's to mend, which the command line prints as one line, exiting with 2."""

import sys

LONGEST = 600  # characters of a message; of one that is longer the ends are told
SHOWN = 80  # characters of a value in a message
ONE = {
    "are": "is", "were": "was", "have": "has", "do": "does", "stand": "stands", "say": "says", "repeat": "repeats",
    "people": "person", "series": "series", "this": "this", "as": "as",
}  # fmt: skip
_BETWEEN = {"elman", "torch", "lightning", "typer", "click"}  # packages that stand between a user's line and a warning


class ElmanError(ValueError):
    """Something the user gave is wrong. The message says what, where, and what would be right, and is never long."""

    def __init__(self, message: str = "") -> None:
        super().__init__(brief(" ".join(message.splitlines())))


class TwinError(ElmanError, RuntimeError, TypeError):
    """An error of a drop-in: of the types that its twin in ``torch.nn`` raises as well, for code that catches those."""


class ElmanWarning(UserWarning):
    """Something is not as the user may expect, and the work goes on. The message says what, and what would mend it."""


def brief(text: str, most: int = LONGEST) -> str:
    """A text of which, where it is long, the middle is left out.

    >>> brief("x is 0123456789, no word", 16)
    'x is 012... word'
    """
    if len(text) <= most:
        return text
    end = (most - 3) * 2 // 5
    return f"{text[: most - 3 - end]}...{text[-end:]}"


def ran_out(error: BaseException) -> str:
    """That memory ran out, where an error says so, of whatever library it is; else "".

    >>> ran_out(MemoryError("cannot have 1 TB")), ran_out(MemoryError()), ran_out(ValueError("no number"))
    ('memory ran out: cannot have 1 TB', 'memory ran out', '')
    """
    of_torch = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    if not of_torch and not isinstance(error, MemoryError):
        return ""
    return f"memory ran out: {brief(str(error), 100)}" if str(error) else "memory ran out"


def quoted(value: object) -> str:
    """A value of the user's data as it stands in a message: in quotation marks where it is a text, and never long.

    >>> quoted("no number"), quoted(1.5), len(quoted("a" * 20_000_000))
    ("'no number'", '1.5', 82)
    """
    return repr(brief(value, SHOWN)) if isinstance(value, str) else brief(repr(value), SHOWN)


def counted(number: int, what: str) -> str:
    """A number before what is counted, and a verb behind that, as one of it or several have them.

    Args:
        number: of it.
        what: the things in the plural, such as ``rows`` or ``series``, and what may follow, such as ``are``.

    Example:
        >>> counted(2, "rows were"), counted(1, "rows were"), counted(1, "different classes"), counted(1, "series")
        ('2 rows were', '1 row was', '1 different class', '1 series')
        >>> counted(12_345, "rows"), counted(1, "people"), counted(1, "queries"), counted(0, "rows")
        ('12,345 rows', '1 person', '1 query', '0 rows')
    """
    return f"{number:,} {' '.join(map(_single, what.split())) if number == 1 else what}"


def _single(word: str) -> str:
    """A word as it is said of one thing, where it is a plural or a verb of one."""
    if word in ONE:
        return ONE[word]
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[: -2 if word.endswith(("sses", "xes", "ches")) else -1] if word.endswith("s") else word


def user_level() -> int:
    """The ``stacklevel`` with which a warning of the caller points at the user's own line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level
