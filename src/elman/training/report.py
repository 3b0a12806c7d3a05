"""``report.html``: what came of a run, on one page that needs nothing beside itself."""

import base64
import html
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from elman.training.numbers import alike, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = str | float | int | None


class Written(str):
    """A number that is written already, as it is to stand in a table."""


MOST_NAMES = 100  # of classes that are written beside a picture
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #eee; text-align: left; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } th { border-bottom: 1px solid #999 }
div.wide { overflow-x: auto } img { max-width: 100% } p { margin: .4rem 0 }
"""


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, a few lines of text, pictures, and a table.

    Args:
        title: the heading.
        text: paragraphs, with a line each.
        figures: pictures of matplotlib.
        header: of the table, one name a column.
        rows: of the table; the numbers of a column get as many decimals each.
    """

    title: str
    text: str = ""
    figures: Sequence["Figure"] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = field(default=())


def figure(width: float = 7.5, height: float = 3.2) -> tuple["Figure", "Axes"]:
    """An empty picture for a section, and its axes; it belongs to no window.

    Example:
        >>> picture, axes = figure()
        >>> _ = axes.plot([1, 3, 2])
        >>> "<img" in page("A run", [Section("A curve", figures=[picture])])
        True
    """
    from matplotlib.figure import Figure

    picture = Figure(figsize=(width, height), layout="constrained")
    axes = picture.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return picture, axes


def stacked(heights: Sequence[float], width: float = 7.5, height: float = 3.4) -> tuple["Figure", list["Axes"]]:
    """An empty picture with axes one above the other, over the same values; ``heights`` is the share of each."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(width, height), layout="constrained")
    found = picture.subplots(len(heights), sharex=True, height_ratios=list(heights), squeeze=False)[:, 0].tolist()
    for axes in found:
        axes.spines[["top", "right"]].set_visible(False)
    return picture, found


def beside(axes: "Axes") -> None:
    """Write the names of the lines beside them, where nothing is drawn."""
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def with_dates(axes: "Axes", values: np.ndarray) -> None:
    """Write dates below the axes as people write them, where ``values``, which are drawn there, are dates."""
    if np.issubdtype(values.dtype, np.datetime64):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def confusion(counts: np.ndarray, names: Sequence[str], title: str = "") -> "Figure":
    """A confusion matrix as a picture.

    Args:
        counts: ``[K, K]``, how often what is ``i`` was answered as ``j``.
        names: of the classes; of very many some are written, spread evenly.
        title: above the picture.
    """
    size = min(9.0, 2.2 + 0.45 * len(names))
    picture, axes = figure(size + 1, size)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(0, len(names), -(-len(names) // MOST_NAMES))
    written = [_drawable(shortened(names[place], 16)) for place in places]
    axes.set_xticks(places, written, rotation=90)
    axes.set_yticks(places, written)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    if len(names) <= 25:
        for i, row in enumerate(counts.tolist()):
            for j, cell in enumerate(row):
                if cell:
                    color = "white" if shares[i, j] > 0.6 else "black"
                    axes.text(j, i, f"{cell:g}", ha="center", va="center", color=color, fontsize=8)
    return picture


def curves(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], xlabel: str, ylabel: str) -> "Figure":
    """Lines by name, each as where and how high its points are."""
    picture, axes = figure()
    for name, (x, y) in series.items():
        axes.plot(x, y, label=name, marker="." if len(x) < 40 else None)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if len(series) > 1:
        beside(axes)
    return picture


def page(title: str, sections: Sequence[Section]) -> str:
    """The page as text."""
    body = "\n".join(map(_section, sections))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def fragment(sections: Sequence[Section]) -> str:
    """The sections alone, to be put into a page that there is."""
    return "\n".join(map(_section, sections))


def write(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page to a file."""
    path.write_text(page(title, sections), encoding="utf-8", errors="replace")


def shortened(text: str, length: int) -> str:
    """A text, cut where it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p>{html.escape(line)}</p>" for line in section.text.splitlines() if line.strip()]
    parts += [
        f'<div class="wide"><img alt="{html.escape(section.title)}" src="{_png(f)}"></div>' for f in section.figures
    ]
    if section.header:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in section.header)
        rows = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in _written(section.rows))
        parts.append(f'<div class="wide"><table><tr>{head}</tr>\n{rows}</table></div>')
    return "\n".join(parts)


def _written(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """The cells as people read them: those of a column of numbers with as many decimals each."""
    columns = [_column(cells) for cells in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(cells: Sequence[Cell]) -> list[str]:
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    if len(numbers) + cells.count(None) == len(cells) and any(isinstance(cell, float) for cell in numbers):
        return [Written(text) for text in alike([None if isinstance(cell, str) else cell for cell in cells])]
    return [Written(shown(cell)) if isinstance(cell, int | float) else cell or "" for cell in cells]


def _cell(text: str) -> str:
    return f'<td class="number">{text}</td>' if isinstance(text, Written) else f"<td>{html.escape(text)}</td>"


def _drawable(text: str) -> str:
    """A text without halves of characters, as names of files may have them."""
    return text.encode(errors="replace").decode()


def _png(picture: "Figure") -> str:
    from matplotlib import rc_context
    from matplotlib.text import Text

    for text in picture.findobj(Text):
        if isinstance(text, Text):
            text.set_parse_math(False)  # a dollar is a dollar, in the names of ticks too, which are made when drawn
            text.set_text(_drawable(text.get_text()))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):
        # a name in a script that the font lacks is drawn as boxes; the tables have it as text
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        picture.savefig(buffer, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
