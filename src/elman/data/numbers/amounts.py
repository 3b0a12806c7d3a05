"""What stands around the digits of a number as people write it: signs, brackets, percent, currencies, other scripts."""

import re
import sys
import unicodedata
from functools import cache
from typing import NamedTuple

import polars as pl

from elman.data.dialect import Notation
from elman.data.numbers.units import NAMES, SCALES, in_full, scales_of, unit_of, without_unit

LONGEST = 64  # characters of a cell that may be a number
CODES = (
    "USD EUR GBP JPY CNY INR CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON RUB TRY BRL MXN ZAR KRW HKD SGD THB IDR MYR "
    "PHP VND TWD ILS SAR AED EGP NGN KES UAH"
).split()
SYMBOLS = {
    "US$": "USD", "A$": "AUD", "C$": "CAD", "R$": "BRL", "HK$": "HKD", "NT$": "TWD", "S$": "SGD", "NZ$": "NZD",
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "Rs.": "INR", "Rs": "INR", "₽": "RUB", "₩": "KRW",
    "₺": "TRY", "₴": "UAH", "₪": "ILS", "₫": "VND", "฿": "THB", "₦": "NGN", "₱": "PHP", "zł": "PLN", "Kč": "CZK",
    "kr": "kr", "SFr.": "CHF", "sFr.": "CHF", "Fr.": "CHF",
}  # fmt: skip
# other ways to write a mark; what only tells in which direction a text runs is nothing
OTHERS = {
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\uff07", "'"),
    **dict.fromkeys("\u200b\u200e\u200f\u061c\u2060\ufeff", ""),
    **dict.fromkeys("\u066a\uff05", "%"),
    **dict.fromkeys("\u066b\uff0e", "."),
    **dict.fromkeys("\u066c\uff0c", ","),
    "\uff08": "(", "\uff09": ")", "\uff0b": "+", "\uff04": "$", "\uffe1": "£", "\uffe5": "¥", "\u20a8": "Rs",
}  # fmt: skip
_SYMBOL = "|".join(map(re.escape, sorted(SYMBOLS, key=len, reverse=True)))
_CODE = "|".join(CODES)
# a code is parted by a blank from a sign, so that an identifier such as SEK-100 is none
BEFORE = rf"^([-+(]*)\s*(?:({_SYMBOL})(\s*[-+(]*\s*[0-9.,].*)|({_CODE})((?:\s+[-+(]*)?\s*[0-9.,(].*))$"
BEHIND = rf"^(.*[0-9.,)-])\s*({_SYMBOL}|{_CODE})\s*(\)?)$"
BODY = r"^[-+]?[0-9.,' _]*[0-9][0-9.,' _]*(?:[eE][-+]?[0-9]+)?$"


class Amounts(NamedTuple):
    """Cells without what stands around their digits.

    Args:
        body: ``[N]``, a sign, digits and the marks between them; null where a cell has other things.
        percent: ``[N]``, which were percent.
        currency: of all, three letters as a rule, or ""; amounts of another one have no body.
        unit: that stood behind all of them, or ""; what has another or none has no body.
        short: whether letters for thousands and more stood behind some.
        said: what about them is not plain, in words.
    """

    body: pl.Series
    percent: pl.Series
    currency: str
    unit: str
    short: bool
    said: tuple[str, ...]


@cache
def _digits() -> dict[str, str]:
    """The digits of all scripts but ours."""
    every = "".join(map(chr, range(128, sys.maxunicode + 1)))
    return {sign: str(unicodedata.decimal(sign)) for sign in re.findall(r"\d", every)}


def in_ascii(text: pl.Series) -> pl.Series:
    """Text with the digits, blanks, minus signs and marks of other scripts in ours.

    >>> in_ascii(pl.Series(["\u2212\u0661\u0662", "1\u202f079"])).to_list()
    ['-12', '1 079']
    """
    if not text.str.contains(r"[^\x00-\x7F]").any():
        return text
    table = {**OTHERS, **_digits()}
    return text.str.replace_many(list(table), list(table.values())).str.strip_chars()


def amounts_of(text: pl.Series, known: Notation | None = None) -> Amounts:
    """The digits of cells, and what stood around them.

    Args:
        text: the cells.
        known: how they are written, if that is known; a currency that is not is that of the most.

    Example:
        >>> found = amounts_of(pl.Series(["$ 1,079.50", "(5)", "12 %", "5-", "five"]))
        >>> found.body.to_list()
        ['1,079.50', '-5', '12', '-5', None]
        >>> found.said
        ('amounts in USD', 'percent, 12% as 0.12', 'brackets for a minus', 'a minus behind')
    """
    text = text.str.strip_chars()
    text = in_ascii(text.set(text.str.len_chars() > LONGEST, None))
    said = []
    unit = _unit_of(text) if known is None else known.unit
    if unit:
        text = without_unit(text, unit)
        said += [f"amounts in {unit}"]
    currency = known.currency if known else ""
    if text.str.contains(rf"{_SYMBOL}|{_CODE}").any():
        text, found = _without_currency(text)
        if found.null_count() < len(found):
            currency = currency or found.drop_nulls().mode().sort()[0]
            text = text.set((found != currency).fill_null(False), None)
            said += [f"amounts in {currency}"]
    percent = text.str.contains("%", literal=True).fill_null(False)
    if percent.any():
        said += ["percent, 12% as 0.12"]
        text = text.str.replace(r"\s*%\s*(\)?)$", "${1}").str.replace(r"^([-+(]?)\s*%\s*", "${1}")
    # right behind a decimal mark it is no sign, but stands for decimals that there are none of: 12,- and 12.--
    text = text.str.replace(r"([0-9][.,])\s*-{1,2}(\)?)$", "${1}${2}")
    if text.str.starts_with("(").any():
        text = text.str.replace(r"^\(\s*([0-9.,][^()]*?)\s*\)$", "-${1}")
        said += ["brackets for a minus"]
    if text.str.contains(r"[0-9]\s*-$").any():
        text = text.str.replace(r"^([0-9.,][^-]*?)\s*-$", "-${1}")
        said += ["a minus behind"]
    text = text.str.replace(r"^([-+])\s+", "${1}")
    scales = scales_of(text) if known is None else [*SCALES] if known.short else []
    if scales:
        text = in_full(text)
        said += [f"{', '.join(f'{letter} as {NAMES[SCALES[letter.lower()]]}' for letter in scales)}"]
    body = text.set(~text.str.contains(BODY).fill_null(True), None)
    return Amounts(body, percent, currency, unit, bool(scales), tuple(said))


def _unit_of(text: pl.Series) -> str:
    unit = unit_of(text.drop_nulls())
    return "" if unit in SYMBOLS or unit in CODES else unit


def _without_currency(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    parts = text.str.extract_groups(BEFORE).struct.unnest()
    before = parts["2"].fill_null(parts["4"])
    rest = parts["1"] + parts["3"].fill_null(parts["5"]).str.strip_chars_start()
    behind = text.str.extract(BEHIND, 2)
    text = rest.fill_null(text.str.replace(BEHIND, "${1}${3}"))
    return text, before.fill_null(behind).replace(SYMBOLS)
