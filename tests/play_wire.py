"""A server on a real socket, and clients that keep every byte they are sent."""

import base64
import contextlib
import json
import os
import socket
import threading
import time

import uvicorn


@contextlib.contextmanager
def served(app):
    """Serve an application on a free port of the loopback; gives the port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="warning", date_header=False, server_header=False,
        ws_per_message_deflate=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(20)


class Wire:
    """One client: HTTP requests, each on a connection of its own, and a socket.

    `heard` is every byte it was sent over HTTP, in order; `frames` every frame of the socket, whole.
    """

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.heard, self.frames = [], []
        self._live = None
        self._rest = b""

    def ask(self, method, path, content=None, **headers):
        body = b"" if content is None else json.dumps(content).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close",
                 f"Authorization: Bearer {self.token}", f"Content-Length: {len(body)}",
                 "Content-Type: application/json"]  # fmt: skip
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            found = b""
            while piece := wire.recv(65536):
                found += piece
        self.heard.append(found)
        head, _, rest = found.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        with contextlib.suppress(ValueError):
            return status, json.loads(rest)
        return status, rest.decode()

    def join(self):
        """Open the socket and show the link."""
        self._live = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        key = base64.b64encode(b"0123456789abcdef").decode()
        lines = ["GET /api/game/live HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]  # fmt: skip
        self._live.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.heard.append(head)
        assert b" 101 " in head, head
        self.say({"link": self.token})

    def _more(self):
        piece = self._live.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        self._rest += piece

    def say(self, content):
        body = json.dumps(content).encode() if not isinstance(content, bytes) else content
        mask = os.urandom(4)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + len(body).to_bytes(2, "big")
        self._live.sendall(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def _need(self, count):
        while len(self._rest) < count:
            self._more()

    def hear(self):
        """The next message of the socket; a close is told as ('close', code)."""
        while True:
            self._need(2)
            op, size = self._rest[0] & 15, self._rest[1] & 127
            start = 2 if size < 126 else 4 if size == 126 else 10
            self._need(start)
            size = size if size < 126 else int.from_bytes(self._rest[2:start], "big")
            self._need(start + size)
            self.frames.append(self._rest[: start + size])
            body, self._rest = self._rest[start : start + size], self._rest[start + size :]
            if op == 8:
                return "close", int.from_bytes(body[:2], "big")
            if op == 1:
                return json.loads(body)

    def until(self, *wanted):
        """Messages until each of what is wanted has come, in any order."""
        left = list(wanted)
        while left:
            found = self.hear()
            if isinstance(found, tuple):
                raise ConnectionError(found)
            left = [want for want in left if not want(found)]

    def leave(self):
        if self._live is not None:
            self._live.close()
