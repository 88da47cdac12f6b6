"""Several results in one file for the browser to save."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["packed_results"]


def packed_results(paths: Sequence[Path], folder: Path) -> Path:
    """Pack files, and folders that are images, into an archive.

    Parameters
    ----------
    paths : sequence of Path
        Results with names of their own.
    folder : Path
        Where the archive goes; those of earlier calls in it are removed.

    Returns
    -------
    Path
    """
    for old in folder.glob("*.zip"):
        old.unlink(missing_ok=True)
    packed = folder / f"{secrets.token_hex(8)}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            if path.is_dir():
                for inner in sorted(path.rglob("*")):
                    if inner.is_file():
                        archive.write(inner, str(inner.relative_to(path.parent)))
            else:
                archive.write(path, path.name)
    return packed
