"""The common look of all figures, and their export: PNG and SVG files, and SVG to stand within the page.

Colours are of Okabe and Ito's palette; what they tell apart, line, marker or hatching tell apart too. Text stays
text in the SVG, laid out in a wide face, so that a narrower one of the reader's never runs over. Case text is never
read as mathematics.
"""

import datetime as dt
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE, BLACK, GREY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#56B4E9",
    "#CC79A7",
    "#1a1a1a",
    "#767676",
)
OWN, BASE = VERMILION, BLUE
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "axes.grid": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "standoff",
    "text.parse_math": False,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.unicode_minus": True,
    "lines.linewidth": 1.8,
}
DPI = 150


@dataclass(frozen=True)
class Drawing:
    """A figure with its name, what it shows in words (for those who do not see it) and a caption."""

    name: str
    figure: Figure
    alt: str
    caption: str


@contextmanager
def look() -> Iterator[None]:
    """The common look, and no complaints about letters that the face at hand lacks."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def new(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04))
    FigureCanvasAgg(figure)
    return figure


def export(drawing: Drawing, folder: Path) -> str:
    """Write `NAME.png` and `NAME.svg`; return the SVG as it stands within the page."""
    none = {"Date": None, "Creator": None, "Format": None, "Type": None}
    buffer = io.StringIO()
    drawing.figure.savefig(buffer, format="svg", metadata=none)
    svg = _within(buffer.getvalue(), drawing)
    (folder / f"{drawing.name}.svg").write_text(svg, encoding="utf-8")
    drawing.figure.set_layout_engine("none")  # the layout stands as the SVG has it
    drawing.figure.savefig(folder / f"{drawing.name}.png", dpi=DPI, metadata={"Software": None})
    return svg


def _within(svg: str, drawing: Drawing) -> str:
    """The drawing alone, with ids of its own, a title, and room to scale."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\b(id|xlink:href|href)="(#?)([^"]+)"', rf'\1="\g<2>{drawing.name}-\3"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{drawing.name}-\1)", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    words = escape(drawing.alt, quote=True)
    head, rest = svg.split(">", 1)
    return f'{head} role="img" aria-label="{words}"><title>{escape(drawing.alt)}</title>{rest}'


def percent_axis(axis: Any, label: str) -> None:  # noqa: ANN401 (either axis)
    """An axis of chances between 0 and 1, labelled in per cent."""
    axis.set_major_formatter(lambda value, _at: f"{round(100 * value, 6) + 0.0:g}".replace("-", "−"))
    axis.label.set_text(label)


def at(days: Sequence[dt.date]) -> np.ndarray:
    """Days as places on an axis of dates."""
    return np.array([mdates.date2num(day) for day in days], dtype=float)  # type: ignore[no-untyped-call]


def date_axis(ax: Axes, label: str) -> None:
    """An axis of dates with few, short ticks."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.set_xlabel(label)


def plain_left(ax: Axes) -> None:
    """Rows of a list: no left spine, no ticks."""
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def spread_labels(values: list[float], gap: float, low: float = -1e9, high: float = 1e9) -> list[float]:
    """Heights for labels near the given ones, at least `gap` apart, within low and high."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = [min(max(values[i], low), high) for i in order]
    for _ in range(200):
        moved = False
        for a in range(len(placed) - 1):
            lack = gap - (placed[a + 1] - placed[a])
            if lack > 1e-9:
                placed[a], placed[a + 1] = placed[a] - lack / 2, placed[a + 1] + lack / 2
                moved = True
        if placed and placed[0] < low:
            placed = [p + low - placed[0] if k == 0 else p for k, p in enumerate(placed)]
        if not moved:
            break
    found = [0.0] * len(values)
    for rank, i in enumerate(order):
        found[i] = placed[rank]
    return found


def wrapped(text: str, width: int, lines: int = 2) -> str:
    """Text on at most so many lines; what does not fit is cut with an ellipsis."""
    import textwrap

    rows = textwrap.wrap(text, width) or [""]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], textwrap.shorten(" ".join(rows[lines - 1 :]), width, placeholder=" …")]
    return "\n".join(rows)
