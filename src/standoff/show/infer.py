"""The posterior for a terminal, for scripts, as a page and on disk; the report's screens say the same."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff.case.crisis import Case
from standoff.show import pieces as parts
from standoff.show import posterior as read
from standoff.show.answer import write_answer
from standoff.show.ask import folded
from standoff.show.screens.pieces import answer as heaviest
from standoff.show.screens.pieces import pieces_screen
from standoff.show.screens.posterior import posterior_screen
from standoff.show.screens.screen import Screen, Table, row
from standoff.show.words import Names, count, day, listed, names, percent
from standoff.simulate.record import record

PROVENANCE = (
    "schema", "case", "title", "digest", "version", "until", "priors", "seed", "draws", "tellings", "nodes", "rounds",
    "left_out", "solved", "status",
)  # fmt: skip
NUMBERS = (
    "mean", "sd", "effective", "tail_effective", "r_hat", "shrinkage", "distance", "prior_sensitivity",
    "likelihood_sensitivity", "correlation",
)  # fmt: skip
WORDS = ("partner", "diagnosis", "lesson")
SHOWN, HEAVIEST = 8, 5
"""Rounds and pieces in the table of a terminal."""


def with_pieces(tree: xr.DataTree, left: xr.Dataset | None) -> xr.DataTree:
    """The posterior with the group `pieces`: what leaving out each event and source changes, with standard errors."""
    if left is None or not left.sizes["piece"]:
        return tree
    groups = {name: child.to_dataset() for name, child in tree.children.items()}
    whole = xr.DataTree.from_dict({**groups, "pieces": parts.with_errors(tree, left)})
    whole.attrs.update(tree.attrs)
    return whole


def lines(case: Case, tree: xr.DataTree) -> list[str]:
    """The essentials for a terminal."""
    a, who = tree.attrs, names(case)
    numbers = count(tree["numbers"].ds.sizes["number"], "number")
    until = f" until {a['until']}" if a.get("until") else ""
    found = folded(
        f"{a['title']}: what each side must have believed, from the moves on record{until}; {a['draws']} draws of "
        f"{numbers}, {a['tellings']} tellings, {a.get('priors', 'case')} priors, seed {a['seed']}"
    )
    if int(a["failed"]):
        found += ["", *folded(f"NOT TO BE TRUSTED. {a['status']}")]
    if not read.whole(tree):
        return [*found, "", "The record holds no round yet, so there is nothing to infer from."]
    found += ["", *_by_round(tree, who), ""]
    found += folded(read.misreadings(tree, who))
    for side in read.held(tree):
        found += folded(read.tenable(tree, who, side))
    found += folded(f"Types: {'; '.join(read.firm(tree, who, side) for side in read.SIDES)}. {read.dealt(tree)}")
    found += ["", *_numbers(tree), *folded(" ".join(read.untaught(tree)))]
    if "pieces" in tree.children:
        found += ["", *_pieces(tree, who)]
    return [*found, "", *folded(str(a["solved"]) if int(a["failed"]) else f"{a['status']} {a['solved']}")]


def _by_round(tree: xr.DataTree, who: Names) -> list[str]:
    minds = [(letter, read.belief(tree, who, mind)) for letter, mind in (("A", "target"), ("B", "coercer"))]
    moves = read.told_moves(tree)[:3]
    head = "Before the moves of the round, %: median [5th, 95th percentile], and in the base view. "
    head += " ".join(f"{letter}: {band.title}." for letter, band in minds)
    head += " Gap: what was expected of a move less its chance, points. Deal: chance that one both preferred existed."
    titles = "".join(f"{f'gap: {move}':>15}" for _, move in moves)
    rows = [f"{'round from':<11}{'A':>14}{'base':>5}{'B':>14}{'base':>5}{titles}{'deal':>6}".rstrip()]
    deal, when = read.deal(tree), read.starts(tree)
    gaps = [read.gap(tree, who, mover, move) for mover, move in moves]
    step = -(-len(when) // SHOWN)
    for n in sorted({*range(0, len(when), step), len(when) - 1}):
        cells = ""
        for _, band in minds:
            low, middle, high = (_whole(band.own[k, n]) for k in (0, 2, 4))
            cells += f"{f'{middle} [{low}, {high}]':>14}{'' if band.base is None else _whole(band.base[n]):>5}"
        for gap in gaps:
            cells += f"{f'{_point(gap.own[2, n])} [{_point(gap.own[0, n])}, {_point(gap.own[4, n])}]':>15}"
        rows.append(f"{when[n]!s:<11}{cells}{_whole(deal.own[2, n]):>6}")
    return [*folded(head), *rows]


def _whole(share: float) -> str:
    return f"{100 * float(share):.0f}"


def _point(share: float) -> str:
    text = f"{100 * float(share):+.0f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _numbers(tree: xr.DataTree) -> list[str]:
    data, taught = tree["numbers"].ds, read.learnt(tree)
    rows = [f"{'Number (unit)':<40}{'before':>24}{'after':>24}{'spread left':>12}"]
    for name in (str(n) for n in data["number"].values):
        one, shown = data.sel(number=name), read.interval(tree, name)
        label = shown.label if len(shown.label) <= 37 else shown.label[:36] + "…"
        mark = " " if taught[name] else "·"
        spread = f"{float(one['shrinkage']):.0%}{mark}"
        rows.append(f"  {label:<38}{read.band(shown.prior):>24}{read.band(shown.posterior):>24}{spread:>12}".rstrip())
    return rows


def _pieces(tree: xr.DataTree, who: Names) -> list[str]:
    data = tree["pieces"].to_dataset()
    every = parts.pieces(data)
    found = folded("Left out in turn. " + heaviest(every, who))
    head = "".join(f"{text:>11}" for text in ("C firm", "T firm", "C view", "T view"))
    found.append(f"{'Change in points, largest first':<40}{head}{'ln evidence':>13}")
    for piece in every[:HEAVIEST]:
        bars = [bar for name in ("firm", "own_view") for bar in piece.chances[name]]
        cells = "".join(f"{read.signed(bar.value) + ('*' if parts.clear(bar) else ' '):>11}" for bar in bars)
        label = parts.label(piece)
        label = label if len(label) <= 37 else label[:36] + "…"
        evidence = f"{piece.evidence:+.2f}".replace("-", "−")
        found.append(f"  {label:<38}{cells}{evidence:>13}{'~' if piece.rough else ''}")
    return [*found, *folded(f"* beyond two standard errors; ~ rough. {parts.alarms(data)}")]


def as_dict(tree: xr.DataTree) -> dict[str, Any]:
    """For scripts: numbers with prior, posterior and diagnostics, chances by round, minds, pieces, status."""
    about = {name: _plain(tree.attrs[name]) for name in PROVENANCE if name in tree.attrs}
    found = about | {
        "failed": bool(int(tree.attrs["failed"])),
        "percentiles": [round(100 * float(p)) for p in tree["numbers"].ds["band_at"].values],
        "numbers": _number_rows(tree),
        "by_round": _round_rows(tree),
        "minds": {str(s): _mind_rows(tree, str(s)) for s in tree["minds"].ds["setting"].values},
        "pieces": None,
    }
    if "pieces" in tree.children:
        data = tree["pieces"].to_dataset()
        found["pieces"] = {
            "draws": int(data.attrs["draws"]), "tellings": int(data.attrs["tellings"]), "note": parts.alarms(data),
            "rows": [_piece_row(data.isel(piece=k)) for k in range(data.sizes["piece"])],
        }  # fmt: skip
    return found


def _number_rows(tree: xr.DataTree) -> list[dict[str, Any]]:
    data = tree["numbers"].ds
    rows = []
    for name in (str(n) for n in data["number"].values):
        one = data.sel(number=name)
        rows.append(
            {"number": name, "paths": str(one["paths"].item()).split(), "unit": str(one["unit"].item())}
            | {
                "prior": {"mean": _plain(one["prior_mean"].item()), "sd": _plain(one["prior_sd"].item()),
                          "percentiles": _plain(one["prior_band"].values)},
                "posterior": {"mean": _plain(one["mean"].item()), "sd": _plain(one["sd"].item()),
                              "percentiles": _plain(one["band"].values)},
                "identified": bool(one["identified"].item()),
            }
            | {key: _plain(one[key].item()) for key in NUMBERS[2:] if key in one}
            | {key: str(one[key].item()) for key in WORDS if key in one}
        )  # fmt: skip
    return rows


def _round_rows(tree: xr.DataTree) -> list[dict[str, Any]]:
    data = tree["by_round"].ds
    rows = []
    for n in range(data.sizes["after"]):
        one = data.isel(after=n)
        sides = {
            name: {str(s): _plain(float(one[name].sel(side=s))) for s in one["side"].values}
            for name in ("firm", "own_view")
        }
        whole = {name: _plain(float(one[name])) for name in ("evidence", "effective", "pareto_k")}
        rows.append({"after": int(one["after"]), "day": str(one["day"].values)[:10]} | sides | whole)
    return rows


def _mind_rows(tree: xr.DataTree, setting: str) -> list[dict[str, Any]]:
    data = tree["minds"].ds.sel(setting=setting)
    rows = []
    for n in range(data.sizes["round"]):
        one = data.isel(round=n)
        sides = {}
        for side in read.SIDES:
            moves = [str(m) for m in one[f"{side}_move"].values]
            sides[side] = {
                "belief_that_other_is_firm": _plain(one["belief"].sel(mind=side, about=read.other(side)).values),
                "expected_of_it": dict(zip(moves, _plain(one[f"expected_{side}"].values), strict=True)),
                "own": dict(zip(moves, _plain(one[f"own_{side}"].values), strict=True)),
                "gap": dict(zip(moves, _plain(one[f"gap_{side}"].values.T), strict=True)),
                **{name: _plain(float(one[name].sel(side=side))) for name in ("against", "dropped", "untenable")},
            }
        deal = {"chance": _plain(float(one["deal"])), "percentiles": _plain(one["deal_band"].values)}
        rows.append({"round": int(one["round"]), "day": str(one["day"].values)[:10], "deal": deal} | sides)
    return rows


def _piece_row(one: xr.Dataset) -> dict[str, Any]:
    row = {name: str(one[name].item()) for name in ("piece", "kind", "title")}

    def changed(name: str, **at: str) -> dict[str, Any]:
        pair = (float(one[name].sel(at)), float(one[f"{name}_error"].sel(at)))
        return dict(zip(("change", "error"), _plain(pair), strict=True))

    changes = {name: {str(s): changed(name, side=str(s)) for s in one["side"].values} for name in parts.CHANCES}
    shift = {str(n): changed("shift", number=str(n)) for n in one["number"].values}
    rough = bool(float(one["effective"]) < float(one.attrs["rough"]))
    last = {"evidence": _plain(float(one["evidence"])), "effective": _plain(float(one["effective"])), "rough": rough}
    return row | changes | {"shift": shift} | last


def _plain(value: Any) -> Any:  # noqa: ANN401 (an attribute or an entry)
    """As JSON takes it: lists and rounded numbers; what is not finite is nothing."""
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.7g}") if np.isfinite(value) else None
    return value


def write_page(case: Case, tree: xr.DataTree, out: Path, lines: list[str], content: dict[str, Any]) -> Path:
    """Write `infer.html` with its figures, `infer.json` and `infer.csv` into a folder."""
    import datetime as dt

    who, until = names(case), str(tree.attrs.get("until") or "")
    along = record(case, dt.date.fromisoformat(until) if until else None)

    def screens() -> list[Screen]:
        first = posterior_screen(tree, along, who)
        return [first, pieces_screen(tree, who)] if "pieces" in tree.children else [first]

    return write_answer(
        out, "infer", head=_head(case, tree), screens=screens, appendix=_appendix(tree, who), lines=lines,
        content=content, table=_csv(content),
    )  # fmt: skip


def _head(case: Case, tree: xr.DataTree) -> dict[str, Any]:
    a = tree.attrs
    generic = a.get("priors") == "generic"
    marks = [] if generic else ["Priors of the case, written with hindsight"]
    if a.get("until"):
        marks.append(f"As known on {a['until']}")
    if len(a.get("left_out", ())):
        marks.append(f"Without {listed([str(x) for x in a['left_out']])}")
    rounds = read.whole(tree)
    period = f"{count(rounds, 'round')} of {count(case.crisis.round_days, 'day')} from {day(case.crisis.starts)}"
    return {
        "title": f"{case.crisis.title}: the posterior",
        "lead": "What the moves on record say of what each side wanted and believed, and of which view it held.",
        "alarm": f"Not to be trusted. {a['status']}" if int(a["failed"]) else "",
        "marks": marks,
        "facts": [
            ("Record", period),
            ("Inferred", f"{count(tree['numbers'].ds.sizes['number'], 'number')}, both sides’ types and views; "
             f"{'the library’s generic priors' if generic else 'the case’s priors'}"),
            ("Computed", f"{a['draws']} draws of the numbers, {a['tellings']} tellings of the record, {a['nodes']} "
             f"nodes a belief, seed {a['seed']}"),
            ("Sampler", str(a["status"])), ("Solved", str(a["solved"])),
            ("Made by", f"standoff {a['version']}, case {str(a['digest'])[:12]}"),
        ],
    }  # fmt: skip


def _appendix(tree: xr.DataTree, who: Names) -> list[Table]:
    """Diagnostics of every number, and the chances after every round."""
    data = tree["numbers"].ds
    rows = []
    for name in (str(n) for n in data["number"].values):
        one = data.sel(number=name)
        rows.append(
            row(
                read.plain(name), f"{float(one['effective']):.0f}", f"{float(one['tail_effective']):.0f}",
                f"{float(one['r_hat']):.3f}", f"{float(one['distance']):.2f}", f"{float(one['prior_sensitivity']):.2f}",
                f"{float(one['likelihood_sensitivity']):.2f}",
                f"{read.plain(str(one['partner'].item()))} ({float(one['correlation']):+.2f})".replace("-", "−"),
                ", ".join(str(one["paths"].item()).split()),
            )
        )  # fmt: skip
    one = Table(
        "Diagnostics of the numbers",
        ("Number", "Effective draws", "in the tails", "R-hat", "Distance from prior", "Sensitivity to prior",
         "to likelihood", "Most correlated with", "Path in the case"),
        tuple(rows),
        "distance: cumulative Jensen-Shannon, 0 to 1; sensitivities: per doubling of the power; 0.05 counts",
        wordy=(7, 8),
    )  # fmt: skip
    every = tree["by_round"].ds
    chances = [
        (side, name, f"{who.side(side)} {'firm' if name == 'firm' else 'own view'}")
        for name in ("firm", "own_view") for side in read.SIDES if name == "firm" or side in read.held(tree)
    ]  # fmt: skip
    rounds = [
        row(
            str(int(here["after"])), str(here["day"].values)[:10],
            *(percent(float(here[name].sel(side=side))) for side, name, _ in chances),
            f"{float(here['evidence']):.2f}".replace("-", "−"), f"{float(here['effective']):.0f}",
            f"{float(here['pareto_k']):.2f}".replace("-", "−"),
        )
        for here in (every.isel(after=n) for n in range(every.sizes["after"]))
    ]  # fmt: skip
    two = Table(
        "After each round",
        ("Rounds", "Day", *(title for _, _, title in chances), "ln evidence", "Effective draws", "Pareto k"),
        tuple(rounds), "chances given the moves of so many rounds; each side weighed with both of its views",
    )  # fmt: skip
    return [one, two]


def _csv(content: dict[str, Any]) -> str:
    """Quantities with their percentiles, a row each: numbers, then beliefs, gaps and deals by round and setting."""
    rows: list[dict[str, Any]] = []
    heads = [f"p{at}" for at in content["percentiles"]]

    def add(what: str, of: str, values: list[float], day: str = "", setting: str = "") -> None:
        rows.append({"what": what, "of": of, "day": day, "setting": setting, **dict(zip(heads, values, strict=True))})

    for number in content["numbers"]:
        for what in ("prior", "posterior"):
            add(what, number["number"], number[what]["percentiles"])
    for setting, rounds in content["minds"].items():
        for one in rounds:
            for side in read.SIDES:
                add("belief", side, one[side]["belief_that_other_is_firm"], one["day"], setting)
                for move, values in one[side]["gap"].items():
                    add(f"gap {move}", side, values, one["day"], setting)
            add("deal", "both", one["deal"]["percentiles"], one["day"], setting)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["what", "of", "day", "setting", *heads], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
