"""Students: plain networks that see the noisy pixel. Importing this registers them.

``Light`` lies in :mod:`bsn.models`, because the model in the box is one: it must load where this package is hidden.
"""

from bsn.models import Light, LightConfig, MergedConv, Preset, register_network, register_preset
from distill.students.nbsn import NBSN, NBSNConfig
from distill.students.starting import can_begin_as, fill_from_teacher
from distill.students.unet import UNet, UNetConfig

__all__ = [
    "NBSN",
    "Light",
    "LightConfig",
    "MergedConv",
    "NBSNConfig",
    "UNet",
    "UNetConfig",
    "can_begin_as",
    "fill_from_teacher",
]

register_network("unet", UNetConfig)(UNet)
register_network("nbsn", NBSNConfig)(NBSN)

register_preset(Preset("unet", "unet", UNetConfig(), "student: published with TBSN, width 48", blind=False))
register_preset(Preset("nbsn", "nbsn", NBSNConfig(), "student: published with AT-BSN, width 48", blind=False))
register_preset(
    Preset("nbsn-tm", "nbsn", NBSNConfig(form="tm-bsn"), "student: published with TM-BSN, width 48", blind=False)
)
register_preset(
    Preset(
        "nbsn-lean",
        "nbsn",
        NBSNConfig(width=16, levels=3),
        "student of the presets halfplane: their U-Net at full sight, trains on two CPU cores in minutes",
        blind=False,
    )
)
register_preset(
    Preset(
        "base",
        "light",
        LightConfig(widths=(64, 128, 192), blocks=(4, 4, 6)),
        "student: for a GPU, or where a second per image does not matter",
        blind=False,
    )
)
register_preset(
    Preset(
        "light",
        "light",
        LightConfig(widths=(48, 64, 128), blocks=(2, 4, 4)),
        "student: the teacher's picture in a fraction of a second on a CPU",
        blind=False,
    )
)
register_preset(
    Preset(
        "tiny",
        "light",
        LightConfig(widths=(32, 48, 64), blocks=(2, 2, 3)),
        "student: for phones and the browser, below 1 MB",
        blind=False,
    )
)
