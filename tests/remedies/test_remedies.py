"""Remedies by hand: LSTM and GRU in numpy with every remedy written out, initialisations, and wrong wishes."""

import warnings
from typing import Any

import cases
import numpy as np
import pytest
import torch
from numpy import ndarray
from torch import Tensor

import elman
from elman import cells
from elman.cells import Cell
from elman.cells.elman import ElmanCell
from elman.cells.gru import GRUCell
from elman.cells.indrnn import IndRNNCell
from elman.cells.lstm import LSTMCell
from elman.cells.lstm_layer_norm import LayerNormLSTMCell
from elman.cells.minlstm import MinLSTMCell
from elman.cells.slstm import SLSTMCell
from elman.compiler import plan
from elman.errors import ElmanError, ElmanWarning
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
from elman.testing import assert_close

B, T, I, H = 3, 7, 2, 4
DOUBLE: Any = {"dtype": torch.float64}
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def sigmoid(v: ndarray) -> ndarray:
    return 1 / (1 + np.exp(-v))


def norm(v: ndarray, gain: ndarray, shift: ndarray) -> ndarray:
    centre = v - v.mean(-1, keepdims=True)
    return gain * centre / np.sqrt((centre**2).mean(-1, keepdims=True) + 1e-5) + shift


def lstm_step(gates: ndarray, h: ndarray, c: ndarray) -> tuple[ndarray, ndarray]:
    i, f, g, o = np.split(gates, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def numbers(cell: Cell) -> dict[str, ndarray]:
    return {name: value.detach().numpy() for name, value in cell.named_parameters()}


def mask(p: float, *shape: int) -> ndarray:
    """The next mask of a dropout of ones, from torch's generator."""
    return torch.nn.functional.dropout(torch.ones(*shape, **DOUBLE), p).numpy()


def outputs_of(cell: Cell, x: Tensor) -> Tensor:
    torch.manual_seed(11)
    return cell(x)[0].detach()


def as_torch(steps: list[ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(steps, 1))


@both_modes
@pytest.mark.usefixtures("executor")
def test_an_lstm_with_zoneout_by_hand(training: bool) -> None:
    cell = LSTMCell(I, H, **DOUBLE).attach(Zoneout((0.2, 0.6))).train(training)
    w, x = numbers(cell), torch.randn(B, T, I, **DOUBLE)
    actual = outputs_of(cell, x)
    torch.manual_seed(11)
    keep_h, keep_c = ((torch.rand(B, T, H, **DOUBLE) < p).double().numpy() for p in (0.2, 0.6))
    if not training:
        keep_h, keep_c = np.full_like(keep_h, 0.2), np.full_like(keep_c, 0.6)
    h = c = np.zeros((B, H))
    steps = []
    for t in range(T):
        gates = x[:, t].numpy() @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
        new_h, new_c = lstm_step(gates, h, c)
        h = keep_h[:, t] * h + (1 - keep_h[:, t]) * new_h
        c = keep_c[:, t] * c + (1 - keep_c[:, t]) * new_c
        steps.append(h)
    assert_close(actual, as_torch(steps), "outputs")


@both_modes
@pytest.mark.usefixtures("executor")
def test_a_gru_with_variational_dropout_by_hand(training: bool) -> None:
    cell = GRUCell(I, H, **DOUBLE).attach(VariationalDropout(inputs=0.3, states=0.4, outputs=0.5)).train(training)
    w, x = numbers(cell), torch.randn(B, T, I, **DOUBLE)
    actual = outputs_of(cell, x)
    torch.manual_seed(11)
    of_x, of_h, of_y = (
        mask(p, B, size) if training else np.ones((B, size)) for p, size in ((0.3, I), (0.4, H), (0.5, H))
    )
    assert set(np.unique(of_h)) <= {0.0, 1 / (1 - 0.4), 1.0}
    h = np.zeros((B, H))
    steps = []
    for t in range(T):
        xr, xz, xn = np.split((x[:, t].numpy() * of_x) @ w["weight_ih"].T + w["bias_ih"], 3, -1)
        hr, hz, hn = np.split((h * of_h) @ w["weight_hh"].T + w["bias_hh"], 3, -1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
        steps.append(h * of_y)
    assert_close(actual, as_torch(steps), "outputs")


@both_modes
@pytest.mark.usefixtures("executor")
def test_an_lstm_with_weight_drop_by_hand(training: bool) -> None:
    cell = LSTMCell(I, H, **DOUBLE).attach(WeightDrop(0.5)).train(training)
    w, x = numbers(cell), torch.randn(B, T, I, **DOUBLE)
    actual = outputs_of(cell, x)
    torch.manual_seed(11)
    weight = w["weight_hh"] * (mask(0.5, 4 * H, H) if training else 1)
    h = c = np.zeros((B, H))
    steps = []
    for t in range(T):
        h, c = lstm_step(x[:, t].numpy() @ w["weight_ih"].T + w["bias_ih"] + h @ weight.T + w["bias_hh"], h, c)
        steps.append(h)
    assert_close(actual, as_torch(steps), "outputs")


@pytest.mark.usefixtures("executor")
def test_a_gru_with_layer_norm_and_a_learnt_state_by_hand() -> None:
    cell = GRUCell(I, H, **DOUBLE).attach(LayerNorm(), LearntState())
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-1, 1)
    w, x = numbers(cell), torch.randn(B, T, I, **DOUBLE)
    assert set(w) == {"weight_ih", "weight_hh", "gain_ih", "gain_hh", "shift_ih", "shift_hh", "initial_h"}
    h = np.tile(w["initial_h"], (B, 1))
    steps = []
    for t in range(T):
        xr, xz, xn = np.split(norm(x[:, t].numpy() @ w["weight_ih"].T, w["gain_ih"], w["shift_ih"]), 3, -1)
        hr, hz, hn = np.split(norm(h @ w["weight_hh"].T, w["gain_hh"], w["shift_hh"]), 3, -1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
        steps.append(h)
    assert_close(outputs_of(cell, x), as_torch(steps), "outputs")


@pytest.mark.usefixtures("executor")
def test_a_reset_gate_before_the_product_has_its_gates_normalised_apart() -> None:
    cell: Any = cells.load("gru_reset_before")(I, H, **DOUBLE).attach(LayerNorm())
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-1, 1)
    w, x = numbers(cell), torch.randn(B, T, I, **DOUBLE)
    gates, candidate = slice(0, 2 * H), slice(2 * H, 3 * H)
    h = np.zeros((B, H))
    steps = []
    for t in range(T):
        xr, xz, xn = np.split(norm(x[:, t].numpy() @ w["weight_ih"].T, w["gain_ih"], w["shift_ih"]), 3, -1)
        share = norm(h @ w["weight_hh"][gates].T, w["gain_hh"][gates], w["shift_hh"][gates])
        r, z = sigmoid(xr + share[:, :H]), sigmoid(xz + share[:, H:])
        n = norm((r * h) @ w["weight_hh"][candidate].T, w["gain_hh"][candidate], w["shift_hh"][candidate])
        h = (1 - z) * np.tanh(xn + n) + z * h
        steps.append(h)
    assert_close(outputs_of(cell, x), as_torch(steps), "outputs")


def test_layer_norm_keeps_the_biases_under_new_names() -> None:
    cell = LSTMCell(I, H)
    bias = cell.bias_hh
    cell.attach(LayerNorm())
    assert cell.shift_hh is bias
    assert cell.bias_hh is None
    assert LSTMCell(I, H, bias=False).attach(LayerNorm()).shift_hh is None
    assert set(IndRNNCell(I, H).attach(LayerNorm())._parameters) == {
        "weight_ih",
        "bias_ih",
        "weight_hh",
        "gain_ih",
        "shift_ih",
    }
    names = set(dict(LayerNormLSTMCell(I, H).named_parameters())) - {"gain_c", "shift_c"}
    assert set(dict(cell.named_parameters())) == names, "the names are those of the cell that normalises by itself"


class Apart(Cell):
    """A user's cell whose output is not its state, with a further input."""

    gates = ("a", "h")

    def step(self, x: Tensor, h: Tensor, *, gap: Tensor) -> tuple[Tensor, Tensor]:
        a, n = (x + self.recurrent(h)).chunk(2, -1)
        h = torch.exp(-gap) * h + torch.sigmoid(a) * torch.tanh(n)
        return 2 * h, h


class Loop(Apart):
    """One that does not compile."""

    def step(self, x: Tensor, h: Tensor, *, gap: Tensor) -> tuple[Tensor, Tensor]:
        return super().step(x, torch.cumprod(1 + 0.1 * h, -1) - 1, gap=gap)


@pytest.mark.parametrize("kind", [Apart, Loop])
def test_a_cell_of_ones_own(kind: type[Cell]) -> None:
    remedies = [VariationalDropout(states=0.4), LayerNorm(), LearntState(), Zoneout(0.3), WeightDrop(0.2)]
    layer = Recurrent(kind, I, H, remedies=remedies, **DOUBLE)
    x, gap = torch.randn(B, T, I, **DOUBLE), torch.rand(B, T, 1, **DOUBLE)
    found = {}
    for name in cases.EXECUTORS:
        with plan.use(name), warnings.catch_warnings():
            if kind is Loop:
                warnings.simplefilter("ignore", ElmanWarning)
            torch.manual_seed(3)
            found[name] = layer(x, gap=gap)
    for actual, right in zip(found["llvm"], found["eager"], strict=True):
        assert_close(actual, right, "the same under both")
    outputs, final = found["eager"]
    assert not torch.allclose(outputs[:, -1], 2 * final[0]), "the output is made before the state is kept"
    with plan.use("llvm"):
        assert plan.explained(layer.cells[0], (True, (("gap", 1),)), x)[0].name == (
            "llvm" if kind is Apart else "eager"
        )


class Built(GRUCell):
    """A user's cell that builds on the step of another."""

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return super().step(x, h)


@both_modes
@pytest.mark.usefixtures("executor")
def test_a_step_that_builds_on_another_is_treated_once(training: bool) -> None:
    remedies = [Zoneout(0.4), VariationalDropout(states=0.4), LayerNorm()]
    cell, built = (kind(I, H, **DOUBLE).attach(*remedies).train(training) for kind in (GRUCell, Built))
    built.load_state_dict(cell.state_dict())
    x = torch.randn(B, T, I, **DOUBLE)
    assert_close(outputs_of(built, x), outputs_of(cell, x), "outputs")


class Mode(Cell):
    """A user's cell that is another in training."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h)) if self.training else x
        return h, h


@pytest.mark.usefixtures("executor")
def test_training_and_evaluation_have_a_program_each() -> None:
    cell, x = Mode(I, H), torch.randn(B, T, I)
    trained = cell(x)[0]
    assert_close(cell.eval()(x)[0], cell.project(x), "evaluation")
    assert torch.equal(cell.train()(x)[0], trained)


def test_a_remedy_given_after_the_first_run_acts() -> None:
    cell, x = GRUCell(I, H), torch.randn(B, T, I)
    before = cell(x)[0]
    cell.attach(Zoneout(0.5)).eval()
    assert not torch.allclose(cell(x)[0], before)
    cell.remedies = ()
    assert torch.equal(cell(x)[0], before)


def test_the_backward_pass_sees_the_masks_of_the_forward_pass_whatever_is_kept() -> None:
    layer = Recurrent("lstm", I, H, remedies=[Zoneout(0.3), VariationalDropout(states=0.3), WeightDrop(0.3)], **DOUBLE)
    x = torch.randn(B, 40, I, **DOUBLE)
    gradients = []
    for save in ("fast", "lean", 7):
        torch.manual_seed(2)
        loss = layer(x, save=save)[0].square().sum()
        torch.manual_seed(99)  # what is drawn meanwhile does not matter
        gradients.append(torch.autograd.grad(loss, list(layer.parameters())))
    for others in gradients[1:]:
        for actual, right in zip(others, gradients[0], strict=True):
            assert_close(actual, right, "a gradient")


def test_compiled_and_mapped() -> None:
    remedies = [Zoneout(0.3), VariationalDropout(inputs=0.2, states=0.2, outputs=0.2), WeightDrop(0.2), LayerNorm()]
    layer, x = Recurrent("lstm", I, H, remedies=[*remedies, LearntState()]), torch.randn(B, T, I)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.manual_seed(4)
    right = layer(x)[0]
    torch.manual_seed(4)
    assert_close(compiled(x)[0], right, "compiled")

    layer.eval()
    several = torch.randn(5, B, T, I)
    assert_close(
        torch.func.vmap(lambda x: layer(x)[0])(several), layer(several.flatten(0, 1))[0].view(5, B, T, H), "rows"
    )
    own = {name: torch.stack([p, p, p + 1]).detach() for name, p in layer.named_parameters()}

    def run(own: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layer, own, (x,))[0]

    ensemble = torch.func.vmap(run)(own)
    assert_close(ensemble[0], layer(x)[0], "a member")
    layer.train()
    noisy = torch.func.vmap(run, randomness="different")(own)
    assert not torch.equal(noisy[0], noisy[1])
    equal = torch.func.vmap(run, randomness="same")(own)
    assert_close(equal[0], equal[1], "members with the same noise")


def test_orthogonal_blocks() -> None:
    eye = torch.eye(H, **DOUBLE)
    for block in GRUCell(I, H, **DOUBLE).attach(Orthogonal(2.0)).weight_hh.split(H):
        assert_close(block @ block.T, 4 * eye, "a gate")
    make: Any = cells.load("lstm_projected")
    projected: Any = make(I, 6, proj_size=2, **DOUBLE).attach(Orthogonal())
    for block in projected.weight_hh.split(6):
        assert_close(block.T @ block, eye[:2, :2], "a gate with projection")
    for block in SLSTMCell(I, 8, heads=2, **DOUBLE).attach(Orthogonal()).weight_hh.split(4):
        assert_close(block @ block.T, eye, "a head")


def test_identity_remembers() -> None:
    cell = ElmanCell(I, H, nonlinearity="relu").attach(Identity())
    h = torch.rand(B, H)
    _, final = cell(torch.zeros(B, 100, I), h)
    assert torch.equal(final, h)
    assert torch.equal(ElmanCell(I, H).attach(Identity(0.5)).weight_hh, 0.5 * torch.eye(H))


@pytest.mark.parametrize("name", ["lstm", "lstm_layer_norm", "lstm_peephole", "lstm_projected", "minlstm", "slstm"])
@pytest.mark.parametrize("normalised", [False, True])
def test_forget_bias_is_the_sum_of_biases(name: str, normalised: bool) -> None:
    if normalised and name == "lstm_layer_norm":
        name = "lstm"
    cell: Any = cells.load(name)(I, H)
    others = cell.rows("i")
    before = {k: p.detach().clone()[others] for k, p in cell.named_parameters() if k.startswith(("bias_", "shift_"))}
    cell.attach(ForgetBias(1.5), *([LayerNorm()] if normalised else []))
    vectors = {k: p for k, p in cell.named_parameters() if k.startswith(("bias_", "shift_i", "shift_h"))}
    assert torch.equal(sum(vectors.values())[cell.rows("f")], torch.full((H,), 1.5))  # type: ignore[index]
    for k, p in vectors.items():
        old = before[k] if k in before else before[k.replace("shift", "bias")]
        assert torch.equal(p[others], old), "the other gates stay"


def test_chrono_spreads_memories_over_all_lengths() -> None:
    some: list[Any] = [LSTMCell(I, 4000).attach(Chrono(100)), MinLSTMCell(I, 4000).attach(Chrono(100))]
    for cell in some:
        bias: Any = cell.bias_ih if isinstance(cell, MinLSTMCell) else cell.bias_ih + cell.bias_hh
        u = bias[cell.rows("f")].exp().detach()
        assert torch.equal(bias[cell.rows("i")], -bias[cell.rows("f")])
        assert 1 <= u.min() < 2
        assert 98 < u.max() <= 99.001
        assert abs(float(u.mean()) - 50) < 2, "uniform in 1 to 99"


GATED = [name for name in cells.names() if {*(c := cells.load(name)).forget_gates, *c.update_gates} & {*c.gates}]


@pytest.mark.parametrize("name", [name for name in GATED if name != "slstm"])  # whose state is scaled by another
def test_a_state_is_kept_for_as_long_as_chrono_says(name: str) -> None:
    units, longest = 2000, 1000
    cell: Any = cells.load(name)(1, units).attach(Chrono(longest))
    with torch.no_grad():
        for key, parameter in cell.named_parameters():
            if key.startswith(("weight", "bias_d")):
                parameter.zero_()  # so that the biases alone say what is kept
    extras = {extra: value[:, 0].float() for extra, value in cases.random_extras(cell, 1, 1).items()}
    before = {
        state: torch.randn(1, size, requires_grad=True)
        for state, size in zip(cell.states, cell.state_sizes, strict=True)
    }
    _, *after = cell.step(cell.project(torch.zeros(1, 1)), *before.values(), **extras)
    kept = {"lem": ("y", "z")}.get(name, ("c",) if "c" in cell.states else ("h",))
    for state in kept:
        (share,) = torch.autograd.grad(after[cell.states.index(state)].sum(), before[state], retain_graph=True)
        steps = 1 / (1 - share)  # 1 + u
        assert 2 <= steps.min() < 0.02 * longest
        assert 0.98 * longest < steps.max() < 1.01 * longest
        assert abs(float(steps.mean()) - longest / 2) < 0.05 * longest, "uniform"


def test_starts_are_done_again_and_as_plain_functions() -> None:
    cell: Any = LSTMCell(I, H).attach(ForgetBias(3.0), Orthogonal(), LayerNorm(), LearntState())
    first = cell.weight_hh.detach().clone()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.fill_(7)
    cell.reset_parameters()
    assert torch.equal((cell.shift_ih + cell.shift_hh)[cell.rows("f")], torch.full((H,), 3.0))
    assert torch.equal(cell.gain_ih, torch.ones(4 * H))
    assert not cell.initial_c.any()
    assert not torch.equal(cell.weight_hh, first)
    assert_close(cell.weight_hh[:H] @ cell.weight_hh[:H].T, torch.eye(H), "a gate")

    plain: Any = LSTMCell(I, H)
    ForgetBias(2.0).start(plain)
    assert plain.remedies == ()
    assert torch.equal(plain.bias_ih[plain.rows("f")], torch.full((H,), 2.0))


def wish(name: str, *remedies: Any, **options: Any) -> Recurrent:
    return Recurrent(name, I, H, remedies=remedies, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Zoneout(1.5), "the probability of Zoneout must be a number from 0 to 1, not 1.5"),
        (lambda: Zoneout((0.1, -0.1)), "from 0 to 1, not -0.1"),
        (lambda: Zoneout(True), "not True"),
        (lambda: wish("lstm", Zoneout((0.1, 0.1, 0.1))), "has 3 probabilities; LSTMCell has 2 states, h, c"),
        (lambda: VariationalDropout(states=2), "states of VariationalDropout must be a number from 0 to 1, not 2"),
        (lambda: wish("mingru", VariationalDropout(states=0.1)), "MinGRUCell has none of the contract's.*Zoneout"),
        (lambda: WeightDrop("0.5"), "the probability of WeightDrop .* not '0.5'"),  # pyright: ignore[reportArgumentType]
        (lambda: wish("mingru", WeightDrop(0.5)), "with a recurrent matrix; MinGRUCell has no weight_hh"),
        (lambda: wish("indrnn", WeightDrop(0.5)), r"IndRNNCell has a weight_hh of \[4\], a number a unit"),
        (lambda: wish("lstm_layer_norm", LayerNorm()), "LayerNormLSTMCell normalises its gates already"),
        (lambda: wish("indrnn", Orthogonal()), "with a recurrent matrix; IndRNNCell"),
        (lambda: Orthogonal(-1), "the gain of Orthogonal must be a number of at least 0, not -1"),
        (lambda: wish("lstm", Identity()), r"square recurrent matrix, as that of the elman cell .* is \[16, 4\]"),
        (lambda: wish("rg_lru", Identity()), "RGLRUCell has no weight_hh"),
        (lambda: wish("elman", Chrono(100)), "forget gate.* gates of ElmanCell are h. .*one: gru, .*slstm"),
        (lambda: wish("rg_lru", ForgetBias()), "the gates of RGLRUCell are r, i, v"),
        (lambda: wish("slstm", ForgetBias(), forget="exp"), "a sigmoid that keeps the state; the gates"),
        (lambda: wish("lstm", Chrono(100), bias=False), "this LSTMCell was made with bias=False"),
        (lambda: Chrono(2), "the longest memory of Chrono must be a number of at least 3, not 2"),
        (lambda: wish("lstm", Zoneout), "a remedy is a value such as Zoneout"),
        (lambda: wish("lstm", Zoneout(0.1), Zoneout(0.2)), "LSTMCell has Zoneout already; give it once"),
        (lambda: Recurrent("lstm", I, H, remedies=Zoneout(0.1)), r"remedies is a list, \[Zoneout\(p=0.1\)\]"),  # pyright: ignore[reportArgumentType]
    ],
)  # fmt: skip
def test_a_wrong_wish_is_told_what_would_be_right(make: Any, message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        make()


def test_public_names_and_words() -> None:
    assert elman.Zoneout is Zoneout
    assert "GRUCell(2, 4, remedies=[Zoneout(p=0.1), LearntState()])" in str(wish("gru", Zoneout(0.1), LearntState()))
