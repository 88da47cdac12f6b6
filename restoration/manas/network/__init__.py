"""MANAS: a multi-scale network with attention blocks that a search chooses."""

from restoration.manas.network.config import MANASConfig
from restoration.manas.network.network import MANAS

__all__ = ["MANAS", "MANASConfig"]
