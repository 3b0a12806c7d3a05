"""A recurrence as an operation of PyTorch: compile, export, the transforms of torch.func, threads, processes."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, stack_module_state, vjp, vmap

from elman.cells import Cell, load
from elman.compiler import plan, scan
from elman.compiler.reading import read
from elman.layers import GRU, LSTM, Recurrent
from elman.testing import assert_close

NAMES = ["gru", "lstm", "gru_reset_before", "lstm_layer_norm"]


def flat(state: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else list(state)


@pytest.fixture(params=NAMES)
def layer(request: pytest.FixtureRequest) -> Recurrent:
    return Recurrent(request.param, 3, 4, num_layers=2, bidirectional=True)


def quiet_compile(module: nn.Module, **options: Any) -> Any:
    torch._dynamo.reset()
    return torch.compile(module, fullgraph=True, backend="aot_eager", **options)


def test_compiles_as_one_graph_and_not_again_for_another_length(layer: Recurrent) -> None:
    compiled = quiet_compile(layer, dynamic=True)
    for time in (5, 9, 23):
        x = torch.randn(2, time, 3, requires_grad=True)
        other: Any = x.detach().clone().requires_grad_()
        with torch._dynamo.config.patch(error_on_recompile=time > 5):
            outputs, state = compiled(x)
        expected, expected_state = layer(other)
        assert_close(outputs, expected, "outputs")
        for a, b in zip(flat(state), flat(expected_state), strict=True):
            assert_close(a, b, "state")
        outputs.sum().backward()
        expected.sum().backward()
        assert x.grad is not None
        assert_close(x.grad, other.grad, "the input's gradient")


def test_compiles_with_lengths_and_resets() -> None:
    layer = Recurrent("gru", 3, 4)
    compiled = quiet_compile(layer)
    x, lengths, resets = torch.randn(3, 6, 3), torch.tensor([6, 0, 4]), torch.rand(3, 6) < 0.3
    assert_close(compiled(x, lengths=lengths, resets=resets)[0], layer(x, lengths=lengths, resets=resets)[0], "outputs")


def test_exports_with_any_length_and_any_batch(layer: Recurrent) -> None:
    batch, time = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("time", min=2, max=512)
    with torch.no_grad():
        program = torch.export.export(layer, (torch.randn(3, 7, 3),), dynamic_shapes={"x": {0: batch, 1: time}})
        for shape in ((1, 2), (5, 31)):
            x = torch.randn(*shape, 3)
            assert_close(program.module()(x)[0], layer(x)[0], "outputs")


def test_vmap_over_inputs() -> None:
    layer, x = Recurrent("lstm", 3, 4), torch.randn(5, 2, 6, 3)
    outputs, (h, c) = vmap(layer)(x)
    expected, (eh, ec) = layer(x.flatten(0, 1))
    assert_close(outputs.flatten(0, 1), expected, "outputs")
    assert_close(h.transpose(0, 1).flatten(1, 2), eh, "h")
    assert_close(c.transpose(0, 1).flatten(1, 2), ec, "c")


def test_vmap_over_weights_is_an_ensemble() -> None:
    layers = [GRU(3, 4, batch_first=True) for _ in range(3)]
    parameters, buffers = stack_module_state(layers)
    x = torch.randn(2, 6, 3)
    outputs = vmap(lambda p: functional_call(layers[0], (p, buffers), (x,))[0])(parameters)
    for output, layer in zip(outputs, layers, strict=True):
        assert_close(output, layer(x)[0], "outputs")


@pytest.mark.parametrize("name", NAMES)
def test_gradients_per_sample(name: str) -> None:
    layer, x = Recurrent(name, 3, 4), torch.randn(4, 6, 3)
    parameters = {n: p.detach() for n, p in layer.named_parameters()}

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(layer, parameters, (x[None],))[0].square().sum()

    found = vmap(grad(loss), in_dims=(None, 0))(parameters, x)
    for i in range(4):
        expected = torch.autograd.grad(layer(x[i : i + 1])[0].square().sum(), list(layer.parameters()))
        for (n, g), e in zip(found.items(), expected, strict=True):
            assert_close(g[i], e, n)


@pytest.mark.parametrize("name", NAMES)
def test_forward_derivative_is_that_of_the_loop(name: str) -> None:
    cell = load(name)(3, 4, dtype=torch.float64)
    x, direction = torch.randn(2, 6, 2, 3, dtype=torch.float64)
    run = lambda x: cell(x)[0]  # noqa: E731
    value, change = jvp(run, (x,), (direction,))[:2]
    small = 1e-6
    difference = (run(x + small * direction) - run(x - small * direction)) / (2 * small)
    assert torch.allclose(change, difference, atol=1e-7)
    assert_close(value, run(x), "outputs")
    pull = vjp(run, x)[1]
    cotangent = torch.randn_like(value)
    assert torch.allclose((cotangent * change).sum(), (pull(cotangent)[0] * direction).sum())


@pytest.mark.parametrize("name", NAMES)
def test_second_derivative_is_that_of_the_loop(name: str) -> None:
    cell, x = load(name)(3, 4, dtype=torch.float64), torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)

    def penalty() -> list[Tensor]:
        (g,) = torch.autograd.grad(cell(x)[0].square().sum(), x, create_graph=True)
        return list(torch.autograd.grad(g.square().sum(), [x, *cell.parameters()], allow_unused=True))

    fast = penalty()
    with plan.use("eager"):
        slow = penalty()
    for i, (a, b) in enumerate(zip(fast, slow, strict=True)):
        if b is not None:
            assert_close(a, b, f"second gradient {i}")


@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 0])], ids=["full", "ragged"])
def test_the_operations_are_what_pytorch_asks_of_operations(lengths: Tensor | None) -> None:
    cell = load("lstm")(3, 4)
    traced = read(cell)
    parts = scan.Parts(
        x=torch.randn(2, 4, 3, requires_grad=True),
        weight=cell.weight_ih,
        bias=cell.bias_ih,
        operands=traced.evaluate(cell),
        first=[torch.randn(2, 4, requires_grad=True) for _ in range(2)],
        initial=list(cell.initial_state(2)),
        extras=[],
        lengths=lengths,
        resets=None,
    )
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.library.opcheck(
            torch.ops.elman.scan.default,
            (*parts.lists(), "llvm", traced.program.text, False, True, False),
            test_utils=checks,
        )


def test_copies_compute_the_same(layer: Recurrent) -> None:
    x = torch.randn(2, 6, 3)
    expected = layer(x)[0]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x)[0], expected)
    assert_close(copy.deepcopy(layer).double()(x.double())[0].float(), expected, "outputs in float64")


def test_weights_that_change_in_place_are_seen() -> None:
    layer: Any = LSTM(3, 4)
    x = torch.randn(5, 2, 3)
    before = layer(x)[0]
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    changed = layer(x)[0]
    layer.weight_hh_l0.data.mul_(0.5)  # unseen by autograd's own count of changes
    assert not torch.allclose(before, changed)
    assert torch.equal(layer(x)[0], before)


def test_tied_weights_share_their_gradient() -> None:
    one: Any = GRU(4, 4)
    two: Any = GRU(4, 4)
    two.weight_hh_l0 = one.weight_hh_l0
    x = torch.randn(5, 2, 4)
    two(one(x)[0])[0].sum().backward()
    with plan.use("eager"):
        expected = torch.autograd.grad(two(one(x)[0])[0].sum(), one.weight_hh_l0)[0]
    assert_close(one.weight_hh_l0.grad, expected, "the shared gradient")


def test_many_threads_call_one_layer() -> None:
    layer = GRU(3, 8, num_layers=2)
    inputs = [torch.randn(7, b % 4 + 1, 3) for b in range(24)]
    expected = [layer(x)[0].detach() for x in inputs]
    start = threading.Barrier(6)

    def work(i: int) -> list[Tensor]:
        start.wait()
        return [layer(x)[0].detach() for x in inputs[i::6]]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(work, range(6)))
    for i, outputs in enumerate(found):
        for output, e in zip(outputs, expected[i::6], strict=True):
            assert torch.equal(output, e)


def _child(layer: nn.Module, x: Tensor, queue: Any) -> None:
    torch.set_num_threads(1)
    queue.put(layer(x)[0].detach().numpy())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_runs_it() -> None:
    layer, x = GRU(3, 4), torch.randn(5, 2, 3)
    expected = layer(x)[0].detach()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_child, args=(layer, x, queue))
    process.start()
    found = queue.get(timeout=60)
    process.join(60)
    assert torch.equal(torch.from_numpy(found), expected)


FRESH = """
import pickle, sys
layer, x = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps(layer(x)[0].detach()))
"""


def test_a_fresh_process_runs_it() -> None:
    layer, x = GRU(3, 4), torch.randn(5, 2, 3)
    sent = pickle.dumps((layer, x))
    told = subprocess.run([sys.executable, "-c", FRESH], input=sent, capture_output=True, check=True, timeout=120)
    assert torch.equal(pickle.loads(told.stdout), layer(x)[0].detach())


@pytest.mark.parametrize("name", ["gru", "lstm", "lstm_layer_norm", "indrnn"])
def test_results_do_not_depend_on_threads_or_on_the_rest_of_the_batch(name: str) -> None:
    cell, x = load(name)(5, 33), torch.randn(13, 9, 5)
    lengths = torch.randint(0, 10, (13,))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        leaf = x.clone().requires_grad_()
        outputs, _ = cell(leaf, lengths=lengths)
        found.append([outputs, *torch.autograd.grad(outputs.square().sum(), [leaf, *cell.parameters()])])
    torch.set_num_threads(1)
    for one, other in zip(found[0] * 2, [*found[1], *found[2]], strict=True):
        assert torch.equal(one, other)
    for i in range(13):
        assert torch.equal(cell(x[i : i + 1], lengths=lengths[i : i + 1])[0][0], found[0][0][i])


class Branching(Cell):
    """A step that no tracer reads: it looks at its values."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h)) if float(h.detach().sum()) >= 0 else x
        return h, h


class Sorting(Cell):
    """A step with an operation outside the subset."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + torch.sort(self.recurrent(h)).values)
        return h, h


@pytest.mark.parametrize(
    ("kind", "says"), [(Branching, r"test_scan\.py:[0-9]+: a reduction"), (Sorting, "sort .*test_scan.py:[0-9]+")]
)
def test_what_cannot_be_read_is_named_once_and_runs_in_a_loop(kind: type[Cell], says: str) -> None:
    cell, x = kind(3, 4), torch.randn(2, 5, 3)
    with pytest.warns(UserWarning, match=says):
        outputs, _ = cell(x)
    again, _ = cell(x)  # a second warning would be an error
    assert torch.equal(outputs, again)


@pytest.mark.parametrize("name", ["lstm", "gru_reset_before", "lstm_layer_norm"])
def test_a_team_of_threads_gives_what_one_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.compiler.executors.llvm.run.WORTH_A_MEETING", 1)
    monkeypatch.setattr("elman.compiler.executors.llvm.run.WORTH_A_THREAD", 10**12)
    cell, x, lengths = load(name)(5, 100), torch.randn(2, 9, 5), torch.tensor([9, 4])
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        leaf = x.clone().requires_grad_()
        outputs, _ = cell(leaf, lengths=lengths)
        with torch.no_grad():
            again, _ = cell(x, lengths=lengths)
        found.append([outputs, again, *torch.autograd.grad(outputs.square().sum(), [leaf, *cell.parameters()])])
    torch.set_num_threads(1)
    for one, other in zip(found[0] * 2, [*found[1], *found[2]], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["lstm", "mingru"])
def test_an_input_without_a_gradient_changes_no_other(name: str) -> None:
    layer, x = Recurrent(name, 3, 6, num_layers=2, bidirectional=True), torch.randn(4, 7, 3)
    expected = []
    for wanted in (True, False):
        layer.zero_grad()
        layer(x.clone().requires_grad_(wanted))[0].sin().sum().backward()
        found = [p.grad.clone() for p in layer.parameters() if p.grad is not None]
        if wanted:
            expected = found
    assert len(expected) == len(found) == len(list(layer.parameters()))
    assert all(map(torch.equal, expected, found))


def test_what_fades_away_is_zero_and_not_slow() -> None:
    layer: Any = load("minlstm")(3, 5)
    x = torch.randn(2, 600, 3, requires_grad=True)
    with torch.no_grad():
        layer.bias_ih.fill_(0.0)
    last = layer(x)[1]
    (gradient,) = torch.autograd.grad(last.sum(), x)
    tiny = torch.finfo(torch.float32).tiny
    assert gradient[:, -1].abs().min() > tiny
    assert (gradient[:, 0] == 0).all()  # some 600 halvings before the end
    assert not ((gradient != 0) & (gradient.abs() < tiny)).any()
    assert torch.tensor(tiny) / 2 > 0  # and outside nothing has changed
    with plan.use("eager"):
        (exact,) = torch.autograd.grad(layer(x)[1].sum(), x)
    assert ((exact != 0) & (exact.abs() < tiny)).any()
    assert_close(gradient, exact, "gradient")


@pytest.mark.parametrize("wanted", [["outputs"], ["h"], ["c"], ["outputs", "c"]], ids=str)
def test_a_backward_pass_from_some_of_the_results_is_that_of_the_loop(wanted: list[str]) -> None:
    cell, x, found = load("lstm")(3, 4), torch.randn(2, 5, 3, requires_grad=True), {}
    for executor in ("llvm", "eager"):
        with plan.use(executor):
            outputs, (h, c) = cell(x)
        results = {"outputs": outputs, "h": h, "c": c}
        total = torch.stack([results[name].sum() for name in wanted]).sum()
        found[executor] = torch.autograd.grad(total, [x, *cell.parameters()])
    for ours, loop in zip(found["llvm"], found["eager"], strict=True):
        assert_close(ours, loop, "a gradient")


def test_a_backward_pass_makes_nothing_as_large_as_the_tape() -> None:
    cell, x = load("lstm")(8, 64), torch.randn(4, 50, 8, requires_grad=True)
    tape = 4 * 50 * 5 * 64  # four gates and a state, for each row and step
    outputs, _ = cell(x)
    outputs.sum().backward(retain_graph=True)  # with buffers that are kept for the next one
    with torch.profiler.profile(profile_memory=True) as profile:
        outputs.sum().backward()
    largest = max(event.cpu_memory_usage for event in profile.events() or [])
    assert 0 < largest < tape * 4


@pytest.mark.parametrize("kept", [1 << 30, 1 << 12], ids=["kept", "not kept"])
def test_other_lengths_of_the_same_batch_are_not_confused(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.compiler.executors.llvm.run.KEPT_BYTES", kept)
    cell, x = load("gru")(3, 8), torch.randn(5, 9, 3, requires_grad=True)
    for lengths in ([1, 0, 2, 1, 0], [9, 9, 9, 9, 9], [9, 3, 0, 7, 5], [2, 9, 9, 1, 9], [1, 0, 2, 1, 0]):
        found = []
        for executor in ("llvm", "eager"):
            with plan.use(executor):
                outputs, _ = cell(x, lengths=torch.tensor(lengths))
            found.append([outputs, *torch.autograd.grad(outputs.sum(), [x, *cell.parameters()])])
        for ours, loop in zip(*found, strict=True):
            assert_close(ours, loop, str(lengths))
