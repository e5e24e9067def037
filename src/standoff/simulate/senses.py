"""From a view's numbers to how news reaches and moves its holder (`game.sense`).

With n layers of advisers, each losing a share of the bad news and holding the rest for Gamma(2, delay/2) weeks, bad
news is lost with chance 1 - (1 - loss)^n and waits Gamma(2 n, delay/2) weeks. A move of the other side is made about
half a round before one's own, so what waits less than that is heard in the same round.

A scene tells its ratio; a document of doubtful origin tells (r f1 + (1 - r) g)/(r f0 + (1 - r) g), with r the trust in
it, f1 and f0 the chances of what it says if the other side is firm or not, and g its chance if it is forged.
"""

import jax.numpy as jnp
import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from standoff.case.crisis import Case
from standoff.game.sense import Sense
from standoff.simulate.draws import Values
from standoff.world.reading import document_ratio

LATER = 4
"""Rounds for which news can wait; what would wait longer comes in the last."""


def sense(case: Case, values: Values, side: str, draw: int, *, rounds: int, days: float) -> Sense | None:
    """How a side takes news in a view; None where nothing bends it.

    Args:
        case: The case.
        values: The view's numbers.
        side: Its holder.
        draw: Which draw.
        rounds: Rounds of the game.
        days: Length of a round.
    """
    at = f"world.perception.{side}"

    def one(name: str, otherwise: float) -> float:
        found = values.get(f"{at}.{name}")
        return otherwise if found is None else float(found[draw])

    shown = scenes(case, values, side, draw, rounds=rounds, days=days)
    flip, layers, leader = one("bias", 0.0), one("layers", 0.0), one("leader_weight", 1.0)
    if flip == 0.0 and layers == 0.0 and not shown.any():
        return None
    lost = 1.0 - (1.0 - one("layer_loss", 0.0)) ** layers
    waits = delays(layers, one("layer_delay", 0.0), days / 7.0)
    # As numpy numbers: a bare float would be of a weak type, and all would be compiled anew.
    return Sense(*(jnp.asarray(np.asarray(each, float)) for each in (flip, lost, waits, leader, shown)))


def plain(rounds: int) -> Sense:
    """A sense that changes nothing, of the same shape as those that do."""
    zero = jnp.zeros(())
    return Sense(zero, zero, jnp.asarray(np.eye(LATER + 1)[0]), jnp.ones(()), jnp.zeros(rounds))


def bends(case: Case) -> bool:
    """Whether any view of a case may bend news."""
    both = (case.world.perception.coercer, case.world.perception.target)
    return bool(case.world.scenes) or any(one.bias is not None or one.layers is not None for one in both)


def delays(layers: float, weeks: float, length: float) -> np.ndarray:
    """Chances that bad news waits 0 to `LATER` rounds of `length` weeks, behind layers that hold it `weeks` each."""
    if layers <= 0 or weeks <= 0:
        return np.asarray(np.eye(LATER + 1)[0])
    below = stats.gamma.cdf((np.arange(LATER) + 0.5) * length, 2.0 * layers, scale=weeks / 2.0)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def scenes(case: Case, values: Values, side: str, draw: int, *, rounds: int, days: float) -> np.ndarray:
    """Log-likelihood ratios of the scenes that a side sees, by round."""
    found = np.zeros(rounds)
    for scene in case.world.scenes:
        index = int((scene.date - case.crisis.starts).days // days)
        if scene.seen_by != side or not 0 <= index < rounds:
            continue
        at = f"world.scenes.{scene.id}"
        if scene.ratio is not None:
            found[index] += float(values[f"{at}.ratio"][draw])
        else:
            trust, firm, yielding, forged = (
                float(values[f"{at}.{name}"][draw]) for name in ("trust", "if_firm", "if_yielding", "if_forged")
            )
            found[index] += float(np.log(document_ratio(trust, firm, yielding, forged)))
    return found
