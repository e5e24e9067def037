"""Sockets, and requests that wait: what a caller sees, sent when it changes for him and at no other time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from standoff.app.api_asked import MessageAsked, MoveAsked
from standoff.app.api_doors import BODY
from standoff.play.refusal import Refused
from standoff.play.room import Room
from standoff.play.seats import WRONG, Caller, Limits
from standoff.play.sight import version

SOCKETS = 8
"""Sockets that one link can hold open."""
KNOCK = 10.0
"""Seconds within which a socket must show its link."""
AGAIN = 15.0
"""Seconds after which an open socket's link is looked at again."""


def look(room: Room, caller: Caller) -> tuple[str, str]:
    """Version and JSON of what a caller sees now."""
    shown = room.sight(caller)
    mark = version(shown)
    return mark, f'{{"version":"{mark}","sight":{shown.model_dump_json()}}}'


def waker(loop: asyncio.AbstractEventLoop, news: asyncio.Event) -> Callable[[], None]:
    """What sets an event from any thread, also when the loop is gone already."""

    def wake() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    return wake


async def await_news(room: Room, who: Caller, after: str, wait: float) -> tuple[str, str]:
    """Wait until a caller sees something else than the version he has, or until the time is up."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    leave = room.listen(who.game or "", waker(loop, news))
    end = loop.time() + wait
    try:
        while True:
            news.clear()
            mark, text = await run_in_threadpool(look, room, who)
            left = end - loop.time()
            if mark != after or left <= 0:
                return mark, text
            try:
                async with asyncio.timeout(left):
                    await news.wait()
            except TimeoutError:
                continue
            await run_in_threadpool(room.still, who)
    finally:
        leave()


async def serve_live(
    socket: WebSocket, room: Room, let_in: Callable[[str, str], Caller], limits: Limits, sockets: dict[str, int]
) -> None:
    """A socket: what the caller sees, whenever it changes; moves and messages, each with its answer."""
    await socket.accept()
    try:
        async with asyncio.timeout(KNOCK):
            first = await _heard(socket)
        token = first.get("link", "")
        client = socket.client.host if socket.client else ""
        who = await run_in_threadpool(let_in, token if isinstance(token, str) else "", client)
        if who.game is None or sockets.get(who.link, 0) >= SOCKETS:
            raise Refused("This link holds as many sockets as it can, or plays no game.", 409)
    except (Refused, TimeoutError) as refused:
        await socket.close(4401, str(refused) or WRONG)
        return
    except WebSocketDisconnect:
        return
    sockets[who.link] = sockets.get(who.link, 0) + 1
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    leave = room.listen(who.game, waker(loop, news))
    sending = asyncio.Lock()

    async def say(text: str) -> None:
        async with sending:
            await socket.send_text(text)

    tasks = [
        asyncio.create_task(_tell(say, room, who, news)),
        asyncio.create_task(_hear(socket, say, room, who, limits)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if isinstance(error, Refused):
                await socket.close(4401 if error.status == 401 else 4400, str(error)[:120])
            elif error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
                await socket.close(1011)
    finally:
        leave()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sockets[who.link] -= 1
        if not sockets[who.link]:
            del sockets[who.link]


async def _tell(say: Callable[[str], Awaitable[None]], room: Room, who: Caller, news: asyncio.Event) -> None:
    """Send what the caller sees whenever that differs from what was sent last."""
    last = ""
    while True:
        news.clear()
        await run_in_threadpool(room.still, who)
        mark, text = await run_in_threadpool(look, room, who)
        if mark != last:
            last = mark
            await say(f'{{"kind":"sight",{text[1:]}')
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN):
                await news.wait()


async def _hear(
    socket: WebSocket, say: Callable[[str], Awaitable[None]], room: Room, who: Caller, limits: Limits
) -> None:
    """Take moves and messages from a socket, and answer each."""
    while True:
        asked = await _heard(socket)
        key = asked.get("key")
        try:
            limits.take(who.link)
            await run_in_threadpool(room.still, who)
            answer = {"kind": "answer", "key": key, "accepted": await run_in_threadpool(_do, room, who, asked)}
        except Refused as refused:
            answer = {"kind": "refused", "key": key, "status": refused.status, "detail": str(refused)}
        await say(json.dumps(answer))


def _do(room: Room, who: Caller, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a socket asks for: a move or a message, with the fields of the API."""
    fields = {name: value for name, value in asked.items() if name != "kind"}
    try:
        if asked.get("kind") == "move":
            move = MoveAsked.model_validate(fields)
            return room.move(who, move.key, move.turn, move.move, move.rung, move.package)
        if asked.get("kind") == "message":
            sent = MessageAsked.model_validate(fields)
            return room.message(who, sent.key, sent.to, sent.text)
    except ValidationError as error:
        words = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise Refused(words, 422) from None
    raise Refused("A socket takes the kinds 'move' and 'message'.", 422)


async def _heard(socket: WebSocket) -> dict[str, Any]:
    """The next message of a socket: a JSON object of at most `BODY` bytes."""
    text = await socket.receive_text()
    try:
        found = json.loads(text) if len(text) <= BODY else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("A message is a JSON object.", 422)
    return found
