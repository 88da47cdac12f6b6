"""HDF5 files that survive a full disk.

When a write fails, the HDF5 library is left with data it can neither write nor forget, and crashes the process later,
when the file is closed or Python ends. So it writes through a file object that remembers the first failure, reports
success, and leaves it to `HDF5Output.check` to raise.
"""

import shutil
from pathlib import Path
from typing import Any

#: Bytes of decoded chunks that HDF5 keeps of a dataset, so that a chunk of many planes is coded once, not once a plane.
CHUNK_CACHE = 64 * 2**20
#: Places in the table of these chunks: a prime far above their number.
CHUNK_SLOTS = 100_003


class HDF5Output:
    """A new HDF5 file.

    Parameters
    ----------
    path : Path
        Does not exist yet.
    copy_of : Path, optional
        An HDF5 file that it begins as a copy of.

    Attributes
    ----------
    file : h5py.File
        Open for writing.

    Raises
    ------
    OSError
        The file cannot be created.
    """

    def __init__(self, path: Path, copy_of: Path | None = None) -> None:
        import h5py

        if copy_of is not None:
            shutil.copyfile(copy_of, path)
        self._raw = _Remembering(path, "x+b" if copy_of is None else "r+b")
        try:
            mode = "w" if copy_of is None else "r+"
            self.file: Any = h5py.File(self._raw, mode, rdcc_nbytes=CHUNK_CACHE, rdcc_nslots=CHUNK_SLOTS)
        except BaseException:
            self._raw.close()
            raise

    def check(self) -> None:
        """Raise the first failure so far.

        Raises
        ------
        OSError
            The error that the operating system gave.
        """
        if self._raw.failure is not None:
            raise self._raw.failure

    def close(self) -> None:
        """Write what is left and close the file; may be called twice.

        Raises
        ------
        OSError
            A write failed, now or earlier.
        """
        self.file.close()
        self._raw.close()
        self.check()


class _Remembering:
    """An unbuffered file whose writes never fail, as far as its user can see."""

    def __init__(self, path: Path, mode: str) -> None:
        self._file: Any = path.open(mode, buffering=0)
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        try:
            while view and self.failure is None:
                view = view[self._file.write(view) :]
        except OSError as error:
            self.failure = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return size or 0

    def readinto(self, buffer: bytearray) -> int:
        return self._file.readinto(buffer) or 0

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size) or b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is buffered here."""

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error
