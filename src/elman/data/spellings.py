"""Names that may be one and the same, written differently."""

import logging
import re
from collections.abc import Mapping

log = logging.getLogger(__name__)

DECIMALS = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,2})?")  # with zeros before it, it is a code
TRUTHS = ("true", "false")
SHOWN = 3  # names that are shown


def plain(name: str) -> str:
    """A name without decimals if it is a whole number, and true and false in lower case.

    Of other numbers 1.10 is not 1.1, since they may be versions or chapters.

    >>> [plain(name) for name in ("5.0", "5", "1.0000000e+00", "1.10", "007", "TRUE", "Ham")]
    ['5', '5', '1', '1.10', '007', 'true', 'Ham']
    """
    if name.lower() in TRUTHS:
        return name.lower()
    if not DECIMALS.fullmatch(name):
        return name
    number = float(name)
    return str(int(number)) if number.is_integer() else name


def one_each(counts: Mapping[str, int]) -> dict[str, str]:
    """For each name the most frequent one of those that are written plainly alike.

    >>> one_each({"5": 3, "5.0": 1, "6.0": 2})
    {'5': '5', '5.0': '5', '6.0': '6.0'}
    """
    usual: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], len(name), name)):
        usual.setdefault(plain(name), name)
    return {name: usual[plain(name)] for name in counts}


def tell_alike(kind: str, counts: Mapping[str, int]) -> None:
    """Say which names of a kind, such as labels, differ only in case or blanks, with how often each is there."""
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    alike = [", ".join(f"{name} {counts[name]:,}" for name in names) for names in groups.values() if len(names) > 1]
    if alike:
        more = f"; and {len(alike) - SHOWN:,} more" if len(alike) > SHOWN else ""
        told = "; ".join(alike[:SHOWN]) + more
        log.warning("%s differ only in case or blanks, and are learnt apart unless written alike: %s", kind, told)
