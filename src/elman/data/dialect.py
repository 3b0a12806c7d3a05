"""How a file of rows is written: what stands between its cells, and what they mean."""

from dataclasses import dataclass


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
    """

    separator: str = ""
    header: bool | None = None
    decimal: str = ""
    thousands: str = ""
    missing: tuple[str, ...] = ()
    encoding: str = ""


UNKNOWN = Dialect()  # nothing is said of the file
