"""Small DNG files, written by tifffile from the specification."""

import numpy as np

COLOURS = {"R": 0, "G": 1, "B": 2}
MATRIX = (
    9020,
    10000,
    -2890,
    10000,
    -715,
    10000,
    -4535,
    10000,
    12436,
    10000,
    2348,
    10000,
    -934,
    10000,
    1919,
    10000,
    7086,
    10000,
)


def tags(pattern="RGGB", black=(600, 600, 600, 600), white=15520, noise=(), more=()):
    """Tags of a mosaic, as tifffile takes them."""
    return [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, bytes(COLOURS[c] for c in pattern), True),
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50707, 1, 4, bytes((1, 1, 0, 0)), True),
        (50708, 2, 0, "Test Camera", True),
        (50710, 1, 3, bytes((0, 1, 2)), True),
        (50711, 3, 1, 1, True),
        (50713, 3, 2, (2, 2), True),
        (50714, 4, 4, black, True),
        (50717, 4, 1, white, True),
        (50721, 10, 9, MATRIX, True),
        (50728, 5, 3, (5130, 10000, 10000, 10000, 7442, 10000), True),
        (50778, 3, 1, 21, True),
        *([(51041, 12, len(noise), noise, True)] if noise else []),
        *more,
    ]


def write_dng(path, mosaic, *, photometric="cfa", more=(), **told):
    """Write a mosaic (H, W) as the only image of a DNG file."""
    import tifffile

    tifffile.imwrite(
        path, mosaic, photometric=photometric, metadata=None, subfiletype=0, extratags=tags(more=more, **told)
    )
    return path


def write_like_a_camera(path, mosaic, preview, without=()):
    """A preview first, the mosaic below it: in tiles of lossless JPEG, through a table, with a margin, and a maker's note."""
    import imagecodecs
    import tifffile

    side = 64
    table = np.minimum(np.arange(4096) * 4 + 3, 65535).astype(np.uint16)
    tiles = [
        imagecodecs.ljpeg_encode(np.ascontiguousarray(mosaic[top : top + side, left : left + side]), bitspersample=12)
        for top in range(0, mosaic.shape[0], side)
        for left in range(0, mosaic.shape[1], side)
    ]
    height, width = mosaic.shape
    inside = [
        (50829, 4, 4, (2, 4, height - 2, width - 4), True),
        (50712, 3, len(table), table.tobytes(), True),
        (51041, 12, 2, (2e-4, 1e-6), True),
    ]
    first = [
        (271, 2, 0, "Maker", True),
        (272, 2, 0, "Model", True),
        (37500, 7, 8, b"a note\0\0", True),
        (51111, 1, 16, bytes(16), True),
    ]
    with tifffile.TiffWriter(path) as file:
        file.write(
            preview, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=[*first, *tags()[2:5]]
        )
        told = [tag for tag in tags(black=(600, 600, 600, 600), white=16000) if tag[0] not in (50706, 50707, 50708)]
        file.write(
            iter(tiles),
            shape=mosaic.shape,
            dtype=np.uint16,
            tile=(side, side),
            compression=7,
            photometric="cfa",
            subfiletype=0,
            metadata=None,
            extratags=[tag for tag in (*told, *inside) if tag[0] not in without],
        )
    return table
