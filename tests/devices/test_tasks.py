"""Every task learns, goes on and answers on a device that is there. Without one, nothing here is run."""

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from folders.make import MADE, answers
from safetensors.torch import load_file

from elman import tasks
from elman.cli.main import main
from elman.training.folders import RESULT, WEIGHTS
from elman.training.runs import fit

pytestmark = pytest.mark.skipif(not torch.accelerator.is_available(), reason="there is no device but the CPU")
BY_NAME = {make.__name__: make for make in MADE}


class Cut(pl.Callback):
    """Ends a run behind its second step, as Ctrl-C does."""

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.progress.step + 1 == 2:
            pl_module.stop(KeyboardInterrupt())


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("made", BY_NAME)
def test_a_run_that_was_cut_goes_on_as_one_that_was_not(
    made: str, precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "data"
    place.mkdir()
    name, asked, options = BY_NAME[made](place)
    (data,) = place.iterdir()
    options = {**options, "baselines": False, "precision": precision, "steps": 4}
    whole = fit(tasks.load(name), data, folder=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        fit(tasks.load(name), data, folder=tmp_path / "cut", callbacks=(Cut(),), **options)
    assert main(["train", name, "--out", str(tmp_path / "cut"), "--resume"]) == 0
    assert "CUDA" not in capsys.readouterr().err  # what Lightning says of itself
    found, right = (load_file(tmp_path / each / WEIGHTS) for each in ("cut", "whole"))
    close: dict[str, Any] = {"rtol": 0.05, "atol": 0.02} if precision == "bf16" else {"rtol": 1e-3, "atol": 1e-4}
    for parameter, value in right.items():
        torch.testing.assert_close(found[parameter], value, **close, msg=f"{parameter} differs")
    assert json.loads((tmp_path / "cut" / RESULT).read_text())
    rows = tmp_path / f"asked{data.suffix}"
    rows.write_text(asked)
    assert answers(tasks.restore(tmp_path / "cut"), rows, asked)
    assert answers(whole, rows, asked)
