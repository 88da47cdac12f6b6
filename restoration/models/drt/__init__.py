"""DRT: light-weight recursive transformer with plain windows at full resolution."""

from restoration.models.drt.config import DRTConfig
from restoration.models.drt.network import DRT

__all__ = ["DRT", "DRTConfig"]
