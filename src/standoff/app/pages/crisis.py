"""Crisis: what happened, on the ladder, and what each event rests on."""

from html import escape

from nicegui import events as ng
from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import crisis as charts
from standoff.app.data import Desk
from standoff.app.events import Backing, Happening, climbs, happenings
from standoff.app.repeats import repeats
from standoff.app.shell import Page, State
from standoff.show.words import count, sentence

QUESTION = "What happened, and who says so?"


def build(desk: Desk, state: State) -> None:
    """The ladder with its events, the chosen event with its claims, and who repeats whom."""
    case, every = desk.loaded.case, happenings(desk)
    blocks.head(QUESTION, _answer(desk))
    if not every:
        blocks.text("p", "The case holds no event yet.")
        return
    ids = [event.id for event in every]
    first = next((e.id for e in reversed(every) if e.ends), ids[-1])
    state.values["event"] = state.chosen("event", ids, first)
    span = charts.span(every, case.crisis.starts, case.crisis.ends)
    rungs = [charts.short(rung.title) for rung in case.ladder]
    lanes = {"coercer": desk.names.coercer, "target": desk.names.target, "third": "others"}

    def choose(name: str | None) -> None:
        if name in ids and name != state.get("event"):
            state.set(event=name)
            picker.value = name
            detail.refresh()
            stage.refresh()
            graph.refresh()

    def clicked(event: ng.EChartPointClickEventArguments) -> None:
        choose(event.name)

    def step(by: int) -> None:
        choose(ids[(ids.index(state.get("event")) + by) % len(ids)])

    @ui.refreshable
    def stage() -> None:
        blocks.chart(
            charts.ladder(every, climbs(desk), rungs, span, lanes, state.get("event")), tall=380, on_click=clicked
        )

    @ui.refreshable
    def detail() -> None:
        _event(desk, every[ids.index(state.get("event"))])

    @ui.refreshable
    def graph() -> None:
        chosen = every[ids.index(state.get("event"))]
        only = state.get("chains") == "event"
        names = {backing.id for backing in chosen.backing}
        claims = [c for c in case.claims if c.id in names] if only else list(case.claims)
        if not claims:
            blocks.text("p", "No claim of the case stands behind this event.", "note")
            return
        found = repeats(desk, claims)
        blocks.chart(charts.repeated(found), tall=420, wide=760)
        left = f" Not drawn, but counted: {count(found.more, 'more first source')}." if found.more else ""
        note = "Lines: chains of attribution, as wide as claims are many. Number: claims that pass. "
        blocks.text("p", f"{note}Open, italic: anonymous.{left}", "note")

    with blocks.columns("1.45fr 1fr"):
        with blocks.column():
            with blocks.card("Events on the ladder", weight=1.1):
                blocks.legend((("●", f"{lanes['coercer']}, on the rung where he stood"), ("◆", lanes["target"]),
                               ("▲", "third parties"), ("■", "nature"), ("filled", "a move of the game"),
                               ("open", "a signal or context"), ("?", "accounts differ")))  # fmt: skip
                stage()
                before = [e for e in every if e.day is None or not span[0] <= e.day <= span[1]]
                if before:
                    note = f"{sentence(count(len(before), 'event'))} outside these months: in the list of events."
                    blocks.text("p", note, "note")
            with blocks.card("Who repeats whom"):
                with blocks.tag("div", "controls beside"):
                    ui.toggle(
                        {"all": "All claims", "event": "Behind this event"}, value=state.get("chains") or "all",
                        on_change=lambda e: state.set(graph.refresh, chains="" if e.value == "all" else e.value),
                    ).props('dense no-caps unelevated aria-label="Which claims"')  # fmt: skip
                graph()
        with blocks.column(), blocks.card("The event"):
            with blocks.tag("div", "controls").style("flex-wrap: nowrap"):
                ui.button(icon="chevron_left", on_click=lambda: step(-1)).props(
                    'flat dense round aria-label="Event before"'
                )
                picker = ui.select(
                    {e.id: f"{e.when}: {e.title}" for e in every}, value=state.get("event"), with_input=True,
                    on_change=lambda e: choose(e.value),
                ).classes("col")  # fmt: skip
                picker.props('dense outlined options-dense aria-label="Event" label="Event (type to search)"')
                ui.button(icon="chevron_right", on_click=lambda: step(1)).props(
                    'flat dense round aria-label="Event after"'
                )
            with blocks.scroll("The event and its claims"):
                detail()


def _answer(desk: Desk) -> str:
    case, s = desk.loaded.case, desk.audit.summary
    moves = sum(event.counts for event in happenings(desk))
    return (
        f"{case.crisis.summary} {sentence(count(len(case.events), 'event'))}, {moves} of them moves of the game, rest "
        f"on {count(s['claims'], 'claim')} of {count(s['origins'], 'first source')} in "
        f"{count(s['documents'], 'document')} and on public sources."
    )


def _event(desk: Desk, event: Happening) -> None:
    whose = {"coercer": desk.names.coercer, "target": desk.names.target, "third": "a third party", "nature": "nature"}
    blocks.text("h3", event.title)
    facts = [event.when, f"by {whose[event.side]}"]
    facts.append(f"counted as: {event.move}" if event.move else "no move of the game: a signal or context")
    blocks.text("p", " · ".join(facts), "note")
    if event.readings:
        body = "".join(
            f"<p><b>{escape(one.weight)}</b> {escape(one.says)}{f' ({escape(one.move)})' if one.move else ''}</p>"
            for one in event.readings
        )
        blocks.raw("div", f"<p>Accounts differ; each with its weight (judgement):</p>{body}", "words judged")
    if event.backing:
        blocks.text("h3", f"{sentence(count(len(event.backing), 'claim'))} behind it")
        blocks.raw("div", "".join(claim_html(one) for one in event.backing))
    if event.sources:
        blocks.text("h3", "Public sources")
        blocks.raw("div", "".join(f'<p class="claim">{source_html(*one)}</p>' for one in event.sources))
    if not event.backing and not event.sources:
        blocks.text("p", "Nothing is named that it rests on.")


def source_html(name: str, url: str) -> str:
    """A public source, linked where it has an address."""
    if not url:
        return escape(name)
    return f'<a href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer">{escape(name)}</a>'


def claim_html(one: Backing) -> str:
    """A claim with its chain of attribution and, where it is at hand, its passage; all text is escaped."""
    marks = "".join(f' <span class="tag">{escape(mark)}</span>' for mark in one.marks)
    links = []
    for k, link in enumerate(one.chain):
        arrow = '<li class="arrow" aria-hidden="true">←</li>' if k else ""
        anonymous = link.anonymous
        hidden = " (anonymous)" if anonymous else ""
        links.append(f"{arrow}<li{' class=anonymous' if anonymous else ''}>{escape(link.name)}{hidden}</li>")
    named = "Chain of attribution, from the document to the first source"
    chain = f'<ol class="chain" aria-label="{named}">{"".join(links)}</ol>'
    passage = ""
    if one.quotation is not None:
        q = one.quotation
        passage = (
            f'<blockquote class="quotation">{escape(q.before)}<mark>{escape(q.text)}</mark>{escape(q.after)}'
            "</blockquote>"
        )
    return (
        f'<div class="claim"><p>{escape(one.says)}{marks}</p>{chain}{passage}'
        f'<p class="note">{escape(one.anchor)} · {escape(one.when)}</p></div>'
    )


PAGE = Page("/crisis", "Crisis", build)
