"""onnxruntime-web, the runtime of the browser page: three files of one release of a package of npm, known by their contents."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from distill.export.formats import ExportError

__all__ = ["ARCHIVE", "RUNTIME_FILES", "RUNTIME_VERSION", "read_runtime"]

RUNTIME_VERSION = "1.30.0"
ARCHIVE = f"onnxruntime-web-{RUNTIME_VERSION}.tgz"
"""What ``npm pack`` writes."""

RUNTIME_FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Names in the package's folder ``dist``, and their SHA-256."""

_HOW = f"get it with `npm pack onnxruntime-web@{RUNTIME_VERSION}` in this folder, or name its place with --runtime"
_LIKELY = (ARCHIVE, "node_modules/onnxruntime-web")


def read_runtime(place: str | Path | None = None) -> dict[str, bytes]:
    """Read the files that the page loads, and check that they are those of the release.

    Parameters
    ----------
    place : str or Path, optional
        The archive of ``npm pack``, the installed package, or a folder with the files. None: looked for in the current folder.

    Returns
    -------
    dict of str to bytes
        Contents by name.

    Raises
    ------
    ExportError
        If they are missing or others; the message says how to get them.
    """
    found = _find(place)
    files = _unpacked(found) if found.is_file() else _read(found)
    for name, digest in RUNTIME_FILES.items():
        if name not in files:
            raise ExportError(
                f"{found} has no {name}, which the page needs of onnxruntime-web {RUNTIME_VERSION}; {_HOW}"
            )
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise ExportError(f"{name} in {found} is not that of onnxruntime-web {RUNTIME_VERSION}; {_HOW}")
    return files


def _find(place: str | Path | None) -> Path:
    if place is None:
        found = next((path for path in map(Path, _LIKELY) if path.exists()), None)
        if found is None:
            raise ExportError(
                f"the page needs onnxruntime-web {RUNTIME_VERSION}, and neither {' nor '.join(_LIKELY)} is here; {_HOW}"
            )
        return found
    if not Path(place).exists():
        raise ExportError(f"there is no {place}, and the page needs onnxruntime-web {RUNTIME_VERSION}; {_HOW}")
    return Path(place)


def _read(folder: Path) -> dict[str, bytes]:
    inner = folder / "dist" if (folder / "dist").is_dir() else folder
    return {name: (inner / name).read_bytes() for name in RUNTIME_FILES if (inner / name).is_file()}


def _unpacked(archive: Path) -> dict[str, bytes]:
    """The three members alone; nothing is written to the names that an archive gives."""
    try:
        with tarfile.open(archive, "r:gz") as packed:
            members = {name: packed.extractfile(f"package/dist/{name}") for name in RUNTIME_FILES}
            return {name: member.read() for name, member in members.items() if member is not None}
    except KeyError as error:
        raise ExportError(f"{archive} lacks files of onnxruntime-web ({str(error)[:80]}); {_HOW}") from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ExportError(f"{archive} is no archive of npm ({str(error)[:80]}); {_HOW}") from None
