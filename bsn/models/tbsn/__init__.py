"""TBSN: transformer blind-spot network."""

from bsn.models.tbsn.config import TBSNConfig
from bsn.models.tbsn.network import TBSN

__all__ = ["TBSN", "TBSNConfig"]
