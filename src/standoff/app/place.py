"""Where a server listens: a host and a port that are free, and who can reach them. Loads nothing of a page."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

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


def find_place(host: str, port: int | None, among: Iterable[int] = PORTS) -> Place:
    """The host with a port that is free: the one named (0: any), else the first `among` those to be tried.

    Raises:
        UserError: there is no such host, or no port of it that can be used.
    """
    tried = [port] if port is not None else list(among)
    for one in tried:
        found = _bound(host, one)
        if found is not None:
            return Place(host, found)
    if port is not None:
        raise UserError(f"--port {port}: it is in use or may not be used on {host}. Name another.")
    raise UserError(f"No port from {tried[0]} to {tried[-1]} is free on {host}. Name one with --port.")


def _bound(host: str, port: int) -> int | None:
    """The port, if a server could listen there now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {host}: there is no such host. Use 127.0.0.1 for this machine alone.") from error
    family, kind, number, _, address = found[0]
    with socket.socket(family, kind, number) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(address)
        except OSError:
            return None
        return int(one.getsockname()[1])
