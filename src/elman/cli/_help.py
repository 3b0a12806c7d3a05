"""How help looks: options under headings, the common ones first, all of them with ``--help-all``."""

from difflib import get_close_matches
from itertools import zip_longest
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from elman.errors import ElmanError

ALL = "elman.cli.help_all"  # whether all options are asked for, in what a context keeps
NO_BREAK = "\N{NO-BREAK SPACE}"  # keeps two words on a line; what is shown has a space there
NAME = 24  # columns for the name of an option; a longer one stands on a line of its own


class Command(TyperCommand):
    """A command whose options stand under headings; those of ``rare`` are shown with ``--help-all`` only.

    ``--skip-bad`` may stand alone, which is said as the word ``alone``.
    """

    rare: frozenset[str] = frozenset()
    alone = "all"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = [
            f"--skip-bad={self.alone}" if word == "--skip-bad" and following.startswith("-") else word
            for word, following in zip_longest(args, args[1:], fillvalue="-")
        ]
        return super().parse_args(ctx, words)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: Any) -> str:
        return super().get_help(ctx).replace(NO_BREAK, " ")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        left_out = write_options(self, ctx, formatter, frozenset() if ctx.meta.get(ALL) else self.rare)
        if left_out:
            formatter.write_paragraph()
            formatter.write_text(f"{left_out} more options: {ctx.command_path} --help-all")


class Group(TyperGroup):
    """Commands, each with its first sentence."""

    noun = "command"  # what one is called

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found: dict[str, Any] = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section(f"{self.noun.capitalize()}s"):
            formatter.write_dl([(name, first_sentence(each.help)) for name, each in found.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names = self.list_commands(ctx)
        if not (ctx.resilient_parsing or args[0].startswith("-") or args[0] in names):
            near = get_close_matches(args[0], names, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ElmanError(f"there is no {self.noun} {args[0]!r}; {hint}the {self.noun}s are {', '.join(names)}")
        return super().resolve_command(ctx, args)


def write_options(command: Any, ctx: Any, formatter: Any, rare: frozenset[str] = frozenset()) -> int:
    """Write the options and arguments of a command under their headings.

    Returns:
        How many were left out, since their names are in ``rare``.
    """
    for heading, records in headed(command, ctx, rare).items():
        with formatter.section(heading):
            # padded, so that the second column is the same under all headings
            formatter.write_dl([(name.ljust(NAME), about) for name, about in records], col_max=NAME)
    return sum(each.name in rare for each in command.get_params(ctx))


def headed(command: Any, ctx: Any, rare: frozenset[str] = frozenset()) -> dict[str, list[tuple[str, str]]]:
    """What help says of each option and argument, by heading; those that have none, such as ``--help``, come last."""
    headings: dict[str, list[tuple[str, str]]] = {}
    others: list[tuple[str, str]] = []
    for each in command.get_params(ctx):
        record = each.get_help_record(ctx)
        if record is None or each.name in rare:
            continue
        name, _ = record
        if each.param_type_name == "argument":
            headings.setdefault("Arguments", []).append((each.metavar, each.help))
        elif each.rich_help_panel:
            headings.setdefault(each.rich_help_panel, []).append((name, _about(each)))
        else:
            others.append((name, _about(each)))
    return {**headings, "Options": others}


def _about(option: Any) -> str:
    if option.required:
        return f"{option.help} [required]"
    if option.show_default and option.default not in (None, False, ""):
        return f"{option.help} [default:{NO_BREAK}{option.default}]"
    return option.help or ""


def first_sentence(text: str | None) -> str:
    """The first sentence of a help text.

    >>> first_sentence('Talk with a model, e.g. one of dialogues. It\\nanswers.\\n\\nMore.')
    'Talk with a model, e.g. one of dialogues.'
    """
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    head, stop, _ = paragraph.partition(". ")
    while stop and head.endswith(("e.g", "i.e")):
        more, stop, _ = paragraph[len(head) + 2 :].partition(". ")
        head = f"{head}. {more}"
    return head.rstrip(".") + "."


def _show_all(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[ALL] = True
        print(ctx.get_help())
        raise typer.Exit


HelpAll = Annotated[
    bool,
    typer.Option(
        "--help-all", help="Show all options and exit.", is_eager=True, expose_value=False, callback=_show_all
    ),
]
