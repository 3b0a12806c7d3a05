"""What holds for every cell with every remedy that fits it, under every executor."""

import copy
import pickle
from typing import Any

import cases
import pytest
import torch
from cases import EXECUTORS, Variant
from tolerances import assert_close
from torch import Tensor

from elman.cells import Cell
from elman.cells.cell import Remedy
from elman.errors import ElmanError
from elman.layers import Recurrent
from elman.remedies import (
    Chrono,
    ForgetBias,
    Identity,
    LayerNorm,
    LearntState,
    Orthogonal,
    VariationalDropout,
    WeightDrop,
    Zoneout,
)
from elman.runtime import Stepper

B, T, I, H = 3, 7, 3, 4
NOISE: list[Remedy] = [Zoneout(0.3), VariationalDropout(inputs=0.2, states=0.3, outputs=0.2), WeightDrop(0.3)]
ALL = [*NOISE, VariationalDropout(inputs=0.2, outputs=0.2), LayerNorm(), LearntState(), Orthogonal(), Identity(0.9)]
ALL += [ForgetBias(1.0), Chrono(50)]

every_variant = pytest.mark.parametrize("variant", cases.variants(), ids=str)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def fits(variant: Variant, remedy: Remedy, *others: Remedy) -> bool:
    try:
        variant.make().attach(*others, remedy)
    except ElmanError:
        return False
    return True


def fitting(variant: Variant) -> list[Remedy]:
    """All remedies that the cell takes, one of each kind."""
    found: list[Remedy] = []
    for remedy in ALL:
        if fits(variant, remedy, *found):
            found.append(remedy)
    return found


def layer_of(variant: Variant, remedies: list[Remedy], **options: Any) -> Recurrent:
    """A layer in float64 whose parameters, gains and initial states are all random."""
    layer = Recurrent(variant.name, I, H, remedies=remedies, dtype=torch.float64, **variant.options, **options)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "gain" in name or "initial" in name:
                parameter.add_(0.3 * torch.rand_like(parameter))
    return layer


def inputs(layer: Recurrent) -> tuple[Tensor, dict[str, Tensor]]:
    cell: Any = layer.cells[0]
    return torch.randn(B, T, I, dtype=torch.float64, requires_grad=True), cases.random_streams(cell, B, T)


def results(layer: Recurrent, x: Tensor, seed: int = 1, **given: Any) -> dict[str, Tensor]:
    """Outputs, last states and all gradients, from one seed."""
    torch.manual_seed(seed)
    outputs, final = layer(x, **given)
    final = (final,) if isinstance(final, Tensor) else final
    leaves = {"x": x, **dict(layer.named_parameters())}
    names = layer.cells[0].states
    states = {f"final {name}": part for name, part in zip(names, final, strict=True)}  # type: ignore[arg-type]
    gradients = cases.pull(leaves, outputs, *final)
    return {"outputs": outputs, **states, **{f"the gradient of {name}": value for name, value in gradients.items()}}


@every_variant
def test_every_executor_gives_the_same_from_one_seed(variant: Variant) -> None:
    layer = layer_of(variant, fitting(variant), bidirectional=True)
    x, streams = inputs(layer)
    given = {"lengths": torch.tensor([7, 0, 4]), "resets": torch.rand(B, T) < 0.3, **streams}
    found = {}
    for name, use in EXECUTORS.items():
        with use():
            found[name] = results(layer.train(), x, **given)
            with torch.no_grad():
                found[name]["outputs in evaluation"] = layer.eval()(x, **given)[0]
        for what, value in found["eager"].items():
            assert_close(found[name][what], value, f"{what} by {name}")


@every_variant
def test_seeds_make_the_noise_and_evaluation_has_none(variant: Variant) -> None:
    layer = layer_of(variant, fitting(variant))
    x, streams = inputs(layer)
    one, same, other = (results(layer, x, seed, **streams) for seed in (1, 1, 2))
    for what, value in one.items():
        assert torch.equal(same[what], value), what
    assert not torch.equal(other["outputs"], one["outputs"])

    layer.eval()
    before = torch.get_rng_state()
    calm, again = (layer(x, **streams)[0] for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before), "evaluation drew random numbers"
    assert torch.equal(calm, again)
    assert not torch.equal(calm, one["outputs"])
    layer.train()
    assert torch.equal(results(layer, x, 1, **streams)["outputs"], one["outputs"]), "training after evaluation"


def zoned_out(cell: Cell, x: Tensor, p: float, u: list[Tensor] | None, streams: dict[str, Tensor]) -> Tensor:
    """Outputs of a cell without remedies, every state kept with probability ``p``, or mixed where ``u`` is None."""
    state, outputs = cell.initial_state(B), []
    for t in range(T):
        output, *new = cell.step(
            cell.project(x[:, t]), *state, **{name: value[:, t] for name, value in streams.items()}
        )
        assert output is new[0], "the output of every cell is its first state"
        if u is None:
            state = tuple(p * a + (1 - p) * b for a, b in zip(state, new, strict=True))
        else:
            kept = [(part[:, t] < p).to(x.dtype) for part in u]
            state = tuple(d * a + (1 - d) * b for d, a, b in zip(kept, state, new, strict=True))
        outputs.append(state[0])
    return torch.stack(outputs, 1)


@every_variant
@both_modes
@pytest.mark.usefixtures("executor")
def test_zoneout_is_its_equation(variant: Variant, training: bool) -> None:
    layer = layer_of(variant, [Zoneout(0.3)]).train(training)
    bare = variant.make(I, H, dtype=torch.float64)
    bare.load_state_dict(layer.cells[0].state_dict())
    x, streams = inputs(layer)
    torch.manual_seed(5)
    u = [torch.rand(B, T, size, dtype=torch.float64) for size in bare.state_sizes]
    torch.manual_seed(5)
    outputs, _ = layer(x, **streams)
    assert_close(outputs, zoned_out(bare, x, 0.3, u if training else None, streams), "outputs")


@every_variant
@pytest.mark.usefixtures("executor")
def test_without_noise_nothing_is_changed(variant: Variant) -> None:
    calm: list[Remedy] = [Zoneout(0.0), VariationalDropout(), *([WeightDrop(0.0)] if fits(variant, NOISE[2]) else [])]
    layer, bare = layer_of(variant, calm), layer_of(variant, [])
    bare.load_state_dict(layer.state_dict())
    x, streams = inputs(layer)
    before = torch.get_rng_state()
    assert torch.equal(layer(x, **streams)[0], bare(x, **streams)[0])
    assert torch.equal(torch.get_rng_state(), before), "random numbers were drawn for nothing"


@every_variant
@pytest.mark.usefixtures("executor")
def test_a_learnt_state_is_where_sequences_and_segments_begin(variant: Variant) -> None:
    layer = layer_of(variant, [LearntState()])
    cell: Any = layer.cells[0]
    x, streams = inputs(layer)
    resets = torch.zeros(B, T, dtype=torch.bool)
    resets[:, 3] = True
    outputs, _ = layer(x, resets=resets, **streams)
    tail, _ = layer(x[:, 3:], **{name: value[:, 3:] for name, value in streams.items()})
    assert_close(outputs[:, 3:], tail, "the segment")
    start = tuple(cell.get_parameter(f"initial_{name}").expand(B, -1) for name in cell.states)
    assert_close(outputs, cases.truth(cell, x, start, resets=resets, streams=streams).outputs, "outputs")
    assert_close(layer(x, resets=resets, **streams)[0], outputs, "the same again")
    learnt = [cell.get_parameter(f"initial_{name}") for name in cell.states]
    grads = torch.autograd.grad(outputs.square().sum(), learnt, materialize_grads=True)
    assert any(bool(grad.any()) for grad in grads)


@every_variant
def test_copies_and_files_have_the_remedies_too(variant: Variant) -> None:
    layer = layer_of(variant, fitting(variant))
    x, streams = inputs(layer)
    expected = results(layer, x, **streams)
    other = layer_of(variant, fitting(variant))
    other.load_state_dict(layer.state_dict())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), other):
        for what, value in results(twin, x, **streams).items():
            assert torch.equal(value, expected[what]), what


@pytest.mark.parametrize("variant", [Variant(name, {}) for name in ("lstm", "gru_reset_before", "minlstm")], ids=str)
def test_second_derivatives_with_the_noise_held(variant: Variant) -> None:
    layer = layer_of(variant, fitting(variant))
    names, own = zip(*layer.named_parameters(), strict=True)
    x, streams = torch.randn(2, 3, I, dtype=torch.float64), cases.random_streams(layer.cells[0], 2, 3)  # type: ignore

    def function(x: Tensor, *parameters: Tensor) -> Tensor:
        torch.manual_seed(3)
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, given, (x,), streams)[0]

    leaves = (x.requires_grad_(), *(p.detach().requires_grad_() for p in own))
    assert torch.autograd.gradgradcheck(function, leaves, fast_mode=True)


@pytest.mark.parametrize("variant", [v for v in cases.variants() if not v.make().streams], ids=str)
def test_a_stepper_steps_as_evaluation_does(variant: Variant) -> None:
    layer = layer_of(variant, fitting(variant), num_layers=2)
    stepper, x = Stepper(layer, B), torch.randn(B, T, I, dtype=torch.float64)
    for _ in range(2):
        steps = torch.stack([stepper.step(x[:, t]).clone() for t in range(T)], 1)
        assert_close(steps, layer.eval()(x)[0].detach(), "outputs")
        stepper.reset()
