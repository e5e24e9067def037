"""Covariance of estimates: inverse information, outer product, sandwich, by clusters, bootstrap.

With H the Hessian of the log-likelihood and s_g the score of game g at the estimate,

    hessian   (-H)^-1
    opg       (Σ s_g s_g' + P)^-1               P the precision of a penalty, 0 without one
    robust    H^-1 (Σ s_g s_g') H^-1'           games are independent, the model may be wrong
    cluster   H^-1 (Σ_c s_c s_c') H^-1' G/(G-1)  s_c the sum of the scores of cluster c, G clusters
    bootstrap of estimates from games (or clusters) drawn with replacement

For NPL, H is not the Hessian but the derivative of the pseudo-scores with the probabilities following along (see
`pseudo`), so that `robust` is the corrected covariance of Aguirregabiria & Mira (2007, Econometrica 75:1-53).
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from standoff.errors import UserError
from standoff.estimate.checks import FLAT, information
from standoff.estimate.fit import CONVERGED, Fit, Progress

LEAST_CLUSTERS = 20
"""Clusters below which their covariance is doubtful."""
LEAST_SHARE = 0.9
"""Share of bootstrap fits that should converge."""
REMEDY = "Ask for the covariance when you estimate: a fit that was read, or that holds a coefficient at 0, has less."
ASKED = ("penalty", "given_challenge", "first_stage", "link", "uncertainty")
"""Options that a fit on other games goes by: draws that were made with others are not gone on from."""


def _silent(stage: str, share: float) -> None:
    """Tell nobody."""


def with_covariance(
    fit: Fit, kind: str, *, seed: int = 1, progress: Progress = _silent, keep: Path | None = None
) -> Fit:
    """A fit with a covariance of another kind.

    Args:
        fit: The fit.
        kind: `hessian`, `opg`, `robust`, `cluster:COLUMN`, `bootstrap:N` or `bootstrap:N:COLUMN` (drawing clusters);
            but for the last two the fit no longer has draws, since intervals would be theirs.
        seed: Of the bootstrap; draw i depends on seed and i alone.
        progress: Told the stage and the share done.
        keep: File to keep the draws of the bootstrap in, and to go on from.

    Raises:
        UserError: the fit has not what is needed, or there is no such kind.
    """
    require(kind, fit.method)
    name, *more = kind.split(":")
    fit = replace(fit, draws=None)
    if name == "bootstrap":
        return _bootstrap(fit, int(more[0]), more[1] if len(more) == 2 else None, seed, progress, keep)
    if name == "cluster":
        return _sandwich(fit, _clusters(fit, more[0]), f"clustered by {more[0]}")
    if name == "robust":
        return _sandwich(fit, None, "robust")
    if name == "opg":
        covariance, _, warnings = information(-_scores(fit).T @ _scores(fit) - _precision(fit), fit.names)
        return replace(fit, covariance=covariance, covariance_kind="outer product of scores").warn(*warnings)
    covariance, _, warnings = information(_hessian(fit), fit.names)
    return replace(fit, covariance=covariance, covariance_kind="inverse Hessian").warn(*warnings)


def require(kind: str, method: str) -> None:
    """Refuse a covariance that there is not, or not for that method.

    Raises:
        UserError: says which there are.
    """
    name, *more = kind.split(":")
    if method == "bayes":
        raise UserError(
            "A posterior has draws, not a covariance of the likelihood. Use --covariance with ml, npl or pl."
        )
    if method == "npl" and name in ("hessian", "opg"):
        raise UserError(
            "The likelihood of NPL has no Hessian of its own. Use --covariance robust, cluster or bootstrap."
        )
    plain = name in ("hessian", "opg", "robust") and not more
    draws = name == "bootstrap" and 1 <= len(more) <= 2 and more[0].isdecimal() and 2 <= int(more[0]) <= 100_000
    if not (plain or draws or (name == "cluster" and len(more) == 1)):
        raise UserError(
            f"'{kind}' is no covariance. Known are hessian, opg, robust, cluster:COLUMN, bootstrap:N and "
            "bootstrap:N:COLUMN (N from 2 on)."
        )


def clusters_by(kind: str | None) -> str | None:
    """The column by which a covariance clusters, or draws clusters; none if it does not."""
    name, *more = (kind or "").split(":")
    if name == "cluster":
        return more[0]
    return more[1] if name == "bootstrap" and len(more) == 2 else None


def _scores(fit: Fit) -> np.ndarray:
    if fit.scores is None:
        raise UserError(f"This fit holds no scores of its games. {REMEDY}")
    return fit.scores


def _hessian(fit: Fit) -> np.ndarray:
    if fit.hessian is None:
        raise UserError(f"This fit holds no Hessian. {REMEDY}")
    return fit.hessian


def _precision(fit: Fit) -> np.ndarray:
    """Of the penalty [coefficient, coefficient]; a mixture's log-odds have none."""
    penalty, many = fit.options.get("penalty"), len(fit.names)
    free = np.arange(many) < (many if fit.design is None else len(fit.design.names))
    return np.diag(np.where(free, 1 / penalty**2 if penalty else 0.0, 0.0))


def sandwich(hessian: np.ndarray, scores: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """H^-1 (Σ s s') H^-1', by game or by groups (numbers from 0).

    Args:
        hessian: Derivative of the summed scores [coefficient, coefficient]; it need not be symmetric.
        scores: By game [game, coefficient].
        groups: Group of each game.

    Raises:
        numpy.linalg.LinAlgError: the derivative is singular, or so nearly that what is left is rounding.
    """
    size = np.sqrt(np.abs(np.diag(hessian)))
    scale = np.where(size > 0, size, 1.0)
    singular = np.linalg.svd(hessian / np.outer(scale, scale), compute_uv=False)
    if not singular[-1] > FLAT * singular[0]:
        raise np.linalg.LinAlgError("singular to rounding")
    factor = 1.0
    if groups is not None:
        many = int(groups.max()) + 1
        summed = np.zeros((many, scores.shape[1]))
        np.add.at(summed, groups, scores)
        scores, factor = summed, many / (many - 1)
    bread = np.linalg.solve(hessian, scores.T)
    return np.asarray(factor * bread @ bread.T)


def _sandwich(fit: Fit, groups: np.ndarray | None, kind: str) -> Fit:
    hessian, scores = _hessian(fit), _scores(fit)
    keep = np.isfinite(np.diag(fit.covariance))
    covariance = np.full_like(fit.covariance, np.nan)
    if keep.any():
        try:
            covariance[np.ix_(keep, keep)] = sandwich(hessian[np.ix_(keep, keep)], scores[:, keep], groups)
        except np.linalg.LinAlgError:
            return replace(fit, covariance=covariance, covariance_kind=kind).warn(
                "The curvature cannot be inverted, so there are no standard errors."
            )
    found = replace(fit, covariance=covariance, covariance_kind=kind)
    if groups is None:
        return found
    many = int(groups.max()) + 1
    if many <= int(keep.sum()):
        found = found.warn(f"There are {many} clusters for {int(keep.sum())} coefficients: joint tests are impossible.")
    elif many < LEAST_CLUSTERS:
        found = found.warn(f"There are {many} clusters only; standard errors by so few are mostly too small.")
    return found


def _clusters(fit: Fit, column: str) -> np.ndarray:
    """Number of each game's cluster."""
    if fit.design is None or fit.design.table is None:
        raise UserError(f"This fit holds no table, so there is no column to cluster by. {REMEDY}")
    table = fit.design.table
    values = table.values(table.require(column, "to cluster by"))
    lacking = [i for i, value in enumerate(values) if value is None]
    if lacking:
        raise UserError(
            f"{table.name}: the column '{column}' to cluster by has no value in {len(lacking)} of the games that are "
            "used. Fill it, or leave these rows out."
        )
    order = {value: k for k, value in enumerate(dict.fromkeys(values))}
    if len(order) < 2:
        raise UserError(f"{table.name}: the column '{column}' holds one cluster only. Name another.")
    return np.array([order[value] for value in values])


def _bootstrap(fit: Fit, many: int, column: str | None, seed: int, progress: Progress, keep: Path | None) -> Fit:
    """Covariance of estimates on games, or clusters, drawn with replacement."""
    if fit.refit is None or fit.design is None:
        raise UserError(f"This fit cannot be repeated on other games, so there is no bootstrap. {REMEDY}")
    groups = np.arange(len(fit.design)) if column is None else _clusters(fit, column)
    members = [np.flatnonzero(groups == g) for g in range(int(groups.max()) + 1)]
    mark = {
        "names": list(fit.names), "estimate": fit.estimate.tolist(), "seed": seed, "column": column, "n": fit.n,
        "model": fit.model, "method": fit.method, "selection": fit.selection,
        "asked": {name: fit.options[name] for name in ASKED if name in fit.options},
    }  # fmt: skip
    done = _kept(keep, mark)
    for i in range(many):
        progress(f"bootstrap ({i} of {many})", i / many)
        if i in done:
            continue
        rng = np.random.default_rng([seed, i])
        some = np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])
        theta, good = fit.refit(fit.design.take(some), fit.estimate)
        done[i] = theta.tolist() if good and np.isfinite(theta).all() else None
        if keep is not None:
            with keep.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([i, done[i]]) + "\n")
    progress(f"bootstrap ({many} of {many})", 1.0)
    draws = np.array([done[i] for i in range(many) if done[i] is not None]).reshape(-1, len(fit.names))
    failed = many - len(draws)
    of = "games" if column is None else f"clusters of {column}"
    kind = f"bootstrap, {many} draws of {of}, seed {seed}"
    if len(draws) < 2:
        return replace(fit, covariance=np.full_like(fit.covariance, np.nan), covariance_kind=kind).warn(
            f"Of {many} bootstrap fits {failed} did not converge; there are no standard errors."
        )
    found = replace(fit, covariance=np.atleast_2d(np.cov(draws.T)), covariance_kind=kind, draws=draws)
    if failed:
        word = "" if failed <= (1 - LEAST_SHARE) * many else ", which is many: standard errors are doubtful"
        found = found.warn(f"Of {many} bootstrap fits {failed} did not converge and are left out{word}.")
    if many < 100:
        found = found.warn(f"Standard errors from {many} bootstrap draws are rough; take some hundreds.")
    far = np.abs(draws - np.median(draws, axis=0)) > 20 * (
        np.quantile(draws, 0.75, axis=0) - np.quantile(draws, 0.25, axis=0)
    )
    if (far.any(axis=1) & ~np.isnan(draws).any(axis=1)).any() and fit.status == CONVERGED:
        found = found.warn(
            f"In {int(far.any(axis=1).sum())} of {len(draws)} bootstrap draws some coefficient ran off; the standard "
            "errors are large for that reason. Quantiles of the draws say more."
        )
    return found


def _kept(keep: Path | None, mark: dict[str, object]) -> dict[int, list[float] | None]:
    """Draws that an earlier run finished; a file of another fit is begun anew."""
    if keep is None:
        return {}
    found: dict[int, list[float] | None] = {}
    try:
        lines = keep.read_text(encoding="utf-8").splitlines() if keep.is_file() else []
        if lines and json.loads(lines[0]) == json.loads(json.dumps(mark)):
            for line in lines[1:]:
                try:
                    index, theta = json.loads(line)
                except (ValueError, TypeError):
                    continue  # the line that was being written when the run stopped
                found[int(index)] = theta
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise UserError(f"{keep}: it cannot be read: {error.strerror}.") from error
        found = {}
    try:
        keep.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(mark) + "\n" + "".join(json.dumps([i, t]) + "\n" for i, t in found.items())
        whole = keep.with_name(keep.name + ".new")
        whole.write_text(text, encoding="utf-8")
        whole.replace(keep)  # at once, so that a run that is stopped here loses no draw
    except OSError as error:
        raise UserError(f"{keep}: it cannot be written: {error.strerror}.") from error
    return found
