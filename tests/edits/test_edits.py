"""Edits of model folders at random: a few dozen of those that ``make edits`` makes by the thousand."""

import shutil
from pathlib import Path
from random import Random

import pytest
import torch
from edits.edits import REFUSED, Base, attempt, bases, mend, outcome
from fuzz.forged import forged

from elman.errors import ElmanError
from elman.tasks import restore
from elman.training.folders import WEIGHTS

KEPT = Path(__file__).parents[1] / "folders" / "0.2" / "classify"
NUMBER, PARTS = 24, 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    return bases(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize("part", range(PARTS))
def test_an_edited_folder_is_used_or_refused_in_one_line(part: int, sound: list[Base], tmp_path: Path) -> None:
    tried = (attempt(seed, sound, tmp_path / "edited") for seed in range(part, NUMBER, PARTS))
    assert [str(failure) for failure in tried if failure is not None] == []


def test_weights_whose_header_is_forged_are_those_that_were_or_refused(tmp_path: Path) -> None:
    usual, place = restore(KEPT).state_dict(), tmp_path / "forged"
    shutil.copytree(KEPT, place)
    data, refused = (place / WEIGHTS).read_bytes(), 0
    for seed in range(60):
        (place / WEIGHTS).write_bytes(forged(Random(seed), data))
        mend(place)
        told = outcome(lambda: restore(place) and None)
        assert told in (None, REFUSED), f"seed {seed}: {told}"
        refused += told == REFUSED
        if told is None:
            found = restore(place).state_dict()
            assert all(torch.equal(found[name], usual[name]) for name in usual), f"seed {seed}"
    assert refused > 40


def test_what_is_no_answer_and_no_refusal_is_a_failure() -> None:
    def raises(error: BaseException) -> int:
        raise error

    assert "KeyError" in str(outcome(lambda: raises(KeyError("text"))))
    assert outcome(lambda: raises(ElmanError("one line"))) == REFUSED
    assert "ends with 1" in str(outcome(lambda: 1))
