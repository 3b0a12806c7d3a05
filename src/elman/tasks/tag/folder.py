"""A folder of files of sentences: which those are, and by their names what is learnt from, held out, and a test."""

import re
from pathlib import Path

from elman.data.files import matching, suffix
from elman.data.formats import conll, conllu, format_of
from elman.data.reading import is_table
from elman.errors import ElmanError

SUFFIXES = (".conllu", ".conll", ".iob", ".iob2", ".bio", ".bioes", ".bilou")  # how names of such files end
# by the words of their names
PARTS = {
    "train": re.compile(r"train(?:ing)?"),
    "held out": re.compile(r"dev(?:el|elopment)?|val(?:id|idation)?|testa"),
    "test": re.compile(r"test(?:b|ing)?"),
}


def files_of(source: Path, encoding: str = "") -> list[Path]:
    """The files of a folder, and of those in it, that hold sentences; of a pattern or another name those that it names.

    They are files of CoNLL or CoNLL-U where there are such, by their content or as they are named, or else tables.

    Raises:
        ElmanError: there is none.
    """
    if not source.is_dir():
        return matching(source)
    there = [each for each in sorted(source.rglob("*")) if each.is_file() and not each.name.startswith(".")]
    for form in (conllu.FORMAT, conll.FORMAT):
        if found := [each for each in there if format_of(each, encoding) is form]:
            return found
    found = [each for each in there if suffix(each) in SUFFIXES] or [each for each in there if is_table(each, encoding)]
    if not found:
        raise ElmanError(f"{source} has no files of sentences with tags in it, such as those of CoNLL, or tables")
    return found


def part_of(file: str) -> str:
    """What the name of a file says that it is for: ``train``, ``held out``, ``test``, or "".

    >>> [part_of(name) for name in ("en_ewt-ud-train.conllu", "eng.testa", "dev.txt", "x/test_2.tsv", "latest.txt")]
    ['train', 'held out', 'held out', 'test', '']
    """
    words = re.split(r"[\W_\d]+", Path(file).name.lower())
    return next((part for part, names in PARTS.items() if any(map(names.fullmatch, words))), "")
