"""Where the results of a list of inputs go, settled before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bsn.data import DataError, known_formats, result_name, suffix_of
from bsn.data.errors import writing
from bsn.data.files.listing import find_images, plan_results
from bsn.data.files.stores import STORE_SUFFIXES, stands_for_image

__all__ = ["result_paths", "uncertainty_path"]


def uncertainty_path(target: str | Path) -> Path:
    """Where the standard deviations of a result go: float32 beside it, ``name_uncertainty.tif``; HDF5 and Zarr stay so.

    Files of formats that have a place for them, such as FITS, hold them beside the result.

    Parameters
    ----------
    target : str or Path
        File of the denoised image.

    Returns
    -------
    Path
        `target` itself where the result holds them.
    """
    target = Path(target)
    form = known_formats().get(suffix_of(target))
    if form is not None and form.holds_deviation:
        return target
    return target.with_name(target.stem + "_uncertainty" + _deviation_suffix(target))


def _deviation_suffix(target: Path) -> str:
    return target.suffix if target.suffix.lower() in (".h5", ".hdf5", *STORE_SUFFIXES) else ".tif"


def result_paths(inputs: Sequence[str | Path], output: str | Path, *, deviation: bool = False) -> dict[Path, Path]:
    """Give each input file the file of its result.

    Parameters
    ----------
    inputs : sequence of str or Path
        Files, folders with the folders inside them, and patterns.
    output : str or Path
        A file for one image, if its suffix is one of an image format; otherwise a folder, whatever dots its name has. It is
        made if it does not exist. Sub-folders of an input folder or pattern are mirrored below it.
    deviation : bool
        Each result has a second file, see :func:`uncertainty_path`.

    Returns
    -------
    dict of Path to Path
        Results by source, in the order of the inputs.

    Raises
    ------
    DataError
        Inputs that do not exist, a file for several images, several images with one result, a result that is another one of
        the inputs, a folder that cannot be made. Nothing is made before all of that is settled.
    """
    found = find_images(list(inputs), nested=True, except_in=Path(output))
    if _is_file(output):
        if len(found) > 1:
            raise DataError(f"the output {output}", f"is one file for {len(found)} images", "name a folder")
        targets = {found[0].path: Path(output)}
        folders = {Path(output).parent}
    else:
        targets = plan_results(found, Path(output), result_name)
        folders = {Path(output), *(target.parent for target in targets.values())}
    _refuse_clashes(targets, deviation=deviation)
    for folder in folders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return targets


def _is_file(output: str | Path) -> bool:
    if stands_for_image(Path(output)):
        return True
    named_a_folder = str(output).endswith(("/", os.sep)) or Path(output).is_dir()
    return not named_a_folder and suffix_of(Path(output)) in known_formats()


def _refuse_clashes(targets: dict[Path, Path], *, deviation: bool) -> None:
    """Refuse results that would replace an input of another result, or one another."""
    owners = {_name_on_disk(source): source for source in targets}
    taken: dict[str, Path] = {}
    for source, target in targets.items():
        for path in (target, uncertainty_path(target)) if deviation else (target,):
            name = _name_on_disk(path)
            other = taken.setdefault(name, source)
            if other != source:
                raise DataError(
                    f"{other} and {source}",
                    f"their results would have one name, {path.name}",
                    "rename one of them, or denoise them into different folders",
                )
            if owners.get(name, source) != source:
                raise DataError(f"the result {path} of {source}", "is another one of the inputs", "name another folder")


def _name_on_disk(path: Path) -> str:
    """Absolute path; names that differ in capitals only are one file on many disks."""
    return os.path.abspath(path).casefold()
