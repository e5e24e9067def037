"""Screen: what does each mechanism do, and is it what is asserted? Shown only if `standoff mechanisms` was run."""

import xarray as xr

from standoff.show.figures.mechanisms import Effect, effects
from standoff.show.mechanisms import acts_after, exit_title
from standoff.show.screens.screen import Block, Cell, Findings, Picture, Screen, Table, Words, row
from standoff.show.words import count, listed, sentence

QUESTION = "What does each mechanism do to the endings, and is it what is asserted?"
SHOWN = ("force", "agreed-exit", "removed-within")
MOST = 7


def mechanisms(found: Findings) -> Screen | None:
    """Mechanisms on against off, levers with against without, and where the sign goes against the claim."""
    data = found.group("mechanisms")
    if data is None:
        return None
    own, levers = rows_of(data, lever=False), rows_of(data, lever=True)
    endings = [(key, found.names.ending(key)) for key in SHOWN]
    left: list[Block] = []
    right: list[Block] = []
    if own:
        titled = [(f"{key} {title}", row) for key, title, _, row in own]
        left.append(Picture(effects("mechanisms", titled, endings, "Each mechanism on against off, own views.")))
    if levers:
        titled = [(f"{key} {title}", row) for key, title, _, row in levers]
        right.append(Picture(effects("levers", titled, endings, "Each lever with it against without, own views.")))
    every = own + levers
    right.append(verdicts_of(found, every))
    after = after_ending(data)
    right += [left_out(data)] if after is None else [after, left_out(data)]
    return Screen("mechanisms", QUESTION, answer_of(found, own, every), tuple(left), tuple(right), note=note_of(data))


Row = tuple[str, str, str, dict[str, Effect]]


def rows_of(data: xr.Dataset, *, lever: bool) -> list[Row]:
    """Id, title, claim and effects of the mechanisms that the case has and that move an ending."""
    rows = []
    for name in (str(m) for m in data["mechanism"].values):
        one = data.sel(mechanism=name)
        if bool(one["lever"]) != lever or not bool(one["present"]) or str(one["note"].item()):
            continue
        found = {key: effect_of(one.sel(ending=key)) for key in SHOWN}
        rows.append((name, str(one["name"].item()), str(one["claim"].item()), found))
    return rows


def effect_of(one: xr.Dataset) -> Effect:
    """What a mechanism changes, with its interval and the direction that is asserted."""
    mean, low, high = (float(one[key]) for key in ("mean", "low", "high"))
    return Effect(mean, low, high, str(one["asserted"].item()))


def answer_of(found: Findings, own: list[Row], every: list[Row]) -> str:
    """The answer in words."""
    if not own:
        return "The case has none of the mechanisms."
    tell = [(title, row["force"]) for _, title, _, row in own if not row["force"].covers]
    text = f"Of {count(len(own), 'mechanism')} in this case, {len(tell) or 'none'} "
    text += f"move{'s' if len(tell) < 2 else ''} the chance of force beyond doubt of its sign"
    if tell:
        title, one = max(tell, key=lambda pair: abs(pair[1].mean))
        text += f", most of all “{title}” ({_points(one)} points)"
    cells = [(title, key, row[key]) for _, title, _, row in every for key in SHOWN if row[key].asserted]
    wrong = [f"“{title}” on {found.names.ending(key)}" for title, key, one in cells if one.against]
    borne = sum(not one.covers and not one.against for _, _, one in cells)
    text += f". Of {count(len(cells), 'asserted direction')}, levers among them, {borne} "
    text += f"{'is' if borne == 1 else 'are'} borne out"
    text += f"; the other way goes {listed(wrong)}." if wrong else ", and none is contradicted."
    return text


def _points(one: Effect) -> str:
    return f"{100 * one.mean:+.1f}".replace("-", "−")


def verdicts_of(found: Findings, every: list[Row]) -> Table:
    """Asserted directions, those that are contradicted first, then the clearest."""
    cells = [(key, claim, end, row[end]) for key, _, claim, row in every for end in SHOWN if row[end].asserted]
    cells.sort(key=lambda cell: (not cell[3].against, cell[3].covers, -abs(cell[3].mean)))
    rows = [
        row(
            key, sentence(claim), f"{found.names.ending(end)} {'rises' if one.asserted == '+' else 'falls'}",
            Cell(str(one), faint=one.covers, strong=one.against),
            Cell("the other way" if one.against else "open" if one.covers else "borne out", strong=one.against),
        )
        for key, claim, end, one in cells[:MOST]
    ]  # fmt: skip
    left = len(cells) - len(rows)
    return Table(
        "What is asserted, and what the model gives (points)",
        ("", "Claim", "Asserted", "Change", "So"),
        tuple(rows),
        f"the clearest; {count(left, 'other')} in the figures" if left else "",
        wordy=(1, 2, 4),
    )


def after_ending(data: xr.Dataset) -> Table | None:
    """What mechanisms do after the leader has gone; none where the case has no contenders."""
    rows = []
    for name in (str(m) for m in data["mechanism"].values):
        one = data.sel(mechanism=name)
        if not acts_after(one):
            continue
        cells = []
        for exit in one["exit"].values:
            here = one.sel(exit=exit)
            mean, low, high = (float(here[f"fights_{key}"]) for key in ("mean", "low", "high"))
            effect = Effect(mean, low, high, str(one["fights_asserted"].item()))
            cells.append(Cell(str(effect), faint=effect.covers, strong=effect.against))
        rows.append(row(f"{name} {one['name'].item()}", *cells))
    if not rows:
        return None
    heads = [sentence(exit_title(str(exit))) for exit in data["exit"].values]
    return Table(
        "After the leader has gone: chance that somebody left out of power fights (points)",
        ("Mechanism, on against off", *heads), tuple(rows), "grey: the interval holds 0", wordy=(0,),
    )  # fmt: skip


def left_out(data: xr.Dataset) -> Words:
    """Mechanisms that the case has not, and those that act after the ending, in words."""
    absent, after = [], []
    for name in (str(m) for m in data["mechanism"].values):
        one = data.sel(mechanism=name)
        if note := str(one["note"].item()):
            after.append((name, note))
        elif not bool(one["present"]):
            absent.append(name)
    texts = [f"Not in this case: {listed(absent)}."] if absent else ["All mechanisms are in this case."]
    notes = dict.fromkeys(note for _, note in after)
    texts += [f"{listed([n for n, x in after if x == note])}: {note}." for note in notes]
    return Words((" ".join(texts),))


def note_of(data: xr.Dataset) -> str:
    """How it was computed."""
    a = data.attrs
    alarms = float(a["false_alarms"])
    return (
        f"{count(int(a['draws']), 'draw')}, {a['replications']} crises each, on the same draws and random numbers, "
        f"each side in its own view. If nothing mattered, about {alarms:.0f} of {a['intervals']} intervals (all "
        "endings) would exclude 0 by chance. A claim is what somebody asserts; the sign is compared, not assumed. "
        f"{a['status']}"
    )
