"""Who is meant: a country by its code, number or name, a role within it, or an actor code of CAMEO.

| written | means |
|---|---|
| `USA`, `ROU`, `ROM` | a country by ISO 3166, or by the code of CAMEO where that differs |
| `2`, `cow:101`, `cow:ROK` | a country by the number, or the letters, of the Correlates of War |
| `"United States"` | a country by its name |
| `VENGOV`, `USAMIL` | a role within a country: the code of CAMEO for both, one after the other |
| `IGOUNO`, `NGO` | any other actor code of CAMEO, and all that begin with it (GDELT only) |

Several go with commas: `USA,GBR`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from rapidfuzz import process

from standoff.errors import UserError
from standoff.events.codes import table

WORLD = frozenset({
    "IGO", "IMG", "INT", "MNC", "NGM", "NGO", "UIS", "AFR", "ASA", "BLK", "CRB", "CAU", "CFR", "CAS", "CEU",
    "EIN", "EAF", "EEU", "EUR", "LAM", "MEA", "MDT", "NAF", "NMR", "PGS", "SCN", "SAM", "SAS", "SEA", "SAF",
    "WAF", "WST",
})  # fmt: skip
"""First letters of CAMEO codes of actors that are no country: organisations and regions."""
ROLES = frozenset({
    "COP", "GOV", "INS", "JUD", "MIL", "OPP", "REB", "SEP", "SPY", "UAF", "AGR", "BUS", "CRM", "CVL", "DEV",
    "EDU", "ELI", "ENV", "HLH", "HRI", "LAB", "LAW", "LEG", "MED", "NGO", "PTY", "RAD", "REF", "REL", "MOD",
    "SET",
})  # fmt: skip
"""Roles of CAMEO."""
_CODE = re.compile(r"([A-Z]{3}){1,5}")


class Actor(NamedTuple):
    """An actor as a row has it: code or name, countries (ISO 3166) and roles (CAMEO)."""

    name: str
    countries: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()


NOBODY = Actor("")


@dataclass(frozen=True)
class Meant:
    """One of those meant: a country with roles, or the beginning of an actor code."""

    country: str = ""
    roles: frozenset[str] = frozenset()
    prefix: str = ""

    def holds(self, actor: Actor) -> bool:
        """Whether a row's actor is this one."""
        if self.prefix:
            return actor.name.startswith(self.prefix)
        return self.country in actor.countries and self.roles <= actor.roles

    def within(self, other: "Meant") -> bool:
        """Whether every actor that is this one is the other too."""
        if self.prefix or other.prefix:
            return bool(other.prefix) and self.prefix.startswith(other.prefix)
        return self.country == other.country and other.roles <= self.roles


@dataclass(frozen=True)
class Party:
    """A side of the crisis, as the analyst wrote it and as it is meant."""

    said: str
    anyone: tuple[Meant, ...]

    def holds(self, actor: Actor) -> bool:
        """Whether a row's actor belongs to this side."""
        return any(meant.holds(actor) for meant in self.anyone)

    def overlaps(self, other: "Party") -> bool:
        """Whether one of this side is one of the other."""
        return any(a.within(b) or b.within(a) for a in self.anyone for b in other.anyone)

    @property
    def letters(self) -> tuple[bytes, ...]:
        """What a line of GDELT must hold if this side is in it."""
        found = {code for meant in self.anyone for code in (meant.prefix, *_spellings(meant.country)) if code}
        return tuple(code.encode() for code in sorted(found))


@cache
def _countries() -> list[dict[str, str]]:
    return list(table("countries"))


@cache
def _by_code() -> dict[str, str]:
    """ISO code for each three-letter code of ISO or CAMEO."""
    found = {row["iso3"]: row["iso3"] for row in _countries()}
    for row in _countries():
        for code in row["also"].split():
            found.setdefault(code, row["iso3"])
    return found


@cache
def _by_cow() -> dict[str, str]:
    return {row[key]: row["iso3"] for row in _countries() for key in ("cow", "letters") if row[key]}


def _spellings(iso: str) -> list[str]:
    return [code for code, name in _by_code().items() if name == iso]


@cache
def _names() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Names that are whole, and those that hold a star, with the countries that they mean."""
    whole: dict[str, str] = {}
    open_: list[tuple[re.Pattern[str], str]] = []
    for row in _countries():
        for name in row["names"].split("|"):
            if "*" in name:
                open_.append((re.compile(re.escape(name).replace(r"\*", ".*")), row["iso3"]))
            else:
                whole[name] = row["iso3"]
    return whole, open_


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    text = re.sub(r"\s+", " ", text.replace("&", "and").replace(".", "").replace("'", "")).strip()
    return text.removeprefix("the ")


@cache
def country(text: str) -> str:
    """ISO code of a country by code, COW number or name; nothing if it is none."""
    text = text.strip()
    if text in _by_code():
        return _by_code()[text]
    if text.isdecimal():
        return _by_cow().get(str(int(text)), "")
    whole, open_ = _names()
    name = _plain(text)
    return whole.get(name) or next((iso for pattern, iso in open_ if pattern.fullmatch(name)), "")


@cache
def roles_of(sectors: str) -> frozenset[str]:
    """Roles for a list of sectors, as ICEWS writes it (words) or POLECAT (codes)."""
    words = [word.strip() for word in re.split(r"[,;]", sectors)]
    found = {row["role"] for row in table("roles") if any(word.startswith(row["sector"]) for word in words)}
    return frozenset(found | {word for word in words if word in ROLES})


def party(text: str) -> Party:
    """A side by what the analyst wrote; several with commas."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UserError("--between names nobody on one side. Write two, such as --between USA PAN.")
    return Party(text, tuple(_meant(word) for word in words))


def _meant(word: str) -> Meant:
    if word.casefold().startswith("cow:"):
        found = _by_cow().get(word[4:].strip().upper(), "")
        if not found:
            raise UserError(f"'{word}' is no state of the Correlates of War. Write a number such as cow:2.")
        return Meant(found)
    found = country(word) or country(word.upper() if len(word) == 3 else word)
    if found:
        return Meant(found)
    code = word.upper()
    if _CODE.fullmatch(code):
        rest = [code[at : at + 3] for at in range(3, len(code), 3)]
        if code[:3] in WORLD:
            return Meant(prefix=code)
        if code[:3] in _by_code():
            wrong = next((role for role in rest if role not in ROLES), None)
            if wrong is None:
                return Meant(_by_code()[code[:3]], frozenset(rest))
            raise UserError(f"'{word}': '{wrong}' is no role of CAMEO. Roles: {', '.join(sorted(ROLES))}.")
    known = [*_by_code(), *_names()[0]]
    near = process.extractOne(_plain(word), [name.casefold() for name in known], score_cutoff=70)
    shown = known[near[2]] if near else ""
    hint = f"Did you mean '{shown}'?" if shown else "Write a code such as USA or VENGOV, or a name in quotes."
    raise UserError(f"'{word}' is no country, role or actor that event tables know. {hint}")
