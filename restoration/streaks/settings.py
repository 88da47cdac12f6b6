"""Constants of the search for streaks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STREAKS", "StreakSettings"]


@dataclass(frozen=True)
class StreakSettings:
    """What counts as a streak, and how it is replaced.

    The numbers were chosen on the 49 training images of Rain100L; no other image entered.

    Parameters
    ----------
    least_strength : float
        Least strength of a direction, see :class:`restoration.streaks.StreakDirection`. An image below it comes back unchanged.
    length : int
        Pixels along the direction over which light is averaged: odd, no longer than most streaks.
    half_widths : tuple of int
        Half of the widths of streaks, in pixels: how far from its middle line a streak is compared with its surroundings.
    dark_half_widths : tuple of int
        The same of dark lines, which stand for the structure of the picture. They include wide ones: what is bright between
        wide dark lines is a pillar or a stripe.
    beside : int
        Pixels on each side whose median is compared with the streak: odd.
    surroundings : int
        Side in pixels of the square in which dark lines weaken what is found, and in which texture is measured.
    floor : float
        Strength of dark lines that is assumed everywhere, as a share of the image's range of values.
    false_share : float
        Largest share of dark lines among what passes the threshold: an estimate of the share of false finds, since rain
        only adds light and a picture has about as many dark lines as bright ones. Above 0, below 1.
    grow : float
        Pixels connected to a streak belong to it down to this share of the threshold.
    rounds : int
        How often the search is repeated on the picture without the streaks that were found. Dense rain hides its own
        neighbours.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    least_strength: float = 1.0
    length: int = 15
    half_widths: tuple[int, ...] = (2, 4)
    dark_half_widths: tuple[int, ...] = (2, 4, 7, 11)
    beside: int = 7
    surroundings: int = 41
    floor: float = 0.01
    false_share: float = 0.1
    grow: float = 0.7
    rounds: int = 4

    def __post_init__(self) -> None:
        rules = {
            "length": (self.length >= 1 and self.length % 2 == 1, "an odd number such as 15"),
            "beside": (self.beside >= 1 and self.beside % 2 == 1, "an odd number such as 7"),
            "half_widths": (min(self.half_widths, default=0) >= 1, "whole pixels such as (2, 4)"),
            "dark_half_widths": (min(self.dark_half_widths, default=0) >= 1, "whole pixels such as (2, 4)"),
            "surroundings": (self.surroundings >= 1, "1 or more"),
            "floor": (self.floor > 0, "more than 0, such as 0.01"),
            "false_share": (0 < self.false_share < 1, "more than 0 and less than 1, such as 0.1"),
            "grow": (0 < self.grow <= 1, "more than 0 and at most 1"),
            "rounds": (self.rounds >= 1, "1 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")


STREAKS = StreakSettings()
