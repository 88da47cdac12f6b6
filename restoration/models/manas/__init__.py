"""MANAS: a multi-scale network with attention blocks that a search chooses."""

from restoration.models.manas.config import MANASConfig
from restoration.models.manas.network import MANAS

__all__ = ["MANAS", "MANASConfig"]
