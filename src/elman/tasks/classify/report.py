"""What a report shows of a classifier: confusion matrix, calibration, and the largest errors."""

import numpy as np

from elman.tasks.classify.target import BINS, Target
from elman.training.report import Section, confusion, figure, shortened

WORST = 20


def sections(
    target: Target, outputs: np.ndarray, truth: np.ndarray, shown: list[str], where: list[str]
) -> list[Section]:
    """The sections of a report.

    Args:
        target: what is answered.
        outputs: ``[N, K]``, what was answered.
        truth: as the target encodes it.
        shown: each row as people read it.
        where: each row stands.
    """
    if target.kind == "number":
        return _of_numbers(target, outputs[:, 0], truth * target.scale + target.mean, shown, where)
    return (
        _of_classes(target, outputs, truth, shown, where)
        if target.kind == "classes"
        else _of_labels(target, outputs, truth, shown, where)
    )


def _of_classes(
    target: Target, outputs: np.ndarray, truth: np.ndarray, shown: list[str], where: list[str]
) -> list[Section]:
    answered, size = outputs.argmax(1), target.size
    counts = np.zeros((size, size), int)
    np.add.at(counts, (truth, answered), 1)
    rows, each = [], zip(target.names, counts.diagonal(), counts.sum(0), counts.sum(1), strict=True)
    for name, right, said, there in each:
        precision, recall = right / max(1, said), right / max(1, there)
        f1 = 2 * precision * recall / max(1e-12, precision + recall)
        rows.append([name, int(there), int(said), float(precision), float(recall), float(f1)])
    own = outputs[np.arange(len(truth)), truth]
    worst = [row for row in np.argsort(own)[:WORST] if answered[row] != truth[row]]
    return [
        Section(
            "Confusion matrix",
            figures=[confusion(counts, target.names)],
            header=["class", "true", "predicted", "precision", "recall", "F1"],
            rows=rows,
        ),
        _calibration(outputs.max(1), answered == truth),
        Section(
            "Largest errors",
            "The rows to whose true class the model gave the lowest probability." if worst else "There are none.",
            header=["true", "predicted", "probability of the true class", "row", "place"] if worst else (),
            rows=[
                [target.names[truth[r]], target.names[answered[r]], float(own[r]), shortened(shown[r], 300), where[r]]
                for r in worst
            ],
        ),
    ]


def _of_labels(
    target: Target, outputs: np.ndarray, truth: np.ndarray, shown: list[str], where: list[str]
) -> list[Section]:
    answered, true = outputs >= 0.5, truth > 0.5
    rows = []
    for k, name in enumerate(target.names):
        right, said, there = (int(x.sum()) for x in (answered[:, k] & true[:, k], answered[:, k], true[:, k]))
        precision, recall = right / max(1, said), right / max(1, there)
        rows.append([name, there, said, precision, recall, 2 * precision * recall / max(1e-12, precision + recall)])
    cost = np.abs(outputs - truth).sum(1)

    def names(row: np.ndarray) -> str:
        return ", ".join(name for name, one in zip(target.names, row, strict=True) if one) or "none"

    worst = [row for row in np.argsort(-cost)[:WORST] if (answered[row] != true[row]).any()]
    return [
        Section(
            "Precision and recall of each label",
            header=["label", "true", "predicted", "precision", "recall", "F1"],
            rows=rows,
        ),
        _calibration(np.maximum(outputs, 1 - outputs).ravel(), (answered == true).ravel()),
        Section(
            "Largest errors",
            header=["true", "predicted", "row", "place"],
            rows=[[names(true[r]), names(answered[r]), shortened(shown[r], 300), where[r]] for r in worst],
        ),
    ]


def _of_numbers(
    target: Target, outputs: np.ndarray, truth: np.ndarray, shown: list[str], where: list[str]
) -> list[Section]:
    picture, axes = figure(4.6, 4.4)
    axes.scatter(truth, outputs, s=8, alpha=0.6)
    ends = [min(truth.min(), outputs.min()), max(truth.max(), outputs.max())]
    axes.plot(ends, ends, color="0.6", linewidth=1)
    axes.set(xlabel="true value", ylabel="predicted value")
    worst = np.argsort(-np.abs(outputs - truth))[:WORST]
    return [
        Section("Predicted against true values", figures=[picture]),
        Section(
            "Largest errors",
            header=["true", "predicted", "row", "place"],
            rows=[[float(truth[r]), float(outputs[r]), shortened(shown[r], 300), where[r]] for r in worst],
        ),
    ]


def _calibration(confidence: np.ndarray, right: np.ndarray) -> Section:
    """The reliability diagram: how often answers are right, by the probability that they are given."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    some = counts > 0
    said = np.bincount(bins, confidence, BINS)[some] / counts[some]
    true = np.bincount(bins, right, BINS)[some] / counts[some]
    picture, axes = figure(4.6, 3.6)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(said, true, marker="o")
    axes.set(xlabel="predicted probability", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    return Section(
        "Calibration",
        "A reliability diagram: on the line, answers with a probability of 0.8 are right in 80 % of the cases.",
        figures=[picture],
    )
