"""The facilitator's secret links: which hold, new ones, which are shown once, and their end."""

import datetime as dt
from typing import Any

from nicegui import ui

from standoff.app.blocks import say, scroll, tag, text
from standoff.app.table.frame import copied
from standoff.app.table.visit import Visit
from standoff.app.table.words import Words
from standoff.play.seats import DAY, Role

ROLES: dict[Role, str] = {
    "coercer": "coercer", "target": "target", "observer": "observer", "facilitator": "facilitator",
}  # fmt: skip
DAYS = {1: "1 day", 7: "7 days", 30: "30 days"}
LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")


def role_name(words: Words, role: str) -> str:
    """A role with the name of its leader, if it has one."""
    leader = words.rules.leaders.get(role)
    return f"{leader} ({role})" if leader else ROLES.get(role, role)  # type: ignore[call-overload]


def reach(visit: Visit) -> str:
    """Who can follow a link that is made here."""
    if visit.request.url.hostname in LOCAL:
        return (
            "These links lead to this machine alone: open this page under the server’s other name for links that "
            "others can follow."
        )
    return "Whoever holds a link is let in. Send each to one person."


def shown_once(visit: Visit, links: dict[str, str]) -> None:
    """Links that were just made; they are told once and kept nowhere."""
    text("p", f"Shown once: copy them now. {reach(visit)}", "note")
    for role, token in links.items():
        copied(role_name(visit.words, role), f"{visit.base}/join#{token}")


class Links:
    """The list of links with what can be done to them."""

    def __init__(self, visit: Visit) -> None:
        """Draw the form; the list is asked for."""
        self.visit = visit
        with tag("div", "writing"):
            self.role = ui.select({one: role_name(visit.words, one) for one in ROLES}, value="observer", label="For")
            self.days = ui.select(DAYS, value=7, label="Holds for")
            for one in (self.role, self.days):
                one.props("dense outlined options-dense")
            ui.button("New link", on_click=visit.once(self._new)).props("unelevated no-caps dense")
        self.said = text("p", "", "said").props('role="status"')
        self.new = tag("div", "once")
        with scroll("Links") as self.place:
            pass

    def _told(self, words: str) -> None:
        say(self.said, words)

    async def refresh(self) -> None:
        """Ask for the links anew."""
        found = await self.visit.ask(lambda: self.visit.room.links(self.visit.caller), self._told)
        if found is not None:
            self.place.clear()
            with self.place, tag("ul", "links"):
                for row in sorted(found, key=lambda row: (row["revoked"] is not None, list(ROLES).index(row["role"]))):
                    self._row(row)

    def _row(self, row: dict[str, Any]) -> None:
        now, expires = self.visit.room.now(), dt.datetime.fromtimestamp(row["expires"], dt.UTC)
        mine = row["id"] == self.visit.caller.link
        holds = row["revoked"] is None and row["expires"] > now
        state = (
            f"until {expires.day} {expires:%b %Y, %H:%M} UTC" if holds else "revoked" if row["revoked"] else "expired"
        )
        with tag("li", "" if holds else "ended"):
            name = role_name(self.visit.words, row["role"])
            text("span", f"{name}{', the one you came by' if mine else ''}", "who")
            text("span", state, "day")
            if holds and not mine:

                async def revoke(link: str = row["id"]) -> None:
                    done = await self.visit.do(lambda: self.visit.room.revoke(self.visit.caller, link), self._told)
                    if done:
                        self._told(f"Revoked: {name}.")
                        await self.refresh()

                button = ui.button("Revoke", on_click=self.visit.once(revoke), color=None).props("flat no-caps dense")
                button.props["aria-label"] = f"Revoke the link of {name}"

    async def _new(self) -> None:
        role, days = self.role.value, self.days.value
        made = await self.visit.ask(
            lambda: self.visit.room.new_link(self.visit.caller, role, "", float(days) * DAY), self._told
        )
        if made is not None:
            self._told("")
            self.new.clear()
            with self.new:
                shown_once(self.visit, {role: made[1]})
                if role in ("coercer", "target"):
                    copied("For a program at this seat", f"standoff play bot '{self.visit.base}/join#{made[1]}'")
            await self.refresh()
