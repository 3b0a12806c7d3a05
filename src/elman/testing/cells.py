"""What holds for every cell, whatever its step: under the plain loop, and under the kernels where the step compiles."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.functional import hvp, jacobian

from elman.cells import Cell
from elman.cells.recurrence import Recurrence
from elman.compiler import plan
from elman.errors import ElmanError
from elman.testing.cases import CASES, FLAG, Case, Given, Make, covering, given, pull, random_extras
from elman.testing.closeness import assert_close, assert_equal, require
from elman.testing.law import Check, Law
from elman.testing.truth import truth

SMALL = Case(7, 3, 5, torch.float64, False, False, False, True)
DIRECTIONS = [replace(SMALL, reverse=reverse) for reverse in FLAG]
WITH_RESETS = [replace(case, resets=True) for case in DIRECTIONS]
FOR_DERIVATIVES = [
    Case(3, 2, 2, torch.float64, reverse, lengths=not reverse, resets=reverse, bias=True) for reverse in FLAG
]


def check_cell(cell: type[Cell] | Make, **options: Any) -> None:
    """Hold a cell of your own to the laws that hold for every cell of Elman.

    Outputs, last states, states of every step and all gradients equal those of a plain loop, at awkward sizes, with
    lengths, resets, both directions, in float32 and float64; derivatives of first and second order are right; a split
    anywhere is the whole; neither padding nor other rows matter. A cell whose step compiles is held to them under every
    executor, one that does not under the loop.

    Args:
        cell: a subclass of ``Cell``, whose ``smooth`` says whether its gradient is the derivative; or a function of
            ``input_size, hidden_size, *, bias, dtype`` that makes a recurrence, such as one by ``adopt``.
        options: what its constructor is given beside the sizes, ``bias`` and ``dtype``.

    Raises:
        LawBroken: the first law that does not hold: which, for what sizes and inputs, and what differs.

    Example:
        >>> from elman import Cell
        >>> class Forgetful(Cell):
        ...     gates = ("a",)
        ...     def step(self, x, h, c):
        ...         c = c + torch.tanh(x + self.recurrent(h))
        ...         return c, c
        >>> check_cell(Forgetful)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        elman.testing.law.LawBroken: Forgetful breaks the law 'a step gives an output and every state' ...
    """
    for check in cell_checks(cell, **options):
        check.run()


def cell_checks(cell: type[Cell] | Make, *, executors: Sequence[str] | None = None, **options: Any) -> Iterator[Check]:
    """The single checks of ``check_cell``, each with a name, for the parameters of a test.

    Args:
        cell: a subclass of ``Cell``, or a function that makes a recurrence, as ``check_cell`` takes it.
        executors: those that must run it; without it, those that can.
        options: what its constructor is given beside the sizes, ``bias`` and ``dtype``.

    Example:
        >>> from elman.cells.gru import GRUCell
        >>> [check.name for check in cell_checks(GRUCell)][:2]
        ['a_step_gives_an_output_and_every_state-eager', 'equals_the_truth_with_every_gradient-T7-B3-H5-float64-eager']
    """
    made = _check_class(cell)
    make = partial(cell, **options)
    subject = "-".join([cell.__name__, *map(str, options.values())])
    executors = able(make) if executors is None else executors
    if made is not None:
        yield from Law(a_step_gives_an_output_and_every_state).checks(subject, make, executors=["eager"])
    for law in laws(made or Recurrence):
        yield from law.checks(subject, make, executors=executors)


def laws(cell: type[Recurrence]) -> list[Law]:
    """The laws that a cell is held to, with the cases of each."""
    # a spike may hang on the last bit, and does not in float64
    cases = CASES if cell.smooth else dict.fromkeys(replace(case, dtype=torch.float64) for case in CASES)
    flags = covering(*[FLAG] * 3)
    with_flags = [replace(SMALL, reverse=r, lengths=n, resets=s) for r, n, s in flags]
    # in reverse a reset at the cut is seen by the whole alone: it stands between the two parts
    split = [replace(case, lengths=True, resets=not case.reverse) for case in DIRECTIONS]
    ragged = [replace(case, lengths=True) for case in WITH_RESETS]
    derivatives = {"case": FOR_DERIVATIVES}
    return [
        Law(equals_the_truth_with_every_gradient, {"case": list(cases)}),
        Law(trajectory_gives_the_states_of_every_step_with_their_gradients, {"case": with_flags}),
        *([Law(gradients_are_the_derivatives, derivatives)] if cell.smooth else []),
        *([Law(second_derivatives_are_right, derivatives)] if cell.smooth else []),
        Law(derivatives_of_every_mode_are_those_of_the_loop, derivatives),
        Law(split_anywhere_is_the_whole, {"case": split, "cut": [0, 3, 7]}),
        Law(padding_does_not_matter, {"case": ragged, "filling": [float("nan"), float("inf")]}),
        Law(rows_do_not_see_each_other, {"case": WITH_RESETS}),
        Law(a_row_of_no_steps_keeps_its_state_and_passes_the_gradient_on, {"case": WITH_RESETS}),
        Law(no_steps_and_no_rows, {"reverse": FLAG, "shape": [(3, 0), (0, 7), (0, 0)], "lengths": FLAG}),
        Law(without_a_state_it_starts_from_the_initial_one),
        Law(an_extra_input_constant_over_the_sequence_is_one_that_repeats),
        Law(given_parameters_take_the_place_of_its_own),
        Law(parameters_that_do_not_fit_are_refused),
        Law(it_gives_the_same_twice),
    ]


def _check_class(cell: Any) -> type[Cell] | None:
    """The class, None of a function that makes recurrences; what has no laws to be held to is refused."""
    if inspect.isfunction(cell):
        return None
    if not isinstance(cell, type) or not issubclass(cell, Cell):
        raise ElmanError(f"a subclass of elman.Cell is checked, as check_cell(MyCell), not {cell!r}")
    if inspect.isabstract(cell):
        raise ElmanError(f"{cell.__name__} has no step; write one, or check a subclass that has")
    return cell


def able(make: Make) -> Sequence[str]:
    """The executors that can run the cell that is made: the loop alone where its step does not compile."""
    try:
        cell = make(3, 4)
        mode = plan.mode_of(cell, random_extras(cell, 1, 1))
        return plan.able(cell, mode, torch.zeros(1, 1, 3))
    except Exception:  # whatever a person's own code may raise; the laws then say what is wrong
        return ("eager",)


def a_step_gives_an_output_and_every_state(make: Make) -> None:
    cell = make(3, 4)
    gates = len(cell.gates)
    require(gates == len(set(cell.gates)) > 0, f"gates are names, no two alike, not {cell.gates}")
    sizes = dict(zip(cell.states, cell.state_sizes, strict=True))
    state, extras = cell.initial_state(2), random_extras(cell, 2)
    found = cell.step(torch.randn(2, 4 * gates), *state, **extras)
    wanted = f"an output and the new {', '.join(sizes)}: {1 + len(sizes)} tensors"
    if not isinstance(found, tuple) or not all(isinstance(part, Tensor) for part in found):
        kinds = ", ".join(type(part).__name__ for part in found) if isinstance(found, tuple) else type(found).__name__
        raise AssertionError(f"step returns {wanted}, not {kinds}")
    require(len(found) == 1 + len(sizes), f"step returns {wanted}, not {len(found)}")
    for name, part, size in zip(["output", *sizes], found, [cell.output_size, *sizes.values()], strict=True):
        require(list(part.shape) == [2, size], f"{name} is [B, {size}], here {[2, size]}, not {list(part.shape)}")
        require(part.dtype == torch.float32, f"{name} is of the dtype of the weights, torch.float32, not {part.dtype}")


def run(some: Given, **changes: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Outputs and last states of a case, some of its inputs changed."""
    inputs = {"x": some.x, "state": some.state, **some.run, **some.extras, **changes}
    outputs, final = some.cell(inputs.pop("x"), inputs.pop("state"), **inputs)
    return outputs, (final,) if isinstance(final, Tensor) else final


def all_of(some: Given, outputs: Tensor, final: Sequence[Tensor]) -> dict[str, Tensor]:
    """All that a run gives, by name: outputs, last states, and the gradient of every leaf."""
    return {"outputs": outputs, **_last(some, final), **_gradients(some.leaves, outputs, *final)}


def _last(some: Given, final: Sequence[Tensor]) -> dict[str, Tensor]:
    return {f"final {name}": part for name, part in zip(some.cell.states, final, strict=True)}


def _gradients(leaves: Mapping[str, Tensor], *results: Tensor) -> dict[str, Tensor]:
    return {f"the gradient of {name}": value for name, value in pull(leaves, *results).items()}


def _assert_all(compare: Callable[..., None], actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        compare(actual[name], value, name)


def equals_the_truth_with_every_gradient(make: Make, case: Case) -> None:
    some = given(make, case)
    rough, exact = (
        all_of(it, *truth(it.cell, it.x, it.state, **it.run, extras=it.extras)[:2])
        for it in (some.to(torch.float32) if some.cell.smooth else some, some.to(torch.float64))
    )
    found = all_of(some, *run(some))
    for name, actual in found.items():
        assert_close(actual, exact[name], name, rough[name])


def trajectory_gives_the_states_of_every_step_with_their_gradients(make: Make, case: Case) -> None:
    some = given(make, case)
    expected = truth(some.cell, some.x, some.state, **some.run, extras=some.extras)
    outputs, states = some.cell.trajectory(some.x, some.state, **some.run, **some.extras)
    actual = _gradients(some.leaves, outputs, *states)
    _, final = run(some)
    assert_close(outputs, expected.outputs, "outputs")
    for name, part, right in zip(some.cell.states, states, expected.states, strict=True):
        assert_close(part, right, f"{name} of every step")
    _assert_all(assert_close, actual, _gradients(some.leaves, expected.outputs, *expected.states))

    ends = torch.full((case.batch,), case.time - 1) if some.run["lengths"] is None else some.run["lengths"] - 1
    last = torch.zeros_like(ends) if case.reverse else ends.clamp(min=0)
    for name, part, whole in zip(some.cell.states, final, states, strict=True):
        assert_equal(part, whole[torch.arange(case.batch), last], f"final {name}, beside the last of those of all")


def _of_leaves(some: Given) -> Callable[..., tuple[Tensor, ...]]:
    """A case as a function of everything that has a gradient, for ``gradcheck``."""
    names = list(some.leaves)

    def function(*leaves: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(names, leaves, strict=True))
        x = values.pop("x")
        state = tuple(values.pop(f"state {name}") for name in some.cell.states)
        extras = {name: values.pop(name) for name in some.cell.extra_inputs}
        outputs, final = run(some, x=x, state=state, **extras, parameters=values)
        return outputs, *final

    return function


def gradients_are_the_derivatives(make: Make, case: Case) -> None:
    some = given(make, case, input_size=2)
    torch.autograd.gradcheck(_of_leaves(some), tuple(some.leaves.values()))


def second_derivatives_are_right(make: Make, case: Case) -> None:
    some = given(make, case, input_size=2)
    torch.autograd.gradgradcheck(_of_leaves(some), tuple(some.leaves.values()), fast_mode=True)


def derivatives_of_every_mode_are_those_of_the_loop(make: Make, case: Case) -> None:
    some = given(make, case, input_size=2)
    direction = torch.randn_like(some.x)

    def outputs(x: Tensor) -> Tensor:
        return run(some, x=x)[0]

    def total(x: Tensor) -> Tensor:
        return outputs(x).sin().sum()

    def tangent() -> Tensor:
        with forward_ad.dual_level():
            found = forward_ad.unpack_dual(outputs(forward_ad.make_dual(some.x.detach(), direction))).tangent
        assert found is not None
        return found

    x = some.x.detach()
    ways: dict[str, Callable[[], Tensor]] = {
        "the tangent in forward mode": tangent,
        "a tangent of the gradient": lambda: torch.func.jvp(torch.func.grad(total), (x,), (direction,))[1],
        "the Jacobian, all rows at once": lambda: jacobian(lambda x: outputs(x).sum(1), x, vectorize=True),
        "the product of Hessian and direction": lambda: hvp(total, x, direction)[1],
    }
    found = {name: way() for name, way in ways.items()}
    with plan.use("eager"):
        expected = {name: way() for name, way in ways.items()}
    _assert_all(assert_close, found, expected)


def parameters_that_do_not_fit_are_refused(make: Make) -> None:
    some = given(make, SMALL)
    own = {name: value.detach() for name, value in some.cell.named_parameters()}
    run(some, parameters=own)
    for name, value in own.items():
        wrong = {"shape": value.new_zeros([n + 1 for n in value.shape] or [2])}
        if name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            wrong |= {"dtype": value.half(), "device": value.to("meta")}
        for what, other in wrong.items():
            try:
                run(some, parameters={**own, name: other})
            except (ElmanError, RuntimeError):
                continue
            require(False, f"a {name} of another {what} is not refused")


def split_anywhere_is_the_whole(make: Make, case: Case, cut: int) -> None:
    some = given(make, case)
    lengths, resets = some.run["lengths"], some.run["resets"]
    halves = [(slice(0, cut), lengths.clamp(max=cut)), (slice(cut, None), (lengths - cut).clamp(min=0))]
    whole = all_of(some, *run(some))
    parts: list[Tensor] = []
    state = some.state
    for steps, left in reversed(halves) if case.reverse else halves:
        part, state = run(
            some,
            x=some.x[:, steps],
            state=state,
            lengths=left,
            resets=None if resets is None else resets[:, steps],
            **{name: value[:, steps] for name, value in some.extras.items()},
        )
        parts.append(part)
    joined = all_of(some, torch.cat(parts[::-1] if case.reverse else parts, 1), state)
    _assert_all(assert_close, joined, whole)


def _padded(value: Tensor, lengths: Tensor, filling: float) -> Tensor:
    """``value [B, T, ...]`` with everything after the end of each row replaced."""
    padding = torch.arange(value.shape[1]) >= lengths[:, None]
    return value.detach().masked_fill(padding[..., None], filling)


def padding_does_not_matter(make: Make, case: Case, filling: float) -> None:
    some = given(make, case)
    lengths = some.run["lengths"]
    some.run["resets"][:, -1] = True  # in the padding of every row but the first
    found = []
    for value in (1.0, filling):
        some.x = _padded(some.x, lengths, value).requires_grad_()
        some.extras = {k: _padded(v, lengths, value).requires_grad_() for k, v in some.extras.items()}
        found.append(all_of(some, *run(some)))
    usual, other = found
    _assert_all(assert_equal, other, usual)
    for name in ("outputs", "the gradient of x"):
        # turned round, what was padding stands before the end, and the rest is filled with zeros
        padding = _padded(other[name].flip(1), case.time - lengths, 0)
        require(not padding.any(), f"{name} in the padding are not all zero")


def rows_do_not_see_each_other(make: Make, case: Case) -> None:
    some = given(make, case)
    others = torch.tensor([0, 2])
    found = []
    for _ in range(2):
        outputs, final = run(some)
        found.append({"outputs": outputs, **_last(some, final), **_gradients({"x": some.x}, outputs, *final)})
        some.x = some.x.detach().index_fill(0, torch.tensor([1]), float("nan")).requires_grad_()
    usual, spoilt = found
    require(not torch.equal(spoilt["outputs"][1], usual["outputs"][1]), "an input of NaN does not reach its own row")
    for name, value in usual.items():
        assert_close(spoilt[name][others], value[others], f"{name} in the other rows")


def a_row_of_no_steps_keeps_its_state_and_passes_the_gradient_on(make: Make, case: Case) -> None:
    some = given(make, case)
    some.run["resets"][:] = True
    outputs, final = run(some, lengths=torch.tensor([7, 0, 3], dtype=torch.int32))
    gradients = torch.autograd.grad([part[1].sum() for part in final], some.state)
    require(not outputs[1].any(), "the outputs of a row of no steps are not all zero")
    for name, part, right, gradient in zip(some.cell.states, final, some.state, gradients, strict=True):
        assert_equal(part[1], right[1], f"final {name}")
        passed_on = torch.zeros_like(gradient).index_fill(0, torch.tensor([1]), 1)
        assert_equal(gradient, passed_on, f"the gradient of {name}")


def no_steps_and_no_rows(make: Make, reverse: bool, shape: tuple[int, int], lengths: bool) -> None:
    some, (batch, time) = given(make, SMALL), shape
    cell, x = some.cell, torch.zeros(batch, time, 3, dtype=torch.float64)
    state = tuple(part[:batch] for part in some.state)
    extras = {name: value[:batch, :time] for name, value in some.extras.items()}
    options = {"reverse": reverse, "lengths": torch.zeros(batch, dtype=torch.long) if lengths else None}
    outputs, final = run(Given(cell, x, state, options, extras))
    _, states = cell.trajectory(x, state, **options, **extras)
    for name, part, right in zip(cell.states, final, state, strict=True):
        assert_equal(part, right, f"final {name}")
    sizes = dict(zip(cell.states, cell.state_sizes, strict=True))
    for name, part, size in zip(
        ["outputs", *sizes], [outputs, *states], [cell.output_size, *sizes.values()], strict=True
    ):
        wanted = [batch, time, size]
        require(list(part.shape) == wanted, f"{name} of every step is {wanted}, not {list(part.shape)}")


def without_a_state_it_starts_from_the_initial_one(make: Make) -> None:
    some = given(make, SMALL)
    found = all_of(some, *run(some, state=None))
    expected = all_of(some, *run(some, state=some.cell.initial_state(SMALL.batch)))
    _assert_all(assert_equal, found, expected)


def an_extra_input_constant_over_the_sequence_is_one_that_repeats(make: Make) -> None:
    some = given(make, SMALL)
    constant = {name: value[:, 0] for name, value in some.extras.items()}
    repeated = {name: value[:, None].expand(-1, SMALL.time, -1) for name, value in constant.items()}
    outputs, _ = run(some, **constant)
    expected, _ = run(some, **repeated)
    assert_close(outputs, expected, "outputs")


def given_parameters_take_the_place_of_its_own(make: Make) -> None:
    some = given(make, SMALL)
    others = {name: torch.rand_like(value) for name, value in some.cell.named_parameters()}
    own = {name: value.clone() for name, value in some.cell.named_parameters()}
    outputs, _ = run(some, parameters=others)
    _assert_all(assert_equal, dict(some.cell.named_parameters()), own)
    some.cell.load_state_dict(others)
    expected, _ = run(some)
    assert_equal(outputs, expected, "outputs")


def it_gives_the_same_twice(make: Make) -> None:
    some = given(make, replace(SMALL, dtype=torch.float32, lengths=True, resets=True))
    first, second = (all_of(some, *run(some)) for _ in range(2))
    _assert_all(assert_equal, second, first)
