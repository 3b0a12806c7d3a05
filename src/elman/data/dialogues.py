"""Dialogues in a text: a turn a line, which begins with the name of who speaks."""

import re
from collections import Counter

TURN = re.compile(r"(\S[^:\n]{0,29}):(?: |$)", re.MULTILINE)
LEAST = 0.01  # of the turns that a name has


def find_speakers(sample: str) -> list[str]:
    """The names that begin the turns of a dialogue, such as ``A`` and ``B`` of ``A: Hello.`` and ``B: Hi.``

    A name has at most 30 characters, stands before a colon and a blank, or the end of the line, and does so at least
    twice and in one of a hundred turns. A text is a dialogue where at least two names together begin more than half of
    the lines that are not empty.

    Returns:
        The two most frequent names, in the order in which they first speak, then the others, the most frequent first;
        nothing where the text is no dialogue.

    Example:
        >>> find_speakers("A: Hello.\\nB: Hi. How are you?\\nA: Well.\\nB: Good.\\n")
        ['A', 'B']
        >>> find_speakers("Time: noon.\\nPlace: here.\\n")
        []
    """
    lines = [line for line in sample.split("\n") if line.strip()]
    counts = Counter(found[1] for line in lines if (found := TURN.match(line)))
    names = [name for name, count in counts.most_common() if count >= max(2, LEAST * counts.total())]
    if len(names) < 2 or 2 * sum(counts[name] for name in names) <= len(lines):
        return []
    order = list(counts)  # a counter keeps the order of first appearance
    return [*sorted(names[:2], key=order.index), *names[2:]]
