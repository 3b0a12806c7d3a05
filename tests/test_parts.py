"""What is said to be left out of the quick part, and of the usual one, is there."""

import re
from pathlib import Path

from parts import LONG, SHARES, SLOW

TESTS = Path(__file__).parent
LAWS = TESTS.parent / "src" / "elman" / "testing"


def test_files_left_out_of_the_quick_part_are_there() -> None:
    names = {path.stem if path.suffix == ".py" else path.name for path in TESTS.rglob("*")}
    assert names >= SLOW, f"tests/parts.py names {SLOW - names}, which are not there"


def test_long_tests_are_there() -> None:
    names = functions(TESTS, "test_*.py")
    assert names >= LONG, f"tests/parts.py names {LONG - names}, which are not there"


def test_tests_and_laws_of_which_a_share_is_run_are_there() -> None:
    names = functions(TESTS, "test_*.py") | functions(LAWS, "*.py")
    gone = {part for part in SHARES if not any(part in name for name in names)}
    assert not gone, f"tests/parts.py names {gone}, which are not there"


def functions(folder: Path, files: str) -> set[str]:
    return {name for path in folder.rglob(files) for name in re.findall(r"^def (\w+)", path.read_text(), re.M)}
