"""What the command line chose for the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bsn.data.errors import DataError

__all__ = ["AppSettings", "check_settings"]

_GB = 10**9


@dataclass(frozen=True)
class AppSettings:
    """Folders and limits of a page.

    Parameters
    ----------
    folders : tuple of Path
        Folders whose images the page may open; nothing outside them is read.
    output : Path
        Folder for what was uploaded, the results and the runs; made when it is first needed.
    upload_limit : int
        Largest upload in bytes.
    decoded_limit : int
        Largest size of a decoded image in bytes.
    """

    folders: tuple[Path, ...]
    output: Path
    upload_limit: int = 2 * _GB
    decoded_limit: int = 4 * _GB

    @property
    def uploads(self) -> Path:
        """Folder of what was dropped into the page."""
        return self.output / "uploads"

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return self.output / "denoised"

    @property
    def runs(self) -> Path:
        """Folder of the trainings."""
        return self.output / "runs"


def check_settings(folders: list[str], output: str | None, upload_gb: float, decoded_gb: float) -> AppSettings:
    """Build the settings from options, or say what is wrong with them.

    Parameters
    ----------
    folders : list of str
        Folders to be opened.
    output : str or None
        Folder for uploads, results and runs; ``bsn-app`` in the first folder by default.
    upload_gb, decoded_gb : float
        Limits in gigabytes.

    Returns
    -------
    AppSettings

    Raises
    ------
    DataError
        A folder does not exist, or a limit is not above 0.
    """
    for name, limit in (("--upload_limit", upload_gb), ("--decoded_limit", decoded_gb)):
        if not limit > 0:
            raise DataError(f"{name} {limit:g}", "no file is that small", "give a number of gigabytes above 0")
    opened = []
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            raise DataError(f"--folder {folder}", "there is no such folder", "name a folder that exists")
        opened.append(path.resolve())
    where = Path(output) if output is not None else opened[0] / "bsn-app"
    if where.exists() and not where.is_dir():
        raise DataError(f"--output {where}", "is a file, not a folder", "choose another name")
    return AppSettings(tuple(opened), where.resolve(), int(upload_gb * _GB), int(decoded_gb * _GB))
