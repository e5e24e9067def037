"""Who repeats whom: from the documents that carry claims to the first sources behind them."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from standoff.app.data import Desk
from standoff.app.events import Link, link
from standoff.case.evidence import Claim


@dataclass(frozen=True)
class Speaker:
    """A document or origin in the graph: how many of all claims pass it, and its place (layer from 0, row from 0)."""

    link: Link
    claims: int
    layer: int
    row: int
    origin: bool


@dataclass(frozen=True)
class Repeats:
    """The graph: speakers, links (from, to, claims), and how many first sources with fewer claims are left out."""

    speakers: tuple[Speaker, ...]
    links: tuple[tuple[str, str, int], ...]
    more: int


def repeats(desk: Desk, claims: list[Claim], most: int = 14) -> Repeats:
    """The chains of some claims as a graph in layers: documents first, each source after all who pass it on.

    Args:
        desk: The case.
        claims: The claims whose chains are drawn.
        most: First sources that are shown, those with most claims.
    """
    firsts = Counter(claim.origin for claim in claims)
    shown = {name for name, _ in firsts.most_common(most)}
    kept = [claim for claim in claims if claim.origin in shown]
    pairs: Counter[tuple[str, str]] = Counter()
    passing: Counter[str] = Counter()
    for claim in claims:
        passing.update(dict.fromkeys(claim.chain, 1))
    for claim in kept:
        pairs.update(_steps(claim.chain))
    layers = _layers(list(dict.fromkeys(name for claim in kept for name in claim.chain)), list(pairs))
    order = _ordered(layers, pairs, passing)
    speakers = tuple(
        Speaker(link(desk, name), passing[name], layer, row, name in firsts)
        for layer, names in enumerate(order)
        for row, name in enumerate(names)
    )
    return Repeats(speakers, tuple((a, b, n) for (a, b), n in pairs.items()), len(firsts) - len(shown))


def _steps(chain: list[str]) -> list[tuple[str, str]]:
    return [(a, b) for a, b in pairwise(chain) if a != b]


def _layers(names: list[str], pairs: list[tuple[str, str]]) -> dict[str, int]:
    """The longest way down to each; a circle of people who cite each other is cut after as many steps as names."""
    layers = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for a, b in pairs:
            if layers[b] < layers[a] + 1 <= len(names):
                layers[b] = layers[a] + 1
                moved = True
        if not moved:
            break
    return layers


def _ordered(layers: dict[str, int], pairs: Counter[tuple[str, str]], passing: Counter[str]) -> list[list[str]]:
    """Names by layer, each near those who pass it on, so that few lines cross."""
    order: list[list[str]] = []
    place: dict[str, float] = {}
    for rank in sorted(set(layers.values())):
        here = [name for name in layers if layers[name] == rank]
        here.sort(key=lambda name: (_middle(name, pairs, place), -passing[name]))
        place |= {name: (k + 0.5) / len(here) for k, name in enumerate(here)}
        order.append(here)
    return order


def _middle(name: str, pairs: Counter[tuple[str, str]], place: dict[str, float]) -> float:
    """The mean place of those who pass a source on, by their claims."""
    above = [(place[a], n) for (a, b), n in pairs.items() if b == name and a in place]
    weight = sum(n for _, n in above)
    return sum(p * n for p, n in above) / weight if weight else 0.0
