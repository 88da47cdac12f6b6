"""Plain U-shaped networks for processors and phones; the model in the box is one of them."""

from bsn.models.light.convolution import MergedConv
from bsn.models.light.network import Light, LightConfig
from bsn.models.light.pair import LightPair, LightPairConfig, first_network

__all__ = ["Light", "LightConfig", "LightPair", "LightPairConfig", "MergedConv", "first_network"]
