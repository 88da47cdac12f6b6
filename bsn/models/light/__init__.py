"""Plain U-shaped networks for processors and phones; the model in the box is one of them."""

from bsn.models.light.convolution import MergedConv
from bsn.models.light.network import Light, LightConfig

__all__ = ["Light", "LightConfig", "MergedConv"]
