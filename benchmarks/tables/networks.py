"""Tables of the presets, counted on the networks themselves: there is no result file to grow old."""

from __future__ import annotations

import functools

from benchmarks.tables.markdown import Table


def blind_networks() -> Table:
    """Blind-spot presets for three channels."""
    return _table("blind")


def restoration_networks() -> Table:
    """Restoration presets for three channels."""
    return _table("restoration")


def student_networks() -> Table:
    """Students for three channels, with their branches merged, as they are exported."""
    return _table("students")


def _table(kind: str) -> Table:
    rows = [row for found, row in _presets() if found == kind]
    return Table(["preset", "parameters", "MACs per pixel", "what it is"], rows, [])


@functools.cache
def _presets() -> list[tuple[str, list[str]]]:
    """Kind and row of every preset; counting takes seconds, so that all tables share it."""
    from bsn.models import create, presets
    from bsn.models.measure import count_parameters, macs_per_pixel

    rows = []
    for preset in presets().values():
        network = create(preset.name, channels=3)
        students = type(network).__module__.startswith("distill.")
        kind = "blind" if preset.blind else "students" if students else "restoration"
        if hasattr(network, "merged"):  # what is shipped, not what is trained
            network = network.merged()
        work = f"{macs_per_pixel(network):,.0f}"
        rows.append((kind, [f"`{preset.name}`", f"{count_parameters(network):,}", work, preset.summary]))
    return rows
