"""A backtest, printed or written: lines for a terminal, JSON for scripts, CSV and Markdown, and a page.

The first sentence says whether the structure forecast better than a regression; it is composed from the differences
that were fixed beforehand, and says no where the answer is no.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from standoff import __version__
from standoff.backtest.mapping import ENDINGS, TITLES
from standoff.backtest.run import BASE, REGRESSION, STRUCTURE, Found, Report
from standoff.backtest.scores import CLIP, LEAST, LEVEL, RESAMPLES, Interval, reliability
from standoff.backtest.verdict import answer, counted
from standoff.errors import UserError
from standoff.show.ask import folded
from standoff.show.backtest_words import ABOUT, SHORT
from standoff.show.figures.backtest import Curve, Row, differences
from standoff.show.figures.backtest import reliability as reliability_drawing
from standoff.show.figures.drawing import Drawing, export, look
from standoff.show.report import template
from standoff.show.screens.screen import Block, Cell, Picture, Screen, Table, Words, row
from standoff.show.words import count, listed

NAME = "backtest"
NOTE = (
    f"Differences and intervals ({LEVEL:.0%}) are over {RESAMPLES} bootstrap samples of whole crises (of what the "
    "mapping keeps together), the same for all models; the training cases are taken as they are. Log scores are in "
    f"nats, chances held within {CLIP:g} and {1 - CLIP:g}. Slope and intercept: of the answers on the log odds of the "
    "chances; 1 and 0 are best. The base rate of a fold is lower where its answers are higher, so pooled over folds "
    "its AUC can be below 0.5."
)


def lines(report: Report) -> list[str]:
    """For a terminal."""
    mapping = report.study.mapping
    out = [*folded(f"{mapping.title}: does the structure forecast better than a regression?"), ""]
    out += folded(answer(report))
    for one in report.found:
        out += ["", *folded(f"{one.title} — {one.split_title}"), *folded(_cases(one))]
        head = ("", "Brier", "skill", "log", "AUC", "slope", "int.", "less the regression’s Brier")
        out.append(_line(head))
        for name in one.chance:
            s = one.scores[name]
            less = one.less.get(("brier", name, REGRESSION))
            cells = [_f(s.brier.value, 4), _f(s.skill.value, 3, True), _f(s.log.value, 4), _f(s.auc.value)]
            cells += [_f(s.slope), _f(s.intercept, 2, True)]
            cells.append("" if less is None else _span(less, 4) + "*" * abs(less.clear))
            out.append(_line((one.titles[name], *cells)))
        for name, why in one.failed.items():
            out += folded(f"  {one.titles[name]}: no forecast. {why}")
        out += folded(_adds(one))
        out += folded(_picked(one))
    return [
        *out,
        "",
        *folded("* The interval excludes 0. " + NOTE),
        *folded(f"Tables: {_read(report)} Seed {report.seed}."),
    ]


def _line(cells: Sequence[str]) -> str:
    first, brier, skill, log, auc, slope, constant, less = cells
    text = f"  {first[:34]:<34}{brier:>8}{skill:>8}{log:>8}{auc:>6}{slope:>7}{constant:>7}  {less}"
    return text.rstrip()


def _cases(one: Found) -> str:
    low, high = one.trained
    trained = f"{low}" if low == high else f"{low} to {high}"
    many = len(set(one.group))
    crises = count(many, "crisis", "crises") if one.together == "crises" else f"{many} {one.together}"
    text = f"{len(one.answer)} cases scored in {crises}, yes in {one.rate:.1%}; trained on {trained}"
    if one.unresolved:
        lost = count(one.unresolved, "earlier case")
        text += f"; up to {lost} did not train, since the answer was not known yet"
    if one.unended:
        lost = count(one.unended, "training case")
        text += f"; up to {lost} fit no ending of the game and did not train it"
    if many < LEAST:
        text += f"; there are no intervals from fewer than {LEAST} {one.together}, and no difference is called clear"
    return text + "."


def _picked(one: Found) -> str:
    found = one.selection
    if not found.uncoded:
        return ""
    share = found.uncoded / (found.coded + found.uncoded)
    text = (
        f"{found.uncoded} more cases ({share:.0%}) have no coded outcome and are not scored; whatever they were, the "
        f"share of yes is between {found.low:.0%} and {found.high:.0%}."
    )
    if math.isfinite(found.auc):
        text += (
            f" Which cases are coded can be foretold with an AUC of {_f(found.auc)} from what was known at the start."
        )
    if one.weighted and STRUCTURE in one.weighted:
        text += (
            f" Weighted for that, the Brier scores are {_f(one.weighted[REGRESSION].brier.value, 4)} (regression), "
            f"{_f(one.weighted[STRUCTURE].brier.value, 4)} (signaling game) and "
            f"{_f(one.weighted[BASE].brier.value, 4)} (base rate)."
        )
    return text


def _adds(one: Found) -> str:
    if one.adds is None:
        return ""
    return (
        f"Weight of the signaling game beside the regression, in log odds: {_span(one.adds, 2)} (0: it adds nothing)."
    )


def _read(report: Report) -> str:
    parts = [
        f"{name}: {rows} rows" + (f", {left} left out for want of a date or crisis" if left else "")
        for name, (rows, left, _) in report.tables.items()
    ]
    return f"{'; '.join(parts)}."


def _f(value: float, digits: int = 2, sign: bool = False) -> str:
    if not math.isfinite(value):
        return "–"
    text = f"{round(value, digits) + 0.0:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "−")


def _span(found: Interval, digits: int) -> str:
    return f"{_f(found.value, digits, True)} ({_f(found.low, digits, True)} to {_f(found.high, digits, True)})"


def as_dict(report: Report) -> dict[str, Any]:
    """For scripts."""
    mapping = report.study.mapping
    return {
        "study": mapping.study,
        "title": mapping.title,
        "digest": report.study.digest,
        "version": __version__,
        "seed": report.seed,
        "answer": answer(report),
        "clip": CLIP,
        "level": LEVEL,
        "resamples": RESAMPLES,
        "tables": {k: {"rows": n, "left_out": m, "digest": d} for k, (n, m, d) in report.tables.items()},
        "questions": [_one(report, one) for one in report.found],
    }


def _one(report: Report, one: Found) -> dict[str, Any]:
    pick = one.selection
    return {
        "question": one.question, "title": one.title, "split": one.split, "kind": one.kind,
        "counts": one in counted(report), "cases": len(one.answer), "crises": len(set(one.group)),
        "rate": _r(one.rate), "trained": list(one.trained), "unresolved": one.unresolved,
        "unended": one.unended,
        "models": {name: _scores(one, name) for name in one.chance},
        "differences": [
            {"rule": rule, "model": a, "less": b, **_interval(d), "clear": d.clear}
            for (rule, a, b), d in one.less.items()
        ],
        "adds": None if one.adds is None else _interval(one.adds),
        "uncoded": {
            "coded": pick.coded, "uncoded": pick.uncoded, "auc": _r(pick.auc),
            "rate_bounds": [_r(pick.low), _r(pick.high)],
            "weighted_brier": {name: _r(s.brier.value) for name, s in one.weighted.items()},
        },
        "failed": one.failed,
    }  # fmt: skip


def _scores(one: Found, name: str) -> dict[str, Any]:
    s = one.scores[name]
    return {
        "title": one.titles[name],
        **{rule: _interval(getattr(s, rule)) for rule in ("brier", "log", "auc", "skill")},
        "slope": _r(s.slope), "intercept": _r(s.intercept), "held": s.held,
        "reliability": [[_r(p), _r(y), n] for p, y, n in reliability(one.chance[name], one.answer)],
        "fits": list(one.fits.get(name, ())),
    }  # fmt: skip


def _interval(found: Interval) -> dict[str, float | None]:
    return {"value": _r(found.value), "low": _r(found.low), "high": _r(found.high)}


def _r(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


COLUMNS = ("study", "question", "split", "cases", "rate", "model", "brier", "skill", "log", "auc", "slope", "intercept",
           "less_regression", "low", "high")  # fmt: skip


def rows(report: Report) -> list[dict[str, Any]]:
    """A row for each question, split and model."""
    found = []
    for one in report.found:
        for name in one.chance:
            s, less = one.scores[name], one.less.get(("brier", name, REGRESSION))
            found.append({
                "study": report.study.mapping.study, "question": one.question, "split": one.split,
                "cases": len(one.answer), "rate": _r(one.rate), "model": name, "brier": _r(s.brier.value),
                "skill": _r(s.skill.value), "log": _r(s.log.value), "auc": _r(s.auc.value), "slope": _r(s.slope),
                "intercept": _r(s.intercept),
                "less_regression": None if less is None else _r(less.value),
                "low": None if less is None else _r(less.low), "high": None if less is None else _r(less.high),
            })  # fmt: skip
    return found


def as_csv(report: Report) -> str:
    """The table for a table program."""
    return _csv(COLUMNS, rows(report))


def forecasts_csv(report: Report) -> str:
    """Every forecast that was scored: row of the table (the header is row 1), year, answer, chance by model."""
    names = list(dict.fromkeys(name for one in report.found for name in one.chance))
    made = [
        {"question": one.question, "split": one.split, "fold": int(one.fold[i]) + 1, "row": int(one.row[i]) + 2,
         "crisis": one.group[i], "year": int(one.year[i]), "answer": int(one.answer[i]),
         **{name: _r(p[i]) for name, p in one.chance.items()}}
        for one in report.found for i in range(len(one.answer))
    ]  # fmt: skip
    return _csv(("question", "split", "fold", "row", "crisis", "year", "answer", *names), made)


def _csv(columns: Sequence[str], made: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()


def as_markdown(report: Report) -> str:
    """The table for a page of text: a line for each question and split."""
    names = [n for n in SHORT if any(n in one.chance for one in report.found)]
    head = ["question", "split", "cases", "yes", *(SHORT[n] for n in names)]
    head += ["signaling less regression", "AUC reg. / sig."]
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for one in report.found:
        less = one.less.get(("brier", STRUCTURE, REGRESSION))
        auc = f"{_f(one.scores[REGRESSION].auc.value)} / " + (
            _f(one.scores[STRUCTURE].auc.value) if STRUCTURE in one.scores else "–"
        )
        cells = [one.question, one.split, str(len(one.answer)), f"{one.rate:.1%}"]
        cells += [_f(one.scores[n].brier.value, 4) if n in one.scores else "–" for n in names]
        cells += ["–" if less is None else _span(less, 4) + (" *" if less.clear else ""), auc]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def drawings(report: Report) -> list[Drawing]:
    """The figures."""
    titles = {name: title for one in report.found for name, title in one.titles.items()}
    made = []
    lined = [
        Row(f"{one.title} ({one.split})", {
            name: d for name in one.chance if (d := one.less.get(("brier", name, REGRESSION))) is not None
        } | ({BASE: _turned(one.less["brier", REGRESSION, BASE])} if ("brier", REGRESSION, BASE) in one.less else {}))
        for one in counted(report)
    ]  # fmt: skip
    if any(line.less for line in lined):
        caption = (
            "Left of the line a model is better than the logistic regression. Full markers: the 95% interval, over "
            "crises, excludes 0."
        )
        made.append(differences("backtest-differences", lined, titles, caption))
    panels = []
    seen = set()
    for one in report.found:
        if one.question in seen:
            continue
        seen.add(one.question)
        shown = [name for name in (REGRESSION, STRUCTURE) if name in one.chance]
        panels.append((f"{one.title} ({one.split})", [Curve(n, reliability(one.chance[n], one.answer)) for n in shown]))
    caption = "Each point is a class of about as many cases; on the dotted line chances mean what they say."
    made.append(reliability_drawing("backtest-calibration", panels, titles, caption))
    return made


def _turned(found: Interval) -> Interval:
    return Interval(-found.value, -found.high, -found.low)


def screen(report: Report, drawn: list[Drawing]) -> Screen:
    """The page's screen."""
    blocks: list[Block] = [Picture(drawing) for drawing in drawn]
    return Screen(
        "backtest", "Does the structure forecast better than a regression?", answer(report), (), (),
        (*blocks, *(_table(one) for one in report.found)), "Differences in bold: the interval excludes 0. " + NOTE,
    )  # fmt: skip


def _table(one: Found) -> Table:
    body = []
    for name in one.chance:
        s, less = one.scores[name], one.less.get(("brier", name, REGRESSION))
        body.append(row(
            Cell(one.titles[name], strong=name in (STRUCTURE, REGRESSION)), _f(s.brier.value, 4),
            _f(s.skill.value, 3, True), _f(s.log.value, 4), _f(s.auc.value), _f(s.slope), _f(s.intercept, 2, True),
            Cell("" if less is None else _span(less, 4), strong=bool(less and less.clear)),
        ))  # fmt: skip
    note = " ".join(text for text in (_cases(one), _adds(one), _picked(one), one.note) if text)
    for name, why in one.failed.items():
        note += f" {one.titles[name]}: no forecast. {why}"
    head = ("Model", "Brier", "Skill", "Log", "AUC", "Slope", "Intercept", "Less the regression’s Brier")
    return Table(f"{one.title} — {one.split_title}", head, tuple(body), note, wordy=(0,))


def method(report: Report) -> list[Block]:
    """What each model is, what was known, and where the data are from."""
    mapping = report.study.mapping
    titles = {name: title for one in report.found for name, title in one.titles.items()}
    models = [row(Cell(title), ABOUT[name]) for name, title in titles.items() if name in ABOUT]
    blocks: list[Block] = [Table("Models", ("Model", "What it is"), tuple(models), wordy=(0, 1))]
    for name, table in mapping.tables.items():
        if name not in report.tables:
            continue
        known = listed([column.name for column in table.known])
        texts = [f"Known at the start, and all that a forecast may use: {known}."]
        if table.game is not None:
            told = [f"{table.game.meaning.get(e, TITLES[e])} ({e})" for e in ENDINGS]
            texts.append(f"Endings of the game: {'; '.join(told)}.")
            texts.append("Payoffs: " + "; ".join(f"{k}: {v}" for k, v in table.game.payoffs.items()) + ".")
        blocks.append(Words(tuple(texts), f"Table {name}"))
    if mapping.sources:
        cells = [row(" or ".join(s.files), s.cite, s.address, s.note or "") for s in mapping.sources]
        blocks.append(Table("Data", ("File", "Cite", "Address", "Note"), tuple(cells), wordy=(0, 1, 2, 3)))
    return blocks


def write_page(report: Report, out: Path) -> Path:
    """Write `backtest.html`, its figures, `backtest.json`, `.csv`, `.md` and `forecasts.csv` into a folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with look():
            drawn = drawings(report)
            svg = {drawing.name: Markup(export(drawing, out)) for drawing in drawn}
        texts: dict[str, Callable[[], str]] = {
            "backtest.json": lambda: json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n",
            "backtest.csv": lambda: as_csv(report),
            "backtest.md": lambda: as_markdown(report),
            "forecasts.csv": lambda: forecasts_csv(report),
        }
        for name, made in texts.items():
            (out / name).write_text(made(), encoding="utf-8")
        page = out / "backtest.html"
        text = template("answer.html.jinja").render(
            head=_head(report), screens=[screen(report, drawn)], svg=svg, appendix=method(report),
            text="\n".join(lines(report)),
        )  # fmt: skip
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out}: it cannot be written: {error.strerror}.") from error
    return page


def _head(report: Report) -> dict[str, Any]:
    mapping = report.study.mapping
    facts = [
        ("Made by", f"standoff {__version__}, mapping {report.study.digest[:12]}, seed {report.seed}"),
        ("Tables", _read(report)),
    ]
    marks = ["Past cases only", "Nothing known after a start enters"]
    return {"title": mapping.title, "lead": mapping.about or "", "alarm": "", "marks": marks, "facts": facts}
