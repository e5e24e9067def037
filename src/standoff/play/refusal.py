"""What is refused in a game, with the reason that a player reads."""

from standoff.errors import UserError


class Refused(UserError):
    """A move, a link or a request that is not accepted; `status` is what HTTP calls it, `after` seconds to wait."""

    def __init__(self, reason: str, status: int = 422, after: float | None = None) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.status = status
        self.after = after
