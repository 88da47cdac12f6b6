"""How the files of paired sets find each other: by name, by pattern, or as two halves of one file.

==========  ==============================  =======================================================================
layout      folders under the root          files
==========  ==============================  =======================================================================
auto        (two folders are given)         same names, else the first rule below under which every file has a partner
names       (two folders are given)         same names, suffixes aside
rain100     ``rainy``, ``clean``            ``rain-001.png`` to ``norain-001.png``, or same names
rain200     ``rain/X2``, ``norain``         ``norain-1x2.png`` to ``norain-1.png`` (Rain200L/H, RainTrainL/H)
rain800     one folder                      one file, the clean half on the left, the rainy one on the right
did         one folder                      one file, the rainy half on the left (DID-MDN train, Test1200 as released)
rain13k     ``input``, ``target``           same names (Rain13K, Test100, Test1200, Test2800 as MPRNet releases them)
spa         ``rain``, ``norain``            ``100.png`` to ``100gt.png``, ``a_rain.png`` to ``a_clean.png``, or same names
snow100k    ``synthetic``, ``gt``           same names (``mask`` is not read)
rain1400    ``rainy_image``,                ``901_1.jpg`` ... ``901_14.jpg`` to ``901.jpg`` (DDN-Data)
            ``ground_truth``
==========  ==============================  =======================================================================

A rule is a regular expression for the whole stem of the degraded file and the stem of the clean one made of its groups.
Files of other sets are matched by a rule of one's own (``pattern``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bsn.data.errors import DataError

__all__ = ["LAYOUTS", "SAME_NAME", "PairLayout", "PairRule", "get_layout"]


@dataclass(frozen=True)
class PairRule:
    r"""Name of the clean file that belongs to a degraded one.

    Parameters
    ----------
    pattern : str
        Regular expression for the whole stem of the degraded file.
    clean : str
        Stem of the clean file; ``\1`` is the first group of the pattern.

    Raises
    ------
    DataError
        The pattern is not a regular expression, or `clean` asks for a group it has not.

    Examples
    --------
    >>> PairRule(r"(norain-\d+)x2").partner("norain-17x2")
    'norain-17'
    """

    pattern: str
    clean: str = r"\1"

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise DataError(
                f"pattern {self.pattern!r}", f"is not a regular expression ({error})", "correct it"
            ) from None
        asked = [int(number) for number in re.findall(r"\\(\d+)", self.clean)]
        if any(number > groups for number in asked):
            raise DataError(
                f"pattern {self.pattern!r}",
                f"has {groups} groups, but the clean name {self.clean!r} asks for group {max(asked)}",
                "put the part that names the background in brackets",
            )

    def partner(self, stem: str) -> str | None:
        """Find the name of the clean file.

        Parameters
        ----------
        stem : str
            Name of the degraded file without its suffix.

        Returns
        -------
        str or None
            None where the pattern does not fit.
        """
        match = re.fullmatch(self.pattern, stem)
        return None if match is None else match.expand(self.clean)


SAME_NAME = PairRule("(.+)")


@dataclass(frozen=True)
class PairLayout:
    """How a set of pairs is laid out.

    Parameters
    ----------
    summary : str
        One line.
    degraded, clean : str
        Folders under the root of the set.
    rules : tuple of PairRule
        Tried one after the other; the first under which every degraded file has a partner is taken.
    halves : {"clean left", "clean right"}, optional
        Both images in one file, side by side.
    """

    summary: str
    degraded: str = ""
    clean: str = ""
    rules: tuple[PairRule, ...] = (SAME_NAME,)
    halves: Literal["clean left", "clean right"] | None = None


_RAIN100 = PairRule("rain-(.+)", r"norain-\1")
_RAIN200 = PairRule(r"(.+)x2")
_SPA = (PairRule("(.+)", r"\1gt"), PairRule("(.+?)_?rain", r"\1_clean"), PairRule("(.+?)_?rain", r"\1_gt"))
_NUMBERED = PairRule(r"(.+)_\d+")

LAYOUTS: Mapping[str, PairLayout] = {
    "auto": PairLayout(
        "two folders, partners found by the names", rules=(SAME_NAME, _RAIN100, _RAIN200, *_SPA, _NUMBERED)
    ),
    "names": PairLayout("two folders, same names"),
    "rain100": PairLayout("Rain100L, Rain100H", "rainy", "clean", (_RAIN100, SAME_NAME)),
    "rain200": PairLayout("Rain200L, Rain200H, RainTrainL, RainTrainH", "rain/X2", "norain", (_RAIN200, SAME_NAME)),
    "rain800": PairLayout("Rain800: one file, clean half on the left", halves="clean left"),
    "did": PairLayout("DID-MDN, Test1200: one file, rainy half on the left", halves="clean right"),
    "rain13k": PairLayout("Rain13K and its test sets", "input", "target"),
    "spa": PairLayout("SPA-Data", "rain", "norain", (*_SPA, SAME_NAME)),
    "snow100k": PairLayout("Snow100K", "synthetic", "gt"),
    "rain1400": PairLayout("Rain1400, DDN-Data: 14 rainy images of each", "rainy_image", "ground_truth", (_NUMBERED,)),
}


def get_layout(name: str) -> PairLayout:
    """Layout of a name.

    Parameters
    ----------
    name : str
        Name of a layout.

    Returns
    -------
    PairLayout

    Raises
    ------
    DataError
        For other names; the message lists those there are.
    """
    if name not in LAYOUTS:
        raise DataError(f"layout {name!r}", "is not known", f"use one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
