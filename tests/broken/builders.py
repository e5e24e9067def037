"""Broken cases: the case of `standoff new` with one thing spoilt, and where the error must be reported.

In an edit the sign § stands at the point that the message must name; it is taken out before the file is
written. `says` and `remedy` are parts of the message.
"""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from standoff.case.load import CASE_LIMIT, FILE_LIMIT
from standoff.case.new import TEMPLATE

Edit = tuple[str, str, str]
"""File, text that is there once, text to put in its place."""


@dataclass(frozen=True)
class Broken:
    """A way to spoil a case."""

    name: str
    says: str
    remedy: str
    edits: tuple[Edit, ...] = ()
    spoil: Callable[[Path], str] | None = None
    """For what an edit cannot do; returns the place to expect."""

    def build(self, folder: Path) -> str:
        """Write the case; returns the place where the error is."""
        shutil.copytree(TEMPLATE, folder)
        if self.spoil is not None:
            return self.spoil(folder)
        place = ""
        for file, old, new in self.edits:
            text = (folder / file).read_text(encoding="utf-8") if (folder / file).exists() else ""
            if old:
                assert text.count(old) == 1, (self.name, file, old, text.count(old))
            text = text.replace(old, new) if old else text + new
            if "§" in text:
                before = text[: text.index("§")]
                place = f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
                text = text.replace("§", "")
            (folder / file).write_text(text, encoding="utf-8")
        return place


def _link_out(folder: Path) -> str:
    outside = folder.parent / "outside.yaml"
    outside.write_text("claims: []\n")
    os.symlink(outside, folder / "more.yaml")
    return "more.yaml"


def _loop(folder: Path) -> str:
    os.symlink(folder / "loop.yaml", folder / "loop.yaml")
    return "loop.yaml"


def _huge(folder: Path) -> str:
    (folder / "huge.yaml").write_bytes(b"#" + b" " * FILE_LIMIT)
    return "huge.yaml"


def _huge_together(folder: Path) -> str:
    for number in range(CASE_LIMIT // FILE_LIMIT + 1):
        (folder / f"large-{number}.yaml").write_bytes((b"#" + b" " * 8000 + b"\n") * (FILE_LIMIT // 8002))
    return f"large-{CASE_LIMIT // FILE_LIMIT - 1}.yaml"


def _latin(folder: Path) -> str:
    (folder / "more.yaml").write_bytes("origins:\n  - {id: x, name: José, kind: person}\n".encode("latin-1"))
    return "more.yaml:2:22"


def _empty(folder: Path) -> str:
    shutil.rmtree(folder)
    folder.mkdir()
    return str(folder)


def _binary(folder: Path) -> str:
    (folder / "more.yaml").write_bytes(b"PK\x03\x04 not yaml")
    return "more.yaml:1:3"


def _no_ladder(folder: Path) -> str:
    file = folder / "crisis.yaml"
    file.write_text(re.sub(r"(?ms)^ladder:.*?(?=^solver:)", "", file.read_text()))
    return folder.name


def _bomb(folder: Path) -> str:
    names = "abcdefghij"
    lines = [f"{names[i]}: &{names[i]} [{', '.join(['*' + names[i - 1]] * 9)}]" for i in range(1, len(names))]
    (folder / "more.yaml").write_text("\n".join(["a: &a [x]", *lines]) + "\n")
    return "more.yaml:2:8"


def _fifo(folder: Path) -> str:
    os.mkfifo(folder / "pipe.yaml")
    return "pipe.yaml"


RALLY = "id: rally, title: A rally, date: 2031-04-01, seen_by: target"
NESTED = "  - id: second\n    title: Held in reserve\n    holder: coercer\n"


def _world(line: str) -> Edit:
    """An edit that adds a line to the world."""
    return "numbers.yaml", "world:\n  coalition:\n", f"world:\n  {line}\n  coalition:\n"


BROKEN = [
    Broken(
        "misspelt-key",
        "the key 'runing_cost' is not known here",
        "Did you mean 'running_cost'?",
        (("crisis.yaml", "    running_cost: {value: 0.001", "    §runing_cost: {value: 0.001"),),
    ),
    Broken(
        "misspelt-part",
        "the key 'forecats' is not known here",
        "Did you mean 'forecasts'?",
        (("evidence.yaml", "forecasts:  ", "§forecats:  "),),
    ),
    Broken(
        "misspelt-word",
        "'coercr' is not allowed for 'side'",
        "Did you mean 'coercer'?",
        (
            (
                "evidence.yaml",
                "    date: 2031-03-17\n    side: coercer",
                "    date: 2031-03-17\n    side: §coercr",
            ),
        ),
    ),
    Broken(
        "key-missing",
        "'closing' in events lacks 'title'",
        "Add 'title:'.",
        (("evidence.yaml", "  - id: closing\n    title: Blockade declared\n", "  - §id: closing\n"),),
    ),
    Broken(
        "part-missing",
        "the case lacks 'ladder'",
        "Add the part 'ladder:'",
        spoil=_no_ladder,
    ),
    Broken(
        "unknown-actor",
        "'brant' is not an actor of this case",
        "Did you mean 'brandt'?",
        (("evidence.yaml", "    side: target\n", "    side: target\n    who: §brant\n"),),
    ),
    Broken(
        "missing-document",
        "'harbor-note' is not a document of this case",
        "Did you mean 'harbour-note'?",
        (
            (
                "evidence.yaml",
                "anchor: {document: harbour-note, start: 138",
                "anchor: {document: §harbor-note, start: 138",
            ),
        ),
    ),
    Broken(
        "missing-claim",
        "'shps' is not a claim of this case",
        "Did you mean 'ships'?",
        (("crisis.yaml", "because: [ships]", "because: [§shps]"),),
    ),
    Broken(
        "unknown-term",
        "'amnsty' is not a term of the issue 'trial'",
        "Did you mean 'amnesty'?",
        (("bargain.yaml", "terms: {trial: amnesty}", "terms: {trial: §amnsty}"),),
    ),
    Broken(
        "unknown-type",
        "'resolved' is not a type of the coercer",
        "cautious, determined",
        (("numbers.yaml", "      cautious: {lognormal", "      §resolved: 0.4\n      cautious: {lognormal"),),
    ),
    Broken(
        "half-filled-types",
        "'force_cost' gives no number for the type 'cautious'",
        "remove the whole of it",
        (
            ("numbers.yaml", "    force_cost:  ", "    §force_cost:  "),
            ("numbers.yaml", "      cautious: {", "      # cautious: {"),
        ),
    ),
    Broken(
        "probability",
        "1.3 is not a probability between 0 and 1",
        "Write a number from 0 to 1.",
        (("bargain.yaml", "kept: {beta: [6, 2]", "kept: §{value: 1.3"),),
    ),
    Broken(
        "probability-of-a-forecast",
        "1.3 is not a probability between 0 and 1",
        "Write a number from 0 to 1.",
        (("evidence.yaml", "probability: 0.9", "probability: §1.3"),),
    ),
    Broken(
        "climb-downwards",
        "a climb to 'protest' from 'patrols' does not go up",
        "Higher rungs: blockade, landing-force.",
        (("evidence.yaml", "move: {move: climb, rung: blockade}", "move: §{move: climb, rung: protest}"),),
    ),
    Broken(
        "strike-at-a-rung-without",
        "a strike is not allowed at the rung 'patrols'",
        "Rungs with 'strike: true': landing-force.",
        (("evidence.yaml", "move: {move: climb, rung: blockade}", "move: §strike"),),
    ),
    Broken(
        "ultimatum-at-a-rung-without",
        "an ultimatum is not allowed at the rung 'patrols'",
        "blockade, landing-force",
        (("evidence.yaml", "move: {move: climb, rung: blockade}", "move: §ultimatum"),),
    ),
    Broken(
        "move-of-the-other-side",
        "the coercer has no move 'flee'",
        "Allowed: ",
        (("evidence.yaml", "move: {move: climb, rung: blockade}", "move: §flee"),),
    ),
    Broken(
        "offer-of-the-other-side",
        "'safe-leave' is a package that the coercer offers, not the target",
        "",
        (
            (
                "evidence.yaml",
                "move: {move: offer, package: spring-vote}",
                "move: §{move: offer, package: safe-leave}",
            ),
        ),
    ),
    Broken(
        "accept-without-offer",
        "the other side has not offered 'safe-leave' before this",
        "On the table: nothing.",
        (("evidence.yaml", "        move: defy", "        move: §{move: accept, package: safe-leave}"),),
    ),
    Broken(
        "part-in-two-files",
        "the part 'solver' stands in two files",
        "crisis.yaml:",
        (("more.yaml", "", "# more\n§solver: {nodes: 7}\n"),),
    ),
    Broken(
        "duplicate-id",
        "the id 'ships' is used twice in claims",
        "evidence.yaml:",
        (("more.yaml", "", "claims:\n  - {id: §ships, says: Again., chain: [harbour-note, pilot]}\n"),),
    ),
    Broken(
        "duplicate-key",
        "the key 'title' stands here twice",
        "It is already at crisis.yaml:7:3.",
        (("crisis.yaml", "  demand: The", "  §title: Another\n  demand: The"),),
    ),
    Broken(
        "bad-date",
        "there is no day 2031-02-30",
        "Write a day that exists",
        (("evidence.yaml", "    date: 2031-05-05", "    date: §2031-02-30"),),
    ),
    Broken(
        "public-before-it-was-written",
        "'harbour-note' is public from 2031-05-11, before its date, 12 May 2031",
        "Correct one of the two dates.",
        (("evidence.yaml", "public_from: 2031-05-12 # the day", "public_from: §2031-05-11 # the day"),),
    ),
    Broken(
        "forecast-after-its-question",
        "was made on 2 May 2031, after its question closed, 2031-04-01",
        "Correct one of the two dates.",
        (
            ("evidence.yaml", "    made: 2031-05-02", "    made: §2031-05-02"),
            ("evidence.yaml", "    until: 2031-09-22", "    until: 2031-04-01"),
        ),
    ),
    Broken(
        "factions-not-whole",
        "the weights of the factions sum to 1.2, not 1",
        "They are shares of the whole circle",
        (
            ("numbers.yaml", "    factions:  ", "    §factions:  "),
            ("numbers.yaml", "{value: 0.5, judgement: they hold the guns}", "0.7"),
        ),
    ),
    Broken(
        "accounts-above-one",
        "the weights of the accounts of 'message' sum to 1.2, more than 1",
        "Lower them",
        (
            ("evidence.yaml", "    accounts:  ", "    §accounts:  "),
            ("evidence.yaml", "{value: 0.3, judgement: the rest}", "0.5"),
        ),
    ),
    Broken(
        "first-term-not-the-demand",
        "'open' is what the demand asks on 'trial', so its gain is 0",
        "Put the term that the demand asks first",
        (
            (
                "bargain.yaml",
                "Left to the courts of Hestria, gain: 0",
                "Left to the courts of Hestria, gain: §0.1",
            ),
        ),
    ),
    Broken(
        "chain-ends-in-a-document",
        "the chain of 'garrison' ends in a document, not in an origin",
        "declared under 'origins:'",
        (("evidence.yaml", "chain: [harbour-note, officers]", "chain: [§harbour-note]"),),
    ),
    Broken(
        "view-path-without-number",
        "'parameters.force.sucess' names no number of this case",
        "Did you mean 'parameters.force.success'?",
        (("views.yaml", "set: {parameters.force.success: ", "set: {§parameters.force.sucess: "),),
    ),
    Broken(
        "view-number-out-of-range",
        "'channels.ships-as-leverage.chance' takes numbers from 0 to 1",
        "Write one in this range.",
        (
            (
                "views.yaml",
                "set: {channels.ships-as-leverage.chance: 0.5}",
                "set: {channels.ships-as-leverage.chance: §5}",
            ),
        ),
    ),
    Broken(
        "views-in-a-circle",
        "name each other in a circle by 'inside'",
        "Let the innermost view end the nesting.",
        (("views.yaml", "  - id: lume\n", "  - id: lume\n    inside: §lume\n"),),
    ),
    Broken(
        "unknown-alternative",
        "'bass' is not a view of this case",
        "Or add it under 'views:'.",
        (("views.yaml", "  - id: lume\n", "  - id: lume\n    alternative: §bass\n"),),
    ),
    Broken(
        "alternative-of-the-other-side",
        "'corvania' is held by the coercer, so the target cannot turn to it",
        "Name a view of the same holder, or base.",
        (("views.yaml", "  - id: lume\n", "  - id: lume\n    alternative: §corvania\n"),),
    ),
    Broken(
        "own-alternative",
        "'lume' is its own alternative",
        "Name another view, or base.",
        (("views.yaml", "  - id: lume\n", "  - id: lume\n    alternative: §lume\n"),),
    ),
    Broken(
        "alternative-without-threshold",
        "'lume' has an alternative, but no threshold at which it is dropped",
        "Add world.perception.target.threshold",
        (("views.yaml", "  - id: lume\n", "  - id: lume\n    alternative: §base\n"),),
    ),
    Broken(
        "alternative-of-a-nested-view",
        "only a view that a side acts on is dropped",
        "move it to the outer view",
        (("views.yaml", "", NESTED + "    alternative: §base\n    inside: lume\n"),),
    ),
    Broken(
        "alternative-not-inside",
        "'second' does not stand by inside 'lume'",
        "Write 'inside: lume' in 'second'.",
        (
            ("views.yaml", "  - id: lume\n", "  - id: lume\n    alternative: §second\n"),
            ("views.yaml", "", NESTED.replace("coercer", "target") + "    inside: corvania\n"),
        ),
    ),
    Broken(
        "unknown-go-between",
        "'sran' is not an actor of this case",
        "Did you mean 'sarn'?",
        (_world("mediators: [{id: envoy, actor: §sran, informed: 0.5, present: 0.5}]"),),
    ),
    Broken(
        "legal-step-at-no-rung",
        "'patrol' is not a rung of this case",
        "Did you mean 'patrols'?",
        (_world("domestic: {legal_by_rung: {§patrol: 0.5}}"),),
    ),
    Broken(
        "scene-told-in-two-ways",
        "give either 'ratio', or all of 'trust'",
        "",
        (_world(f"scenes: [§{{{RALLY}, ratio: 1, trust: 0.5, if_firm: 0.2, if_yielding: 0.5, if_forged: 0.5}}]"),),
    ),
    Broken(
        "scene-told-in-part",
        "give either 'ratio', or all of 'trust'",
        "",
        (_world(f"scenes: [§{{{RALLY}, trust: 0.5}}]"),),
    ),
    Broken(
        "scene-seen-by-nobody",
        "'governor' is not allowed for 'seen_by'",
        "Allowed: coercer, target.",
        (_world("scenes: [{id: rally, title: A rally, date: 2031-04-01, seen_by: §governor, ratio: 1}]"),),
    ),
    Broken(
        "safe-conduct-above-one",
        "1.5 is not a share between 0 and 1",
        "Write a number from 0 to 1.",
        (_world("exit: {safe_conduct: §1.5}"),),
    ),
    Broken(
        "kind-of-force",
        "'siege' is not allowed for 'kind'",
        "raid",
        (_world("force: {kind: §siege, ratio: 3}"),),
    ),
    Broken(
        "alias-bomb",
        "the alias '*a' is not allowed",
        "Write the value out.",
        spoil=_bomb,
    ),
    Broken(
        "tag",
        "the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed",
        "Remove it.",
        (("evidence.yaml", "text: On which", "text: §!!python/name:os.system On which"),),
    ),
    Broken(
        "infinite-number",
        "'.inf' is not a finite number",
        "Write a finite number.",
        (("bargain.yaml", "kept: {beta: [6, 2]", "kept: {beta: [6, §.inf]"),),
    ),
    Broken(
        "nested-too-deep",
        "this is nested more than 24 deep",
        "flatten it",
        (("more.yaml", "", "origins: " + "[" * 23 + "§[" + "]" * 24 + "\n"),),
    ),
    Broken(
        "not-yaml",
        "this is not YAML",
        "Indent with spaces",
        (("more.yaml", "", "origins:\n  - id: a\n   §name: b\n"),),
    ),
    Broken(
        "not-a-mapping",
        "this file is not a mapping of parts of a case",
        "Begin with the name of a part",
        (("more.yaml", "", "# a note\n§Some words, and no part.\n"),),
    ),
    Broken(
        "long-line",
        "this line is longer than 10000 characters",
        "Break it.",
        (("more.yaml", "", "# more\n§# " + "x" * 10_000 + "\n"),),
    ),
    Broken("link-out-of-the-folder", "this link leads out of the folder", "Copy the file", spoil=_link_out),
    Broken("loop-of-links", "it cannot be read", "Mend or remove it.", spoil=_loop),
    Broken("huge-file", "this file is larger than 4 MiB", "A case holds no texts", spoil=_huge),
    Broken("huge-together", "larger than 16 MiB together", "A case holds no texts", spoil=_huge_together),
    Broken("not-utf-8", "the byte 0xe9 is not UTF-8", "Save the file as UTF-8.", spoil=_latin),
    Broken("empty-folder", "this folder holds no .yaml file", "standoff new", spoil=_empty),
    Broken("binary-file", "the control character U+0003 is not allowed", "Remove it.", spoil=_binary),
    Broken("pipe", "this is not a plain file", "Remove or rename it.", spoil=_fifo),
]
