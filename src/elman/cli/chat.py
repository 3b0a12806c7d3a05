"""``elman chat DIR``: talk with a trained model, turn by turn."""

import sys
from typing import Annotated

import typer

from elman.cli._complete import ModelFolder
from elman.cli._streams import read_utf8


def command(
    folder: ModelFolder,
    turns: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after this many turns. [default: when the input ends]")
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The speaker that the model plays. [default: the second of the two who speak most]"
        ),
    ] = None,
    length: Annotated[int, typer.Option(min=1, metavar="N", help="Longest turn of the model, in tokens.")] = 500,
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
        int | None,
        typer.Option(metavar="N", help="Random seed: the same seed gives the same answers to the same turns."),
    ] = None,
) -> None:
    """Talk with a trained model: each line of the input is a turn, and the model answers it.

    The model must be a language model trained on dialogues: one turn in each line, which begins with the name of the
    speaker, as in "A: Hello.", and an empty line between two dialogues. A model that knows no speakers continues from
    line to line.

    What was said is kept in the recurrent state alone, so that a turn takes the same time and memory however long the
    dialogue is. An empty line lets the model continue. The end of the input, or Ctrl-C, ends the dialogue.
    """
    from elman.errors import ElmanError
    from elman.tasks import restore
    from elman.tasks.language.task import LanguageTask

    task = restore(folder)
    if not isinstance(task, LanguageTask):
        raise ElmanError(f"{folder} holds a model for {task.name()}, with which there is nothing to talk about")
    dialogue = task.dialogue(speaker, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    read_utf8("replace")  # what is not UTF-8 becomes a character that can be left out
    shown, names, said = sys.stdin.isatty(), dialogue.speakers, 0
    try:
        while turns is None or said < turns:
            print(f"{names.other}> " if shown else "", end="", flush=True)
            line = sys.stdin.readline()
            if not line:
                print("\n" if shown else "", end="")
                break
            print(f"{names.model}: " if shown and names.model else "", end="", flush=True)
            for piece in dialogue.say(line.rstrip("\r\n")):
                print(piece, end="", flush=True)
            print(flush=True)
            said += 1
    except KeyboardInterrupt:
        print("\n" if shown else "", end="")
