"""The host's page: games of this case, and a form that opens one more."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from standoff.app.api_asked import GameAsked
from standoff.app.blocks import card, column, columns, facts, say, scroll, tag, text
from standoff.app.table.frame import frame
from standoff.app.table.links import shown_once
from standoff.app.table.seats import Fields
from standoff.app.table.visit import Visit
from standoff.app.table.words import count
from standoff.play.briefing import RulesInside
from standoff.play.room import Seat

STATUS = {"open": "going on", "paused": "paused", "over": "over"}
DEBRIEF = {"end": "all, once the game is over", "facilitator": "the facilitator alone"}


async def build(visit: Visit) -> None:
    """The form, and the list."""
    rules = visit.words.rules
    with frame(visit, "standoff play", [("Games", "/")]):
        with tag("div", "head"):
            text("h1", rules.case)
            if isinstance(rules, RulesInside):
                text("p", rules.summary, "answer")
        with columns("1.2fr 1fr 0.9fr"):
            with column(), card("Open a game"), scroll("Open a game"), tag("div", "form"):
                form = Form(visit)
            with column(), card("Games"), scroll("Games") as place:
                pass
            with column(), card("The case"), scroll("The case"):
                facts([
                    ("Coercer", rules.leaders["coercer"]), ("Target", rules.leaders["target"]),
                    ("Demand", rules.demand), ("Begins", f"{rules.starts.day} {rules.starts:%B %Y}"),
                    ("Rounds", f"{rules.rounds} of {rules.round_days} days"),
                    ("Ladder", count(len(rules.ladder), "rung")),
                    ("Offers", count(len(rules.packages), "package")),
                ])  # fmt: skip
    games = Games(visit, place)
    form.opened = games.refresh
    await games.refresh()


class Form:
    """Everything that is chosen when a game is opened."""

    def __init__(self, visit: Visit) -> None:
        """Draw the form."""
        self.visit = visit
        self.opened: Callable[[], Awaitable[None]] | None = None
        words = visit.words
        self.title = ui.input("What players see it called", value=words.rules.case).props("maxlength=200")
        self.seats, self.kinds = {}, {}
        with tag("div", "two"):
            for side in ("coercer", "target"):
                with tag("fieldset", "seat"):
                    text("legend", f"{words.name(side)} ({side})")
                    self.seats[side] = Fields(visit, "person", None, None)
                    kinds = dict(enumerate(words.rules.types[side]))
                    self.kinds[side] = ui.select({-1: "drawn by chance", **kinds}, value=-1, label="Private type")
                    self.kinds[side].props("dense outlined options-dense")
        with tag("div", "two"):
            self.seconds = ui.number("Seconds a move (blank: no clock)", min=1, max=7 * 86400, format="%d")
            self.seed = ui.number("Seed (blank: drawn)", min=0, format="%d")
            self.paused = ui.select({False: "at once", True: "when the facilitator says go on"}, value=False,
                                    label="Begins")  # fmt: skip
            self.debrief = ui.select(DEBRIEF, value="end", label="Debrief is for")
        for one in (self.title, self.seconds, self.seed, self.paused, self.debrief):
            one.props("dense outlined options-dense")
        text("p", "A program takes the seat of a person and plays over the API. A precision says how closely a mind "
             "keeps to what pays best. A view that is not solved yet takes up to a minute.", "note")  # fmt: skip
        self.said = text("p", "", "said").props('role="status"')
        ui.button("Open the game", on_click=visit.once(self._open)).props("unelevated no-caps")
        self.links = tag("div", "once")

    def _asked(self) -> dict[str, Any] | None:
        found: dict[str, Any] = {"title": str(self.title.value or "").strip(), "paused": self.paused.value,
                                 "debrief": self.debrief.value}  # fmt: skip
        for side, fields in self.seats.items():
            asked = fields.asked(self._told)
            if asked is None:
                return None
            found[side] = asked
        for name, field in (("seconds", self.seconds), ("seed", self.seed)):
            if field.value not in ("", None):
                found[name] = int(field.value)
        kinds = [self.kinds[side].value for side in ("coercer", "target")]
        if (kinds[0] < 0) != (kinds[1] < 0):
            self._told("Let both private types be drawn, or choose both.")
            return None
        return found | ({} if kinds[0] < 0 else {"types": tuple(kinds)})

    def _told(self, words: str) -> None:
        say(self.said, words)

    async def _open(self) -> None:
        wanted, visit = self._asked(), self.visit
        if wanted is None:
            return

        def act() -> tuple[str, dict[str, str]]:
            asked = GameAsked.model_validate(wanted)
            seats = {"coercer": Seat(**asked.coercer.model_dump()), "target": Seat(**asked.target.model_dump())}
            return visit.room.open_game(
                asked.title, seats=seats, seed=asked.seed, types=asked.types, seconds=asked.seconds,
                paused=asked.paused, debrief=asked.debrief, lasts=asked.lasts, wait=False,
            )  # fmt: skip

        made = await visit.ask(act, self._told)
        if made is not None:
            self._told("The game is open.")
            self.links.clear()
            with self.links:
                shown_once(visit, made[1])
                _go("Go to the facilitator’s page", made[1]["facilitator"])
            if self.opened is not None:
                await self.opened()


def _go(name: str, token: str) -> None:
    """A button that comes in by a link."""
    ui.button(name, on_click=lambda: ui.navigate.to(f"/join#{token}")).props("unelevated no-caps")


class Games:
    """The games of this store."""

    def __init__(self, visit: Visit, place: ui.element) -> None:
        """Nothing is asked for yet."""
        self.visit, self.place = visit, place

    async def refresh(self) -> None:
        """Ask for the games anew."""
        found = await self.visit.ask(lambda: self.visit.room.games(self.visit.caller), ui.notify)
        if found is None:
            return
        self.place.clear()
        with self.place:
            mine = [row for row in found if row["case_id"] == self.visit.room.case.crisis.id]
            if not mine:
                text("p", "No game yet.", "note")
            with tag("ul", "links"):
                for row in sorted(mine, key=lambda row: -row["created"]):
                    with tag("li"):
                        text("span", row["title"], "who")
                        text("span", STATUS[row["status"]], "day")
                        self._enter(row["id"])

    def _enter(self, game: str) -> None:
        async def enter() -> None:
            token = await self.visit.ask(lambda: self.visit.room.facilitate(self.visit.caller, game), ui.notify)
            if token is not None:
                ui.navigate.to(f"/join#{token}")

        ui.button("Run it", on_click=self.visit.once(enter), color=None).props(
            f'flat no-caps dense aria-label="Run it: game {game}"'
        )
