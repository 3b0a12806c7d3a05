"""Runs and what they are compared with: other recurrences, other settings, defaults that yield to what is given."""

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from elman.cli.main import main
from elman.errors import ElmanError
from elman.tasks.classify.options import ClassifyOptions
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.recommend.task import RecommendTask
from elman.training.folders import UNTRAINED_WEIGHTS, load_weights, read_json, write_json
from elman.training.options import option
from elman.training.runs import fit, noted
from elman.training.settings import Budget, Training, configured
from elman.training.task import Sources, evaluate
from elman.training.trials import distribution, others, with_some
from tests.tasks.classify.test_classify import example
from tests.tasks.recommend.test_recommend import example as recommend_example


def train(folder: Path, *more: str) -> int:
    source, options = example(folder)
    flags = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    out = ["--out", str(folder / "out"), "--steps", "8", "--no-baselines"]
    return main(["train", "classify", "--data", str(source), *out, *flags, *more])


def test_other_recurrences_stand_in_the_same_table(tmp_path: Path, capsys: Any) -> None:
    assert train(tmp_path, "--compare", "gru, transformer,convolution") == 0
    compared = read_json(tmp_path / "out" / "result.json")["compared"]
    assert list(compared) == ["classify", "gru", "transformer", "convolution", "untrained"]
    assert len({tuple(row.items()) for row in compared.values()}) == 5
    assert all(set(row) == set(compared["classify"]) for row in compared.values())
    assert "transformer" in capsys.readouterr().out
    for name in ("gru", "transformer"):
        steps = (tmp_path / "out" / "compare" / name / "logs").rglob("metrics.csv")
        assert any("8" in path.read_text() for path in steps)


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(tmp_path: Path, capsys: Any) -> None:
    assert train(tmp_path, "--compare", "gru,transfomer") == 2
    assert "there is no cell 'transfomer'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

    @dataclass(frozen=True)
    class Without:
        size: int = option(1, "A size.")

    with pytest.raises(ElmanError, match="--compare takes a task with --cell"):
        others(Without(), "gru")


def test_a_search_is_kept_and_its_best_is_trained(tmp_path: Path, capsys: Any) -> None:
    assert train(tmp_path, "--search", "3", "--layers", "1") == 0
    out = tmp_path / "out"
    assert "trial 3" in (said := capsys.readouterr().err)
    assert "the best of 3" in said
    about, result = read_json(out / "options.json"), read_json(out / "result.json")
    assert about["searching"] is None
    assert about["options"]["hidden"] == result["options"]["hidden"] == 8  # given, so not searched
    assert 0.1 <= about["options"]["dropout"] <= 0.7
    assert result["steps"] == 8
    assert not (out / "trial").exists()
    assert main(["train", "classify", "--out", str(out), "--resume", "--steps", "10"]) == 0
    assert "trial" not in capsys.readouterr().err


def test_a_search_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from elman.training import trials

    usual, seen = trials.attempt, []

    def attempt(*args: Any) -> Any:
        seen.append(args)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return usual(*args)

    monkeypatch.setattr(trials, "attempt", attempt)
    assert train(tmp_path, "--search", "4") == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert main(["train", "classify", "--out", str(tmp_path / "out"), "--resume"]) == 0
    assert len(seen) == 5  # two, one that was stopped, two more
    assert "trial 4" in capsys.readouterr().err


def test_a_search_that_is_damaged_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from elman.training import trials

    def stop(*args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "attempt", stop)
    assert train(tmp_path, "--search", "4") == 130
    out = tmp_path / "out"
    for tried, message in (
        ([{"settings": {"layers": 1}, "value": "x"}], "search.json is damaged: value is 'x' and not a number"),
        ([{"settings": {"layers": [1]}, "value": 1.0}], "search.json is damaged: settings: layers is a list"),
        ([{"settings": {"layers": 1}, "value": 1.0}], "search.json is of another search"),
    ):
        write_json(out / "search.json", {"trials": tried})
        capsys.readouterr()
        assert main(["train", "classify", "--out", str(out), "--resume"]) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
    path = out / "search.json"
    path.write_bytes(path.read_bytes().replace(b"1.0", b"1.5"))
    assert main(["train", "classify", "--out", str(out), "--resume"]) == 2
    assert "search.json is damaged or was changed" in capsys.readouterr().err.splitlines()[-1]


def test_a_search_with_nothing_to_choose(tmp_path: Path, capsys: Any) -> None:
    everything = ["--layers", "1", "--dropout", "0.1", "--no-attention"]
    assert train(tmp_path, "--search", "2", *everything) == 2
    assert "nothing to search" in capsys.readouterr().err


def test_settings_are_drawn_between_their_bounds() -> None:
    from dataclasses import fields

    found = {each.name: distribution(each) for each in fields(ClassifyOptions) if "search" in each.metadata}
    assert found["hidden"] == IntDistribution(32, 256, log=True)
    assert found["layers"] == IntDistribution(1, 2)
    assert found["dropout"] == FloatDistribution(0.1, 0.7)
    assert found["attention"] == CategoricalDistribution([False, True])
    assert with_some(Training(), {"lr": 1.0, "hidden": 3}) == Training(lr=1.0)


def test_a_limit_that_is_given_takes_the_place_of_the_usual_one() -> None:
    usual = configured(ClassifyTask.Options, Budget, {})
    assert (usual.epochs, usual.min_steps) == (12.0, 600)
    given = configured(ClassifyTask.Options, Budget, {"minutes": 2.0, "patience": 3})
    assert (given.minutes, given.epochs, given.patience) == (2.0, None, 3)
    assert configured(ClassifyTask.Options, Training, {}).lr == 1e-3
    with pytest.raises(ElmanError, match="--batch is 1 or more, not 0"):
        configured(ClassifyTask.Options, Training, {"batch": 0})


def test_what_is_announced_is_kept_with_the_model(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    found = read_json(tmp_path / "out" / "result.json")["found"]
    assert any("the text is in column 'text', the label in 'label'" in line for line in found)
    assert found == json.loads((tmp_path / "out" / "options.json").read_text())["found"]
    with noted() as lines:
        pass
    assert lines == []


def test_the_untrained_model_is_judged_on_the_part_that_the_others_are(tmp_path: Path) -> None:
    source, options = recommend_example(tmp_path)
    out = tmp_path / "out"
    model = fit(RecommendTask, source, folder=out, **{**options, "steps": 20, "split": "last"})
    result = read_json(out / "result.json")
    assert result["judged_on"] == {"part": "test", "file": None, "rows": 60, "of": "sessions"}
    data = model.data(RecommendTask.read(model.options, Sources(source)), out, rows=8, steps=8, seed=1)
    assert evaluate(model, data.test).metrics == result["compared"]["recommend"]  # the best weights are in it again
    load_weights(model, out, UNTRAINED_WEIGHTS)
    assert evaluate(model, data.held_out).metrics == result["before"]
    assert evaluate(model, data.test).metrics == result["compared"]["untrained"] != result["before"]


def test_what_is_judged_on_a_file_says_so(tmp_path: Path, capsys: Any) -> None:
    source, _ = example(tmp_path)
    more = tmp_path / "more.csv"
    more.write_text("".join(source.read_text().splitlines(keepends=True)[:11]))
    assert train(tmp_path, "--test", str(more)) == 0
    result = read_json(tmp_path / "out" / "result.json")
    assert result["judged_on"] == {"part": "test", "file": str(more), "rows": 10, "of": "rows"}
    assert result["compared"]["untrained"] != result["before"]
    said = capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"judged on {more}: 10 rows" in said
    for remark in result["remarks"]:
        assert remark in said
        assert html.escape(remark) in page
    assert any("Only 10 rows were judged" in remark for remark in result["remarks"])
