"""Table by which "auto" chooses between kernels and plain operators, made of the stored benchmarks.

    python -m benchmarks.kernel_choice

Writes bsn/ops/measured.json from benchmarks/results/gpu/operators.json (`python -m benchmarks.gpu --only operators`); for
operators that are not in there, from attention_cuda.json. Of the time on the device and the time as launched the worse ratio
counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.attention import On, cases
from benchmarks.measure import RESULTS
from bsn.ops import measured

TABLE = Path(measured.__file__).with_name("measured.json")
PARTS_OF = {"channel_attention": ("channel_matrices", "channel_product")}  # measured together, chosen apart
PLAIN = ("reference", "literal", "flex")


def first_measurements(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of attention_cuda.json, which was written before rows told their class."""
    result = json.loads((folder / "attention_cuda.json").read_text(encoding="utf-8"))
    known = {case.name: case for case in cases(result["size"], On("cpu", getattr(torch, result["dtype"])))}
    seconds = {(row["operator"], row["train"], row["form"]): row["seconds"] for row in result["rows"]}
    for (name, train, form), own in seconds.items():
        if form != "auto":
            continue
        case = known[name]
        for operator in PARTS_OF.get(case.operator, (case.operator,)):
            yield {
                "operator": operator,
                "backend": "triton",
                "width": case.width,
                "pixels": case.pixels,
                "bytes": getattr(torch, result["dtype"]).itemsize,
                "train": train,
                "ratio": round(seconds[name, train, "reference"] / own, 3),
                "card": result["environment"]["machine"].rpartition(", ")[2],
            }


def last_measurements(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of the newest run of the part "operators" on a GPU."""
    path = folder / "gpu" / "operators.json"
    if not path.is_file():
        return
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
    newest = [run for run in runs if run["device"] == "cuda" and not run["tiny"]][-1:]
    for run in newest:
        for result in run["results"].values():
            for row in result["rows"]:
                if row["form"] not in PLAIN:
                    yield {
                        "operator": row["chosen_as"],
                        "backend": row["form"],
                        "width": row["width"],
                        "pixels": row["pixels"],
                        "bytes": result["bytes_per_value"],
                        "train": row["train"],
                        "ratio": round(min(row["ratio"], row["launched_ratio"]), 3),
                        "card": run["card"],
                    }


def rows(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """All measurements that count, sorted."""
    last = list(last_measurements(folder))
    again = {row["operator"] for row in last}
    found = last + [row for row in first_measurements(folder) if row["operator"] not in again]
    return sorted(found, key=lambda row: [str(value) for value in row.values()])


def text(found: list[dict[str, Any]]) -> str:
    """Content of the table: one row a line."""
    lines = ",\n".join(f"  {json.dumps(row)}" for row in found)
    return f'{{\n "command": "python -m benchmarks.kernel_choice",\n "rows": [\n{lines}\n ]\n}}\n'


def main() -> None:
    found = rows()
    TABLE.write_text(text(found), encoding="utf-8")
    for row in found:
        verdict = "kernel" if row["ratio"] >= 1 else "plain operators"
        kind = "with gradients" if row["train"] else "forward"
        print(f"{row['operator']:<22} {row['width']:4d} {row['pixels']:8d} {kind:<15} {row['ratio']:6.2f} x  {verdict}")


if __name__ == "__main__":
    main()
