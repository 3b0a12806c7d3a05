"""A small file of each format, as people have it: what the tests read, and what the page of formats shows."""

import bz2
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import polars as pl

R = Random(5)
REVIEWS = [
    (f"{a} {b}", "good" if b in ("lovely", "fine") else "bad")
    for a in ("the lamp is", "a chair so", "it was", "my old desk, ", "all of it is")
    for b in ("lovely", "fine", "awful", "poor")
]
WORDS = [("der", "DET"), ("Hund", "NOUN"), ("sieht", "VERB"), ("die", "DET"), ("Katze", "NOUN")]


@dataclass(frozen=True)
class Example:
    """A file, and what it is for.

    Args:
        title: of the format.
        about: it, in a sentence or two.
        files: their bytes by name.
        task: that reads it.
        data: what ``--data`` says, where that is not the name of the only file.
        options: that have to be said besides.
        made: how a file that is no text is made, for people.
    """

    title: str
    about: str
    files: dict[str, bytes]
    task: str
    data: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    made: str = ""

    @property
    def name(self) -> str:
        return self.data or next(iter(self.files))


def lines(*rows: str, encoding: str = "utf-8") -> bytes:
    return "".join(f"{row}\n" for row in rows).encode(encoding)


def wave(rows: int, period: float = 12, start: float = 0) -> list[float]:
    return [round(10 + 3 * math.sin((t + start) * 2 * math.pi / period) + R.gauss(0, 0.1), 2) for t in range(rows)]


def hours(rows: int) -> list[str]:
    return [f"2024-05-{1 + t // 24:02d} {t % 24:02d}:00" for t in range(rows)]


def series(k: int, steps: int = 12) -> list[str]:
    return [f"{math.sin(t / (1 + k)) + R.gauss(0, 0.1):.2f}" for t in range(steps)]


def conllu() -> Iterator[str]:
    for s in range(12):
        some = WORDS[:2] + WORDS[2 : 3 + s % 3]
        yield f"# text = {' '.join(word for word, _ in some)}"
        yield "1-2\tderHund" + "\t_" * 8
        for n, (word, tag) in enumerate(some, 1):
            yield f"{n}\t{word}\t{word.lower()}\t{tag}\t_\t_\t{0 if n == 1 else 1}\tdep\t_\t_"
        yield "3.1\t(und)" + "\t_" * 8
        yield ""


def arrow(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


TABLE = pl.DataFrame(REVIEWS, schema=["text", "label"], orient="row")
WAVE = wave(72)
CSV = lines("text,label", *(f'"{text}",{label}' for text, label in REVIEWS))

EXAMPLES = [
    Example(
        "Comma-separated values",
        "CSV, or with tabs, semicolons, bars or two colons between the cells; a header is told from rows. Quotation "
        "marks as in RFC 4180.",
        {"reviews.csv": CSV},
        "classify",
    ),
    Example(
        "Remarks, Excel's separator, empty columns",
        "Lines that begin with `#` and have another number of cells are remarks. `sep=;` in the first line says the "
        "separator. Columns with neither a name nor a value, as trailing separators make them, are left out, and so "
        'are rows of separators alone. A cell `="007"`, in which a spreadsheet keeps a text, is that text.',
        {
            "meter.csv": lines(
                "sep=;",
                "# meter 7",
                "time;load;;",
                ";;;",
                *(f"{h};{v};;" for h, v in zip(hours(72), WAVE, strict=True)),
            )
        },
        "forecast",
    ),
    Example(
        "Units below the header, lines above it",
        "As devices write them, above numbers. The header is the last row that has a name for each column; of two that "
        "may be it, it is asked which is.",
        {
            "logger.csv": lines(
                "Device: X-200;",
                "Serial: 12345;",
                "Time;Temp",
                "[s];[°C]",
                *(f"{n / 2};{10 + 3 * math.sin(n * math.pi / 6):.2f}" for n in range(60)),
            )
        },
        "forecast",
    ),
    Example(
        "Titles and notes around a table",
        "Of a table with numbers, lines above the row from which on most rows have the same number of cells, and notes "
        "below the last one: sources, marks such as `*`, sentences, or any words below an empty line.",
        {
            "sales.csv": lines(
                "Sales by region",
                "",
                "month,north,south",
                *(f"{2020 + n // 12}-{n % 12 + 1:02d},{n * n},{5 * n % 12}" for n in range(48)),
                "",
                "Source: the office of statistics",
            )
        },
        "forecast",
    ),
    Example(
        "Names of columns in a remark",
        "`#Fields:` of logs in the form of the W3C, of CloudFront and of Zeek, and the two lines of buoys of the NOAA, "
        "names and units.",
        {
            "iis.log": lines(
                "#Software: Microsoft Internet Information Services 10.0",
                "#Fields: date time c-ip sc-bytes",
                *(f"{hour}:00 10.0.0.{n % 5} {1000 + n * n}" for n, hour in enumerate(hours(72))),
            )
        },
        "forecast",
    ),
    Example(
        "A header of numbers",
        "A first row that counts, as 0, 1, 2 or years do, has names if those below it do not count.",
        {
            "sensors.csv": lines(
                "0,1,2", *(f"{a},{b},{c}" for a, b, c in zip(wave(72), wave(72), wave(72), strict=True))
            )
        },
        "forecast",
    ),
    Example(
        "Blanks between columns",
        "Any number of blanks, as Fortran, R and NumPy write tables. `--separator ' '` says so.",
        {"wave.txt": lines("  t    load", *(f"{t:3d}  {v:6.2f}" for t, v in enumerate(WAVE)))},
        "forecast",
    ),
    Example(
        "Columns of fixed width",
        "Where cells are empty, columns are parted where all lines have a blank.",
        {
            "fixed.txt": lines(
                " t   load    rain",
                *(f"{t:2d} {v:6.2f}  {'' if t % 5 == 0 else v + 1:>6}".rstrip() for t, v in enumerate(WAVE)),
            )
        },
        "forecast",
    ),
    Example(
        "Wide tables",
        "Three columns or more whose names count are the steps of a series in each row; other columns of numbers stand "
        "at each of its steps.",
        {
            "people.csv": lines(
                "id,age,pay_1,pay_2,pay_3,bill_1,bill_2,bill_3,label",
                *(
                    f"{i},{20 + i * 7 % 30},{i % 3},{i % 2},1,{i * 10},{i * 9},{i * 7},{'late' if i % 3 else 'paid'}"
                    for i in range(24)
                ),
            )
        },
        "classify",
    ),
    Example(
        "A series a row",
        "Names, in one column or several, then what is counted or dated in the columns, be it as the World Bank, the "
        "IMF, the FAO or R write it (`2000 [YR2000]`, `2000M1`, `Y2000`, `X2000`): each row is a series. Of several "
        "columns of names the fewest that tell all rows apart name the series; `--id-column` says others.",
        {
            "countries.csv": lines(
                "country," + ",".join(map(str, range(1990, 2014))),
                *(f"{name}," + ",".join(map(str, wave(24))) for name in ("Chile", "Kenya", "Nepal")),
            )
        },
        "forecast",
    ),
    Example(
        "Tables of Eurostat",
        "A series a row behind `geo\\TIME_PERIOD`, its names between commas; `:` is no value, and flags behind numbers "
        "are left out.",
        {
            "prices.tsv": lines(
                "\t".join([r"freq,unit,geo\TIME_PERIOD", *(f"2023-{month:02d} " for month in range(1, 13))]),
                *(
                    "\t".join([f"M,I15,{place}", *(": c" if n == k else f"{100 + n * k} p" for k in range(12))])
                    for n, place in enumerate(("AT", "BE", "BG"))
                ),
            )
        },
        "forecast",
    ),
    Example(
        "Units behind numbers",
        "One unit behind all numbers of a column is left out, and said; K, M and bn are thousands, millions and "
        "billions. [Numbers](guides/numbers.md) has what else they may be written with.",
        {
            "plant.csv": lines(
                "time,power,cost",
                *(
                    f"{hour},{n % 12 + 3.5} kW,{'950' if n % 12 < 3 else f'{n % 12 / 10 + 1:.1f}K'}"
                    for n, hour in enumerate(hours(72))
                ),
            )
        },
        "forecast",
    ),
    Example(
        "Years of two digits",
        "69 to 99 are 1969 to 1999, and 00 to 68 are 2000 to 2068, as in POSIX. Rows that go on from 68 to 69 are all "
        "of the hundred years in which they do. Which years they are is said. Days without any year are no times.",
        {"years.csv": lines("date,level", *(f"{58 + n}-06-30,{n % 5 + n / 10}" for n in range(40)))},
        "forecast",
    ),
    Example(
        "Parts of a time in columns",
        "A year and parts of it, a day and its hour or the number of its period (1 to 48, 1 to 96), under the names "
        "that people have for them in many languages; letters such as Y, M, D where they follow each other. A year and "
        "the next (`2000/01`), halves (`2020H1`), quarters, weeks and months are times in a cell or above a column. "
        "The twelve periods of years of money are months: a fiscal year and a posting period, `2015001`, `001.2015`. "
        "What is called a time, or looks like one, and cannot be read is refused; so is a row for each year with a "
        "column for each month, which is one series and wants a row for each month.",
        {
            "power.csv": lines(
                "YEAR,MO,DY,HR,T2M",
                *(f"2024,5,{1 + n // 24},{n % 24},{10 + 3 * math.sin(n * math.pi / 12):.2f}" for n in range(120)),
            )
        },
        "forecast",
    ),
    Example(
        "Streams below each other",
        "Rows of several streams in one table, which a column tells apart: one that is called as such are and in whose "
        "parts times rise, or that of `--id-column`. `--windows` has the windows of anomalies by the names of streams "
        "then, and by the names of files where a file is a stream.",
        {
            "rooms.csv": lines(
                "room,time,heat",
                *(f"{room},{hour},{n % 12 + 20}" for room in ("hall", "attic") for n, hour in enumerate(hours(72))),
            )
        },
        "anomaly",
        options={"id_column": "room"},
    ),
    Example(
        "UCR archive",
        "A series a line behind its class, with tabs, commas or blanks between (`Name_TRAIN.tsv`, `Name_TRAIN.txt`).",
        {"Waves_TRAIN.tsv": lines(*("\t".join([str(1 + i % 3), *series(i % 3)]) for i in range(24)))},
        "classify",
    ),
    Example(
        "UEA and UCR archives, .ts",
        "Channels between `:`, `?` for no value, times as `(time,value)`, the class last.",
        {
            "waves.ts": lines(
                "@problemName waves",
                "@timeStamps false",
                "@univariate false",
                "@classLabel true a b",
                "@data",
                *(":".join([",".join(series(i % 2)), ",".join(series(1 - i % 2)), "ab"[i % 2]]) for i in range(20)),
            )
        },
        "classify",
    ),
    Example(
        "Weka's ARFF",
        "Numeric, nominal, string and date attributes, sparse rows, `%` remarks, `?` for no value; a relational "
        "attribute has a channel of a series in each line.",
        {
            "waves.arff": lines(
                "% a remark",
                "@relation waves",
                *(f"@attribute att{t} numeric" for t in range(12)),
                "@attribute 'the class' {up,down}",
                "",
                "@data",
                *(",".join([*series(i % 2), ("up", "down")[i % 2]]) for i in range(20)),
            )
        },
        "classify",
        options={"label_column": "the class"},
    ),
    Example(
        "Monash archive, .tsf",
        "A series a line behind its name and first time; `@frequency` says the step.",
        {
            "loads.tsf": lines(
                "# loads of two meters",
                "@relation loads",
                "@attribute series_name string",
                "@attribute start_timestamp date",
                "@frequency hourly",
                "@horizon 12",
                "@missing true",
                "@equallength false",
                "@data",
                *(f"T{k}:2024-05-0{k} 00-00-00:" + ",".join(map(str, wave(60 + k))) for k in (1, 2)),
            )
        },
        "forecast",
    ),
    Example(
        "NumPy",
        "`.npy`: an array `[rows, columns]`. `.npz`: an array `[rows, steps]` or `[rows, steps, channels]`, and one of "
        "labels, as long. Objects of Python are never read.",
        {
            "waves.npz": npz(
                X=np.array([[float(v) for v in series(i % 2)] for i in range(20)]), y=np.array(["up", "down"] * 10)
            )
        },
        "classify",
        made='np.savez("waves.npz", X=series, y=labels)  # [20, 12] and [20]',
    ),
    Example(
        "CoNLL-U",
        "The word is the form, the tag is `upos`, or `xpos` where no token has one; `--tag-column feats` takes another "
        "by its name. Remarks, ranges of tokens (`1-2`) and empty tokens (`3.1`) are left out. CoNLL-U Plus names its "
        "columns in `# global.columns`.",
        {"dogs.conllu": lines(*conllu())},
        "tag",
    ),
    Example(
        "CoNLL-2003",
        "A token a line, the tag in its last column, an empty line after each sentence, `-DOCSTART-` before documents. "
        "Of CoNLL-2009 and CoNLL-2012 the tag is the part of speech; `--tag-column 11` takes the names of the latter.",
        {
            "places.conll": lines(
                "-DOCSTART- -X- O",
                "",
                *(
                    line
                    for i in range(12)
                    for line in ("Ann NNP B-PER", "saw VBD O", f"{('Rome', 'Oslo')[i % 2]} NNP B-LOC", "")
                ),
            )
        },
        "tag",
    ),
    Example(
        "Words with tags",
        "A sentence a line, each word with its tag behind `/`, `_` or `|`.",
        {"brown.txt": lines(*(f"the/DT {w}/NN sleeps/VB" for w in ("cat", "dog", "cow", "owl") * 3))},
        "tag",
    ),
    Example(
        "Spans of characters",
        "Texts in which spans are marked, as doccano, Prodigy, spaCy and label-studio write them: `[start, end, "
        "kind]`, or objects with these; or a folder of brat, with `.ann` beside `.txt`. Words and signs have a tag "
        "each, as IOB2.",
        {
            "marked.jsonl": lines(
                *(
                    json.dumps(
                        {
                            "text": f"{name} saw Rome.",
                            "label": [[0, len(name), "PER"], [len(name) + 5, len(name) + 9, "LOC"]],
                        }
                    )
                    for name in ("Ann", "Bob", "Mary", "Eve", "John", "Max") * 4
                )
            )
        },
        "tag",
    ),
    Example(
        "fastText",
        "`__label__` and a label, maybe several, before each text.",
        {"reviews.txt": lines(*(f"__label__{label} {text}" for text, label in REVIEWS))},
        "classify",
    ),
    Example(
        "JSON lines",
        "An object a line, as the Hugging Face hub has data sets.",
        {"reviews.jsonl": lines(*(json.dumps({"text": text, "label": label}) for text, label in REVIEWS))},
        "classify",
    ),
    Example(
        "JSON",
        'A list of objects, or an object that holds one, as in `{"data": [...]}`, wherever in it, or columns by name; '
        "names and lists of cells apart, a list under a list of names, objects under moments, and the answers of "
        "Prometheus, InfluxDB, Grafana, Home Assistant, Open-Meteo and GeoJSON. Of several the one of the most rows is "
        "read, which is said.",
        {
            "reviews.json": json.dumps(
                {"version": 1, "data": [{"text": text, "label": label} for text, label in REVIEWS]}, indent=1
            ).encode()
        },
        "classify",
    ),
    Example(
        "Series in lists",
        "A list of numbers in a cell is a series; a list of lists has one for each channel, or one for each step, "
        "which their numbers tell: channels are as many in all rows, and fewer than steps. Several columns of lists "
        "are channels side by side, and one that is called as times are says when the steps were. The same in Parquet "
        "and Feather, in data frames and lists of rows, and in CSV as JSON.",
        {
            "waves.jsonl": lines(
                *(
                    json.dumps({"x": [[n % 2 * t, round(t / 2 - n, 1)] for t in range(4 + n % 3)], "y": "ab"[n % 2]})
                    for n in range(20)
                )
            )
        },
        "classify",
    ),
    Example(
        "Parquet",
        "Columns with types.",
        {"reviews.parquet": parquet(TABLE)},
        "classify",
        made='table.write_parquet("reviews.parquet")',
    ),
    Example(
        "Feather and Arrow",
        "Files of Arrow, and its streams, which `datasets` keeps.",
        {"reviews.feather": arrow(TABLE)},
        "classify",
        made='table.write_ipc("reviews.feather")',
    ),
    Example(
        "A session a line",
        "Items with blanks between them, by numbers or by names such as B7, as SASRec and its followers have it. The "
        "user is first if first numbers rise from line to line, or first names differ and are none of the others. "
        "`user item` pairs are a table with blanks between its columns.",
        {
            "sessions.txt": lines(
                *(f"{u} " + " ".join(str(1 + (u * 7 + n * n) % 9) for n in range(3 + u % 4)) for u in range(1, 30))
            )
        },
        "recommend",
    ),
    Example(
        "Sessions of objects",
        "A list of items in a row, or of objects, of which the one that is named as items or `id` is the item and the "
        "one that is named as times puts them in order; `--item-column events.aid` says another.",
        {
            "clicks.jsonl": lines(
                *(
                    json.dumps(
                        {
                            "session": n,
                            "events": [{"aid": n * k % 7, "ts": 1661724000 + 60 * k} for k in range(1, 4 + n % 3)],
                        }
                    )
                    for n in range(24)
                )
            )
        },
        "recommend",
    ),
    Example(
        "A basket a line",
        "Items with commas, semicolons, tabs or bars between them, in lines of different lengths, or with empty cells "
        "at their ends; a user may stand before them. A first line whose cells stand nowhere else and are numbered "
        "alike, as `item 1, item 2`, or whose like is in no other line, has names.",
        {
            "baskets.csv": lines(
                *(
                    ",".join(("bread", "butter", "milk", "tea", "rice")[(n * k + k) % 5] for k in range(1, 3 + n % 3))
                    for n in range(24)
                )
            )
        },
        "recommend",
    ),
    Example(
        "Matrix Market, .mtx",
        "A matrix of users by items as a list of its entries, `coordinate` and `general`, whose values are ratings; a "
        "`pattern` has none. `%` remarks.",
        {
            "ratings.mtx": lines(
                "%%MatrixMarket matrix coordinate real general",
                "% users by items",
                "12 9 48",
                *(f"{u} {1 + (2 * u + 2 * n) % 9} {1 + n % 5}.0" for u in range(1, 13) for n in range(4)),
            )
        },
        "recommend",
    ),
    Example(
        "Logs of web servers",
        "In the common or the combined form, a request a line: a table with the columns that are named below.",
        {
            "access.log": lines(
                *(
                    f"10.0.0.{1 + n % 4} - - [10/Oct/2024:13:{n:02}:36 +0200] "
                    f'"GET /page{(n * n) % 5} HTTP/1.1" 200 {2000 + n}'
                    for n in range(40)
                )
            )
        },
        "recommend",
    ),
    Example(
        "Two parallel files",
        "Line by line, in one name with braces.",
        {"train.en": lines(*(f"day {n}" for n in range(20))), "train.de": lines(*(f"Tag {n}" for n in range(20)))},
        "translate",
        data="train.{en,de}",
    ),
    Example(
        "Text",
        "Any text is one for a language model; one string a line, such as names, is told from it.",
        {"verse.txt": lines(*("the owl and the pussycat went to sea", "in a beautiful pea green boat") * 12)},
        "language",
    ),
    Example(
        "Texts of a table",
        "In JSON, Parquet, Feather, or a file named `.csv` or `.tsv`: the column that is named as texts are, or that "
        "of `--text-column`; texts of several lines have an empty line between them.",
        {
            "stories.jsonl": lines(
                *(f'{{"id": {n}, "story": "Once there was a king.\\nHe had {n} sons."}}' for n in range(20))
            )
        },
        "language",
    ),
    Example(
        "Packed",
        "gzip, bzip2, xz, Zstandard (`pip install 'elman[formats]'`), or a zip with one file in it, of any of these "
        "formats and whatever the name.",
        {"reviews.csv.bz2": bz2.compress(CSV)},
        "classify",
        made="bzip2 reviews.csv",
    ),
    Example(
        "Encodings",
        "UTF-8; UTF-16 and UTF-32 with their mark at the beginning; any other with `--encoding`.",
        {
            "cafes.csv": lines(
                "text,label",
                *(f"{text} café,{label}" for text, label in REVIEWS if "," not in text),
                encoding="latin-1",
            )
        },
        "classify",
        options={"encoding": "latin-1"},
    ),
]
