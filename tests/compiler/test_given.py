"""What kernels are given is held against their Program: the layer and the operation itself refuse the rest."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elman.compiler.parts import Parts
from elman.compiler.reading import read
from elman.errors import ElmanError
from elman.layers import GRU, LSTM, Recurrent
from elman.testing import assert_close

X = torch.ones(5, 3, 8)


def with_weights(layer: nn.Module, **others: Tensor) -> Callable[[], Any]:
    parameters = {**dict(layer.named_parameters()), **others}
    return lambda: torch.func.functional_call(layer, parameters, (X,))


def with_data(layer: nn.Module, name: str, other: Tensor) -> Callable[[], Any]:
    layer.get_parameter(name).data = other
    return lambda: layer(X)


def with_attribute(name: str, value: Any) -> Callable[[], Any]:
    layer = Recurrent("gru", 8, 16)
    layer(X)
    setattr(layer.cells[0], name, value)
    return lambda: layer(X)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: with_data(LSTM(8, 16), "weight_hh_l0", torch.zeros(1, 1)), r"weight_hh_l0 .*\[1, 1\], .*\[64, 16\]"),
        (lambda: with_weights(LSTM(8, 16, 2), weight_ih_l1=torch.zeros(4, 16)), r"weight_ih_l1 .*\[4, 16\], "),
        (lambda: with_weights(LSTM(8, 16), bias_ih_l0=torch.zeros(1)), r"bias_ih_l0 .* of \[1\], where .* of \[64\]"),
        (lambda: with_weights(LSTM(8, 16), weight_hh_l0=torch.zeros(64, 16).double()), "weight_hh_l0 .* torch.float64"),
        (lambda: with_weights(LSTM(8, 16), weight_hh_l0=torch.zeros(64, 16).half()), "weight_hh_l0 .* torch.float16"),
        (lambda: with_weights(LSTM(8, 16), weight_hh_l0=torch.zeros(64, 16).long()), "weight_hh_l0 .* torch.int64"),
        (lambda: with_weights(LSTM(8, 16), weight_hh_l0=torch.empty(64, 16, device="meta")), "weight_hh_l0 .* on meta"),
        (lambda: with_attribute("weight_hh", nn.Parameter(torch.zeros(2, 2))), r"weight_hh of GRUCell .* of \[2, 2\]"),
        (lambda: with_attribute("weight_ih", nn.Parameter(torch.zeros(2, 8))), r"weight_ih of GRUCell .* of \[2, 8\]"),
        (lambda: with_attribute("hidden_size", 4096), r"weight_ih of GRUCell .* where torch.float32 of \[12288, 8\]"),
        (lambda: lambda: GRU(8, 4)(X.to_sparse()), r"not torch.float32 of \[5, 3, 8\], torch.sparse_coo"),
        (lambda: lambda: GRU(8, 4)([1.0]), r"takes an input of \[time, batch, 8\] or \[time, 8\], not a list"),
        (lambda: lambda: GRU(8, 4)(X, [0.0]), r"a state hx of one tensor|dense tensors, not a float"),
        (lambda: lambda: Recurrent("gru", 8, 4)(X, torch.zeros(1, 5, 4).to_sparse()), r"of \[1, 5, 4\], torch.sparse"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("gradients", [True, False], ids=["training", "inference"])
def test_a_layer_names_what_does_not_fit(call: Callable[[], Any], says: str, gradients: bool) -> None:
    with torch.set_grad_enabled(gradients), pytest.raises(ElmanError, match=says):
        call()()


@pytest.mark.parametrize(
    "lengths",
    [torch.ones(3, dtype=torch.bool), torch.ones(3, dtype=torch.complex64), [1, 0, 2], torch.tensor([[1, 0, 2]])],
    ids=["bool", "complex", "list", "two axes"],
)  # fmt: skip
def test_lengths_are_whole_numbers(lengths: Any) -> None:
    with pytest.raises(ElmanError, match=r"lengths are whole numbers of \[3\] in a tensor, not"):
        GRU(8, 4, batch_first=True)(X[:3, :2], lengths=lengths)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.uint16], ids=str)
@pytest.mark.parametrize("save", ["fast", 2])
def test_lengths_of_few_bits_are_those_numbers(dtype: torch.dtype, save: int | str) -> None:
    layer, x, lengths = GRU(8, 4, batch_first=True), torch.randn(4, 6, 8), torch.tensor([1, 0, 6, 5])
    expected = torch.autograd.grad(layer(x, lengths=lengths)[0].sin().sum(), list(layer.parameters()))
    found = torch.autograd.grad(layer(x, lengths=lengths.to(dtype), save=save)[0].sin().sum(), list(layer.parameters()))
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, "a gradient")


def negative(t: Tensor) -> Tensor:
    """The same numbers as the negative view of others."""
    view = torch._neg_view((-t).detach().clone())  # pyright: ignore[reportPrivateImportUsage]
    assert view.is_neg()
    return view


def test_negative_views_are_the_numbers_that_they_show() -> None:
    layer, x, h = GRU(8, 4), torch.randn(5, 3, 8), torch.randn(1, 3, 4)
    own = {name: value.detach() for name, value in layer.named_parameters()}
    expected = layer(x, h)[0]
    for name in own:
        found = torch.func.functional_call(layer, {**own, name: negative(own[name])}, (x, h))[0]
        assert torch.equal(found, expected), name
    assert torch.equal(layer(negative(x), h)[0], expected)
    assert torch.equal(layer(x, negative(h))[0], expected)
    leaf = x.clone().requires_grad_()
    ours, theirs = (
        torch.autograd.grad(layer(leaf, h)[0], leaf, g) for g in (negative(expected.detach()), expected.detach())
    )
    assert torch.equal(ours[0], theirs[0])


@pytest.mark.parametrize("kind", ["freed", "zeros that are not there"])
def test_memory_that_is_not_there_is_refused(kind: str) -> None:
    layer, x = GRU(8, 4, batch_first=True), torch.zeros(5, 3, 8)
    if kind == "freed":
        x.untyped_storage().resize_(0)
    else:
        x = torch._efficientzerotensor((5, 3, 8))  # pyright: ignore[reportPrivateImportUsage]
    with torch.no_grad(), pytest.raises(ElmanError, match="has no memory"):
        layer(x)


def test_numbers_of_another_class_go_through_the_loop() -> None:
    class Named(Tensor):
        """A class of its own."""

    layer, x = GRU(8, 4), torch.randn(5, 3, 8)
    found = layer(x.as_subclass(Named))[0]
    assert_close(found.as_subclass(Tensor), layer(x)[0], "outputs")
    with torch.no_grad():
        assert_close(layer(x.as_subclass(Named))[0].as_subclass(Tensor), layer(x)[0], "outputs")


def arguments(**others: Any) -> tuple[Any, ...]:
    """Of ``torch.ops.elman.scan`` for a GRU over 3 rows of 5 steps, some of them replaced."""
    cell = Recurrent("gru", 8, 4).cells[0]
    traced = read(cell)
    parts = Parts(
        x=torch.randn(3, 5, 8),
        weight=cell.weight_ih.detach(),  # type: ignore[union-attr]
        bias=cell.bias_ih.detach(),  # type: ignore[union-attr]
        operands=[t.detach() for t in traced.evaluate(cell)],
        first=[torch.zeros(3, 4)],
        initial=[torch.zeros(3, 4)],
        extras=[],
        lengths=None,
        resets=None,
    )
    every = others.pop("every", 0)
    for name, value in others.items():
        setattr(parts, name, value)
    return *parts.lists(), "llvm", traced.program.text, False, every, False


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"x": torch.zeros(3, 5)}, r"x is torch.float32 of \[3, 5\]"),
        ({"x": torch.zeros(0, 5, 8)}, r"x is torch.float32 of \[0, 5, 8\], where at least one row"),
        ({"x": torch.zeros(3, 0, 8)}, r"x is torch.float32 of \[3, 0, 8\], where at least one row"),
        ({"x": torch.zeros(3, 5, 9)}, r"weight_ih is .* \[12, 8\], where torch.float32 of \[12, 9\]"),
        ({"weight": torch.zeros(1, 1)}, r"weight_ih is torch.float32 of \[1, 1\]"),
        ({"weight": torch.zeros(12, 8).to_sparse()}, r"weight_ih is .*, torch.sparse_coo, where"),
        ({"bias": torch.zeros(2)}, r"bias_ih is torch.float32 of \[2\]"),
        ({"bias": torch.zeros(12).double()}, r"bias_ih is torch.float64 of \[12\]"),
        ({"operands": [torch.zeros(1), torch.zeros(1)]}, r"weight_hh is torch.float32 of \[1\]"),
        ({"first": [torch.zeros(1, 1)]}, r"state h is torch.float32 of \[1, 1\]"),
        ({"first": []}, r"there are 0 of state|tensors|values"),
        ({"initial": [torch.zeros(3, 4).half()]}, r"initial state h is torch.float16"),
        ({"lengths": torch.tensor([10**6] * 3)}, "lengths go from 0 to 5, not from 1000000 to 1000000"),
        ({"lengths": torch.tensor([5, -5, 5])}, "lengths go from 0 to 5, not from -5 to 5"),
        ({"lengths": torch.tensor([5, 5])}, r"lengths is torch.int64 of \[2\]"),
        ({"lengths": torch.tensor([5.0] * 3)}, "lengths are torch.float32"),
        ({"resets": torch.zeros(3, 4, dtype=torch.bool)}, r"resets is torch.bool of \[3, 4\]"),
        ({"resets": torch.zeros(3, 5)}, r"resets is torch.float32 of \[3, 5\]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_the_operation_itself_refuses_what_does_not_fit(given: dict[str, Any], says: str) -> None:
    torch.ops.elman.scan(*arguments())
    with pytest.raises((ElmanError, ValueError), match=says):
        torch.ops.elman.scan(*arguments(**given))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tape, cotangents: (tape[:3], cotangents), r"what is kept is torch.float32 of \[3, "),
        (lambda tape, cotangents: (tape * 0, cotangents), "the tape of no forward pass over 3 rows"),
        (lambda tape, cotangents: (tape, [cotangents[0][:1], cotangents[1]]), r"cotangent is .* \[1, 5, 4\]"),
        (lambda tape, cotangents: (tape, [cotangents[0], cotangents[1][:, :1]]), r"cotangent h is .* of \[3, 1\]"),
        (lambda tape, cotangents: (tape, cotangents[:1]), "there are 0 of the last states' cotangent"),
    ],
)  # fmt: skip
def test_its_backward_pass_refuses_what_does_not_fit(change: Callable[..., Any], says: str) -> None:
    given = arguments(every=1)
    outputs, tape, last = torch.ops.elman.scan(*given)
    cotangents = [torch.ones_like(outputs), torch.ones_like(last)]
    assert torch.ops.elman.scan_backward(*given, tape, cotangents)[0].isfinite().all()
    with pytest.raises(ElmanError, match=says):
        torch.ops.elman.scan_backward(*given, *change(tape, cotangents))


def test_a_backward_pass_of_nothing_that_was_kept_is_refused() -> None:
    given = arguments(every=0)
    outputs, tape, last = torch.ops.elman.scan(*given)
    with pytest.raises(ElmanError, match="a run that kept nothing"):
        torch.ops.elman.scan_backward(*given, tape, [outputs, last])


@pytest.mark.parametrize("lengths", [[10**6] * 3, [5, 5, -5]], ids=["beyond", "below"])
def test_a_compiled_layer_refuses_lengths_outside(lengths: list[int]) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(Recurrent("gru", 8, 4), fullgraph=True, backend="eager")
    compiled(X[:3], lengths=torch.tensor([3, 3, 1]))
    with pytest.raises(ElmanError, match="lengths go from 0 to 3"):
        compiled(X[:3], lengths=torch.tensor(lengths))


@pytest.mark.parametrize("lengths", [None, torch.tensor([7, 0, 5, 3, 6, 1])], ids=["full", "ragged"])
def test_a_backward_pass_on_another_number_of_threads_is_the_same(
    lengths: Tensor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elman.compiler.executors.llvm.run.WORTH_A_THREAD", 1)
    layer, x, found = GRU(8, 4, batch_first=True), torch.randn(6, 7, 8, requires_grad=True), []
    for before, after in ((1, 1), (2, 1), (1, 3), (3, 2)):
        torch.set_num_threads(before)
        outputs, _ = layer(x, lengths=lengths)
        torch.set_num_threads(after)
        found.append(torch.autograd.grad(outputs.sin().sum(), [x, *layer.parameters()]))
    torch.set_num_threads(1)
    for gradients in found[1:]:
        assert all(map(torch.equal, gradients, found[0]))
