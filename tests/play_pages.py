"""Browsers of played games without a browser: they read pages, keep their elements, click, and keep every byte."""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.play_toy import Toys, template
from tests.play_wire import Wire

from standoff.app.api import HOST, cookie_name
from standoff.play.shelf import Shelf

ROOT = Path(__file__).parents[1]
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


MINDS = (
    ("coercer", "base", None), ("coercer", "corvania", None), ("target", "base", None), ("target", "lume", None),
    ("target", "lume", 2.0),
)  # fmt: skip
"""Minds of toys that are kept for the server."""


@contextlib.contextmanager
def serving(base, *, rate=1e6):
    """A server of toy games in a process of its own: its port, and the host's token."""
    port, shelf = free_port(), Shelf(template(), base / "boards", Toys)
    shelf.board()
    for one in MINDS:
        shelf.held(*one)
    here = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.play_pages_server", str(base), str(port), str(rate)], cwd=ROOT, env=here,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        token = process.stdout.readline().strip()
        assert token
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            time.sleep(0.05)
        yield port, token
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


class Browser(Wire):
    """A browser at a page: `elements` as the page shows them, by id; `said` every message of its socket."""

    def __init__(self, port, token, game, role):
        super().__init__(port, token)
        self.game, self.role, self.elements, self.said = game, role, {}, []
        self.more = []  # headers that it sends beside its cookie
        self.client = ""

    def get(self, path):
        """A page as bytes, with the cookie of the seat; its status beside it."""
        name = cookie_name(self.game, self.role)
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close",
                 f"Cookie: {name}={self.token}", *self.more]  # fmt: skip
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode())
            found = b""
            while piece := wire.recv(65536):
                found += piece
        self.heard.append(found)
        return int(found.split()[1]), found

    def open(self, path=None):
        """Read a page and open its socket, as a browser does."""
        path = path or ("/" if self.role == HOST else f"/play/{self.game}/{self.role}")
        status, page = self.get(path)
        assert status == 200, page[:2000]
        text = page.decode()
        raw = re.search(r"parseElements\(String.raw`(.*?)`\)", text, re.S)[1]
        for mark, sign in (("&#36;", "$"), ("&#96;", "`"), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
            raw = raw.replace(mark, sign)
        self.elements = {one: {"props": {}, **element} for one, element in json.loads(raw).items()}
        self.client = re.search(r"'client_id': '([0-9a-f-]+)'", text)[1]
        self.connect()
        return self

    def connect(self):
        """Open the page's socket."""
        self._live, self._rest = socket.create_connection(("127.0.0.1", self.port), timeout=30), b""
        key = base64.b64encode(b"0123456789abcdef").decode()
        query = f"EIO=4&transport=websocket&client_id={self.client}&next_message_id=0&implicit_handshake=true"
        lines = [f"GET /_nicegui_ws/socket.io/?{query}&tab_id=tab&document_id=document HTTP/1.1",
                 f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]  # fmt: skip
        self._live.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.heard.append(head)
        assert b" 101 " in head, head
        self.say(b"40")

    def hear_one(self):
        """Take the next frame of the socket, and change the elements by it."""
        self._need(2)
        op, size = self._rest[0] & 15, self._rest[1] & 127
        start = 2 if size < 126 else 4 if size == 126 else 10
        self._need(start)
        size = size if size < 126 else int.from_bytes(self._rest[2:start], "big")
        self._need(start + size)
        self.frames.append(self._rest[: start + size])
        body, self._rest = self._rest[start : start + size], self._rest[start + size :]
        if op == 8:
            raise ConnectionError("closed")
        if op == 9:  # the server asks whether anybody is there
            self._live.sendall(b"\x8a\x80\0\0\0\0")
        if body == b"2":
            self.say(b"3")
        if body.startswith(b"42"):
            name, data = json.loads(body[2:])
            self.said.append((name, data))
            if name == "update":
                for one, element in data.items():
                    if element is None:
                        self.elements.pop(one, None)
                    elif one != "_id":
                        self.elements[one] = {"props": {}, **element}

    def words(self):
        """All text of the page as it stands."""
        found = []
        for element in self.elements.values():
            props = element["props"]
            found += [element.get("text", ""), props.get("innerHTML", ""), str(props.get("model-value", "")),
                      str(props.get("value", "")),
                      str(props.get("label", ""))]  # fmt: skip
        return "\n".join(part for part in found if part)

    def until(self, wanted, seconds=20.0):
        """Take frames until the page's words hold what is wanted, or until that holds of them."""
        end = time.monotonic() + seconds
        holds = wanted if callable(wanted) else lambda words: wanted in words
        while not holds(self.words()):
            self._live.settimeout(max(end - time.monotonic(), 0.01))
            try:
                self.hear_one()
            except TimeoutError:
                raise AssertionError(f"{wanted!r} did not come: {self.words()}") from None

    def settle(self, seconds=0.3):
        """Take what comes within a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._live.settimeout(left)
            try:
                self.hear_one()
            except TimeoutError:
                return

    def find(self, wanted):
        """The id of the one element for which something holds."""
        found = [one for one, element in self.elements.items() if wanted(element)]
        assert len(found) == 1, found
        return found[0]

    def send(self, one, kind, *args):
        """What happens to an element, as the page would send it."""
        event = next(event for event in self.elements[one]["events"] if event["type"].startswith(kind))
        message = {"id": int(one), "client_id": self.client, "listener_id": event["listener_id"],
                   "args": [json.dumps(arg) for arg in args]}  # fmt: skip
        self.say(b"42" + json.dumps(["event", message]).encode())

    def under(self, one):
        """An element and all below it."""
        yield self.elements[one]
        for child in self.elements[one].get("children", ()):
            yield from self.under(str(child))

    def choose(self, name):
        """Choose a move by its name."""
        label = self.find(
            lambda e: e["tag"] == "label" and any(
                one["props"].get("innerHTML") == name for child in e["children"] for one in self.under(str(child))
            )
        )  # fmt: skip
        self.send(str(self.elements[label]["children"][0]), "change")

    def press(self, label):
        """Press a button by its label."""
        self.send(self.find(lambda e: e["tag"] == "q-btn" and e["props"].get("label") == label), "click", {})

    def fill(self, label, value):
        """Fill a field by its label."""
        self.send(self.find(lambda e: e["props"].get("label") == label), "update:", value)

    def move(self, name):
        """Choose a move, and make it."""
        self.choose(name)
        self.press("Make this move …")
        self.until("It cannot be taken back.")
        self.press("Confirm")
        self.until("Accepted and on record")

    def told(self):
        """Every byte of pages and of the socket's messages, without names that are drawn anew for every visit."""
        messages = [frame for frame in self.frames if b"42[" in frame[:14]]
        return UUID.sub(b"U", b"".join([*self.heard, *messages])).replace(self.game.encode(), b"G")


class Host:
    """The API by the host's token, and games that it opens."""

    def __init__(self, port, token):
        self.port, self.token = port, token

    def ask(self, method, path, content=None, token=None):
        """A request; its answer, once nothing more is being solved."""
        wire = Wire(self.port, token or self.token)
        while (found := wire.ask(method, path, content))[0] == 409 and "being solved" in found[1]["detail"]:
            time.sleep(0.1)
        assert found[0] < 300, found
        return found[1]

    def open(self, **asked):
        """A game: its id and the token of each role."""
        made = self.ask("POST", "/api/games", {"title": "pages", "seed": 12, **asked})
        return made["game"], made["links"]
