"""The command line, as the tests call it."""

import pytest

from elman.cli.main import main


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a user's mistake gives."""
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("elman: ")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err
