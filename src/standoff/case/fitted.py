"""Generic numbers from past crises: a fit of the signaling game in the place of the library's judgement.

`priors: {from: fit.json}` names a file in the folder of the case, written by `standoff estimate --out`. It holds the
seven mean payoffs of the game (Lewis & Schultz 2003) at the covariates asked for, their covariance, and the chance p_F
that the challenger stands firm when resisted. A is the coercer, B the target; payoffs are in units of the standard
deviation of private information. They become numbers of a case so:

| number | from | why |
|---|---|---|
| 1 prize | V_A - S_A | the demand met, less the quarrel left alone |
| `coercer.force_cost.TYPE` | L - (W_A ± h - S_A) / prize | standing firm is worth L less the cost, in prizes |
| `coercer.audience_top` | (S_A - a) / prize | backing down, less the quarrel left alone |
| 1 office | (V_B - W_B) / K | keeping office, less the coercer standing firm: K offices lost |
| `target.exit_loss.TYPE` | (V_B - C_B ± p_F h) / office | giving in, less the coercer backing down |

h = 0.798 is the mean of the upper half of a standard normal: the firm type of a side stands for the upper half of its
private information, the yielding one for the lower, and the spread within a half (0.603) goes into the width. L = 0.24
prizes is what a strike brings at the library's generic chances, K = 0.61 offices what it costs the target. All other
numbers keep the library's generic priors: the fit says nothing of them. A cost of force below 0 is 0. Widths hold the
covariance of the fit and the spread within the halves; that the past crises are of the same kind as the case's is the
analyst's judgement.
"""

import hashlib
import json
import math
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr, StringConstraints

from standoff.case.number import Model, Number
from standoff.errors import Problem

SCHEMA = "standoff-fit/1"
LIMIT = 16 * 2**20
"""Bytes that a fit may hold."""
PAYOFFS = ("SA", "VA", "CB", "barWA", "barWB", "bara", "VB")
HALF, WITHIN = math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)
"""Mean, and standard deviation, of the upper half of a standard normal."""
STRIKE = 0.96 * (0.4 - 0.6 * 0.2) - 0.04 * 0.7
"""What a strike brings the coercer at the generic chances, in prizes, its cost aside."""
LOST = 0.4 * 1.3 + 0.6 * 0.15
"""What a strike costs the target at the generic chances, in offices."""
DRAWS = 4000
LEAST = 0.05
"""A prize or an office, in units of private information, below which a draw of the fit says nothing."""


class Priors(Model):
    """Where the generic numbers come from: a file with a fit, in the folder of the case."""

    # A case that is sent to another process holds the field's own name.
    model_config = ConfigDict(**Model.model_config | {"validate_by_name": True, "validate_by_alias": True})

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        alias="from", description="A fit that `standoff estimate --out` wrote, in the folder of the case."
    )
    _numbers: dict[str, Number] = PrivateAttr(default_factory=dict)

    @property
    def numbers(self) -> dict[str, Number]:
        """Numbers by path, `coercer.force_cost` with the kinds `yielding` and `firm`; empty before the file is read."""
        return self._numbers


@dataclass(frozen=True)
class Fitted:
    """What a file with a fit gives: numbers by path, its digest, and what it does not say."""

    numbers: dict[str, Number]
    digest: str
    lacking: tuple[str, ...] = ()

    @property
    def costless(self) -> tuple[str, ...]:
        """Types (yielding, firm) to whom force itself is worth more than it costs: their cost is 0, and no less."""
        at = "coercer.force_cost."
        return tuple(p.removeprefix(at) for p, x in self.numbers.items() if p.startswith(at) and x.centre <= 0.0)


def read(file: Path, root: Path, place: str) -> Fitted | Problem:
    """Read a fit and turn it into numbers of a case.

    Args:
        file: The fit.
        root: The folder of the case, which it may not leave.
        place: Where the case names it.
    """
    content = _content(file, root, place)
    if isinstance(content, Problem):
        return content
    try:
        told = json.loads(content)
        if told["schema"] != SCHEMA:
            raise ValueError("its schema is another")
        if told["model"] != "signaling":
            return Problem(
                place, f"'{file.name}' holds a fit of the model '{told['model']}'",
                "Only fits of the signaling game can be priors: standoff estimate --model signaling.", "priors",
            )  # fmt: skip
        if told["status"] != "converged":
            return Problem(
                place, f"'{file.name}' holds a fit that is not to be used ('{told['status']}')",
                "Mend the fit first; standoff estimate says what is wrong with it.", "priors",
            )  # fmt: skip
        here = told["population"]
        payoffs = [float(here["payoffs"][name]) for name in PAYOFFS]
        covariance = [[float(x) for x in row] for row in here["covariance"]]
        firm = float(here["p_firm"])
        if len(covariance) != 7 or any(len(row) != 7 for row in covariance) or not 0 <= firm <= 1:
            raise ValueError("its numbers do not fit together")
        if not all(math.isfinite(x) for row in [payoffs, *covariance] for x in row):
            raise ValueError("its numbers are not finite")
        if not _is_covariance(covariance):
            raise ValueError("its covariance is none: it is not symmetric, or a variance is below 0")
        about = f"{int(told['n'])} past crises, {file.name}"
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        return Problem(
            place, f"'{file.name}' is no fit of this version ({said})",
            "Write it anew: standoff estimate DATA --formula FILE --out DIR, then copy DIR/fit.json here.", "priors",
        )  # fmt: skip
    found = convert(payoffs, covariance, firm, about)
    if isinstance(found, str):
        return Problem(place, f"'{file.name}' cannot be a prior: {found}", "Use another fit.", "priors")
    numbers, lacking = found
    return Fitted(numbers, hashlib.sha256(content).hexdigest(), lacking)


def _is_covariance(matrix: list[list[float]]) -> bool:
    """Whether a matrix is symmetric and without variance below 0, up to rounding."""
    import numpy as np

    found = np.asarray(matrix)
    close = 1e-6 * max(1.0, float(np.abs(found).max()))
    return bool(np.abs(found - found.T).max() <= close and np.linalg.eigvalsh(found).min() >= -close)


def _content(file: Path, root: Path, place: str) -> bytes | Problem:
    try:
        if not file.resolve().is_relative_to(root.resolve()):
            return Problem(place, f"the link '{file.name}' leads out of the folder of the case",
                           "Copy the file into the folder.", "priors")  # fmt: skip
        if not stat.S_ISREG(file.stat().st_mode):
            return Problem(place, f"'{file.name}' is not a plain file", "Copy the fit into the folder.", "priors")
        with file.open("rb") as stream:
            content = stream.read(LIMIT + 1)
    except FileNotFoundError:
        return Problem(place, f"there is no file '{file.name}' in the folder of the case",
                       "Copy the fit.json of standoff estimate --out there.", "priors")  # fmt: skip
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is a loop of links"
        return Problem(place, f"'{file.name}' cannot be read: {reason}", "Mend or remove it.", "priors")
    if len(content) > LIMIT:
        return Problem(place, f"'{file.name}' is larger than {LIMIT // 2**20} MiB", "Name a fit.", "priors")
    return content


def convert(
    payoffs: list[float], covariance: list[list[float]], firm: float, about: str
) -> tuple[dict[str, Number], tuple[str, ...]] | str:
    """Numbers of a case from seven payoffs, and which of them a fit does not say; or in words why none can be had.

    Args:
        payoffs: Means, in the order of `PAYOFFS`, in standard deviations of private information.
        covariance: Of the means.
        firm: Chance that the challenger stands firm when resisted.
        about: What the numbers are fitted on, for their reasons.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    value, vector = np.linalg.eigh(np.asarray(covariance))
    root = vector * np.sqrt(np.clip(value, 0.0, None))
    draw = np.asarray(payoffs)[:, None] + root @ rng.standard_normal((7, DRAWS))
    sa, va, cb, wa, wb, a, vb = draw
    prize, office = va - sa, (vb - wb) / LOST
    good = (prize > LEAST) & (office > LEAST)
    if good.mean() < 0.9:
        side = "what is demanded" if (prize > LEAST).mean() < 0.9 else "keeping office"
        return f"by it {side} is worth nothing in {1 - good.mean():.0%} of its draws"
    prize, office = np.where(good, prize, np.nan), np.where(good, office, np.nan)
    inside = WITHIN * rng.standard_normal(DRAWS)
    found: dict[str, Number] = {}
    for kind, sign in (("yielding", -1.0), ("firm", 1.0)):
        private = sign * HALF + inside
        cost = STRIKE - (wa + private - sa) / prize
        cost = np.maximum(cost, 0.0) if np.nanmedian(cost) < 0 else cost  # a cost has no sign
        found[f"coercer.force_cost.{kind}"] = _normal(cost, "prize", about)
        found[f"target.exit_loss.{kind}"] = _normal((vb - cb + firm * private) / office, "office", about)
    audience = (sa - a) / prize
    lacking: tuple[str, ...] = ()
    if np.nanquantile(audience, 0.05) > 0:
        low, middle, high = np.nanquantile(audience, (0.1587, 0.5, 0.8413))
        spread = max(float(np.log(high / low) / 2), 1e-3)
        found["coercer.audience_top"] = _number("prize", about, lognormal=(float(middle), spread))
    else:
        lacking = ("coercer.audience_top",)
    return found, lacking


def _normal(draws: Any, unit: str, about: str) -> Number:  # noqa: ANN401 (an array)
    import numpy as np

    low, middle, high = np.nanquantile(draws, (0.1587, 0.5, 0.8413))
    return _number(unit, about, normal=(float(middle), max(float(high - low) / 2, 1e-3)))


def _number(unit: str, about: str, **shape: tuple[float, float]) -> Number:
    return Number.model_validate({**shape, "unit": unit, "judgement": f"fitted on {about}"})
