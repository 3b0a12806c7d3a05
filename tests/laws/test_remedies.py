"""Every cell with every remedy that fits it is held to the laws of ``elman.testing``, and each remedy to its own."""

from typing import Any

import cases
import pytest
import torch
from cases import Variant
from torch import Tensor

from elman import cells
from elman.cells import Cell
from elman.cells.remedy import Remedy
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
from elman.testing import Check, assert_close, remedy_checks
from elman.testing.remedies import B, H, I, Kit, T, fits, inputs

NOISE: list[Remedy] = [Zoneout(0.3), VariationalDropout(inputs=0.2, states=0.3, outputs=0.2), WeightDrop(0.3)]
ALL = [*NOISE, VariationalDropout(inputs=0.2, outputs=0.2), LayerNorm(), LearntState(), Orthogonal(), Identity(0.9)]
ALL += [ForgetBias(1.0), Chrono(50)]

every_variant = pytest.mark.parametrize("variant", cases.variants(), ids=str)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def fitting(variant: Variant) -> list[Remedy]:
    """All remedies that the cell takes, one of each kind."""
    found: list[Remedy] = []
    for remedy in ALL:
        if fits(cells.load(variant.name), *found, remedy, **variant.options):
            found.append(remedy)
    return found


def kit(variant: Variant, *remedies: Remedy) -> Kit:
    return Kit(cells.load(variant.name), remedies, variant.options)


def checks(variant: Variant) -> list[Check]:
    cell, names = cells.load(variant.name), list(cases.EXECUTORS)
    found = remedy_checks(*fitting(variant), cell=cell, executors=names, **variant.options)
    # the kernels of second derivatives take seconds to make: of one with gates, one of two products, one of none
    twice = variant.name in ("lstm", "gru_reset_before", "minlstm")
    return [check for check in found if twice or not check.name.startswith("second_derivatives")]


CHECKS = [param for variant in cases.variants() for param in cases.params(variant, checks(variant))]


@pytest.mark.parametrize("check", CHECKS)
def test_every_law_holds(check: Check) -> None:
    check.run()


@pytest.mark.parametrize("remedy", [*NOISE, LearntState(), LayerNorm()], ids=lambda remedy: type(remedy).__name__)
def test_noise_is_drawn_in_training_by_those_that_are_noise(remedy: Remedy) -> None:
    layer = kit(Variant("lstm", {}), remedy).layer()
    before = torch.get_rng_state()
    layer(torch.randn(B, T, I, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    assert torch.equal(torch.get_rng_state(), before) is (remedy not in NOISE)


def zoned_out(cell: Cell, x: Tensor, p: float, u: list[Tensor] | None, extras: dict[str, Tensor]) -> Tensor:
    """Outputs of a cell without remedies, every state kept with probability ``p``, or mixed where ``u`` is None."""
    state, outputs = cell.initial_state(B), []
    for t in range(T):
        output, *new = cell.step(cell.project(x[:, t]), *state, **{name: value[:, t] for name, value in extras.items()})
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
    layer = kit(variant, Zoneout(0.3)).layer().train(training)
    bare = variant.make(I, H, dtype=torch.float64)
    bare.load_state_dict(layer.cells[0].state_dict())
    x, extras = inputs(layer)
    torch.manual_seed(5)
    u = [torch.rand(B, T, size, dtype=torch.float64) for size in bare.state_sizes]
    torch.manual_seed(5)
    outputs, _ = layer(x, **extras)
    assert_close(outputs, zoned_out(bare, x, 0.3, u if training else None, extras), "outputs")


@every_variant
@pytest.mark.usefixtures("executor")
def test_without_noise_nothing_is_changed(variant: Variant) -> None:
    calm: list[Remedy] = [Zoneout(0.0), VariationalDropout()]
    if fits(cells.load(variant.name), NOISE[2], **variant.options):
        calm.append(WeightDrop(0.0))
    layer, bare = kit(variant, *calm).layer(), kit(variant).layer()
    bare.load_state_dict(layer.state_dict())
    x, extras = inputs(layer)
    before = torch.get_rng_state()
    assert torch.equal(layer(x, **extras)[0], bare(x, **extras)[0])
    assert torch.equal(torch.get_rng_state(), before), "random numbers were drawn for nothing"


@every_variant
@pytest.mark.usefixtures("executor")
def test_a_learnt_state_is_where_sequences_and_segments_begin(variant: Variant) -> None:
    layer = kit(variant, LearntState()).layer()
    cell: Any = layer.cells[0]
    x, extras = inputs(layer)
    resets = torch.zeros(B, T, dtype=torch.bool)
    resets[:, 3] = True
    outputs, _ = layer(x, resets=resets, **extras)
    tail, _ = layer(x[:, 3:], **{name: value[:, 3:] for name, value in extras.items()})
    assert_close(outputs[:, 3:], tail, "the segment")
    start = tuple(cell.get_parameter(f"initial_{name}").expand(B, -1) for name in cell.states)
    assert_close(outputs, cases.truth(cell, x, start, resets=resets, extras=extras).outputs, "outputs")
    assert_close(layer(x, resets=resets, **extras)[0], outputs, "the same again")
    learnt = [cell.get_parameter(f"initial_{name}") for name in cell.states]
    grads = torch.autograd.grad(outputs.square().sum(), learnt, materialize_grads=True)
    assert any(bool(grad.any()) for grad in grads)
