"""Chart of the What if page: paired differences by ending, of the current question and of those pinned beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from standoff.app.charts.look import FONT, INK, PAPER, Options, axis, chart, grid, plain

LOOKS = (
    ("circle", True, "var(--own)"), ("diamond", False, "var(--base)"), ("rect", True, "var(--green)"),
    ("triangle", False, "var(--purple)"),
)  # fmt: skip
"""Mark, whether it is filled, and colour: of the current answer, then of the pinned ones."""
MARKS = ("●", "◇", "■", "△")
LEFT = 166
"""Room for the names of the endings, pixels."""
POINTS = "v => (Math.round(v * 10) / 10).toString().replace('-', '−')"


@dataclass(frozen=True)
class Effect:
    """The change of one ending's chance, in points: two standard errors, and clear of the whole table's errors."""

    before: float
    after: float
    difference: float
    error: float
    clear: bool

    @property
    def said(self) -> str:
        """In words."""
        move = f"{self.difference:+.1f} ±{self.error:.1f} points".replace("-", "−")
        star = ", clear of the table’s errors" if self.clear else ""
        return f"{self.before:.1f}% before, {self.after:.1f}% after: {move}{star}"


def differences(endings: Sequence[str], shown: Sequence[tuple[str, Sequence[Effect]]]) -> Options:
    """Dots and intervals of two standard errors by ending; `shown`: a name with its effects, one an ending."""
    places = [float(place) for place in range(len(endings))][::-1]
    step = 0.66 / max(len(shown), 1)
    reach = max([1.0, *(abs(e.difference) + e.error for _, effects in shown for e in effects)]) * 1.08
    series: list[Options] = []
    for k, (name, effects) in enumerate(shown):
        symbol, filled, colour = LOOKS[k % len(LOOKS)]
        up = ((len(shown) - 1) / 2 - k) * step
        series.append(_bars(effects, places, up, colour))
        series.append({
            "type": "scatter", "name": plain(name), "symbol": symbol, "symbolSize": 11, "z": 5,
            "emphasis": {"disabled": True},
            "data": [
                {"value": [round(e.difference, 3), y + up], "said": f"{ending}\n{name}: {e.said}",
                 "label": {"show": e.clear}}
                for ending, e, y in zip(endings, effects, places, strict=True)
            ],
            "label": {"position": "top", "distance": 1, "formatter": "*", "color": INK, "fontSize": FONT + 3},
            "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 2, "opacity": 1},
        })  # fmt: skip
    if series:
        series[0]["markLine"] = {
            "symbol": "none", "silent": True, "animation": False, "data": [{"xAxis": 0}], "label": {"show": False},
            "lineStyle": {"color": INK, "type": "solid", "width": 1.2},
        }  # fmt: skip
    words = "; ".join(
        f"{name}: {', '.join(f'{ending} {e.said}' for ending, e in zip(endings, effects, strict=True))}"
        for name, effects in shown
    )
    return chart(
        f"Change of the chance of each ending against before, with two standard errors. {words}.",
        grid=grid(left=LEFT, right=18, top=6, bottom=38),
        xAxis=axis("value", "change of the chance, points", min=-round(reach, 2), max=round(reach, 2), nameGap=22,
                   axisLabel={":formatter": POINTS, "showMinLabel": False, "showMaxLabel": False}),
        yAxis=axis("value", "", min=-0.6, max=len(endings) - 0.4, interval=1, axisTick={"show": False},
                   axisLine={"show": False}, axisLabel={"show": False}),
        series=[*series, _names(endings, places, -reach)],
    )  # fmt: skip


def _names(names: Sequence[str], places: Sequence[float], left: float) -> Options:
    """Names of the rows, to the left of the axis."""
    return {
        "type": "scatter", "symbolSize": 0, "silent": True, "tooltip": {"show": False},
        "data": [{"value": [round(left, 2), y], "label": {"formatter": plain(name)}}
                 for name, y in zip(names, places, strict=True)],
        "label": {"show": True, "position": "left", "color": INK, "fontSize": FONT, "distance": 8, "width": LEFT - 16,
                  "overflow": "break", "align": "right"},
    }  # fmt: skip


def _bars(effects: Sequence[Effect], places: Sequence[float], up: float, colour: str) -> Options:
    """Intervals as one broken line."""
    data: list[list[float | None]] = []
    for e, y in zip(effects, places, strict=True):
        data += [[round(e.difference - e.error, 3), y + up], [round(e.difference + e.error, 3), y + up], [None, None]]
    return {
        "type": "line", "symbol": "none", "silent": True, "data": data, "z": 3, "emphasis": {"disabled": True},
        "lineStyle": {"color": colour, "width": 3.5, "opacity": 0.6, "cap": "butt"}, "connectNulls": False,
    }  # fmt: skip
