"""What holds of numbers of sixteen bits, in the tensors themselves or by autocast, for every cell and every drop-in."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from cases import Case, Given, Variant, given, variants
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import elman
from elman.compiler import plan
from elman.testing.closeness import error

BFLOAT16, FLOAT16, FLOAT32 = torch.bfloat16, torch.float16, torch.float32
CASES = [
    Case(7, 3, 33, FLOAT32, reverse=False, lengths=True, resets=True, bias=True),
    Case(5, 17, 5, FLOAT32, reverse=True, lengths=False, resets=False, bias=False),
    Case(6, 4, 64, FLOAT32, reverse=True, lengths=True, resets=True, bias=True),
]
every_cell = pytest.mark.parametrize("variant", variants(), ids=str)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_twin = pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])


def autocast(dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    return nullcontext() if dtype is None else torch.autocast("cpu", dtype)


def pull(leaves: dict[str, Tensor], *results: Tensor) -> dict[str, Tensor]:
    """The gradient of every leaf, for fixed random weights that every format has."""
    numbers = torch.Generator().manual_seed(1)
    weights = [torch.randn(r.shape, generator=numbers).bfloat16().to(r.dtype) for r in results]
    found = torch.autograd.grad(results, list(leaves.values()), weights, materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


def results(some: Given, executor: str, cast: torch.dtype | None = None) -> dict[str, Tensor]:
    """Outputs, last states and all gradients by one executor."""
    with plan.use(executor), autocast(cast):
        outputs, final = some.cell(some.x, some.state, **some.run, **some.extras)
    final = (final,) if isinstance(final, Tensor) else final
    last = {f"final {name}": part for name, part in zip(some.cell.states, final, strict=True)}
    gradients = pull(some.leaves, outputs, *final)
    return {"outputs": outputs, **last, **{f"the gradient of {name}": g for name, g in gradients.items()}}


def runs_in_kernels(some: Given, cast: torch.dtype | None) -> bool:
    with autocast(cast):
        return plan.explained(some.cell, plan.mode_of(some.cell, some.extras), some.x)[0].name == "llvm"


def assert_no_worse(found: dict[str, Tensor], loop: dict[str, Tensor], exact: dict[str, Tensor]) -> None:
    """Fail unless all is of the loop's dtype, and as close to what is exact.

    Two ways of rounding differ by as much as each is off; and each is off by half a unit in the last place at least.
    """
    for name, value in found.items():
        assert value.dtype == loop[name].dtype, name
        unit = torch.finfo(BFLOAT16).eps
        limit = 2 * max(error(loop[name], exact[name]), unit)
        assert error(value, exact[name]) <= limit, (name, error(value, exact[name]), limit)


@every_case
@every_cell
def test_of_float16_all_is_float32_of_what_was_rounded(variant: Variant, case: Case) -> None:
    narrow = given(variant, case).to(FLOAT16)
    assert runs_in_kernels(narrow, None)
    wide = results(narrow.to(FLOAT32), "llvm")
    for name, value in results(narrow, "llvm").items():
        assert value.dtype == FLOAT16, name
        assert torch.equal(value, wide[name].half()), name


@pytest.mark.parametrize("cast", [None, BFLOAT16], ids=["module", "autocast"])
@every_case
@every_cell
def test_bfloat16_is_as_close_as_the_loop(variant: Variant, case: Case, cast: torch.dtype | None) -> None:
    narrow = given(variant, case).to(BFLOAT16)
    some = narrow.to(FLOAT32) if cast else narrow
    assert runs_in_kernels(some, cast)
    found, loop = results(some, "llvm", cast), results(some, "eager", cast)
    exact = results(narrow.to(torch.float64), "eager")
    if some.cell.smooth:
        assert_no_worse(found, loop, exact)
    else:  # a spike hangs on the last bit, and all that follows hangs on it
        assert [(n, t.dtype, t.shape) for n, t in found.items()] == [(n, t.dtype, t.shape) for n, t in loop.items()]
        assert all(value.isfinite().all() for value in found.values())


@every_cell
def test_under_autocast_a_sequence_may_be_cut_anywhere(variant: Variant) -> None:
    some = given(variant, replace(CASES[0], lengths=False, resets=False))
    with torch.no_grad(), autocast(BFLOAT16):
        whole, last = some.cell(some.x, some.state, **some.extras)
        state, parts = some.state, []
        for cut in (slice(0, 3), slice(3, 7)):
            extras = {name: value[:, cut] for name, value in some.extras.items()}
            part, state = some.cell(some.x[:, cut], state, **extras)
            parts.append(part)
    ends, cuts = ((t,) if isinstance(t, Tensor) else t for t in (last, state))
    if all(t.dtype == FLOAT32 for t in ends):  # a state of sixteen bits is rounded at the cut
        assert torch.equal(torch.cat(parts, 1), whole)
        assert all(map(torch.equal, ends, cuts))
    elif some.cell.smooth:
        assert error(torch.cat(parts, 1), whole.float()) <= 4 * torch.finfo(BFLOAT16).eps


WAYS: dict[str, tuple[torch.dtype, torch.dtype, torch.dtype | None, torch.dtype | None]] = {
    # of the module, of the input, of autocast, of the state
    "bfloat16": (BFLOAT16, BFLOAT16, None, None),
    "float16": (FLOAT16, FLOAT16, None, FLOAT16),
    "autocast": (FLOAT32, FLOAT32, BFLOAT16, None),
    "autocast, a state of bfloat16": (FLOAT32, FLOAT32, BFLOAT16, BFLOAT16),
    "autocast, an input of bfloat16": (FLOAT32, BFLOAT16, BFLOAT16, None),
    "autocast, both": (FLOAT32, BFLOAT16, BFLOAT16, FLOAT32),
    "autocast of a module of bfloat16": (BFLOAT16, FLOAT32, BFLOAT16, None),
    "autocast of float64": (torch.float64, torch.float64, BFLOAT16, None),
}
OPTIONS: list[dict[str, Any]] = [{}, {"num_layers": 2, "bidirectional": True}, {"proj_size": 2}]


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("way", WAYS)
@every_twin
def test_a_drop_in_has_the_formats_of_its_twin(name: str, way: str, options: dict[str, Any], packed: bool) -> None:
    if "proj_size" in options and name != "LSTM":
        return
    own, of_x, cast, of_state = WAYS[way]
    found: list[dict[str, Tensor]] = []
    kinds: list[Any] = [getattr(elman, name), getattr(nn, name)]
    for kind in [*kinds, kinds[1]]:
        exact = len(found) == 2
        torch.manual_seed(3)
        module = kind(3, 5, **options).to(own)
        x = torch.randn(6, 4, 3).to(own).to(of_x).requires_grad_()
        hx: Any = None
        if of_state is not None:
            cells = options.get("num_layers", 1) * (2 if "bidirectional" in options else 1)
            hx = torch.randn(cells, 4, options.get("proj_size", 5)).to(of_state)
            hx = (hx, torch.randn(cells, 4, 5).to(of_state)) if name == "LSTM" else hx
        if exact:
            module, x = module.double(), x.detach().double().requires_grad_()
            hx = tuple(t.double() for t in hx) if isinstance(hx, tuple) else None if hx is None else hx.double()
        with autocast(None if exact else cast), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the twin says that it is slow
            outputs, last = module(pack_padded_sequence(x, torch.tensor([6, 4, 4, 1])) if packed else x, hx)
        outputs = outputs.data if packed else outputs
        last = (last,) if isinstance(last, Tensor) else last
        gradients = pull({"x": x, **dict(module.named_parameters())}, outputs, *last)
        found.append({"outputs": outputs, **{f"last {i}": t for i, t in enumerate(last)}, **gradients})
    assert_no_worse(*found)


@every_twin
def test_a_loss_falls_as_in_float32(name: str) -> None:
    """The sign of a sum of what was seen, learnt in every format."""
    x = torch.randn(32, 12, 4, generator=torch.Generator().manual_seed(0))
    wanted = (x.sum((1, 2)) > 0).float()
    curves = {}
    for way, cast in (("float32", None), ("bfloat16", BFLOAT16), ("float16", FLOAT16)):
        torch.manual_seed(0)
        layer: Any = getattr(elman, name)(4, 16, batch_first=True)
        readout = nn.Linear(16, 1)
        optimiser = torch.optim.Adam([*layer.parameters(), *readout.parameters()], 0.01)
        scaler = torch.amp.GradScaler("cpu", enabled=cast == FLOAT16, init_scale=1024.0)
        losses = []
        for _ in range(60):
            with autocast(cast):
                logits = readout(layer(x)[0][:, -1])[:, 0]
                loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted)
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
            losses.append(loss.detach())
        curves[way] = torch.stack(losses)
    assert curves["float32"][-1] < 0.3 * curves["float32"][0]
    for way in ("bfloat16", "float16"):
        assert (curves[way] - curves["float32"]).abs().max() < 0.03, way


def test_infinite_gradients_of_float16_are_seen_by_a_scaler() -> None:
    layer, x = elman.GRU(3, 5), torch.randn(4, 2, 3)
    before = {name: p.clone() for name, p in layer.named_parameters()}
    optimiser = torch.optim.SGD(layer.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)
    with autocast(FLOAT16):
        outputs, _ = layer(x.half())
    scaler.scale(outputs.float().sum()).backward()
    scaler.step(optimiser)
    scaler.update()
    assert scaler.get_scale() == 2.0**99
    assert all(torch.equal(p, before[name]) for name, p in layer.named_parameters())


class Outputs(nn.Module):
    """The outputs of a layer."""

    def __init__(self, layer: nn.Module, cast: torch.dtype | None) -> None:
        super().__init__()
        self.layer, self.cast = layer, cast

    def forward(self, x: Tensor) -> Tensor:
        with autocast(self.cast):
            return self.layer(x)[0]


def compiled(module: nn.Module, x: Tensor) -> Any:
    return torch.compile(module, backend="aot_eager", fullgraph=True)


def traced(module: nn.Module, x: Tensor) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(module, (x,), check_trace=False)


@pytest.mark.parametrize("cast", [None, BFLOAT16], ids=["module", "autocast"])
@pytest.mark.parametrize("through", [compiled, traced])
@every_twin
def test_what_is_compiled_or_traced_gives_the_same(
    name: str, through: Callable[..., Any], cast: torch.dtype | None
) -> None:
    layer: Any = getattr(elman, name)(3, 5, bidirectional=True).to(FLOAT32 if cast else BFLOAT16)
    x = torch.randn(6, 4, 3).to(FLOAT32 if cast else BFLOAT16).requires_grad_()
    module = Outputs(layer, cast)
    expected, found = module(x), through(module, x)(x)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)
    leaves = {"x": x, **dict(layer.named_parameters())}
    gradients = pull(leaves, expected)
    for leaf, gradient in pull(leaves, found).items():
        assert gradient.dtype == leaves[leaf].dtype
        # what reaches an input from two directions is added before it is rounded, or afterwards
        assert error(gradient, gradients[leaf]) <= torch.finfo(BFLOAT16).eps, leaf


@pytest.mark.parametrize("cast", [None, BFLOAT16], ids=["module", "autocast"])
def test_transforms_and_second_derivatives_are_those_of_float32(cast: torch.dtype | None) -> None:
    narrow = elman.GRU(3, 5).to(BFLOAT16)
    wide = elman.GRU(3, 5, dtype=torch.float64)
    wide.load_state_dict({name: p.double() for name, p in narrow.state_dict().items()})
    x = torch.randn(2, 6, 4, 3).bfloat16()
    layer = elman.GRU(3, 5) if cast else narrow
    layer.load_state_dict(narrow.state_dict())

    def total(layer: nn.Module, cast: torch.dtype | None) -> Callable[[Tensor], Tensor]:
        def function(x: Tensor) -> Tensor:
            with autocast(cast):
                return layer(x)[0].double().square().sum()

        return function

    def sharpness(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda x: torch.func.grad(f)(x).square().sum()

    ours, truth = total(layer, cast), total(wide, None)
    own = x.to(FLOAT32 if cast else BFLOAT16)
    asked: dict[str, Callable[[Any, Tensor], Any]] = {
        "vmap": lambda f, x: torch.func.vmap(f)(x),
        "grad": lambda f, x: torch.func.vmap(torch.func.grad(f))(x),
        "jvp": lambda f, x: torch.func.jvp(f, (x[0],), (x[1],))[1],
        "second": lambda f, x: torch.func.grad(sharpness(f))(x[0]),
        "twice": lambda f, x: torch.autograd.functional.hvp(f, x[0], x[1])[1],
    }
    for name, ask in asked.items():
        exact = ask(truth, x.double())
        # sums of 6 x 4 x 5 terms, each off by a unit in the last place
        limit = torch.finfo(BFLOAT16).eps * 120**0.5 / 2
        assert error(ask(ours, own), exact) <= limit, name


def test_what_autocast_does_not_cast_is_refused() -> None:
    layer = elman.GRU(3, 5, dtype=torch.float64)
    with autocast(BFLOAT16), pytest.raises(elman.ElmanError, match=r"weights of torch\.float64"):
        layer(torch.randn(4, 2, 3))
    with autocast(BFLOAT16), pytest.raises(elman.ElmanError, match=r"an input of torch\.int64"):
        elman.GRU(3, 5)(torch.zeros(4, 2, 3, dtype=torch.int64))
