"""The ways in: a table as files of every format and in memory, with its columns in another order or one left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elman.data.bad import BadRows
from elman.data.numbers.cells import as_numbers, is_numeric
from elman.data.reading import is_table, read_table
from elman.errors import ElmanError
from elman.testing.closeness import require
from elman.training.task import Predictor

CLOSE = 1e-5  # answers to one row and to many at once, in float32


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same but for the rounding of float32."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return one == other or abs(one - other) <= CLOSE * max(1.0, abs(one))
    return bool(one == other)


def assert_the_same_from_every_table(task: Predictor, source: Path, scratch: Path) -> None:
    """Fail, naming the way in and the row, where the rows of a file get another answer as another table.

    A column without which there is no answer may be refused; without any other the answers are the same.
    """
    if not source.is_file() or not is_table(source):
        return
    expected, columns = task.predict(source), read_table(source, BadRows()).columns
    for way, table, may_be_refused in _ways(source, scratch):
        try:
            answers = task.predict(table)
        except ElmanError:
            if may_be_refused:
                continue
            raise
        require(len(answers) == len(expected), f"{way}: {len(answers)} answers, where the file gets {len(expected)}")
        for name in (name for name in expected.columns if name in answers.columns and name not in columns):
            pairs = zip(answers[name].to_list(), expected[name].to_list(), strict=True)
            for row, (one, other) in enumerate(pairs, 1):
                require(alike(one, other), f"{way}: {name} of row {row} is {one}, where the file gets {other}")


def _ways(source: Path, scratch: Path) -> Iterator[tuple[str, Any, bool]]:
    """The rows of a file in other tables, each with a name, and whether they may be refused."""
    table = read_table(source, BadRows())
    frame, header, separator = table.frame, table.dialect.header is not False, table.dialect.separator or ","
    places = {kind: scratch / f"rows{kind}" for kind in (".csv", ".jsonl", ".parquet")}
    frame.write_csv(places[".csv"], include_header=header, separator=separator)
    frame.write_ndjson(places[".jsonl"])
    frame.with_columns(as_numbers(column) for column in frame if is_numeric(column)).write_parquet(places[".parquet"])
    yield from ((f"as *{kind}", path, False) for kind, path in places.items())
    yield "in memory", frame, False
    yield "in memory, the columns turned round", frame.select(reversed(frame.columns)), False
    if header:
        turned = scratch / "turned.csv"
        frame.select(reversed(frame.columns)).write_csv(turned, separator=separator)
        yield "the columns turned round", turned, False
    for name in frame.columns if frame.width > 1 else []:
        yield f"without the column {name}", frame.drop(name), True
