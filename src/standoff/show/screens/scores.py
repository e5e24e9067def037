"""Screen: who saw it coming? Everybody's forecasts on the same questions, beside past cases. If scores were kept."""

import datetime as dt

import numpy as np
import xarray as xr

from standoff.forecast.climatology import TITLES as CLASSES
from standoff.forecast.climatology import classes, climatology
from standoff.forecast.questions import OFFICE
from standoff.forecast.score import (
    ENOUGH,
    FEW,
    calibration,
    comparable,
    count,
    mean,
    scored,
    skill,
)
from standoff.forecast.words import Range, words
from standoff.show.figures.drawing import Drawing
from standoff.show.figures.scores import Answered, answers, reliability
from standoff.show.screens.screen import Block, Cell, Findings, Picture, Screen, Table, Words, row
from standoff.show.words import count as counted
from standoff.show.words import listed, sentence

QUESTION = "Who saw it coming, and how much is that worth?"
FORECASTERS = {
    "model-generic": "Model, generic priors",
    "model-case": "Model, the case’s numbers (hindsight)",
    "person": "People, as they said it",
    "market": "Market",
    "flat": "Flat 0.5",
} | {name: sentence(title) for name, title in CLASSES.items()}
"""Titles of who is scored, in the order of every table: first what holds no hindsight."""
STATES = {
    "void": "void (its condition did not hold)",
    "disputed": "disputed",
    "open": "open",
    "late": "not shown to have been public before its answer",
}
OUTCOMES = {
    "force": "force", "agreed-exit": "agreed exit", "flight": "flight", "coup": "removed from within",
    "back-down": "coercer backs down", "out-of-office": "out of office",
}  # fmt: skip
WARNING = (
    "One case proves little: its questions hang together, since one ending answers them all, and it was chosen because "
    "of that ending. No interval is claimed. The case was written with hindsight, so its own numbers are no forecast; "
    "the honest figure is that of the generic priors, which is put first."
)


def scores(found: Findings) -> Screen | None:
    """The screen of a report; none where `standoff score` has kept nothing beside the run."""
    data = found.group("scores")
    return screen(data) if data is not None else None


def screen(data: xr.Dataset) -> Screen:
    """Scores of one case."""
    drawn: list[Block] = [Picture(drawing(data))] if scored(data).any() else []
    curve = calibration(data)
    if curve is not None:
        caption = f"Calibration of what was said: {counted(count(data, 'said', scored(data)), 'question')}."
        drawn.append(Picture(reliability("calibration", curve, caption)))
    right: list[Block] = [headline(data), moved(data), everyone(data)]
    below: list[Block] = [*paired(data), references(data)]
    return Screen("scores", QUESTION, answer(data), tuple(drawn), tuple(right), tuple(below), note=note(data))


def rows_of(data: xr.Dataset, key: str) -> tuple[str, np.ndarray]:
    """Forecaster in the data behind a row of a table, and the mask of its forecasts."""
    everything = comparable(data)
    if key in ("person", "market"):
        return "said", everything & (data["kind"].values == key)
    return key, everything


def present(data: xr.Dataset) -> list[str]:
    """Keys of the rows of tables: the model even where it has not forecast, others where they answered."""
    return [k for k in FORECASTERS if k.startswith("model") or count(data, *rows_of(data, k))]


def span(r: Range | None, digits: int = 2) -> str:
    """A score with the range that words leave open."""
    if r is None:
        return "–"
    middle = _number(r.mid, digits)
    same = _number(r.low, digits) == _number(r.high, digits)
    return middle if same else f"{middle} ({_number(r.low, digits)} to {_number(r.high, digits)})"


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 and text.startswith("-") else text).replace("-", "−")


def answer(data: xr.Dataset) -> str:
    """The answer in a sentence or two."""
    many, asked = len(set(data["group"].values[comparable(data)])), count(data, "said", scored(data))
    total = data.sizes["forecast"]
    text = f"{counted(total, 'forecast')} on record; {counted(asked, 'question')} scored, {many} of them on the ending."
    model, rows = rows_of(data, "model-generic")
    own = mean(data, model, "brier", rows)
    if own is None:
        text += " The model has not been asked."
    else:
        answered = rows & np.isfinite(data["brier"].sel(forecaster=model).values[:, 1])
        flat = "better" if own.mid < 0.25 else "worse"
        text += (
            f" On {counted(count(data, model, rows), 'question')} the model on generic priors has a Brier score of "
            f"{span(own)}, {flat} than a flat 0.5 (0.25); what was said on them has "
            f"{span(mean(data, 'said', 'brier', answered))}."
        )
    return text + " From one case this establishes nothing about anybody."


def headline(data: xr.Dataset) -> Table:
    """Everybody on the questions that the model can be asked."""
    rows = []
    for key in present(data):
        name, mask = rows_of(data, key)
        many = count(data, name, mask)
        brier, log = mean(data, name, "brier", mask), mean(data, name, "log", mask)
        first = Cell(FORECASTERS[key], strong=key == "model-generic", faint=key == "model-case")
        if many == 0:
            rows.append(row(first, "0", Cell("not asked", faint=True), ""))
        else:
            rows.append(row(first, str(many), Cell(span(brier), strong=key == "model-generic"), span(log)))
    return Table(
        "Mean scores on the ending (0 is best)",
        ("Forecaster", "Questions", "Brier", "Log, nats"),
        tuple(rows),
        "In brackets the range that words, or an interval, leave open. Not all answer the same questions, so rows are "
        "compared below, in pairs. Classes of past cases by the deadline of each question.",
        wordy=(0,),
    )


def paired(data: xr.Dataset, *, bands: bool = True) -> list[Table]:
    """Skill of the model, people and the market against each reference, on the questions that both answer.

    With `bands`, also its range.
    """
    who = [k for k in ("model-generic", "model-case", "person", "market") if count(data, *rows_of(data, k))]
    against = [
        k for k in (*(("market",) if _market(data) else ()), "flat", *classes()) if k in data["forecaster"].values
    ]
    if not who:
        return []
    rows = []
    for reference in against:
        cells = [Cell(FORECASTERS[reference])]
        for key in who:
            name, mask = rows_of(data, key)
            value, many = skill(data, name, reference, mask)
            told = None if value is None else span(value if bands else Range.point(value.mid))
            words = f"too few ({many})" if told is None else f"{told}, {many}"
            cells.append(Cell(words if many else "–", faint=value is None))
        rows.append(tuple(cells))
    return [
        Table(
            "Skill against each reference, and questions that both answer",
            ("Reference", *(FORECASTERS[k].split(",")[0] if k == "person" else FORECASTERS[k] for k in who)),
            tuple(rows),
            "1 − Brier over the reference’s: 1 perfect, 0 no better, below 0 worse. Not told from under "
            f"{FEW} questions.",
            wordy=(0,),
        )
    ]


def _market(data: xr.Dataset) -> bool:
    return bool(np.isfinite(data["brier"].sel(forecaster="market").values).any())


def moved(data: xr.Dataset) -> Words:
    """How the model's score moves between generic priors and the case's numbers."""
    rows = comparable(data)
    for name in ("model-generic", "model-case"):
        rows = rows & np.isfinite(data["brier"].sel(forecaster=name).values[:, 1])
    generic, case = (mean(data, name, "brier", rows) for name in ("model-generic", "model-case"))
    title = "What hindsight is worth"
    if generic is None or case is None:
        text = "The model has not forecast under both priors: standoff forecast CASE --out DIR, then score with it."
        return Words((text,), title)
    gain = generic.mid - case.mid
    text = (
        f"On the same {counted(count(data, 'model-case', rows), 'question')} the model has {span(generic)} on generic "
        f"priors and {span(case)} on the case’s numbers. The difference, {_number(gain, 2)}, is "
        f"{'gained' if gain > 0 else 'not gained'} by numbers that were written with the ending known: it is no skill."
    )
    return Words((text,), title)


def drawing(data: xr.Dataset) -> Drawing:
    """The figure: every scored forecast, those on the ending first."""
    on_ending, rows = comparable(data), scored(data)
    order = [int(i) for i in (*np.flatnonzero(on_ending), *np.flatnonzero(rows & ~on_ending))]
    drawn = []
    for i in order:
        one = data.isel(forecast=i)
        given = {str(one["kind"].item()): range_of(one, "said")}
        for name in ("model-generic", "model-case"):
            if np.isfinite(one["chance"].sel(forecaster=name).values).all():
                given[name] = range_of(one, name)
        past = one["chance"].sel(forecaster=list(classes()), bound="mid").values
        past = past[np.isfinite(past)]
        made = dt.date.fromisoformat(str(one["made"].item())) if one["made"].item() else None
        when = f"{made.day} {made:%b %Y}" if made else "undated"
        title = f"{when}. {one['question'].item()}"
        band = Range(float(past.min()), float(np.median(past)), float(past.max())) if len(past) else None
        drawn.append(Answered(title, bool(one["observed"] == 1), given, band))
    caption = (
        "Every scored forecast, those on the ending first. Marks: the chance, or the middle of the range that words "
        "leave open (bar). Grey: classes of past cases, from the lowest to the highest. Triangle: what happened."
    )
    return answers("scores", drawn, caption, split=int(on_ending.sum()))


def each(data: xr.Dataset) -> Table:
    """Every scored forecast: who said what when, by when, and what the model had."""
    models = [k for k in ("model-generic", "model-case") if count(data, k, scored(data))]
    rows = []
    for i in np.flatnonzero(scored(data)):
        one = data.isel(forecast=int(i))
        chance, score = range_of(one, "said"), one["brier"].sel(forecaster="said").values
        word = f"“{one['words'].item()}”, " if one["words"].item() else ""
        cells = [
            str(one["name"].item()), str(one["made"].item()), str(one["question"].item()), str(one["until"].item()),
            word + percent_span(chance), "yes" if one["observed"] == 1 else "no",
            span(Range(*(float(v) for v in score))),
        ]  # fmt: skip
        for name in models:
            asked = bool(np.isfinite(one["chance"].sel(forecaster=name).values).all())
            cells.append(f"{percent_span(range_of(one, name))}" if asked else "–")
        rows.append(row(*cells))
    return Table(
        "Every forecast that was scored",
        ("Who", "From", "Question", "By", "Said", "Came", "Brier", *(FORECASTERS[k] for k in models)),
        tuple(rows),
        "From: the first day on which it can have been made; the model and past cases are asked as of then.",
        wordy=(0, 2, 4),
    )


def percent_span(r: Range) -> str:
    """A chance in per cent, as a range where it is one."""
    low, high = f"{_share(r.low)}", f"{_share(r.high)}"
    return f"{low}%" if low == high else f"{low} to {high}%"


def range_of(one: xr.Dataset, name: str) -> Range:
    """What a forecaster gave: low, middle, high."""
    low, mid, high = (float(v) for v in one["chance"].sel(forecaster=name).values)
    return Range(low, mid, high)


def everyone(data: xr.Dataset) -> Table:
    """Everybody who said something, on all questions that were scored."""
    rows = []
    mask = scored(data)
    names = dict(zip(data["source"].values, data["name"].values, strict=True))
    found = [(key, mask & (data["source"].values == key)) for key in names]
    found = [(key, use) for key, use in found if use.any()]
    means = {key: mean(data, "said", "brier", use) for key, use in found}
    for key, use in sorted(found, key=lambda item: m.mid if (m := means[item[0]]) is not None else 1.0):
        asserted = int((data["word_kind"].values[use] == "assertion").sum())
        rows.append(
            row(
                str(names[key]), str(count(data, "said", use)), span(mean(data, "said", "brier", use)),
                span(mean(data, "said", "log", use)), str(asserted) if asserted else "",
            )
        )  # fmt: skip
    return Table(
        "Who said it: all questions that were scored, by their own words",
        ("Who", "Questions", "Brier", "Log, nats", "Bare assertions"),
        tuple(rows),
        "They answered different questions of different difficulty: this is a list, not a ranking. A flat 0.5 has a "
        "Brier score of 0.25 and a log score of 0.69. Who speaks of what he decides himself announces, more than he "
        "forecasts.",
        wordy=(0,),
    )


def references(data: xr.Dataset, *, bands: bool = True) -> Table:
    """Chance of each outcome within the crisis, by class of past cases; with `bands`, also its 90% interval."""
    bracket = "In brackets 90% intervals. " if bands else ""
    starts, ends = (dt.date.fromisoformat(str(data.attrs[name])) for name in ("starts", "ends"))
    later = set(data.attrs.get("later_classes", ()))
    rows = []
    for name in classes():
        cells = [Cell(FORECASTERS[name] + (" *" if name in later else ""))]
        for outcome in OUTCOMES:
            chance = climatology(name, outcome, (ends - starts).days + 1)
            cells.append(Cell("–" if chance is None else _percent(chance) if bands else f"{_share(chance.mid)}%"))
        rows.append(tuple(cells))
    star = " * Its data go on after the crisis began: nobody had them then." if later else ""
    return Table(
        f"Past cases: chance of each outcome within {(ends - starts).days + 1} days, by class",
        ("Class", *(sentence(title) for title in OUTCOMES.values())),
        tuple(rows),
        "They differ by orders of magnitude because they ask different things: how often it happens to any ruler in "
        "such a time; how often once a state is pressed; how often among the four told to leave that we know, chosen "
        f"for how they ended. None is the true one. {bracket}What each counts: docs/forecasts.md.{star}",
        wordy=(0,),
    )


def _percent(r: Range) -> str:
    return f"{_share(r.mid)}% ({_share(r.low)} to {_share(r.high)})"


def _share(p: float) -> str:
    value = 100 * p
    whole = abs(value - round(value)) < 1e-9
    return f"{value:.0f}" if value >= 9.95 or whole else f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"


def spoken(data: xr.Dataset) -> Table:
    """What words were taken to mean."""
    known = words()
    used = [w for w in dict.fromkeys(str(v) for v in data["words"].values[scored(data)]) if w]
    order = sorted(used, key=lambda w: known[w].chance.mid)
    rows = []
    for word in order:
        w = known[word]
        source = w.source or f"nearest surveyed word: {w.like}"
        text = f"{source}; {w.note}" if w.note else source
        chance = f"{w.chance.low:.0%} to {w.chance.high:.0%}"
        rows.append(row(f"“{word}”", chance, Cell(w.kind, judgement=w.kind in ("judgement", "assertion")), text))
    return Table(
        "What words were taken to mean", ("Words", "Chance", "By", "From"), tuple(rows),
        "A range is carried into the score. Bare assertions name no chance at all.", wordy=(0, 2, 3),
    )  # fmt: skip


def unscored(data: xr.Dataset) -> str:
    """Forecasts that are not scored, by why."""
    states = [str(s) for s in data["state"].values]
    parts = [f"{states.count(s)} {title}" for s, title in STATES.items() if s in states]
    return f"Not scored: {listed(parts)}." if parts else "All forecasts on record are scored."


def note(data: xr.Dataset) -> str:
    """What the scores cannot say."""
    parts = [WARNING, unscored(data)]
    repeated = int(scored(data).sum()) - count(data, "said", scored(data))
    if repeated:
        parts.append(
            f"{sentence(counted(repeated, 'forecast'))} that repeat their origin’s on one question count once."
        )
    asked = count(data, "said", scored(data))
    if asked < ENOUGH:
        parts.append(f"Calibration: not enough; it takes {ENOUGH} scored questions, and there are {asked}.")
    held, logs = int(data["clipped"].values.sum()), int(np.isfinite(data["log"].values[:, :, 1]).sum())
    clip = float(data.attrs["clip"])
    parts.append(
        f"Log scores hold chances within {clip:g} and {1 - clip:g}; {held or 'none'} of {logs} "
        f"{'was' if held == 1 else 'were'} held back so."
    )
    late = sorted(data.attrs.get("hindsight", ()), key=lambda line: not str(line).startswith("generic"))
    if late:
        shown = [line.replace("with hindsight: ", "") for line in late[:4]]
        more = f" and {len(late) - 4} more" if len(late) > 4 else ""
        parts.append(f"The model’s forecasts are with hindsight in this: {'; '.join(shown)}{more}.")
    if any(str(o) in OFFICE for o in data["outcome"].values[comparable(data)]):
        parts.append("On the office the model’s chance is a range: force may leave the leader in it.")
    return " ".join(parts)
