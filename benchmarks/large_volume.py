"""A volume larger than the memory allowed: an OME-Zarr of 512 x 1024 x 1024, denoised with all of its levels.

    python -m benchmarks.large_volume [--shape 512 1024 1024] [--model micro] [--limit 2000]
    python -m benchmarks.large_volume --shape 64 512 512 --model micro --workers 2

The model "micro" is an untrained network of four channels, for machines on which half a billion pixels take too long otherwise:
memory and files are what is measured here.

Makes a noisy volume in chunks of 32 x 256 x 256 with three levels, denoises it in a process of its own whose data are limited
to so many megabytes (RLIMIT_DATA), checks some planes and the levels of the result against a computation in memory, prints
time and peak resident memory, writes benchmarks/results/large_volume.json. With workers, those of a local Dask cluster denoise
the volume, their result is compared with that of one process, and the largest memory of a worker is written to
large_volume_dask.json.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import _peak, peak_memory, write_result
from bsn.data import open_image, open_writer
from bsn.data.files.formats.ome_zarr import new_attributes
from bsn.data.files.formats.zarr_store import LAYOUT, ArrayPlan, StoreLayout
from bsn.inference import Denoiser
from bsn.inference.cluster import denoise_on_cluster
from bsn.inference.shared import FileOrder
from bsn.models import create

CHUNKS = (32, 256, 256)
LEVELS = 3


def ready(model: str) -> Denoiser:
    if model != "micro":
        return Denoiser(model)
    torch.manual_seed(0)
    return Denoiser(create("phase-unet-tiny", channels=1, widths=(4, 4, 4, 4)), outliers="ignore")


def layout_of(shape: tuple[int, int, int]) -> StoreLayout:
    """Three levels of OME-Zarr 0.5; pixels of 2 x 0.5 x 0.5 micrometres."""
    shapes = [(shape[0], *(-(-n // 2**level) for n in shape[1:])) for level in range(LEVELS)]
    plans = tuple(ArrayPlan(str(i), s, CHUNKS, {"dimension_names": list("zyx")}) for i, s in enumerate(shapes))
    scales = {"Z": (2.0, "micrometer"), "Y": (0.5, "micrometer"), "X": (0.5, "micrometer")}
    return StoreLayout(3, "ZYX", plans, new_attributes("ZYX", scales, shapes), (0, 1, 2))


def write_volume(path: Path, shape: tuple[int, int, int], seed: int = 0) -> None:
    """Blobs that drift from plane to plane, with Poisson and read noise of 12 bits in 16."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[1], : shape[2]].astype(np.float32)
    metadata = {LAYOUT: layout_of(shape)}
    with open_writer(path, shape, "ZYX", np.uint16, metadata) as writer:
        for plane in range(shape[0]):
            waves = np.sin(rows / 9 + plane / 20) * np.cos(columns / 13 - plane / 31) + np.sin((rows + columns) / 37)
            electrons = rng.poisson(40 + 15 * waves) + rng.normal(0, 3, waves.shape)
            writer.write(plane, 0, 0, np.clip(electrons * 16 + 400, 0, 65535).astype(np.uint16)[None])


def denoise(source: Path, target: Path, model: str, megabytes: int) -> None:
    """Denoise within a limit of memory."""
    if megabytes:
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 10**6, megabytes * 10**6))
    torch.set_num_threads(1)
    ready(model).denoise_file(source, target)


def check(source: Path, target: Path, model: str) -> None:
    """Compare planes with those denoised in memory, and the levels with means of blocks."""
    import zarr

    denoiser = ready(model)
    group, noisy = zarr.open(str(target), mode="r"), zarr.open(str(source), mode="r")
    assert dict(group.attrs) == dict(noisy.attrs)
    with open_image(target) as result:
        for plane in (0, result.planes // 2, result.planes - 1):
            found = result.read_plane(plane)
            np.testing.assert_array_equal(found[0], denoiser(noisy["0"][plane]))
            for level in range(1, LEVELS):
                height, width = (n // 2 * 2 for n in found.shape[1:])
                blocks = found[0, :height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
                found = np.floor(blocks + 0.5).astype(np.uint16)[None]
                stored = group[str(level)][plane]
                np.testing.assert_array_equal(stored[: height // 2, : width // 2], found[0])


def denoise_by_workers(source: Path, target: Path, model: str, workers: int) -> tuple[float, int]:
    """Seconds, and the largest resident memory of a worker."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.run(torch.set_num_threads, 1)
        start = time.perf_counter()
        report = denoise_on_cluster(ready(model), [FileOrder(source, target)], client)
        assert not report.failed, report.failed
        return time.perf_counter() - start, max(client.run(_peak).values())


def same_store(first: Path, second: Path) -> bool:
    """Whether two stores have the same pixels on all levels."""
    import zarr

    one, other = zarr.open(str(first), mode="r"), zarr.open(str(second), mode="r")
    return all(np.array_equal(one[str(level)][...], other[str(level)][...]) for level in range(LEVELS))


def by_workers(options: argparse.Namespace, shape: tuple[int, int, int], folder: Path) -> None:
    source, target, single = (folder / f"{name}.ome.zarr" for name in ("noisy", "clean", "single"))
    write_volume(source, shape)
    seconds, peak = denoise_by_workers(source, target, options.model, options.workers)
    denoise(source, single, options.model, 0)
    equal = same_store(target, single)
    found = {"shape": shape, "chunks": CHUNKS, "levels": LEVELS, "volume_bytes": int(np.prod(shape)) * 2}
    found |= {
        "model": options.model,
        "workers": options.workers,
        "seconds": seconds,
        "peak_bytes": peak,
        "bit_equal": equal,
    }
    print(f"{shape}: {seconds:6.0f} s, {peak / 1e6:6.0f} MB in a worker, bit-equal: {equal}")
    print(write_result("large_volume_dask", found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=[512, 1024, 1024])
    parser.add_argument("--model", default="photo-tiny")
    parser.add_argument("--limit", type=int, default=2000, help="megabytes of data; 0 for no limit")
    parser.add_argument("--folder", default=None, help="where the volumes lie for the time of the run")
    parser.add_argument("--workers", type=int, default=0, help="processes of a local Dask cluster; 0 for none")
    options = parser.parse_args()
    shape = tuple(options.shape)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.workers:
            by_workers(options, shape, Path(folder))
            return
        source, target = Path(folder, "noisy.ome.zarr"), Path(folder, "clean.ome.zarr")
        write_volume(source, shape)
        start = time.perf_counter()
        peak = peak_memory(denoise, source, target, options.model, options.limit)
        seconds = time.perf_counter() - start
        check(source, target, options.model)
    size = int(np.prod(shape)) * 2
    print(f"{shape}: {seconds:6.0f} s, peak {peak / 1e6:6.0f} MB (volume {size / 1e6:.0f} MB)")
    found = {
        "shape": shape,
        "chunks": CHUNKS,
        "levels": LEVELS,
        "volume_bytes": size,
        "limit_bytes": options.limit * 10**6,
    }
    found |= {"model": options.model, "threads": 1, "seconds": seconds, "peak_bytes": peak, "equal_to_memory": True}
    print(write_result("large_volume", found))


if __name__ == "__main__":
    main()
