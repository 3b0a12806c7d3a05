"""Dataclasses of options as options of the command line."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from typing import Annotated, Any, get_args

import typer

from elman.cli._complete import BY_METAVAR
from elman.cli._help import NO_BREAK
from elman.training.options import former, renamed

METAVARS = {int: "N", float: "NUMBER", str: "TEXT"}  # of options that name none


def with_options(run: Callable[..., None], options: Mapping[str, tuple[Field[Any], str, Any]]) -> Callable[..., None]:
    """The same function, taking besides what it names itself one keyword for each field of some dataclasses.

    A keyword is None where the user did not give it, so that what was given can be told from what is the default.

    Args:
        run: the function; it takes the keywords as ``**options``.
        options: the fields by name, each with the heading under which it stands, and its default.
    """
    own = [p for p in inspect.signature(run).parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [_parameter(*each) for each in options.values()]
    more += [_former(field) for field, *_ in options.values() if "was" in field.metadata]

    def command(**values: Any) -> None:
        run(**values)

    command.__doc__ = run.__doc__
    command.__dict__["__signature__"] = inspect.Signature([*own, *more])
    return command


def flag(name: str) -> str:
    """An option as it is typed.

    >>> flag("min_count")
    '--min-count'
    """
    return f"--{name.replace('_', '-')}"


def given_now(groups: Sequence[type], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the user gave, under the names that the options have now; a former name is said in one line.

    Raises:
        ElmanError: an option that is given by both of its names.
    """
    now = {old: new for group in groups for old, new in former(group).items()}
    for old in now:
        if values.get(old) is not None:
            print(f"elman: {flag(old)} is called {flag(now[old])} now", file=sys.stderr)
    return renamed(groups, values)


def rare(groups: Sequence[type]) -> frozenset[str]:
    """The options that are not among the common ones."""
    return frozenset(each.name for group in groups for each in fields(group) if not each.metadata.get("common"))


def _parameter(field: Field[Any], heading: str, default: Any) -> inspect.Parameter:
    kind = next(each for each in (*get_args(field.type), field.type) if each is not type(None))
    metavar = field.metadata.get("metavar") or METAVARS.get(kind)
    info = typer.Option(
        help=field.metadata["help"] + _shown(field, default),
        rich_help_panel=heading,
        metavar=metavar,
        autocompletion=BY_METAVAR.get(metavar or ""),
    )
    annotation = Annotated[field.type | None, info]  # pyright: ignore[reportOperatorIssue]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _shown(field: Field[Any], default: Any) -> str:
    """The default in words: what the option itself says of it, unless the task has set another value."""
    if default == field.default and field.metadata.get("shown"):
        words = field.metadata["shown"]
    elif isinstance(default, bool):
        words = "yes" if default else "no"
    elif isinstance(default, float):
        words = f"{default:g}"
    elif default is None or default == "":
        return ""
    else:
        words = str(default)
    return f" [default:{NO_BREAK}{words}]"


def _former(field: Field[Any]) -> inspect.Parameter:
    """An option under the name that it had in the version before."""
    annotation = Annotated[field.type | None, typer.Option(hidden=True)]  # pyright: ignore[reportOperatorIssue]
    return inspect.Parameter(field.metadata["was"], inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
