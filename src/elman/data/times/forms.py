"""The ways in which people write dates and times of day: one pattern each."""

from typing import NamedTuple

from elman.data.times.names import ZONES

SECOND = 1_000_000  # times are whole microseconds since 1970, in UTC where they have a zone
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
YEARS = (1800, 2200)  # what is earlier or later is no time
FIRST_YEAR = 1969  # of those that two digits stand for, as in POSIX: 69 is 1969 and 68 is 2068
SINCE = " since "  # behind the name of a form of which it is another

_BETWEEN = r"\s?[-/._\s\u2010\u2011\u2013]\s?"
_YEAR = r"'?(?P<Y>\d{4}|\d{2})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|°|ª)?"
_NAME = r"(?P<b>[^\W\d_]{3,12})\.?"
_OF = r"[-\s/.,_]*(?:(?:de|of|del|di)\s+)?"
_TH = r"(?:st|nd|rd|th|er|re|e|ème|eme|º|°|ª|\.|-?й|-?е|-?го)?\s?"  # behind a number that counts
_QUARTER = (
    r"(?:q|t|qtr\.?|quarter|quartal|qu\.|trimestre|trim\.?|trimester|trimestrul|tr\.|kwartaal|kwartał|kvartal|kvartál|"
    r"čtvrtletí|negyedév|çeyrek|ç|triwulan|tw|quý|квартал|кв\.?|τρίμηνο|neljännes)"
)
_FOUR = r"(?P<q>[1-4]|iv|i{1,3})"  # in Roman numbers as well
_HALF_YEAR = (
    r"(?:h|s|hy|half|hj\.?|halbjahr|sem\.?|semestre|semester|semestrul|półrocze|pololetí|félév|halvår|puolivuosi|"
    r"yarıyıl|полугодие|εξάμηνο)"
)
_TWO = r"(?P<h>[12]|i{1,2})"
# what stands before a year that is none of the calendar: of money, of schools, of farmers, of sports
_OWN = r"(?:fy|cy|sy|ay|my|wy|gj|wj|fiscal(?: year)?|school year|schuljahr|season|saison|spielzeit|temporada|stagione)"
_WEEK = r"(?:w|wk|kw|week|woche|semaine|semana|settimana|vecka|uge|uke|viikko|týden|tydzień|hét|неделя)"
_WEEKDAY = (
    r"(?:(?:(?:mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|mié|mie|jeu|jue|ven|vie|sam|sáb|sab|dim|dom|die|mit|don|fre|"
    r"son|gio|seg|ter|qua|qui|sex|maa|din|woe|vri|zat|zon)[^\W\d_]*(?:-feira)?|mo|di|mi|do|fr|sa|so)\.?,?\s+)?"
)
_CLOCK = (
    r"(?P<H>\d{1,2})(?:[:.h]\s?(?P<M>\d{2})(?:[:.]?(?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?)?"
    r"(?:\s?(?:h|hrs|uhr)\b)?"
)
_HALF = r"(?:\s?(?P<p>[ap])\.?\s?m\b\.?)?"
_TIGHT = r"(?P<H>\d{2})(?::?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,:]?(?P<f>\d{1,9}))?)?)?"  # with or without colons
_DIGITS = rf"(?P<H>\d{{2}})(?P<M>\d{{2}})(?:(?P<S>\d{{2}})(?P<f>\d{{3}})?)?{_HALF}"  # in one number with the day
_OFFSET = r"(?P<o>[-+\u2212]\d{1,2}(?::?\d{2})?)"
_ZONE = (
    rf"(?:\s?(?P<z>{'|'.join(sorted(ZONES, key=len, reverse=True))})\b)?(?:\s?{_OFFSET})?"
    r"(?:\s?\[[\w/+-]+\])?(?:\s?\([^)]*\))?"
)
_THEN = r"(?:\s*[T_,]\s*|\s+(?:(?:at|um|à|om|alle|às|a las)\s+)?|[-:])"
_AFTER = rf"(?:{_THEN}{_CLOCK}{_HALF}{_ZONE})?"
_COMPACT = rf"(?:[T_\s:-]?{_TIGHT}{_HALF}{_ZONE})?"
# a time of day by itself
CLOCK = rf"(?i)^(?:T?{_CLOCK}{_HALF})$"
# a day of a month, and a time of day or nothing: the year is not said
YEARLESS = (
    rf"(?i)^{_WEEKDAY}(?:(?P<b>[^\W\d_]{{3,12}})\.?[-\s/]+(?P<d>\d{{1,2}})|(?P<d2>\d{{1,2}})\.?[-\s/]+"
    r"(?P<b2>[^\W\d_]{3,12})\.?)(?P<c>[\sT,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?)?$"
)


class Form(NamedTuple):
    """A way to write times; the first group of letters of ``pattern`` that stands in it tells what it has.

    Args:
        said: for people, without the time of day.
        pattern: with groups for the year, the month's number or name, the day, the week and its day, the day of the
            year, the quarter, the half, the year after: ``Y m b d w u j q h Y2``; those of the time of day:
            ``H M S f p``; of the zone: ``z o``.
        digits: whether it is of digits alone, so that cells may be numbers as well.
        period: whether it names more than a day, which has no time of day.
    """

    said: str
    pattern: str
    digits: bool = False
    period: bool = False


FORMS = {
    "ymd": Form("year-month-day", rf"{_WEEKDAY}{_YEAR}{_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}(?P<d>\d{{1,2}}){_AFTER}"),
    "dmy": Form("day/month/year", rf"{_WEEKDAY}(?P<d>\d{{1,2}}){_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}{_YEAR}{_AFTER}"),
    "mdy": Form("month/day/year", rf"{_WEEKDAY}(?P<m>\d{{1,2}}){_BETWEEN}(?P<d>\d{{1,2}}){_BETWEEN}{_YEAR}{_AFTER}"),
    "dby": Form("day month year", rf"{_WEEKDAY}{_DAY}{_OF}{_NAME}{_OF}{_YEAR}{_AFTER}"),
    "bdy": Form("month day year", rf"{_WEEKDAY}{_NAME}[-\s/]*{_DAY}[-\s/,.]+{_YEAR}{_AFTER}"),
    "ybd": Form("year month day", rf"(?P<Y>\d{{4}}){_OF}{_NAME}[-\s/]*{_DAY}{_AFTER}"),
    "ctime": Form(
        "weekday month day time year",
        rf"{_WEEKDAY}{_NAME}\s+(?P<d>\d{{1,2}}),?\s+{_CLOCK}{_HALF}{_ZONE}\s+(?P<Y>\d{{4}})(?:\s(?P<o2>[-+]\d{{4}}))?",
    ),
    "iso week": Form("year and week", rf"(?P<Y>\d{{4}})[-\s/,.]*{_WEEK}\s?(?P<w>\d{{1,2}})(?:-?(?P<u>[1-7]){_AFTER})?"),
    "year s week": Form(  # S1 and S2 are halves of a year
        "year and week", r"(?P<Y>\d{4})[-\s/]?s(?P<w>\d{2})", period=True
    ),
    "week year": Form("week and year", rf"{_WEEK}[\s.]*(?P<w>\d{{1,2}}){_OF}{_YEAR}", period=True),
    "quarter": Form("year and quarter", rf"(?P<Y>\d{{4}})[-\s/._:,]*{_QUARTER}[-\s]?{_FOUR}", period=True),
    "quarter year": Form("quarter and year", rf"{_QUARTER}[-\s]?{_FOUR}[-\s/._:,]*(?:fy\s?)?{_YEAR}", period=True),
    "1q20": Form("quarter and year", rf"{_FOUR}{_TH}{_QUARTER}{_OF}{_YEAR}", period=True),
    "2020 1q": Form("year and quarter", rf"(?P<Y>\d{{4}})[-\s/._:,]*{_FOUR}{_TH}{_QUARTER}", period=True),
    "2020-iv": Form("year and quarter", r"(?P<Y>\d{4})[-\s/._](?P<q>iv|i{1,3})", period=True),
    "20q1": Form("year and quarter", r"'?(?P<Y>\d{2})[-\s]?q(?P<q>[1-4])", period=True),
    "half": Form("year and half", rf"(?P<Y>\d{{4}})[-\s/._:,]*{_HALF_YEAR}[-\s]?0?{_TWO}", period=True),
    "half year": Form("half and year", rf"{_HALF_YEAR}[-\s]?{_TWO}[-\s/._:,]*(?P<Y>\d{{4}})", period=True),
    "1h2020": Form("half and year", rf"{_TWO}{_TH}{_HALF_YEAR}{_OF}(?P<Y>\d{{4}})", period=True),
    "2020 1h": Form("year and half", rf"(?P<Y>\d{{4}})[-\s/._:,]*{_TWO}{_TH}{_HALF_YEAR}", period=True),
    "s1 2020": Form("week and year", r"s(?P<w>\d{1,2})[-\s/.,]*(?P<Y>\d{4})", period=True),
    "two years": Form(
        "a year and the next, by the first",
        rf"(?:{_OWN}[-\s]?)?(?P<Y>\d{{4}})\s?[-/_\u2010-\u2013]\s?(?P<Y2>\d{{4}}|\d\d)",
        period=True,
    ),
    "own year": Form("year", rf"{_OWN}[-\s]?(?P<Y>\d{{4}})", period=True),
    "fy20": Form("year", r"(?:fy|cy|gj)[-\s]?'?(?P<Y>\d\d)", period=True),
    "fy19/20": Form("a year and the next, by the first", r"(?:fy|gj|wj)[-\s]?(?P<Y>\d\d)[-/](?P<Y2>\d\d)", period=True),
    "year [year]": Form("year", r"(?P<Y>\d{4})\s?\[yr\d{4}\]", period=True),
    "my": Form("month/year", rf"(?:(?:m|t|th|thg|tháng)\.?\s?)?(?P<m>\d{{1,2}}){_BETWEEN}(?P<Y>\d{{4}})", period=True),
    "ym": Form("year-month", rf"(?P<Y>\d{{4}})(?:[-\s/._]?m|{_BETWEEN})(?P<m>\d{{1,2}})", period=True),
    "by": Form("month year", rf"{_NAME}{_OF}{_YEAR}", period=True),
    "yb": Form("year month", rf"(?P<Y>\d{{4}}){_OF}{_NAME}", period=True),
    "ordinal": Form(
        "year and day of the year", rf"(?P<Y>\d{{4}})[-/.]?(?P<j>\d{{3}})(?:T{_TIGHT}{_HALF}{_ZONE})?", digits=True
    ),
    "yyyymmdd": Form("yearmonthday", rf"(?P<Y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_COMPACT}", digits=True),
    "ddmmyyyy": Form("daymonthyear", rf"(?P<d>\d{{2}})(?P<m>\d{{2}})(?P<Y>\d{{4}}){_AFTER}", digits=True),
    "mmddyyyy": Form("monthdayyear", rf"(?P<m>\d{{2}})(?P<d>\d{{2}})(?P<Y>\d{{4}}){_AFTER}", digits=True),
    "yyyymm": Form("yearmonth", r"(?P<Y>\d{4})(?P<m>\d{2})", digits=True, period=True),
    "yymmdd": Form("yearmonthday", rf"(?P<Y>\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_AFTER}", digits=True),
    "ddmmyy": Form("daymonthyear", rf"(?P<d>\d{{2}})(?P<m>\d{{2}})(?P<Y>\d{{2}}){_AFTER}", digits=True),
    "mmddyy": Form("monthdayyear", rf"(?P<m>\d{{2}})(?P<d>\d{{2}})(?P<Y>\d{{2}}){_AFTER}", digits=True),
    "ddmmyyyyhhmm": Form("daymonthyear", rf"(?P<d>\d{{2}})(?P<m>\d{{2}})(?P<Y>\d{{4}}){_DIGITS}", digits=True),
    "mmddyyyyhhmm": Form("monthdayyear", rf"(?P<m>\d{{2}})(?P<d>\d{{2}})(?P<Y>\d{{4}}){_DIGITS}", digits=True),
    "yymmddhhmm": Form("yearmonthday", rf"(?P<Y>\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_DIGITS}", digits=True),
    "ddmmyyhhmm": Form("daymonthyear", rf"(?P<d>\d{{2}})(?P<m>\d{{2}})(?P<Y>\d{{2}}){_DIGITS}", digits=True),
    "mmddyyhhmm": Form("monthdayyear", rf"(?P<m>\d{{2}})(?P<d>\d{{2}})(?P<Y>\d{{2}}){_DIGITS}", digits=True),
    "year": Form("year", r"(?P<Y>\d{4})", digits=True, period=True),
    "yearweek": Form("yearweek", r"(?P<Y>\d{4})(?P<w>\d{2})", digits=True, period=True),
    "year-week": Form("year-week", rf"(?P<Y>\d{{4}}){_BETWEEN}(?P<w>\d{{1,2}})", period=True),
    "week/year": Form("week/year", rf"(?P<w>\d{{1,2}}){_BETWEEN}(?P<Y>\d{{4}})", period=True),
    "year.quarter": Form("year.quarter", r"(?P<Y>\d{4})\s?[-:./_]?\s?(?P<q>[1-4])", period=True),
    "year.month": Form("year.month", r"(?P<Y>\d{4})\.(?P<m>\d{2})", period=True),
    "month.year": Form("month.year", r"(?P<m>\d{1,2})\.(?P<Y>\d{4})", period=True),
    "year period": Form("year and month of it", r"(?P<Y>\d{4})[-/.]?0(?P<m>\d{2})", period=True),
    "period year": Form("month of a year, and the year", r"0(?P<m>\d{2})[-/.](?P<Y>\d{4})", period=True),
    "1h20": Form("half and year", r"(?P<h>[12])\s?h[-\s/._]?'?(?P<Y>\d{2})", period=True),  # or an hour and 20 minutes
    "19/20": Form("a year and the next, by the first", r"(?P<Y>\d\d)[-/](?P<Y2>\d\d)", period=True),
}  # the first that reads the most cells is taken
# those that only the name of a column tells from others, by role
NAMED = {
    "yearweek": "year and week",
    "year-week": "year and week",
    "week/year": "year and week",
    "year.quarter": "year and quarter",
    "year.month": "year and month",
    "month.year": "year and month",
    "year period": "year and month",
    "period year": "year and month",
    "1h20": "year and half",
    "19/20": "years",
}
# of these a column may be readable in several, of which each means another day
ORDERS = {
    "ymd": ("ymd", "yyyymmdd", "yymmdd", "yymmddhhmm"),
    "dmy": ("dmy", "ddmmyyyy", "ddmmyy", "ddmmyyyyhhmm", "ddmmyyhhmm"),
    "mdy": ("mdy", "mmddyyyy", "mmddyy", "mmddyyyyhhmm", "mmddyyhhmm"),
}

# of columns of numbers by how many digits they have, without those after years that only names tell
STAMPS = {
    6: ("yymmdd", "ddmmyy", "mmddyy"),
    10: ("yymmddhhmm", "ddmmyyhhmm", "mmddyyhhmm"),
    12: ("ddmmyyyyhhmm", "mmddyyyyhhmm", "yymmddhhmm", "ddmmyyhhmm", "mmddyyhhmm"),
    14: ("ddmmyyyyhhmm", "mmddyyyyhhmm"),
}

# of the usual ways to write some forms those that can be read at once
FORMATS = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d"),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y"),
    "dby": ("%d %b %Y", "%d-%b-%Y"),
    "bdy": ("%b %d, %Y",),
    "yyyymmdd": ("%Y%m%d",),
}
CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p",
          " %H.%M", " %H.%M.%S")  # fmt: skip
TIGHT_CLOCKS = ("", "%H%M", "%H%M%S", "T%H%M%S", "_%H%M%S")


def with_first_year(form: str) -> tuple[str, int]:
    """The name of a form, and the first of the hundred years that its years of two digits are of.

    >>> with_first_year("dmy"), with_first_year("dmy since 1950")
    (('dmy', 1969), ('dmy', 1950))
    """
    name, _, first = form.partition(SINCE)
    return name, int(first) if first.isdecimal() else FIRST_YEAR


def order_of(form: str) -> str:
    """In which order a form of numbers has day, month and year; empty for what can be read in one way only."""
    return next((order for order, forms in ORDERS.items() if form in forms), "")
