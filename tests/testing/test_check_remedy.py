"""``check_remedy`` for people who write their own: a good remedy passes, and what is wrong is caught by its law."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.cells import Cell
from elman.cells.gru import GRUCell
from elman.cells.remedy import Remedy, RunRemedy
from elman.compiler.executor import Run
from elman.errors import ElmanError
from elman.remedies import ForgetBias, Identity, Zoneout
from elman.testing import LawBroken, check_remedy, remedy_checks


class Noise(RunRemedy):
    """A good remedy: noise on the input while training."""

    def start(self, cell: Cell) -> None:
        pass

    def run(self, run: Callable[..., Run], cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
        return run(cell, x + self.noise(cell, x), **extras)

    def noise(self, cell: Cell, x: Tensor) -> Tensor:
        return torch.randn_like(x) if cell.training else torch.zeros_like(x)


class NoiseAlways(Noise):
    """It is noisy in evaluation too."""

    def noise(self, cell: Cell, x: Tensor) -> Tensor:
        return torch.randn_like(x)


class NoiseOfItsOwn(Noise):
    """Its numbers are not those of ``torch.manual_seed``."""

    def __init__(self) -> None:
        self.numbers = torch.Generator().manual_seed(0)

    def __reduce__(self) -> Any:
        return NoiseOfItsOwn, ()

    def __deepcopy__(self, memo: Any) -> "NoiseOfItsOwn":
        return self

    def noise(self, cell: Cell, x: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=self.numbers, dtype=x.dtype)


class Unused(Noise):
    """It draws numbers and does nothing with them."""

    def noise(self, cell: Cell, x: Tensor) -> Tensor:
        return 0 * torch.rand_like(x) if cell.training else torch.zeros_like(x)


class Growing(Noise):
    """It does more each time, and so a copy is not what it was copied from."""

    def __init__(self) -> None:
        self.times = 0

    def noise(self, cell: Cell, x: Tensor) -> Tensor:
        self.times += 1
        return torch.full_like(x, 0.1 * self.times)


def broken(remedy: Remedy) -> dict[str, str]:
    """What of a remedy's checks fails: by the name of the law, the message."""
    found = {}
    for check in remedy_checks(remedy, cell=GRUCell, executors=["eager"]):
        try:
            check.run()
        except LawBroken as error:
            found[check.name.split("-")[0]] = str(error)
    return found


def test_a_good_remedy_passes() -> None:
    check_remedy(Noise(), cell=GRUCell)


@pytest.mark.parametrize(
    ("remedy", "says"),
    [
        (NoiseAlways(), "evaluation draws random numbers"),
        (NoiseOfItsOwn(), "from the same seed"),
        (Unused(), "random numbers are drawn and change nothing"),
        (Growing(), "from the same seed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_wrong_with_the_noise_is_said(remedy: Remedy, says: str) -> None:
    law = "seeds_make_the_noise_and_evaluation_has_none"
    found = broken(remedy)
    assert says in found[law]
    assert found[law].startswith(f"GRUCell with {remedy!r} breaks the law {law.replace('_', ' ')!r} for eager: ")


def test_a_copy_that_is_another_is_caught() -> None:
    assert "of a copy: off by" in broken(Growing())["copies_and_files_have_the_remedies_too"]


def test_without_a_cell_it_is_held_with_each_that_it_fits() -> None:
    names = {check.name.split("-")[1] for check in remedy_checks(ForgetBias(1.0))}
    assert {"LSTMCell", "MGUCell"} <= names
    assert "ElmanCell" not in names


@pytest.mark.parametrize("remedies", [(0.3,), (Zoneout,)], ids=str)
def test_what_is_no_remedy_is_refused(remedies: Any) -> None:
    with pytest.raises(ElmanError, match="a remedy is a value such as"):
        check_remedy(*remedies)


def test_remedies_that_fit_no_cell_are_refused() -> None:
    with pytest.raises(ElmanError, match="there is no cell that"):
        check_remedy(ForgetBias(1.0), Identity(1.0))
    with pytest.raises(ElmanError, match="give check_remedy"):
        check_remedy()
