"""What a cut run goes on from: files that are whole or not there, and where all random numbers are."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor

from elman.errors import ElmanError
from elman.training import manifest
from elman.training.folders import CHECKPOINTS, written


def seed_all(seed: int) -> None:
    """Start all random numbers."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


PARTS = {"state_dict": dict, "loops": dict, "callbacks": dict, "optimizer_states": list, "elman": dict}  # that are read


class WholeFiles(CheckpointIO):
    """Checkpoints that are whole or not there, and hold tensors and plain values only.

    Args:
        folder: the model folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        buffer = io.BytesIO()  # on a full disk torch.save itself does not say that the disk is full
        torch.save(checkpoint, buffer)
        if not self._is_own(path):  # what processes leave for each other
            Path(path).write_bytes(buffer.getbuffer())
            return
        with written(self.folder, _name(path)) as aside:
            aside.write_bytes(buffer.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        if not self._is_own(path):
            return torch.load(path, map_location="cpu", weights_only=True)
        data = manifest.read(self.folder, _name(path))
        try:
            found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:  # torch names no types for what a damaged file gives
            raise ElmanError(f"{path} is damaged or was cut short; train anew with --overwrite") from error
        parts = {name: found.get(name) for name in PARTS} if isinstance(found, dict) else {}
        for name, kind in PARTS.items():
            if not isinstance(parts.get(name), kind):
                raise ElmanError(f"{path} is damaged: it has no {name}; train anew with --overwrite")
        return {**parts, "lr_schedulers": [], "pytorch-lightning_version": lightning.__version__}

    def _is_own(self, path: Any) -> bool:
        return Path(path).parent == self.folder / CHECKPOINTS

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink()


def _name(path: Any) -> str:
    return f"{CHECKPOINTS}/{Path(path).name}"


def randomness() -> dict[str, Any]:
    """Where all random numbers are."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    state = {
        "torch": torch.get_rng_state(),
        "numpy": [kind, torch.from_numpy(np.asarray(keys, np.int64)), *rest],
        "python": random.getstate(),
    }
    return state | ({"cuda": torch.cuda.get_rng_state_all()} if torch.cuda.is_available() else {})


def set_randomness(state: dict[str, Any]) -> None:
    """Go on with random numbers from where ``randomness`` was."""
    torch.set_rng_state(state["torch"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Whatever is drawn meanwhile, the random numbers of the program around go on from where they were."""
    before = randomness()
    try:
        yield
    finally:
        set_randomness(before)


def moved(state: Any, device: torch.device) -> Any:
    """A carried state on a device: a tensor, or tensors in tuples and dictionaries."""
    if state is None or isinstance(state, Tensor):
        return state if state is None else state.to(device)
    if isinstance(state, dict):
        return {name: moved(part, device) for name, part in state.items()}
    return tuple(moved(part, device) for part in state)
