"""What goes wrong, said so that the reader can mend it.

One root, `StandoffError`. A user's mistake is a `UserError` (exit code 2); a failure of ours is a
`Failure` (exit code 1). The command line prints either without a traceback.
"""

from dataclasses import dataclass, field


class StandoffError(Exception):
    """Root of everything that standoff raises on purpose."""

    exit_code = 1


class Failure(StandoffError):
    """Something of ours failed; the message says at which stage and what to try."""

    exit_code = 1


class UserError(StandoffError):
    """The user can mend it: the message holds the place, the problem and the remedy."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a case: where, what, and what to do about it.

    `place` is `file:line:column` (or a bare file); `kind` is a stable word for scripts.
    """

    place: str
    problem: str
    remedy: str = ""
    kind: str = field(default="schema", compare=False)

    def __lt__(self, other: "Problem") -> bool:
        """By file, line and column, the latter two as numbers."""
        return self._order() < other._order()

    def _order(self) -> tuple[str, list[int], str]:
        file, *point = self.place.split(":")
        return file, [int(part) if part.isdecimal() else 0 for part in point], self.problem

    def __str__(self) -> str:
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{self.place}: {self.problem}.{remedy}"

    def as_dict(self) -> dict[str, str]:
        """The problem as a plain mapping, for `--json`."""
        return {"place": self.place, "problem": self.problem, "remedy": self.remedy, "kind": self.kind}


class CaseError(UserError):
    """A case that cannot be used as it stands; holds every problem found, not the first only."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems in order of place."""
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
