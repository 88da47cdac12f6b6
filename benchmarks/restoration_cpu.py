"""Full-size DDSA, DRT and ELF on the CPU: our form against the literal form of the specifications.

    python -m benchmarks.restoration_cpu [--size 256] [--repeats 3]

Both have the same weights and give the same numbers; the ratio is taken in one run, 2 threads, float32. DRT's literal form
takes multiples of 7 only, so both run at the next one. The literal ELF is ours with every attention and norm exchanged.
Prints a table, writes benchmarks/results/restoration_cpu.json.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.measure import alternate, peak_memory, write_result
from bsn.models.interface import main_output
from bsn.models.measure import count_parameters, macs_per_pixel
from restoration.models import DDSA, DRT, ELF
from tests.helpers.literal_restoration import LiteralDDSA, LiteralDRT, literal_elf

NETWORKS = ("ddsa", "drt", "elf")


def build(name: str, kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    if name == "elf":
        network = ELF().eval()
        return literal_elf(network) if kind == "literal" else network
    literal, ours = {"ddsa": (LiteralDDSA, DDSA), "drt": (LiteralDRT, DRT)}[name]
    network = literal().eval()
    return network if kind == "literal" else ours.from_official(network.state_dict(), {})


def side(name: str, size: int) -> int:
    return -(-size // 7) * 7 if name == "drt" else size


@torch.no_grad()
def forward(name: str, kind: str, size: int) -> None:
    torch.set_num_threads(2)
    build(name, kind)(torch.rand(1, 3, size, size))


def measure(name: str, size: int, repeats: int) -> dict[str, object]:
    size = side(name, size)
    x = torch.rand(1, 3, size, size)
    networks = {kind: build(name, kind) for kind in ("literal", "ours")}
    with torch.no_grad():
        expected, found = (main_output(network(x)) for network in networks.values())
        seconds = alternate({kind: (lambda n=network: n(x)) for kind, network in networks.items()}, repeats)
    result = {
        "size": size,
        "parameters": count_parameters(networks["ours"]),
        "gmacs": macs_per_pixel(networks["ours"], size) * size**2 / 1e9,
        "relative_difference": float((expected - found).abs().max() / expected.abs().max()),
        "seconds": seconds,
        "ratio": seconds["literal"] / seconds["ours"],
    }
    del networks
    result["peak_bytes"] = {kind: peak_memory(forward, name, kind, size) for kind in ("literal", "ours")}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    results = {}
    for name in NETWORKS:
        results[name] = r = measure(name, options.size, options.repeats)
        times, memory = r["seconds"], r["peak_bytes"]
        print(
            f"{name:<5} {r['size']}^2  literal {times['literal']:6.2f} s  ours {times['ours']:6.2f} s  {r['ratio']:.2f} x   "
            f"peak {memory['literal'] / 1e6:.0f} -> {memory['ours'] / 1e6:.0f} MB   difference {r['relative_difference']:.1e}",
            flush=True,
        )
    print(write_result("restoration_cpu", {"threads": 2, "networks": results}))


if __name__ == "__main__":
    main()
