"""How well data suits a language model."""

from pathlib import Path

from elman.data.files import suffix
from elman.data.reading import format_of, is_table
from elman.tasks.language.strings import StringParts
from elman.tasks.language.text import TextParts
from elman.training.inspection import Suits


def suits(read: TextParts | StringParts, path: Path) -> Suits:
    """How well the text that a language model read suits it: any text does, but columns are for other tasks."""
    if is_table(path) or format_of(path).tasks:
        # the lines of a poem may have a comma each
        return Suits(0.2 if suffix(path) == ".txt" else 0.05, "a text, though one with columns", {"form": "text"})
    if isinstance(read, StringParts):
        what = "molecules" if read.molecules else "strings"
        return Suits(0.95 if read.molecules else 0.7, f"{what}, one a line", {"form": "strings"})
    if read.speakers:
        return Suits(0.9, f"a dialogue, in turns of {', '.join(read.speakers[:3])}", {"form": "text"})
    return Suits(0.6, "a text", {"form": "text"})
