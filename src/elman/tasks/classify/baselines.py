"""Simple methods beside which a classifier is judged, from scikit-learn."""

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.data.sequences import Sequenced
from elman.errors import ElmanError
from elman.tasks.classify.target import Target

log = logging.getLogger(__name__)

MOST = 10_000_000  # classes times texts from which a simple method learns
TEXTS = 100_000  # from which tf-idf learns at most
SHARE = 10  # numbers of a series that cost as much as a text


def simple_methods(
    target: Target,
    inputs: Any,
    learnt: Sequence[Any],
    truth: np.ndarray,
    judged: Sequence[Any],
    judged_truth: np.ndarray,
) -> dict[str, Callable[[], dict[str, float]]]:
    """Each method by its name, as a function that learns it and gives its measures."""

    def majority() -> dict[str, float]:
        classes = target.kind == "classes"
        counted = np.bincount(truth, minlength=target.size) / len(truth) if classes else truth.mean(0)
        share = np.atleast_1d(counted)
        outputs = np.tile(share * target.scale + target.mean, (len(judged), 1))
        return target.measures(outputs, judged_truth)

    def tfidf() -> dict[str, float]:
        chosen = list(range(len(learnt)))
        if len(chosen) > TEXTS:
            log.info("tf-idf learns from %s of the %s texts", f"{TEXTS:,}", f"{len(chosen):,}")
            chosen = np.random.default_rng(1).permutation(len(chosen))[:TEXTS].tolist()
        _check_cost(target, len(chosen))
        known, asked = [inputs.part(learnt[row]) for row in chosen], [inputs.part(each) for each in judged]
        return target.measures(_fitted(target, _text_model(target), known, truth[chosen], asked), judged_truth)

    def features() -> dict[str, float]:
        known, asked = (np.stack([describe(each) for each in part]) for part in (learnt, judged))
        _check_cost(target, len(learnt) * known.shape[1] // SHARE)
        return target.measures(_fitted(target, _table_model(target), known, truth, asked), judged_truth)

    first = "mean" if target.kind == "number" else "majority"
    if learnt and isinstance(learnt[0], Sequenced):
        return {first: majority, "gradient boosting": features}
    return {first: majority, "tf-idf" + (" + ridge" if target.kind == "number" else " + logistic"): tfidf}


def _check_cost(target: Target, rows: int) -> None:
    """Refuse what would take hours, since it learns each class by itself.

    Raises:
        ElmanError: how many classes and rows there are.
    """
    if target.kind != "number" and target.size * rows > MOST:
        raise ElmanError(f"{target.size:,} classes are too many for it")


def _fitted(target: Target, model: Any, learnt: Any, truth: np.ndarray, judged: Any) -> np.ndarray:
    """What a model of scikit-learn answers, in the order of the target's outputs."""
    if target.kind == "number":
        return model.fit(learnt, truth).predict(judged)[:, None] * target.scale + target.mean
    if target.kind == "classes":
        with warnings.catch_warnings():  # that there are many classes is said as the data is read
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            found = model.fit(learnt, truth)
        outputs = np.zeros((len(judged), target.size))
        outputs[:, found.classes_] = found.predict_proba(judged)
        return outputs
    outputs = np.zeros((len(judged), target.size))
    for k in range(target.size):
        labels = truth[:, k] > 0.5
        outputs[:, k] = (
            model.fit(learnt, labels).predict_proba(judged)[:, 1] if 0 < labels.mean() < 1 else labels.mean()
        )
    return outputs


def _text_model(target: Target) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+")
    spelling = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    last = Ridge() if target.kind == "number" else LogisticRegression(C=10.0, max_iter=1000)
    return make_pipeline(make_union(words, spelling), last)


def _table_model(target: Target) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    make: Any = HistGradientBoostingRegressor if target.kind == "number" else HistGradientBoostingClassifier
    return make(max_iter=100, min_samples_leaf=5, random_state=0, early_stopping=False)


def describe(series: Sequenced) -> np.ndarray:
    """A series in a few numbers a channel: mean, spread, least, most, first, last, slope, change, how many.

    Example:
        >>> describe(Sequenced(np.array([[1.0], [3.0]], np.float32), np.array([0.0, 1.0]))).tolist()
        [2.0, 2.0, 1.0, 1.0, 3.0, 1.0, 3.0, 2.0, 2.0, 2.0]
    """
    found: list[float] = [float(len(series.values))]
    for channel in series.values.T.astype(np.float64):
        known = ~np.isnan(channel)
        values, at = channel[known], series.times[known]
        if not len(values):
            found += [np.nan] * 8 + [0.0]
            continue
        spread = at.std()
        slope = float(((at - at.mean()) * (values - values.mean())).mean() / spread**2) if spread else 0.0
        change = float(np.abs(np.diff(values)).mean()) if len(values) > 1 else 0.0
        found += [
            values.mean(),
            values.std(),
            values.min(),
            values.max(),
            values[0],
            values[-1],
            slope,
            change,
            len(values),
        ]
    return np.array(found)
