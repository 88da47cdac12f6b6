"""The training pairs of SIDD-Medium, sRGB, as published.

    Data/<scene instance>/<nnnn>_NOISY_SRGB_010.PNG, <nnnn>_GT_SRGB_010.PNG, and the same with 011

A scene instance is named ``0001_001_S6_00100_00060_3200_L``: number of the instance (nnnn), of the scene, camera, ISO,
shutter speed (denominator in 1/s), colour temperature in kelvin, brightness. There are 160 of them, with two pairs
each.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from bsn.data.errors import DataError, name_some

SCENES = 160
NUMBERS = ("010", "011")
_PATTERN = re.compile(r"(\d{4})_(\d{3})_(GP|IP|S6|N6|G4)_(\d{5})_(\d{5})_(\d{4})_([LNH])")


@dataclass(frozen=True)
class SiddScene:
    """What the name of a scene instance says.

    Attributes
    ----------
    instance, scene : int
        Number of the instance, and of what it shows.
    camera : str
        GP (Google Pixel), IP (iPhone 7), S6 (Samsung Galaxy S6 Edge), N6 (Motorola Nexus 6) or G4 (LG G4).
    iso : int
        Sensitivity.
    shutter : int
        Exposure time is 1 / shutter seconds.
    temperature : int
        Colour temperature of the illuminant in kelvin.
    brightness : str
        L (low), N (normal) or H (high).
    """

    instance: int
    scene: int
    camera: str
    iso: int
    shutter: int
    temperature: int
    brightness: str


@dataclass(frozen=True)
class SiddPair:
    """A noisy picture and its clean counterpart.

    Attributes
    ----------
    noisy : Path
        8-bit RGB PNG.
    clean : Path or None
        The same size; None in a copy without ground truth.
    scene : SiddScene
        How it was taken.
    """

    noisy: Path
    clean: Path | None
    scene: SiddScene


def parse_sidd_scene(name: str) -> SiddScene:
    """Parse the name of a scene instance.

    Parameters
    ----------
    name : str
        For example ``"0001_001_S6_00100_00060_3200_L"``.

    Returns
    -------
    SiddScene
        Its parts.

    Raises
    ------
    DataError
        The name has another form.

    Examples
    --------
    >>> parse_sidd_scene("0001_001_S6_00100_00060_3200_L").iso
    100
    """
    found = _PATTERN.fullmatch(name)
    if found is None:
        raise DataError(
            f"folder name {name!r}",
            "is not a scene instance of SIDD",
            "expected the form 0001_001_S6_00100_00060_3200_L",
        )
    instance, scene, camera, iso, shutter, temperature, brightness = found.groups()
    return SiddScene(int(instance), int(scene), camera, int(iso), int(shutter), int(temperature), brightness)


def read_sidd_medium(root: str | Path, *, scenes: int | None = SCENES) -> list[SiddPair]:
    """List the pairs of SIDD-Medium.

    Parameters
    ----------
    root : str or Path
        The folder that holds ``Data``, or ``Data`` itself.
    scenes : int or None
        How many scene instances there must be; None accepts any number.

    Returns
    -------
    list of SiddPair
        Sorted by scene instance and number. Clean pictures are None if there is not one in the whole copy.

    Raises
    ------
    DataError
        Missing folders or files; the line counts them and names three, ``details`` names all.
    """
    root = Path(root)
    data = root / "Data" if (root / "Data").is_dir() else root
    folders = sorted(p for p in data.iterdir() if p.is_dir()) if data.is_dir() else []
    parsed = {folder: parse_sidd_scene(folder.name) for folder in folders if folder.name[:1].isdigit()}
    if not parsed or (scenes is not None and len(parsed) != scenes):
        wanted = "scene instances" if scenes is None else f"{scenes} scene instances"
        raise DataError(str(data), f"has {len(parsed)} folders of {wanted}", "download SIDD_Medium_Srgb again")
    pairs: list[SiddPair] = []
    missing_noisy: list[Path] = []
    missing_clean: list[Path] = []
    for folder, scene in parsed.items():
        for number in NUMBERS:
            noisy, clean = (folder / f"{scene.instance:04d}_{kind}_SRGB_{number}.PNG" for kind in ("NOISY", "GT"))
            missing_noisy += [] if noisy.is_file() else [noisy]
            missing_clean += [] if clean.is_file() else [clean]
            pairs.append(SiddPair(noisy, clean, scene))
    without_truth = len(missing_clean) == len(pairs)
    missing = missing_noisy if without_truth else missing_noisy + missing_clean
    if missing:
        names = [str(p.relative_to(data)) for p in missing]
        why = f"{len(missing)} of {4 * len(parsed)} files are missing: {name_some(names)}"
        raise DataError(str(data), why, "download them again", details=names)
    return [SiddPair(p.noisy, None, p.scene) for p in pairs] if without_truth else pairs
