"""What the README shows runs as it stands."""

import re
from pathlib import Path

import torch

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_its_python_runs() -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(block, names)
    for name, shape in (("outputs", [8, 50, 256]), ("output", [1, 128])):
        value = names[name]
        assert isinstance(value, torch.Tensor)
        assert list(value.shape) == shape


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
