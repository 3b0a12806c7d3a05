"""Edits of model folders at random: a few dozen of those that ``make edits`` makes by the thousand."""

from pathlib import Path

import pytest
from edits.edits import REFUSED, Base, attempt, bases, outcome

from elman.errors import ElmanError

NUMBER, PARTS = 24, 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    return bases(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize("part", range(PARTS))
def test_an_edited_folder_is_used_or_refused_in_one_line(part: int, sound: list[Base], tmp_path: Path) -> None:
    tried = (attempt(seed, sound, tmp_path / "edited") for seed in range(part, NUMBER, PARTS))
    assert [str(failure) for failure in tried if failure is not None] == []


def test_what_is_no_answer_and_no_refusal_is_a_failure() -> None:
    def raises(error: BaseException) -> int:
        raise error

    assert "KeyError" in str(outcome(lambda: raises(KeyError("text"))))
    assert outcome(lambda: raises(ElmanError("one line"))) == REFUSED
    assert "ends with 1" in str(outcome(lambda: 1))
