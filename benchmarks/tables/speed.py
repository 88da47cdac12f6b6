"""Tables of speed and memory on a processor and on a GPU."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import stored

_KEPT, _FRESH = "freed memory kept", "malloc as it comes"


def tbsn_cpu() -> Table:
    """Full-size TBSN on phases against its literal form with dilation and masks, as that runs in plain PyTorch."""
    result = stored("tbsn_cpu")
    batch = result["step_batch"]
    rows = []
    for title, key in (("forward of 256 x 256", "forward_seconds"), (f"step of {batch} x 128 x 128", "step_seconds")):
        literal = result[key][_FRESH]["literal"]
        for setting, text in ((_KEPT, "kept, the default"), (_FRESH, "returned")):
            times = result[key][setting]
            cells = [f"{times[form]:.1f} s ({literal / times[form]:.1f} x)" for form in ("phases", "phases bf16")]
            row = [title, text, f"{literal:.1f} s", *cells]
            rows.append([*row[:3], *map(bold, cells)] if setting == _KEPT else row)
    return Table(["what", "freed memory", "literal", "float32", "bfloat16"], rows, ["tbsn_cpu"])


def tbsn_cpu_float32() -> Table:
    """The same on a processor without bfloat16, at the beginning of the work on speed and now."""
    sources = ["tbsn_cpu_float32_before", "tbsn_cpu_float32"]
    before, now = (stored(name) for name in sources)
    batch, rows = now["step_batch"], []
    for title, key in (("forward of 256 x 256", "forward_seconds"), (f"step of {batch} x 128 x 128", "step_seconds")):
        cells = []
        for result in (before, now):
            literal, phases = result[key][_FRESH]["literal"], result[key][_KEPT]["phases"]
            cells += [f"{literal:.1f} s", f"{phases:.1f} s ({literal / phases:.1f} x)"]
        rows.append([title, *cells])
    return Table(["what", "literal, then", "on phases, then", "literal, now", "on phases, now"], rows, sources)


def tbsn_cpu_memory() -> Table:
    """Peak memory of the same forms; a step is one crop here."""
    peaks = stored("tbsn_cpu")["peak_bytes"]
    return Table(
        ["what", "peak memory"], [[name, f"{size / 1e6:,.0f} MB"] for name, size in peaks.items()], ["tbsn_cpu"]
    )


def tbsn_profile() -> Table:
    """Shares of the time of full-size TBSN on a processor, in float32."""
    runs = stored("tbsn_profile")["runs"]
    kinds = list(dict.fromkeys(kind for run in runs.values() for kind in run["kinds"]))
    shares = {
        name: {kind: seconds / sum(run["kinds"].values()) for kind, seconds in run["kinds"].items()}
        for name, run in runs.items()
    }
    rows = [[kind, *(f"{shares[name].get(kind, 0):.1%}" for name in runs)] for kind in kinds]
    return Table(
        ["kind of work", *("training step" if name == "step" else name for name in runs)], rows, ["tbsn_profile"]
    )


def whole_call() -> Table:
    """A whole call of the denoiser, uint8 to uint8, against an earlier version; seconds of the processor."""
    result = stored("whole_call")
    rows = {(row["network"], row["threads"], row["version"]): row for row in result["rows"]}
    cells = []
    for (name, threads, version), now in rows.items():
        if version != "now":
            continue
        before = rows[name, threads, "before"]["processor_seconds"]
        own = now["processor_seconds"]
        cells.append([
            name, str(threads), f"{1e3 * before:.0f} ms", bold(f"{1e3 * own:.0f} ms"), f"{before / own:.1f} x",
            f"{1e3 * now['network_processor_seconds']:.0f} ms",
        ])  # fmt: skip
    header = [f"call on {result['size']} x {result['size']}", "threads", "before", "now", "faster", "network alone"]
    return Table(header, cells, ["whole_call"])


def box_times() -> Table:
    """Denoisers in the box on one photograph."""
    result = stored("box_times")
    ways = list(dict.fromkeys(way for row in result["seconds"].values() for way in row))
    rows = [
        [f"`{name}`", *(f"{row[way]:.3f} s" if way in row else "-" for way in ways)]
        for name, row in result["seconds"].items()
    ]
    size = result["size"]
    return Table([f"{size} x {size} pixels, {result['threads']} threads", *ways], rows, ["box_times"])


def tbsn_cuda() -> Table:
    """Full-size TBSN on a GPU, forward."""
    result = stored("networks_cuda")
    times = {row["form"]: row["seconds"] for row in result["rows"]}
    literal = times["literal, float32"]
    labels = {
        "literal, float32": "literal form, float32",
        "float32, plain": "on phases, plain operators, float32",
        "float32, kernels": "on phases with kernels, float32",
        "bf16": "on phases with kernels, bfloat16",
        "bf16, graphs": "on phases with kernels, bfloat16, CUDA graphs",
    }
    rows = [[text, f"{1000 * times[form]:.0f} ms", f"{literal / times[form]:.1f} x"] for form, text in labels.items()]
    size = result["size"]
    return Table([f"forward of {size} x {size}", "time", "faster"], rows, ["networks_cuda"])


def operators_cuda() -> Table:
    """Operators one by one on a GPU: our plain form against the kernel."""
    rows = []
    for name in dict.fromkeys(row["operator"] for row in stored("attention_cuda")["rows"]):
        forward, train = (_operator(name, trained) for trained in (False, True))
        rows.append(
            [name, *_pair(forward, "seconds", 1e3, "ms"), _memory(forward), *_pair(train, "seconds", 1e3, "ms")]
        )
    header = ["operator", "forward", "faster", "memory", "with gradients", "faster with gradients"]
    return Table(header, rows, ["attention_cuda"])


def _operator(name: str, train: bool) -> dict[str, dict[str, Any]]:
    rows = stored("attention_cuda")["rows"]
    return {row["form"]: row for row in rows if row["operator"] == name and row["train"] == train}


def _pair(forms: dict[str, dict[str, Any]], key: str, scale: float, unit: str) -> list[str]:
    before, after = (forms[form][key] for form in ("reference", "auto"))
    return [f"{scale * before:.2f} → {scale * after:.2f} {unit}", f"{before / after:.1f} x"]


def _memory(forms: dict[str, dict[str, Any]]) -> str:
    before, after = (forms[form]["peak_bytes"] for form in ("reference", "auto"))
    return f"{before / 1e6:.0f} → {after / 1e6:.0f} MB"


def recorded_cuda() -> Table:
    """What CUDA graphs change where launches take longer than the work."""
    rows = [[row["what"], row["before"], row["after"]] for row in stored("cuda_graphs")["rows"]]
    return Table(["what", "before", "after"], rows, ["cuda_graphs"])


def roofline() -> Table:
    """Bytes that operators move, ours against plain ones; forward passes in bfloat16 at 512 x 512 pixels."""
    rows = []
    for name, work in stored("roofline")["work"].items():
        plain, ours = work["plain_bytes"] / 1e6, work["bytes"] / 1e6
        rows.append([name, f"{plain:.0f} MB", f"{ours:.0f} MB", f"{plain / ours:.1f} x"])
    return Table(["operator", "plain operators", "one kernel", "fewer"], rows, ["roofline"])


def large_images() -> Table:
    """Peak memory of the whole process that denoises one large image tile by tile."""
    returned = {row["side"]: row["peak_bytes"] for row in stored("large_image_returned")["rows"]}
    rows = [
        [
            f"{row['side']:,} x {row['side']:,}",
            f"{row['peak_bytes'] / 1e9:.2f} GB",
            f"{returned[row['side']] / 1e9:.2f} GB",
            f"{row['seconds']:.0f} s",
        ]
        for row in stored("large_image")["rows"]
    ]
    header = ["image, uint16", "peak memory", "with freed memory returned", "time"]
    return Table(header, rows, ["large_image", "large_image_returned"])


def large_volumes() -> Table:
    """Volumes of OME-Zarr: peak memory, time, and whether the result is that of a computation in memory."""
    rows = []
    for name, who in (("large_volume", "one process"), ("large_volume_dask", "two workers of Dask, each")):
        found = stored(name)
        size = " x ".join(f"{n:,}" for n in found["shape"])
        memory = f"{found['peak_bytes'] / 1e9:.2f} GB"
        rows.append([size, f"{found['volume_bytes'] / 1e9:.2f} GB", who, memory, f"{found['seconds']:.0f} s"])
    return Table(
        ["volume, uint16", "its size", "by", "peak memory", "time"], rows, ["large_volume", "large_volume_dask"]
    )
