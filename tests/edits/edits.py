"""Edits of model folders at random: ``python tests/edits/edits.py --number 1000``.

A folder of each task is copied, something in it is changed, with the manifest brought up to date afterwards or not, and
then it is used in one of the ways there are. It must be used as usual or be refused in one line; nothing else may
happen. What failed is printed with its seed, and ``--seed N --number 1`` does the same again.
"""

import argparse
import contextlib
import faulthandler
import io
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from folders.make import MADE
from fuzz.forged import forged
from limits import SECONDS, bounded, in_time, quiet
from safetensors.torch import load_file, save_file

import elman
from elman import tasks
from elman.cli.main import main
from elman.errors import ElmanError
from elman.training import manifest
from elman.training.folders import (
    ABOUT,
    BEST,
    HISTORY,
    LAST,
    OPTIONS,
    READ,
    RESULT,
    TOKENS,
    UNTRAINED_WEIGHTS,
    VOCABULARY,
    WEIGHTS,
)
from elman.training.runs import fit

GONE_ON = (LAST, UNTRAINED_WEIGHTS, *TOKENS)  # what is read where a run goes on
ALWAYS = (OPTIONS, VOCABULARY, WEIGHTS)  # what is read whatever a model is asked
WRONG: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, -0.5, 10**6, 10**10, -(10**10), 2**63, 10**30, 1e308, math.nan, math.inf,
    -math.inf, "", "x", "\n", "a" * 5000, "\ud800", "../../etc/passwd", [], [1], ["x"], [[]], {}, {"x": 1},
    {"kind": "x"},
)  # fmt: skip


@dataclass(frozen=True)
class Base:
    """A sound model folder, and what may be asked of it."""

    name: str
    task: str
    folder: Path
    data: Path
    asked: Path
    line: str  # of a stream, or a beginning


@dataclass(frozen=True)
class Failure:
    """What an edited folder did that it must not."""

    seed: int
    base: str
    edit: str
    use: str
    what: str

    def __str__(self) -> str:
        return f"--seed {self.seed} --number 1: {self.base}, {self.edit}, {self.use}: {self.what}"


def bases(place: Path) -> list[Base]:
    """A folder of each task and kind, trained for two steps, and one that an estimator wrote."""
    found = []
    for make in MADE:
        data = place / f"{make.__name__}-data"
        data.mkdir()
        task, asked, options = make(data)
        (file,) = data.iterdir()
        folder = place / make.__name__
        with quiet():
            fit(tasks.load(task), file, folder=folder, **{**options, "steps": 2, "baselines": False})
        rows = place / f"{make.__name__}-asked{file.suffix}"
        rows.write_text(asked)
        found.append(Base(make.__name__, task, folder, file, rows, asked.strip().splitlines()[-1]))
    texts, labels = ["so good", "so bad", "good film", "bad film"] * 8, ["yes", "no"] * 16
    model = elman.Classifier(hidden=4, embedding=4, steps=2, verbose=False, baselines=False)
    with quiet():
        model.fit(texts, labels).save(place / "estimator")
    rows = place / "estimator-asked.csv"
    rows.write_text("text\nso good\n")
    return [*found, Base("estimator", "classify", place / "estimator", rows, rows, "so good")]


def attempt(seed: int, sound: list[Base], place: Path) -> Failure | None:
    """One edit of one folder, and one use of it.

    Args:
        seed: says which.
        sound: the folders to choose from, which stay as they are.
        place: where the edited one is written.
    """
    random = Random(seed)
    base = random.choice(sound)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(base.folder, place)
    names = [name for name in READ if (place / name).is_file() and name != BEST]
    if random.random() < 0.1:
        names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    name = random.choice(names)
    edit = random.choice(_edits(name))
    before = (place / name).read_bytes()
    edit(place, name, random, sound)
    mended = name != manifest.MANIFEST and random.random() < 0.6 and mend(place)
    same = (place / name).is_file() and (place / name).read_bytes() == before
    uses = _uses(base)
    use = random.choice([*uses, "resume"] if base.name != "estimator" else list(uses))
    if random.random() < 0.7:  # mostly one that reads the file
        use = "load" if name in (RESULT, HISTORY, ABOUT) else "resume" if name in GONE_ON else use
        use = use if use != "resume" or base.name != "estimator" else "load"
    said = f"{edit.__name__.strip('_')} of {name}{', with a mended manifest' if mended else ''}"
    what = outcome(lambda: _resume(base, place) if use == "resume" else uses[use](place))
    unread = use == "resume" and name == WEIGHTS  # a run that goes on writes them
    if what is None and not mended and not same and not unread and name in (*ALWAYS, manifest.MANIFEST):
        what = "it was used, though it is not what the manifest names"
    if what is None and edit is _of_another and not same and not unread and name in ALWAYS:
        what = "it was used, though its parts are of two models"
    return None if what in (None, REFUSED) else Failure(seed, base.name, said, use, what)


REFUSED = "refused in one line"


def outcome(use: Callable[[], int | None]) -> str | None:
    """What is wrong with how a folder is used; None where it works, ``REFUSED`` where it is refused as it should be."""
    told, began = io.StringIO(), time.monotonic()
    with quiet(), contextlib.redirect_stderr(told), in_time():
        try:
            code = use() or 0
        except ElmanError as error:
            return REFUSED if "\n" not in str(error) and len(str(error)) < 1000 else f"it is told as {str(error)!r}"
        except BaseException as error:  # whatever it is, it must not be
            if isinstance(error, KeyboardInterrupt):
                raise
            return f"{type(error).__name__} after {time.monotonic() - began:.1f} s: {error!s:.300}"
    said = [line for line in told.getvalue().splitlines() if line.startswith("elman: ")]
    if code == 2:
        return REFUSED if said and "Traceback" not in told.getvalue() else f"it is told as {told.getvalue()!r:.300}"
    return None if code == 0 else f"it ends with {code}"


def _resume(base: Base, folder: Path) -> int:
    data = [] if base.task == "estimator" else ["--steps", "3"]
    return main(["train", base.task, "--out", str(folder), "--resume", *data])


def _uses(base: Base) -> dict[str, Callable[[Path], int | None]]:
    """The ways in which a folder of a task is used, by name."""

    def load(folder: Path) -> None:
        elman.load(folder)

    if base.task == "language":
        return {
            "generate": lambda folder: main(["generate", str(folder), "--length", "5", "--number", "2", "--seed", "1"]),
            "evaluate": lambda folder: main(["evaluate", str(folder), "--data", str(base.data)]),
            "load": load,
        }
    uses: dict[str, Callable[[Path], int | None]] = {
        "predict": lambda folder: main(["predict", str(folder), "--data", str(base.asked)]),
        "stream": lambda folder: _streamed(folder, base.line),
        "load": load,
    }
    if base.name != "estimator":
        uses["evaluate"] = lambda folder: main(["evaluate", str(folder), "--data", str(base.data)])
    return uses


def _streamed(folder: Path, line: str) -> int:
    before = sys.stdin
    sys.stdin = io.StringIO(f"{line}\n" * 3)
    try:
        return main(["predict", str(folder), "--stream"])
    finally:
        sys.stdin = before


# ---- edits

Edit = Callable[[Path, str, Random, list[Base]], None]


def _edits(name: str) -> list[Edit]:
    """The edits that suit a file: of its bytes and of itself, and more often of its fields or tensors."""
    bytes_: list[Edit] = [_flip, _cut, _longer, _empty, _gone, _as_folder, _as_link, _as_pipe, _of_another]
    if name.endswith(".json"):
        return [*bytes_, *[_field] * 12]
    if name.endswith(".safetensors"):
        return [*bytes_, *[_tensor] * 8, *[_forged] * 4]
    return [*bytes_, *[_kept] * 10] if name.endswith(".ckpt") else bytes_


def _flip(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    data = bytearray((folder / name).read_bytes())
    for _n in range(random.choice((1, 1, 1, 5))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    (folder / name).write_bytes(data)


def _cut(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: random.randrange(len(data))])


def _longer(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    with (folder / name).open("ab") as file:
        file.write(random.randbytes(random.choice((1, 100))))


def _empty(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).write_bytes(b"")


def _gone(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).unlink()


def _as_folder(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()


def _as_link(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(random.choice(("/dev/zero", "/dev/null", "nowhere", "/etc", name.rpartition("/")[2])))


def _as_pipe(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)


def _of_another(folder: Path, name: str, random: Random, sound: list[Base]) -> None:
    other = random.choice([base for base in sound if (base.folder / name).is_file()])
    shutil.copy(other.folder / name, folder / name)


def _field(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    value = json.loads((folder / name).read_text(encoding="utf-8"))
    changed = _changed(value, random)
    (folder / name).write_text(json.dumps(changed), encoding="utf-8")


def _tensor(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    found = load_file(folder / name)
    each = random.choice(list(found))
    if random.random() < 0.15:
        found[each + "x"] = found.pop(each)
    elif random.random() < 0.15:
        del found[each]
    else:
        found[each] = _other_tensor(found[each], random).contiguous().clone()
    save_file(found, folder / name)


def _forged(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    (folder / name).write_bytes(forged(random, (folder / name).read_bytes()))


def _kept(folder: Path, name: str, random: Random, _: list[Base]) -> None:
    value = torch.load(folder / name, weights_only=True)
    torch.save(_changed(value, random), folder / name)


def _other_tensor(tensor: torch.Tensor, random: Random) -> torch.Tensor:
    """Another tensor in the place of one."""
    ways: list[Callable[[], torch.Tensor]] = [
        lambda: tensor[..., None],
        lambda: tensor.flatten()[:-1],
        lambda: torch.zeros(0),
        lambda: torch.zeros(1),
        lambda: tensor.double() if tensor.dtype != torch.float64 else tensor.float(),
        lambda: tensor.to(torch.int8),
        lambda: torch.full_like(tensor, math.nan) if tensor.is_floating_point() else tensor,
        lambda: torch.full_like(tensor, math.inf) if tensor.is_floating_point() else tensor,
        lambda: torch.full_like(tensor, 3e38) if tensor.is_floating_point() else tensor,
        lambda: torch.full_like(tensor, -1),
        lambda: tensor.flip(0) if tensor.dim() else tensor + 1,
        lambda: torch.zeros(()).expand(10**6, 10**6),
    ]
    return random.choice(ways[:-1])()


def _changed(value: Any, random: Random) -> Any:
    """A nested value in which something is another, lacks, has another name, or is there twice."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        found = dict(value)
        if random.random() < 0.07:
            found.pop(name)
        elif random.random() < 0.07:
            found[f"{name}x"] = found.pop(name)
        else:
            found[name] = _changed(value[name], random)
        return found
    if isinstance(value, list | tuple) and value and random.random() < 0.8:
        found_list, at = list(value), random.randrange(len(value))
        if random.random() < 0.1:
            del found_list[at]
        elif random.random() < 0.15:
            found_list.insert(at, found_list[at])
        else:
            found_list[at] = _changed(value[at], random)
        return type(value)(found_list)
    if isinstance(value, torch.Tensor) and random.random() < 0.8:
        return _other_tensor(value, random)
    if isinstance(value, int | float) and not isinstance(value, bool) and random.random() < 0.4:
        return random.choice((-value, value + 1, value * 1000, value - 1, float(value), value + 0.5, str(value)))
    if isinstance(value, str) and value and random.random() < 0.3:
        return random.choice((value[:-1], value + value, value.upper(), list(value)))
    return random.choice(WRONG)


def mend(folder: Path) -> bool:
    """Bring the manifest up to date with the files as they are, as a tool or an attacker would."""
    files: manifest.Files = {name: [found] for name in READ if (found := manifest._standing(folder, name)) is not None}
    (folder / manifest.MANIFEST).write_text(manifest._text(files), encoding="utf-8")
    return True


def run(number: int, seed: int) -> list[Failure]:
    """So many edits, from a seed on."""
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        sound = bases(place)
        bounded()
        for each in range(seed, seed + number):
            faulthandler.dump_traceback_later(20 * SECONDS, exit=True)  # of what no signal ends
            failure = attempt(each, sound, place / "edited")
            faulthandler.cancel_dump_traceback_later()
            if failure is not None:
                failures.append(failure)
                print(failure, flush=True)
    return failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    wrong = run(given.number, given.seed)
    print(f"{given.number:,} edits of model folders, of which {len(wrong)} failed")
    sys.exit(bool(wrong))
