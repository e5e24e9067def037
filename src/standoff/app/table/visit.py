"""One browser at a page: what is shown follows what its caller sees, and what it asks for is asked of the room.

A page is made of parts. Each has a key of what is seen and is drawn anew when that changes, and at no other time, so
that what a caller does not see leaves no trace, and what he is typing stays. Everything that takes time is done in
another thread; a link that no longer holds empties the page at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi import Request, Response
from nicegui import background_tasks, ui
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from standoff.app import blocks
from standoff.app.api_away import turned_away
from standoff.app.api_live import AGAIN, waker
from standoff.app.table.words import Words
from standoff.errors import UserError
from standoff.play.refusal import Refused
from standoff.play.room import Room
from standoff.play.seats import Caller, new_id
from standoff.play.sight import Sight, version

T = TypeVar("T")
SOLVING = 2.0
"""Seconds after which a view that is being solved is asked for again."""
LONGEST = 1800.0
"""Seconds for which a page waits for a view."""


@dataclass(eq=False)
class Part:
    """A part of a page: what it depends on, what draws it, where it stands."""

    key: Callable[[Any], object]
    draw: Callable[[Any], None]
    place: ui.element
    last: object = None


class Visit:
    """One browser at a page of a seat, or at the host's."""

    def __init__(self, request: Request, room: Room, words: Words) -> None:
        """`request` has passed the doors."""
        self.request, self.room, self.words = request, room, words
        self.caller: Caller = request.state.caller
        self.client = ui.context.client
        self.sight: Any = None
        self.body: ui.element | None = None
        self._parts: list[Part] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._limits, pages = request.app.state.limits, request.app.state.pages
        link = self.caller.link
        pages[link] = pages.get(link, 0) + 1

        def leave() -> None:
            pages[link] -= 1
            if not pages[link]:
                del pages[link]
            for task in self._tasks:
                task.cancel()

        self.client.on_delete(leave)

    @property
    def path(self) -> str:
        """Address of the seat's page."""
        return f"/play/{self.caller.game}/{self.caller.role}"

    @property
    def base(self) -> str:
        """Under which address the browser reaches the server."""
        return str(self.request.base_url).rstrip("/")

    # -- what is seen ---------------------------------------------------------------------------------------------

    async def look(self) -> Response | None:
        """See how the game stands for the caller; a page that says why it cannot be seen, if so."""
        try:
            self.sight = await run_in_threadpool(self.room.sight, self.caller)
        except Refused as refused:
            return turned_away(refused)
        return None

    def part(self, place: ui.element, key: Callable[[Any], object], draw: Callable[[Any], None]) -> None:
        """Draw a part of the page now, and anew whenever its key of what is seen changes."""
        found = Part(key, draw, place, key(self.sight))
        self._parts.append(found)
        with place:
            draw(self.sight)

    def left(self, deadline: Any) -> float:  # noqa: ANN401 (a time, or none)
        """Seconds until a deadline of what is seen; 0 where it is past."""
        return max(0.0, float(deadline.timestamp() - self.room.now()))

    def follow(self) -> None:
        """Keep the page at what its caller sees."""
        self._tasks.append(background_tasks.create(self._follow(), name="follow a game"))

    async def _follow(self) -> None:
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        leave = self.room.listen(self.caller.game or "", waker(loop, news))
        last = version(self.sight)
        try:
            while not self.client.is_deleted:
                news.clear()
                try:
                    await run_in_threadpool(self.room.still, self.caller)
                    found: Sight = await run_in_threadpool(self.room.sight, self.caller)
                except sa.exc.OperationalError:  # a busy disk is tried again
                    await asyncio.sleep(1.0)
                    continue
                if self.client.is_deleted:
                    return
                mark = version(found)
                if mark != last:
                    last, self.sight = mark, found
                    self._draw()
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN):
                        await news.wait()
        except Refused as refused:
            self.shut(str(refused))
        finally:
            leave()

    def _draw(self) -> None:
        for part in self._parts:
            key = part.key(self.sight)
            if key != part.last:
                part.last = key
                part.place.clear()
                with part.place:
                    part.draw(self.sight)

    def redraw(self, place: ui.element) -> None:
        """Draw one part anew, because of what was chosen in it."""
        for part in self._parts:
            if part.place is place:
                place.clear()
                with place:
                    part.draw(self.sight)

    def shut(self, said: str) -> None:
        """Empty the page: the link no longer holds."""
        self._parts.clear()
        if self.body is not None and not self.client.is_deleted:
            with self.client:
                self.body.clear()
                with self.body, blocks.tag("div", "head"):
                    blocks.text("h1", "This page is closed")
                    blocks.text("p", said, "answer")

    # -- what is done ---------------------------------------------------------------------------------------------

    async def ask(self, act: Callable[[], T], say: Callable[[str], None]) -> T | None:
        """Ask something of the room in another thread; what is refused is said, and nothing comes back.

        A view that is being solved is waited for.
        """
        end = time.monotonic() + LONGEST
        while True:
            try:
                self._limits.take(self.caller.link)
                await run_in_threadpool(self.room.still, self.caller)
                return await run_in_threadpool(act)
            except ValidationError as error:
                say("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]))
                return None
            except Refused as refused:
                if refused.status == 401:
                    self.shut(str(refused))
                    return None
                solving = refused.status == 409 and refused.after is not None
                if not solving or time.monotonic() > end:
                    say(str(refused))
                    return None
                say("A view is being solved; this takes from seconds to a minute …")
            except UserError as error:
                say(str(error))
                return None
            except sa.exc.OperationalError:
                say("The store is busy or its disk is full. Try again.")
                return None
            await asyncio.sleep(SOLVING)
            if self.client.is_deleted:
                return None

    async def do(self, act: Callable[[], object], say: Callable[[str], None]) -> bool:
        """The same for what answers nothing: whether it was done."""

        def whole() -> bool:
            act()
            return True

        return await self.ask(whole, say) is not None

    def once(self, act: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """A handler that does nothing while it is still at work."""
        busy = False

        async def handle() -> None:
            nonlocal busy
            if busy:
                return
            busy = True
            try:
                await act()
            finally:
                busy = False

        return handle


def new_key() -> str:
    """A name for a request, so that it is done once."""
    return new_id()
