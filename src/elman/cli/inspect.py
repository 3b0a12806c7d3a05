"""``elman inspect FILE``: what would be found in some data, without training."""

import re
import shlex
import shutil
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from elman.data.sample import Sample
    from elman.data.tables import Table
    from elman.training.inspection import Finding

FITS, COULD = 0.5, 0.2  # the least scores of a task that suits the data, and of one that might
COLUMNS, DOUBTS = 40, 20  # that are shown
LONGEST = 240  # characters of a reason
MORE = re.compile(r"\band (\d+) more\b")  # behind the first of many columns


def command(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file, a folder, or files in one name such as 'train.{en,de}'.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what a file holds, which task it suits, and what to type next; nothing is trained."""
    import json

    from elman.cli._pipes import read_once
    from elman.data.plain import without_infinite
    from elman.data.sample import sampled

    with read_once() as copies, sampled(copies.of(source, "data")) as sample:
        found = _looked_at(source, sample)
    found = without_infinite(found)
    print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) if as_json else "\n".join(_in_words(found)))


def _looked_at(source: Path, sample: "Sample") -> dict[str, Any]:
    """All that is said, as plain values."""
    from elman import tasks
    from elman.cli._options import flag
    from elman.data.bad import BadRows
    from elman.data.sample import LARGE, LAST, WIDEST, ends_within_a_row, narrowed
    from elman.training.inspection import inspect

    cut = ""
    found: dict[str, Any] = {"path": str(source), "bytes": sample.bytes, "whole": sample.whole, "doubtful": []}
    table = _as_table(sample.path)
    if table is not None:
        found |= _about_table(table, sample)
        if found["width"] > WIDEST:
            said = f"there are many columns; tasks looked at the first {WIDEST - LAST} and last {LAST}"
            found["doubtful"].insert(0, said)
    elif ends_within_a_row(sample):
        cut = f"the sample, its first {LARGE:,} bytes, ends within a row, and has none that is whole"
        found |= {"form": "rows that are too long to be looked at", "doubtful": [cut]}
    elif sample.path.is_file():
        found |= _about_text(sample)
    if sample.first is not None:
        said = f"of {sample.files:,} files that are named so the first was looked at, {sample.first}"
        found["doubtful"] = [said, *found["doubtful"]]
    with narrowed(sample.path, table) as looked:
        seen = [inspect(tasks.load(n), tasks.suits(n), looked, BadRows("all")) for n in tasks.names()]
        seen = _accepted(seen, looked) if sample.whole else seen
    seen.sort(key=lambda each: -each.score)
    best = seen[0]
    if best.score >= COULD:
        options = [word for name, value in best.options.items() for word in (flag(name), value)]
        skip = ["--skip-bad"] if best.skipped else []
        found["next"] = ["elman", "train", best.task, "--data", str(source), *options, *skip]

    def counted(match: re.Match[str]) -> str:  # those between the first and the last columns are as most others are
        more = int(match[1])
        return f"and {more + found['width'] - WIDEST:,} more" if 2 * more > WIDEST else match[0]

    def own(text: str) -> str:  # a sample stands where the data stands
        beside = "" if source.parent == Path() else f"{source.parent}/"
        for path in (looked, sample.path):
            text = text.replace(str(path), str(source)).replace(f"{path.parent}/", beside)
        return text if looked == sample.path else MORE.sub(counted, text)

    found["tasks"] = [
        {
            "task": each.task,
            "score": round(each.score, 2),
            "why": own(each.why) if each.score else cut or own(each.why),
            "found": [own(line) for line in each.found],
            "options": each.options,
        }
        for each in seen
    ]
    return found


def _accepted(seen: "list[Finding]", path: Path) -> "list[Finding]":
    """The findings, in which the best one is of a task that would learn from the data."""
    from elman import tasks
    from elman.training.inspection import refusal

    for number, each in sorted(enumerate(seen), key=lambda pair: -pair[1].score):
        why = refusal(tasks.load(each.task), each, path) if each.score >= COULD else ""
        if not why:
            break
        seen[number] = replace(each, score=0.0, why=why)
    return seen


def _as_table(path: Path) -> "Table | None":
    """The rows of a file, where it is a table."""
    from elman.data.bad import BadRows
    from elman.data.reading import is_table, read_table
    from elman.errors import ElmanError

    if not path.is_file():
        return None
    try:
        if is_table(path):
            return read_table(path, BadRows(skip=True))
    except ElmanError:  # each task says what is wrong
        return None
    return None


def _about_table(table: "Table", sample: "Sample") -> dict[str, Any]:
    from elman.data.profile import doubled_rows, profile
    from elman.data.separators import SEPARATORS
    from elman.errors import counted

    columns = profile(table)
    doubts = [doubt for column in columns for doubt in column.doubts]
    if doubled := doubled_rows(table):
        doubts.append(f"{counted(doubled, 'rows are')} the same as one before them")
    if table.bad.listed:
        first = table.bad.listed[0].partition(", ")[2]
        doubts.append(f"{counted(len(table.bad.listed), 'rows cannot')} be used; the first: {first}")
    rows = table.size if sample.whole else round(table.size * sample.bytes / max(1, sample.part))
    return {
        "form": "table",
        "width": len(table.columns),
        "rows": rows,
        "looked_at": table.size,
        "separator": table.dialect.separator and SEPARATORS.get(table.dialect.separator, table.dialect.separator),
        "header": table.dialect.header,
        "columns": [
            {"name": c.name, "kind": c.kind, "different": c.different, "missing": c.missing, "shown": c.shown}
            for c in columns
        ],
        "doubtful": doubts,
    }


def _about_text(sample: "Sample") -> dict[str, Any]:
    from elman.data.text import read_whole
    from elman.errors import ElmanError, counted

    try:
        text = read_whole(sample.path)
    except ElmanError as error:
        return {"form": "unreadable", "doubtful": [str(error)]}
    lines = text.removesuffix("\n").split("\n")
    words = f"{counted(len(lines), 'lines')}, {counted(len(set(text)), 'different characters')}"
    return {"form": "text", "shown": f"{words}, {len(text) / len(lines):.0f} a line"}


def _in_words(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    from elman.errors import counted

    size = found["bytes"]
    size = f"{size:,} bytes" if size < 10_000 else f"{size / 1e3:,.0f} kB" if size < 1e7 else f"{size / 1e6:,.0f} MB"
    lines = [f"{found['path']}: {_headline(found)}, {size}"]
    if columns := found.get("columns"):
        lines += ["", "Columns"]
        width = min(24, max(len(c["name"]) for c in columns[:COLUMNS]))
        for each in columns[:COLUMNS]:
            missing = f"; {each['missing']:,} missing" if each["missing"] else ""
            lines.append(f"  {each['name']:{width}}  {each['kind']:12}  {each['shown']}{missing}")
        if found["width"] > COLUMNS:
            lines.append(f"  and {counted(found['width'] - COLUMNS, 'more columns')}")
    if found["doubtful"]:
        lines += ["", "Doubtful", *(f"  {doubt}" for doubt in found["doubtful"][:DOUBTS])]
    lines += ["", "Tasks"]
    for n, each in enumerate(found["tasks"]):
        word = "suits" if each["score"] >= FITS else "could be" if each["score"] >= COULD else "no"
        said = [each["why"], *(each["found"] if n == 0 and each["score"] else [])]
        for number, text in enumerate(said):
            before = f"  {each['task']:10} {word:9} " if number == 0 else " " * 23
            short = text.removeprefix(f"{found['path']}: ").removeprefix(f"{found['path']} ")
            lines.append(_hung(before, textwrap.shorten(short, LONGEST, placeholder=" ...")))
    said = shlex.join(found.get("next", [])) or "no task learns from this as it is; each says what it lacks"
    return [*lines, "", "Next", f"  {said}"]


def _hung(before: str, text: str) -> str:
    """A text behind some words, its further lines under its first."""
    width = max(60, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, initial_indent=before, subsequent_indent=" " * len(before))


def _headline(found: dict[str, Any]) -> str:
    from elman.errors import counted

    if found.get("form") == "table":
        about = "" if found["whole"] else "about "
        sample = "" if found["whole"] else f" (the first {found['looked_at']:,} were looked at)"
        header = "with a header" if found["header"] else "without a header"
        between = f"; {found['separator']} between them, {header}" if found["separator"] else ""
        return f"{about}{counted(found['rows'], 'rows')}{sample} of {counted(found['width'], 'columns')}{between}"
    sample = "" if found["whole"] else "; of its beginning: "
    return found.get("form", "several files") + (f"{sample or ', '}{found['shown']}" if "shown" in found else "")
