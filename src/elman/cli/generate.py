"""``elman generate DIR``: let a trained model write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The model folder.")],
    prompt: Annotated[str, typer.Option(help="What stands before; of strings, what each begins with.")] = "",
    number: Annotated[
        int | None,
        typer.Option(min=1, help="How many: strings [10], one a line, or texts [1], an empty line between two."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to a file. [to the screen]")] = None,
    length: Annotated[
        int | None,
        typer.Option(min=0, help="Tokens to write. [500; of a string a little more than the longest learnt, at most]"),
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest each time; 1 is as learnt.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Choose among so many likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Choose among the likeliest of this joint probability.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, the same text.")] = None,
) -> None:
    """Write on from a prompt, as a trained model would; or write strings, with a model that was trained on such."""
    from elman.data.files import written_aside
    from elman.errors import ElmanError
    from elman.tasks import restore
    from elman.tasks.language.task import LanguageTask

    task = restore(folder)
    if not isinstance(task, LanguageTask):
        raise ElmanError(f"{folder} holds a model for {task.name()}, which does not write")
    chosen: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    if task.form == "strings":
        number = number or 10
        strings = task.strings(number, prompt=prompt, max_length=length, seed=seed, **chosen)
        pieces = (f"{string}\n" for string in strings)
    else:
        number, length = number or 1, 500 if length is None else length
        seeds = [None if seed is None else seed + n for n in range(number)]
        pieces = _parted(prompt, [task.generate(prompt, length, seed=each, **chosen) for each in seeds])
    if out is None:
        for piece in pieces:
            print(piece, end="", flush=True)
        return
    with written_aside(out) as aside, aside.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
    print(f"{number:,} {'strings' if task.form == 'strings' else 'texts'}\n{out}")


def _parted(prompt: str, texts: list[Iterator[str]]) -> Iterator[str]:
    """Texts with an empty line between two."""
    for n, text in enumerate(texts):
        yield ("\n" if n else "") + prompt
        yield from text
        yield "\n"
