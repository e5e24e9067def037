"""The evidence audit on a small invented crisis with invented documents."""

import hashlib
import io
import json

import pytest

from standoff.case.anchor import check_anchors
from standoff.case.audit import audit
from standoff.case.copies import copies
from standoff.case.listing import listing
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE, new_case
from standoff.errors import UserError

FIRST = "The mill stands idle. An aide said the lamps were bought in May — all forty of them. Nobody paid."
SECOND = "It was reported elsewhere that the lamps were bought in May. The clerk says there were twelve lamps."
THIRD = "According to the first paper an aide said the lamps were bought in May, and the mill stands idle."
LOST = "A paper that the analyst has mislaid says the lamps are green."


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def anchor(document: str, text: str, words: str, shift: int = 0) -> str:
    start = text.index(words) + shift
    return f"{{document: {document}, start: {start}, end: {start + len(words)}, sha256: {digest(words)}}}"


EVIDENCE = f"""
origins:
  - {{id: aide, name: An aide, kind: anonymous}}
  - {{id: clerk, name: The clerk, kind: person}}
  - {{id: painter, name: A painter, kind: anonymous}}
documents:
  - {{id: first, about: lamps, date: 2031-04-01, sha256: {digest(FIRST)}}}
  - {{id: second, about: lamps, date: 2031-04-03, sha256: {digest(SECOND)}}}
  - {{id: third, about: lamps, date: 2031-04-05, sha256: {digest(THIRD)}}}
  - {{id: lost, about: lamps, date: unknown, sha256: {digest(LOST)}}}
questions:
  - {{id: when-bought, text: When were the lamps bought?}}
  - {{id: how-many, text: How many lamps are there?}}
claims:
  - id: may
    says: The lamps were bought in May.
    chain: [first, aide]
    question: when-bought
    answer: May
    anchor: {anchor("first", FIRST, "the lamps were bought in May")}
  - id: may-again
    says: The lamps were bought in May.
    chain: [second, aide]
    question: when-bought
    answer: "may "
    anchor: {anchor("second", SECOND, "the lamps were bought in May", shift=4)}
  - id: may-repeated
    says: The lamps were bought in May.
    chain: [third, first, aide]
    question: when-bought
    answer: May
    anchor: {anchor("third", THIRD, "the lamps were bought in May")}
  - id: forty
    says: There are forty lamps.
    chain: [first, aide]
    question: how-many
    answer: forty
    anchor: {anchor("first", FIRST, "all forty of them")}
  - id: twelve
    says: There are twelve lamps.
    chain: [second, clerk]
    question: how-many
    answer: twelve
    anchor: {{document: second, start: 0, end: 9, sha256: {digest("something else")}}}
  - id: green
    says: The lamps are green.
    chain: [lost, painter]
    anchor: {anchor("lost", LOST, "the lamps are green")}
  - id: blue
    says: The lamps are blue.
    chain: [lost, clerk]
    contradicts: [green]
events: []
forecasts: []
"""


@pytest.fixture
def loaded(tmp_path):
    folder = tmp_path / "case"
    new_case(folder)
    (folder / "evidence.yaml").write_text(EVIDENCE)
    for name in ("crisis.yaml", "bargain.yaml", "numbers.yaml", "views.yaml"):
        text = (folder / name).read_text()
        for cited in ("ships", "offer", "garrison"):
            text = text.replace(f"because: [{cited}]", "because: [may]")
        (folder / name).write_text(text)
    return load_case(folder)


@pytest.fixture
def library(tmp_path):
    """The analyst's copies, under names of her own; one document is not among them."""
    folder = tmp_path / "library" / "scans"
    folder.mkdir(parents=True)
    for name, text in (("a.txt", FIRST), ("b.md", SECOND), ("third", THIRD)):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / "picture.png").write_bytes(b"\x89PNG\x00\xff" * 1000)
    return folder.parent


def test_anchors(loaded, library):
    states = {check.claim: check for check in audit(loaded, library).anchors}
    assert {name: check.state for name, check in states.items()} == {
        "may": "verified",
        "may-again": "not matching",
        "may-repeated": "verified",
        "forty": "verified",
        "twelve": "not matching",
        "green": "document missing",
    }
    moved = SECOND.index("the lamps were bought in May")
    assert states["may-again"].moved_to == (moved, moved + 28)
    assert states["twelve"].moved_to is None


def test_anchor_needs_every_character(loaded, library):
    (library / "first.txt").write_text(FIRST.replace("were bought", "was bought"), encoding="utf-8")
    (library / "scans" / "a.txt").unlink()
    found = audit(loaded, library)
    row = next(row for row in found.documents if row.id == "first")
    assert (row.copy, row.file) == ("found by name", "first.txt")
    states = {check.claim: check for check in found.anchors}
    assert states["may"].state == "not matching"
    assert states["may"].moved_to is None
    start = FIRST.index("all forty of them")
    assert states["forty"].moved_to == (start - 1, start + 16)


def test_without_documents_nothing_is_checked(loaded):
    found = audit(loaded)
    assert {check.state for check in found.anchors} == {"not checked"}
    assert found.near_duplicates is None
    assert {row.copy for row in found.documents} == {"not checked"}


def test_quotations_only_on_request(loaded, library):
    quoted = {c.claim: c.quotation for c in audit(loaded, library, quotes=True).anchors if c.quotation}
    assert quoted["forty"] == "all forty of them"
    assert set(quoted) == {"may", "may-repeated", "forty"}
    assert "all forty" not in json.dumps(audit(loaded, library).as_dict())
    assert all(check.quotation is None for check in check_anchors(loaded.case, None, quotes=True))


def test_origins_and_who_repeats_whom(loaded):
    found = audit(loaded)
    by_id = {row.id: row for row in found.documents}
    assert by_id["first"].repeats == ()
    assert by_id["second"].repeats == ()  # the clerk is its own
    assert by_id["third"].repeats == ("first",)
    assert by_id["lost"].repeats == ()
    aide = next(row for row in found.origins if row.id == "aide")
    assert aide.claims == ("may", "may-again", "may-repeated", "forty")
    assert aide.documents == ("first", "second", "third")
    aide, clerk = by_id["second"].shares
    assert (aide.origin, aide.documents, aide.claims) == ("aide", ("first", "third"), ("may-again",))
    assert (clerk.origin, clerk.documents, clerk.claims) == ("clerk", ("lost",), ("twelve",))
    summary = found.summary
    assert summary["documents"] == 4
    assert summary["origins_in_several_documents"] == 2  # the clerk is in `second` and in `lost`
    assert summary["documents_that_merely_repeat"] == 1
    assert (summary["origins"], summary["origins_with_a_name"], summary["origins_anonymous"]) == (3, 1, 2)


def test_claims_on_one_anonymous_origin(loaded, tmp_path):
    assert [row.claim for row in audit(loaded).thin] == ["may", "may-again", "may-repeated", "forty", "green"]
    evidence = tmp_path / "case" / "evidence.yaml"
    text = evidence.read_text().replace("    contradicts: [green]", "    supports: [green]")
    text = text.replace("chain: [second, aide]", "chain: [second, clerk]")
    evidence.write_text(text)
    assert [row.claim for row in audit(load_case(tmp_path / "case")).thin] == ["forty"]


def test_contradictions_by_question(loaded):
    numbers, colours = audit(loaded).contradictions
    assert numbers.question == "how-many"
    assert [answer.answer for answer in numbers.answers] == ["forty", "twelve"]
    assert numbers.answers[1].sayings[0].chain == ("second", "clerk")
    assert colours.question is None
    assert [answer.sayings[0].claim for answer in colours.answers] == ["green", "blue"]


def test_near_duplicates(loaded, library):
    (library / "second-copy").mkdir()
    long = " ".join(f"word{i % 97} other{i % 89}" for i in range(400))
    text = (loaded.root / "evidence.yaml").read_text()
    for name, old in (("first", FIRST), ("third", THIRD)):
        new = f"{old} {long}"
        (library / "second-copy" / f"{name}.txt").write_text(new, encoding="utf-8", newline="")
        text = text.replace(digest(old), digest(new))
    (loaded.root / "evidence.yaml").write_text(text)
    (pair,) = audit(load_case(loaded.root), library).near_duplicates
    assert (pair.first, pair.second) == ("first", "third")
    assert pair.share > 0.8


def test_numbers_without_reason(tmp_path):
    folder = tmp_path / "case"
    new_case(folder)
    assert audit(load_case(folder)).numbers_without_reason == ()
    text = (folder / "bargain.yaml").read_text()
    bare = text.replace("kept: {beta: [6, 2], judgement: Sarn has kept its word before}", "kept: {beta: [6, 2]}")
    (folder / "bargain.yaml").write_text(bare)
    (row,) = audit(load_case(folder)).numbers_without_reason
    line = next(i for i, line in enumerate(bare.splitlines(), 1) if "kept: {beta: [6, 2]}" in line)
    assert (row.path, row.place, row.value) == (
        "packages.safe-leave.kept",
        f"bargain.yaml:{line}:11",
        "beta [6, 2]",
    )


def test_events_of_uncertain_date_or_reading(tmp_path):
    new_case(tmp_path / "case")
    found = audit(load_case(tmp_path / "case"))
    assert [row.id for row in found.events if row.uncertain] == ["message"]
    assert found.summary["events_uncertain"] == 1


def test_new_case_verifies_with_its_own_documents(tmp_path):
    new_case(tmp_path / "case")
    found = audit(load_case(tmp_path / "case"), tmp_path / "case" / "documents")
    assert {check.state for check in found.anchors} == {"verified"}


def test_folder_of_documents_must_exist(tmp_path):
    with pytest.raises(UserError, match="there is no such folder of documents"):
        copies(load_case(TEMPLATE).case.documents, tmp_path / "nowhere")


def test_odd_files_are_passed_over(loaded, library):
    (library / "link.txt").symlink_to("/dev/zero")
    (library / "first.bin").write_bytes(b"\xff\xfe" * 1000)
    with (library / "hole.txt").open("wb") as stream:
        stream.truncate(80 * 2**20)
    assert audit(loaded, library).summary["anchors_verified"] == 3


def test_pages_fit_a_hundred_columns(loaded, library):
    from rich.console import Console

    console = Console(width=100, file=io.StringIO(), record=True)
    for section in listing(audit(loaded, library, quotes=True)):
        console.print(section)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "third merely repeats first" in text
    assert "How many lamps are there?" in text
