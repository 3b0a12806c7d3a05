"""Columns of labels are found by their names and by what is in them, in the common languages."""

from pathlib import Path

import pytest

from elman import ElmanError
from elman.data.bad import BadRows
from elman.tasks.anomaly.streams import Columns, find_columns, read_streams


@pytest.mark.parametrize(
    ("name", "no", "yes"),
    [
        ("Anomalie", "nein", "ja"),
        ("is_anomaly", "False", "True"),
        ("anomalía", "no", "sí"),
        ("Аномалия", "нет", "да"),
        ("Étiquette", "non", "oui"),
        ("異常", "いいえ", "はい"),
        ("label", "normal", "anomaly"),
        ("Etikett", "0", "1"),
        ("Störung", "nein", "ja"),
        ("Normal/Attack", "Normal", "A ttack"),
        ("fault", "0", "1"),
    ],
)
def test_words_say_which_rows_are_anomalies(name: str, no: str, yes: str, tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    rows = [f"2024-03-01 {n % 24:02}:00:00;{20 + n % 7},5;{yes if n == 9 else no}" for n in range(24)]
    path.write_text("\n".join([f"time;v;{name}", *rows]) + "\n", encoding="utf-8")
    columns = find_columns(path, Columns(()))
    assert (columns.label, columns.values) == (name, ("v",))
    (stream,) = read_streams(path, columns, BadRows())
    assert stream.labels is not None
    assert stream.labels.nonzero()[0].tolist() == [9]
    path.write_text(path.read_text(encoding="utf-8").replace(f";{yes}", ";maybe"), encoding="utf-8")
    with pytest.raises(ElmanError, match=f"line 11: {name} is 'maybe', not 0 or 1"):
        read_streams(path, columns, BadRows())


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time,count,value,literal\n" + "".join(f"{n},{n % 2},{20 + n % 7},{n % 5}\n" for n in range(24)))
    assert find_columns(path, Columns(())).label == ""


def test_numbered_kinds_of_faults_say_neither_yes_nor_no(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time,v,fault\n" + "".join(f"{n},{20 + n % 7}.5,{2 if n == 40 else 0}\n" for n in range(60)))
    assert find_columns(path, Columns(())).label == ""
