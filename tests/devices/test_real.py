"""What runs on a device that is there: each law again, in its own numbers. Without one, nothing here is run."""

import gc
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman import Recurrent, adopt, cells, explain
from elman.cells import Cell
from elman.compiler import plan
from elman.compiler.executors import graph
from elman.errors import ElmanWarning
from elman.remedies import VariationalDropout, Zoneout

KINDS = {
    "cuda": torch.cuda.is_available(),
    "xpu": torch.xpu.is_available(),
    "mps": torch.backends.mps.is_available(),
}
DEVICE = next((kind for kind, there in KINDS.items() if there), "cpu")
CLOSE: dict[str, Any] = {"rtol": 1e-3, "atol": 2e-4}  # of float32, in another order of operations than the loop's
OTHERS = ["lem", "lstm_peephole", "lstm_layer_norm", "mgu", "mingru"]
THREE = ["lstm", "lstm_projected", "gru", "elman"]

pytestmark = [
    pytest.mark.skipif(DEVICE == "cpu", reason="there is no device but the CPU"),
    pytest.mark.filterwarnings("ignore:The CUDA Graph is empty"),
]
cuda = pytest.mark.skipif(DEVICE != "cuda", reason="there are no CUDA graphs")


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Numbers are not rounded to shorter ones within products, as cuDNN does, and the loop does not."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def made(name: str, **options: Any) -> Cell:
    torch.manual_seed(0)
    return cells.load(name)(6, 16, device=DEVICE, **options)


def inputs(cell: Any, batch: int = 5, time: int = 9) -> tuple[Tensor, list[Tensor]]:
    x = torch.randn(batch, time, cell.input_size, device=DEVICE, requires_grad=True)
    return x, [torch.randn(batch, size, device=DEVICE, requires_grad=True) for size in cell.state_sizes]


def all_of(cell: Any, x: Tensor, state: list[Tensor], **run: Any) -> dict[str, Tensor]:
    """Outputs, last states, and the gradients of all."""
    outputs, final = cell(x, tuple(state) if len(state) > 1 else state[0], **run)
    final = (final,) if isinstance(final, Tensor) else final
    leaves = {"x": x, **dict(cell.named_parameters()), **{f"state {n}": t for n, t in enumerate(state)}}
    loss = outputs.sin().sum() + sum((n + 2) * part.cos().sum() for n, part in enumerate(final))
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    found = {f"the gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    return {"outputs": outputs, **{f"state {n}": part for n, part in enumerate(final)}, **found}


def assert_as_in_the_loop(cell: Any, by: str, calls: int = 3, **run: Any) -> None:
    x, state = inputs(cell)
    assert plan.explained(cell, (cell.training, ()), x)[0].name == by
    with plan.use("eager"):
        right = all_of(cell, x, state, **run)
    for call in range(calls):
        for what, value in all_of(cell, x, state, **run).items():
            torch.testing.assert_close(value, right[what], **CLOSE, msg=partial("{}, {}: {}".format, what, call))


RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "reverse": lambda: {"reverse": True},
    "lengths": lambda: {"lengths": torch.tensor([9, 0, 1, 4, 9])},
    "lengths there": lambda: {"lengths": torch.tensor([9, 0, 1, 4, 9], device=DEVICE), "reverse": True},
    "no steps": lambda: {"lengths": torch.zeros(5, dtype=torch.int64)},
    "resets": lambda: {"resets": torch.rand(5, 9, device=DEVICE) < 0.3},
    "both": lambda: {
        "resets": torch.rand(5, 9, device=DEVICE) < 0.3,
        "lengths": torch.tensor([9, 0, 1, 4, 9]),
        "reverse": True,
    },
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", THREE)
def test_the_three_run_by_the_operation_of_torch(name: str, bias: bool, run: str) -> None:
    by = "inductor" if DEVICE == "mps" and name == "lstm_projected" else "fused"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as that of weights that are not in one piece
        assert_as_in_the_loop(made(name, bias=bias), by, calls=1, **RUNS[run]())


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", OTHERS)
def test_others_run_as_a_graph_or_as_compiled_steps(name: str, run: str) -> None:
    assert_as_in_the_loop(made(name), "graph" if DEVICE == "cuda" else "inductor", **RUNS[run]())


def test_an_adopted_cell_of_torch_runs_by_the_operation() -> None:
    assert_as_in_the_loop(adopt(nn.GRUCell(6, 16, device=DEVICE)), "fused")


@pytest.mark.parametrize("name", ["lstm", "lem"])
def test_a_second_derivative_is_that_of_the_loop(name: str) -> None:
    cell = made(name)
    x, _ = inputs(cell)

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(cell(x)[0].sin().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), cell.weight_hh)[0]

    with plan.use("eager"):
        right = penalty()
    for _ in range(3):
        torch.testing.assert_close(penalty(), right, **CLOSE)


@pytest.mark.parametrize("name", ["lstm", "lem"])
def test_in_evaluation_there_are_gradients_too(name: str) -> None:
    cell = made(name).eval()
    x, _ = inputs(cell)
    for _ in range(3):
        cell(x)[0].sum().backward()
    assert cell.weight_hh.grad is not None


@pytest.mark.parametrize("name", ["gru", "lem"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast_the_loss_is_about_that_of_float32(name: str, dtype: torch.dtype) -> None:
    cell = made(name)
    x, _ = inputs(cell)
    exact = cell(x)[0]
    for _ in range(3):
        with torch.autocast(DEVICE, dtype):
            outputs, _ = cell(x, lengths=torch.tensor([9, 9, 9, 9, 3]))
        assert (outputs[:4] - exact[:4]).abs().max() < 0.05
        outputs.float().sum().backward()
    assert cell.weight_hh.grad is not None
    assert cell.weight_hh.grad.dtype == torch.float32


@pytest.mark.parametrize("make", [elman.LSTM, elman.GRU, elman.RNN])
def test_a_drop_in_gives_what_its_twin_gives_and_learns_as_it(make: Any) -> None:
    torch.manual_seed(0)
    layer = make(6, 16, 2, bidirectional=True).to(DEVICE)
    twin = getattr(nn, make.__name__)(6, 16, 2, bidirectional=True).to(DEVICE)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(9, 5, 6, device=DEVICE)
    optimisers = [torch.optim.Adam(module.parameters(), 0.01) for module in (layer, twin)]
    for _ in range(5):
        losses = []
        for module, optimiser in zip((layer, twin), optimisers, strict=True):
            optimiser.zero_grad()
            loss = module(x)[0].square().mean()
            loss.backward()
            optimiser.step()
            losses.append(loss)
        torch.testing.assert_close(*losses, **CLOSE)
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([9, 1, 4, 9, 2]), enforce_sorted=False)
    torch.testing.assert_close(layer(packed)[0].data, twin(packed)[0].data, rtol=1e-2, atol=1e-2)


@cuda
def test_a_graph_is_recorded_once_and_sees_what_the_optimiser_changes() -> None:
    layer = Recurrent("lem", 6, 16, device=DEVICE)
    cell: Any = layer.cells[0]
    x = torch.randn(5, 9, 6, device=DEVICE)
    optimiser = torch.optim.SGD(layer.parameters(), 0.1)
    for _ in range(6):
        optimiser.zero_grad()
        outputs, _ = layer(x)
        with plan.use("eager"):
            torch.testing.assert_close(outputs, layer(x)[0], **CLOSE)
        outputs.square().mean().backward()
        optimiser.step()
    assert graph._known(cell).made == 1
    assert not graph._known(cell).why


@cuda
def test_calls_that_wait_for_their_backward_pass_have_graphs_of_their_own() -> None:
    cell = made("lem")
    several = [inputs(cell)[0] for _ in range(3)]
    for _ in range(3):
        losses = [cell(x)[0].sin().sum() for x in several]
        for loss, x in zip(losses, several, strict=True):
            (own,) = torch.autograd.grad(loss, cell.weight_hh)
            with plan.use("eager"):
                (right,) = torch.autograd.grad(cell(x)[0].sin().sum(), cell.weight_hh)
            torch.testing.assert_close(own, right, **CLOSE)


@cuda
def test_random_numbers_are_drawn_anew_by_a_graph() -> None:
    class Noisy(Cell):
        gates = ("h",)

        def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            h = torch.dropout(torch.tanh(x + self.recurrent(h)), 0.5, self.training)
            return h, h

    cell = Noisy(6, 16, device=DEVICE)
    x, _ = inputs(cell)
    found = [cell(x)[0].detach() for _ in range(4)]
    assert graph._known(cell).made == 1
    assert not torch.equal(found[2], found[3])


@cuda
def test_remedies_act_in_a_graph() -> None:
    layer = Recurrent("lem", 6, 16, remedies=[VariationalDropout(states=0.4), Zoneout(0.3)], device=DEVICE)
    x = torch.randn(5, 9, 6, device=DEVICE)
    for _ in range(3):
        found = []
        for name in ("graph", "eager"):
            with plan.use(name):
                torch.manual_seed(1)
                found.append(layer(x)[0])
        torch.testing.assert_close(found[0], found[1], **CLOSE)


@cuda
def test_a_step_that_looks_at_a_number_runs_in_a_loop() -> None:
    class Asking(Cell):
        gates = ("h",)

        def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            h = torch.tanh(x + self.recurrent(h)) if x.sum() > 0 else torch.tanh(x)
            return h, h

    cell = Asking(6, 16, device=DEVICE)
    x, _ = inputs(cell)
    cell(x)
    with pytest.warns(ElmanWarning, match="It runs in a loop"):
        cell(x)


@cuda
def test_the_memory_of_graphs_is_given_back() -> None:
    cell = made("lem")
    x, _ = inputs(cell)
    for _ in range(3):
        cell(x)
    del cell
    gc.collect()
    torch.cuda.empty_cache()
    assert not graph._cells


def test_explain_says_what_runs() -> None:
    told = str(explain(Recurrent("lstm", 6, 16, device=DEVICE), batch=5, time=9))
    why = f"its step is that of torch.nn.LSTM, for which PyTorch has an operation on {DEVICE}"
    assert f"executor: fused, since {why}" in told
