"""Derivatives of any order, in forward and reverse mode, of one and of many at once: those of torch.nn."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.functional import hessian, hvp, jacobian, vhp
from torch.autograd.functional import jvp as double_backward
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vjp, vmap
from torch.func import hessian as functional_hessian

from elman.compiler import plan
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.testing import assert_close

Layer = Callable[[Tensor], Tensor]  # outputs from an input


def total(f: Layer) -> Layer:
    return lambda x: f(x).square().sum()


def rows(f: Layer) -> Layer:
    return lambda x: f(x).sum(0)


def third(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    found = total(f)(leaf)
    for _ in range(2):
        found = torch.autograd.grad(found, leaf, create_graph=True)[0].square().sum()
    return torch.autograd.grad(found, leaf)[0]


def tangent_of(dual: Tensor) -> Tensor:
    found = forward_ad.unpack_dual(dual).tangent
    assert found is not None
    return found


def tangent(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return tangent_of(f(forward_ad.make_dual(x, v)))


def forward_over_reverse(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.clone().requires_grad_(), v)
        return tangent_of(torch.autograd.grad(total(f)(dual), dual, create_graph=True)[0])


def reverse_over_forward(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(tangent(f, leaf, v).square().sum(), leaf)[0]


def tangent_of_a_backward_pass(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    outputs = f(leaf)
    with forward_ad.dual_level():
        cotangent = forward_ad.make_dual(outputs.detach(), torch.ones_like(outputs))
        return tangent_of(torch.autograd.grad(outputs, leaf, cotangent)[0])


def many_cotangents(f: Layer, x: Tensor, v: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    outputs = f(leaf)
    basis = torch.stack([outputs.detach(), torch.ones_like(outputs), 2 * outputs.detach()])
    found = torch.autograd.grad(outputs, leaf, basis, is_grads_batched=True, create_graph=True)[0]
    return torch.autograd.grad(found.square().sum(), leaf)[0]


WAYS: dict[str, Callable[[Layer, Tensor, Tensor], Any]] = {
    "third": third,
    "forward mode": tangent,
    "forward over reverse": forward_over_reverse,
    "reverse over forward": reverse_over_forward,
    "forward mode of a backward pass": tangent_of_a_backward_pass,
    "many cotangents": many_cotangents,
    "jvp by double backward": lambda f, x, v: double_backward(f, x, v)[1],
    "hvp": lambda f, x, v: hvp(total(f), x, v)[1],
    "vhp": lambda f, x, v: vhp(total(f), x, v)[1],
    "jacobian": lambda f, x, v: jacobian(rows(f), x, vectorize=True),
    "jacobian in forward mode": lambda f, x, v: jacobian(rows(f), x, vectorize=True, strategy="forward-mode"),
    "hessian": lambda f, x, v: hessian(total(f), x, vectorize=True),
    "func.jvp": lambda f, x, v: jvp(f, (x,), (v,))[1],
    "func.jacrev": lambda f, x, v: jacrev(rows(f))(x),
    "func.jacfwd": lambda f, x, v: jacfwd(rows(f))(x),
    "func.hessian": lambda f, x, v: functional_hessian(total(f))(x),
    "func.jacfwd of jacfwd": lambda f, x, v: jacfwd(jacfwd(total(f)))(x),
    "func.jvp of grad": lambda f, x, v: jvp(grad(total(f)), (x,), (v,))[1],
    "func.grad of jvp": lambda f, x, v: grad(lambda x: jvp(total(f), (x,), (v,))[1])(x),
    "func.vjp of grad": lambda f, x, v: vjp(grad(total(f)), x)[1](v)[0],
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
PAIRS = [(ours, getattr(nn, ours.__name__)) for ours in (RNN, LSTM, GRU)]


@pytest.fixture
def exact() -> Iterator[None]:
    """Within it torch.nn's LSTM has derivatives of higher order."""
    before: Any = torch.backends.mkldnn.enabled
    torch._C._set_mkldnn_enabled(False)
    yield
    torch._C._set_mkldnn_enabled(before)


def pair(ours: Any, theirs: Any, **options: Any) -> list[nn.Module]:
    modules = []
    for cls in (ours, theirs):
        torch.manual_seed(3)
        modules.append(cls(2, 3, dtype=torch.float64, **options))
    return modules


@every_way
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time first", "batch first"])
def test_a_drop_in_has_the_derivatives_of_its_twin(
    way: Any, ours: Any, theirs: Any, batch_first: bool, exact: None
) -> None:
    x, v = torch.randn(2, 4, 2, 2, dtype=torch.float64)
    mine, other = pair(ours, theirs, batch_first=batch_first, num_layers=2 if batch_first else 1)
    found = way(lambda x: mine(x)[0], x, v)
    if way is WAYS["jacobian in forward mode"]:  # which torch.nn has not for all of them
        with plan.use("eager"):
            expected = way(lambda x: mine(x)[0], x, v)
    else:
        expected = way(lambda x: other(x)[0], x, v)
    assert_close(found, expected, "the derivative")


@every_way
@pytest.mark.parametrize("kind", ["gru_reset_before", "lstm_projected"])
def test_any_cell_has_the_derivatives_of_its_loop(way: Any, kind: str) -> None:
    layer = Recurrent(kind, 2, 3, bidirectional=True, dtype=torch.float64)
    x, v = torch.randn(2, 3, 4, 2, dtype=torch.float64)
    given = {"lengths": torch.tensor([4, 0, 2]), "resets": torch.rand(3, 4) < 0.3}
    found = way(lambda x: layer(x, **given)[0], x, v).detach()
    with plan.use("eager"):
        assert_close(found, way(lambda x: layer(x, **given)[0], x, v).detach(), "the derivative")


@pytest.mark.parametrize("frozen", [False, True], ids=["learning", "frozen"])
def test_tangents_of_weights_and_of_frozen_layers_are_kept(frozen: bool) -> None:
    layer = GRU(2, 3, dtype=torch.float64).requires_grad_(not frozen)
    x, v = torch.randn(2, 4, 2, 2, dtype=torch.float64)
    expected = jvp(lambda x: layer(x)[0], (x,), (v,))[1]
    assert_close(tangent(lambda x: layer(x)[0], x, v), expected, "the tangent")
    own = {name: value.detach() for name, value in layer.named_parameters()}
    along = {name: torch.randn_like(value) for name, value in own.items()}
    expected = jvp(lambda p: functional_call(layer, p, (x,))[0], (own,), (along,))[1]
    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(own[name], along[name]) for name in own}
        found = tangent_of(functional_call(layer, duals, (x,))[0])
    assert_close(found, expected, "the tangent")


def test_the_gradient_of_each_row_is_that_of_the_row_alone() -> None:
    layer, x = LSTM(2, 3, dtype=torch.float64), torch.randn(4, 3, 2, dtype=torch.float64)
    one = total(lambda row: layer(row[:, None])[0])
    found = vmap(functional_hessian(one), 1)(x)
    for i in range(3):
        assert_close(found[i], functional_hessian(one)(x[:, i]), f"the Hessian of row {i}")


@pytest.mark.parametrize("mode", ["forward mode", "of a derivative"])
def test_what_kernels_do_not_give_is_said_to_run_in_a_loop(mode: str) -> None:
    layer = GRU(2, 3)
    found: list[str] = []

    def look(x: Tensor) -> Tensor:
        executor, why = plan.explained(layer.stack()[0], (True, ()), x)
        found.append(f"{executor.name}, {why}")
        return x.sum()

    x = torch.ones(1, 2, 2)
    if mode == "forward mode":
        with forward_ad.dual_level():
            look(x)
    else:
        grad(grad(lambda s: look(s * x)))(torch.tensor(1.0))
    assert found == [f"eager, a derivative is taken {mode if mode != 'forward mode' else 'in forward mode'}"]
