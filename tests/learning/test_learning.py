"""What is peculiar to each way to learn, and clipping."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman import LSTM, Recurrent
from elman.compiler import compiled, plan
from elman.errors import ElmanError
from elman.learning import AdaptiveClip, Checkpointed, Clip, ClipNorm, ClipValue, FullBPTT, Learning, Truncated
from elman.learning.checkpointed import _kept
from elman.learning.learning import Batch
from elman.testing import assert_close

Gradients = list[Tensor]


class Model(nn.Module):
    """A recurrence, dropout and a readout; it counts its calls."""

    def __init__(self, dropout: float = 0.0, hidden: int = 4) -> None:
        super().__init__()
        self.recurrent = Recurrent("gru", 3, hidden, dtype=torch.float64)
        self.dropout = nn.Dropout(dropout)
        self.readout = nn.Linear(hidden, 2, dtype=torch.float64)
        self.calls: list[int] = []

    def forward(self, x: Tensor, state: Any = None, **given: Tensor) -> tuple[Tensor, Any]:
        self.calls.append(x.shape[1])
        outputs, state = self.recurrent(x, state, **given)
        return self.readout(self.dropout(outputs)), state


def data(time: int, batch: int = 2) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, time, 3, dtype=torch.float64), torch.randn(batch, time, 2, dtype=torch.float64)


def gradients(model: nn.Module) -> Gradients:
    found = [p.grad for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    return found


def learn(learning: Learning, model: nn.Module, x: Tensor, y: Tensor, **given: Any) -> Gradients:
    learning.backward(model, x, y, F.mse_loss, **given)
    return gradients(model)


def same(found: Gradients, expected: Gradients) -> None:
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert_close(one, other, f"gradient {i}")


@pytest.mark.parametrize("steps", [1, 3, 4])
@pytest.mark.parametrize("overlap", [0, 1, 2, 3, 5, 9])
def test_a_gradient_goes_back_through_the_window_and_the_overlap_and_no_further(steps: int, overlap: int) -> None:
    model, (x, y) = Model(), data(11)
    with plan.use("eager"):
        for low in range(0, 11, steps):
            begin, high = max(0, low - overlap), min(low + steps, 11)
            with torch.no_grad():
                state = model(x[:, :begin])[1] if begin else None
            outputs, _ = model(x[:, begin:high], state)
            ((outputs - y[:, begin:high])[:, low - begin :].square().sum() / y.numel()).backward()
        expected = gradients(model)
    same(learn(Truncated(steps, overlap), model, x, y), expected)


def test_every_step_counts_once_whatever_the_windows() -> None:
    model, (x, y) = Model(), data(11)
    losses = [way.backward(model, x, y, F.mse_loss)[0] for way in (FullBPTT(), Truncated(4, 3), Checkpointed(every=4))]
    assert_close(losses[1], losses[0], "truncated")
    assert_close(losses[2], losses[0], "checkpointed")


@pytest.mark.parametrize("way", [FullBPTT(), Truncated(4), Truncated(4, 6), Checkpointed(every=4)], ids=str)
def test_a_call_goes_on_from_the_state_of_the_one_before(way: Learning) -> None:
    model, (x, y) = Model(), data(13)
    whole = way.backward(model, x, y, F.mse_loss)[1]
    state = way.backward(model, x[:, :6], y[:, :6], F.mse_loss)[1]
    after = way.backward(model, x[:, 6:], y[:, 6:], F.mse_loss, state)[1]
    assert_close(after, whole, "state")


def test_gradients_are_added_to_those_that_are_there() -> None:
    model, (x, y) = Model(), data(5)
    once = learn(FullBPTT(), model, x, y)
    FullBPTT().backward(model, x, y, F.mse_loss)
    same(learn(Checkpointed(every=2), model, x, y), [2 * g for g in once])


def test_only_the_last_step_may_count() -> None:
    model, (x, y) = Model(), data(9)
    mask = torch.zeros(2, 9, dtype=torch.bool)
    mask[:, -1] = True
    F.mse_loss(model(x)[0][:, -1], y[:, -1]).backward()
    expected = gradients(model)
    for way in (FullBPTT(), Checkpointed(every=2), Truncated(2, overlap=8)):
        same(learn(way, model, x, y, mask=mask), expected)


def test_what_is_run_again_has_the_random_numbers_of_the_first_time() -> None:
    model, (x, y) = Model(dropout=0.5), data(10)
    torch.manual_seed(3)
    outputs, state = [], None
    for part in x.split(4, 1):
        output, state = model(part, state)
        outputs.append(output)
    F.mse_loss(torch.cat(outputs, 1), y).backward()
    expected = gradients(model)
    torch.manual_seed(3)
    same(learn(Checkpointed(every=4), model, x, y), expected)


def test_as_much_is_kept_as_fits() -> None:
    model, (x, y) = Model(hidden=16), data(1000)
    expected = learn(FullBPTT(), model, x, y)
    model.calls.clear()
    same(learn(Checkpointed(memory="1GiB"), model, x, y), expected)
    assert model.calls[-1] == 1000
    assert model.calls.count(1000) == 1
    model.calls.clear()
    same(learn(Checkpointed(memory="400KiB"), model, x, y), expected)
    stretch = max(model.calls)
    assert 32 < stretch < 1000
    whole = Batch(x, y, None, {}, 2000)

    def kept(steps: int) -> int:
        return _kept(lambda: F.mse_loss(model(x[:, :steps])[0], y[:, :steps]), whole)

    assert 0.5 * 400 * 1024 < kept(stretch) <= 400 * 1024 < kept(1000)


def test_nothing_random_is_used_up_by_finding_out_what_fits() -> None:
    model, (x, y) = Model(dropout=0.5), data(100)
    torch.manual_seed(3)
    expected = learn(FullBPTT(), model, x, y)
    torch.manual_seed(3)
    same(learn(Checkpointed(memory="1GiB"), model, x, y), expected)


def test_in_a_loop_of_ones_own_the_cells_keep_little(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (x, y) = Model(), data(50)
    expected = learn(FullBPTT(), model, x, y)
    seen, usual = [], compiled.saved_every
    record = lambda name, save, *given: seen.append(save) or usual(name, save, *given)  # noqa: E731
    monkeypatch.setattr(compiled, "saved_every", record)
    for way in (Checkpointed(every=7), Checkpointed(memory="1MiB"), Truncated(50)):
        with way.window(model) as window:
            outputs, state = model(x, window.state)
        F.mse_loss(outputs, y).backward()
        same(gradients(model), expected)
        assert not window.carry(state).requires_grad
    assert seen == [7, "1024.000000KiB", "fast"]
    assert "forward" not in vars(model.recurrent.cells[0])


@pytest.mark.parametrize(
    ("make", "right"),
    [
        (lambda: Truncated(0), "at least 1, not 0"),
        (lambda: Truncated(2.5), "whole number of steps, at least 1, not 2.5"),  # type: ignore[arg-type]
        (lambda: Truncated(4, -1), "the overlap is .* at least 0, not -1"),
        (lambda: Checkpointed(), "one of the two: every=, .* or memory="),
        (lambda: Checkpointed(every=3, memory="1GiB"), "one of the two"),
        (lambda: Checkpointed(every=0), "at least 1, not 0"),
        (lambda: Checkpointed(memory="2GB"), "'2GiB' or '500MiB', not '2GB'"),
        (lambda: Checkpointed(memory="0GiB"), "not '0GiB'"),
        (lambda: ClipNorm(0), "the greatest norm is a number above 0, not 0"),
        (lambda: ClipValue(-1), "the greatest value is a number above 0, not -1"),
        (lambda: AdaptiveClip(math.nan), "ratio is a number above 0, not nan"),
        (lambda: AdaptiveClip(eps=0), "eps is a number above 0, not 0"),
    ],
)
def test_wrong_numbers_are_refused(make: Any, right: str) -> None:
    with pytest.raises(ElmanError, match=right):
        make()


def test_wrong_sequences_are_refused() -> None:
    model, (x, y) = Model(), data(70)

    def refused(right: str, *given: Any, way: Learning = Truncated(3), loss: Any = F.mse_loss, **more: Any) -> None:  # noqa: B008
        backward: Any = way.backward
        with pytest.raises(ElmanError, match=right):
            backward(*given, loss, **more)

    refused("the same batch and time, not .2, 70, 3. and .2, 69, 2.", model, x, y[:, :69])
    refused("x is data", model, x.clone().requires_grad_(), y)
    refused(r"mask is bool of .2, 70., not torch.float64 of .2, 70.", model, x, y, mask=torch.ones(2, 70).double())
    refused("nothing to learn from", model, x, y, lengths=torch.tensor([0, 0]))
    refused("one number, the mean", model, x, y, loss=lambda a, b: (a - b).square())
    refused("an output a step, .2, 3. and its features, not .2, 4.", LastStates(), x, x)
    refused("batch_first=True", LSTM(3, 2, dtype=torch.float64), x, y)
    both = Recurrent("gru", 3, 1, bidirectional=True, dtype=torch.float64)
    for way in (Truncated(3), Checkpointed(every=3)):
        refused("a bidirectional layer needs the whole sequence; FullBPTT runs it whole", both, x, y, way=way)
    FullBPTT().backward(both, x, y, F.mse_loss)
    refused("cannot be trained in 2KiB: they take .*MiB at least", model, x, y, way=Checkpointed(memory="2KiB"))


class LastStates(nn.Module):
    """A model with one output a sequence."""

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        return x[:, -1].repeat(1, 2)[:, :4], state


def clipped(clip: Clip, weights: list[Tensor], grads: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    parameters = [w.clone().requires_grad_() for w in weights]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g.clone()
    norm = clip([*parameters, torch.ones(2, requires_grad=True)])  # the last one has no gradient
    return norm, [p.grad for p in parameters if p.grad is not None]


def test_clipping_by_norm_and_by_value() -> None:
    grads = [torch.tensor([[3.0, 0.0], [0.0, -4.0]]), torch.tensor([12.0])]
    weights = [torch.ones(2, 2), torch.ones(1)]
    norm, found = clipped(ClipNorm(6.5), weights, grads)
    assert float(norm) == pytest.approx(13)
    for one, other in zip(found, grads, strict=True):
        torch.testing.assert_close(one, other / 2)
    for clip in (ClipNorm(14.0), ClipValue(12.0)):
        norm, found = clipped(clip, weights, grads)
        assert float(norm) == pytest.approx(13)
        assert all(map(torch.equal, found, grads))
    _, found = clipped(ClipValue(3.5), weights, grads)
    assert found[0].tolist() == [[3.0, 0.0], [0.0, -3.5]]
    assert found[1].tolist() == [3.5]


def test_adaptive_clipping_is_that_of_the_paper() -> None:
    weights = [torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [1.0, 0.0]]), torch.tensor([0.0, 2.0])]
    grads = [torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), torch.tensor([0.0, 0.1])]
    norm, found = clipped(AdaptiveClip(0.1, eps=1e-2), weights, grads)
    assert float(norm) == pytest.approx(math.sqrt(3.01))
    # rows of norm 5, 0.5 and 0, the last of which counts as 0.01; a gradient of zero stays
    torch.testing.assert_close(found[0], torch.tensor([[0.5, 0.0], [0.05, 0.0], [0.0, 0.001], [0.0, 0.0]]))
    assert torch.equal(found[1], grads[1])


def test_a_gradient_that_is_not_finite_shows_in_the_norm() -> None:
    norm, _ = clipped(ClipNorm(1.0), [torch.ones(2)], [torch.tensor([1.0, math.inf])])
    assert not math.isfinite(float(norm))
