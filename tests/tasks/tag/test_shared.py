"""CoNLL-2009 and CoNLL-2012, whose last columns are as many as a sentence has predicates."""

from collections.abc import Callable
from pathlib import Path

import pytest

from elman.data.bad import BadRows
from elman.tasks.tag.layout import ColumnSpec, find_layout
from elman.tasks.tag.tagged import read_asked, read_tagged

WORDS = ["Ann", "saw", "Rome"]


def line_2009(n: int, predicates: int) -> str:
    cells = [n + 1, WORDS[n], "a", "a", "NVP"[n], "X", "_", "_", 2, 2, "SBJ", "SBJ", "Y" if n == 1 else "_", "_"]
    return "\t".join(map(str, [*cells, *["A0"] * predicates]))


def line_2012(n: int, predicates: int) -> str:
    names = ["(PERSON*", "*)", "(GPE)"][n]
    return "   ".join(
        ["bc/x", "0", str(n), WORDS[n], "NVP"[n], "*", "-", "-", "-", "s", names, *["*"] * predicates, "-"]
    )


@pytest.mark.parametrize(
    ("line", "begin", "end"), [(line_2009, "", ""), (line_2012, "#begin document (x);\n", "#end document\n")]
)
def test_words_and_parts_of_speech_stand_where_they_always_do(
    line: Callable[[int, int], str], begin: str, end: str, tmp_path: Path
) -> None:
    path, sentences = tmp_path / "a.txt", []
    for n in range(9):
        sentences.append("".join(line(k, n % 3) + "\n" for k in range(3)))
    path.write_text(begin + "\n".join(sentences) + "\n" + end)
    layout = find_layout(path, ColumnSpec())
    found = read_tagged(path, layout, BadRows())
    assert (found.tokens, found.tags) == ([WORDS] * 9, [["N", "V", "P"]] * 9)
    asked = find_layout(path, ColumnSpec(), like=layout, labelled=False)
    assert read_asked(path, asked, BadRows(answers=True)).inputs == [WORDS] * 9
    if line is line_2012:
        named = read_tagged(path, find_layout(path, ColumnSpec(tag="11")), BadRows())
        assert named.tags == [["B-PERSON", "I-PERSON", "B-GPE"]] * 9
