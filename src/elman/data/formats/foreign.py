"""Files that hold data in a way that is not read here, each told as what it is."""

from pathlib import Path

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format, beginning
from elman.data.tables import Table
from elman.errors import ElmanError

# what such a file begins with, what it is, and what to do
KINDS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "save its sheet as CSV"),
    (b"%PDF-", "a PDF", "save its tables as CSV"),
    (b"SQLite format 3\0", "an SQLite database", "save a table of it as CSV"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save its arrays as .npy, or its tables as Parquet"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", "save its arrays as .npy or CSV"),
    (b"\x80\x04", "a pickle of Python, which could run anything", "save what it holds as CSV, Parquet or .npy"),
    (b"\x80\x05", "a pickle of Python, which could run anything", "save what it holds as CSV, Parquet or .npy"),
    (b"FEA1", "a file of the first version of Feather", "save it as Parquet or as Feather of now"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"ORC", "an ORC file", "save it as Parquet"),
    (b"7z\xbc\xaf\x27\x1c", "packed with 7-Zip", "unpack it"),
    (b"Rar!\x1a\x07", "packed with RAR", "unpack it"),
)
PAGES = ("<!doctype html", "<html")
TAR = (b"ustar", 257)  # and where it stands


def _found(begun: Beginning) -> tuple[str, str] | None:
    if begun.data[TAR[1] : TAR[1] + len(TAR[0])] == TAR[0]:
        return "a tar archive", "unpack it and give a file, or the folder"
    if begun.text.startswith("LOCATION,") and begun.lines[1:2] and begun.lines[1].startswith("DESIGN CONDITIONS"):
        return "an EPW file of weather", "put the names of its columns in the place of the lines before its hours"
    if "RINEX VERSION / TYPE" in begun.text[:200]:
        return "a RINEX file of satellites", "save what it has of a satellite or a station as CSV"
    if begun.text.lstrip().lower().startswith(PAGES):
        return "a page of the web, not the data that it shows", "download the file itself"
    return next(((what, how) for magic, what, how in KINDS if begun.data.startswith(magic)), None)


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """Refuse the file."""
    what, how = _found(beginning(path)) or ("of another kind", "save it as CSV")
    raise ElmanError(f"{path} is {what}; {how}")


FORMAT = Format("a file of another kind", lambda begun: _found(begun) is not None, read, rank=-1)
