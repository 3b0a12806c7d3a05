"""Model folders last: those of former versions answer as they did, and what cannot be read is said in one line."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from edits.edits import mend
from folders.make import MADE, answers

import elman
from elman import tasks
from elman.cli.main import main
from elman.errors import ElmanError
from elman.training.folders import FORMAT, OPTIONS, VOCABULARY, WEIGHTS, options_of, read_json, read_options, write_json
from elman.training.loop import Budget, Training
from elman.training.runs import Comparison

KEPT = sorted((Path(__file__).parents[1] / "folders").glob("*/*/options.json"))


def near(one: Any, other: Any) -> bool:
    """Whether plain values are the same, and numbers nearly so: another processor adds up in another order."""
    if isinstance(other, float):
        return one == pytest.approx(other, rel=1e-4, abs=1e-6)
    if isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(other, dict):
        return list(one) == list(other) and all(near(one[key], other[key]) for key in other)
    return one == other


@pytest.mark.parametrize("folder", [path.parent for path in KEPT], ids=lambda path: "/".join(path.parts[-2:]))
def test_a_folder_of_any_version_answers_as_it_did(folder: Path) -> None:
    (asked,) = folder.glob("asked.*")
    said = answers(tasks.restore(folder), asked, asked.read_text(encoding="utf-8"))
    expected = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    assert near(said, expected)


@pytest.mark.parametrize("folder", [path.parent for path in KEPT], ids=lambda path: "/".join(path.parts[-2:]))
def test_how_a_folder_of_any_version_was_trained_can_be_read(folder: Path) -> None:
    about = read_options(folder)
    for group in (Training, Budget, Comparison):
        options_of(group, folder, about, group.__name__.lower())
    if "truncate" in about["training"]:  # as version 0.1 called it
        assert options_of(Training, folder, about, "training").bptt == about["training"]["truncate"]


def test_there_is_a_folder_of_each_task_and_version() -> None:
    made = {make.__name__ for make in MADE}
    assert {name.partition("_")[0] for name in made} == set(tasks.names())
    assert {read_json(path)["format"] for path in KEPT} == set(range(1, FORMAT + 1))
    for kept in {path.parents[1] for path in KEPT}:
        assert {path.name for path in kept.iterdir()} == made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder of this version, to be damaged."""
    return shutil.copytree(next(path.parent for path in reversed(KEPT) if "classify" in path.parts), tmp_path / "model")


def changed(folder: Path, **values: Any) -> None:
    write_json(folder / OPTIONS, read_json(folder / OPTIONS) | values)


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that says why a folder cannot be used, in Python as on the command line."""
    with pytest.raises(ElmanError) as error:
        tasks.restore(folder)
    assert main(["evaluate", str(folder), "--data", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"elman: {error.value}"
    assert str(folder) in line
    return line


def test_an_option_that_no_version_had_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder, options=read_json(folder / OPTIONS)["options"] | {"depth": 3}, elman="0.2.7")
    assert f"{OPTIONS}, of elman 0.2.7: there is no option 'depth'" in refused(folder, capsys)


def test_half_of_a_character_is_no_text_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder, elman="\ud800")
    assert f"{OPTIONS} is damaged" in refused(folder, capsys)


def test_a_newer_format_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder, format=FORMAT + 1, elman="9.0")
    said = refused(folder, capsys)
    assert f"a newer version, elman 9.0; this is {version('elman')}: upgrade" in said


@pytest.mark.parametrize("name", [OPTIONS, VOCABULARY, WEIGHTS])
def test_a_missing_file_is_named(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / name).unlink()
    assert f"lacks {name}; take a copy, or train again" in refused(folder, capsys)


@pytest.mark.parametrize("part", ["format", "task", "options"])
def test_a_missing_part_is_named(part: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = read_json(folder / OPTIONS)
    del about[part]
    write_json(folder / OPTIONS, about)
    assert part in refused(folder, capsys).partition("is damaged: ")[2]


def test_a_vocabulary_of_another_task_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(folder / VOCABULARY, {"tokens": "bytes"})
    assert f"{VOCABULARY} is damaged: it lacks 'layout'" in refused(folder, capsys)


def test_weights_of_another_size_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder, options=read_json(folder / OPTIONS)["options"] | {"hidden": 7})
    assert f"{WEIGHTS} does not belong to" in refused(folder, capsys)


@pytest.mark.parametrize(("name", "hidden"), [(VOCABULARY, 6), (OPTIONS, 6), (WEIGHTS, 6), (WEIGHTS, 8)])
def test_a_file_of_another_model_is_refused_whatever_the_manifest_says(name: str, hidden: int, tmp_path: Path) -> None:
    texts, labels = ["so good", "so bad", "good film", "bad film"] * 8, ["yes", "no"] * 16
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, size, said in zip(folders, (6, hidden), (labels, ["so", "not"] * 16), strict=True):
        model = elman.Classifier(hidden=size, embedding=4, steps=1, dropout=0.1 * len(said[0]), verbose=False)
        model.fit(texts, said).save(folder)
    shutil.copy(folders[1] / name, folders[0] / name)
    mend(folders[0])
    with pytest.raises(ElmanError, match=f"{WEIGHTS} does not belong to .*json, .*of another model|the shape"):
        elman.load(folders[0])
