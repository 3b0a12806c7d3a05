"""What scikit-learn asks of an estimator, and what of it is not for ours, with the reason."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_classifiers_train, parametrize_with_checks

from elman import AnomalyDetector, Classifier, Regressor
from elman.tasks.anomaly import task as anomaly_task

QUICK: dict[str, Any] = {"hidden": 8, "steps": 5, "lr": 0.01, "save_every": 1e9, "verbose": False}
# of a short memory, so that in streams of few rows some errors stand out
DETECTOR = {**QUICK, "horizons": "1", "smooth": 1, "memory": 20, "false_alarm_rate": 0.4, "probation": 0.9}
A_COLUMN = "y of one column is taken as it is, without a warning: people who come from Keras hold it so"
FEW = "it gives fewer rows than a detector of streams takes, which is more than ours gets in this test"

EXCLUDED: dict[str, dict[str, str]] = {
    "Classifier": {
        "check_supervised_y_2d": A_COLUMN,
        "check_classifiers_train": "five steps are too few for it; it has a test of its own, with more",
    },
    "Regressor": {
        "check_supervised_y_2d": A_COLUMN,
        "check_regressors_train": "its y is linear in the columns, whatever their order; a recurrence takes them for "
        "steps in time, and would have to count them",
    },
    "AnomalyDetector": {
        "check_fit_score_takes_y": "its y is of many classes, and score takes whether rows are anomalies",
        "check_fit1d": "an array of one dimension is a stream of one channel",
        "check_n_features_in_after_fitting": FEW,
        "check_classifier_data_not_an_array": FEW,
        "check_fit2d_1feature": FEW,
        "check_fit2d_1sample": FEW,
    },
}


def excluded(estimator: BaseEstimator) -> dict[str, str]:
    return EXCLUDED[type(estimator).__name__]


@parametrize_with_checks(
    [Classifier(**QUICK), Regressor(**QUICK), AnomalyDetector(**DETECTOR)],
    expected_failed_checks=excluded,
    xfail_strict=True,
)
@pytest.mark.filterwarnings("ignore:SCIPY_ARRAY_API is not set")
def test_scikit_learns_own_checks(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomaly_task, "FEWEST", 20)  # the checks have few rows
    check(estimator)


def test_a_classifier_learns_what_scikit_learn_gives_it() -> None:
    check_classifiers_train("Classifier", Classifier(**{**QUICK, "steps": 60, "lr": 0.02}))


def waves(rows: int = 60, steps: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Series that rise or fall, and which of both each does."""
    random = np.random.default_rng(0)
    rising = np.arange(rows) % 2
    slopes = np.where(rising, 1.0, -1.0)[:, None] * np.linspace(-1, 1, steps)
    return slopes + 0.1 * random.normal(size=(rows, steps)), rising


def test_it_is_validated_across_folds() -> None:
    x, y = waves()
    model = Classifier(**{**QUICK, "steps": 60, "lr": 0.03, "dropout": 0.0})
    assert cross_val_score(model, x, y, cv=3).mean() > 0.9
    assert cross_val_score(Regressor(**QUICK), x, x.mean(1), cv=3).shape == (3,)


def test_its_options_are_searched() -> None:
    x, y = waves()
    search = GridSearchCV(Classifier(**QUICK), {"cell": ["elman", "gru"], "hidden": [4, 6]}, cv=2).fit(x, y)
    assert set(search.best_params_) == {"cell", "hidden"}
    assert len(search.cv_results_["params"]) == 4
    assert search.predict(x).shape == y.shape


def test_it_ends_a_pipeline() -> None:
    x, y = waves()
    model: Any = make_pipeline(StandardScaler(), FunctionTransformer(lambda x: x[..., None]), Classifier(**QUICK))
    assert model.fit(x, y).predict(x).shape == y.shape
    assert model[-1].task_.layout.channels == ("channel 1",)
    assert 0 <= model.score(x, y) <= 1


def test_a_clone_has_the_options_and_no_model() -> None:
    x, y = waves()
    model = Classifier(**QUICK).fit(x, y)
    twin: Any = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "task_")
    twin.set_params(hidden=4)
    assert (twin.hidden, model.hidden) == (4, 8)
    with pytest.raises(ValueError, match="Invalid parameter 'hiden'"):
        twin.set_params(hiden=4)
