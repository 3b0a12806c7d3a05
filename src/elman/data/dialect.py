"""How a file of rows is written: what stands between its cells, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

BLANK = " "  # and every other blank, such as those that do not break a line
DECIMALS = (".", ",")
THOUSANDS = (",", ".", BLANK, "'", "_")
SAME = {"\u2019": "'"}  # another way to write a mark


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Args:
        decimal: what stands before the decimals: ``.`` or ``,``.
        thousands: what stands between the thousands, or "".
        currency: in which they are amounts, as its three letters, or "".
        percent: whether all but zeros are percent, or none is; None where either may be.
        unit: that stands behind each of them, or "".
        short: whether a letter behind some stands for thousands, millions or billions.
    """

    decimal: str = "."
    thousands: str = ""
    currency: str = ""
    percent: bool | None = None
    unit: str = ""
    short: bool = False


@dataclass(frozen=True)
class Dialect:
    """How a file of rows is written; what is empty is found out.

    Args:
        separator: what stands between two columns.
        header: whether the first row has the names of the columns, which are ``1, 2, ...`` if it has not.
        decimal: what stands before the decimals of a number: ``.`` or ``,``.
        thousands: what stands between the thousands of a number.
        missing: what stands where there is no value, beside the usual words for that.
        encoding: of a text; UTF-8 where none is said and no mark at its beginning says another.
        numbers: how those columns are written that another table had, one that is not named being plain; None where
            that is found out.
        asks: whether a mark that could stand before decimals as well as between thousands is asked about; models of
            versions before took a comma for the former.
    """

    separator: str = ""
    header: bool | None = None
    decimal: str = ""
    thousands: str = ""
    missing: tuple[str, ...] = ()
    encoding: str = ""
    numbers: Mapping[str, Notation] | None = None
    asks: bool = True


UNKNOWN = Dialect()  # nothing is said of the file


class Lain:
    """The base of what is kept with a model of how a table lay, in which ``dialect`` says how it was written."""

    dialect: Dialect

    def in_encoding(self, encoding: str) -> Self:
        """The same of files in another encoding."""
        kept: Any = self  # which is a dataclass
        return replace(kept, dialect=replace(self.dialect, encoding=encoding))

    @staticmethod
    def now(values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The plain values of former versions as they are now.

        Up to 0.2 they had separator and header themselves, and the name of one column of times, or none.

        Example:
            >>> Lain.now({"text": "review", "separator": ";", "header": True})["dialect"]["separator"]
            ';'
        """
        found = dict(values)
        if isinstance(time := found.get("time"), str):
            found["time"] = [time] if time else []
        if "dialect" not in found:
            separator, header = found.pop("separator", None) or "", found.pop("header", None)
            found["dialect"] = {"separator": separator, "header": header, "asks": False}
        return found
