"""What is said to be left out of the quick part, and of the usual one, is there."""

import re
from pathlib import Path

from parts import LONG, SLOW

TESTS = Path(__file__).parent


def test_files_left_out_of_the_quick_part_are_there() -> None:
    names = {path.stem if path.suffix == ".py" else path.name for path in TESTS.rglob("*")}
    assert names >= SLOW, f"tests/parts.py names {SLOW - names}, which are not there"


def test_long_tests_are_there() -> None:
    names = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert names >= LONG, f"tests/parts.py names {LONG - names}, which are not there"
