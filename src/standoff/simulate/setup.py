"""The one door from a case to arrays: draws, views, chains, the game's form, and solved minds.

Everything that depends on a case's words is resolved here; what comes out are arrays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations

import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case, View
from standoff.case.number import Shift
from standoff.errors import Failure, UserError
from standoff.game.form import Form
from standoff.game.ladder import Ladder, build
from standoff.game.play import Mind, Paths, plain_reading
from standoff.game.reach import Reached, reached
from standoff.game.sweep import Solution, solve
from standoff.simulate import draws as drawing
from standoff.simulate.chains import Levels, levels, repeat, used
from standoff.simulate.derive import derive
from standoff.simulate.draws import Among, Values
from standoff.simulate.payoffs import Assembled, assemble, lift, playable
from standoff.simulate.senses import sense

SIDES = ("coercer", "target")
BASE = "base"
TRUTH = "truth"
"""Under which name `Plan.overlays` holds what is changed in the base, and hence in every view."""
LOST = 1e-6
"""Chance of changes of level that a form may leave out: none but rounding."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A view's numbers and what follows from them, for all draws of a plan."""

    name: str
    values: Values
    levels: Levels
    payoffs: Assembled
    reading: tuple[np.ndarray, ...]  # by stage: draw, move, move as read by the holder
    without: tuple[str, ...] = ()  # the differences of the view that are corrected


@dataclass(frozen=True, eq=False)
class Plan:
    """A case compiled for a number of draws and rounds.

    `sheet(view, without)` gives a view's arrays, with some of its differences corrected. `rounds` rounds of
    `days` days. Draws are numbered; the plan at the centre (`count` 0) has one draw. `overlays` holds the shifts of
    a counterfactual by view id (or `TRUTH`) and path. With `quantiles` (by path, one a draw) numbers are not drawn:
    they stand at these quantiles, and those without at their medians.
    """

    case: Case
    seed: int
    count: int
    rounds: int
    days: float
    nodes: int
    paths: int
    fixed: Mapping[str, float] = field(default_factory=dict)
    keep: int | None = None
    overlays: Mapping[str, Mapping[str, Shift]] = field(default_factory=dict)
    quantiles: Mapping[str, np.ndarray] | None = None
    _sheets: dict[tuple[str, tuple[str, ...]], Sheet] = field(default_factory=dict)
    _levels: dict[bytes, Levels] = field(default_factory=dict)
    _derived: dict[tuple[str, bytes], dict[str, np.ndarray]] = field(default_factory=dict)
    _reached: dict[tuple[tuple[int, ...], bytes], Reached] = field(default_factory=dict)

    @cached_property
    def base(self) -> Values:
        """Draws of the base numbers."""
        found = drawing.base(self.case, seed=self.seed, count=self.count, at=self.quantiles)
        return {k: v[: self.keep] for k, v in found.items()}

    def view(self, side: str) -> View | None:
        """The view that a side acts on; none if it holds the base."""
        return self.case.view_of(side)  # type: ignore[arg-type]

    def values(self, view: View | None, without: Iterable[str] = ()) -> Values:
        """A view's numbers: the base with truth's overlays, the view's differences, the view's own overlays.

        What the world's modules compute from these stands in the place of typed numbers; whoever overlays a computed
        number itself has his way.
        """
        skip = tuple(without)
        found = self._written(view, skip)
        if not self.computed:
            return found
        whole = dict(found) | dict(self._derive(found))
        return self._changed(whole, view, skip, lambda path: path in self.computed)

    def _written(self, view: View | None, without: tuple[str, ...]) -> Values:
        """A view's numbers but those that the world's modules compute."""
        return self._changed(self.base, view, without, lambda path: path not in self.computed)

    @cached_property
    def computed(self) -> frozenset[str]:
        """Paths of the numbers that the world's modules compute in this case."""
        return frozenset(self._derive(self.base))

    def _derive(self, values: Values) -> Values:
        return derive(self.case, values, self._derived)

    def _changed(self, values: Values, view: View | None, without: tuple[str, ...], among: Among) -> Values:
        """Numbers after overlays, differences and what is fixed, as far as they are `among` those asked for."""

        def overlaid(numbers: Values, name: str) -> Values:
            shifts = self.overlays.get(name, {})
            return drawing.overlay(self.case, numbers, shifts, name=name, seed=self.seed, count=self.count, among=among)

        found = overlaid(values, TRUTH)
        found = drawing.apply(
            self.case, view, found, seed=self.seed, count=self.count, without=without, at=self.quantiles, among=among
        )
        found = overlaid(found, view.id) if view is not None else found
        draws = len(self.base["parameters.discount"])
        return dict(found) | {path: np.full(draws, value) for path, value in self.fixed.items() if among(path)}

    def _compile_levels(self, values: Values) -> Levels:
        paths = sorted(used(self.case) & set(values))
        key = b"".join(values[path].tobytes() for path in paths)
        if key not in self._levels:
            design = self.quantiles is not None  # points of a design differ in their numbers alone
            alike = design and all((values[path] == values[path][:1]).all() for path in paths)
            found = levels(
                self.case, {path: each[:1] for path, each in values.items()} if alike else values, seed=self.seed,
                weeks=max(1, round(self.days / 7)), rounds=self.rounds, paths=self.paths, common=design,
            )  # fmt: skip
            self._levels[key] = repeat(found, len(values["parameters.discount"])) if alike else found
        return self._levels[key]

    def reach(self) -> tuple[np.ndarray, set[tuple[int, int]]]:
        """Changes of level with any chance in the base or in any view, over all draws; and the first levels.

        Views count as they are and with any of their differences corrected.
        """
        every = [self._compile_levels(self.values(view)) for view in (None, *self._views())]
        every += [self._compile_levels(self._written(view, without))
                  for view in self._views() for without in self._corrections(view)]  # fmt: skip
        squeeze = np.max([found.squeeze for found in every], axis=(0, 1)) > 0
        cohesion = np.max([found.cohesion for found in every], axis=(0, 1)) > 0
        lifted = np.max([lift(found.cohesion, np.ones(1)) for found in every], axis=(0, 1)) > 0
        plain = squeeze[:, :, None, :, None] & np.swapaxes(cohesion, 1, 2)[:, None]
        shown = squeeze[:, :, None, :, None] & np.swapaxes(cohesion | lifted, 1, 2)[:, None]
        starts = {(int(s), int(c)) for found in every for s, c in found.start}
        return np.stack([plain, shown], axis=1), starts

    @cached_property
    def form(self) -> Form:
        """The game's form; plans that are run side by side share one (see `share_form`)."""
        return form_for(self.case, *self.reach())

    def _corrections(self, view: View) -> list[tuple[str, ...]]:
        """What may be corrected of a view, as far as the chains depend on it."""
        read = used(self.case)
        bear = [difference.id for difference in view.differences if read & difference.set.keys()]
        return [some for k in range(1, len(bear) + 1) for some in combinations(bear, k)]

    def _views(self) -> list[View]:
        """Every view that is solved: those that sides act on, those held inside them, and those they turn to."""
        return list(self.case.views)

    def sheet(self, view: View | None, without: tuple[str, ...] = ()) -> Sheet:
        """Arrays of a view, or of the base."""
        key = (view.id if view else BASE, tuple(sorted(without)))
        if key not in self._sheets:
            values = self.values(view, without)
            found = self._compile_levels(values)
            payoffs = assemble(self.case, values, self.form, found, self.days)
            _require_whole(key[0], payoffs)
            self._sheets[key] = Sheet(key[0], values, found, payoffs, self._reading(values), key[1])
        return self._sheets[key]

    def _reading(self, values: Values) -> tuple[np.ndarray, ...]:
        """Chance that a move is taken for another, by stage, from the view's channels."""
        draws = len(values["parameters.discount"])
        found = [np.broadcast_to(eye, (draws, *eye.shape)).copy() for eye in plain_reading(self.form)]
        for channel in self.case.channels:
            stage = self.form.stages[self.form.stage(channel.sender)]
            table = found[self.form.stage(channel.sender)]
            chance = values[f"channels.{channel.id}.chance"] * (1 - values.get("parameters.clarity", np.zeros(draws)))
            to = [stage.moves.index(move) for move in channel.read_as if move in stage.moves]
            for move in channel.moves:
                if move in stage.moves and to:
                    m = stage.moves.index(move)
                    table[:, m] *= (1 - chance)[:, None]
                    table[:, m, to] += (chance / len(to))[:, None]
        return tuple(found)

    def solve(self, sheet: Sheet, draw: int, among: Reached | None = None) -> Solution:
        """Solve a view for one draw, as if the other side shared it; in all states or `among` those reached."""
        return solve(self.form, sheet.payoffs.one(draw), rounds=self.rounds, nodes=self.nodes, reached=among)

    def reached(self, sheet: Sheet, draw: int, begun: "Plan | None" = None) -> Reached:
        """States in which a view can be asked in a draw: those that the world, it, or a view around it can come to.

        Where crises `begun` in the world of another plan go on in this one's, the former counts as well.
        """
        around, found = [sheet.name], [sheet, self.sheet(None)]
        for name in around:
            outer = [view for view in self._views() if view.other == name and view.id not in around]
            around += [view.id for view in outer]
            found += [self.sheet(view, sheet.without) for view in outer]
        first = {self.first_state(draw)}
        if begun is not None:
            found.append(begun.sheet(None))
            first.add(begun.first_state(draw))
        possible = np.max([np.asarray(one.payoffs.parts["chance"])[..., draw] for one in found], axis=0) > 0
        key = (tuple(sorted(first)), possible.tobytes())
        if key not in self._reached:
            self._reached[key] = reached(self.form, possible, key[0])
        return self._reached[key]

    def mind(self, sheet: Sheet, solution: Solution, draw: int, side: str | None = None) -> Mind:
        """A solved view as a mind: how its holder plays, expects, reads and takes news."""
        return Mind(
            solution.log_pi, tuple(jnp.asarray(table[draw]) for table in sheet.reading),
            sense=sense(self.case, sheet.values, side, draw, rounds=self.rounds, days=self.days) if side else None,
        )  # fmt: skip

    def prior(self, sheet: Sheet, draw: int) -> np.ndarray:
        """Chances, in a view, that the coercer and that the target are firm."""
        return np.array([sheet.values[f"parameters.prior.{side}"][draw] for side in SIDES])

    def first_state(self, draw: int) -> int:
        """Index of the first state of a game: the start rung at the levels of the norm."""
        rungs = [rung.id for rung in self.case.ladder]
        squeeze, cohesion = self.sheet(None).levels.start[draw]
        state = (rungs.index(self.case.crisis.start_rung), 0, 0, int(squeeze), int(cohesion))
        return self.form.stages[0].states.index(state)

    def paths_for(self, key: np.random.Generator, sheets: tuple[Sheet, ...], draw: int, count: int, *, known: bool
                  ) -> Paths:  # fmt: skip
        """Beginnings of `count` crises: types from the base prior, beliefs from the prior of each mind's sheet.

        With `known`, both minds know both types. Types are stratified over the four pairs.
        """
        types = stratified_types(key, self.prior(self.sheet(None), draw), self.sheet(None).values, draw, count)
        if known:
            belief = np.broadcast_to(types.astype(float), (len(sheets), 2, count))
        else:
            belief = np.stack([np.repeat(self.prior(sheet, draw)[:, None], count, axis=1) for sheet in sheets])
        state = np.full(count, self.first_state(draw), np.int32)
        return Paths(jnp.zeros(count, jnp.int32), jnp.asarray(state), jnp.asarray(types), jnp.asarray(belief))


def _require_whole(name: str, payoffs: Assembled) -> None:
    """Refuse a form that leaves out changes of level which have a chance: what they lead to would count for nothing."""
    lost = np.abs(np.asarray(payoffs.parts["chance"]).sum(1) - 1.0).max()
    if lost > LOST:
        raise Failure(
            f"View '{name}': {lost:.2g} of the chance of the levels leads to states that its game does not hold. "
            "Make the form with `Plan.reach` or `share_form` of all plans that use it."
        )


def form_for(case: Case, reach: np.ndarray, starts: set[tuple[int, int]]) -> Form:
    """The form of a case's game whose levels can change as `reach` says and begin at `starts` (see `Plan.reach`).

    Games of one shape share a form, and with it all that is compiled for it.
    """
    rungs = [rung.id for rung in case.ladder]
    wanted = (
        tuple(rung.strike for rung in case.ladder), tuple(rung.ultimatum for rung in case.ladder),
        rungs.index(case.crisis.start_rung), case.crisis.ultimatum_rounds, len(playable(case, "coercer")),
        len(playable(case, "target")), tuple(sorted(starts)),
    )  # fmt: skip
    return _form(wanted, reach.shape, reach.tobytes())


def wide_form(case: Case, reach: np.ndarray, starts: set[tuple[int, int]]) -> Form:
    """A form with all changes among the levels that can be come to on a rung, whichever of them have a chance.

    Numbers that only move the chances of levels, as most do, then need no other form; `Plan.reached` says what is
    asked for in a draw.
    """
    first = [rung.id for rung in case.ladder].index(case.crisis.start_rung)
    here = np.zeros(reach.shape[2:4], bool)
    here[tuple(np.array(sorted(starts)).T)] = True
    wide = np.zeros_like(reach)
    for rung in range(first, len(reach)):  # a rung is climbed to with the levels of those below
        step, known = reach[rung].any(0), 0
        while known < (known := int(here.sum())):
            here = here | step[here].any(0)
        wide[rung] = here[:, :, None, None] & here[None, None]
        if rung == first:
            starts = {(int(s), int(c)) for s, c in np.argwhere(here)}
    return form_for(case, wide, starts)


Wanted = tuple[tuple[bool, ...], tuple[bool, ...], int, int, int, int, tuple[tuple[int, int], ...]]


@lru_cache(maxsize=16)
def _form(wanted: Wanted, shape: tuple[int, ...], reach: bytes) -> Form:
    strike, ultimatum, start, patience, coercer_offers, target_offers, starts = wanted
    return build(
        Ladder(
            strike=strike, ultimatum=ultimatum, start_rung=start, patience=patience, coercer_offers=coercer_offers,
            target_offers=target_offers, reach=np.frombuffer(reach, dtype=bool).reshape(shape), levels_start=starts,
        )
    )  # fmt: skip


def share_form(plans: list[Plan], *, wide: bool = False) -> Form:
    """Give plans of one case a common form, so that what is compiled for one serves all (`wide`: as `wide_form`)."""
    found = [plan.reach() for plan in plans]
    reach, starts = np.any([reach for reach, _ in found], axis=0), set().union(*(s for _, s in found))
    form = (wide_form if wide else form_for)(plans[0].case, reach, starts)
    for plan in plans:
        take_form(plan, form)
    return form


def take_form(plan: Plan, form: Form) -> None:
    """Let a plan use a form that holds at least all changes of level in its reach; what it made for another goes."""
    if plan.__dict__.get("form") is not form:
        plan._sheets.clear()
        plan._reached.clear()
    plan.__dict__["form"] = form


def stratified_types(key: np.random.Generator, prior: np.ndarray, values: Values, draw: int, count: int) -> np.ndarray:
    """Pairs of types (0 yielding, 1 firm; axes side, path) in their base proportions, in random order."""
    from standoff.simulate.payoffs import joint_prior

    joint = joint_prior(prior[0], prior[1], float(values["parameters.prior.odds_ratio"][draw]))
    u = (key.permutation(count) + key.random(count)) / count
    pair = np.searchsorted(np.cumsum(joint.reshape(-1))[:-1], u)
    return np.stack([pair // 2, pair % 2]).astype(np.int32)


def _same_chains(one: Plan, other: Plan) -> bool:
    """Whether chains of one plan are those of another wherever the numbers are the same."""
    about = [(each.rounds, each.days, each.seed, each.paths, each.quantiles is None) for each in (one, other)]
    return about[0] == about[1]


def plan(
    case: Case,
    *,
    seed: int,
    count: int,
    nodes: int | None = None,
    pace: float = 1.0,
    paths: int | None = None,
    fixed: Mapping[str, float] | None = None,
    keep: int | None = None,
    beside: Plan | None = None,
    overlays: Mapping[str, Mapping[str, Shift]] | None = None,
    quantiles: Mapping[str, np.ndarray] | None = None,
) -> Plan:
    """Compile a case. `pace` scales the length of a round (2: half as many rounds, twice as long).

    `fixed` holds numbers, by path, that every view shares. `keep` compiles only the first of the `count` draws,
    which are the same draws as without it. `beside` is a plan whose chains serve this one, too, where the numbers
    that they depend on are the same. `overlays` and `quantiles` are those of `Plan`.
    """
    for side in SIDES:
        kinds = case.leader(side).types  # type: ignore[arg-type]
        if len(kinds) != 2:
            raise UserError(
                f"The {side} has {len(kinds)} types; this version solves two a side. "
                "Remove one under its actor's `types`."
            )
    if case.crisis.round_days % 7 and (case.world.economy or case.world.coalition):
        raise UserError(
            f"Rounds of {case.crisis.round_days} days: with an economy or a coalition a round must be whole weeks. "
            "Set crisis.round_days to a multiple of 7."
        )
    rounds = max(1, round(case.crisis.rounds / pace))
    days = case.crisis.round_days * case.crisis.rounds / rounds
    weeks = max(1, round(case.crisis.round_days * pace / 7))
    found = Plan(
        case, seed, count, rounds, 7.0 * weeks if pace != 1 else days, nodes or case.solver.nodes,
        paths or case.solver.chain_paths, fixed or {}, keep, overlays or {}, quantiles,
    )  # fmt: skip
    if beside is not None and _same_chains(beside, found):
        found._levels.update(beside._levels)
        found._derived.update(beside._derived)
    return found
