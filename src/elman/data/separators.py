"""What stands between the cells of a text's lines: found out, with the remarks that are no rows."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence

from elman.errors import ElmanError

COLONS = "::"  # as MovieLens has them
SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks", COLONS: "double colons"}
UNQUOTED = ("\t", COLONS)  # between which a quotation mark is only that
CHARACTERS = [each for each in SEPARATORS if each != " "]
SAMPLE = 200  # rows from which separator and header are guessed
SIZE = 1 << 20  # characters that are looked at for that
SAID = re.compile(r"sep=(.)")  # how Excel says it, in a line of its own before all others
REMARKS = ("#", "%", "//")  # with which lines begin that are none
BLANKS = re.compile(r"[ \t]+")
QUOTED = re.compile(r'(?<![^ \t])"[^"]*"(?![^ \t])')  # between blanks a cell with marks around it
CELL = re.compile(r'"([^"]*)"|[^ \t]+')
NUMBER = re.compile(  # in any notation; the signs are the minus of Unicode and the apostrophe of Swiss thousands
    r"[-+\u2212]?[$€£¥]?\s?\d[\d.,'\u2019\u00a0\u202f]*(?:[eE][-+]?\d+)?\s?%?|[-+]?\.\d+|[-+]?(?:nan|inf)",
    re.IGNORECASE,
)
MOST = 0.98  # of the lines at least have equally many cells between blanks
FEWEST = 3  # lines below a first one that is written otherwise
REGULAR = 0.9  # of them at least have as many of a character that parts them in spite of blanks
DECIMAL = re.compile(r"[-+\u2212]?(?:\d+,\d+(?:[eE][-+]?\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d*)?)%?")  # with commas
PACKED = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d [0-2]\d[0-5]\d(?:[0-5]\d)?,")  # a moment without marks inside


def is_number(cell: str) -> bool:
    """Whether a cell is written as numbers are, in whatever notation.

    >>> [is_number(cell) for cell in ("1,5", "-1.2e3", "1'000", "7 %", "nan", "2020-01-01", "x1")]
    [True, True, True, True, True, False, False]
    """
    return NUMBER.fullmatch(cell.strip()) is not None


def separator_said(text: str) -> str:
    r"""The separator that an option says; a tab, which is hard to type, may be written as ``\t``.

    Raises:
        ElmanError: it is none.

    >>> separator_said(r"\t"), separator_said(";"), separator_said("")
    ('\t', ';', '')
    """
    found = "\t" if text == r"\t" else text
    if (len(found) > 1 and found != COLONS) or found in ('"', "\n", "\r"):
        raise ElmanError(f"a separator is one character such as , or ;, or {COLONS}, not {text!r}")
    return found


def guess_separator(text: str, kind: str = "") -> str:
    """What stands between the columns of a text: what gives the most rows the same number of columns, two or more.

    A blank stands for any number of them, or for columns of fixed width.

    Example:
        >>> guess_separator("a;b,c\\n1;2,5\\n3;4\\n")
        ';'
        >>> guess_separator("day  load\\n  1   2.5\\n  2  13.5\\n")
        ' '
    """
    head = [line for line in text[:SIZE].split("\n")[:SAMPLE] if line.strip()]
    if head and (said := SAID.fullmatch(head[0].strip('"\ufeff '))):
        return said[1]
    allow_cells_of(len(text))
    head = _likely(head)
    quoted = '"' in text[:SIZE]
    for separator in SEPARATORS:
        if names_apart(head, separator):
            return separator
    found = {}
    for separator in CHARACTERS:
        rows = _parted(head, separator, quoted)
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count, default=1)
        if usual > 1:
            # decimal commas are as regular as what stands between them
            sure = separator in "\t;" or (separator == "|" and _have_decimal_commas(rows))
            found[separator] = (round(widths.count(usual) / len(widths), 2), sure, usual)
    if kind == ".tsv" and (not head or any("\t" in line for line in head)):
        return "\t"
    best = max(found, key=found.__getitem__) if found else ","
    if best == "\t" or (found and _is_plain(best, _parted(head, best, quoted), head)):
        return best
    return " " if _are_blanks(head, best if found else "") else best


def names_apart(head: Sequence[str], separator: str) -> tuple[list[str], str] | None:
    """The names in a first line that has another character between them than the lines below; and that character.

    Args:
        head: lines.
        separator: what stands between the cells of those below the first.

    Returns:
        None where the first line is written as the others are.

    Example:
        >>> names_apart(["day,load", "1;2,5", "2;3,5", "3;4,5"], ";")
        (['day', 'load'], ',')
    """
    first, below = head[0] if head else "", head[1:]
    if len(below) < FEWEST or separator in first:
        return None
    rows = _rows(below, separator, any('"' in line for line in below))
    width = len(rows[0]) if rows else 1
    if width < 2 or not _are_alike(rows, width) or (separator == " " and not _are_of_numbers(rows)):
        return None
    for between in CHARACTERS:
        names = [cell.strip() for cell in _rows([first], between, '"' in first)[0]] if between in first else []
        if len(names) != width or not all(names) or any(map(is_number, names)):
            continue
        parted = _rows(below, between, any('"' in line for line in below))
        if not _are_alike(parted, width) or (between == "," and separator in "\t;|" and _have_decimal_commas(rows)):
            return names, between
    return None


def _are_alike(rows: Sequence[Sequence[str]], width: int) -> bool:
    return sum(len(row) == width for row in rows) >= REGULAR * len(rows)


def _are_of_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether half of the cells of each row, or more, are numbers."""
    return all(2 * sum(map(is_number, row)) >= len(row) for row in rows)


def _parted(head: Sequence[str], separator: str, quoted: bool) -> list[list[str]]:
    """The cells of lines; some of the text's may be in quotation marks."""
    if quoted and separator not in UNQUOTED:
        return [row for row in csv.reader(io.StringIO("\n".join(head), newline=""), delimiter=separator) if row]
    return [line.split(separator) for line in head]


def _have_decimal_commas(rows: Sequence[list[str]]) -> bool:
    """Whether commas stand within numbers alone."""
    cells = [cell for row in rows for cell in row if "," in cell]
    return bool(cells) and all(map(is_number, cells))


def _is_plain(separator: str, rows: Sequence[list[str]], head: Sequence[str]) -> bool:
    """Whether a separator parts the lines so regularly that blanks beside it stand within cells.

    A first line of several names has it, or nearly all lines have as many of it, and they are not decimal commas.
    """
    width, number = Counter(map(len, rows)).most_common(1)[0]
    first = next(row for row in rows if len(row) == width)  # a title may stand before it
    filled = [cell for cell in first if cell.strip()]
    if width < 2 or len(filled) < 2:
        return False
    if not any(map(is_number, filled)):
        return True
    if number < REGULAR * len(rows):
        return False
    between = [cell for line in head for cell in BLANKS.split(line.strip()) if separator in cell]
    return separator != "," or all(map(PACKED.match, head)) or not all(DECIMAL.fullmatch(cell) for cell in between)


def separator_again(text: str, usual: str, fits: Callable[[Sequence[str]], bool], *, named: bool = True) -> str:
    """What stands between the columns of a text like another one: what did so there, unless its first line tells.

    Args:
        text: the text, or how it begins.
        usual: what stood between the columns of the other text.
        fits: whether a first line of such cells is one of a text like the other.
        named: whether its first line has names, which tell; else the text itself tells first of all.

    A text that may be of one column, without names, has several where a character parts its lines alike.

    Example:
        >>> separator_again("id;text\\n1;so, so\\n", ",", lambda cells: "text" in cells)
        ';'
        >>> separator_again("text\\nso; so\\n", ",", lambda cells: "text" in cells)
        ','
    """
    head = [line for line in text[:SIZE].split("\n")[:SAMPLE] if line.strip()]
    if head and (said := SAID.fullmatch(head[0].strip('"\ufeff '))):
        return said[1]
    head = _likely(head)
    allow_cells_of(len(text))
    quoted = '"' in text[:SIZE]
    own = guess_separator(text)
    if (apart := names_apart(head, own)) and fits(apart[0]):
        return own
    whole = _rows(head[:1], usual, quoted)[:1]
    alone = not named and bool(whole) and len(whole[0]) == 1 and fits(whole[0])
    for separator in (usual, own, *CHARACTERS) if named else (own, usual, *CHARACTERS):
        rows = _rows(head, separator, quoted)
        if not rows:
            break
        first = [cell.strip(' "\ufeff') for cell in rows[0]]
        regular = sum(len(row) == len(first) for row in rows) >= REGULAR * len(rows)
        if not fits(first) or (separator != usual and (len(first) == 1 or not regular)):
            continue
        # a text of one column has marks of sentences, behind which there is a blank
        if separator == usual or not (alone and _are_sentences(head, separator)):
            return separator
    return usual


def _rows(head: Sequence[str], separator: str, quoted: bool) -> list[list[str]]:
    return [between_blanks(line) for line in head] if separator == " " else _parted(head, separator, quoted)


def between_blanks(line: str) -> list[str]:
    """The cells of a line with any number of blanks between them; those around which quotation marks stand have some.

    >>> between_blanks('1  "New York" 2.5'), between_blanks('so "so')
    (['1', 'New York', '2.5'], ['so', '"so'])
    """
    if '"' not in line or '"' in QUOTED.sub("", line):
        return BLANKS.split(line.strip())
    return [match[0] if match[1] is None else match[1] for match in CELL.finditer(line)]


def _are_sentences(head: Sequence[str], separator: str) -> bool:
    """Whether a blank stands for, or behind, a character that parts lines, as it does behind the marks of a sentence.

    >>> _are_sentences(["so, so", "yes, no"], ","), _are_sentences(["so so;a", "yes;b"], ";")
    (True, False)
    """
    return separator == " " or any(f"{separator} " in line for line in head)


def remark(text: str) -> str:
    """The mark of the remarks with which a text begins, or "".

    >>> remark("% made by hand\\nday,load\\n"), remark("day,load\\n")
    ('%', '')
    """
    start = text[:SIZE].lstrip("\n")
    return next((mark for mark in REMARKS if start.startswith(mark)), "")


def _likely(head: list[str]) -> list[str]:
    """The lines without remarks and separators alone, if there are others."""
    mark = remark(head[0] if head else "") or "#"
    return [line for line in head if not line.startswith(mark) and line.strip(" ".join(CHARACTERS))] or head


def _are_blanks(head: Sequence[str], other: str) -> bool:
    """Whether lines are cells with blanks between them: equally many, most of them numbers."""
    if len(head) < 2:
        return False
    rows = [between_blanks(line) for line in head]
    if other and not any(_is_of_numbers(cell) for line in head[1:] for cell in line.split(other)):
        return False
    width, number = Counter(map(len, rows)).most_common(1)[0]
    number += len(rows[0]) == width - 1 > 1  # names, of which R writes none above those of rows
    if width > 1 and number >= MOST * len(rows):
        return _are_of_numbers([row for row in rows[1:] if len(row) == width])
    cells = fixed_width(head)
    if cells is None or len(head) < 5:
        return False
    below = [[cell for cell in row if cell] for row in cells[1:]]
    return all(below) and _are_of_numbers(below)


def _is_of_numbers(cell: str) -> bool:
    """Whether a cell has a blank inside and begins with a number, as if another character were meant to part it."""
    parts = cell.split()
    return len(parts) > 1 and is_number(parts[0])


def fixed_width(lines: Sequence[str]) -> list[list[str]] | None:
    """The cells of lines in columns of fixed width, which are parted where every line has a blank; None for no such.

    >>> fixed_width(["day   load", "  1    2.5", "  2       ", "  3   13.5"])
    [['day', 'load'], ['1', '2.5'], ['2', ''], ['3', '13.5']]
    """
    if any("\t" in line for line in lines):
        return None
    length = max(map(len, lines), default=0)
    taken = [any(at < len(line) and line[at] != " " for line in lines) for at in range(length)]
    starts = [at for at in range(length) if taken[at] and (at == 0 or not taken[at - 1])]
    if len(starts) < 2:
        return None
    ends = [*starts[1:], length]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines]


def has_columns(text: str) -> bool:
    """Whether a text is a table: every line has as many columns, two or more.

    >>> has_columns("a,b\\n1,2\\n3,4\\n5,6\\n"), has_columns("Well, well.\\nWho knows?\\n")
    (True, False)
    """
    separator = guess_separator(text)
    if separator == " ":
        return True
    lines = _likely([line for line in text.split("\n")[:2000] if line.strip() and not SAID.fullmatch(line)])
    if names_apart(lines[:SAMPLE], separator):
        lines = lines[1:]
    widths = {line.count(separator) for line in lines}
    return len(widths) == 1 and widths != {0} and (separator == "\t" or text.count("\n") > 3)


def allow_cells_of(length: int) -> None:
    """Let Python's reader take a cell as long as a whole text; its limit is one for all readers."""
    csv.field_size_limit(max(csv.field_size_limit(), length + 1))
