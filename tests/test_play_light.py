"""A server of games with its pages loads no solver: what is imported is looked at in a process of its own."""

import subprocess
import sys


def test_pages_of_games_load_no_solver():
    code = (
        "import sys\n"
        "import standoff.app.api, standoff.app.table.mount, standoff.play.room, standoff.app.place\n"
        "heavy = {'jax', 'xarray', 'equinox', 'standoff.app.data', 'standoff.show', 'standoff.simulate'}\n"
        "print(sorted(heavy & set(sys.modules)), 'standoff.app.blocks' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"
