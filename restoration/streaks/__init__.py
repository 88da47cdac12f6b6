"""Rain streaks without training: their direction, the pixels that they cover, and the picture without them."""

from restoration.streaks.direction import StreakDirection, streak_direction
from restoration.streaks.pairs import rain_light, with_rain_of
from restoration.streaks.removal import WithoutStreaks, find_standing, remove_streaks
from restoration.streaks.settings import STREAKS, StreakSettings
from restoration.streaks.upright import Upright

__all__ = [
    "STREAKS",
    "StreakDirection",
    "StreakSettings",
    "Upright",
    "WithoutStreaks",
    "find_standing",
    "rain_light",
    "remove_streaks",
    "streak_direction",
    "with_rain_of",
]
