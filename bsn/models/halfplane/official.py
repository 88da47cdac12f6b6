"""Our names of the published half-plane networks' weights."""

from __future__ import annotations

import re

__all__ = ["at_bsn_key", "merge_key", "tm_bsn_key"]

_MERGE = {"nin_A": "merge1", "nin_B": "merge2", "nin_C": "merge3"}


def merge_key(key: str) -> str | None:
    """Our key of the 1x1 convolutions that both networks end with.

    Parameters
    ----------
    key : str
        Published key.

    Returns
    -------
    str or None
        None for any other key.
    """
    layer, _, kind = key.partition(".")
    return f"{_MERGE[layer]}.{kind}" if layer in _MERGE else None


def at_bsn_key(key: str) -> str:
    """Our key of a published AT-BSN weight.

    Parameters
    ----------
    key : str
        Published key.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For foreign keys.
    """
    if match := re.fullmatch(r"unet\.intro\.conv\.(weight|bias)", key):
        return f"body.intro.convs.0.{match[1]}"
    match = re.fullmatch(r"unet\.(enc|dec)(\d+)\.conv(\d)\.conv\.(weight|bias)", key)
    if match is None:
        raise KeyError(key)
    room = "encoders" if match[1] == "enc" else "decoders"
    return f"body.{room}.{int(match[2]) - 1}.convs.{int(match[3]) - 1}.{match[4]}"


def tm_bsn_key(key: str) -> str | None:
    """Our key of a published TM-BSN weight.

    Parameters
    ----------
    key : str
        Published key.

    Returns
    -------
    str or None
        None for stored masks.

    Raises
    ------
    KeyError
        For foreign keys.
    """
    if key.endswith(".mask"):
        return None
    if match := re.fullmatch(r"unet\.conv([12])\.(weight|bias)", key):
        return f"body.{'first' if match[1] == '1' else 'last'}.{match[2]}"
    if match := re.fullmatch(r"unet\.RIR_blocks\.(\d+)\.conv_out\.(weight|bias)", key):
        return f"body.groups.{match[1]}.last.{match[2]}"
    match = re.fullmatch(r"unet\.RIR_blocks\.(\d+)\.res_blocks\.(\d+)\.(conv[12])\.(weight|bias)", key)
    if match is None:
        raise KeyError(key)
    return f"body.groups.{match[1]}.blocks.{match[2]}.{match[3]}.{match[4]}"
