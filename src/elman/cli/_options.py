"""Dataclasses of options as options of the command line."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")


def with_options(run: Callable[..., None], *groups: type) -> Callable[..., None]:
    """The same function, taking besides what it names itself one keyword for each field of the dataclasses.

    A keyword is None where the user did not give it, so that what was given can be told from what is the default.
    """
    own = [p for p in inspect.signature(run).parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [_parameter(field) for group in groups for field in fields(group)]

    def command(**values: Any) -> None:
        run(**values)

    command.__doc__ = run.__doc__
    command.__dict__["__signature__"] = inspect.Signature([*own, *more])
    return command


def _parameter(field: Field[Any]) -> inspect.Parameter:
    limits = {name: value for name, value in field.metadata.items() if name != "help"}
    shown = "" if field.default is None else f" [{field.default}]"
    info = typer.Option(help=field.metadata["help"] + shown, **limits)
    annotation = Annotated[field.type | None, info]  # pyright: ignore[reportOperatorIssue]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def chosen(group: type[T], values: dict[str, Any]) -> T:
    """An instance of a dataclass, from those of ``values`` that it has and that the user gave."""
    return group(**given_of(group, values))


def given_of(group: type, values: dict[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that belong to a dataclass and that the user gave."""
    names: Sequence[str] = [field.name for field in fields(group)]
    return {name: values[name] for name in names if values.get(name) is not None}
