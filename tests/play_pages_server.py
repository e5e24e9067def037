"""A server of games with their pages: `python -m tests.play_pages_server FOLDER PORT RATE`; prints the host's token.

The folder holds the boards that it plays on, so that it loads no solver.
"""

import sys
from pathlib import Path

import uvicorn

from standoff.app.api import api_app
from standoff.app.table.mount import put_pages
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store

NOW = 1_900_000_000.0
"""Seconds since 1970 at which its clock stands, so that nothing shown depends on when it is asked for."""


def main() -> None:
    """Serve until it is ended."""
    base, rate, loaded = Path(sys.argv[1]), float(sys.argv[3]), load_case(TEMPLATE)
    room = Room(loaded, Store(base / "games.db"), Shelf(loaded, base / "boards"), clock=lambda: NOW)
    app = api_app(room, rate=rate, burst=6 * rate)
    put_pages(app, room)
    print(room.host_link(), flush=True)
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", ws_max_size=65536, date_header=False,
        server_header=False, ws_per_message_deflate=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
