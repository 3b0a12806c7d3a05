"""What times have in other scripts, as the usual signs: digits, signs for year and month, halves of the day, eras."""

import polars as pl

from elman.data.numbers.amounts import in_ascii

ERAS = {  # and the year before the first of each; "gannen" is the first
    "令和": 2018,
    "平成": 1988,
    "昭和": 1925,
    "大正": 1911,
    "明治": 1867,
    "民國": 1911,
    "民国": 1911,
    "中華民國": 1911,
    "R": 2018,  # in three numbers with points or strokes between them
    "H": 1988,
    "S": 1925,
}
_ERA = (
    r"^(?:(令和|平成|昭和|大正|明治|中華民國|民國|民国)\s?(\d{1,3}|元)\s?(年.*)?"
    r"|([RHS])(\d{1,2}|元)([./年]\d{1,2}[./月]\d{1,2}.*))$"
)
_NUMBERS = {"一": "1", "二": "2", "三": "3", "四": "4"}
# the signs behind the parts of a moment in Chinese, Japanese and Korean, and the usual marks in their place
SIGNS = {
    r"\s?[(\uff08][月火水木金土日一二三四五六월화수목금토일][)\uff09]": "",  # a day of the week
    r"^(\d{4})\s?[年년]?\s?第?\s?([1-4一二三四])\s?(?:四半期|季度|季|분기)$": "$1 Q$2",
    r"^(\d{4})\s?[年년]?\s?第?\s?(\d{1,2})\s?(?:周|週|주차?)$": "$1 W$2",
    r"^(\d{4})\s?[年년]?\s?(?:度?上半?[年期]|상반기)$": "$1 H1",
    r"^(\d{4})\s?[年년]?\s?(?:度?下半?[年期]|하반기)$": "$1 H2",
    r"^(\d{4}|\d{2})\s?[年년]\s?": "$1-",
    r"^(\d+-\d{1,2})\s?[月월]\s?": "$1-",
    r"(\d)\s?[日号號일]\s?": "$1 ",
    r"(\d{1,2})\s?[時时시点點]\s?(\d{1,2})\s?[分분]?": "$1:$2",
    r"(\d{1,2})\s?[時时시点點]\s?$": "$1:00",
    r"(:\d{1,2})\s?(\d{1,2})\s?[秒초]": "$1:$2",
    r"[- ]$": "",
    r"^(\d{4})-?度$": "$1",
}
_TIME = r"(\d{1,2}(?::\d{1,2}){0,2})"
HALVES = {  # of the day, before the time of it or behind it
    rf"(?:上午|午前|오전)\s?{_TIME}": "$1 AM",
    rf"(?:下午|午後|午后|오후)\s?{_TIME}": "$1 PM",
    r"(\d)\s?(?:π\.?\s?μ\.?|ص|öö)$": "$1 AM",
    r"(\d)\s?(?:μ\.?\s?μ\.?|م|ös)$": "$1 PM",
    r"(\d)\s?(?:г\.?|года?|р\.?|року)$": "$1",  # "of the year", behind it
}
_INVISIBLE = "[\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # that say in which direction to write
_JSON = r"^\s*\\?/Date\((-?\d+)(?:[-+]\d{4})?\)\\?/\s*$"  # milliseconds, as .NET has them in JSON


def usual(text: pl.Series) -> pl.Series:
    r"""Cells of times with the digits and signs that are usual in English.

    >>> usual(pl.Series(["2024년 3월 7일 5시", "2024/03/01 上午1:00", "令和3年1月5日", "۲۰۲۱-۰۱-۰۲"])).to_list()
    ['2024-3-7 5:00', '2024/03/01 1:00 AM', '2021-1-5', '2021-01-02']
    >>> usual(pl.Series(["2024年第二季度", "2024年下半年", "/Date(1709251200000)/"])).to_list()
    ['2024 Q2', '2024 H2', '1709251200000']
    """
    if text.str.contains("/Date(", literal=True).any():
        text = text.str.replace(_JSON, "$1")
    if text.str.contains(r"^[RHS]\d{1,2}[./]\d").any():
        text = _without_eras(text)
    if not text.str.contains(r"[^\x00-\x7f]").any():
        return text
    text = in_ascii(text.str.replace_all(_INVISIBLE, ""))
    if text.str.contains(r"\p{Han}|\p{Hangul}").any():
        text = _without_eras(text)
        for written, meant in SIGNS.items():
            text = text.str.replace(written, meant)
        for written, meant in _NUMBERS.items():
            text = text.str.replace(rf" Q{written}$", f" Q{meant}")
    if text.str.contains(r"[^\x00-\x7f]").any():
        for written, meant in HALVES.items():
            text = text.str.replace(written, meant)
    return text


def _without_eras(text: pl.Series) -> pl.Series:
    parts = text.str.extract_groups(_ERA).struct.rename_fields(["era", "year", "rest", "e", "y", "r"]).struct.unnest()
    era, year, rest = (pl.coalesce(name, name[0]) for name in ("era", "year", "rest"))
    begun = era.replace_strict(ERAS, default=None, return_dtype=pl.Int64)
    western = (begun + year.replace("元", "1").cast(pl.Int64)).cast(pl.String) + rest.fill_null("")
    return parts.select(western.alias("western")).to_series().fill_null(text)


def is_year(text: pl.Series) -> pl.Series:
    """Which cells are years with the sign for it.

    >>> is_year(pl.Series(["2024年度", "2024년", "2024"])).to_list()
    [True, True, False]
    """
    return text.str.contains(r"^\s*\d{4}\s?[年년]度?\s*$")
