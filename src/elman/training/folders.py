"""A model folder: what it holds, how it is written and read, and how one of a former version is read.

``options.json`` says which task it is, with which options, trained how; ``vocabulary.json`` what was learnt of the data
before there was a model; ``model.safetensors`` has the weights; ``manifest.json`` the checksums of what is read again.
A run adds ``result.json``, ``history.csv``, ``report.html``, ``skipped.txt``, ``checkpoints`` to go on from, and
``piped``, the data where that came through a pipe.

Nothing in it is guessed at or dropped: an option that this version does not know is an error that names it, and one
that had another name is read by that, the ``was`` of ``option``. What else a format has otherwise than the one before
it is brought up to date in ``read_options``.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from elman.data.plain import Within, restored, without_infinite
from elman.errors import ElmanError
from elman.system import held_alone
from elman.training import manifest
from elman.training.manifest import MANIFEST
from elman.training.options import checked, renamed
from elman.training.tensors import check_weights

T = TypeVar("T")

OPTIONS, VOCABULARY, WEIGHTS = "options.json", "vocabulary.json", "model.safetensors"
BESIDE = "beside"  # under which weights say what tells the files beside them
RESULT, REPORT, SKIPPED = "result.json", "report.html", "skipped.txt"
HISTORY = "history.csv"
ABOUT = "estimator.json"  # of a model that was trained in Python
CHECKPOINTS, LOGS = "checkpoints", "logs"
COMPARE, SEARCH, TRIAL = "compare", "search.json", "trial"  # what was trained to be compared, or to be chosen from
TOKENS = ("tokens.bin", "valid.bin")  # of a text
PIPED = "piped"  # data that came through a pipe
# all that a model folder may hold; one that holds anything else is never replaced
OURS = {
    OPTIONS, VOCABULARY, WEIGHTS, MANIFEST, RESULT, REPORT, SKIPPED, ABOUT, HISTORY, CHECKPOINTS, LOGS, COMPARE, SEARCH,
    TRIAL, "search.db", "search.db-journal", PIPED, *TOKENS,
}  # fmt: skip
UNTRAINED_WEIGHTS = f"{CHECKPOINTS}/untrained.safetensors"  # from before the first step, to compare the others with
LAST, BEST = (f"{CHECKPOINTS}/{name}.ckpt" for name in ("last", "best"))
READ = (OPTIONS, VOCABULARY, WEIGHTS, RESULT, ABOUT, HISTORY, SEARCH, *TOKENS, UNTRAINED_WEIGHTS, LAST, BEST)

# of what is written: 1 is that of elman 0.1; 2 has other names of options; 3 has a manifest; a higher one comes from a
# newer version
FORMAT = 3
WITH_MANIFEST = 3


@dataclass(frozen=True)
class Begun:
    """What ``options.json`` keeps of how a run was begun, beside the options."""

    data: str | None = None
    valid: str | None = None
    test: str | None = None
    skip_bad: bool | Literal["all"] = False
    found: tuple[str, ...] = ()
    searching: tuple[str, ...] | None = None
    sums: dict[str, str | None] = field(default_factory=dict)  # what tells the files from those that they were


@dataclass(frozen=True)
class About(Begun):
    """What ``options.json`` has; that of a model that was only saved has nothing of a run."""

    format: Annotated[int, Within(1, FORMAT)] = FORMAT
    elman: str = ""
    task: str = field(kw_only=True)
    options: dict[str, Any] = field(kw_only=True)
    training: dict[str, Any] = field(default_factory=dict)
    budget: dict[str, Any] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)


BEGUN = [each.name for each in fields(Begun)]


def check_place(folder: Path) -> None:
    """Refuse a place where a model folder cannot be written without harm to what is there.

    Raises:
        ElmanError: a file, or a folder with other things than a model's.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise ElmanError(f"the name {str(folder)!r} is not UTF-8; give --out another folder") from error
    if folder.exists() and not folder.is_dir():
        raise ElmanError(f"{folder} is a file; --out takes a folder")
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()}
    left = {name for name in names - OURS if not name.endswith(".partial")}  # what a killed process has left
    if left or (names and OPTIONS not in names):
        example = min(left or names)
        raise ElmanError(f"{folder} holds other things than a model, such as {example}; give --out a new folder")


@contextmanager
def alone(folder: Path, name: Path | None = None) -> Iterator[None]:
    """Nobody else trains in a folder meanwhile, where there is one.

    Args:
        folder: a model folder, or the one that is to become it.
        name: what a user calls it, where that is something else.

    Raises:
        ElmanError: another process does.
    """
    with held_alone(folder) if folder.is_dir() else nullcontext(True) as own:
        if not own:
            raise ElmanError(f"another run is at work in {name or folder}; wait until it ends, or give another folder")
        yield


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder, which takes the place of a model folder, or of nothing, once all of it is written.

    Raises:
        ElmanError: a place that holds something else, or in which another run is at work.
    """
    check_place(folder)
    folder = folder.resolve()
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    try:
        with alone(new, folder):
            _remove(new)
        new.mkdir(parents=True)
    except OSError as error:  # the name that the user knows
        raise OSError(error.errno, error.strerror, str(folder)) from error
    try:
        with alone(folder), alone(new, folder):
            yield new
            _remove(old)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
    finally:
        if old.exists() and not folder.exists():  # a signal came between the two
            old.rename(folder)
        _remove(new)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def save_options(folder: Path, task: str, options: Any, vocabulary: dict[str, Any], **more: Any) -> None:
    """Write all but the weights.

    Args:
        folder: the model folder.
        task: the name of the task.
        options: an instance of its dataclass of options.
        vocabulary: plain values.
        more: of the run, plain values.
    """
    write_json(folder / VOCABULARY, vocabulary)
    about = {"format": FORMAT, "elman": version("elman"), "task": task, "options": asdict(options)}
    write_json(folder / OPTIONS, {**about, **more})


def read_options(folder: Path) -> dict[str, Any]:
    """What ``options.json`` says, as this version would have written it; ``options_of`` reads the options in it.

    Raises:
        ElmanError: no folder, a file that is missing or damaged, or a newer format.
    """
    if not folder.is_dir():
        raise ElmanError(f"there is no model folder {folder}; elman train makes one")
    path = folder / OPTIONS
    about = read_json(path)
    found = about.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ElmanError(f"{path} is damaged: it does not say its format; take a copy")
    if found > FORMAT:
        raise ElmanError(
            f"{folder} comes from a newer version, elman {about.get('elman')}; this is {version('elman')}: "
            "upgrade with pip install --upgrade elman"
        )
    if found >= WITH_MANIFEST and not manifest.exists(folder):
        raise ElmanError(f"the model folder {folder} lacks {MANIFEST}; take a copy, or train again")
    try:
        restored(About, about)
    except ElmanError as error:
        raise ElmanError(f"{path} is damaged: {error}; take a copy") from error
    return about


def about_run(folder: Path, about: Mapping[str, Any]) -> Begun:
    """How the run in a folder was begun.

    Args:
        folder: the model folder.
        about: what ``read_options`` gave.

    Raises:
        ElmanError: a model that was saved without its run.
    """
    if lacking := [name for name in ("data", "valid", "test", "skip_bad", "found") if name not in about]:
        raise ElmanError(f"{folder / OPTIONS} says nothing of a run to go on with: it lacks {lacking[0]!r}")
    return restored(Begun, {name: value for name, value in about.items() if name in BEGUN})


def options_of(group: type[T], folder: Path, about: dict[str, Any], part: str) -> T:
    """The options of a group as a folder has them.

    Args:
        group: their dataclass.
        folder: the model folder.
        about: what ``read_options`` gave.
        part: under which name they stand there.

    Raises:
        ElmanError: an option that the group does not have, or none of that part.
    """
    given = about.get(part)
    if not isinstance(given, dict):
        raise ElmanError(f"{folder / OPTIONS} is damaged: it has no {part}; take a copy")
    try:
        return group(**checked(group, renamed(group, given)))
    except ElmanError as error:
        raise ElmanError(f"{folder / OPTIONS}, of elman {about.get('elman')}: {error}") from error


def save_weights(model: nn.Module, folder: Path, name: str = WEIGHTS) -> None:
    """Write the weights, with what tells the options and the vocabulary beside them."""
    # written by ourselves: on a full disk the library's own function does not say that the disk is full
    with written(folder, name) as aside:
        tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
        # as one value: of several the library writes them in any order, and the same weights are the same bytes
        aside.write_bytes(save_tensors(tensors, {BESIDE: json.dumps(_beside(folder), sort_keys=True)}))


def load_weights(model: nn.Module, folder: Path, name: str = WEIGHTS) -> None:
    """Read the weights into a model.

    Raises:
        ElmanError: a file that is missing or damaged, or of another model.
    """
    path, data = folder / name, manifest.read(folder, name)
    try:
        weights = load_tensors(data)
    except (SafetensorError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        said = _first_line(error)
        raise ElmanError(f"{path} is damaged or was cut short ({said}); {manifest.AGAIN}") from error
    try:
        check_weights(weights, model)
    except ElmanError as error:
        raise ElmanError(f"{path} does not belong to {folder / OPTIONS}, or is damaged: {error}") from error
    known = _beside(folder)
    try:
        beside = _said_beside(data)
    except (RecursionError, ValueError) as error:
        raise ElmanError(f"{path} is damaged ({_first_line(error)}); {manifest.AGAIN}") from error
    for file, said in beside.items():
        if said != known.get(file, said):
            raise ElmanError(f"{path} does not belong to {folder / file}, which is of another model; {manifest.AGAIN}")
    model.load_state_dict(weights)


def _beside(folder: Path) -> dict[str, str]:
    """What tells the options and the vocabulary of a folder from those of another model of the same shapes."""
    if not manifest.is_there(folder, OPTIONS):  # of a run that another one makes to compare with
        return {}
    about = read_json(folder / OPTIONS)
    made = json.dumps([about.get("task"), about.get("options")], sort_keys=True).encode()
    learnt = manifest.read(folder, VOCABULARY)
    return {OPTIONS: hashlib.sha256(made).hexdigest(), VOCABULARY: hashlib.sha256(learnt).hexdigest()}


def _said_beside(data: bytes) -> dict[str, str]:
    """What the weights say of the files beside them, which version 0.1 did not."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    said = json.loads((header.get("__metadata__") or {}).get(BESIDE, "{}"))
    return said if isinstance(said, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Write plain values to a file of a model folder; a number that is not finite is null."""
    with written(path.parent, path.name) as aside:
        text = json.dumps(without_infinite(value), indent=2, ensure_ascii=False, default=by_name, allow_nan=False)
        # a name of a file that is not UTF-8 has halves of characters, which JSON can escape
        aside.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def written(folder: Path, name: str) -> AbstractContextManager[Path]:
    """A path to write a file of a model folder to, as ``manifest.written`` gives it."""
    return manifest.written(folder, name, READ)


def by_name(value: Any) -> str:
    """A class by where it is, since an option may be one."""
    if isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    raise TypeError(f"{value!r} is no plain value")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object that ``write_json`` wrote.

    Raises:
        ElmanError: a file that is missing or damaged.
    """
    data = manifest.read(path.parent, path.name)
    try:
        value = json.loads(data)
        # halves of a character can be written, and are none; but the name of a file may have bytes that are no text
        json.dumps(value, ensure_ascii=False).encode(errors="strict" if path.name == VOCABULARY else "surrogateescape")
    except (RecursionError, ValueError) as error:
        raise ElmanError(f"{path} is damaged or was cut short: {_first_line(error)}; take a copy") from error
    if not isinstance(value, dict):
        raise ElmanError(f"{path} is damaged: it holds no object; take a copy")
    return value


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
