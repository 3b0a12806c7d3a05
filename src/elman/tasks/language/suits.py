"""How well data suits a language model."""

from pathlib import Path

from elman.data.formats.delimited import has_columns
from elman.data.reading import TABLES
from elman.data.text import beginning
from elman.tasks.language.strings import StringParts
from elman.tasks.language.text import TextParts
from elman.training.inspection import Suits

OTHERS = (*TABLES, ".conll", ".conllu", ".ts")  # of files that hold something else than text


def suits(read: TextParts | StringParts, path: Path) -> Suits:
    """How well the text that a language model read suits it: any text does, but columns are for other tasks."""
    if path.suffix in OTHERS or has_columns(beginning(path, 1 << 16)):
        return Suits(0.05, "a text, though one with columns")
    if isinstance(read, StringParts):
        what = "molecules" if read.molecules else "strings"
        return Suits(0.95 if read.molecules else 0.7, f"{what}, one a line", {"form": "strings"})
    if read.speakers:
        return Suits(0.9, f"a dialogue, in turns of {', '.join(read.speakers[:3])}", {"form": "text"})
    return Suits(0.6, "a text", {"form": "text"})
