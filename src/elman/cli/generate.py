"""``elman generate DIR``: let a trained model write."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli._complete import ModelFolder


def command(
    folder: ModelFolder,
    prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="Text to continue; with strings, the beginning of each.")
    ] = "",
    number: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="How many to generate. [default: 10 strings, one in each line; or 1 text]"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to a file. [default: the screen]")] = None,
    length: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Tokens to generate. [default: 500; strings end by themselves]"),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            min=0, metavar="NUMBER", help="Randomness: 0 always takes the likeliest token, 1 draws as learnt."
        ),
    ] = 0.8,
    top_k: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Draw from this many of the likeliest tokens only.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="NUMBER", help="Draw from the likeliest tokens that together have this probability."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Random seed: the same seed gives the same text.")
    ] = None,
) -> None:
    """Generate text from a prompt; or strings, with a model that was trained on strings."""
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
        seeds = (None if seed is None else seed + n for n in range(number))
        pieces = _parted(prompt, (task.generate(prompt, length, seed=each, **chosen) for each in seeds))
    if out is None:
        for piece in pieces:
            print(piece, end="", flush=True)
        return
    with written_aside(out) as aside, aside.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
    print(f"{number:,} {'strings' if task.form == 'strings' else 'texts'}\n{out}")


def _parted(prompt: str, texts: Iterable[Iterator[str]]) -> Iterator[str]:
    """Texts with an empty line between two."""
    for n, text in enumerate(texts):
        yield ("\n" if n else "") + prompt
        yield from text
        yield "\n"
