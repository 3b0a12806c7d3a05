"""What is proved of a step is so: against its Jacobian by autograd, for every cell and for steps made to deceive."""

from collections.abc import Callable

import cases
import pytest
import torch
from cases import Variant
from programs import Odd
from torch import Tensor

from elman.cells import Cell
from elman.compiler import proofs
from elman.compiler.program import Program
from elman.compiler.reading import read

UNITS, FAR = 4, 1e-9


def program_of(cell: Cell) -> Program:
    return read(cell, tuple((name, cell.extra_sizes.get(name, 1)) for name in cell.extra_inputs)).program


def jacobian(cell: Cell, state: tuple[Tensor, ...], x: Tensor, extras: dict[str, Tensor]) -> Tensor:
    """The derivative of the new state by the old one, ``[new state, unit, old state, unit]``."""

    def new(*old: Tensor) -> tuple[Tensor, ...]:
        return cell.step(x, *(part[None] for part in old), **extras)[1:]

    blocks = torch.autograd.functional.jacobian(new, tuple(part[0] for part in state))
    return torch.stack([torch.stack([b[0] for b in row], 1) for row in blocks])


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
def test_a_step_has_what_is_proved_of_it_and_nothing_that_is_not(variant: Variant) -> None:
    cell = variant.make(hidden_size=UNITS, dtype=torch.float64)
    if len(set(cell.state_sizes)) > 1:
        assert not proofs.elementwise(program_of(cell)).holds
        return
    # inputs large enough that every kink, such as that of a relu, is passed by some of the states
    x, extras = cell.project(3 * torch.randn(1, 3, dtype=torch.float64)), cases.random_extras(cell, 1)
    states = [cases.random_state(cell, 1) for _ in range(6)]
    found = [jacobian(cell, tuple(3 * part for part in state), x, extras) for state in states]
    moves = max(float((one - found[0]).abs().max()) for one in found)
    others = torch.stack(found).masked_fill(torch.eye(UNITS, dtype=torch.bool)[:, None], 0)
    assert proofs.linear(program_of(cell)).holds == (moves < FAR), f"the Jacobian moves by {moves:.1e}"
    mixed = float(others.abs().max())
    assert proofs.elementwise(program_of(cell)).holds == (mixed < FAR), f"other units have a part of {mixed:.1e}"


@pytest.mark.parametrize(
    ("new", "linear", "elementwise", "why"),
    [
        (lambda c, x, h: c.recurrent(h) + x, True, False, "matrix product"),
        (lambda c, x, h: h * torch.sigmoid(x) / c.scale - 2 * h, True, True, ""),
        (lambda c, x, h: torch.where(x > 0, h, -h), True, True, ""),
        (lambda c, x, h: torch.tanh(h) * 0.5, False, True, "tanh is taken"),
        (lambda c, x, h: h * h + x, False, True, "multiplied"),
        (lambda c, x, h: x / (2 + h), False, True, "divided by"),
        # the derivative of all these is constant or zero, and yet they are not linear
        (lambda c, x, h: torch.sign(h) + x, False, True, "sign is taken"),
        (lambda c, x, h: torch.where(h > 0, x, -x), False, True, "gt is taken"),
        (lambda c, x, h: h.detach() + x, False, True, "detach is taken"),
        (lambda c, x, h: x * h.sum(-1, keepdim=True), True, False, "sum goes over"),
        (lambda c, x, h: torch.cat([h[..., 2:], h[..., :2]], -1), True, False, "moves the units"),
        (lambda c, x, h: c.recurrent(x), True, True, ""),
    ],
)
def test_steps_made_to_deceive(new: Callable[..., Tensor], linear: bool, elementwise: bool, why: str) -> None:
    program = program_of(Odd(new))
    found = proofs.linear(program), proofs.elementwise(program)
    assert [proof.holds for proof in found] == [linear, elementwise]
    assert why in " ".join(proof.why for proof in found if not proof.holds)


def test_what_only_the_output_does_is_of_no_account() -> None:
    assert proofs.elementwise(program_of(Odd(lambda c, x, h: h))).holds
