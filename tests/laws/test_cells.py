"""What holds for every cell under every executor."""

import dataclasses
from typing import Any

import cases
import pytest
import torch
from cases import Case, Given, Variant
from tolerances import assert_close
from torch import Tensor

from elman import cells
from elman.cells import Cell

pytestmark = pytest.mark.usefixtures("executor")
every_variant = pytest.mark.parametrize("variant", cases.variants(), ids=str)
both_directions = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])

SMALL = Case(7, 3, 5, torch.float64, False, False, False, True)

# The names and shapes of the parameters of every cell with 3 features and 4 units: files of weights rely on them.
PINNED: dict[str, dict[str, tuple[int, ...]]] = {
    "cfc": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "cornn": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,), "weight_zz": (4, 4)},
    "elman": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,)},
    "gru": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "gru_decay": {
        "weight_ih": (12, 3),
        "weight_hh": (12, 4),
        "bias_ih": (12,),
        "bias_hh": (12,),
        "weight_dh": (4,),
        "bias_dh": (4,),
    },
    "gru_reset_before": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "indrnn": {"weight_ih": (4, 3), "bias_ih": (4,), "weight_hh": (4,)},
    "lem": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "lif": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,), "decay": (4,)},
    "lstm": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "lstm_coupled": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "lstm_layer_norm": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 4),
        "gain_ih": (16,),
        "gain_hh": (16,),
        "gain_c": (4,),
        "shift_ih": (16,),
        "shift_hh": (16,),
        "shift_c": (4,),
    },
    "lstm_peephole": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 4),
        "bias_ih": (16,),
        "bias_hh": (16,),
        "weight_ci": (4,),
        "weight_cf": (4,),
        "weight_co": (4,),
    },
    "lstm_projected": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 2),
        "bias_ih": (16,),
        "bias_hh": (16,),
        "weight_hr": (2, 4),
    },
    "mgu": {"weight_ih": (8, 3), "weight_hh": (8, 4), "bias_ih": (8,), "bias_hh": (8,)},
    "mingru": {"weight_ih": (8, 3), "bias_ih": (8,)},
    "minlstm": {"weight_ih": (12, 3), "bias_ih": (12,)},
    "rg_lru": {"weight_ih": (12, 3), "bias_ih": (12,), "decay": (4,)},
    "slstm": {"weight_ih": (16, 3), "bias_ih": (16,), "weight_hh": (16, 4)},
}


def run(case: Given, **changes: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Outputs and last states of a case, some of its inputs changed."""
    inputs = {"x": case.x, "state": case.state, **case.run, **case.streams, **changes}
    outputs, final = case.cell(inputs.pop("x"), inputs.pop("state"), **inputs)
    return outputs, (final,) if isinstance(final, Tensor) else final


def all_of(some: Given, outputs: Tensor, final: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """All that a run gives, by name: outputs, last states, and the gradient of every leaf."""
    states = {f"final {name}": part for name, part in zip(some.cell.states, final, strict=True)}
    gradients = cases.pull(some.leaves, outputs, *final)
    return {"outputs": outputs, **states, **{f"the gradient of {name}": value for name, value in gradients.items()}}


def assert_all_close(actual: dict[str, Tensor], expected: dict[str, Tensor], what: str) -> None:
    for name, value in expected.items():
        assert_close(actual[name], value, f"{what} {name}")


def before_the_end(value: Tensor, lengths: Tensor, filling: float) -> Tensor:
    """``value [B, T, ...]`` with everything after the end of each row replaced."""
    padding = torch.arange(value.shape[1]) >= lengths[:, None]
    return value.detach().masked_fill(padding[..., None], filling)


@every_variant
@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_equals_the_truth_with_every_gradient(variant: Variant, case: Case) -> None:
    if not cells.load(variant.name).smooth:  # a spike may hang on the last bit, and does not in float64
        case = dataclasses.replace(case, dtype=torch.float64)
    some = cases.given(variant, case)
    rough, exact = (
        all_of(it, *cases.truth(it.cell, it.x, it.state, **it.run, streams=it.streams)[:2])
        for it in (some.to(torch.float32) if some.cell.smooth else some, some.to(torch.float64))
    )
    for name, actual in all_of(some, *run(some)).items():
        assert_close(actual, exact[name], name, rough[name])


@every_variant
@pytest.mark.parametrize("flags", cases.covering(*[cases.FLAG] * 3), ids=str)
def test_trajectory_gives_the_states_of_every_step_with_their_gradients(variant: Variant, flags: tuple) -> None:
    reverse, lengths, resets = flags
    case = dataclasses.replace(SMALL, reverse=reverse, lengths=lengths, resets=resets)
    some = cases.given(variant, case)
    expected = cases.truth(some.cell, some.x, some.state, **some.run, streams=some.streams)
    outputs, states = some.cell.trajectory(some.x, some.state, **some.run, **some.streams)
    assert_close(outputs, expected.outputs, "outputs")
    for name, part, right in zip(some.cell.states, states, expected.states, strict=True):
        assert_close(part, right, f"states {name}")
    actual = cases.pull(some.leaves, outputs, *states)
    assert_all_close(actual, cases.pull(some.leaves, expected.outputs, *expected.states), "the gradient of")

    _, final = run(some)
    ends = torch.full((case.batch,), case.time - 1) if some.run["lengths"] is None else some.run["lengths"] - 1
    last = torch.zeros_like(ends) if reverse else ends.clamp(min=0)
    for name, part, whole in zip(some.cell.states, final, states, strict=True):
        assert torch.equal(part, whole[torch.arange(case.batch), last]), f"final {name} is not the last of all"


def of_leaves(some: Given):
    """A case as a function of everything that has a gradient, for ``gradcheck``."""
    names = list(some.leaves)

    def function(*leaves: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(names, leaves, strict=True))
        x = values.pop("x")
        state = tuple(values.pop(f"state {name}") for name in some.cell.states)
        streams = {name: values.pop(name) for name in some.cell.streams}
        outputs, final = run(some, x=x, state=state, **streams, parameters=values)
        return outputs, *final

    return function


@pytest.mark.parametrize("variant", [v for v in cases.variants() if cells.load(v.name).smooth], ids=str)
@both_directions
def test_gradients_of_first_and_second_order(variant: Variant, reverse: bool) -> None:
    case = Case(3, 2, 2, torch.float64, reverse, lengths=not reverse, resets=reverse, bias=True)
    some = cases.given(variant, case, input_size=2)
    assert torch.autograd.gradcheck(of_leaves(some), tuple(some.leaves.values()))
    assert torch.autograd.gradgradcheck(of_leaves(some), tuple(some.leaves.values()), fast_mode=True)


@every_variant
@both_directions
@pytest.mark.parametrize("cut", [0, 3, 7])
def test_split_anywhere_is_the_whole(variant: Variant, reverse: bool, cut: int) -> None:
    # in reverse a reset at the cut is seen by the whole alone: it stands between the two parts
    some = cases.given(variant, dataclasses.replace(SMALL, reverse=reverse, lengths=True, resets=not reverse))
    lengths, resets = some.run["lengths"], some.run["resets"]
    outputs, final = run(some)
    parts: list[Tensor] = []
    state = some.state
    halves = [(slice(0, cut), lengths.clamp(max=cut)), (slice(cut, None), (lengths - cut).clamp(min=0))]
    for steps, left in reversed(halves) if reverse else halves:
        part, state = run(
            some,
            x=some.x[:, steps],
            state=state,
            lengths=left,
            resets=None if resets is None else resets[:, steps],
            **{name: value[:, steps] for name, value in some.streams.items()},
        )
        parts.append(part)
    joined = torch.cat(parts[::-1] if reverse else parts, 1)
    assert_close(joined, outputs, "outputs")
    for name, part, whole in zip(some.cell.states, state, final, strict=True):
        assert_close(part, whole, f"final {name}")
    assert_all_close(
        cases.pull(some.leaves, joined, *state), cases.pull(some.leaves, outputs, *final), "the gradient of"
    )


@every_variant
@both_directions
@pytest.mark.parametrize("filling", [float("nan"), float("inf")], ids=str)
def test_padding_does_not_matter(variant: Variant, reverse: bool, filling: float) -> None:
    some = cases.given(variant, dataclasses.replace(SMALL, reverse=reverse, lengths=True, resets=True))
    some.run["resets"][:, -1] = True  # in the padding of every row but the first
    results = []
    for value in (1.0, filling):
        lengths = some.run["lengths"]
        some.x = before_the_end(some.x, lengths, value).requires_grad_()
        some.streams = {k: before_the_end(v, lengths, value).requires_grad_() for k, v in some.streams.items()}
        outputs, final = run(some)
        results.append({"outputs": outputs, "final": torch.cat(final, -1), **cases.pull(some.leaves, outputs, *final)})
    for name, value in results[0].items():
        assert torch.equal(results[1][name], value), f"{name} sees the padding"
    assert not before_the_end(results[1]["outputs"].flip(1), some.x.shape[1] - some.run["lengths"], 0).any()
    assert not before_the_end(results[1]["x"].flip(1), some.x.shape[1] - some.run["lengths"], 0).any()


@every_variant
@both_directions
def test_rows_do_not_see_each_other(variant: Variant, reverse: bool) -> None:
    some = cases.given(variant, dataclasses.replace(SMALL, reverse=reverse, resets=True))
    outputs, final = run(some)
    grads = cases.pull({"x": some.x}, outputs, *final)
    some.x = some.x.detach().index_fill(0, torch.tensor([1]), float("nan")).requires_grad_()
    others = torch.tensor([0, 2])
    spoilt, end = run(some)
    assert spoilt[1].isnan().any()
    assert_close(spoilt[others], outputs[others], "the outputs of the other rows")
    for name, part, right in zip(some.cell.states, end, final, strict=True):
        assert_close(part[others], right[others], f"final {name} of the other rows")
    assert_close(cases.pull({"x": some.x}, spoilt, *end)["x"][others], grads["x"][others], "the gradient of other rows")


@every_variant
@both_directions
def test_a_row_of_no_steps_keeps_its_state_and_passes_the_gradient_on(variant: Variant, reverse: bool) -> None:
    some = cases.given(variant, dataclasses.replace(SMALL, reverse=reverse, resets=True))
    some.run["resets"][:] = True
    outputs, final = run(some, lengths=torch.tensor([7, 0, 3], dtype=torch.int32))
    assert not outputs[1].any()
    grads = torch.autograd.grad([part[1].sum() for part in final], some.state)
    for name, part, right, grad in zip(some.cell.states, final, some.state, grads, strict=True):
        assert torch.equal(part[1], right[1]), f"final {name}"
        assert torch.equal(grad, torch.zeros_like(grad).index_fill(0, torch.tensor([1]), 1)), f"the gradient of {name}"


@every_variant
@both_directions
@pytest.mark.parametrize(("batch", "time"), [(3, 0), (0, 7), (0, 0)])
@pytest.mark.parametrize("lengths", cases.FLAG, ids=["full", "lengths"])
def test_no_steps_and_no_rows(variant: Variant, reverse: bool, batch: int, time: int, lengths: bool) -> None:
    some = cases.given(variant, SMALL)
    cell, x = some.cell, torch.zeros(batch, time, 3, dtype=torch.float64)
    state = tuple(part[:batch] for part in some.state)
    streams = {name: value[:batch, :time] for name, value in some.streams.items()}
    options = {"reverse": reverse, "lengths": torch.zeros(batch, dtype=torch.long) if lengths else None, **streams}
    outputs, final = cell(x, state, **options)
    assert outputs.shape == (batch, time, cell.output_size)
    for part, right in zip((final,) if isinstance(final, Tensor) else final, state, strict=True):
        assert torch.equal(part, right)
    _, states = cell.trajectory(x, state, **options)
    assert [part.shape for part in states] == [(batch, time, size) for size in cell.state_sizes]


@every_variant
def test_without_a_state_it_starts_from_the_initial_one(variant: Variant) -> None:
    some = cases.given(variant, SMALL)
    outputs, final = run(some, state=None)
    expected, end = run(some, state=some.cell.initial_state(SMALL.batch))
    assert torch.equal(outputs, expected)
    assert all(map(torch.equal, final, end))


@every_variant
def test_a_stream_constant_over_the_sequence_is_one_that_repeats(variant: Variant) -> None:
    some = cases.given(variant, SMALL)
    constant = {name: value[:, 0] for name, value in some.streams.items()}
    outputs, _ = run(some, **constant)
    repeated, _ = run(some, **{name: value[:, None].expand(-1, SMALL.time, -1) for name, value in constant.items()})
    assert_close(outputs, repeated, "outputs")


@every_variant
def test_given_parameters_take_the_place_of_its_own(variant: Variant) -> None:
    some = cases.given(variant, SMALL)
    others = {name: torch.rand_like(value) for name, value in some.cell.named_parameters()}
    own = {name: value.clone() for name, value in some.cell.named_parameters()}
    outputs, _ = run(some, parameters=others)
    assert all(torch.equal(value, own[name]) for name, value in some.cell.named_parameters())
    some.cell.load_state_dict(others)
    expected, _ = run(some)
    assert torch.equal(outputs, expected)


@every_variant
def test_it_gives_the_same_twice(variant: Variant) -> None:
    some = cases.given(variant, dataclasses.replace(SMALL, dtype=torch.float32, lengths=True, resets=True))
    first, second = run(some), run(some)
    assert torch.equal(first[0], second[0])
    one, two = (cases.pull(some.leaves, outputs, *final) for outputs, final in (first, second))
    for name, value in one.items():
        assert torch.equal(two[name], value), f"the gradient of {name}"


@pytest.mark.parametrize("name", cells.names())
def test_names_and_shapes_of_parameters_are_pinned(name: str) -> None:
    assert name in PINNED, f"add the parameters of {name!r} to PINNED in {__file__}"
    actual = {key: tuple(value.shape) for key, value in cells.load(name)(3, 4).named_parameters()}
    assert list(actual.items()) == list(PINNED[name].items())


@pytest.mark.parametrize("name", cells.names())
def test_it_is_the_one_cell_of_its_file(name: str) -> None:
    cell = cells.load(name)
    assert issubclass(cell, Cell)
    assert cell.__name__.endswith("Cell")
    assert cell.__doc__
    assert len(cell.gates) == len(set(cell.gates))


def test_nothing_pinned_is_gone() -> None:
    assert set(PINNED) <= set(cells.names())
