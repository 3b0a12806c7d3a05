"""``elman chat DIR``: talk with a trained model, turn by turn."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The model folder.")],
    turns: Annotated[int | None, typer.Option(min=1, help="End after so many turns. [when the input ends]")] = None,
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who the model is. [the second of the two who speak most]")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="Tokens of a turn of the model at most.")] = 500,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest each time; 1 is as learnt.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Choose among so many likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Choose among the likeliest of this joint probability.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, the same answers to the same turns.")] = None,
) -> None:
    """Go on with a dialogue: each line of the input is a turn, and the model answers it with one.

    The model is one of the task language, trained on a text of dialogues: a turn a line, the name of who speaks at its
    beginning, as in "A: Hello.", and an empty line between two dialogues. Where turns stand otherwise in your file,
    such as several a line, write it anew in this way first. A model that knows no speakers goes on from line to line.

    What was said is kept in the state of the recurrence alone, so that a turn takes the same time and memory however
    long the dialogue is. An empty line lets the model go on. The end of the input, or Ctrl-C, ends it.
    """
    from elman.errors import ElmanError
    from elman.tasks import restore
    from elman.tasks.language.task import LanguageTask

    task = restore(folder)
    if not isinstance(task, LanguageTask):
        raise ElmanError(f"{folder} holds a model for {task.name()}, with which there is nothing to talk about")
    dialogue = task.dialogue(speaker, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    if isinstance(sys.stdin, io.TextIOWrapper):  # what is not UTF-8 becomes a character that can be left out
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
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
