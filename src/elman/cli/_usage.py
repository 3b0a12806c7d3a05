"""What is said of a command that cannot be read: what is wrong with it, what would be right, and what says more."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from elman.errors import quoted
from elman.training.options import either

TYPES = {"int": "a whole number", "float": "a number", "bool": "yes or no"}  # by the first word of a kind of mistake
BOUNDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
CHOICES = re.compile(r"is not one of ('.*')")


def mistake(error: Any) -> str:
    """One line for people, of an error of Typer; what it has besides a message depends on its kind."""
    context, name = getattr(error, "ctx", None), getattr(error, "option_name", None)
    if context is None:
        if name and "not take" in error.message:
            return f"{name} stands alone and takes no value"
        return f"{name} takes a value, and none is given" if name else error.format_message()
    shows = f"{context.command_path} {'--help-all' if getattr(context.command, 'rare', None) else '--help'}"
    visible = [each for each in context.command.params if not getattr(each, "hidden", False)]
    if name:
        near = get_close_matches(name.strip("-"), [flag.strip("-") for each in visible for flag in each.opts], 1)
        return f"there is no option {name}; {f'did you mean --{near[0]}? ' if near else ''}{shows} lists them"
    said = _of_value(error) or _of_word(error.message, {flag for each in visible for flag in each.opts})
    message = said or error.format_message()
    return f"{message if message.startswith('-') else message[0].lower() + message[1:].rstrip('.')}; {shows} says more"


def _of_value(error: Any) -> str:
    """What is wrong with the value of an option, or of an argument, by what the library found that reads it."""
    details = getattr(error.__cause__, "errors", None)
    if details is None:
        return ""
    found = details()[0]
    option = error.param.opts[0] if error.param.opts[0].startswith("-") else error.param.metavar
    bounded = found.get("ctx", {}).keys() & BOUNDS.keys()  # what is read as a number
    return f"{option} {_wanted(found)}, not {found['input'] if bounded else quoted(found['input'])}"


def _wanted(found: Mapping[str, Any]) -> str:
    for name, words in BOUNDS.items():
        if name in found.get("ctx", {}):
            return f"is {words.format(format(found['ctx'][name], 'g'))}"
    if choices := CHOICES.search(found["msg"]):
        words = re.findall("'([^']*)'", choices[1])
        return f"is {either(words)}"
    return f"is {TYPES.get(found['type'].partition('_')[0], 'another kind of value')}"


def _of_word(message: str, flags: set[str]) -> str:
    """What is said of a word that has no place: of what looks like a file, with which option it is given."""
    found = re.match(r"Got unexpected extra argument\(?s?\)? \((.*)\)", message)
    if found is None:
        return ""
    first = found[1].split()[0]
    is_file = "." in first or "/" in first or Path(first).exists()
    hint = f": data is given as --data {first}" if is_file and "--data" in flags else ""
    return f"there is no place for {quoted(found[1])}{hint}"
