"""Libraries of single fields, which are installed on request: imported when a file needs them, or said to be missing."""

import gzip
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bsn.data.errors import DataError


def need(module: str, package: str, given: str, extra: str = "science") -> Any:
    """Import a module of an optional package, or say how to get it.

    Parameters
    ----------
    module : str
        Name of the module.
    package : str
        Name of the package that has it.
    given : str
        The file that needs it.
    extra : str
        Extra of our package that installs it.

    Returns
    -------
    module
        The module.

    Raises
    ------
    DataError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            given, f"it needs the package {package}", f'install it with pip install "blindspot-denoising[{extra}]"'
        ) from error


@contextmanager
def output_file(path: Path, target: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that is packed where its name says so.

    Parameters
    ----------
    path : Path
        Where to write.
    target : Path
        The name that it will have; an ending in ".gz" or ".mgz" packs it by gzip.

    Yields
    ------
    binary file
    """
    packed = target.suffix.lower() in (".gz", ".mgz")
    with path.open("wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as inner:
            yield inner  # type: ignore[misc]  # a GzipFile is a binary file, which its stub does not say
