"""Tables of restoration: deraining, speed of the published networks, the search of MANAS."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import stored

_MODELS = ("ddsa-tiny", "drt-tiny", "elf-tiny")


def rain() -> Table:
    """Small networks trained for minutes on two public sets of synthetic rain."""
    rows, sources = [], []
    for chosen, title in (("rain100l", "Rain100L"), ("rain800", "Rain800")):
        names = [f"rain_{chosen}_{model}" for model in _MODELS]
        rows.append([title, "rainy", *_quality(stored(names[0])["scores"]["y"]["degraded"]), "", "", ""])
        rows += [[title, f"`{model}`", *_rain(name)] for model, name in zip(_MODELS, names, strict=True)]
        sources += names
    header = ["set", "model", "PSNR (Y)", "SSIM (Y)", "training", "MACs per pixel", "time of 481 x 321"]
    return Table(header, rows, sources)


def _rain(name: str) -> list[str]:
    result = stored(name)
    (scores,) = (means for key, means in result["scores"]["y"].items() if key != "degraded")
    threads = "one core" if result["threads"] == 1 else f"{result['threads']} cores"
    training = f"{result['steps']:,} steps, {result['training_seconds'] / 60:.0f} min, {threads}"
    time = f"{result['seconds_per_image_321x481']:.2f} s"
    return [*_quality(scores), training, f"{result['macs_per_pixel']:,.0f}", time]


def _quality(scores: dict[str, float]) -> list[str]:
    return [decibels(scores["psnr"]), f"{scores['ssim']:.3f}"]


def restoration_speed() -> Table:
    """Full-size networks against the literal form of their attention, with the same weights."""
    result = stored("restoration_cpu")
    rows = []
    for name, facts in result["networks"].items():
        plain, kept = (result["seconds"][key][name] for key in ("malloc as it comes", "freed memory kept"))
        memory = " → ".join(f"{facts['peak_bytes'][form] / 1e6:,.0f}" for form in ("literal", "ours"))
        rows.append(
            [
                f"`{name}`, {facts['size']} x {facts['size']}",
                f"{plain['literal']:.2f} s",
                f"{plain['ours']:.2f} s",
                bold(f"{plain['literal'] / plain['ours']:.1f} x"),
                f"{kept['literal'] / kept['ours']:.1f} x",
                f"{memory} MB",
                f"{facts['relative_difference']:.0e}",
            ]
        )
    header = ["network", "literal", "ours", "faster", "with freed memory kept", "peak memory", "difference"]
    return Table(header, rows, ["restoration_cpu"])


def search() -> Table:
    """A searched genotype of MANAS beside genotypes that were drawn at random at the same cost."""
    found, shipped = stored("manas"), stored("manas_shipped")
    rainy = shipped["searched"]["rainy"]
    rows = [
        ["rainy", "", "", *_quality(rainy)],
        _genotype("searched, shipped", shipped["searched"]),
        _genotype('searched, "none" allowed', found["searched"]),
        *(_genotype(f"random {i}", row) for i, row in enumerate(found["chance"].values(), 1)),
    ]
    header = ["genotype", "parameters", "MACs per pixel", "PSNR (Y)", "SSIM (Y)"]
    return Table(header, rows, ["manas_shipped", "manas"])


def many_to_one() -> Table:
    """Two rainy images of one background in a batch, against one."""
    found = stored("manas")
    rows = [
        ["one-to-one", f"{found['one_to_one']['steps']:,}", *_quality(found["one_to_one"])],
        ["many-to-one", f"{found['many_to_one']['steps']:,}", *_quality(found["many_to_one"])],
    ]
    return Table(["training", "steps", "PSNR (Y)", "SSIM (Y)"], rows, ["manas"])


def _genotype(label: str, row: dict[str, Any]) -> list[str]:
    return [label, f"{row['parameters']:,}", f"{row['macs_per_pixel']:,.0f}", *_quality(row)]
