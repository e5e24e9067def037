"""The facilitator's hand: news, a scene, levels, removal from within; and the clock, the pause and the stop."""

from typing import Any

from nicegui import ui

from standoff.app.api_asked import ClockAsked, InjectionAsked
from standoff.app.blocks import say, tag, text
from standoff.app.table.visit import Visit, new_key
from standoff.app.table.words import COHESION, SQUEEZE

WHAT = {
    "news": "News (changes nothing in the game)", "scene": "A scene that one adviser sees",
    "levels": "Levels of patronage and circle", "removal": "The leader is removed from within",
}  # fmt: skip


class Inject:
    """Something is brought about."""

    def __init__(self, visit: Visit) -> None:
        """Draw the form."""
        self.visit, where = visit, visit.sight.where
        names = {"coercer": visit.words.name("coercer"), "target": visit.words.name("target")}
        self.what = ui.select(WHAT, value="news", label="What happens", on_change=lambda: self._fit())
        self.to_all = ui.select({"all": "all", **names}, value="all", label="Who learns of it")
        self.to_one = ui.select(names, value="target", label="Whose adviser sees it")
        self.side = ui.select({"third": "somebody else", "nature": "nature"}, value="third", label="Whose doing")
        self.ratio = ui.number("Log-likelihood ratio for the other being firm, −10 to 10", value=1.0, min=-10, max=10)
        self.squeeze = ui.select(dict(enumerate(SQUEEZE)), value=where.squeeze, label="Patronage (squeeze)")
        self.cohesion = ui.select(dict(enumerate(COHESION)), value=where.cohesion, label="Circle (cohesion)")
        self.words = ui.textarea("What is told").props("autogrow maxlength=600")
        for one in (
            self.what,
            self.to_all,
            self.to_one,
            self.side,
            self.ratio,
            self.squeeze,
            self.cohesion,
            self.words,
        ):
            one.props("dense outlined options-dense").classes("field")
        self.said = text("p", "", "said").props('role="status"')
        self.key = new_key()
        ui.button("Bring it about", on_click=visit.once(self._send)).props("unelevated no-caps dense")
        self._fit()

    def _fit(self) -> None:
        """Show the fields that what was chosen needs."""
        what = self.what.value
        for one, where in ((self.to_all, "news"), (self.side, "news"), (self.to_one, "scene"), (self.ratio, "scene"),
                           (self.squeeze, "levels"), (self.cohesion, "levels")):  # fmt: skip
            one.set_visibility(what == where)
        self.words.set_visibility(what in ("news", "scene"))

    def _asked(self) -> dict[str, Any]:
        what, told = self.what.value, str(self.words.value or "").strip()
        if what == "news":
            return {"what": what, "text": told, "side": self.side.value, "to": self.to_all.value}
        if what == "scene":
            return {"what": what, "to": self.to_one.value, "ratio": self.ratio.value, "text": told}
        if what == "levels":
            return {"what": what, "squeeze": self.squeeze.value, "cohesion": self.cohesion.value}
        return {"what": what}

    async def _send(self) -> None:
        visit, key, wanted = self.visit, self.key, self._asked()

        def act() -> object:
            asked = InjectionAsked.model_validate({"key": key, "injection": wanted})
            return visit.room.inject(visit.caller, asked.key, asked.injection.model_dump())

        if await visit.ask(act, lambda words: say(self.said, words)) is not None:
            self.key, self.words.value = new_key(), ""
            say(self.said, "On record.")


class Clock:
    """Pause and go on, the seconds for a move, the end."""

    def __init__(self, visit: Visit) -> None:
        """Draw it now, and whenever the clock or the state changes."""
        self.visit = visit
        with tag("div", "controls running") as self.place:
            visit.part(self.place, lambda sight: (sight.status, sight.seconds), self._draw)

    def _draw(self, sight: Any) -> None:  # noqa: ANN401 (what the facilitator sees)
        if sight.status == "over":
            return
        running = sight.status == "open"
        self.seconds = ui.number("Seconds for a move (blank: no clock)", value=sight.seconds, min=1, format="%g")
        self.seconds.props("dense outlined").classes("seconds")

        async def tell(*, run: bool) -> None:
            value = self.seconds.value if self.seconds.value not in ("", None) else None

            def act() -> None:
                asked = ClockAsked(running=run, seconds=value)
                self.visit.room.set_clock(self.visit.caller, running=asked.running, seconds=asked.seconds)

            await self.visit.do(act, lambda words: ui.notify(words, type="warning"))

        async def turn() -> None:
            await tell(run=not running)

        async def stay() -> None:
            await tell(run=running)

        ui.button("Set", on_click=self.visit.once(stay), color=None).props(
            'flat no-caps dense aria-label="Set the clock"'
        )
        ui.button("Pause" if running else "Go on", on_click=self.visit.once(turn)).props("unelevated no-caps dense")
        ui.button("End the game …", on_click=self._stop, color=None).props("outline no-caps dense")

    def _stop(self) -> None:
        key = new_key()
        with self.visit.body or self.place, ui.dialog() as dialog, ui.card().classes("asking"):
            dialog.props('aria-label="End the game?"')
            text("h2", "End the game?")
            text("p", "It ends as stopped, for all. This cannot be taken back.")
            wrong = text("p", "", "said").props('role="status"')

            async def send() -> None:
                done = await self.visit.ask(
                    lambda: self.visit.room.inject(self.visit.caller, key, {"what": "stop"}),
                    lambda words: say(wrong, words),
                )
                if done is not None:
                    dialog.close()

            with tag("div", "controls"):
                ui.button("End it", on_click=self.visit.once(send)).props("unelevated no-caps")
                ui.button("Not yet", on_click=dialog.close, color=None).props("flat no-caps autofocus")
        dialog.on("hide", dialog.delete)
        dialog.open()
