"""The classic tasks: right answers worked out another way, and what answers without memory cost."""

import math
import re
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
import torch
from classic import (
    Adding,
    Batch,
    Classic,
    Copy,
    Digits,
    Forecast,
    Reber,
    TemporalOrder,
    lorenz_series,
    mackey_glass_series,
)
from dynamics import lorenz, mackey_glass
from scipy.integrate import solve_ivp
from sklearn.datasets import load_digits

from elman.errors import ElmanError

TASKS = [
    Adding(20),
    Copy(5),
    TemporalOrder(20),
    Reber(),
    Digits(),
    Digits(permuted=True),
    Forecast(mackey_glass_series, ahead=15, length=40),
    Forecast(lorenz_series, ahead=10, length=40),
]
FROM_4 = "(XT*VP)*(S|XT*VV)"
REBER = f"B(TS*X{FROM_4}|PT*V(V|P{FROM_4}))E"


def draw(task: Classic, size: int = 500, held_out: bool = False) -> Batch:
    return next(task.batches(size, seed=3, held_out=held_out))


def perfect(task: Classic, batch: Batch) -> torch.Tensor:
    if batch.target.dtype == torch.int64:
        return torch.nn.functional.one_hot(batch.target, task.outputs).float() * 50
    return batch.target


def reber_strings(batch: Batch) -> list[str]:
    return [
        "".join("BTSXPVE"[k] for k in row[asked].argmax(-1)) for row, asked in zip(batch.x, batch.asked, strict=True)
    ]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
class TestEveryTask:
    def test_shapes(self, task):
        batch = draw(task, 7)
        count = int(batch.asked.sum())
        assert batch.x.shape == (*batch.asked.shape, task.inputs)
        assert batch.x.dtype == torch.float32
        assert list(batch.target.shape) in ([count], [count, task.outputs])

    def test_the_seed_decides(self, task):
        def first(seed: int, held_out: bool = False) -> torch.Tensor:
            return torch.cat([batch.x.flatten() for batch in islice(task.batches(40, seed, held_out), 2)])

        same = first(1)
        assert torch.equal(same, first(1))
        for other in (first(2), first(1, held_out=True)):
            assert same.shape != other.shape or not torch.equal(same, other)

    def test_right_answers_have_no_error(self, task):
        batch = draw(task)
        assert task.error(perfect(task, batch), batch) == 0

    def test_a_batch_of_nothing_is_refused(self, task):
        with pytest.raises(ElmanError, match="batch_size must be at least 1, not 0"):
            task.batches(0, seed=1)


@pytest.mark.parametrize(
    "task", [Adding(20), Copy(5), TemporalOrder(), *TASKS[4:]], ids=lambda task: type(task).__name__
)
def test_the_baseline_is_that_of_one_answer_for_all(task):
    batch = draw(task, 2000)
    if batch.target.dtype == torch.int64:
        answers = torch.zeros(len(batch.target), task.outputs)
        answers[:, 1] = 1
    else:
        answers = batch.target.mean().expand(len(batch.target), 1)
    assert task.error(answers, batch) == pytest.approx(task.baseline, rel=0.07)


def test_adding():
    batch = draw(Adding(21))
    values, marks = batch.x.unbind(-1)
    assert (marks[:, :10].sum(1) == 1).all()
    assert (marks[:, 10:].sum(1) == 1).all()
    torch.testing.assert_close(batch.target[:, 0], (values * marks).sum(1))
    assert marks.sum(0).gt(0).all()
    assert batch.asked.nonzero()[:, 1].unique().tolist() == [20]


def test_copy():
    delay = 7
    batch = draw(Copy(delay))
    given, target = batch.x.argmax(-1), batch.target.view(batch.asked.shape)
    assert batch.asked.shape[1] == delay + 20
    assert given[:, :10].unique().tolist() == list(range(8))
    assert given[:, 10 : delay + 9].eq(8).all()
    assert given[:, delay + 9].eq(9).all()
    assert given[:, delay + 10 :].eq(8).all()
    assert target[:, : delay + 10].eq(8).all()
    assert torch.equal(target[:, delay + 10 :], given[:, :10])


def test_copying_without_memory_has_the_loss_of_the_paper():
    task = Copy(30)
    batch = draw(task, 4)
    scores = torch.full((*batch.asked.shape, 9), -torch.inf)
    scores[:, :40, 8] = 0
    scores[:, 40:, :8] = 0
    assert task.loss(scores.flatten(0, 1), batch).item() == pytest.approx(10 * math.log(8) / 50)


def test_only_recalled_symbols_count_as_copied():
    task = Copy(5)
    batch = draw(task, 10)
    answers = perfect(task, batch).view(10, 25, 9)
    answers[:, :15] = 0
    assert task.error(answers.flatten(0, 1), batch) == 0
    answers[:, -1] = torch.eye(9)[8]
    assert task.error(answers.flatten(0, 1), batch) == pytest.approx(0.1)


def test_temporal_order():
    batch = draw(TemporalOrder())
    classes, lengths = [], []
    for row, asked in zip(batch.x, batch.asked, strict=True):
        length = int(row.sum())
        text = "".join("abcdEBXY"[k] for k in row[:length].argmax(-1))
        assert asked.nonzero().tolist() == [[length - 1]]
        assert (row[length:] == 0).all()
        places = [(found.start(), found.group()) for found in re.finditer("[XY]", text)]
        assert re.fullmatch("E[abcdXY]*B", text)
        (first, one), (second, two) = places
        assert 10 <= first <= 20
        assert 50 <= second <= 60
        classes.append(["XX", "XY", "YX", "YY"].index(one + two))
        lengths.append(length)
    assert classes == batch.target.tolist()
    assert (min(lengths), max(lengths)) == (100, 110)


@pytest.mark.parametrize("text", ["BTXSE", "BPVVE", "BTSSXXTVVE", "BPVPXVPXVPXVVE", "BTXXTTVPSE"])
def test_the_expression_knows_published_strings(text):
    assert re.fullmatch(REBER, text)


def test_reber_strings_are_of_the_grammar():
    strings = reber_strings(draw(Reber()))
    for text in strings:
        assert re.fullmatch(f"B(T{REBER}T|P{REBER}P)", text), text
    assert 0.4 < sum(text[1] == "T" for text in strings) / len(strings) < 0.6


def test_reber_asks_for_the_symbols_that_do_follow():
    batch = draw(Reber(), 3000)
    followers, asked = defaultdict(set), {}
    for text, answers in zip(reber_strings(batch), batch.target.split(batch.asked.sum(1).tolist()), strict=True):
        for t, answer in enumerate(answers):
            followers[text[: t + 1]].add((text + "E")[t + 1])
            asked[text[: t + 1]] = {"BTSXPVE"[k] for k in answer.nonzero()[:, 0]}
    assert all(followers[prefix] <= asked[prefix] for prefix in asked)
    early = [prefix for prefix in asked if len(prefix) < 5]
    assert len(early) > 8
    assert all(followers[prefix] == asked[prefix] for prefix in early)


def test_forgetting_the_second_symbol_costs_half_of_the_strings():
    task = Reber()
    batch = draw(task, 2000)
    answers = batch.target.clone()
    before_last = [
        text.cumsum(0).eq(text.sum() - 1) & asked for text, asked in zip(batch.asked, batch.asked, strict=True)
    ]
    answers[torch.stack(before_last)[batch.asked]] = torch.eye(7)["BTSXPVE".index("T")]
    assert task.error(answers, batch) == pytest.approx(task.baseline, abs=0.05)


def test_digits_are_all_images_once():
    pixels, classes = load_digits(return_X_y=True)
    known, held_out = (next(Digits().batches(count, 0, held)) for count, held in ((1438, False), (359, True)))
    rows = torch.cat((known.x, held_out.x)).squeeze(-1).numpy() * 16
    found = sorted(
        (*row.astype(int), k) for row, k in zip(rows, torch.cat((known.target, held_out.target)), strict=True)
    )
    assert found == sorted((*row.astype(int), k) for row, k in zip(pixels, classes, strict=True))


def test_permuted_digits_are_the_same_images_in_one_other_order():
    plain, permuted = draw(Digits(), 300), draw(Digits(permuted=True), 300)
    assert torch.equal(plain.target, permuted.target)
    assert not torch.equal(plain.x, permuted.x)
    columns = {tuple(column) for column in permuted.x[..., 0].T.tolist()}
    assert columns == {tuple(column) for column in plain.x[..., 0].T.tolist()}


def test_forecasts_ask_for_what_comes():
    def counting() -> np.ndarray:
        return (1000 * np.arange(8)[:, None] + np.arange(30)).astype(np.float32)

    task = Forecast(counting, ahead=5, length=20)
    for held_out, rows in ((False, range(6)), (True, range(6, 8))):
        batch = draw(task, held_out=held_out)
        x = batch.x[..., 0]
        assert torch.equal(batch.target.view(-1, 10), x[:, 10:] + 5)
        assert torch.equal(x.diff(dim=1), torch.ones(500, 19))
        assert (x[:, 0] // 1000).unique().tolist() == list(rows)
        assert (x[:, 0] % 1000).unique().tolist() == list(range(6))


def test_the_last_value_is_no_better_a_forecast_than_the_mean():
    for series, ahead in ((mackey_glass_series, 15), (lorenz_series, 10)):
        values = series()
        assert abs(values.mean()) < 1e-5
        assert values.std() == pytest.approx(1, rel=1e-5)
        assert np.sqrt(np.mean((values[:, ahead:] - values[:, :-ahead]) ** 2)) > 1


def test_mackey_glass_is_solved():
    start = np.array([1.2, 0.7])
    inflow = 0.2 * start / (1 + start**10)
    time = np.arange(1, 18)[:, None]

    def exact(t):  # while the delayed value is the start, the equation is linear
        return 10 * inflow + (start - 10 * inflow) * np.exp(-t / 10)

    np.testing.assert_allclose(mackey_glass(start, 17), exact(time).T, rtol=1e-7)

    def slope(t, x):
        delayed = exact(t - 17)
        return 0.2 * delayed / (1 + delayed**10) - 0.1 * x

    further = solve_ivp(slope, (17, 34), exact(17), t_eval=range(18, 35), rtol=1e-10, atol=1e-10).y
    np.testing.assert_allclose(mackey_glass(start, 34)[:, 17:], further, rtol=1e-4)


def test_lorenz_is_solved():
    start = np.array([[1.0, 2.0, 20.0], [-5.0, 3.0, 30.0]])

    def slope(t, point):
        x, y, z = point
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    for point, found in zip(start, lorenz(start, 20), strict=True):
        right = solve_ivp(slope, (0, 1), point, t_eval=np.arange(1, 21) / 20, rtol=1e-10, atol=1e-10).y
        np.testing.assert_allclose(found, right.T, atol=2e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adding(1), "length must be at least 2, not 1"),
        (lambda: Copy(0), "delay must be at least 1, not 0"),
        (lambda: TemporalOrder(9), "length must be at least 10, not 9"),
        (lambda: Forecast(lorenz_series, ahead=0), "ahead must be at least 1, not 0"),
        (lambda: Forecast(lorenz_series, ahead=1, length=1), "length must be at least 2, not 1"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ElmanError, match=message):
        make()
