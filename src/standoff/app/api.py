"""The HTTP and WebSocket API of played games: see `docs/play.md`.

Whoever asks shows his secret link's token in the `Authorization: Bearer` header, which no page of another site can do;
a cookie, which browsers send by themselves, opens pages alone and never this API. What is answered has passed through
`standoff.play.sight`. Pages are put on the application that `api_app` returns (`standoff.app.table`) and call `Room`
with the `Caller` that `caller_of` finds in a browser's cookie.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from standoff import __version__
from standoff.app.api_asked import (
    Accepted,
    ClockAsked,
    DraftAsked,
    GameAsked,
    InjectionAsked,
    LinkAsked,
    Look,
    MessageAsked,
    MoveAsked,
    Opened,
    Said,
    SeatAsked,
    Side,
)
from standoff.app.api_away import joining, turned_away
from standoff.app.api_doors import Doors
from standoff.app.api_live import await_news, look, serve_live
from standoff.errors import UserError
from standoff.play.briefing import Rules, RulesInside
from standoff.play.debrief import Debrief
from standoff.play.refusal import Refused
from standoff.play.room import Room, Seat
from standoff.play.seats import WRONG, Caller, Limits

WAIT = 25.0
"""Seconds for which a request can wait for news."""

_bearer = HTTPBearer(auto_error=False, description="The token of a secret link.")
_REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Said} for code in (400, 401, 403, 404, 409, 413, 415, 422, 429)
}  # fmt: skip


def _refusal(refused: Refused) -> JSONResponse:
    headers = {} if refused.after is None else {"Retry-After": str(math.ceil(refused.after))}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"detail": str(refused)}, refused.status, headers)


def _json(shown: BaseModel) -> Response:
    return Response(shown.model_dump_json(), media_type="application/json")


HOST = "host"
"""Game and role of the host's cookie, who plays in no game."""


def cookie_name(game: str, role: str) -> str:
    """Name of the cookie with which a browser opens the pages of a seat."""
    return f"standoff-{game}-{role}"


def caller_of(room: Room, cookies: Mapping[str, str], game: str, role: str) -> Caller:
    """Whoever a browser's cookie says, for pages.

    Raises:
        Refused: it holds no link to this seat, or one that no longer holds.
    """
    caller = room.enter(cookies.get(cookie_name(game, role), ""))
    if (caller.game or HOST, caller.role) != (game, role):
        raise Refused(WRONG, 401)
    return caller


def _said_of(error: RequestValidationError) -> str:
    """What is wrong with a request, without repeating what was sent."""
    words = []
    for each in error.errors()[:5]:
        where = ".".join(str(part) for part in each["loc"][1:])
        words.append(f"{where}: {each['msg']}" if where else str(each["msg"]))
    return "; ".join(words).encode("ascii", "replace").decode()


def api_app(
    room: Room, *, names: Iterable[str] = (), rate: float = 20.0, burst: float = 60.0, secure: bool = False,
    page: Callable[[str, str], str] = lambda game, role: "/" if role == HOST else f"/play/{game}/{role}",
) -> FastAPI:  # fmt: skip
    """The application that serves a room's games.

    Args:
        room: The games.
        names: Host names under which the server is reached, beside `localhost` and plain addresses.
        rate: Requests a second that one link may make for long.
        burst: Requests that it may make at once.
        secure: Whether every request comes in by HTTPS, through a proxy that need not say so. Where it does say so
            and is believed, cookies are sent over nothing else as well.
        page: Where a browser goes that has joined a seat.
    """
    app = FastAPI(
        title="standoff play", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
        summary="Games on a crisis between people, solved strategies and programs.",
    )  # fmt: skip
    app.add_middleware(Doors, names=tuple(names), secure=secure)
    limits, strangers = Limits(rate, burst), Limits(0.2, 20.0)
    app.state.room, app.state.limits, app.state.strangers = room, limits, strangers
    sockets: dict[str, int] = {}

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _refusal(error) if request.url.path.startswith("/api/") else turned_away(error)

    @app.exception_handler(UserError)
    async def mistaken(_: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": _said_of(error)}, 422)

    @app.exception_handler(sa.exc.OperationalError)
    async def busy(_: Request, error: sa.exc.OperationalError) -> JSONResponse:
        return JSONResponse({"detail": "The store is busy or its disk is full. Try again."}, 503, {"Retry-After": "2"})

    def let_in(token: str, client: str) -> Caller:
        """Who holds a link; whoever shows wrong ones is soon kept waiting."""
        strangers.take(client, 0.0 if token else 1.0)
        try:
            caller = room.enter(token)
        except Refused:
            strangers.take(client)
            raise
        limits.take(caller.link)
        return caller

    def caller(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:  # fmt: skip
        if shown is None:
            raise Refused("Show the token of your link: Authorization: Bearer TOKEN.", 401)
        return let_in(shown.credentials, request.client.host if request.client else "")

    Who = Annotated[Caller, Depends(caller)]

    @app.get("/api/health")
    def health() -> dict[str, str]:
        """Whether the server answers, and its version."""
        return {"status": "ok", "version": __version__}

    @app.get("/api/rules", responses=_REFUSALS)
    def rules(who: Who) -> RulesInside | Rules:
        """The case in words: ladder, packages, leaders, what was public before; its ending for who runs the game."""
        return room.rules(who.role)

    @app.post("/api/session", responses=_REFUSALS)
    def session(
        request: Request, who: Who, shown: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]
    ) -> Response:
        """Let a browser in: a cookie that scripts cannot read, sent to this site's own pages only."""
        game = who.game or HOST
        answer = JSONResponse({"game": game, "role": who.role, "page": page(game, who.role)})
        answer.set_cookie(
            cookie_name(game, who.role), shown.credentials, httponly=True, samesite="strict",
            secure=request.url.scheme == "https", expires=None, max_age=max(int(who.expires - room.now()), 1), path="/",
        )  # fmt: skip
        return answer

    @app.get("/join", include_in_schema=False)
    def join() -> Response:
        """A page that takes the secret from behind the # of a link, so that it stands in no log."""
        return joining()

    @app.get("/api/games", responses=_REFUSALS)
    def games(who: Who) -> list[dict[str, Any]]:
        """All games (host)."""
        return room.games(who)

    @app.post("/api/games", responses=_REFUSALS, status_code=201)
    def open_game(asked: GameAsked, who: Who) -> Opened:
        """Open a game (host). Views that are not solved yet are solved in the background: ask again (409)."""
        if who.role != "host":
            raise Refused("Only the host opens games.", 403)
        seats = {"coercer": Seat(**asked.coercer.model_dump()), "target": Seat(**asked.target.model_dump())}
        game, links = room.open_game(
            asked.title, seats=seats, seed=asked.seed, types=asked.types, seconds=asked.seconds, paused=asked.paused,
            debrief=asked.debrief, lasts=asked.lasts, wait=False,
        )  # fmt: skip
        return Opened(game=game, links=links)

    @app.get(
        "/api/game", responses={**_REFUSALS, 200: {"model": Look}, 204: {"description": "Nothing new."}},
        response_class=JSONResponse,
    )  # fmt: skip
    async def game(
        who: Who,
        after: Annotated[str, Query(max_length=32, description="The version last seen.")] = "",
        wait: Annotated[
            float, Query(ge=0, le=WAIT, allow_inf_nan=False, description="Seconds to wait for news.")
        ] = 0.0,
    ) -> Response:
        """What the caller sees of his game; with `after`, only once it differs from that version."""
        mark, text = await run_in_threadpool(look, room, who)
        if after and mark == after and wait > 0:
            mark, text = await await_news(room, who, after, wait)
        if after and mark == after:
            return Response(status_code=204)
        return Response(text, media_type="application/json")

    @app.post("/api/game/moves", responses=_REFUSALS)
    def move(asked: MoveAsked, who: Who) -> Accepted:
        """Make a move (players). It is on disk when it is answered."""
        return Accepted(accepted=room.move(who, asked.key, asked.turn, asked.move, asked.rung, asked.package))

    @app.post("/api/game/messages", responses=_REFUSALS)
    def message(asked: MessageAsked, who: Who) -> Accepted:
        """Send a cable to the other side or to the facilitator; the facilitator writes to a side or to all."""
        return Accepted(accepted=room.message(who, asked.key, asked.to, asked.text))

    @app.put("/api/game/draft", responses=_REFUSALS, status_code=204)
    def draft(asked: DraftAsked, who: Who) -> None:
        """Keep what has not been sent yet (players); a move clears it."""
        room.draft(who, asked.text)

    @app.post("/api/game/injections", responses=_REFUSALS)
    def inject(asked: InjectionAsked, who: Who) -> Accepted:
        """Bring something about (facilitator)."""
        return Accepted(accepted=room.inject(who, asked.key, asked.injection.model_dump()))

    @app.put("/api/game/seats/{side}", responses=_REFUSALS, status_code=204)
    def seat(side: Side, asked: SeatAsked, who: Who) -> None:
        """Give a side to a person or a strategy, with a view and precision (facilitator).

        A view that is not solved yet is solved in the background: ask again (409).
        """
        room.set_seat(who, side, Seat(**asked.model_dump()))

    @app.put("/api/game/clock", responses=_REFUSALS, status_code=204)
    def clock(asked: ClockAsked, who: Who) -> None:
        """Pause, go on, set the seconds for a move (facilitator)."""
        room.set_clock(who, running=asked.running, seconds=asked.seconds)

    @app.get("/api/game/links", responses=_REFUSALS)
    def links(who: Who) -> list[dict[str, Any]]:
        """Links to the game, without their secrets (facilitator)."""
        return room.links(who)

    @app.post("/api/game/links", responses=_REFUSALS, status_code=201)
    def new_link(asked: LinkAsked, who: Who) -> dict[str, str]:
        """A new link (facilitator); its token is told once."""
        name, token = room.new_link(who, asked.role, asked.label, asked.lasts)
        return {"id": name, "token": token}

    @app.delete("/api/game/links/{link}", responses=_REFUSALS, status_code=204)
    def revoke(link: str, who: Who) -> None:
        """Revoke a link (facilitator); whoever came in by it is out."""
        room.revoke(who, link)

    @app.get("/api/game/debrief", responses=_REFUSALS, response_model=Debrief)
    def debrief(who: Who) -> Response:
        """The debrief, once it is open."""
        found: Debrief = room.debrief(who)
        return _json(found)

    @app.get("/api/game/events.yaml", responses=_REFUSALS, response_class=Response)
    def events(who: Who) -> Response:
        """The game as an event file of the case format."""
        return Response(room.events(who), media_type="application/yaml")

    @app.get("/api/game/case.yaml", responses=_REFUSALS, response_class=Response)
    def case_file(who: Who) -> Response:
        """The case with this game's events in place of its own: what `standoff infer` reads."""
        return Response(room.events(who, whole=True), media_type="application/yaml")

    @app.websocket("/api/game/live")
    async def live(socket: WebSocket) -> None:
        await serve_live(socket, room, let_in, limits, sockets)

    return app
