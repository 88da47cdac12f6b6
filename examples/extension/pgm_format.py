"""Plain PGM files: grey images as text, https://netpbm.sourceforge.net/doc/pgm.html."""

from pathlib import Path

import numpy as np

from bsn.data import DataError, Decoded, Format, Keeping, register_format


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a plain PGM file of 8 or 16 bits; other kinds raise DataError."""
    text = path.read_bytes().decode("ascii", "replace")
    words = " ".join(line.partition("#")[0] for line in text.splitlines()).split()
    if words[:1] != ["P2"]:
        raise DataError(
            str(path), "is not a plain PGM file (it does not begin with P2)", "convert it, for example to PNG"
        )
    try:
        width, height, largest, *pixels = map(int, words[1:])
        image = np.array(pixels, np.uint8 if largest < 256 else np.uint16).reshape(height, width)
    except (ValueError, OverflowError) as error:
        raise DataError(str(path), f"is damaged ({error})", "copy or download it again") from error
    return Decoded(image, "YX", {})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a grey image of 8 or 16 bits."""
    pixels = image.pixels
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(str(target), f"a PGM file holds no {pixels.dtype} of shape {pixels.shape}", "write a .tif file")
    rows = "\n".join(" ".join(map(str, row)) for row in pixels.tolist())
    path.write_text(
        f"P2\n{pixels.shape[1]} {pixels.shape[0]}\n{np.iinfo(pixels.dtype).max}\n{rows}\n", encoding="ascii"
    )


register_format(".pgm", form=Format(read, write, Keeping("a PGM file"), named=False))
