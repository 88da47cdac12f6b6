"""Where the time of full-size TBSN goes on a processor: shares of convolutions, products, norms, copies.

    python -m benchmarks.tbsn_profile [--size 128] [--step_size 64] [--threads 1]

The own times of PyTorch's operators in one forward pass and one training step (a crop) in float32, summed by kind of work.
Prints a table, writes benchmarks/results/tbsn_profile.json. (On a GPU: `python -m benchmarks.gpu --only profile`.)
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.gpu.networks import ours
from benchmarks.gpu.plan import Setting
from benchmarks.gpu.profile import own_times, table_of
from benchmarks.measure import write_result
from benchmarks.networks import forward_of, step_of
from bsn.engine.allocator import keep_freed_memory
from bsn.inference.config import InferenceConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--step_size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    setting = Setting("cpu")
    image, crop = (255 * torch.rand(1, 3, side, side) for side in (options.size, options.step_size))
    runs = {
        "forward": forward_of(ours(setting).eval(), image, InferenceConfig(engine="eager"), "auto"),
        "step": step_of(ours(setting).train(), crop, False, "auto"),
    }
    found = {}
    for name, run in runs.items():
        times = own_times(run, "cpu")
        kinds = table_of(times)
        total = sum(kinds.values())
        slowest = sorted(times, key=lambda item: -item[1])[:12]
        found[name] = {"seconds": total, "kinds": kinds, "slowest": [list(item) for item in slowest]}
        for kind, seconds in kinds.items():
            print(f"{name:<8} {kind:<20} {1e3 * seconds:8.1f} ms  {seconds / total:6.1%}", flush=True)
    sizes = {"size": options.size, "step_size": options.step_size}
    print(write_result("tbsn_profile", {**sizes, "threads": options.threads, "runs": found}))


if __name__ == "__main__":
    main()
