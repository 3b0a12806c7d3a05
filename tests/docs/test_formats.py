"""The page of formats shows a file of each, as ``PYTHONPATH=tests python tests/docs/test_formats.py`` writes it."""

import shlex
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from formats import EXAMPLES, Example

from elman import tasks
from elman.training.runs import noted
from elman.training.task import Sources

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- begin: written by tests/docs/test_formats.py -->", "<!-- end -->"
LINES, WIDTH = 8, 100  # that are shown of a file


def announced(example: Example, folder: Path) -> list[str]:
    """What its task says of the file."""
    for name, data in example.files.items():
        (folder / name).write_bytes(data)
    make = tasks.load(example.task)
    with noted() as found:
        make.read(make.Options(**example.options), Sources(folder / example.name))
    return [line.replace(f"{folder}/", "") for line in found]


def shown(example: Example) -> list[str]:
    """The beginning of the file, or how it is made."""
    if example.made:
        return [example.made]
    rows = []
    for name, data in example.files.items():
        lines = data.decode(example.options.get("encoding", "utf-8")).expandtabs(4).splitlines()
        rows += [f"{name}:"] if len(example.files) > 1 else []
        cut = [line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..." for line in lines[:LINES]]
        rows += [*cut, *(["..."] if len(lines) > LINES else [])]
    return rows


def written(example: Example, found: list[str]) -> str:
    options = [word for name, value in example.options.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = shlex.join(["elman", "train", example.task, "--data", example.name, *options])
    about = [*textwrap.wrap(example.about, 120), "", "```text", *shown(example), "```"]
    parts = [f"## {example.title}", "", *about, "", f"`{command}` announces:", "", "```text", *found, "```"]
    return "\n".join(parts)


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_page_shows_what_is_read_of_each_format(example: Example, tmp_path: Path) -> None:
    assert written(example, announced(example, tmp_path)) in page()


def test_the_page_shows_nothing_else() -> None:
    assert [line for line in page().splitlines() if line.startswith("## ")] == [f"## {each.title}" for each in EXAMPLES]


if __name__ == "__main__":
    parts = []
    for each in EXAMPLES:
        with TemporaryDirectory() as place:
            parts.append(written(each, announced(each, Path(place))))
    before, after = PAGE.read_text(encoding="utf-8").split(BEGIN)[0], PAGE.read_text(encoding="utf-8").split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}", encoding="utf-8")
