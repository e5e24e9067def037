"""Fifty games at once with a hundred program players on one server: time of a move, memory a client, nothing lost.

The server is a process of its own on this machine, the players are sockets of another one; they share its cores. A move
is timed from its sending to its answer, which comes after it is on disk. In one of the three loads sixteen leaders'
pages stay open, and a browser opens more (`benchmarks.play_pages`). `python -m benchmarks.play [CASE]`; of the template
case where none is named.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.play_pages import Page, Painter, tell

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store

GAMES, PAGES = 50, 16
HOST = "127.0.0.1"


def serve(case: str, base: Path, boards: Path, port: int) -> None:
    """The server's process."""
    import uvicorn

    from standoff.app.api import api_app
    from standoff.app.table.mount import put_pages

    room = Room(load_case(case), Store(base / "games.db"), Shelf(load_case(case), boards))
    room.resume()
    room.run()
    application = api_app(room)
    put_pages(application, room)
    print("ready", flush=True)
    uvicorn.run(application, host=HOST, port=port, log_level="error", ws_per_message_deflate=False)


def resident(pid: int) -> float:
    """Mebibytes that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024


class Player:
    """A program at a seat: any move that does not end the game, as long as there is one."""

    def __init__(self, port: int, game: str, token: str, pause: float) -> None:
        """`pause`: mean seconds before a move."""
        self.address, self.game, self.token, self.pause = f"ws://{HOST}:{port}/api/game/live", game, token, pause
        self.random, self.times, self.noted = random.Random(token), list[float](), dict[int, str]()
        self.sent: dict[tuple[str, int], float] = {}
        self.bytes = 0
        self._wire: Any = None

    async def join(self) -> None:
        """Open the socket."""
        from websockets.asyncio.client import connect

        self._wire = await connect(self.address, compression=None, max_size=None, proxy=None)
        await self._wire.send(json.dumps({"link": self.token}))
        self._sight = (await self._heard())["sight"]

    async def _heard(self) -> dict[str, Any]:
        text = await self._wire.recv()
        self.bytes += len(text)
        found: dict[str, Any] = json.loads(text)
        return found

    async def play(self) -> None:
        """Play until the game is over."""
        while self._sight["ending"] is None:
            options = self._sight["mine"]["options"]
            if options:
                going = [option for option in options if not option["ends"]] or options
                await self._move(self.random.choice(going))
            else:
                found = await self._heard()
                self._sight = found.get("sight", self._sight)
        await self._wire.close()

    async def _move(self, option: dict[str, Any]) -> None:
        if self.pause:
            await asyncio.sleep(self.random.uniform(0, 2 * self.pause))
        turn = self._sight["turn"]
        asked = {name: option[name] for name in ("move", "rung", "package") if option[name] is not None}
        asked.pop("package" if option["move"] == "accept" else "", None)
        start = self.sent[self.game, turn] = time.perf_counter()
        await self._wire.send(json.dumps({"kind": "move", "key": f"t{turn}", "turn": turn, **asked}))
        answered = moved = False
        while not (answered and moved):
            found = await self._heard()
            if found["kind"] == "sight":
                self._sight = found["sight"]
                moved = self._sight["turn"] > turn or self._sight["ending"] is not None
            else:
                if found["kind"] == "refused":
                    raise RuntimeError(found["detail"])
                self.times.append(time.perf_counter() - start)
                self.noted[turn], answered = found["accepted"]["move"], True


async def _crowd(players: list[Player], pages: list[Page], server: int) -> tuple[list[float], float, Painter]:
    """All join, pages open, then all play.

    Returns the server's memory before, after joining and after the pages came, the seconds of play, and what a browser
    painted.
    """
    held, painter = [resident(server)], Painter(pages)
    await asyncio.gather(*(player.join() for player in players))
    await asyncio.sleep(1.0)
    held.append(resident(server))
    await asyncio.gather(*(page.open() for page in pages))
    await asyncio.sleep(1.0)
    held.append(resident(server))
    if pages:
        await painter.start()
    painting = asyncio.create_task(painter.under_load())
    start = time.perf_counter()
    await asyncio.gather(*(player.play() for player in players))
    seconds = time.perf_counter() - start
    painting.cancel()
    await asyncio.gather(painting, return_exceptions=True)
    await asyncio.sleep(2.0 if pages else 0.0)  # for what is still on its way
    await asyncio.gather(*(page.close() for page in pages), painter.stop())
    return held, seconds, painter


def load(case: str, boards: Path, pause: float, open_pages: int) -> None:
    """One load: games are opened, played, and compared with what is on disk; so many pages look on."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        room = Room(load_case(case), Store(base / "games.db"), Shelf(load_case(case), boards))
        opened = [room.open_game(f"game {k}", seed=k) for k in range(GAMES)]
        port = 20_000 + os.getpid() % 20_000
        command = [sys.executable, "-m", "benchmarks.play", case, "serve", str(base), str(boards), str(port)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            server.stdout.readline()
            time.sleep(1.0)
            cpu = _cpu(server.pid)
            players = [
                Player(port, game, links[side], pause) for game, links in opened for side in ("coercer", "target")
            ]
            pages = [Page(port, game, side, links[side]) for game, links in opened for side in ("coercer", "target")][
                :open_pages
            ]
            (before, after, painted), seconds, painter = asyncio.run(_crowd(players, pages, server.pid))
            used, last = _cpu(server.pid) - cpu, resident(server.pid)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
        _tell(room, opened, players, seconds, used)
        each = (after - before) / len(players) * 1024
        print(f"memory of the server: {before:.0f} MiB alone, {each:.0f} KiB a client that has joined, "
              f"{last:.0f} MiB at the end")  # fmt: skip
        if pages:
            sent = {turn: at for player in players for turn, at in player.sent.items()}
            tell(pages, painter, (painted - after) * 1024, sent)
        room.store.close()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tell(
    room: Room, opened: list[tuple[str, dict[str, str]]], players: list[Player], seconds: float, used: float
) -> None:  # fmt: skip
    times = np.concatenate([player.times for player in players]) * 1000
    lost = twice = 0
    over = 0
    for game, _ in opened:
        with room.store.read() as change:
            steps = [one["step"] for one in change.steps(game)]
            over += change.game(game)["status"] == "over"
        moves = [step["move"] for step in steps if step["kind"] == "move"]
        noted = {turn: move for player in players if player.game == game for turn, move in player.noted.items()}
        lost += sum(turn >= len(moves) or moves[turn] != move for turn, move in noted.items())
        twice += len(moves) - len(noted)
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(f"{len(opened)} games, {len(players)} players, {len(times)} moves in {seconds:.1f} s "
          f"({used / len(times) * 1000:.1f} ms of the server's CPU a move)")  # fmt: skip
    print(f"a move: median {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, longest {times.max():.0f} ms")
    print(f"{over} games over; moves lost {lost}, done twice {twice}; "
          f"{sum(p.bytes for p in players) / len(players) / 1024:.0f} KiB sent to a player")  # fmt: skip


def main(case: str = str(TEMPLATE)) -> None:
    """The loads: a move about every two seconds a player, without and with pages; and as fast as they can."""
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(load_case(case), Path(folder))
        shelf.board()
        for pause, pages in ((2.0, 0), (2.0, PAGES), (0.0, 0)):
            told = f"a pause of {pause:.0f} s before a move, on average" if pause else "no pause"
            print(f"\n{told}{', leaders at their pages' if pages else ''}:", flush=True)
            load(case, Path(folder), pause, pages)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        serve(sys.argv[1], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    else:
        main(*sys.argv[1:])
