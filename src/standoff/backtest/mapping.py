"""What a mapping file says: from the columns of somebody's table to questions, splits and a game.

A mapping is data: no part of it is run. Its formulas may hold column names, numbers and a few functions only
(`standoff.estimate.formulas`). Every problem is told with its line.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Payoff = Literal["SA", "VA", "CB", "barWA", "barWB", "bara", "VB"]
Ending = Literal["cd", "sf", "bd"]
PAYOFFS: tuple[Payoff, ...] = ("SA", "VA", "CB", "barWA", "barWB", "bara", "VB")
ENDINGS: tuple[Ending, ...] = ("cd", "sf", "bd")
TITLES: dict[Ending, str] = {
    "cd": "the target concedes",
    "sf": "the threat is carried out",
    "bd": "the sender backs down",
}

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
Raw = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1200, strip_whitespace=True)]
Code = str | int | float | bool
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,120}$")]


class Misplaced(ValueError):
    """What is wrong between two parts of a mapping, and where the one to mend stands."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) or value is None else [value]


Codes = Annotated[tuple[Code, ...], BeforeValidator(_listed), Field(min_length=1)]
Raws = Annotated[tuple[Raw, ...], BeforeValidator(_listed), Field(min_length=1)]
Files = Annotated[tuple[FileName, ...], BeforeValidator(_listed), Field(min_length=1)]
Days = Annotated[tuple[Annotated[int, Field(ge=0)] | Raw, ...], BeforeValidator(_listed), Field(min_length=1)]
Year = Annotated[int, Field(ge=1, le=9999)]


class Part(BaseModel):
    """Base of all parts of a mapping: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Source(Part):
    """Where data are from, for those who want them."""

    files: Files = Field(description="Names under which a file is looked for in the folder of data.")
    cite: Words
    address: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=400)]
    note: Words | None = None


class Condition(Part):
    """What a column must hold: one of some codes, none of some, or a number from a to b (both included)."""

    among: Codes | None = Field(None, alias="is")
    without: Codes | None = Field(None, alias="not")
    low: float | None = Field(None, alias="from")
    high: float | None = Field(None, alias="to")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: object) -> object:
        return data if isinstance(data, dict) else {"is": data}

    @model_validator(mode="after")
    def _says(self) -> "Condition":
        if self.among is None and self.without is None and self.low is None and self.high is None:
            raise ValueError("a condition says nothing: give 'is', 'not', 'from' or 'to'")
        return self


Conditions = dict[Raw, Condition]


class Join(Part):
    """A second file whose columns are put beside the rows of a table.

    `on` pairs a column of the table with one of the file. `earlier` shifts a pair: the row of a case takes the row of
    the file so many units (years) before. Where the file holds several rows for one, `first_by` says by which columns
    the first is found.
    """

    files: Files
    on: dict[Raw, Raw] = Field(min_length=1)
    columns: dict[Raw, Raw] = Field(min_length=1, description="New name: column of the file.")
    earlier: dict[Raw, int] = Field(default_factory=dict)
    first_by: tuple[Raw, ...] = ()


class Since(Part):
    """Years from one date to another."""

    start: Raw = Field(alias="from")
    end: Raw = Field(alias="to")


class Column(Part):
    """Something that was known when a case began.

    A number; a flag (1 where a column, or any of several, holds one of the codes; without codes the column holds 0 and
    1 itself); or a category. `missing` lists codes that stand for nothing.
    """

    name: Name
    columns: Raws | None = Field(None, alias="from")
    kind: Literal["number", "flag", "category"] = "number"
    codes: Codes | None = None
    missing: Codes | None = None
    transform: Literal["log", "log1p", "sqrt", "logit"] | None = None
    since: Since | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Column":
        if self.codes is not None and self.kind != "flag":
            raise ValueError("'codes' belong to a flag: add 'kind: flag'")
        if self.kind != "number" and (self.transform or self.since):
            raise ValueError("'transform' and 'since' belong to a number")
        if self.since is not None and self.columns is not None:
            raise ValueError("give 'from' or 'since', not both")
        if self.since is None and len(self.raw) > 1 and (self.kind != "flag" or self.codes is None):
            raise ValueError("only a flag with 'codes' takes several columns")
        return self

    @property
    def raw(self) -> tuple[str, ...]:
        """Columns of the file that it is made of."""
        if self.since is not None:
            return (self.since.start, self.since.end)
        return self.columns or (self.name,)


class Resolved(Part):
    """When the outcome of a case was known: a column of dates, or days after the start (numbers, or columns of them).

    Where several are given, the latest of them.
    """

    column: Raw | None = None
    days: Days | None = None

    @model_validator(mode="after")
    def _one(self) -> "Resolved":
        if self.column is None and self.days is None:
            raise ValueError("give 'column', 'days', or both")
        return self

    @property
    def raw(self) -> tuple[str, ...]:
        """Columns of the file that it uses."""
        return tuple(name for name in (self.column, *(self.days or ())) if isinstance(name, str))


class Game(Part):
    """How a case ends in the signaling game, and what its payoffs hang on.

    `endings`: conditions on raw columns; the first that holds is the ending. `starts`: conditions on columns known at
    the start under which the ending is certain (such as sanctions that no threat preceded).
    """

    endings: dict[Ending, Annotated[tuple[Conditions, ...], BeforeValidator(_listed)]]
    payoffs: dict[Payoff, str]
    starts: dict[Ending, Conditions] = Field(default_factory=dict)
    meaning: dict[Ending, Words] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> "Game":
        lack = [name for name in ENDINGS if name not in self.endings] + [p for p in PAYOFFS if p not in self.payoffs]
        if lack:
            raise ValueError(f"a game takes all three endings and all seven payoffs; it lacks {', '.join(lack)}")
        return self


class Table(Part):
    """Rows of past cases: files, when each began, what moves together, and what was known at the start."""

    files: Files | None = None
    cite: tuple[Source, ...] = ()
    joins: tuple[Join, ...] = ()
    date: Raw = Field(description="Year (a whole number) or day (year-month-day) on which a case began.")
    group: Raws = Field(description="Columns that name the crisis, or whatever else keeps rows together.")
    together: Words = Field("crises", description="What `group` names, in the plural.")
    known: Annotated[tuple[Column, ...], Field(min_length=1)]
    resolved: Resolved | None = None
    game: Game | None = None

    def origin(self, raw: str) -> tuple[Files | None, str]:
        """The files and the column of them from which a raw column is."""
        found = next(((join.files, join.columns[raw]) for join in self.joins if raw in join.columns), None)
        return found or (self.files, raw)

    @model_validator(mode="after")
    def _once(self) -> "Table":
        names = [column.name for column in self.known]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the known column '{twice}' stands there twice")
        return self


class Outcome(Part):
    """The answer: codes of a column that mean yes, no, or that nobody coded it (an empty field always does)."""

    column: Raw
    yes: Codes
    no: Codes
    uncoded: Codes | None = None


class Question(Part):
    """A question with a yes or no for each row that its conditions keep."""

    title: Words
    table: Id
    outcome: Outcome
    rows: Conditions = Field(default_factory=dict)
    resolved: Resolved | None = None
    game: bool = True
    splits: tuple[Id, ...] | None = None
    note: Words | None = None


class Split(Part):
    """Who trains and who is tested.

    `forward`: rows to `train_to` train, those after it to `test_to` are tested. `rolling`: each `step` years from
    `first` to `last` are tested by what came before. `folds`: groups dealt at random into so many folds. With
    `by_start`, a case trains from its start on, though its outcome was not known yet. What is for `comparison` is told,
    but the answer does not count it.
    """

    kind: Literal["forward", "rolling", "folds"]
    title: Words | None = None
    train_to: Year | None = None
    test_to: Year | None = None
    first: Year | None = None
    last: Year | None = None
    step: Annotated[int, Field(ge=1, le=50)] = 1
    folds: Annotated[int, Field(ge=2, le=50)] = 10
    by_start: bool = False
    comparison: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "Split":
        needs = {"forward": ("train_to",), "rolling": ("first", "last"), "folds": ()}[self.kind]
        lack = [name for name in needs if getattr(self, name) is None]
        if lack:
            raise ValueError(f"a {self.kind} split lacks '{lack[0]}'")
        if self.train_to is not None and self.test_to is not None and self.test_to <= self.train_to:
            raise ValueError("'test_to' must be after 'train_to'")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("'last' must not be before 'first'")
        return self


class Mapping(Part):
    """A study."""

    study: Id
    title: Words
    about: Words | None = None
    sources: tuple[Source, ...] = ()
    tables: dict[Id, Table] = Field(min_length=1)
    splits: dict[Id, Split] = Field(min_length=1)
    questions: dict[Id, Question] = Field(min_length=1)

    @model_validator(mode="after")
    def _refers(self) -> "Mapping":
        for name, question in self.questions.items():
            if question.table not in self.tables:
                raise Misplaced(
                    f"the question '{name}' is asked of the table '{question.table}', which is not here",
                    "questions", name, "table",
                )  # fmt: skip
            for split in question.splits or ():
                if split not in self.splits:
                    raise Misplaced(
                        f"the question '{name}' names the split '{split}', which is not here",
                        "questions",
                        name,
                        "splits",
                    )
            table = self.tables[question.table]
            ends = {question.outcome.column} | {n for w in (table.resolved, question.resolved) if w for n in w.raw}
            told = {table.origin(raw): raw for raw in ends}
            for k, column in enumerate(table.known):
                late = [raw for raw in column.raw if table.origin(raw) in told]
                if late:
                    raise Misplaced(
                        f"'known' uses '{late[0]}', which tells how a case ended or when ('{name}'): "
                        "a forecast would see the answer",
                        "tables", question.table, "known", k,
                    )  # fmt: skip
            seen = {raw for column in table.known for raw in column.raw} | {table.date}
            late = [raw for raw in question.rows if raw not in seen]
            if late:
                raise Misplaced(
                    f"the rows of '{name}' are chosen by '{late[0]}', of which 'known' makes no use: "
                    "what chooses rows must have been known at the start",
                    "questions", name, "rows", late[0],
                )  # fmt: skip
            for ending, conditions in (table.game.starts if table.game else {}).items():
                late = [raw for raw in conditions if raw not in seen]
                if late:
                    raise Misplaced(
                        f"'starts' of '{ending}' uses '{late[0]}', of which 'known' makes no use",
                        "tables", question.table, "game", "starts", ending, late[0],
                    )  # fmt: skip
        return self
