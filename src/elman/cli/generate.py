"""``elman generate DIR``: let a trained model write."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The model folder.")],
    prompt: Annotated[str, typer.Option(help="What stands before.")] = "",
    length: Annotated[int, typer.Option(min=0, help="Tokens to write.")] = 500,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest each time; 1 is as learnt.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Choose among so many likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Choose among the likeliest of this joint probability.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, the same text.")] = None,
) -> None:
    """Write on from a prompt, as a trained model would."""
    from elman.errors import ElmanError
    from elman.tasks import restore

    task = restore(folder)
    generate = getattr(task, "generate", None)
    if generate is None:
        raise ElmanError(f"{folder} holds a model for {task.name()}, which does not write")
    pieces = generate(prompt, length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
