"""Many rows of one act become one candidate: same day, same side, same code.

Tables repeat themselves: one article gives several rows, and one dispatch appears under many addresses. Counted are
rows, reports (different stories), sources (different hosts or publishers) and texts (stories whose words differ: copies
of one dispatch are one). The order of the rows and their division among files do not matter. Memory grows with the
number of candidates, not of rows: of each candidate the `KEPT` stories with the lowest hashes are kept, and counts
above `EXACT` are estimated from the lowest hashes (Bar-Yossef et al. 2002), with a standard error of 1/sqrt(EXACT), 3%.
"""

import datetime as dt
import hashlib
import heapq
from dataclasses import dataclass, field, replace

import numpy as np

from standoff.events.codes import Plover, act, to_plover
from standoff.events.report import Report

KEPT = 100
"""Stories of a candidate that are kept."""
EXACT = 1024
"""Different things up to which they are counted one by one."""
PAIRS = 50
"""Pairs of actors of a candidate that are kept."""
SHORT = 12
"""Words below which a text is compared by its words, else by three in a row."""
SAME, SAME_LONG = 0.7, 0.4
"""Share of them (Jaccard) from which two texts are taken for copies of one."""
PERMUTATIONS = 64


def hashed(text: str) -> int:
    """A number of 64 bits that stands for a text, the same in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


@dataclass
class Distinct:
    """Counts different things: exactly up to `EXACT`, from the lowest hashes beyond."""

    lowest: set[int] = field(default_factory=set)
    heap: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Take note of a thing by its hash."""
        if number in self.lowest:
            return
        if len(self.heap) < EXACT:
            heapq.heappush(self.heap, -number)
        elif number >= -self.heap[0]:
            return
        else:
            self.lowest.discard(-heapq.heappushpop(self.heap, -number))
        self.lowest.add(number)

    @property
    def exact(self) -> bool:
        """Whether the count is no estimate."""
        return len(self.heap) < EXACT

    @property
    def count(self) -> int:
        """How many different things there were."""
        return len(self.heap) if self.exact else round((EXACT - 1) / (-self.heap[0] / 2**64))


@dataclass(frozen=True, order=True)
class Story:
    """A text behind a candidate: its address or id, where it stands, what it is known by, when it became public."""

    added: dt.date
    name: str
    story: str
    outlet: str
    text: str


@dataclass(frozen=True)
class Key:
    """What makes one act: day, side, code; for others than the two leaders also who acts on whom."""

    date: dt.date
    side: str
    code: str
    alone: bool = False
    who: str = ""


@dataclass(frozen=True)
class Candidate:
    """An act that may become an event of a case.

    Attributes:
        key: Day, side and code.
        plover: The same in PLOVER.
        move: The move that the code suggests for that side, or `signal`.
        goldstein: Lowest and highest score of its rows; none without a score.
        rows: Rows of the tables.
        reports: Different stories.
        sources: Different hosts or publishers.
        texts: Stories whose words differ, among those kept.
        exact: Whether reports and sources are no estimates.
        articles: Most articles that a row counts by itself.
        added: First day on which a table had it; none where no table says.
        pairs: Who acts on whom, as the tables name them, most frequent first, with rows.
        stories: One story for each text, earliest first.
    """

    key: Key
    plover: Plover
    move: str
    goldstein: tuple[float, float] | None
    rows: int
    reports: int
    sources: int
    texts: int
    exact: bool
    articles: int
    added: dt.date | None
    pairs: tuple[tuple[str, str, int], ...]
    stories: tuple[Story, ...]


@dataclass
class Group:
    """A candidate while its rows come in."""

    key: Key
    rows: int = 0
    articles: int = 0
    low: float | None = None
    high: float | None = None
    added: dt.date | None = None
    reports: Distinct = field(default_factory=Distinct)
    outlets: Distinct = field(default_factory=Distinct)
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    kept: dict[int, Story] = field(default_factory=dict)
    highest: int = 2**64

    def add(self, report: Report) -> None:
        """Take in a row."""
        self.rows += 1
        self.articles = max(self.articles, report.articles)
        if report.goldstein is not None:
            self.low = report.goldstein if self.low is None else min(self.low, report.goldstein)
            self.high = report.goldstein if self.high is None else max(self.high, report.goldstein)
        if report.added is not None:
            self.added = report.added if self.added is None else min(self.added, report.added)
        pair = report.actor.name, report.recipient.name
        if pair in self.pairs or len(self.pairs) < PAIRS:
            self.pairs[pair] = self.pairs.get(pair, 0) + 1
        number = hashed(report.story or report.name)
        self.reports.add(number)
        self.outlets.add(hashed(report.outlet))
        if number < self.highest or number in self.kept:
            self._keep(number, report)

    def _keep(self, number: int, report: Report) -> None:
        story = Story(report.added or dt.date.max, report.name, report.story, report.outlet, report.text)
        self.kept[number] = min(story, self.kept.get(number, story))
        if len(self.kept) > KEPT:
            del self.kept[max(self.kept)]
        if len(self.kept) == KEPT:
            self.highest = max(self.kept)

    def candidate(self) -> Candidate:
        """What has come in; `told_apart` has still to look which stories are copies of others."""
        stories = sorted(self.kept.values())
        pairs = sorted(((a, b, n) for (a, b), n in self.pairs.items()), key=lambda p: (-p[2], p[0], p[1]))
        return Candidate(
            self.key, to_plover(self.key.code), act(self.key.code).move(self.key.side),
            None if self.low is None or self.high is None else (self.low, self.high),
            self.rows, self.reports.count, self.outlets.count, len(stories),
            self.reports.exact and self.outlets.exact, self.articles, self.added, tuple(pairs), tuple(stories),
        )  # fmt: skip


def told_apart(found: Candidate) -> Candidate:
    """The candidate with one story for each text, and their number."""
    firsts = _firsts([story.text for story in found.stories])
    return replace(found, stories=tuple(found.stories[k] for k in firsts), texts=len(firsts))


def _firsts(texts: list[str]) -> list[int]:
    """Positions of the texts that are no copy of an earlier one; a text without words is nobody's copy."""
    positions = {text: k for k, text in reversed(list(enumerate(texts))) if text}
    worded = sorted(positions.values())
    copies: set[int] = set()
    if len(worded) > 1:
        from datasketch import MinHash

        shingles = [_shingles(texts[k]) for k in worded]
        sketches = [MinHash(num_perm=PERMUTATIONS, seed=1) for _ in worded]
        for sketch, parts in zip(sketches, shingles, strict=True):
            sketch.update_batch(parts)
        values = np.stack([sketch.hashvalues for sketch in sketches])
        short = np.array([len(parts) < SHORT for parts in shingles])
        for k in range(1, len(worded)):
            shares = (values[:k] == values[k]).mean(axis=1)
            limits = np.where(short[:k] | short[k], SAME, SAME_LONG)
            if np.any(shares >= limits):
                copies.add(worded[k])
    return [k for k, text in enumerate(texts) if not text or (positions[text] == k and k not in copies)]


def _shingles(text: str) -> list[bytes]:
    words = text.casefold().split()
    size = 1 if len(words) < SHORT else 3
    return sorted({" ".join(words[k : k + size]).encode() for k in range(len(words) - size + 1)})
