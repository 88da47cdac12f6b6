"""Presets of the blind-spot networks.

``tbsn`` and ``dbsnl`` are the published sizes, ``tbsn-small`` is a TBSN for small machines. The presets of ``phase-unet``
have no attention: they are convolutions on phases, designed for the processor that trains them. ``light`` is the network of
the model in the box; its presets are students and come with the package ``distill``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bsn.models.dbsnl import DBSNl, DBSNlConfig
from bsn.models.halfplane import ATBSN, TMBSN, HalfPlane, HalfPlaneConfig
from bsn.models.light import Light, LightConfig, LightPair, LightPairConfig
from bsn.models.phase_unet import PhaseUNet, PhaseUNetConfig
from bsn.models.registry import Preset, register_network, register_old_form, register_old_name, register_preset
from bsn.models.tbsn import TBSN, TBSNConfig

register_network("tbsn", TBSNConfig)(TBSN)
register_network("phase-unet", PhaseUNetConfig)(PhaseUNet)
register_network("light", LightConfig)(Light)
register_network("light-pair", LightPairConfig)(LightPair)
register_network("dbsnl", DBSNlConfig)(DBSNl)
register_network("halfplane", HalfPlaneConfig)(HalfPlane)
register_network("at-bsn", HalfPlaneConfig)(ATBSN)
register_network("tm-bsn", HalfPlaneConfig)(TMBSN)

register_preset(Preset("tbsn", "tbsn", TBSNConfig(), "published size of TBSN (AAAI 2025), strictly blind"))
register_preset(
    Preset("dbsnl", "dbsnl", DBSNlConfig(), "published size of AP-BSN's network (CVPR 2022), the CNN baseline")
)

register_preset(
    Preset(
        "tbsn-small",
        "tbsn",
        TBSNConfig(
            widths=(32, 64, 128),
            blocks=(1, 2, 2),
            refinement_blocks=1,
            window_heads=(2, 2, 2),
            wide_decoder=False,
        ),
        "all of TBSN's operators at a tenth of its work: a small GPU, or hours of a CPU",
    )
)

_TINY = PhaseUNetConfig()
register_preset(Preset("phase-unet-tiny", "phase-unet", _TINY, "convolutions: trains on two CPU cores in minutes"))
register_preset(
    Preset(
        "phase-unet-small",
        "phase-unet",
        dataclasses.replace(_TINY, widths=(32, 64, 64, 128)),
        "convolutions: twice the channels at full resolution, half the speed; for colour photographs and runs of an hour",
    )
)
register_preset(
    Preset(
        "phase-unet-large",
        "phase-unet",
        # So wide and deep it needs norms: without them single crops exploded after 200 steps, and the loss after 1,100.
        dataclasses.replace(_TINY, widths=(128, 160, 192, 192), blocks=(3, 3, 3, 3), norm="bias-free"),
        "convolutions: for minutes of a large GPU, wide where the pixels are",
    )
)

register_preset(
    Preset("at-bsn", "at-bsn", HalfPlaneConfig(), "published size of AT-BSN (CVPR 2024): a square hole of any size")
)
register_preset(
    Preset(
        "tm-bsn",
        "tm-bsn",
        HalfPlaneConfig(body="residual", plane="diagonal", hole="diamond:9"),
        "published size of TM-BSN (CVPR 2026): a diamond hole of any size, at full resolution throughout",
    )
)
register_preset(
    Preset(
        "halfplane",
        "halfplane",
        HalfPlaneConfig(width=16, levels=3),
        "square hole of any size; trains on two CPU cores in minutes",
    )
)
register_preset(
    Preset(
        "halfplane-diamond",
        "halfplane",
        HalfPlaneConfig(width=16, levels=3, plane="diagonal", hole="diamond:9"),
        "diamond hole of any size, for noise that demosaicing spread; trains on two CPU cores in minutes",
    )
)
_CELLS = HalfPlaneConfig(body="pyramid", widths=(32, 48, 64, 96), cell=2)
register_preset(
    Preset(
        "halfplane-cells",
        "halfplane",
        _CELLS,
        "square hole of any size, on cells of 2 x 2 pixels: twice the steps of halfplane in the same time",
    )
)
register_preset(
    Preset(
        "halfplane-cells-diamond",
        "halfplane",
        dataclasses.replace(_CELLS, plane="diagonal", hole="diamond:9"),
        "diamond hole of any size, on cells of 2 x 2 pixels",
    )
)
register_preset(
    Preset(
        "halfplane-attention",
        "halfplane",
        HalfPlaneConfig(width=48, levels=4, attention_heads=4),
        "square hole of any size, with directional window attention: for a GPU",
    )
)

register_preset(
    Preset(
        "sighted",
        "light",
        LightConfig(),
        "sees its pixel, for the schemes recorrupted and matched: trains on two CPU cores in minutes",
        blind=False,
    )
)
register_preset(
    Preset(
        "sighted-small",
        "light",
        LightConfig(widths=(24, 32, 48)),
        "sees its pixel: half the work of sighted",
        blind=False,
    )
)

# Published before they were told apart from TBSN by their architecture.
register_old_name("tbsn-tiny", "phase-unet-tiny")
register_old_name("tbsn-tiny-wide", "phase-unet-small")
register_old_name("tbsn-wide", "phase-unet-large")


def _without_attention(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Model files once stored networks of convolutions as a TBSN whose levels have no mixer."""
    if set(config.get("mixers", ())) != {"none"}:
        return None
    known = {field.name for field in dataclasses.fields(PhaseUNetConfig)}
    return "phase-unet", {name: value for name, value in config.items() if name in known}


register_old_form("tbsn", _without_attention)
