"""A loop that is recorded on a device and done again: never what was recorded for another kind of call."""

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pretended
import pytest
import torch
from torch import Tensor, nn

from elman import Cell, Recurrent, cells
from elman.compiler import plan
from elman.compiler.executors import graph
from elman.errors import ElmanError, ElmanWarning
from elman.remedies import VariationalDropout, Zoneout
from elman.testing import assert_close

DOUBLE: dict[str, Any] = {"dtype": torch.float64}


@pytest.fixture(autouse=True)
def recorded() -> Iterator[None]:
    pretended.Graphs.recorded = 0
    with pretended.device(), plan.use("graph"):
        yield


def right(cell: nn.Module, *args: Any, **options: Any) -> Tensor:
    with plan.use("eager"):
        return cell(*args, **options)[0]


def graphs() -> int:
    """How many graphs were recorded, a backward pass being one of its own, since this was asked."""
    found, pretended.Graphs.recorded = pretended.Graphs.recorded, 0
    return found


def twice(cell: Cell, x: Tensor) -> None:
    for _ in range(2):
        cell(x)


def test_it_is_recorded_at_the_second_call_of_a_kind_and_then_done_again() -> None:
    cell = cells.load("gru")(3, 4)
    found, x = [], torch.randn(2, 5, 3)
    for _ in range(4):
        x = torch.randn_like(x)
        outputs, _ = cell(x)
        assert_close(outputs, right(cell, x), "outputs")
        outputs.sum().backward()
        found.append(graphs())
    assert found == [0, 2, 0, 0]
    with torch.no_grad():
        for _ in range(3):
            cell(x)
            found.append(graphs())
    assert found[4:] == [0, 1, 0], "without a gradient it is another, and has no backward pass"


def test_another_shape_dtype_or_mode_is_another_graph() -> None:
    cell, x = cells.load("lstm")(3, 4), torch.randn(2, 5, 3)
    lengths, resets = torch.tensor([5, 2]), torch.rand(2, 5) < 0.5
    ways: list[tuple[Tensor, dict[str, Any]]] = [
        (x, {}), (x[:1], {}), (x[:, :4], {}), (x.clone().requires_grad_(), {}),
        (x, {"reverse": True}), (x, {"lengths": lengths}), (x, {"resets": resets}),
    ]  # fmt: skip
    for _ in range(3):
        for given, options in ways:
            assert_close(cell(given, **options)[0], right(cell, given, **options), "outputs")
    assert graphs() == 2 * len(ways)
    cell.double()
    for _ in range(2):
        assert_close(cell(x.double())[0], right(cell, x.double()), "in other numbers")
    assert graphs() == 2


def test_lengths_and_resets_are_those_of_each_call() -> None:
    cell = cells.load("gru")(3, 4, **DOUBLE)
    for _ in range(4):
        x, lengths, resets = torch.randn(3, 6, 3, **DOUBLE), torch.randint(0, 7, (3,)), torch.rand(3, 6) < 0.4
        outputs, _ = cell(x, lengths=lengths, resets=resets)
        assert_close(outputs, right(cell, x, lengths=lengths, resets=resets), "outputs")


def test_parameters_that_are_replaced_or_changed_are_read_anew() -> None:
    cell, x = cells.load("gru")(3, 4, **DOUBLE), torch.randn(2, 5, 3, **DOUBLE)
    optimiser = torch.optim.SGD(cell.parameters(), 0.1)
    for step in range(5):
        optimiser.zero_grad()
        outputs, _ = cell(x)
        assert_close(outputs, right(cell, x), f"outputs in step {step}")
        outputs.sin().sum().backward()
        gradients = torch.autograd.grad(right(cell, x).sin().sum(), list(cell.parameters()))
        for own, other in zip(cell.parameters(), gradients, strict=True):
            assert own.grad is not None
            assert_close(own.grad, other, f"a gradient in step {step}")
        optimiser.step()
        if step == 2:
            cell.weight_hh = nn.Parameter(torch.randn(12, 4, **DOUBLE))
            optimiser = torch.optim.SGD(cell.parameters(), 0.1)
    assert graphs() == 2


def test_a_parameter_that_is_frozen_has_no_gradient() -> None:
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    cell.bias_ih.requires_grad_(False)
    for _ in range(3):
        cell(x)[0].sum().backward()
    assert cell.bias_ih.grad is None
    assert cell.weight_ih.grad is not None


def test_gradients_add_up_over_calls() -> None:
    cell, x = cells.load("gru")(3, 4, **DOUBLE), torch.randn(2, 5, 3, **DOUBLE)
    for _ in range(4):
        cell(x)[0].sum().backward()
    (once,) = torch.autograd.grad(right(cell, x).sum(), cell.weight_hh)
    assert cell.weight_hh.grad is not None
    assert_close(cell.weight_hh.grad, 4 * once, "the sum of four gradients")


def test_what_a_backward_pass_needs_is_not_overwritten_by_a_later_call() -> None:
    cell = cells.load("lstm")(3, 4, **DOUBLE)
    inputs = [torch.randn(2, 5, 3, **DOUBLE) for _ in range(4)]
    for _ in range(2):
        losses = [cell(x)[0].sin().sum() for x in inputs]
        for loss, x in zip(losses, inputs, strict=True):
            (own,) = torch.autograd.grad(loss, cell.weight_hh)
            (other,) = torch.autograd.grad(right(cell, x).sin().sum(), cell.weight_hh)
            assert_close(own, other, "the gradient of the first of several calls")
    assert graphs() == 2 * 4, "one for each call that waits, the first time but for the first of all"


def test_outputs_are_the_callers_own() -> None:
    cell, first = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    with torch.no_grad():
        twice(cell, first)
        outputs, final = cell(first)
        kept = outputs.clone(), final.clone()
        cell(torch.randn(2, 5, 3))
    assert torch.equal(outputs, kept[0])
    assert torch.equal(final, kept[1])


def test_a_call_whose_backward_pass_never_comes_gives_its_graph_back() -> None:
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    cell(x)
    for _ in range(20):
        cell(x)
    gc.collect()
    assert graphs() <= 4
    held = [cell(x)[0] for _ in range(2 * graph.KEPT)]
    assert graphs() <= 2 * graph.KEPT, "more than that wait in vain, and a loop runs"
    for outputs in held:
        assert_close(outputs, right(cell, x), "outputs")


def test_a_backward_pass_may_be_done_again_only_where_its_graph_is_kept() -> None:
    cell, x = cells.load("gru")(2, 3), torch.randn(2, 4, 2, requires_grad=True)
    cell(x)
    loss = cell(x)[0].sin().sum()
    first, second = (torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
    torch.autograd.grad(loss, x)
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(loss, x)


def test_a_derivative_of_a_derivative_is_the_loops() -> None:
    cell, x = cells.load("gru")(2, 3, **DOUBLE), torch.randn(2, 4, 2, **DOUBLE, requires_grad=True)

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(cell(x)[0].sin().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), cell.weight_hh)[0]

    with plan.use("eager"):
        expected = penalty()
    for _ in range(3):
        assert_close(penalty(), expected, "a second derivative")


class Noisy(Cell):
    """A cell that draws random numbers in each step."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h))
        return (h := torch.dropout(h, 0.5, self.training)), h


def test_random_numbers_are_drawn_anew_at_each_call_as_a_loop_draws_them() -> None:
    cell, x = Noisy(3, 4, **DOUBLE), torch.randn(2, 5, 3, **DOUBLE)
    for _ in range(3):
        torch.manual_seed(5)
        found = [cell(x)[0] for _ in range(2)]
        torch.manual_seed(5)
        for own in found:
            assert_close(own, right(cell, x), "outputs of the same random numbers")
        assert not torch.equal(*found)
    assert graphs()
    outputs, _ = cell(x)
    (gradient,) = torch.autograd.grad(outputs.sum(), cell.weight_hh, retain_graph=True)
    assert gradient.any()
    with pytest.raises(ElmanError, match="has no derivative of a derivative"):
        torch.autograd.grad(outputs.sum(), cell.weight_hh, create_graph=True)
    cell.eval()
    for _ in range(3):
        assert_close(cell(x)[0], right(cell, x), "in evaluation nothing is drawn")


def test_remedies_act_as_in_the_loop() -> None:
    layer = Recurrent("gru", 3, 4, remedies=[VariationalDropout(states=0.4), Zoneout(0.3)], **DOUBLE)
    x = torch.randn(2, 5, 3, **DOUBLE)
    for _ in range(3):
        found = []
        for name in ("graph", "eager"):
            with plan.use(name):
                torch.manual_seed(1)
                found.append(layer(x)[0])
        assert_close(found[0], found[1], "outputs under dropout")
    layer.eval()
    for _ in range(3):
        assert_close(layer(x)[0], right(layer, x), "in evaluation")


class Asking(Cell):
    """A cell that looks at a number."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h)) if x.sum() > 0 else torch.tanh(x)
        return h, h


class Counting(Cell):
    """A cell that counts its steps."""

    gates = ("h",)

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.steps = nn.Buffer(torch.zeros(()))

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        self.steps.add_(1)
        h = torch.tanh(x + self.recurrent(h))
        return h, h


ELSEWHERE = torch.randn(4)


class Reaching(Cell):
    """A cell that reads a tensor that is not its own."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h) + ELSEWHERE)
        return h, h


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (Asking, "the value of a tensor is asked for"),
        (Counting, "it changes a tensor"),
        (Reaching, "it reads a tensor that is neither given to it nor held by its module"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_runs_in_a_loop(cell: type[Cell], why: str) -> None:
    made, x = cell(3, 4), torch.randn(2, 5, 3)
    made(x)
    with pytest.warns(ElmanWarning, match=f"{why}.*runs in a loop"):
        outputs, _ = made(x)
    assert not graphs()
    assert_close(outputs, right(made, x), "outputs")
    assert why in plan.explained(made, (True, ()), x)[1]


def test_what_fails_to_be_recorded_is_said_and_runs_in_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(pretended.Graphs):
        def record(self, work: Any) -> Any:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setitem(graph.RECORDERS, "cpu", Failing)
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    with pytest.warns(ElmanWarning, match=r"operation not permitted when stream is capturing\. It runs in a loop"):
        found = [cell(x)[0] for _ in range(3)]
    for outputs in found:
        assert_close(outputs, right(cell, x), "outputs")


def test_a_call_that_is_wrong_does_not_end_it() -> None:
    cell, x = cells.load("lstm_layer_norm")(3, 4), torch.randn(2, 5, 3)
    cell(x)
    right_gain = cell.gain_c
    cell.gain_c = nn.Parameter(torch.ones(5))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="to be of same shape"):
            cell(x)
    cell.gain_c = right_gain
    assert_close(cell(x)[0], right(cell, x), "outputs")
    assert graphs()


def test_calls_of_too_many_kinds_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MADE", 3)
    monkeypatch.setattr(graph, "KEPT", 2)
    cell = cells.load("gru")(3, 4)
    with torch.no_grad():
        for time in range(1, 4):
            x = torch.randn(2, time, 3)
            cell(x)
            assert_close(cell(x)[0], right(cell, x), "outputs")
        assert len(graph._known(cell).graphs) == 2
        x = torch.randn(2, 4, 3)
        cell(x)
        with pytest.warns(ElmanWarning, match="its inputs were of more than 3 shapes"):
            twice(cell, x)
        assert_close(cell(x)[0], right(cell, x), "outputs")
    assert graphs() == 3


def test_graphs_end_with_their_cell_or_when_they_are_forgotten() -> None:
    x = torch.randn(2, 5, 3)
    cell: Any = cells.load("gru")(3, 4)
    twice(cell, x)
    gc.collect()
    assert len(graph._cells) == 1
    del cell
    gc.collect()
    assert not graph._cells
    cell = cells.load("gru")(3, 4)
    twice(cell, x)
    graph.forget()
    assert not graph._cells


def test_threads_do_not_share_a_graph() -> None:
    cell = cells.load("gru")(3, 4)
    inputs = [torch.randn(2, 5, 3) for _ in range(4)]
    found: dict[int, list[Tensor]] = {n: [] for n in range(4)}

    def run(n: int) -> None:
        with plan.use("graph"), torch.no_grad():
            found[n] += [cell(inputs[n])[0] for _ in range(10)]

    with torch.no_grad():
        cell(inputs[0])
    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, own in found.items():
        for outputs in own:
            assert_close(outputs, right(cell, inputs[n]).detach(), "outputs")


def test_a_setting_of_the_module_is_part_of_the_kind() -> None:
    cell, x = Noisy(3, 4, **DOUBLE).eval(), torch.randn(2, 5, 3, **DOUBLE)
    twice(cell, x)
    cell.train()
    assert not torch.equal(cell(x)[0], right(cell.eval(), x))


def test_autocast_is_part_of_the_kind() -> None:
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    for _ in range(3):
        with torch.autocast("cpu", torch.bfloat16):
            outputs, _ = cell(x)
            assert_close(outputs, right(cell, x), "outputs under autocast")
        assert_close(cell(x)[0], right(cell, x), "outputs")


def test_inference_mode_is_part_of_the_kind() -> None:
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 5, 3)
    for _ in range(3):
        with torch.inference_mode():
            outputs, _ = cell(x)
        assert outputs.is_inference()
        cell(x)[0].sum().backward()
    assert cell.weight_hh.grad is not None


def test_the_states_of_every_step_are_there() -> None:
    cell, x = cells.load("lstm_peephole")(3, 4, **DOUBLE), torch.randn(2, 5, 3, **DOUBLE)
    with plan.use("eager"):
        expected = cell.trajectory(x, lengths=torch.tensor([5, 2]))
    for _ in range(3):
        outputs, states = cell.trajectory(x, lengths=torch.tensor([5, 2]))
        assert_close(outputs, expected[0], "outputs")
        for own, other in zip(states, expected[1], strict=True):
            assert_close(own, other, "states of every step")
