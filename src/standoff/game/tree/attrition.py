"""Games of attrition as trees: both sides wait for the other to give way, with time cut into dates.

- `audience_costs`: the cost of backing down grows with time; a side may also attack (Fearon 1994).
- `reputation`: a side may be one that never gives way (Abreu and Gul 2000).
- `waiting`: waiting costs as much for both, the prize is worth more to some (Bishop, Cannings and Maynard Smith 1978).

At every date both sides move at once. If both give way at the same date, a coin says who was first. A game of infinite
time is cut at the last date; what happens then is said in each.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from standoff.game.tree.build import Branch, Builder, Number
from standoff.game.tree.classics import Kinds
from standoff.game.tree.tree import Tree

ONE, TWO = "1", "2"
Pair = tuple[Number, Number]
Pay = Callable[[str, int], Pair]
"""Payoffs by how it ends (`1`, `2`: who gives way; `both`, `war`, `end`) and the number of the date."""


def audience_costs(
    prize: Number, slopes: tuple[Number, Number], costs: tuple[Kinds, Kinds], dates: Sequence[Number]
) -> Tree:
    """At every date a side quits, escalates or attacks; quitting at t costs slope × t, war a private cost.

    The other side of one that quits gets the prize. An attack is war, unless the other quits at the same date. At the
    last date a side quits or attacks. Fearon (1994), American Political Science Review 88:577-592.

    Args:
        prize: what is at stake, for both.
        slopes: audience cost per unit of time, of 1 and 2.
        costs: of war, of 1 and 2.
        dates: when they move, rising from 0.

    Returns:
        The game. Sets `1:type:date` and `2:type:date`, outcomes `1 quits at date`, `2 quits at date`, `both quit at
        date`, `war at date`, dates numbered from 0.
    """
    value, slope = Fraction(prize), tuple(Fraction(each) for each in slopes)
    times = [Fraction(time) for time in dates]
    game = Builder("attrition under audience costs", (ONE, TWO))
    words = {"1": "1 quits", "2": "2 quits", "both": "both quit", "war": "war", "end": "war"}
    for branch, one, two in _pairs(game, costs):
        pay = partial(_pay_audience, value, (slope[0], slope[1]), times, (-costs[0].values[one], -costs[1].values[two]))
        moves = [("quit", "escalate", "attack")] * (len(times) - 1) + [("quit", "attack")]
        _race(game, branch, (f"1:{one}", f"2:{two}"), moves, pay, words)
    return game.tree()


def reputation(demands: tuple[Number, Number], rates: Pair, committed: Pair, dates: Sequence[float]) -> Tree:
    """Each side demands a share and gives way or holds; with some chance it is one that always holds.

    If i gives way, i gets 1 − the demand of j and j its demand, discounted. Committed sides have no move. Without
    agreement at the last date both get nothing. Abreu and Gul (2000), Econometrica 68:85-117, with one demand a side.

    Args:
        demands: of 1 and 2, in shares of a prize of 1, over 1 together.
        rates: of discount per unit of time.
        committed: chance that a side is committed.
        dates: when they move, rising from 0.

    Returns:
        The game. Sets `1:date` and `2:date` (of the rational types); outcomes as in `audience_costs`, with `1
        concedes`, `2 concedes`, `both concede` and `no agreement`.
    """
    own, rate = tuple(Fraction(each) for each in demands), tuple(float(each) for each in rates)
    chances = [(1 - Fraction(each), Fraction(each)) for each in committed]
    game = Builder("reputational bargaining", (ONE, TWO))
    words = {"1": "1 concedes", "2": "2 concedes", "both": "both concede", "end": "no agreement"}
    kinds = (Kinds((Fraction(0), Fraction(1)), chances[0]), Kinds((Fraction(0), Fraction(1)), chances[1]))

    def pay(how: str, date: int) -> Pair:
        left = [Fraction(math.exp(-each * dates[date])) for each in rate]
        lose, win = (1 - own[1], 1 - own[0]), own
        table = {
            "1": (lose[0], win[1]),
            "2": (win[0], lose[1]),
            "both": ((lose[0] + win[0]) / 2, (lose[1] + win[1]) / 2),
            "end": (Fraction(0), Fraction(0)),
        }
        return (table[how][0] * left[0], table[how][1] * left[1])

    for branch, one, two in _pairs(game, kinds):
        movers = ("" if one else "1", "" if two else "2")
        _race(game, branch, movers, [("concede", "hold")] * len(dates), pay, words)
    return game.tree()


def waiting(values: tuple[Kinds, Kinds], dates: Sequence[Number]) -> Tree:
    """Each side pays 1 per unit of time until one gives way; the other then gets its own private value.

    If both hold at the last date, a coin says who gets it. Bishop, Cannings and Maynard Smith (1978), Journal of
    Theoretical Biology 74:377-388; Krishna and Morgan (1997), Journal of Economic Theory 72:343-362.

    Args:
        values: of the prize, of 1 and 2.
        dates: when they move, rising from 0.

    Returns:
        The game. Sets `1:type:date` and `2:type:date`; outcomes as in `audience_costs`, with `1 concedes`, `2
        concedes`, `both concede` and `draw`.
    """
    times = [Fraction(time) for time in dates]
    game = Builder("war of attrition", (ONE, TWO))
    words = {"1": "1 concedes", "2": "2 concedes", "both": "both concede", "end": "draw"}
    for branch, one, two in _pairs(game, values):
        pay = partial(_pay_waiting, times, (values[0].values[one], values[1].values[two]))
        _race(game, branch, (f"1:{one}", f"2:{two}"), [("concede", "hold")] * len(times), pay, words)
    return game.tree()


def _pay_audience(
    prize: Fraction, slopes: tuple[Fraction, Fraction], times: Sequence[Fraction], war: Pair, how: str, date: int
) -> Pair:
    one, two = (-slope * times[date] for slope in slopes)
    if how == "both":
        return ((prize + one) / 2, (prize + two) / 2)
    return {"1": (one, prize), "2": (prize, two)}.get(how, war)


def _pay_waiting(times: Sequence[Fraction], worth: tuple[Fraction, Fraction], how: str, date: int) -> Pair:
    part = {"1": (0, 2), "2": (2, 0)}.get(how, (1, 1))
    return (worth[0] * part[0] / 2 - times[date], worth[1] * part[1] / 2 - times[date])


def _pairs(game: Builder, kinds: tuple[Kinds, Kinds]) -> list[tuple[Branch, int, int]]:
    """Nature draws both types, one after the other."""
    first = game.chance(None, "type of 1", {str(i): chance for i, chance in enumerate(kinds[0].chances)})
    found: list[tuple[Branch, int, int]] = []
    for one in range(len(kinds[0].values)):
        second = game.chance(first[str(one)], "type of 2", {str(i): c for i, c in enumerate(kinds[1].chances)})
        found.extend((second[str(two)], one, two) for two in range(len(kinds[1].values)))
    return found


def _race(
    game: Builder,
    branch: Branch,
    movers: tuple[str, str],
    moves: Sequence[tuple[str, ...]],
    pay: Pay,
    words: dict[str, str],
) -> None:
    """All dates for a pair of types. A mover of empty name always does the second of the moves."""
    for date, options in enumerate(moves):
        last = date + 1 == len(moves)
        steps = _steps(game, branch, ONE, movers[0], date, options)
        for first, middle in steps:
            for second, after in _steps(game, middle, TWO, movers[1], date, options):
                how = _how(options.index(first), options.index(second), last)
                if how:
                    text = words["end"] if how == "end" else words[how]
                    game.end(after, f"{text} at {date}", pay(how, date))
                else:
                    branch = after


def _steps(
    game: Builder, branch: Branch, player: str, mover: str, date: int, options: tuple[str, ...]
) -> list[tuple[str, Branch]]:
    """What a side may do here, and where it leads."""
    if not mover:
        return [(options[1], branch)]
    place = game.move(branch, player, f"{mover}:{date}", options)
    return [(option, place[option]) for option in options]


def _how(first: int, second: int, last: bool) -> str:
    """How two moves end the game: 0 gives way, 1 holds, 2 attacks; empty if it goes on."""
    if first == 0 or second == 0:
        return "both" if first == second else ("1" if first == 0 else "2")
    if last:
        return "end"
    return "war" if first == 2 or second == 2 else ""
