"""Puts the pages on the application of the API (`standoff.app.api`)."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from nicegui import APIRouter, core, ui
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

from standoff.app.shell import ICON
from standoff.app.table import debrief, facilitator, host, leader, observer
from standoff.app.table.doors import Own, Told, at_host, at_seat
from standoff.app.table.visit import Visit
from standoff.app.table.words import Words
from standoff.play.debrief import Debrief
from standoff.play.refusal import Refused
from standoff.play.room import Room
from standoff.play.seats import ROLES, Caller

PATIENCE = 30.0
"""Seconds within which a page is built, also while views are being solved."""
BUILD = {
    "facilitator": facilitator.build, "coercer": leader.build, "target": leader.build, "observer": observer.build,
}  # fmt: skip
Seated = Annotated[Caller, Depends(at_seat)]


def put_pages(application: FastAPI, room: Room) -> None:
    """Put all pages on the application that `api_app` has returned.

    Args:
        application: The application.
        room: Its games.
    """
    application.state.pages = {}
    router = APIRouter()
    words = {role: Words(room.rules(role)) for role in ROLES}
    title = words["observer"].rules.case
    common: dict[str, Any] = {"api_router": router, "dark": None, "language": "en-US", "response_timeout": PATIENCE,
              "include_in_schema": False}  # fmt: skip

    @ui.page("/", title="standoff play", dependencies=[Depends(at_host)], **common)
    async def at_the_door(request: Request) -> None:
        visit = Visit(request, room, words["host"])
        await host.build(visit)

    @ui.page("/play/{game}/{role}", title=title, dependencies=[Depends(at_seat)], **common)
    async def seat(request: Request, game: str, role: str) -> Response | None:
        visit = Visit(request, room, words[request.state.caller.role])
        if refused := await visit.look():
            return refused
        BUILD[role](visit)
        visit.follow()
        return None

    @ui.page("/play/{game}/{role}/debrief", title="Debrief", dependencies=[Depends(at_seat)], **common)
    async def after(request: Request, game: str, role: str) -> Response | None:
        visit = Visit(request, room, words[request.state.caller.role])
        if refused := await visit.look():
            return refused
        debrief.build(visit, await run_in_threadpool(_debrief, room, visit.caller))
        return None

    @router.get("/play/{game}/{role}/{file}", include_in_schema=False)
    async def download(request: Request, file: str, caller: Seated) -> Response:
        return await run_in_threadpool(_download, room, caller, file)

    application.include_router(router)
    core.app.config.socket_io_js_transports = ["websocket"]
    ui.run_with(
        application, title=title, favicon=ICON, dark=None, tailwind=False, show_welcome_message=False,
        reconnect_timeout=10.0,
    )  # fmt: skip
    application.router.routes[:] = [route for route in application.router.routes if not _whole(route)]
    application.mount("/", Own(core.app))
    application.add_middleware(Told)


def _whole(route: object) -> bool:
    """Whether a route is that by which NiceGUI would answer everything that is left."""
    return isinstance(route, Mount) and route.app is core.app


def _debrief(room: Room, caller: Caller) -> Debrief | str:
    """The debrief, or why it cannot be read."""
    try:
        found: Debrief = room.debrief(caller)
    except Refused as refused:
        return str(refused)
    return found


def _download(room: Room, caller: Caller, file: str) -> Response:
    """What can be taken away: the event file, the case with these events, the debrief."""
    known: dict[str, tuple[Callable[[], str], str]] = {
        "events.yaml": (lambda: room.events(caller), "application/yaml"),
        "case.yaml": (lambda: room.events(caller, whole=True), "application/yaml"),
        "debrief.json": (lambda: room.debrief(caller).model_dump_json(indent=1), "application/json"),
    }
    if file not in known:
        raise Refused("There is no such page.", 404)
    content, kind = known[file]
    name = f"{room.case.crisis.id}-{caller.game}-{file}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content(), media_type=kind, headers=headers)
