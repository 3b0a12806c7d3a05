"""How close is equal: the one table of tolerances, by dtype, and the one comparison that uses it."""

import torch
from torch import Tensor

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


def error(actual: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest number, since an element may be a sum whose terms cancel."""
    if not expected.numel():
        return 0.0
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).abs().max()) / max(1.0, float(expected.abs().max()))


def assert_close(actual: Tensor, expected: Tensor, what: str, rough: Tensor | None = None) -> None:
    """Fail, naming ``what``, unless both have one shape and differ by rounding alone; NaN is never close.

    Without ``rough`` both have one dtype too. Otherwise ``expected`` may be of a finer dtype, and ``rough`` is what the
    plainest computation gives in the dtype of ``actual``: what amplifies its rounding may amplify that of ``actual``.
    """
    assert actual.shape == expected.shape, f"{what}: shape {list(actual.shape)}, not {list(expected.shape)}"
    dtype = expected.dtype if rough is None else rough.dtype
    assert actual.dtype == dtype, f"{what}: {actual.dtype}, not {dtype}"
    limit = TOLERANCE[dtype] + (0.0 if rough is None else 8 * error(rough, expected))
    off = error(actual, expected)
    assert off <= limit, f"{what}: off by {off:.2e} of its largest, and {limit:.2e} is allowed"
