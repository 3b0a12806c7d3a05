"""The quick part of the tests is what is said to be left out of it."""

from pathlib import Path

from quick import SLOW


def test_what_is_left_out_is_there() -> None:
    tests = Path(__file__).parent
    names = {path.stem if path.suffix == ".py" else path.name for path in tests.rglob("*")}
    assert names >= SLOW, f"tests/quick.py names {SLOW - names}, which are not there"
