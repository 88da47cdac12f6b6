"""NAFNet: a U-shaped network without activation functions (ECCV 2022), the baseline beside the four seeds."""

from restoration.models.nafnet.config import NAFNetConfig
from restoration.models.nafnet.network import NAFNet

__all__ = ["NAFNet", "NAFNetConfig"]
