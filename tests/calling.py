"""Kinds of calls of layers, and a count of those that go the ordinary way."""

from collections.abc import Callable
from typing import Any

import cases
import pytest
import torch
from torch import Tensor, nn

from elman.cells.recurrence import Recurrence
from elman.layers import GRU, LSTM, RNN
from elman.layers.drop_in import DropIn


class Ordinary:
    """How many calls of layers went the ordinary way."""

    count = depth = 0


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> Ordinary:
    found = Ordinary()
    for owner, name in ((DropIn, "_run"), (Recurrence, "_whole")):
        own = getattr(owner, name)

        def counted(*args: Any, own: Callable[..., Any] = own, **options: Any) -> Any:
            found.count += not found.depth
            found.depth += 1
            try:
                return own(*args, **options)
            finally:
                found.depth -= 1

        monkeypatch.setattr(owner, name, counted)
    return found


KINDS: dict[str, Callable[..., nn.Module]] = {
    "tanh": RNN,
    "relu": lambda *sizes, **options: RNN(*sizes, nonlinearity="relu", **options),
    "lstm": LSTM,
    "projected": lambda *sizes, **options: LSTM(*sizes, proj_size=3, **options),
    "gru": GRU,
}
WAYS = cases.covering(
    tuple(KINDS), (1, 3), (1, 2), *[cases.FLAG] * 4, (1, 5), (1, 3), (torch.float32, torch.float64)
)  # fmt: skip


def leaves(found: Any) -> list[Tensor]:
    outputs, last = found
    return [outputs, *((last,) if isinstance(last, Tensor) else last)]
