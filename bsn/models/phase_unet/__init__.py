"""U-shaped networks on phase images; the plain one has convolutions only."""

from bsn.models.phase_unet.config import PhaseUNetConfig
from bsn.models.phase_unet.network import PhaseUNet

__all__ = ["PhaseUNet", "PhaseUNetConfig"]
