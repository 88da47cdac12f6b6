"""Tables of distillation: students, their speed, their export, what pays."""

from __future__ import annotations

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import stored

_FULL, _ONE = "teacher, full inference", "teacher, one pass"


def students() -> Table:
    """Students of a microscopy teacher on held-out fields."""
    result = stored("distill_students")
    rows = []
    for row in result["rows"]:
        name, macs = row["name"], f"{row['macs_per_pixel']:,.0f}"
        steps = result["runs"].get(name, {}).get("steps")
        label = {_FULL: "teacher, eight views", _ONE: _ONE}.get(name, f"`{name}`")
        cells = [
            label,
            f"{row['parameters']:,}",
            f"8 x {macs}" if name == _FULL else macs,
            f"{steps:,}" if steps else "",
            decibels(row["psnr"]),
            "" if name == _FULL else decibels(row["db_lost"]),
        ]
        rows.append([bold(cell) for cell in cells] if name in ("light", "tiny") else cells)
    return Table(["model", "parameters", "MACs per pixel", "steps", "PSNR", "lost"], rows, ["distill_students"])


def student_speed() -> Table:
    """Whole calls at 512 x 512 pixels, 8-bit in to 8-bit out."""
    result = stored("distill_speed")
    rows = [
        [f"`{name}`", _time(seconds), f"{result['faster'][name]:,.0f} x"]
        for name, seconds in sorted(result["call_seconds"].items(), key=lambda item: item[1])
    ]
    rows.append(["full-size TBSN, two passes", _time(result["tbsn_two_passes_seconds"]), ""])
    rows.append(["full-size TBSN, nine passes", _time(result["tbsn_full_seconds"]), "1 x"])
    return Table(["model", "one call", "faster than nine passes"], rows, ["distill_speed"])


def distillation_step() -> Table:
    """One step of the published distillation with the teacher in the loop, and from the cache."""
    result = stored("distill_speed")
    rows = [
        ["teacher's targets in every step, as published", _time(result["target_seconds"]), ""],
        ["student's step from the cache", _time(result["cached_step_seconds"]), f"{result['steps_ratio']:.1f} x"],
    ]
    return Table(["what", "time", "more steps per second"], rows, ["distill_speed"])


def export() -> Table:
    """Exported students in onnxruntime."""
    rows = []
    for name, row in stored("distill_export")["rows"].items():
        sizes = [f"{row[key] / 1e6:.1f} MB" for key in ("onnx_bytes", "int8_bytes")]
        times = [_time(row["seconds_512"][key]) for key in ("float", "int8")]
        lost = decibels(row["psnr"]["float"] - row["psnr"]["int8"])
        rows.append([f"`{name}`", sizes[0], times[0], sizes[1], times[1], lost, f"{row['largest_difference']:.0e}"])
    header = ["student", "ONNX", "time", "int8", "time, int8", "int8 loses", "largest difference from PyTorch"]
    return Table(header, rows, ["distill_export"])


def ablation() -> Table:
    """Losses, targets and augmentation of a short distillation, each against the squared error alone."""
    found = stored("distill_ablation")["rows"]
    base = found["l2 (ours)"]["psnr"]
    rows = [
        [name, decibels(row["psnr"]), f"{row['psnr'] - base:+.2f} dB", f"{row['val_db_to_target']:.2f} dB"]
        for name, row in found.items()
    ]
    return Table(["variant", "PSNR", "against L2", "PSNR to the teacher"], rows, ["distill_ablation"])


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
