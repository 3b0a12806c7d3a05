"""PyTorch's operations for a whole recurrence, with all around them that they do not know of."""

import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, cast

import pretended
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import elman
from elman import Recurrent, cells
from elman.cells import Cell
from elman.compiler import one_piece, plan
from elman.compiler.executors.fused.segments import segments
from elman.compiler.held import held
from elman.errors import ElmanError
from elman.remedies import VariationalDropout, WeightDrop
from elman.testing import assert_close

DOUBLE: dict[str, Any] = {"dtype": torch.float64}
THREE = ["gru", "lstm", "elman", "lstm_projected"]

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@pytest.fixture(autouse=True)
def fused() -> Iterator[None]:
    with pretended.device(), plan.use("fused"):
        yield


def by_the_loop(function: Callable[[], Any]) -> Any:
    with plan.use("eager"):
        return function()


def all_of(cell: nn.Module, x: Tensor, state: Any, **run: Any) -> dict[str, Tensor]:
    """Outputs, last states, and the gradients of all."""
    outputs, final = cell(x, state, **run)
    final = (final,) if isinstance(final, Tensor) else final
    leaves = {"x": x, **dict(cell.named_parameters())}
    leaves |= {f"state {n}": t for n, t in enumerate((state,) if isinstance(state, Tensor) else state)}
    loss = outputs.sin().sum() + sum((n + 2) * part.cos().sum() for n, part in enumerate(final))
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    found = {f"the gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    return {"outputs": outputs, **{f"state {n}": part for n, part in enumerate(final)}, **found}


def state_of(cell: Cell, batch: int) -> Any:
    states = [torch.randn(batch, size, **DOUBLE, requires_grad=True) for size in cell.state_sizes]
    return tuple(states) if len(states) > 1 else states[0]


HOSTILE: list[tuple[list[int] | None, list[list[int]] | None]] = [
    ([0, 0, 0], None),
    ([6, 6, 6], None),
    ([6, 0, 1], None),
    ([0, 1, 0], [[0, 1, 2, 3, 4, 5], [0, 5], []]),
    ([6, 2, 4], [[0], [1, 2, 3], [4, 5]]),
    (None, [[0, 1, 2, 3, 4, 5], [], [5]]),
    (None, [[], [], []]),
]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", THREE)
def test_any_lengths_and_resets_give_what_the_loop_gives(name: str, reverse: bool) -> None:
    torch.manual_seed(0)
    cell = cells.load(name)(2, 4, **DOUBLE)
    x, state = torch.randn(3, 6, 2, **DOUBLE, requires_grad=True), state_of(cell, 3)
    for ends, places in HOSTILE:
        lengths = None if ends is None else torch.tensor(ends)
        resets = None
        if places is not None:
            resets = torch.zeros(3, 6, dtype=torch.bool)
            for row, own in enumerate(places):
                resets[row, own] = True
        run: dict[str, Any] = {"lengths": lengths, "resets": resets, "reverse": reverse}
        right = by_the_loop(lambda run=run: all_of(cell, x, state, **run))
        for what, value in all_of(cell, x, state, **run).items():
            assert_close(value, right[what], f"{what} with lengths {ends} and resets {places}")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(1, 6), st.booleans(), st.booleans())
def test_every_step_of_every_segment_stands_in_its_place(
    data: st.DataObject, batch: int, time: int, reverse: bool, ragged: bool
) -> None:
    lengths = torch.tensor(data.draw(st.lists(st.integers(0, time), min_size=batch, max_size=batch)))
    row_of_flags = st.lists(st.booleans(), min_size=time, max_size=time)
    resets = torch.tensor(data.draw(st.lists(row_of_flags, min_size=batch, max_size=batch)))
    found = segments(lengths if ragged else None, resets, batch, time, reverse)
    ends = lengths.tolist() if ragged else [time] * batch
    right = []  # of each segment: where it starts from, and the places of its steps
    for row, end in enumerate(ends):
        marks = [t for t in range(end) if resets[row, t]]
        parts = [list(range(*ends)) for ends in pairwise(sorted({0, *marks, end}))]
        for n, part in enumerate(parts):
            fresh = n < len(parts) - 1 if reverse else part[0] in marks
            places = [row * time + t for t in part]
            right.append((row + batch * fresh, places[::-1] if reverse else places))
    sizes = found.sizes.tolist()
    first = [sum(sizes[:t]) for t in range(len(sizes))]
    own = []
    for n, start in enumerate(found.starts.tolist()):
        steps = [int(found.places[first[t] + n]) for t in range(len(sizes)) if n < sizes[t]]
        own.append((start, steps))
    assert sorted(own) == sorted(right)
    assert sizes == sorted(sizes, reverse=True)
    assert found.rows.tolist() == [row for row, end in enumerate(ends) if end]
    for row, last in zip(found.rows.tolist(), found.last.tolist(), strict=True):
        assert own[last][1][-1] == row * time + (0 if reverse else ends[row] - 1)


def test_what_stands_in_the_padding_does_not_matter() -> None:
    cell, lengths = cells.load("lstm")(2, 4), torch.tensor([3, 0])
    x = torch.randn(2, 5, 2)
    usual = cell(x, lengths=lengths)
    x[0, 3:], x[1] = float("nan"), float("inf")
    spoilt = x.requires_grad_()
    outputs, final = cell(spoilt, lengths=lengths)
    assert torch.equal(outputs, usual[0])
    assert all(torch.equal(a, b) for a, b in zip(final, usual[1], strict=True))
    (gradient,) = torch.autograd.grad(outputs.sum(), spoilt)
    assert torch.equal(gradient[1], torch.zeros(5, 2))
    assert torch.equal(gradient[0, 3:], torch.zeros(2, 2))


@pytest.mark.parametrize("make", [elman.LSTM, elman.GRU, elman.RNN])
def test_a_drop_in_gives_what_its_twin_gives(make: Any) -> None:
    torch.manual_seed(0)
    layer = make(3, 5, 2, bidirectional=True, batch_first=True, **DOUBLE)
    twin = getattr(nn, make.__name__)(3, 5, 2, bidirectional=True, batch_first=True, **DOUBLE)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(4, 6, 3, **DOUBLE)
    given, right = (
        [outputs, *((final,) if isinstance(final, Tensor) else final)] for outputs, final in (layer(x), twin(x))
    )
    for own, other in zip(given, right, strict=True):
        assert_close(own, other, "what a drop-in gives")
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([6, 1, 4, 2]), True, enforce_sorted=False)
    assert_close(layer(packed)[0].data, twin(packed)[0].data, "of a packed sequence")


def test_parameters_that_are_frozen_replaced_or_moved_are_read_anew() -> None:
    layer = Recurrent("gru", 3, 5, **DOUBLE)
    x, cell = torch.randn(2, 4, 3, **DOUBLE), cast(cells.Cell, layer.cells[0])
    assert isinstance(cell.weight_hh, nn.Parameter)
    layer(x)
    cell.weight_hh = nn.Parameter(torch.randn_like(cell.weight_hh))
    assert_close(layer(x)[0], by_the_loop(lambda: layer(x)[0]), "with another matrix")
    with torch.no_grad():
        cell.weight_hh.add_(1)
    assert_close(layer(x)[0], by_the_loop(lambda: layer(x)[0]), "with other numbers")
    cell.weight_hh.requires_grad_(False)
    layer(x)[0].sum().backward()
    assert cell.weight_hh.grad is None
    assert cell.weight_ih.grad is not None
    (gradient,) = torch.autograd.grad(by_the_loop(lambda: layer(x)[0]).sum(), cell.weight_ih)
    assert_close(cell.weight_ih.grad, gradient, "the gradient beside a matrix that is frozen")
    layer.float()
    assert layer(x.float())[0].dtype == torch.float32


def test_remedies_act_as_in_the_loop() -> None:
    layer = Recurrent("lstm", 3, 5, remedies=[VariationalDropout(inputs=0.5), WeightDrop(0.5)], **DOUBLE)
    x = torch.randn(2, 4, 3, **DOUBLE)
    assert plan.explained(layer.cells[0], (True, ()), x)[0].name == "fused"
    found = []
    for name in ("fused", "eager"):
        with plan.use(name):
            torch.manual_seed(1)
            found.append(layer(x)[0])
    assert_close(found[0], found[1], "outputs under dropout")


def test_a_derivative_of_a_derivative_is_the_loops() -> None:
    cell = cells.load("lstm")(2, 3, **DOUBLE)
    x = torch.randn(2, 4, 2, **DOUBLE, requires_grad=True)

    def penalty() -> Tensor:
        outputs, _ = cell(x, lengths=torch.tensor([4, 2]))
        (gradient,) = torch.autograd.grad(outputs.sin().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), cell.weight_hh)[0]

    assert_close(penalty(), by_the_loop(penalty), "a second derivative")


def test_a_backward_pass_may_be_done_again_only_where_its_graph_is_kept() -> None:
    cell, x = cells.load("gru")(2, 3), torch.randn(2, 4, 2, requires_grad=True)
    loss = cell(x)[0].sum()
    first, second = (torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
    torch.autograd.grad(loss, x)
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(loss, x)


def test_a_parameter_that_is_changed_before_the_backward_pass_is_an_error_as_elsewhere() -> None:
    cell, x = cells.load("elman")(2, 3), torch.randn(2, 4, 2)
    loss = cell(x)[0].sum()
    with torch.no_grad():
        cell.weight_hh.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_gives_the_same_gradients(reentrant: bool) -> None:
    cell, x = cells.load("lstm")(2, 3, **DOUBLE), torch.randn(2, 4, 2, **DOUBLE, requires_grad=True)

    def run(x: Tensor) -> Tensor:
        return cell(x, lengths=torch.tensor([4, 1]))[0]

    right = torch.autograd.grad(run(x).sin().sum(), [x, *cell.parameters()])
    found: Any = checkpoint(run, x, use_reentrant=reentrant)
    found.sin().sum().backward()
    for own, value in zip([x, *cell.parameters()], right, strict=True):
        assert own.grad is not None
        assert_close(own.grad, value, "a gradient")


@pytest.mark.parametrize("name", THREE)
def test_transforms_and_compilers_see_a_loop(name: str) -> None:
    cell, x = cells.load(name)(2, 3, **DOUBLE), torch.randn(4, 2, 5, 2, **DOUBLE)
    found = torch.func.vmap(lambda x: cell(x)[0])(x)
    assert_close(found, torch.stack([cell(row)[0] for row in x]), "under vmap")
    gradient = torch.func.grad(lambda x: cell(x)[0].sum())(x[0])
    assert gradient.shape == x[0].shape


def test_autocast_gives_what_the_operation_gives_under_it() -> None:
    cell, x = cells.load("lstm")(4, 8), torch.randn(2, 5, 4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        outputs, _ = cell(x)
        ragged, (h, c) = cell(x, lengths=torch.tensor([5, 2]))
    exact, _ = cell(x)
    assert (outputs - exact).abs().max() < 0.03
    assert (ragged[1, :2] - exact[1, :2]).abs().max() < 0.03
    assert h.dtype == c.dtype == ragged.dtype
    ragged.float().sum().backward()
    assert cell.weight_hh.grad is not None
    assert cell.weight_hh.grad.dtype == torch.float32
    assert cell.weight_hh.grad.isfinite().all()


def test_no_rows_and_no_steps_are_no_business_of_the_operation() -> None:
    cell = cells.load("gru")(2, 3)
    for shape in ((0, 4, 2), (3, 0, 2), (0, 0, 2)):
        outputs, final = cell(torch.zeros(shape), lengths=torch.zeros(shape[0], dtype=torch.int64))
        assert outputs.shape == (*shape[:2], 3)
        assert final.shape == (shape[0], 3)


def test_the_states_of_every_step_are_a_loops() -> None:
    cell, x = cells.load("lstm")(2, 3, **DOUBLE), torch.randn(3, 5, 2, **DOUBLE)
    outputs, (h, c) = cell.trajectory(x, lengths=torch.tensor([5, 0, 2]))
    assert_close(outputs[0], h[0], "the output is the state")
    assert_close(c[:, -1], cell(x, lengths=torch.tensor([5, 0, 2]))[1][1], "the last state")


def test_an_operand_of_another_shape_is_refused() -> None:
    cell, x = cells.load("lstm_projected")(2, 4), torch.zeros(1, 2, 2)
    cell(x)
    cell.weight_hr = nn.Parameter(torch.zeros(3, 4))
    with pytest.raises(ElmanError, match=r"weight_hr is torch.float32 of \[3, 4\], where \[2, 4\] is right"):
        cell(x)


SHAPES = [(12, 3), (12, 2), (12,), (12,), (2, 3)]  # with a projection, which lies before the biases


@pytest.mark.parametrize("shapes", [SHAPES, SHAPES[:4], SHAPES[:2]])
def test_parameters_in_one_piece_are_the_same_with_the_same_gradients(shapes: list[tuple[int, ...]]) -> None:
    weights = [torch.randn(shape, requires_grad=True) for shape in shapes]
    found = one_piece.joined(weights)
    assert all(torch.equal(a, b) for a, b in zip(found, weights, strict=True))
    assert one_piece.lie_in_order(found)
    matrices = sum(t.numel() for t in found if t.dim() == 2)
    assert found[0].untyped_storage().nbytes() == 4 * (matrices + 24), "with room for biases"
    torch.autograd.backward([t.sum() * (n + 1) for n, t in enumerate(found)])
    for n, t in enumerate(weights):
        assert t.grad is not None
        assert torch.equal(t.grad, torch.full_like(t, n + 1))
    assert not one_piece.lie_in_order(weights)
    assert one_piece.in_one_piece(weights) is weights, "not on the CPU"


def test_the_parameters_of_a_drop_in_are_moved_into_one_piece_for_each_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_piece, "wanted", lambda parameters: True)
    joins, real = list[int](), one_piece.joined
    monkeypatch.setattr(one_piece, "joined", lambda parameters: joins.append(1) or real(parameters))
    for options in ({}, {"bias": False}, {"num_layers": 2, "bidirectional": True, "proj_size": 2}):
        layer = elman.LSTM(3, 5, **options)  # type: ignore[arg-type]
        assert joins, "they are moved when the module is made"
        right = {name: value.clone() for name, value in layer.state_dict().items()}
        own = dict(layer.named_parameters())
        joins.clear()
        x = torch.randn(4, 2, 3)
        outputs, _ = layer(x)
        layer.flatten_parameters()
        assert not joins, "and not again at each call"
        layer.double().float()
        assert joins, "but when they were moved elsewhere"
        assert all(torch.equal(value, right[name]) for name, value in layer.state_dict().items())
        assert all(value is own[name] for name, value in layer.named_parameters())
        assert_close(layer(x)[0], outputs, "outputs")
        layer(x)[0].sum().backward()
        assert all(value.grad is not None for value in layer.parameters())
        joins.clear()


def test_a_function_is_held_with_derivatives_of_any_order() -> None:
    x = torch.tensor(2.0, **DOUBLE, requires_grad=True)
    calls = []

    def fast(given: Any) -> list[Tensor]:
        calls.append("fast")
        return [given[0] ** 3, given[0].detach()]

    def slow(given: Any) -> list[Tensor]:
        calls.append("slow")
        return [given[0] * given[0] * given[0], given[0].detach()]

    y, _ = held(fast, slow, [x, None])
    (gradient,) = torch.autograd.grad(y, x, retain_graph=True)
    assert (gradient.item(), calls) == (12, ["fast"])
    (gradient,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(gradient, x, create_graph=True)
    assert (second.item(), torch.autograd.grad(second, x)[0].item()) == (12, 6)
    assert calls == ["fast", "slow"]
    with torch.no_grad():
        assert held(fast, slow, [x])[0].requires_grad is False
    rows = torch.randn(4, **DOUBLE)
    y, _ = held(lambda t: [t[0] * rows, t[0].detach()], lambda t: [t[0] * rows, t[0].detach()], [x])
    (many,) = torch.autograd.grad(y, x, torch.eye(4, **DOUBLE), is_grads_batched=True)
    assert_close(many, rows, "the gradients for many cotangents at once")


def test_a_tensor_that_another_is_made_of_has_its_own_gradient_alone() -> None:
    """Of ``w`` and ``2 * w`` as two parameters, that by ``w`` is not that by both."""
    w = torch.tensor(3.0, **DOUBLE, requires_grad=True)
    double = 2 * w
    (y,) = held(lambda t: [t[0] * t[1]], lambda t: [t[0] * t[1]], [w, double])
    (gradient,) = torch.autograd.grad(y, w, create_graph=True)
    assert gradient.item() == 12  # d(2 w w) / dw
    assert torch.autograd.grad(gradient, w)[0].item() == 4


def test_nothing_is_said_of_what_is_as_it_should_be() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recurrent("gru", 2, 3, num_layers=2, bidirectional=True)(torch.zeros(2, 4, 2))
