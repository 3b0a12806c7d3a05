"""The page of a run."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elman.training.report import Section, confusion, curves, page, shown, write
from elman.training.summary import in_columns


def pictures(text: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), float) for data in found]


def test_what_people_wrote_is_text_and_not_markup() -> None:
    evil = "<script>alert('x')</script> & \"so\""
    text = page(evil, [Section(evil, evil, header=[evil], rows=[[evil]])])
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 6  # title twice; heading, paragraph, header, cell
    assert "&amp; &quot;so&quot;" in text


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


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "True"),
        (12345, "12,345"),
        (0.123456, "0.1235"),
        (1e9, "1e+09"),
        (float("nan"), "nan"),
        ("x", "x"),
    ],
)
def test_cells(cell: object, text: str) -> None:
    assert shown(cell) == text  # pyright: ignore[reportArgumentType]


def test_columns_for_the_terminal() -> None:
    lines = in_columns({"model": {"loss": 0.5, "macro_f1": 0.25}, "a simple method": {"macro_f1": 1.0}}).splitlines()
    assert [line.split() for line in lines] == [
        ["model", "a", "simple", "method"],
        ["loss", "0.5000"],
        ["macro", "f1", "0.2500", "1.0000"],
    ]
    assert len({len(line.rstrip()) for line in (lines[0], lines[2])}) == 1
