"""Perception: a week of an observer; what arrives and when, and when a view falls."""

import csv
import dataclasses
import itertools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from standoff.world import perception as eye
from standoff.world import reading
from standoff.world.perception import PerceptionParameters
from standoff.world.revision import along

KNOWN = pathlib.Path(__file__).parent / "known"
# Moves: hold, offer, climb, deadline, strike; the last three can be taken for an offer.
TAKEN = jnp.array([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0]])
RESOLVED = jnp.array([0.15, 0.15, 0.3, 0.25, 0.15])
BLUFFER = jnp.array([0.35, 0.35, 0.2, 0.08, 0.02])
PLAIN = {"misreading": 0.0, "confirm_bias": 0.0, "layers": 0.0}
COUNT, NEWS, VIEWS = 4000, 12, 2  # one shape for every walk: one compilation
STEP, ALONG = jax.jit(eye.step), jax.jit(along)
NOISE = jax.jit(eye.draw_noise, static_argnums=(1, 2))


def strong(value):
    """An array whose type does not depend on how it was written, so that walks share one compilation."""
    return jnp.asarray(value, dtype=jnp.asarray(value).dtype)


def arrays(struct):
    return jax.tree.map(strong, struct)


def observer(**values):
    """Parameters by draw."""
    par = arrays(PerceptionParameters(confusion=TAKEN[..., None], **values))
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (*x.shape[:-1], COUNT)), par)


def start(par, prior=0.0):
    return arrays(eye.norm_state(par, jnp.full((VIEWS, 1, COUNT), prior), jnp.zeros((VIEWS, COUNT)), NEWS, 1))


def quiet(state):
    return dataclasses.replace(eye.quiet_input(state, 5), colleagues=jnp.zeros((2, 1, COUNT)))


def walk(par, weeks, prior=0.0, key=0):
    """States and infos of the weeks; `weeks` holds the inputs that differ from a quiet week."""
    state, found = start(par, prior), []
    nothing = quiet(state)
    for week, values in enumerate(weeks):
        sent = arrays(dataclasses.replace(nothing, **values))
        state, info = STEP(jax.random.fold_in(jax.random.key(key), week), state, sent, par)
        found.append((state, info))
    return found


def stream(sends, llr, bad=1.0):
    """An origin a week, each with a scene of one LLR in both views."""
    told = [jnp.zeros((NEWS, COUNT)).at[week].set(1.0) for week in range(sends)]
    ones = jnp.ones((NEWS, COUNT))
    return [{"told": t, "bad": bad * ones, "llr": jnp.full((NEWS, VIEWS, 1, COUNT), llr)} for t in told]


# Bias


def test_full_bias_locks_at_the_first_signal():
    par = observer(**PLAIN | {"confirm_bias": 1.0})
    weeks = stream(6, -1.0)
    weeks[0]["llr"] = weeks[0]["llr"].at[0].set(1.0)  # the first points the other way
    path = [float(info.log_odds[0, 0]) for _, info in walk(par, weeks)]
    np.testing.assert_allclose(path, np.arange(1.0, 7.0))


def test_without_bias_or_layers_it_is_bayes_exactly():
    weeks = stream(4, 0.7)
    weeks[2]["llr"] = weeks[2]["llr"].at[2].set(-1.3)
    for mean in (0.0, 1.0):
        found = walk(observer(**PLAIN | {"mean_bias": mean}), weeks, prior=-0.2)
        np.testing.assert_allclose(found[-1][1].log_odds, -0.2 + 0.7 - 1.3 + 0.7 + 0.7, atol=1e-12)
        assert not np.any(found[-1][1].flip_chance)


def test_drawn_waits_are_gamma():
    wait = NOISE(jax.random.key(4), (COUNT,), NEWS).wait
    assert wait.shape == (4, NEWS, COUNT)
    assert float(wait.mean()) == pytest.approx(2.0, abs=4 * np.sqrt(2.0 / wait.size))
    assert float(wait.var()) == pytest.approx(2.0, rel=0.05)


# Dates of understanding: five warnings, one a week; he gives in once he thinks the other resolved.
WEEKS = 14


def understood(level=2.0, **values):
    """Week in which log-odds first pass a level, one for each draw; the number of weeks if never."""
    found = walk(observer(**PLAIN | values), stream(5, 0.8) + [{}] * (WEEKS - 5), prior=-0.5)
    above = np.stack([np.asarray(info.log_odds[0]) > level for _, info in found])
    return np.where(above.any(0), above.argmax(0), WEEKS)


def test_layers_delay_understanding_in_every_draw():
    dates = [understood(layers=float(n)) for n in (0, 1, 2, 4)]
    for fewer, more in itertools.pairwise(dates):
        assert np.all(more >= fewer)
        assert more.mean() > fewer.mean()
    by_ten = [np.mean(d <= 10) for d in dates]
    assert np.all(np.diff(by_ten) <= 0.0)  # concession by a date


def test_bias_delays_understanding():
    dates = [understood(confirm_bias=q).mean() for q in (0.0, 0.25, 0.5)]
    assert np.all(np.diff(dates) > 0.0)


def test_copies_of_one_origin_change_nothing():
    par = observer(**PLAIN)
    once, often = stream(1, 0.8), stream(1, 0.8) * 5
    first = walk(par, once + [{}] * 4)[-1][0]
    again = walk(par, often)[-1][0]
    np.testing.assert_array_equal(first.log_odds, again.log_odds)
    np.testing.assert_allclose(again.log_odds, 0.8)


def test_late_news_waits_for_a_week_that_begins_after_it():
    par, state, path = observer(**PLAIN), start(observer(**PLAIN)), []
    under_way = dataclasses.replace(state, due=state.due.at[0].set(1.2), llr=jnp.ones_like(state.llr))
    state = arrays(under_way)
    for _ in range(4):
        state, info = STEP(jax.random.key(0), state, arrays(quiet(state)), par)
        path.append(float(info.log_odds[0, 0]))
    assert path == [0.0, 0.0, 1.0, 1.0]


# Deciders


def test_colleagues_enter_the_pooled_belief():
    par = observer(**PLAIN | {"leader_weight": 0.5})
    _, info = walk(par, [{"colleagues": jnp.full((2, 1, COUNT), -2.0)}], prior=1.0)[0]
    np.testing.assert_allclose(info.pooled, 0.5 * 1.0 + 0.5 * -2.0)
    np.testing.assert_allclose(info.log_odds, 1.0)


# Documents and contempt


def shown(prior, **values):
    """Log-odds after a document for the second type, seen twice."""
    par = observer(**PLAIN | values)
    ones = jnp.ones((1, COUNT))
    paper = {"shown": ones, "if_true": 0.8 * ones[:, None], "if_false": 0.2 * ones, "if_forged": 0.5 * ones}
    state, info = walk(par, [paper, paper], prior=prior)[-1]
    return float(info.log_odds[0, 0]) - prior, float(state.trust[0, 0])


def test_a_welcome_document_is_believed():
    welcome, trust = shown(0.5)
    doubted, as_it_was = shown(-0.5)
    assert welcome > doubted > 0.0
    assert trust == pytest.approx(0.33 + 0.5 * (0.9 - 0.33))
    assert as_it_was == 0.33
    assert shown(0.5, document_welcome=0.0)[0] == doubted  # switch
    assert doubted == pytest.approx(float(np.log(reading.document_ratio(0.33, 0.8, 0.2, 0.5))))


def test_no_trust_no_news():
    assert shown(0.5, document_trust=0.0, document_welcome=0.0) == (0.0, 0.0)


def test_public_contempt_adds_to_the_stubborn_type():
    mocked, found = [{"contempt": 1.0}] * 3, []
    for contempt in (0.0, 0.4):
        state, _ = walk(observer(**PLAIN | {"public_contempt": contempt}), mocked)[-1]
        found.append(float(state.log_odds[0, 0, 0]))
    assert found == [0.0, pytest.approx(1.2)]


# Views


def test_views_fall_as_along_the_record():
    """The weekly step and the run along a record drop a view in the same week; the new view has it replayed."""
    par = observer(**PLAIN | {"revision_threshold": 5.0})
    policy = jnp.broadcast_to(jnp.stack([BLUFFER, RESOLVED])[..., None], (2, 5, COUNT))
    moves = jax.random.categorical(jax.random.key(8), jnp.log(RESOLVED), shape=(12, COUNT)).astype(jnp.int32)
    weeks = [{"move": move, "policy": policy} for move in moves]
    told = stream(12, 0.3)
    both = [dict(a, **b) for a, b in zip(weeks, told, strict=True)]
    for week in both:
        week["llr"] = week["llr"].at[:, 1].mul(2.0)  # the other view makes more of it
    found = walk(par, both)
    held = np.stack([info.view for _, info in found])
    likelihood = jnp.log(jnp.stack([BLUFFER, RESOLVED]))[:, moves].swapaxes(0, 1)
    record = ALONG(likelihood, jnp.zeros(2), jnp.log(5.0), jnp.zeros(COUNT, dtype=jnp.int32))
    np.testing.assert_array_equal(held, record.view)
    assert 0.2 < held[-1].mean() < 1.0
    np.testing.assert_allclose(found[-1][1].log_odds[0], np.where(held[-1] == 1, 2.0, 1.0) * 12 * 0.3)
    never = walk(observer(**PLAIN | {"revision_threshold": np.inf}), both)
    assert not np.any([info.dropped for _, info in never])


def test_an_aware_observer_weighs_views_through_his_channel():
    policy = jnp.broadcast_to(jnp.stack([BLUFFER, RESOLVED])[..., None], (2, 5, COUNT))
    found = []
    for aware in (0.0, 1.0):
        par = observer(misreading=0.4, confirm_bias=0.0, layers=0.0, aware=aware)
        found.append(walk(par, [{"move": jnp.full(COUNT, 3, dtype=jnp.int32), "policy": policy}])[0][1])
    np.testing.assert_array_equal(found[0].read, found[1].read)
    as_offer = np.flatnonzero(np.asarray(found[0].read) == 1)
    assert 0.3 < as_offer.size / COUNT < 0.5
    # what was read as an offer may have been force, and he knows it
    naive, aware_ = (float(f.advantage[1, as_offer[0]]) for f in found)
    assert naive < aware_ < 0.0 or naive < 0.0 < aware_


# Contract


def test_keys_decide_and_noises_differ():
    par = observer(confirm_bias=0.5)
    weeks = stream(3, -0.5)
    first, again = (walk(par, weeks, prior=0.5, key=9)[-1][1] for _ in range(2))
    other = walk(par, weeks, prior=0.5, key=10)[-1][1]
    np.testing.assert_array_equal(first.log_odds, again.log_odds)
    assert np.any(np.asarray(first.log_odds) != np.asarray(other.log_odds))
    assert len(set(np.asarray(first.log_odds[0]).tolist())) > 3  # a noise for each draw
    noise = NOISE(jax.random.key(1), (COUNT,), NEWS)
    assert not np.any(np.asarray(noise.flip[0]) == np.asarray(noise.passage[0, 0]))


def test_chances_of_events_are_shown():
    par = observer(confirm_bias=0.3, layers=2.0)
    _, info = walk(par, stream(1, -0.5, bad=0.0), prior=0.5)[0]
    np.testing.assert_allclose(info.flip_chance[0], 0.3)
    np.testing.assert_allclose(info.arrival_chance, 1.0)
    assert np.all(info.delivered[0])
    flipped = np.mean(np.asarray(info.log_odds) > 0.5)
    assert flipped == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / COUNT))
    _, info = walk(par, stream(1, -0.5), prior=0.5)[0]
    np.testing.assert_allclose(info.arrival_chance, 0.49)


def test_parameters_by_draw():
    layers = jnp.tile(jnp.array([0.0, 4.0]), COUNT // 2)
    par = observer(confirm_bias=jnp.full(COUNT, 0.0), layers=layers, layer_loss=jnp.full(COUNT, 1.0), misreading=0.0)
    log_odds = np.asarray(walk(par, stream(1, 1.0))[-1][1].log_odds[0])
    np.testing.assert_array_equal(log_odds[:4], [1.0, 0.0, 1.0, 0.0])


def belief(trust, eps, noise, state, sent):
    """With scalar parameters."""
    par = PerceptionParameters(TAKEN, misreading=eps, document_trust=trust, **{k: 0.0 for k in list(PLAIN)[1:]})
    start_ = dataclasses.replace(state, trust=jnp.broadcast_to(trust, state.trust.shape))
    return eye.advance(noise, start_, sent, par)[1].log_odds.mean()


def test_gradients_are_finite():
    state = start(observer(**PLAIN), 0.3)
    ones = jnp.ones((1, COUNT))
    paper = dataclasses.replace(quiet(state), shown=ones, if_true=0.8 * ones[:, None], if_false=0.2 * ones)
    noise = NOISE(jax.random.key(0), (COUNT,), NEWS)
    slope = jax.jit(jax.grad(belief, (0, 1)))(0.3, 0.2, noise, state, arrays(paper))
    assert float(slope[0]) > 0.0
    assert np.isfinite(float(slope[1]))


TABLE = KNOWN.parents[2] / "shared" / "reference" / "world" / "parameters.csv"


def test_defaults_stand_at_the_centre_of_the_table():
    if not TABLE.is_file():
        pytest.skip("the table of parameters is not beside the repository (../shared/reference/world)")
    par = PerceptionParameters(confusion=TAKEN)
    held = {"leverage_reading": "misreading", "layer_delay": None, "layers": None, "analogy_salience": None}
    rows = {r["parameter"]: r for r in csv.DictReader(TABLE.read_text().splitlines()) if r["module"] == "perception"}
    for name, row in rows.items():
        first, second = float(row["arg1"]), float(row["arg2"])
        value = first / (first + second) if row["distribution"] == "beta" else first
        if (field := held.get(name, name)) is not None:
            assert getattr(par, field) == pytest.approx(value, abs=0.005), name  # trust is printed as 0.33
    assert par.layers == 0.5 * (float(rows["layers"]["arg1"]) + float(rows["layers"]["arg2"]))
    assert par.layer_delay == float(rows["layer_delay"]["arg2"])
