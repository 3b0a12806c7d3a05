"""What cells, names and lines hold: numbers and times in their many notations, words, and what nobody expects."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

LONG = 300_000  # characters of a long cell
HUGE = 20_000_000  # of one that is seldom made

ODD = (
    "", " ", "\t", "NaN", "nan", "NA", "N/A", "null", "None", "-", "--", "?", "#N/A", "#DIV/0!", "inf", "-inf",
    "Infinity", "-0", "0", "1e400", "-1e400", "1e-400", "1e308", "1.7976931348623157e308", "9" * 5000,
    "9007199254740993", "18446744073709551616", "-9223372036854775809", "0x1F", "1_000", "1,000", "1.000", "1,5",
    "1.234,56", "1 234,56", "1\N{NARROW NO-BREAK SPACE}234", "1'234.5", "50 %", "50%", "$5", "5 \N{EURO SIGN}",
    "(12.5)", "\N{MINUS SIGN}3", "+7", "1e5", "1E+05", ".5", "5.", "-999", "-200", "12-34", "1/2",
    "\N{VULGAR FRACTION ONE HALF}", "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}",
    "\N{FULLWIDTH DIGIT ONE}", "True", "false", "yes", "0000-00-00", "99999-01-01", "0000-01-01", "0099-01-01",
    "2024-02-30", "2024-13-01", "24:00", "23:59:60", "2024-06-30 23:59:60", "12:00 AM", "1970-01-01", "1900-02-29",
    "9999-12-31 23:59:59.999999", "2024-03-31 02:30", "1700000000", "1700000000000", "1700000000000000000", "-1",
    "45292", "45292.5", "2024-W53-1", "2024-Q5", "2024-366", "now", "=1+1", "=HYPERLINK(\"x\")",
    "+cmd|' /C calc'!A0", "@SUM(A1)", "# remark", "// remark", "%", "\"", "\"\"", "'", "\"open", "a\"b", "a,b",
    "a;b", "a\tb", "a|b", "a\nb", "a\r\nb", "a\rb", "\0", "a\0b", "\x01\x02", "\x1b[31mred", "\x1c", "\x1d", "\x85",
    "\u2028", "\u2029", "\ufeff", "\ufeffa", "\u202eabc", "\u200b", "e\u0301" * 50, "\u0627\u0644\u0639",
    "\U0001f600", "\U0001f469\u200d\U0001f4bb", "\ud800", "\udcff", "\uffff", "\U0010ffff", "\u0130", "\u00df",
    "\ufb01", "[]", "[1, 2]", "['a', 'b']", "{}", "{\"a\": 1}", "[[[[1]]]]", "<b>x</b>", "&amp;", "\\n", "\\", "a/b",
    "a_b", "/", "../../etc/passwd", "__label__", "__label__x", "-DOCSTART-", "B-", "I-PER", "O", "E-X", "1-2", "2.1",
    "1:2", "@data", "@attribute x numeric", "a" * 2000, "<unk>", "<pad>", "<s>", "user: hi", "%s%d{}", "x" * 65_537,
    "a " * 3000, "\N{COMBINING ACUTE ACCENT}" * 300,
)  # fmt: skip
"""Cells that nobody expects."""

NAMES = (
    "", " ", "time", "Time", "date", "timestamp", "label", "class", "target", "text", "id", "user", "item", "y", "x",
    "0", "1", "-1", "1e400", "2020-01-01", "value", "index", "Unnamed: 0", "file", "row", "series", "predicted",
    "score", "anomaly", "tokens", "tags", "word", "tag", "source", "mean", "a.b", "a,b", "a b", "a\nb", "\"",
    "\0row", "\ufeff", "\u202e", "\U0001f600", "na\u00efve", "e\u0301", "\u00e9", "TIME", "null", "None", "nan",
    "x" * 5000, "a/b", "__index_level_0__", "q0.5", "lower", "0.1", "split", "channel", "probability", "cell_1",
    "cell_2", "cell_3", "^x$", "*", "^.*$", "count",
)  # fmt: skip
"""Names of columns that clash, mean something, or nothing."""

FILES = (
    "a b", "-x", "--help", "100%", "%s", "a\nb", "caf\u00e9", "\U0001f600", "x" * 200, "a'b", "a\"b", "a;b", "$(x)",
    "{a}", "a[1]", "*", "?", "a,b", "~", ".hidden", "a\tb", "\udcff", "con", "e\u0301", "a.b.c", "\u202ea", "#x",
    "train.{a}",
)  # fmt: skip
"""Names of files that a shell, a pattern or a message may take for something else."""

NUMBERS: tuple[Callable[[float], str], ...] = (
    lambda x: f"{x:.3f}",
    lambda x: f"{x:.2f}".replace(".", ","),
    lambda x: f"{1000 * x:,.2f}",
    lambda x: f"{1000 * x:,.2f}".translate(str.maketrans(",.", ".,")),
    lambda x: f"{1000 * x:,.0f}".replace(",", " "),
    lambda x: f"{1000 * x:,.1f}".replace(",", "'"),
    lambda x: f"{1000 * x:,.0f}",
    lambda x: f"{x:.1f}%",
    lambda x: f"${x:.2f}",
    lambda x: f"{x:.2f} \N{EURO SIGN}",
    lambda x: f"({-x:.2f})" if x < 0 else f"{x:.2f}",
    lambda x: f"{x:.2f}".replace("-", "\N{MINUS SIGN}"),
    lambda x: f"{x:.3e}",
    lambda x: str(int(10 * x)),
    lambda x: f"{1e300 * x:.3e}",
    lambda x: f"{1e-320 * x:.3e}",
    lambda x: str(int(1e15 * x)),
)

START = datetime(2024, 1, 30, 21)
TIMES: tuple[Callable[[datetime], str], ...] = (
    lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}",
    lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f+02:00}",
    lambda t: f"{t:%d/%m/%Y %H:%M}",
    lambda t: f"{t:%m/%d/%Y %I:%M %p}",
    lambda t: f"{t:%d.%m.%y %H.%M}",
    lambda t: f"{t:%d %b %Y %H:%M}",
    lambda t: f"{t:%B %d, %Y %H:%M}",
    lambda t: f"{t:%Y%m%d%H%M}",
    lambda t: f"{t:%Y-%m-%d}",
    lambda t: f"{t:%G-W%V-%u}",
    lambda t: f"{t:%Y-%j}",
    lambda t: f"{t:%Y-%m}",
    lambda t: f"{t.year}-Q{1 + t.month // 4}",
    lambda t: str(t.year),
    lambda t: f"{t:%H:%M}",
    lambda t: str(int(t.timestamp())),
    lambda t: str(int(t.timestamp()) * 1000),
    lambda t: str(int(t.timestamp()) * 10**9),
    lambda t: f"{(t - datetime(1899, 12, 30)) / timedelta(days=1):.6f}",
    lambda t: str(int((t - START).total_seconds() // 3600)),
    lambda t: f"{t:%a %d %b %Y %H:%M:%S} GMT",
)


def odd(random: Random) -> str:
    """A cell that nobody expects, seldom a long one."""
    roll = random.random()
    if roll < 0.02:
        return random.choice("ab 1,\"([{:-./'#@=") * LONG
    if roll < 0.021:
        return "x" * HUGE
    if roll < 0.1:
        return "".join(chr(random.randrange(1, 0x3000)) for _ in range(random.randrange(1, 12)))
    return random.choice(ODD)


def times(random: Random, rows: int) -> list[str]:
    """Times of rows, evenly apart as a rule."""
    write, step = random.choice(TIMES), random.choice((1, 60, 3600, 86400, 7 * 86400, 30 * 86400))
    found = [START + timedelta(seconds=step * n) for n in range(rows)]
    return [write(each) for each in found]


def numbers(random: Random, rows: int) -> list[str]:
    """Numbers of a wave, in one notation."""
    write, period = random.choice(NUMBERS), random.choice((7, 12, 24))
    return [write(1 + math.sin(n * 6.283 / period) + random.gauss(0, 0.1)) for n in range(rows)]


def words(random: Random, number: int) -> str:
    """So many words."""
    return " ".join(
        random.choices("the a old red lamp desk chair is was so fine poor lovely awful , my".split(), k=number)
    )
