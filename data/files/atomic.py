"""Files that appear complete or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bsn.data.errors import DataError, writing


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
        The path to write to; nothing exists there yet.

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
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


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
        The file exists and may not be replaced, is a folder, or its folder does not exist.
    """
    if target.is_dir():
        raise DataError(str(target), "is a folder", "name a file to write")
    if not target.parent.is_dir():
        raise DataError(str(target), "its folder does not exist", f"create {target.parent} first")
    if not overwrite and (target.exists() or target.is_symlink()):
        raise DataError(str(target), "exists already and is not overwritten", "choose another name or ask to overwrite")
