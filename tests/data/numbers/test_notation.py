"""Numbers as people write them: found over a whole column, asked about where nothing tells, and text stays text."""

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.bad import BadRows
from elman.data.dialect import UNKNOWN, Dialect, Lain, Notation
from elman.data.numbers.cells import as_numbers, as_text
from elman.data.numbers.notation import either, readings
from elman.data.numbers.stand_ins import stand_ins
from elman.data.plain import restored
from elman.data.reading import read_table
from elman.data.rows import Known, Line, read_again
from elman.errors import ElmanError

READ: dict[str, tuple[list[str], list[float | None]]] = {
    "plain": (["1.5", "-2", "+3", "1e3", "?"], [1.5, -2, 3, 1000, None]),
    "decimal comma": (["1,5", "-2,25", "3"], [1.5, -2.25, 3]),
    "decimals told by a zero before them": (["0,079", "1,234"], [0.079, 1.234]),
    "comma and point": (["1,079.5", "996"], [1079.5, 996]),
    "point and comma": (["1.079,5", "996"], [1079.5, 996]),
    "thousands told by two groups": (["1,079", "1,079,000"], [1079, 1079000]),
    "point told by two groups": (["1.079", "1.079.000"], [1079, 1079000]),
    "thousands told by a decimal point": (["1,079", "2.5"], [1079, 2.5]),
    "as in India": (["12,34,567", "1,00,000", "45,000"], [1234567, 100000, 45000]),
    "blank": (["1 079", "12 345 678", "5"], [1079, 12345678, 5]),
    "no-break blank": (["1\u00a0079,5", "5"], [1079.5, 5]),
    "thin blanks": (["1\u2009079", "2\u202f500", "5"], [1079, 2500, 5]),
    "apostrophes": (["1'079.5", "2\u2019500", "5"], [1079.5, 2500, 5]),
    "underscore": (["1_079", "5"], [1079, 5]),
    "percent": (["12%", "5 %", "%50"], [0.12, 0.05, 0.5]),
    "dollars": (["$1,079.50", "-$5", "$-6", "($7)"], [1079.5, -5, -6, -7]),
    "euros behind": (["1.079,50 €", "5 €", "6- €"], [1079.5, 5, -6]),
    "three letters": (["USD 5", "-USD 6", "USD -7", "8 USD"], [5, -6, -7, 8]),
    "other dashes": (["\u22125", "\u20136", "7"], [-5, -6, 7]),
    "round prices": (["1.234,-", "12,- €", "-5,--", "(6,-)"], [1234, 12, -5, -6]),
    "round prices in francs": (["Fr. 12.-", "CHF 1'234.--", "7.— Fr."], [12, 1234, 7]),
    "a minus behind": (["5-", "1,5-", "6"], [-5, -1.5, 6]),
    "brackets": (["(5)", "(1,079.5)", "6"], [-5, -1079.5, 6]),
    "exponents": (["1,5E+03", "2,5e-2"], [1500, 0.025]),
    "Arabic digits": (["\u0661\u066b\u0665", "\u0662"], [1.5, 2]),
    "full width": (["\uff11\uff0e\uff15", "\uff0d\uff12"], [1.5, -2]),
    "words for nothing": (["1,5", "#N/A", "<NA>", "--", "n.a.", "-nan", "NULL", "nil", "."], [1.5, *[None] * 8]),
    "one unit": (["12 kW", "3.5kW", "-1\u00a0kW"], [12, 3.5, -1]),
    "a unit with a sign": (["3,5 °C", "-4,25 °C"], [3.5, -4.25]),
    "a unit of words and powers": (["1,200.5 sq ft2", "900 sq ft2"], [1200.5, 900]),
    "a price for a unit": (["5.5 €/MWh", "-6 €/MWh"], [5.5, -6]),
    "metres": (["5m", "6m"], [5, 6]),
    "kelvin": (["300 K", "1 K"], [300, 1]),
    "letters for thousands": (["1.2K", "3M", "2.5bn", "(4 k)", "950"], [1200, 3e6, 2.5e9, -4000, 950]),
    "one letter for thousands": (["5k", "6k"], [5000, 6000]),
    "amounts with letters": (["$1.2K", "$3M"], [1200, 3e6]),
    "one that is wrong": ([*["1,5"] * 30, "x"], [*[1.5] * 30, None]),
}


def table(cells: dict[str, Any], **dialect: Any) -> Any:
    return read_table(pl.DataFrame(cells, strict=False), BadRows(skip=True), Dialect(**dialect))


@pytest.mark.parametrize("name", READ)
def test_numbers_are_read_as_they_are_written(name: str) -> None:
    cells, expected = READ[name]
    read = table({"x": cells})
    assert read.is_numeric("x")
    assert as_numbers(read.frame["x"], read.notation("x")).to_list() == expected


@pytest.mark.parametrize(
    "cells",
    [
        ["192.168.100.100", "192.168.100.101"],
        ["555 123 456", "555 765 432"],
        ["1.2.3", "1.2.4"],
        ["2024-01-31", "2024-02-01"],
        ["31.01.2024", "01.02.2024"],
        ["10:30", "10:45"],
        ["0800 123 456", "0800 123 457"],
        ["SEK-100", "SEK-101"],
        ["try 1", "try 2"],
        ["5-10", "10-20"],
        ["1/2", "3/4"],
        ["1,5", "2.5"],
        ["$5", "5 €"],
        ["5k", "6x"],
        ["12 kW", "13 W"],
        [">50K", "<=50K"],
        ["05 Jan", "06 Jan"],
        ["5 pm", "6 pm"],
        ["5m", "6"],
        ["12,34", "1,2,3"],
    ],
)
def test_what_is_no_number_stays_text(cells: list[str]) -> None:
    assert not table({"x": cells}).is_numeric("x")


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        (
            ["996", "1,079"],
            "'1,079', and nothing tells whether that is 1.079 or 1079; say --decimal , or --thousands ,",
        ),
        (["1,079", "2,500"], "--decimal , or --thousands ,"),
        (["1,079", "1200"], "--decimal , or --thousands ,"),
        (["$996", "$1,079"], "whether that is 1.079 or 1079"),
        (["996", "-1.079"], "'-1.079', and nothing tells whether that is -1.079 or -1079; say --decimal . or --thou"),
    ],
)
def test_what_could_be_either_is_asked_about_and_can_be_said(cells: list[str], asked: str) -> None:
    with pytest.raises(ElmanError) as error:
        table({"x": cells}).written("x")
    assert asked in str(error.value)
    (place,) = (place for place, cell in enumerate(cells) if "079" in cell)
    mark = "," if "," in cells[place] else "."
    for said, expected in (({"decimal": mark}, 1.079), ({"thousands": mark}, 1079)):
        assert abs(table({"x": cells}, **said).numeric("x")["x"][place]) == expected


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        (["12%", "0", "", "12", "13 %"], "row 4: x is '12', and not percent as the others are; write all alike"),
        (["12", "0 %", "", "12%", "13"], "row 4: x is '12%', and not what the others are, which are no percent; write"),
    ],
)
def test_percent_in_some_cells_only_is_refused(cells: list[str], asked: str) -> None:
    assert len(table({"x": cells}).numeric("x")) == 4  # and left out with what else is bad
    strict = read_table(pl.DataFrame({"x": cells}), BadRows(), Dialect())
    for read in (strict, replace(strict, dialect=strict.written("x"))):
        with pytest.raises(ElmanError) as error:
            read.numeric("x")
        assert asked in str(error.value)


def test_percent_is_refused_where_plain_numbers_were_learnt() -> None:
    dialect = table({"x": ["12", "13"]}).written("x")
    with pytest.raises(ElmanError, match="row 1: x is '12%', and not what the others are, which are no percent"):
        read_table(pl.DataFrame({"x": ["12%"]}), BadRows(), dialect).numeric("x")


def test_a_limit_is_no_number_and_what_to_say_of_it_is_told() -> None:
    cells = ["<0.5", "1", "2", "3", "4", "> 10", "< .1", "<0.5", "5", "6", "\u22647"]
    read = read_table(pl.DataFrame({"x": cells}), BadRows(), Dialect())
    assert read.is_numeric("x")
    with pytest.raises(ElmanError) as error:
        read.numeric("x")
    said = "row 1: x is '<0.5', '> 10', '< .1' and 1 more, a limit and no number; --missing '<0.5,> 10,< .1' takes"
    assert said in str(error.value)
    left_out = table({"x": cells}, missing=("<0.5", "> 10", "< .1", "\u22647")).numeric("x")["x"]
    assert left_out == [None, 1, 2, 3, 4, None, None, None, 5, 6, None]


def test_a_cell_without_the_unit_of_the_others_is_refused_as_in_the_table_that_was_learnt_from() -> None:
    dialect = table({"x": ["12 kW", "13 kW"]}).written("x")
    for cell, said in (("14kW", ""), ("14", "not in kW as the others are; write all alike"), ("14 W", "not a number")):
        again = read_table(pl.DataFrame({"x": [cell]}), BadRows(), dialect)
        if not said:
            assert again.numeric("x")["x"] == [14]
            continue
        with pytest.raises(ElmanError, match=said):
            again.numeric("x")
    with pytest.raises(ElmanError, match="'14k', not a number as those learnt from are written"):
        read_table(pl.DataFrame({"x": ["14k"]}), BadRows(), table({"x": ["12", "13"]}).written("x")).numeric("x")


def test_another_column_tells() -> None:
    ambiguous = ["996", "1,079"]
    assert table({"x": ["2,996", "1,079", "0"], "y": ["0,5", "2", "1"]}).notation("x") == Notation(",")
    assert table({"x": ambiguous, "y": ["0.5", "2"]}).notation("x") == Notation(".", ",")
    assert table({"x": ["996", "1.079"], "y": ["0,5", "2"]}).notation("x") == Notation(",", ".")
    assert table({"x": ["2.996", "1.079", "0"], "y": ["0.5", "2", "1"]}).notation("x") == Notation()
    for cells, other in ((ambiguous, "0,5"), (["996", "1.079"], "0.5")):  # a thousandth of what is above it
        with pytest.raises(ElmanError, match=r"nothing tells whether that is 1\.079 or 1079"):
            table({"x": cells, "y": [other, "2"]}).notation("x")
    both = table({"x": ambiguous, "y": ["0.5", "2"], "z": ["0,5", "2"]})
    assert (both.notation("y"), both.notation("z")) == (Notation(), Notation(","))
    with pytest.raises(ElmanError, match="x is '1,079'"):
        both.notation("x")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_what_stands_between_columns_tells_nothing(separator: str, tmp_path: Any) -> None:
    path = tmp_path / "data.txt"
    given = (["996|a", "1,079|b"], None), (["1,100|a", "2,101|b"], None), (["12,5|a", "1,079|b"], 1.079)
    for rows, expected in given:
        path.write_text("\n".join(["x|y", *rows]).replace("|", separator))
        read = read_table(path, BadRows(), Dialect(separator, True))
        if expected is None:
            with pytest.raises(ElmanError, match=r"data\.txt, line \d: x is '1,\d+', and nothing tells"):
                read.numeric("x")
        else:
            assert read.numeric("x")["x"][1] == expected


def test_what_is_found_is_said_in_a_line_and_plain_numbers_are_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    table({"x": ["1.5", "2"], "y": [1, 2]}).written("x", "y")
    assert not caplog.messages
    cells = {"a": ["1,5", "2"], "b": ["1.079,5", "3"], "c": ["12%", "5%"], "d": ["(5)", "5 €"]}
    cells |= {"e": ["12 kW", "3 kW"], "f": ["1,2K", "3M"]}
    table(cells).written(*cells)
    (line,) = caplog.messages
    assert line == (
        "the table: numbers: decimal comma in a, b, f; thousands point in b; percent, 12% as 0.12 in c; "
        "amounts in EUR in d; brackets for a minus in d; amounts in kW in e; K as thousands, M as millions in f"
    )


def test_a_point_before_three_digits_everywhere_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    read = table({"x": ["1.079", "2.500"]})
    assert read.written("x").numbers == {"x": Notation()}
    assert caplog.messages == [
        "numbers: the point in x is taken for a decimal one (1.079); --thousands . says that it is not"
    ]


@pytest.mark.parametrize("line", ["1,079", '{"x": "1,079"}'])
def test_a_line_is_read_as_the_column_was(line: str) -> None:
    for cells, expected in ((["0,5", "1,079"], 1.079), (["1,079", "1,079,000"], 1079.0)):
        dialect = table({"x": cells}).written("x")
        known = Known(("x",), ("x",), dialect=dialect)
        assert read_again(Line(line), known, BadRows()).numeric("x")["x"] == [expected]
        assert restored(Dialect, json.loads(json.dumps(asdict(dialect)))) == dialect
    plain = Known(("x",), ("x",), dialect=table({"x": ["1.5"]}).written("x"))
    with pytest.raises(ElmanError, match="not a number as those learnt from are written"):
        read_again(Line(line), plain, BadRows()).numeric("x")


def test_models_of_former_versions_take_a_comma_for_decimals() -> None:
    dialect = restored(Dialect, Lain.now({"separator": ",", "header": True})["dialect"])
    known = Known(("x",), ("x",), dialect=dialect)
    assert read_again(pl.DataFrame({"x": ["996", "1,079"]}), known, BadRows()).numeric("x")["x"] == [996, 1.079]


MARKS = st.sampled_from(
    [(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u202f"), (".", "_")]
)


def written(number: float, decimal: str, thousands: str, digits: int) -> str:
    text = f"{number:,.{digits}f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


@given(MARKS, st.integers(0, 4), st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_column_of_one_notation_is_read_back_or_asked_about(
    marks: tuple[str, str], digits: int, numbers: list[float]
) -> None:
    cells = [written(number, *marks, digits) for number in numbers]
    expected = [float(f"{number:.{digits}f}") for number in numbers]
    read = table({"x": cells})
    if not read.is_numeric("x"):  # as telephone numbers and addresses look
        assert all(cell.count(marks[1]) >= 2 for cell in cells)
        return
    try:
        found = read.notation("x")
    except ElmanError:
        said = {"decimal": marks[0]} if not marks[1] else {"thousands": " " if marks[1].isspace() else marks[1]}
        read = table({"x": cells}, **said)
        found = read.notation("x")
    if found == Notation() and all(len(cell.lstrip("-").split(".")[-1]) == 3 and "." in cell for cell in cells):
        return  # 1.079 alone, which is said to be taken for decimals
    assert as_numbers(read.frame["x"], found).to_list() == expected


@pytest.mark.parametrize(
    ("cells", "missing", "expected"),
    [
        (["-999", "-999.0", "-999,0", "5"], ("-999",), [None, None, None, "5"]),
        (["n.b.", "NA", "5"], ("n.b.", "NA"), [None, None, "5"]),
        ([-999, 5], ("-999.0",), [None, 5]),
        ([-999.5, 5.0], ("-999.5",), [None, 5.0]),
        (pl.Series([-999.9, 5.0], dtype=pl.Float32), ("-999.9",), [None, 5.0]),
        ([True, False], ("1",), [True, False]),
    ],
)
def test_what_says_that_there_is_no_value(cells: Any, missing: tuple[str, ...], expected: list[Any]) -> None:
    read = table({"x": cells}, missing=missing)
    assert read["x"] == expected
    known = Known(("x",), ("x",), dialect=Dialect(missing=missing))
    if isinstance(cells, list) and isinstance(cells[0], str):
        (row,) = read_again(Line(f"{cells[0]}"), known, BadRows())["x"]
        assert row is None


def test_thousands_do_not_hide_what_says_that_there_is_no_value() -> None:
    assert table({"x": ["-9,999", "1,079,000"]}, missing=("-9999",)).numeric("x")["x"] == [None, 1079000]


def test_numbers_far_from_all_others_are_named() -> None:
    usual = np.random.default_rng(1).uniform(40, 70, 200)
    for value in (-999.0, -200.0, 9999.0, 99999.0, 0.0, -1.0):
        (found,) = stand_ins(np.concatenate([usual, [value] * 9]))
        assert (found.value, found.cells) == (value, 9)
    assert {each.value for each in stand_ins(np.concatenate([usual, [-999] * 5, [9999] * 5]))} == {-999, 9999}
    assert not stand_ins(np.concatenate([usual, [-999.0]]))  # once is an outlier
    near = np.random.default_rng(1).uniform(15, 25, 200)
    for value in (32767.0, -32768.0, 65535.0, 9999.0, -9999.0, 999.0, -999.0, 1e20, -99.9):
        (found,) = stand_ins(np.concatenate([near, [value] * 2]))
        assert (found.value, found.cells) == (value, 2)
        assert not stand_ins(np.concatenate([near, [value]]))
    assert not stand_ins(np.concatenate([near, [77.0] * 2]))  # is not usual
    assert not stand_ins(np.concatenate([near * 6 - 60, [99.0] * 2, [-1.0] * 2]))  # are not far enough
    assert not stand_ins(np.array([0.0] * 50 + [1.0] * 50))
    assert not stand_ins(np.arange(-1.0, 50).repeat(3))
    for sizes in ([12, 12.5, 13, 14.5], [10, 12, 15, 20, 50], [-1, 0, 1, 2, 3], [-5, 1, 2, 3]):
        assert not stand_ins(np.array(sizes * 15))
    assert [each.value for each in stand_ins(np.array([1.0, 2, 3, 77] * 15))] == [77]
    assert not stand_ins(np.abs(np.random.default_rng(1).standard_cauchy(500)).round())


def test_they_are_warned_of_once_with_the_option(caplog: pytest.LogCaptureFixture) -> None:
    cells = [f"{n},5" for n in range(40)] + ["-200"] * 4
    table({"CO": cells, "NOx": cells}).written("CO", "NOx")
    assert caplog.messages == [
        '-200 stands in 8 cells of CO, NOx, far from all else; if it means "no value", say --missing -200'
    ]


def test_notations_that_differ_only_in_what_they_read_have_a_cell_that_tells() -> None:
    found = readings(pl.Series(["1,026.45", "1'134.8", *["0.9"] * 40]), Dialect())
    assert found.cell in ("1,026.45", "1'134.8")


def test_of_two_marks_between_thousands_it_is_asked_which_is_one() -> None:
    found = readings(pl.Series(["1 514", "1,499", *(f"{n}.06" for n in range(60))]), UNKNOWN)
    assert len(found.notations) == 2
    assert "nothing tells whether that is" in either(found)


def test_a_length_of_time_is_a_text_in_words() -> None:
    assert as_text(pl.Series([timedelta(seconds=90), None])).to_list() == ["1m 30s", None]
