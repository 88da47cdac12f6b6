"""TIFF files that can only be written in order: compressed, tiled, or of single bits."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats.tiff_layout import TiffLayout, write_layout

_LARGEST_PAGE = (
    64 * 2**20
)  # bytes; tifffile encodes a page in strips from memory, so larger ones are divided into tiles
_TILE = (256, 256)


class TiffPieces:
    """Boxes that come in any order, collected uncompressed in an unnamed file, then encoded page by page or tile by tile.

    Parameters
    ----------
    path : Path
        The file to be written, by `close`.
    layout : TiffLayout
        How.
    name : str
        The file's name, for messages.
    """

    def __init__(self, path: Path, layout: TiffLayout, name: str) -> None:
        self.path, self.layout = path, layout
        self.dtype = layout.dtype.newbyteorder(layout.options.get("byteorder", "="))
        file = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 (closed by `close`)
        self.boxes = FileBoxes(file, 0, layout.shape, self.dtype, name)

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Keep one box.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis of the layout.
        box : ndarray
            Its pixels.
        """
        self.boxes.write(starts, box)

    def finish(self) -> None:
        """Write the file."""
        page = np.prod(self.layout.shape[self.outer :], dtype=np.int64) * self.dtype.itemsize
        tile = self.layout.options.get("tile") or (_TILE if page > _LARGEST_PAGE else None)
        write_layout(self.path, self.layout, self._tiles(tile) if tile else self._pages(), tile=tile)

    def close(self) -> None:
        """Let go of the pixels."""
        self.boxes.close()

    @property
    def outer(self) -> int:
        """Number of axes that pages are counted along."""
        return self.layout.axes.index("Y")

    def _pages(self) -> Iterator[np.ndarray]:
        inner = self.layout.shape[self.outer :]
        for index in np.ndindex(*self.layout.shape[: self.outer]):
            yield self._read((*index, *[0] * len(inner)), inner)

    def _tiles(self, tile: tuple[int, int]) -> Iterator[np.ndarray]:
        height, width, *samples = self.layout.shape[self.outer :]
        for index in np.ndindex(*self.layout.shape[: self.outer]):
            for top in range(0, height, tile[0]):
                for left in range(0, width, tile[1]):
                    sizes = (min(tile[0], height - top), min(tile[1], width - left), *samples)
                    part = self._read((*index, top, left, *[0] * len(samples)), sizes)
                    yield np.pad(part, [(0, t - n) for t, n in zip((*tile, *samples), sizes, strict=True)])

    def _read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        box = self.boxes.read(starts, [*[1] * self.outer, *sizes])
        return box.reshape(sizes).astype(self.dtype, copy=False)
