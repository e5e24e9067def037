"""Cables: messages between players and to or from the facilitator, latest first, and a form to write one."""

from html import escape

from nicegui import ui

from standoff.app.api_asked import MessageAsked
from standoff.app.blocks import raw, say, scroll, tag, text
from standoff.app.table.visit import Visit, new_key
from standoff.app.table.words import Words
from standoff.play.refusal import Refused
from standoff.play.room import TEXT
from standoff.play.sight import Public

TO = {
    "facilitator": ("all", "coercer", "target"), "coercer": ("target", "facilitator"),
    "target": ("coercer", "facilitator"), "observer": (),
}  # fmt: skip
SETTLE = 1000
"""Milliseconds without a further letter after which what is not sent yet is kept."""


def key(sight: Public) -> object:
    """What the list depends on."""
    return sight.messages


def draw(words: Words, sight: Public) -> None:
    """All messages that the caller may read."""
    if not sight.messages:
        text("p", "No messages yet.", "note")
        return
    found = []
    for one in reversed(sight.messages):
        mine = " mine" if one.sender == sight.role else ""
        who = f"{_named(words, one.sender, sight.role)} to {_named(words, one.to, sight.role)}"
        head = f'<span class="day">{escape(who)}, round {one.round}, {one.at:%H:%M} UTC</span>'
        found.append(f'<li class="cable{mine}">{head}<span class="body">{escape(one.text)}</span></li>')
    raw("ol", "".join(found), "cables")


def _named(words: Words, who: str, role: str) -> str:
    return "you" if who == role else words.name(who)


def build(visit: Visit) -> None:
    """The form, where the caller may write, and the list."""
    if TO[visit.caller.role]:
        _form(visit)
    with scroll("Messages") as place:
        visit.part(place, key, lambda sight: draw(visit.words, sight))


def _form(visit: Visit) -> None:
    role, room, caller = visit.caller.role, visit.room, visit.caller
    keys = [new_key()]
    draft = visit.sight.mine.draft if caller.side is not None else None
    with tag("div", "writing"):
        to = ui.select({one: visit.words.name(one) for one in TO[role]}, value=TO[role][0], label="To")
        to.props("dense outlined options-dense")
        body = ui.textarea("Message", value=draft or "").props(
            f"dense outlined autogrow maxlength={TEXT} debounce={SETTLE}"
        )
        said = text("p", "", "said").props('role="status"')

        async def send() -> None:
            words, one = str(body.value or ""), keys[0]

            def act() -> object:
                asked = MessageAsked(key=one, to=to.value, text=words)
                return room.message(caller, asked.key, asked.to, asked.text)

            if not words.strip():
                say(said, "Write something first.")
                return
            done = await visit.ask(act, lambda told: say(said, told))
            if done is not None:
                keys[0] = new_key()
                body.value = ""
                say(said, f"Sent to {visit.words.name(to.value)} and on record.")

        async def keep() -> None:
            words = str(body.value or "")
            await visit.ask(lambda: _keep(visit, words), lambda told: say(said, told))

        if caller.side is not None:
            body.on_value_change(keep)
        ui.button("Send", on_click=visit.once(send)).props("unelevated no-caps dense")


def _keep(visit: Visit, words: str) -> bool:
    """Keep what is not sent yet, unless it is kept already."""
    with_draft = visit.sight.mine.draft or ""
    if words != with_draft:
        if len(words) > TEXT:
            raise Refused(f"A message has 1 to {TEXT} characters.")
        visit.room.draft(visit.caller, words or None)
    return True
