"""Answers to questions about a case, printed or written: what if, what it is owed to, what it hangs on.

The numbers are those of `simulate.counterfactual`, `simulate.attribute` and `simulate.sensitivity`; here they are put
into lines for a terminal, JSON for scripts, and a small page with one picture.
"""

import csv
import io
import json
import math
import textwrap
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff.errors import UserError
from standoff.show.figures.drawing import Drawing, export, look
from standoff.show.figures.shares import bars
from standoff.simulate.results import ENDING_TITLES, ENDINGS

PROVENANCE = ("schema", "case", "digest", "version", "seed", "draws", "replications")


def points(value: float, error: float | None = None) -> str:
    """A difference of chances in points, with its error."""
    said = f"{round(value * 100, 1) + 0.0:+.1f}"
    said = said if error is None else f"{said} ±{error * 100:.1f}"
    return said.replace("-", "−")


WIDTH = 100
"""Columns of a line."""
ABREAST = 2
"""Counterfactuals side by side."""


def folded(text: str) -> list[str]:
    """A sentence on as many lines as it takes."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def head(found: xr.Dataset, what: str) -> list[str]:
    """The first words: what was asked, how much was run, and with which seed."""
    a = found.attrs
    drawn = (
        f"{a['draws']} draws x {a['replications']} crises" if "draws" in a else f"{a['replications']} crises a point"
    )
    return folded(f"{a['title']}: {what}; {drawn}, seed {a['seed']}")


def whatif_lines(found: xr.Dataset) -> list[str]:
    """The table of a counterfactual, or of several side by side."""
    a = found.attrs
    begins = f"from round {a['round']}, {a['from']} (until then as on record)" if a["from"] else "from the first round"
    lines = [*head(found, "what if"), ""]
    names = [str(n) for n in found["counterfactual"].values]
    for name, asked in zip(names, found["asked"].values, strict=True):
        lines += folded(f"{name}: {', '.join(json.loads(str(asked)))}, {begins}")
    for k in range(0, len(names), ABREAST):
        lines += _table(found, names[k : k + ABREAST])
    lines.append("")
    lines += folded(
        "After, and difference in points ± two standard errors over the draws; * clear of the whole table's errors. "
        f"Of the errors at most {float(found['monte_carlo'].max()) * 100:.1f} points come from the number of crises. "
        f"If nothing changed, one or more of these {a['intervals']} intervals would exclude 0 in about "
        f"{a['false_alarm']:.0%} of such tables."
    )
    return lines + folded(a["status"])


def _table(found: xr.Dataset, names: list[str]) -> list[str]:
    """Some counterfactuals side by side."""
    lines = ["", f"{'Chance of each ending':<28}{'before':>9}" + "".join(f"{name[:20]:>23}" for name in names)]
    for ending in ENDINGS:
        row = found.sel(ending=ending)
        cells = "".join(f"{_change(row.sel(counterfactual=name)):>23}" for name in names)
        lines.append(f"  {ENDING_TITLES[ending]:<26}{float(row['before'][0]):>9.1%}{cells}".rstrip())
    return lines


def _change(row: xr.Dataset) -> str:
    star = "*" if bool(row["clear"]) else " "
    return f"{float(row['after']):.1%} {points(float(row['difference']), float(row['error']))}{star}"


def whatif_dict(found: xr.Dataset) -> dict[str, Any]:
    """The same for scripts."""
    numbers = ("before", "after", "difference", "error", "monte_carlo")
    answers = {}
    for name in found["counterfactual"].values:
        one = found.sel(counterfactual=name)
        rows = {
            ending: {n: _plain(one[n].sel(ending=ending)) for n in numbers}
            | {"clear": bool(one["clear"].sel(ending=ending))}
            for ending in ENDINGS
        }
        answers[str(name)] = {"set": json.loads(str(one["asked"].item())), "endings": rows}
    more = ("from", "round", "intervals", "false_alarm_one", "false_alarm", "status")
    return _about(found, more) | {"counterfactuals": answers}


def attribute_lines(found: xr.Dataset, outcome: str) -> list[str]:
    """Shares of the misreadings in the change of one ending, largest first."""
    a, one = found.attrs, found.sel(ending=outcome)
    title = ENDING_TITLES[outcome]
    orders = "over all orders of correcting" if not a["orders"] else f"over {a['orders']} orders of correcting a draw"
    lines = [*head(found, f"what the chance of '{title}' is owed to"), ""]
    lines += folded(
        f"{float(one['before']):.1%} with both sides in their own views, {float(one['after']):.1%} with all "
        f"misreadings corrected: {points(float(one['total']), float(one['total_error']))} points. Shares of the "
        f"misreadings in that change ({orders}), points:"
    )
    for i in _by_size(one):
        row = one.isel(difference=i)
        share = points(float(row["share"]), float(row["error"]))
        words = textwrap.shorten(str(row["title"].item()), 70, placeholder=" …")
        lines.append(f"  {share:>13}  {row['holder'].item():<8} {words}")
    noise = float(one["monte_carlo"].max()) * 100
    lines += folded(
        f"± two standard errors over the draws; of these at most {noise:.1f} points come from orders drawn."
    )
    return lines + folded(a["status"])


def attribute_dict(found: xr.Dataset) -> dict[str, Any]:
    """Shares of all endings, for scripts."""
    rows = []
    for i in range(found.sizes["difference"]):
        one = found.isel(difference=i)
        effect = {e: {n: _plain(one[n].sel(ending=e)) for n in ("share", "error", "monte_carlo")} for e in ENDINGS}
        rows.append({n: str(one[n].item()) for n in ("difference", "holder", "view", "title")} | {"endings": effect})
    total = {
        e: {n: _plain(found[n].sel(ending=e)) for n in ("before", "after", "total", "total_error")} for e in ENDINGS
    }
    return _about(found, ("method", "orders", "status")) | {"total": total, "differences": rows}


def sensitivity_lines(found: xr.Dataset, outcome: str, *, rows: int = 20) -> list[str]:
    """Numbers ranked by what hangs on them, and the indices of the first."""
    a, one = found.attrs, found.sel(ending=outcome)
    by = f"the chance of '{ENDING_TITLES[a['outcome']]}'" if a["outcome"] else "all endings together"
    lines = [*head(found, f"what the endings hang on ({a['points']} points)"), ""]
    lines += folded(
        f"Numbers ranked by their effect on {by}; Sobol indices of the chance of '{ENDING_TITLES[outcome]}':"
    )
    lines.append(f"  {'effect':>7} {'mu*':>6} {'sigma':>6} {'first':>12} {'total':>12}  number")
    for i in range(min(rows, found.sizes["factor"])):
        row = one.isel(factor=i)
        lines.append(
            f"  {float(row['rank_by']) * 100:>7.1f} {float(row['mu_star']) * 100:>6.1f} "
            f"{float(row['sigma']) * 100:>6.1f} {_index(row, 'S1'):>12} {_index(row, 'ST'):>12}  {row['factor'].item()}"
        )
    still = int((found["rank_by"] == 0).sum())
    lines += folded(
        "Effect, mu*, sigma in points over the whole range of quantiles; indices ± half of a 95% interval. "
        f"{found.sizes['factor']} uncertain numbers; {still} changed nothing in {a['trajectories']} trajectories."
    )
    return lines + folded(a["status"])


def _index(row: xr.Dataset, name: str) -> str:
    value = float(row[name])
    return "" if math.isnan(value) else f"{value:.2f} ±{float(row[f'{name}_conf']):.2f}".replace("-", "−")


def sensitivity_dict(found: xr.Dataset) -> dict[str, Any]:
    """All numbers and endings, for scripts."""
    names = ("mu", "mu_star", "mu_star_conf", "sigma", "S1", "S1_conf", "ST", "ST_conf")
    rows = []
    for i in range(found.sizes["factor"]):
        one = found.isel(factor=i)
        effect = {e: {n: _plain(one[n].sel(ending=e)) for n in names} for e in ENDINGS}
        rows.append({"number": str(one["factor"].item()), "where": str(one["where"].item()),
                     "effect": _plain(one["rank_by"]), "endings": effect})  # fmt: skip
    more = ("trajectories", "samples", "matter", "outcome", "points", "status")
    return _about(found, more) | {"numbers": rows}


def _plain(value: xr.DataArray) -> float | None:
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None


def _about(found: xr.Dataset, more: tuple[str, ...]) -> dict[str, Any]:
    return {name: found.attrs[name] for name in (*PROVENANCE, *more) if name in found.attrs}


def _by_size(one: xr.Dataset) -> list[int]:
    """Differences by their share, largest in the direction of the whole change first."""
    sign = -1.0 if float(one["total"]) < 0 else 1.0
    return [int(i) for i in np.argsort(-sign * one["share"].values, kind="stable")]


def attribute_drawing(found: xr.Dataset, outcome: str) -> Drawing:
    """Bars of the shares."""
    one = found.sel(ending=outcome)
    rows = []
    for i in _by_size(one):
        row = one.isel(difference=i)
        label, holder = str(row["title"].item()), str(row["holder"].item())
        rows.append((label, holder, float(row["share"]) * 100, float(row["error"]) * 100))
    axis = f"share in the change of the chance of '{ENDING_TITLES[outcome]}', points"
    with look():
        return bars(
            f"attribute-{outcome}", rows, axis=axis,
            legend={"coercer": "the coercer's misreadings", "target": "the target's misreadings"},
            caption="Shapley shares of the misreadings, with two standard errors over the draws.",
        )  # fmt: skip


def sensitivity_drawing(found: xr.Dataset, outcome: str, *, rows: int = 15) -> Drawing:
    """Bars of the screening's effects."""
    holders = {str(w): "view" for w in found["where"].values if str(w) != "base"}
    drawn = []
    for i in range(min(rows, found.sizes["factor"])):
        row = found.sel(ending=outcome).isel(factor=i)
        where = "target" if str(row["where"].item()) in holders else "base"
        effect, error = float(row["mu_star"]) * 100, float(row["mu_star_conf"]) * 100
        drawn.append((str(row["factor"].item()).replace("parameters.", ""), where, effect, error))
    axis = f"mean effect on the chance of '{ENDING_TITLES[outcome]}', points"
    caption = "Mean absolute effect of a number moved over the range of its quantiles (Morris), with 95% intervals."
    with look():
        return bars(
            f"sensitivity-{outcome}", drawn, axis=axis,
            legend={"target": "by which a view differs", "base": "number of the base"}, caption=caption,
        )  # fmt: skip


def write_page(out: Path, name: str, lines: list[str], content: dict[str, Any], drawing: Drawing | None) -> Path:
    """Write `NAME.html` with the picture, `NAME.json` and `NAME.csv` into a folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        svg = ""
        if drawing is not None:
            with look():
                svg = f"<figure>{export(drawing, out)}<figcaption>{escape(drawing.caption)}</figcaption></figure>"
        (out / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (out / f"{name}.csv").write_text(_csv(content), encoding="utf-8")
        page = out / f"{name}.html"
        text = escape("\n".join(lines))
        page.write_text(_PAGE.format(title=escape(lines[0]), svg=svg, text=text), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out}: it cannot be written: {error.strerror}.") from error
    return page


def _csv(content: dict[str, Any]) -> str:
    """A row for each item and ending."""
    listed = next(v for k, v in content.items() if k in ("counterfactuals", "differences", "numbers"))
    items = [{"counterfactual": n} | v for n, v in listed.items()] if isinstance(listed, dict) else listed
    rows = []
    for item in items:
        label = {k: v for k, v in item.items() if isinstance(v, str | int | float)}
        rows += [label | {"ending": ending} | values for ending, values in item["endings"].items()]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}}
pre{{font-size:12.5px;overflow-x:auto}}svg{{width:100%;height:auto}}figure{{margin:0}}
figcaption{{color:#555}}</style></head><body><h1 style="font-size:1.2rem">{title}</h1>
{svg}
<pre>{text}</pre></body></html>
"""
