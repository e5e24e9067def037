"""Chart of the Numbers page: prior and posterior of the numbers that the record was asked about."""

from collections.abc import Sequence

import numpy as np

from standoff.app.charts.look import FONT, INK, OWN, PAPER, Options, axis, bars, chart, grid, narrow, words_at
from standoff.show.figures.posterior import Interval

TICKS = "v => v === 0 ? '5%' : v === 1 ? '95%' : Math.abs(v - 0.5) < 0.01 ? 'half-way' : ''"


def numbers(rows: Sequence[Interval]) -> Options:
    """Prior above, posterior below, each row scaled by its prior's 5% to 95% range; what both say stands beside."""
    places = [float(k) for k in range(len(rows))][::-1]
    series: list[Options] = []
    for pick, up, colour, symbol, size in (("prior", 0.17, "var(--grey)", "rect", [3, 13]),
                                           ("posterior", -0.17, OWN, "circle", 11)):  # fmt: skip
        scaled = [np.clip(_scaled(one, pick), -0.18, 1.18) for one in rows]
        series += [bars([s[0] for s in scaled], [s[4] for s in scaled], places, up, colour, 1.4, 1.0),
                   bars([s[1] for s in scaled], [s[3] for s in scaled], places, up, colour, 5.0, 0.7)]  # fmt: skip
        series.append({
            "type": "scatter", "symbol": symbol, "symbolSize": size, "z": 5, "emphasis": {"disabled": True},
            "data": [
                {"value": [round(float(s[2]), 4), y + up], "said": f"{one.label}\n{one.said}",
                 "itemStyle": {"color": colour if one.taught or pick == "prior" else PAPER, "borderColor": colour,
                               "borderWidth": 2, "opacity": 1}}
                for s, y, one in zip(scaled, places, rows, strict=True)
            ],
        })  # fmt: skip
    look = {"width": 178, "overflow": "break", "lineHeight": 14, "fontSize": FONT - 0.5}
    names = words_at(
        [(-0.2, y, one.label, False) for one, y in zip(rows, places, strict=True)], "left", INK, "names", **look
    )
    told = words_at(
        [(1.2, y, one.said, False) for one, y in zip(rows, places, strict=True)], "right", INK, "told", **look
    )
    words = "; ".join(f"{one.label}: {one.said}".replace("\n", ", ") for one in rows)
    return narrow(chart(
        f"Prior and posterior of the numbers that were inferred. {words}.",
        grid=grid(left=196, right=150, top=4, bottom=40),
        xAxis=axis("value", "each row scaled by its prior", min=-0.2, max=1.2, interval=0.1, nameGap=22,
                   axisTick={"show": False}, splitLine={"show": False}, axisLine={"onZero": False},
                   axisLabel={":formatter": TICKS,
                              "hideOverlap": False, "interval": 0}),
        yAxis=axis("value", "", min=-0.6, max=len(rows) - 0.4, show=False),
        series=[*series, names, told],
    ), grid={"left": 92, "right": 132},
       series={"names": {"label": {"width": 84}}, "told": {"label": {"width": 132, "fontSize": 10}}},
    )  # fmt: skip


def _scaled(one: Interval, pick: str) -> np.ndarray:
    low, span = float(one.prior[0]), float(one.prior[4] - one.prior[0]) or 1.0
    return np.asarray((getattr(one, pick) - low) / span)
