"""Malformed files: each maker gives some from a sound one, and the task that might learn from them.

A maker is a function of this file's ``MAKERS``; one that is added there is in all that runs.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from formats import EXAMPLES
from fuzz.damage import damaged, packed
from fuzz.tables import SOUND, Cells, encoded, spoilt, written
from fuzz.typed import typed
from fuzz.values import FILES, HUGE, LONG, odd, words

GIANT = (LONG, LONG, HUGE // 8, HUGE)  # bytes


@dataclass(frozen=True)
class Sample:
    """Files, and what might be done with them.

    Args:
        files: their bytes by name; a name that ends with ``/`` is an empty folder.
        data: what ``--data`` says.
        task: that might learn from them.
        options: that go with it.
        rows: how many there are, where that is beyond doubt.
    """

    files: dict[str, bytes]
    data: str
    task: str
    options: tuple[str, ...] = ()
    rows: int | None = None


def example(random: Random) -> Sample:
    """A file of any format, damaged."""
    found = random.choice(EXAMPLES)
    options = tuple(word for name, value in found.options.items() for word in (f"--{name.replace('_', '-')}", value))
    files = dict(found.files)
    name = random.choice(list(files))
    files[name] = damaged(random, files[name])
    return Sample(files, found.name, found.task, options)


def table(random: Random) -> Sample:
    """A table of a task in which something is wrong, in any form, and at times damaged besides."""
    task = random.choice(list(SOUND))
    cells = spoilt(random, random.choice(SOUND[task])(random))
    return of_cells(random, cells, task)


def of_cells(random: Random, cells: Cells, task: str) -> Sample:
    """A table in a file, that is damaged at times."""
    ending, data = written(random, cells)
    # a header that stands again is no row, and a name below itself makes a header doubtful
    again = any(cell == name for row in cells.rows for cell, name in zip(row, cells.names, strict=False))
    sound = cells.sound and len(cells.names) > 1 and not again and ending not in (".arff", ".txt")
    if random.random() < 0.2:
        data, sound = damaged(random, data), False
    return Sample({f"data{ending}": data}, f"data{ending}", task, rows=len(cells.rows) if sound else None)


def typed_columns(random: Random) -> Sample:
    """Columns of types that nobody expects."""
    ending, data = typed(random)
    data = damaged(random, data) if random.random() < 0.15 else data
    return Sample({f"typed{ending}": data}, f"typed{ending}", random.choice(list(SOUND)))


def text(random: Random) -> Sample:
    """A text, or strings a line, damaged."""
    ways: tuple[Callable[[], str], ...] = (
        lambda: "".join(f"{words(random, random.randint(0, 9))}\n" for _ in range(60)),
        lambda: "".join(f"{words(random, 1)}{n}\n" for n in range(60)),
        lambda: "".join(f"{'ab'[n % 2].upper()}: {words(random, 4)}\n" for n in range(60)),
        lambda: "".join(json.dumps({"messages": [{"role": "user", "content": odd(random)[:200]},
                                                 {"role": "assistant", "content": "yes"}]}) + "\n" for _ in range(20)),
        lambda: "CCO\nc1ccccc1\nCC(=O)O\n" * 20,
        lambda: "".join(f"{odd(random)[:300]}\n" for _ in range(60)),
    )  # fmt: skip
    form = random.choice(
        ((), ("--form", "text"), ("--form", "strings"), ("--tokens", "bytes"), ("--tokens", "subwords"))
    )
    return Sample({"text.txt": damaged(random, encoded(random.choice(ways)()))}, "text.txt", "language", form)


def labelled_folder(random: Random) -> Sample:
    """A folder for each class, or a file for each, some of it damaged."""
    texts = [f"good/{n}.txt" for n in range(5)] + [f"bad/{n}.txt" for n in range(5)]
    names = random.choice(
        (texts, ["good.txt", "bad.txt"], ["good.txt", "bad/1.txt", "bad/2.txt"], ["a/b/c/d.txt"], ["a/", "b/"])
    )
    files = {
        f"texts/{n}": b"" if n.endswith("/") else encoded("\n".join(words(random, 4) for _ in range(9))) for n in names
    }
    for name in random.sample(sorted(files), random.randint(0, min(3, len(files)))):
        if not name.endswith("/"):
            files[name] = damaged(random, files[name])
    if random.random() < 0.3:
        files[f"texts/{random.choice(FILES)}"] = random.choice((b"", b"\xff\xfe\0", b"so good\n"))
    return Sample(files, "texts", random.choice(("classify", "classify", "language", "anomaly")))


def parallel(random: Random) -> Sample:
    """Two files side by side, of which one is longer, damaged, or not there."""
    lines = [words(random, random.randint(1, 5)) for _ in range(30)]
    files = {f"pairs.{end}": encoded("".join(f"{line}\n" for line in lines)) for end in ("a", "b")}
    name = random.choice(list(files))
    if random.random() < 0.1:
        del files[name]
    else:
        files[name] = damaged(random, files[name])
    data = random.choice(
        ("pairs.{a,b}",) * 4 + ("pairs.{a,b,c}", "pairs.{a,a}", "pairs.{a,}", "{pairs.a,pairs.b}", "pairs.*")
    )
    return Sample(files, data, random.choice(("translate", "translate", "tag")))


def several(random: Random) -> Sample:
    """Several tables by a pattern or in a folder, of which one is of another kind."""
    task = random.choice(("forecast", "anomaly", "classify", "recommend"))
    files = {}
    for n in range(random.randint(1, 4)):
        cells = random.choice(SOUND[task])(random)
        ending, data = written(random, spoilt(random, cells) if random.random() < 0.4 else cells)
        files[f"logs/{n}{ending}"] = data
    return Sample(files, random.choice(("logs", "logs/*", "logs/*.csv", "logs/[0-9].*")), task)


def beside(random: Random) -> Sample:
    """A sound table, and beside it a damaged file: vectors of words, labels of series, windows of anomalies."""
    if random.random() < 0.4:
        task = random.choice(("classify", "tag"))
        cells = SOUND[task][0](random)
        vectors = "".join(
            f"{word} {' '.join(str(n / 7) for n in range(4))}\n" for word in ("the", "old", "Ann", "saw", "lamp")
        )
        more = ("vectors.txt", encoded(random.choice(("", "5 4\n")) + vectors), ("--embeddings", "vectors.txt"))
    elif random.random() < 0.5:
        task, cells = "anomaly", SOUND["anomaly"][0](random)
        windows = {"data.csv": [[cells.rows[50][0], cells.rows[54][0]]], "other/x.csv": []}
        more = ("windows.json", json.dumps(windows).encode(), ("--windows", "windows.json"))
    else:
        task, cells = "classify", SOUND["classify"][2](random)
        cells = Cells(cells.names[:3], [row[:3] for row in cells.rows])
        labels = "id,label\n" + "".join(f"s{n},{'ab'[n % 2]}\n" for n in range(12))
        more = ("labels.csv", labels.encode(), ("--labels", "labels.csv", "--id-column", "id"))
    name, data, options = more
    made = of_cells(random, cells, task)
    if random.random() < 0.1:
        return replace(made, options=options)
    return replace(made, files={**made.files, name: damaged(random, data)}, options=options, rows=None)


def archive(random: Random) -> Sample:
    """A file of any format in an archive, which is damaged at times."""
    made = random.choice((example, table, text))(random) if random.random() < 0.5 else _sound(random)
    name = next(iter(made.files))
    ending, data = packed(random, name, made.files[name])
    return replace(made, files={ending: data}, data=ending, rows=None)


def _sound(random: Random) -> Sample:
    found = random.choice([each for each in EXAMPLES if len(each.files) == 1])
    return Sample(dict(found.files), found.name, found.task)


def renamed(random: Random) -> Sample:
    """A file under a name that a shell, a pattern or a message may take for something else, or of another kind."""
    made = random.choice((example, table))(random) if random.random() < 0.5 else _sound(random)
    name = next(iter(made.files))
    ending = random.choice(
        (*[name[name.rfind(".") :]] * 3, "", ".csv", ".ts", ".txt", ".json", ".parquet", ".xlsx", ".CSV", ".gz")
    )
    new = f"{random.choice(FILES)}{ending}"
    return replace(made, files={new: made.files[name]}, data=new)


def giant(random: Random) -> Sample:
    """A sound table in which a cell, a name or a line is giant."""
    task = random.choice(list(SOUND))
    cells = random.choice(SOUND[task])(random)
    ending, data = written(random, cells)
    size, sign = (
        random.choice(GIANT),
        random.choice(("x", "1", "a ", "1,", "[", '"', "\u00e9", '{"a":', "\\", "1;", ".")),
    )
    great = (sign * (size // len(sign))).encode()
    places = [place for part in (b",", b"\n", b'"', b" ", b";", b"\t", b"a", b"1") for place in _places(data, part)]
    at = random.choice(places or [0])
    return Sample({f"giant{ending}": data[:at] + great + data[at:]}, f"giant{ending}", task)


def _places(data: bytes, part: bytes) -> list[int]:
    """Where a part first stands in some bytes, where it stands next to their middle, and where it stands last."""
    found = (data.find(part), data.find(part, len(data) // 2), data.rfind(part))
    return [place for place in found if place >= 0]


def nothing(random: Random) -> Sample:
    """No file, or something that is none."""
    task = random.choice([*SOUND, "language"])
    return Sample(
        {"empty/": b"", "blank.csv": b""},
        random.choice(("gone.csv", "empty", "blank.csv", ".", "/dev/null", "", "*.tsv")),
        task,
    )


MAKERS: tuple[Callable[[Random], Sample], ...] = (
    *[table] * 8, *[example] * 6, *[typed_columns] * 2, *[text] * 2, labelled_folder, parallel, several, beside,
    archive, renamed, giant, giant, nothing,
)  # fmt: skip


def sample(random: Random) -> Sample:
    """Any malformed files."""
    return random.choice(MAKERS)(random)
