"""Half-plane blind-spot networks: a hole of any size and shape at full resolution."""

from bsn.models.halfplane.config import HalfPlaneConfig
from bsn.models.halfplane.network import ATBSN, TMBSN, HalfPlane

__all__ = ["ATBSN", "TMBSN", "HalfPlane", "HalfPlaneConfig"]
