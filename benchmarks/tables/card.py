"""Tables of what ``python -m benchmarks.gpu`` measured on a card, and of the comparison with and without attention.

They exist once their results do; until then a page says which command brings them (:data:`benchmarks.tables.AWAITED`).
"""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import RESULTS, stored

_TRAINED = "training_*"
_VARIANTS = {
    "attention": "TBSN, one Gram matrix per phase (strictly blind)",
    "global": "TBSN, one Gram matrix per image (published form)",
    "channel": "TBSN, channel attention only",
    "window": "TBSN, window attention only",
    "off": "the same without attention",
    "convolutions": "our convolutional preset",
    "published recipe": "TBSN, published recipe",
}


def last_run(part: str) -> dict[str, Any]:
    """Results of the newest run of a part, by task."""
    return dict(stored(f"gpu/{part}")["runs"][-1]["results"])


def gpu_networks() -> Table:
    """Full-size TBSN on a card: forward pass and training step in each form, against the literal one."""
    rows = []
    found = last_run("networks")
    titles = {"forward": "forward, 512 x 512", "step": "training step, 8 x 128 x 128"}
    for task, title in titles.items():
        for row in found.get(task, []):
            peak = "" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e6:,.0f} MB"
            rows.append([title, row["form"], f"{1e3 * row['seconds']:.1f} ms", f"{row['ratio']:.1f} x", peak])
    return Table(["what", "form", "time", "faster", "peak memory"], rows, ["gpu/networks"])


def gpu_operators() -> Table:
    """Operators on a card: time of plain PyTorch and of each backend, and how far it is from the limit of bytes and FLOP."""
    rows = []
    for name, result in last_run("operators").items():
        for row in result["rows"]:
            kind = "with gradients" if row["train"] else "forward"
            floor = row["seconds"] / row["floor_seconds"]
            ratios = [f"{number:.2f} x" for number in (row["ratio"], row["launched_ratio"])]
            rows.append([name, kind, row["form"], f"{1e3 * row['seconds']:.3f} ms", *ratios, f"{floor:.1f} x"])
    header = ["operator", "what", "form", "time on the device", "faster", "faster as launched", "times the limit"]
    return Table(header, rows, ["gpu/operators"])


def gpu_profile() -> Table:
    """Where the time of a forward pass and of a training step goes on a card."""
    rows = []
    for task, found in last_run("profile").items():
        total = sum(found["kinds"].values())
        rows += [
            [task, kind, f"{1e3 * seconds:.2f} ms", f"{seconds / total:.0%}"]
            for kind, seconds in found["kinds"].items()
        ]
    return Table(["what", "kind of work", "time", "share"], rows, ["gpu/profile"])


def _trained(rows: list[dict[str, Any]], sources: list[str]) -> Table:
    """Mean over the seeds of each set, size and variant, against attention with one Gram matrix per phase."""
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        groups.setdefault((row["set"], row["size"]), {}).setdefault(row["variant"], []).append(row)
    cells = []
    for (name, size), variants in groups.items():
        base = statistics.mean(row["psnr"] for row in variants["attention"]) if "attention" in variants else None
        best = max(statistics.mean(row["psnr"] for row in found) for found in variants.values())
        for variant in sorted(variants, key=list(_VARIANTS).index):
            found = variants[variant]
            psnr = statistics.mean(row["psnr"] for row in found)
            spread = f" ± {statistics.stdev(row['psnr'] for row in found):.2f}" if len(found) > 1 else ""
            steps = statistics.mean(row["steps"] for row in found)
            seconds = statistics.mean(row["training_seconds"] for row in found)
            shown = f"{psnr:.2f}{spread} dB"
            cells.append([
                f"{name}, {size}", _VARIANTS[variant], f"{seconds / 60:.1f} min", f"{steps:,.0f}", str(len(found)),
                f"{statistics.mean(row['noisy_psnr'] for row in found):.2f} dB", bold(shown) if psnr == best else shown,
                "" if base is None else f"{psnr - base:+.2f} dB",
            ])  # fmt: skip
    header = ["set, size", "network", "training", "steps", "seeds", "noisy", "PSNR", "against attention"]
    return Table(header, cells, sources)


def gpu_trainings() -> Table:
    """Full-size TBSN after minutes on a card, with its attention and without."""
    parts = sorted(path.stem for path in (RESULTS / "gpu").glob(f"{_TRAINED}.json"))
    rows = []
    for part in parts:
        for task, row in last_run(part).items():
            rows.append({**row, "variant": "published recipe"} if "published recipe" in task else row)
    return _trained(rows, [f"gpu/{part}" for part in parts])


def attention_pays() -> Table:
    """A small TBSN after minutes on one core, with its attention and without."""
    return _trained(stored("attention_pays")["rows"], ["attention_pays"])


def gpu_restoration() -> Table:
    """DDSA, DRT and ELF at full size after minutes on Rain100L, on its held-out part."""
    parts = sorted(path.stem for path in (RESULTS / "gpu").glob("restoration_*.json"))
    rows = []
    for part in parts:
        for task, found in last_run(part).items():
            before, after = (
                found["scores"]["y"]["degraded"],
                next(scores for name, scores in found["scores"]["y"].items() if name != "degraded"),
            )
            minutes = f"{found['training_seconds'] / 60:.1f} min"
            numbers = [f"{before['psnr']:.2f} dB", f"{after['psnr']:.2f} dB", f"{after['ssim']:.3f}"]
            rows.append([task.rpartition(" ")[2].upper(), minutes, f"{found['steps']:,}", *numbers])
    header = ["network", "training", "steps", "rainy", "PSNR (y)", "SSIM (y)"]
    return Table(header, rows, [f"gpu/{part}" for part in parts])


def gpu_throughput() -> Table:
    """Megapixels per second of networks over batch sizes, and of whole files."""
    rows = []
    for task, found in last_run("throughput").items():
        name, _, what = task.partition(", ")
        if what == "network":
            rows += [[name, f"batch of {row['batch']}", f"{row['megapixels_per_second']:.1f}", ""] for row in found]
        else:
            busy = "" if found["device_busy"] is None else f"{found['device_busy']:.0%}"
            title = f"{found['files']} files of {found['side']} x {found['side']}"
            rows.append([name, title, f"{found['megapixels_per_second']:.1f}", busy])
    return Table(["network", "what", "megapixels/s", "device busy"], rows, ["gpu/throughput"])


# Maker -> pattern of the results that it needs, and the command that brings them.
MAKERS = {
    attention_pays: ("attention_pays", "python -m benchmarks.attention_pays"),
    gpu_networks: ("gpu/networks", "python -m benchmarks.gpu --only networks"),
    gpu_operators: ("gpu/operators", "python -m benchmarks.gpu --only operators"),
    gpu_profile: ("gpu/profile", "python -m benchmarks.gpu --only profile"),
    gpu_trainings: (f"gpu/{_TRAINED}", "python -m benchmarks.gpu --only training"),
    gpu_restoration: ("gpu/restoration_*", "python -m benchmarks.gpu --only restoration"),
    gpu_throughput: ("gpu/throughput", "python -m benchmarks.gpu --only throughput"),
}
