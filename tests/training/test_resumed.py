"""What a run goes on from: a checkpoint, data or options of another run, or damaged ones, are told in one line."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from edits.edits import mend
from folders.make import classify, language

from elman import tasks
from elman.cli.main import main
from elman.data.bad import BadRows
from elman.errors import ElmanError
from elman.training.folders import LAST, OPTIONS, read_json, write_json, written
from elman.training.runs import begin, finish, fit, go_on, trained
from elman.training.task import Sources

SHORT: dict[str, Any] = {"steps": 2, "baselines": False}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of a text and one of a table, each with its data beside it."""
    found = {}
    for make in (language, classify):
        place = tmp_path_factory.mktemp(make.__name__)
        task, _, options = make(place)
        (data,) = place.iterdir()
        fit(tasks.load(task), data, folder=place / "model", **{**options, **SHORT})
        found[task] = place
    return found


@pytest.fixture
def place(sound: dict[str, Path], tmp_path: Path) -> Path:
    return copied(sound["language"], tmp_path / "language")


def copied(place: Path, to: Path) -> Path:
    """A copy of a run and its data, which it goes on with."""
    shutil.copytree(place, to)
    about = read_json(to / "model" / OPTIONS)
    write_json(to / "model" / OPTIONS, {**about, "data": str(to / Path(about["data"]).name)})
    return to


def resumed(folder: Path, name: str = "language", steps: int = 3) -> int:
    """Steps of a run that goes on."""
    run = go_on(tasks.load(name), Sources(None), folder, {"steps": steps})
    return trained(run, folder).step


def test_it_goes_on(place: Path) -> None:
    assert resumed(place / "model") == 3


def at(value: Any, *path: Any) -> Any:
    for name in path:
        value = value[name]
    return value


def put(new: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    """A change of what stands in a checkpoint under a path of names."""

    def change(checkpoint: dict[str, Any]) -> None:
        at(checkpoint, *path[:-1])[path[-1]] = new

    return change


def same_way(do: Callable[[Any], Any], *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(checkpoint: dict[str, Any]) -> None:
        put(do(at(checkpoint, *path)), *path)(checkpoint)

    return change


def moments(**new: Any) -> Callable[[dict[str, Any]], None]:
    """The same change of every state of the optimizer."""

    def change(checkpoint: dict[str, Any]) -> None:
        for state in checkpoint["optimizer_states"][0]["state"].values():
            state.update(new)

    return change


def gone(*path: Any) -> Callable[[dict[str, Any]], None]:
    return lambda checkpoint: at(checkpoint, *path[:-1]).pop(path[-1])


def without_end() -> list[Any]:
    """A list that is small in a file, and endless to whoever writes it out."""
    found: list[Any] = []
    for _ in range(60):
        found = [found, found]
    return found


WEIGHT = "task.embedding.weight"
MOMENT = ("optimizer_states", 0, "state", 1, "exp_avg")
DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "moments of one number": (moments(exp_avg=torch.zeros(1)), r"exp_avg has the shape \[1\], not \["),
    "moments below zero": (
        same_way(lambda m: m - 1, "optimizer_states", 0, "state", 0, "exp_avg_sq"), "has a number out of its range",
    ),
    "a moment that is not finite": (
        same_way(lambda m: m * torch.nan, "optimizer_states", 0, "state", 0, "exp_avg"), "numbers that are not finite",
    ),
    "a moment of another type": (
        same_way(lambda m: m.double(), "optimizer_states", 0, "state", 0, "exp_avg"), "has the type torch.float64",
    ),
    "a step that is a number": (moments(step=3), "step is int and not a tensor"),
    "a parameter that there is not": (put({}, "optimizer_states", 0, "state", 99), "is of other parameters"),
    "other groups": (put([], "optimizer_states", 0, "param_groups"), "is of other parameters"),
    "no learning rate": (
        put(float("nan"), "optimizer_states", 0, "param_groups", 0, "lr"), "has a learning rate that is none",
    ),
    "no optimizer": (put([], "optimizer_states"), "the optimizer's state is list and not a list of 1"),
    "weights of another shape": (same_way(lambda w: w[:-1], "state_dict", WEIGHT), "embedding.weight has the shape"),
    "infinite weights": (same_way(lambda w: w / 0, "state_dict", WEIGHT), "embedding.weight has numbers that are not"),
    "a weight too few": (gone("state_dict", WEIGHT), "the weights lacks 'task.embedding.weight'"),
    "a weight too many": (put(torch.zeros(1), "state_dict", "task.other"), "the weights has 'task.other'"),
    "another state": (same_way(lambda s: tuple(p[..., :-1] for p in s), "elman", "carried"), "the state .* the shape"),
    "a state of text": (put("abc", "elman", "carried"), "the state that is carried is not that of this model"),
    "a state that is too deep": (same_way(lambda s: [[s]], "elman", "carried"), "is not that of this model"),
    "a step below zero": (put(-1, "elman", "progress", "step"), "how far it is: step is -1, which is out of its range"),
    "a step that is a text": (put("3", "elman", "progress", "step"), "step is '3' and not a whole number"),
    "a time that is none": (put(float("nan"), "elman", "progress", "seconds"), "seconds is nan, which is not finite"),
    "no time": (put(None, "elman", "progress", "best", "loss"), "best: loss is None and not a number"),
    "a field that there is not": (put(1, "elman", "progress", "pace"), "has 'pace', which there is not"),
    "no randomness": (gone("elman", "randomness"), "it lacks 'randomness'"),
    "randomness of another kind": (put({}, "elman", "randomness"), "where its random numbers are cannot be read"),
    "randomness beyond its end": (put(10**6, "elman", "randomness", "numpy", 2), "is out of their range"),
    "no loops": (gone("loops"), "it has no loops"),
    "no loop of its own": (gone("loops", "fit_loop"), "where its loop is was left out"),
    "a loop that is none": (put([], "loops", "fit_loop"), "where its loop is was left out"),
    "a loop without its place": (
        gone("loops", "fit_loop", "epoch_progress", "current"), "where its loop is: epoch_progress lacks 'current'",
    ),
    "a loop at a text": (
        put("3", "loops", "fit_loop", "epoch_loop.batch_progress", "total", "ready"), "ready is str and not int",
    ),
    "another task": (put("tag", "elman", "run", "task"), "it is of the task 'tag', not language"),
    "another option": (put(9, "elman", "run", "options", "hidden"), "of a run with --hidden 9, not 16"),
    "another rate": (put(9.0, "elman", "run", "training", "lr"), "of a run with --lr 9.0, not 0.03"),
    "an option without end": (put(without_end(), "elman", "run", "options", "hidden"), "--hidden a list, not 16"),
    "a task without end": (put(without_end(), "elman", "run", "task"), "it is of the task a list, not language"),
    "randomness beyond memory": (
        put(torch.zeros(1, dtype=torch.int64).expand(10**13), "elman", "randomness", "numpy", 1),
        "where its random numbers are cannot be read",
    ),
    "other data": (put("0" * 64, "elman", "run", "vocabulary"), "that learnt another vocabulary"),
}  # fmt: skip


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_checkpoint_that_the_run_did_not_write_is_told(damage: str, place: Path) -> None:
    change, message = DAMAGES[damage]
    checkpoint = torch.load(place / "model" / LAST, weights_only=True)
    change(checkpoint)
    with written(place / "model", LAST) as aside:  # the manifest names it
        torch.save(checkpoint, aside)
    with pytest.raises(ElmanError, match=message) as error:
        resumed(place / "model")
    assert str(place / "model" / LAST) in str(error.value)
    assert str(error.value).endswith("train anew with --overwrite")


def test_what_a_checkpoint_has_in_one_place_is_each_parameters_own(place: Path) -> None:
    checkpoint = torch.load(place / "model" / LAST, weights_only=True)
    one = torch.tensor(2.0)
    moments(step=one)(checkpoint)
    same_way(lambda m: m.flatten()[:1].expand(m.numel()).view(m.shape), *MOMENT)(checkpoint)
    with written(place / "model", LAST) as aside:
        torch.save(checkpoint, aside)
    assert resumed(place / "model") == 3
    after = torch.load(place / "model" / LAST, weights_only=True)
    assert {float(state["step"]) for state in after["optimizer_states"][0]["state"].values()} == {3.0}
    assert len(at(after, *MOMENT).unique()) > 1


def test_a_checkpoint_of_another_model_is_told(sound: dict[str, Path], place: Path) -> None:
    checkpoint = torch.load(sound["classify"] / "model" / LAST, weights_only=True)
    with written(place / "model", LAST) as aside:
        torch.save(checkpoint, aside)
    with pytest.raises(ElmanError, match="of the task 'classify', not language"):
        resumed(place / "model")


def test_data_that_has_changed_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = place / "data.txt"
    data.write_text(data.read_text().replace("sun", "son"))
    assert main(["train", "language", "--out", str(place / "model"), "--resume", "--steps", "3"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"elman: {data} has changed since the run in")
    assert line.endswith("put that back, or train anew with --overwrite")
    data.unlink()
    assert main(["train", "language", "--out", str(place / "model"), "--resume", "--steps", "3"]) == 2
    assert f"there is no file {data}" in capsys.readouterr().err.splitlines()[-1]


def test_data_is_the_same_wherever_its_times_and_links_are(place: Path) -> None:
    data = place / "data.txt"
    data.rename(place / "moved.txt")
    data.symlink_to(place / "moved.txt")
    os.utime(data, (1, 1))
    assert resumed(place / "model") == 3


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Path.unlink, "lacks tokens.bin; take a copy, or train again"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "tokens.bin is damaged or was changed"),
        (lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]), "tokens.bin is damaged or was changed"),
    ],
)
def test_damaged_tokens_are_told(edit: Callable[[Path], Any], message: str, place: Path) -> None:
    edit(place / "model" / "tokens.bin")
    with pytest.raises(ElmanError, match=message):
        resumed(place / "model")


def test_tokens_that_the_model_does_not_know_are_told(place: Path) -> None:
    tokens = place / "model" / "tokens.bin"
    tokens.write_bytes(b"\xfe" + tokens.read_bytes()[1:])
    mend(place / "model")
    with pytest.raises(ElmanError, match=r"tokens.bin has other tokens than the \d+ that the model knows; train again"):
        resumed(place / "model")


def other_tokens(folder: Path, name: str = "tokens.bin") -> None:
    """The tokens of another text of the same characters, which the manifest names."""
    (folder / name).write_bytes((folder / name).read_bytes()[::-1])
    mend(folder)


def test_tokens_of_another_text_are_not_learnt_from(place: Path) -> None:
    other_tokens(place / "model")
    with pytest.raises(ElmanError, match=r"or of another run: .* that learnt from another tokens.bin, from"):
        resumed(place / "model")


def test_tokens_of_a_text_to_judge_on_are_held_against_the_run_too(place: Path, tmp_path: Path) -> None:
    (tmp_path / "valid.txt").write_text((place / "data.txt").read_text()[:500])
    options = {**language(tmp_path)[2], **SHORT}
    fit(tasks.load("language"), place / "data.txt", tmp_path / "valid.txt", folder=tmp_path / "model", **options)
    assert resumed(tmp_path / "model") == 3
    other_tokens(tmp_path / "model", "valid.bin")
    with pytest.raises(ElmanError, match=r"learnt from another tokens.bin or valid.bin, from other data"):
        resumed(tmp_path / "model", steps=4)


def test_tokens_of_a_model_to_compare_with_are_held_against_it_too(place: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", {**language(tmp_path)[2], **SHORT, "compare": "gru"}
    run = begin(tasks.load("language"), Sources(place / "data.txt"), out, options)
    finish(run, out, trained(run, out))
    other_tokens(out / "compare" / "gru")
    run = go_on(tasks.load("language"), Sources(None), out, {"steps": 3})
    with pytest.raises(ElmanError, match=r"compare/gru/checkpoints/last.ckpt .* learnt from another tokens.bin, from"):
        finish(run, out, trained(run, out))


def test_what_a_run_prepared_before_its_first_checkpoint_is_made_anew(place: Path) -> None:
    folder, whole = place / "model", (place / "model" / "tokens.bin").read_bytes()
    for name in (LAST, "checkpoints/best.ckpt", "model.safetensors"):
        (folder / name).unlink()
    mend(folder)
    other_tokens(folder)
    assert resumed(folder, steps=2) == 2
    assert (folder / "tokens.bin").read_bytes() == whole


def test_leaving_out_bad_rows_from_now_on_is_told(place: Path) -> None:
    for skip in (True, "all"):
        with pytest.raises(ElmanError, match="was begun without --skip-bad and goes on so"):
            go_on(tasks.load("language"), Sources(None, bad=BadRows(skip)), place / "model", {"steps": 3})


def test_a_folder_of_another_task_is_told(place: Path) -> None:
    with pytest.raises(ElmanError, match="holds a model for language, not for classify"):
        resumed(place / "model", "classify")


def test_a_model_without_its_run_is_told(place: Path) -> None:
    about = read_json(place / "model" / OPTIONS)
    write_json(place / "model" / OPTIONS, {name: about[name] for name in ("format", "elman", "task", "options")})
    with pytest.raises(ElmanError, match="has no training; take a copy"):
        resumed(place / "model")


def test_a_checkpoint_of_a_former_format_goes_on(place: Path) -> None:
    checkpoint = torch.load(place / "model" / LAST, weights_only=True)
    for name in ("run", "budget"):
        checkpoint["elman"].pop(name, None)
    checkpoint["elman"]["progress"].pop("due", None)
    (place / "model" / "manifest.json").unlink()
    torch.save(checkpoint, place / "model" / LAST)
    about = read_json(place / "model" / OPTIONS)
    del about["sums"]
    write_json(place / "model" / OPTIONS, {**about, "format": 2})
    (place / "model" / "manifest.json").unlink()
    assert resumed(place / "model") == 3
    assert (place / "model" / "manifest.json").exists()
    assert resumed(place / "model", steps=4) == 4
