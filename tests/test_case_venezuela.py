"""The shipped case of 2025: whole, neutral, reasoned, anchored, and without a sentence of its sources."""

import re
from pathlib import Path

import pytest

from standoff.case.anchor import check_anchors
from standoff.case.audit import audit
from standoff.case.copies import copies
from standoff.case.load import LoadedCase, load_case
from standoff.case.number import walk

NAME = "venezuela-2025"
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src" / "standoff" / "cases" / NAME
SEEDS = ROOT.parent / "shared" / "seeds"
RUN = 8
"""Words in a row that count as a piece of a sentence."""
MODEL = ("ladder", "issues", "packages", "channels", "parameters", "views", "world", "events")
EPITHETS = re.compile(
    r"dictator|strongm[ae]n|\bthugs?\b|henchm[ae]n|narco-?(state|terror|regime|traffi)|tyrant|despot|\bregime\b"
    r"|puppet|warlord|\bkingpin|\bcrony|\bcronies|\bclan\b|\brogue\b|\bjunta\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def loaded() -> LoadedCase:
    return load_case(NAME)


def files() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}


def documents() -> dict[str, str]:
    paths = sorted(SEEDS.glob("*.txt"))
    if not paths:
        pytest.skip("the analyst's copies of the documents are not beside the repository (../shared/seeds)")
    return {path.name: path.read_bytes().decode("utf-8") for path in paths}


def runs(text: str, length: int = RUN) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower().replace("’", "'"))
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_counts(loaded: LoadedCase) -> None:
    found = audit(loaded).summary
    least = {"documents": 5, "claims": 60, "contradictions": 8, "forecasts": 15, "packages": 6, "events": 60}
    assert {name: count for name, count in least.items() if found[name] < count} == {}


def test_shape(loaded: LoadedCase) -> None:
    case = loaded.case
    assert (case.crisis.round_days, case.crisis.rounds, len(case.ladder)) == (14, 17, 8)
    playable = [package.offered_by for package in case.packages if package.playable]
    assert playable.count("target") == 3
    assert 1 <= playable.count("coercer") <= 3
    for side in ("coercer", "target"):
        view = case.view_of(side)  # type: ignore[arg-type]
        assert view is not None
        assert 3 <= len(view.differences) <= 10


def test_every_number_has_a_unit_and_a_reason(loaded: LoadedCase) -> None:
    bare = [
        path
        for part in MODEL
        for path, number in walk(getattr(loaded.case, part), part)
        if not (number.unit and number.reasoned)
    ]
    assert bare == []
    assert audit(loaded).summary["numbers_without_reason"] == 0


def test_every_difference_of_a_view_has_a_reason(loaded: LoadedCase) -> None:
    assert [d.id for view in loaded.case.views for d in view.differences if not d.because] == []


def test_every_event_is_backed(loaded: LoadedCase) -> None:
    events = loaded.case.events
    assert [e.id for e in events if not e.because and not all(a.because for a in e.accounts)] == []
    assert [e.id for e in events if not e.because and not e.accounts] == []


def test_the_call_has_three_accounts(loaded: LoadedCase) -> None:
    call = next(event for event in loaded.case.events if event.id == "call")
    assert len(call.accounts) == 3
    assert sum(account.weight.centre for account in call.accounts) == pytest.approx(1.0)


def test_the_ending(loaded: LoadedCase) -> None:
    ends = [event for event in loaded.case.events if event.ends is not None]
    assert [(event.date.on.isoformat(), event.ends, event.mode) for event in ends if event.date.on] == [
        ("2026-01-03", "force", "captured")
    ]


def test_what_is_told_afterwards_is_marked(loaded: LoadedCase) -> None:
    late = [c.id for c in loaded.case.claims if c.chain[0] == "d0" and not c.retrospective]
    assert late == []


def test_hindsight_in_the_chance_of_success_is_dated(loaded: LoadedCase) -> None:
    counted = loaded.case.world.priors["force"]["class_capture_30d"]
    assert counted.beta == (2.5, 3.5)
    assert str(counted.public_from) == "2026-01-03"
    view = loaded.case.view_of("target")
    assert view is not None
    before = next(d for d in view.differences if d.id == "force-would-fail").set["world.priors.force.class_capture_30d"]
    assert before.number.beta == (1.5, 3.5)


def test_in_the_base_news_is_taken_as_it_comes(loaded: LoadedCase) -> None:
    senses = loaded.case.world.perception
    for side in (senses.coercer, senses.target):
        for number in (side.bias, side.layers, side.layer_loss, side.layer_delay):
            assert number is not None
            assert number.value == 0


def test_what_caracas_ascribes_to_washington_bears_its_own_names(loaded: LoadedCase) -> None:
    views = {view.id: view for view in loaded.case.views}
    outer = views["caracas"]
    assert outer.other is not None
    inner = views[outer.other]
    assert (inner.holder, inner.inside, outer.alternative) == ("coercer", outer.id, "base")
    own = {difference.id: difference for difference in outer.differences}
    shared = [difference for difference in inner.differences if difference.id in own]
    assert len(shared) == 5
    for difference in shared:
        assert difference.set.items() <= own[difference.id].set.items()


def test_only_loose_chains_are_warned_of(loaded: LoadedCase) -> None:
    assert {problem.kind for problem in loaded.problems} <= {"chain"}


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_neutral_words(name: str) -> None:
    text = re.sub(r"https?://\S+", "", files()[name])
    assert EPITHETS.findall(text) == []


def test_anchors(loaded: LoadedCase) -> None:
    documents()
    checks = check_anchors(loaded.case, copies(loaded.case.documents, SEEDS))
    assert len(checks) >= 60
    assert [check.claim for check in checks if check.state != "verified"] == []


def test_no_sentence_of_a_document() -> None:
    source = {name: runs(text) for name, text in documents().items()}
    shared = {
        (mine, theirs, " ".join(run))
        for mine, text in files().items()
        for theirs, known in source.items()
        for run in runs(text) & known
    }
    assert shared == set()
