"""The analyst's own copies of the documents: found by digest, compared with one another, never kept.

A copy is a plain file whose bytes have the SHA-256 that the case gives, whatever its name. Where the case
gives none, or no file has it, a file named after the document (`<id>.*`) is taken and marked as such.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from standoff.case.evidence import Document
from standoff.errors import UserError

FILE_LIMIT = 64 * 2**20
"""Bytes above which a file is not looked at."""
TEXT_LIMIT = 8 * 2**20
"""Bytes above which a copy is not read as a text."""
FILES_LIMIT = 5000
SHINGLE = 4
"""Words in a row that are compared as one."""
SHINGLES_LIMIT = 100_000
PAIRS_LIMIT = 200
"""Documents beyond which near-duplicates are not searched."""
NEAR = 0.4
"""Share of common shingles (Jaccard) from which two texts are called near-duplicates."""
PERMUTATIONS = 256


@dataclass(frozen=True)
class Copy:
    """A file that holds a document; `text` is none where it is not UTF-8 or too long."""

    document: str
    file: str
    exact: bool
    sha256: str
    text: str | None


@dataclass(frozen=True)
class NearDuplicate:
    """Two documents whose texts share much; `share` is an estimate of the Jaccard index of their shingles."""

    first: str
    second: str
    share: float


def copies(documents: list[Document], folder: Path) -> dict[str, Copy]:
    """The copy of each document that the folder (or a folder in it) holds, by id of the document."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder of documents. Name the folder that holds your copies.")
    wanted = {document.sha256: document.id for document in documents if document.sha256}
    named = {document.id: document for document in documents}
    found: dict[str, Copy] = {}
    by_name: dict[str, Copy] = {}
    for file in _files(folder):
        content = _content(file)
        if content is None:
            continue
        digest = hashlib.sha256(content).hexdigest()
        label = str(file.relative_to(folder))
        owner = wanted.get(digest)
        if owner is not None:
            found.setdefault(owner, Copy(owner, label, True, digest, _text(content)))
        elif file.stem in named:
            by_name.setdefault(file.stem, Copy(file.stem, label, False, digest, _text(content)))
    return {**by_name, **found}


def _files(folder: Path) -> list[Path]:
    """Plain files below a folder, in order of name; links are not followed."""
    files: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(root) / name for name in sorted(names) if not name.startswith(".")]
        if len(files) > FILES_LIMIT:
            problem = f"{folder}: there are more than {FILES_LIMIT} files here"
            raise UserError(f"{problem}. Name the folder that holds only the documents of the case.")
    return files


def _content(file: Path) -> bytes | None:
    try:
        state = file.lstat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > FILE_LIMIT:
            return None
        return file.read_bytes()
    except OSError:
        return None


def _text(content: bytes) -> str | None:
    if len(content) > TEXT_LIMIT:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def near_duplicates(held: dict[str, Copy]) -> list[NearDuplicate] | None:
    """Pairs of copies that share much of their text; none where there are too many to compare."""
    texts = {name: copy.text for name, copy in sorted(held.items()) if copy.text is not None}
    if len(texts) > PAIRS_LIMIT:
        return None
    shingles = {name: _shingles(text) for name, text in texts.items()}
    shingles = {name: found for name, found in shingles.items() if found}
    if len(shingles) < 2:
        return []
    from datasketch import MinHash

    sketches = {}
    for name, found in shingles.items():
        sketches[name] = MinHash(num_perm=PERMUTATIONS, seed=1)
        sketches[name].update_batch(found)
    pairs = [NearDuplicate(a, b, float(sketches[a].jaccard(sketches[b]))) for a, b in combinations(sketches, 2)]
    return [pair for pair in pairs if pair.share >= NEAR]


def _shingles(text: str) -> list[bytes]:
    words = re.findall(r"\w+", text.casefold())[:SHINGLES_LIMIT]
    if len(words) < SHINGLE:
        return []
    return sorted({" ".join(words[i : i + SHINGLE]).encode() for i in range(len(words) - SHINGLE + 1)})
