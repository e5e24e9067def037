"""What the data cannot tell: checks before and after an estimation, each in a sentence.

Before: terms that never vary, terms that add up to others, outcomes that hardly occur. In the signaling game the
chances of all outcomes depend on the payoffs only through V_A - S_A, W_A - S_A, a - S_A, W_B - V_B and C_B - V_B: a
number added to all payoffs of A, or to those of B after a challenge, changes nothing. So the rank of the design is
that of these differences.

After: directions along which the log-likelihood is flat (not identified) or nearly so (a ridge), and coefficients that
ran off, or would if the climb had gone on (separation).
"""

from collections.abc import Sequence

import numpy as np

from standoff.estimate.formulas import Design

DIFFERENCES = {"VA": {"SA": -1}, "barWA": {"SA": -1}, "bara": {"SA": -1}, "barWB": {"VB": -1}, "CB": {"VB": -1}}
"""Differences of payoffs that the signaling game depends on: each payoff less another."""
RANK = 1e-9
"""Singular value, over the largest, of columns scaled to length 1, below which they count as dependent."""
FLAT, RIDGE = 1e-10, 3e-3
"""Eigenvalue of the information, scaled to diagonal 1, below which a direction is flat, and nearly so."""
NULL = 1e-3
"""Share of a coefficient that lies in flat directions, from which on it is not identified."""
FEW = 10
"""Times that an outcome should occur at least."""
FAR, UNKNOWN = 8.0, 50.0
"""Size of a term, in standard deviations of private information, from which on it has run off; and standard error of
one from which on nothing holds it, wherever the climb ended: the tails of the normal are flat from about 6 on."""


def contrast(keys: Sequence[str]) -> np.ndarray:
    """What a model depends on [difference, payoff]: differences of the signaling game's payoffs, or all payoffs."""
    if not set(DIFFERENCES) <= set(keys):
        return np.eye(len(keys))
    found = np.zeros((len(DIFFERENCES), len(keys)))
    for row, (key, others) in enumerate(DIFFERENCES.items()):
        found[row, keys.index(key)] = 1
        for other, sign in others.items():
            found[row, keys.index(other)] = sign
    return found


def before(
    design: Design, differences: np.ndarray | None = None, *, given_challenge: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Check a design before it is estimated.

    Args:
        design: The design.
        differences: What the model depends on [difference, payoff]; by default that of the signaling game.
        given_challenge: The table holds only what followed a challenge.

    Returns:
        Names of the coefficients that the data cannot determine, and warnings in words.
    """
    warnings: list[str] = []
    lost: list[str] = []
    matrix = design.matrix()
    empty = np.abs(matrix).max(axis=(0, 1), initial=0.0) == 0
    for name, none in zip(design.names, empty.tolist(), strict=True):
        if none:
            lost.append(name)
            warnings.append(
                f"{name} is 0 in every game, so nothing can be said of its coefficient. Leave it out of the formula; "
                "if the column should not be 0, mend it."
            )
    rest = np.flatnonzero(~empty)
    weights = contrast(design.keys) if differences is None else differences
    tall = np.einsum("dk,nkj->ndj", weights, matrix[:, :, rest]).reshape(-1, len(rest))
    for names, words in _dependent(tall, [design.names[k] for k in rest]):
        lost += names
        warnings.append(
            f"The design cannot tell these coefficients apart: {words}. One of them can have any value, "
            "the others making up for it. Leave one out."
        )
    warnings += _few(design, given_challenge)
    return tuple(lost), tuple(warnings)


def _dependent(matrix: np.ndarray, names: list[str]) -> list[tuple[list[str], str]]:
    """Sets of coefficients whose terms add up to nothing, with the sum in words."""
    found: list[tuple[list[str], str]] = []
    if not names:
        return found
    size = np.linalg.norm(matrix, axis=0)
    if (size == 0).any():
        for k in np.flatnonzero(size == 0):
            found.append(([names[k]], f"{names[k]} alone changes nothing"))
    use = np.flatnonzero(size > 0)
    if not len(use):
        return found
    scaled = matrix[:, use] / size[use]
    _, singular, right = np.linalg.svd(scaled, full_matrices=False)
    flat = right[singular < RANK * max(singular[0], 1e-300) * max(1.0, np.sqrt(len(use)))]
    for direction in _sparse(flat):
        part = np.flatnonzero(np.abs(direction) > NULL)
        weight = direction[part] / size[use][part]
        weight = weight / np.abs(weight).max()
        chosen = [names[use[k]] for k in part]
        found.append((chosen, _combination(chosen, weight)))
    return found


def _sparse(basis: np.ndarray) -> np.ndarray:
    """A basis of the same space in echelon form, so that each direction names few coefficients."""
    basis = basis.copy()
    row = 0
    for column in range(basis.shape[1]):
        if row == len(basis):
            break
        pivot = row + int(np.argmax(np.abs(basis[row:, column])))
        if abs(basis[pivot, column]) < 1e-7:
            continue
        basis[[row, pivot]] = basis[[pivot, row]]
        basis[row] /= basis[row, column]
        for other in range(len(basis)):
            if other != row:
                basis[other] -= basis[other, column] * basis[row]
        row += 1
    return np.asarray(basis)


def _combination(names: Sequence[str], weights: np.ndarray) -> str:
    """A sum in words: `SA:(Intercept) + VA:(Intercept) - 0.5 VA:x`."""
    if weights[0] < 0:
        weights = -weights
    text = ""
    for name, weight in zip(names, weights, strict=True):
        size = "" if abs(abs(weight) - 1) < 5e-3 else f"{abs(weight):.2g} "
        sign = ("- " if weight < 0 else "+ ") if text else ("-" if weight < 0 else "")
        text += f"{' ' if text else ''}{sign}{size}{name}"
    return text


def _few(design: Design, given_challenge: bool) -> list[str]:
    """Outcomes of the signaling game that hardly occur."""
    counts = design.counts
    if not set(DIFFERENCES) <= set(design.keys) or not np.isfinite(counts).all():
        return []
    total = counts.sum(axis=0)
    words = ("no challenge (sq)", "concession (cd)", "standing firm (sf)", "backing down (bd)")
    found = []
    for k, (word, many) in enumerate(zip(words, total, strict=True)):
        if k == 0 and many == 0:
            if not given_challenge:
                found.append(
                    f"The outcome {word} never occurs. If the table holds only what followed a challenge, use "
                    "--given-challenge; else a challenge is certain, and A's payoffs have no finite estimate."
                )
        elif many == 0:
            found.append(f"The outcome {word} never occurs, so the payoffs that lead to it have no finite estimate.")
        elif many < FEW:
            found.append(f"The outcome {word} occurs {int(many)} times only; what depends on it is poorly known.")
    challenges = int(total[1:].sum())
    if challenges < 5 * len(design.names):
        found.append(
            f"There are {challenges} challenges for {len(design.names)} coefficients; standard errors from so few "
            "may be too small. Compare the bootstrap."
        )
    return found


def information(hessian: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Invert the negative Hessian of a log-likelihood, as far as it can be inverted.

    Args:
        hessian: Of the log-likelihood [coefficient, coefficient].
        names: Of the coefficients.

    Returns:
        Covariance (nan for coefficients that are not identified), names of these, and warnings in words.
    """
    many = len(names)
    if not np.isfinite(hessian).all():
        return np.full((many, many), np.nan), tuple(names), (
            "The curvature of the log-likelihood is not a number at the estimate, so there are no standard errors.",
        )  # fmt: skip
    scale, scaled = _scaled(hessian)
    value, vector = np.linalg.eigh(scaled)
    warnings: list[str] = []
    if value[0] < -1e-6 * value[-1]:
        words = _combination(*_loadings(names, vector[:, 0] / scale))
        return np.full((many, many), np.nan), (), (
            f"The estimate is no maximum: the log-likelihood rises along {words}. There are no standard errors.",
        )  # fmt: skip
    flat = value <= FLAT * value[-1]  # all of it, where there is no curvature at all
    lost = np.linalg.norm(vector[:, flat], axis=1) > NULL
    if flat.any():
        dead = ", ".join(name for name, gone in zip(names, lost, strict=True) if gone)
        warnings.append(f"The log-likelihood is flat in {dead}: they have no standard error.")
    inverse = (vector[:, ~flat] / value[~flat]) @ vector[:, ~flat].T / np.outer(scale, scale)
    inverse[lost, :] = np.nan
    inverse[:, lost] = np.nan
    for k in np.flatnonzero(~flat & (value < RIDGE)):
        chosen, weights = _loadings(names, vector[:, k] / scale)
        if len(chosen) > 1:
            spread = 1 / np.sqrt(value[k])
            warnings.append(
                f"The log-likelihood has a ridge along {_combination(chosen, weights)}: moved together, these "
                f"are known {spread:.0f} times less well than each would be with the others fixed."
            )
    return np.asarray(inverse), tuple(n for n, gone in zip(names, lost, strict=True) if gone), tuple(warnings)


def flat_directions(hessian: np.ndarray) -> int:
    """Directions along which a log-likelihood of this Hessian [coefficient, coefficient] does not change."""
    if not np.isfinite(hessian).all():
        return 0
    value = np.linalg.eigvalsh(_scaled(hessian)[1])
    return int((np.abs(value) <= FLAT * np.abs(value).max()).sum())


def _scaled(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the coefficients by curvature, and the information with 1, or 0, on its diagonal."""
    size = np.sqrt(np.abs(np.diag(hessian)))
    scale = np.where(size > 0, size, 1.0)
    return scale, -(hessian + hessian.T) / 2 / np.outer(scale, scale)


def _loadings(names: Sequence[str], direction: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The coefficients that carry a direction, at most four, and their weights, the largest being 1."""
    part = np.flatnonzero(np.abs(direction) > 0.15 * np.abs(direction).max())
    part = np.sort(part[np.argsort(-np.abs(direction[part]))[:4]])
    weight = direction[part]
    return [names[int(k)] for k in part], np.asarray(weight / np.abs(weight).max())


def after(
    design: Design,
    estimate: np.ndarray,
    se: np.ndarray,
    remedy: str = "Use a penalty or a prior, or leave the term out.",
) -> tuple[str, ...]:
    """Check estimates: coefficients that ran off, or that nothing holds where they are.

    Args:
        design: The design.
        estimate: Coefficients; those beyond the design's names are not looked at.
        se: Their standard errors.
        remedy: What to do about it, with this model.
    """
    warnings = []
    edges = design.edges
    for k, block in enumerate(design.blocks):
        for column in range(block.shape[1]):
            at = edges[k] + column
            width = float(np.abs(block[:, column]).max() if np.ptp(block[:, column]) == 0 else np.std(block[:, column]))
            size, error = abs(float(estimate[at])) * width, float(se[at]) * width
            ran = size > FAR and not error < size / 4
            if ran or error > UNKNOWN:
                what = "has run off to" if ran else f"has a standard error of {se[at]:.2g}, so nothing holds it at"
                warnings.append(
                    f"{design.names[at]} {what} {estimate[at]:.3g}: probably some outcome never, or always, "
                    f"occurs where its term is high (separation). {remedy}"
                )
    return tuple(warnings)
