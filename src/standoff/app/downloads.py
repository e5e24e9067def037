"""What the desk hands out: all numbers as CSV, the results as Zarr, the figures of the report."""

import csv
import io
import tempfile
import zipfile
from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import FileResponse, Response
from nicegui import app
from starlette.background import BackgroundTask

from standoff.app.data import STORES, Desk
from standoff.app.parameters import HEAD, parameters

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet would run as a formula."""


def routes(desk: Desk) -> None:
    """Addresses of the downloads."""

    @app.get("/download/numbers.csv")
    def numbers() -> Response:
        return Response(numbers_csv(desk), media_type="text/csv; charset=utf-8", headers=_named("numbers.csv"))

    @app.get("/download/results.zip")
    def results() -> Response:
        run = _run(desk)
        stores = ["results.zarr", *(store for store in dict.fromkeys(STORES.values()) if (run / store).is_dir())]
        return _zipped(run, [*stores, "manifest.json"], "results.zip")

    @app.get("/download/figures.zip")
    def figures() -> Response:
        return _zipped(_run(desk), ["figures"], "figures.zip")

    @app.get("/report")
    def report() -> Response:
        page = _run(desk) / "report.html"
        if not page.is_file():
            raise HTTPException(404, "This run has no report: standoff report RUN writes it.")
        return FileResponse(page, media_type="text/html")


def numbers_csv(desk: Desk) -> str:
    """Every number of the case, a row each."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for number in parameters(desk):
        writer.writerow([_safe(cell) for cell in number.cells])
    return out.getvalue()


def _safe(cell: str) -> str:
    """Text that a spreadsheet shows and does not run; numbers stay as they are."""
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return cell


def _run(desk: Desk) -> Path:
    if desk.run is None:
        raise HTTPException(404, "There is no run of this case yet.")
    return desk.run


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _zipped(run: Path, parts: list[str], name: str) -> Response:
    """Some files and folders of a run in one archive, made in a temporary file that is removed once sent."""
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        made = Path(file.name)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts:
            whole = run / part
            files = sorted(p for p in whole.rglob("*") if p.is_file()) if whole.is_dir() else [whole]
            for path in files:
                archive.write(path, f"{run.name}/{path.relative_to(run)}")
    return FileResponse(
        made, media_type="application/zip", headers=_named(name), background=BackgroundTask(made.unlink)
    )
