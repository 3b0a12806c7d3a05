"""How well data suits a recommender."""

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.columns import find
from elman.errors import counted
from elman.training.inspection import Suits


def suits(read: Any, path: Path) -> Suits:
    """How well the events that a recommender read suit it: whether columns have the names of users and items."""
    layout, sessions = read.layout, read.learnt
    length = float(np.mean([len(items) for items in sessions.items]))
    who = layout.person or layout.session
    why = f"{counted(len(sessions), 'sessions')} of {counted(len(sessions.names), 'items')}"
    if layout.within:
        return Suits(0.5 if layout.item else 0.1, f"{why}, a session a row", {"item_column": layout.item})
    named = find([layout.item], "item", bare=True) and find([who], "person", "session", bare=True)
    said = {"item_column": layout.item, "person_column": layout.person, "session_column": layout.session}
    again = length >= 2 and len(sessions.names) < 0.8 * sum(map(len, sessions.items))
    likely = 0.95 if named else 0.6 if layout.time and layout.person else 0.3
    score = likely * (1.0 if again else 0.6)
    return Suits(score, f"{why}, from {who} and {layout.item}", {name: each for name, each in said.items() if each})
