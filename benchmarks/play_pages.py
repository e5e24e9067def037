"""Pages of leaders that stay open while a server is under load: first paint, what a page is sent, when a move shows.

A page is read and kept open as a browser does it, by its cookie and its socket, but is not drawn: sixteen browsers
would take the cores that are to be measured. One Chromium, where there is one, opens leaders' pages before and during
the load, and says when it first painted.
"""

import asyncio
import json
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np

from standoff.app.api import cookie_name

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
PAINT = "(performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime"
READY = "document.querySelector('.desk h1') !== null"
MADE = '<li class="move'
"""How a line of the record begins that tells a move."""

Sent = Mapping[tuple[str, int], float]


class Page:
    """A leader's page, open: its size, when it had come, and when each move stood on it."""

    def __init__(self, port: int, game: str, role: str, token: str) -> None:
        """Nothing is asked for yet."""
        self.port, self.game, self.role, self.token = port, game, role, token
        self.whole = self.live = 0.0
        self.size = self.sent = 0
        self.shown: dict[int, float] = {}
        self._wire: Any = None
        self._hearing: asyncio.Task[None] | None = None

    @property
    def path(self) -> str:
        """Its address."""
        return f"/play/{self.game}/{self.role}"

    async def open(self) -> None:
        """Read the page and open its socket: seconds until all its HTML had come, and until the socket was open."""
        from websockets.asyncio.client import connect

        start = time.perf_counter()
        cookies = {cookie_name(self.game, self.role): self.token}
        async with httpx.AsyncClient(trust_env=False, timeout=60, cookies=cookies) as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}{self.path}")
        answer.raise_for_status()
        self.whole, self.size = time.perf_counter() - start, len(answer.content)
        known = re.search(r"'client_id': '([0-9a-f-]+)'", answer.text)
        if known is None:
            raise RuntimeError("this is no page of NiceGUI's")
        query = (
            f"EIO=4&transport=websocket&client_id={known[1]}&next_message_id=0&implicit_handshake=true"
            "&tab_id=tab&document_id=document"
        )
        where = f"ws://127.0.0.1:{self.port}/_nicegui_ws/socket.io/?{query}"
        self._wire = await connect(where, compression=None, max_size=None, proxy=None)
        await self._wire.send("40")
        while not str(await self._wire.recv()).startswith("40"):
            pass
        self.live = time.perf_counter() - start
        self._hearing = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        async for text in self._wire:
            if text == "2":
                await self._wire.send("3")
            elif text.startswith("42"):
                self.sent += len(text)
                now = time.perf_counter()
                for turn in range(_moves(text)):
                    self.shown.setdefault(turn, now)

    async def close(self) -> None:
        """Leave the page."""
        await self._wire.close()
        if self._hearing is not None:
            await self._hearing

    def late(self, sent: Sent) -> list[float]:
        """Seconds from the sending of each move to its line on this page; of those that came while it was open."""
        return [at - sent[self.game, turn] for turn, at in self.shown.items() if (self.game, turn) in sent]

    def missing(self, sent: Sent) -> int:
        """Moves of its game that never stood on it."""
        return sum(game == self.game and turn not in self.shown for game, turn in sent)


def _moves(text: str) -> int:
    """How many moves the record holds that a message brings; none if it brings none."""
    name, data = json.loads(text[2:])
    if name != "update":
        return 0
    found = [str((element or {}).get("props", {}).get("innerHTML", "")) for element in data.values()
             if isinstance(element, dict)]  # fmt: skip
    return max((html.count(MADE) for html in found), default=0)


class Painter:
    """One Chromium that opens pages, each in a session of its own; nothing where there is none."""

    def __init__(self, pages: Sequence[Page]) -> None:
        """`pages`: whose addresses and links are used, in turn."""
        self.pages = pages
        self.idle: list[float] = []
        self.loaded: list[float] = []
        self._play: Any = None
        self._browser: Any = None

    async def start(self) -> None:
        """Start it, and let it paint while nobody plays."""
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        if path is None:
            return
        try:
            from playwright.async_api import async_playwright
        except ImportError:
            return
        self._play = await async_playwright().start()
        self._browser = await self._play.chromium.launch(executable_path=path, args=FLAGS)
        await self._paint(self.pages[0])  # its own start is not counted
        self.idle = [await self._paint(page) for page in self.pages[:3]]

    async def under_load(self, every: float = 2.0) -> None:
        """Open a page again and again, until it is cancelled."""
        k = 0
        while self._browser is not None:
            await asyncio.sleep(every)
            self.loaded.append(await self._paint(self.pages[k % len(self.pages)]))
            k += 1

    async def _paint(self, page: Page) -> float:
        """Milliseconds from asking for a page to its first paint."""
        context = await self._browser.new_context(viewport={"width": 1440, "height": 900})
        site = f"http://127.0.0.1:{page.port}"
        cookie = {"name": cookie_name(page.game, page.role), "value": page.token, "url": site}
        await context.add_cookies([cookie])
        shown = await context.new_page()
        await shown.goto(f"{site}{page.path}", timeout=120_000)
        await shown.wait_for_function(READY, timeout=120_000)
        await shown.wait_for_function(f"{PAINT} > 0", timeout=120_000)
        found = float(await shown.evaluate(PAINT))
        await context.close()
        return found

    async def stop(self) -> None:
        """End it."""
        if self._browser is not None:
            await self._browser.close()
            await self._play.stop()


def tell(pages: Sequence[Page], painter: Painter, memory: float, sent: Sent) -> None:
    """What was measured; `memory` is what the server took for all of them, in KiB."""
    whole, live = (np.array([getattr(page, name) for page in pages]) * 1000 for name in ("whole", "live"))
    late = np.array([each for page in pages for each in page.late(sent)]) * 1000
    missing = sum(page.missing(sent) for page in pages)
    print(f"{len(pages)} leaders' pages open: {memory / len(pages):.0f} KiB of the server's memory each; "
          f"{np.mean([page.size for page in pages]) / 1024:.0f} KiB of HTML, "
          f"{np.mean([page.sent for page in pages]) / 1024:.0f} KiB sent after that")  # fmt: skip
    print(f"opened all at once: HTML whole after median {np.median(whole):.0f} ms, longest {whole.max():.0f} ms; "
          f"socket open after {np.median(live):.0f} and {live.max():.0f} ms")  # fmt: skip
    if len(late):
        p50, p95 = np.percentile(late, [50, 95])
        print(f"a move stands on a page: median {p50:.0f} ms, p95 {p95:.0f} ms after it was sent; {missing} never")
    if painter.idle:
        during = painter.loaded or [float("nan")]
        print(f"first paint in Chromium: median {np.median(painter.idle):.0f} ms while nobody plays, "
              f"{np.median(during):.0f} ms (longest {max(during):.0f} ms) of {len(during)} under load")  # fmt: skip
    else:
        print("first paint: no Chromium here")
