"""Plain pages that need no script of ours but one: where a browser comes in by a link, and why nothing is shown."""

import secrets
from html import escape

from fastapi.responses import HTMLResponse

from standoff.play.refusal import Refused

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f2f3f4; color: #1a1a1a; }
main { width: min(34em, calc(100% - 24px)); box-sizing: border-box; margin: 12vh auto; padding: 20px 24px;
  background: #fff; border: 1px solid #e4e6e8; border-radius: 6px; }
h1 { font-size: 20px; margin: 0 0 8px; } p { margin: 0 0 8px; }
@media (prefers-color-scheme: dark) { body { background: #12161a; color: #eceef0; }
  main { background: #1c2126; border-color: #333b43; } }
"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>%(title)s</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>%(style)s</style></head>
<body><main><h1>%(title)s</h1><p id="said">%(said)s</p>%(more)s</main></body></html>"""
JOIN = """<noscript>This page needs JavaScript: the secret part of the link then stays out of the server's log.
</noscript>
<script nonce="%s">
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
fetch("api/session", {method: "POST", headers: {Authorization: "Bearer " + token}}).then(async (answer) => {
  const found = await answer.json();
  if (answer.ok) location.replace(found.page); else document.getElementById("said").textContent = found.detail;
}).catch(() => { document.getElementById("said").textContent = "The server does not answer."; });
</script>"""


def _page(title: str, said: str, status: int, *, more: str = "", policy: str = "") -> HTMLResponse:
    page = PAGE % {"title": title, "said": escape(said), "style": STYLE, "more": more}
    told = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'{policy}"
    return HTMLResponse(page, status, {"Content-Security-Policy": told, "Cache-Control": "no-store"})


def joining() -> HTMLResponse:
    """A page that takes the secret from behind the # of a link, so that it stands in no log."""
    nonce = secrets.token_urlsafe(16)
    policy = f"; connect-src 'self'; script-src 'nonce-{nonce}'"
    return _page("Joining the game", "One moment.", 200, more=JOIN % nonce, policy=policy)


def turned_away(refused: Refused) -> HTMLResponse:
    """A page that says why no page is shown."""
    title = {401: "This page needs a link", 404: "There is no such page", 429: "Too many requests"}
    return _page(title.get(refused.status, "This cannot be shown"), str(refused), refused.status)
