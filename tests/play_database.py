"""Where the games of a test are kept: an SQLite file, or a database of its own on a server.

`STANDOFF_TEST_POSTGRES=postgresql://USER@HOST/NAME pytest tests/test_play_room.py tests/test_play_kill.py` runs these
on PostgreSQL; it needs psycopg, and a user that may create databases.
"""

import hashlib
import os
from pathlib import Path


def place(path):
    """The file, or the address of a database named after it, made if it is not there yet."""
    server = os.environ.get("STANDOFF_TEST_POSTGRES")
    if not server:
        return path
    import psycopg

    name = "standoff_" + hashlib.sha256(str(Path(path).resolve()).encode()).hexdigest()[:16]
    with psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if not known:
            connection.execute(f"create database {name}")
    return f"{server.rsplit('/', 1)[0]}/{name}"
