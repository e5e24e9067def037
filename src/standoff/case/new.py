"""Writes a small commented case to start from: an invented crisis that runs at once.

Its files stand in `template/` beside this module and travel with the package.
"""

import re
from pathlib import Path

from standoff.errors import UserError

TEMPLATE = Path(__file__).with_name("template")
_ID = re.compile(r"[a-z][a-z0-9_-]{0,47}")


def new_case(folder: Path, name: str | None = None) -> list[Path]:
    """Write the files of a case into a new or empty folder; returns them.

    Args:
        folder: Where to; made if need be, refused if anything is in it.
        name: Id of the crisis; the template's own if none is given.
    """
    if name is not None and not _ID.fullmatch(name):
        rule = "lower-case letters, digits, - and _, beginning with a letter, at most 48"
        raise UserError(f"'{name}' is not an id. Write {rule}.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: this is a file. Name a new or an empty folder.")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder}: this folder is not empty, and nothing is overwritten. Name a new one.")
        written = []
        for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file()):
            target = folder / source.relative_to(TEMPLATE)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            if name is not None and source.name == "crisis.yaml":
                content = re.sub(rb"(?m)^  id: .*$", b"  id: " + name.encode(), content, count=1)
            with target.open("xb") as stream:
                stream.write(content)
            written.append(target)
    except OSError as error:
        raise UserError(f"{folder}: nothing can be written there: {error.strerror}.") from error
    return written
