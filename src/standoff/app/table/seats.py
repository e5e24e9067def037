"""The facilitator's view of both sides: type, who plays, what the adviser believes and expects; and how that is set."""

from typing import Any

from nicegui import ui

from standoff.app.api_asked import SeatAsked
from standoff.app.blocks import chances, facts, say, tag, text
from standoff.app.table.visit import Visit
from standoff.app.table.words import Words, chance, worth
from standoff.play.room import Seat
from standoff.play.shelf import views_of
from standoff.play.sight import FacilitatorSight, SeatInside

PLAYERS = {"person": "A person or a program", "strategy": "The solved strategy"}
SHOWN = 4
"""Moves of which the chances are shown."""


def build(visit: Visit, side: str) -> None:
    """One side."""
    with tag("div", "inside") as place:
        visit.part(
            place, lambda sight: (_seat(sight, side), sight.to_move), lambda sight: draw(visit.words, sight, side)
        )
    seat = _seat(visit.sight, side)
    with ui.expansion("Who plays it, view and precision").props("dense").classes("setting"):
        fields = Fields(visit, seat.player, seat.view, seat.precision)
        said = text("p", "", "said").props('role="status"')

        def told(words: str) -> None:
            say(said, words)

        async def give() -> None:
            asked = fields.asked(told)
            if asked is None:
                return
            if await visit.do(lambda: visit.room.set_seat(visit.caller, side, Seat(**asked.model_dump())), told):
                told("Set.")

        ui.button("Set", on_click=visit.once(give)).props("unelevated no-caps dense")


def _seat(sight: FacilitatorSight, side: str) -> SeatInside:
    return next(seat for seat in sight.seats if seat.side == side)


class Fields:
    """Who plays a side, by which view and at which precision."""

    def __init__(self, visit: Visit, player: str, view: str | None, precision: float | None) -> None:
        """Draw the fields with what they hold at first."""
        self.player = ui.select(PLAYERS, value=player, label="Who plays it")
        views = {name: name for name in views_of(visit.room.loaded)}
        self.view = ui.select({"": "the case’s own", **views}, value=view or "", label="View of its mind")
        self.precision = ui.number("Precision (blank: its own)", value=precision, min=0.01, max=50, format="%g")
        for one in (self.player, self.view, self.precision):
            one.props("dense outlined options-dense")

    def asked(self, say: Any) -> SeatAsked | None:  # noqa: ANN401 (what tells a mistake)
        """What is asked for, as the API takes it; a mistake is said."""
        try:
            precision = self.precision.value if self.precision.value not in ("", None) else None
            return SeatAsked(player=self.player.value, view=self.view.value or None, precision=precision)
        except ValueError:
            say("A precision from 0.01 to 50, or nothing for the view’s own.")
            return None


def draw(words: Words, sight: FacilitatorSight, side: str) -> None:
    """What stands at one side now."""
    seat = _seat(sight, side)
    unit = "prize" if side == "coercer" else "office"
    rows = [
        ("Type (secret)", seat.type_title),
        ("Played by", PLAYERS[seat.player].lower()),
        ("View", f"{seat.view}, precision {seat.precision:g}" if seat.precision else f"{seat.view}, its own precision"),
        ("Paid so far", f"{worth(seat.paid)} (1 = {unit})"),
    ]
    advised = seat.advice
    if advised is not None:
        other = words.name(words.other(side))
        rows.append(("Believes", f"{other} is firm: {chance(advised.other_firm)}; is thought firm: "
                     f"{chance(advised.thinks_me_firm)}"))  # fmt: skip
    facts(rows)
    if advised is None:
        return
    likely = advised.would_do or advised.expects
    title = "Its solution would now" if advised.would_do else f"It expects {words.name(words.other(side))} to"
    first = sorted(likely, key=lambda e: -e.chance)[:SHOWN]
    if first:
        rows_ = [(words.act(one), chance(one.chance), one.chance) for one in first]
        chances(f"{title}, chance (the {len(first)} likeliest)", rows_)
