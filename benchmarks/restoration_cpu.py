"""Full-size DDSA, DRT and ELF on the CPU: our form against the literal form of the specifications.

    python -m benchmarks.restoration_cpu [--size 256] [--repeats 3]

Both have the same weights and give the same numbers; the ratio is taken in one run, 2 threads, float32. DRT's literal form
takes multiples of 7 only, so both run at the next one. The literal ELF is ours with every attention and norm exchanged. All
are timed with malloc as it comes (how the published code runs), then with freed memory kept (bsn.engine.allocator, how ours
runs by default). Prints a table, writes benchmarks/results/restoration_cpu.json.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.measure import alternate, peak_memory, write_result
from bsn.engine.allocator import keep_freed_memory
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


def seconds(name: str, size: int, repeats: int) -> dict[str, float]:
    x = torch.rand(1, 3, size, size)
    with torch.no_grad():
        networks = {kind: build(name, kind) for kind in ("literal", "ours")}
        return alternate({kind: (lambda n=network: n(x)) for kind, network in networks.items()}, repeats)


def facts(name: str, size: int) -> dict[str, object]:
    x = torch.rand(1, 3, size, size)
    networks = {kind: build(name, kind) for kind in ("literal", "ours")}
    with torch.no_grad():
        expected, found = (main_output(network(x)) for network in networks.values())
    result = {
        "size": size,
        "parameters": count_parameters(networks["ours"]),
        "gmacs": macs_per_pixel(networks["ours"], size) * size**2 / 1e9,
        "relative_difference": float((expected - found).abs().max() / expected.abs().max()),
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
    sizes = {name: side(name, options.size) for name in NETWORKS}
    results = {name: facts(name, size) for name, size in sizes.items()}
    times = {"malloc as it comes": {name: seconds(name, size, options.repeats) for name, size in sizes.items()}}
    if keep_freed_memory():
        times["freed memory kept"] = {name: seconds(name, size, options.repeats) for name, size in sizes.items()}
    for setting, table in times.items():
        for name, row in table.items():
            published = times["malloc as it comes"][name]["literal"]
            print(
                f"{setting:<19} {name:<5} {sizes[name]}^2  literal {row['literal']:6.2f} s  ours {row['ours']:6.2f} s  "
                f"{row['literal'] / row['ours']:.2f} x  {published / row['ours']:.2f} x the literal form as it comes"
            )
    for name, r in results.items():
        memory = r["peak_bytes"]
        print(
            f"{name:<5} peak {memory['literal'] / 1e6:.0f} -> {memory['ours'] / 1e6:.0f} MB   "
            f"difference {r['relative_difference']:.1e}"
        )
    print(write_result("restoration_cpu", {"threads": 2, "seconds": times, "networks": results}))


if __name__ == "__main__":
    main()
