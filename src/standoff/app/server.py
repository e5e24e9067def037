"""The server behind the desk: where it listens, and what that means."""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from nicegui import app, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from standoff.app.data import Desk
from standoff.app.endings import agreement, course, outcomes
from standoff.app.events import happenings
from standoff.app.jobs import jobs_of
from standoff.app.pages import pages
from standoff.app.parameters import parameters
from standoff.app.shell import ICON, register, stop_with
from standoff.errors import UserError

PORTS = range(8100, 8120)
"""Ports that are tried, in turn, where none is named."""


@dataclass(frozen=True)
class Place:
    """Where the server listens."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """Its address for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def warning(self) -> str:
        """What it means that others can reach it; nothing on loopback."""
        if self.loopback:
            return ""
        return (
            f"Listening on {self.host}: everybody who can reach port {self.port} of this machine can read this case, "
            "its sources and your copies of documents, and start computations here. There is no password and no "
            "encryption. Use --host 127.0.0.1, or put a server with both in front."
        )


def find_place(host: str, port: int | None) -> Place:
    """The host with a port that is free: the one named, else the first of `PORTS`."""
    for one in [port] if port is not None else PORTS:
        if _free(host, one):
            return Place(host, one)
    if port is not None:
        raise UserError(f"--port {port}: it is in use or may not be used on {host}. Name another.")
    raise UserError(f"No port from {PORTS[0]} to {PORTS[-1]} is free on {host}. Name one with --port.")


def _free(host: str, port: int) -> bool:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UserError(f"--host {host}: there is no such host. Use 127.0.0.1 for this machine alone.") from error
    family, kind, number, _, address = found[0]
    with socket.socket(family, kind, number) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(address)
        except OSError:
            return False
    return True


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


def require_file_free(runs: Path) -> None:
    """Refuse a folder of runs that is a file."""
    if runs.exists() and not runs.is_dir():
        raise UserError(f"{runs}: this is a file. Name a folder with --runs.")
