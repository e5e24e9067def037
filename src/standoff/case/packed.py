"""Whether a file is packed, by its first bytes, and whether its name says the same."""

from pathlib import Path

from standoff.errors import UserError

HEAD = 6
"""Bytes at the beginning of a file that tell how it is packed."""
_MAGIC = {
    b"\x1f\x8b": "gzip", b"PK\3\4": "zip", b"PK\5\6": "zip", b"PK\7\x08": "zip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}  # fmt: skip
_SUFFIXES = {".gz": "gzip", ".tgz": "gzip", ".zip": "zip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard"}


def packing(head: bytes) -> str | None:
    """How a file is packed, by its first bytes; none if it is not, as far as is known here."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def require_as_named(file: Path, head: bytes) -> None:
    """Refuse a file whose name says that it is packed, and that is not.

    Args:
        file: Its path.
        head: Its first bytes.

    Raises:
        UserError: with what to do.
    """
    said = _SUFFIXES.get(file.suffix.lower())
    if said is not None and packing(head) is None:
        raise UserError(
            f"{file}: it is called {file.suffix}, but it is not packed with {said}. If it is a plain file, take "
            f"{file.suffix} off its name; else download it again."
        )


def require_plain(file: Path, head: bytes) -> None:
    """Refuse a file that is packed, or is called so.

    Args:
        file: Its path.
        head: Its first bytes.

    Raises:
        UserError: with what to do.
    """
    require_as_named(file, head)
    found = packing(head)
    if found is not None:
        raise UserError(f"{file}: it is packed with {found}. Unpack it first, and name what was in it.")
