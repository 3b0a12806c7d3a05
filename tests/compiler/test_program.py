"""A step as a Program: read, fused and derived, each held to PyTorch's own derivatives of the step itself."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cases
import programs
import pytest
import torch
import torch.nn.functional as F
from cases import Variant
from programs import Throwaway
from torch import Tensor, nn
from torch.func import functional_call, jvp

from elman.cells import Cell
from elman.compiler.contract import NotCompilable
from elman.compiler.derive import adjoint, tangent, trajectory
from elman.compiler.fuse import fuse
from elman.compiler.program import Program
from elman.compiler.reading import read
from elman.compiler.trace import Traced
from elman.errors import ElmanError
from elman.testing import assert_close

BATCH, HIDDEN = 2, 4
Optional = Tensor | None

every_step = pytest.mark.parametrize("kind", [*cases.variants(), *programs.THROWAWAY], ids=str)


class Stepper(nn.Module):
    """One step of a cell as the call of a module."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, *args: Tensor, **extras: Tensor) -> tuple[Tensor, ...]:
        return self.cell.step(*args, **extras)


class Step(NamedTuple):
    """A cell's step with everything it is a function of, and its Program."""

    cell: Cell
    inputs: dict[str, Tensor]  # x, states and extra inputs by the Program's names
    parameters: dict[str, Tensor]
    traced: Traced

    def run(self, *values: Tensor) -> tuple[Tensor, ...]:
        """The results of the cell's own step, from all inputs and parameters in order."""
        given = dict(zip([*self.inputs, *self.parameters], values, strict=True))
        extras = {n.removeprefix("extra "): given.pop(n) for n in self.inputs if n.startswith("extra")}
        args = tuple(given.pop(n) for n in self.inputs if n in given)
        return functional_call(Stepper(self.cell), {f"cell.{n}": p for n, p in given.items()}, args, extras)

    @property
    def values(self) -> tuple[Tensor, ...]:
        return *self.inputs.values(), *self.parameters.values()

    def operands(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """The Program's operands from parameters, with autograd."""
        found = [parameters[path] for path in self.traced.sources]
        made = found if self.traced.prologue is None else self.traced.prologue(*found)
        return dict(zip(self.traced.program.operands, made, strict=True))


@pytest.fixture
def step(kind: Variant | Throwaway) -> Step:
    cell = kind.make(3, HIDDEN, dtype=torch.float64)
    extras = cases.random_extras(cell, BATCH)
    inputs = {"x": torch.randn(BATCH, len(cell.weight_ih), dtype=torch.float64)}
    inputs |= {f"state {n}": s for n, s in zip(cell.states, cases.random_state(cell, BATCH), strict=True)}
    inputs |= {f"extra {n}": s for n, s in extras.items()}
    traced = read(cell, tuple((n, s.shape[-1]) for n, s in extras.items()))
    return Step(cell, inputs, {n: p.detach() for n, p in cell.named_parameters()}, traced)


def names(program: Program) -> list[str]:
    return ["output", *(f"state:{name}" for name in program.states)]


def assert_all_close(found: dict[str, Tensor], expected: dict[str, Tensor], what: str) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(found[name], value, f"{what} {name}")


def random_like(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.randn_like(value) for name, value in tensors.items()}


def leaves_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone().requires_grad_() for name, value in tensors.items()}


@every_step
def test_it_computes_the_step(step: Step) -> None:
    program, operands = step.traced.program, step.operands(step.parameters)
    expected = dict(zip(names(program), step.run(*step.values), strict=True))
    read = Program.read(program.text)
    assert read == program
    for some in (program, fuse(program), read):
        assert_all_close(programs.evaluate(some, step.inputs, operands).results, expected, "the result")
    whole = programs.evaluate(fuse(trajectory(program)), step.inputs, operands).results
    assert_close(whole.pop("output"), torch.cat(list(expected.values()), -1), "the trajectory")
    assert_all_close(whole, {n: v for n, v in expected.items() if n != "output"}, "the result")


def assert_adjoint(
    program: Program, inputs: dict[str, Tensor], operands: dict[str, Tensor], results: dict[str, Tensor],
    leaves: Mapping[Any, Tensor],
) -> None:  # fmt: skip
    """Hold a Program's adjoint to the gradients of ``results`` by ``leaves``, which all else was made from."""
    cotangents = random_like(results)
    expected = torch.autograd.grad(
        list(results.values()), list(leaves.values()), list(cotangents.values()),
        materialize_grads=True, retain_graph=True,
    )  # fmt: skip
    fused = fuse(program)
    back = adjoint(fused)
    made = {**inputs, **operands}
    reached = [name for name, value in made.items() if value.requires_grad]
    for some in (back, fuse(back)):
        with torch.no_grad():
            pulled = programs.pull(fused, some, inputs, operands, cotangents)
        assert pulled.keys() == made.keys()
        found = torch.autograd.grad(
            [made[n] for n in reached], list(leaves.values()), [pulled[n] for n in reached],
            materialize_grads=True, retain_graph=True,
        )  # fmt: skip
        for name, value, right in zip(leaves, found, expected, strict=True):
            assert_close(value, right, f"the gradient of {name}")


@every_step
def test_its_adjoint_is_its_gradient(step: Step) -> None:
    inputs, parameters = leaves_of(step.inputs), leaves_of(step.parameters)
    program = step.traced.program
    results = dict(zip(names(program), step.run(*inputs.values(), *parameters.values()), strict=True))
    assert_adjoint(program, inputs, step.operands(parameters), results, {**inputs, **parameters})


def plain_layer_norm(x: Tensor, shape: Any, gain: Optional, shift: Optional, eps: float = 1e-5) -> Tensor:
    """In place of PyTorch's own, whose ``jvp`` has a wrong derivative."""
    center = x - x.mean(-1, keepdim=True)
    x = center * torch.rsqrt(center.square().mean(-1, keepdim=True) + eps)
    x = x if gain is None else x * gain
    return x if shift is None else x + shift


@every_step
def test_its_tangent_is_its_derivative_along_a_direction_and_has_an_adjoint(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(F, "layer_norm", plain_layer_norm)
    inputs, parameters = leaves_of(step.inputs), leaves_of(step.parameters)
    d_inputs, d_parameters = leaves_of(random_like(inputs)), leaves_of(random_like(parameters))
    values, directions = (*inputs.values(), *parameters.values()), (*d_inputs.values(), *d_parameters.values())
    results, (output, *changes) = jvp(step.run, values, directions)[:2]
    states = names(step.traced.program)[1:]
    expected = {"output": output, **dict(zip(states, results[1:], strict=True))}
    expected |= {n.replace(":", ":d:"): change for n, change in zip(states, changes, strict=True)}

    def operands_of(*values: Tensor) -> tuple[Tensor, ...]:
        return tuple(step.operands(dict(zip(parameters, values, strict=True))).values())

    operands = step.operands(parameters)
    if operands:  # jvp does not take a function without results
        d_operands = jvp(operands_of, tuple(parameters.values()), tuple(d_parameters.values()))[1]
        operands |= {f"d:{n}": d for n, d in zip(list(operands), d_operands, strict=True)}
    given = {"x": torch.cat([inputs.pop("x"), d_inputs.pop("x")], -1), **inputs}
    given |= {n.replace(" ", " d:"): d for n, d in d_inputs.items()}

    program = tangent(step.traced.program)
    for some in (program, fuse(program)):
        assert_all_close(programs.evaluate(some, given, operands).results, expected, "the derivative of")
    assert_adjoint(program, given, operands, expected, dict(enumerate([*values, *directions])))


class Doubled(torch.autograd.Function):
    """Twice as much, and a derivative that a reader of what it does would not find."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Tensor:
        return 3 * cotangents[0]


class Refused(Cell):
    """A step with one thing in it that is no recurrence of ours, named by ``kind``."""

    gates = ("h",)

    def __init__(self, kind: str) -> None:
        super().__init__(3, 4)
        self.kind, self.elsewhere = kind, torch.ones(4)

    def step(self, x: Tensor, h: Tensor) -> Any:
        u = x + self.recurrent(h)
        match self.kind:
            case "branch":
                u = u if u[0, 0] > 0 else x
            case "number":
                u = u * float(h[0, 0])
            case "operation":
                u = torch.sort(u).values
            case "index":
                u = u[:, h[0].long()]
            case "row":
                u = u[0]
            case "nothing":
                u = u + u[..., 4:].sum(-1, keepdim=True)
            case "outer":
                u = F.linear(u, h)
            case "matmul":
                u = u @ x
            case "mismatch":
                u = F.linear(torch.cat([u, h], -1), self.weight_hh)
            case "matmul mismatch":
                u = torch.cat([u, h], -1) @ self.weight_hh
            case "columns":
                u = u + torch.cat([u, h], -1)
            case "batch sum":
                u = u - u.mean(0, keepdim=True)
            case "in place":
                h.mul_(2)
            case "shared":
                u = u.mul_(2) + u[:, :1].mul_(2) + u
            case "random":
                u = u * torch.rand_like(u)
            case "dropout":
                u = F.dropout(u)
            case "asked":
                u = u * float(self.weight_hh[0, 0])
            case "decided":
                u = u if self.weight_hh[0, 0] > 0 else x
            case "whole":
                u = u.long().float()
            case "numbers":
                u = u * torch.tensor([1.0, 2.0, 3.0, 4.0])
            case "elsewhere":
                u = u * self.elsewhere
            case "own derivative":
                u = 1 + Doubled.apply(u)
            case "fixed in place":
                u = u * self.weight_hh[0].mul_(2)
            case "assigned":
                u[..., 0] = 0
            case "power":
                u = u**h
            case "too many":
                return u, u, u
            case "no state":
                return u
            case "width":
                return u, torch.cat([u, u], -1)
            case "attribute":
                u = self.absent * u  # pyright: ignore[reportOperatorIssue]
        return u, u


REFUSALS = {
    "branch": "what it gives is not a row for each sequence of the batch",
    "number": "what it gives is not a row for each sequence of the batch",
    "operation": "sort is not among what the compiler can read",
    "index": "what it gives is not a row for each sequence of the batch",
    "row": "what it gives is not a row for each sequence of the batch",
    "nothing": "a slice without columns",
    "outer": "a product by something that changes over time",
    "matmul": "a product by something that changes over time",
    "mismatch": "a product of a row of 8 with a matrix of [4, 4]",
    "matmul mismatch": "a product of a row of 8 with a matrix of [4, 4]",
    "columns": "an operation of [batch, 4] and [batch, 8]",
    "batch sum": "a sum over the units is over their axis, as sum(-1), and this one is over the batch",
    "in place": "mul_ changes an input of the step in its place",
    "shared": "a tensor was changed by mul_ through another one that shares its memory",
    "random": "rand_like draws random numbers",
    "dropout": "dropout draws random numbers",
    "asked": "the value of a tensor is asked for",
    "decided": "the value of a tensor is asked for",
    "whole": "long is not among what the compiler can read",
    "numbers": "tensor makes a tensor of numbers; give it to the module as a buffer",
    "elsewhere": "a tensor that is neither a parameter, a buffer nor made from them and the inputs",
    "own derivative": "Doubled has a derivative of its own",
    "fixed in place": "mul_ changes what does not change over time",
    "assigned": "__setitem__ is not among what the compiler can read",
    "power": "a power by something that is not a number",
    "attribute": "no attribute 'absent'",
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_it_cannot_read_is_named_with_its_line(kind: str) -> None:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, 1) if text.strip() == f'case "{kind}":') + 1
    with pytest.raises(NotCompilable) as caught:
        read(Refused(kind))
    assert REFUSALS[kind] in str(caught.value)
    assert re.search(rf"test_program\.py:{line}\b", str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("too many", "gives 3 values where 2 are right"),
        ("no state", "gives one value and no tuple"),
        ("width", "gives the new h of [batch, 8] where [batch, 4] is right"),
    ],
)
def test_results_that_are_no_output_and_states_are_refused(kind: str, says: str) -> None:
    line = next(
        i
        for i, text in enumerate(Path(__file__).read_text().splitlines(), 1)
        if text.strip().startswith("def step(self, x: Tensor, h: Tensor) -> Any")
    )
    message = f"test_program.py:{line}: Refused.step returns (output, new h), and this one {says}"
    with pytest.raises(ElmanError, match=re.escape(message)):
        read(Refused(kind))
