"""Games of the crisis bargaining literature as trees, with continuous types as many discrete ones.

- `ultimatum`: a demand under a private cost of war (Fearon 1995).
- `preventive_war`: a demand before and after a shift of power (Fearon 1995, Powell 2006).
- `threat`: challenge, resist, stand firm, with private costs on both sides (Schultz 1999, Lewis and Schultz 2003).
- `chain_store`: a target that meets several challengers in turn (Kreps and Wilson 1982).
- `trust`: cooperation between sides that may be untrustworthy, in one round or several (Kydd 2000).

Games in which both sides wait for the other to give way stand in `attrition`; what is known of the solutions in
`closed`. Payoffs are in units of the prize unless said otherwise. Types are numbered from 0 in the order given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist

from standoff.errors import UserError
from standoff.game.tree.build import Branch, Builder, Number
from standoff.game.tree.tree import Tree

A, B = "A", "B"
COOPERATE = ("cooperate", "defect")


@dataclass(frozen=True)
class Kinds:
    """A distribution over finitely many types: value of each, and its chance (chances sum to one exactly)."""

    values: tuple[Fraction, ...]
    chances: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if len(self.values) != len(self.chances) or sum(self.chances) != 1:
            raise UserError("Give every type one chance; the chances sum to one exactly, for example 1/3 each.")


def kinds(values: Sequence[Number], chances: Sequence[Number] | None = None) -> Kinds:
    """Types with the given values; equally likely if no chances are given."""
    exact = tuple(Fraction(value) for value in values)
    if chances is None:
        return Kinds(exact, (Fraction(1, len(exact)),) * len(exact))
    return Kinds(exact, tuple(Fraction(chance) for chance in chances))


def uniform(low: Number, high: Number, number: int) -> Kinds:
    """Uniform on [low, high]: cells of equal width, each at its middle."""
    width = (Fraction(high) - Fraction(low)) / number
    return kinds([Fraction(low) + width * Fraction(2 * i + 1, 2) for i in range(number)])


def normal(number: int, edge: float = 3.0) -> Kinds:
    """Standard normal: cells of equal width on [−edge, edge], the outer ones without end, each at its mean."""
    curve = NormalDist()
    cuts = [edge * (2 * i / number - 1) for i in range(1, number)]
    below = [Fraction(0), *(Fraction(curve.cdf(cut)) for cut in cuts), Fraction(1)]
    dense = [0.0, *(curve.pdf(cut) for cut in cuts), 0.0]
    chances = [after - before for before, after in pairwise(below)]
    steps = zip(pairwise(dense), chances, strict=True)
    return kinds([(before - after) / float(chance) for (before, after), chance in steps], chances)


def exponential(rate: float, number: int) -> Kinds:
    """Exponential with density rate exp(−rate x): cells of equal chance, each at its median."""
    return kinds([-math.log1p(-(2 * i + 1) / (2 * number)) / rate for i in range(number)])


def ultimatum(win: Number, cost: Number, other: Kinds, demands: Sequence[Number]) -> Tree:
    """A demands a share of a prize of 1, B accepts or fights; B alone knows its cost of war.

    War gives A `win` − `cost` and B 1 − `win` − its cost. Fearon (1995), International Organization 49:379-414, the
    model of private information and its appendix.

    Args:
        win: chance that A wins a war.
        cost: A's cost of war.
        other: B's costs of war.
        demands: shares among which A chooses.

    Returns:
        The game. Sets `A` and `B:type:demand`, with demands numbered; outcomes `peace` and `war`.
    """
    win, cost, shares = Fraction(win), Fraction(cost), [Fraction(share) for share in demands]
    game = Builder("ultimatum under a private cost of war", (A, B))
    names = [str(i) for i in range(len(shares))]
    nature = _nature(game, None, "cost of B", other)
    for kind, own in enumerate(other.values):
        demand = game.move(nature[kind], A, A, names)
        for name, share in zip(names, shares, strict=True):
            answer = game.move(demand[name], B, f"B:{kind}:{name}", ("accept", "fight"))
            game.end(answer["accept"], "peace", (share, 1 - share))
            game.end(answer["fight"], "war", (win - cost, 1 - win - own))
    return game.tree()


def preventive_war(
    now: Number, later: Number, discount: Number, costs: tuple[Number, Number], demands: tuple[Sequence[Number], ...]
) -> Tree:
    """A, whose chance to win rises, demands shares; B accepts or attacks, before and after the shift.

    Every period has a prize of 1; a war decides all periods from then on. After the shift nothing changes any more, so
    one demand stands for the share of each of the infinitely many later periods. Fearon (1995), pp. 401-409; Powell
    (2006), International Organization 60:169-203.

    Args:
        now: chance that A wins a war in the first period.
        later: the same in every later period.
        discount: worth of the next period's prize in this period's, for both.
        costs: of war for A and B, paid once.
        demands: shares among which A chooses, in the first period and in the later ones.

    Returns:
        The game. Sets `A`, `B:demand`, `A:demand`, `B:demand:demand`; outcomes `war now`, `war later`, `peace`.
    """
    win, rate = (Fraction(now), Fraction(later)), Fraction(discount)
    cost, all_later = tuple(Fraction(each) for each in costs), rate / (1 - rate)
    game = Builder("a shift of power", (A, B))
    war = [(chance / (1 - rate) - cost[0], (1 - chance) / (1 - rate) - cost[1]) for chance in win]
    first, second = ([str(i) for i in range(len(shares))] for shares in demands)
    exact = [[Fraction(share) for share in shares] for shares in demands]
    opening = game.move(None, A, A, first)
    for name, share in zip(first, exact[0], strict=True):
        answer = game.move(opening[name], B, f"B:{name}", ("accept", "attack"))
        game.end(answer["attack"], "war now", war[0])
        sequel = game.move(answer["accept"], A, f"A:{name}", second)
        for again, rest in zip(second, exact[1], strict=True):
            reply = game.move(sequel[again], B, f"B:{name}:{again}", ("accept", "attack"))
            game.end(reply["accept"], "peace", (share + all_later * rest, 1 - share + all_later * (1 - rest)))
            game.end(reply["attack"], "war later", (share + rate * war[1][0], 1 - share + rate * war[1][1]))
    return game.tree()


@dataclass(frozen=True)
class Stakes:
    """Payoffs of the threat game that are common knowledge: A and B in each."""

    status_quo: tuple[Number, Number]
    concession: tuple[Number, Number]
    back_down: Number
    """Of B when A backs down."""


def threat(stakes: Stakes, war: Kinds, back_down: Kinds, other: Kinds) -> Tree:
    """A challenges or not; B concedes or resists; A stands firm, which is war, or backs down.

    A alone knows what war and backing down are worth to it, B alone what war is worth to it. Schultz (1999),
    International Organization 53:233-266, the game of a government without an opposition; Lewis and Schultz (2003),
    Political Analysis 11:345-367, the same with normal shocks.

    Args:
        stakes: the other payoffs.
        war: A's payoffs of war.
        back_down: A's payoffs of backing down, independent of `war`.
        other: B's payoffs of war.

    Returns:
        The game. Sets `A:war:back`, `B:war`, `A:war:back:resisted`; outcomes `status quo`, `concession`, `war` and
        `back down`.
    """
    game = Builder("a threat, resistance, and whether it is carried out", (A, B))
    sites = _nature(game, None, "war of A", war)
    for w, fight in enumerate(war.values):
        for r, retreat in enumerate(back_down.values):
            name = f"{w}:{r}"
            if r == 0:
                inner = _nature(game, sites[w], "back down of A", back_down)
            for o, (branch, own) in enumerate(
                zip(_nature(game, inner[r], "war of B", other), other.values, strict=True)
            ):
                first = game.move(branch, A, f"A:{name}", ("challenge", "pass"))
                game.end(first["pass"], "status quo", stakes.status_quo)
                answer = game.move(first["challenge"], B, f"B:{o}", ("resist", "concede"))
                game.end(answer["concede"], "concession", stakes.concession)
                last = game.move(answer["resist"], A, f"A:{name}:resisted", ("stand firm", "back down"))
                game.end(last["stand firm"], "war", (fight, own))
                game.end(last["back down"], "back down", (retreat, stakes.back_down))
    return game.tree()


def chain_store(gain: Number, quiet: Number, challengers: int, tough: Number) -> Tree:
    """A target meets challengers in turn; a tough target fights every entry, a weak one chooses.

    A challenger gets 0 if it stays out, `gain` if it enters and the target yields, `gain` − 1 if it is fought. The
    weak target gets `quiet` if nobody enters, 0 if it yields, −1 if it fights, added up. The tough type has no choice
    and gets nothing. Kreps and Wilson (1982), Journal of Economic Theory 27:253-279.

    Args:
        gain: of a challenger to whom the target yields, between 0 and 1.
        quiet: what the weak target gets from a challenger that stays out, over 1.
        challengers: how many there are.
        tough: chance that the target is tough.

    Returns:
        The game. Challengers `C3`, `C2`, `C1` count those that are left; sets `C3:past` and `T:past` for the weak
        target, a past being a word of `o` (out), `f` (fought) and `y` (yielded).
    """
    gain, quiet, tough = Fraction(gain), Fraction(quiet), Fraction(tough)
    names = [f"C{left}" for left in range(challengers, 0, -1)]
    game = Builder(f"chain store with {challengers} challengers", ("Target", *names))
    nature = game.chance(None, "target", {"weak": 1 - tough, "tough": tough})
    todo: list[tuple[Branch, bool, str, tuple[Fraction, ...]]] = [
        (nature[kind], kind == "weak", "", ()) for kind in ("weak", "tough")
    ]
    while todo:
        branch, weak, past, paid = todo.pop()
        if len(past) == challengers:
            own = sum({"o": quiet, "f": Fraction(-1), "y": Fraction(0)}[letter] for letter in past) if weak else 0
            game.end(branch, f"{'weak' if weak else 'tough'} {past}", (own, *paid))
            continue
        entry = game.move(branch, names[len(past)], f"{names[len(past)]}:{past}", ("enter", "stay out"))
        todo.append((entry["stay out"], weak, past + "o", (*paid, Fraction(0))))
        if weak:
            answer = game.move(entry["enter"], "Target", f"T:{past}", ("fight", "yield"))
            todo.append((answer["fight"], weak, past + "f", (*paid, gain - 1)))
            todo.append((answer["yield"], weak, past + "y", (*paid, gain)))
        else:
            todo.append((entry["enter"], weak, past + "f", (*paid, gain - 1)))
    return game.tree()


@dataclass(frozen=True)
class Trust:
    """Payoffs of a round for a side: both cooperate, it alone, both defect, it alone defects (by type)."""

    reward: Number
    sucker: Number
    punishment: Number
    temptation: tuple[Number, Number]
    """Of a trustworthy side (below `reward`) and of an untrustworthy one (over it)."""


def trust(payoffs: Trust, belief: Number, rounds: Sequence[Number] = (1,)) -> Tree:
    """Two sides cooperate or defect at once, each trustworthy with chance `belief`, which it alone knows.

    Kydd (2000), International Organization 54:325-357; Kydd (2005), Trust and Mistrust in International Relations. The
    letters of the payoffs and rounds of unequal weight, in which both move at once, are ours.

    Args:
        payoffs: of a round of weight 1.
        belief: chance that a side is trustworthy, the same for both and independent.
        rounds: weight of each round, played one after the other, each seen by both.

    Returns:
        The game. Sets `1:kind:past` and `2:kind:past`, a kind being `trusty` or `sly`, a past a word of `cc`, `cd`,
        `dc`, `dd` for each round.
    """
    both = ("trusty", "sly")
    fair = (Fraction(belief), 1 - Fraction(belief))
    pay = [Fraction(each) for each in (payoffs.reward, payoffs.sucker, payoffs.punishment)]
    tempt = {kind: Fraction(each) for kind, each in zip(both, payoffs.temptation, strict=True)}
    game = Builder("trust", ("1", "2"))
    pairs = {f"{one}/{two}": fair[i] * fair[j] for i, one in enumerate(both) for j, two in enumerate(both)}
    nature = game.chance(None, "kinds", pairs)

    def grow(branch: Branch, one: str, two: str, past: str, gets: tuple[Fraction, Fraction]) -> None:
        if len(past) == 2 * len(rounds):
            game.end(branch, past, gets)
            return
        weight = Fraction(rounds[len(past) // 2])
        mine = game.move(branch, "1", f"1:{one}:{past}", COOPERATE)
        for first in COOPERATE:
            his = game.move(mine[first], "2", f"2:{two}:{past}", COOPERATE)
            for second in COOPERATE:
                word = first[0] + second[0]
                table = {
                    "cc": (pay[0], pay[0]),
                    "cd": (pay[1], tempt[two]),
                    "dc": (tempt[one], pay[1]),
                    "dd": (pay[2], pay[2]),
                }
                more = (gets[0] + weight * table[word][0], gets[1] + weight * table[word][1])
                grow(his[second], one, two, past + word, more)

    for one in both:
        for two in both:
            grow(nature[f"{one}/{two}"], one, two, "", (Fraction(0), Fraction(0)))
    return game.tree()


def _nature(game: Builder, branch: Branch | None, label: str, drawn: Kinds) -> list[Branch]:
    """Nature draws a type; the branch of each."""
    place = game.chance(branch, label, {str(i): chance for i, chance in enumerate(drawn.chances)})
    return [place[str(i)] for i in range(len(drawn.values))]
