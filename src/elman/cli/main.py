"""``elman VERB ...``: finds the verbs, and says a user's mistake in one line."""

import importlib
import logging
import os
import pkgutil
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any, NoReturn

import typer

import elman.cli
from elman.cli._help import Command, Group
from elman.cli._streams import settle, standard_streams
from elman.cli._usage import mistake
from elman.errors import ElmanError, ElmanWarning, brief, ran_out
from elman.training.signals import Ends, Terminated, ended_by_signals, ending

HEADLINE = "Train recurrent networks on your own sequences, and run them one step at a time."


def script() -> NoReturn:
    """The command itself: ``main`` with the arguments of the process, which it ends."""
    code = main()
    if code > 128:  # a signal ended it, and what is at work in other threads may be anywhere: nothing waits for that
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, 2 for a user's mistake or a file that cannot be read or written, 128 and its number after a signal: 130 after
        Ctrl-C.
    """
    with ended_by_signals() as ends, standard_streams():
        code = _run(arguments, ends)
        settle()
        return code


def _run(arguments: Sequence[str] | None, ends: Ends) -> int:
    streams = sys.stdout, sys.stderr
    try:
        with _told(), _importing_from_here():
            code = typer.main.get_command(_app()).main(arguments, prog_name="elman", standalone_mode=False)
            sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough, as with `| head`
        return 0
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        sys.stdout, sys.stderr = streams  # in whose place Typer has put others
        return 0
    except typer.TyperException as error:
        return _refuse_usage(error)
    except ElmanError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(brief(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)))
    except (KeyboardInterrupt, Terminated) as error:
        return _code(error)
    except Exception as error:
        if ended := ending(error) or ends.raised:  # which an import may have lost, say, and ended by halves
            return _code(ended)
        if not isinstance(error, MemoryError | RuntimeError) or not (said := ran_out(error)):
            raise
        return _refuse(f"{said}; give less data at a time")
    return code if isinstance(code, int) else 0


def _code(ended: KeyboardInterrupt | Terminated) -> int:
    return 128 + (ended.number if isinstance(ended, Terminated) else signal.SIGINT)


def verbs() -> list[str]:
    """The verbs, which are the files of this folder; one whose name begins with a line below is a part of others."""
    return sorted(m.name for m in pkgutil.iter_modules(elman.cli.__path__) if m.name != "main" and m.name[0] != "_")


class _Brief(logging.Formatter):
    """What is logged as it is, but never long: it may repeat what a user's data has."""

    def format(self, record: logging.LogRecord) -> str:
        return brief(super().format(record))


@contextmanager
def _told() -> Iterator[None]:
    """What is logged, and each warning of ours, is told on standard error, a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Brief())
    logger = logging.getLogger("elman")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", ElmanWarning)
            before = warnings.showwarning

            def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
                if issubclass(category, ElmanWarning):
                    print("elman:", brief(" ".join(str(message).split())), file=sys.stderr)
                else:
                    before(message, category, *where)

            warnings.showwarning = show
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _importing_from_here() -> Iterator[None]:
    """A cell of the user's own is found in the current folder, behind everything else."""
    path = list(sys.path)
    sys.path.append("")
    try:
        yield
    finally:
        sys.path[:] = path


def _app() -> typer.Typer:
    app = typer.Typer(
        cls=Group,
        help=HEADLINE,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for verb in verbs():
        command: Any = importlib.import_module(f"elman.cli.{verb}").command
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=verb)
        else:
            app.command(verb, cls=Command)(command)
    return app


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"elman {version('elman')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, expose_value=False, callback=_show_version
        ),
    ] = False,
) -> None:
    """The options of ``elman`` itself."""


def _refuse_usage(error: typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help
        print(error.format_message(), file=sys.stderr)
        return 2
    return _refuse(mistake(error))


def _refuse(message: str) -> int:
    with suppress(OSError):  # where standard error cannot be written, the exit status says it
        print("elman:", " ".join(message.split()), file=sys.stderr)
    return 2
