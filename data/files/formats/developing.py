"""Pictures of mosaics: where a mosaic is written to a format of pictures, it is developed first, by LibRaw.

Photographs get the white balance of the camera, LibRaw's AHD demosaicing, sRGB, and no automatic brightness; frames of
astronomical cameras stay linear and keep the colours of the sensor.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.files.formats.decoded import Decoded
from bsn.data.files.formats.dng_new import write_new
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.mosaic import Mosaic, mosaic_in, without_mosaic
from bsn.data.files.formats.raw import check_source, opened, unknown_camera
from bsn.data.files.formats.raw_words import NOTHING

#: Formats of pictures, and bits of their values.
_BITS = {".tif": 16, ".tiff": 16, ".png": 16, ".jpg": 8, ".jpeg": 8}


def is_developed(metadata: Mapping[str, Any], dtype: np.dtype[Any], target: Path) -> bool:
    """Say whether an image is developed when it is written.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.
    dtype : numpy.dtype
        Type of its pixels.
    target : Path
        Where it is written.

    Returns
    -------
    bool
        True for mosaics that go to a format of pictures and can be developed.
    """
    return target.suffix.lower() in _BITS and developable(metadata, dtype) is not None


def developable(metadata: Mapping[str, Any], dtype: np.dtype[Any]) -> Mosaic | None:
    """Find what is known of a mosaic that can be developed.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.
    dtype : numpy.dtype
        Type of its pixels.

    Returns
    -------
    Mosaic or None
        None where the image is no mosaic, or one of floats whose levels nobody knows.
    """
    facts = mosaic_in(metadata)
    return facts if facts is not None and (facts.levels is not None or dtype == np.uint16) else None


def developed(image: Decoded, target: Path) -> Decoded:
    """Develop a mosaic.

    Parameters
    ----------
    image : Decoded
        A mosaic, see `is_developed`.
    target : Path
        Where it is written; its suffix says of how many bits.

    Returns
    -------
    Decoded
        A picture, upright, axes YXC, uint8 or uint16.

    Raises
    ------
    DataError
        rawpy is missing, or the raw file is gone.
    """
    facts = mosaic_in(image.metadata)
    assert facts is not None
    picture = develop(facts, image.pixels, _BITS[target.suffix.lower()], str(target))
    return Decoded(picture, "YXC", after_developing(image.metadata))


def develop(facts: Mosaic, planes: np.ndarray, bits: int, given: str) -> np.ndarray:
    """Develop the planes of a mosaic.

    Parameters
    ----------
    facts : Mosaic
        What is known of it.
    planes : ndarray, shape (4, h, w)
        As they were read, or denoised.
    bits : {8, 16}
        Bits of the values of the picture.
    given : str
        What is to be made, for messages.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8 or uint16
        Upright, so that H and W may be exchanged.

    Raises
    ------
    DataError
        rawpy is missing, or the raw file is gone.
    """
    rawpy, stored = need("rawpy", "rawpy", given, "raw"), facts.stored(planes)
    if facts.levels is None:
        return _linear(rawpy, facts, stored, bits)
    return _as_shot(rawpy, facts, stored, bits, given)


def after_developing(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is true of a mosaic and not of its picture.

    Parameters
    ----------
    metadata : mapping
        Metadata of a mosaic.

    Returns
    -------
    dict
    """
    return {key: value for key, value in without_mosaic(metadata).items() if key != "container"}


def _as_shot(rawpy: Any, facts: Mosaic, stored: np.ndarray, bits: int, given: str) -> np.ndarray:
    check_source(facts, given)
    with opened(rawpy, facts.path) as raw:
        raw.raw_image_visible[:] = stored
        picture: np.ndarray = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=bits)
    return picture


def _linear(rawpy: Any, facts: Mosaic, stored: np.ndarray, bits: int) -> np.ndarray:
    file = io.BytesIO()
    write_new(file, stored, unknown_camera(facts), NOTHING)
    file.seek(0)
    with rawpy.imread(file) as raw:
        picture: np.ndarray = raw.postprocess(
            user_wb=[1.0] * 4,
            output_color=rawpy.ColorSpace.raw,
            gamma=(1, 1),
            no_auto_bright=True,
            no_auto_scale=True,
            adjust_maximum_thr=0.0,
            output_bps=bits,
        )
    return picture
