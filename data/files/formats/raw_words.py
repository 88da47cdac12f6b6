"""What a raw file says of the photograph beside its pixels: camera, date, exposure, place; as entries of TIFF directories.

Most raw files are TIFF files; those of Canon's CR3 hold TIFF files in boxes (CMT1, CMT2, CMT4); others have a JPEG preview with
EXIF data. Notes of the makers are left out: they point to places in the file.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from bsn.data.errors import DataError
from bsn.data.files.formats.tiff_directory import Directory, Entry, read_directories, read_directory

EXIF, GPS = 34665, 34853
MAKER, MODEL = 271, 272
# Description, software, date, artist, copyright.
_WORDS = (MAKER, MODEL, 270, 305, 306, 315, 33432)
# Notes of the maker, interoperability, the number of the colour space and the size of the developed picture.
_LEFT_OUT = {37500, 40965, 40961, 40962, 40963}
_BOXES = {b"CMT1": "words", b"CMT2": "exif", b"CMT4": "gps"}
_BOXES_WITHIN = 4 * 2**20  # bytes from the start of the file
_JPEG, _APP1 = b"\xff\xd8", 0xE1
_EXIF_HEAD = b"Exif\0\0"


class Words(NamedTuple):
    """Entries of three directories.

    Attributes
    ----------
    words, exif, gps : mapping
        Entries by tag: of the first directory, of EXIF data, of the place.
    order : {"<", ">"}
        Byte order of all of them.
    """

    words: Mapping[int, Entry]
    exif: Mapping[int, Entry]
    gps: Mapping[int, Entry]
    order: str

    def text(self, tag: int) -> str:
        """Words of a tag of the first directory.

        Parameters
        ----------
        tag : int
            Its number.

        Returns
        -------
        str
            Empty where there are none.
        """
        entry = self.words.get(tag)
        return entry.data.split(b"\0")[0].decode("latin-1").strip() if entry is not None else ""


NOTHING = Words({}, {}, {}, "<")


def words_of_raw(path: Path, preview: bytes = b"") -> Words:
    """Read what a raw file says of its photograph.

    Parameters
    ----------
    path : Path
        The file.
    preview : bytes
        Its JPEG preview, which is asked where the file itself says nothing.

    Returns
    -------
    Words
        Empty where nothing can be read: words are not worth a photograph.
    """
    with path.open("rb") as file:
        in_file = _of_tiff(file)
        file.seek(0)
        for found in (in_file, _of_boxes(file.read(_BOXES_WITHIN)), _of_jpeg(preview)):
            if found is not None and (found.words or found.exif):
                return found
    return NOTHING


def _of_tiff(file: IO[bytes]) -> Words | None:
    try:
        directories = read_directories(file)
        if not directories:
            return None
        first = directories[0]
        below = {tag: _below(file, first, tag) for tag in (EXIF, GPS)}
    except DataError:
        return None
    return Words(_kept(first.entries, only=_WORDS), _kept(below[EXIF]), _kept(below[GPS]), first.form.order)


def _of_boxes(head: bytes) -> Words | None:
    """TIFF files in boxes of an ISO base media file: a length, a name, and the content."""
    if head[4:8] != b"ftyp":
        return None
    parts: dict[str, Mapping[int, Entry]] = {}
    order = "<"
    for name, part in _BOXES.items():
        at = head.find(name)
        length = int.from_bytes(head[at - 4 : at], "big") if at >= 4 else 0
        content = head[at + 4 : at - 4 + length]
        try:
            directory = read_directories(io.BytesIO(content))[0]
        except (DataError, IndexError):
            continue
        order = directory.form.order
        parts[part] = _kept(directory.entries, only=_WORDS if part == "words" else None)
    return Words(parts.get("words", {}), parts.get("exif", {}), parts.get("gps", {}), order) if parts else None


def _of_jpeg(preview: bytes) -> Words | None:
    place = 2
    while preview[:2] == _JPEG and preview[place : place + 1] == b"\xff" and place + 4 <= len(preview):
        marker, length = preview[place + 1], int.from_bytes(preview[place + 2 : place + 4], "big")
        content = preview[place + 4 : place + 2 + length]
        if marker == _APP1 and content.startswith(_EXIF_HEAD):
            return _of_tiff(io.BytesIO(content[len(_EXIF_HEAD) :]))
        place += 2 + length
    return None


def _below(file: IO[bytes], above: Directory, tag: int) -> Mapping[int, Entry]:
    """Entries of a directory that a tag points to; none where it points nowhere."""
    entry = above.entries.get(tag)
    if entry is None:
        return {}
    try:
        return read_directory(file, entry.place, above.form).entries
    except DataError:
        return {}


def _kept(entries: Mapping[int, Entry], only: Iterable[int] | None = None) -> dict[int, Entry]:
    """Entries that may be written to another file, without their places."""
    chosen = entries if only is None else [tag for tag in only if tag in entries]
    return {tag: entries[tag]._replace(place=0) for tag in chosen if tag not in _LEFT_OUT}
