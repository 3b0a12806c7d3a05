"""The commands that README, pages and examples show exist, with the options that they are shown with."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from elman.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?:^ *|`|^[^|`\n]+\| )elman ([a-z][^`\n#]*)", re.MULTILINE)  # not in a table of figures


def shown() -> list[tuple[str, str]]:
    """Every command, with the page that shows it."""
    return [
        (page.relative_to(ROOT).as_posix(), found.strip())
        for page in PAGES
        for found in COMMAND.findall(page.read_text(encoding="utf-8"))
    ]


def options_of(command: Any) -> set[str]:
    context = command.make_context("elman", [], resilient_parsing=True)
    return {name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize(("page", "line"), sorted(set(shown())))
def test_a_command_is_there_with_its_options(page: str, line: str) -> None:
    command: Any = typer.main.get_command(main._app())
    words = shlex.split(line)
    while hasattr(command, "get_command") and words and words[0].islower() and not words[0].startswith("-"):
        command = command.get_command(command.make_context("elman", [], resilient_parsing=True), words.pop(0))
        assert command is not None
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options_of(command)
