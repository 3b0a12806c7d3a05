"""The task ``anomaly``: scores as rows arrive, alarms, NAB's score."""

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman.data.bad import BadRows
from elman.data.dialect import Dialect, Notation
from elman.errors import ElmanError
from elman.tasks.anomaly.scoring import Reader, Record, Scale, Usual
from elman.tasks.anomaly.streams import Columns, Stream, find_columns, find_label, read_streams
from elman.tasks.anomaly.task import AnomalyOptions, AnomalyTask, _score, nab
from elman.training.runs import fit
from elman.training.task import Sources, evaluate


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A wave with two faults, labelled, and options with which it is learnt."""
    random = np.random.default_rng(1)
    wave = np.sin(np.arange(800) / 4) + 0.02 * random.normal(size=800)
    wave[500:505] += 2
    wave[700:705] -= 2
    lines = [f"{t},{x:.4f},{int(500 <= t < 505 or 700 <= t < 705)}" for t, x in enumerate(wave)]
    path = folder / "wave.csv"
    path.write_text("step,value,anomaly\n" + "\n".join(lines) + "\n")
    return path, {"batch": 8, "hidden": 8, "lr": 0.02, "horizons": "1,3", "values": "value", "dropout": 0.0}


def by_rule(scores: np.ndarray, windows: list[tuple[int, int]], threshold: float, start: int) -> float:
    """The standard score as the paper words it, row by row."""

    def sigmoid(y: float) -> float:
        return 2 / (1 + math.exp(5 * y)) - 1

    best, false = dict.fromkeys(windows, -1.0), 0.0
    for row in range(start, len(scores)):
        if scores[row] < threshold:
            continue
        window = next(((a, b) for a, b in windows if a <= row <= b), None)
        if window is not None:
            a, b = window
            best[window] = max(best[window], sigmoid(-(b - row + 1) / (b - a + 1)) / sigmoid(-1))
            continue
        before = [(a, b) for a, b in windows if b < row]
        y = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else 3.0
        false += 0.11 * (sigmoid(y) if y < 3 else -1)
    return 100 * (sum(best.values()) + false + len(windows)) / (2 * len(windows))


def test_nab_by_hand() -> None:
    windows = [(20, 29), (60, 79)]
    none, perfect, late, false = (np.zeros(200) for _ in range(4))
    perfect[[20, 60]] = 1
    late[[29, 79]] = 1
    false[:] = perfect
    false[[10, 180]] = 1

    def score(scores: np.ndarray) -> float:
        return nab.score_at([nab.judged(scores, windows, 5)], 0.5)

    assert score(none) == 0
    assert score(perfect) == pytest.approx(100)
    assert 50 < score(late) < 70
    assert score(false) == pytest.approx(100 - 100 * 2 * 0.11 / 4)
    # an alarm just behind a window costs little, more alarms in a window are worth no more
    near = perfect.copy()
    near[80] = 1
    assert score(false) < score(near) < 100
    again = perfect.copy()
    again[21:25] = 1
    assert score(again) == pytest.approx(100)


@pytest.mark.parametrize("seed", range(5))
def test_nab_at_every_threshold(seed: int) -> None:
    random = np.random.default_rng(seed)
    windows = [[(30, 45), (46, 60), (150, 150)], [(100, 180)]]
    scores = [random.integers(0, 20, size).astype(float) for size in (160, 200)]
    starts = [nab.probation(160), nab.probation(200)]
    series = [nab.judged(s, w, a) for s, w, a in zip(scores, windows, starts, strict=True)]
    thresholds, swept = nab.sweep(series)
    assert thresholds[0] == math.inf
    assert len(thresholds) == 21
    windows[0].remove((150, 150))  # has no width behind which to count, so the rule has none for it
    windows[0].append((140, 150))
    series = [nab.judged(s, w, a) for s, w, a in zip(scores, windows, starts, strict=True)]
    for threshold, found in zip(*nab.sweep(series), strict=True):
        parts = [by_rule(s, w, threshold, a) * len(w) for s, w, a in zip(scores, windows, starts, strict=True)]
        assert found == pytest.approx(sum(parts) / 4)
        assert nab.score_at(series, threshold) == found
    assert np.isfinite(swept).all()


def test_what_a_stream_keeps_is_what_a_loop_over_its_past_says() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=(80, 1))
    values[7] = np.nan
    scale, usual = Scale((1,), 1000), Usual((1,), 3, 1000)
    level, past = None, []
    for t, row in enumerate(values):
        scaled, score = scale(row), usual(np.abs(row))
        before = values[:t][np.isfinite(values[:t])]
        if np.isnan(row[0]):
            assert np.isnan(scaled[0])
            assert score[0] == 0
            continue
        if t > 1:
            assert scaled[0] == pytest.approx(np.clip((row[0] - before.mean()) / before.std(), -20, 20))
        level = abs(row[0]) if level is None else level + (abs(row[0]) - level) / 3
        if len(past) >= 50:
            assert score[0] == pytest.approx(level / ((np.mean(np.power(past, 4)) / 3) ** 0.25 + 0.02))
        else:
            assert score[0] == 0
        past.append(level)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_an_alarm_is_not_repeated(rows: int) -> None:
    scores = np.random.default_rng(rows).integers(1, 9, 300).astype(float)
    record = Record(rows)
    for t, score in enumerate(scores):
        highest = scores[max(0, t - rows) : t].max(initial=-1)
        assert record(score) == (score if score > highest else 0)
    assert len(record.kept) <= rows + 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> AnomalyTask:
    source, options = example(tmp_path_factory.mktemp("wave"))
    return fit(AnomalyTask, source, steps=60, **options)


def test_the_faults_are_found(trained: AnomalyTask, tmp_path: Path) -> None:
    source, _ = example(tmp_path)
    metrics = trained.evaluation(source, tmp_path, BadRows())
    answers = trained.predict(source)
    alarms = np.flatnonzero(answers["alarm"].to_numpy())
    assert {500, 700} & set(alarms.tolist())
    assert answers["score"][500:505].max() > 3 * answers["score"][200:490].max()  # pyright: ignore
    assert len(metrics.streams) == 1


def test_a_stream_has_the_scores_of_the_file(trained: AnomalyTask, tmp_path: Path) -> None:
    source, _ = example(tmp_path)
    lines = source.read_text().splitlines()[1:]
    values = [line.split(",")[1] for line in lines]
    values[300:303] = ["", "NA", ""]
    frame = pl.DataFrame({"value": [float(v) if v not in ("", "NA") else None for v in values]})
    whole = trained.predict(frame)
    said = [json.loads(answer) for answer in trained.stream(values)]
    assert [each["score"] for each in said] == pytest.approx(whole["score"].to_list(), rel=1e-3, abs=1e-4)
    assert [each["alarm"] for each in said] == whole["alarm"].to_list()
    with pytest.raises(ElmanError, match=r"line 2 of the stream.*not a number"):
        list(trained.stream(["1", "red"]))


def test_labels_and_what_comes_later_teach_nothing(tmp_path: Path) -> None:
    source, options = example(tmp_path)
    frame = pl.read_csv(source)
    other = frame.with_columns(
        pl.when(pl.int_range(800) < 120).then(pl.col("value")).otherwise(pl.col("value") * 3 + 1).alias("value"),
        (1 - pl.col("anomaly")).alias("anomaly"),
    )
    one, two = (fit(AnomalyTask, each, steps=5, **options) for each in (frame, other))
    assert all(bool((a == b).all()) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


def test_a_clean_file_and_a_labelled_one(tmp_path: Path) -> None:
    source, options = example(tmp_path)
    frame = pl.read_csv(source)
    clean = frame.head(450).drop("anomaly")
    model = fit(AnomalyTask, clean, frame, steps=10, folder=tmp_path / "model", **options)
    result = json.loads((tmp_path / "model" / "result.json").read_text())
    assert {"f1", "auroc", "average_precision"} <= set(result["compared"]["anomaly"])
    assert math.isfinite(float(model.threshold))


def test_many_columns_and_files_with_windows(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    for name in ("a", "b"):
        rows = [f"2024-01-{1 + t // 96:02} {t // 4 % 24:02}:{t % 4 * 15:02}:00;{x:.3f};{y:.3f}\r\n"
                for t, (x, y) in enumerate(random.normal(size=(300, 2)))]  # fmt: skip
        text = "\ufefftimestamp;left;right\r\n" + "".join(rows)
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "combined_windows.json").write_text(
        '{"a.csv.gz": [["2024-01-02 00:00:00.000", "2024-01-02 06:00:00.000"]], "b.csv.gz": []}'
    )
    columns = find_columns(tmp_path, Columns(()))
    dialect = Dialect(";", True, numbers={"left": Notation(), "right": Notation()})
    assert columns == Columns(("left", "right"), ("timestamp",), "", dialect, ("timestamp", "left", "right"), ("ymd",))
    one, other = read_streams(tmp_path, columns, BadRows())
    assert one.windows == ((96, 120),)
    assert other.windows == ()
    assert one.labels is not None
    assert one.labels.sum() == 25
    model = fit(AnomalyTask, tmp_path, steps=2, hidden=4, batch=2, folder=tmp_path / "model")
    result = json.loads((tmp_path / "model" / "result.json").read_text())
    assert {"nab", "nab_without_labels"} <= set(result["compared"]["z-score"])
    answers = model.predict(tmp_path / "data")
    assert answers.columns == ["file", "timestamp", "score", "alarm"]
    assert len(answers) == 600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("value\n1\nred\n" + "2\n" * 60, "line 3: value is 'red', not a number"),
        ("value\n1\ninf\n" + "2\n" * 60, "line 3: value is 'inf', not a number"),
        ("value\n" + "1\n" * 10, "has 10 rows; 40 or more"),
        ("word\n" + "red\n" * 60, "no column of numbers"),
        ("value,anomaly\n1,maybe\n" + "2,0\n" * 60, "anomaly is 'maybe', not 0 or 1"),
        ("value,other\n1\n" + "2,0\n" * 60, "line 2: has 1 column"),
    ],
)
def test_bad_input_is_told(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ElmanError, match=message):
        fit(AnomalyTask, path, steps=1)


def test_a_bad_row_gets_an_empty_answer(trained: AnomalyTask, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("step,value\n" + "".join(f"{t},{'red' if t == 9 else t % 7}\n" for t in range(80)))
    answers = trained.predict(path, skip_bad=True)
    assert len(answers) == 80
    assert answers["score"].is_null().to_list() == [t == 9 for t in range(80)]


def test_what_is_counted_is_rows_however_many_columns_and_horizons(tmp_path: Path) -> None:
    path, _ = example(tmp_path)
    options = AnomalyOptions(hidden=4, horizons="1,2,5")
    read = AnomalyTask.read(options, Sources(path))
    task = AnomalyTask(options, AnomalyTask.learn(options, read)).eval()
    batch = next(iter(task.data(read, tmp_path, rows=4, steps=32, seed=1).held_out))
    with torch.no_grad():
        assert task.loss(batch, None).number == batch.counted.sum() > 0


def test_a_constant_series_is_no_anomaly(tmp_path: Path) -> None:
    model = fit(AnomalyTask, pl.DataFrame({"value": [5.0] * 200}), steps=2, hidden=4, horizons="1")
    assert not model.predict(pl.DataFrame({"value": [5.0] * 300}))["alarm"].any()


def test_a_column_that_tells_the_label_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    labels = [int(t % 90 > 80) for t in range(200)]
    frame = pl.DataFrame({"value": np.arange(200) % 7, "state": [0.5 * each for each in labels], "anomaly": labels})
    read_streams(frame, find_columns(frame, Columns(())), BadRows())
    assert "the column state tells the label by itself" in caplog.text


def test_how_numbers_are_written_is_found_in_all_files(tmp_path: Path) -> None:
    rows = ["load;n"] + [f"{n % 9 + 1},{100 + n};{n}" for n in range(60)]
    (tmp_path / "1.csv").write_text("\n".join(rows).replace(";", "\t"))
    (tmp_path / "2.csv").write_text("\n".join([*rows, "1.234,5;60"]).replace(";", "\t"))
    columns = find_columns(tmp_path, Columns(("load",)))
    assert [stream.values[0, 0] for stream in read_streams(tmp_path, columns, BadRows())] == [1.1, 1.1]
    (tmp_path / "2.csv").unlink()
    with pytest.raises(ElmanError, match=r"1\.csv, line 2: load is '1,100', and nothing tells"):
        find_columns(tmp_path, Columns(("load",)))


def test_each_file_of_streams_has_its_own_separator(tmp_path: Path) -> None:
    for name, mark in (("a.csv", ","), ("b.csv", ";"), ("c.csv", "\t")):
        lines = ["time,load,anomaly", *(f"2024-01-01 {n:02d}:00,{n + 0.5},{n % 2}" for n in range(24))]
        (tmp_path / name).write_text("\n".join(lines).replace(",", mark) + "\n")
    columns = find_columns(tmp_path, Columns(()))
    assert [len(each) for each in read_streams(tmp_path, columns, BadRows())] == [24] * 3
    assert find_label(tmp_path / "b.csv", replace(columns, label=""), "") == "anomaly"


def test_of_long_streams_the_first_rows_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [0] * 900 + [1] * 5 + [0] * 95
    long = pl.DataFrame({"value": np.sin(np.arange(1000) / 5), "label": labels})
    options = AnomalyOptions(hidden=4)
    read = AnomalyTask.read(options, Sources([long, long.head(200)]))
    task = AnomalyTask(options, AnomalyTask.learn(options, read))
    whole = task.data(read, Path(), rows=2, steps=8, seed=1)
    assert [len(each) for each in whole.held_out.streams] == [1000, 200]
    assert whole.describe().endswith("2 streams of 1,200 rows to judge on")
    monkeypatch.setattr("elman.tasks.anomaly.task.LARGEST", 600)
    part = task.data(read, Path(), rows=2, steps=8, seed=1)
    assert [len(each) for each in part.held_out.streams] == [500, 100]
    assert "2 streams of 600 rows, the first of 1,200, to judge on" in part.describe()
    assert evaluate(task, part.held_out).metrics["alarms_per_1000"] >= 0


def test_the_first_rows_of_a_stream_have_their_own_labels_and_windows() -> None:
    labels = np.arange(10) >= 4
    stream = Stream("made", np.zeros((10, 1)), np.arange(10.0), labels, ((4, 9), (8, 9)), np.arange(10), 10)
    first = stream.first(6)
    assert (len(first), first.windows, first.times.tolist()) == (6, ((4, 5),), [0, 1, 2, 3, 4, 5])
    assert first.labels is not None
    assert first.labels.tolist() == [False] * 4 + [True] * 2


def test_a_second_column_of_times_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "date,unix,x\n" + "".join(f"2020-01-{n:02d},{1_577_836_800 + 86_400 * n * n},{n % 7}.5\n" for n in range(1, 30))
    )
    columns = find_columns(path, Columns(()))
    assert (columns.time, columns.values) == (("date",), ("x",))


def test_rows_from_the_last_to_the_first_are_turned_round(tmp_path: Path) -> None:
    rows = [f"2020-01-{n:02d},{n}.5,{int(n == 20)}\n" for n in range(1, 30)]
    streams = []
    for name, some in (("a", rows), ("b", rows[::-1])):
        path = tmp_path / f"{name}.csv"
        path.write_text("date,x,label\n" + "".join(some))
        streams += read_streams(path, find_columns(path, Columns(())), BadRows())
    there, back = streams
    for part in ("values", "times", "labels"):
        assert np.array_equal(getattr(there, part), getattr(back, part))
    assert back.index.tolist() == list(range(29))[::-1]


def test_the_rows_of_a_table_are_streams_by_their_name(tmp_path: Path) -> None:
    kpis, minutes = ("a1", "b2"), range(80)
    rows = {n: [f"{n},{1_469_376_000 + 60 * k},{k % 7 + 10 * (n == 'b2')}.5\n" for k in minutes] for n in kpis}
    below, beside = tmp_path / "below.csv", tmp_path / "beside.csv"
    below.write_text("KPI ID,timestamp,value\n" + "".join(rows["a1"] + rows["b2"]))
    beside.write_text(
        "KPI ID,timestamp,value\n" + "".join(a + b for a, b in zip(rows["a1"][::-1], rows["b2"][::-1], strict=True))
    )
    for path in (below, beside):
        columns = find_columns(path, Columns(()))
        assert (columns.series, columns.values) == ("KPI ID", ("value",))
        streams = read_streams(path, columns, BadRows())
        assert [stream.name for stream in streams] == list(kpis)
        assert [stream.values[:2, 0].tolist() for stream in streams] == [[0.5, 1.5], [10.5, 11.5]]
    task = fit(AnomalyTask, below, steps=2, hidden=4)
    answers = task.predict(below)
    assert answers["KPI ID"].to_list() == ["a1"] * 80 + ["b2"] * 80
    mixed = task.predict(beside)["score"].to_numpy()
    assert np.allclose(np.concatenate([mixed[::2][::-1], mixed[1::2][::-1]]), answers["score"].to_numpy(), atol=1e-5)
    lines = [json.loads(line) for line in task.stream(below.read_text().splitlines(keepends=True)[1:])]
    assert np.allclose([line["score"] for line in lines], answers["score"].to_numpy(), atol=1e-5)


def test_the_column_of_streams_can_be_said_and_each_has_its_windows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"{where},2024-01-01 {n // 4:02d}:{n % 4 * 15:02d},{n}\n" for where in "ab" for n in range(80)]
    path = tmp_path / "rooms.csv"
    path.write_text("where,time,value\n" + "".join(rows))
    windows = tmp_path / "windows.json"
    windows.write_text('{"b": [["2024-01-01 05:00", "2024-01-01 06:00"]], "other": []}')
    columns = find_columns(path, Columns((), series="where"))
    assert (columns.series, columns.values) == ("where", ("value",))
    one, other = read_streams(path, columns, BadRows(), str(windows))
    assert (one.windows, other.windows) == (None, ((20, 24),))
    assert other.labels is not None
    assert np.flatnonzero(other.labels).tolist() == list(range(20, 25))
    task = fit(AnomalyTask, path, steps=2, hidden=4, id_column="where", windows=str(windows))
    assert task.predict(path)["where"].to_list() == ["a"] * 80 + ["b"] * 80
    windows.write_text('{"rooms.csv": []}')
    read_streams(path, columns, BadRows(), str(windows))
    assert "names none of the files, whose streams are named by where" in caplog.text
    with pytest.raises(ElmanError, match="'value' is named for two things"):
        find_columns(path, Columns(("value",), series="value"))


def test_no_score_is_a_negative_zero() -> None:
    assert str(_score(np.zeros((1, 1, 1)))[0]) == "0.0"


def test_what_keeps_a_column_from_being_watched_is_shown() -> None:
    cells = {"load": ["12 kW", "300 W", "1 MW", "2 W"]}
    with pytest.raises(ElmanError, match=r"no column of numbers; .*load is '12 kW', '300 W', '1 MW'"):
        find_columns(cells, Columns(()))


def test_horizons_beyond_what_is_learnt_from_are_refused() -> None:
    wave = pl.DataFrame({"value": np.sin(np.arange(600) / 5)})
    with pytest.raises(ElmanError, match=r"nearest of --horizons is 10,000,000 rows ahead, and there are 72 rows"):
        fit(AnomalyTask, wave, steps=1, horizons="10000000")


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2)])
def test_many_rows_at_once_are_told_as_one_after_the_other_bit_for_bit(shape: tuple[int, ...], holes: float) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(100.0, 5.0, (400, *shape))
    rows[random.random(rows.shape) < holes] = np.nan
    one, other = (Reader(shape, 100) for _ in range(2))
    each = [one(row) for row in rows]
    parts = [other.over(part) for part in (rows[:150], rows[150:])]
    for number in range(2):
        found = np.concatenate([part[number] for part in parts])
        np.testing.assert_array_equal(found, np.stack([row[number] for row in each]))
    errors = np.abs(rows[:, :, None] * [[1.0], [2.0]])
    usual, at_once = (Usual(errors.shape[1:], 3, 100) for _ in range(2))
    scores = np.concatenate([at_once.over(errors[:150]), at_once.over(errors[150:])])
    np.testing.assert_array_equal(scores, np.stack([usual(row) for row in errors]))


def test_scores_of_a_long_stream_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = pl.DataFrame({"value": np.sin(np.arange(600) / 5)})
    model = fit(AnomalyTask, wave, steps=2, hidden=4, horizons="1,5")
    whole = model.predict(wave)
    monkeypatch.setattr("elman.tasks.anomaly.task.BLOCK", 64)
    np.testing.assert_allclose(model.predict(wave)["score"], whole["score"], atol=1e-5)


def test_times_that_stand_once_for_each_word_of_a_column_are_of_several_streams(tmp_path: Path) -> None:
    path = tmp_path / "cpu.csv"
    rows = (f"2024-03-01 {n // 60:02}:{n % 60:02},{host},{20 + n % 7}" for n in range(60) for host in ("web1", "web2"))
    path.write_text("\n".join(["time,host,cpu", *rows]))
    assert find_columns(path, Columns(())).series == "host"
    path.write_text(path.read_text().replace("web1", "up").replace("web2", "up"))
    assert not find_columns(path, Columns(())).series


def test_codes_that_begin_with_zeros_are_no_values(caplog: pytest.LogCaptureFixture) -> None:
    cells = {"where": [f"{n:05d}" for n in (7, 94110, 1234)] * 4, "load": [f"{n}.5" for n in range(12)]}
    with caplog.at_level("INFO"):
        assert find_columns(pl.DataFrame(cells), Columns(())).values == ("load",)
    assert "columns left out: where (codes that begin with zeros)" in caplog.messages
    with pytest.raises(ElmanError, match="has no column of numbers"):
        find_columns(pl.DataFrame(cells).drop("load"), Columns(()))
    assert find_columns(pl.DataFrame(cells), Columns(("where",))).values == ("where",)
