"""Explanations say what is so: their lines compute the step, and their numbers are those of the kernels."""

import json
import re
from collections.abc import Callable
from typing import Any

import cases
import pytest
import torch
import torch.nn.functional as F
from cases import Variant
from commands import refused
from programs import Odd
from torch import Tensor, nn

import elman
from elman import ElmanError, cells
from elman.cells import Cell
from elman.cli.main import main
from elman.compiler import plan
from elman.compiler.executors.llvm import run
from elman.compiler.executors.llvm.account import tiles
from elman.compiler.executors.llvm.host import host
from elman.compiler.ops import blocks
from elman.compiler.reading import read
from elman.compiler.trace import attribute
from elman.compiler.wording import words
from elman.testing import assert_close

FUNCTIONS: dict[str, Any] = {
    name: getattr(torch, name) for name in "sigmoid tanh exp expm1 relu sqrt rsqrt sign abs detach".split()
} | {
    "softplus": F.softplus,
    "maximum": lambda a, b: torch.maximum(torch.as_tensor(a, dtype=torch.float64), b),
    "where": lambda c, a, b: torch.where(c != 0, a, b),
    "sum": lambda v: v.sum(-1, keepdim=True),
    "blocks": blocks,
}


def computed(lines: list[str], known: dict[str, Any], widths: dict[str, int]) -> None:
    """Run the lines as Python, with ``f~`` as ``f_`` and ``h'`` as ``h_new``; a product goes to several names."""
    for line in lines:
        left, sign, right = re.split(r" (\+?=) ", line.replace("~", "_").replace("'", "_new"), maxsplit=1)
        value = eval(right.replace("\n", " "), {**FUNCTIONS, **known})
        names = left.split(", ")
        sizes = [widths[name] for name in names] if len(names) > 1 else [len(value)]
        for name, part in zip(names, value.split(sizes), strict=True):
            known[name] = part if sign == "=" else known[name] + part


@pytest.mark.parametrize("variant", cases.variants(), ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_the_lines_compute_the_step(variant: Variant, bias: bool) -> None:
    says_what_it_computes(variant.make(hidden_size=4, bias=bias, dtype=torch.float64))


@pytest.mark.parametrize(
    "new",
    [
        lambda c, x, h: x - (h - (c.scale - 2)),
        lambda c, x, h: x / ((h + 2) * c.scale / (3 + x)) / (h + 5),
        lambda c, x, h: -(x + h) * -h - -(x * h),
        lambda c, x, h: (x > h) * 2.0 + ((x > 0) == (h > 0)) - (x * -3),
        lambda c, x, h: x + h @ c.weight_hh + c.recurrent(x + h),
        lambda c, x, h: (x + h) * (c.scale * 3).exp() * (c.scale - (c.scale + c.bias_hh)),
    ],
)
def test_the_lines_have_their_parentheses(new: Callable[..., Tensor]) -> None:
    says_what_it_computes(Odd(new).double())


def says_what_it_computes(cell: Cell) -> None:
    state, extras = cases.random_state(cell, 1), cases.random_extras(cell, 1)
    traced = read(cell, tuple((name, value.shape[-1]) for name, value in extras.items()))
    lines = words(traced, cell.gates, cell.bias_ih is not None)
    x = torch.randn(1, 3, dtype=torch.float64)
    known: dict[str, Any] = {name: part[0] for name, part in zip(cell.states, state, strict=True)}
    known |= {name: attribute(cell, name) for name, _ in cell.named_parameters()}
    known |= {"x": x[0], **{name: value[0] for name, value in extras.items()}}
    widths = {f"{mark}{gate}{tail}": 4 for gate in cell.gates for mark in ("", "x_", "h_") for tail in ("", "_")}
    widths |= {f"p{k}": 4 for k in range(9)}
    for part in lines.values():
        computed(part, known, widths)
    output, *new = cell.step(cell.project(x), *state, **extras)
    assert_close(known["output"][None], output, "output")
    for name, right in zip(cell.states, new, strict=True):
        assert_close(known[f"{name}_new"][None], right, name)


@pytest.mark.parametrize(("batch", "time", "count"), [(1, 7, 2), (5, 100, 2), (16, 9, 1), (33, 40, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_its_numbers_are_those_of_the_call(
    batch: int, time: int, count: int, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = cells.load("gru")(6, 40)
    part = elman.explain(cell, batch, time, training=training, threads_wanted=count).parts[0]
    assert part.kernel is not None
    seen: dict[str, Any] = {}
    make = run.Workspace.__init__

    def watched(self: Any, compiled: Any, packed: Any, pairs: bool, rows: Any, features: int, block: int) -> None:
        seen.setdefault("call", (rows.threads, block, max(rows.first[1:] - rows.first[:-1])))
        make(self, compiled, packed, pairs, rows, features, block)

    monkeypatch.setattr(run.Workspace, "__init__", watched)
    monkeypatch.setattr("elman.compiler.executors.llvm.threads.available", lambda: count)
    x = torch.randn(batch, time, 6, requires_grad=training)
    with torch.set_grad_enabled(training):
        cell(x)
    assert seen["call"] == (part.kernel.threads, part.kernel.block, part.kernel.rows)


@pytest.mark.parametrize("save", ["fast", "lean", 2, "1.5KiB"])
def test_its_memory_is_what_autograd_keeps(save: int | str) -> None:
    cell, x = cells.load("lstm")(3, 8), torch.randn(2, 5, 3)
    kernel = elman.explain(cell, 2, 5, save=save).parts[0].kernel
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.nbytes) or t, lambda t: t):
        cell(x, save=save)
    assert kernel is not None
    assert (kernel.again is None) == (kernel.every == 1) == (save == "fast")
    assert kernel.kept_bytes in kept
    marked = kernel.kept * 8 * 4 if save == "fast" else 0
    assert kernel.kept_bytes == kernel.kept * 2 * 5 * 8 * 4 + marked


def test_its_operations_are_those_of_a_hand_count() -> None:
    time, batch, features, units = 7, 3, 5, 8
    kernel = elman.explain(cells.load("elman")(features, units), batch, time).parts[0].kernel
    assert kernel is not None
    assert kernel.backward is not None
    steps = time * batch
    assert kernel.forward.products == 2 * steps * units * units
    assert kernel.forward.projections == 2 * steps * units * features
    assert kernel.forward.elementwise == 16 * steps * units
    assert kernel.backward.products == 2 * steps * units * units
    assert kernel.backward.projections == 2 * steps * units * (2 * features + units)
    # tanh again, its derivative 1 - y y, that times the cotangent, and the sum of two cotangents
    assert kernel.backward.elementwise == (16 + 2 + 1 + 1) * steps * units
    assert 0 < kernel.seconds_at_peak < kernel.seconds < 1


@pytest.mark.parametrize("rows", range(1, 40))
def test_tiles_hold_all_rows(rows: int) -> None:
    assert sum(tiles(rows)) == rows
    assert rows < 3 or 2 not in tiles(rows)


def test_a_layer_is_explained_cell_by_cell() -> None:
    found = elman.explain(elman.LSTM(3, 4, num_layers=3, bidirectional=True), 2, 5)
    assert [(part.input_size, part.times) for part in found.parts] == [(3, 2), (8, 4)]
    assert str(found).count("4 times LSTMCell") == 1


class Sorted(Cell):
    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.sort(x + h).values
        return h, h


def test_what_runs_in_a_loop_says_why() -> None:
    found = elman.explain(Sorted(3, 4), 2, 5)
    assert found.parts[0].kernel is None
    assert "a loop in Python" in str(found)
    assert "sort" in found.parts[0].why
    with plan.use("eager"):
        assert elman.explain(cells.load("gru")(3, 4), 2, 5).parts[0].why == "it was asked for"


@pytest.mark.parametrize("name", cells.names())
def test_every_cell_from_the_command_line(name: str, capsys: Any) -> None:
    sizes = ["--input", "3", "--hidden", "5", "--batch", "2", "--time", "7", "--training"]
    assert main(["explain", name, *sizes]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{title}" in said for title in ("Equations", "Program", "Proved", "Plan", "Floating", "Time"))
    assert main(["explain", name, *sizes, "--json"]) == 0
    part = json.loads(capsys.readouterr().out)["parts"][0]
    assert part["executor"] == "llvm"
    assert part["equations"]
    assert isinstance(part["kernel"]["linear"]["holds"], bool)


def test_mistakes(capsys: Any) -> None:
    assert "did you mean 'gru'" in refused(capsys, "explain", "grru")
    assert "--hidden" in refused(capsys, "explain", "gru", "--hidden", "0")
    assert "NAME=VALUE" in refused(capsys, "explain", "gru", "--option", "x")
    assert "unexpected keyword argument 'x'" in refused(capsys, "explain", "gru", "--option", "x=1")
    assert "c must be positive, not -1" in refused(capsys, "explain", "rg_lru", "--option", "c=-1")
    with pytest.raises(ElmanError, match="time must be a whole number of at least 1, not 0"):
        elman.explain(cells.load("gru")(3, 4), 2, 0)
    with pytest.raises(ElmanError, match="Linear has no recurrence"):
        elman.explain(nn.Linear(3, 4), 2, 5)


def test_an_option_of_the_cell(capsys: Any) -> None:
    assert main(["explain", "lstm_projected", "--hidden", "8", "--option", "proj_size=3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parts"][0]["states"] == {"h": 3, "c": 8}


def test_cells_say_what_is_proved_of_them(capsys: Any) -> None:
    assert main(["cells", "--json"]) == 0
    found = {each["name"]: (each["linear"], each["elementwise"]) for each in json.loads(capsys.readouterr().out)}
    assert [*found] == cells.names()
    assert found["mingru"] == found["minlstm"] == found["rg_lru"] == (True, True)
    assert found["indrnn"] == (False, True)
    assert found["lstm"] == found["gru"] == (False, False)


def test_it_says_of_which_numbers_products_are() -> None:
    cell = cells.load("gru")(6, 40)
    assert "products" not in str(elman.explain(cell, 2, 7).parts[0]).partition("Plan")[2].partition("Floating")[0]
    with torch.autocast("cpu", torch.bfloat16):
        cast = elman.explain(cell, 2, 7).parts[0]
    narrow = elman.explain(cells.load("gru")(6, 40).bfloat16(), 2, 7).parts[0]
    for part in (cast, narrow):
        assert part.executor == "llvm"
        assert part.kernel is not None
        assert ("pairs of bfloat16" in part.kernel.products) == host().bf16_dot
        assert f"products: {part.kernel.products}; states" in str(part)
    assert elman.explain(cells.load("gru")(6, 40).half(), 2, 7).parts[0].kernel.products == "float32"  # type: ignore[union-attr]
