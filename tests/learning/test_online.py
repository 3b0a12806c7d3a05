"""Learning online, against the influence written out in full by its definition."""

from collections.abc import Callable
from typing import Any

import cases
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from elman import LSTM, Recurrent, cells
from elman.cells import Cell, recurrence
from elman.compiler import plan
from elman.compiler.reading import read
from elman.errors import ElmanError
from elman.learning import RTRL, EProp, FullBPTT, Learning, SnAp1, Truncated
from elman.learning.units import entangled
from elman.remedies import LayerNorm, LearntState, WeightDrop, Zoneout
from elman.testing import assert_close

TIME, HIDDEN = 6, 3


def learn(way: Learning, model: nn.Module, x: Tensor, state: Any = None) -> dict[str, Tensor]:
    """The gradients by a way to learn, of a loss in which every output has its own part."""
    target = torch.arange(1.0, 1 + x.shape[0] * x.shape[1] * width(model), dtype=x.dtype).sin()
    shape = *x.shape[:2], width(model)
    way.backward(model, x, target.view(shape), lambda outputs, weights: (outputs * weights).mean(), state)
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def width(model: nn.Module) -> int:
    return model.output_size if isinstance(model, Cell | Recurrent) else model.hidden_size  # type: ignore[return-value]


def same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert_close(found[name], gradient, f"gradient of {name}")


def unit_of(parameter: Tensor) -> Tensor:
    """For each number of a parameter, its unit."""
    rows = torch.arange(len(parameter)) % HIDDEN
    return rows.view(-1, *[1] * (parameter.dim() - 1)).expand_as(parameter).reshape(-1)


class NoWay(nn.Module):
    """A cell's step as a function of the state that goes by ``recurrent`` and of the state that does not."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor, state: Tensor, h: Tensor) -> Tensor:
        own = recurrence.view(self.cell, recurrent=lambda _, *gates: type(self.cell).recurrent(self.cell, h, *gates))
        _, *new = own.step(self.cell.project(x)[None], *state[:, None])
        return torch.cat(new)


def by_definition(cell: Cell, x: Tensor, state: Tensor, *, through_recurrent: bool) -> dict[str, Tensor]:
    """The gradient of what ``learn`` has, by the influence of every parameter on every unit, masked after each step.

    ``x [T, I]``, ``state [K, H]``; the influence is ``[K, H, parameters]``, and of a step's derivative by the state the
    part of each unit by itself is kept.
    """
    model, names = NoWay(cell), [name for name, _ in cell.named_parameters()]
    parameters: dict[str, Tensor] = dict(cell.named_parameters())
    units = torch.cat([unit_of(p) for p in parameters.values()])
    mask = (units == torch.arange(HIDDEN)[:, None]).to(x.dtype)  # [H, parameters]
    influence = torch.zeros(*state.shape, len(units), dtype=x.dtype)
    weights = torch.arange(1.0, 1 + TIME * HIDDEN, dtype=x.dtype).sin().view(TIME, HIDDEN) / (TIME * HIDDEN)
    total = torch.zeros(len(units), dtype=x.dtype)

    def step(parameters: dict[str, Tensor], state: Tensor, h: Tensor, x: Tensor) -> Tensor:
        return functional_call(model, {f"cell.{name}": p for name, p in parameters.items()}, (x, state, h))

    for t in range(TIME):
        by_parameters, by_state, by_h = jacrev(step, argnums=(0, 1, 2))(parameters, state, state[0], x[t])
        jacobian = by_state.clone()  # [K, H, K, H]
        if through_recurrent:
            jacobian[:, :, 0] += by_h
        own = torch.einsum("kulu->klu", jacobian)  # each unit's by itself
        immediate = torch.cat([by_parameters[name].flatten(2) for name in names], -1)
        influence = torch.einsum("klu,lup->kup", own, influence) + immediate * mask
        state = step(parameters, state, state[0], x[t]).detach()
        total += torch.einsum("u,up->p", weights[t], influence[0])
    pieces = total.split([p.numel() for p in parameters.values()])
    return {name: piece.view_as(p) for (name, p), piece in zip(parameters.items(), pieces, strict=True)}


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "lstm_peephole"])
@pytest.mark.parametrize(("way", "through"), [(SnAp1(2), True), (EProp(4), False)], ids=["snap1", "eprop"])
def test_the_approximations_are_those_of_their_papers(name: str, way: Learning, through: bool, executor: str) -> None:
    cell = cells.load(name)(2, HIDDEN, dtype=torch.float64)
    state = cases.random_state(cell, 1)
    x = torch.randn(1, TIME, 2, dtype=torch.float64)
    expected = by_definition(cell, x[0], torch.cat(state).detach(), through_recurrent=through)
    same(learn(way, cell, x, state[0] if len(state) == 1 else state), expected)
    full = learn(FullBPTT(), cell, x, state[0] if len(state) == 1 else state)
    assert not torch.allclose(full["weight_hh"], expected["weight_hh"], rtol=1e-3)


@pytest.mark.parametrize("name", ["gru_reset_before", "mgu", "lem", "gru_decay", "lif"])
@pytest.mark.parametrize("own", [True, False], ids=["snap1", "eprop"])
def test_each_product_has_its_own_diagonal(name: str, own: bool) -> None:
    cell = cells.load(name)(2, HIDDEN, dtype=torch.float64)
    x, extras = torch.randn(2, TIME, 2, dtype=torch.float64), cases.random_extras(cell, 2, TIME)
    weights = torch.randn(2, TIME, HIDDEN, dtype=torch.float64)
    way = (SnAp1 if own else EProp)(4)
    way.backward(cell, x, weights, lambda outputs, weights: (outputs * weights).mean(), **extras)
    found = {name: p.grad for name, p in cell.named_parameters() if p.grad is not None}
    cell.zero_grad()
    mask = torch.eye(HIDDEN, dtype=torch.float64).repeat(len(cell.gates), 1) * own

    def recurrent(h: Tensor, *gates: str) -> Tensor:
        rows = cell.rows(*gates) if gates else slice(None)
        through = (h - h.detach()) @ (cell.weight_hh.detach() * mask)[rows].T
        return Cell.recurrent(cell, h.detach(), *gates) + through

    with plan.use("eager"):
        outputs = recurrence.view(cell, recurrent=recurrent)(x, **extras)[0]
    (outputs * weights).mean().backward()
    same(found, {name: p.grad for name, p in cell.named_parameters() if p.grad is not None})


@pytest.mark.parametrize("way", [RTRL, SnAp1, EProp])
def test_calls_one_after_another_have_the_gradient_of_all_before(way: type[Any]) -> None:
    layer: Any = Recurrent("mingru", 3, 4, dtype=torch.float64)  # of which all three are exact
    x = torch.randn(2, 20, 3, dtype=torch.float64)
    y = torch.randn(2, 20, 4, dtype=torch.float64)
    whole = FullBPTT().backward(layer, x, y, F.mse_loss)[1]
    expected = layer.cells[0].weight_ih.grad.clone()
    layer.zero_grad()
    state: Any = None
    for now, then in zip(x.split(5, 1), y.split(5, 1), strict=True):
        _, state = way(2).backward(layer, now, then, F.mse_loss, state)
    assert_close(layer.cells[0].weight_ih.grad / 4, expected, "gradient")
    assert_close(state["state"], whole, "state")
    assert {name: part.shape for name, part in state["influence"]["cells.0"].items()} == {
        "weight_ih": (1, 2, 8, 3),
        "bias_ih": (1, 2, 8),
    }


def test_in_a_stack_what_is_left_out_is_through_the_layers_above() -> None:
    stack = Recurrent("mingru", 3, 4, num_layers=2, dtype=torch.float64)
    x = torch.randn(2, 12, 3, dtype=torch.float64)
    full = learn(FullBPTT(), stack, x)
    same(learn(RTRL(12), stack, x), full)
    found, truncated = learn(RTRL(3), stack, x), learn(Truncated(3), stack, x)
    for name in ("weight_ih", "bias_ih"):
        assert_close(found[f"cells.1.{name}"], full[f"cells.1.{name}"], "the upper layer's gradient")
        below = full[f"cells.0.{name}"]
        off, far = ((grads[f"cells.0.{name}"] - below).norm() for grads in (found, truncated))
        assert 1e-6 < off < far


def test_a_state_that_begins_anew_has_no_past() -> None:
    cell = cells.load("mingru")(3, 4, dtype=torch.float64)
    x, y = torch.randn(2, 5, 3, dtype=torch.float64), torch.zeros(2, 5, 4, dtype=torch.float64)
    _, state = RTRL().backward(cell, x, y, F.mse_loss)
    cell.zero_grad()
    expected = learn(FullBPTT(), cell, x)
    same(learn(RTRL(), cell, x, {**state, "state": None}), expected)


@pytest.mark.parametrize("way", [SnAp1(3), EProp(3)], ids=["snap1", "eprop"])
def test_a_drop_in_is_followed_as_well(way: Learning) -> None:
    drop_in = LSTM(3, 4, num_layers=2, batch_first=True, dtype=torch.float64)
    layer = Recurrent("lstm", 3, 4, num_layers=2, dtype=torch.float64)
    for i, cell in enumerate(layer.cells):
        cell.load_state_dict({n: getattr(drop_in, f"{n}_l{i}") for n, _ in cell.named_parameters()})
    x = torch.randn(2, 8, 3, dtype=torch.float64)
    found = learn(way, drop_in, x)
    same({f"cells.{name[-1]}.{name[:-3]}": g for name, g in found.items()}, learn(way, layer, x))


def test_remedies_are_followed_where_they_can_be() -> None:
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    learnt: Any = Recurrent("mingru", 3, 4, remedies=[LearntState()], dtype=torch.float64)
    nn.init.normal_(learnt.cells[0].initial_h)
    same(learn(RTRL(4), learnt, x), learn(FullBPTT(), learnt, x))
    still = Recurrent("mingru", 3, 4, remedies=[Zoneout(0.3)], dtype=torch.float64).eval()
    same(learn(RTRL(4), still, x), learn(FullBPTT(), still, x))
    dropped: Any = Recurrent("lstm", 3, 4, remedies=[WeightDrop(0.5)], dtype=torch.float64)
    assert learn(SnAp1(4), dropped, x)["cells.0.weight_hh"].eq(0).any()
    assert len(dropped.cells[0].remedies) == 1
    with pytest.raises(ElmanError, match="RTRL cannot follow MinGRUCell: a sum goes over the units"):
        learn(RTRL(4), Recurrent("mingru", 3, 4, remedies=[LayerNorm()], dtype=torch.float64), x)


class Twice(nn.Module):
    """A model that calls one cell, and another twice, or not."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.one, self.other = Recurrent("mingru", 3, 3), Recurrent("mingru", 3, 3)
        self.times, self.hidden_size = times, 3

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        x, state = self.one(x, state)
        for _ in range(self.times):
            x, _ = self.other(x)
        return x, state


@pytest.mark.parametrize(
    ("model", "way", "right"),
    [
        (lambda: Recurrent("lstm", 3, 4), RTRL(), "cannot follow LSTMCell: a matrix product.*follow indrnn, mingru"),
        (lambda: Recurrent("cornn", 3, 4), SnAp1(), "cannot follow CoRNNCell.*must be Cell.recurrent"),
        (lambda: Recurrent("lstm_projected", 3, 4, proj_size=2), EProp(), "the states have 2 and 4 units"),
        (lambda: Recurrent("mingru", 3, 2, bidirectional=True), RTRL(), "a bidirectional layer needs the whole"),
        (lambda: Twice(2), RTRL(), "'other.cells.0' is called twice"),
        (lambda: Twice(0), RTRL(), "a cell, 'other.cells.0', that it has not called"),
        (lambda: Foreign(), RTRL(), "the model has none of Elman's"),
    ],
)
def test_what_cannot_be_followed_is_refused(model: Callable[[], nn.Module], way: Learning, right: str) -> None:
    made = model()
    with pytest.raises(ElmanError, match=right):
        learn(way, made, torch.randn(2, 5, 3))
    assert all("forward" not in vars(module) for module in made.modules())


class Foreign(nn.Module):
    """A recurrence that is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.hidden_size = nn.GRU(3, 3, batch_first=True), 3

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        return self.gru(x, state)


class Own(Cell):
    """A throwaway cell, of a kind."""

    gates = ("h",)
    dense = False

    def __init__(self, kind: str) -> None:
        super().__init__(3, 4)
        self.kind = kind
        self.scale = nn.Parameter(torch.ones(1))

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        if self.kind == "one number for all units":
            h = self.scale * h + x
        if self.kind == "detached":
            h = 0.5 * h + x + h.detach().sum(-1, keepdim=True)
        if self.kind == "units of the input summed":
            h = 0.5 * h + x.sum(-1, keepdim=True)
        return h, h


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("one number for all units", "1 column of vector cannot be those of the 4 units"),
        ("detached", ""),
        ("units of the input summed", "a sum goes over the units"),
    ],
)
def test_parameters_of_more_than_one_unit_are_found(kind: str, why: str) -> None:
    assert entangled(read(Own(kind)).program.text) == why


def test_steps_below_one_are_refused() -> None:
    for way in (RTRL, SnAp1, EProp):
        with pytest.raises(ElmanError, match="at least 1, not 0"):
            way(0)


@pytest.mark.parametrize("flush", [True, False])
def test_what_fades_away_is_not_computed_with_all_its_digits_and_the_setting_is_left_alone(flush: bool) -> None:
    cell: Any = cells.load("mingru")(3, 4)
    with torch.no_grad():
        cell.bias_ih[:4] = 1.0  # forgets most of its state at each step
    torch.set_flush_denormal(flush)
    try:
        _, state = RTRL().backward(cell, torch.randn(1, 300, 3), torch.zeros(1, 300, 4), F.mse_loss)
        assert bool(torch.tensor(1e-40) * 1 == 0) == flush
    finally:
        torch.set_flush_denormal(False)
    assert state["influence"][""]["weight_ih"].isfinite().all()
