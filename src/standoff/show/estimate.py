"""Estimation from a file to an answer: which models there are, and a fit printed or written.

The files of `write`: `fit.json` (read by `Fit.load`, and by `priors: from:` of a case), `table.md`, `table.tex`,
`games.csv` (chances, and for the signaling game what each outcome says of private types), a page and figures.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from standoff import __version__
from standoff.errors import UserError
from standoff.estimate.effects import Effects, Statics
from standoff.estimate.fit import CONVERGED, Fit
from standoff.estimate.formulas import Formulas, read_formulas
from standoff.estimate.store import columns_at, number_at
from standoff.estimate.table import Table, read_table
from standoff.estimate.tables import WIDTH, equilibria_in_words, lacking, to_latex, to_markdown
from standoff.show.answer import write_answer
from standoff.show.figures import estimate as figures
from standoff.show.screens.screen import Block, Picture, Screen, row
from standoff.show.screens.screen import Table as Shown

SCHEMA = "standoff-estimate/1"
CLASSES = 8
"""Classes of chance in the picture beside outcomes."""
Progress = Callable[[str, float], None]


def _read(model: str, file: Path) -> Formulas:
    from standoff.estimate.estimation import BAYES
    from standoff.estimate.pseudo_fit import FIRST_STAGE
    from standoff.estimate.strategic.file import read

    return read_formulas(file, options=(FIRST_STAGE, BAYES)) if model == "signaling" else read(model, file)


def _signaling(data: Table, file: Path, settings: Mapping[str, Any], progress: Progress, keep: Path | None) -> Fit:
    from standoff.estimate.estimation import Settings, estimate

    _refuse(settings, ("link", "uncertainty"), "the models of the egame family")
    if settings.get("method", "ml") in ("ml", "bayes"):
        _refuse(settings, ("first_stage",), "--method pl and npl")
    known = {name: value for name, value in settings.items() if name in Settings.__dataclass_fields__}
    return estimate(data, _read("signaling", file), Settings(**known), progress=progress, keep=keep)


def _strategic(model: str) -> Callable[..., Fit]:
    def run(data: Table, file: Path, settings: Mapping[str, Any], progress: Progress, keep: Path | None) -> Fit:
        from standoff.estimate.covariance import clusters_by, require, with_covariance
        from standoff.estimate.strategic.estimate import STARTS, fit

        if settings.get("method", "ml") != "ml":
            raise UserError(f"The model {model} is estimated by --method ml alone.")
        _refuse(settings, ("first_stage", "penalty", "given_challenge"), "the signaling game")
        if settings.get("selection") is not None:
            raise UserError(f"Games of {model} have one equilibrium each; leave --selection out.")
        kind = settings.get("covariance")
        if kind is not None:
            require(kind, "ml")
            if (column := clusters_by(kind)) is not None:
                data.require(column, "to cluster by")
        progress("estimating", 0.05)
        found = fit(
            model, data, file, link=settings.get("link"), uncertainty=settings.get("uncertainty"),
            starts=settings.get("starts") or STARTS, seed=settings["seed"],
        )  # fmt: skip
        if kind is None:
            return found
        if found.status != CONVERGED:
            return found.warn(f"The covariance {kind} was not computed, since the fit is {found.status}.")
        return with_covariance(found, kind, seed=settings["seed"], progress=progress, keep=keep)

    return run


def _refuse(settings: Mapping[str, Any], names: Sequence[str], whose: str) -> None:
    for name in names:
        if settings.get(name):
            raise UserError(f"--{name.replace('_', '-')} belongs to {whose}. Leave it out.")


MODELS: dict[str, Callable[..., Fit]] = {
    "signaling": _signaling,
    **{name: _strategic(name) for name in ("egame12", "egame122", "egame123", "ultimatum")},
}
"""Models by name: each estimates from a table and a formula file."""


@dataclass(frozen=True)
class Answer:
    """A fit, and what else was asked of it."""

    fit: Fit
    data: str
    formulas: str
    effects: tuple[Effects, ...] = ()
    statics: tuple[Statics, ...] = field(default=())
    at: Mapping[str, Any] = field(default_factory=dict)


def run(
    data: Path, formula: Path, model: str, settings: Mapping[str, Any], *, effects: Sequence[str] = (),
    statics: Sequence[str] = (), at: Sequence[str] = (), out: Path | None = None,
    progress: Progress = lambda stage, share: None,
) -> Answer:  # fmt: skip
    """Read, estimate, and ask.

    Args:
        data: The table.
        formula: The formula file.
        model: One of `MODELS`.
        settings: `method`, `selection`, `covariance`, `starts`, `seed`, and the rest of `estimation.Settings`.
        effects: Columns whose average effects are wanted.
        statics: Columns to move in comparative statics.
        at: COLUMN=VALUE of the game whose payoffs a case may take, from the fit, as its priors.
        out: Folder in which a bootstrap keeps its draws.
        progress: Told the stage and the share done.
    """
    if model not in MODELS:
        raise UserError(f"'{model}' is no model. Known are {', '.join(MODELS)}.")
    wanted = dict(_setting(text) for text in at)
    if wanted and out is None:
        raise UserError("--at is about fit.json, which --out writes. Name a folder with --out, or leave --at out.")
    table = read_table(data)
    if effects or statics or wanted:
        _require_columns(model, formula, table, effects, statics, wanted)
    keep = out / "bootstrap.jsonl" if out is not None else None
    fit = MODELS[model](table, formula, settings, lambda stage, share: progress(stage, 0.9 * share), keep)
    if wanted:
        columns_at(fit, wanted)
    found = []
    for k, column in enumerate(effects):
        progress(f"effects of {column}", 0.9 + 0.05 * k / len(effects))
        found.append(fit.marginal_effects(column))
    moved = []
    for k, column in enumerate(statics):
        progress(f"equilibria as {column} moves", 0.95 + 0.04 * k / len(statics))
        moved.append(fit.comparative_statics(column))
    return Answer(fit, str(data), str(formula), tuple(found), tuple(moved), wanted)


def _require_columns(
    model: str, formula: Path, table: Table, effects: Sequence[str], statics: Sequence[str], at: Mapping[str, str]
) -> None:
    """Refuse columns that cannot be asked for, before anything is estimated."""
    from standoff.estimate.strategic.file import columns

    if model != "signaling":
        _refuse({"statics": statics, "at": at}, ("statics", "at"), "the signaling game")
    formulas = _read(model, formula)
    known = formulas.columns() if model == "signaling" else columns(model, formulas)
    for option, names in (("effects", effects), ("statics", statics), ("at", at)):
        for name in names:
            if name not in known:
                has = f"They use {', '.join(known)}" if known else "They use none"
                raise UserError(f"--{option} {name}: the formulas do not use this column. {has}.")
            text = name in table.columns and table.text(name)
            if option != "at" and (text or name in formulas.classes()):
                raise UserError(f"--{option} {name}: the column holds classes. Name a column of numbers.")
            if option == "at" and not text:
                number_at(name, at[name])


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise UserError(f"--at {text}: write COLUMN=VALUE, such as contig=1.")
    return name.strip(), value.strip()


def lines(answer: Answer) -> list[str]:
    """For a terminal."""
    found = answer.fit.summary().splitlines()
    for effect in answer.effects:
        found += ["", *effect.lines()]
    for moved in answer.statics:
        found += ["", *_statics_lines(moved)]
    return found


def _statics_lines(moved: Statics) -> list[str]:
    head = f"Equilibria as {moved.column} moves ({_where(moved)})"
    rows = [f"{moved.column[:14]:>14}  {'number':>6}  p_C, p_R, p_F of each (u: unstable)"]
    for i in np.unique(np.linspace(0, len(moved.values) - 1, 9).round().astype(int)):
        each = []
        for k in range(int(moved.count[i])):
            chances = ", ".join(f"{100 * float(moved.chances[name][i, k]):.1f}%" for name, _ in figures.PANELS)
            each.append(chances + ("" if moved.stable[i, k] else " u"))
        rows.append(f"{moved.values[i]:14.4g}  {int(moved.count[i]):6d}  {'; '.join(each) or 'nobody challenges'}")
    return [*_folded(head), *rows]


def _folded(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH) or [""]


def _where(moved: Statics) -> str:
    return ", ".join(f"{k} = {v:.4g}" if isinstance(v, float) else f"{k} = {v}" for k, v in moved.at.items()) or "none"


def as_dict(answer: Answer) -> dict[str, Any]:
    """The same for scripts."""
    found = {"schema": SCHEMA, "version": __version__, "data": answer.data, "formula": answer.formulas}
    content = found | answer.fit.as_dict()
    if answer.effects:
        content["effects"] = [effect.as_dict() for effect in answer.effects]
    if answer.statics:
        content["statics"] = [_statics_dict(moved) for moved in answer.statics]
    return content


def _statics_dict(moved: Statics) -> dict[str, Any]:
    points = []
    for i, value in enumerate(moved.values):
        many = range(int(moved.count[i]))
        each = [
            {n: float(moved.chances[n][i, k]) for n in moved.chances} | {"stable": bool(moved.stable[i, k])}
            for k in many
        ]
        points.append({"value": float(value), "equilibria": each})
    return {"column": moved.column, "at": moved.at, "points": points}


def write(answer: Answer, out: Path) -> Path:
    """Write everything into a folder; returns the page."""
    fit = answer.fit
    table = _games(fit)
    page = write_answer(
        out, "estimate", head=_head(answer), screens=lambda: [_screen(answer)], appendix=[_table(fit)],
        lines=lines(answer), content=as_dict(answer), table=_coefficients_csv(fit),
    )  # fmt: skip
    try:
        fit.save(out / "fit.json", answer.at)
        (out / "table.md").write_text(to_markdown([fit]), encoding="utf-8")
        (out / "table.tex").write_text(to_latex([fit]), encoding="utf-8")
        if table:
            (out / "games.csv").write_text(table, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out}: it cannot be written: {error.strerror}.") from error
    return page


def _coefficients_csv(fit: Fit) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["coefficient", "estimate", "se", "z", "p", "low", "high"])
    for name, *numbers in zip(fit.names, fit.estimate, fit.se, fit.z, fit.p, *fit.interval().T, strict=True):
        writer.writerow([name, *("" if not np.isfinite(x) else f"{x:.10g}" for x in numbers)])
    return text.getvalue()


def _games(fit: Fit) -> str:
    """Chances by game, and what outcomes say of private types."""
    if fit.design is None or fit.probabilities is None:
        return ""
    columns: dict[str, np.ndarray] = dict(fit.predict().as_columns())
    if fit.model == "signaling":
        columns |= fit.private_types().as_columns()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *(name for name in columns if name != "row")])
    rows = [columns["row"] + 1, *(value for name, value in columns.items() if name != "row")]
    for cells in zip(*rows, strict=True):
        writer.writerow([_cell(x) for x in cells])
    return text.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401 (a number of numpy)
    if isinstance(value, np.bool_ | bool):
        return "yes" if value else "no"
    return "" if not np.isfinite(value) else f"{value:.8g}"


def _table(fit: Fit) -> Shown:
    rows = []
    for name, value, error, z, p, (low, high) in zip(
        fit.names, fit.estimate, fit.se, fit.z, fit.p, fit.interval(), strict=True
    ):
        if np.isfinite(error):
            cells = (f"{error:.4f}", f"{z:.2f}", f"{p:.3f}", f"{low:.4f} to {high:.4f}")
        else:
            cells = (lacking(fit), "", "", "")
        rows.append(row(name, f"{value:.4f}", *cells))
    head = ("Coefficient", "Estimate", "Standard error", "z", "p", "95% interval")
    return Shown("Coefficients", head, tuple(rows), f"Standard errors: {fit.covariance_kind}.", wordy=(0,))


def _screen(answer: Answer) -> Screen:
    fit = answer.fit
    unit = "payoff, in standard deviations of private information" if fit.model == "signaling" else "coefficient"
    blocks: list[Block] = [Picture(figures.coefficients("estimate-coefficients", _drawn(fit), unit))]
    right: list[Block] = []
    panels = _classes(fit)
    if panels:
        right.append(Picture(figures.beside_outcomes("estimate-outcomes", panels)))
    for moved in answer.statics:
        chances = [(title, moved.chances[name]) for name, title in figures.PANELS]
        name = f"estimate-statics-{''.join(x if x.isalnum() else '-' for x in moved.column)}"
        right.append(
            Picture(
                figures.statics(name, moved.column, moved.values, moved.count, moved.stable, chances, _where(moved))
            )
        )
    for effect in answer.effects:
        shown = tuple(
            row(n, f"{b:.4f}", f"{v:+.5f}", f"{lo:+.5f} to {hi:+.5f}" if np.isfinite(lo) else "")
            for n, b, v, lo, hi in zip(effect.names, effect.base, effect.value, effect.low, effect.high, strict=True)
        )
        head = ("Chance", "Now", "Change", f"{effect.level:.0%} interval")
        right.append(Shown(effect.what, head, shown, effect.note))
    told = equilibria_in_words(fit)
    fitted = f"log-likelihood {fit.log_likelihood:.3f}, AIC {fit.aic:.1f}"
    text = f"{len(fit.names)} coefficients from {fit.n} games: {fitted}. {told}"
    note = " ".join(fit.warnings) or "No warning."
    return Screen("estimate", "What do past crises say of the payoffs?", text, tuple(blocks), tuple(right), (), note)


def _drawn(fit: Fit) -> list[figures.Coefficient]:
    found = []
    matrix = None if fit.design is None else np.concatenate(fit.design.blocks, axis=1)
    for k, (name, value, (low, high)) in enumerate(zip(fit.names, fit.estimate, fit.interval(), strict=True)):
        constant = matrix is None or k >= matrix.shape[1] or float(np.ptp(matrix[:, k])) == 0
        factor = 1.0 if constant or matrix is None else float(np.std(matrix[:, k]))
        found.append(figures.Coefficient(name, float(value), float(low), float(high), factor, constant))
    return found


def _classes(fit: Fit) -> list[tuple[str, list[figures.Class]]]:
    """Moves of the signaling game by class of chance."""
    if fit.model != "signaling" or fit.design is None or fit.probabilities is None:
        return []
    chances, counts = fit.predict().chances, fit.design.counts
    quiet, concede, stand, back = counts.T
    challenge, resist = concede + stand + back, stand + back
    pairs = {"p_C": (challenge, challenge + quiet), "p_R": (resist, challenge), "p_F": (stand, resist)}
    found = []
    for name, title in figures.PANELS:
        part, whole = pairs[name]
        use = (whole > 0) & np.isfinite(chances[name])
        if name == "p_C" and not quiet.any():
            continue
        classes = []
        order = np.argsort(chances[name][use], kind="stable")
        weight = whole[use][order]
        which = np.minimum((np.cumsum(weight) - weight / 2) / weight.sum() * CLASSES, CLASSES - 1).astype(int)
        for k in range(CLASSES):
            here = order[which == k]
            if len(here):
                of = whole[use][here]
                many, yes = float(of.sum()), float(part[use][here].sum())
                mean = float((chances[name][use][here] * of).sum() / many)
                classes.append(figures.Class(mean, yes / many, *_wilson(yes, many), int(many)))
        found.append((title, classes))
    return found


def _wilson(yes: float, many: float) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    z = 1.959963984540054
    centre = (yes + z * z / 2) / (many + z * z)
    half = z * np.sqrt(yes * (many - yes) / many + z * z / 4) / (many + z * z)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def _head(answer: Answer) -> dict[str, Any]:
    fit = answer.fit
    options = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in fit.options.items() if _short(value))
    facts = [
        ("Made by", f"standoff {__version__}: {fit.model}, {fit.method}{options and f'; {options}'}"),
        ("Data", f"{Path(answer.data).name}: {fit.n} games; formulas: {Path(answer.formulas).name}"),
        ("Status", fit.status),
    ]
    return {
        "title": f"Estimation: {fit.model}",
        "lead": "Coefficients of the payoffs, from a table of past crises.",
        "alarm": "" if fit.status == CONVERGED else f"This fit is {fit.status}; read the warnings before the numbers.",
        "marks": [],
        "facts": facts,
    }


def _short(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) < 60
