"""What a report shows of a tagger: precision and recall of each tag, confusion matrix, and the largest errors."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.tasks.tag.spans import score_spans
from elman.tasks.tag.tagged import Tagged
from elman.training.report import Section, confusion, shortened

WORST = 20


def sections(rows: Tagged, answered: Sequence[Sequence[str]], scheme: str) -> list[Section]:
    """The sections of a report.

    Args:
        rows: what was answered, with the truth.
        answered: the tags of each sentence.
        scheme: how they write spans, if they do.
    """
    pairs = Counter(pair for tags in zip(rows.tags, answered, strict=True) for pair in zip(*tags, strict=True))
    true: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for (one, other), count in pairs.items():
        true[one] += count
        said[other] += count
    names = [name for name, _ in (true | said).most_common(25)]
    counts = np.array([[pairs[one, other] for other in names] for one in names])
    header = ["", "true", "predicted", "precision", "recall", "F1"]
    sections = []
    if scheme:
        _, each = score_spans(rows.tags, answered)
        table = [[kind or "spans", s.true, s.answered, s.precision, s.recall, s.f1] for kind, s in each.items()]
        sections.append(Section("Precision and recall of each kind of span", header=header, rows=table))
    table = []
    for name, number in true.most_common(100):
        right = pairs[name, name]
        table.append([name, number, said[name], right / max(1, said[name]), right / number,
                      2 * right / (number + said[name])])  # fmt: skip
    sections.append(Section("Precision and recall of each tag", header=header, rows=table))
    wrong = [(count, one, other) for (one, other), count in pairs.items() if one != other]
    sections.append(
        Section(
            "Confusion matrix",
            figures=[confusion(counts, names)],
            header=["words", "true", "predicted"],
            rows=sorted(wrong, reverse=True)[:WORST],
        )
    )
    mistakes = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in zip(rows.tags, answered, strict=True)]
    worst = sorted(range(len(mistakes)), key=lambda row: -mistakes[row])[:WORST]
    worst = [row for row in worst if mistakes[row]]
    sections.append(
        Section(
            "Largest errors",
            "Behind each wrong word stand its true tag and the predicted one." if worst else "There are none.",
            header=["words wrong", "sentence", "place"] if worst else (),
            rows=[
                [mistakes[row], _marked(rows.tokens[row], rows.tags[row], answered[row]), rows.where[row]]
                for row in worst
            ],
        )
    )
    return sections


def _marked(tokens: Sequence[str], true: Sequence[str], answered: Sequence[str]) -> str:
    """A sentence in which each wrong word is followed by what it is and what was answered."""
    parts = [
        word if one == other else f"{word} [{one}, not {other}]"
        for word, one, other in zip(tokens, true, answered, strict=True)
    ]
    return shortened(" ".join(parts), 600)
