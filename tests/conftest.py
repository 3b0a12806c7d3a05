"""What holds in every test: seeded random numbers, and uninitialised memory that is NaN."""

import random
from collections.abc import Iterator

import cases
import numpy
import pytest
import torch

from elman.testing import law

# sizes here are small, and threads that wait for each other on a busy machine take a hundred times as long
torch.set_num_threads(1)


# What `make quick` leaves out, by the names of files and folders, since they take most of the time of the whole. Of the
# laws it runs a case of each, as `cases.params` marks them.
SLOW = {
    "benchmarks", "docs", "estimators", "examples", "testing",
    "test_own_cells", "test_compiler", "test_drop_ins", "test_learning", "test_new_cell", "test_tasks",
    "test_guards", "test_llvm_functions", "test_llvm_gemm", "test_llvm_jit", "test_scan", "test_bfloat16",
    "test_recurrent", "test_encoder_decoder", "test_sequence", "test_remedies", "test_online",
    "test_devices", "test_training", "test_trials", "test_save",
    "test_anomaly", "test_classify", "test_forecast", "test_cli", "test_weights_keras",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW & {item.path.stem, item.path.parent.name}:
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def repeatable() -> Iterator[None]:
    random.seed(0)
    numpy.random.seed(0)
    with law.repeatable():
        yield


@pytest.fixture(params=list(cases.EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the executor that runs every cell of this test."""
    with cases.EXECUTORS[request.param]():
        yield request.param
