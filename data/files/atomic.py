"""Files, and folders that are images, that appear complete or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bsn.data.errors import DataError, writing
from bsn.data.files.stores import STORE_SUFFIXES, is_store


@contextmanager
def atomic_output(target: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `target` that becomes `target` when the block ends well.

    The temporary file lies in the same folder, so the last step is one rename and a reader never sees half a file. It
    is removed whatever ends the block early, an interrupt from the keyboard included.

    Parameters
    ----------
    target : str or Path
        The file wanted in the end.
    overwrite : bool
        Replace an existing file. Without it an existing file is an error, looked for before and after the work.

    Yields
    ------
    Path
        The path to write to, a file or a folder; nothing exists there yet.

    Raises
    ------
    DataError
        The file exists and `overwrite` is false, the folder does not exist, or the rename fails.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_output(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    target = Path(target)
    check_target(target, overwrite=overwrite)
    # A random name of fixed length: two runs never share it, and it cannot be too long for the file system.
    temporary = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        yield temporary
        check_target(target, overwrite=overwrite)
        with writing(target):
            put_in_place(temporary, target)
    except BaseException:
        _remove(temporary)
        raise


def put_in_place(temporary: Path, target: Path) -> None:
    """Rename; a folder cannot be renamed to one that exists, so that one is put aside first.

    Parameters
    ----------
    temporary : Path
        What was written, a file or a folder, in the file system of `target`.
    target : Path
        Its final name. What was there is replaced, and stays as it was if the rename fails or is interrupted.

    Raises
    ------
    OSError
        The rename failed.
    """
    if not target.is_dir():
        os.replace(temporary, target)
        return
    aside = target.parent / f".{secrets.token_hex(8)}.part"
    os.replace(target, aside)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.replace(aside, target)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a file that exists, or whose folder does not, before work is spent on it.

    Parameters
    ----------
    target : Path
        The file to be written.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    DataError
        The file exists and may not be replaced, is a folder (but a Zarr store), or its folder does not exist.
    """
    stored = target.suffix.lower() in STORE_SUFFIXES
    if target.is_dir() and not (stored and is_store(target)):
        raise DataError(str(target), "is a folder", "name a file to write")
    if not target.parent.is_dir():
        raise DataError(str(target), "its folder does not exist", f"create {target.parent} first")
    if stored and target.is_file():
        raise DataError(str(target), "is a file, and a Zarr store is a folder", "choose another name")
    if not overwrite and (target.exists() or target.is_symlink()):
        raise DataError(str(target), "exists already and is not overwritten", "choose another name or ask to overwrite")
