"""What holds in every test: seeded random numbers, and uninitialised memory that is NaN."""

import random
from collections.abc import Iterator
from pathlib import Path

import cases
import numpy
import pytest
import torch
from parts import SLOW, is_long

from elman.testing import law

# sizes here are small, and threads that wait for each other on a busy machine take a hundred times as long
torch.set_num_threads(1)


def is_slow(path: Path) -> bool:
    return bool(SLOW & {path.stem, path.parent.name})


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of slow tests alone are not even imported where none of them is wanted."""
    return True if "not slow" in config.option.markexpr and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker("slow")
        if is_long(item.name):
            item.add_marker("long")


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
