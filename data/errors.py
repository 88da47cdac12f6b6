"""The one exception that bad input raises, and how failures of files become it."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class DataError(ValueError):
    """Bad input, told to the user in one line of three parts.

    Parameters
    ----------
    given : str
        What was given: a file, a shape, a setting.
    why : str
        Why it cannot work.
    remedy : str
        What would work.
    details : sequence of str
        Where the line stands for many failures, one line for each of them; not part of the text.

    Examples
    --------
    >>> print(DataError("crop 128 x 128", "image 'a.png' is 100 x 200", "use at most 100 x 200"))
    crop 128 x 128: image 'a.png' is 100 x 200; use at most 100 x 200
    """

    def __init__(self, given: str, why: str, remedy: str, details: Sequence[str] = ()) -> None:
        super().__init__(given, why, remedy)
        self.details = tuple(details)
        self.given = given
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(f"{self.given}: {self.why}; {self.remedy}".splitlines())


class DataWarning(UserWarning):
    """Something that a result loses, or that had to be guessed, told to the user in one line; commands print it."""


def one_line(error: BaseException) -> str:
    r"""Put the message of an error on one line.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    str
        Its message without line breaks; the name of its class where it has no message.

    Examples
    --------
    >>> one_line(ValueError("a\n  b")), one_line(MemoryError())
    ('a b', 'MemoryError')
    """
    return " ".join(str(error).split()) or type(error).__name__


def name_some(names: Sequence[str], limit: int = 3) -> str:
    """Join names for a message, the first `limit` of them spelled out.

    Parameters
    ----------
    names : sequence of str
        The names, in the order to be shown.
    limit : int
        How many are spelled out.

    Returns
    -------
    str
        For example ``"a.png, b.png, c.png and 4 more"``; ``"none"`` for no names.

    Examples
    --------
    >>> name_some(["a", "b", "c", "d"], limit=2)
    'a, b and 2 more'
    """
    if not names:
        return "none"
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def refuse_several(failures: Sequence[tuple[str, DataError]], total: int, kind: str, limit: int = 3) -> None:
    """Refuse a set of which some members failed, with the reason and the remedy of the first.

    Parameters
    ----------
    failures : sequence of (str, DataError)
        Name and failure of each. None of them: nothing is refused.
    total : int
        How many members the set has.
    kind : str
        What they are, such as "files".
    limit : int
        How many names are spelled out.

    Raises
    ------
    DataError
        The failure itself if there is one only; its ``details`` have a line for each otherwise.
    """
    if len(failures) == 1:
        raise failures[0][1]
    if failures:
        first = failures[0][1]
        told = [
            f"{name} ({error.why})" if error is first or error.why != first.why else name for name, error in failures
        ]
        raise DataError(
            f"{len(failures)} of {total} {kind}",
            f"cannot be used: {name_some(told, limit)}",
            f"{first.remedy}, or leave them out",
            details=[str(error) for _, error in failures],
        )


@contextmanager
def reading(path: Path, remedy: str = "check that the file is complete and what its suffix says") -> Iterator[None]:
    """Turn whatever a decoder raises on a broken file into a `DataError`.

    Decoders raise exceptions of every kind on damaged bytes (``struct.error``, ``SyntaxError``, ``KeyError`` ...), so
    everything but a `DataError` is translated; the original stays attached as the cause.

    Parameters
    ----------
    path : Path
        The file being read.
    remedy : str
        What the user can do.

    Raises
    ------
    DataError
        For every exception that leaves the block.
    """
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(str(path), "there is no such file", "check the path") from error
    except IsADirectoryError as error:
        raise DataError(str(path), "is a folder, not an image file", "name one file, or list the folder") from error
    except PermissionError as error:
        raise DataError(str(path), "may not be read", "change its permissions") from error
    except MemoryError as error:
        raise DataError(str(path), "does not fit into memory", "read it by regions with open_image") from error
    except Exception as error:
        raise DataError(str(path), f"cannot be read ({_shorten(error)})", remedy) from error


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn a failure of the operating system while writing into a `DataError`.

    Parameters
    ----------
    target : Path
        The file the user asked for (not the temporary one).

    Raises
    ------
    DataError
        For every ``OSError`` (full disk, folder not writable ...) and every ``RuntimeError`` (what HDF5 raises when a
        write fails) that leaves the block.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise DataError(f"writing {target}", *_explain(error, target)) from error


def _explain(error: Exception, target: Path) -> tuple[str, str]:
    code = getattr(error, "errno", None)
    if code in _FULL:
        return "the disk is full", f"free some space or write elsewhere than {target.parent}"
    if code in _FORBIDDEN:
        return "the folder may not be written to", f"change the permissions of {target.parent} or write elsewhere"
    if code in {errno.ENOENT, errno.ENOTDIR}:
        return "the folder does not exist", f"create {target.parent} first"
    return f"failed ({_shorten(error)})", "check the disk and the folder"


def _shorten(error: Exception, limit: int = 160) -> str:
    line = one_line(error)
    return line if len(line) <= limit else line[: limit - 3] + "..."
