"""What can be taken away from a game."""

from standoff.app.blocks import tag, text
from standoff.app.table.visit import Visit

FILES = (
    ("events.yaml", "Event file"),
    ("case.yaml", "Case with these events, for “standoff infer”"),
    ("debrief.json", "Debrief as JSON"),
)


def files(visit: Visit) -> None:
    """Links to the files."""
    with tag("ul", "files"):
        for file, name in FILES:
            with tag("li"):
                link = text("a", name)
                link.props["href"] = f"{visit.path}/{file}"
                link.props["download"] = ""
