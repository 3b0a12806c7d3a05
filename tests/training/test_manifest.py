"""The manifest of a model folder: what has changed is found when it is read; no kill leaves a folder to be refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman.errors import ElmanError
from elman.training import manifest
from elman.training.folders import OPTIONS, RESULT, WEIGHTS, read_json, write_json, written
from elman.training.manifest import MANIFEST


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write_json(folder / OPTIONS, {"format": 3, "hidden": 8})
    write_json(folder / RESULT, {"loss": 0.5})
    return folder


@pytest.mark.parametrize("name", [OPTIONS, RESULT, MANIFEST])
def test_any_byte_that_has_changed_is_found(name: str, folder: Path) -> None:
    whole = (folder / name).read_bytes()
    read = OPTIONS if name == MANIFEST else name
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        (folder / name).write_bytes(changed)
        for use in (manifest.read, manifest.check):
            with pytest.raises(ElmanError, match=f"{name} is damaged or was changed.*; take a copy, or train again$"):
                use(folder, read)
    (folder / name).write_bytes(whole)
    assert read_json(folder / read)


def as_pipe(path: Path) -> str:
    path.unlink()
    os.mkfifo(path)
    return "is a pipe or a device and should be a file"


def as_device(path: Path) -> str:
    path.unlink()
    path.symlink_to("/dev/zero")
    return "is a pipe or a device and should be a file"


def as_folder(path: Path) -> str:
    path.unlink()
    path.mkdir()
    return "is a folder and should be a file"


def as_link(path: Path) -> str:
    path.unlink()
    path.symlink_to("nowhere")
    return "cannot be read"


def gone(path: Path) -> str:
    path.unlink()
    return f"lacks {path.name}"


@pytest.mark.parametrize("name", [OPTIONS, MANIFEST])
@pytest.mark.parametrize("change", [as_pipe, as_device, as_folder, as_link])
def test_what_is_no_file_is_neither_read_nor_waited_for(change: Callable[[Path], str], name: str, folder: Path) -> None:
    with pytest.raises(ElmanError, match=change(folder / name)):
        read_json(folder / OPTIONS)


@pytest.mark.parametrize("change", [as_pipe, as_device, as_link])
def test_nothing_is_written_through_what_is_no_file(change: Callable[[Path], str], folder: Path) -> None:
    change(folder / RESULT)
    with pytest.raises(ElmanError, match=f"{RESULT} is a link, a pipe or a device and should be a file"):
        write_json(folder / RESULT, {"loss": 0.4})
    assert not (folder / "nowhere").exists()


def test_a_missing_file_is_missed_where_the_manifest_names_it(folder: Path) -> None:
    assert manifest.is_there(folder, RESULT)
    assert not manifest.is_there(folder, WEIGHTS)
    gone(folder / RESULT)
    with pytest.raises(ElmanError, match=f"lacks {RESULT}; take a copy"):
        manifest.is_there(folder, RESULT)


def test_a_file_of_another_folder_is_none_of_this(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"of another")
    with pytest.raises(ElmanError, match=f"{WEIGHTS} is no file of this model, since {MANIFEST} does not name it"):
        manifest.read(folder, WEIGHTS)


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("moment", range(6))
def test_no_kill_leaves_a_folder_that_is_refused(
    moment: int, first: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = WEIGHTS if first else RESULT
    replace, renamed = Path.replace, []

    def replace_or_die(path: Path, target: Any) -> Any:
        """Dies before or after one of the three renames that writing a file takes."""
        if len(renamed) * 2 == moment:
            raise Killed
        done = replace(path, target)
        renamed.append(target)
        if len(renamed) * 2 - 1 == moment:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        with pytest.raises(Killed), written(folder, name) as aside:
            aside.write_bytes(b'{"loss": 0.4}')
    expected = {b'{"loss": 0.4}'} if moment >= 3 else {None} if first else {b'{\n  "loss": 0.5\n}\n'}
    assert {manifest.read(folder, name) if manifest.is_there(folder, name) else None} == expected
    for value in ({"loss": 0.3}, {"loss": 0.2}):  # and it goes on
        write_json(folder / name, value)
        assert read_json(folder / name) == value
    (folder / name).write_bytes(b'{"loss": 0.4}')
    with pytest.raises(ElmanError, match="is damaged or was changed"):  # what a kill left open is settled again
        manifest.read(folder, name)


def test_a_reader_meets_a_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, writes = manifest._read, iter([{"loss": 0.4}, {"loss": 0.3}])

    def read_and_be_overtaken(place: Path) -> manifest.Files:
        files = known(place)
        if (value := next(writes, None)) is not None:
            with monkeypatch.context() as patched:
                patched.setattr(manifest, "_read", known)
                write_json(folder / RESULT, value)
        return files

    monkeypatch.setattr(manifest, "_read", read_and_be_overtaken)
    assert read_json(folder / RESULT) == {"loss": 0.3}


def test_a_folder_of_a_former_format_gets_one_when_it_is_written_to(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    assert read_json(folder / OPTIONS)["hidden"] == 8
    write_json(folder / RESULT, {"loss": float("nan")})
    assert read_json(folder / RESULT) == {"loss": None}
    assert "NaN" not in (folder / RESULT).read_text()
    (folder / OPTIONS).write_text("{}")
    with pytest.raises(ElmanError, match=f"{OPTIONS} is damaged or was changed"):
        read_json(folder / OPTIONS)
