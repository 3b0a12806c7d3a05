"""Cells are held to all laws of ``elman.testing`` on devices too; where there is none, on the CPU in its place."""

from collections.abc import Iterator

import cases
import pretended
import pytest
from cases import Variant

from elman import cells
from elman.testing import Check, cell_checks

THREE = [
    Variant("lstm", {}),
    Variant("lstm_projected", {}),
    Variant("gru", {}),
    Variant("elman", {}),
    Variant("elman", {"nonlinearity": "relu"}),
]
OTHERS = [Variant("gru_decay", {}), Variant("lstm_peephole", {}), Variant("cornn", {})]
CELLS = {"fused": THREE, "graph": OTHERS, "inductor": OTHERS}

# the operations of PyTorch round otherwise where a gradient is wanted, and a loop gives the states of every step
ROUNDED_OTHERWISE = ("trajectory_gives", "given_parameters_take")


def checks(executor: str) -> Iterator[object]:
    for variant in CELLS[executor]:
        found = cell_checks(cells.load(variant.name), executors=[executor], **variant.options)
        yield from cases.params(
            variant,
            (each for each in found if executor != "fused" or not each.name.startswith(ROUNDED_OTHERWISE)),
        )


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.filterwarnings("ignore:its step is none of torch.nn's RNN, LSTM and GRU")  # a projection to as many
@pytest.mark.parametrize("check", [check for executor in CELLS for check in checks(executor)])
def test_every_law_holds_on_a_device(check: Check) -> None:
    with pretended.device(watched=0):
        check.run()
