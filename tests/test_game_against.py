"""A view inside a view: the answer to an equilibrium strategy is the equilibrium, and to a known one is by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game

from standoff.game.against import answer
from standoff.game.sweep import solve


def solved(variant="base", precision=3.0, nodes=9):
    payoffs = game.payoffs(variant, 1, precision)
    return payoffs, solve(game.form(1), payoffs, rounds=2, nodes=nodes)


@pytest.mark.parametrize("variant", ["base", "prior_like_meets_like"])
@pytest.mark.parametrize("side", [0, 1])
def test_the_answer_to_an_equilibrium_is_the_equilibrium(variant, side):
    """The solution keeps its strategies in single precision, hence the bound."""
    payoffs, solution = solved(variant)
    found = answer(solution.form, payoffs, solution.log_pi, side)
    for stage, mine, both in zip(solution.form.stages, found.log_pi, solution.log_pi, strict=True):
        mine, both = (np.where(stage.mask[None, :, None, None, None], np.exp(x), 0.0) for x in (mine, both))
        assert mine == pytest.approx(both, abs=2e-6)
    assert np.asarray(found.value) == pytest.approx(np.asarray(solution.value[:, side]), abs=2e-6)


def test_the_answer_to_a_side_that_never_yields_needs_no_equilibrium():
    """Last round, target's own stage: softmax of what its moves pay, by hand."""
    payoffs, solution = solved(precision=2.0)
    form = solution.form
    found = answer(form, payoffs, solution.log_pi, 1)
    index = form.stage("target")
    stage = form.stages[index]
    state = next(s for s in range(len(stage.states)) if stage.mask[s].sum() > 1)
    nodes = solution.nodes
    stays = np.asarray(payoffs.chance * (1 - payoffs.hazard) * payoffs.discount)
    gone = np.asarray((payoffs.chance * payoffs.hazard).sum(-1))
    q = np.full((2, len(stage.moves)), -np.inf)
    for m in range(len(stage.moves)):
        if not stage.mask[state, m]:
            continue
        pay = np.asarray(payoffs.moves[index][1, :, state, m])
        if stage.leads[m] == form.nature:
            k = stage.follow[state, m]
            ahead = sum(stays[k, b] * np.asarray(payoffs.horizon[1])[:, to] for b, to in enumerate(form.branch[k]))
            pay = pay + np.asarray(payoffs.flow[1, :, k] + payoffs.removed[1] * gone[k]) + ahead
        elif stage.leads[m] >= 0:
            pytest.skip("this form has details for the target")
        q[:, m] = pay
    logit = 2.0 * q
    byhand = np.exp(logit - logit.max(-1, keepdims=True))
    byhand /= byhand.sum(-1, keepdims=True)
    assert np.exp(found.log_pi[index][-1, state, nodes // 2, 2]) == pytest.approx(byhand, abs=1e-6)


def test_expecting_a_yielding_other_side_makes_a_side_hold_out():
    """A firm coercer that is thought to back down with chance one half is conceded to less often."""
    payoffs, solution = solved()
    form = solution.form
    index = form.stage("coercer")
    stage = form.stages[index]
    mask = stage.mask
    back = stage.moves.index("back-down")
    others = mask.sum(1) - mask[:, back]
    table = np.where(mask, 0.5 / np.maximum(others, 1)[:, None], 0.0)
    table[:, back] = np.where(others > 0, 0.5 * mask[:, back], mask[:, back])
    table = np.log(np.maximum(table, 1e-30))
    soft = list(solution.log_pi)
    soft[index] = jnp.broadcast_to(jnp.asarray(table, jnp.float32)[None, :, None, None, None], soft[index].shape)
    target = form.stage("target")
    concede = form.stages[target].moves.index("concede")
    plain = np.exp(answer(form, payoffs, solution.log_pi, 1).log_pi[target][0, :, -1, ..., concede])
    hopeful = np.exp(answer(form, payoffs, tuple(soft), 1).log_pi[target][0, :, -1, ..., concede])
    assert (hopeful <= plain + 1e-6).all()
    assert (hopeful < plain - 0.01).any()
