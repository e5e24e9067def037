"""The server behind the desk: where it listens, and what that means."""

from nicegui import app, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from standoff.app.data import Desk
from standoff.app.endings import agreement, course, outcomes
from standoff.app.events import happenings
from standoff.app.jobs import jobs_of
from standoff.app.pages import pages
from standoff.app.parameters import parameters
from standoff.app.place import Place
from standoff.app.shell import ICON, register, stop_with


def prepare(desk: Desk) -> None:
    """Read what the pages need, so that the first of them paints at once."""
    happenings(desk)
    parameters(desk)
    if desk.findings is not None:
        outcomes(desk), course(desk, "views"), agreement(desk)


def mount(desk: Desk, place: Place | None = None) -> None:
    """Put the desk's pages and downloads into the app."""
    from standoff.app.downloads import routes

    register(desk, pages())
    routes(desk)
    stop_with(desk)
    if place is not None and place.loopback:
        hosts = ["127.0.0.1", "localhost", "[::1]", "::1", place.host]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)


def serve(desk: Desk, place: Place, *, show: bool, make: bool) -> None:
    """Serve until interrupted; with `make`, begin a run where the case has none."""
    mount(desk, place)
    if make and desk.run is None:
        app.on_startup(lambda: jobs_of(desk).start("run"))
    ui.run(
        host=place.host, port=place.port, title=desk.loaded.case.crisis.title, favicon=ICON, dark=None, show=show,
        reload=False, tailwind=False, show_welcome_message=False, uvicorn_logging_level="warning",
    )  # fmt: skip
