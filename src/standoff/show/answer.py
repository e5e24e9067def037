"""An answer in a folder: `NAME.html` with its figures, `NAME.json` for scripts, `NAME.csv` for a table program."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from standoff.errors import UserError
from standoff.show.figures.drawing import export, look
from standoff.show.report import template
from standoff.show.screens.screen import Screen, Table


def write_answer(
    out: Path,
    name: str,
    *,
    head: dict[str, Any],
    screens: Callable[[], Sequence[Screen]],
    appendix: Sequence[Table],
    lines: Sequence[str],
    content: dict[str, Any],
    table: str,
) -> Path:
    """Write an answer into a folder.

    Args:
        out: The folder; made if it is not there.
        name: Of its files.
        head: Title, lead, alarm, marks and facts of the page.
        screens: Makes the page's screens; called under the look of figures.
        appendix: Tables below the screens.
        lines: What the command prints.
        content: For scripts.
        table: As CSV.

    Returns:
        The page.

    Raises:
        UserError: the folder cannot be written to.
    """
    try:
        folder = out / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        with look():
            shown = list(screens())
            drawn = {d.name: Markup(export(d, folder)) for screen in shown for d in screen.drawings}
        page = template("answer.html.jinja").render(
            head=head, screens=shown, svg=drawn, appendix=appendix, text="\n".join(lines)
        )
        (out / f"{name}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (out / f"{name}.csv").write_text(table, encoding="utf-8")
        (out / f"{name}.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out}: it cannot be written: {error.strerror}.") from error
    return out / f"{name}.html"
