"""Spans: how they are written, and how they are scored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.tasks.tag.spans import SCHEMES, Score, Span, find_scheme, read_spans, score_spans, write_spans

# tags, and the spans that conlleval.pl of the CoNLL-2000 shared task makes of them, by its rules of where a chunk
# begins (B after anything, I or E after O or E, a change of type) and ends
READ = {
    "I-A I-A O": [("A", 0, 2)],
    "I-A B-A I-A": [("A", 0, 1), ("A", 1, 3)],
    "I-A I-B": [("A", 0, 1), ("B", 1, 2)],
    "B-A I-B I-B": [("A", 0, 1), ("B", 1, 3)],
    "O I-A O I-A": [("A", 1, 2), ("A", 3, 4)],
    "B-A B-A": [("A", 0, 1), ("A", 1, 2)],
    "B-A E-A E-A": [("A", 0, 2), ("A", 2, 3)],
    "E-A I-A": [("A", 0, 1), ("A", 1, 2)],
    "S-A I-A O B-A L-A U-A": [("A", 0, 1), ("A", 1, 2), ("A", 3, 5), ("A", 5, 6)],
    "B I O I": [("", 0, 2), ("", 3, 4)],
    "I-a-b I-a-b": [("a-b", 0, 2)],
    "O": [],
    "": [],
}


@pytest.mark.parametrize("tags", list(READ))
def test_spans_are_read_as_conlleval_reads_them(tags: str) -> None:
    assert read_spans(tags.split()) == [Span(*span) for span in READ[tags]]


# the sentence, the answer, and (right, answered, true) counted by hand
SCORED = [
    ("I-A I-A O I-B", "I-A I-A O I-B", (2, 2, 2)),
    ("I-A I-A O I-B", "B-A I-A O B-B", (2, 2, 2)),  # the same spans, written otherwise
    ("I-A I-A O I-B", "I-A O O I-B", (1, 2, 2)),  # too short is wrong
    ("I-A B-A", "I-A I-A", (0, 1, 2)),  # in IOB1, two that touch are not one
    ("B-A I-A", "B-A B-A", (0, 2, 1)),
    ("B-A I-A O", "B-B I-B O", (0, 1, 1)),  # the kind counts
    ("B-A I-A O", "O O O", (0, 0, 1)),
    ("O O", "B-A O", (0, 1, 0)),
]


@pytest.mark.parametrize(("true", "answered", "counts"), SCORED)
def test_spans_are_counted_as_by_hand(true: str, answered: str, counts: tuple[int, int, int]) -> None:
    assert score_spans([true.split()], [answered.split()])[0] == Score(*counts)


def test_measures_by_hand_in_all_and_of_each_kind() -> None:
    true = [case[0].split() for case in SCORED]
    answered = [case[1].split() for case in SCORED]
    score, each = score_spans(true, answered)
    assert score == Score(5, 11, 11)
    assert each == {"A": Score(2, 7, 8), "B": Score(3, 4, 3)}
    assert score.precision == score.recall == score.f1 == 5 / 11
    assert each["A"].f1 == pytest.approx(2 * (2 / 7) * (2 / 8) / (2 / 7 + 2 / 8))
    assert Score(0, 0, 0).f1 == Score(0, 0, 0).precision == Score(0, 0, 0).recall == 0


@pytest.mark.parametrize(
    ("sentences", "found"),
    [
        (["I-A I-A O", "B-A B-A"], ("IOB2", 1)),
        (["B-A I-A O", "B-A B-A"], ("IOB2", 0)),
        (["I-A B-A O", "I-B"], ("IOB1", 0)),
        (["I-A O", "I-A O", "B-A O"], ("IOB1", 1)),
        (["B-A E-A S-A"], ("BIOES", 0)),
        (["B-A L-A U-A O"], ("BILOU", 0)),
        (["B I O"], ("IOB2", 0)),
        (["B-A X-A O"], ("", 0)),
        (["O O"], ("", 0)),
        (["NN VB O"], ("", 0)),
    ],
)
def test_how_spans_are_written_is_found_out(sentences: list[str], found: tuple[str, int]) -> None:
    assert find_scheme([sentence.split() for sentence in sentences]) == found


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Span], int]:
    spans, at = [], 0
    for gap, length, kind in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(["A", "B-c"])), max_size=6)
    ):
        spans.append(Span(kind, at + gap, at + gap + length))
        at += gap + length
    return spans, at + draw(st.integers(0, 2))


@given(sentences(), st.sampled_from(sorted(SCHEMES)))
def test_what_is_written_is_read_again(sentence: tuple[list[Span], int], scheme: str) -> None:
    spans, length = sentence
    tags = write_spans(spans, length, scheme)
    assert len(tags) == length
    assert read_spans(tags) == spans
    assert {tag[0] for tag in tags} <= set(SCHEMES[scheme])
