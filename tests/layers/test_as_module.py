"""What PyTorch does with any module, done with a drop-in: it is saved, counted, watched and moved as its twin is."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode

from elman.layers import GRU, LSTM, RNN
from elman.testing import assert_close

every_drop_in = pytest.mark.parametrize("make", [RNN, LSTM, GRU])


def outputs(module: nn.Module, x: Tensor) -> Tensor:
    return module(x)[0]


def both(make: Any) -> tuple[Any, Any]:
    layer, twin = make(3, 5, 2), getattr(nn, make.__name__)(3, 5, 2)
    twin.load_state_dict(layer.state_dict())
    return layer, twin


@every_drop_in
def test_a_file_of_it_names_its_class_alone(make: Any) -> None:
    layer, x = make(3, 5, 2), torch.randn(7, 4, 3)
    expected = outputs(layer, x)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    named = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    assert named == [f"{make.__module__}.{make.__name__}"]
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=make.__name__):
        torch.load(file, weights_only=True)
    file.seek(0)
    with torch.serialization.safe_globals([make]):
        assert torch.equal(outputs(torch.load(file, weights_only=True), x), expected)


@every_drop_in
def test_what_its_twin_pickled_is_read_into_it(make: Any) -> None:
    twin = getattr(nn, make.__name__)(3, 5, 2)
    layer, x = make.__new__(make), torch.randn(7, 4, 3)
    layer.__setstate__(copy.deepcopy(twin.__getstate__()))
    assert list(layer.state_dict()) == list(twin.state_dict())
    assert_close(outputs(layer, x), outputs(twin, x), "outputs")


@every_drop_in
@pytest.mark.filterwarnings("ignore:.*torch.jit.* (is|are) deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_trace_passes_its_own_check_and_has_gradients(make: Any) -> None:
    layer, x = make(3, 5, 2), torch.randn(7, 4, 3)
    traced: Any = torch.jit.trace(layer, x)  # which runs it again, without derivatives, and wants the same graph
    other = torch.randn(7, 4, 3)
    assert_close(traced(other)[0], outputs(layer, other), "outputs")
    outputs(layer, other).sum().backward()
    expected = [parameter.grad for parameter in layer.parameters()]
    layer.zero_grad()
    traced(other)[0].sum().backward()
    for gradient, parameter in zip(expected, layer.parameters(), strict=True):
        assert_close(parameter.grad, gradient, "gradient")


@every_drop_in
def test_its_products_are_counted(make: Any) -> None:
    layer, twin = both(make)
    x, rows = torch.randn(7, 4, 3), layer.weight_hh_l0.shape[0]
    counted = []
    for module in (layer, twin):
        with FlopCounterMode(display=False) as counter:
            outputs(module, x)
        counted.append(counter.get_total_flops())
    products = 2 * 7 * 4 * rows * (3 + 5 + 5 + 5)
    assert counted == [products, 0 if make is LSTM else products]  # PyTorch does not look into its LSTM
    with FlopCounterMode(display=False) as counter:
        outputs(layer, x).sum().backward()
    assert counter.get_total_flops() == 3 * products
    with FlopCounterMode(display=False) as counter:
        layer(x, save="lean")[0].sum().backward()
    assert counter.get_total_flops() == 4 * products


@every_drop_in
def test_hooks_see_one_module(make: Any) -> None:
    x = torch.randn(7, 4, 3, requires_grad=True)
    found = []
    for module in both(make):
        seen: list[Any] = []
        module.register_full_backward_hook(lambda _, given, taken, seen=seen: seen.append((len(given), len(taken))))
        handle = register_module_forward_hook(lambda called, *_, seen=seen: seen.append(type(called).__name__))
        try:
            outputs(module, x).sum().backward()
        finally:
            handle.remove()
        found.append(seen)
    assert found[0] == found[1]
    assert found[0][0] == make.__name__


@every_drop_in
def test_has_shapes_where_there_are_no_numbers(make: Any) -> None:
    with torch.device("meta"):
        layer = make(3, 5, 2, bidirectional=True)
    found, state = layer(torch.empty(7, 4, 3, device="meta"))
    assert found.is_meta
    assert found.shape == (7, 4, 10)
    assert all(part.shape == (4, 4, 5) for part in ((state,) if isinstance(state, Tensor) else state))
    layer.to_empty(device="cpu")
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 0.1)
    twin = getattr(nn, make.__name__)(3, 5, 2, bidirectional=True)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(7, 4, 3)
    assert_close(outputs(layer, x), outputs(twin, x), "outputs")


@every_drop_in
def test_hooks_of_the_state_dict_see_what_those_of_its_twin_see(make: Any) -> None:
    found = []
    for module in both(make):
        seen: list[Any] = []
        module.register_state_dict_pre_hook(lambda _, prefix, keep, seen=seen: seen.append((prefix, keep)))
        module.register_state_dict_post_hook(lambda _, state, *__, seen=seen: seen.append(list(state)))
        module.register_load_state_dict_pre_hook(lambda _, state, *__, seen=seen: seen.append(list(state)))
        module.register_load_state_dict_post_hook(lambda _, keys, seen=seen: seen.append(str(keys)))
        state = module.state_dict()
        changed = {**state, "unknown": torch.zeros(1)}
        del changed["bias_hh_l0"]
        seen.append(str(module.load_state_dict(changed, strict=False)))
        for wrong in (changed, {**state, "weight_hh_l0": torch.zeros(2)}):
            with pytest.raises(RuntimeError) as raised:
                module.load_state_dict(wrong)
            seen.append(str(raised.value))
        found.append([seen, dict(state._metadata)])
    assert found[0] == found[1]


@every_drop_in
def test_looks_like_its_twin_where_a_weight_is_parametrized(make: Any) -> None:
    class Double(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return 2 * weight

        def right_inverse(self, weight: Tensor) -> Tensor:
            return weight / 2

    x, found = torch.randn(7, 4, 3), []
    for module in both(make):
        parametrize.register_parametrization(module, "weight_hh_l0", Double())
        module.weight_hh_l0 = torch.ones_like(module.weight_hh_l0)
        with parametrize.cached():
            found.append((outputs(module, x), repr(module), list(module.state_dict())))
    (own, *looks), (other, *expected) = found
    assert looks == expected
    assert_close(own, other, "outputs")
