"""What a camera says in words in EXIF data, for files that have a place for words but none for EXIF."""

import struct
from contextlib import suppress

__all__ = ["WORDS", "words_of_exif"]

#: Tags of the first directory of EXIF data that TIFF has under the same numbers: maker, model, date, author, copyright.
WORDS = (271, 272, 306, 315, 33432)


def words_of_exif(exif: bytes) -> dict[int, bytes]:
    """Read the words of a camera and its owner.

    Parameters
    ----------
    exif : bytes
        EXIF data as a JPEG holds it, with or without its heading.

    Returns
    -------
    dict of int to bytes
        Words by their number, one of `WORDS`; nothing from damaged data.
    """
    from PIL import Image

    directory, found = Image.Exif(), {}
    # Pillow reads a damaged directory as far as it can, and raises one of these where it cannot.
    with suppress(ValueError, TypeError, KeyError, IndexError, OSError, SyntaxError, struct.error):
        directory.load(exif)
        for code in WORDS:
            value = directory.get(code)
            if isinstance(value, str) and value.strip("\0 "):
                found[code] = value.strip("\0").encode("latin-1", "replace")  # as Pillow decodes bytes
    return found
