"""Which files a list of paths, folders and patterns stands for."""

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bsn.data.errors import DataError, name_some
from bsn.data.files.formats import find_format, jpeg, known_formats, raw, suffix_of
from bsn.data.files.formats.clip import SUFFIXES as CLIPS
from bsn.data.files.stores import STORE_SUFFIXES, stands_for_image

_WRITTEN_AS = {
    **dict.fromkeys(jpeg.SUFFIXES, ".png"),
    ".avi": ".mkv",
    ".czi": ".tif",
    ".nd2": ".tif",
    ".lif": ".tif",
    **dict.fromkeys(raw.SUFFIXES, raw.WRITTEN),
}
_MAGIC = re.compile(r"[*?\[]")


def is_image_path(path: str | Path) -> bool:
    """Tell by its name whether a file is one that `bsn.data.files.images.read_image` reads.

    Parameters
    ----------
    path : str or Path
        The file; it need not exist.

    Returns
    -------
    bool
        False for unknown suffixes and for hidden files, such as the ``._*`` that macOS leaves on other disks.

    Examples
    --------
    >>> is_image_path("a.TIF"), is_image_path("._a.tif"), is_image_path("a.txt")
    (True, False, False)
    """
    path = Path(path)
    return suffix_of(path) in known_formats() and not path.name.startswith(".")


def natural_key(path: str | Path) -> tuple[tuple[int, int, str], ...]:
    """Give a sort key by which ``z2`` comes before ``z10``.

    Parameters
    ----------
    path : str or Path
        A file name.

    Returns
    -------
    tuple
        Key to be used as ``key=`` of a sort.

    Examples
    --------
    >>> sorted(["z10.png", "z2.png"], key=natural_key)
    ['z2.png', 'z10.png']
    """
    parts = re.split(r"([0-9]+)", str(path))
    return tuple((0, int(p), p) if p[0] in "0123456789" else (1, 0, p.casefold()) for p in parts if p)


class FoundImage(NamedTuple):
    """An image file, and where its result belongs.

    Attributes
    ----------
    path : Path
        The file.
    below : Path
        Its path below the folder that was named, or below the part of a pattern that has no wildcards; the name alone for a
        file that was named itself.
    """

    path: Path
    below: Path


def list_images(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Collect image files.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders (their own images, not those of folders inside) and patterns such as ``runs/*/noisy_?.tif``. A Zarr
        store is a folder that is one image.

    Returns
    -------
    list of Path
        Files in the order of `paths`, each folder and pattern in natural order (2 before 10); no file twice.

    Raises
    ------
    DataError
        A path does not exist, a file has no known suffix, a folder or a pattern has no images.
    """
    return [image.path for image in find_images(paths)]


def find_images(
    paths: str | Path | Sequence[str | Path], *, nested: bool = False, except_in: Path | None = None
) -> list[FoundImage]:
    """Collect image files, and where their results belong.

    Parameters
    ----------
    paths : str, Path or sequence of them
        See `list_images`.
    nested : bool
        Whether a folder also stands for the images of the folders inside it.
    except_in : Path, optional
        A folder inside a named one that is left out, for example the one that results go to.

    Returns
    -------
    list of FoundImage
        Images in the order of `list_images`.

    Raises
    ------
    DataError
        See `list_images`.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not listed:
        raise DataError("an empty list of paths", "there is nothing to read", "name files, folders or patterns")
    found: dict[str, FoundImage] = {}
    for path in listed:
        for image in _expand(path, nested, except_in):
            found.setdefault(os.path.abspath(image.path), image)
    return list(found.values())


def plan_results(
    found: Sequence[FoundImage], folder: Path, name: Callable[[Path], str] = lambda path: path.name
) -> dict[Path, Path]:
    """Choose where the result of each image goes, before any work: sub-folders are mirrored, no two share a name.

    Parameters
    ----------
    found : sequence of FoundImage
        The images.
    folder : Path
        Where the results go.
    name : callable
        Gives the file name of the result of an image.

    Returns
    -------
    dict of Path to Path
        Result by image, in the order of `found`. Folders are not made.

    Raises
    ------
    DataError
        Two images would have one result; the message names both.

    Examples
    --------
    >>> plan_results([FoundImage(Path("in/x/a.png"), Path("x/a.png"))], Path("out"))[Path("in/x/a.png")].as_posix()
    'out/x/a.png'
    """
    results: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    clashes: list[str] = []
    for image in found:
        result = folder / image.below.parent / name(image.path)
        results[image.path] = result
        if result in owners:
            clashes.append(f"{owners[result]} and {image.path}")
        owners.setdefault(result, image.path)
    if clashes:
        raise DataError(
            name_some(clashes),
            f"their results would have one name in {folder}",
            "rename them, name the folder that holds both, or give each an output of its own",
            details=clashes,
        )
    return results


def result_name(source: Path) -> str:
    """Name the result of an image: like the image, but where its format loses pixels or only instruments write it.

    Parameters
    ----------
    source : Path
        The image.

    Returns
    -------
    str

    Examples
    --------
    >>> result_name(Path("a/scan.tif")), result_name(Path("photo.JPG")), result_name(Path("photo.nef"))
    ('scan.tif', 'photo.png', 'photo.dng')
    """
    if source.suffix.lower() in _WRITTEN_AS:
        return source.with_suffix(_WRITTEN_AS[source.suffix.lower()]).name
    inside_a_store = suffix_of(source) not in known_formats()
    return source.name + STORE_SUFFIXES[0] if inside_a_store else source.name


def _expand(given: str | Path, nested: bool, except_in: Path | None) -> list[FoundImage]:
    path = Path(given)
    if path.is_dir() and not stands_for_image(path):
        walked = _walk(path, except_in) if nested else path.iterdir()
        return _images_of(list(walked), path, f"folder {path}")
    if path.exists():
        find_format(path)
        return [FoundImage(path, Path(path.name))]
    if _MAGIC.search(str(given)):
        base, pattern = _split_pattern(path)
        return _images_of(_matches(base, pattern), base, f"pattern {given}")
    raise DataError(str(path), "there is no such file or folder", "check the path")


def _walk(folder: Path, except_in: Path | None) -> Iterator[Path]:
    """Give all files of a folder and of those inside it, and the folders that are images.

    Links to folders are followed, hidden folders are left out.
    """
    closed = None if except_in is None else os.path.abspath(except_in)

    def is_entered(place: str, name: str) -> bool:
        inside = Path(place, name)
        # A link to a folder that was passed on the way would lead round in circles.
        passed = (Path(place), *Path(place).parents)
        circle = inside.is_symlink() and any(os.path.realpath(inside) == os.path.realpath(way) for way in passed)
        return not name.startswith(".") and os.path.abspath(inside) != closed and not circle

    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if is_entered(place, name)]
        yield from (Path(place, name) for name in folders if stands_for_image(Path(place, name)))
        folders[:] = [name for name in folders if not stands_for_image(Path(place, name))]
        yield from (Path(place, name) for name in files)


def _split_pattern(path: Path) -> tuple[Path, str]:
    """Split off the leading folders that exist as they are written, whatever brackets they have."""
    base, parts = Path(path.anchor), list(path.parts[1:] if path.anchor else path.parts)
    while len(parts) > 1 and (base / parts[0]).is_dir():
        base /= parts.pop(0)
    return base, str(Path(*parts))


def _matches(base: Path, pattern: str) -> list[Path]:
    """Find what a pattern matches; where nothing does, with its square brackets taken as they are written."""
    found = glob.glob(pattern, root_dir=base, recursive=True)
    found = found or glob.glob(re.sub(r"\[", "[[]", pattern), root_dir=base, recursive=True)
    return [base / name for name in found]


def _images_of(candidates: list[Path], base: Path, given: str) -> list[FoundImage]:
    images = sorted((p for p in candidates if _is_image(p)), key=natural_key)
    # A clip among photographs was not meant; a folder of clips was.
    images = [p for p in images if p.suffix.lower() not in CLIPS] or images
    images = _without_developed(images)
    if not images:
        raise DataError(given, "has no images", f"images end in {', '.join(known_formats())}")
    return [FoundImage(path, path.relative_to(base)) for path in images]


def _without_developed(images: list[Path]) -> list[Path]:
    """Leave out the JPEG files that a camera wrote beside raw files of the same names."""
    raws = {(path.parent, path.stem.casefold()) for path in images if path.suffix.lower() in raw.SUFFIXES}
    return [p for p in images if p.suffix.lower() not in jpeg.SUFFIXES or (p.parent, p.stem.casefold()) not in raws]


def _is_image(path: Path) -> bool:
    if path.is_dir():
        return stands_for_image(path) and not path.name.startswith(".")
    return is_image_path(path) and path.is_file()
