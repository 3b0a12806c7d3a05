"""What holds on every machine that kernels are made for: they give what the loop gives, over awkward sizes.

The numbers of a loop are those of this machine, so that those of another, emulated one are held against them.
"""

import contextlib
import re
from itertools import cycle
from pathlib import Path
from typing import Any

import as_on_windows
import cases
import machines
import programs
import pytest
import torch
from cases import Case, Variant
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import Machine
from programs import Throwaway
from torch import Tensor
from torch.autograd.functional import jacobian

import elman
from elman import cells
from elman.cells.slstm import SLSTMCell
from elman.compiler import plan
from elman.compiler.executors.llvm import gemm, gradient, host, jit, run, threads
from elman.runtime.stepper import Stepper
from elman.testing import assert_close, cell_checks

# units around the ends of vectors of 2 to 16 numbers, and of panels of 8 to 64
SIZES = [
    Case(*row)
    for row in cases.covering(
        (4, 1), (1, 2, 5, 17), (1, 3, 7, 9, 31, 33, 65), (torch.float32, torch.float64), *[cases.FLAG] * 4
    )
]
EVERY_CELL = [
    pytest.param(variant, case, id=f"{variant}-{case}")
    for variant, case in zip(cases.variants(), cycle(SIZES), strict=False)
]
LAWS = [pytest.param(check, id=check.name) for check in cell_checks(cells.load("gru"), executors=["llvm"])]


@machines.every
@pytest.mark.parametrize(("variant", "case"), EVERY_CELL)
def test_every_cell_gives_what_its_loop_gives(variant: Variant, case: Case, machine: Machine) -> None:
    if not cells.load(variant.name).smooth:  # a spike may hang on the last bit, and does not in float64
        case = Case(**{**vars(case), "dtype": torch.float64})
    with machine():
        cases.assert_equal_to_the_loop(cases.given(variant, case))


@machines.every
@pytest.mark.parametrize("case", SIZES, ids=str)
def test_a_cell_of_any_size_gives_what_its_loop_gives(case: Case, machine: Machine) -> None:
    with machine():
        cases.assert_equal_to_the_loop(cases.given(Variant("lstm_peephole", {}), case, input_size=case.hidden // 2 + 1))


@machines.every
@pytest.mark.parametrize("check", LAWS)
def test_a_law_of_cells_holds_on_it(check: Any, machine: Machine) -> None:
    with machine():
        check.run()


@machines.every
@pytest.mark.parametrize("kind", programs.THROWAWAY, ids=str)
def test_throwaway_cells_give_what_their_loop_gives(kind: Throwaway, machine: Machine) -> None:
    case = Case(4, 3, 7, torch.float32, reverse=True, lengths=True, resets=True, bias=True)
    with machine():
        cases.assert_equal_to_the_loop(cases.given(kind, case))


@machines.every
@settings(max_examples=5, deadline=None, derandomize=True, database=None)
@given(recipe=programs.recipes(), hidden=st.sampled_from([1, 5, 18]))
def test_random_steps_give_what_their_loop_gives(recipe: programs.Recipe, hidden: int, machine: Machine) -> None:
    torch.manual_seed(0)
    case = Case(3, 3, hidden, torch.float32, reverse=False, lengths=True, resets=True, bias=True)
    with machine():
        cases.assert_equal_to_the_loop(cases.given(recipe, case))


class Heads:
    """An sLSTM for ``cases.given`` whose hidden size is that of one of three heads."""

    def make(self, input_size: int = 3, hidden_size: int = 4, **options: Any) -> SLSTMCell:
        return SLSTMCell(input_size, 3 * hidden_size, heads=3, **options)


@machines.every
@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 8, 9, 16, 33])
def test_heads_give_what_their_loop_gives(units: int, machine: Machine) -> None:
    case = Case(3, 5, units, torch.float32, reverse=False, lengths=True, resets=False, bias=True)
    with machine():
        cases.assert_equal_to_the_loop(cases.given(Heads(), case))


@machines.every
@pytest.mark.parametrize("hidden", [1, 9, 33])
@pytest.mark.parametrize("save", ["lean", 2])
def test_what_is_computed_again_has_the_same_gradients(hidden: int, save: int | str, machine: Machine) -> None:
    some = cases.given(Variant("gru", {}), Case(7, 3, hidden, torch.float32, False, True, True, True))
    some.run["save"] = save
    with machine():
        cases.assert_equal_to_the_loop(some)


@machines.every
@pytest.mark.parametrize("hidden", [7, 33])
def test_steps_one_by_one_give_the_whole(hidden: int, machine: Machine) -> None:
    layer, x = elman.GRU(5, hidden, num_layers=2, batch_first=True), torch.randn(2, 6, 5)
    with plan.use("eager"), torch.no_grad():
        expected, last = layer(x)
    with machine(), torch.no_grad():
        for _ in range(4):  # the later calls are bound
            found, state = [], None
            for t in range(6):
                output, state = layer(x[:, t : t + 1], state)
                found.append(output)
            assert_close(torch.cat(found, 1), expected, "outputs")
            assert state is not None
            assert_close(state, last, "the last state")
        cell = cells.load("lstm")(5, hidden)
        stepper = Stepper(cell, batch=2)
        stepped = torch.stack([stepper.step(x[:, t]).clone() for t in range(6)], 1)
        assert_close(stepped, cell(x)[0], "outputs of a stepper")


@machines.every
def test_small_calls_for_a_gradient_give_those_of_the_loop(machine: Machine) -> None:
    layer, x = elman.LSTM(5, 9, batch_first=True), torch.randn(2, 3, 5, requires_grad=True)

    def found() -> list[Tensor]:
        outputs, last = layer(x)
        return [outputs, *last, *torch.autograd.grad(outputs.square().sum(), [x, *layer.parameters()])]

    with plan.use("eager"):
        expected = found()
    with machine():
        for _ in range(4):  # the later calls are bound
            for one, other in zip(found(), expected, strict=True):
                assert_close(one, other, "a result")


@machines.every
def test_a_jacobian_is_that_of_the_loop(machine: Machine) -> None:
    cell, x, h = cells.load("gru")(2, 5).double(), torch.randn(2, 3, 2).double(), torch.randn(2, 5).double()

    def function(x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return cell(x, h)

    with plan.use("eager"):
        expected = jacobian(function, (x, h))
    with machine(), plan.use("llvm"):
        found = jacobian(function, (x, h))
    for row, right in zip(found, expected, strict=True):
        for one, other in zip(row, right, strict=True):
            assert_close(one, other, "a part of the jacobian")


@machines.every
@pytest.mark.parametrize("hidden", [5, 40])
@pytest.mark.parametrize("team", [False, True], ids=["rows", "team"])
def test_any_number_of_threads_gives_the_same(
    hidden: int, team: bool, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if team and machine is as_on_windows.machine:
        pytest.skip("there kernels run on one thread")
    cell, x = cells.load("lstm")(3, hidden), torch.randn(6, 4, 3, requires_grad=True)

    def found() -> list[Tensor]:
        outputs, last = cell(x)
        return [outputs, *last, *torch.autograd.grad(outputs.square().sum(), [x, *cell.parameters()])]

    with plan.use("eager"):
        expected = found()
    with machine():
        alone = found()
        monkeypatch.setattr(run, "WORTH_A_MEETING" if team else "WORTH_A_THREAD", 0 if team else 1)
        for count in (2, 3):
            monkeypatch.setattr(threads, "available", lambda count=count: count)
            several = found()
            assert all(map(torch.equal, several, alone)), count
    for one, other in zip(alone, expected, strict=True):
        assert_close(one, other, "a result")


@machines.every
@pytest.mark.parametrize("hidden", [3, 31])
def test_bfloat16_weights_give_what_rounded_ones_give(hidden: int, machine: Machine) -> None:
    cell, x = cells.load("gru")(3, hidden).bfloat16(), torch.randn(2, 5, 3).bfloat16()
    rounded = cells.load("gru")(3, hidden)
    rounded.load_state_dict({name: value.float() for name, value in cell.state_dict().items()})
    with torch.no_grad():
        with plan.use("eager"):
            expected, _ = rounded(x.float())
        with machine():
            found, _ = cell(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=8e-3, atol=1e-3)


@machines.every
def test_a_narrower_machine_runs_other_kernels(machine: Machine) -> None:
    """So that what the laws above run is what they say: each machine has its own code for a step."""
    cell, x = cells.load("gru")(3, 4), torch.randn(2, 3, 3)
    with machine():
        cell(x)
        assert any(key.startswith("Forward") and made == host.host() for key, made in jit._libraries)


@pytest.mark.parametrize(
    ("machine", "right"),
    [
        (host.of_level("x86-64-v3", "x86_64-unknown-linux-gnu"), {"memset"}),
        (host.of_level("x86-64-v3", "x86_64-apple-darwin23.0"), {"___bzero"}),
        (host.of_processor("arm64-apple-darwin23.0", "apple-m1", {"neon": True}), {"_bzero"}),
        (host.of_level("x86-64-v3", "x86_64-pc-windows-msvc-elf"), {"memset", "__chkstk"}),
        (host.of_processor("aarch64-pc-windows-msvc-elf", "generic", {"neon": True}), {"memset"}),
    ],
    ids=lambda value: value.triple if isinstance(value, host.Host) else "",
)
def test_code_for_another_system_asks_for_what_that_system_has(machine: host.Host, right: set[str]) -> None:
    """Beside its own functions, what the linker is given on Windows and finds in the C library elsewhere."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    wanted: set[str] = set()
    with host.use(machine):
        for module in (gemm._module(False, False, False), gradient._module(False, False)):
            text = jit.assembly(module)
            own = set(re.findall(r"^(\w+):", text, re.MULTILINE))
            called = re.findall(r"^\s+(?:callq?|bl|jmp|b)\s+(\w+)", text, re.MULTILINE)
            called += re.findall(r"\b(__chkstk|memset|memcpy|memmove|_fltused)\b", text)
            wanted |= {name for name in called if not name.startswith(("L", "_L"))} - own
    assert wanted == right


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell")
@pytest.mark.parametrize("windows", [False, True], ids=["here", "windows"])
def test_code_cannot_be_written(windows: bool) -> None:
    with as_on_windows.machine() if windows else contextlib.nullcontext():
        address, _ = gemm.addresses(torch.float32)
    for line in Path("/proc/self/maps").read_text().splitlines():
        where, mode, *_ = line.split()
        low, high = (int(end, 16) for end in where.split("-"))
        if low <= address < high:
            assert mode.startswith("r-x"), line
            return
    raise AssertionError("the code is nowhere")
