"""Screen: what rests on which sources, and how thin are they?"""

import datetime as dt

from standoff.case.number import Number, walk
from standoff.case.reason import is_generic
from standoff.show.figures.drawing import Drawing
from standoff.show.figures.sources import documents, reasons
from standoff.show.screens.screen import Block, Findings, Picture, Screen, Table, Words, row
from standoff.show.words import count, day, listed, sentence
from standoff.simulate.record import event_day

ROWS, COLUMNS, QUESTIONS = 15, 12, 4
MANY, PLACES = 8, 6
"""With more documents than this their table takes the width of the page; places that are named."""


def evidence(found: Findings) -> Screen:
    """Documents, origins, contradictions, and how the numbers are backed."""
    audit = found.evidence
    left: list[Block] = []
    origins = [o for o in audit.origins if o.claims]
    if origins:
        left.append(Picture(_matrix(found)))
    below: list[Block] = []
    if audit.documents:
        (left if len(audit.documents) <= MANY else below).append(documents_of(found))
    right: list[Block] = []
    table = numbers(found)
    if table:
        right.append(Picture(reasons(table)))
    right.append(hindsight_of(found))
    if audit.contradictions:
        right.append(contradictions(found, QUESTIONS))
    question = "What rests on which sources, and how thin are they?"
    return Screen("sources", question, answer_of(found), tuple(left), tuple(right), tuple(below), note_of(found))


def answer_of(found: Findings) -> str:
    """How well the case is supported, in a sentence or two."""
    s = found.evidence.summary
    if not s["claims"]:
        return "The case holds no claim: nothing in it can be traced to a source."
    carry = "carries" if s["documents"] == 1 else "carry"
    asked = count(s["contradictions"], "question") if s["contradictions"] else "no question"
    share = s["claims_on_one_anonymous_origin"] / s["claims"]
    outside = s["claims_in_no_document"]
    public = f" and public sources another {outside}, from" if outside else " of"
    repeat = s["documents_that_merely_repeat"]
    return (
        f"{sentence(count(s['documents'], 'document'))} {carry} {count(s['claims'] - outside, 'claim')}{public} "
        f"{count(s['origins'], 'first source')}, {s['origins_anonymous']} of them anonymous"
        + (
            f"; {count(repeat, 'document')} merely repeat{'s' if repeat == 1 else ''} another"
            if repeat
            else "; no document merely repeats another"
        )
        + (
            f", but {count(shared, 'origin')} speak{'s' if shared == 1 else ''} through several"
            if (shared := s["origins_in_several_documents"])
            else ""
        )
        + f". {share:.0%} of the claims rest on one anonymous source alone, and on "
        f"{asked} the sources contradict each other. "
        f"Of {s['numbers']} numbers {s['numbers_judgement'] + s['numbers_generic']} are judgement with no source "
        "named" + (f", {s['numbers_generic']} of them generic priors." if s["numbers_generic"] else ".")
    )


def label_of(found: Findings, name: str) -> str:
    """A document by its id and outlet, or author where the outlet is unknown."""
    document = next(d for d in found.evidence.documents if d.id == name)
    if document.outlet != "unknown":
        return f"{name}: {document.outlet}"
    return f"{name}: {document.author}" if document.author != "unknown" else f"{name}: outlet unknown"


def _matrix(found: Findings) -> Drawing:
    case, audit = found.loaded.case, found.evidence
    ids = [d.id for d in sorted(audit.documents, key=lambda d: -d.claims)[:COLUMNS]]
    ids = [d.id for d in audit.documents if d.id in ids]
    origins = [o for o in audit.origins if o.claims]
    counts = {o.id: [sum(c.origin == o.id and i in c.chain for c in case.claims) for i in ids] for o in origins}
    held = [o for o in origins if any(counts[o.id])]
    rows = [(o.name, o.anonymous, counts[o.id]) for o in held[:ROWS]]
    return documents(ids, rows, len(origins) - len(rows), len(audit.documents) - len(ids))


def documents_of(found: Findings) -> Table:
    """The documents, and what each carries."""
    rows = []
    every = found.evidence.documents
    for d in sorted(every, key=lambda d: -d.claims)[: COLUMNS if len(every) <= MANY else None]:
        shared = sorted({other for s in d.shares for other in s.documents})
        tie = (
            f"repeats {listed(list(d.repeats))}"
            if d.repeats
            else f"shares an origin with {listed(shared)}"
            if shared
            else "–"
        )
        rows.append(row(f"{label_of(found, d.id)}. {d.about}", d.date, str(d.claims), str(len(d.origins)), tie))
    return Table("", ("Document", "Date", "Claims", "Origins", "Ties"), tuple(rows), wordy=(1, 4))


def contradictions(found: Findings, most: int) -> Table:
    """Questions on which sources contradict each other: those with most independent origins first."""
    every = sorted(found.evidence.contradictions, key=lambda c: -len({s.origin for a in c.answers for s in a.sayings}))
    rows = []
    for c in every[:most]:
        said = []
        for a in c.answers:
            who = {s.origin: s.anonymous for s in a.sayings}
            hidden = sum(who.values())
            open_ = "" if not hidden else ", anonymous" if hidden == len(who) else f", {hidden} anonymous"
            said.append(f"“{a.answer}” ({count(len(who), 'origin')}{open_})")
        rows.append(row(c.text, "; ".join(said)))
    left = len(every) - len(rows)
    return Table(
        "Where sources contradict each other",
        ("Question", "Answers, and how many independent origins give them"),
        tuple(rows),
        f"{count(left, 'more question')} at the end of the report" if left > 0 else "",
    )


def kind(number: Number, path: str, bare: set[str]) -> str:
    """How a number is backed."""
    if number.because:
        return "both" if number.judgement else "source"
    if is_generic(number):
        return "generic"
    if number.judgement:
        return "judgement"
    return "none" if path in bare else "item"


def numbers(found: Findings) -> list[tuple[str, dict[str, int]]]:
    """Numbers by part of the case and kind of reason."""
    case = found.loaded.case
    bare = {b.path for b in found.evidence.numbers_without_reason}
    zero = {f"issues.{i.id}.terms.{i.terms[0].id}.{n}" for i in case.issues for n in ("gain", "price")}
    table: dict[str, dict[str, int]] = {}
    for path, number in walk(case):
        part = path.split(".")[0]
        if path in zero:
            continue
        counts = table.setdefault(part, {})
        key = kind(number, path, bare)
        counts[key] = counts.get(key, 0) + 1
    return sorted(table.items(), key=lambda item: -sum(item[1].values()))


def hindsight_of(found: Findings) -> Words:
    """Which numbers could be known only after the crisis, and are used all the same."""
    late = late_numbers(found)
    places = list(dict.fromkeys(_place(found, path) for path, _ in late))
    if not late:
        return Words(("No number is marked as known only later.",), "Hindsight")
    until = found.tree.attrs.get("until")
    line = f"{until}" if until else "the last event on record"
    return Words(
        (
            f"{sentence(count(len(late), 'number'))} could be known only after "
            f"{line if not until else day(dt.date.fromisoformat(until))} "
            f"and {'is' if len(late) == 1 else 'are'} used all the same. What the report says of chances is "
            f"therefore said with hindsight. They belong to: {'; '.join(places[:PLACES])}"
            f"{f'; and {len(places) - PLACES} more' if len(places) > PLACES else ''}.",
        ),
        "Hindsight",
    )


def _place(found: Findings, path: str) -> str:
    """Where a number stands: a difference by its holder and title, anything else by its path."""
    parts = path.split(".")
    if parts[0] == "views" and len(parts) > 3:
        view = next((v for v in found.loaded.case.views if v.id == parts[1]), None)
        one = next((d for d in view.differences if d.id == parts[3]), None) if view is not None else None
        if view is not None and one is not None:
            inside = ", as the other sees him" if view.inside is not None else ""
            return f"{found.names.side(view.holder)}{inside}: “{one.title}”"
    return path


def late_numbers(found: Findings) -> list[tuple[str, dt.date]]:
    """Numbers that could be known only from the day of the ending (or after `until`) on."""
    until = found.tree.attrs.get("until")
    event = found.record.ending
    end = event_day(event) if event else None
    line = dt.date.fromisoformat(until) + dt.timedelta(days=1) if until else end or found.loaded.case.crisis.starts
    return [
        (path, n.public_from)
        for path, n in walk(found.loaded.case)
        if n.public_from and n.public_from >= line and not path.startswith("parameters.extra")
    ]


def note_of(found: Findings) -> str:
    """How many anchors were verified against documents, and how."""
    s = found.evidence.summary
    if not s["anchors"]:
        anchors = "No claim is anchored in a passage of a document: the sources are named, not held."
    elif not found.documents:
        anchors = (
            f"{sentence(count(s['anchors'], 'anchor'))} into the documents were not checked: the documents "
            "were not given (name their folder with --documents)."
        )
    elif s["anchors_verified"] == s["anchors"]:
        anchors = f"All {s['anchors']} anchors match the documents given, character by character."
    else:
        anchors = (
            f"{s['anchors_verified']} of {s['anchors']} anchors match the documents given; "
            f"{s['anchors_not_matching']} do not, {s['anchors_not_checked']} could not be checked."
        )
    return (
        f"{anchors} A first source is where a chain of attribution ends; claims of one first source are one piece "
        "of evidence, however many documents carry them. "
        + (f"{sentence(count(s['claims_without_anchor'], 'claim'))} without anchor. " if s["anchors"] else "")
        + f"{s['events_uncertain']} of {s['events']} events have an uncertain date or reading. "
        "These are counts of the case, not chances; an allegation is a claim of somebody, never a statement of "
        "this report."
    )
