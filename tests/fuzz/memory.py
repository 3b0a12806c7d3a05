"""Scripts that give an estimator what is no data, or hardly any."""

from collections.abc import Sequence
from random import Random

from fuzz.values import odd

HEAD = """\
import datetime, decimal
import numpy as np, pandas as pd, polars as pl, torch
import elman
"""

SOUND = {
    "Classifier": ("['so good', 'so bad'] * 10", "['yes', 'no'] * 10"),
    "Regressor": ("np.random.default_rng(0).normal(size=(20, 5))", "np.arange(20.0)"),
    "Forecaster": ("pl.DataFrame({'time': range(60), 'load': np.sin(np.arange(60) / 3)})", "None"),
    "AnomalyDetector": ("np.sin(np.arange(200) / 4)", "None"),
    "Recommender": ("[['a', 'b', 'c'], ['b', 'c', 'a']] * 8", "None"),
    "Tagger": ("[['Ann', 'saw'], ['Tom', 'left']] * 8", "[['P', 'O'], ['P', 'O']] * 8"),
    "Translator": ("['ab', 'ba', 'aab', 'bba'] * 6", "['AB', 'BA', 'AAB', 'BBA'] * 6"),
    "LanguageModel": ("'the sun rose over the sea.\\n' * 40", "None"),
}
SMALL = {
    "Classifier": "hidden=4, embedding=4, spelling=0", "Regressor": "hidden=4, embedding=4, spelling=0",
    "Forecaster": "hidden=4, horizon=3", "AnomalyDetector": "hidden=4, bptt=16, horizons='1,3'",
    "Recommender": "hidden=4, embedding=4", "Tagger": "hidden=4, embedding=4, spelling=0",
    "Translator": "hidden=4, embedding=4, beam=2", "LanguageModel": "hidden=4, embedding=4, bptt=16, samples=2",
}  # fmt: skip

ODD = (
    "None", "[]", "()", "{}", "''", "b''", "0", "1.5", "True", "object()", "range(20)", "iter([])",
    "(x for x in 'ab' * 10)", "[None] * 20", "[1] * 20", "[float('nan')] * 20", "[''] * 20", "[b'a'] * 20",
    "[[]] * 20", "[[], [1.0]] * 10", "['a', 1] * 10", "[['a'], 'a'] * 10", "[{'text': 'a'}] * 20",
    "[{'a': 1}, {'b': 2}] * 10", "[(1, 2)] * 20", "[('a',)] * 20", "[None, 'a'] * 10", "['\\ud800'] * 20",
    "['\\0'] * 20", "[datetime.date(2024, 1, 1)] * 20", "[decimal.Decimal('1.5')] * 20", "[np.nan, 1.0] * 10",
    "[np.zeros((3, 2))] * 20", "[np.zeros((n, 1)) for n in range(20)]", "[np.zeros((3, n)) for n in range(20)]",
    "[np.zeros(3), 'a'] * 10", "[True, False] * 10", "[10**400] * 20", "[1j] * 20", "np.array(None)",
    "np.array(1.0)", "np.zeros(0)", "np.zeros((0, 3))", "np.zeros((20, 0))", "np.zeros((20, 3, 0))",
    "np.zeros((2, 3, 4, 5))", "np.zeros((20, 4))", "np.full((20, 4), np.nan)", "np.full((20, 4), np.inf)",
    "np.full((20, 4), 1e308)", "np.full((20, 4), 1e-320)", "np.arange(20)", "np.arange(20).astype(complex)",
    "np.array(['a', None] * 10, object)", "np.array([[1, 'a']] * 20, object)", "np.zeros(20, 'datetime64[D]')",
    "np.zeros(20, [('a', 'i4'), ('b', 'f8')])", "np.array([b'a', b'b'] * 10)",
    "np.ma.masked_array(np.arange(20.0), [0, 1] * 10)",
    "np.random.default_rng(0).normal(size=(20, 5)).astype(np.float16)", "np.matrix(np.ones((20, 2)))",
    "np.eye(20) > 0", "np.random.default_rng(0).normal(size=(1, 5))",
    "np.random.default_rng(0).normal(size=(20, 5))[:, ::-1]", "torch.zeros(20, 3)",
    "torch.zeros(20, 3, requires_grad=True)", "torch.zeros(20, 3, dtype=torch.bfloat16)",
    "torch.zeros(20, 3).to_sparse()", "torch.zeros(20, 3, device='meta')", "torch.full((20, 2), float('nan'))",
    "pl.DataFrame()", "pl.DataFrame({'a': []})", "pl.DataFrame({'text': [None] * 20, 'label': [None] * 20})",
    "pl.DataFrame({'text': ['a', 'b'] * 10, 'label': [[1], [2]] * 10})", "pl.DataFrame({'x': [{'a': 1}] * 20})",
    "pl.DataFrame({'time': [datetime.time(1)] * 20, 'x': range(20)})", "pl.DataFrame({'x': [b'a'] * 20})",
    "pl.DataFrame({'x': [decimal.Decimal('1.5')] * 20})",
    "pl.DataFrame({'time': [datetime.timedelta(1)] * 20, 'x': range(20)})",
    "pl.DataFrame({f'x_{n}': [0.5] * 20 for n in range(300)})", "pl.DataFrame({'': ['a'] * 20, ' ': ['b'] * 20})",
    "pl.DataFrame({'text': ['a', 'b'] * 10, 'label': ['x', 'y'] * 10}).lazy()", "pl.Series(['a', 'b'] * 10)",
    "pl.Series([[1, 2], [3]] * 10)", "pl.Series([None] * 20)", "pl.DataFrame({'x': [float('inf')] * 20})",
    "pl.DataFrame({'text': ['a b', 'c'] * 10}, schema={'text': pl.Categorical})",
    "pl.DataFrame({'x': [2**63] * 20})", "pd.DataFrame()", "pd.DataFrame({'a': []})",
    "pd.DataFrame({'x': pd.Categorical(['a', 'b'] * 10)})", "pd.DataFrame([[1, 2]] * 20, columns=['a', 'a'])",
    "pd.DataFrame([[1, 2]] * 20, columns=[('a', 1), ('b', 2)])", "pd.DataFrame({1: range(20), 2: range(20)})",
    "pd.DataFrame({None: range(20)})", "pd.DataFrame({'t': pd.NaT}, index=range(20))",
    "pd.DataFrame({'x': range(20)}, index=pd.date_range('2024', periods=20, freq='h'))",
    "pd.DataFrame({'x': range(20)}, index=pd.date_range('2024', periods=20, freq='h', tz='Europe/Berlin'))",
    "pd.DataFrame({'x': range(20)}, index=pd.period_range('2024', periods=20, freq='M'))",
    "pd.DataFrame({'x': range(20)}, index=[pd.Timestamp('2024')] * 20)",
    "pd.DataFrame({'x': pd.array([1, None] * 10, 'Int64')})",
    "pd.DataFrame({'x': range(20)}, index=pd.MultiIndex.from_product([['a', 'b'], range(10)]))",
    "pd.DataFrame({'x': pd.arrays.SparseArray([0, 1] * 10)})", "pd.DataFrame({'x': pd.interval_range(0, 20)})",
    "pd.DataFrame({'x': [1, 'a', None, [2]] * 5})", "pd.DataFrame({'x': [1 + 2j] * 20})",
    "pd.Series(['a', None] * 10)", "pd.Series(range(20), index=pd.date_range('2024', periods=20))",
    "pd.Series(pd.date_range('2024', periods=20))", "pd.Series([pd.Timedelta(1)] * 20)", "pd.Index(['a', 'b'] * 10)",
    "pd.Series(dtype=float)", "pd.date_range('2024', periods=20)", "{'a': [1, 2], 'b': [1]}", "{'a': 1}",
    "{'text': ['a'] * 20, 'label': 'b'}", "{1: [1] * 20}", "{'x': np.zeros((20, 2))}",
    "{'text': ['a', 'b'] * 10, 'label': ['x', 'y'] * 10}", "{'time': range(60), 'x': range(60)}",
    "{'x': [1e300, -1e300] * 30}", "{'user': ['a', None] * 10, 'item': ['x', 'y'] * 10}",
    "{'tokens': [['a'], []] * 10, 'tags': [['P'], []] * 10}",
    "{'source': ['a', None] * 10, 'target': ['b', 'c'] * 10}", "'no such file.csv'", "'a\\nb'", "'\\0'",
    "'x' * 5000", "memoryview(b'abc')", "{'a', 'b'}", "elman", "print", "Ellipsis",
    "type('X', (), {'__array__': lambda self: 1})()",
)  # fmt: skip

ASKED = {
    "Classifier": ("predict", "predict_proba", "predict_frame", "score"),
    "Regressor": ("predict", "predict_frame", "score"),
    "Forecaster": ("predict", "predict_frame", "evaluate"),
    "AnomalyDetector": ("predict", "score_samples", "predict_frame"),
    "Recommender": ("predict", "predict_frame", "evaluate"),
    "Tagger": ("predict", "predict_frame", "score"),
    "Translator": ("predict", "predict_frame", "evaluate"),
    "LanguageModel": ("evaluate", "generate"),
}


def script(random: Random) -> str:
    """Lines that learn from something odd, or ask a sound model about it."""
    name = random.choice(list(SOUND))
    data, labels = SOUND[name]
    made = f"model = elman.{name}({SMALL[name]}, steps=2, batch=8, baselines=False, verbose=False)"
    ask = random.choice(ASKED[name])
    roll = random.random()
    if roll < 0.45:
        X, y = (_odd(random), labels) if random.random() < 0.7 else (data, _odd(random))
        y = _odd(random) if random.random() < 0.3 else y
        return _lines(made, f"X, y = {X}, {y}", "model.fit(X, y)", _call(ask, "X"))
    if roll < 0.55:
        return _lines(made, f"model.fit({data}, {labels})", f"model.partial_fit({_odd(random)}, {_odd(random)})")
    more = f", {_odd(random)}" if ask in ("score", "evaluate") and random.random() < 0.5 else ""
    return _lines(made, f"model.fit({data}, {labels})", _call(ask, _odd(random) + more))


def _call(method: str, given: str) -> str:
    return f"list(model.generate({given}, length=5))" if method == "generate" else f"model.{method}({given})"


def _odd(random: Random) -> str:
    """An expression: what is no data, or a list or columns of odd cells."""
    if random.random() < 0.75:
        return random.choice(ODD)
    cells = [odd(random)[:2000] for _ in range(20)]
    other = random.choice((["good", "bad"] * 10, list(range(20)), [odd(random)[:50] for _ in range(20)]))
    names = random.sample(("text", "label", "time", "value", "user", "item", "tokens", "tags", "source", "target"), 2)
    return random.choice(
        (repr(cells), repr(dict(zip(names, (cells, other), strict=True))), f"np.array({cells!r}, object)")
    )


def _lines(*lines: str) -> str:
    return HEAD + "".join(f"{line}\n" for line in lines)


def without(text: str) -> Sequence[str]:
    """A script with one of its lines, behind the head, left out."""
    lines = text.splitlines(keepends=True)
    head = HEAD.count("\n")
    return ["".join(lines[:n] + lines[n + 1 :]) for n in range(head, len(lines))]
