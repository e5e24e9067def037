"""Two models of the same games, neither within the other: which is nearer to how the data came about.

With d_i = log L1_i - log L2_i - (k1 - k2) ln(n) / (2n), k the numbers of coefficients (Schwarz's correction):

    Vuong (1989, Econometrica 57:307-333)       √n mean(d) / sd(d), standard normal if the models are equally near
    Clarke (2007, J. Peace Res. 44:347-362)     how many d_i are above 0, binomial (n, 1/2) if they are

Above 0, or above n/2, speaks for the first model.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.fit import Fit
from standoff.estimate.strategic.estimate import likelihood_of


@dataclass(frozen=True)
class Compared:
    """Vuong's statistic and Clarke's count, each with its two-sided chance under equal models; `n`: games."""

    vuong: float
    vuong_p: float
    clarke: int
    clarke_p: float
    n: int


def compare(first: Fit, second: Fit, *, correct: bool = True) -> Compared:
    """Test two fits against each other.

    Args:
        first: A fit of this family.
        second: Another one of the same outcomes in the same games.
        correct: Whether coefficients cost what they do in Schwarz's criterion.

    Raises:
        UserError: the fits are not of the same games, or are the same model.
    """
    likes = [likelihood_of(fit) for fit in (first, second)]
    a, b = (like.design for like in likes)
    if not (np.array_equal(a.rows, b.rows) and np.array_equal(a.counts, b.counts)):
        raise UserError(
            f"The fits are of {len(a)} and {len(b)} games that are not the same. Leave out rows in which a column of "
            "either model is missing, and fit both anew."
        )
    n = len(a)
    each = likes[0].each(first.estimate) - likes[1].each(second.estimate)
    if np.ptp(each) < 1e-9:
        raise UserError("The fits say the same of every game, so there is nothing to compare.")
    if correct:
        each = each - (first.parameters - second.parameters) * np.log(n) / (2 * n)
    vuong = float(np.sqrt(n) * each.mean() / each.std())
    clarke = int((each > 0).sum())
    return Compared(
        vuong, float(2 * stats.norm.sf(abs(vuong))), clarke, float(stats.binomtest(clarke, n, 0.5).pvalue), n
    )
