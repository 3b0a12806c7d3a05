"""Numbers as people read them: as many digits as they deserve."""

import math
from collections.abc import Sequence

USUAL = 4  # significant digits, where nothing else is known
MOST = 6  # decimals; what is smaller is written with an exponent
LONGEST = 9  # digits in all, where a number beside it is large
LARGE = 1e9


def alike(values: Sequence[float | None], digits: int = USUAL, size: float | None = None) -> list[str]:
    """Numbers of one kind, with as many decimals each: so many significant digits of the first one.

    No number that is not zero looks like zero. ``size`` takes the place of the first one, as 1 does for shares.

    Example:
        >>> alike([123456.789, 98.5]), alike([0.6931, 0.0412, None]), alike([0.5, 0.00003])
        (['123457', '98'], ['0.6931', '0.0412', ''], ['0.50000', '0.00003'])
        >>> alike([0.0833, 0.5], digits=2, size=1), alike([1.0, 1e-9]), alike([2e12])
        (['0.08', '0.50'], ['1.0000', '1e-09'], ['2e+12'])
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    places = 1
    if sizes:
        # of a share, 1 has as many decimals as what is below it
        first, least = math.ceil(math.log10(size or sizes[0])) - 1, math.floor(math.log10(min(sizes)))
        places = max(0, digits - 1 - first)
        places = min(MOST, max(places, -least) if -least <= MOST else places)
        places = min(places, max(0, LONGEST - 1 - math.floor(math.log10(max(sizes)))))
    return [_written(value, places, digits) for value in values]


def shown(value: float) -> str:
    """One number by itself; a whole number with all its digits.

    >>> shown(1234567), shown(0.123456), shown(36061.27)
    ('1,234,567', '0.1235', '36,061')
    """
    if isinstance(value, int):
        return f"{value:,}"
    (text,) = alike([value])
    return f"{value:,.0f}" if 10 ** (USUAL - 1) <= abs(value) < LARGE else text


def digits_of(rows: int | None) -> int:
    """How many significant digits a mean over so many rows has, at the most: one more than its chance error leaves.

    >>> [digits_of(rows) for rows in (12, 100, 1000, 10_000, 100_000)]
    [2, 2, 3, 3, 4]
    """
    return USUAL if rows is None else min(USUAL, 1 + max(1, math.ceil(math.log10(max(rows, 1)) / 2)))


def _written(value: float | None, places: int, digits: int) -> str:
    if value is None:
        return ""
    if not math.isfinite(value) or abs(value) >= LARGE or 0 < abs(value) < 0.5 * 10**-places:
        return f"{value:.{digits}g}"
    return f"{value:.{places}f}"
