"""A study from end to end: every question, under every split, by every model, scored and compared.

A fold that is finished is kept (`keep`), so that a study that was stopped goes on where it was. The key of a fold is
all that its forecasts depend on: mapping, data, question, split, the cases that train and are tested, models.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from standoff import __version__
from standoff.backtest.games import Endings, Signaling, Strategic
from standoff.backtest.mapping import Game
from standoff.backtest.models import Boosting, Climatology, Lesson, Logistic, Model, average
from standoff.backtest.scores import (
    Interval,
    Scores,
    difference,
    encompassing,
    resamples,
    score,
)
from standoff.backtest.selection import Selection, selection
from standoff.backtest.splits import Fold, folds
from standoff.backtest.structure import Structural
from standoff.backtest.study import Study
from standoff.backtest.table import Cases, Rows, ask, load
from standoff.errors import Failure, UserError

SCHEMA = 3
"""Of kept folds; raised when a model changes what it forecasts."""
STRUCTURE, REGRESSION, BASE = "signaling", "logistic", "climatology"
"""The comparison that was fixed beforehand: the structure against the regression."""
PLAIN, MIXED = "endings", "average"
TITLES = {MIXED: "Regression and game averaged"}
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Found:
    """A question under a split: forecasts, answers and what they are worth.

    `chance`: of a yes by model, for the tested cases whose answer is coded; `row`: of the table; `scores`,
    `weighted` (by inverse chances of being coded), `less`: score of a model less that of another, by rule and pair
    (below 0 the first is better); `adds`: weight of the signaling game beside the regression; `unresolved`, `unended`:
    earlier cases that did not train since their answer was not known yet, and training cases that teach the game
    nothing since no ending fits (the most of any fold); `failed`: models that could not forecast, and why; `fits`: what
    is to be known of the fits, by model; `together`: what `group` names.
    """

    question: str
    title: str
    split: str
    split_title: str
    kind: str
    answer: np.ndarray
    group: np.ndarray
    year: np.ndarray
    row: np.ndarray
    fold: np.ndarray
    chance: dict[str, np.ndarray]
    titles: dict[str, str]
    scores: dict[str, Scores]
    weighted: dict[str, Scores]
    less: dict[tuple[str, str, str], Interval]
    adds: Interval | None
    selection: Selection
    trained: tuple[int, int]
    unresolved: int
    unended: int
    failed: dict[str, str]
    fits: dict[str, tuple[str, ...]]
    rate: float
    together: str = "crises"
    note: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """What a study found."""

    study: Study
    seed: int
    found: tuple[Found, ...]
    tables: dict[str, tuple[int, int, str]]
    """By table: rows, rows left out for want of a date or crisis, and digest of its files."""


def models_of(game: Game | None) -> list[Model]:
    """All models of a table; those of a game where the mapping holds one."""
    found: list[Model] = [Climatology(), Logistic(), Boosting()]
    if game is not None:
        found += [
            Structural("signaling", "Signaling game", Signaling(game)),
            Structural("signaling-within", "Signaling game, regression within endings", Signaling(game), within=True),
            Structural("strategic", "Strategic probit", Strategic(game)),
            Structural("endings", "Regression of the endings", Endings()),
        ]
        shared = found[3].kept  # type: ignore[attr-defined]
        found[4] = Structural(found[4].name, found[4].title, found[4].estimate, True, shared)  # type: ignore[attr-defined]
    return found


def run(
    study: Study,
    data: Path,
    *,
    questions: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    seed: int = 1,
    keep: Path | None = None,
    models: Callable[[Game | None], list[Model]] = models_of,
    progress: Progress = lambda stage, share: None,
) -> Report:
    """Run a study.

    Args:
        study: The mapping.
        data: Folder with its files, or the one table.
        questions: Ids of those to ask; all by default.
        splits: Ids of those to use; all by default.
        seed: Of folds and bootstrap samples.
        keep: Folder for finished folds; one found there is not run again.
        models: The models for a table with a game, or without one.
        progress: Told the stage and the share that is done.

    Raises:
        UserError: a question or split that the mapping does not hold, or data that do not fit it.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # threads would wait for one another

    asked = _chosen(questions, study.mapping.questions, "question")
    used = _chosen(splits, study.mapping.splits, "split")
    progress("reading the tables", 0.0)
    tables = {name: load(study, name, data) for name in {study.mapping.questions[q].table: None for q in asked}}
    jobs = []
    for q in asked:
        question = study.mapping.questions[q]
        cases = ask(tables[question.table], q, question)
        for s in question.splits or study.mapping.splits:
            if s in used:
                jobs.append((q, s, cases, folds(cases, study.mapping.splits[s], s, seed=seed)))
    if not jobs:
        raise UserError("None of these questions is asked under these splits. Leave --split out, or name others.")
    every = {name: models(table.table.game) for name, table in tables.items()}
    total, done, found = sum(len(parts) for *_, parts in jobs), 0, []
    with threadpool_limits(1):
        for q, s, cases, parts in jobs:
            question = study.mapping.questions[q]
            table = tables[question.table]
            using = [m for m in every[question.table] if question.game or not isinstance(m, Structural)]
            made = []
            for fold in parts:
                progress(f"{q}, {s} ({fold.name})", done / total)
                key = _key(study, table, cases, q, s, fold, using)
                made.append(_kept(keep, key, fold, using) or _forecast(keep, key, cases, fold, using))
                done += 1
            found.append(_assembled(study, q, s, cases, parts, made, using, seed))
    progress("done", 1.0)
    about = {name: (len(t.year), t.left_out, t.digest) for name, t in tables.items()}
    return Report(study, seed, tuple(found), about)


def _chosen(given: Sequence[str] | None, known: Mapping[str, object], what: str) -> list[str]:
    from standoff.case.explain import suggestion

    for name in given or ():
        if name not in known:
            raise UserError(f"There is no {what} '{name}'. {suggestion(name, known)}")
    return [name for name in known if given is None or not given or name in given]


def _key(
    study: Study, table: Rows, cases: Cases, question: str, split: str, fold: Fold, models: Sequence[Model]
) -> str:
    what = [SCHEMA, __version__, study.digest, table.digest, question, split, fold.name, [m.name for m in models]]
    text = json.dumps(what) + "/".join(str(cases.row[part].tolist()) for part in (fold.train, fold.test))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _kept(keep: Path | None, key: str, fold: Fold, models: Sequence[Model]) -> dict[str, object] | None:
    """The forecasts of a fold that was finished before, if all of them are there and are chances."""
    file = keep / f"fold-{key}.json" if keep is not None else None
    if file is None or not file.is_file():
        return None
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        with contextlib.suppress(TypeError, KeyError, AttributeError):
            made = {name: np.asarray(chance, dtype=float) for name, chance in found["chance"].items()}
            good = all(len(p) == len(fold.test) and ((p >= 0) & (p <= 1)).all() for p in made.values())
            if (
                good
                and set(made) | set(found["failed"]) == {m.name for m in models}
                and set(made) <= set(found["notes"])
            ):
                return dict(found)
    return None


def _forecast(keep: Path | None, key: str, cases: Cases, fold: Fold, models: Sequence[Model]) -> dict[str, object]:
    """Train on the fold's past, forecast its tested cases from what was known of them, and keep that."""
    lesson = Lesson(cases.known, cases.answer, cases.ending, cases.group).take(fold.train)
    test = cases.known.take(fold.test)
    chance: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for model in models:
        try:
            fitted = model.fit(lesson)
            made = np.asarray(fitted.predict(test), dtype=float)
        except Failure as error:
            failed[model.name] = str(error)
            continue
        if not np.isfinite(made).all() or (made < -1e-9).any() or (made > 1 + 1e-9).any():
            failed[model.name] = "It gave something that is no chance."
            continue
        chance[model.name] = np.clip(made, 0, 1).tolist()
        notes[model.name] = list(fitted.notes)
    found: dict[str, object] = {"chance": chance, "failed": failed, "notes": notes}
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
            part = keep / f".{key}.partial-{os.getpid()}"
            part.write_text(json.dumps(found), encoding="utf-8")
            part.replace(keep / f"fold-{key}.json")
        except OSError as error:
            raise UserError(f"{keep}: it cannot be written: {error.strerror}.") from error
    return found


def _assembled(
    study: Study, q: str, s: str, cases: Cases, parts: list[Fold], made: list[dict[str, object]],
    models: Sequence[Model], seed: int,
) -> Found:  # fmt: skip
    """All folds of a question under a split, put together and scored."""
    question, split = study.mapping.questions[q], study.mapping.splits[s]
    tested = np.concatenate([fold.test for fold in parts])
    coded = cases.coded[tested]
    at = tested[coded]
    failed = {name: why for one in made for name, why in one["failed"].items()}  # type: ignore[attr-defined]
    chance = {
        m.name: np.concatenate([np.asarray(one["chance"][m.name]) for one in made])[coded]  # type: ignore[index]
        for m in models if m.name not in failed
    }  # fmt: skip
    titles = {m.name: m.title for m in models} | TITLES
    if STRUCTURE in chance and REGRESSION in chance:
        chance[MIXED] = average([chance[REGRESSION], chance[STRUCTURE]])
    answer, group = cases.answer[at], cases.group[at]
    samples = resamples(group, seed=seed)
    picked = selection(cases, tested)
    base = chance[BASE]
    scores = {name: score(p, answer, base, samples) for name, p in chance.items()}
    weighted = {}
    if picked.weight is not None:
        weighted = {name: score(p, answer, base, samples, picked.weight) for name, p in chance.items()}
    less = {
        (rule, one, other): difference(chance[one], chance[other], answer, samples, rule)
        for rule in ("brier", "log") for one, other in _pairs(chance)
    }  # fmt: skip
    adds = None
    if STRUCTURE in chance:
        adds = encompassing(chance[STRUCTURE], chance[REGRESSION], answer, samples)
    sizes = [len(fold.train) for fold in parts]
    played = any(isinstance(m, Structural) for m in models)
    unended = max(int((cases.ending[f.train] < 0).sum()) for f in parts) if played else 0
    fits = {m.name: tuple(dict.fromkeys(n for one in made for n in one["notes"].get(m.name, ()))) for m in models}  # type: ignore[attr-defined]
    return Found(
        q, question.title, s, split.title or s, split.kind, answer, group, cases.year[at], cases.row[at],
        np.concatenate([np.full(len(f.test), k) for k, f in enumerate(parts)])[coded], chance,
        {name: titles[name] for name in titles if name in chance or name in failed}, scores, weighted, less, adds,
        picked, (min(sizes), max(sizes)), max(f.unresolved for f in parts), unended, failed, fits,
        float(answer.mean()), study.mapping.tables[question.table].together, question.note or "",
    )  # fmt: skip


def _pairs(chance: dict[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """Each model against the regression and against the base rate."""
    for name in chance:
        if name not in (REGRESSION, BASE):
            yield name, REGRESSION
    for name in chance:
        if name != BASE:
            yield name, BASE
    if {STRUCTURE, PLAIN} <= set(chance):
        yield STRUCTURE, PLAIN
