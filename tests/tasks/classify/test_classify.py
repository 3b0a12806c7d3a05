"""The task of classification: what it reads, what it finds out, what it refuses, what it learns."""

import json
import logging
import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman import cells
from elman.cli.main import main
from elman.compiler import plan
from elman.data.sequences import Sequenced
from elman.data.words import split_words
from elman.errors import ElmanError
from elman.tasks.classify.inputs import SeriesInput, TextInput
from elman.tasks.classify.layout import Layout
from elman.tasks.classify.target import Target, find_target
from elman.tasks.classify.task import ClassifyOptions, ClassifyTask
from elman.training.folders import read_json
from elman.training.runs import fit
from elman.training.task import BadRows, Sources

SIDES = {"good": "fine lovely great warm bright", "bad": "poor dull weak cold grey"}


def example(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file from which this task learns in seconds, and options that suit it; the laws of all tasks use it."""
    random = Random(0)
    path = folder / "films.csv"
    rows = []
    for n in range(120):
        label = ("good", "bad")[n % 2]
        words = [random.choice(SIDES[label].split()), *random.choices("the a film plot it was so".split(), k=4)]
        random.shuffle(words)
        rows.append(f'"{" ".join(words)}",{label}\n')
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path, {"hidden": 8, "embedding": 8, "spelling": 4, "batch": 16, "lr": 0.03, "warmup": 5, "min_count": 1}


QUICK: dict[str, Any] = {"steps": 60, "hidden": 8, "lr": 0.03, "batch": 16, "dropout": 0.0, "baselines": False}


def waves(folder: Path, number: int = 60, gaps: bool = False) -> Path:
    """Series of unequal length that rise or fall, as a ``.ts`` file."""
    random = Random(1)
    lines = ["@timeStamps false", "@classLabel true up down", "@data"]
    for n in range(number):
        sign, length = (1 if n % 2 else -1), random.randint(3, 9)
        cells = [f"{sign * t + random.gauss(0, 0.5):.3f}" for t in range(length)]
        if gaps:
            cells[random.randrange(length)] = "?"
        lines.append(f"{','.join(cells)}:{'up' if n % 2 else 'down'}")
    path = folder / "waves.ts"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a user's mistake gives, after what was announced."""
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    line = said.splitlines()[-1]
    assert line.startswith("elman: ")
    return line


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"attention": True, "cell": "gru"}, {"convolution": 2}, {"cell": "transformer"}]
)
def test_series_of_unequal_length_are_learnt(gaps: bool, options: dict[str, Any], tmp_path: Path) -> None:
    path = waves(tmp_path, gaps=gaps)
    model = fit(ClassifyTask, path, **QUICK, **options)
    answers = model.predict(path)
    truth = [line.rpartition(":")[2] for line in path.read_text().splitlines()[3:]]
    assert np.mean([a == b for a, b in zip(answers["predicted"], truth, strict=True)]) > 0.9
    assert model.predict([np.arange(5.0), -np.arange(7.0)[:, None]])["predicted"].to_list() == ["up", "down"]


def test_padding_and_other_rows_tell_nothing(tmp_path: Path) -> None:
    for path in (waves(tmp_path, gaps=True), example(tmp_path)[0]):
        model = fit(ClassifyTask, path, **{**QUICK, "steps": 3})
        rows = model.evaluation(path, tmp_path, BadRows()).rows.inputs
        together = model.outputs(rows)
        alone = np.concatenate([model.outputs([row]) for row in rows])
        np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("cell", cells.names())
def test_any_cell_learns(cell: str, tmp_path: Path) -> None:
    options = ClassifyOptions(cell=cell, hidden=8, embedding=8, spelling=4)
    for path in (waves(tmp_path, 12, gaps=True), example(tmp_path)[0]):
        read = ClassifyTask.read(options, Sources(path))
        model: Any = ClassifyTask(options, ClassifyTask.learn(options, read))
        data = model.data(read, tmp_path, rows=4, steps=0, seed=1)
        with plan.use("eager"):
            model.loss(data.batch(0), None).value.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.encoder.parameters())


def test_what_is_missing_is_carried_on_marked_and_timed() -> None:
    options = ClassifyOptions(noise=0.0)
    nan = np.nan
    series = Sequenced(np.array([[nan, 3], [1, nan], [nan, nan]], np.float32), np.array([0.0, 2, 3]))
    vocabulary = SeriesInput.learn(options, [series], Layout("ts"))
    assert (vocabulary["sparse"], vocabulary["pace"]) == (True, 1.5)
    layer = SeriesInput(options, {**vocabulary, "mean": [0.0, 1.0], "scale": [1.0, 2.0], "pace": 1.0})
    x, _ = layer(layer.batch([series]))
    values, known, ago, gap = x[0, :, :2], x[0, :, 2:4], x[0, :, 4:6], x[0, :, 6]
    assert values.tolist() == [[0, 1], [1, 1], [1, 1]]
    assert known.tolist() == [[0, 1], [1, 0], [0, 0]]
    torch.testing.assert_close(ago, torch.log1p(torch.tensor([[0.0, 0], [0, 2], [1, 3]])))
    torch.testing.assert_close(gap, torch.log1p(torch.tensor([0.0, 2, 1])))


def test_several_labels_a_row(tmp_path: Path) -> None:
    random = Random(0)
    rows = []
    for _ in range(120):
        labels = [name for name in ("red", "big", "old") if random.random() < 0.5]
        words = [f"so{label}" for label in labels] + random.choices(["the", "a"], k=3)
        rows.append({"text": " ".join(words), "labels": labels})
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    model = fit(ClassifyTask, path, folder=tmp_path / "m", embedding=8, **{**QUICK, "baselines": True, "steps": 90})
    assert model.target == Target("labels", ("big", "old", "red"))
    answers = model.predict(["sored the", "soold a sobig", "a the"])["predicted"].to_list()
    assert [sorted(answer) for answer in answers] == [["red"], ["big", "old"], []]
    result = read_json(tmp_path / "m" / "result.json")
    assert result["compared"]["classify"]["micro_f1"] > 0.95 > result["compared"]["majority"]["micro_f1"]
    assert main(["predict", str(tmp_path / "m"), "--data", str(path), "--out", str(tmp_path / "o.csv")]) == 0
    assert json.loads(pl.read_csv(tmp_path / "o.csv")["predicted"][0]) == rows[0]["labels"]


def test_a_number(tmp_path: Path) -> None:
    lines = ["@targetLabel true", "@data"]
    random = Random(0)
    for _ in range(150):
        values = [random.gauss(0, 1) for _ in range(6)]
        lines.append(f"{','.join(map(str, values))}:{sum(values) * 10 + 100}")
    path = tmp_path / "sum.ts"
    path.write_text("\n".join(lines))
    quick = {**QUICK, "steps": 150, "noise": 0.0, "baselines": True, "held_out": 0.2}
    model = fit(ClassifyTask, path, folder=tmp_path / "m", **quick)
    compared = read_json(tmp_path / "m" / "result.json")["compared"]
    assert compared["classify"]["r2"] > 0.9
    assert compared["mean"]["r2"] == pytest.approx(0, abs=0.1)
    assert compared["mean"]["rmse"] == pytest.approx(10 * 6**0.5, rel=0.3)
    assert model.predict([np.ones(6)])["predicted"][0] == pytest.approx(160, abs=15)


def test_measures_are_those_computed_by_hand() -> None:
    target = Target("classes", ("a", "b", "c"))
    outputs = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.3, 0.4, 0.3], [0.05, 0.15, 0.8]])
    found = target.measures(outputs, np.array([0, 1, 0, 2]))
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.7, 0.5, 0.3, 0.8]).mean())
    assert found["auroc"] == 1.0  # a: .7 .3 above .1 .05; b: .5 above .2 .4 .15; c: .8 above the others
    # bins of a fifteenth: .4 (wrong) .5 .7 .8 (right), each alone in its bin
    assert found["calibration_error"] == pytest.approx((0.4 + 0.5 + 0.3 + 0.2) / 4)
    alone = target.measures(outputs[:1], np.array([0]))
    assert "auroc" not in alone  # one class alone has none
    several = Target("labels", ("x", "y")).measures(np.array([[0.9, 0.2], [0.6, 0.7]]), np.array([[1, 0], [0, 1]]))
    assert several["all_right"] == 0.5
    assert several["micro_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1))


@pytest.mark.parametrize(
    ("labels", "kind", "names"),
    [
        (["b", "a", "b"], "classes", ("a", "b")),
        (["10", "9", "10"], "classes", ("9", "10")),
        ([1.0, 0.0, 1.0], "classes", ("0", "1")),
        (["1.5", "2", "7"], "number", ()),
        ([str(n) for n in range(40)], "number", ()),
        (["a|b", "b", "a", "b|a"], "labels", ("a", "b")),
        ([["x"], [], ["x", "y"]], "labels", ("x", "y")),
    ],
)
def test_the_kind_of_label_is_found_out(labels: list[Any], kind: str, names: tuple[str, ...]) -> None:
    target = find_target(labels)
    assert (target.kind, target.names) == (kind, names)
    assert find_target([str(n % 4) for n in range(40)], "number").kind == "number"


def test_balanced_classes_count_alike() -> None:
    path = pl.DataFrame(
        {"text": [f"w{n % 7}" for n in range(100)], "label": ["rare" if n < 10 else "usual" for n in range(100)]}
    )
    options = ClassifyOptions(class_weights="balanced")
    read = ClassifyTask.read(options, Sources(path))
    vocabulary = ClassifyTask.learn(options, read)
    counts = np.array([read.learnt.labels.count(name) for name in ("rare", "usual")])
    np.testing.assert_allclose(np.array(vocabulary["weights"]) * counts, len(read.learnt) / 2)
    model = ClassifyTask(options, vocabulary)
    logits, truth = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    expected = torch.nn.functional.cross_entropy(logits, truth, torch.tensor(vocabulary["weights"]))
    assert model.target.loss(logits, truth, model.get_buffer("weights"), 0.0) == expected


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda t: t.replace(",bad", ",", 1), [], "films.csv, line 3: has no label"),
        (lambda t: t.replace('",bad', '"', 1), [], "films.csv, line 3: has 1 column where the header has 2"),
        (lambda t: t.replace("bad", "good"), [], "all rows have the label 'good'"),
        (lambda t: t, ["--label-column", "opinion"], "no column 'opinion'; its columns are text, label"),
        (lambda t: t, ["--kind", "klasses"], "--kind is classes, labels or number"),
        (lambda t: t, ["--tokens", "letters"], "--tokens is words or characters"),
        (lambda t: t, ["--class-weights", "yes"], "--class-weights is none or balanced"),
        (lambda t: t, ["--kind", "number"], "no numbers"),
        (lambda t: t, ["--cell", "lstn"], "did you mean 'lstm'?"),
        (lambda t: t, ["--embeddings", "nowhere.txt"], "there is no file nowhere.txt"),
        (lambda t: t, ["--valid", "nowhere.csv"], "there is no file nowhere.csv"),
        (lambda t: t, ["--test", "nowhere.csv"], "there is no file nowhere.csv"),
        (lambda t: t, ["--split", "last"], "--split is random or time"),
        (lambda t: t, ["--separator", ";;"], "a separator is one character"),
        (lambda t: t, ["--ignore", "x"], "no column 'x'"),
    ],
)
def test_bad_input_is_one_line(change: Any, arguments: list[str], message: str, tmp_path: Path, capsys: Any) -> None:
    path, _ = example(tmp_path)
    path.write_text(change(path.read_text()))
    out = tmp_path / "out"
    assert message in refused(
        capsys, "train", "classify", "--data", str(path), "--out", str(out), "--steps", "1", *arguments
    )
    assert not out.exists()


def test_a_tab_may_be_said_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = example(tmp_path)
    path.write_text(path.read_text().replace(",", "\t"))
    command = [
        "train",
        "classify",
        "--data",
        str(path),
        "--out",
        str(tmp_path / "out"),
        "--steps",
        "1",
        "--hidden",
        "4",
    ]
    assert main([*command, "--separator", r"\t"]) == 0
    assert "columns between tabs, with a header" in capsys.readouterr().err


def test_bad_rows_can_be_left_out_and_are_listed(tmp_path: Path, capsys: Any) -> None:
    path, _ = example(tmp_path)
    lines = path.read_text().splitlines()
    lines[2], lines[5] = lines[2].rpartition(",")[0] + ",", '"left,over",good,more'
    path.write_text("\n".join(lines))
    out = tmp_path / "out"
    arguments = ["--data", str(path), "--out", str(out), "--steps", "2", "--hidden", "4", "--no-baselines"]
    assert main(["train", "classify", *arguments, "--skip-bad"]) == 0
    assert "2 rows left out" in capsys.readouterr().err
    assert [line.split(": ")[0].rpartition(" ")[2] for line in (out / "skipped.txt").read_text().splitlines()] == [
        "6",
        "3",
    ]
    assert read_json(out / "result.json")["skipped"] == 2
    answers = tmp_path / "answers.jsonl"
    predict = ["predict", str(out), "--data", str(path), "--out", str(answers)]
    assert "line 6: has 3 columns" in refused(capsys, *predict)
    assert main([*predict, "--skip-bad"]) == 0
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(rows) == len(lines) - 1
    assert rows[4]["predicted"] is None
    assert rows[1]["predicted"] is not None  # to be asked, a row needs no label


def test_what_the_model_never_saw(tmp_path: Path, capsys: Any) -> None:
    path, options = example(tmp_path)
    out = tmp_path / "out"
    model = fit(ClassifyTask, path, folder=out, steps=3, baselines=False, **options)
    other = tmp_path / "other.csv"
    other.write_text("text,label\nunheard of ü words,good\n,bad\nfine,so-so\n")
    assert "other.csv, line 4: the label 'so-so' was not learnt" in refused(
        capsys, "evaluate", str(out), "--data", str(other)
    )
    assert main(["evaluate", str(out), "--data", str(other), "--skip-bad", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"loss", "accuracy"}
    assert len(model.predict(["", "never seen", "word " * 100_000])) == 3
    assert model.predict([]).is_empty()


def test_a_label_seen_once_is_learnt_from_and_a_class_may_be_missing_from_what_is_held_out(
    tmp_path: Path, caplog: Any
) -> None:
    path, options = example(tmp_path)
    path.write_text(path.read_text() + '"strange",odd\n')
    model = fit(ClassifyTask, path, folder=tmp_path / "out", steps=3, baselines=True, **options)
    assert "seen only once, so never held out: odd" in caplog.text
    assert model.target.names == ("bad", "good", "odd")
    assert set(read_json(tmp_path / "out" / "result.json")["after"]) >= {"accuracy", "auroc"}


@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_characters_are_read_whole_and_words_are_not(tokens: str) -> None:
    options = ClassifyOptions(hidden=4, embedding=4, dropout=0.5, tokens=tokens)
    read = ClassifyTask.read(options, Sources(pl.DataFrame({"text": ["so good", "so bad"] * 20, "label": [1, 0] * 20})))
    model = ClassifyTask(options, ClassifyTask.learn(options, read)).train()
    x = torch.ones(8, 16)
    assert bool((model.input_dropout(x) == x).all()) is (tokens == "characters")


def test_a_long_text_is_cut_with_a_word(tmp_path: Path, caplog: Any) -> None:
    path, options = example(tmp_path)
    path.write_text(path.read_text() + f'"{"word " * 5000}",good\n')
    model = fit(ClassifyTask, path, steps=2, max_length=50, **options)
    assert "1 text is longer than 50 words and cut there; --max-length says where" in caplog.text
    for source, name in ((path, str(path)), (["word " * 50, "word " * 51], "the data")):
        caplog.clear()
        model.predict(source)
        assert caplog.messages[0] == f"{name}: 1 text is longer than 50 words and cut there"
    caplog.clear()
    assert len(model.predict(["word " * 50])) == 1
    assert "cut" not in caplog.text
    long = json.dumps({"text": "word " * 51})
    assert len([*model.stream([long, long])]) == 2
    assert caplog.messages == ["the stream: 1 text is longer than 50 words and cut there"]


@pytest.mark.parametrize("options", [{}, {"resample": 0.5}])
def test_a_long_series_is_cut_with_a_word(options: dict[str, Any], caplog: Any) -> None:
    frame = pl.DataFrame({"x": [[0.0, 1.0, 2.0], [5.0, 6.0]] * 10, "label": ["up", "down"] * 10})
    model = fit(ClassifyTask, frame, steps=2, hidden=4, max_length=2 if not options else 4, **options)
    assert "steps and cut there; --max-length says where" in caplog.text
    caplog.clear()
    model.predict(frame)
    assert caplog.messages[0].startswith("the data: 10 series are longer than")
    caplog.clear()
    model.predict(frame[1::2].with_columns(pl.col("x").list.head(2)))
    assert "cut" not in caplog.text


def test_held_out_files_and_none_at_all(tmp_path: Path) -> None:
    path, options = example(tmp_path)
    other = tmp_path / "other.csv"
    other.write_text("text,label\nfine,good\n")
    ways: list[tuple[dict[str, Any], int, int]] = [
        ({"valid": other}, 120, 1),
        ({"held_out": 0}, 120, 120),
        ({}, 108, 12),
    ]
    for more, learnt, held_out in ways:
        chosen = ClassifyOptions(**{k: v for k, v in more.items() if k == "held_out"})
        read = ClassifyTask.read(chosen, Sources(path, more.get("valid")))
        assert (len(read.learnt), len(read.held_out)) == (learnt, held_out)
    assert fit(ClassifyTask, path, valid=other, steps=2, **options).predict(other)["text"].to_list() == ["fine"]


def test_a_stream_of_series_and_what_cannot_be_read(tmp_path: Path) -> None:
    model = fit(ClassifyTask, waves(tmp_path), **{**QUICK, "steps": 3})
    (answer,) = model.stream(['{"values": [1, 2, null]}\n'])
    assert json.loads(answer)["predicted"] in ("up", "down")
    with pytest.raises(ElmanError, match=r'line 2 of the stream: a line is an object such as {"values"'):
        list(model.stream(['{"values": [1]}', "1,2,3"]))
    with pytest.raises(ElmanError, match=r"series 2 has the shape \[3, 2\]; \[time, 1\] is wanted"):
        model.predict([np.zeros(3), np.zeros((3, 2))])


def test_options_that_do_not_exist_or_are_out_of_range(tmp_path: Path) -> None:
    path, _ = example(tmp_path)
    with pytest.raises(ElmanError, match=r"no option 'hiden'; did you mean 'hidden'\?"):
        fit(ClassifyTask, path, hiden=3)
    with pytest.raises(ElmanError, match=r"--dropout is from 0 to 0\.95, not 2"):
        fit(ClassifyTask, path, dropout=2.0)


def test_a_series_without_its_label_cannot_be_judged(tmp_path: Path) -> None:
    rows = [f"s{n},{t},{t if n % 2 else -t},{'up' if n % 2 else 'down'}" for n in range(20) for t in range(3)]
    (tmp_path / "long.csv").write_text("\n".join(["id,time,level,label", *rows]) + "\n")
    model = fit(ClassifyTask, tmp_path / "long.csv", **{**QUICK, "steps": 1, "id_column": "id"})
    (tmp_path / "bare.csv").write_text("id,time,level\na,0,1\na,1,2\n")
    with pytest.raises(ElmanError, match=r"bare.csv has no column 'label'; its columns are id, time, level"):
        model.evaluation(tmp_path / "bare.csv", tmp_path, BadRows())


@pytest.mark.parametrize("line", ['{"values": [1e300]}', "[Infinity]", '{"values": [1], "times": [NaN]}'])
def test_a_series_of_a_stream_is_of_finite_numbers(line: str, tmp_path: Path) -> None:
    model = fit(ClassifyTask, waves(tmp_path), **{**QUICK, "steps": 1})
    with pytest.raises(ElmanError, match=r"a value is infinity, or too large|has times that are no numbers"):
        list(model.stream([line]))


def test_of_a_long_text_only_what_is_read_is_cut_into_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join(f"w{n % 7}" for n in range(3_000_000))
    texts = {"text": ["w1 w2 so", words, "w3 no", "w1 so"] * 3, "label": ["a", "b"] * 6}
    cut: list[int] = []
    monkeypatch.setattr(
        "elman.tasks.classify.inputs.split_words", lambda *given: cut.append(len(found := split_words(*given))) or found
    )
    model = fit(ClassifyTask, pl.DataFrame(texts), steps=2, hidden=4, embedding=4, max_length=5, held_out=0.25)
    assert max(cut) == 6
    assert isinstance(model.input, TextInput)
    assert model.input.part(words) == "w0 w1 w2 w3 w4"


def compared(folder: Path, texts: dict[str, list[str]]) -> dict[str, Any]:
    """The result of a short run."""
    fit(ClassifyTask, pl.DataFrame(texts), folder=folder, steps=2, hidden=4, embedding=4)
    return read_json(folder / "result.json")


def test_simple_methods_are_left_out_where_classes_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.tasks.classify.baselines.MOST", 100)
    texts = {"text": [f"w{n % 8} so good" for n in range(64)], "label": [f"k{n % 8}" for n in range(64)]}
    result = compared(tmp_path / "model", texts)
    assert any("8 classes are too many for it" in remark for remark in result["remarks"])
    assert "majority" in result["compared"]


def test_tfidf_learns_from_a_part_of_very_many_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("elman.tasks.classify.baselines.TEXTS", 20)
    with caplog.at_level(logging.INFO, "elman"):
        result = compared(tmp_path / "model", {"text": ["so good", "so bad"] * 32, "label": ["yes", "no"] * 32})
    assert "tf-idf learns from 20 of the" in caplog.text
    assert result["compared"]["tf-idf + logistic"]["accuracy"] == 1


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    outputs = random.integers(0, 9, (50, 4)) / 9  # with ties
    truth = random.integers(0, 4, 50)
    found = Target("classes", ("a", "b", "c", "d")).measures(outputs, truth)["auroc"]
    wanted = np.mean([roc_auc_score(truth == k, outputs[:, k]) for k in range(4)])
    assert found == pytest.approx(wanted, rel=1e-12)


def test_simple_methods_of_nearly_as_many_classes_as_rows_are_learnt_without_a_warning(tmp_path: Path) -> None:
    rows = [f"word{n} more,c{n % 20}" for n in range(40)]
    (tmp_path / "few.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    fit(
        ClassifyTask,
        tmp_path / "few.csv",
        folder=tmp_path / "m",
        **{**QUICK, "steps": 1, "baselines": True},
    )
    assert "tf-idf + logistic" in read_json(tmp_path / "m" / "result.json")["compared"]


def test_the_files_of_a_folder_may_be_parts_of_one_table(tmp_path: Path) -> None:
    for part in range(2):
        rows = "".join(f"{part}-{n},{'so good' if n % 2 else 'so bad'},{'yes' if n % 2 else 'no'}\n" for n in range(30))
        (tmp_path / "parts").mkdir(exist_ok=True)
        (tmp_path / "parts" / f"part-{part}.csv").write_text(f"id,text,label\n{rows}")
    model = fit(ClassifyTask, tmp_path / "parts", steps=2, hidden=4)
    assert isinstance(model, ClassifyTask)
    assert list(model.target.names) == ["no", "yes"]
    assert len(model.predict(tmp_path / "parts")) == 60
    (tmp_path / "classes").mkdir()
    for name in ("good", "bad"):
        (tmp_path / "classes" / f"{name}.csv").write_text(f"so, {name}\nvery, {name}\n" * 10)
    assert fit(ClassifyTask, tmp_path / "classes", steps=2, hidden=4).layout.kind == "folder"


def test_a_class_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    for name in (b"good", b"\xff"):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).mkdir(parents=True)
    for each in folder.iterdir():
        (each / "1.txt").write_text("so so")
    with pytest.raises(ElmanError, match="has \ufffd, whose name is the class, and is not written in UTF-8"):
        fit(ClassifyTask, folder, folder=tmp_path / "m", **QUICK)


def test_of_labels_that_are_nearly_all_numbers_the_others_are_shown() -> None:
    labels = [f"{n}.5" for n in range(30)] + ["<0.5", "high"]
    with pytest.raises(ElmanError, match=r"too many for classes; nearly all are numbers, but not '<0.5', 'high'"):
        find_target(labels)


def test_what_is_no_value_among_numbers_is_no_class() -> None:
    numbers = [f"{n / 10}" for n in range(60)]
    assert find_target([*numbers, *["NaN", "N/A", "n/a"] * 10]).kind == "number"


def test_columns_that_answers_take_the_place_of_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label,predicted\n" + "so good,yes,old\nso bad,no,old\n" * 10)
    model = fit(ClassifyTask, path, steps=2, hidden=4)
    assert "old" not in model.predict(path)["predicted"].to_list()
    assert "answers stand in place of columns of the same name: predicted" in caplog.text


def test_labels_that_are_the_same_number_are_one_and_those_in_another_case_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = find_target(["5", "5.0", "5", "3 ", "true", "TRUE", "True", "TRUE"])
    assert (target.names, target.encode(["5.00", 3.0, "true"])[0].tolist()) == (("3", "5", "TRUE"), [1, 0, 2])
    assert "labels that are written differently are one: 5.0 1 is 5, true 1 is TRUE, True 1 is TRUE" in caplog.text
    assert find_target(["ham", "Ham", "ham", "007", "7"] * 2).names == ("007", "7", "Ham", "ham")
    assert "differ only in case or blanks, and are learnt apart unless written alike: ham 4, Ham 2" in caplog.text
    assert find_target(["1.0", "1.1", "2.0"] * 4, "classes").names == ("1.0", "1.1", "2.0")


def test_codes_that_begin_with_zeros_are_no_channels(caplog: pytest.LogCaptureFixture) -> None:
    rows = [(f"s{n}", k, f"{97 * n * k:05d}", f"{n + k}.5", "ab"[n % 2]) for n in range(12) for k in range(3)]
    frame = pl.DataFrame(rows, schema=["id", "step", "where", "load", "label"], orient="row")
    with caplog.at_level("INFO"):
        read = ClassifyTask.read(ClassifyOptions(), Sources(frame))
    assert read.layout.channels == ("load",)
    assert any("no amounts: where (codes that begin with zeros)" in line for line in caplog.messages)
