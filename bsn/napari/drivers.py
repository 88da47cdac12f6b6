"""Two copies of LLVM in one process.

OpenGL drivers that draw on the processor (Mesa's llvmpipe: virtual machines, remote desktops) load the LLVM of the system.
Triton has an LLVM of its own, and importing it afterwards ends the process with a segmentation fault. PyTorch and others import
it by the way, and do without it where it is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["has_llvm", "keep_triton_out"]

_MAPS = Path("/proc/self/maps")


def keep_triton_out(maps: Path = _MAPS) -> bool:
    """Make Triton an absent package for this process, if it would end it.

    Parameters
    ----------
    maps : Path
        Linux's list of what a process has loaded.

    Returns
    -------
    bool
        Whether Triton was kept out.
    """
    if "triton" in sys.modules or not has_llvm(maps):
        return False
    sys.modules["triton"] = None  # type: ignore[assignment]  # None is how Python marks a package that cannot be imported
    return True


def has_llvm(maps: Path = _MAPS) -> bool:
    """Tell whether a process has loaded the LLVM of the system.

    Parameters
    ----------
    maps : Path
        Linux's list of what a process has loaded.

    Returns
    -------
    bool
        False also where there is no such list.
    """
    try:
        return "libLLVM" in maps.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
