"""Every function of PyTorch that a step may call, held to PyTorch itself: values and gradients."""

import re
from typing import Any

import programs
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from elman import adopt
from elman.compiler import plan, vocabulary
from elman.compiler.contract import NotCompilable
from elman.compiler.derive import adjoint
from elman.compiler.fuse import fuse
from elman.compiler.interpret import step_of
from elman.compiler.program import Program
from elman.compiler.trace import attribute, trace
from elman.testing import assert_close
from elman.testing.cases import Case, given
from tests.cases import assert_equal_to_the_loop
from tests.compiler.functions import FORMULAS, SIZE, Fixed, Formula, heads

# zero, halves, and where the derivatives of clamp, hardtanh, hardsigmoid, relu6, softplus and others jump
AWKWARD = [
    [0.0, -0.5, 0.5, 1.5, -2.5, 2.5],
    [-3.0, 3.0, -1.0, 1.0, 6.0, -6.0],
    [-7.0, 9.0, 0.1, -0.1, 19.0, -19.0],
    [0.7, -0.7, 1e-9, -1e-9, 2.0, -2.0],
]


# where PyTorch rounds a constant to 32 bits
TRUTH: dict[str, Any] = dict.fromkeys(
    ["F.hardsigmoid", "F.hardsigmoid in place"],
    lambda x, h: (torch.where(x.abs() < 3, x / 6 + 0.5, (x > 0).double()), h),
)


class Written(nn.Module):
    """A step that is a formula."""

    states = ("h",)
    state_sizes = (SIZE,)

    def __init__(self, formula: Formula, output_size: int) -> None:
        super().__init__()
        self.fixed, self.formula, self.output_size = Fixed(), formula, output_size

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.formula(x, h, self.fixed).reshape(len(x), -1), h


def inputs() -> tuple[Tensor, Tensor]:
    x = torch.tensor(AWKWARD, dtype=torch.float64)
    return x, torch.randn(*x.shape, dtype=torch.float64)


def written(formula: Formula) -> Written:
    with torch.no_grad():
        return Written(formula, formula(*inputs(), Fixed()).reshape(len(AWKWARD), -1).shape[1])


@pytest.mark.parametrize(
    "product",
    [
        lambda h, p: torch.einsum("bhi,hoi->bho", heads(h), p.blocks),
        lambda h, p: torch.einsum("hio,bhi->bho", p.blocks, heads(h)),
        lambda h, p: torch.bmm(heads(h).transpose(0, 1), p.blocks).transpose(0, 1),
        lambda h, p: (p.blocks @ heads(h).unsqueeze(-1)).squeeze(-1),
        lambda h, p: torch.nn.functional.linear(heads(h), p.inner),
    ],
    ids=["einsum", "einsum from the left", "bmm", "matmul", "linear"],
)
def test_a_product_by_heads_is_one_of_blocks(product: Any) -> None:
    traced = trace(written(lambda x, h, p: product(h, p).flatten(1) + x), SIZE, {"h": SIZE}, {})
    assert list(traced.program.operands.values()) == [(3, 2, 2)]


@pytest.mark.parametrize("lift", [False, True], ids=["projected", "raw"])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_function_is_what_it_comes_to(name: str, lift: bool) -> None:
    module = written(FORMULAS[name])
    traced = trace(module, SIZE, {"h": SIZE}, {}, lift=lift)
    assert Program.read(traced.program.text) == traced.program
    leaves = [each.requires_grad_() for each in inputs()]
    operands = dict(zip(traced.program.operands, traced.evaluate(module), strict=True))
    x, h = leaves
    given = {"x": x, "state h": h}
    if traced.projection is not None:
        paths, make = traced.projection
        given["x"] = x @ make(*(attribute(module, path) for path in paths))[0].t()
    found, _ = step_of(traced.program, operands)(given["x"], h)
    expected, _ = TRUTH.get(name, module.step)(x, h)
    assert_close(found, expected, name)

    results = {"output": expected, "state:h": h}
    cotangents = {of: torch.linspace(-1, 2, r.numel(), dtype=r.dtype).reshape(r.shape) for of, r in results.items()}
    fused = fuse(traced.program)
    with torch.no_grad():
        pulled = programs.pull(fused, adjoint(fused), given, operands, cotangents)
    named = {"x": x, "h": h, **dict(module.named_parameters())}
    right = pull(list(results.values()), list(named.values()), list(cotangents.values()))
    own = pull([given["x"], h, *operands.values()], list(named.values()), list(pulled.values()))
    for of, value, wanted in zip(named, own, right, strict=True):
        assert_close(value, wanted, f"the gradient of {name} by {of}")


def pull(results: list[Tensor], leaves: list[Tensor], cotangents: list[Tensor]) -> tuple[Tensor, ...]:
    reached = [n for n, result in enumerate(results) if result.requires_grad]
    return torch.autograd.grad(
        [results[n] for n in reached], leaves, [cotangents[n] for n in reached], materialize_grads=True,
        retain_graph=True,
    )  # fmt: skip


class Names(TorchFunctionMode):
    """Keeps the names of the functions that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = vocabulary.name_of(func)
        plain = name.strip("_") if name.startswith("__") else name.removesuffix("_")
        self.seen |= {plain, vocabulary._ALSO.get(plain, plain)}
        return func(*args, **(kwargs or {}))


def test_every_name_is_tried() -> None:
    names = Names()
    for formula in FORMULAS.values():
        with names, torch.no_grad():
            formula(*inputs(), Fixed())
    table = {*vocabulary._HANDLERS, *vocabulary.MADE_OF, *vocabulary._ALSO}
    assert not table - names.seen, f"tests/compiler/functions.py has nothing with {sorted(table - names.seen)}"


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (lambda x, h, p: torch.cumsum(h, 0), "over the batch"),
        (lambda x, h, p: h - h.mean(0), "over the batch"),
        (lambda x, h, p: torch.softmax(h, 0), "over the batch"),
        (lambda x, h, p: h.flip(0), "it mixes the sequences of a batch"),
        (lambda x, h, p: h.roll(1), "it mixes the sequences of a batch"),
        (lambda x, h, p: h @ x.t() @ h, "a product by something that changes over time"),
        (lambda x, h, p: ((x > 0) + (h > 0)).to(x.dtype), "a sum of what is true or false"),
        (lambda x, h, p: (x > 0).sum(1, keepdim=True) * h, "and a Program computes with floats"),
        (lambda x, h, p: torch.nan_to_num(x) + h, "nan_to_num without posinf and neginf"),
        (lambda x, h, p: (x.abs() + 1) ** h, "a power by something that is not a number"),
        (lambda x, h, p: h.norm() * x, "a norm other than the Euclidean one of an axis"),
        (lambda x, h, p: h.round(decimals=2) + x, "round to decimals"),
        (lambda x, h, p: h.gather(1, torch.zeros(len(h), 1, dtype=torch.long)) + x, "gather is not among"),
    ],
)
def test_what_a_program_cannot_say_is_refused(formula: Formula, says: str) -> None:
    module = Written(formula, SIZE)
    with pytest.raises(NotCompilable, match=re.escape(says)):
        trace(module, SIZE, {"h": SIZE}, {})


# in 32 bits they are others, or they jump
NOT_TOGETHER = ("as it is", "a mask", "//", "floor", "round", "remainder", "fmod", "trunc", "ceil", "frac", "sign",
                "F.hardsigmoid")  # fmt: skip
TOGETHER = [name for name in FORMULAS if not name.startswith(NOT_TOGETHER)]
GROUPS = [TOGETHER[n::12] for n in range(12)]


class Together(nn.Module):
    """A cell whose step is the mean of many formulas."""

    hidden_size = SIZE

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names, self.fixed = names, Fixed()

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        s = h + self.fixed.k + 0.13  # away from zero, of which a norm has no derivative
        found = [FORMULAS[name](x, s, self.fixed).reshape(len(x), -1) for name in self.names]
        return torch.stack([torch.tanh(0.1 * each).mean(1) for each in found], 1).mean(1, True) + 0.1 * h + 0.1 * x


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_many_functions_together_run_in_kernels(group: int, dtype: torch.dtype) -> None:
    names = GROUPS[group]

    def make(input_size: int, hidden_size: int, *, bias: bool, dtype: torch.dtype) -> Any:
        return adopt(Together(names).to(dtype), input_size=SIZE)

    some = given(make, Case(3, 4, SIZE, dtype, reverse=True, lengths=True, resets=True, bias=True), SIZE)
    assert plan.explained(some.cell, plan.mode_of(some.cell, {}), some.x)[0].name == "llvm"
    assert_equal_to_the_loop(some)
