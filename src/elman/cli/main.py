"""``elman VERB ...``: finds the verbs, and says a user's mistake in one line."""

import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any

import typer

import elman.cli
from elman.errors import ElmanError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, 2 for a user's mistake or a file that cannot be read or written, 130 after Ctrl-C.
    """
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("elman")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    path = list(sys.path)
    sys.path.append("")  # the current folder, for a cell of the user's own; behind everything else
    try:
        code = typer.main.get_command(_app()).main(arguments, prog_name="elman", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except typer.TyperException as error:
        return _refuse(error.format_message())
    except ElmanError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except KeyboardInterrupt:
        return 130
    finally:
        sys.path[:] = path
        logger.removeHandler(handler)
        logger.setLevel(level)
    return code if isinstance(code, int) else 0


def verbs() -> list[str]:
    """The verbs, which are the files of this folder; one whose name begins with a line below is a part of others."""
    return sorted(m.name for m in pkgutil.iter_modules(elman.cli.__path__) if m.name != "main" and m.name[0] != "_")


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Train recurrent networks on your own sequences, and run them one step at a time.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)
    for verb in verbs():
        command: Any = importlib.import_module(f"elman.cli.{verb}").command
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=verb)
        else:
            app.command(verb)(command)
    return app


def _refuse(message: str) -> int:
    print("elman:", " ".join(message.split()), file=sys.stderr)
    return 2
