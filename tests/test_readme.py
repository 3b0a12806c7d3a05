"""What the README shows runs as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, on PyTorch
def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    names: dict[str, Any] = {}
    answers = []
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(block, names)
        answers.append(names["answers"])
    shapes = {"outputs": [8, 50, 256], "output": [1, 128], "answers": [200, 1]}
    assert {name: list(names[name].shape) for name in shapes} == shapes
    of_keras, of_elman = answers[:2]
    assert of_keras is not of_elman
    assert of_keras.shape == of_elman.shape
    assert names["network"](torch.zeros(3, 10, 1)).shape == (3, 1)
    assert names["model"].predict("good good") == "yes"


def test_its_tree_is_the_tree() -> None:
    tree = README.split("src/elman/\n")[1].split("```")[0]
    root = Path(__file__).parents[1] / "src" / "elman"
    for line in tree.splitlines():
        name = line.split()[0]
        if line.startswith("  ") and not line.startswith("   "):
            assert (root / name).exists(), f"the README's tree has {name}, which is not there"
    for path in root.iterdir():
        if not path.name.startswith("__pycache__") and path.name != "py.typed":
            assert path.name in tree, f"{path.name} is not in the README's tree"
