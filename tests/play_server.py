"""A server of toy games in a process of its own: `python -m tests.play_server DB PORT-FILE`."""

import sys
from pathlib import Path

import uvicorn
from tests.play_database import place

from standoff.app.api import api_app
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store


def main() -> None:
    """Serve the games of a store from kept boards, on the port that a file names."""
    base = Path(sys.argv[1])
    loaded = load_case(TEMPLATE)
    room = Room(loaded, Store(place(base / "games.db")), Shelf(loaded, base / "boards"))
    room.resume()
    room.run()
    app = api_app(room, rate=1e6, burst=1e6)
    print("ready", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", ws_max_size=65536)


if __name__ == "__main__":
    main()
