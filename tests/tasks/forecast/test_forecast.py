"""The task of forecasting: what it predicts, from what, and how good simple methods are beside it."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman import tasks
from elman.data.times.clock import Clock
from elman.errors import ElmanError
from elman.tasks.forecast.baselines import linear, seasonal
from elman.tasks.forecast.columns import Columns
from elman.tasks.forecast.metrics import Truth, between, fitting_widths, measures, widened
from elman.tasks.forecast.network import Horizon, ends, pinball
from elman.tasks.forecast.plan import cut_into, learnt_from, parts_of
from elman.tasks.forecast.series import Panel, Series
from elman.tasks.forecast.task import ForecastOptions, ForecastTask
from elman.tasks.forecast.windows import Channels, Unit, Units
from elman.training.runs import fit
from elman.training.task import BadRows, Sources, evaluate


def load(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Hours of a load, and of the warmth that it follows at once."""
    random = np.random.default_rng(0)
    hours, warmth = np.arange(rows), random.standard_normal(rows)
    return 20 + 2 * np.sin(hours * np.pi / 6) + 3 * np.abs(warmth) + 0.1 * random.standard_normal(rows), warmth


def table(rows: int, start: str = "2024-01-01") -> pl.DataFrame:
    values, warmth = load(rows)
    first, hour = np.datetime64(start, "m"), np.timedelta64(1, "h")
    stamps = [str(first + n * hour).replace("T", " ") for n in range(rows)]
    return pl.DataFrame({"time": stamps, "load": values.round(4), "warmth": warmth.round(4)})


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    path = folder / "load.csv"
    table(700).write_csv(path)
    options = {"target": "load", "known": "warmth", "horizon": 6, "context": 24, "split": "0.8/0.2"}
    return path, {**options, "hidden": 32, "batch": 64, "lr": 0.02, "warmup": 5, "dropout": 0.1, "noise": 0.0}


def panel(*series: Any, start: int = 0) -> Panel:
    """Series of one target, of which nothing else is known."""
    made = []
    for n, values in enumerate(series):
        values = np.asarray(values, float)[:, None]
        empty = np.zeros((len(values), 0))
        made.append(Series((f"s{n}",), start, values, empty, empty, np.zeros(0)))
    return Panel("made", Columns("rows", series=("name",), targets=("value",)), Clock("row", 1), made)


def channels(*series: Any, context: int = 4, horizon: int = 2, season: int = 1, units: Units | None = None) -> Channels:
    found = panel(*series)
    units = units or Units.of(found, [len(s) for s in found.series], season)
    return Channels(found, units, context, horizon, season, marks=ends(context, 4))


ONE = {"s0": Unit(0.0, 1.0, 1.0), "s1": Unit(10.0, 2.0, 4.0)}


def test_a_window_is_what_was_before_and_what_came() -> None:
    cut = channels([1, 2, 3, 4, 5, 6, 7], units=Units({"s0": Unit(0, 1)}, [], [], [])).cut(
        np.array([0, 0, 0]), np.array([4, 2, 7])
    )
    nan = np.nan
    np.testing.assert_array_equal(cut.seen, [[1, 2, 3, 4], [nan, nan, 1, 2], [4, 5, 6, 7]])
    np.testing.assert_array_equal(cut.coming, [[5, 6], [3, 4], [nan, nan]])
    assert cut.channel.tolist() == [1, 1, 1]


def test_windows_without_a_value_on_one_side_are_none() -> None:
    nan = np.nan
    found = channels([nan, nan, nan, nan, nan, 1, 2, nan, nan, nan, 3], units=Units({"s0": Unit(0, 1)}, [], [], []))
    _, origins = found.windows(np.array([1]), np.array([9]))
    assert origins.tolist() == [6, 9]  # before 6 nothing was seen; from 7 and 8 nothing comes


def test_no_window_that_is_learnt_from_reaches_into_what_is_held_out(tmp_path: Path) -> None:
    path, options = example(tmp_path)
    chosen = ForecastOptions(**{k: v for k, v in {**options, "split": "400/150/100"}.items() if k in FIELDS})
    read = ForecastTask.read(chosen, Sources(path))
    task = ForecastTask(chosen, ForecastTask.learn(chosen, read))
    data = task.data(read, tmp_path, rows=32, steps=1, seed=1)
    assert data.learnt.origin.max() == 400 - 6
    assert (data.held_out.truth.origin.min(), data.held_out.truth.origin.max()) == (400, 550 - 6)
    assert (data.test.truth.origin.min(), data.test.truth.origin.max()) == (550, 650 - 6)
    assert data.test_name == "test"
    values = load(700)[0][:400].round(4)
    assert task.units.channels["load"][:2] == pytest.approx((values.mean(), values.std()))


FIELDS = set(ForecastOptions.__dataclass_fields__)


def test_measures_by_hand() -> None:
    nan = np.nan
    units = Units(ONE, [], [], [])
    found = channels([1, 2, 4], [14, 10, nan], context=1, units=units)
    truth = Truth(found, np.array([0, 1]), np.array([1, 1]))
    np.testing.assert_array_equal(truth.coming, [[2, 4], [0, nan]])
    forecast = np.array([[[2, 1, 3, 4], [2, 1, 3, 3.5]], [[1, -1, 0.5, 2], [0, 0, 0, 0]]], float)
    found = measures(forecast, truth, [0.1, 0.5, 0.9])
    assert found["scaled_mse"] == pytest.approx((0 + 4 + 1) / 3)
    assert found["mse"] == pytest.approx((0 + 4 + 4) / 3)  # the second channel counts in twos
    assert found["scaled_mae"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert found["mae"] == pytest.approx((1 + 1 + 1) / 3)
    assert found["mase"] == pytest.approx(((1 + 1) / 2 / 1.0 + 1 / 4.0) / 2)
    assert found["smape"] == pytest.approx(100 * (2 * 1 / 5 + 2 * 1 / 7 + 2 * 1 / 21) / 3)
    assert found["coverage"] == pytest.approx(2 / 3)
    low = 0.1 * (1 + 3) + 0.1 * 2  # what is too low at 0.1; the last in twos
    middle = 0.5 * (1 + 1) + 0.5 * 1
    high = 0.1 * 2 + 0.9 * 0.5 + 0.1 * 4
    assert found["quantile_loss"] == pytest.approx(2 * (low + middle + high) / 3 / (2 + 4 + 10))


def test_a_loss_is_not_divided_by_next_to_nothing() -> None:
    found = channels([1, 2, 1e-320], context=1, units=Units(ONE, [], [], []))
    truth = Truth(found, np.array([0]), np.array([1]))
    assert "quantile_loss" in measures(np.zeros((1, 2, 2)), truth, [0.5])
    tiny = channels([-1, 1e-320, 1e-320], context=1, units=Units(ONE, [], [], []))
    assert "quantile_loss" not in measures(np.ones((1, 2, 2)), Truth(tiny, np.array([0]), np.array([1])), [0.5])


def test_the_pinball_loss_by_hand() -> None:
    loss = pinball(torch.tensor([[1.0, 5.0]]), torch.tensor([3.0]), [0.1, 0.9])
    torch.testing.assert_close(loss, torch.tensor([[0.2, 0.2]]))


def test_the_last_season_comes_again_and_a_missing_value_is_the_one_before() -> None:
    nan = np.nan
    units = Units(ONE, [], [], [])
    found = channels([1, 2, 3, 4, nan, 6, 0, 0, 0], [1, 1], context=2, horizon=5, units=units)
    at = Truth(found, np.array([0]), np.array([6]))
    assert seasonal(at, 1).tolist() == [[6, 6, 6, 6, 6]]
    assert seasonal(at, 3).tolist() == [[4, 4, 6, 4, 4]]
    assert seasonal(Truth(found, np.array([1]), np.array([1])), 1).tolist() == [[-4.5] * 5]


def test_a_linear_model_finds_a_linear_rule() -> None:
    random = np.random.default_rng(0)
    values = [1.0, 2.0]
    for noise in 0.1 * random.standard_normal(300):
        values.append(1.5 * values[-1] - 0.8 * values[-2] + noise)
    found = channels(values, context=3, horizon=1)
    learnt = Truth(found, *found.windows(np.array([3]), np.array([250])))
    judged = Truth(found, *found.windows(np.array([251]), np.array([301])))
    error = np.abs(linear(learnt)(judged) - judged.coming).mean() * found.units[0, 1]
    assert error < 0.1  # that of the noise is 0.08, that of the last value 0.2


def network(**options: Any) -> Horizon:
    torch.manual_seed(0)
    chosen = ForecastOptions(**{"hidden": 16, "dropout": 0.0, **options})
    sizes = {"context": 10, "horizon": 5, "segment": 4, "channels": 2, "known": 0, "past": 0, "constants": 0}
    return Horizon(chosen, **sizes, calendar=0, outputs=4).eval()


@pytest.mark.parametrize("level", ["last", "mean"])
@pytest.mark.parametrize("cell", ["gru", "lstm", "transformer", "convolution"])
def test_forecasts_follow_the_level_and_the_spread_of_a_window(cell: str, level: str) -> None:
    values = np.random.default_rng(0).standard_normal(15)
    units = Units({"s0": Unit(0, 1), "s1": Unit(0, 1)}, [], [], [])
    found = channels(values, 100 + 7 * values, context=10, horizon=5, units=units)
    cut = found.cut(np.array([0, 1]), np.array([10, 10]))
    cut = cut._replace(channel=torch.tensor([0, 0]))
    first, second = network(cell=cell, normalise=level)(cut)
    torch.testing.assert_close(second, 100 + 7 * first, rtol=1e-3, atol=1e-2)


def test_without_anything_else_the_straight_way_is_ridge_regression() -> None:
    values = np.random.default_rng(0).standard_normal(60).cumsum()
    found = channels(values, context=10, horizon=5, units=Units({"s0": Unit(0, 1)}, [], [], []))
    net = network(normalise="last")
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    weights = np.random.default_rng(1).standard_normal((10, 5))
    net.start(weights)
    forecast = net(found.cut(np.array([0]), np.array([30])))[0, :, 0]
    expected = values[29] + (values[20:30] - values[29]) @ weights
    np.testing.assert_allclose(forecast.detach(), expected, rtol=1e-4)


def trained(frame: pl.DataFrame, **options: Any) -> ForecastTask:
    settings = {"horizon": 6, "context": 24, "steps": 4, "hidden": 8, "batch": 32, "split": "0.8/0.2", **options}
    return fit(ForecastTask, frame, **settings)


def test_what_is_known_of_the_future_is_learnt(tmp_path: Path) -> None:
    path, options = example(tmp_path)
    task = fit(ForecastTask, path, steps=150, **options)
    judged = evaluate(task, task.evaluation(path, tmp_path, BadRows()))
    assert judged.metrics["mae"] < 0.6  # without the warmth it is above 1.4
    assert 0.6 < judged.metrics["coverage"] < 0.95
    frame = table(706)
    told = frame.with_columns(pl.when(pl.int_range(706) < 700).then("load").alias("load"))
    answers = task.predict(told)
    assert answers["time"].dt.strftime("%Y-%m-%d %H:%M").to_list() == frame["time"][700:].to_list()
    assert np.corrcoef(answers["q0.5"], frame["load"][700:])[0, 1] > 0.95
    quantiles = answers.select("q0.1", "q0.5", "q0.9").to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_a_stream_gives_what_a_file_gives(tmp_path: Path) -> None:
    frame = table(120)
    task = trained(frame, target="load", known="warmth", season="12")
    lines = frame.select("time", "load", "warmth").write_csv().splitlines()[1:]
    answers = [json.loads(answer) for answer in task.stream(lines)]
    assert len(answers) == 120
    for rows in (1, 30, 120):
        whole = task.predict(frame.head(rows))
        assert answers[rows - 1]["from"] == whole["time"][0].strftime("%Y-%m-%d %H:%M:%S")
        for name in ("forecast", "q0.1", "q0.5", "q0.9"):
            assert answers[rows - 1][name] == pytest.approx(whole[name].to_list(), rel=1e-4, abs=1e-4)


def test_the_lines_of_a_stream_end_with_the_last_value(tmp_path: Path) -> None:
    frame = table(120).with_columns(pl.when(pl.int_range(120) < 100).then("load").alias("load"))
    task = trained(frame, target="load", known="warmth")
    lines = task.lines(task.evaluation(frame, tmp_path, BadRows()), 110)
    assert [json.loads(line)["load"] for line in lines] == pytest.approx(frame["load"][:100].to_list())


def test_many_series_keep_their_names(tmp_path: Path) -> None:
    part = table(80).with_columns(shop=pl.lit("b"))
    frame = pl.concat([part, part.with_columns(shop=pl.lit("a"), load=pl.col("load") + 100)])
    task = trained(frame, known="warmth", target="load")
    answers = task.predict(frame)
    assert answers["shop"].to_list() == ["b"] * 6 + ["a"] * 6
    assert answers["forecast"][6:].min() > 90  # type: ignore[operator]
    new = task.predict(part.with_columns(shop=pl.lit("c")))
    assert new["shop"].unique().to_list() == ["c"]


def test_several_targets_are_several_answers() -> None:
    task = trained(table(120))
    answers = task.predict(table(120))
    assert answers["target"].to_list() == ["load"] * 6 + ["warmth"] * 6
    assert (np.diff(answers.select("q0.1", "q0.5", "q0.9").to_numpy(), axis=1) >= 0).all()  # after a few steps too
    (answer,) = task.stream(["2024-01-01 00:00,20.5,0.1"])
    assert set(json.loads(answer)) == {"from", "load", "warmth"}


def test_constant_series_and_gaps_are_forecast() -> None:
    frame = table(120).with_columns(load=pl.lit(3.0), warmth=pl.when(pl.int_range(120) % 5 > 0).then("warmth"))
    task = trained(frame.filter(pl.int_range(120) % 17 > 0), target="load", past="warmth")
    answers = task.predict(frame)
    assert np.isfinite(answers["forecast"].to_numpy()).all()
    np.testing.assert_allclose(answers["forecast"], 3.0, atol=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "9/"}, "--split is rows or shares"),
        ({"split": "0.8/-"}, "--split is rows or shares"),
        ({"split": "8640/2880/2880"}, "120 rows, too few for --split 8640/2880/2880"),
        ({"quantiles": "0.5,1.5"}, "--quantiles are numbers between 0 and 1"),
        ({"season": "often"}, "--season is one or two numbers"),
        ({"layout": "heap"}, "--layout is columns or rows"),
        ({"errors": "mine"}, "--errors is deviation or season"),
        ({"normalise": "first"}, "--normalise is mean or last"),
        ({"horizon": 80, "split": ""}, "give a smaller --horizon"),
        ({"frequency": "often"}, "a frequency is such as"),
        ({"known": "wind"}, "has no column 'wind'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        trained(table(120), **options)


def test_what_is_read_beside_the_targets_is_learnt() -> None:
    frame = table(600).with_columns(sign=pl.Series(np.abs(load(600)[1])).shift(-1).fill_null(0.0))  # of the next warmth
    settings: dict[str, Any] = {
        "target": "load",
        "horizon": 1,
        "context": 12,
        "split": "500/100",
        "hidden": 32,
        "patch": 2,
    }
    judged = [
        fit(ForecastTask, frame, **{**settings, **more}, steps=60, batch=64, lr=0.02, warmup=5)
        for more in ({}, {"past": "sign"})
    ]
    blind, sees = (evaluate(task, task.evaluation(frame, Path(), BadRows())).metrics["mae"] for task in judged)
    assert sees < 0.5 * blind


def test_what_is_constant_is_learnt_for_series_that_are_new() -> None:
    random = np.random.default_rng(0)
    parts = [
        pl.DataFrame(
            {"step": range(40), "who": f"{kind}{n}", "kind": kind, "y": random.standard_normal(40).cumsum() + 10}
        ).with_columns(
            y=pl.when(pl.col("step") % 4 == 3).then(pl.lit({"up": 50.0, "down": -50.0}[kind])).otherwise("y")
        )
        for n in range(6)
        for kind in ("up", "down")
    ]
    task = fit(
        ForecastTask, pl.concat(parts), horizon=4, context=4, split="-/8", steps=100, hidden=16, lr=0.02, batch=64
    )
    assert task.columns.constants == ("kind",)
    assert task.columns.kinds == {"kind": ["down", "up"]}
    new = pl.concat([parts[0].with_columns(who=pl.lit("new")), parts[1].with_columns(who=pl.lit("other"))])
    lines = [json.dumps(row) for row in new.head(4).iter_rows(named=True)]
    streamed = json.loads(list(task.stream(lines))[-1])
    assert streamed["who"] == "new"
    assert np.argmax(streamed["forecast"]) == 3


def test_series_shorter_than_the_horizon_are_told(caplog: pytest.LogCaptureFixture) -> None:
    part = table(80).drop("warmth").with_columns(shop=pl.lit("long"))
    frame = pl.concat([part, part.head(5).with_columns(shop=pl.lit("short"))])
    with pytest.raises(ElmanError, match="series short: has 5 rows, and a forecast is of 6"):
        trained(frame)
    with caplog.at_level(logging.WARNING):
        task = trained(frame, skip_bad="all")
    assert "1 series left out" in caplog.text
    assert len(task.predict(frame)) == 12  # it is forecast all the same


def test_a_file_of_other_columns_or_times_is_refused(tmp_path: Path) -> None:
    task = trained(table(120), target="load", known="warmth")
    with pytest.raises(ElmanError, match="has no column 'warmth'"):
        task.predict(table(50).drop("warmth"))
    with pytest.raises(ElmanError, match="time is to have times without a zone; it has year-month-day"):
        task.predict(table(50).with_columns(pl.col("time") + ":00Z"))
    with pytest.raises(ElmanError, match="line 2 of the stream: time '2024-01-01 00:00' is not after"):
        list(task.stream(["2024-01-01 01:00,1,1", "2024-01-01 00:00,1,1"]))


def test_a_row_a_series(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    rows = [",".join([f"H{n}", *(f"{v:.3f}" for v in load(60 - n)[0]), *[""] * n]) for n in range(5)]
    path.write_text("\n".join([",".join(f"V{n}" for n in range(1, 62)), *rows]) + "\n")
    task = fit(ForecastTask, path, horizon=6, context=12, steps=3, hidden=8, split="-/6/6")
    answers = task.predict(path)
    assert answers.columns == ["V1", "step", "forecast", "q0.1", "q0.5", "q0.9"]
    assert answers["V1"].to_list() == [f"H{n}" for n in range(5) for _ in range(6)]
    assert answers["step"].to_list() == [60 - n + k for n in range(5) for k in range(6)]


def test_a_yearly_cycle_is_read_only_where_it_was_seen_three_times() -> None:
    def cycles(days: int) -> list[str]:
        frame = pl.DataFrame(
            {
                "day": [str(each) for each in np.datetime64("2020-01-01") + np.arange(days).astype("m8[D]")],
                "v": load(days)[0],
            }
        )
        chosen = ForecastOptions(horizon=5, split="-/5/5")
        return ForecastTask.learn(chosen, ForecastTask.read(chosen, Sources(frame)))["calendar"]

    assert cycles(1000) == ["week"]
    assert cycles(1200) == ["week", "year"]


def test_widths_put_as_much_below_each_quantile_as_should_be() -> None:
    random, levels = np.random.default_rng(0), [0.05, 0.1, 0.5, 0.9]
    coming = random.standard_exponential((4000, 3))
    coming[::7, 1] = np.nan
    wrong = np.array([0.4, 0.45, np.log(2), 1.5]) * np.ones((4000, 3, 1))
    right = widened(wrong, fitting_widths(wrong, coming, levels), levels)
    below = [float((coming[np.isfinite(coming)] < right[..., n][np.isfinite(coming)]).mean()) for n in range(4)]
    assert below == pytest.approx(levels, abs=0.01)
    assert fitting_widths(right, coming, levels) == pytest.approx(np.ones(4))
    assert fitting_widths(wrong[:10], coming[:10], levels).tolist() == [1, 1, 1, 1], "too few to tell"
    assert fitting_widths(9 * wrong, coming, levels)[3] == 1, "never narrower than was learnt"


@pytest.mark.parametrize("levels", [[0.1, 0.5, 0.9], [0.25, 0.75], [0.6, 0.9], [0.1], [0.5]])
def test_a_mean_lies_between_the_outer_quantiles(levels: list[float]) -> None:
    random = np.random.default_rng(0)
    quantiles, means = np.sort(random.normal(size=(50, 3, len(levels))), -1), 2 * random.normal(size=(50, 3))
    within = between(means, quantiles, levels)
    assert (within >= quantiles[..., 0]).all() == (levels[0] < 0.5)
    assert (within <= quantiles[..., -1]).all() == (levels[-1] > 0.5)
    free = (means >= quantiles[..., 0]) & (means <= quantiles[..., -1])
    assert np.array_equal(within[free], means[free])


@pytest.mark.parametrize("quantiles", ["0.1,0.5,0.9", "0.2,0.3,0.9"])
def test_a_forecaster_covers_of_what_is_held_out_what_it_says(quantiles: str, tmp_path: Path) -> None:
    source, options = example(tmp_path)
    folder = tmp_path / "model"
    model = fit(ForecastTask, source, folder=folder, **options, steps=40, quantiles=quantiles)
    low, *_, high = model.levels
    found = json.loads((folder / "result.json").read_text())
    assert found["after"]["coverage"] > high - low - 0.01
    again = tasks.restore(folder)
    assert isinstance(again, ForecastTask)
    assert torch.equal(again.widths, model.widths)
    frame = again.predict(source)
    assert (frame[f"q{low:g}"] < frame[f"q{high:g}"]).all()


@pytest.mark.parametrize("length", [7588, 1001, 999, 120])
@pytest.mark.parametrize("parts", ["0.7/0.1/0.2", "0.6/0.2/0.2", "0.8/0.1/0.1", "0.5/0.25/0.25", "0.35/0.3/0.35"])
def test_shares_are_rounded_together(parts: str, length: int) -> None:
    panel = Panel("the table", Columns("columns"), Clock("row", 1), [series_of(np.zeros((length, 1)))])
    (cuts,) = cut_into(panel, parts, 3)
    exact = np.cumsum([float(part) for part in parts.split("/")]) * length
    assert cuts[-1] == length
    assert np.abs(cuts - exact).max() < 1 + 1e-6
    assert learnt_from(parts, length) == cuts[0]


def series_of(values: np.ndarray) -> Series:
    nothing = np.zeros((len(values), 0))
    return Series((), 0, values, nothing, nothing, np.zeros(0))


def test_shares_of_more_than_all_rows_are_refused() -> None:
    with pytest.raises(ElmanError, match=r"sum up to 1\.1"):
        parts_of("0.7/0.2/0.2")


@pytest.mark.parametrize("targets", ["load", "load,price"])
def test_a_series_without_a_row_that_can_be_used_gets_an_empty_answer_in_its_place(targets: str) -> None:
    days = list(range(40))
    frame = pl.DataFrame({"id": ["a"] * 40 + ["b"] * 40, "day": days * 2, "load": [n % 7 for n in days * 2]})
    frame = frame.with_columns((pl.col("load") + 1).alias("price"))
    task = fit(ForecastTask, frame, target=targets, id_column="id", time_column="day", horizon=2, steps=2, hidden=4)
    loads = pl.Series("load", ["1", "?!", "3"] * 9)
    asked = pl.DataFrame({"id": ["a", "x", "b"] * 9, "day": [n // 3 for n in range(27)], "load": loads})
    answers = task.predict(asked.with_columns(pl.lit(1.0).alias("price")), skip_bad=True)
    number = 2 * len(targets.split(","))
    assert answers["id"].to_list() == [name for name in "axb" for _ in range(number)]
    assert answers["forecast"].is_null().to_list() == [False] * number + [True] * number + [False] * number


@pytest.mark.parametrize("targets", ["load", "load,price"])
def test_without_a_value_there_is_no_forecast(targets: str, caplog: pytest.LogCaptureFixture) -> None:
    days = list(range(40))
    frame = pl.DataFrame({"id": ["a"] * 40 + ["b"] * 40, "day": days * 2, "load": [n % 7 for n in days * 2]})
    frame = frame.with_columns((pl.col("load") + 1).alias("price"))
    task = fit(ForecastTask, frame, target=targets, id_column="id", time_column="day", horizon=2, steps=2, hidden=4)
    asked = frame.with_columns(load=pl.when(pl.col("id") == "b").then(None).otherwise("load"))
    empty = task.predict(asked.with_columns(pl.col("id").replace("b", "new")))["forecast"].is_null().to_list()
    assert empty == [False] * 2 * len(targets.split(",")) + [True] * 2 + [False] * (2 if "," in targets else 0)
    assert f"without a value there is no forecast: new{' load' * (',' in targets)}" in caplog.messages
