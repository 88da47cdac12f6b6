"""Video clips, through PyAV (FFmpeg): their frames are a stack along time.

Written are lossless FFV1 (``.mkv``), H.264 of high quality (``.mp4``, ``.m4v``, ``.mov``) and VP9 (``.webm``), as the
suffix says. The clip that a result comes from gives it its sound, unchanged, the times of the frames, the way in which colours
are stored, and its tags. Frames are shown upright, whichever way the camera was held.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.clip_frames import ClipBoxes, ClipFacts, facts_of
from bsn.data.files.formats.clip_output import CODECS, ClipOutput
from bsn.data.files.formats.decoded import Decoded, Stored, refuse_key
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.losses import Keeping, Outline

SUFFIXES = (*CODECS, ".avi")
#: Key of what is known of a clip beside its pixels.
CLIP = "clip"


def _unable(outline: Outline) -> Iterator[str]:
    facts = outline.metadata.get(CLIP)
    if isinstance(facts, ClipFacts):
        if facts.colours.alpha:
            yield "opacity"
        with need("av", "av (PyAV)", str(facts.path), "video").open(str(facts.path)) as container:
            others = {stream.type for stream in container.streams} - {"video", "audio"}
            yield from sorted(f"{kind}s" if kind == "subtitle" else kind for kind in others)


#: What clips keep.
KEEPING = Keeping("a video", frozenset({CLIP}), _unable)


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a clip as a whole.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        Clips have no named parts.

    Returns
    -------
    Decoded
        Axes TYX for grey clips, TYXC for the others.

    Raises
    ------
    DataError
        See :func:`open_boxes`.
    """
    stored = open_boxes(path, key)
    try:
        pixels = stored.boxes.read([0] * len(stored.shape), stored.shape)
    finally:
        stored.boxes.close()
    return Decoded(pixels, stored.axes, stored.metadata)


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open a clip for reading by boxes; it is decoded once as a whole, to find damage.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        Clips have no named parts.

    Returns
    -------
    Stored
        Axes TYX for grey clips, TYXC for the others.

    Raises
    ------
    DataError
        A key was given, PyAV is missing, there is no video, it is damaged, or its frames differ in size.
    """
    refuse_key(key, str(path))
    facts = facts_of(path)
    axes = "TYX" if facts.colours.grey else "TYXC"
    return Stored(ClipBoxes(facts), facts.shape, facts.colours.dtype, axes, {CLIP: facts})


def create(path: Path, image: Outline, key: str | None, target: Path) -> ClipOutput:
    """Begin a clip.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Outline
        What will be written.
    key : None
        Clips have no named parts.
    target : Path
        The name for messages; its suffix chooses the codec.

    Returns
    -------
    ClipOutput

    Raises
    ------
    DataError
        Axes that are no frames one after the other, or what the codec cannot hold.
    """
    refuse_key(key, str(target))
    if target.suffix.lower() not in CODECS:
        raise DataError(str(target), "a file of this kind does not tell when its frames are shown", "write a .mkv file")
    axes = image.axes
    if len(axes) < 3 or axes[1:] not in ("YX", "YXC", "YXS") or (len(axes) == 4 and image.shape[3] != 3):
        raise DataError(
            f"an image of axes {axes} and shape {image.shape} for {target}",
            "a video holds grey or RGB frames, one after the other",
            "write a TIFF file",
        )
    facts = image.metadata.get(CLIP)
    return ClipOutput(path, target, image.shape, np.dtype(image.dtype), facts if isinstance(facts, ClipFacts) else None)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a clip as a whole.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        Frames along the first axis, grey or RGB, uint8 or uint16.
    key : None
        Clips have no named parts.
    target : Path
        The name for messages; its suffix chooses the codec.

    Raises
    ------
    DataError
        See :func:`create`.
    """
    outline = Outline(image.axes or "", image.pixels.shape, image.pixels.dtype, image.metadata)
    output = create(path, outline, key, target)
    try:
        output.write([0] * image.pixels.ndim, image.pixels)
        output.finish()
    finally:
        output.close()
