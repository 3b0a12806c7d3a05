"""Lines as fastText has them: ``__label__`` and a label, maybe several, and a text."""

from elman.data.formats import Beginning, Format

PREFIX = "__label__"  # before a label
MOST = 0.9  # of the lines


def recognise(begun: Beginning) -> bool:
    """Whether nearly all lines begin with a label."""
    lines = begun.full
    return bool(lines) and sum(line.lstrip().startswith(PREFIX) for line in lines) >= MOST * len(lines)


def parted(line: str) -> tuple[list[str], str]:
    """The labels that a line begins with, and the text behind them.

    >>> parted("__label__good __label__new so fine")
    (['good', 'new'], 'so fine')
    """
    labels = []
    while line.startswith(PREFIX):
        label, _, line = line.partition(" ") if " " in line else (line, "", "")
        labels.append(label.removeprefix(PREFIX))
        line = line.lstrip()
    return labels, line


FORMAT = Format("lines of a label and a text, as fastText has them", recognise, tasks=("classify",))
