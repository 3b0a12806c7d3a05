"""Every cell, with every executor, is held to the laws of ``elman.testing``."""

import cases
import pytest

from elman import cells
from elman.cells import Cell
from elman.testing import Check, cell_checks

CHECKS = [
    param
    for variant in cases.variants()
    for param in cases.params(
        variant, cell_checks(cells.load(variant.name), executors=list(cases.EXECUTORS), **variant.options)
    )
]

# The names and shapes of the parameters of every cell with 3 features and 4 units: files of weights rely on them.
PINNED: dict[str, dict[str, tuple[int, ...]]] = {
    "cfc": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "cornn": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,), "weight_zz": (4, 4)},
    "elman": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,)},
    "gru": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "gru_decay": {
        "weight_ih": (12, 3),
        "weight_hh": (12, 4),
        "bias_ih": (12,),
        "bias_hh": (12,),
        "weight_dh": (4,),
        "bias_dh": (4,),
    },
    "gru_reset_before": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "indrnn": {"weight_ih": (4, 3), "bias_ih": (4,), "weight_hh": (4,)},
    "lem": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "lif": {"weight_ih": (4, 3), "weight_hh": (4, 4), "bias_ih": (4,), "bias_hh": (4,), "decay": (4,)},
    "lstm": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias_ih": (16,), "bias_hh": (16,)},
    "lstm_coupled": {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)},
    "lstm_layer_norm": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 4),
        "gain_ih": (16,),
        "gain_hh": (16,),
        "gain_c": (4,),
        "shift_ih": (16,),
        "shift_hh": (16,),
        "shift_c": (4,),
    },
    "lstm_peephole": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 4),
        "bias_ih": (16,),
        "bias_hh": (16,),
        "weight_ci": (4,),
        "weight_cf": (4,),
        "weight_co": (4,),
    },
    "lstm_projected": {
        "weight_ih": (16, 3),
        "weight_hh": (16, 2),
        "bias_ih": (16,),
        "bias_hh": (16,),
        "weight_hr": (2, 4),
    },
    "mgu": {"weight_ih": (8, 3), "weight_hh": (8, 4), "bias_ih": (8,), "bias_hh": (8,)},
    "mingru": {"weight_ih": (8, 3), "bias_ih": (8,)},
    "minlstm": {"weight_ih": (12, 3), "bias_ih": (12,)},
    "rg_lru": {"weight_ih": (12, 3), "bias_ih": (12,), "decay": (4,)},
    "slstm": {"weight_ih": (16, 3), "bias_ih": (16,), "weight_hh": (16, 4)},
}


@pytest.mark.parametrize("check", CHECKS)
def test_every_law_holds(check: Check) -> None:
    check.run()


@pytest.mark.parametrize("name", cells.names())
def test_names_and_shapes_of_parameters_are_pinned(name: str) -> None:
    assert name in PINNED, f"add the parameters of {name!r} to PINNED in {__file__}"
    actual = {key: tuple(value.shape) for key, value in cells.load(name)(3, 4).named_parameters()}
    assert list(actual.items()) == list(PINNED[name].items())


@pytest.mark.parametrize("name", cells.names())
def test_it_is_the_one_cell_of_its_file(name: str) -> None:
    cell = cells.load(name)
    assert issubclass(cell, Cell)
    assert cell.__name__.endswith("Cell")
    assert cell.__doc__
    assert len(cell.gates) == len(set(cell.gates))


def test_nothing_pinned_is_gone() -> None:
    assert set(PINNED) <= set(cells.names())
