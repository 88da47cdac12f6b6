"""Tables of the presets, counted on the networks themselves: there is no result file to grow old."""

from __future__ import annotations

import functools

from benchmarks.tables.markdown import Table


def blind_networks() -> Table:
    """Blind-spot presets for three channels."""
    return _presets(blind=True)


def restoration_networks() -> Table:
    """Restoration presets for three channels."""
    return _presets(blind=False, students=False)


def student_networks() -> Table:
    """Students for three channels, with their branches merged, as they are exported."""
    return _presets(blind=False, students=True)


@functools.cache
def _presets(blind: bool, students: bool = False) -> Table:
    from bsn.models import create, presets
    from bsn.models.measure import count_parameters, macs_per_pixel

    rows = []
    for preset in presets().values():
        network = create(preset.name, channels=3)
        is_student = type(network).__module__.startswith("distill.")
        if preset.blind != blind or is_student != students:
            continue
        if hasattr(network, "merged"):  # what is shipped, not what is trained
            network = network.merged()
        work = f"{macs_per_pixel(network):,.0f}"
        rows.append([f"`{preset.name}`", f"{count_parameters(network):,}", work, preset.summary])
    return Table(["preset", "parameters", "MACs per pixel", "what it is"], rows, [])
