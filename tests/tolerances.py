"""How close is equal: the one table of tolerances, by dtype, and the one comparison that uses it."""

import torch
from torch import Tensor

# relative to the largest number of the tensor, since an element may be a sum whose terms cancel
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


def assert_close(actual: Tensor, expected: Tensor, what: str) -> None:
    """Fail, naming ``what``, unless both have one shape and dtype and differ by rounding alone; NaN is never close."""
    assert actual.shape == expected.shape, f"{what}: shape {list(actual.shape)}, not {list(expected.shape)}"
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}"
    if not expected.numel():
        return
    scale = max(1.0, float(expected.detach().abs().max()))
    error = float((actual.detach() - expected.detach()).abs().max()) / scale
    assert error <= TOLERANCE[expected.dtype], f"{what}: off by {error:.2e} of its largest"
