"""DICOM files of medical imaging, through pydicom: the pixels of one file, a frame or several.

Pixels are the stored numbers; rescale slope and intercept stay in the header. The result of an image is a copy of its file with
the pixels replaced, uncompressed. As the standard asks (PS3.3, C.7.6.1.1.2 and C.12.1.1), it is marked as derived, names the
image that it was derived from, and has unique identifiers of its own; the results of a series are one series.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.container import CONTAINER, Container, container_of
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.losses import Keeping

SUFFIXES = (".dcm", ".dicom", ".ima")
#: A DICOM file keeps what is in the file that its image came from, and nothing of other formats.
KEEPING = Keeping("a DICOM file")

_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_MADE_OF_PIXELS = ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelDataProviderURL", "IconImageSequence")
_DERIVED = "Denoised by Blindspot"


def read(path: Path, key: str | None = None) -> Decoded:
    """Read the pixels of a DICOM file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files have no named parts.

    Returns
    -------
    Decoded
        The stored numbers, colours as RGB; axes YX, YXC, and T (a clip) or Z (a volume) before them for several frames.

    Raises
    ------
    DataError
        A key was given; the file has no pixels, or indices of a palette, or segments; they are compressed in a way for which a
        package is missing; pydicom is missing. Other failures are left to the caller to translate.
    """
    refuse_key(key, str(path))
    library = need("pydicom", "pydicom", str(path))
    dataset = library.dcmread(path)
    _refuse(dataset, path)
    try:
        pixels = dataset.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(
            str(path),
            f"its pixels are compressed ({dataset.file_meta.TransferSyntaxUID.name}), which needs another package",
            "install pylibjpeg[all] or decompress the file",
        ) from error
    except (ValueError, AttributeError) as error:
        raise DataError(str(path), f"its pixels cannot be read ({error})", "copy or export it again") from error
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return Decoded(native, _axes(dataset, pixels.ndim), {CONTAINER: Container(path, "pixels")})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a copy of the DICOM file that an image came from, with the pixels replaced.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        Pixels of the type that the file has, with its axes.
    key : None
        These files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A key was given; the image does not come from a DICOM file of its shape and type; pydicom is missing.
    """
    refuse_key(key, str(target))
    library = need("pydicom", "pydicom", str(target))
    container = container_of(image.metadata, *SUFFIXES)
    if container is None:
        raise DataError(
            str(target), "a DICOM file belongs to a patient and a study, which this image does not have", "write .tif"
        )
    original = library.dcmread(container.path)
    bits = int(original.get("BitsAllocated", 8 * image.pixels.itemsize))
    kinds = "f" if "PixelData" not in original else "i" if original.get("PixelRepresentation") else "ub"
    if image.pixels.dtype.kind not in kinds or 8 * image.pixels.itemsize != bits:
        raise DataError(
            f"{target} of type {image.pixels.dtype.name}",
            f"its DICOM file has other pixels, of {bits} bits",
            "write .tif",
        )
    result = _derived(library, original, image.pixels)
    library.dcmwrite(path, result, implicit_vr=False, little_endian=True, enforce_file_format=True)


def _refuse(dataset: Any, path: Path) -> None:
    """Refuse what is not a picture."""
    if not any(word in dataset for word in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = dataset.get("Modality", "DICOM")
        raise DataError(str(path), f"holds no pixels (its modality is {kind})", "give a file with an image")
    if dataset.get("Modality") == "SEG":
        raise DataError(str(path), "holds segments, not an image", "give the image that they belong to")
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        raise DataError(str(path), "its pixels are indices of a palette, not colours", "convert it to RGB")


def _axes(dataset: Any, count: int) -> str:
    axes = "YX" if dataset.get("SamplesPerPixel", 1) == 1 else "YXC"
    if count == len(axes):
        return axes
    moving = "FrameTime" in dataset or "CineRate" in dataset or dataset.get("Modality") in ("US", "XA", "RF", "OT")
    return ("T" if moving else "Z") + axes


def _derived(library: Any, original: Any, pixels: np.ndarray) -> Any:
    """A data set of its own with new pixels."""
    result = copy.deepcopy(original)
    size = pixels.shape if result.get("SamplesPerPixel", 1) == 1 else pixels.shape[:-1]
    result.Rows, result.Columns = size[-2:]
    if "NumberOfFrames" in result:
        result.NumberOfFrames = size[0] if len(size) > len("YX") else 1
    result.PixelData = b""
    bits = int(result.get("BitsStored", 8 * pixels.itemsize))
    signed = pixels.dtype.kind == "i"
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if pixels.dtype.kind in "iu":
        pixels = np.clip(pixels, max(lowest, np.iinfo(pixels.dtype).min), min(highest, np.iinfo(pixels.dtype).max))
    for word in _MADE_OF_PIXELS:
        if word in result:
            delattr(result, word)
    result.file_meta.TransferSyntaxUID = library.uid.UID(_EXPLICIT_LITTLE_ENDIAN)
    if pixels.dtype.kind == "f":
        setattr(result, "FloatPixelData" if pixels.itemsize == 4 else "DoubleFloatPixelData", pixels.tobytes())
        del result.PixelData
    else:
        data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
        result.PixelData = data + b"\0" * (len(data) % 2)
        result["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    if result.get("SamplesPerPixel", 1) > 1:
        result.PhotometricInterpretation, result.PlanarConfiguration = "RGB", 0
    _identify(library, result, original)
    return result


def _identify(library: Any, result: Any, original: Any) -> None:
    """Unique identifiers of its own, and the marks of a derived image."""
    source = [str(original.get(word, "")) for word in ("SOPInstanceUID", "SeriesInstanceUID")]
    # The same image gives the same identifier, and images of one series stay in one; what has none gets a new one.
    result.SOPInstanceUID, result.SeriesInstanceUID = (
        library.uid.generate_uid(entropy_srcs=[_DERIVED, uid] if uid else None) for uid in source
    )
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    kinds = list(original.get("ImageType", None) or ["ORIGINAL", "PRIMARY"])
    result.ImageType = ["DERIVED", *kinds[1:]]
    result.DerivationDescription = _DERIVED
    if source[0] and "SOPClassUID" in original:
        reference = library.Dataset()
        reference.ReferencedSOPClassUID = original.SOPClassUID
        reference.ReferencedSOPInstanceUID = original.SOPInstanceUID
        result.SourceImageSequence = library.Sequence([reference])
