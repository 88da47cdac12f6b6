"""Tables of models that were trained on damage made on clean photographs; awaited until they are measured."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, decibels
from benchmarks.tables.stored import stored


def all_in_one() -> Table:
    """One small model for rain, snow, haze, noise and JPEG, on photographs that it never saw."""
    return _of_each("all_in_one")


def all_in_one_four() -> Table:
    """The same model without haze."""
    return _of_each("all_in_one_four")


def low_light() -> Table:
    """A small ELF for low light, in the two protocols of the papers."""
    return _in_both_protocols("lowlight", "dark")


def underwater() -> Table:
    """A small ELF for photographs under water, in the same protocols."""
    return _in_both_protocols("underwater", "under water")


def _of_each(result: str) -> Table:
    """A row for each kind of damage."""
    rows = []
    for task, found in stored(result)["scores"].items():
        if task == "undamaged":
            rows.append(["nothing", "", decibels(found["restored"]["psnr"]), f"{found['restored']['ssim']:.3f}", ""])
        else:
            rows.append([task, *_before_and_after(found), _other(found)])
    header = ["damage", "damaged", "restored", "SSIM", "non-local means"]
    return Table(header, rows, [result])


def _in_both_protocols(task: str, damaged: str) -> Table:
    """Results as they are, and scaled to the mean of the truth."""
    found = stored(task)["scores"][task]
    titles = {"lowlight": "as it is", "lowlight-mean": "scaled to the mean of the truth"}
    rows = [
        [title, *(f"{decibels(found[key]['psnr'])}, {found[key]['ssim']:.3f}" for key in _both(protocol))]
        for protocol, title in titles.items()
    ]
    return Table(["result", f"{damaged} (PSNR, SSIM)", "restored (PSNR, SSIM)"], rows, [task])


def _before_and_after(found: dict[str, Any]) -> list[str]:
    damaged, restored = (found[key] for key in ("damaged", "restored"))
    return [
        decibels(damaged["psnr"]),
        decibels(restored["psnr"]),
        f"{damaged['ssim']:.3f} → {restored['ssim']:.3f}",
    ]


def _other(found: dict[str, Any]) -> str:
    return decibels(found["non-local means"]["psnr"]) if "non-local means" in found else ""


def _both(protocol: str) -> tuple[str, str]:
    return f"damaged, {protocol}", f"restored, {protocol}"


# Maker -> pattern of the results that it needs, and the command that brings them.
MAKERS = {
    all_in_one: ("all_in_one", "python -m benchmarks.all_in_one --clean PHOTOS --name all_in_one"),
    all_in_one_four: (
        "all_in_one_four",
        "python -m benchmarks.all_in_one --clean PHOTOS --name all_in_one_four --tasks rain,snow,noise,jpeg",
    ),
    underwater: (
        "underwater",
        "python -m benchmarks.all_in_one --clean PHOTOS --name underwater --tasks underwater --recipe elf-underwater-tiny",
    ),
    low_light: (
        "lowlight",
        "python -m benchmarks.all_in_one --clean PHOTOS --name lowlight --tasks lowlight --steps 450 "
        "--recipe elf-lowlight-tiny",
    ),
}
