"""Who opens which page, and what browsers are told.

A browser shows its link by a cookie that goes to this site's pages alone (`api_app`, `/api/session`); it is looked at
before a page is built, at every event of a page and whenever a page is filled anew. NiceGUI's files and its socket are
served, and nothing else that it might answer.
"""

import time
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import JSONResponse
from nicegui import Client

from standoff.app.api import HOST, caller_of
from standoff.app.api_doors import ASGI, Receive, Scope, Send
from standoff.play.refusal import Refused
from standoff.play.seats import Caller

OWN = ("/_nicegui/", "/_nicegui_ws/")
"""What NiceGUI may answer."""
PAGES = 16
"""Pages that one link can hold open."""
BURST, RATE = 150.0, 25.0
"""Messages that a page can send at once, and a second for long; whoever sends more is cut off."""
STRANGER = (6.0, 0.1)
"""The same for a socket of no page: enough to be told that its page is gone."""
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing is loaded from elsewhere and nothing is sent there."""


def at_seat(request: Request, game: str, role: str) -> Caller:
    """Who opens a page of a seat (a dependency of its route).

    Raises:
        Refused: the browser holds no link to the seat, or asks too often.
    """
    return _let_in(request, game, role)


def at_host(request: Request) -> Caller:
    """Who opens the host's page (a dependency of its route)."""
    return _let_in(request, HOST, HOST)


def _let_in(request: Request, game: str, role: str) -> Caller:
    state, client = request.app.state, request.client.host if request.client else ""
    state.strangers.take(client, 0.0)
    try:
        caller = caller_of(state.room, request.cookies, game, role)
    except Refused as refused:
        if refused.status == 401:
            state.strangers.take(client, 0.2)  # a browser whose link has expired asks a few times
        raise
    state.limits.take(caller.link)
    if state.pages.get(caller.link, 0) >= PAGES:
        raise Refused(f"This link holds {PAGES} pages open. Close some.", 429, after=10.0)
    request.state.caller = caller
    return caller


class Own:
    """NiceGUI's files and socket, and nothing else of it; a socket that says too much is closed."""

    def __init__(self, app: ASGI) -> None:
        """`app` is NiceGUI's application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request for a file, or a socket."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if not scope["path"].startswith(OWN):
            if scope["type"] == "http":
                await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 4400})
            return
        if scope["type"] == "http" and scope["path"].startswith("/_nicegui_ws/"):
            await JSONResponse({"detail": "Pages speak over a WebSocket."}, 400)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            known = _client(scope) in Client.instances
            if not known and not _may_knock(scope):
                await receive()
                await send({"type": "websocket.close", "code": 4429})
                return
            receive = _counted(receive, *((BURST, RATE) if known else STRANGER))
        await self.app(scope, receive, send)


def _client(scope: Scope) -> str:
    """The page whose socket is opened, by the name that was drawn for it."""
    query: str = scope["query_string"].decode("latin-1")
    return parse_qs(query).get("client_id", [""])[0]


def _may_knock(scope: Scope) -> bool:
    """Whether a socket of no page is let in, so that it learns that its page is gone and loads it anew."""
    client = scope.get("client")
    try:
        scope["app"].state.strangers.take(client[0] if client else "", 0.1)
    except Refused:
        return False
    return True


def _counted(receive: Receive, burst: float, rate: float) -> Receive:
    left, then = burst, time.monotonic()

    async def counted() -> Any:  # noqa: ANN401 (a message of ASGI)
        nonlocal left, then
        message = await receive()
        if message["type"] == "websocket.receive":
            now = time.monotonic()
            left, then = min(burst, left + (now - then) * rate) - 1.0, now
            if left < 0.0:
                return {"type": "websocket.disconnect", "code": 1008, "reason": "Too many messages."}
        return message

    return counted


class Told:
    """What browsers are told with every page (`POLICY`); where a page has said it itself, that holds."""

    def __init__(self, app: ASGI) -> None:
        """`app` is what the pages are on."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and add the policy to pages."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def told(message: Any) -> None:  # noqa: ANN401 (a message of ASGI)
            if message["type"] == "http.response.start":
                found = {name.lower(): value for name, value in message["headers"]}
                html = found.get(b"content-type", b"").startswith(b"text/html")
                if html and b"content-security-policy" not in found:
                    message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self.app(scope, receive, told)
