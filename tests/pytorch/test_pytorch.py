"""PyTorch's own tests pass with Elman's modules in the place of its own, where its source is at hand."""

import os
from pathlib import Path

import pytest
from pytorch.excused import excuse
from pytorch.run import FILES, outcomes

SOURCE = Path(os.environ.get("PYTORCH_SOURCE", "none"))


@pytest.mark.parametrize("file", FILES)
def test_pytorchs_own_tests_pass(file: str) -> None:
    pytest.importorskip("expecttest")
    if not (SOURCE / "test" / file).exists():
        pytest.skip("PYTORCH_SOURCE is no source of PyTorch; tests/pytorch/run.py says where one is had")
    found = outcomes(SOURCE, file)
    assert found
    assert not {name: text for name, text in found.items() if text not in ("ok", "skipped") and not excuse(name)}
