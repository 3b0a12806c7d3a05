"""How close is equal: the one table of tolerances, by dtype, and the comparisons that use it."""

import torch
from torch import Tensor

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


def require(holds: bool | Tensor, what: str) -> None:
    """Fail with ``what`` unless it holds; ``python -O`` does not switch this off, as it does an ``assert``."""
    if not holds:
        raise AssertionError(what)


def error(actual: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest number, since an element may be a sum whose terms cancel."""
    if not expected.numel():
        return 0.0
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).abs().max()) / max(1.0, float(expected.abs().max()))


def assert_close(actual: Tensor, expected: Tensor, what: str, rough: Tensor | None = None) -> None:
    """Fail, naming ``what``, unless both have one shape and differ by rounding alone; NaN is never close.

    Without ``rough`` both have one dtype too. Otherwise ``expected`` may be of a finer dtype, and ``rough`` is what the
    plainest computation gives in float32 or in the dtype of ``actual``: what amplifies its rounding may amplify that of
    ``actual``, by as much less as that is finer.

    Example:
        >>> assert_close(torch.ones(3) / 3, torch.full((3,), 1 / 3), "a third")
        >>> assert_close(torch.ones(3), torch.zeros(3), "the outputs")
        Traceback (most recent call last):
        AssertionError: the outputs: off by 1.00e+00 of its largest, and 2.00e-05 is allowed
    """
    _assert_one_shape(actual, expected, what)
    require(rough is not None or actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}")
    limit = TOLERANCE[actual.dtype]
    if rough is not None:
        finer = torch.finfo(actual.dtype).eps / torch.finfo(rough.dtype).eps
        limit += 8 * finer * error(rough, expected)
    off = error(actual, expected)
    require(off <= limit, f"{what}: off by {off:.2e} of its largest, and {limit:.2e} is allowed")


def assert_equal(actual: Tensor, expected: Tensor, what: str) -> None:
    """Fail, naming ``what``, unless both are the same bit for bit; NaN is never the same."""
    _assert_one_shape(actual, expected, what)
    require(actual.dtype == expected.dtype, f"{what}: {actual.dtype}, not {expected.dtype}")
    if not torch.equal(actual, expected):
        raise AssertionError(f"{what}: off by {error(actual, expected):.2e} of its largest, and must be the same")


def _assert_one_shape(actual: Tensor, expected: Tensor, what: str) -> None:
    require(actual.shape == expected.shape, f"{what}: shape {list(actual.shape)}, not {list(expected.shape)}")
