"""What holds for any step that compiles: throwaway and random cells give what their loop gives, with all gradients."""

import cases
import programs
import pytest
import torch
from cases import Case
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import Throwaway
from torch import Tensor

from elman.compiler import plan
from elman.testing import assert_close

CASES = [
    Case(7, 3, 5, torch.float64, reverse=False, lengths=True, resets=True, bias=True),
    Case(9, 5, 33, torch.float32, reverse=True, lengths=True, resets=False, bias=False),
    Case(1, 1, 1, torch.float64, reverse=True, lengths=False, resets=True, bias=True),
]
every_throwaway = pytest.mark.parametrize("kind", programs.THROWAWAY, ids=str)


@every_throwaway
@pytest.mark.parametrize("case", CASES, ids=str)
def test_throwaway_cells_equal_their_loop(kind: Throwaway, case: Case) -> None:
    cases.assert_equal_to_the_loop(cases.given(kind, case))


@every_throwaway
def test_their_states_of_every_step_equal_those_of_the_loop(kind: Throwaway) -> None:
    some = cases.given(kind, CASES[0])
    found = {}
    for executor in ("eager", "llvm"):
        with plan.use(executor), torch.no_grad():
            outputs, states = some.cell.trajectory(some.x, some.state, **some.run, **some.extras)
        found[executor] = {"outputs": outputs, **dict(zip(some.cell.states, states, strict=True))}
    for name, value in found["llvm"].items():
        assert_close(value, found["eager"][name], name)


@every_throwaway
def test_steps_that_are_computed_again_have_the_same_gradients(kind: Throwaway) -> None:
    some = cases.given(kind, CASES[0])
    expected = cases.results(some, "llvm")
    some.run["save"] = 3
    for name, value in cases.results(some, "llvm").items():
        assert_close(value, expected[name], name)


@pytest.mark.parametrize("kind", [programs.Extras, programs.Transposed, programs.SlicesOfState, programs.Nested])
@pytest.mark.parametrize("reverse", cases.FLAG, ids=["forward", "reverse"])
def test_their_second_derivatives_are_right(kind: type[programs.Small], reverse: bool) -> None:
    case = Case(3, 2, 3, torch.float64, reverse, lengths=not reverse, resets=reverse, bias=True)
    some = cases.given(Throwaway(kind), case)
    names = list(some.leaves)

    def function(*leaves: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(names, leaves, strict=True))
        state = [values[f"state {name}"] for name in some.cell.states]
        extras = {name: values[name] for name in some.cell.extra_inputs}
        outputs, final = some.cell(values["x"], state, **some.run, **extras)
        return outputs, *((final,) if isinstance(final, Tensor) else final)

    with plan.use("llvm"):
        assert torch.autograd.gradgradcheck(function, tuple(some.leaves.values()), fast_mode=True)


def test_an_extra_input_of_one_value_a_sequence() -> None:
    some = cases.given(Throwaway(programs.Extras), CASES[0])
    some.extras = {name: value[:, 0].detach().requires_grad_() for name, value in some.extras.items()}
    cases.assert_equal_to_the_loop(some)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(recipe=programs.recipes(), hidden=st.sampled_from([1, 5, 18]), reverse=st.booleans())
def test_random_steps_equal_their_loop(recipe: programs.Recipe, hidden: int, reverse: bool) -> None:
    torch.manual_seed(0)
    case = Case(4, 3, hidden, torch.float64, reverse, lengths=reverse, resets=not reverse, bias=True)
    cases.assert_equal_to_the_loop(cases.given(recipe, case))
