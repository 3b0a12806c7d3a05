"""However little is kept for the backward pass, the gradients are the same."""

import pytest
import torch

from elman import LSTM, ElmanError, Recurrent, cells
from elman.compiler.compiled import saved_every
from elman.compiler.reading import read
from elman.testing import assert_close


@pytest.mark.parametrize("name", ["gru", "lstm", "lstm_layer_norm", "slstm", "lif"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("save", ["lean", 3, 100, "9KiB"])
def test_gradients_do_not_depend_on_what_is_kept(name: str, reverse: bool, save: int | str) -> None:
    cell = cells.load(name)(3, 5, dtype=torch.float64)
    state = tuple(0.1 + torch.rand(4, size, dtype=torch.float64) for size in cell.state_sizes)
    leaves = [torch.randn(4, 11, 3, dtype=torch.float64, requires_grad=True), *(s.requires_grad_() for s in state)]
    lengths, resets = torch.tensor([11, 0, 5, 9]), torch.rand(4, 11) < 0.3
    found = []
    for how in ("fast", save):
        outputs, last = cell(leaves[0], state, lengths=lengths, resets=resets, reverse=reverse, save=how)
        parts = [outputs, last] if isinstance(last, torch.Tensor) else [outputs, *last]
        weighted = [(p * torch.arange(p.numel(), dtype=p.dtype).view_as(p).cos()).sum() for p in parts]
        total = torch.stack(weighted).sum()
        grads = torch.autograd.grad(total, [*leaves, *cell.parameters()], allow_unused=True)
        found.append([*parts, *(g for g in grads if g is not None)])
    for i, (fast, other) in enumerate(zip(*found, strict=True)):
        assert_close(other, fast, f"result {i}")


def kept(run) -> int:
    """Numbers in the tensors that autograd keeps, parameters and leaves apart."""
    storages: dict[int, int] = {}

    def pack(t: torch.Tensor) -> torch.Tensor:
        if not t.is_leaf or not t.requires_grad:
            storages[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes() // t.element_size()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        run()
    return sum(storages.values())


def test_what_is_kept_is_what_is_promised() -> None:
    layer, x = LSTM(16, 16, batch_first=True), torch.randn(4, 512, 16, requires_grad=True)
    each = 4 * 512 * 16
    assert kept(lambda: layer(x)) <= 6.1 * each
    assert kept(lambda: layer(x, save="lean")) <= 0.3 * each
    with torch.no_grad():
        assert kept(lambda: layer(x)) == 0


def test_a_stack_hands_it_to_every_layer() -> None:
    layer, x = Recurrent("gru", 3, 4, num_layers=2, bidirectional=True), torch.randn(2, 70, 3)
    fast = torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))
    lean = torch.autograd.grad(layer(x, save="lean")[0].sum(), list(layer.parameters()))
    for a, b in zip(fast, lean, strict=True):
        assert_close(a, b, "gradient")


@pytest.mark.parametrize("save", ["little", 0, -2, 1.5, "2GB", None, True])
def test_other_wishes_are_refused(save) -> None:
    with pytest.raises(ElmanError, match="save is 'fast', 'lean'"):
        LSTM(3, 4)(torch.randn(2, 1, 3, requires_grad=True), save=save)


def test_a_budget_that_nothing_fits_is_refused() -> None:
    with pytest.raises(ElmanError, match="cannot be trained in 1KiB"):
        LSTM(3, 4)(torch.randn(20, 100, 3, requires_grad=True), save="1KiB")


def test_a_budget_keeps_all_that_it_can() -> None:
    program = read(cells.load("lstm")(3, 4)).program.text
    x = torch.zeros(2, 1000, 3)
    assert saved_every("llvm", "1GiB", program, x) == 1
    assert saved_every("llvm", "100KiB", program, x) == 2
