"""Weights of bfloat16: where pairs are not multiplied the matrices stay so in memory, and all is float32."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
import torch
from cases import Case, Variant, given, variants
from guards import Guards, guarded, inference

from elman import LSTM
from elman.compiler import plan, scan
from elman.compiler.executors.llvm import LLVM
from elman.compiler.executors.llvm.run import Kernels

CASES = [
    Case(7, 3, 33, torch.float32, reverse=False, lengths=True, resets=True, bias=True),
    Case(5, 17, 5, torch.float32, reverse=True, lengths=False, resets=False, bias=False),
]


@pytest.fixture
def no_pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kernels of a machine that does not multiply pairs of bfloat16."""
    monkeypatch.setattr(LLVM, "kernels", lambda _, program, dtype: Kernels(program, dtype))
    scan._made.cache_clear()
    yield
    scan._made.cache_clear()


@pytest.mark.usefixtures("no_pairs")
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("variant", variants(), ids=str)
def test_it_is_float32_of_what_was_rounded(variant: Variant, case: Case) -> None:
    narrow = given(variant, case).to(torch.bfloat16)
    wide = narrow.to(torch.float32)
    assert torch.equal(inference(narrow), inference(wide).bfloat16())


def test_nothing_else_is_written() -> None:
    narrow = given(Variant("lstm", {}), CASES[0]).to(torch.bfloat16)
    with Guards() as guards:
        outputs = inference(guarded(narrow, guards))
    guards.check()
    assert torch.equal(outputs, inference(narrow))


def test_a_gradient_is_that_of_float32() -> None:
    layer, x = LSTM(3, 5).bfloat16(), torch.randn(4, 2, 3).bfloat16()
    assert plan.explained(layer.stack()[0], (True, ()), x.transpose(0, 1))[0].name == "llvm"
    layer(x)[0].float().square().sum().backward()
    truth = deepcopy(layer).float()
    truth(x.float())[0].square().sum().backward()
    for (name, rough), exact in zip(layer.named_parameters(), truth.parameters(), strict=True):
        assert rough.grad is not None
        assert exact.grad is not None
        assert rough.grad.dtype == torch.bfloat16
        # a few roundings of what goes in and comes out
        assert (rough.grad.float() - exact.grad).abs().max() < 0.02 * exact.grad.abs().max(), name
