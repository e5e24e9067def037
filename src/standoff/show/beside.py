"""Answers that are kept in the folder of a run, so that its report can show them."""

import json
import shutil
from pathlib import Path

import xarray as xr

from standoff.errors import UserError


def is_run(out: Path) -> bool:
    """Whether a folder is that of a run."""
    return (out / "manifest.json").is_file()


def require_run(out: Path, digest: str) -> None:
    """Refuse a folder that is not a run of this case as it stands."""
    manifest = out / "manifest.json"
    if not manifest.is_file():
        raise UserError(f"{out}: this folder holds no run. Name one that 'standoff run' wrote.")
    try:
        known = json.loads(manifest.read_text(encoding="utf-8")).get("digest")
    except (OSError, ValueError) as error:
        raise UserError(f"{manifest}: it cannot be read. Run the case again.") from error
    if known != digest:
        raise UserError(f"{out}: this run is of the case as it was before. Run the case again, then ask.")


def keep(found: xr.Dataset | xr.DataTree, out: Path, name: str) -> Path:
    """Write an answer (such as `mechanisms` or `posterior`) as `NAME.zarr` into a folder, whole or not at all."""
    target, work = out / f"{name}.zarr", out / f".{name}.zarr.partial"
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        found.to_zarr(work, consolidated=False)
        shutil.rmtree(target, ignore_errors=True)
        work.rename(target)
    except OSError as error:
        raise UserError(f"{out}: it cannot be written: {error.strerror}.") from error
    return target
