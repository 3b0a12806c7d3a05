"""What may stand behind the digits of every number of a column: a unit, or letters for thousands and millions."""

import re

import polars as pl

from elman.data.times.names import MONTHS

SURE = 0.95  # of the cells at least are numbers in a column of such
SAMPLE = 100  # cells of which the most frequent unit is taken
# one word, or two
UNIT = r"(?:\p{Sc}/)?[\p{L}\u00b0\u2032\u2033][^\d\s]{0,14}(?:\s[^\d\s]{1,12})?[23]?"
# what stands behind the numbers of times
OF_TIMES = re.compile(rf"(?i)(?:{'|'.join(MONTHS)}|[ap]\.?\s?m|[qtw]\d)\.?")
# digits with marks between them, and a unit behind
MEASURED = rf"^[-+\u2212]?\s*[0-9.,](?:[0-9.,'_\s]*[0-9.,])?(?:[eE][-+]?[0-9]+)?(\s*{UNIT})$"
SHORT = r"(?i)^(.*[0-9.])\s?(k|mn?|bn?|tn?)(\)?)$"
SCALES = {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}  # powers of ten
NAMES = {3: "thousands", 6: "millions", 9: "billions", 12: "trillions"}
LIMIT = r"^\s*[<>≤≥]=?\s*[-+]?[0-9.,]"  # as of what cannot be measured


def unit_of(text: pl.Series) -> str:
    """The unit that stands behind all numbers of a column, give or take a few, or "".

    Letters for thousands are none right behind the digits, but for that of the metre.

    >>> unit_of(pl.Series(["12 kW", "3.5kW"])), unit_of(pl.Series(["300 K", "1 K"])), unit_of(pl.Series(["5k", "6k"]))
    ('kW', 'K', '')
    """
    found = text.head(SAMPLE).str.extract(MEASURED, 1).drop_nulls()
    units = found.str.strip_chars()
    if not len(units) or text.n_unique() < 2:
        return ""
    unit = units.mode().sort()[0]
    if unit.lower() in SCALES and unit != "m" and not found.str.contains(r"^\s").any():
        return ""
    if OF_TIMES.fullmatch(unit) or without_unit(text, unit).is_not_null().sum() < SURE * len(text):
        return ""
    return unit


def without_unit(text: pl.Series, unit: str) -> pl.Series:
    """Cells without the unit behind them; null where there is another, or none behind what is not zero.

    >>> without_unit(pl.Series(["12 W", "13W", "3 kW", "14", "0.0"]), "W").to_list()
    ['12', '13', None, None, '0.0']
    """
    zero = pl.select(pl.when(text.str.contains(r"^0+(?:[.,]0*)?$")).then(text)).to_series()
    return text.str.extract(rf"^(.*[0-9.,])\s*{re.escape(unit)}$").fill_null(zero)


def scales_of(text: pl.Series) -> list[str]:
    """The letters of cells that stand for thousands and more; none where others stand there too, or m alone.

    >>> scales_of(pl.Series(["1.2K", "3M", "950"])), scales_of(pl.Series(["5m", "6"]))
    (['K', 'M'], [])
    """
    found = text.str.extract(SHORT, 2)
    if found.null_count() == len(found):
        return []
    others = int((text.str.contains(r"\p{L}") & ~text.str.contains(r"[0-9.][eE]") & found.is_null()).sum())
    kinds = sorted(set(found.drop_nulls()))
    return [] if others > (1 - SURE) * len(text) or kinds == ["m"] else kinds


def in_full(text: pl.Series) -> pl.Series:
    """Cells with a power of ten in the place of letters for thousands and more.

    >>> in_full(pl.Series(["1.2K", "(3 bn)", "950"])).to_list()
    ['1.2e3', '(3e9)', '950']
    """
    parts = text.str.extract_groups(SHORT).struct.unnest()
    powers = parts["2"].str.to_lowercase().replace_strict(SCALES, default=None, return_dtype=pl.Int64)
    return (parts["1"].str.strip_chars_end() + "e" + powers.cast(pl.String) + parts["3"]).fill_null(text)


def limits_in(text: pl.Series) -> pl.Series:
    """Which cells say that a number is below or above another, where fewer do than do not.

    >>> limits_in(pl.Series(["<0.5", "1", "2"])).to_list(), limits_in(pl.Series([">50K", "<=50K"])).to_list()
    ([True, False, False], [False, False])
    """
    found = text.str.contains(LIMIT).fill_null(False)
    return found if 2 * int(found.sum()) < len(text) else found & False
