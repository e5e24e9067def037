"""The outermost layer of the server: which hosts and origins are served, how much is read, what browsers are told."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

from standoff.errors import UserError

BODY = 64 * 1024
"""Bytes that a request, or a message of a socket, can have."""

PROXIES = "127.0.0.1,::1"
"""From where a proxy is believed that says by which scheme and for whom it asks: from this machine alone."""
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


def require_names(names: Iterable[str]) -> tuple[str, ...]:
    """Host names in small letters, as a browser sends them.

    Raises:
        UserError: one is no name of a host, such as an address with its scheme or port.
    """
    found = tuple(name.lower() for name in names)
    for name in found:
        if len(name) > 253 or NAME.fullmatch(name) is None:
            raise UserError(f"--name {name}: this is no name of a host. Write it like games.example.org, without port.")
    return found


class Doors:
    """The outermost layer: which hosts and origins are served, how much is read, what browsers are told."""

    def __init__(self, app: ASGI, names: Iterable[str] = (), *, secure: bool = False) -> None:
        """`names` are those of the host, beside `localhost` and plain addresses; `secure`: all come in by HTTPS."""
        self.app, self.secure = app, secure
        self.names = {"localhost", *(name.lower() for name in names)}

    def _knows(self, host: str) -> bool:
        """Whether a Host header is one of ours: a page of another site cannot lend its name to this server."""
        found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:]+)(:\d{1,5})?", host.lower())
        if found is None:
            return False
        name = found[1].strip("[]")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self.names
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that may come in."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if self.secure:
            scope = {**scope, "scheme": "https" if scope["type"] == "http" else "wss"}
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
        if not self._knows(host):
            await _turn_away(scope, receive, send, 421, "This server does not go by that name.")
        elif origin is not None and not safe and origin.lower().split("://", 1)[-1] != host.lower():
            await _turn_away(scope, receive, send, 403, "This request comes from another site.")
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        elif not scope["path"].startswith("/api/") or safe:
            await self.app(scope, receive, _headed(scope, send))
        else:
            body = await _body(headers, receive)
            if body is None:
                await _turn_away(scope, receive, send, 413, f"A request has at most {BODY} bytes.")
            else:
                await self.app(scope, _again(body, receive), _headed(scope, send))


async def _body(headers: Mapping[bytes, str], receive: Receive) -> bytes | None:
    """The body of a request, or nothing if it is too long."""
    length = headers.get(b"content-length", "0")
    if not length.isdecimal() or int(length) > BODY:
        return None
    found = b""
    while True:
        message = await receive()
        found += bytes(message.get("body", b""))
        if len(found) > BODY:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return found


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _headed(scope: Scope, send: Send) -> Send:
    """What browsers are told with every answer; nothing of the API is kept or framed."""
    own = scope["path"].startswith("/api/")

    async def headed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            extra = {
                b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer", b"x-frame-options": b"DENY",
                b"cross-origin-opener-policy": b"same-origin", b"cross-origin-resource-policy": b"same-origin",
                b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
            }  # fmt: skip
            if own:
                extra |= {b"cache-control": b"no-store", b"content-security-policy": b"default-src 'none'"}
            known = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *((k, v) for k, v in extra.items() if k not in known)]
        await send(message)

    return headed


async def _turn_away(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": reason})
        return
    headers = {"Connection": "close"} if status == 413 else {}
    await JSONResponse({"detail": reason}, status, headers)(scope, receive, _headed(scope, send))
