"""Options: the fields of dataclasses, each with a default, one line of help, its limits, and the name it once had."""

import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, get_args

from elman.data.dialect import BLANK, DECIMALS, SAME, THOUSANDS, Dialect
from elman.data.encodings import check_characters
from elman.data.separators import separator_said
from elman.errors import ElmanError, ElmanWarning, quoted

T = TypeVar("T")
DATA = "data"  # the panel of options that say what a user's data is
ENCODING = "Encoding of text files, such as latin-1, cp1252 or shift_jis."
ENCODED = "utf-8, or what a mark at the beginning says"
DETECTED = "detected"  # shown as the default of an option whose value the data tells
CELL = "Recurrent cell: a name from `elman cells`, or module:Class for a cell of your own."
ENCODER = CELL.replace(", or", ", or transformer or convolution, or")
LISTS = ("COLUMNS", "NAMES", "NUMBERS", "CELLS", "ROWS", "VALUES")  # what stands for a value that has commas
LARGEST = 2**53  # whole number, which every reader of JSON has
TAKEN = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}  # by the type of an option
NO_VALUE_IS = "What stands where there is no value, separated by commas, such as -999,NA."
MINUTES = 5.0  # of a run of which nothing says how long it is


class TaskOptions:
    """The base of a task's options, each of which is a frozen dataclass with fields made by ``option``."""

    panel: ClassVar[str] = "model"  # the heading under which help shows them, but for those that name another
    # how to train and how long, where the task wants other than usual; a limit that the user sets replaces it
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({"minutes": MINUTES})


def option(
    default: Any,
    help: str,
    *,
    search: tuple[Any, Any] | list[Any] | None = None,
    was: str = "",
    common: bool = False,
    panel: str = "",
    shown: str = "",
    metavar: str = "",
    choices: Sequence[str] = (),
    **limits: float,
) -> Any:
    """A field of a dataclass of options.

    Args:
        default: its value where the user does not give one.
        help: one line.
        search: what a search chooses among: a list, or the lowest and the highest number.
        was: the name that it had in the version before, which is still taken, with a warning.
        common: whether it is among the few that help shows first.
        panel: the heading under which help shows it, where that is not its dataclass's.
        shown: what help gives as the default, where the value does not say it.
        metavar: what stands for its value in help.
        choices: the words that it may be, beside its default.
        limits: ``min`` and ``max``, where it has them.
    """
    words = {"was": was, "panel": panel, "shown": shown, "metavar": metavar, "choices": tuple(choices)}
    more = {name: value for name, value in {"search": search, "common": common, **words}.items() if value}
    return field(default=default, metadata={"help": help, **more, **limits})


@dataclass(frozen=True)
class TableOptions(TaskOptions):
    """How the files of a task's rows are written, where they are tables."""

    separator: str = option(
        "", "Character between two columns; \\t is a tab.", shown=DETECTED, panel=DATA, metavar="CHARACTER"
    )
    header: bool | None = option(
        None, "Whether the first row has the names of the columns.", shown=DETECTED, panel=DATA
    )
    encoding: str = option("", ENCODING, shown=ENCODED, panel=DATA, metavar="NAME")
    decimal: str = option(
        "", "What stands before the decimals of numbers: . or ,", shown=DETECTED, panel=DATA, metavar="MARK"
    )
    thousands: str = option(
        "",
        "What stands between the thousands of numbers: , . ' _ or a blank.",
        shown=DETECTED,
        panel=DATA,
        metavar="MARK",
    )
    missing: str = option("", NO_VALUE_IS, panel=DATA, metavar="VALUES")

    @property
    def dialect(self) -> Dialect:
        """The same, for those who read.

        Raises:
            ElmanError: a mark that numbers do not have, or one for two things; a separator that is none.
        """
        thousands = BLANK if self.thousands and not self.thousands.strip() else SAME.get(self.thousands, self.thousands)
        if self.decimal not in ("", *DECIMALS):
            raise ElmanError(f"--decimal is . or , and not {self.decimal!r}")
        if thousands not in ("", *THOUSANDS):
            raise ElmanError(f"--thousands is , . ' _ or a blank, and not {self.thousands!r}")
        if self.decimal and self.decimal == thousands:
            raise ElmanError(f"{self.decimal} cannot stand before decimals and between thousands; give one of them")
        separator = separator_said(self.separator)
        return Dialect(separator, self.header, self.decimal, thousands, listed(self.missing), self.encoding)


@dataclass(frozen=True)
class TimedOptions(TableOptions):
    """How the files of a task's rows are written, where rows have times."""

    date_order: str = option(
        "",
        "Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd.",
        shown=DETECTED,
        panel=DATA,
        metavar="ORDER",
    )

    @property
    def order(self) -> str:
        """The same, for those who read.

        Raises:
            ElmanError: another word.
        """
        if self.date_order not in ("", "dmy", "mdy", "ymd"):
            raise ElmanError(f"--date-order is dmy, mdy or ymd, not {self.date_order!r}")
        return self.date_order


def either(words: Sequence[str]) -> str:
    """Words of which one is to be taken, for people.

    >>> either(["csv", "tsv", "jsonl"]), either(["32", "bf16"])
    ('csv, tsv or jsonl', '32 or bf16')
    """
    return " or ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def listed(text: str) -> tuple[str, ...]:
    """The words of an option that has commas between them.

    >>> listed("time, load,")
    ('time', 'load')
    """
    return tuple(word.strip() for word in text.split(",") if word.strip())


def usual(group: type) -> dict[str, Any]:
    """What the options of a group are where the user gives none."""
    for each in fields(group):
        assert each.default is not MISSING, f"{group.__name__}.{each.name} is not made with option()"
    return {each.name: each.default for each in fields(group)}


def former(group: type) -> dict[str, str]:
    """The options of a group by the names that they once had.

    >>> from dataclasses import make_dataclass
    >>> former(make_dataclass("Options", [("min_count", int, option(1, "Fewest.", was="least"))]))
    {'least': 'min_count'}
    """
    return {each.metadata["was"]: each.name for each in fields(group) if "was" in each.metadata}


def renamed(groups: type | Sequence[type], values: Mapping[str, Any], announce: bool = False) -> dict[str, Any]:
    """The values under the names that the options have now.

    Args:
        groups: the dataclasses that have the options.
        values: by name.
        announce: whether a former name is warned of; in a file that a former version wrote it is as it should be.

    Raises:
        ElmanError: a name that no option has or had, or one that is given by both of its names.
    """
    groups = [groups] if isinstance(groups, type) else groups
    known = [each.name for group in groups for each in fields(group)]
    before = {old: new for group in groups for old, new in former(group).items()}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known and name not in before:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ElmanError(f"there is no option {name!r}; {hint}the options are {', '.join(known)}")
        now = name if name in known else before[name]
        if now != name and value is not None and announce:
            warnings.warn(f"the option {name} is called {now} now", ElmanWarning, stacklevel=3)
        if found.get(now) is not None and value is not None:
            old = next(old for old, new in before.items() if new == now and values.get(old) is not None)
            raise ElmanError(f"the option {now} is given twice, the other time as {old}, which is its former name")
        found[now] = value if value is not None else found.get(now)
    return found


def given_of(group: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a group has and that the user gave."""
    return {each.name: values[each.name] for each in fields(group) if values.get(each.name) is not None}


def chosen(group: type[T], usual: Mapping[str, Any], values: Mapping[str, Any]) -> T:
    """An instance of a dataclass of options, from those of ``values`` that it has and that the user gave.

    Args:
        group: the dataclass.
        usual: what its options are where the user does not give them.
        values: by name; None is not given.

    Raises:
        ElmanError: a value of another type than the option's, or a number out of its range.
    """
    return group(**{**usual, **checked(group, given_of(group, values))})


def checked(group: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options as their types have them: a number of NumPy is Python's, a list a text with commas.

    Args:
        group: the dataclass of the options.
        values: those of some of them, by name.

    Raises:
        ElmanError: a value of another type than the option's, or a number out of its range.
    """
    known = {each.name: each for each in fields(group)}
    return {name: _checked(known[name], value) for name, value in values.items()}


def _checked(each: Field[Any], value: Any) -> Any:
    kinds = get_args(each.type) or (each.type,)
    if value is None and type(None) in kinds:
        return None
    kind: Any = next(kind for kind in kinds if kind is not type(None))
    if each.name == "cell" and not isinstance(value, str):
        return _cell(value)
    value, flag = plain(value), f"--{each.name.replace('_', '-')}"
    commas = kind is str and each.metadata.get("metavar") in LISTS
    if commas and not isinstance(value, str):
        value = _with_commas(value)
    found = as_kind(kind, value)
    if found is None:
        raise ElmanError(f"{flag} is {TAKEN[kind]}{' or a list' if commas else ''}, not {value!r}")
    if isinstance(found, str):
        check_characters(found)
    choices = each.metadata.get("choices", ())
    if choices and found not in (*choices, each.default):
        raise ElmanError(f"{flag} is {either(choices)}, not {quoted(found)}")
    largest = LARGEST if kind is int else math.inf
    low, high = each.metadata.get("min", -largest), each.metadata.get("max", largest)
    if isinstance(found, int | float) and not low <= found <= high:
        bounds = f"{low:g} or more" if found < low and high == largest else f"from {low:g} to {high:g}"
        raise ElmanError(f"{flag} is {bounds}, not {quoted(found)}")
    return found


def _cell(value: Any) -> type:
    """The class of a cell."""
    if isinstance(value, type):
        return value
    kind = type(value)
    if hasattr(kind, "gates"):
        raise ElmanError(f"--cell is the class {kind.__name__}, not a cell that is made of it: a model makes its own")
    raise ElmanError(f"--cell is the name of a cell or its class, not {quoted(value)}")


def as_kind(kind: type, value: Any) -> Any:
    """A plain value as a type has it, where it is one; None where it is not.

    >>> as_kind(int, 5.0), as_kind(int, 2.5), as_kind(int, True), as_kind(float, 3), as_kind(str, 3)
    (5, None, None, 3.0, None)
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return int(value) if number and (isinstance(value, int) or value.is_integer()) else None
    if kind is float:
        return float(value) if number and abs(value) <= sys.float_info.max else None
    return value if isinstance(value, kind) else None


def plain(value: Any) -> Any:
    """A value as Python has it, where it is one of NumPy or of PyTorch.

    >>> import numpy as np
    >>> plain(np.int64(5)), plain("gru")
    (5, 'gru')
    """
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def _with_commas(value: Any) -> Any:
    """The words of a list, or one number, as the text of an option that has commas; anything else as it is."""
    words = [plain(word) for word in value] if isinstance(value, list | tuple) else [value]
    if any(isinstance(word, bool) or not isinstance(word, str | int | float) or "," in str(word) for word in words):
        return value
    return ",".join(map(str, words))


def check_kept(options: Any) -> None:
    """Refuse options of which one is a class that cannot be found again from its name.

    Raises:
        ElmanError: what the class itself says of that.
    """
    for value in vars(options).values():
        if isinstance(value, type) and (reference := getattr(value, "reference", None)):  # that of a cell
            reference()
