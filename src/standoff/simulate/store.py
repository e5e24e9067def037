"""Finished draws on disk: each written once, whole or not at all, and found again by a run that goes on.

A file holds one draw of one plan: a Zarr group in one zip archive. It is written under a temporary name, flushed to
the disk, and then renamed, so that its name stands for a whole file whenever the process or the machine stops. Its
manifest says what it was made from, and a checksum covers that and every array. A file that is not whole, or whose
manifest differs in anything, is not used, and the store says so.

What must be the same for numbers to be the same is an *origin*: the case's digest, the seed and the other options,
and the library's version with a digest of its code and the versions of the numerical libraries.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from standoff import __version__
from standoff.errors import Failure
from standoff.simulate import ensemble
from standoff.simulate.ensemble import DrawResult

SCHEMA = "standoff-draw/1"
SUFFIX = ".zarr.zip"
LIBRARIES = ("jax", "jaxlib", "numpy")
PACKAGE = Path(ensemble.__file__).resolve().parents[1]


class StoreFull(Failure):
    """A draw could not be written; the message says how much is kept."""


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 of the library's own Python files: a change of code changes the numbers, whatever the version says."""
    found = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        found.update(path.relative_to(PACKAGE).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def origin(digest: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the numbers of a run depend on. `digest`: the case's; `options`: seed and whatever else is chosen."""
    return {
        "schema": SCHEMA, "case": digest, "version": __version__, "code": code_digest(), "options": dict(options),
        "libraries": {name: version(name) for name in LIBRARIES},
    }  # fmt: skip


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


class DrawStore:
    """Finished draws of one run, below `root` in a folder of their own for each origin.

    `note` is told, in a sentence, what was found and not used.
    """

    def __init__(self, root: Path, made: Mapping[str, Any], note: Callable[[str], None] | None = None) -> None:
        """Nothing is written before the first draw is kept."""
        self.root = root
        self.made = dict(made)
        self.folder = root / hashlib.sha256(_canonical(self.made)).hexdigest()[:16]
        self._note = note or (lambda _: None)

    def others(self) -> int:
        """Draws that lie here and were made from another case, version or options."""
        return sum(1 for path in self.root.glob(f"*/*{SUFFIX}") if path.parent != self.folder)

    def path(self, what: Mapping[str, Any]) -> Path:
        """Where the draw described by `what` belongs; `what` holds at least `plan` and `draw`."""
        word = "".join(c if c.isalnum() else "-" for c in str(what["plan"]))
        return self.folder / f"{word}-{what['draw']}-{hashlib.sha256(_canonical(what)).hexdigest()[:8]}{SUFFIX}"

    def find(self, what: Mapping[str, Any]) -> DrawResult | None:
        """A draw that was kept, if it is there, whole, and made from the same."""
        path = self.path(what)
        if not path.exists():
            return None
        try:
            return _read(path, {"made": self.made, "what": dict(what)})
        except _NotUsed as reason:
            self._note(f"{path}: {reason}; it is not used, and its draw is run again.")
        return None

    def keep(self, what: Mapping[str, Any], result: DrawResult) -> None:
        """Write a finished draw, whole or not at all."""
        path = self.path(what)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, {"made": self.made, "what": dict(what)}, result)
        except OSError as error:
            raise StoreFull(
                f"Keeping a finished draw failed at {path}: {error.strerror or error}. The "
                f"{len(list(self.folder.glob(f'*{SUFFIX}')))} draws written before are whole and kept: make room, and "
                "the same command goes on from there."
            ) from error

    def clear(self) -> None:
        """Remove everything that is kept here, of whatever origin."""
        shutil.rmtree(self.root, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what killed processes left half-written."""
        for path in self.root.glob("*/.*.partial"):
            if not _alive(path.name.split(".")[-2].split("-")[0]):
                path.unlink(missing_ok=True)


class _NotUsed(Exception):
    """Why a file is not used."""


def _alive(number: str) -> bool:
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _checksum(manifest: Mapping[str, Any], layout: object, arrays: list[np.ndarray]) -> str:
    found = hashlib.sha256(_canonical([manifest, layout]))
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _write(path: Path, manifest: Mapping[str, Any], result: DrawResult) -> None:
    import zarr
    from zarr.storage import ZipStore

    arrays: list[np.ndarray] = []
    layout = pack(result, arrays)
    attributes = {**manifest, "layout": layout, "checksum": _checksum(manifest, layout, arrays)}
    half = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with ZipStore(half, mode="w") as store:
            group = zarr.create_group(store, attributes=attributes)
            for index, array in enumerate(arrays):
                # One chunk an array; no compression, so that what is read is what was hashed.
                group.create_array(
                    str(index), data=array, chunks=tuple(max(n, 1) for n in array.shape), compressors=None
                )
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            half.unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a rename last; file systems that cannot flush a folder are left to themselves."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _read(path: Path, manifest: Mapping[str, Any]) -> DrawResult:
    import zarr
    from zarr.storage import ZipStore

    try:
        with ZipStore(path, mode="r") as store:
            group = zarr.open_group(store, mode="r")
            attributes = dict(group.attrs)
            layout, checksum = attributes.pop("layout"), attributes.pop("checksum")
            arrays = [np.asarray(group[str(index)][...]) for index in range(_count(layout))]  # type: ignore[index]
    except Exception as error:
        raise _NotUsed("this file is not whole") from error
    if _canonical(attributes) != _canonical(manifest):
        raise _NotUsed("this file was made from another case, version or options")
    if _checksum(manifest, layout, arrays) != checksum:
        raise _NotUsed("the checksum of this file is wrong")
    found = unpack(layout, arrays)
    if not isinstance(found, DrawResult):
        raise _NotUsed("this file does not hold a draw")
    return found


def pack(part: object, arrays: list[np.ndarray]) -> Any:  # noqa: ANN401 (JSON)
    """A result as JSON and arrays: arrays are appended to the list, and a number stands for each in the JSON."""
    if isinstance(part, np.ndarray):
        arrays.append(part)
        return {"array": len(arrays) - 1}
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        name = type(part).__name__
        fields = {f.name: pack(getattr(part, f.name), arrays) for f in dataclasses.fields(part)}
        return {"struct": name, "fields": fields}
    if isinstance(part, Mapping):
        return {"mapping": {str(key): pack(item, arrays) for key, item in part.items()}}
    if isinstance(part, tuple | list):
        return {"tuple" if isinstance(part, tuple) else "list": [pack(item, arrays) for item in part]}
    if isinstance(part, np.generic):
        return pack(part.item(), arrays)
    if isinstance(part, float):
        return {"float": part.hex()}
    if part is None or isinstance(part, str | int):
        return part
    raise TypeError(f"a draw holds a {type(part).__name__}, which the store cannot keep")


def unpack(layout: Any, arrays: list[np.ndarray]) -> Any:  # noqa: ANN401 (JSON)
    """The result that `pack` took apart."""
    if not isinstance(layout, dict):
        return layout
    (kind, content), *rest = layout.items()
    if kind == "array":
        return arrays[content]
    if kind == "struct":
        struct = getattr(ensemble, content, None)
        if not isinstance(struct, type) or not dataclasses.is_dataclass(struct):
            raise _NotUsed(f"this file holds a '{content}', which is no part of a draw")
        return struct(**{name: unpack(item, arrays) for name, item in dict(rest)["fields"].items()})
    if kind == "mapping":
        return {name: unpack(item, arrays) for name, item in content.items()}
    if kind == "float":
        return float.fromhex(content)
    items = [unpack(item, arrays) for item in content]
    return tuple(items) if kind == "tuple" else items


def _count(layout: Any) -> int:  # noqa: ANN401 (JSON)
    if not isinstance(layout, dict | list):
        return 0
    if isinstance(layout, list):
        return sum(_count(item) for item in layout)
    return 1 if list(layout) == ["array"] else sum(_count(item) for item in layout.values())
