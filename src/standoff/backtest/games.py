"""Chances of the endings: the signaling game, a strategic probit, and a regression that knows no game.

`signaling`: the crisis-signaling game, in which the target learns from the threat and the sender's resolve is private
(`standoff.estimate`), given that a threat was made. `strategic`: the target moves first and nobody learns (egame12 with
agent error: the target concedes or resists, the sender stands firm or backs down). `endings` is no game: a multinomial
logit of the endings on all known columns, which tells what a game adds to the detour by the endings.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from standoff.backtest.climb import PRIORS, Law, Scaled, best, chosen_prior, climb, scaled
from standoff.backtest.features import Encoder, encoder
from standoff.backtest.mapping import ENDINGS, PAYOFFS, Game
from standoff.backtest.models import Lesson
from standoff.backtest.structure import Chances
from standoff.backtest.table import Known
from standoff.estimate.formulas import Formulas

GAIN = np.array([1.0 if name == "VA" else 0.0 for name in PAYOFFS])
"""Where the prior of a payoff is centred: the target's conceding is worth something to the sender (V_A above S_A)."""
PAD = 128
"""Rows to a multiple of which tables are filled up, so that few sizes are compiled."""


@dataclass(frozen=True, eq=False)
class Strategic:
    """The target concedes or resists, then the sender stands firm or backs down; agent error, probit.

    In the words of the signaling game: conceding is worth C_B to the target, the sender's backing down V_B, his
    standing firm W_B; W_A less a is what standing firm is worth to the sender.
    """

    game: Game
    priors: tuple[float, ...] = PRIORS

    @property
    def formulas(self) -> Formulas:
        """The formulas of the game in the names of egame12."""
        p = self.game.payoffs
        firm = " + ".join(text for text in (p["barWA"], p["bara"]) if text.strip() != "0") or "0"
        terms = {"u11": p["CB"], "u13": p["VB"], "u14": p["barWB"], "u24": firm}
        return Formulas(terms | dict.fromkeys(("log_sd", "log_sd1", "log_sd2"), "0"), name="the payoffs of the mapping")

    def __call__(self, lesson: Lesson) -> Chances:
        """Choose the prior by training crises left out, then estimate."""
        prior = chosen_prior(lesson, self._fit, self.priors)
        return self._fit(lesson, prior)

    def _fit(self, lesson: Lesson, prior: float) -> "Played":
        from standoff.estimate.strategic.games import Choices

        # Outcomes of egame12 from the left: conceded, backed down, stood firm.
        order = [ENDINGS.index(name) for name in ("cd", "bd", "sf")]
        made, design = scaled(lesson, self.formulas, np.eye(len(ENDINGS))[lesson.ending][:, order])
        law = Choices("egame12", "probit", "agent")
        seen = _filled(design.counts)

        def each(payoffs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            value, slope, curve = (np.asarray(x)[: len(payoffs)] for x in _slope()(law, _filled(payoffs), seen))
            return value, slope, curve

        rng = np.random.default_rng(6)
        starts = [np.zeros(len(design.names)), rng.normal(0, min(prior, 0.3), len(design.names))]
        highest = best([climb(each, design, prior, start) for start in starts])
        return Played(made, highest.theta, law, (f"prior sd {prior:g}", *highest.notes))


@dataclass(frozen=True, eq=False)
class Played:
    """The strategic game at its estimate."""

    made: Scaled
    theta: np.ndarray
    law: Any
    notes: tuple[str, ...] = ()

    def __call__(self, known: Known) -> np.ndarray:
        """Chances of the endings."""
        number = _filled(self.made.of(known).payoffs(self.theta))
        found = np.exp(np.asarray(_logs()(self.law, number)))[: len(known)]
        return np.asarray(found[:, [0, 2, 1]])  # cd, sf, bd


@cache
def _slope() -> Any:  # noqa: ANN401 (a compiled function)
    """Log-likelihood of each game, and its derivatives by its numbers."""
    import jax
    import jax.numpy as jnp

    def one(law: Any, number: Any, seen: Any) -> Any:  # noqa: ANN401 (arrays of JAX)
        return jnp.where(seen > 0, seen * law.log_outcomes(number), 0.0).sum()

    def every(law: Any, number: Any, seen: Any) -> Any:  # noqa: ANN401 (arrays of JAX)
        over = (None, 0, 0)
        return (
            jax.vmap(one, in_axes=over)(law, number, seen),
            jax.vmap(jax.grad(one, argnums=1), in_axes=over)(law, number, seen),
            jax.vmap(jax.hessian(one, argnums=1), in_axes=over)(law, number, seen),
        )

    return jax.jit(every, static_argnums=0)


@cache
def _logs() -> Any:  # noqa: ANN401 (a compiled function)
    """Log chances of the outcomes of each game."""
    import jax

    return jax.jit(lambda law, number: jax.vmap(law.log_outcomes)(number), static_argnums=0)


def _filled(rows: np.ndarray) -> np.ndarray:
    """Rows filled up with zeros to a multiple of `PAD`."""
    return np.concatenate([rows, np.zeros((-len(rows) % PAD, rows.shape[1]))])


@dataclass(frozen=True, eq=False)
class Endings:
    """Multinomial logit of the endings on all known columns, its ridge chosen by training crises left out."""

    def __call__(self, lesson: Lesson) -> Chances:
        """Choose the ridge, then fit."""
        strength = chosen_prior(lesson, self._fit, PRIORS)
        return self._fit(lesson, strength)

    def _fit(self, lesson: Lesson, prior: float) -> "Regression":
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

        encode = encoder(lesson.known)
        found = LogisticRegression(C=prior**2, max_iter=5000).fit(encode(lesson.known), lesson.ending)
        return Regression(encode, found, (f"prior sd {prior:g}",))


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted multinomial logit."""

    encode: Encoder
    fitted: Any
    notes: tuple[str, ...] = ()

    def __call__(self, known: Known) -> np.ndarray:
        """Chances of the endings."""
        found = np.zeros((len(known), len(ENDINGS)))
        found[:, self.fitted.classes_.astype(int)] = self.fitted.predict_proba(self.encode(known))
        return found


@dataclass(frozen=True, eq=False)
class Signaling:
    """The crisis-signaling game by exact maximum likelihood, given that a threat was made.

    Where a game has several equilibria a forecast needs a rule that does not look at how the game ended: the smallest
    or the largest chance of resistance, whichever makes the training endings likelier.
    """

    game: Game
    priors: tuple[float, ...] = PRIORS[:-1]  # under wider ones it has many maxima

    @property
    def formulas(self) -> Formulas:
        """The formulas of the game."""
        return Formulas({name: self.game.payoffs[name] for name in PAYOFFS}, name="the payoffs of the mapping")

    def __call__(self, lesson: Lesson) -> Chances:
        """Choose the prior by training crises left out, then estimate."""
        prior = chosen_prior(lesson, self._fit, self.priors)
        return self._fit(lesson, prior)

    def _fit(self, lesson: Lesson, prior: float) -> "Signalled":
        from standoff.estimate.likelihood import Exact

        counts = np.column_stack([np.zeros(len(lesson)), np.eye(len(ENDINGS))[lesson.ending]])
        made, design = scaled(lesson, self.formulas, counts)

        def law(selection: str) -> Law:
            exact = Exact(counts, selection, given_challenge=True)

            def each(payoffs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
                terms = exact.terms(payoffs + GAIN)
                return terms.value, terms.gradient, np.asarray(terms.hessian)

            return each

        large = climb(law("largest"), design, prior, np.zeros(len(design.names)))
        small = climb(law("smallest"), design, prior, large.theta)
        highest = best([large, small])
        rule = "largest" if highest is large else "smallest"
        rate = np.bincount(lesson.ending, minlength=len(ENDINGS)) / len(lesson)
        return Signalled(made, highest.theta, rule, rate, (f"prior sd {prior:g}", f"{rule} p_R", *highest.notes))


@dataclass(frozen=True, eq=False)
class Signalled:
    """The signaling game at its estimate, with the rule by which an equilibrium is chosen where there are several.

    Of a tested case in which the estimated game has no threat at all, the shares of the training endings are told.
    """

    made: Scaled
    theta: np.ndarray
    selection: str
    rate: np.ndarray
    notes: tuple[str, ...] = ()

    def __call__(self, known: Known) -> np.ndarray:
        """Chances of the endings, given a threat."""
        from standoff.estimate.played import play

        with np.errstate(all="ignore"):
            found = play(self.made.of(known).payoffs(self.theta) + GAIN, self.selection).chances
        chance = np.column_stack([found[name] for name in ENDINGS])
        total = chance.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 1e-12, chance / np.where(total > 1e-12, total, 1.0), self.rate))
