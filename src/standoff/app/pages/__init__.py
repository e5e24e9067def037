"""The pages of the desk, a module each, in the order of the bar; each module holds one `PAGE`."""

import importlib
from importlib.util import find_spec

from standoff.app.shell import Page

ORDER = ("crisis", "minds", "endings", "mechanisms", "what_if", "aftermath", "record", "sources", "numbers")
"""Modules of pages; one that an installation does not hold is left out of the bar."""


def pages() -> list[Page]:
    """All pages, in order."""
    found = [f"{__name__}.{name}" for name in ORDER]
    return [importlib.import_module(name).PAGE for name in found if find_spec(name) is not None]
