"""How the numbers of a column are written: what stands before decimals and between thousands, found over all of it."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from elman.data.dialect import BLANK, DECIMALS, THOUSANDS, UNKNOWN, Dialect, Notation
from elman.data.numbers.amounts import amounts_of
from elman.data.numbers.units import SURE, limits_in, unit_of

PLAIN = Notation()
WORDS = r"\p{L}{4}|.{65}"  # what no number has, such as a word that is longer than the letters of a currency
POWER = r"(?:[eE][-+]?[0-9]+)?"
EITHER = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"  # a point that could stand between thousands
NAMES = {",": "comma", ".": "point", BLANK: "blank", "'": "apostrophe", "_": "underscore"}


@dataclass(frozen=True)
class Readings:
    """How the numbers of a column may be written.

    Args:
        notations: those that read the most cells, as many each; none where it is no column of numbers. Where there are
            two, a mark could stand before decimals, as the first has it, or between thousands.
        marks: what stands between digits.
        said: what else is not plain, in words.
        even: whether each cell has its mark before three digits, or is zero.
        cell: one in which the mark could be either.
    """

    notations: tuple[Notation, ...] = ()
    marks: frozenset[str] = frozenset()
    said: tuple[str, ...] = ()
    even: bool = False
    cell: str = ""

    @property
    def numeric(self) -> bool:
        return bool(self.notations)

    @property
    def decimal(self) -> str:
        """What stands before decimals, where a cell tells."""
        return self.notations[0].decimal if len(self.notations) == 1 and self.marks & {",", "."} else ""


def readings(given: pl.Series, dialect: Dialect) -> Readings:
    """How the numbers of a column may be written, by itself.

    Args:
        given: its cells, as text, that hold something.
        dialect: what is said of the file.

    Example:
        >>> readings(pl.Series(["996", "1,079"]), Dialect()).notations == (Notation(","), Notation(".", ","))
        True
        >>> readings(pl.Series(["996", "1,079,000"]), Dialect()).notations
        (Notation(decimal='.', thousands=',', currency='', percent=None, unit='', short=False),)
    """
    if not len(given):
        return Readings()
    text = given.str.strip_chars()
    plain = text.cast(pl.Float64, strict=False)
    as_programs = not plain.null_count() and bool(np.isfinite(plain.to_numpy()).all())
    if as_programs and dialect.decimal != "," and dialect.thousands != ".":
        return _plain(text, known=bool(dialect.decimal or dialect.thousands))
    limits = limits_in(text)
    if limits.any():  # which are refused one by one, in a column of numbers
        return readings(text.filter(~limits), dialect)
    if (text.str.contains(r"\d") & ~text.str.contains(WORDS)).sum() < SURE * len(text) and not unit_of(text):
        return Readings()
    amounts = amounts_of(text)
    body = amounts.body
    if len(body) - body.null_count() < SURE * len(body):
        return Readings()
    marks = frozenset(mark for mark in (*DECIMALS, *THOUSANDS) if body.str.contains(mark, literal=True).any())
    tied = _fitting(body, _possible(marks, dialect)) or _fitting(body, _possible(marks, UNKNOWN))
    if not tied or (len(tied) == 1 and _are_names(body, tied[0], dialect)):
        return Readings()
    tied, even, cell = _told(text, body, tied)
    percent = _are_percent(body, amounts.percent)
    around = {"currency": amounts.currency, "percent": percent, "unit": amounts.unit, "short": amounts.short}
    notations = tuple(replace(each, **around) for each in tied)
    return Readings(notations, marks, amounts.said, even, cell)


def _are_percent(body: pl.Series, percent: pl.Series) -> bool | None:
    """Whether most of the cells are percent, of those that are not zero; None where none is."""
    amounts = body.str.contains("[1-9]").fill_null(False)
    return int((amounts & percent).sum()) * 2 >= int(amounts.sum()) if percent.any() else None


def _plain(text: pl.Series, known: bool) -> Readings:
    """Of cells that are numbers as programs write them, in which a point before three digits may be of thousands."""
    pointed = text.filter(text.str.contains(".", literal=True))
    if not len(pointed):
        return Readings((PLAIN,))
    if known or not pointed.str.contains(EITHER).all():
        return Readings((PLAIN,), frozenset("."))
    return Readings(
        (PLAIN, Notation(",", ".")),
        frozenset("."),
        even=len(pointed) == (text.cast(pl.Float64) != 0).sum(),
        cell=pointed[0],
    )


def _fitting(body: pl.Series, notations: Sequence[Notation]) -> tuple[Notation, ...]:
    """Those that read the most cells, as many each; none where that are too few."""
    counts = {each: int(body.str.contains(_pattern(each)).sum()) for each in notations}
    best = max(counts.values(), default=0)
    return tuple(each for each, count in counts.items() if count == best and best >= SURE * len(body))


def _possible(marks: frozenset[str], dialect: Dialect) -> list[Notation]:
    """What is said, or else what the marks allow for; first what has decimals."""
    said = dialect.decimal or ("," if dialect.thousands == "." else "." if dialect.thousands == "," else "")
    between = (dialect.thousands,) if dialect.thousands else ("", *(mark for mark in THOUSANDS if mark in marks))
    found = [Notation(d, t) for d in ((said,) if said else DECIMALS) for t in between if d != t]
    # a decimal comma that is nowhere makes a difference only where points are of thousands
    return [each for each in found if said or each.decimal == "." or "," in marks or each.thousands == "."]


def _pattern(notation: Notation) -> str:
    """What a number of a notation looks like, thousands by three or, as in India, by two before the last three."""
    d, t = re.escape(notation.decimal), re.escape(notation.thousands)
    plain = rf"(?:[0-9]+(?:{d}[0-9]*)?|{d}[0-9]+){POWER}"
    if not notation.thousands:
        return rf"^[-+]?{plain}$"
    indian = rf"|[1-9][0-9]?(?:{t}[0-9]{{2}})+{t}[0-9]{{3}}" if notation.thousands == "," else ""
    return rf"^[-+]?(?:{plain}|(?:[1-9][0-9]{{0,2}}(?:{t}[0-9]{{3}})+{indian})(?:{d}[0-9]*)?{POWER})$"


def _told(text: pl.Series, body: pl.Series, tied: tuple[Notation, ...]) -> tuple[tuple[Notation, ...], bool, str]:
    """The notations that give other numbers, whether each cell has the mark, and one that has."""
    if len(tied) == 1:
        return tied, False, ""
    first = converted(body, tied[0])
    others = [each for each in tied[1:] if not converted(body, each).equals(first, null_equal=True)]
    if not others:
        return tied[:1], False, ""
    differs = converted(body, others[0]).ne_missing(first)
    # the one in which the mark stands before decimals first
    pair = sorted((tied[0], others[0]), key=lambda each: bool(each.thousands))
    return tuple(pair), bool((differs | (first == 0)).all()), text.filter(differs)[0]


def _are_names(body: pl.Series, notation: Notation, dialect: Dialect) -> bool:
    """Whether groups of digits are telephone numbers or addresses: all alike, three groups of three or more."""
    if not notation.thousands or dialect.thousands or len(body) < 2:
        return False
    t = re.escape(notation.thousands)
    return bool(body.drop_nulls().str.contains(rf"^[0-9]{{3}}(?:{t}[0-9]{{3}}){{2,}}$").all())


def converted(body: pl.Series, notation: Notation) -> pl.Series:
    """Digits with marks between them as numbers; null where they are none of this notation."""
    text = body.set(~body.str.contains(_pattern(notation)).fill_null(True), None)
    if notation.thousands:
        text = text.str.replace_all(notation.thousands, "", literal=True)
    if notation.decimal != ".":
        text = text.str.replace(notation.decimal, ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def numbers_in(text: pl.Series, notation: Notation) -> pl.Series:
    """Text as numbers, as a notation has them; null where it is none, an amount of another currency, or percent or not
    where the others are otherwise.

    Example:
        >>> numbers_in(pl.Series(["1.079,5 €", "5 $", "-12 %"]), Notation(",", ".", "EUR")).to_list()
        [1079.5, None, -0.12]
    """
    if notation.decimal != "." or notation.percent or notation.unit:
        return _numbers_of(text.str.strip_chars(), notation)
    plain = text.cast(pl.Float64, strict=False)
    if plain.null_count() == text.null_count():
        return plain
    text = text.str.strip_chars()
    plain = text.cast(pl.Float64, strict=False)
    rest = plain.is_null() & text.is_not_null()
    if not rest.any():
        return plain
    return plain.scatter(rest.arg_true(), _numbers_of(text.filter(rest), notation))


def _numbers_of(text: pl.Series, notation: Notation) -> pl.Series:
    amounts = amounts_of(text, notation)
    numbers = converted(amounts.body, notation)
    if notation.percent is not None:  # zero is the same either way
        numbers = numbers.set((amounts.percent != notation.percent) & (numbers != 0).fill_null(False), None)
    return (numbers / 100).zip_with(amounts.percent, numbers) if amounts.percent.any() else numbers


def decided(own: Readings, told: Set[str], dialect: Dialect) -> Notation | None:
    """The notation of a column; None where a mark could be either and nothing in the table tells.

    One file is written by one hand: what another column tells of decimals holds, unless columns contradict each
    other or some cells are whole: 913 stands beside 1504 more likely than beside 1.504. Semicolons between the columns
    tell nothing: they stand in files with a comma between thousands as well.

    Args:
        own: how the column may be written, by itself.
        told: what all columns of its table tell of what stands before decimals.
        dialect: how the file is written.
    """
    if len(own.notations) == 1:
        return own.notations[0]
    if len(told) == 1:
        (decimal,) = told
        found = next(each for each in own.notations if each.decimal == decimal)
        if own.even or found.thousands:
            return found
    if not dialect.asks or (own.even and is_plain(own.notations[0])):
        return own.notations[0]
    return None


def is_plain(notation: Notation) -> bool:
    """Whether the digits of numbers, percent or not, stand as programs write them."""
    return replace(notation, percent=None) == PLAIN


def either(own: Readings) -> str:
    """A cell of which it cannot be told how it is to be read, and the options that say it.

    >>> print(either(readings(pl.Series(["996", "1,079"]), UNKNOWN)))
    '1,079', and nothing tells whether that is 1.079 or 1079; say --decimal , or --thousands ,
    """
    read = [numbers_in(pl.Series([own.cell]), each)[0] for each in own.notations]
    numbers = " or ".join("no number" if number is None else f"{number:.10g}" for number in read)
    mark = next((each for each in THOUSANDS if each in own.cell), ",")
    options = f"--decimal {mark} or --thousands {mark}" if mark in DECIMALS else f"--thousands {mark!r}"
    return f"{own.cell!r}, and nothing tells whether that is {numbers}; say {options}"


def in_words(own: Readings, notation: Notation) -> list[str]:
    """How a column is written where it is not as programs write numbers, in a few words each.

    >>> in_words(Readings(marks=frozenset(",.")), Notation(",", "."))
    ['decimal comma', 'thousands point']
    """
    decimal = [f"decimal {NAMES[notation.decimal]}"] if notation.decimal != "." and "," in own.marks else []
    used = notation.thousands and notation.thousands in own.marks
    return [*decimal, *([f"thousands {NAMES[notation.thousands]}"] if used else []), *own.said]
