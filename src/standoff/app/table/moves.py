"""A player's own moves: what each means, what the adviser says of it, and a move made only after a second word.

A move is shown as made once the room has answered, which it does when the move is on disk.
"""

from html import escape

from nicegui import ui

from standoff.app.blocks import raw, say, scroll, tag, text
from standoff.app.table import advice
from standoff.app.table.visit import Visit, new_key
from standoff.app.table.words import chance, worth
from standoff.play.sight import Choice, PlayerSight


class Moves:
    """The part of a player's page in which he moves."""

    def __init__(self, visit: Visit) -> None:
        """Draw it now, and whenever his moves or his adviser's word change."""
        self.visit, self.words = visit, visit.words
        self.chosen: Choice | None = None
        self.place = tag("div", "moves")
        self.said = text("p", "", "said").props('role="status"')
        visit.part(self.place, self._key, self._draw)

    def _key(self, sight: PlayerSight) -> object:
        mine = sight.mine
        return mine.options, mine.advice, sight.status, sight.to_move, sight.turn

    def _draw(self, sight: PlayerSight) -> None:
        mine = sight.mine
        other = self.words.other(mine.side)
        if sight.ending is not None:
            text("p", f"{self.words.ending(sight.ending)}.", "big")
            unit = "prize" if mine.side == "coercer" else "office"
            text("p", f"It has paid you {worth(mine.paid)} (1 = {unit}, discounted to the first day).")
            if sight.debrief:
                text("p", "The debrief says what each believed and misread.", "note")
        elif not mine.options:
            text("p", f"It is {self.words.name(other)}’s turn.")
            if mine.advice is not None:
                with scroll("What your adviser expects"):
                    advice.expects(self.words, mine.advice, other)
        else:
            self._choose(sight)

    def _choose(self, sight: PlayerSight) -> None:
        mine = sight.mine
        if self.chosen not in mine.options:
            self.chosen = None
        with scroll("Moves you can make"), tag("fieldset", "options"):
            text("legend", "Moves you can make", "hidden-words")
            if mine.advice is not None:
                with tag("div", "option heads", aria_hidden="true"):
                    text("span", "")
                    text("span", "move")
                    text("span", "chance by your solution")
            for option in mine.options:
                self._option(sight, option)
        with tag("div", "after"):
            self.answer = tag("div", "answer-place")
            with tag("div", "controls"):
                self.button = ui.button("Make this move …", on_click=self._confirm).props("unelevated no-caps")
                self._ready(sight)
            self._expected(sight)

    def _option(self, sight: PlayerSight, option: Choice) -> None:
        mine = sight.mine
        likely = advice.would(mine.advice, option) if mine.advice is not None else None
        with tag("label", "option"):
            box = tag("input", type="radio")
            box.props["name"] = "move"
            if option == self.chosen:
                box.props["checked"] = "checked"

            def choose() -> None:
                self.chosen = option
                say(self.said, "")
                self._ready(sight)
                self._expected(sight)

            box.on("change", choose, args=[])
            with tag("span", "what"):
                text("span", self.words.act(option), "name")
                meaning = self.words.meaning(option, mine.side, ends=option.ends)
                if meaning:
                    text("span", meaning, "meaning")
            if likely is not None:
                raw("span", f'<span class="fill" style="width:{100 * likely:.1f}%" aria-hidden="true"></span>'
                    f'<span class="number"><span class="hidden-words">the solution does this with a chance of </span>'
                    f"{escape(chance(likely))}</span>", "likely")  # fmt: skip

    def _ready(self, sight: PlayerSight) -> None:
        paused = sight.status == "paused"
        self.button.set_enabled(self.chosen is not None and not paused)
        self.button.text = "The game is paused" if paused else "Make this move …"

    def _expected(self, sight: PlayerSight) -> None:
        mine = sight.mine
        self.answer.clear()
        with self.answer:
            if self.chosen is None:
                text("p", "Choose a move to see what your adviser expects in answer.", "note")
            elif mine.advice is not None and not self.chosen.ends:
                advice.answers(self.words, mine.advice, self.chosen, self.words.other(mine.side))
            elif self.chosen.ends:
                text("p", "This ends the game: there is no answer to it.", "note")

    def _confirm(self) -> None:
        option, sight = self.chosen, self.visit.sight
        if option is None or option not in sight.mine.options:
            return
        key, turn, round_, name = new_key(), sight.turn, sight.round, self.words.act(option)
        with self.visit.body or self.place, ui.dialog() as dialog, ui.card().classes("asking"):
            dialog.props('aria-label="Make this move?"')
            text("h2", f"Make this move? {name}")
            meaning = self.words.meaning(option, sight.mine.side, ends=option.ends)
            text("p", f"{meaning} It cannot be taken back.".strip())
            wrong = text("p", "", "said").props('role="status"')

            async def send() -> None:
                say(wrong, "Sending …")
                done = await self.visit.ask(
                    lambda: self.visit.room.move(
                        self.visit.caller, key, turn, option.move, option.rung, option.package
                    ),
                    lambda words: say(wrong, words),
                )
                if done is not None:
                    self.chosen = None
                    say(self.said, f"Accepted and on record: {name} (round {round_}).")
                    dialog.close()

            with tag("div", "controls"):
                ui.button("Confirm", on_click=self.visit.once(send)).props("unelevated no-caps autofocus")
                ui.button("Not yet", on_click=dialog.close, color=None).props("flat no-caps")
        dialog.on("hide", dialog.delete)
        dialog.open()
