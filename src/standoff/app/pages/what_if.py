"""What if: change a misreading, a number, a move or a date, and see what that does to the endings, crisis by crisis."""

import time
from dataclasses import replace
from html import escape

from nicegui import ui

from standoff.app import blocks
from standoff.app import what_if_controls as controls
from standoff.app.charts.endings import endings as chances
from standoff.app.charts.what_if import MARKS, differences
from standoff.app.data import Desk
from standoff.app.endings import outcomes
from standoff.app.shell import Page, State
from standoff.app.what_if_answer import Answer, headline, shown, status, table, words
from standoff.app.what_if_asker import Asking, asker_of
from standoff.app.what_if_numbers import Dial, holder_of
from standoff.app.what_if_question import LETTERS, MORE, PINS, Question, from_state, mistake, to_state
from standoff.simulate.ask_again import CRISES, DRAWS

QUESTION = "What if it had been otherwise?"
SETTLE = 0.7
"""Seconds without a further change after which a question is asked."""
WARM = 1.5
"""Seconds after which a page that is still open has the case solved as it stands."""
BEAT = 0.25
STYLE = """
.misreading { display: flex; margin: 3px 0; align-items: flex-start; line-height: 1.3; }
.misreading .q-toggle__label { font-size: 13px; padding-left: 6px; }
.dial { border-top: 1px solid var(--grid); padding: 5px 0 3px; } .dial .name { font-weight: 500; font-size: 13px; }
.dial .handle { display: flex; gap: 14px; align-items: center; padding: 0 2px 0 8px; }
.dial .q-slider { flex: 1 1 auto; min-width: 80px; } .dial .q-field { width: 92px; flex: none; }
.dial .q-field__control, .dial .q-field__native { height: 30px !important; min-height: 30px !important; }
.dial input::placeholder { color: var(--soft); opacity: 1; }
.adding { display: flex; flex-direction: column; gap: 6px; padding: 4px 0 8px; }
.adding .q-btn { align-self: flex-start; }
.another { border: 1px solid var(--grid); border-radius: 4px; margin: 4px 0; }
.change { display: flex; gap: 6px; align-items: flex-start; font-size: 13px; padding: 1px 0; }
.change span { padding-top: 4px; }
.card .q-tab { min-height: 34px; } .card .q-tabs { color: var(--ink); flex: none; }
.working { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; flex: none; min-height: 34px; }
.working .q-linear-progress { flex: 1 1 120px; max-width: 260px; } .working .said { font-size: 13px; }
.earlier { opacity: 0.45; } .pins { flex: none; }
.pin { display: flex; gap: 4px; align-items: center; font-size: 13px; } .pin .q-btn { min-height: 22px; }
.pin span { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; min-width: 0; }
.body--dark .what-if { --q-primary: var(--link); }
.what-if .summary { flex: 0 0 auto; max-height: 210px; }
@media (max-width: 1000px) { .what-if .summary { max-height: none; } }
"""


class Visit:
    """One reader's page: his question, the answer on its way, and what is shown."""

    def __init__(self, desk: Desk, state: State) -> None:
        """Read the link."""
        self.desk, self.state, self.asker = desk, state, asker_of(desk)
        self.question, self.pins = from_state(state)
        self.asking: Asking | None = None
        self.behind: list[Question] = []
        self.due: float | None = 0.0 if self.question.settings else None
        self.opened = time.monotonic()
        self.added: list[tuple[str, ...]] = []
        self.wrong = ""
        self.last: tuple[Question, Answer] | None = None
        self.tab, self.dials = "views", list[Dial]()
        self.known = bool(self.asker.numbers)

    def change(self, question: Question, *, rebuild: bool = False) -> None:
        """Take a new question from the controls; it is asked once the reader has settled."""
        if question == self.question and not rebuild:
            return
        settled = self.due is None
        if question != self.question:
            if self.asking is not None and self.asking.question.settings:
                self.asker.stop(self.asking, self)
                self.asking = None
            self.question, self.due, self.wrong = question, time.monotonic() + SETTLE, ""
        if rebuild:
            self.controls.refresh()
        self.summary.refresh()
        if settled or rebuild:  # while a slider is drawn along, the picture is not drawn anew
            self.answer.refresh()

    def write(self) -> None:
        """The link to what is seen."""
        to_state(self.state, self.question, self.pins)

    def follow(self) -> None:
        """A beat: ask what is due, and tell how far it is."""
        now = time.monotonic()
        if self.due is not None and now >= self.due:
            self.due = None
            self.start()
        elif self.asking is None and not self.asker.ready and now > self.opened + WARM and not self.wrong:
            self.asking = self.asker.prepare(self)
            self.answer.refresh()
        if self.asking is not None:
            self.bar.value = self.asking.share
            self.said.text = self.progress(self.asking)
            if not self.asking.running:
                self.done(self.asking)
        if not self.known and self.asker.numbers:
            self.known = True
            if self.tab == "numbers" and any(self._computed(one) for one in self.dials):
                self.controls.refresh()

    def _computed(self, one: Dial) -> bool:
        """Whether what a dial says of its number was computed, and known only now."""
        holder, path = holder_of(self.desk.loaded.case, one.path)
        return path in self.asker.numbers.get(holder, {})

    def start(self) -> None:
        """Ask what is not answered yet: the question, then those that are pinned."""
        self.write()
        self.wrong = mistake(self.desk.loaded.case, self.question)
        wanted = [] if self.wrong else [q for q in (self.question, *self.pins) if q.settings]
        self.behind = [q for q in wanted if self.asker.answer(q) is None]
        self.next()

    def next(self) -> None:
        """Ask the next one that is wanted."""
        if self.asking is not None:
            self.asking.readers.discard(self)
        self.asking = self.asker.ask(self.behind.pop(0), self) if self.behind else None
        self.answer.refresh()

    def done(self, asking: Asking) -> None:
        """An answer came, or will not come."""
        self.asking = None
        if asking.state == "failed":
            self.wrong, self.behind = asking.why, []
        self.next()

    def stop(self) -> None:
        """The reader wants no answer any more."""
        self.behind = []
        if self.asking is not None:
            self.asker.stop(self.asking, self)
            self.asking = None
        self.opened = float("inf")  # nor one to nothing
        self.answer.refresh()

    def progress(self, asking: Asking) -> str:
        """How far an answer is, in words."""
        first = self.asker.ahead(asking)
        if not first.question.settings:
            return f"Solving the case as it stands, once: {first.stage}"
        if first is not asking:
            return f"Waiting for the question before: {first.stage}"
        return f"{asking.share:.0%}: {asking.stage}"

    def pin(self) -> None:
        """Keep the answer beside those to come."""
        if self.question.settings and self.question not in self.pins:
            self.pins = [*self.pins, self.question][-PINS:]
            self.write()
            self.answer.refresh()

    def unpin(self, pin: Question) -> None:
        """Take a pinned answer away."""
        self.pins = [one for one in self.pins if one != pin]
        self.write()
        self.answer.refresh()

    def load(self, pin: Question) -> None:
        """Make a pinned question the current one."""
        self.change(pin, rebuild=True)

    def build(self) -> None:
        """Controls on the left, answers on the right."""
        ui.add_css(STYLE)
        with blocks.tag("div", "head"):
            blocks.text("h1", QUESTION)
            self.told = blocks.text("p", "", "answer")
        with blocks.columns("minmax(360px, 31%) 1fr") as both:
            both.classes("what-if")
            with blocks.column():
                self._controls()
                with blocks.card("What is otherwise", size="asis") as card:
                    card.classes("summary")
                    self.summary()
            with blocks.column():
                self.answer()
        ui.timer(BEAT, self.follow)

    def _controls(self) -> None:
        with blocks.card() as card:
            card.props["aria-label"] = "What to change"
            tab = self.state.chosen("tab", list(controls.TABS), "views")
            with ui.tabs(value=tab).props('dense no-caps align=justify aria-label="What to change"') as tabs:  # type: ignore[arg-type]
                for name, title in controls.TABS.items():
                    ui.tab(name, title)
            self.tab = tab
            tabs.on_value_change(lambda e: self._turn(str(e.value)))
            self.controls()

    def _turn(self, tab: str) -> None:
        self.tab = tab
        self.state.set(tab="" if tab == "views" else tab)
        self.controls.refresh()

    @ui.refreshable_method
    def controls(self) -> None:
        """What the chosen tab holds."""
        with blocks.scroll(controls.TABS[self.tab]):
            if self.tab == "views":
                controls.views(self)
            elif self.tab == "numbers":
                self.dials = controls.numbers(self, self.added)
            else:
                controls.moves(self)

    @ui.refreshable_method
    def summary(self) -> None:
        """What is changed, in words, and from when on."""
        controls.changes(self)

    @ui.refreshable_method
    def answer(self) -> None:
        """Progress, the picture, the table and the command."""
        found = self.asker.answer(self.question) if self.question.settings and not self.wrong else None
        if found is not None:
            self.last = (self.question, found)
        rows = self._rows(found)
        self.told.content = escape(headline(self.desk, self.question, found) if found else self._waiting())
        seen = shown(self.desk, rows)
        title = "Change of the endings’ chances, after against before"
        with blocks.card(title if seen or self.desk.findings is None else "As the case stands", weight=1.0):
            self._working(found)
            self._pins(rows)
            if seen is None:
                blocks.text("p", "The same crises are played before and after: same draws of the numbers, same types, "
                            "same random numbers. What differs is owed to the change alone.")  # fmt: skip
                self._as_it_stands()
                return
            blocks.chart(differences(seen.endings, seen.answers), tall=460).classes("" if found else "earlier")
        with blocks.card("In numbers", size="shrink"):
            with blocks.scroll("The answers in numbers"):
                blocks.table(table(seen))
            blocks.text("p", seen.note, "note")
            if self.question.settings:
                blocks.raw(
                    "p", f"The same numbers: <code>{escape(self.question.command(self.desk.called))}</code>", "note"
                )

    def _as_it_stands(self) -> None:
        """How it ends with nothing changed, where the case has a run."""
        if self.desk.findings is None:
            return
        rows = outcomes(self.desk).rows
        marks = [("●", "each in its own view"), ("◇", "both in the base view"), ("thick", "± 2 errors"),
                 ("thin", "5% to 95% over the numbers")]  # fmt: skip
        blocks.legend([*marks, ("★", "what happened")] if any(real for *_, real in rows) else marks)
        blocks.chart(chances(rows), tall=430)
        blocks.text("p", "Chances of the run. What is asked here is compared with “before”: fewer draws, so that it "
                    "errs a little more, alike before and after.", "note")  # fmt: skip

    def _rows(self, found: Answer | None) -> list[tuple[str, Question, Answer]]:
        rows = [("now", self.question, found)] if found else []
        if found is None and self.last is not None and self.question.settings and not self.wrong:
            rows = [("the question before", *self.last)]
        for letter, pin in zip(LETTERS, self.pins, strict=False):
            answer = self.asker.answer(pin)
            if answer is not None and pin not in [row[1] for row in rows]:
                rows.append((letter, pin, answer))
            elif rows and rows[0][1] == pin:
                rows[0] = (letter, *rows[0][1:])
        return rows

    def _waiting(self) -> str:
        if self.wrong:
            return ""
        if not self.question.settings:
            return (
                "Switch a misreading off, set a number, make a move, or let the record be followed to a date: the "
                f"endings are compared over {self.question.draws} draws × {CRISES} crises."
            )
        return "The answer is on its way." if self.asking or self.due is not None else "Not answered."

    def _working(self, found: Answer | None) -> None:
        with blocks.tag("div", "working"):
            self.bar = ui.linear_progress(value=0, show_value=False).props('aria-label="Progress of the answer"')
            self.said = ui.label("").props('role="status"').classes("said")
            stop = ui.button("Stop", on_click=self.stop).props("outline dense no-caps")
            busy = self.asking is not None
            self.bar.set_visibility(busy)
            stop.set_visibility(busy)
            if self.asking is not None:
                self.said.text = self.progress(self.asking)
                return
            if self.wrong:
                ui.label(self.wrong).props('role="alert"').classes("said")
                return
            if not self.question.settings or self.due is not None:
                return
            if found is None:
                self.said.text = "Stopped. What was solved is kept."
                ui.button("Ask", on_click=self.start).props("outline dense no-caps")
                return
            self.said.text = _took(found)
            if status(found):
                ui.label(status(found)).props('role="alert"').classes("said")
            self._more()
            if self.question not in self.pins:
                ui.button("Pin for comparison", icon="push_pin", on_click=self.pin).props("outline dense no-caps")

    def _more(self) -> None:
        more = self.question.draws == DRAWS
        draws = MORE if more else DRAWS
        ui.button(
            f"More draws ({draws})" if more else f"Fewer draws ({draws})",
            on_click=lambda: self.change(replace(self.question, draws=draws)),
        ).props("outline dense no-caps").tooltip(
            f"Now {self.question.draws} draws of the numbers, {CRISES} crises each; more err less, and take longer"
        )

    def _pins(self, rows: list[tuple[str, Question, Answer]]) -> None:
        if not self.pins:
            return
        marks = {question: MARKS[k] for k, (_, question, _) in enumerate(rows)}
        with blocks.tag("div", "pins"):
            if self.question in marks and self.question not in self.pins:
                self._line(f"{marks[self.question]} now", self.question)
            for letter, pin in zip(LETTERS, self.pins, strict=False):
                self._line(f"{marks.get(pin, '…')} {letter}{' (now)' if pin == self.question else ''}", pin, letter)

    def _line(self, mark: str, question: Question, letter: str = "") -> None:
        """A question with its mark; a pinned one with buttons that take it away or make it the current one."""
        said = words(self.desk, question) + ("" if question.draws == DRAWS else f" ({question.draws} draws)")
        with blocks.tag("div", "pin"):
            line = blocks.raw("span", f"<b>{escape(mark)}</b> {escape(said)}")
            line.props["title"] = said
            if letter and question != self.question:
                again = ui.button(icon="edit", on_click=lambda: self.load(question)).props("flat dense round size=xs")
                again.props["aria-label"] = f"Make {letter} the current question"
            if letter:
                away = ui.button(icon="close", on_click=lambda: self.unpin(question)).props("flat dense round size=xs")
                away.props["aria-label"] = f"Take the pinned answer {letter} away"


def _took(found: Answer) -> str:
    took = found.get("took", {})
    solved = int(took.get("solved", 0))
    return f"Answered in {took.get('wall', 0.0):.1f} s; {solved} solution{'' if solved == 1 else 's'} found anew."


def build(desk: Desk, state: State) -> None:
    """The page."""
    Visit(desk, state).build()


PAGE = Page("/what-if", "What if", build)
