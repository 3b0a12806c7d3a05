"""Malformed files, lines and values: two hundred of those that ``make fuzz`` makes for as long as it is told."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from edits.edits import Base
from folders.make import MADE
from fuzz.files import MAKERS
from fuzz.judge import Ended, judged, wrong
from fuzz.memory import HEAD
from fuzz.run import keep, tried
from fuzz.shrink import shrunk
from fuzz.ways import Case, Step, asked, case, inspected, lay, of_kernels, streamed, trained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elman import tasks
from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.data.times.when import find_when
from elman.errors import ElmanError
from elman.training.task import Predictor

FOLDERS = Path(__file__).parents[1] / "folders" / "0.2"
NUMBER, PARTS = 200, 8
CHEAP = (*[asked] * 6, *[streamed] * 6, inspected, trained, of_kernels)  # mostly the ways that take little
MANY = settings(
    max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
TEXTS = st.text(st.characters(), max_size=20)
CELLS = TEXTS | st.from_regex(r"\A[-+(]?[0-9]{1,4}[-./, :'][0-9]{1,3}([-./,: ][0-9]{1,4})?[%)]?\Z")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    """The model folders that the tests keep, so that none is trained."""
    return [stored(make, tmp_path_factory.mktemp(make.__name__)) for make in MADE]


def stored(make: Callable[[Path], tuple[str, str, dict[str, Any]]], place: Path) -> Base:
    task, _, _ = make(place)
    (data,) = place.iterdir()
    folder = FOLDERS / make.__name__
    (asked,) = folder.glob("asked.*")
    return Base(make.__name__, task, folder, data, asked, asked.read_text().strip().splitlines()[-1])


@pytest.fixture(scope="module")
def models(sound: list[Base]) -> list[Predictor]:
    found = (tasks.restore(base.folder) for base in sound)
    return [each for each in found if isinstance(each, Predictor)]


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_malformed_is_answered_or_refused_in_one_line(part: int, sound: list[Base], tmp_path: Path) -> None:
    for seed in range(part, NUMBER, PARTS):
        made = case(seed, sound, CHEAP)
        (tmp_path / str(seed)).mkdir()
        _, finding = judged(made, sound, tmp_path / str(seed))
        assert finding is None, f"seed {seed}, {made.steps}: {finding}"


@pytest.mark.parametrize("maker", sorted({each.__name__ for each in MAKERS}))
def test_a_maker_makes_the_same_of_a_seed_and_another_of_another(maker: str, tmp_path: Path) -> None:
    make = next(each for each in MAKERS if each.__name__ == maker)
    found = [make(Random(seed)) for seed in (7, 7, *range(20))]
    assert found[0] == found[1]
    assert any(each != found[0] for each in found)
    lay(found[0].files, tmp_path)


@given(st.lists(CELLS.filter(lambda line: "\n" not in line), min_size=1, max_size=3))
@MANY
def test_each_line_of_a_stream_has_an_answer(models: list[Predictor], lines: list[str]) -> None:
    for model in models:
        assert len(list(model.stream(lines, skip_bad=True))) == len(lines)


@given(st.lists(VALUES, min_size=4, max_size=4))
@MANY
def test_each_object_of_a_stream_has_an_answer(models: list[Predictor], values: list[object]) -> None:
    names = ("text", "time", "id", "level", "source", "value", "step", "user", "item", "load [MW]")
    lines = [json.dumps(dict.fromkeys(names, value)) for value in values]
    for model in models:
        assert len(list(model.stream(lines, skip_bad=True))) == len(lines)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from((",", ";", "\t")))
@MANY
def test_cells_are_numbers_times_or_refused(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]],
                                            separator: str) -> None:  # fmt: skip
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([("time", "value"), *rows])
    path = tmp_path_factory.mktemp("cells") / "few.csv"
    path.write_text(file.getvalue(), encoding="utf-8", newline="")
    with suppress(ElmanError):
        table = read_table(path, BadRows("all"))
        numbers = table.numeric("value").frame["value"]
        assert numbers.drop_nulls().is_finite().all()
        when = find_when(table, ("time",), table.columns)
        assert len(when.read(table.frame).values) == len(table)


@given(st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4), st.booleans())
@MANY
def test_json_has_rows_or_is_refused(tmp_path_factory: pytest.TempPathFactory, rows: list[object], lines: bool) -> None:
    path = tmp_path_factory.mktemp("objects") / ("few.jsonl" if lines else "few.json")
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    with suppress(ElmanError):
        assert len(read_table(path, BadRows("all"))) <= len(rows)


def test_what_is_no_answer_and_no_refusal_is_found() -> None:
    refused, predicted = Step(("inspect", "x")), Step(("predict", "m", "--data=x"), rows=2)
    assert wrong(Ended(2, "", "elman: x has no rows\n", None, 1), refused) is None
    assert wrong(Ended(0, "a,b\n1,2\n3,4\n", "2 rows\n", None, 1), predicted) is None
    kinds = {
        "KeyError elsewhere": wrong(Ended(0, "", "", KeyError("text"), 1), refused),
        "exit 1 inspect": wrong(Ended(1, "", "elman: x\n", None, 1), refused),
        "untold inspect": wrong(Ended(2, "", "x\n", None, 1), refused),
        "traceback inspect": wrong(Ended(0, "", "Traceback (most recent call last)\n", None, 1), refused),
        "long line inspect": wrong(Ended(2, "", f"elman: {'x' * 1000}\n", None, 1), refused),
        "warned a.py:3": wrong(Ended(0, "", "/src/a.py:3: UserWarning: x\n", None, 1), refused),
        "late inspect": wrong(Ended(0, "", "", None, 100), refused),
        "rows predict": wrong(Ended(0, "a,b\n1,2\n", "1 row\n", None, 1), predicted),
        "unreadable inspect": wrong(Ended(0, '{"a": NaN}', "", None, 1), Step(("inspect", "--json", "x"))),
        "refused predict": wrong(Ended(2, "", "elman: x\n", None, 1), Step(("predict", "m"), sure="it can")),
    }
    assert {name: found and found.kind for name, found in kinds.items()} == {name: name for name in kinds}


def test_what_is_found_is_made_small() -> None:
    rows = "".join(f"{n},{n * 7},{'x' * 90}\n" for n in range(300))
    made = Case(0, "inspect", {"a.csv": f"a,b,c\n{rows}".encode(), "b.csv": b"other"})
    small = shrunk(made, lambda other: b"105" in other.files.get("a.csv", b""))
    assert small.files == {"a.csv": b"105"}


def test_what_is_found_is_kept_with_what_shows_it(tmp_path: Path) -> None:
    made = Case(3, "memory", script=f"{HEAD}x = 1\ny = 2\n{{}}['no']\n")
    ended, finding = tried(made, [], tmp_path / "case")
    assert ended == "failed"
    assert finding is not None
    kept = keep(made, finding, [], tmp_path / "case", tmp_path / "found")
    assert kept["kind"] == "KeyError elsewhere"
    shown = (tmp_path / "found" / "KeyError-elsewhere" / "SHOW").read_text()
    assert "KeyError: 'no'" in shown
    assert shown.endswith("import elman\n{}['no']\n")
