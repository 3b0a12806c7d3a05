"""The ways in which people use files: each makes a case of some commands, or of a script, from malformed ones."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from edits.edits import Base
from fuzz import kernels
from fuzz.damage import damaged
from fuzz.files import Sample, of_cells, sample
from fuzz.memory import script
from fuzz.tables import Cells, encoded, parted, spoilt
from fuzz.values import odd

SMALL = ("--hidden", "4", "--steps", "2", "--batch", "8")
OF_TASK = {
    "anomaly": ("--bptt", "16"),
    "classify": ("--embedding", "4", "--spelling", "2"),
    "language": ("--embedding", "4", "--bptt", "16", "--samples", "2"),
    "recommend": ("--embedding", "4"),
    "tag": ("--embedding", "4", "--spelling", "2"),
    "translate": ("--embedding", "4", "--beam", "2", "--max-length", "40"),
}
SAID: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("skip-bad", ("", "", "all", "all"), ()),
    ("encoding", ("latin-1", "utf-16", "cp1252", "nowhere", "utf-7"), ()),
    ("separator", (",", ";", "\\t", " ", "ab", '"'), ("language",)),
    ("missing", ("-999,NA", "0", "good"), ("language",)),
    ("decimal", (",", "."), ("language", "tag")),
    ("thousands", (",", ".", " ", "'"), ("language", "tag")),
    ("date-order", ("dmy", "mdy", "ymd"), ("language", "tag", "translate")),
    ("ignore", ("time", "label,text", "nothing"), ("language", "tag", "translate")),
    ("split", ("time", "0.5/0.25/0.25", "people", "last"), ("language", "translate", "anomaly")),
    ("time-column", ("time", "label", "gone"), ("language", "tag", "translate")),
    ("held-out", ("0", "0.9"), ("forecast", "anomaly")),
)
A_ROW_A_ROW = ("classify", "translate", "anomaly")  # models of ``edits.bases`` that answer each row of a table


@dataclass(frozen=True)
class Step:
    """A command.

    Args:
        arguments: of ``elman``.
        stdin: the name of the file that it reads as standard input.
        rows: how many answers it is to give, where it gives any.
        sure: why it must not be refused.
    """

    arguments: tuple[str, ...]
    stdin: str = ""
    rows: int | None = None
    sure: str = ""


@dataclass(frozen=True)
class Case:
    """Something that a person may do.

    Args:
        seed: from which it is made.
        way: its kind, for people.
        files: by name.
        steps: commands, the later ones where those before succeeded.
        script: of Python, instead of commands.
    """

    seed: int
    way: str
    files: dict[str, bytes] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    script: str = ""


def inspected(random: Random, sound: Sequence[Base]) -> Case:
    found = sample(random)
    how = ("--json",) if random.random() < 0.4 else ()
    return Case(0, "inspect", found.files, (Step(("inspect", *how, "--", found.data)),))


def trained(random: Random, sound: Sequence[Base]) -> Case:
    """Learn from files, then answer and judge them."""
    found = sample(random)
    said, more = _said(random, found.task), OF_TASK.get(found.task, ())
    simple = () if random.random() < 0.3 else ("--no-baselines",)
    files, others = dict(found.files), ()
    if random.random() < 0.15:  # files to judge on, which are of another kind
        other = sample(random)
        files |= {f"other/{name}": data for name, data in other.files.items()}
        others = (f"--{random.choice(('valid', 'test'))}=other/{other.data}",)
    data = f"--data={found.data}"
    train = ("train", found.task, data, "--out", "model", *SMALL, *more, *simple, *found.options, *said, *others)
    if found.task == "language":
        asked = Step(("generate", "model", "--length", "5", "--number", "2"), sure="a model writes")
        judge = Step(("evaluate", "model", data))
    else:
        skip = ("--skip-bad",) if any(word.startswith("--skip-bad") for word in said) else ()
        out = random.choice(
            ((), (), ("--out", "answers.csv"), ("--out", "answers.parquet"), ("--out", "answers.jsonl"))
        )
        asked = Step(("predict", "model", data, *skip, *out))
        judge = Step(("evaluate", "model", data, *skip, *random.choice(((), ("--json",)))))
    return Case(0, f"train {found.task}", files, (Step(train), asked, judge))


def _said(random: Random, task: str) -> tuple[str, ...]:
    """Options that may be wrong for the files."""
    found: tuple[str, ...] = ()
    while random.random() < 0.35:
        name, values, never = random.choice(SAID)
        if task not in never:
            value = random.choice(values)
            found += (f"--{name}={value}",) if value else (f"--{name}",)
    return found


def asked(random: Random, sound: Sequence[Base]) -> Case:
    """Malformed rows for a sound model, or any files whatever."""
    base = random.choice(sound)
    found = replace(sample(random), rows=None) if random.random() < 0.25 else _asked(random, base)
    per_row = base.task in A_ROW_A_ROW and base.name != "classify_series"
    verb = "evaluate" if random.random() < 0.25 else "predict"
    skip = ("--skip-bad",) if random.random() < 0.5 else ()
    form = random.choice(((), ("--format", "jsonl"), ("--format", "tsv"))) if verb == "predict" else ()
    stdin = found.data if len(found.files) == 1 and found.data in found.files and random.random() < 0.1 else ""
    data = "--data=-" if stdin else f"--data={found.data}"
    rows = found.rows if verb == "predict" and per_row and not stdin else None
    return Case(
        0, f"{verb} {base.task}", found.files, (Step((verb, str(base.folder), data, *skip, *form), stdin, rows),)
    )


def spoken(random: Random, sound: Sequence[Base]) -> Case:
    """Odd beginnings for a model to write on from, or odd turns of a talk."""
    base = random.choice([each for each in sound if each.task == "language"])
    folder, few = str(base.folder), ("--length", "5")
    if random.random() < 0.5:
        prompt = odd(random)[:1000].replace("\0", "").encode("utf-8", "replace").decode()
        return Case(0, "generate", steps=(Step(("generate", folder, f"--prompt={prompt}", *few, "--seed", "1")),))
    turns = b"".join(_line(random, base) for _ in range(random.randint(0, 4)))
    return Case(0, "chat", {"turns": turns}, (Step(("chat", folder, *few, "--seed", "1"), "turns"),))


def _asked(random: Random, base: Base) -> Sample:
    text = (base.data if random.random() < 0.3 and base.name != "estimator" else base.asked).read_text(encoding="utf-8")
    if base.task in ("language", "tag"):
        return Sample({"asked.txt": damaged(random, text.encode())}, "asked.txt", base.task)
    cells = parted(text)
    return of_cells(random, spoilt(random, Cells(cells.names, cells.rows[:150])), base.task)


def streamed(random: Random, sound: Sequence[Base]) -> Case:
    """Malformed lines for a model that answers each as it comes."""
    base = random.choice([each for each in sound if each.task != "language"])
    lines = b"".join(_line(random, base) for _ in range(random.randint(1, 12)))
    if random.random() < 0.1:
        lines = lines.rstrip(b"\n")
    skip = random.random() < 0.7
    arguments = ("predict", str(base.folder), "--stream", *(("--skip-bad",) if skip else ()))
    rows = len(lines.split(b"\n")) - lines.endswith(b"\n") if lines else 0
    step = Step(arguments, "lines", rows, "bad lines of a stream have empty answers" if skip else "")
    return Case(0, f"stream {base.task}", {"lines": lines}, (step,))


PLAIN = (None, True, 1, -1.5, 1e308, 10**400, math.nan, math.inf, [], {}, [1, "a"], {"a": {"b": []}}, [[]], "")


def _line(random: Random, base: Base) -> bytes:
    """A line of a stream."""
    names = base.asked.read_text(encoding="utf-8").partition("\n")[0].split(",")
    cells = base.line.split(",")
    value = lambda: random.choice(PLAIN) if random.random() < 0.5 else odd(random)  # noqa: E731
    some = {name: value() if random.random() < 0.5 else cell for name, cell in zip(names, cells, strict=False)}
    ways: tuple[Callable[[], str], ...] = (
        lambda: base.line,
        lambda: odd(random),
        lambda: ",".join(odd(random) if random.random() < 0.3 else cell for cell in cells),
        lambda: json.dumps(some),
        lambda: json.dumps({name: value() for name in names}, ensure_ascii=False),
        lambda: json.dumps(value()),
        lambda: f'{{"{names[0]}": "0", "{names[0]}": "1"}}',
        lambda: f'{{"{names[-1]}": {"[" * 2000}{"]" * 2000}}}',
        lambda: f"{base.line},{base.line}",
        lambda: base.line + "\r",
        lambda: f"\ufeff{base.line}",
    )
    data = encoded(random.choice(ways)().replace("\n", " "))
    return (damaged(random, data).replace(b"\n", b" ")[:100_000] if random.random() < 0.2 else data) + b"\n"


def in_memory(random: Random, sound: Sequence[Base]) -> Case:
    return Case(0, "memory", script=script(random))


def of_kernels(random: Random, sound: Sequence[Base]) -> Case:
    """A damaged folder of compiled kernels."""
    return Case(0, "kernels", script=kernels.script(random))


def edited(random: Random, sound: Sequence[Base]) -> Case:
    """An edit of a model folder, which is made and judged in ``edits``."""
    return Case(0, "edit")


WAYS: tuple[Callable[[Random, Sequence[Base]], Case], ...] = (
    *[inspected] * 3, *[trained] * 6, *[asked] * 4, *[streamed] * 3, *[in_memory] * 3, spoken, edited, of_kernels,
)  # fmt: skip


def case(seed: int, sound: Sequence[Base], ways: Sequence[Callable[[Random, Sequence[Base]], Case]] = WAYS) -> Case:
    """The case of a seed."""
    random = Random(seed)
    return replace(random.choice(ways)(random, sound), seed=seed)


def lay(files: dict[str, bytes], place: Path) -> None:
    """Write files to a folder."""
    for name, data in files.items():
        path = place / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(data)
