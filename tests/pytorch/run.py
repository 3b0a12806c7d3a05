"""PyTorch's own tests of its RNN, LSTM and GRU, run with Elman's in their place.

    PYTORCH_SOURCE=pytorch-v2.6.0 python tests/pytorch/run.py          # all of them
    PYTORCH_SOURCE=pytorch-v2.6.0 python tests/pytorch/run.py --own    # the same with PyTorch's own, to compare

``PYTORCH_SOURCE`` is an unpacked source of PyTorch, such as ``apt-get source pytorch`` brings on Debian; the tests need
the package ``expecttest`` as well. Those are run whose name or code names one of the three modules. ``excused.py`` says
why one cannot pass; what is for another device, or cannot be tested here, skips itself. The second derivatives that
``test_modules.py`` checks number by number take minutes.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import TestCase, TestResult, defaultTestLoader

FILES = (
    "test_nn.py",
    "test_modules.py",
    "nn/test_pruning.py",
    "nn/test_load_state_dict.py",
    "test_autocast.py",
    "test_expanded_weights.py",
    "test_fake_tensor.py",
    "test_serialization.py",
    "test_fx.py",
    "test_autograd.py",
    "quantization/core/test_quantized_module.py",
    "quantization/eager/test_quantize_eager_ptq.py",
    "quantization/fx/test_quantize_fx.py",
)
NAMED = re.compile(r"(?i)(rnn|lstm|gru)(?!_?cell)(?![a-z])|variable_sequence")
USED = re.compile(r"\bnn\.(RNN|LSTM|GRU)\b|['\"](RNN|LSTM|GRU)['\"]")

# what the tests of an older PyTorch import, and a newer one does not have any more; none of it is of these modules
GONE: dict[str, dict[str, Any]] = {
    "torch.testing._internal.common_nn": {"new_module_tests": []},
    "torch.testing._internal.common_cuda": {"tf32_is_not_fp32": lambda: False},
    "torch.export": {"export_for_training": None},
    "torch.testing._internal.common_mkldnn": {"bf32_on_and_off": lambda *_: lambda test: test},
}


def tests(source: Path) -> list[str]:
    """The files of tests that this source has."""
    return [file for file in FILES if (source / "test" / file).exists()]


def outcomes(source: Path, file: str, own: bool = False) -> dict[str, str]:
    """What becomes of each test of a file, in a process of its own: "ok", "skipped", or the words of the failure.

    Raises:
        RuntimeError: the file cannot be read as tests.
    """
    place = source.absolute() / "test"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.json"
        command = [sys.executable, __file__, str(place / file), str(path), *(["--own"] if own else [])]
        paths = [str(place), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if not path.exists():
            raise RuntimeError(f"{file} was not run: {done.stderr[-2000:]}")
        return json.loads(path.read_text())


def run(file: Path, own: bool) -> dict[str, str]:
    """What becomes of each test of a file, in this process."""
    if not own:
        put_in_place()
    for name, values in GONE.items():
        module = import_module(name)
        for key, value in values.items():
            if not hasattr(module, key):
                setattr(module, key, value)
    sys.path.insert(0, str(file.parent))
    found: dict[str, str] = {}
    for case in cases(import_module(file.stem)):
        if concerns(case):
            result = TestResult()
            case.run(result)
            failed = [text for _, text in (*result.failures, *result.errors)]
            found[f"{type(case).__name__}.{case._testMethodName}"] = (
                failed[0] if failed else "skipped" if result.skipped else "ok"
            )
    return found


def put_in_place() -> None:
    """Put Elman's classes where PyTorch's are found, before tests or tables of modules are read."""
    from torch import nn

    import elman

    for name in ("RNN", "LSTM", "GRU"):
        for place in (nn, nn.modules, nn.modules.rnn):
            setattr(place, name, getattr(elman, name))


def cases(module: Any) -> Iterator[TestCase]:
    """The single tests of a module."""
    for kind in list(vars(module).values()):
        if isinstance(kind, type) and issubclass(kind, TestCase):
            yield from map(kind, defaultTestLoader.getTestCaseNames(kind))


def concerns(case: TestCase) -> bool:
    """Whether a test is of one of the three modules."""
    name = case._testMethodName
    if NAMED.search(name) or "_nn_" in name:  # which is a case of one module, of many
        return bool(NAMED.search(name))
    try:
        return bool(USED.search(inspect.getsource(inspect.unwrap(getattr(type(case), name)))))
    except OSError:  # it was made while the file was read, and has its name alone
        return False


def main(source: Path, own: bool) -> int:
    from excused import excuse

    failed = 0
    for file in tests(source):
        found = outcomes(source, file, own)
        for name, outcome in found.items():
            if outcome not in ("ok", "skipped"):
                reason = None if own else excuse(name)
                failed += reason is None
                print(f"  {name}: {reason or outcome.strip().splitlines()[-1]}")
        kinds = [("passed", "ok"), ("skipped themselves", "skipped")]
        print(f"{file}: {len(found)} tests,", ", ".join(f"{sum(o == k for o in found.values())} {t}" for t, k in kinds))
    return bool(failed)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(run(Path(sys.argv[1]), "--own" in sys.argv)))
    else:
        sys.exit(main(Path(os.environ["PYTORCH_SOURCE"]), "--own" in sys.argv))
