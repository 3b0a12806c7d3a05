"""``adopt``: a module that was written for a loop of its own runs by kernels, and gives what its loop gives."""

import copy
import pickle
import re
import warnings
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations
from torch.utils._pytree import tree_map

from elman import ElmanError, Recurrent, adopt, explain
from elman.cells.adopt import Adopted
from elman.compiler import plan
from elman.errors import ElmanWarning
from elman.learning import RTRL, Checkpointed, FullBPTT, SnAp1, Truncated
from elman.remedies import Chrono, ForgetBias, LayerNorm, LearntState, WeightDrop, Zoneout
from elman.runtime import Stepper
from elman.testing import Check, assert_close, assert_equal, cell_checks
from tests.cells import adopted
from tests.cells.adopted import PUBLISHED, Published, Rows

SIZES = 3, 6
every_one = pytest.mark.parametrize("name", PUBLISHED)
some = pytest.mark.parametrize("name", ["gru_reset_before", "layer_norm_lstm", "blocks", "leaky_pair"])
LAWFUL = ["peephole_lstm", "gru_reset_before", "cornn", "leaky_pair"]
Doubles = dict[str, Tensor]


def made(name: str, dtype: torch.dtype = torch.float64) -> tuple[Published, nn.Module, Adopted]:
    published = PUBLISHED[name]
    cell = published.make(*SIZES).to(dtype)
    options = tree_map(lambda each: each.to(dtype) if isinstance(each, Tensor) else each, published.options(SIZES[1]))
    return published, cell, adopt(cell, **options)


def inputs(published: Published, batch: int = 4, time: int = 5) -> tuple[Tensor, Rows]:
    x = torch.randn(batch, time, SIZES[0], dtype=torch.float64, requires_grad=True)
    sizes = published.sizes(SIZES[1])
    return x, tuple((0.5 * torch.randn(batch, size, dtype=torch.float64)).requires_grad_() for size in sizes)


def runs_by(cell: Adopted) -> str:
    like = next(cell.parameters())
    return plan.explained(cell, plan.mode_of(cell, {}), like.new_zeros(1, 1, cell.input_size))[0].name


def several(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def all_of(leaves: Doubles, outputs: Tensor, last: tuple[Tensor, ...]) -> Doubles:
    weights = [torch.linspace(-1, 1, r.numel(), dtype=r.dtype).reshape(r.shape) for r in (outputs, *last)]
    loss = sum((r * w).sum() for r, w in zip((outputs, *last), weights, strict=True))
    assert isinstance(loss, Tensor)
    gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    found = {f"the gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    return {"outputs": outputs, **{f"state {n}": part for n, part in enumerate(last)}, **found}


def assert_all_close(found: Doubles, expected: Doubles) -> None:
    for name, value in expected.items():
        assert_close(found[name], value, name)


def leaves_of(cell: nn.Module, x: Tensor, rows: Rows) -> Doubles:
    return {"x": x, **{f"state {n}": row for n, row in enumerate(rows)}, **dict(cell.named_parameters())}


@every_one
def test_it_is_read_and_gives_what_its_own_loop_gives(name: str) -> None:
    published, cell, recurrence = made(name)
    assert runs_by(recurrence) == "llvm"
    x, rows = inputs(published)
    leaves = leaves_of(cell, x, rows)
    expected = all_of(leaves, *published.loop(cell, x, rows))
    outputs, last = recurrence(x, rows)
    assert_all_close(all_of(leaves, outputs, several(last)), expected)
    with torch.no_grad():
        assert_close(recurrence(x, rows)[0], expected["outputs"], "outputs without gradients")


@every_one
def test_it_has_the_parameters_of_the_module_under_their_names(name: str) -> None:
    published, cell, recurrence = made(name)
    layer = Recurrent(recurrence)
    assert layer.cells[0] is recurrence
    assert list(recurrence.state_dict()) == list(cell.state_dict())
    assert all(a is b for a, b in zip(recurrence.parameters(), cell.parameters(), strict=True))
    assert all(a is b for a, b in zip(recurrence.buffers(), cell.buffers(), strict=True))
    other = published.make(*SIZES).double()
    recurrence.load_state_dict(other.state_dict())
    x, rows = inputs(published)
    assert_close(layer(x, tuple(row[None] for row in rows))[0], published.loop(other, x, rows)[0], "outputs")


@some
def test_copies_pickles_and_other_dtypes_run_as_it_does(name: str) -> None:
    published, cell, recurrence = made(name)
    x, rows = inputs(published)
    expected, _ = published.loop(cell, x, rows)
    copied = copy.deepcopy(recurrence)
    assert not {id(p) for p in copied.parameters()} & {id(p) for p in cell.parameters()}
    for other in (copied, pickle.loads(pickle.dumps(recurrence))):
        assert_close(other(x, rows)[0], expected, "outputs")
        assert runs_by(other) == "llvm"
        with torch.no_grad():
            parameter = next(other.parameters())
            parameter.add_(torch.rand_like(parameter))
        assert not torch.allclose(other(x, rows)[0], expected)
    assert_close(recurrence(x, rows)[0], expected, "outputs")
    narrow = recurrence.float()(x.float(), tuple(row.float() for row in rows))[0]
    assert_close(narrow, expected, "outputs", expected.float())
    assert next(cell.parameters()).dtype == torch.float32
    assert_close(recurrence.double()(x, rows)[0], expected, "outputs", expected.float())


@some
def test_lengths_resets_and_reverse_are_those_of_rows_run_alone(name: str) -> None:
    published, cell, recurrence = made(name)
    x, rows = inputs(published)
    lengths, resets = torch.tensor([5, 0, 3, 1]), torch.zeros(4, 5, dtype=torch.bool)
    resets[2, 1] = resets[0, 3] = True
    outputs, last = recurrence(x, rows, lengths=lengths, resets=resets)
    for b, length in enumerate(lengths.tolist()):
        state = tuple(row[b : b + 1] for row in rows)
        for t in range(length):
            state = tuple(torch.zeros_like(row) for row in state) if resets[b, t] else state
            output, state = published.loop(cell, x[b : b + 1, t : t + 1], state)
            assert_close(outputs[b, t], output[0, 0], f"row {b} at {t}")
        assert not outputs[b, length:].any()
        for part, right in zip(several(last), state, strict=True):
            assert_close(part[b], right[0], f"the last state of row {b}")
    backwards = recurrence(x, rows, reverse=True)[0]
    assert_close(backwards.flip(1), published.loop(cell, x.flip(1), rows)[0], "in reverse")


def test_they_stack_in_both_directions() -> None:
    cells = [adopt(adopted.MGU(size, 6)) for size in (3, 3, 12, 12)]
    layer = Recurrent(cells, bidirectional=True)
    outputs, h = layer(torch.randn(2, 5, 3), lengths=torch.tensor([5, 2]))
    assert (layer.num_layers, outputs.shape, h.shape) == (2, (2, 5, 12), (4, 2, 6))
    x = torch.randn(2, 5, 3)
    one, other = adopt(adopted.ATR(3, 6)), adopt(adopted.STAR(6, 6))
    assert_close(Recurrent([one, other])(x)[0], other(one(x)[0])[0], "outputs of two layers")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "there are 0 recurrences"),
        ([nn.GRUCell(3, 6)], "a stack is made of recurrences, such as adopt(cell), not of"),
        ([adopt(nn.GRUCell(3, 6)), adopt(nn.GRUCell(3, 6))], "recurrence 2 of the stack takes 3 features"),
        ([adopt(nn.GRUCell(3, 6)), adopt(nn.LSTMCell(6, 6))], "has states of [6, 6], where 6 and [6] fit"),
        ([adopt(nn.GRUCell(6, 6))] * 2, "stands twice in a stack"),
    ],
)
def test_what_does_not_stack_is_refused(given: list[Any], says: str) -> None:
    with pytest.raises(ElmanError, match=re.escape(says)):
        Recurrent(given)


class Dropped(nn.Module):
    """Dropout in the step: a loop in training, kernels in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.drop = nn.GRUCell(3, 6), nn.Dropout(0.5)
        self.input_size, self.hidden_size = 3, 6

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return self.drop(self.cell(x, h))


def test_dropout_in_a_step_is_drawn_in_training_and_absent_in_evaluation() -> None:
    recurrence = adopt(Dropped())
    layer, x = Recurrent(recurrence), torch.randn(2, 5, 3)
    with pytest.warns(ElmanWarning, match=r"dropout draws random numbers.*test_adopt\.py:\d+\. It runs in a loop"):
        first = layer(x)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = layer(x)[0]
    assert not torch.equal(first, second)
    layer.eval()
    assert runs_by(recurrence) == "llvm"
    assert not recurrence.inner.cell.training  # pyright: ignore[reportAttributeAccessIssue]
    state = torch.zeros(2, 6)
    for t in range(5):
        state = recurrence.inner.cell(x[:, t], state)  # pyright: ignore[reportCallIssue]
    assert_close(layer(x)[0][:, -1], state, "the last output")


class Odd(nn.Module):
    """A module whose call is given."""

    def __init__(self, call: Any) -> None:
        super().__init__()
        self.call, self.linear = call, nn.Linear(3, 6)
        self.input_size, self.hidden_size = 3, 6

    def forward(self, x: Tensor, h: Any = None) -> Any:
        return self.call(self, x, h)


def begins_with_ones(cell: Odd, x: Tensor, h: Tensor | None) -> Tensor:
    return torch.tanh(cell.linear(x) + (torch.ones(len(x), 6) if h is None else h))


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (nn.GRUCell, {}, "adopt takes a module, such as torch.nn.LSTMCell(8, 16), not"),
        (3, {}, "adopt takes a module"),
        (adopt(nn.GRUCell(3, 6)), {}, "Adopted is one of ours already"),
        (nn.Linear(3, 6), {}, "Linear cannot be called as cell(x, state) with x of [batch, 3]; say how it is"),
        (Odd(lambda cell, x, h: 1 / 0), {}, "Its own words: ZeroDivisionError: division by zero"),
        (Odd(lambda cell, x, h: "h"), {}, "Its own words: it gives a str for a state of [[3, 6]]"),
        (nn.GRUCell(3, 6), {"input_size": 4}, "with x of [batch, 4]"),
        (nn.GRUCell(3, 6), {"state": torch.zeros(2, 6)}, "state is one for a batch of one"),
        (nn.GRUCell(3, 6), {"state": 6}, "state is one for a batch of one"),
        (Odd(begins_with_ones), {}, "Odd begins with a state of its own, which is not zeros"),
    ],
    ids=str,
)
def test_what_cannot_be_adopted_is_refused_with_what_would_be_right(given: Any, options: Any, says: str) -> None:
    with pytest.raises(ElmanError, match=re.escape(says)):
        adopt(given, **options)


def test_a_state_of_its_own_is_given_to_the_runs() -> None:
    cell = Odd(begins_with_ones)
    layer, x = Recurrent(adopt(cell, state=torch.ones(1, 6))), torch.randn(2, 1, 3)
    assert_close(layer(x, torch.ones(1, 2, 6))[0][:, 0], cell(x[:, 0]), "the first output")


UNREADABLE = {
    "asks for a value": lambda cell, x, h: torch.tanh(cell.linear(x) + h) * (2 if float(h.detach().sum()) > 0 else 1),
    "sorts": lambda cell, x, h: torch.tanh(cell.linear(x) + h).sort(-1).values,
    "a product of two that change": lambda cell, x, h: torch.tanh(cell.linear(x) + (h[:, :, None] @ h[:, None])[:, 0]),
}


@pytest.mark.parametrize("why", UNREADABLE)
def test_what_cannot_be_read_runs_in_a_loop_and_its_line_is_said_once(why: str) -> None:
    cell = Odd(UNREADABLE[why])
    recurrence, x = adopt(cell, state=torch.zeros(1, 6)), torch.randn(2, 4, 3)
    with pytest.warns(ElmanWarning, match=r"test_adopt\.py:\d+.*It runs in a loop") as told:
        found = recurrence(x)[0]
    assert len(told) == 1
    state = torch.zeros(2, 6)
    for t in range(4):
        state = cell(x[:, t], state)
        assert_close(found[:, t], state, f"output {t}")
    assert_equal(recurrence(x)[0], found, "outputs again")


@some
def test_it_runs_with_parameters_that_are_given(name: str) -> None:
    published, _, recurrence = made(name)
    other = published.make(*SIZES).double()
    x, rows = inputs(published)
    others = {key: value.detach().clone().requires_grad_() for key, value in other.named_parameters()}
    expected = all_of({"x": x, **dict(other.named_parameters())}, *published.loop(other, x, rows))
    outputs, last = recurrence(x, rows, parameters=others)
    assert_all_close(all_of({"x": x, **others}, outputs, several(last)), expected)
    outputs, last = functional_call(recurrence, others, (x, rows))
    assert_all_close(all_of({"x": x, **others}, outputs, several(last)), expected)


@pytest.mark.parametrize("of", [parametrizations.weight_norm, parametrizations.spectral_norm])
def test_parametrised_weights_are_those_of_the_loop(of: Any) -> None:
    cell = adopted.MGU(3, 6).double()
    of(cell.uh)
    cell.eval()
    published = PUBLISHED["mgu"]
    x, rows = inputs(published)
    recurrence = adopt(cell)
    assert runs_by(recurrence) == "llvm"
    leaves = leaves_of(cell, x, rows)
    expected = all_of(leaves, *published.loop(cell, x, rows))
    outputs, last = recurrence(x, rows)
    assert_all_close(all_of(leaves, outputs, several(last)), expected)


def test_its_explanation_names_the_products_taken_out() -> None:
    told = str(explain(Recurrent(adopt(adopted.MGU(3, 6))), batch=2, time=5))
    assert "llvm" in told
    assert "MGU" in told


def cell_of(name: str) -> Any:
    """A maker of adopted cells, as the laws of ``elman.testing`` ask for one."""
    published = PUBLISHED[name]

    def make(input_size: int, hidden_size: int, *, bias: bool = True, dtype: torch.dtype | None = None) -> Adopted:
        options = tree_map(lambda v: v.to(dtype) if isinstance(v, Tensor) else v, published.options(hidden_size))
        return adopt(published.make(input_size, hidden_size).to(dtype=dtype), **options)

    return make


@some
def test_a_stepper_gives_what_the_loop_gives(name: str) -> None:
    published, cell, recurrence = made(name)
    x, rows = inputs(published)
    stepper = Stepper(recurrence, batch=4)
    stepper.state = [tuple(row.detach() for row in rows)]
    expected, last = published.loop(cell, x, rows)
    for t in range(x.shape[1]):
        assert_close(stepper.step(x[:, t].detach()), expected[:, t], f"output {t}")
    for part, right in zip(stepper.state[0], last, strict=True):
        assert_close(part, right, "the last state")


def test_learning_is_by_windows_and_not_online() -> None:
    cell = adopted.MGU(3, 6).double()
    layer, x = Recurrent(adopt(cell)), torch.randn(2, 8, 3, dtype=torch.float64)
    target = torch.randn(2, 8, 6, dtype=torch.float64)
    expected = torch.autograd.grad(F.mse_loss(layer(x)[0], target), list(cell.parameters()))
    for way in (FullBPTT(), Checkpointed(every=3), Truncated(8)):
        cell.zero_grad()
        way.backward(layer, x, target, F.mse_loss)
        for (name, parameter), right in zip(cell.named_parameters(), expected, strict=True):
            assert parameter.grad is not None
            assert_close(parameter.grad, right, f"the gradient of {name} by {way}")
    for online in (RTRL(2), SnAp1(2)):
        with pytest.raises(ElmanError, match=f"{type(online).__name__} cannot follow an adopted MGU"):
            online.backward(layer, x, target, F.mse_loss)


def test_zoneout_is_its_equation_in_evaluation() -> None:
    published, cell, recurrence = made("peephole_lstm")
    recurrence.attach(Zoneout(0.3)).eval()
    assert runs_by(recurrence) == "llvm"
    x, rows = inputs(published)
    state, outputs = rows, []
    for t in range(5):
        _, new = published.loop(cell, x[:, t : t + 1], state)
        state = tuple(0.3 * old + 0.7 * part for old, part in zip(state, new, strict=True))
        outputs.append(state[0])
    assert_close(several(recurrence(x, rows)[1])[1], state[1], "the last cell state")


def test_a_learnt_state_is_where_sequences_begin() -> None:
    published, cell, recurrence = made("mgu")
    recurrence.attach(LearntState())
    with torch.no_grad():
        recurrence.get_parameter("initial_h").fill_(0.5)
    x, _ = inputs(published)
    expected = published.loop(cell, x, (torch.full((4, 6), 0.5, dtype=torch.float64),))[0]
    assert_close(recurrence(x)[0], expected, "outputs")
    recurrence(x)[0].sum().backward()
    assert recurrence.get_parameter("initial_h").grad is not None


def test_weight_drop_drops_of_a_recurrent_matrix_and_is_refused_without_one() -> None:
    recurrence, x = adopt(nn.LSTMCell(3, 6)).attach(WeightDrop(0.5)), torch.randn(2, 5, 3)
    assert not torch.equal(recurrence(x)[0], recurrence(x)[0])
    recurrence.eval()
    assert_equal(recurrence(x)[0], adopt(recurrence.inner)(x)[0], "outputs in evaluation")
    with pytest.raises(ElmanError, match="WeightDrop is for a cell with a recurrent matrix"):
        adopt(adopted.MGU(3, 6)).attach(WeightDrop(0.5))


@pytest.mark.parametrize("remedy", [LayerNorm(), ForgetBias(), Chrono(20)], ids=str)
def test_remedies_of_gates_are_refused(remedy: Any) -> None:
    cell = nn.LSTMCell(3, 6)
    with pytest.raises(ElmanError, match="is for a cell with gates of its own, and this is an adopted LSTMCell"):
        adopt(cell).attach(remedy)
    assert list(cell.state_dict()) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def test_torch_compile_gives_what_the_module_gives() -> None:
    published, cell, recurrence = made("cfc")
    x, rows = inputs(published)
    compiled = torch.compile(recurrence, backend="aot_eager")
    leaves = leaves_of(cell, x, rows)
    expected = all_of(leaves, *published.loop(cell, x, rows))
    outputs, last = compiled(x, rows)
    assert_all_close(all_of(leaves, outputs, several(last)), expected)


def few(name: str) -> Any:
    """Of each law the first case: of ``peephole_lstm`` all."""
    checks = list(cell_checks(cell_of(name)))
    if name == "peephole_lstm":
        return checks
    return list(
        {check.name.split("-")[0] + check.name.rpartition("-")[2]: check for check in reversed(checks)}.values()
    )


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, id=f"{name}-{check.name}") for name in LAWFUL for check in few(name)],
)
def test_every_law_holds(check: Check) -> None:
    check.run()
