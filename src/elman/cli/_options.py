"""Dataclasses of options as options of the command line."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field
from typing import Annotated, Any

import typer


def with_options(run: Callable[..., None], options: Mapping[str, tuple[Field[Any], Any]]) -> Callable[..., None]:
    """The same function, taking besides what it names itself one keyword for each field of some dataclasses.

    A keyword is None where the user did not give it, so that what was given can be told from what is the default.

    Args:
        run: the function; it takes the keywords as ``**options``.
        options: the fields by name, each with its default as it is to be shown.
    """
    own = [p for p in inspect.signature(run).parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [_parameter(field, default) for field, default in options.values()]
    more += [_former(field) for field, _ in options.values() if "was" in field.metadata]

    def command(**values: Any) -> None:
        run(**values)

    command.__doc__ = run.__doc__
    command.__dict__["__signature__"] = inspect.Signature([*own, *more])
    return command


def _parameter(field: Field[Any], default: Any) -> inspect.Parameter:
    limits = {name: field.metadata[name] for name in ("min", "max") if name in field.metadata}
    shown = "" if default is None or default == "" else f" [{default}]"
    info = typer.Option(help=field.metadata["help"] + shown, **limits)
    annotation = Annotated[field.type | None, info]  # pyright: ignore[reportOperatorIssue]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _former(field: Field[Any]) -> inspect.Parameter:
    """An option under the name that it had in the version before."""
    annotation = Annotated[field.type | None, typer.Option(hidden=True)]  # pyright: ignore[reportOperatorIssue]
    return inspect.Parameter(field.metadata["was"], inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
