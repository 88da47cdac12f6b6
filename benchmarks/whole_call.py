"""A whole call of the denoiser, uint8 to uint8, on a processor: how much of it the network is, against an earlier version.

    python -m benchmarks.whole_call [--against CHECKOUT] [--threads 1 2] [--size 512] [--repeats 9]

Each version and number of threads is a process of its own; they take turns call by call, so that a busy machine meets all of
them alike. Seconds of the processor are those that the call itself used, on all threads. The networks have random weights,
which changes nothing of the work. --against names a checkout of this repository at another commit. Prints a table, writes
benchmarks/results/whole_call.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import write_result

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("phase-unet-tiny", "tiny", "light")
SPOTS = "photo-tiny, dark image"

# Runs in either version, so it takes public names only.
CHILD = """
import sys, time, warnings
import numpy as np, torch
from bsn.inference import Denoiser
from bsn.models import create
from bsn.data.photographs import TEST_PHOTOGRAPH, photograph
import distill.students
warnings.simplefilter("ignore")
torch.set_num_threads(int(sys.argv[1]))
size, names, rng = int(sys.argv[2]), sys.argv[3].split(";"), np.random.default_rng(0)
clean = 255 * np.tile(photograph(TEST_PHOTOGRAPH), (1, 2, 2))[:, :size, :size].transpose(1, 2, 0)
photo = np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8)
dark = np.clip(rng.normal(20, 4, photo.shape), 0, 255).astype(np.uint8)
x = torch.rand(1, 3, size, size).contiguous(memory_format=torch.channels_last)
runs = {}
for name in names:
    torch.manual_seed(0)
    network = None if name.startswith("photo") else create(name).eval()
    denoiser = Denoiser("photo-tiny" if network is None else network, device="cpu")
    runs[name] = (denoiser, dark if network is None else photo)
    denoiser(runs[name][1])
print("ready", flush=True)
for line in sys.stdin:
    what, name = line.strip().split(";")
    denoiser, image = runs[name]
    used, start = time.process_time(), time.perf_counter()
    with torch.no_grad():
        total = int(denoiser(image).astype(np.int64).sum()) if what == "call" else denoiser.model.network(x).sum() * 0
    print(time.perf_counter() - start, time.process_time() - used, int(total), flush=True)
"""


class Version:
    """A process that runs calls on demand."""

    def __init__(self, root: Path, threads: int, size: int, names: list[str]) -> None:
        environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, "-c", CHILD, str(threads), str(size), ";".join(names)]
        self.process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read()

    def _read(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the measured process ended with {self.process.wait()}")
        return line.split()

    def run(self, what: str, name: str) -> tuple[float, float, int]:
        """Seconds by the clock and of the processor of one call, and the sum of its pixels."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what};{name}\n")
        self.process.stdin.flush()
        clock, used, total = self._read()
        return float(clock), float(used), int(total)

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.wait()


def measured(versions: dict[str, Version], name: str, repeats: int) -> list[dict[str, Any]]:
    """Medians of the whole call and of the network alone, for each version; the results must be the same."""
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for _ in range(repeats):
        for what in ("call", "network"):
            for version, process in versions.items():
                found.setdefault((version, what), []).append(process.run(what, name))
    totals = {total for (_, what), runs in found.items() for *_, total in runs if what == "call"}

    def median(version: str, what: str, index: int) -> float:
        return statistics.median(run[index] for run in found[version, what])

    return [
        {
            "network": name,
            "version": version,
            "seconds": median(version, "call", 0),
            "processor_seconds": median(version, "call", 1),
            "network_seconds": median(version, "network", 0),
            "network_processor_seconds": median(version, "network", 1),
            "same_result": len(totals) == 1,
        }
        for version in versions
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="checkout of an earlier commit")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    roots = {"now": ROOT, **({"before": options.against.resolve()} if options.against else {})}
    names, rows = [*NETWORKS, SPOTS], []
    for threads in options.threads:
        versions = {name: Version(root, threads, options.size, names) for name, root in roots.items()}
        for name in names:
            for row in measured(versions, name, options.repeats):
                rows.append({"threads": threads, **row})
                print(
                    f"{name:<24} {threads} threads  {row['version']:<7} {1e3 * row['seconds']:7.0f} ms by the clock, "
                    f"{1e3 * row['processor_seconds']:7.0f} ms of the processor, of which the network "
                    f"{1e3 * row['network_processor_seconds']:.0f} ms",
                    flush=True,
                )
        for version in versions.values():
            version.end()
    print(write_result("whole_call", {"size": options.size, "rows": rows}))


if __name__ == "__main__":
    main()
