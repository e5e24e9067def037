"""Tables of the store. Times are seconds since 1970 (UTC); `content` holds JSON.

| table | a row is |
|---|---|
| games | a game: the case it is played on, its seed, where it stands, its clock |
| seats | a side of a game: its type, who plays it, the view and precision of its mind, its draft |
| links | a secret link: the SHA-256 of it (never the link), its role, until when it holds |
| steps | a step of a game, numbered from 0 (`standoff.play.table`) |
| messages | a cable, or a message of the facilitator |
| answers | what was answered to a request with a key, so that it is done once |
"""

import sqlalchemy as sa

metadata = sa.MetaData()

games = sa.Table(
    "games", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("case_id", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # open, paused, over
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Double),
    sa.Column("deadline", sa.Double),
    sa.Column("debrief", sa.String(16), nullable=False),  # end, facilitator
    sa.Column("created", sa.Double, nullable=False),
)  # fmt: skip

seats = sa.Table(
    "seats", metadata,
    sa.Column("game", sa.String(32), sa.ForeignKey("games.id"), primary_key=True),
    sa.Column("side", sa.String(16), primary_key=True),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("player", sa.String(16), nullable=False),  # person, strategy
    sa.Column("view", sa.String(64), nullable=False),
    sa.Column("precision", sa.Double),
    sa.Column("draft", sa.Text),
)  # fmt: skip

links = sa.Table(
    "links", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("game", sa.String(32), sa.ForeignKey("games.id")),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.String(100), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double, nullable=False),
    sa.Column("revoked", sa.Double),
)  # fmt: skip

steps = sa.Table(
    "steps", metadata,
    sa.Column("game", sa.String(32), sa.ForeignKey("games.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)  # fmt: skip

messages = sa.Table(
    "messages", metadata,
    sa.Column("game", sa.String(32), sa.ForeignKey("games.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sender", sa.String(16), nullable=False),
    sa.Column("to", sa.String(16), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)  # fmt: skip

answers = sa.Table(
    "answers", metadata,
    sa.Column("link", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("asked", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)  # fmt: skip
