"""Names that may be one and the same, written differently."""

import re
from collections.abc import Mapping

DECIMALS = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,2})?")  # with zeros before it, it is a code
TRUTHS = ("true", "false")
SHOWN = 3  # names that are shown


def plain(name: str) -> str:
    """A name as a number is usually written, if it is one, and true and false in lower case.

    >>> [plain(name) for name in ("5.0", "5", "1.0000000e+00", "2.50", "007", "TRUE", "Ham")]
    ['5', '5', '1', '2.5', '007', 'true', 'Ham']
    """
    if name.lower() in TRUTHS:
        return name.lower()
    if not DECIMALS.fullmatch(name):
        return name
    number = float(name)
    return str(int(number)) if number.is_integer() else str(number)


def one_each(counts: Mapping[str, int]) -> dict[str, str]:
    """For each name the most frequent one of those that are written plainly alike.

    >>> one_each({"5": 3, "5.0": 1, "6.0": 2})
    {'5': '5', '5.0': '5', '6.0': '6.0'}
    """
    usual: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], len(name), name)):
        usual.setdefault(plain(name), name)
    return {name: usual[plain(name)] for name in counts}


def differing_in_case(counts: Mapping[str, int]) -> str:
    """The names that differ from others only in case or blanks, with how often there are; "" where there are none.

    >>> differing_in_case({"ham": 12, "Ham": 3, "spam": 5})
    'ham 12, Ham 3'
    """
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    alike = [", ".join(f"{name} {counts[name]:,}" for name in names) for names in groups.values() if len(names) > 1]
    more = f"; and {len(alike) - SHOWN:,} more" if len(alike) > SHOWN else ""
    return "; ".join(alike[:SHOWN]) + more
