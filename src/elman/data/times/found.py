"""In which form the times of a column are written, as its name and all of its cells tell."""

from zoneinfo import available_timezones

import numpy as np
import polars as pl

from elman.data.columns import has_month_of_year, is_named, is_stamped
from elman.data.numbers.cells import as_floats, has_value
from elman.data.times.apart import Found, is_even, told_apart
from elman.data.times.dates import arranged, found_in, lacks_year, plain_text, read_form, tidied
from elman.data.times.forms import FORMS, NAMED, STAMPS, YEARS, order_of
from elman.data.times.numbered import find_way
from elman.data.times.signs import is_year, usual

LOWEST, HIGHEST = (int(np.datetime64(str(year), "us").astype(int)) for year in (YEARS[0], YEARS[1] + 1))
SAMPLE = 1000  # cells by which a form is found
MOST = 0.95  # share of the cells that are read where they are numbers
PLACE = r"\s*[\[(]?\b([A-Z][A-Za-z_]+(?:/[A-Za-z_+-]+)+)[\])]?$"  # a zone behind a time
POINTS = r"^\D*\d{1,2}\s?\.\s?\d{1,2}\s?\."
MONTH_AND_YEAR = r"^(0?[1-9]|1[0-2])\.(?:1[89]|2[01])\d{1,2}$"
PERIOD = r"^(?:\d{4}[-/.]?0(0[1-9]|1[0-2])|0(0[1-9]|1[0-2])[-/.]\d{4})$"
FEW_MONTHS = 2  # which a number of another kind may have before its point
DATES, PLAIN = "dates", "numbers"  # columns of dates by their type, and numbers that are only such


def find_form(column: pl.Series, order: str = "") -> Found:
    """The form that reads the most cells of a column, half of them or more."""
    if column.dtype.is_temporal():
        return Found(DATES if column.dtype in (pl.Date, pl.Datetime) else "")
    if column.dtype.is_nested() or column.dtype == pl.Boolean:
        return Found("")
    given = column.filter(has_value(column))
    if not len(given):
        return Found("")
    if given.dtype == pl.String:
        if is_year(given).mean() == 1:
            return Found("year")
        given = usual(given)
    if form := _named_form(given):
        return Found(form)
    numbers = as_floats(given)
    numbers = numbers[~np.isnan(numbers)]
    if len(numbers) >= MOST * len(given):
        return _form_of_numbers(given, numbers, order)
    return _form_of_text(plain_text(given), order, [form for form in FORMS if form not in NAMED])


def _named_form(given: pl.Series) -> str:
    """The form of a year and a part of it that a column is called by, or of years with a mark for thousands; or ""."""
    likely = [form for form, role in NAMED.items() if is_named(given.name, role)]
    text = plain_text(sampled(given))
    timed = is_named(given.name, "time", "stamp") or has_month_of_year(given.name)
    if not _have_periods(text):
        likely = [form for form in likely if form not in ("year period", "period year")]
    if is_named(given.name, "year") and text.str.contains(r"^\d[.,]\d{3}$").all():
        likely = ["year"]
    if timed and text.str.contains(r"\.0\d$").any():
        likely = [*likely, "year.month"]
    if timed and text.str.extract(MONTH_AND_YEAR).n_unique() > FEW_MONTHS:
        likely = [*likely, "month.year"]
    # the months of a year in which October is .10 beside .1 for January are read as text is
    if "year.month" in likely and not text.str.contains(r"\.0\d$").any():
        likely[likely.index("year.month")] = "ym"
    numeric = text.str.contains(r"^[\d.,\s]+$").to_numpy()
    for form in likely:
        read = np.isfinite(read_form(tidied(text, form), form).values)
        # what else there is are words, such as a total of a year
        if read.mean() >= MOST or (2 * read.mean() >= 1 and not (numeric & ~read).any() and len(text) > 2):
            return form
    return ""


def _have_periods(text: pl.Series) -> bool:
    """Whether cells have a year and a month of it in three digits, as SAP counts those of years of money.

    Days of years, which are written alike, are not the first twelve alone.
    """
    months = text.str.extract(PERIOD, 1).fill_null(text.str.extract(PERIOD, 2))
    return months.null_count() == 0 and bool(months.eq("12").any()) and months.n_unique() > FEW_MONTHS


def _form_of_numbers(given: pl.Series, numbers: np.ndarray, order: str) -> Found:
    """Of cells that are numbers: stamps, epochs, years, numbers of days, or nothing but numbers."""
    name = given.name
    if (numbers == np.floor(numbers)).mean() >= MOST:
        text = plain_text(given).str.replace(r"\.0+$", "")
        lengths = text.str.len_chars()
        width = int(lengths.mode()[0])
        found = _stamp(text, width, order)
        if not found.form and width % 2 and ((lengths == width + 1).any() or (width > 5 and not is_even(numbers))):
            found = _stamp(text, width + 1, order)  # most have lost the zero before them
        if found.form:
            return found
    return Found(find_way(name, numbers) or PLAIN)


def _stamp(text: pl.Series, width: int, order: str) -> Found:
    """The form of stamps of so many digits for the most part; empty where they are none."""
    name = text.name
    named = is_named(name, "year", "month") or is_stamped(name) or not name
    likely = {
        4: ["year"] if is_named(name, "time", "stamp", "year") or not name else [],
        6: ["yyyymm", "yymmdd", "yearweek"] if named else [],
        7: ["ordinal"] if named else [],
        8: ["yyyymmdd", "ddmmyyyy", "mmddyyyy"],
    }.get(width, ["yyyymmdd"] if width > 8 else [])
    likely += [form for form in STAMPS.get(width, ()) if named and form not in likely]
    sample = sampled(text)
    fit = [form for form in likely if np.isfinite(read_form(tidied(sample, form), form).values).mean() >= MOST]
    fit = [form for form in fit if order_of(form) and order_of(form) == order] or fit
    if not fit or not order_of(fit[0]) or fit[0] == "yyyymmdd":
        return Found(fit[0] if fit else "")
    read = {form: bounded(read_form(tidied(text, form), form).values) for form in fit if order_of(form)}
    return told_apart(read) if len(read) > 1 else Found(fit[0])


def _form_of_text(text: pl.Series, order: str, names: list[str]) -> Found:
    text = arranged(without_places(text)[0])
    sample = sampled(text)
    # what has no digits, or is long, is no time
    likely = sample.str.contains(r"\d\d") & (sample.str.len_chars() < 80)
    if likely.sum() < 0.5 * len(sample):
        return Found("")
    if lacks_year(text[:SAMPLE]):
        return Found("")
    names = found_in(sample, names)
    counts = {form: int(np.isfinite(bounded(read_form(sample, form).values)).sum()) for form in names}
    best = max(counts, key=lambda form: counts[form], default="")
    if not best or counts[best] < 0.5 * len(sample):
        return Found("")
    if best == "two years" and sample.n_unique() == 1 and counts.get("ym") == counts[best]:
        best = "ym"  # 2000-01 is a month, unless 2001-02 comes after it
    if best == "fy20" and sample.n_unique() == 1 and sample.str.contains(r"^[a-z]").all():
        return Found("")  # gj04 in all rows is a source; a business year has capitals
    if best == "year s week" and sample.n_unique() > 2 and counts.get("half") == counts[best]:
        best = "half"  # of weeks there are more than two
    if not order_of(best):
        return Found(best)
    rivals = [form for form in names if order_of(form) and counts[form] >= 0.9 * counts[best]]
    if said := [form for form in rivals if order_of(form) == order]:
        return Found(said[0])
    if sample.drop_nulls().str.contains(POINTS).all():  # between which a month is never before its day
        rivals = [form for form in rivals if order_of(form) != "mdy"] or rivals
        best = best if best in rivals else rivals[0]
    if len(rivals) == 1:
        return Found(best)
    return told_apart({form: bounded(read_form(text, form).values) for form in rivals})


def without_places(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Cells without the zones that are named by places behind them, such as Europe/Berlin, and these zones."""
    places = text.str.extract(PLACE)
    if places.null_count() == len(places):
        return text, places
    known = places.is_in(list(available_timezones())).fill_null(False)
    places = pl.select(pl.when(known).then(places)).to_series()
    return pl.select(pl.when(known).then(text.str.replace(PLACE, "")).otherwise(text)).to_series(), places


def bounded(values: np.ndarray) -> np.ndarray:
    """Times, ``[N]``, NaN for those of years that are none."""
    return np.where((values >= LOWEST) & (values < HIGHEST), values, np.nan)


def sampled(cells: pl.Series) -> pl.Series:
    """Cells from all over a column, so many that they tell its form."""
    return cells[:: max(1, len(cells) // SAMPLE)]
