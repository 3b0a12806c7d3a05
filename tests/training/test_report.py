"""The page of a run."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elman.training.report import Section, confusion, curves, figure, page, with_dates, write


def pictures(text: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), float) for data in found]


def test_what_people_wrote_is_text_and_not_markup() -> None:
    evil = "<script>alert('x')</script> & \"so\""
    text = page(evil, [Section(evil, evil, header=[evil], rows=[[evil]])])
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 6  # title twice; heading, paragraph, header, cell
    assert "&amp; &quot;so&quot;" in text


@pytest.mark.parametrize("name", ["$x_{$", "\udcff.csv", "a\nb", "日本"])
def test_whatever_people_call_their_columns_and_files_is_drawn(name: str) -> None:
    picture, axes = figure()
    axes.plot([0, 1], [1, 0], label=name)
    axes.legend()
    axes.set_title(name)
    drawn = page("t", [Section("s", figures=[picture, confusion(np.eye(2), [name, "other"])])])
    assert len(pictures(drawn)) == 2


def test_pictures_show_what_is_drawn(tmp_path: Path) -> None:
    write(tmp_path / "a.html", "t", [Section("s", figures=[curves({"a": ([0, 1], [0, 1])}, "x", "y")])])
    write(tmp_path / "b.html", "t", [Section("s", figures=[curves({"a": ([0, 1], [1, 0])}, "x", "y")])])
    (up,), (down,) = (pictures((tmp_path / name).read_text()) for name in ("a.html", "b.html"))
    assert up.shape == down.shape
    assert (up < 200).sum() > 500
    assert np.abs(up - down).max() > 100


def test_confusion_is_dark_where_most_are() -> None:
    picture = confusion(np.array([[90, 10], [0, 50]]), ["a", "名"])  # a sign that the font lacks is no warning
    axes = picture.axes[0]
    shares = axes.images[0].get_array()
    assert shares is not None
    np.testing.assert_allclose(shares, [[0.9, 0.1], [0, 1]])
    assert [text.get_text() for text in axes.texts] == ["90", "10", "50"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "名"]
    assert pictures(page("t", [Section("s", figures=[picture])]))[0].std() > 10


class Rows(np.ndarray):
    """Counts that are not taken out of their array row by row."""

    def tolist(self) -> Any:
        raise AssertionError("each row of thousands would be added up for each of its cells")


def test_a_confusion_of_thousands_of_classes_is_an_array_and_some_of_their_names() -> None:
    counts = np.eye(2000, dtype=int) * 3
    counts[7] = 0
    picture = confusion(counts.view(Rows), [f"class {number}" for number in range(2000)])
    axes = picture.axes[0]
    shares = axes.images[0].get_array()
    assert shares is not None
    assert [float(np.asarray(shares)[k, k]) for k in (6, 7, 8)] == [1, 0, 1]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"class {number}" for number in range(0, 2000, 20)]


def test_the_numbers_of_a_column_have_as_many_decimals_each() -> None:
    rows = [["a", 0.5, 12345, None, 0.25], ["b", 12.25, 6, 1.5, "yes"]]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page("t", [Section("s", header=list("vwxyz"), rows=rows)]))
    assert cells == ["a", "0.5000", "12,345", "", "0.2500", "b", "12.2500", "6", "1.500", "yes"]


@pytest.mark.parametrize("rows", [3, 48, 600, 20_000])
@pytest.mark.parametrize("unit", ["m", "h", "D"])
def test_dates_of_any_span_fit_below_a_picture(rows: int, unit: str) -> None:
    times = np.datetime64("2021-03-01", "s") + np.arange(rows) * np.timedelta64(1, unit).astype("timedelta64[s]")
    picture, axes = figure(2, 1)
    axes.plot(times, np.arange(rows))
    with_dates(axes, times)
    picture.savefig(io.BytesIO(), format="png", dpi=40)  # a warning of matplotlib's is an error here
    assert axes.get_xticklabels()
