"""DDSA: deraining transformer with dense and top-k channel attention."""

from restoration.models.ddsa.config import DDSAConfig
from restoration.models.ddsa.network import DDSA

__all__ = ["DDSA", "DDSAConfig"]
