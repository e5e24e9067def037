"""Screen 3: what would each have done with the other's view, with both holding the same view, and with types known?"""

import numpy as np

from standoff.show import summary
from standoff.show.figures.scenarios import corrections, robust, scenarios
from standoff.show.screens.screen import Block, Findings, Picture, Screen, Words
from standoff.show.summary import Chance, lowers_most
from standoff.show.words import clear, count, false_alarm, listed, moved, percent, points, sentence

RULE = (
    "Rule, the same for every case: established only if correcting all misreadings lowers force and raises agreed "
    "exits, each by more "
    "than two standard errors and than five points, and with the same signs at every precision and pace tried."
)


def views(found: Findings) -> Screen:
    """Scenarios against own views, the thesis, single corrections and other settings."""
    names = found.names
    every = [str(s) for s in found.tree["endings"].ds["scenario"].values]
    others = [s for s in every if s != "views"]
    shown = [("force", "force"), ("agreed-exit", "agreed exit"), ("deal-he-stays", "deal, leader stays")]
    chances = summary.table(found.tree)
    rows = [(names.scenario(s), {k: summary.paired(found.tree, k, s, "views") for k, _ in shown}) for s in others]
    titled = [(k, f"{title}\n({percent(chances['views'][k].mean)})") for k, title in shown]
    levels = [(title, row, chances[s]) for s, (title, row) in zip(others, rows, strict=True)]
    left: list[Block] = [Picture(scenarios(names.scenario("views").lower(), levels, titled))]
    effects = summary.correction_effects(found.tree)
    right: list[Block] = [_thesis(found)]
    if effects:
        picture = corrections(
            [(e["title"], names.side(e["holder"]), e["effect"]["force"], e["effect"]["agreed-exit"]) for e in effects]
        )
        right.append(Picture(picture))
        right.append(_single(found, effects))
    else:
        right.append(
            Words(("The case names no difference between the views and the base: there is no misreading to correct.",))
        )
    settings = _settings(found)
    if settings:
        left.append(Picture(robust(settings)))
    question = "What would each have done with the other’s view, with both holding the same view, and with types known?"
    return Screen("views", question, _answer(found), tuple(left), tuple(right), note=_note(found, rows))


def _answer(found: Findings) -> str:
    names = found.names
    force, agreed = (summary.paired(found.tree, k, "base", "views") for k in ("force", "agreed-exit"))
    swapped, known = (summary.paired(found.tree, "force", s, "views") for s in ("swapped", "known"))
    parts = [
        f"Had both held the base view, {_pair(force, agreed)}",
        f"had each held the other’s view, {moved(swapped, 'force')}",
        f"with types known to both as well, {moved(known, 'force')}",
    ]
    one = {s: summary.paired(found.tree, "force", f"{s}-base", "views") for s in ("coercer", "target")}
    apart = summary.chance(_draws(found, "target-base") - _draws(found, "coercer-base"))
    if clear(apart):
        more = "target" if one["target"].mean < one["coercer"].mean else "coercer"
        less = "coercer" if more == "target" else "target"
        last = (
            f" Correcting {names.side(more)} alone lowers force more than correcting {names.side(less)} alone "
            f"({points(one[more])} against {points(one[less])} points)."
        )
        if one[more].mean >= 0 or not clear(one[more]):
            last = (
                f" Correcting one side alone is not shown to lower force ({names.coercer} {points(one['coercer'])}, "
                f"{names.target} {points(one['target'])} points)."
            )
    else:
        last = " Whose misreading matters more for force cannot be told from these draws."
    return f"{'; '.join(parts)}.{last}"


def _draws(found: Findings, scenario: str) -> np.ndarray:
    return summary.by_draw(found.tree["endings"].ds["ending"].sel(scenario=scenario), "force")


def _pair(force: Chance, agreed: Chance) -> str:
    return f"{moved(force, 'force')} and {moved(agreed, 'the chance of an agreed exit')}"


def _thesis(found: Findings) -> Words:
    thesis = summary.thesis(found.tree)
    mark = "Established by the rule." if thesis.established else "NOT ESTABLISHED by the rule."
    which = []
    if not clear(thesis.force):
        which.append("the change of force is within its error")
    if not clear(thesis.agreed):
        which.append("the change of agreed exits is within its error")
    if thesis.flips:
        settings = list(dict.fromkeys(flip.setting for flip in thesis.flips))
        which.append(f"a sign is not the same at {listed(settings)}")
    why = f" ({'; '.join(which)})" if which and not thesis.established else ""
    force = summary.table(found.tree)["views"]["force"].mean
    share = percent(force) if force < 0.01 else f"only {percent(force)}"
    rare = (
        [
            f"Even with every misreading in place force ends {share} of the simulated crises: what "
            "is judged is whether misreadings raise its chance, not whether they make it likely."
        ]
        if force < 0.5
        else []
    )
    by_force = found.record.ending is None or found.record.ending.ends == "force"
    if not by_force:
        rare = ["On record it did not end by force: what is judged is the chance that it would have.", *rare]
    return Words(
        (
            f"{mark[:-1]}{why}. {thesis.sentence} Change: force {points(thesis.force)}, agreed exits "
            f"{points(thesis.agreed)} points.",
            *rare,
            RULE,
        ),
        title="Did misreadings, and not interests, make it end by force?"
        if by_force
        else "Do misreadings, and not interests, make it end by force?",
    )


def _single(found: Findings, effects: list[dict]) -> Words:  # type: ignore[type-arg]
    draws = int(found.tree["corrections"].ds.sizes["draw"])
    sure = [e for e in effects if clear(e["effect"]["force"])]
    best = lowers_most(effects)
    text = (
        f"Correcting “{best['title']}” lowers force most ({points(best['effect']['force'])} points)."
        if best
        else "No single correction is shown to lower force."
    )
    alarms = false_alarm(draws)
    return Words(
        (
            f"{text} Of {count(len(effects), 'single correction')}, {len(sure)} move force by more than two "
            "standard errors; the others are not "
            f"established. Over {count(draws, 'draw')} such an interval misses a true zero in {alarms:.0%} of "
            "cases, so that about "
            f"{alarms * len(effects):.1f} of {len(effects)} would stand out by chance.",
        )
    )


def _settings(found: Findings) -> list[tuple[str, dict[str, tuple[float, float]]]]:
    data = found.group("robust")
    if data is None:
        return []
    rows = []
    for s in data["setting"].values:
        mean = data["chance"].sel(setting=s).mean("draw")
        rows.append(
            (
                str(s),
                {
                    k: (float(mean.sel(scenario="views", ending=k)), float(mean.sel(scenario="base", ending=k)))
                    for k in summary.HEADLINES
                },
            )
        )
    return rows


def _note(found: Findings, rows: list[tuple[str, dict[str, Chance]]]) -> str:
    draws = int(found.tree.attrs["draws"])
    open_ = [
        f"{key} under “{title}”"
        for title, row in rows
        for key, c in (("force", row["force"]), ("agreed exits", row["agreed-exit"]))
        if not clear(c)
    ]
    tests = sum(len(row) for _, row in rows)
    plain = (
        f"Not established (bar holds 0): {listed(open_)}. " if open_ else "No bar for force or agreed exits holds 0. "
    )
    data = found.group("robust")
    few = (
        f" Other settings use {count(int(data.sizes['draw']), 'draw')}, too few for a size, and a sign may change "
        "with the seed."
        if data is not None
        else ""
    )
    return sentence(
        f"{plain}Changes are differences between simulated crises of the same draws and random numbers (paired), "
        "in points of the chance of an "
        f"ending; ± two standard errors over {count(draws, 'draw')}. With {tests} intervals at once, about "
        f"{tests * false_alarm(draws):.1f} would "
        f"miss a true zero by chance.{few}"
    )
