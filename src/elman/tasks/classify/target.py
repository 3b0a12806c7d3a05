"""What a classifier answers: one of some classes, several labels at once, or a number; how it is learnt and judged."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from elman.data.dialect import UNKNOWN, Dialect, Notation
from elman.data.numbers.cells import as_numbers, has_value
from elman.data.numbers.notation import PLAIN, decided, either, in_words, readings
from elman.data.spellings import one_each, plain, tell_alike
from elman.errors import ElmanError, quoted
from elman.training.measures import HIGH, LOSS, LOW, Measure
from elman.training.task import same_answers

log = logging.getLogger(__name__)

KINDS = ("classes", "labels", "number")
LARGEST = 1e150  # a number whose square float64 still has
FARTHEST = 1e18  # standard deviations, whose square float32 still has
SAME = 0.01  # standard deviations, within which numbers are nearly the same
SPELT = 5  # labels that are told to be written differently
BINS = 15  # of the calibration error
MEASURES = {
    "accuracy": Measure(HIGH, share=True, about="the share of rows whose class is right"),
    "micro_f1": Measure(HIGH, label="micro F1", about="F1 of all labels together"),
    "rmse": Measure(LOW, label="RMSE", about="the square root of the mean squared error"),
    "mae": Measure(LOW, label="MAE", about="the mean absolute error"),
    "r2": Measure(HIGH, label="R²", about="the share of the variance that is explained"),
    "macro_f1": Measure(HIGH, label="macro F1", about="the mean over classes of F1, that of precision and recall"),
    "auroc": Measure(HIGH, label="AUROC", about="the mean over classes of the area under the ROC curve"),
    "all_right": Measure(HIGH, share=True, about="the share of rows of which every label is right"),
    "log_loss": Measure(LOW, about="the mean negative logarithm of the probability of the true class"),
    "calibration_error": Measure(LOW, about="how far the probabilities are from the shares that are right"),
    "loss": LOSS,
}
ZERO: Any = {"zero_division": 0}  # what a class that is never answered counts


@dataclass(frozen=True)
class Target:
    """What is answered.

    Args:
        kind: ``"classes"``, ``"labels"`` or ``"number"``.
        names: of the classes or labels, in the order of the outputs.
        mean, scale: of a number, as it was learnt from.
        separator: what stands between several labels in one cell.
        decimal, thousands, currency, percent, unit, short: how a number is written, as a notation has them.
    """

    kind: str
    names: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    separator: str = ""
    decimal: str = PLAIN.decimal
    thousands: str = PLAIN.thousands
    currency: str = PLAIN.currency
    percent: bool | None = PLAIN.percent
    unit: str = PLAIN.unit
    short: bool = PLAIN.short

    @property
    def notation(self) -> Notation:
        return Notation(self.decimal, self.thousands, self.currency, self.percent, self.unit, self.short)

    @property
    def size(self) -> int:
        """Outputs of a model."""
        return len(self.names) or 1

    def encode(self, labels: Sequence[Any]) -> tuple[np.ndarray, dict[int, str]]:
        """Labels as numbers, ``[N]``, or ``[N, K]`` where there may be several; and what is wrong with which rows."""
        place, wrong = {plain(name): n for n, name in enumerate(self.names)}, {}
        place |= {name: n for n, name in enumerate(self.names)}
        if self.kind == "labels":
            found = np.zeros((len(labels), len(self.names)), np.float32)
        else:
            found = np.zeros(len(labels), np.int64 if self.kind == "classes" else np.float32)
        numbers = _as_numbers(labels, self.notation) if self.kind == "number" else []
        for row, label in enumerate(labels):
            if self.kind == "number":
                number = numbers[row]
                if number is None:
                    percent = "" if self.percent is None else " in percent" if self.percent else " without percent"
                    wrong[row] = f"the label is {quoted(label)}, not a number{percent}"
                elif abs(number) > LARGEST or abs(number - self.mean) > FARTHEST * self.scale:
                    wrong[row] = f"the label {number:g} is too large to compute with, beside those that were learnt"
                else:
                    found[row] = (number - self.mean) / self.scale
                continue
            for name in parts(label, self.separator) if self.kind == "labels" else [as_name(label)]:
                if (known := place.get(name, place.get(plain(name)))) is None:
                    wrong[row] = f"the label {quoted(name)} was not learnt"
                elif self.kind == "labels":
                    found[row, known] = 1
                else:
                    found[row] = known
        return found, wrong

    def has(self, label: Any) -> bool:
        """Whether something is a label that was learnt, or a number where numbers are answered."""
        return not self.encode([label])[1]

    def loss(self, logits: Tensor, truth: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        """The mean loss of a batch: cross entropy, of each label apart where there may be several, or squares."""
        if self.kind == "classes":
            return F.cross_entropy(logits, truth, weights, label_smoothing=smoothing)
        if self.kind == "labels":
            return F.binary_cross_entropy_with_logits(logits, truth, pos_weight=weights)
        return F.mse_loss(logits[:, 0], truth)

    def outputs(self, logits: Tensor) -> np.ndarray:
        """Logits as probabilities ``[N, K]``, or as numbers ``[N, 1]``."""
        if self.kind == "classes":
            return torch.softmax(logits.double(), -1).cpu().numpy()
        if self.kind == "labels":
            return torch.sigmoid(logits.double()).cpu().numpy()
        return logits.double().cpu().numpy() * self.scale + self.mean

    def answers(self, outputs: np.ndarray) -> pl.DataFrame:
        """Rows of outputs as people read them: what is answered, and the probability of each class by its name."""
        if self.kind == "number":
            return pl.DataFrame({"predicted": outputs[:, 0]})
        shares = {f"p_{name}": outputs[:, n] for n, name in enumerate(self.names)}
        if self.kind == "labels":
            said = [[name for name, p in zip(self.names, row, strict=True) if p >= 0.5] for row in outputs]
            return pl.DataFrame({"predicted": pl.Series(said, dtype=pl.List(pl.String)), **shares})
        said = [self.names[n] for n in outputs.argmax(1)]
        return pl.DataFrame({"predicted": pl.Series(said, dtype=pl.String), "probability": outputs.max(1), **shares})

    def remarks(self, outputs: np.ndarray) -> list[str]:
        """That all answers are the same, where they are."""
        if self.kind == "number":
            flat = len(outputs) > 1 and np.ptp(outputs) < SAME * self.scale
            return [f"All {len(outputs):,} answers are nearly the same, about {outputs.mean():.4g}."] if flat else []
        return same_answers(self.answers(outputs)["predicted"].to_list())

    def measures(self, outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """How good outputs are, beside the truth as ``encode`` gives it."""
        if self.kind == "number":
            found = _of_numbers(outputs[:, 0], truth.astype(np.float64) * self.scale + self.mean)
        else:
            found = _of_classes(outputs, truth) if self.kind == "classes" else _of_labels(outputs, truth)
        return {name: value for name, value in found.items() if np.isfinite(value)}  # one class alone has no area


def find_target(labels: Sequence[Any], wish: str = "", dialect: Dialect = UNKNOWN) -> Target:
    """What kind of labels these are, announced in one line.

    Args:
        labels: as they stand in the data.
        wish: the kind, where the user says it.
        dialect: how the file is written that they are of.

    Raises:
        ElmanError: labels from which nothing can be learnt.
    """
    if wish and wish not in KINDS:
        raise ElmanError(f"--kind is {', '.join(KINDS[:-1])} or {KINDS[-1]}, not {wish!r}")
    notation, written_with = _notation(labels, dialect) if wish in ("", "number") else (PLAIN, [])
    decimals = wish == "" and notation.decimal == "," and _have_decimals(labels, dialect)
    separator = _separator(labels) if wish in ("", "labels") and not decimals else ""
    several = any(isinstance(label, list | tuple) for label in labels) or bool(separator)
    kind = wish or ("labels" if several else "number" if _are_amounts(labels, notation) else "classes")
    if kind == "number":
        read = _as_numbers(labels, notation)
        numbers = np.array([number for number in read if number is not None])
        if len(numbers) and (largest := np.abs(numbers).max()) > LARGEST:
            raise ElmanError(
                f"the labels reach {largest:g}, and only numbers up to {LARGEST:g} have squares that can be computed "
                "with; divide them"
            )
        words = (each for each, number in zip(labels, read, strict=True) if number is None and each is not None)
        name = next(map(quoted, words), "")
        if name and not len(numbers):
            raise ElmanError(
                f"the labels are names and no numbers, such as {name}; a Classifier, or --kind classes, learns names"
            )
        if not len(numbers) or numbers.std() == 0:
            rows = f"{len(numbers):,} sample{'s' if len(numbers) != 1 else ''}"
            said = f"the labels of {rows} are all the same" if len(numbers) else "no row has a label"
            others = f", and others are no numbers, such as {name}" if name else ""
            raise ElmanError(f"{said}{others}; there is nothing to learn from them")
        if written_with:
            log.info("the label is written with %s", ", ".join(written_with))
        log.info("the label is a number, from %g to %g", numbers.min(), numbers.max())
        written = asdict(replace(notation, percent=bool(notation.percent)))
        return Target("number", mean=float(numbers.mean()), scale=float(numbers.std()), **written)
    counts = Counter(
        name for label in labels for name in (parts(label, separator) if kind == "labels" else [as_name(label)])
    )
    counts = _joined(counts)
    names = tuple(sorted(counts, key=_order))
    if not names:
        raise ElmanError("no row has a label")
    if kind == "classes" and len(names) == 1:
        raise ElmanError(f"all rows have the label {quoted(names[0])}; there is nothing to learn from one class")
    if kind == "classes" and len(names) > max(2, len(labels) / 2):
        words = [name for name, number in zip(names, _as_numbers(names, notation), strict=True) if number is None]
        hint = "--label-column says which column has it" if words else "a Regressor, or --kind number, learns numbers"
        if 0 < 2 * len(words) < len(names):
            hint = f"nearly all are numbers, but not {', '.join(map(quoted, words[:3]))}"
        raise ElmanError(
            f"the label has {len(names):,} different values in {len(labels):,} rows, too many for classes; {hint}"
        )
    shown = ", ".join(f"{name} {counts[name]:,}" for name in names[:8]) + (", ..." if len(names) > 8 else "")
    log.info("%s %s: %s", len(names), "labels, several a row," if kind == "labels" else "classes", shown)
    if once := [name for name in names if counts[name] == 1]:
        log.warning("seen only once, so never held out: %s", ", ".join(once[:5]) + (", ..." if len(once) > 5 else ""))
    return Target(kind, names, separator=separator)


def _joined(counts: Counter[str]) -> Counter[str]:
    """Names, of which those that are the same number, or the same of true and false, are one; what is alike is told."""
    one, joined = one_each(counts), Counter[str]()
    for name, number in counts.items():
        joined[one[name]] += number
    spelt = [f"{name} {counts[name]:,} is {one[name]}" for name in counts if one[name] != name]
    if spelt:
        more = f" and {len(spelt) - SPELT} more" if len(spelt) > SPELT else ""
        log.warning("labels that are written differently are one: %s%s", ", ".join(spelt[:SPELT]), more)
    tell_alike("labels", joined)
    return joined


def as_name(label: Any) -> str:
    """A label as text; 1.0 is 1."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label).strip()


def parts(label: Any, separator: str) -> list[str]:
    """Several labels of one row."""
    found = label if isinstance(label, list | tuple) else str(label).split(separator) if separator else [label]
    return [name for each in found if (name := as_name(each))]


def _separator(labels: Sequence[Any]) -> str:
    """What stands between several labels in one cell, if the parts recur more than the cells do."""
    cells = [label for label in labels if isinstance(label, str)]
    for separator in ("|", ";", ","):
        if any(separator in cell for cell in cells):
            kinds = {part.strip() for cell in cells for part in cell.split(separator)}
            if len(kinds) < len(set(cells)):
                return separator
    return ""


def _as_numbers(labels: Sequence[Any], notation: Notation) -> list[float | None]:
    """Labels as finite numbers; None where one is none."""
    texts = pl.Series([label if isinstance(label, str) else None for label in labels], dtype=pl.String)
    read = as_numbers(texts, notation)
    found = [read[row] if isinstance(label, str) else _as_float(label) for row, label in enumerate(labels)]
    return [number if number is not None and np.isfinite(number) else None for number in found]


def _as_float(label: Any) -> float | None:
    try:
        return float(label)
    except (TypeError, ValueError):
        return None


def _notation(labels: Sequence[Any], dialect: Dialect) -> tuple[Notation, list[str]]:
    """How labels are written that are numbers, and the same in words where it is not plain."""
    texts = pl.Series([label for label in labels if isinstance(label, str)], dtype=pl.String)
    own = readings(texts.filter(has_value(texts)), dialect)
    if not own.numeric:
        return PLAIN, []
    notation = decided(own, {own.decimal} - {""}, dialect)
    if notation is None:
        raise ElmanError(f"a label is {either(own)}, or --kind labels for several a row")
    return notation, in_words(own, notation)


def _have_decimals(labels: Sequence[Any], dialect: Dialect) -> bool:
    """Whether cells such as 1,5 are numbers and no lists: parts of a list are in order, and none begins with 0."""
    if dialect.separator == ";" or dialect.decimal == ",":
        return True
    pairs = [cell.strip().split(",") for cell in labels if isinstance(cell, str) and cell.count(",") == 1]
    whole = [(before, after) for before, after in pairs if before.isdecimal() and after.isdecimal()]
    return any(after.startswith("0") or int(before) >= int(after) for before, after in whole)


def _are_amounts(labels: Sequence[Any], notation: Notation) -> bool:
    """Whether labels are amounts and not the numbers of classes: with fractions, or of very many kinds."""
    numbers = _as_numbers(labels, replace(notation, percent=None))  # those that are percent and those that are not
    known = [number for number in numbers if number is not None]
    nothing = ~has_value(pl.Series([label if isinstance(label, str) else "0" for label in labels], dtype=pl.String))
    if len(known) < 0.95 * (len(labels) - int(nothing.sum())):
        return False
    kinds = len(set(known))
    return kinds > 2 and (any(not number.is_integer() for number in known) or kinds > max(30, len(known) / 10))


def _order(name: str) -> tuple[int, float, str]:
    number = _as_float(name)
    return (1, 0.0, name) if number is None or np.isnan(number) else (0, number, name)


def _of_classes(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score

    answered = outputs.argmax(1)
    chosen = outputs[np.arange(len(truth)), truth].clip(1e-15, 1)
    return {
        "accuracy": float(accuracy_score(truth, answered)),
        "macro_f1": float(f1_score(truth, answered, average="macro", **ZERO)),
        "auroc": _auroc(np.eye(outputs.shape[1])[truth], outputs),
        "log_loss": float(-np.log(chosen).mean()),
        "calibration_error": _calibration(outputs.max(1), answered == truth),
    }


def _of_labels(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import f1_score

    answered = outputs >= 0.5
    clipped = outputs.clip(1e-15, 1 - 1e-15)
    return {
        "all_right": float((answered == (truth > 0.5)).all(1).mean()),
        "micro_f1": float(f1_score(truth, answered, average="micro", **ZERO)),
        "macro_f1": float(f1_score(truth, answered, average="macro", **ZERO)),
        "auroc": _auroc(truth, outputs),
        "log_loss": float(-(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped)).mean()),
        "calibration_error": _calibration(
            np.maximum(clipped, 1 - clipped).ravel(), (answered == (truth > 0.5)).ravel()
        ),
    }


def _of_numbers(outputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    errors = outputs - truth
    variance = float(((truth - truth.mean()) ** 2).mean())
    rest = 1 - float((errors**2).mean()) / variance if variance else float("nan")
    return {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt((errors**2).mean())), "r2": rest}


def _auroc(truth: np.ndarray, outputs: np.ndarray) -> float:
    """The mean area under the curve of each class against the others, of those that occur and are not all there is.

    It is the share of pairs, one row of the class and one of the others, of which the former has the higher output: by
    the ranks of all, since a curve for each of thousands of classes takes minutes.
    """
    from scipy.stats import rankdata

    shares = truth.mean(0)
    if len(shares) == 2 and np.allclose(shares.sum(), 1):
        truth, outputs, shares = truth[:, 1:], outputs[:, 1:], shares[1:]
    areas = []
    for k in np.flatnonzero((shares > 0) & (shares < 1) & np.isfinite(outputs).all(0)):
        own = truth[:, k] > 0.5
        one, other = int(own.sum()), int((~own).sum())
        areas.append((rankdata(outputs[:, k])[own].sum() - one * (one + 1) / 2) / (one * other))
    return float(np.mean(areas)) if areas else float("nan")


def _calibration(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015): how far confidence is from the share that is right, by bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.abs(np.bincount(bins, confidence - right, BINS))
    return float(gap.sum() / len(right))
