"""Where climbs begin: plain guesses from the data, and points spread at random about them. None knows the truth.

Discrete games begin with all coefficients 0; then with statistical backward induction (`stepwise`: the last mover's
utilities from his own moves, with these those of the mover before, and so on); then with each coefficient at random,
normal with standard deviation `SPREAD` in units of its column. The ultimatum game begins with what 2 would take (R2)
at quantiles of the offers, with R1 where it would make the mean offer the best, and scales of the offers' own size;
then at random about these.
"""

from dataclasses import replace

import numpy as np

from standoff.estimate.strategic.climb import Likelihood, climb
from standoff.estimate.strategic.games import GAMES, Choices
from standoff.estimate.strategic.ultimatum import Ultimatum

SPREAD = 1.0
QUANTILES = (0.5, 0.9, 0.1)
"""Quantiles of the offers at which R2 begins."""


def starts(like: Likelihood, many: int, seed: int) -> list[np.ndarray]:
    """So many starts [coefficient]; the first are plain guesses."""
    rng = np.random.default_rng(seed)
    found = _plain(like)[:many]
    for k in range(many - len(found)):
        centre = found[k % len(found)] if isinstance(like.law, Ultimatum) else np.zeros(len(like.unit))
        found.append(centre + _spread(like) * like.unit * rng.normal(size=len(like.unit)))
    return found


def stepwise(like: Likelihood) -> np.ndarray:
    """Statistical backward induction: each player's utilities from his own moves, the last mover first [coefficient].

    Scales are left at what is held fixed.
    """
    law = like.law
    assert isinstance(law, Choices)
    theta = np.zeros(len(like.unit))
    for player in range(GAMES[law.game].players, 0, -1):
        own = [
            np.full(block.shape[1], key.startswith(f"u{player}"))
            for key, block in zip(law.keys, like.design.blocks, strict=True)
        ]
        alone = (np.arange(len(like.part)) == player - 1).astype(float)
        theta = climb(replace(like, part=alone), theta, free=np.concatenate(own)).theta
    return theta


def _spread(like: Likelihood) -> np.ndarray:
    """Standard deviations of random starts, in units of the columns [coefficient]."""
    if not isinstance(like.law, Ultimatum):
        return np.full(len(like.unit), SPREAD)
    offer = like.design.counts[:, 0]
    size = max(float(offer.std()), 0.01 * like.law.largest)
    each = (2 * size, 2 * size, 1.0, 1.0)
    return np.concatenate([np.full(b.shape[1], s) for b, s in zip(like.design.blocks, each, strict=True)])


def _plain(like: Likelihood) -> list[np.ndarray]:
    if not isinstance(like.law, Ultimatum):
        return [np.zeros(len(like.unit)), stepwise(like)]
    offer, largest = like.design.counts[:, 0], like.law.largest
    size = max(float(offer.std()), 0.01 * largest)
    found = []
    for q in QUANTILES:
        wanted = float(np.quantile(offer, q))
        held = float(like.offset[3])
        scale = np.exp(held) if not like.design.blocks[3].shape[1] else size / 2
        give = scale * (1 + np.exp(min((float(offer.mean()) - wanted) / scale, 2.0)))
        goal = (largest - float(offer.mean()) - give, wanted, np.log(size), np.log(scale))
        found.append(np.concatenate([
            np.linalg.lstsq(b, np.full(len(b), g) - o, rcond=None)[0] if b.shape[1] else np.zeros(0)
            for b, g, o in zip(like.design.blocks, goal, like.offset, strict=True)
        ]))  # fmt: skip
    return found
